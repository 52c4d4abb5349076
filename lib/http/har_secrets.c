#include "http/har_secrets.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/hash.h"
#include "base/text.h"
#include "http/url.h"

#define DEPTH_MAX	8
#define SEGMENT_LONG	16	/* of a path: such a segment names one thing, and that may be a token */
#define SEGMENT_MIXED	6	/* letters and digits mixed: also */

static void
add(struct redact *r, const char *kind, const char *s, size_t n)
{
	struct err e = { 0 };
	char *plain = NULL;

	if (url_decode(s, n, &plain, &e) != RC_OK)
		plain = strndup(s, n);
	if (plain != NULL) {
		(void)redact_add_as(r, kind, plain, &e);
		hash_wipe(plain, strlen(plain));
	}
	free(plain);
}

static bool
is_word(const char *s, size_t n)
{
	return strspn(s, "abcdefghijklmnopqrstuvwxyz-_") >= n;
}

void
har_hide_address(struct redact *r, const char *url)
{
	const char *p = strstr(url, "://");
	size_t n = 0, name = 0, digits = 0, i = 0;

	p = p != NULL ? p + 3 : url;
	for (p += strcspn(p, "/?#"); *p == '/'; p += n) {
		n = strcspn(++p, "/?#");
		for (i = digits = 0; i < n; i++)
			digits += p[i] >= '0' && p[i] <= '9';
		if (n >= SEGMENT_LONG || (n >= SEGMENT_MIXED && digits > 0))
			add(r, "path", p, n);
	}
	for (p = *p == '?' ? p + 1 : ""; *p != '\0' && *p != '#'; p += n + (p[n] == '&')) {
		n = strcspn(p, "&#");
		name = strcspn(p, "=&#");
		if (name < n && !is_word(p + name + 1, n - name - 1))
			add(r, "query", p + name + 1, n - name - 1);
	}
}

