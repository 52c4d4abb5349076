/* lib/http: where requests may go, URLs, secrets in texts, and the client against a server that does as it is told. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/time.h"
#include "http/address.h"
#include "http/client.h"
#include "http/proxy.h"
#include "http/redact.h"

static void
test_addresses(void **state)
{
	static const char *const refused[] = {
		"127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
		"100.64.0.1", "100.100.100.200", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%lo",
		"fc00::1", "fd00:ec2::254",
		"ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1",
		"2002:7f00:1::", "2002:a9fe:a9fe::1", "::127.0.0.1",
		"", "example.org", "1.2.3"
	};
	static const char *const fine[] = {
		"1.1.1.1", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::101:101",
		"::ffff:9.9.9.9"
	};
	struct address_rules none = { .n = 0 }, some = { .n = 0 };
	struct err err = { 0 };
	bool is = false;
	size_t i = 0;

	(void)state;
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (address_text_allowed(&none, refused[i]))
			fail_msg("%s is allowed", refused[i]);
	for (i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		if (!address_text_allowed(&none, fine[i]))
			fail_msg("%s is refused", fine[i]);
	assert_int_equal(address_rules_add(&some, "10.1.0.0/16", &err), RC_OK);
	assert_int_equal(address_rules_add(&some, "fd00::/9", &err), RC_OK);
	assert_int_equal(address_rules_add(&some, "127.0.0.1", &err), RC_OK);
	assert_true(address_text_allowed(&some, "10.1.255.1"));
	assert_true(address_text_allowed(&some, "::ffff:10.1.2.3"));
	assert_false(address_text_allowed(&some, "10.2.0.1"));
	assert_true(address_text_allowed(&some, "fd7f::1"));
	assert_false(address_text_allowed(&some, "fd80::1"));
	assert_true(address_text_allowed(&some, "127.0.0.1"));
	assert_false(address_text_allowed(&some, "127.0.0.2"));
	assert_int_equal(address_rules_add(&some, "10.0.0.0/33", &err), RC_FATAL);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_int_not_equal(address_rules_add(&some, "lan", &err), RC_OK);
	assert_int_not_equal(address_rules_add(&some, "10.0.0.0/", &err), RC_OK);
	/* every spelling that a proxy's resolver would take */
	assert_false(address_host_allowed(&none, "2130706433", &is));
	assert_true(is);
	assert_false(address_host_allowed(&none, "0x7f.1", &is));
	assert_false(address_host_allowed(&none, "0177.0.0.1", &is));
	assert_false(address_host_allowed(&none, "[::1]", &is));
	assert_true(address_host_allowed(&none, "portal.example", &is));
	assert_false(is);
}

