#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "http/jar.h"
#include "http/replay.h"
#include "http/transfer.h"

#define COOKIE_FIELDS	7	/* domain, subdomains, path, secure, expires, name, value: tabs between them */

int
http_cookies(struct http *h, struct err *err)
{
	if (h->o.replay != NULL)	/* no headers are compared, so none is kept */
		return RC_OK;
	if (curl_easy_setopt(h->curl, CURLOPT_COOKIEFILE, "") != CURLE_OK)	/* on, and nothing is read */
		return err_set(err, ERR_INTERNAL, "libcurl has no cookies");
	return RC_OK;
}

const char *
http_header(struct http *h, const char *name)
{
	struct curl_header *hd = NULL;

	if (h->o.replay != NULL)
		return replay_header(h->o.replay, name);
	return curl_easy_header(h->curl, name, 0, CURLH_HEADER, -1, &hd) == CURLHE_OK ? hd->value : NULL;
}

int
http_cookie(struct http *h, const char *name, char **out, struct err *err)
{
	struct curl_slist *list = NULL, *l = NULL;
	const char *field[COOKIE_FIELDS] = { NULL }, *p = NULL;
	size_t n = strlen(name);
	int i = 0, rc = RC_OK;

	*out = NULL;
	if (h->o.replay != NULL)
		return replay_cookie(h->o.replay, name, out, err);
	if (curl_easy_getinfo(h->curl, CURLINFO_COOKIELIST, &list) != CURLE_OK)
		return RC_OK;
	for (l = list; l != NULL && *out == NULL && rc == RC_OK; l = l->next) {
		for (i = 0, p = l->data; p != NULL && i < COOKIE_FIELDS; i++) {
			field[i] = p;
			p = strchr(p, '\t');
			p = p != NULL ? p + 1 : NULL;
		}
		if (i == COOKIE_FIELDS && strncmp(field[5], name, n) == 0 && field[5][n] == '\t' &&
		    (*out = text_dup(field[6], err)) == NULL)
			rc = err_rc(err->kind);
	}
	curl_slist_free_all(list);
	return rc;
}

void
http_narrow(struct http *h, const struct http_options *to)
{
	if (to->gap_ms > h->o.gap_ms)
		h->o.gap_ms = to->gap_ms;
	if (to->wait_ms > 0 && to->wait_ms < h->o.wait_ms)
		h->o.wait_ms = to->wait_ms;
	if (to->max_requests > 0 && to->max_requests < h->o.max_requests)
		h->o.max_requests = to->max_requests;
	if (to->max_bytes > 0 && to->max_bytes < h->o.max_bytes)
		h->o.max_bytes = to->max_bytes;
}
