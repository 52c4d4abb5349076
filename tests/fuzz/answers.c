/* Fuzz target: JSON that portals answer with: DLX, DICOM JSON, manifests of viewers. main() replays files. */
#include <stdlib.h>
#include <string.h>
#include "source/dicomweb.h"
#include "source/dlx.h"
#include "source/ohif.h"
#include "replay.h"

static void
offers(struct source_offer *v, size_t n)
{
	size_t i = 0;

	for (i = 0; i < n; i++) {
		if (v[i].id == NULL || v[i].media == NULL)
			__builtin_trap();
		source_offer_free(&v[i]);
	}
	free(v);
}

static void
dlx(const json_t *j)
{
	struct source_question *q = NULL;
	struct source_offer *v = NULL;
	struct err err = { 0 };
	char *base = NULL, *wado = NULL, *qido = NULL;
	size_t n = 0, i = 0;

	if (dlx_parse_info(j, "de_AT", &base, &q, &n, &err) == RC_OK)
		for (i = 0; i < n; i++) {
			if (q[i].id == NULL || q[i].type == NULL || q[i].text == NULL)
				__builtin_trap();
			source_question_free(&q[i]);
		}
	free(q);
	free(base);
	(void)dlx_tells_more(j);
	(void)dlx_parse_roots(j, &wado, &qido, &err);
	free(wado);
	free(qido);
	if (dlx_parse_list(j, &v, &n, &err) == RC_OK)
		offers(v, n);
}

static void
dicomweb(const json_t *j)
{
	struct instances t = { 0 };
	struct source_offer o;
	struct err err = { 0 };
	const json_t *one = NULL;
	size_t i = 0;

	json_array_foreach((json_t *)j, i, one) {
		if (dicomweb_offer(one, &o, &err) == RC_OK) {
			if (o.study_uid == NULL)
				__builtin_trap();
			source_offer_free(&o);
		}
		(void)dicomweb_instance(one, &t, NULL, &err);
		(void)dicomweb_matches(one, "StudyInstanceUID=1.2.3&StudyDate=20260901");
	}
	if (t.listed > t.n)
		__builtin_trap();
	instances_free(&t);
}

static void
ohif(const json_t *j)
{
	struct ohif o;
	struct err err = { 0 };
	char *qido = NULL, *wado = NULL;
	size_t i = 0, k = 0;

	if (ohif_parse(j, "https://h.example/a/m.json", &o, &err) != RC_OK && err.text[0] == '\0')
		__builtin_trap();
	for (i = 0; i < o.n; i++) {
		if (o.v[i].offer.id == NULL || o.v[i].offer.media == NULL)
			__builtin_trap();
		for (k = 0; k < o.v[i].list.n; k++)
			if (o.v[i].list.v[k].url == NULL || !o.v[i].list.v[k].listed)
				__builtin_trap();
	}
	ohif_free(&o);
	if (ohif_parse_roots(j, "https://h.example/a/c.json", &qido, &wado, &err) == RC_OK && (qido == NULL || wado == NULL))
		__builtin_trap();
	free(qido);
	free(wado);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct err err = { 0 };
	json_t *j = NULL;
	char *text = malloc(n + 1), *address = NULL, *asks[OHIF_ASKS_MAX];
	size_t nasks = 0;

	if (text == NULL)
		return 0;
	memcpy(text, data, n);
	text[n] = '\0';
	(void)dlx_timeout(text, n);
	(void)dlx_attempts(text, n);
	(void)ohif_address(text, &address, &err);
	free(address);
	(void)ohif_asks(text, asks, OHIF_ASKS_MAX, &nasks, &err);
	while (nasks > 0)
		free(asks[--nasks]);
	if (json_parse(text, n, &j, &err) == RC_OK) {
		dlx(j);
		dicomweb(j);
		ohif(j);
	}
	json_decref(j);
	free(text);
	return 0;
}