static void
test_proxy(void **state)
{
	struct address_rules none = { .n = 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(proxy_check(NULL, &err), RC_OK);
	assert_int_equal(proxy_check("http://proxy:3128", &err), RC_OK);
	assert_int_equal(proxy_check("socks5h://proxy:1080", &err), RC_OK);
	assert_int_not_equal(proxy_check("proxy:3128", &err), RC_OK);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_int_not_equal(proxy_check("socks4://proxy", &err), RC_OK);
	assert_int_equal(proxy_target(&none, "portal.example", &err), RC_OK);
	assert_int_not_equal(proxy_target(&none, "localhost", &err), RC_OK);
	assert_int_not_equal(proxy_target(&none, "a.LOCALHOST.", &err), RC_OK);
	assert_int_not_equal(proxy_target(&none, "169.254.169.254", &err), RC_OK);
	assert_int_equal(err.kind, ERR_DENIED);
}

static void
test_urls(void **state)
{
	struct err err = { 0 };
	struct url u;
	char *s = NULL;

	(void)state;
	assert_int_equal(url_parse("HTTPS://Portal.Example/a/b?x=1&token=T%20x#f", &u, &err), RC_OK);
	assert_string_equal(u.scheme, "https");
	assert_string_equal(u.host, "portal.example");
	assert_int_equal(u.port, 443);
	assert_string_equal(u.path, "/a/b");
	assert_int_equal(url_query(&u, "token", &s, &err), RC_OK);
	assert_string_equal(s, "T x");
	free(s);
	assert_int_equal(url_query(&u, "toke", &s, &err), RC_OK);
	assert_null(s);
	url_free(&u);
	assert_int_not_equal(url_parse("https://user:pw@h/", &u, &err), RC_OK);
	assert_null(strstr(err.text, "pw"));
	assert_int_not_equal(url_parse("file:///etc/passwd", &u, &err), RC_OK);
	assert_int_not_equal(url_parse("https://", &u, &err), RC_OK);
	assert_int_not_equal(url_parse("https://h/\n", &u, &err), RC_OK);
	assert_int_equal(url_resolve("https://h/a/b?t=1", "/c", &s, &err), RC_OK);
	assert_string_equal(s, "https://h/c");
	free(s);
	assert_int_equal(url_resolve("https://h/a/b", "https://o:8/x#y", &s, &err), RC_OK);
	assert_string_equal(s, "https://o:8/x");
	free(s);
	assert_int_equal(url_append("https://h/base/?q=1", "download", "a/b?c", &s, &err), RC_OK);
	assert_string_equal(s, "https://h/base/download/a%2Fb%3Fc");
	free(s);
}

static void
test_redact(void **state)
{
	struct redact r = { NULL, 0 };
	struct err err = { 0 };
	char text[80] = "a tok/1 b tok%2F1 c tok/1", small[12] = "xxtok/1yyyy";

	(void)state;
	assert_int_equal(redact_add(&r, "tok/1", &err), RC_OK);
	assert_int_equal(redact_add(&r, "ab", &err), RC_OK);	/* too short to be told from words */
	redact_text(&r, text, sizeof(text));
	assert_string_equal(text, "a [secret#1] b [secret#1] c [secret#1]");
	redact_text(&r, small, sizeof(small));
	assert_string_equal(small, "xx[secret#1");
	redact_free(&r);
}

/* A server: one scripted answer a connection, a NULL ends it; after one that begins with '+' the connection is kept
 * for the next. What was asked is written to a pipe. */
struct server { pid_t pid; int port, asked; };

static void
server_run(int fd, int out, const char *const *answers)
{
	char head[8192];
	size_t i = 0, n = 0;
	ssize_t got = 0;
	int c = -1;

	for (i = 0; answers[i] != NULL; i++) {
		if ((i == 0 || answers[i - 1][0] != '+') && (c = accept(fd, NULL, NULL)) < 0)
			_exit(1);
		for (n = 0, head[0] = '\0'; strstr(head, "\r\n\r\n") == NULL && n + 1 < sizeof(head); n += (size_t)got) {
			if ((got = read(c, head + n, sizeof(head) - 1 - n)) <= 0)
				break;
			head[n + (size_t)got] = '\0';
		}
		if (write(out, head, n) != (ssize_t)n || write(out, "\n==\n", 4) != 4)
			_exit(1);
		if (strcmp(answers[i], "hang") == 0)
			got = read(c, head, sizeof(head));	/* until the other side goes */
		else if (answers[i][0] == '+') {
			if (write(c, answers[i] + 1, strlen(answers[i]) - 1) < 0)
				_exit(1);
			continue;
		} else if (write(c, answers[i], strlen(answers[i])) < 0)
			_exit(1);
		close(c);
	}
	_exit(0);
}

static struct server
server_start(const char *const *answers)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t n = sizeof(a);
	struct server s = { 0 };
	int fd = socket(AF_INET, SOCK_STREAM, 0), p[2];

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	assert_int_equal(pipe(p), 0);
	s.port = ntohs(a.sin_port);
	s.pid = fork();
	if (s.pid == 0) {
		signal(SIGPIPE, SIG_IGN);
		close(p[0]);
		server_run(fd, p[1], answers);
	}
	close(fd);
	close(p[1]);
	s.asked = p[0];
	return s;
}

