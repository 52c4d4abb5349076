/*
 * A demo portal for tests and quickstart: DICOM Link Exchange (DIN/TS 19455, API v1) and plain files, over TLS.
 *
 *	portal --make-cert DIR	makes DIR/ca.pem and DIR/portal.pem (certificate and key for localhost, 127.0.0.1, ::1)
 *	portal CONFIG		listens, prints "port N" on stdout, serves until it is killed
 *
 * CONFIG is JSON; files are looked up beside it.
 * {
 *  "port": 0,				0: any
 *  "cert": "portal.pem",		absent: without TLS
 *  "log": "requests.log",		a line a request: METHOD PATH STATUS, the token as {token}
 *  "token": "demo-token-1",		links: https://localhost:PORT/portal?token=… and …{base}/token/…
 *  "base": "/dlx/v1",
 *  "questions": [{"id":"1","type":"PAT_BIRTH_DATE","format":"DATE","text":"…","answer":"19700101"}],
 *			or "texts":[{"text":"…","language":"de"}] in place of text
 *  "patient": {"name":"Mustermann,Max","birth_date":"1970-01-01","sex":"M","id":"P1"},
 *  "items": [{"id":"1","file":"ct.zip","mime":"application/zip","study_uid":"1.2.3","date":"2026-09-01",
 *	"modalities":"CT","description":"CT","files":3,"patient":{…, where it differs}}],
 *  "files": {"/share/a.zip":"a.zip"},	direct links
 *  "all": "all.zip",			what /downloadall gives; absent: 404
 *  "web": {"wadoRs":"https://…","qidoRs":"https://…"},	API v2: DICOMweb that takes the bearer; either may be absent
 *  "quirks": ["busy-once","cut-once"]
 * }
 * quirks:
 *  numbers	ids and dates are JSON numbers			object	apiInfo is an object
 *  busy-once	503 {"timeOutInSeconds":1} at the first request of link, list and download
 *  busy-always	the same at every download			busy-login	503 at the first login
 *  fail-login	500 at every login that would be right
 *  cut-once, cut-always	a download's connection ends in the middle
 *  no-length	bodies end with the connection			chunked	bodies are chunked
 *  expired	right answers get 403				session	a bearer is good for one download
 *  redirect	the link leads to another address first		elsewhere	… to http://127.0.0.1 without TLS
 *  nested	the list stands in a list			lost	the second item answers 400
 *  endless	the list is endless				html	a download is a web page
 *  login-once	right answers are right once
 *  attempts	a 401 of the login says how many attempts are left
 *  later	the second item answers 503 {"timeOutInSeconds":3600}
 *  no-info	API v2 without its api_info			all-only	no download of one entry: 404
 * An unknown token gets a decoy question, and 401 for any answer, as the standard wants it.
 * One connection at a time, one request a connection.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/json.h"

#define HEAD_MAX	65536
#define BODY_MAX	65536

static struct {
	json_t *conf;
	int dir;		/* of the config: for files */
	FILE *log;
	SSL_CTX *tls;
	int port;
	const char *base, *token;
	char bearer[64];
	unsigned logins, downloads;
	bool busy[4];		/* link, list, download, login: was it busy once */
	bool was_cut;
} portal;

struct conn { int fd; SSL *ssl; };

struct request {
	char method[8], path[8192];
	char *headers, *body;
	char raw[HEAD_MAX + BODY_MAX + 1];
};

static _Noreturn void
die(const char *what)
{
	perror(what);
	exit(1);
}

static const char *
text(const json_t *o, const char *key, const char *dflt)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : dflt;
}

static bool
quirk(const char *name)
{
	const json_t *q = NULL;
	size_t i = 0;

	json_array_foreach(json_object_get(portal.conf, "quirks"), i, q)
		if (json_is_string(q) && strcmp(json_string_value(q), name) == 0)
			return true;
	return false;
}

/* Certificates */

