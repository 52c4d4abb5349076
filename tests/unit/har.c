/* lib/http: recordings. What is written, what is read back, and a session that a recording answers. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/io.h"
#include "http/har.h"
#include "http/replay.h"
#include "http/tags.h"

static bool
match(struct tags *t, const char *pattern, const char *text)
{
	return tags_match(t, pattern, strlen(pattern), text, strlen(text));
}

static void
filled(struct tags *t, const char *text, const char *want)
{
	struct buf b = BUF_INIT(4096);
	struct err err = { 0 };

	assert_int_equal(tags_fill(t, text, strlen(text), &b, &err), RC_OK);
	assert_string_equal(b.data, want);
	buf_free(&b);
}

static void
test_tags(void **state)
{
	struct tags t = { 0 };
	struct buf b = BUF_INIT(4096);
	struct err err = { 0 };

	(void)state;
	assert_true(match(&t, "plain", "plain"));
	assert_false(match(&t, "plain", "plains"));
	assert_true(match(&t, "", ""));
	assert_true(match(&t, "[not a tag]", "[not a tag]"));
	assert_int_equal(t.n, 0);
	/* what a request has is what the tag stands for, everywhere after */
	assert_true(match(&t, "a=[code#1]&b", "a=4711 x&b"));
	assert_true(match(&t, "[code#1]", "4711 x"));
	assert_true(match(&t, "[code#1]", "4711%20x"));
	assert_true(match(&t, "[code#1]!", "NDcxMSB4!"));	/* base64 */
	assert_false(match(&t, "[code#1]", "4712 x"));
	filled(&t, "<[code#1]>", "<4711 x>");
	/* what did not fit leaves nothing behind */
	assert_false(match(&t, "[new#1]/[code#1]/z", "first/4711 x/y"));
	assert_int_equal(t.n, 1);
	assert_true(match(&t, "[birth#1]", "1970-01-31"));
	assert_true(match(&t, "[birth#1]", "19700131"));
	assert_false(match(&t, "[birth#1]", "19700130"));
	/* what an answer has first is of the form that is wanted there */
	filled(&t, "[birth#2] [study#3] [bearer#1]", "18000103 2.25.7700003 recorded.bearer.1");
	assert_true(match(&t, "Bearer [bearer#1]", "Bearer recorded.bearer.1"));
	assert_false(match(&t, "Bearer [bearer#1]", "Bearer other"));
	assert_true(match(&t, "[x#1][y#1]z", "abcz"));	/* where one ends is not known: no harm */
	assert_int_equal(tags_hide(&t, "/a/recorded.bearer.1/4711 x", 27, &b, &err), RC_OK);
	assert_string_equal(b.data, "/a/[bearer#1]/[code#1]");
	buf_free(&b);
	tags_free(&t);
}

#define LOG(entries) "{\"log\":{\"version\":\"1.2\",\"creator\":{\"name\":\"mri-tools\",\"version\":\"0\"}," \
	"\"entries\":[" entries "]}}"
#define ENTRY(method, url, more, status, content, step, end) "{\"request\":{\"method\":\"" method "\",\"url\":\"" url \
	"\",\"headers\":[]" more "},\"response\":{\"status\":" status ",\"headers\":[],\"content\":{" content "}," \
	"\"redirectURL\":\"\"},\"_session\":\"s\",\"_step\":\"" step "\"" end "}"
#define TEXT(s) "\"size\":2,\"mimeType\":\"text/plain\",\"text\":\"" s "\""
#define DONE ",\"_kind\":\"dlx\",\"_state\":\"\""

static const char *const whole = LOG(
	ENTRY("GET", "https://h/p?token=[token#1]&page=1", "", "200", TEXT("hello [token#1]"), "look", "") ","
	ENTRY("POST", "https://h/login", ",\"postData\":{\"mimeType\":\"application/x-www-form-urlencoded\","
	    "\"text\":\"user=a&code=[code#1]\"}", "503", TEXT("busy"), "login", "") ","
	ENTRY("POST", "https://h/login", ",\"postData\":{\"mimeType\":\"application/x-www-form-urlencoded\","
	    "\"text\":\"user=a&code=[code#1]\"}", "200", TEXT("[bearer#1]"), "login", DONE) ","
	ENTRY("GET", "https://h/get/[path#1]/9", "", "200",
	    "\"size\":5000,\"mimeType\":\"application/zip\",\"_media\":\"zip\","
	    "\"_sha256\":\"00\"", "fetch 2", ",\"_state\":\"partial\",\"_said\":\"it was cut\""));