/* All requests that came; the server ends. */
static size_t
server_stop(struct server *s, char *text, size_t cap)
{
	const char *p = text;
	size_t n = 0, requests = 0;
	ssize_t got = 0;

	kill(s->pid, SIGTERM);
	waitpid(s->pid, NULL, 0);
	while (n + 1 < cap && (got = read(s->asked, text + n, cap - 1 - n)) > 0)
		n += (size_t)got;
	text[n] = '\0';
	close(s->asked);
	while ((p = strstr(p, "\n==\n")) != NULL) {
		requests++;
		p += 4;
	}
	return requests;
}

static char range[] = "127.0.0.0/8", host_a[] = "127.0.0.1", host_b[] = "localhost";
static char *allow[] = { range }, *plain[] = { host_a, host_b };

static struct http_options
options(void)
{
	return (struct http_options){ .agent = "mri-tools/test", .allow = allow, .nallow = 1, .allow_http = plain,
	    .nallow_http = 2, .step_ms = 3000, .gap_ms = 1, .cancel_fd = -1 };
}

struct outcome { int rc; struct err err; long status; char body[256], url[256]; unsigned requests; uint64_t ms; };

static struct outcome
perform(const struct http_options *o, const struct http_request *model, int port, const char *host)
{
	struct outcome r = { 0 };
	struct http_request req = *model;
	struct http_response resp = { 0 };
	struct http *h = NULL;
	char url[128];
	uint64_t began = time_mono_ms();

	snprintf(url, sizeof(url), "http://%s:%d/secret-path", host, port);
	req.url = req.url != NULL ? req.url : url;
	r.rc = http_open(&h, o, &r.err);
	assert_int_equal(r.rc, RC_OK);
	r.rc = http_perform(h, &req, &resp, &r.err);
	r.status = resp.status;
	r.requests = http_requests(h);
	r.ms = time_mono_ms() - began;
	snprintf(r.body, sizeof(r.body), "%s", resp.body.data != NULL ? resp.body.data : "");
	snprintf(r.url, sizeof(r.url), "%s", resp.url != NULL ? resp.url : "");
	assert_null(strstr(r.err.text, "secret-path"));
	http_response_free(&resp);
	http_close(h);
	return r;
}

#define OK_BODY		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\nSet-Cookie: a=b\r\n\r\nhi"
#define EMPTY		"Content-Length: 0\r\nConnection: close\r\n\r\n"
#define STATUS(n)	"HTTP/1.1 " #n " X\r\n" EMPTY

static const struct http_request get = { .method = "GET" };
static const struct http_request post = { .method = "POST", .body = "answers", .body_len = 7,
	.body_type = "application/json", .once = true };

static void
test_retry(void **state)
{
	static const char *const later[] = { "HTTP/1.1 503 X\r\nRetry-After: 0\r\n" EMPTY,
	    STATUS(500), "", OK_BODY, OK_BODY, NULL };
	static const char *const never[] = { STATUS(404), OK_BODY, NULL };
	static const char *const always[] = { STATUS(500), STATUS(502), STATUS(408), STATUS(429), OK_BODY, NULL };
	static const char *const cut[] = { "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", OK_BODY, NULL };
	struct http_options o = options();
	struct server s = server_start(later);
	struct outcome r = perform(&o, &get, s.port, "127.0.0.1");
	char asked[16384];

	(void)state;
	assert_int_equal(r.rc, RC_OK);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body, "hi");
	assert_int_equal(server_stop(&s, asked, sizeof(asked)), 4);
	assert_non_null(strstr(asked, "User-Agent: mri-tools/test"));
	assert_null(strstr(asked, "Cookie:"));
	s = server_start(never);
	r = perform(&o, &get, s.port, "127.0.0.1");
	assert_int_equal(r.status, 404);
	assert_int_equal(server_stop(&s, asked, sizeof(asked)), 1);
	s = server_start(always);
	r = perform(&o, &get, s.port, "127.0.0.1");
	assert_int_equal(r.status, 429);
	assert_int_equal(server_stop(&s, asked, sizeof(asked)), HTTP_TRIES);
	s = server_start(cut);
	r = perform(&o, &get, s.port, "127.0.0.1");
	assert_int_equal(r.rc, RC_OK);
	assert_string_equal(r.body, "hi");
	assert_int_equal(server_stop(&s, asked, sizeof(asked)), 2);
}

