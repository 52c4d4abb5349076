#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/buf.h"
#include "base/hash.h"
#include "base/text.h"
#include "http/url.h"

static int
no_memory(struct err *err)
{
	return err_sys(err, ENOMEM, "cannot hold an address");
}

static void
lower(char *s)
{
	for (; *s != '\0'; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}

int
url_parse(const char *text, struct url *url, struct err *err)
{
	CURLU *u = NULL;
	CURLUcode c = CURLUE_OK;
	char *part = NULL;
	uint64_t port = 0;
	int rc = RC_OK;

	memset(url, 0, sizeof(*url));
	if (strlen(text) >= URL_MAX)
		return err_set(err, ERR_PROTOCOL, "a link of more than %d bytes", URL_MAX);
	u = curl_url();
	if (u == NULL)
		return no_memory(err);
	c = curl_url_set(u, CURLUPART_URL, text, CURLU_DISALLOW_USER | CURLU_NON_SUPPORT_SCHEME);
	if (c == CURLUE_USER_NOT_ALLOWED) {
		rc = err_set(err, ERR_PROTOCOL, "a link with a user name or password in it");
		goto out;
	}
	if (c != CURLUE_OK || curl_url_get(u, CURLUPART_SCHEME, &part, 0) != CURLUE_OK)
		goto bad;
	lower(part);
	if (strcmp(part, "https") != 0 && strcmp(part, "http") != 0)
		goto bad;
	text_copy(url->scheme, sizeof(url->scheme), part);
	curl_free(part);
	part = NULL;
	if (curl_url_get(u, CURLUPART_HOST, &part, 0) != CURLUE_OK || part[0] == '\0' ||
	    !text_copy(url->host, sizeof(url->host), part))
		goto bad;
	lower(url->host);
	curl_free(part);
	part = NULL;
	if (curl_url_get(u, CURLUPART_PORT, &part, CURLU_DEFAULT_PORT) != CURLUE_OK || !text_u64(part, 65535, &port))
		goto bad;
	url->port = (unsigned)port;
	curl_free(part);
	part = NULL;
	if (curl_url_get(u, CURLUPART_PATH, &part, 0) != CURLUE_OK)
		goto bad;
	if ((url->path = text_dup(part, err)) == NULL) {
		rc = err_rc(err->kind);
		goto out;
	}
	hash_wipe(part, strlen(part));
	curl_free(part);
	part = NULL;
	if (curl_url_get(u, CURLUPART_QUERY, &part, 0) == CURLUE_OK &&
	    (url->query = text_dup(part, err)) == NULL)
		rc = err_rc(err->kind);
	goto out;
bad:
	rc = err_set(err, ERR_PROTOCOL, "not a web address");
out:
	if (part != NULL)
		hash_wipe(part, strlen(part));
	curl_free(part);
	curl_url_cleanup(u);
	if (rc != RC_OK)
		url_free(url);
	return rc;
}

void
url_free(struct url *url)
{
	if (url->path != NULL)
		hash_wipe(url->path, strlen(url->path));
	if (url->query != NULL)
		hash_wipe(url->query, strlen(url->query));
	free(url->path);
	free(url->query);
	url->path = url->query = NULL;
}

size_t
url_fits(const char *prefix, const struct url *url)
{
	struct err e = { 0 };
	struct url p;
	size_t n = 0, len = 0;

	if (strstr(prefix, "://") == NULL)
		return strcasecmp(prefix, url->host) == 0 ? strlen(prefix) : 0;
	if (url_parse(prefix, &p, &e) != RC_OK)
		return 0;
	n = strlen(p.path);
	if (n > 0 && p.path[n - 1] == '/')
		n--;
	if (strcmp(p.scheme, url->scheme) == 0 && strcmp(p.host, url->host) == 0 && p.port == url->port &&
	    strncmp(p.path, url->path, n) == 0 && (url->path[n] == '\0' || url->path[n] == '/'))
		len = strlen(p.host) + 1 + n;
	url_free(&p);
	return len;
}

int
url_resolve(const char *base, const char *rel, char **out, struct err *err)
{
	CURLU *u = curl_url();
	char *text = NULL;
	int rc = RC_OK;

	*out = NULL;
	if (u == NULL)
		return no_memory(err);
	if (strlen(rel) >= URL_MAX || curl_url_set(u, CURLUPART_URL, base, 0) != CURLUE_OK ||
	    curl_url_set(u, CURLUPART_URL, rel, CURLU_DISALLOW_USER) != CURLUE_OK ||
	    curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_URL, &text, 0) != CURLUE_OK) {
		rc = err_set(err, ERR_PROTOCOL, "the portal named an address that cannot be used");
		goto out;
	}
	if ((*out = text_dup(text, err)) == NULL)
		rc = err_rc(err->kind);
out:
	if (text != NULL)
		hash_wipe(text, strlen(text));
	curl_free(text);
	curl_url_cleanup(u);
	return rc;
}

int
url_append(const char *base, const char *name, const char *segment, char **out, struct err *err)
{
	struct buf b = BUF_INIT(URL_MAX);
	size_t n = strcspn(base, "?#");
	char *coded = NULL;
	int rc = RC_OK;

	*out = NULL;
	while (n > 0 && base[n - 1] == '/')
		n--;
	if (segment != NULL && (coded = curl_easy_escape(NULL, segment, 0)) == NULL)
		return no_memory(err);
	if ((rc = buf_add(&b, base, n, err)) != RC_OK || (rc = buf_puts(&b, "/", err)) != RC_OK ||
	    (rc = buf_puts(&b, name, err)) != RC_OK)
		goto out;
	if (coded != NULL && ((rc = buf_puts(&b, "/", err)) != RC_OK || (rc = buf_puts(&b, coded, err)) != RC_OK))
		goto out;
	if ((*out = text_dup(b.data, err)) == NULL)
		rc = err_rc(err->kind);
out:
	curl_free(coded);
	buf_wipe(&b);
	return rc;
}

int
url_decode(const char *text, size_t len, char **out, struct err *err)
{
	char *plain = NULL;
	int n = 0;

	*out = NULL;
	if (len == 0)	/* curl takes 0 for "measure it" */
		return (*out = text_dup("", err)) == NULL ? err_rc(err->kind) : RC_OK;
	plain = curl_easy_unescape(NULL, text, (int)len, &n);
	if (plain == NULL)
		return no_memory(err);
	if (strlen(plain) != (size_t)n) {
		curl_free(plain);
		return err_set(err, ERR_PROTOCOL, "a NUL byte in a link");
	}
	*out = text_dup(plain, err);
	hash_wipe(plain, (size_t)n);
	curl_free(plain);
	return *out == NULL ? err_rc(err->kind) : RC_OK;
}

int
url_query(const struct url *url, const char *name, char **out, struct err *err)
{
	const char *p = url->query;
	size_t n = strlen(name), len = 0;

	*out = NULL;
	for (; p != NULL && *p != '\0'; p += len + (p[len] == '&')) {
		len = strcspn(p, "&");
		if (len > n && strncmp(p, name, n) == 0 && p[n] == '=')
			return url_decode(p + n + 1, len - n - 1, out, err);
	}
	return RC_OK;
}
