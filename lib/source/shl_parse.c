#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/base64.h"
#include "base/hash.h"
#include "base/text.h"
#include "http/url.h"
#include "source/link.h"
#include "source/shl.h"

#define VERSION_KNOWN	1
#define KEY_CHARS	43	/* base64url of 32 bytes */
#define EXP_MS		100000000000LL	/* as seconds this is the year 5138: it was milliseconds */
#define MANIFEST_MAX	((size_t)16 << 20)	/* bytes; files may be embedded */

static void
wipe(char **s)
{
	if (*s != NULL)
		hash_wipe(*s, strlen(*s));
	free(*s);
	*s = NULL;
}

const char *
shl_payload(const char *link)
{
	static const char scheme[] = "shlink:/";
	const char *p = link, *mark = NULL;

	if (strncasecmp(p, scheme, sizeof(scheme) - 1) != 0) {
		if ((mark = strchr(p, '#')) == NULL || strncasecmp(mark + 1, scheme, sizeof(scheme) - 1) != 0)
			return NULL;
		p = mark + 1;
	}
	for (p += sizeof(scheme) - 1; *p == '/'; p++)	/* shlink:// is seen too */
		;
	return p;
}

static int
not_whole(struct err *err, const char *why)
{
	err_set(err, ERR_PROTOCOL, "a SMART Health Link that is not whole or not well made: %s", why);
	err_advise(err, "scan or copy it again, or ask the sender for a new one");
	return err_rc(ERR_PROTOCOL);
}

/* A number of seconds; seen in the wild: milliseconds, and as text. A hint: what cannot be read is not said. */
static long long
exp_of(const json_t *v)
{
	uint64_t n = 0;
	long long exp = -1;

	if (json_is_integer(v))
		exp = json_integer_value(v);
	else if (json_is_real(v) && json_real_value(v) >= 0 && json_real_value(v) < 1e15)
		exp = (long long)json_real_value(v);
	else if (json_is_string(v) && text_u64(json_string_value(v), (uint64_t)1 << 50, &n))
		exp = (long long)n;
	return exp >= EXP_MS ? exp / 1000 : exp;
}

static int
fields_of(const json_t *j, struct shl_link *l, struct err *err)
{
	const char *url = json_string_value(json_object_get(j, "url")), *flag = json_string_value(json_object_get(j, "flag"));
	const char *key = json_string_value(json_object_get(j, "key"));
	const json_t *v = json_object_get(j, "v");
	uint8_t bytes[BASE64_SIZE(KEY_CHARS)];
	struct url u;
	size_t n = 0;

	if (!json_is_object(j))
		return not_whole(err, "it holds no JSON object");
	if (v != NULL && json_number_value(v) != VERSION_KNOWN) {
		err_set(err, ERR_PROTOCOL, "a SMART Health Link of a version that is not supported; nothing was asked");
		err_advise(err, "ask the sender for one of version 1, a DICOM Link Exchange (DLX) link or a ZIP");
		return err_rc(ERR_PROTOCOL);
	}
	if (json_object_get(j, "flag") != NULL && flag == NULL)
		return not_whole(err, "its flags are no text");
	if (url == NULL || url[0] == '\0')
		return not_whole(err, "it has no url");
	if (strlen(url) > SHL_URL_MAX)
		return not_whole(err, "its url has more than 128 characters");
	if (key == NULL || strlen(key) != KEY_CHARS || !base64_decode(BASE64_URL, key, KEY_CHARS, bytes, &n) ||
	    n != JWE_KEY_LEN)
		return not_whole(err, "its key is not 43 characters of base64url");
	memcpy(l->key, bytes, JWE_KEY_LEN);
	hash_wipe(bytes, sizeof(bytes));
	if (url_parse(url, &u, err) != RC_OK)
		return err->kind == ERR_TEMP ? err_rc(err->kind) : not_whole(err, "its url is no https address");
	url_free(&u);
	l->passcode = flag != NULL && strchr(flag, 'P') != NULL;
	l->direct = flag != NULL && strchr(flag, 'U') != NULL;
	if (l->passcode && l->direct)
		return not_whole(err, "its flags P and U exclude each other");
	l->exp = exp_of(json_object_get(j, "exp"));
	l->url = text_dup(url, err);
	return l->url == NULL ? err_rc(err->kind) : RC_OK;
}

