#include <curl/curl.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"
#include "http/proxy.h"
#include "http/transfer.h"

#define CONNECT_MS	30000	/* a portal that needs longer for a TCP and TLS handshake is not there */
#define LOW_SPEED	64	/* bytes a second; below it for a whole step is a stall */

static bool
to_sink(const struct transfer *t)
{
	return t->req->sink != NULL && t->resp->status >= 200 && t->resp->status < 300;
}

/* A 206 to our Range: the next bytes of what the sink holds. For the caller it is the whole then. */
static bool
go_on(struct transfer *t)
{
	struct http_response *resp = t->resp;
	long long total = -1;

	if (!resume_fits(&t->h->resume, t->h->curl, &total)) {
		resume_forget(&t->h->resume);
		resp->anew = "the server sent another part than was asked for";
		t->unfit = true;
		t->rc = err_set(&t->inner, ERR_TEMP, "%s", resp->anew);
		return false;
	}
	t->began = true;
	t->h->resume.total = resp->length = total;
	resp->bytes = t->h->resume.have;
	resp->status = 200;
	resp->resumed++;
	return true;
}

/* What the headers say; called before the first byte of the body and again at the end. */
static int
read_headers(struct transfer *t)
{
	struct curl_header *hd = NULL;
	struct http_response *resp = t->resp;
	CURL *c = t->h->curl;
	const char *type = NULL;
	curl_off_t n = -1, retry = 0;
	long version = 0;
	size_t i = 0;

	if (t->headed)
		return t->rc;
	t->headed = true;
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &resp->status);
	curl_easy_getinfo(c, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &n);
	resp->length = n;
	resp->type[0] = resp->full_type[0] = resp->disposition[0] = '\0';
	if (curl_easy_getinfo(c, CURLINFO_CONTENT_TYPE, &type) == CURLE_OK && type != NULL) {
		(void)text_copy(resp->full_type, sizeof(resp->full_type), type);
		text_copyn(resp->type, sizeof(resp->type), type, strcspn(type, "; \t"));
		for (i = 0; resp->type[i] != '\0'; i++)
			if (resp->type[i] >= 'A' && resp->type[i] <= 'Z')
				resp->type[i] = (char)(resp->type[i] - 'A' + 'a');
	}
	if (curl_easy_header(c, "Content-Disposition", 0, CURLH_HEADER, -1, &hd) == CURLHE_OK)
		(void)text_copy(resp->disposition, sizeof(resp->disposition), hd->value);
	resp->retry_after = -1;
	if (curl_easy_header(c, "Retry-After", 0, CURLH_HEADER, -1, &hd) == CURLHE_OK &&
	    curl_easy_getinfo(c, CURLINFO_RETRY_AFTER, &retry) == CURLE_OK)
		resp->retry_after = retry > 86400 ? 86400 : (long)retry;
	curl_easy_getinfo(c, CURLINFO_HTTP_VERSION, &version);
	resp->end = HTTP_END_CUT;
	if (n >= 0 || version >= CURL_HTTP_VERSION_2_0 ||
	    (curl_easy_header(c, "Transfer-Encoding", 0, CURLH_HEADER, -1, &hd) == CURLHE_OK &&
	    strstr(hd->value, "chunked") != NULL))
		resp->end = HTTP_END_PROVED;
	if (resp->status == 206 && t->h->resume.have > 0 && !go_on(t))
		return t->rc;
	/* to a sink that counts instances it says that some are missing (PS3.18 8.5); a file would be half a file */
	if (resp->status == 206 && !t->began && t->req->sink != NULL && t->req->sink->resumable)
		return t->rc = err_set(&t->inner, ERR_PROTOCOL, "the portal sent a part of the file that nobody asked for");
	if (resp->status == 416)	/* what we hold is no part of what is there now */
		resume_forget(&t->h->resume);
	if (to_sink(t) && !t->began) {
		t->began = true;
		resume_forget(&t->h->resume);
		if (t->req->sink->resumable && resp->status == 200)
			resume_learn(&t->h->resume, c, resp->length, &resp->anew);
		t->rc = t->req->sink->begin(t->req->sink->arg, resp, &t->inner);
	}
	return t->rc;
}

