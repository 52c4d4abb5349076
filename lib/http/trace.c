#include <curl/curl.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/hash.h"
#include "base/text.h"
#include "http/trace.h"
#include "http/transfer.h"

#define CERTS_MAX	8	/* of a chain */

void
http_trace(struct http *h, http_trace_fn *fn, void *arg)
{
	h->trace.fn = fn;
	h->trace.arg = arg;
	curl_easy_setopt(h->curl, CURLOPT_CERTINFO, fn != NULL ? 1L : 0L);
}

void
trace_free(struct http *h)
{
	buf_wipe(&h->trace.body);
	hash_free(h->trace.hash);
	h->trace.hash = NULL;
}

void
trace_begin(struct http *h)
{
	struct err e = { 0 };

	if (h->trace.fn == NULL)
		return;
	trace_free(h);
	h->trace.body.max = TRACE_BODY_MAX + 1;
	h->trace.version[0] = h->trace.cipher[0] = '\0';
	(void)hash_new(&h->trace.hash, &e);
}

/* Called when the connection is there and the request is about to go: later curl may have let go of it. */
void
trace_connected(struct http *h)
{
	struct curl_tlssessioninfo *info = NULL;

	if (h->trace.fn == NULL || curl_easy_getinfo(h->curl, CURLINFO_TLS_SSL_PTR, &info) != CURLE_OK || info == NULL ||
	    info->backend != CURLSSLBACKEND_OPENSSL || info->internals == NULL)
		return;
	text_copy(h->trace.version, sizeof(h->trace.version), SSL_get_version(info->internals));
	text_copy(h->trace.cipher, sizeof(h->trace.cipher), SSL_get_cipher_name(info->internals));
}

void
trace_body(struct http *h, const void *data, size_t n)
{
	struct err e = { 0 };
	size_t room = TRACE_BODY_MAX - h->trace.body.len;

	if (h->trace.fn == NULL)
		return;
	if (h->trace.hash != NULL && hash_add(h->trace.hash, data, n, &e) != RC_OK) {
		hash_free(h->trace.hash);
		h->trace.hash = NULL;
	}
	(void)buf_add(&h->trace.body, data, n < room ? n : room, &e);
}

static void
read_certs(CURL *c, char *lines[CERTS_MAX], size_t *n)
{
	static const char *const wanted[] = { "Subject:", "Issuer:", "Expire date:" };
	struct curl_certinfo *info = NULL;
	struct curl_slist *l = NULL;
	struct buf b = BUF_INIT((size_t)16 << 10);
	struct err e = { 0 };
	size_t k = 0;
	int i = 0;

	if (curl_easy_getinfo(c, CURLINFO_CERTINFO, &info) != CURLE_OK || info == NULL)
		return;
	for (i = 0; i < info->num_of_certs && *n < CERTS_MAX; i++) {
		buf_clear(&b);
		for (k = 0; k < 3; k++)
			for (l = info->certinfo[i]; l != NULL; l = l->next)
				if (text_starts(l->data, wanted[k]))
					(void)buf_printf(&b, &e, "%s%s", b.len > 0 ? "; " : "", l->data);
		if (b.len > 0 && (lines[*n] = text_dup(b.data, &e)) != NULL)
			++*n;
	}
	buf_free(&b);
}

static void
read_headers(CURL *c, struct http_exchange *x)
{
	struct curl_header *hd = NULL;

	while (x->nheaders < TRACE_HEADERS_MAX && (hd = curl_easy_nextheader(c, CURLH_HEADER, -1, hd)) != NULL) {
		x->names[x->nheaders] = hd->name;
		x->values[x->nheaders++] = hd->value;
	}
}

static int64_t
when(CURL *c, CURLINFO what)
{
	curl_off_t us = 0;

	return curl_easy_getinfo(c, what, &us) == CURLE_OK ? (int64_t)us : 0;
}

void
trace_end(struct http *h, const struct http_request *req, const char *url, const void *headers,
    const struct http_response *resp, const char *location, int rc, const struct err *err)
{
	struct http_exchange x = { .method = req->method, .url = url, .location = location, .body = req->body,
	    .body_len = req->body_len, .body_type = req->body_type, .status = resp->status, .type = resp->type,
	    .bytes = resp->bytes, .error = rc != RC_OK ? err->text : NULL, .error_kind = err->kind,
	    .tls_version = h->trace.version, .tls_cipher = h->trace.cipher };
	const struct curl_slist *l = headers;
	const char *sent[64], *ip = NULL;
	char *certs[CERTS_MAX] = { NULL };
	long version = 0, fresh = 0;
	uint8_t sum[HASH_LEN];
	struct err e = { 0 };
	size_t i = 0;

	if (h->trace.fn == NULL)
		return;
	for (; l != NULL && x.nsent < 64; l = l->next)
		sent[x.nsent++] = l->data;
	x.sent = sent;
	read_headers(h->curl, &x);
	curl_easy_getinfo(h->curl, CURLINFO_HTTP_VERSION, &version);
	x.http_version = version == CURL_HTTP_VERSION_1_0 ? 10 : version == CURL_HTTP_VERSION_1_1 ? 11 :
	    version == CURL_HTTP_VERSION_2_0 ? 20 : 0;
	x.text = h->trace.body.data != NULL ? h->trace.body.data : "";
	x.text_len = h->trace.body.len;
	if (h->trace.hash != NULL && hash_end(h->trace.hash, sum, &e) == RC_OK)
		text_hex(sum, sizeof(sum), x.sha256);
	x.dns = when(h->curl, CURLINFO_NAMELOOKUP_TIME_T);
	x.connected = when(h->curl, CURLINFO_CONNECT_TIME_T);
	x.tls = when(h->curl, CURLINFO_APPCONNECT_TIME_T);
	x.sending = when(h->curl, CURLINFO_PRETRANSFER_TIME_T);
	x.first = when(h->curl, CURLINFO_STARTTRANSFER_TIME_T);
	x.total = when(h->curl, CURLINFO_TOTAL_TIME_T);
	curl_easy_getinfo(h->curl, CURLINFO_NUM_CONNECTS, &fresh);
	x.reused = fresh == 0 && resp->status != 0;
	curl_easy_getinfo(h->curl, CURLINFO_PRIMARY_IP, &ip);
	curl_easy_getinfo(h->curl, CURLINFO_PRIMARY_PORT, &x.port);
	x.ip = ip != NULL ? ip : "";
	if (fresh > 0)
		read_certs(h->curl, certs, &x.ncerts);
	x.certs = (const char *const *)certs;
	h->trace.fn(h->trace.arg, &x);
	for (i = 0; i < x.ncerts; i++)
		free(certs[i]);
}