int
shl_link_parse(const char *link, struct shl_link *l, struct err *err)
{
	const char *p = shl_payload(link);
	size_t len = p != NULL ? strlen(p) : 0, n = 0;
	char *text = NULL;
	json_t *j = NULL;
	int rc = RC_OK;

	memset(l, 0, sizeof(*l));
	l->exp = -1;
	if (p == NULL)
		return err_set(err, ERR_INTERNAL, "not a SMART Health Link");
	if (len > LINK_MAX)
		return not_whole(err, "it is too long");
	if ((text = malloc(BASE64_SIZE(len))) == NULL)
		return err_sys(err, ENOMEM, "cannot read the link");
	if (!base64_decode(BASE64_URL, p, len, text, &n) || n == 0)
		rc = not_whole(err, "what stands behind shlink:/ is not base64url");
	else if (json_parse(text, n, &j, err) != RC_OK)
		rc = err->kind == ERR_TEMP ? err_rc(err->kind) : not_whole(err, "it holds no JSON");
	else
		rc = fields_of(j, l, err);
	json_decref(j);
	hash_wipe(text, n);
	free(text);
	if (rc != RC_OK)
		shl_link_free(l);
	return rc;
}

void
shl_link_free(struct shl_link *l)
{
	wipe(&l->url);
	hash_wipe(l->key, sizeof(l->key));
}

static int
file_of(const json_t *v, struct shl_file *f, struct err *err)
{
	const char *type = json_string_value(json_object_get(v, "contentType"));
	const char *embedded = json_string_value(json_object_get(v, "embedded"));
	const char *location = json_string_value(json_object_get(v, "location"));

	memset(f, 0, sizeof(*f));
	if (embedded == NULL && location == NULL)
		return err_set(err, ERR_PROTOCOL, "a file in the link's list has neither content nor location");
	if (location != NULL && embedded == NULL && strlen(location) > URL_MAX)
		return err_set(err, ERR_PROTOCOL, "a location in the link's list is longer than %d bytes", URL_MAX);
	if ((f->type = text_dup(type != NULL ? type : "", err)) == NULL ||
	    (embedded != NULL && (f->embedded = text_dup(embedded, err)) == NULL) ||
	    (embedded == NULL && (f->location = text_dup(location, err)) == NULL))
		return err_rc(err->kind);
	return RC_OK;
}

int
shl_manifest_parse(const char *text, size_t len, struct shl_manifest *m, struct err *err)
{
	const json_t *files = NULL;
	json_t *j = NULL;
	size_t i = 0, n = 0;
	int rc = RC_OK;

	memset(m, 0, sizeof(*m));
	if (len > MANIFEST_MAX)
		return err_set(err, ERR_PROTOCOL, "the link's list has more than %zu MB", MANIFEST_MAX >> 20);
	if ((rc = json_parse(text, len, &j, err)) != RC_OK) {
		err_wrap(err, "the link's list");
		if (err->kind == ERR_DATA)
			err->kind = ERR_PROTOCOL;
		return err_rc(err->kind);
	}
	files = json_object_get(j, "files");
	n = json_array_size(files);
	if (!json_is_array(files))
		rc = err_set(err, ERR_PROTOCOL, "the answer to the link is JSON, but no list of files");
	else if (n > SHL_FILES_MAX)
		rc = err_set(err, ERR_PROTOCOL, "the link's list has more than %d files", SHL_FILES_MAX);
	else if ((m->v = calloc(n + 1, sizeof(*m->v))) == NULL)
		rc = err_sys(err, ENOMEM, "cannot read the link's list");
	for (i = 0; rc == RC_OK && i < n; i++) {
		m->n++;
		rc = file_of(json_array_get(files, i), &m->v[i], err);
	}
	json_decref(j);
	if (rc != RC_OK)
		shl_manifest_free(m);
	return rc;
}

void
shl_manifest_free(struct shl_manifest *m)
{
	size_t i = 0;

	for (i = 0; i < m->n; i++) {
		free(m->v[i].type);
		wipe(&m->v[i].embedded);
		wipe(&m->v[i].location);
	}
	free(m->v);
	memset(m, 0, sizeof(*m));
}

long
shl_attempts(const char *text, size_t len)
{
	struct err e = { 0 };
	json_t *j = NULL;
	const json_t *v = NULL;
	long n = -1;

	if (text == NULL || json_parse(text, len, &j, &e) != RC_OK)
		return -1;
	v = json_object_get(j, "remainingAttempts");
	if (json_is_integer(v) && json_integer_value(v) >= 0 && json_integer_value(v) < 1000000)
		n = (long)json_integer_value(v);
	json_decref(j);
	return n;
}