static size_t
on_body(char *data, size_t size, size_t nmemb, void *arg)
{
	struct transfer *t = arg;
	struct http_response *resp = t->resp;
	size_t n = size * nmemb, max = 0;

	if (!t->headed && read_headers(t) != RC_OK)
		return 0;
	resp->bytes += n;
	t->h->bytes += n;
	trace_body(t->h, data, n);
	if (t->h->bytes > t->h->o.max_bytes) {
		t->rc = err_set(&t->inner, ERR_PROTOCOL, "the portal sent more than %llu bytes for one order",
		    (unsigned long long)t->h->o.max_bytes);
		return 0;
	}
	if (to_sink(t)) {
		t->rc = t->req->sink->write(t->req->sink->arg, data, n, &t->inner);
		if (t->rc == RC_OK && t->h->resume.validator[0] != '\0')
			t->h->resume.have = resp->bytes;
		return t->rc == RC_OK ? n : 0;
	}
	if (resp->status >= 200 && resp->status < 300) {
		max = t->req->max != 0 ? t->req->max : HTTP_BODY_MAX;
		if (resp->body.len + n > max || resp->length > (long long)max) {
			t->rc = err_set(&t->inner, ERR_PROTOCOL, "an answer of more than %zu bytes", max);
			return 0;
		}
	} else if (resp->body.len + n > HTTP_ERROR_MAX) {
		t->enough = true;
		return 0;
	}
	t->rc = buf_add(&resp->body, data, n, &t->inner);
	return t->rc == RC_OK ? n : 0;
}

static curl_socket_t
on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct transfer *t = arg;

	(void)purpose;
	/* With a proxy this is the proxy's address, which the config names. */
	if (t->h->proxy == NULL && !address_allowed(&t->h->rules, &to->addr)) {
		t->blocked = true;
		return CURL_SOCKET_BAD;
	}
	t->tried = true;
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* The socket is not opened anew on a reused connection; this is called for every request. */
static int
on_request(void *arg, char *to, char *from, int to_port, int from_port)
{
	struct transfer *t = arg;

	(void)from; (void)to_port; (void)from_port;
	if (t->h->proxy == NULL && !address_text_allowed(&t->h->rules, to)) {
		t->blocked = true;
		t->tried = false;
		return CURL_PREREQFUNC_ABORT;
	}
	trace_connected(t->h);
	return CURL_PREREQFUNC_OK;
}

static int
on_progress(void *arg, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
	struct transfer *t = arg;

	(void)up_total; (void)up;
	if (t->h->o.alive != NULL)
		t->h->o.alive(t->h->o.alive_arg);
	if (http_cancelled(t->h)) {
		t->rc = err_set(&t->inner, ERR_TEMP, "interrupted");
		return 1;
	}
	if (t->h->o.deadline != 0 && time_mono_ms() >= t->h->o.deadline) {
		t->rc = err_set(&t->inner, ERR_TEMP, "the time for this order is up");
		err_advise(&t->inner, "give more with --max-time");
		return 1;
	}
	if (t->req->progress != NULL && to_sink(t))
		t->req->progress(t->req->progress_arg, (uint64_t)now, total > 0 ? (long long)total : -1);
	return 0;
}

static int
ctx_index(void)
{
	static int index = -1;

	if (index < 0)
		index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	return index;
}

static void
on_tls_info(const SSL *ssl, int where, int what)
{
	struct http *h = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), ctx_index());

	if (h != NULL && where == SSL_CB_READ_ALERT && (what & 0xff) == SSL_AD_CLOSE_NOTIFY)
		h->close_notify = true;
}

static CURLcode
on_tls(CURL *curl, void *ctx, void *arg)
{
	(void)curl;
	SSL_CTX_set_security_level(ctx, 2);
	SSL_CTX_set_ex_data(ctx, ctx_index(), arg);
	SSL_CTX_set_info_callback(ctx, on_tls_info);
	return CURLE_OK;
}

static int
say(struct err *err, enum err_kind kind, const char *host, const char *what)
{
	char shown[128];

	return err_set(err, kind, "%s: %s", text_escape(shown, sizeof(shown), host, strlen(host)), what);
}