static X509 *
certificate(EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *with, bool ca, long serial)
{
	static const char *const san = "DNS:localhost,IP:127.0.0.1,IP:::1";
	X509 *x = X509_new();
	X509_NAME *n = X509_get_subject_name(x);
	X509V3_CTX ctx;
	X509_EXTENSION *e = NULL;

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 30L * 86400);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, issuer != NULL ? X509_get_subject_name(issuer) : n);
	X509V3_set_ctx(&ctx, issuer != NULL ? issuer : x, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, NID_basic_constraints, ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	e = X509V3_EXT_conf_nid(NULL, &ctx, NID_key_usage, ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	if (!ca) {
		e = X509V3_EXT_conf_nid(NULL, &ctx, NID_subject_alt_name, san);
		X509_add_ext(x, e, -1);
		X509_EXTENSION_free(e);
	}
	if (X509_sign(x, with, EVP_sha256()) == 0)
		die("cannot sign a certificate");
	return x;
}

static FILE *
create(const char *dir, const char *name)
{
	char path[4096];
	int fd = -1;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		die(path);
	return fdopen(fd, "w");
}

static int
make_cert(const char *dir)
{
	EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
	X509 *ca = certificate(ca_key, "mri-tools demo CA", NULL, ca_key, true, 1);
	X509 *x = certificate(key, "localhost", ca, ca_key, false, 2);
	FILE *f = create(dir, "ca.pem");
	int ok = PEM_write_X509(f, ca) == 1;

	ok = fclose(f) == 0 && ok;
	f = create(dir, "portal.pem");
	ok = PEM_write_X509(f, x) == 1 && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1 && ok;
	ok = fclose(f) == 0 && ok;
	X509_free(ca);
	X509_free(x);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(key);
	return ok ? 0 : 1;
}

/* One connection */

static ssize_t
get(struct conn *c, void *p, size_t n)
{
	return c->ssl != NULL ? SSL_read(c->ssl, p, (int)n) : read(c->fd, p, n);
}

static bool
put(struct conn *c, const void *p, size_t n)
{
	const char *s = p;
	ssize_t done = 0;

	for (; n > 0; s += done, n -= (size_t)done) {
		done = c->ssl != NULL ? SSL_write(c->ssl, s, (int)n) : write(c->fd, s, n);
		if (done <= 0)
			return false;
	}
	return true;
}

static const char *
header(const struct request *r, const char *name)
{
	static char value[8192];
	const char *p = r->headers;
	size_t n = strlen(name), len = 0;

	while (p != NULL && *p != '\0') {
		len = strcspn(p, "\r\n");
		if (len > n && strncasecmp(p, name, n) == 0 && p[n] == ':') {
			p += n + 1;
			p += strspn(p, " ");
			len = strcspn(p, "\r\n");
			snprintf(value, sizeof(value), "%.*s", (int)(len < sizeof(value) - 1 ? len : sizeof(value) - 1), p);
			return value;
		}
		p += len;
		p += strspn(p, "\r\n");
	}
	return NULL;
}

static bool
read_request(struct conn *c, struct request *r)
{
	size_t n = 0, head = 0, want = 0;
	ssize_t got = 0;
	char *end = NULL;
	const char *len = NULL;

	memset(r, 0, sizeof(*r));
	while (end == NULL && n < HEAD_MAX && (got = get(c, r->raw + n, HEAD_MAX - n)) > 0) {
		n += (size_t)got;
		r->raw[n] = '\0';
		end = strstr(r->raw, "\r\n\r\n");
	}
	if (end == NULL || sscanf(r->raw, "%7[A-Z] %8191[^ ]", r->method, r->path) != 2)
		return false;
	*end = '\0';
	head = (size_t)(end - r->raw) + 4;
	r->headers = strchr(r->raw, '\n');
	r->headers = r->headers != NULL ? r->headers + 1 : end;
	r->body = r->raw + head;
	len = header(r, "Content-Length");
	want = len != NULL ? (size_t)strtoul(len, NULL, 10) : 0;
	if (want > BODY_MAX)
		return false;
	while (n < head + want && (got = get(c, r->raw + n, head + want - n)) > 0)
		n += (size_t)got;
	r->raw[n] = '\0';
	return n >= head + want;
}

static void
log_request(const struct request *r, int status)
{
	const char *p = r->path, *at = NULL;

	if (portal.log == NULL)
		return;
	fprintf(portal.log, "%s ", r->method);
	while (portal.token[0] != '\0' && (at = strstr(p, portal.token)) != NULL) {
		fprintf(portal.log, "%.*s{token}", (int)(at - p), p);
		p = at + strlen(portal.token);
	}
	fprintf(portal.log, "%s %d\n", p, status);
	fflush(portal.log);
}

static void
answer(struct conn *c, const struct request *r, int status, const char *type, const char *more, const char *body)
{
	char head[1024];

	log_request(r, status);
	snprintf(head, sizeof(head), "HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%sConnection: close\r\n\r\n",
	    status, type, strlen(body), more);
	if (put(c, head, strlen(head)))
		(void)put(c, body, strlen(body));
}

static void
answer_json(struct conn *c, const struct request *r, int status, json_t *j)
{
	char *s = json_dumps(j, JSON_COMPACT);

	answer(c, r, status, "application/json", "", s != NULL ? s : "{}");
	free(s);
	json_decref(j);
}

static bool
busy(struct conn *c, const struct request *r, int which)
{
	bool now = (quirk("busy-once") && which < 3 && !portal.busy[which]) || (which == 2 && quirk("busy-always")) ||
	    (which == 3 && quirk("busy-login") && !portal.busy[which]);

	portal.busy[which] = true;
	if (now)
		answer(c, r, 503, "application/json", "", "{\"timeOutInSeconds\":1}");
	return now;
}

/* A file as body; cut: half of it, and the connection ends without a word. true: it ended well. */
static bool
send_file(struct conn *c, const struct request *r, const char *name, const char *type, bool download)
{
	bool cut = download && (quirk("cut-always") || (quirk("cut-once") && !portal.was_cut)), ok = true;
	bool bare = quirk("no-length"), chunked = quirk("chunked") && !bare;
	struct stat st;
	char head[512], chunk[65536], size[32];
	off_t left = 0;
	ssize_t got = 0;
	int fd = openat(portal.dir, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) != 0) {
		answer(c, r, 404, "text/plain", "", "no such file");
		return true;
	}
	log_request(r, 200);
	size[0] = '\0';
	if (!bare && !chunked)
		snprintf(size, sizeof(size), "Content-Length: %lld\r\n", (long long)st.st_size);
	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n%s%sConnection: close\r\n\r\n", type, size,
	    chunked ? "Transfer-Encoding: chunked\r\n" : "");
	ok = put(c, head, strlen(head));
	left = cut ? st.st_size / 2 : st.st_size;
	portal.was_cut = portal.was_cut || cut;
	while (ok && left > 0 && (got = read(fd, chunk, left < (off_t)sizeof(chunk) ? (size_t)left : sizeof(chunk))) > 0) {
		left -= got;
		if (chunked) {
			snprintf(size, sizeof(size), "%zx\r\n", (size_t)got);
			ok = put(c, size, strlen(size)) && put(c, chunk, (size_t)got) && put(c, "\r\n", 2);
		} else {
			ok = put(c, chunk, (size_t)got);
		}
	}
	if (ok && chunked && !cut)
		ok = put(c, "0\r\n\r\n", 5);
	close(fd);
	return !cut;
}