static struct recording *
parsed(const char *text)
{
	struct recording *r = NULL;
	struct err err = { 0 };

	if (recording_parse(&r, text, strlen(text), &err) != RC_OK)
		fail_msg("%s", err.text);
	return r;
}

static void
test_recording(void **state)
{
	static const char *const bad[] = { "", "{}", "[]", "{\"log\":{\"entries\":[]}}", LOG(""), LOG("{}"), LOG("1"),
		LOG(ENTRY("", "https://h/", "", "200", TEXT(""), "look", "")),
		LOG(ENTRY("GET", "h", "", "200", TEXT(""), "look", "")),
		LOG(ENTRY("GET", "https://h/", "", "-1", TEXT(""), "look", "")),
		LOG(ENTRY("GET", "https://h/", "", "200", "\"size\":-5", "look", "")),
		LOG(ENTRY("GET", "https://h/", "", "200", TEXT(""), "", "")),
		LOG(ENTRY("GET", "https://h/", "", "200", TEXT(""), "fetch x", "")),
		LOG(ENTRY("GET", "https://h/", "", "200", TEXT(""), "a-step-with-a-long-name", "")),
		LOG(ENTRY("GET", "https://h/", "", "200", TEXT(""), "look", ",\"_error\":{\"kind\":99,\"text\":\"\"}")) };
	struct recording *r = NULL;
	struct err err = { 0 };
	size_t i = 0;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (recording_parse(&r, bad[i], strlen(bad[i]), &err) == RC_OK)
			fail_msg("%zu is taken", i);
		assert_int_equal(err.kind, ERR_DATA);
		assert_null(r);
	}
	r = parsed(whole);
	assert_int_equal(r->n, 1);
	assert_int_equal(r->v[0].n, 4);
	assert_int_equal(r->v[0].nsteps, 3);
	assert_string_equal(r->v[0].steps[0].what, "look");
	assert_false(r->v[0].steps[0].whole);
	assert_true(r->v[0].steps[1].whole);
	assert_string_equal(r->v[0].steps[1].kind, "dlx");
	assert_int_equal(r->v[0].steps[2].n, 2);
	assert_string_equal(r->v[0].steps[2].state, "partial");
	assert_string_equal(r->v[0].steps[2].said, "it was cut");
	recording_free(r);
}

struct played { struct recording *recording; struct replay *replay; struct http *http; };

static void
play(struct played *p, const char *text)
{
	struct http_options o = { .agent = "test", .cancel_fd = -1 };
	struct err err = { 0 };

	p->recording = parsed(text);
	assert_int_equal(replay_new(&p->replay, p->recording, 0, &err), RC_OK);
	o.replay = p->replay;
	assert_int_equal(http_open(&p->http, &o, &err), RC_OK);
}

static void
stop(struct played *p)
{
	http_close(p->http);
	replay_free(p->replay);
	recording_free(p->recording);
}

static int
ask(struct played *p, const char *method, const char *url, const char *form, char *body, struct err *err)
{
	struct http_request req = { .method = method, .url = url, .body = form, .body_len = form != NULL ? strlen(form) : 0,
	    .body_type = form != NULL ? "application/x-www-form-urlencoded" : NULL };
	struct http_response resp;
	int rc = http_perform(p->http, &req, &resp, err);

	snprintf(body, 64, "%ld %.50s", resp.status, resp.body.data != NULL ? resp.body.data : "");
	http_response_free(&resp);
	return rc;
}