/* What a proxy said to CONNECT (RFC 9110 9.3.6): the portal was not asked. */
static int
proxy_said(long status, const char *host, struct err *err)
{
	char line[80];
	bool login = status == 407, later = http_status_later(status);

	snprintf(line, sizeof(line), "the proxy %s (status %ld)", login ? "wants a login" : later ?
	    "cannot reach it" : "does not let us through to it", status);
	say(err, later ? ERR_TEMP : ERR_DENIED, host, line);
	if (!later)
		err_advise(err, login ? "ask whoever runs the proxy for a login, and write it into [net] proxy" :
		    "ask whoever runs the proxy to let this host through");
	return err_rc(err->kind);
}

/* What curl's code means to the person: 75 where later may help, else why it is refused. */
static int
explain(struct transfer *t, CURLcode code, struct err *err)
{
	const char *host = t->host, *detail = t->detail;
	long verify = 0, sys = 0, proxy = 0;
	char line[256];

	if (t->blocked && !t->tried) {
		say(err, ERR_DENIED, host, "its address lies in a private network");
		err_advise(err, "where a portal really is there, name its range in [net] allow");
		return err_rc(ERR_DENIED);
	}
	curl_easy_getinfo(t->h->curl, CURLINFO_SSL_VERIFYRESULT, &verify);
	curl_easy_getinfo(t->h->curl, CURLINFO_OS_ERRNO, &sys);
	curl_easy_getinfo(t->h->curl, CURLINFO_HTTP_CONNECTCODE, &proxy);
	if (t->h->proxy != NULL && proxy >= 300 && t->resp->status == 0)
		return proxy_said(proxy, host, err);
	if (strstr(detail, "Too large response headers") != NULL || strstr(detail, "Rejected") != NULL)
		return say(err, ERR_PROTOCOL, host, "the headers of its answer are too large");
	switch (code) {
	case CURLE_COULDNT_RESOLVE_PROXY:
		return say(err, ERR_TEMP, host, "the proxy's name cannot be resolved");
	case CURLE_COULDNT_RESOLVE_HOST:
		return say(err, ERR_TEMP, host, "the name cannot be resolved");
	case CURLE_COULDNT_CONNECT:
		if (sys == 0)
			return say(err, ERR_TEMP, host, "cannot connect");
		err_sys(err, (int)sys, "cannot connect to %s", text_escape(line, sizeof(line), host, strlen(host)));
		err->kind = ERR_TEMP;	/* no errno of connect() is for good */
		return RC_RETRY;
	case CURLE_PEER_FAILED_VERIFICATION:
		text_copy(line, sizeof(line), "its certificate is not trusted: ");
		text_copy(line + strlen(line), sizeof(line) - strlen(line),
		    verify != 0 ? X509_verify_cert_error_string(verify) : "not made for this host");
		say(err, ERR_DENIED, host, line);
		err_advise(err, "a CA of your own is named by --cacert or [net] cafile");
		return err_rc(ERR_DENIED);
	case CURLE_SSL_CERTPROBLEM:
		return err_set(err, ERR_CONFIG, "the client certificate and its key cannot be used: PEM, of one pair, no passphrase");
	case CURLE_SSL_CACERT_BADFILE:
		return err_set(err, ERR_CONFIG, "the file of CA certificates cannot be read");
	case CURLE_SSL_CONNECT_ERROR:	/* a peer that is cut off in the handshake, or one that cannot do what we ask */
		if (strstr(detail, "SSL_ERROR_SYSCALL") != NULL || strstr(detail, "unexpected eof") != NULL ||
		    strstr(detail, "reset") != NULL)
			return say(err, ERR_TEMP, host, "the connection broke off in the TLS handshake");
		say(err, ERR_PROTOCOL, host, "no TLS 1.2 or newer can be agreed on");
		return err_rc(ERR_PROTOCOL);
	case CURLE_OPERATION_TIMEDOUT:
		return say(err, ERR_TEMP, host, "no answer in time");
	case CURLE_PARTIAL_FILE:
	case CURLE_HTTP2_STREAM:
	case CURLE_HTTP2:
		return say(err, ERR_TEMP, host, "the connection was cut before the end");
	case CURLE_GOT_NOTHING:
		return say(err, ERR_TEMP, host, "the connection was closed without an answer");
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
		return say(err, ERR_TEMP, host, "the connection broke off");
	case CURLE_OUT_OF_MEMORY:
		return say(err, ERR_TEMP, host, "not enough memory for its answer");
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_BAD_CONTENT_ENCODING:
		return say(err, ERR_PROTOCOL, host, "the answer is not HTTP");
	case CURLE_PROXY:
		return say(err, ERR_TEMP, host, "the proxy refused");
	default:
		return say(err, ERR_TEMP, host, curl_easy_strerror(code));
	}
}