/* The standard's endpoints */

static json_t *
number_or_text(const char *s)
{
	char digits[16];
	size_t n = 0;

	if (!quirk("numbers"))
		return json_string(s);
	for (; *s != '\0' && n + 1 < sizeof(digits); s++)
		if (*s >= '0' && *s <= '9')
			digits[n++] = *s;
	digits[n] = '\0';
	return json_integer(strtoll(digits, NULL, 10));
}

static json_t *
texts_of(const json_t *q)
{
	json_t *texts = json_object_get(q, "texts");

	return texts != NULL ? json_incref(texts) :
	    json_pack("[{s:s,s:s}]", "text", text(q, "text", "Question"), "language", "en");
}

/* apiInfo, with what version 2 adds */
static json_t *
api_info(bool capabilities)
{
	json_t *web = json_object_get(portal.conf, "web"), *dicomweb = json_object(), *info = NULL, *root = NULL;
	const char *service = NULL;
	char url[256];

	snprintf(url, sizeof(url), "%s://localhost:%d%s", portal.tls != NULL ? "https" : "http", portal.port, portal.base);
	info = json_pack("{s:s,s:s,s:s}", "dlxVersion", web != NULL ? "2.0" : "1.0", "vendorInformation", "mri-tools demo",
	    "apiBasePath", url);
	json_object_set_new(dicomweb, "qidoRs", json_pack("{s:b}", "available", 0));
	json_object_foreach(web, service, root)
		json_object_set_new(dicomweb, service, json_pack("{s:b,s:O}", "available", 1, "url", root));
	if (capabilities)
		json_object_set_new(info, "capabilities", json_pack("{s:b,s:O}", "download", 1, "dicomweb", dicomweb));
	json_decref(dicomweb);
	return info;
}

