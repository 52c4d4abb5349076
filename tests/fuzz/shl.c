/* Fuzz target: SMART Health Links: link, list, JWE, FHIR. main() replays files. */
#include <stdlib.h>
#include <string.h>
#include "source/jwe.h"
#include "source/link.h"
#include "source/shl.h"
#include "replay.h"

static void
contents(const char *text, size_t n)
{
	struct shl_docs ds = { 0 };
	struct err err = { 0 };
	struct buf b = BUF_INIT(SHL_PLAIN_MAX);
	size_t i = 0;

	if (buf_add(&b, text, n, &err) == RC_OK && shl_contents("", &b, &ds, &err) != RC_OK && err.text[0] == '\0')
		__builtin_trap();
	for (i = 0; i < ds.n; i++)
		if (ds.v[i].offer.id == NULL || ds.v[i].offer.media == NULL || (ds.v[i].data == NULL) == (ds.v[i].elsewhere == NULL))
			__builtin_trap();
	shl_docs_free(&ds);
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint8_t key[JWE_KEY_LEN] = { 1 };
	struct err err = { 0 };
	struct buf plain = BUF_INIT((size_t)1 << 20);
	struct shl_manifest m;
	struct shl_link l;
	char *text = malloc(n + 1), *name = NULL, host[256], cty[128];

	if (text == NULL)
		return 0;
	memcpy(text, data, n);
	text[n] = '\0';
	link_host(text, host, sizeof(host));
	if (link_check(text, &err) == RC_OK && link_key(text, &name, &err) == RC_OK)
		free(name);
	if (shl_payload(text) != NULL) {
		if (shl_link_parse(text, &l, &err) == RC_OK && (l.url == NULL || (l.passcode && l.direct)))
			__builtin_trap();
		shl_link_free(&l);
	}
	if (jwe_decrypt(text, n, key, &plain, cty, &err) == RC_OK && plain.len > (size_t)1 << 20)
		__builtin_trap();
	buf_free(&plain);
	if (shl_manifest_parse(text, n, &m, &err) == RC_OK)
		shl_manifest_free(&m);
	(void)shl_attempts(text, n);
	contents(text, n);
	free(text);
	return 0;
}