int
transfer_setup(struct http *h, struct err *err)
{
	CURL *c = h->curl;
	CURLcode e = CURLE_OK;

#define SET(opt, value) do { if (e == CURLE_OK) e = curl_easy_setopt(c, opt, value); } while (0)
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_USERAGENT, h->agent);
	SET(CURLOPT_PROTOCOLS_STR, h->nplain > 0 ? "http,https" : "https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);	/* client.c does, to judge every hop */
	SET(CURLOPT_PROXY, h->proxy != NULL ? h->proxy : "");	/* "" keeps the environment out */
	SET(CURLOPT_NOPROXY, "");
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_PROXY_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_PROXY_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_CTX_FUNCTION, on_tls);
	SET(CURLOPT_SSL_CTX_DATA, h);
	if (h->cafile != NULL) {
		SET(CURLOPT_CAINFO, h->cafile);
		SET(CURLOPT_CAPATH, NULL);
		SET(CURLOPT_PROXY_CAINFO, h->cafile);
		SET(CURLOPT_PROXY_CAPATH, NULL);
	}
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(h->o.step_ms < CONNECT_MS ? h->o.step_ms : CONNECT_MS));
	SET(CURLOPT_LOW_SPEED_LIMIT, (long)LOW_SPEED);
	SET(CURLOPT_LOW_SPEED_TIME, (long)((h->o.step_ms + 999) / 1000));
	SET(CURLOPT_NOPROGRESS, 0L);
	SET(CURLOPT_OPENSOCKETFUNCTION, on_socket);
	SET(CURLOPT_PREREQFUNCTION, on_request);
	SET(CURLOPT_XFERINFOFUNCTION, on_progress);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	if (e != CURLE_OK)
		return err_set(err, ERR_INTERNAL, "libcurl cannot be set up: %s", curl_easy_strerror(e));
	return RC_OK;
}

static void
wipe_list(struct curl_slist *list)
{
	struct curl_slist *l = NULL;

	for (l = list; l != NULL; l = l->next)
		hash_wipe(l->data, strlen(l->data));
	curl_slist_free_all(list);
}

static int
add_header(struct curl_slist **list, const char *name, const char *value, struct err *err)
{
	struct buf b = BUF_INIT((size_t)64 << 10);
	struct curl_slist *l = NULL;
	int rc = buf_printf(&b, err, "%s%s", name, value);

	if (rc == RC_OK) {
		l = curl_slist_append(*list, b.data);
		if (l == NULL)
			rc = err_sys(err, ENOMEM, "cannot make a request");
		else
			*list = l;
	}
	buf_wipe(&b);
	return rc;
}

static int
add_resume(struct curl_slist **list, const struct resume *r, struct err *err)
{
	struct buf range = BUF_INIT(64), if_range = BUF_INIT(VALIDATOR_MAX + 32);
	int rc = resume_headers(r, &range, &if_range, err);

	if (rc == RC_OK)
		rc = add_header(list, range.data, "", err);
	if (rc == RC_OK)
		rc = add_header(list, if_range.data, "", err);
	buf_free(&range);
	buf_free(&if_range);
	return rc;
}

/* A connection with a certificate is another one to curl: it is not used again for a host that may not see it. */
static void
show_cert(struct http *h, const char *host)
{
	bool may = h->cert != NULL && strcasecmp(h->cert_host, host) == 0;
	struct curl_blob cert = { may ? h->cert : NULL, may ? strlen(h->cert) : 0, CURL_BLOB_COPY };
	struct curl_blob key = { may ? h->key : NULL, may ? strlen(h->key) : 0, CURL_BLOB_COPY };

	curl_easy_setopt(h->curl, CURLOPT_SSLCERT_BLOB, may ? &cert : NULL);
	curl_easy_setopt(h->curl, CURLOPT_SSLKEY_BLOB, may ? &key : NULL);
}