static void
question(struct conn *c, const struct request *r, bool known)
{
	json_t *list = json_array(), *info = NULL;
	const json_t *q = NULL;
	size_t i = 0;

	if (busy(c, r, 0)) {
		json_decref(list);
		return;
	}
	if (header(r, "X-DICOM-LINK-EXCHANGE") == NULL) {
		json_decref(list);
		answer(c, r, 200, "text/html", "", "<!DOCTYPE html><html><body>Please enter the birth date.</body></html>");
		return;
	}
	if (!known)
		json_array_append_new(list, json_pack("{s:[{s:s,s:s}],s:o,s:s,s:s}", "question", "text", "Birth date",
		    "language", "en", "questionId", number_or_text("1"), "questionType", "PAT_BIRTH_DATE", "answerFormat", "DATE"));
	else
		json_array_foreach(json_object_get(portal.conf, "questions"), i, q)
			json_array_append_new(list, json_pack("{s:o,s:o,s:s,s:s}", "question", texts_of(q), "questionId",
			    number_or_text(text(q, "id", "1")),
			    "questionType", text(q, "type", "CUSTOM"), "answerFormat", text(q, "format", "STRING")));
	info = api_info(false);
	if (!quirk("object"))
		info = json_pack("[o]", info);
	answer_json(c, r, 200, json_pack("{s:o,s:o}", "apiInfo", info, "tfaQuestion", list));
}

static bool
answers_right(const char *body)
{
	json_t *j = json_loads(body, 0, NULL);
	const json_t *q = NULL, *a = NULL;
	const char *id = NULL, *value = NULL;
	size_t i = 0, k = 0, right = 0;

	json_array_foreach(json_object_get(portal.conf, "questions"), i, q)
		json_array_foreach(json_object_get(j, "tfaAnswer"), k, a) {
			id = json_string_value(json_object_get(a, "questionId"));
			value = json_string_value(json_object_get(a, "answer"));
			if (id != NULL && value != NULL && strcmp(id, text(q, "id", "1")) == 0 &&
			    strcmp(value, text(q, "answer", "")) == 0)
				right++;
		}
	right = j != NULL && right == json_array_size(json_object_get(portal.conf, "questions"));
	json_decref(j);
	return right != 0;
}

static void
login(struct conn *c, const struct request *r, bool known)
{
	if (busy(c, r, 3))
		return;
	if (!known || !answers_right(r->body) || (quirk("login-once") && portal.logins > 0)) {
		if (quirk("attempts"))
			answer(c, r, 401, "application/json", "", "{\"remainingAttempts\":4}");
		else
			answer(c, r, 401, "text/plain", "", "unauthorized");
		return;
	}
	if (quirk("fail-login")) {
		answer(c, r, 500, "text/plain", "", "failure");
		return;
	}
	if (quirk("expired")) {
		answer(c, r, 403, "text/plain", "", "expired");
		return;
	}
	portal.downloads = 0;
	snprintf(portal.bearer, sizeof(portal.bearer), "eyJhbGciOiJub25lIn0.c2Vzc2lvbi%08u.sig", ++portal.logins);
	answer(c, r, 200, "application/jwt", "", portal.bearer);
}

static bool
authorised(struct conn *c, const struct request *r)
{
	const char *a = header(r, "Authorization");

	if (a != NULL && strncmp(a, "Bearer ", 7) == 0 && portal.bearer[0] != '\0' && strcmp(a + 7, portal.bearer) == 0)
		return true;
	answer(c, r, 401, "text/plain", "", "no session");
	return false;
}

static void
put_key(json_t *o, const char *key, const char *value)
{
	if (value != NULL)
		json_object_set_new(o, key, json_string(value));
}