/* RFC 7519: three parts of base64url, the first of which is a JSON object: "eyJ". */
static void
in_text(struct redact *r, const char *text)
{
	static const char part[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
	size_t n = 0;

	for (; (text = strstr(text, "eyJ")) != NULL; text += n) {
		n = strspn(text, part);
		if (memchr(text, '.', n) != NULL)
			add(r, "jwt", text, n);
	}
}

/* Elements of DICOM JSON (PS3.18 F.2) that say whose records these are: group 0010, and what an order names. */
static bool
names_patient(const char *tag)
{
	static const char *const tags[] = { "00080050", "0020000D" };	/* Accession Number, Study Instance UID */
	size_t i = 0;

	if (strlen(tag) != 8)
		return false;
	for (i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		if (strcmp(tag, tags[i]) == 0)
			return true;
	return strncmp(tag, "0010", 4) == 0 && strcmp(tag, "00100040") != 0;
}

static void
add_strings(struct redact *r, const json_t *j, int depth)
{
	const json_t *one = NULL;
	const char *key = NULL;
	size_t i = 0;

	if (json_is_string(j))
		add(r, "dicom", json_string_value(j), json_string_length(j));
	if (depth > DEPTH_MAX)
		return;
	json_array_foreach((json_t *)(uintptr_t)j, i, one)
		add_strings(r, one, depth + 1);
	json_object_foreach((json_t *)(uintptr_t)j, key, one)
		if (strcmp(key, "vr") != 0)
			add_strings(r, one, depth + 1);
}

/* A list of DICOM JSON: of other patients too, where a portal answers more than it was asked. */
static void
in_dicom(struct redact *r, const json_t *content)
{
	const char *type = json_text(content, "mimeType"), *key = NULL;
	const json_t *one = NULL, *value = NULL;
	struct err e = { 0 };
	json_t *j = NULL;
	size_t i = 0;

	if (strcmp(type, "application/dicom+json") != 0 && strcmp(type, "application/json") != 0)
		return;
	if (json_parse(json_text(content, "text"), strlen(json_text(content, "text")), &j, &e) != RC_OK)
		return;
	json_array_foreach(j, i, one)
		json_object_foreach((json_t *)(uintptr_t)one, key, value)
			if (names_patient(key))
				add_strings(r, value, 0);
	json_decref(j);
}

static void
in_headers(struct redact *r, const json_t *headers)
{
	const char *name = NULL, *v = NULL;
	const json_t *h = NULL;
	size_t i = 0;

	json_array_foreach(headers, i, h) {
		name = json_text(h, "name");
		v = json_text(h, "value");
		if (strcasecmp(name, "Authorization") == 0 || strcasecmp(name, "Proxy-Authorization") == 0) {
			v = strchr(v, ' ') != NULL ? strchr(v, ' ') + 1 : v;
			add(r, "bearer", v, strlen(v));
		} else if (strcasecmp(name, "Location") == 0) {
			har_hide_address(r, v);
		} else if (strcasecmp(name, "Set-Cookie") == 0 && strchr(v, '=') != NULL) {
			v = strchr(v, '=') + 1;
			add(r, "cookie", v, strcspn(v, ";"));
		} else if (strcasecmp(name, "Cookie") == 0) {
			for (; (v = strchr(v, '=')) != NULL; v += strcspn(v, ";")) {
				v++;
				add(r, "cookie", v, strcspn(v, ";"));
			}
		}
		in_text(r, json_text(h, "value"));
	}
}

void
har_find_secrets(struct redact *r, const json_t *entry)
{
	const json_t *q = json_object_get(entry, "request"), *a = json_object_get(entry, "response");

	har_hide_address(r, json_text(q, "url"));
	har_hide_address(r, json_text(a, "redirectURL"));
	in_headers(r, json_object_get(q, "headers"));
	in_headers(r, json_object_get(a, "headers"));
	in_text(r, json_text(json_object_get(q, "postData"), "text"));
	in_text(r, json_text(json_object_get(a, "content"), "text"));
	in_dicom(r, json_object_get(a, "content"));
}

static int
redact_value(const struct redact *known, const struct redact *found, const char *key, json_t **v)
{
	struct buf b = BUF_INIT((size_t)8 << 20), c = BUF_INIT((size_t)8 << 20);
	const char *s = json_string_value(*v), *rest = NULL;
	size_t n = json_string_length(*v), host = 0;
	struct err e = { 0 };
	int rc = RC_OK;

	if ((strcmp(key, "url") == 0 || strcmp(key, "redirectURL") == 0) && (rest = strstr(s, "://")) != NULL)
		host = (size_t)(rest - s) + 3 + strcspn(rest + 3, "/?#");
	if ((rc = redact_buf(known, s, host, &b, &e)) == RC_OK &&
	    (rc = redact_buf(known, s + host, n - host, &b, &e)) == RC_OK)
		rc = redact_buf(found, b.data, b.len, &c, &e);
	if (rc == RC_OK && (*v = json_stringn(c.data, c.len)) == NULL)
		rc = err_rc(ERR_TEMP);
	buf_wipe(&b);
	buf_wipe(&c);
	return rc;
}

static int
walk(const struct redact *known, const struct redact *found, json_t *j, int depth)
{
	static const char *const keep[] = { "startedDateTime", "httpVersion", "_sha256", "method", "_media",
		"_session", "_step", "_kind", "_state" };
	const char *key = NULL;
	json_t *v = NULL, *to = NULL;
	void *tmp = NULL;
	size_t i = 0, k = 0;
	int rc = RC_OK;

	if (depth > DEPTH_MAX)
		return err_rc(ERR_INTERNAL);
	json_array_foreach(j, i, v) {
		to = v;
		rc = json_is_string(v) ? redact_value(known, found, "", &to) : walk(known, found, v, depth + 1);
		if (rc != RC_OK || (to != v && json_array_set_new(j, i, to) != 0))
			return rc != RC_OK ? rc : err_rc(ERR_TEMP);
	}
	json_object_foreach_safe(j, tmp, key, v) {
		for (k = 0; k < sizeof(keep) / sizeof(keep[0]) && strcmp(keep[k], key) != 0; k++)
			;
		if (k < sizeof(keep) / sizeof(keep[0]))
			continue;
		to = v;
		rc = json_is_string(v) ? redact_value(known, found, key, &to) : walk(known, found, v, depth + 1);
		if (rc != RC_OK || (to != v && json_object_set_new(j, key, to) != 0))
			return rc != RC_OK ? rc : err_rc(ERR_TEMP);
	}
	return RC_OK;
}

int
har_redact(const struct redact *known, const struct redact *found, json_t *entry)
{
	return walk(known, found, entry, 0);
}