int
transfer_prepare(struct transfer *t, const char *url, bool secrets, struct err *err)
{
	struct http *h = t->h;
	const struct http_request *req = t->req;
	struct http_response *resp = t->resp;
	CURL *c = h->curl;
	bool post = strcmp(req->method, "POST") == 0;
	struct url u;
	size_t i = 0;
	int rc = url_parse(url, &u, err);

	if (rc != RC_OK)
		return rc;
	text_copy(t->host, sizeof(t->host), u.host);
	url_free(&u);
	for (i = 0; req->headers != NULL && req->headers[i] != NULL && rc == RC_OK; i++)
		rc = add_header(&t->headers, req->headers[i], "", err);
	if (rc == RC_OK && req->body_type != NULL)
		rc = add_header(&t->headers, "Content-Type: ", req->body_type, err);
	for (i = 0; secrets && req->private != NULL && req->private[i] != NULL && rc == RC_OK; i++)
		rc = add_header(&t->headers, req->private[i], "", err);
	if (rc == RC_OK && secrets && req->bearer != NULL)
		rc = add_header(&t->headers, "Authorization: Bearer ", req->bearer, err);
	if (rc == RC_OK && post)
		rc = add_header(&t->headers, "Expect:", "", err);
	if (rc == RC_OK && h->resume.have > 0)
		rc = add_resume(&t->headers, &h->resume, err);
	if (rc != RC_OK) {
		wipe_list(t->headers);
		t->headers = NULL;
		return rc;
	}
	resp->bytes = 0;
	resp->status = 0;
	resp->length = resp->retry_after = -1;
	buf_clear(&resp->body);
	resp->body.max = HTTP_BODY_MAX > req->max ? HTTP_BODY_MAX : req->max;
	h->close_notify = h->ours = false;
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, t->headers);
	curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
	if (post) {
		curl_easy_setopt(c, CURLOPT_POST, 1L);
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, req->body);
	}
	/* curl sends a request again by itself when a kept connection turns out dead, or when HTTP/2 refuses the
	 * stream (RFC 9113 8.7): never one with a credential. */
	curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, req->once ? 1L : 0L);
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)(req->once ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS));
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, req->sink != NULL ? 0L : (long)(2 * h->o.step_ms));
	show_cert(h, t->host);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->detail);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, t);
	curl_easy_setopt(c, CURLOPT_PREREQDATA, t);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, t);
	if (req->soon)
		h->series++;
	else
		h->requests++;
	trace_begin(h);
	return RC_OK;
}

int
transfer_finish(struct transfer *t, CURLcode code, const char *url, char **location, struct err *err)
{
	struct http *h = t->h;
	CURL *c = h->curl;
	const char *to = NULL;
	int rc = RC_OK;

	*location = NULL;
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, NULL);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, NULL);
	curl_easy_setopt(c, CURLOPT_POSTFIELDS, NULL);
	if (t->rc != RC_OK) {
		h->ours = !t->unfit;
		*err = t->inner;
		rc = t->rc;
		goto out;
	}
	if (code != CURLE_OK && !(code == CURLE_WRITE_ERROR && t->enough)) {
		rc = explain(t, code, err);
		goto out;
	}
	rc = read_headers(t);
	if (rc != RC_OK) {
		h->ours = true;
		*err = t->inner;
		goto out;
	}
	if (t->resp->end == HTTP_END_CUT && h->close_notify)
		t->resp->end = HTTP_END_CLEAN;
	if (curl_easy_getinfo(c, CURLINFO_REDIRECT_URL, &to) == CURLE_OK && to != NULL &&
	    (*location = text_dup(to, err)) == NULL)
		rc = err_rc(err->kind);
out:
	trace_end(h, t->req, url, t->headers, t->resp, *location, rc, err);
	wipe_list(t->headers);
	t->headers = NULL;
	return rc;
}

int
transfer_run(struct http *h, const struct http_request *req, const char *url, bool secrets,
    struct http_response *resp, char **location, struct err *err)
{
	struct transfer t = { .h = h, .req = req, .resp = resp };
	int rc = transfer_prepare(&t, url, secrets, err);

	*location = NULL;
	return rc != RC_OK ? rc : transfer_finish(&t, curl_easy_perform(h->curl), url, location, err);
}