static void
list(struct conn *c, const struct request *r)
{
	static const char head[] = "HTTP/1.1 200 X\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n";
	static const char endless[] = "{\"dataItem\":[{\"id\":\"1\",\"x\":\"";
	json_t *all = json_array(), *o = NULL;
	const json_t *item = NULL, *p = NULL, *dflt = json_object_get(portal.conf, "patient");
	const char *date = NULL;
	size_t i = 0;

	if (!authorised(c, r) || busy(c, r, 1)) {
		json_decref(all);
		return;
	}
	if (quirk("endless")) {
		json_decref(all);
		log_request(r, 200);
		(void)put(c, head, sizeof(head) - 1);
		(void)put(c, endless, sizeof(endless) - 1);
		while (put(c, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 64))
			;
		return;
	}
	json_array_foreach(json_object_get(portal.conf, "items"), i, item) {
		p = json_object_get(item, "patient") != NULL ? json_object_get(item, "patient") : dflt;
		o = json_pack("{s:o,s:s,s:s}", "id", number_or_text(text(item, "id", "1")), "mimeType",
		    text(item, "mime", "application/zip"), "description", text(item, "description", ""));
		put_key(o, "studyInstanceUID", text(item, "study_uid", NULL));
		put_key(o, "modalities", text(item, "modalities", NULL));
		put_key(o, "patientsName", text(p, "name", NULL));
		put_key(o, "patientsSex", text(p, "sex", NULL));
		date = text(item, "date", NULL);
		if (date != NULL)
			json_object_set_new(o, "date", number_or_text(date));
		date = text(p, "birth_date", NULL);
		if (date != NULL)
			json_object_set_new(o, "patientsBirthdate", number_or_text(date));
		if (json_is_integer(json_object_get(item, "files")))
			json_object_set(o, "fileCount", json_object_get(item, "files"));
		json_array_append_new(all, o);
	}
	if (quirk("nested"))
		all = json_pack("[o]", all);
	answer_json(c, r, 200, json_pack("{s:o}", "dataItem", all));
}

/* true: the connection may end in order */
static bool
download(struct conn *c, const struct request *r, const char *id)
{
	const json_t *item = NULL;
	size_t i = 0;

	if (!authorised(c, r) || busy(c, r, 2))
		return true;
	json_array_foreach(json_object_get(portal.conf, "items"), i, item) {
		if (strcmp(text(item, "id", "1"), id) != 0)
			continue;
		if (quirk("lost") && i == 1)
			break;
		if (quirk("later") && i == 1) {
			answer(c, r, 503, "application/json", "", "{\"timeOutInSeconds\":3600}");
			return true;
		}
		if (quirk("html")) {
			answer(c, r, 200, "text/html", "", "<!DOCTYPE html><html><body>Please log in</body></html>");
			return true;
		}
		if (quirk("session") && ++portal.downloads > 1) {
			portal.bearer[0] = '\0';
			answer(c, r, 401, "text/plain", "", "session over");
			return true;
		}
		return send_file(c, r, text(item, "file", ""), text(item, "mime", "application/zip"), true);
	}
	answer(c, r, 400, "text/plain", "", "unknown id");
	return true;
}