static void
test_once(void **state)
{
	static const char *const closed[] = { "", OK_BODY, NULL }, *const busy[] = { STATUS(503), OK_BODY, NULL };
	static const char *const moved[] = { "HTTP/1.1 307 X\r\nLocation: /other\r\n" EMPTY,
	    OK_BODY, NULL };
	struct http_options o = options();
	struct server s = server_start(closed);
	struct outcome r = perform(&o, &post, s.port, "127.0.0.1");
	char asked[8192];

	(void)state;
	assert_int_equal(r.err.kind, ERR_TEMP);
	assert_int_equal(server_stop(&s, asked, sizeof(asked)), 1);
	s = server_start(busy);
	r = perform(&o, &post, s.port, "127.0.0.1");
	assert_int_equal(r.status, 503);
	assert_int_equal(server_stop(&s, asked, sizeof(asked)), 1);
	s = server_start(moved);
	r = perform(&o, &post, s.port, "127.0.0.1");
	assert_int_equal(r.status, 307);
	assert_int_equal(server_stop(&s, asked, sizeof(asked)), 1);
}

/* curl sends a request again by itself when a kept connection turns out dead: not one with a credential. */
static void
test_once_on_kept(void **state)
{
	static const char *const answers[] = { "+HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "", OK_BODY, NULL };
	struct http_options o = options();
	struct server s = server_start(answers);
	struct http_response resp = { 0 };
	struct http_request req = get;
	struct http *h = NULL;
	struct err err = { 0 };
	char url[64], asked[8192], *at = NULL;

	(void)state;
	o.step_ms = 500;
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", s.port);
	req.url = url;
	assert_int_equal(http_open(&h, &o, &err), RC_OK);
	assert_int_equal(http_perform(h, &req, &resp, &err), RC_OK);
	http_response_free(&resp);
	req = post;
	req.url = url;
	(void)http_perform(h, &req, &resp, &err);
	http_response_free(&resp);
	http_close(h);
	(void)server_stop(&s, asked, sizeof(asked));
	at = strstr(asked, "POST ");
	assert_true(at == NULL || strstr(at + 1, "POST ") == NULL);
}

/* What the handshake of a request offers: the ALPN entry of HTTP/2 before that of HTTP/1.1, or not. */
static bool
offers_http2(const struct http_request *model)
{
	static const char *const answers[] = { "", NULL };
	static const char entry[] = "\x02" "h2\x08http/1.1";
	struct http_request req = *model;
	struct http_options o = options();
	struct server s = server_start(answers);
	struct pollfd p = { .fd = s.asked, .events = POLLIN };
	char url[64], asked[8192] = "";

	o.step_ms = 300;
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", s.port);
	req.url = url;
	(void)perform(&o, &req, s.port, "127.0.0.1");
	assert_int_equal(poll(&p, 1, 10000), 1);
	(void)server_stop(&s, asked, sizeof(asked));
	assert_non_null(memmem(asked, sizeof(asked), entry + 3, sizeof(entry) - 4));
	return memmem(asked, sizeof(asked), entry, sizeof(entry) - 1) != NULL;
}

/* Over HTTP/2 curl sends a request again by itself that the server did not take (REFUSED_STREAM). */
static void
test_once_no_http2(void **state)
{
	(void)state;
	assert_true(offers_http2(&get));
	assert_false(offers_http2(&post));
}

/* localhost is ::1 too, which is not allowed here: that nobody listens at the other one is the reason. */
static void
test_one_address_allowed(void **state)
{
	static const char *const none[] = { NULL };
	struct http_options o = options();
	struct server s = server_start(none);
	struct outcome r;
	char asked[16];

	(void)state;
	(void)server_stop(&s, asked, sizeof(asked));
	r = perform(&o, &post, s.port, "localhost");
	assert_int_equal(r.err.kind, ERR_TEMP);
}

static void
test_where(void **state)
{
	static const char *const answers[] = { OK_BODY, NULL };
	struct http_options o = options();
	struct server s = server_start(answers);
	struct outcome r;
	char asked[4096];

	(void)state;
	o.nallow = 0;
	r = perform(&o, &get, s.port, "127.0.0.1");
	assert_int_equal(r.err.kind, ERR_DENIED);
	r = perform(&o, &get, s.port, "localhost");
	assert_int_equal(r.err.kind, ERR_DENIED);
	assert_non_null(strstr(r.err.advice, "[net] allow"));
	o = options();
	o.nallow_http = 1;
	r = perform(&o, &get, s.port, "localhost");
	assert_int_equal(r.err.kind, ERR_DENIED);
	assert_int_equal(r.requests, 0);
	assert_int_equal(server_stop(&s, asked, sizeof(asked)), 0);
}

static void
test_bearer(void **state)
{
	static const char *const hosts[] = { "127.0.0.1" };
	struct http_request req = { .method = "GET", .bearer = "abc.def", .bearer_hosts = hosts, .nbearer_hosts = 1 };
	char to[128];
	const char *second[] = { OK_BODY, NULL }, *first[] = { to, NULL };
	struct http_options o = options();
	struct server b = server_start(second), a;
	struct outcome r;
	char asked[8192];

	(void)state;
	snprintf(to, sizeof(to), "HTTP/1.1 302 X\r\nLocation: http://localhost:%d/x\r\n" EMPTY,
	    b.port);
	a = server_start(first);
	r = perform(&o, &req, a.port, "127.0.0.1");
	assert_int_equal(r.status, 200);
	assert_int_equal(server_stop(&a, asked, sizeof(asked)), 1);
	assert_non_null(strstr(asked, "Authorization: Bearer abc.def"));
	assert_int_equal(server_stop(&b, asked, sizeof(asked)), 1);
	assert_null(strstr(asked, "Authorization"));
}

static void
test_redirects(void **state)
{
	char to[128];
	const char *loop[] = { to, to, to, to, to, to, to, to, NULL };
	static const char *const away[] = { "HTTP/1.1 302 X\r\nLocation: file:///etc/passwd\r\n" EMPTY,
	    OK_BODY, NULL };
	struct http_request req = get;
	struct http_options o = options();
	struct server s;
	struct outcome r;
	char asked[16384];

	(void)state;
	snprintf(to, sizeof(to), "HTTP/1.1 302 X\r\nLocation: /again\r\n" EMPTY);
	s = server_start(loop);
	r = perform(&o, &get, s.port, "127.0.0.1");
	assert_int_equal(r.err.kind, ERR_PROTOCOL);
	assert_int_equal(server_stop(&s, asked, sizeof(asked)), HTTP_REDIRECTS + 1);
	s = server_start(away);
	r = perform(&o, &get, s.port, "127.0.0.1");
	assert_int_equal(r.err.kind, ERR_PROTOCOL);
	assert_int_equal(server_stop(&s, asked, sizeof(asked)), 1);
	s = server_start(loop);
	req.redirects = 2;
	r = perform(&o, &req, s.port, "127.0.0.1");
	assert_int_equal(r.err.kind, ERR_PROTOCOL);
	assert_int_equal(server_stop(&s, asked, sizeof(asked)), 3);
	s = server_start(loop);
	req.redirects = -1;
	r = perform(&o, &req, s.port, "127.0.0.1");
	assert_int_equal(r.err.kind, ERR_PROTOCOL);
	assert_int_equal(server_stop(&s, asked, sizeof(asked)), 1);
}

/* A header that was meant for one host does not go to another: twice on the first, never on the second. */
static void
test_headers_stay(void **state)
{
	static const char *const headers[] = { "X-Key: abc.def", NULL };
	struct http_request req = { .method = "GET", .headers = headers, .headers_stay = true };
	char to[128];
	const char *second[] = { OK_BODY, OK_BODY, NULL };
	const char *first[] = { "HTTP/1.1 302 X\r\nLocation: /again\r\n" EMPTY, to, NULL };
	struct http_options o = options();
	struct server b = server_start(second), a;
	struct outcome r;
	char asked[8192], *at = NULL;

	(void)state;
	snprintf(to, sizeof(to), "HTTP/1.1 302 X\r\nLocation: http://localhost:%d/x\r\n" EMPTY, b.port);
	a = server_start(first);
	r = perform(&o, &req, a.port, "127.0.0.1");
	assert_int_equal(r.status, 200);
	assert_int_equal(server_stop(&a, asked, sizeof(asked)), 2);
	at = strstr(asked, "X-Key: abc.def");
	assert_non_null(at);
	assert_non_null(strstr(at + 1, "X-Key: abc.def"));
	assert_int_equal(server_stop(&b, asked, sizeof(asked)), 1);
	assert_null(strstr(asked, "X-Key"));
}

static void
test_bounds(void **state)
{
	static const char *const big[] = { "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n0123456789", OK_BODY, NULL };
	static const char *const hang[] = { "hang", "hang", "hang", "hang", NULL };
	static const char *const wait[] = { "HTTP/1.1 503 X\r\nRetry-After: 50\r\n" EMPTY,
	    OK_BODY, NULL };
	struct http_request req = get;
	struct http_options o = options();
	struct server s = server_start(big);
	struct outcome r;
	char asked[8192];
	int p[2];

	(void)state;
	req.max = 5;
	r = perform(&o, &req, s.port, "127.0.0.1");
	assert_int_equal(r.err.kind, ERR_PROTOCOL);
	assert_int_equal(server_stop(&s, asked, sizeof(asked)), 1);
	s = server_start(hang);
	o.deadline = time_mono_ms() + 1200;
	r = perform(&o, &get, s.port, "127.0.0.1");
	assert_int_equal(r.err.kind, ERR_TEMP);
	assert_in_range(r.ms, 0, 4000);
	(void)server_stop(&s, asked, sizeof(asked));
	s = server_start(wait);
	o = options();
	o.wait_ms = 20000;
	r = perform(&o, &get, s.port, "127.0.0.1");	/* does not wait for what is longer than it may */
	assert_int_equal(r.err.kind, ERR_TEMP);
	assert_in_range(r.ms, 0, 3000);
	assert_int_equal(server_stop(&s, asked, sizeof(asked)), 1);
	/* the caller is gone */
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, p), 0);
	close(p[1]);
	s = server_start(hang);
	o = options();
	o.cancel_fd = p[0];
	r = perform(&o, &get, s.port, "127.0.0.1");
	assert_int_equal(r.err.kind, ERR_TEMP);
	assert_in_range(r.ms, 0, 2500);
	close(p[0]);
	(void)server_stop(&s, asked, sizeof(asked));
}

