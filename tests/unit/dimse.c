/* Command sets as bytes, statuses, and associations with peers that are not there or speak something else. */
#include "test.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"
#include "dimse/assoc.h"
#include "dimse/command.h"
#include "dimse/store.h"

static void request(void **state)
{
	struct buf b = BUF_INIT(DIMSE_COMMAND_MAX);
	struct dimse_request rq = { DIMSE_C_STORE, 7, "1.2", "1.2.3", true };
	struct err err = { 0 };
	char text[65];
	const uint8_t *v = NULL;
	size_t n = 0;

	(void)state;
	assert_int_equal(dimse_write_request(&b, &rq, &err), RC_OK);
	/* (0000,0000) counts the bytes after it */
	assert_int_equal(dimse_find(b.data, b.len, 0x00000000, &v, &n, &err), RC_OK);
	assert_int_equal(n, 4);
	assert_int_equal(v[0] | v[1] << 8, b.len - 12);
	assert_int_equal(b.len & 1, 0);
	assert_int_equal(dimse_find_text(b.data, b.len, 0x00001000, text, sizeof text, &err), RC_OK);
	assert_string_equal(text, "1.2.3");
	assert_int_equal(dimse_find_text(b.data, b.len, 0x00000002, text, sizeof text, &err), RC_OK);
	assert_string_equal(text, "1.2");	/* odd: padded, and the pad is no part of it */
	assert_int_equal(dimse_find(b.data, b.len, 0x00000700, &v, &n, &err), RC_OK);
	assert_non_null(v);
	rq.field = DIMSE_C_ECHO;
	rq.sop_uid = NULL;
	assert_int_equal(dimse_write_request(&b, &rq, &err), RC_OK);
	assert_int_equal(dimse_find(b.data, b.len, 0x00000700, &v, &n, &err), RC_OK);
	assert_null(v);
	buf_free(&b);
}

static size_t response(uint8_t *p)
{
	static const uint8_t rsp[] = {
		0, 0, 0x00, 0x01, 2, 0, 0, 0, 0x01, 0x80, 0, 0, 0x20, 0x01, 2, 0, 0, 0, 7, 0,
		0, 0, 0x00, 0x08, 2, 0, 0, 0, 0x01, 0x01, 0, 0, 0x00, 0x09, 2, 0, 0, 0, 0x00, 0xa7,
	};

	memcpy(p, rsp, sizeof rsp);
	return sizeof rsp;
}

static void responses(void **state)
{
	struct dimse_response r;
	struct err err = { 0 };
	uint8_t p[64];
	size_t n = response(p);

	(void)state;
	assert_int_equal(dimse_parse_response(p, n, &r, &err), RC_OK);
	assert_int_equal(r.field, DIMSE_C_STORE | DIMSE_RESPONSE);
	assert_int_equal(r.message, 7);
	assert_int_equal(r.status, 0xa700);
	assert_false(r.data);
	for (size_t cut = 0; cut < n; cut++) {	/* every cut is an error, none is read past */
		uint8_t exact[64];
		memcpy(exact, p, cut);
		assert_int_not_equal(dimse_parse_response(exact, cut, &r, &err), RC_OK);
		assert_int_equal(err.kind, ERR_PROTOCOL);
	}
	p[9] = 0x00;	/* a request */
	assert_int_not_equal(dimse_parse_response(p, n, &r, &err), RC_OK);
	n = response(p);
	p[4] = 0xff;	/* longer than the message */
	assert_int_not_equal(dimse_parse_response(p, n, &r, &err), RC_OK);
}

/* A sequence of undefined length that nobody asked for is stepped over; one without an end is an error. */
static void undefined(void **state)
{
	static const uint8_t p[] = {
		0x08, 0, 0x10, 0x11, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xff, 0x00, 0xe0, 0xff, 0xff, 0xff, 0xff,
		0x08, 0, 0x18, 0, 2, 0, 0, 0, '9', 0, 0xfe, 0xff, 0x0d, 0xe0, 0, 0, 0, 0, 0xfe, 0xff, 0xdd, 0xe0, 0, 0,
		    0, 0,
		0x08, 0, 0x18, 0, 4, 0, 0, 0, '1', '.', '2', 0,
	};
	struct err err = { 0 };
	char uid[65];

	(void)state;
	assert_int_equal(dimse_find_text(p, sizeof p, 0x00080018, uid, sizeof uid, &err), RC_OK);
	assert_string_equal(uid, "1.2");
	assert_int_not_equal(dimse_find_text(p, 30, 0x00080018, uid, sizeof uid, &err), RC_OK);
	assert_int_equal(dimse_find_text(p + 42, 12, 0x00080018, uid, 4, &err), RC_OK);
	assert_int_not_equal(dimse_find_text(p + 42, 12, 0x00080018, uid, 3, &err), RC_OK);
}

static void verdicts(void **state)
{
	(void)state;
	assert_int_equal(store_judge(0x0000), STORE_STORED);
	assert_int_equal(store_judge(0xb000), STORE_WARNING);
	assert_int_equal(store_judge(0xb007), STORE_WARNING);
	assert_int_equal(store_judge(0xa700), STORE_LATER);
	assert_int_equal(store_judge(0xa7ff), STORE_LATER);
	assert_int_equal(store_judge(0xa900), STORE_REFUSED);
	assert_int_equal(store_judge(0xc000), STORE_REFUSED);
	assert_int_equal(store_judge(0x0110), STORE_REFUSED);
	assert_int_equal(store_judge(0xff00), STORE_REFUSED);
}

/* A listener that says `words` to whoever comes, or nothing. */
static pid_t peer(const char *words, unsigned *port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof in;
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t p;

	assert_int_equal(bind(s, (struct sockaddr *)&in, sizeof in), 0);
	assert_int_equal(listen(s, 4), 0);
	assert_int_equal(getsockname(s, (struct sockaddr *)&in, &len), 0);
	*port = ntohs(in.sin_port);
	p = fork();
	if (p == 0) {
		char drain[4096];
		int fd = accept(s, NULL, NULL);
		if (words && write(fd, words, strlen(words)) < 0)
			_exit(1);
		while (read(fd, drain, sizeof drain) > 0)
			;
		_exit(0);
	}
	close(s);
	return p;
}

static void strangers(void **state)
{
	struct assoc_peer to = { .host = "127.0.0.1", .called = "PACS", .calling = "MRI", .timeout = 1 };
	struct err err = { 0 };
	uint64_t began;
	unsigned ms = 0;
	pid_t p;

	(void)state;
	p = peer("HTTP/1.1 400 Bad Request\r\n\r\n", &to.port);
	assert_int_not_equal(assoc_echo(&to, &ms, &err), RC_OK);
	assert_int_equal(err.kind, ERR_PROTOCOL);
	waitpid(p, NULL, 0);
	to.port += 0;	/* nobody listens there any more */
	assert_int_equal(assoc_echo(&to, &ms, &err), RC_RETRY);
	assert_int_equal(err.kind, ERR_TEMP);
	assert_non_null(strstr(err.text, "Connection refused"));
	p = peer(NULL, &to.port);
	began = time_mono_ms();
	assert_int_equal(assoc_echo(&to, &ms, &err), RC_RETRY);
	assert_int_equal(err.kind, ERR_TEMP);
	assert_true(time_mono_ms() - began < 10000);
	waitpid(p, NULL, 0);
	to.host = "no-such-host.invalid";
	assert_int_not_equal(assoc_echo(&to, &ms, &err), RC_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request), cmocka_unit_test(responses), cmocka_unit_test(undefined),
		cmocka_unit_test(verdicts), cmocka_unit_test(strangers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