static bool
serve(struct conn *c, const struct request *r)
{
	char to[256], known[600];
	const char *p = r->path, *file = NULL;
	size_t base = strlen(portal.base);
	bool get_it = strcmp(r->method, "GET") == 0;

	snprintf(known, sizeof(known), "/portal?token=%s", portal.token);
	file = text(json_object_get(portal.conf, "files"), p, NULL);
	if (get_it && file != NULL)
		return send_file(c, r, file, "application/octet-stream", true);
	if (get_it && strncmp(p, "/old", 4) != 0 && strncmp(p, "/portal?token=", 14) == 0) {
		if (quirk("redirect") || quirk("elsewhere")) {
			snprintf(to, sizeof(to), "Location: %s://localhost:%d%s/token/%s\r\n", quirk("elsewhere") ? "http" :
			    portal.tls != NULL ? "https" : "http", portal.port, portal.base, portal.token);
			answer(c, r, 302, "text/plain", to, "");
		} else {
			question(c, r, strcmp(p, known) == 0);
		}
		return true;
	}
	if (strncmp(p, portal.base, base) != 0) {
		answer(c, r, 404, "text/plain", "", "nothing here");
		return true;
	}
	p += base;
	if (get_it && strncmp(p, "/token/", 7) == 0)
		question(c, r, strcmp(p + 7, portal.token) == 0);
	else if (strcmp(r->method, "POST") == 0 && strncmp(p, "/tokentfa/", 10) == 0)
		login(c, r, strcmp(p + 10, portal.token) == 0);
	else if (get_it && strcmp(p, "/api_info") == 0 && json_object_get(portal.conf, "web") != NULL && !quirk("no-info"))
		answer_json(c, r, 200, api_info(true));
	else if (get_it && strcmp(p, "/list") == 0)
		list(c, r);
	else if (get_it && strcmp(p, "/downloadall") == 0 && json_object_get(portal.conf, "all") != NULL) {
		if (authorised(c, r) && !busy(c, r, 2))
			return send_file(c, r, text(portal.conf, "all", ""), "application/zip", true);
	} else if (get_it && strncmp(p, "/download/", 10) == 0 && !quirk("all-only"))
		return download(c, r, p + 10);
	else
		answer(c, r, 404, "text/plain", "", "nothing here");
	return true;
}

static void
connection(int fd)
{
	static struct request r;
	struct timeval tv = { 10, 0 };
	struct conn c = { fd, NULL };
	bool well = true;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	if (portal.tls != NULL) {
		c.ssl = SSL_new(portal.tls);
		SSL_set_fd(c.ssl, fd);
		if (SSL_accept(c.ssl) != 1)
			goto out;
	}
	if (read_request(&c, &r))
		well = serve(&c, &r);
	if (c.ssl != NULL && well)
		SSL_shutdown(c.ssl);
out:
	SSL_free(c.ssl);
	close(fd);
}

static int
listen_on(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(fd, 64) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &n) != 0)
		die("cannot listen");
	portal.port = ntohs(a.sin_port);
	return fd;
}

int
main(int argc, char **argv)
{
	char dir[4096], pem[8192];
	char *slash = NULL;
	int fd = -1, c = -1;

	if (argc == 3 && strcmp(argv[1], "--make-cert") == 0)
		return make_cert(argv[2]);
	if (argc != 2) {
		fprintf(stderr, "usage: portal --make-cert DIR | portal CONFIG\n");
		return 64;
	}
	signal(SIGPIPE, SIG_IGN);
	portal.conf = json_load_file(argv[1], JSON_REJECT_DUPLICATES, NULL);
	if (portal.conf == NULL)
		die("cannot read the configuration");
	snprintf(dir, sizeof(dir), "%s", argv[1]);
	slash = strrchr(dir, '/');
	snprintf(dir, sizeof(dir), "%.*s", slash != NULL ? (int)(slash - dir) : 1, slash != NULL ? argv[1] : ".");
	portal.dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (portal.dir < 0)
		die(dir);
	portal.base = text(portal.conf, "base", "/dlx/v1");
	portal.token = text(portal.conf, "token", "");
	if (text(portal.conf, "log", NULL) != NULL) {
		fd = openat(portal.dir, text(portal.conf, "log", NULL), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		if (fd < 0 || (portal.log = fdopen(fd, "a")) == NULL)
			die("cannot open the log");
	}
	if (text(portal.conf, "cert", NULL) != NULL) {
		snprintf(pem, sizeof(pem), "%s/%s", dir, text(portal.conf, "cert", NULL));
		portal.tls = SSL_CTX_new(TLS_server_method());
		if (SSL_CTX_use_certificate_chain_file(portal.tls, pem) != 1 ||
		    SSL_CTX_use_PrivateKey_file(portal.tls, pem, SSL_FILETYPE_PEM) != 1)
			die("cannot read the certificate");
	}
	fd = listen_on((int)json_integer_value(json_object_get(portal.conf, "port")));
	printf("port %d\n", portal.port);
	fflush(stdout);
	for (;;) {
		c = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		if (c >= 0)
			connection(c);
		else if (errno != EINTR && errno != ECONNABORTED)
			die("accept");
	}
}