static void
test_replay(void **state)
{
	struct played p;
	struct err err = { 0 };
	char body[64], *url = NULL;

	(void)state;
	play(&p, whole);
	assert_int_equal(replay_url(p.replay, 0, &url, &err), RC_OK);
	assert_string_equal(url, "https://h/p?token=recorded.token.1&page=1");
	assert_int_equal(ask(&p, "GET", url, NULL, body, &err), RC_OK);
	free(url);
	assert_string_equal(body, "200 hello recorded.token.1");
	/* a busy portal's answer is asked for again, without a wait; values of a form are not compared */
	assert_int_equal(ask(&p, "POST", "https://h/login", "user=b&code=9999", body, &err), RC_OK);
	assert_string_equal(body, "200 recorded.bearer.1");
	assert_int_equal(replay_unused(p.replay, 0), 0);
	assert_int_equal(replay_unused(p.replay, 2), 1);
	assert_null(replay_absent(p.replay));
	assert_int_not_equal(ask(&p, "GET", "https://h/get/anything/9", NULL, body, &err), RC_OK);
	assert_int_equal(replay_absent(p.replay)->bytes, 5000);
	assert_int_equal(replay_verdict(p.replay, &err), RC_OK);
	assert_int_equal(replay_unused(p.replay, 2), 0);
	/* each is there once */
	assert_int_not_equal(ask(&p, "GET", "https://h/get/anything/9", NULL, body, &err), RC_OK);
	assert_non_null(strstr(err.text, "entry 4: it was asked for once"));
	assert_int_not_equal(replay_verdict(p.replay, &err), RC_OK);
	stop(&p);
}

static void
test_nearest(void **state)
{
	static const struct { const char *method, *url, *form, *want; } misses[] = {
		{ "GET", "https://h/get/a/10", NULL, "entry 4: segment 3 of the path is '9' there and '10' here" },
		{ "GET", "https://h/get/a", NULL, "entry 4: segment 3 of the path is '9' there and '' here" },
		{ "GET", "https://other/get/a/9", NULL, "entry 4: the host is 'https://h' there and 'https://other' here" },
		{ "POST", "https://h/p?token=t&page=1", NULL, "entry 1: the method is GET there and POST here" },
		{ "GET", "https://h/p?token=t&page=2", NULL, "entry 1: the value of 'page' in the query is another one" },
		{ "GET", "https://h/p?token=t&side=1", NULL, "entry 1: the query has 'page' there and 'side' here" },
		{ "GET", "https://h/p?token=t", NULL, "entry 1: the query has 'page' only there" },
		{ "GET", "https://h/p?token=t&page=1&x=2", NULL, "entry 1: the query has 'x' only here" },
		{ "POST", "https://h/login", "user=a&otp=1", "the form has the field 'code' there and 'otp' here" },
		{ "POST", "https://h/login", "code=1&more=2&user=a", "the form has the field 'more' only here" },
	};
	struct played p;
	struct err err = { 0 };
	char body[64];
	size_t i = 0;

	(void)state;
	for (i = 0; i < sizeof(misses) / sizeof(misses[0]); i++) {
		play(&p, whole);
		assert_int_not_equal(ask(&p, misses[i].method, misses[i].url, misses[i].form, body, &err), RC_OK);
		assert_int_equal(err.kind, ERR_PERSON);
		if (strstr(err.text, misses[i].want) == NULL)
			fail_msg("%s: %s", misses[i].want, err.text);
		stop(&p);
	}
	/* what stands for a tag is not shown */
	play(&p, whole);
	assert_int_equal(ask(&p, "GET", "https://h/p?token=s3cret-value&page=1", NULL, body, &err), RC_OK);
	assert_int_not_equal(ask(&p, "GET", "https://h/s3cret-value/9", NULL, body, &err), RC_OK);
	assert_null(strstr(err.text, "s3cret"));
	assert_non_null(strstr(err.text, "[token#1]"));
	stop(&p);
}