/* What ends a session that a portal would never end: its requests, its bytes. And the gap between requests. */
static void
test_limits(void **state)
{
	static const char again[] = "HTTP/1.1 302 X\r\nLocation: /again\r\n" EMPTY;
	static const char *const hops[] = { again, again, again, OK_BODY, NULL };
	static const char *const twice[] = { OK_BODY, OK_BODY, OK_BODY, NULL };
	struct http_options o = options();
	struct http_request soon = get;
	struct http_response resp = { 0 };
	struct http *h = NULL;
	struct err err = { 0 };
	struct server s = server_start(hops);
	struct outcome r;
	char asked[8192], url[64];
	unsigned i = 0;

	(void)state;
	o.max_requests = 3;
	r = perform(&o, &get, s.port, "127.0.0.1");
	assert_int_equal(r.err.kind, ERR_PROTOCOL);
	assert_int_equal(err_status(r.err.kind), 76);
	assert_non_null(strstr(r.err.text, "more than 3 requests for one order"));
	assert_int_equal(server_stop(&s, asked, sizeof(asked)), 3);
	o = options();
	o.gap_ms = 60;
	s = server_start(hops);
	r = perform(&o, &get, s.port, "127.0.0.1");
	assert_int_equal(r.status, 200);
	assert_in_range(r.ms, 3 * 60, 3000);
	assert_int_equal(server_stop(&s, asked, sizeof(asked)), 4);
	/* a series stands apart: no gap, and not among the requests */
	o.gap_ms = 2000;
	o.max_requests = 1;
	soon.soon = true;
	s = server_start(twice);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/x", s.port);
	soon.url = url;
	assert_int_equal(http_open(&h, &o, &err), RC_OK);
	r.ms = time_mono_ms();
	for (i = 0; i < 3; i++) {
		assert_int_equal(http_perform(h, &soon, &resp, &err), RC_OK);
		assert_int_equal(resp.status, 200);
		http_response_free(&resp);
	}
	assert_in_range(time_mono_ms() - r.ms, 0, 1500);
	assert_int_equal(http_requests(h), 3);
	http_close(h);
	(void)server_stop(&s, asked, sizeof(asked));
	/* bytes of all bodies together, in errors too */
	o = options();
	o.max_bytes = 5;
	s = server_start(twice);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/x", s.port);
	assert_int_equal(http_open(&h, &o, &err), RC_OK);
	for (i = 0; i < 3; i++) {
		assert_int_equal(http_perform(h, &soon, &resp, &err) == RC_OK, i < 2);
		http_response_free(&resp);
	}
	assert_int_equal(err.kind, ERR_PROTOCOL);
	assert_non_null(strstr(err.text, "more than 5 bytes for one order"));
	http_close(h);
	assert_int_equal(server_stop(&s, asked, sizeof(asked)), 3);
}

/* RFC 9110 10.2.3: seconds, or a date. */
static void
test_retry_after_date(void **state)
{
	static const char *const past[] = { "HTTP/1.1 503 X\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n" EMPTY,
	    OK_BODY, NULL };
	char far[160], text[64];
	const char *later[] = { far, OK_BODY, NULL };
	struct http_options o = options();
	struct server s = server_start(past);
	struct outcome r;
	char asked[8192];
	time_t at = time(NULL) + 300;
	struct tm tm;
	long told = 0;

	(void)state;
	r = perform(&o, &get, s.port, "127.0.0.1");
	assert_int_equal(r.status, 200);
	assert_in_range(r.ms, 0, 2500);
	assert_int_equal(server_stop(&s, asked, sizeof(asked)), 2);
	assert_non_null(gmtime_r(&at, &tm));
	strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	snprintf(far, sizeof(far), "HTTP/1.1 429 X\r\nRetry-After: %s\r\n" EMPTY, text);
	o.wait_ms = 250000;
	s = server_start(later);
	r = perform(&o, &get, s.port, "127.0.0.1");
	assert_int_equal(r.err.kind, ERR_TEMP);
	assert_non_null(strstr(r.err.text, "asks to wait "));
	told = strtol(strstr(r.err.text, "asks to wait ") + 13, NULL, 10);
	assert_in_range(told, 290, 300);
	assert_int_equal(server_stop(&s, asked, sizeof(asked)), 1);
}