static void
test_json_body(void **state)
{
	static const char *const text = LOG(ENTRY("POST", "https://h/", ",\"postData\":{\"mimeType\":\"application/json\","
	    "\"text\":\"{\\\"a\\\":[{\\\"id\\\":1,\\\"answer\\\":\\\"[code#1]\\\"}]}\"}", "200", TEXT("ok"), "login", DONE));
	static const struct { const char *body, *want; } v[] = {
		{ "{\"a\":[{\"id\":2,\"answer\":\"x\"}]}", NULL },
		{ "{\"a\":[{\"id\":1}]}", "the member 'answer' of the body is only there" },
		{ "{\"a\":[{\"id\":1,\"answer\":\"\",\"more\":1}]}", "the member 'more' of the body is only here" },
		{ "{\"a\":{\"id\":1}}", "the member 'a' of the body has another form" },
		{ "no JSON", "the body is another one" },
	};
	struct http_request req = { .method = "POST", .url = "https://h/", .body_type = "application/json" };
	struct http_response resp;
	struct played p;
	struct err err = { 0 };
	size_t i = 0;

	(void)state;
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		play(&p, text);
		req.body = v[i].body;
		req.body_len = strlen(v[i].body);
		err_clear(&err);
		assert_int_equal(http_perform(p.http, &req, &resp, &err) == RC_OK, v[i].want == NULL);
		if (v[i].want != NULL && strstr(err.text, v[i].want) == NULL)
			fail_msg("%s: %s", v[i].want, err.text);
		http_response_free(&resp);
		stop(&p);
	}
}

/* What har.c writes is what recording.c reads. */
static void
test_written(void **state)
{
	struct http_exchange x = { .method = "GET", .url = "https://h/share/secret-token-1?x=1", .status = 410,
	    .http_version = 11, .type = "text/plain", .text = "gone: secret-token-1", .text_len = 20, .bytes = 20, .ip = "",
	    .tls_version = "", .tls_cipher = "" };
	char path[] = "/tmp/mri-har-XXXXXX";
	struct redact secrets = { 0 };
	struct recording *r = NULL;
	struct stream *s = NULL;
	struct har *h = NULL;
	json_t *entry = NULL;
	struct buf b = BUF_INIT(65536);
	struct err err = { 0 }, said = { 0 };
	int fd = mkstemp(path), i = 0;

	(void)state;
	unlink(path);
	assert_int_equal(redact_add_as(&secrets, "token", "secret-token-1", &err), RC_OK);
	err_set(&said, ERR_REFUSED, "gone, says secret-token-1");
	for (i = 0; i < 2; i++) {	/* two links into one file */
		assert_int_equal(har_open(&h, fd, &secrets, NULL, NULL, &err), RC_OK);
		har_begin(h, "look", 0);
		har_exchange(h, &x);
		har_end(h, "", "expired", &said);
		har_close(h);
	}
	assert_int_equal(stream_file(&s, fd, &err), RC_OK);
	assert_int_equal(stream_slurp(s, &b, &err), RC_OK);
	stream_close(s);
	assert_null(strstr(b.data, "secret-token"));
	r = parsed(b.data);
	assert_int_equal(r->n, 2);
	assert_string_equal(r->v[0].v[0].url, "https://h/share/[token#1]?x=1");
	assert_string_equal(r->v[0].v[0].text, "gone: [token#1]");
	assert_string_equal(r->v[1].steps[0].state, "expired");
	assert_string_equal(r->v[1].steps[0].said, "gone, says [token#1]");
	entry = json_array_get(json_object_get(json_object_get(r->root, "log"), "entries"), 0);
	assert_true(har_clean(entry));
	json_object_set_new(json_object_get(entry, "request"), "url", json_string("https://h/share/secret-token-1?x=1"));
	assert_false(har_clean(entry));
	recording_free(r);
	buf_free(&b);
	redact_free(&secrets);
}

/* Bodies whose secrets only a later step knows, and lists in DICOM JSON. */
static void
test_late(void **state)
{
	static const char list[] = "[{\"00100010\":{\"vr\":\"PN\",\"Value\":[{\"Alphabetic\":\"Fremd^Frieda\"}]},"
	    "\"00080060\":{\"vr\":\"CS\",\"Value\":[\"CTXX\"]},\"0020000D\":{\"vr\":\"UI\",\"Value\":[\"1.2.3.4.5\"]}}]";
	struct http_exchange x = { .method = "GET", .url = "https://h/", .status = 200, .type = "text/html", .text = "<td>Eva",
	    .text_len = 7, .bytes = 7, .ip = "", .tls_version = "", .tls_cipher = "" };
	char path[] = "/tmp/mri-har-XXXXXX";
	struct redact secrets = { 0 };
	struct har *h = NULL;
	struct buf b = BUF_INIT(65536);
	struct stream *s = NULL;
	struct err err = { 0 };
	int fd = mkstemp(path);

	(void)state;
	unlink(path);
	assert_int_equal(har_open(&h, fd, &secrets, NULL, NULL, &err), RC_OK);
	har_begin(h, "login", 0);
	har_exchange(h, &x);
	har_exchange(h, &x);
	har_exchange(h, &x);
	har_end(h, "recipe", "", NULL);
	har_begin(h, "list", 0);
	har_exchange(h, &x);
	assert_int_equal(redact_add_as(&secrets, "who", "<td>Eva", &err), RC_OK);
	x.type = "application/dicom+json";
	x.text = list;
	x.text_len = x.bytes = strlen(list);
	har_exchange(h, &x);
	har_end(h, "recipe", "", NULL);
	assert_int_equal(stream_file(&s, fd, &err), RC_OK);
	assert_int_equal(stream_slurp(s, &b, &err), RC_OK);
	stream_close(s);
	har_close(h);
	assert_null(strstr(b.data, "Eva"));	/* nor on the pages before the last one */
	recording_free(parsed(b.data));
	assert_non_null(strstr(b.data, "[who#1]"));
	assert_null(strstr(b.data, "Fremd"));
	assert_null(strstr(b.data, "1.2.3.4.5"));
	assert_non_null(strstr(b.data, "CTXX"));
	buf_free(&b);
	redact_free(&secrets);
}

/* Where no more secrets can be held apart, an exchange keeps only what cannot be one. */
static void
test_full(void **state)
{
	static const char *const sent[] = { "Cookie: sid=cookie-987654", NULL };
	struct http_exchange x = { .method = "POST", .url = "https://h:8443/x/token-123456?y=value-7654321",
	    .location = "https://h/z/onward-5557777", .body = "code=letter-1112223", .body_len = 19,
	    .body_type = "application/x-www-form-urlencoded", .sent = sent, .nsent = 1, .status = 302,
	    .type = "text/html", .text = "", .ip = "", .tls_version = "", .tls_cipher = "" };
	char path[] = "/tmp/mri-har-XXXXXX", secret[32];
	struct redact secrets = { 0 };
	struct har *h = NULL;
	struct buf b = BUF_INIT(65536);
	struct stream *s = NULL;
	struct err err = { 0 };
	int fd = mkstemp(path), i = 0;

	(void)state;
	unlink(path);
	for (i = 0; !redact_full(&secrets); i++) {
		snprintf(secret, sizeof(secret), "secret-%d", 100000 + i);
		assert_int_equal(redact_add(&secrets, secret, &err), RC_OK);
	}
	assert_int_equal(har_open(&h, fd, &secrets, NULL, NULL, &err), RC_OK);
	har_begin(h, "list", 0);
	har_exchange(h, &x);
	har_end(h, "recipe", "", NULL);
	har_close(h);
	assert_int_equal(stream_file(&s, fd, &err), RC_OK);
	assert_int_equal(stream_slurp(s, &b, &err), RC_OK);
	stream_close(s);
	assert_non_null(strstr(b.data, "\"https://h:8443/left-out\""));
	assert_null(strstr(b.data, "123456"));
	assert_null(strstr(b.data, "7654321"));
	assert_null(strstr(b.data, "5557777"));
	assert_null(strstr(b.data, "1112223"));
	assert_null(strstr(b.data, "987654"));
	recording_free(parsed(b.data));
	buf_free(&b);
	redact_free(&secrets);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tags), cmocka_unit_test(test_recording), cmocka_unit_test(test_replay),
		cmocka_unit_test(test_nearest), cmocka_unit_test(test_json_body), cmocka_unit_test(test_written),
		cmocka_unit_test(test_late), cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