/* A proxy that does not let us through: the portal was not asked, and does not get the blame. */
static void
test_proxy_said(void **state)
{
	static const struct { const char *answer; enum err_kind kind; const char *says; } said[] = {
		{ STATUS(403), ERR_DENIED, "portal.example: the proxy does not let us through to it (status 403)" },
		{ "HTTP/1.1 407 X\r\nProxy-Authenticate: Basic realm=x\r\n" EMPTY, ERR_DENIED,
		    "the proxy wants a login (status 407)" },
		{ STATUS(503), ERR_TEMP, "the proxy cannot reach it (status 503)" },
	};
	struct http_request req = get;
	struct http_options o = options();
	char proxy[64], asked[8192];
	size_t i = 0;

	(void)state;
	req.url = "https://portal.example/secret-path";
	for (i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		const char *answers[] = { said[i].answer, said[i].answer, said[i].answer, said[i].answer, NULL };
		struct server s = server_start(answers);
		struct outcome r;

		snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", s.port);
		o.proxy = proxy;
		req.tries = 1;
		r = perform(&o, &req, s.port, "");
		assert_int_equal(r.err.kind, said[i].kind);
		assert_non_null(strstr(r.err.text, said[i].says));
		assert_int_equal(r.err.advice[0] != '\0', said[i].kind == ERR_DENIED);
		assert_int_equal(server_stop(&s, asked, sizeof(asked)), 1);
		assert_non_null(strstr(asked, "CONNECT portal.example:443"));
	}
}

struct series_seen { char url[64]; unsigned given, want, came, fine, moved, denied, stop; };

static bool
series_next(void *arg, unsigned lane, struct http_request *req)
{
	struct series_seen *seen = arg;

	assert_in_range(lane, 0, HTTP_LANES_MAX - 1);
	if (seen->given == seen->want)
		return false;
	seen->given++;
	req->method = "GET";
	req->url = seen->url;
	req->soon = true;
	return true;
}

static bool
series_came(void *arg, unsigned lane, int rc, const struct http_response *resp, const struct err *err)
{
	struct series_seen *seen = arg;

	(void)lane;
	seen->came++;
	seen->fine += rc == RC_OK && resp->status == 200 && strcmp(resp->body.data, "hi") == 0;
	seen->moved += rc == RC_OK && resp->status == 302;
	seen->denied += rc != RC_OK && err->kind == ERR_DENIED;
	return seen->came != seen->stop;
}

static struct series_seen
series_run(const struct http_options *o, const char *const *answers, unsigned want, unsigned stop, size_t max,
    size_t *requests)
{
	struct series_seen seen = { .want = want, .stop = stop };
	struct http_series series = { series_next, series_came, &seen, 3, max };
	struct server s = server_start(answers);
	struct http *h = NULL;
	struct err err = { 0 };
	char asked[16384];

	snprintf(seen.url, sizeof(seen.url), "http://127.0.0.1:%d/secret-path", s.port);
	assert_int_equal(http_open(&h, o, &err), RC_OK);
	assert_int_equal(http_perform_series(h, &series, &err), RC_OK);
	assert_int_equal(http_requests(h), seen.given);
	http_close(h);
	*requests = server_stop(&s, asked, sizeof(asked));
	return seen;
}

static void
test_series(void **state)
{
	static const char *const five[] = { OK_BODY, OK_BODY, OK_BODY, OK_BODY, OK_BODY, NULL };
	static const char *const moved[] = { "HTTP/1.1 302 X\r\nLocation: /other\r\n" EMPTY, OK_BODY, OK_BODY,
	    OK_BODY, NULL };
	struct http_options o = options();
	struct series_seen seen;
	size_t requests = 0;

	(void)state;
	seen = series_run(&o, five, 5, 0, 100, &requests);
	assert_int_equal(seen.came, 5);
	assert_int_equal(seen.fine, 5);
	assert_int_equal(requests, 5);
	seen = series_run(&o, moved, 3, 0, 100, &requests);	/* not followed: whoever asked does it the other way */
	assert_int_equal(seen.came, 3);
	assert_int_equal(seen.fine, 2);
	assert_int_equal(seen.moved, 1);
	assert_int_equal(requests, 3);
	seen = series_run(&o, five, 5, 1, 100, &requests);	/* what is under way comes to its end, nothing new begins */
	assert_int_equal(seen.came, 3);
	seen = series_run(&o, five, 3, 0, 1, &requests);	/* larger than it may be */
	assert_int_equal(seen.came, 3);
	assert_int_equal(seen.fine, 0);
	o.nallow = 0;
	seen = series_run(&o, five, 3, 0, 100, &requests);
	assert_int_equal(seen.fine, 0);
	assert_int_equal(requests, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses), cmocka_unit_test(test_proxy), cmocka_unit_test(test_urls),
		cmocka_unit_test(test_redact), cmocka_unit_test(test_retry), cmocka_unit_test(test_once),
		cmocka_unit_test(test_once_on_kept), cmocka_unit_test(test_once_no_http2),
		cmocka_unit_test(test_one_address_allowed), cmocka_unit_test(test_where), cmocka_unit_test(test_bearer),
		cmocka_unit_test(test_redirects), cmocka_unit_test(test_headers_stay),
		cmocka_unit_test(test_bounds), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_retry_after_date), cmocka_unit_test(test_proxy_said), cmocka_unit_test(test_series),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
