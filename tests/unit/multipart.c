/* multipart/related: cut anywhere, boundaries that look like data and data that looks like boundaries. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "source/multipart.h"

struct seen { char text[4096]; size_t n; unsigned parts, whole; };

static void
put(struct seen *s, const void *p, size_t n)
{
	assert_true(s->n + n < sizeof(s->text));
	memcpy(s->text + s->n, p, n);
	s->n += n;
	s->text[s->n] = '\0';
}

static int
on_part(void *arg, const char *type, struct err *err)
{
	struct seen *s = arg;

	(void)err;
	s->parts++;
	put(s, "[", 1);
	put(s, type, strlen(type));
	put(s, ":", 1);
	return RC_OK;
}

static int
on_data(void *arg, const void *p, size_t n, struct err *err)
{
	(void)err;
	put(arg, p, n);
	return RC_OK;
}

static int
on_end(void *arg, struct err *err)
{
	struct seen *s = arg;

	(void)err;
	s->whole++;
	put(s, "]", 1);
	return RC_OK;
}

static int
feed(const char *text, size_t n, size_t step, struct seen *s, bool *closed, struct err *err)
{
	struct multipart_ops ops = { on_part, on_data, on_end, s };
	struct multipart *m = NULL;
	size_t i = 0, part = 0;
	int rc = RC_OK;

	memset(s, 0, sizeof(*s));
	assert_int_equal(multipart_open(&m, "b-1", &ops, err), RC_OK);
	for (i = 0; i < n && rc == RC_OK; i += part) {
		part = step < n - i ? step : n - i;
		rc = multipart_feed(m, text + i, part, err);
	}
	*closed = multipart_closed(m);
	multipart_free(m);
	return rc;
}

/* The same result with every size of piece. */
static void
same(const char *text, size_t n, const char *expect, bool closes)
{
	struct err err = { 0 };
	struct seen s;
	bool closed = false;
	size_t step = 0;

	for (step = 1; step <= n + 1; step++) {
		assert_int_equal(feed(text, n, step, &s, &closed, &err), RC_OK);
		assert_string_equal(s.text, expect);
		assert_int_equal(closed, closes);
	}
}
#define SAME(text, expect, closes) same(text, sizeof(text) - 1, expect, closes)

static void
test_parts(void **state)
{
	(void)state;
	SAME("--b-1\r\nContent-Type: Application/DICOM; transfer-syntax=1.2\r\n\r\nABC\r\n--b-1\r\n\r\nD\r\n--b-1--\r\n",
	    "[application/dicom:ABC][:D]", true);
	SAME("pre\r\namble\r\n--b-1 \t \r\nX: y\r\n\r\nA\r\n--b-1--epilogue\r\n--b-1\r\n\r\nZ", "[:A]", true);
	SAME("--b-1\r\nContent-Length: 0\r\n\r\n\r\n--b-1--", "[:]", true);	/* an empty part, both ways */
	SAME("--b-1\r\nContent-Length: 0\r\n\r\n--b-1--", "[:]", true);
	SAME("--b-1--", "", true);
	SAME("", "", false);
}

static void
test_data_like_boundaries(void **state)
{
	(void)state;
	SAME("--b-1\r\n\r\nA\r\n--b-2\r\r\n\r\n--b-\r\n-b-1\n--b-1\r\n--b-1--",
	    "[:A\r\n--b-2\r\r\n\r\n--b-\r\n-b-1\n--b-1]", true);
	SAME("--b-1\r\n\r\nA\r\n--b-10\r\nB\r\n--b-1-x\r\n--b-1 y\r\n--b-1--",
	    "[:A\r\n--b-10\r\nB\r\n--b-1-x\r\n--b-1 y]", true);
	SAME("--b-1\r\n\r\nA\r\n--b-1\r\r\n--b-1--", "[:A\r\n--b-1\r]", true);
	SAME("--b-1\r\n\r\n\r\n\r\n\r\n--b-1--", "[:\r\n\r\n]", true);
}

static void
test_cut(void **state)
{
	static const char whole[] = "--b-1\r\nContent-Type: a/b\r\n\r\nABC\r\n--b-1\r\n\r\nDEF\r\n--b-1--";
	struct err err = { 0 };
	struct seen s;
	bool closed = false;
	size_t n = 0, len = sizeof(whole) - 1;

	(void)state;
	/* at no place but the end does it pass for whole, and no part that misses its boundary does */
	for (n = 0; n < len; n++) {
		assert_int_equal(feed(whole, n, 7, &s, &closed, &err), RC_OK);
		assert_false(closed);
		assert_true(s.whole < 2);
	}
	assert_int_equal(feed(whole, len, 7, &s, &closed, &err), RC_OK);
	assert_true(closed);
	assert_int_equal(s.whole, 2);
}

static void
test_caps(void **state)
{
	struct err err = { 0 };
	struct seen s;
	bool closed = false;
	char *big = malloc(MULTIPART_HEADERS_MAX + 100);

	(void)state;
	assert_non_null(big);
	memset(big, 'x', MULTIPART_HEADERS_MAX + 100);
	memcpy(big, "--b-1\r\n", 7);
	assert_int_equal(feed(big, MULTIPART_HEADERS_MAX + 100, 50, &s, &closed, &err), err_rc(ERR_PROTOCOL));
	assert_int_equal(err.kind, ERR_PROTOCOL);
	assert_false(closed);
	free(big);
}

static int
refuse(void *arg, const void *p, size_t n, struct err *err)
{
	(void)arg; (void)p; (void)n;
	return err_set(err, ERR_IO, "full");
}

static void
test_callback_fails(void **state)
{
	static const char text[] = "--b-1\r\n\r\nABC";
	struct seen s = { 0 };
	struct multipart_ops ops = { on_part, refuse, on_end, &s };
	struct multipart *m = NULL;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(multipart_open(&m, "b-1", &ops, &err), RC_OK);
	assert_int_equal(multipart_feed(m, text, sizeof(text) - 1, &err), err_rc(ERR_IO));
	assert_int_not_equal(multipart_feed(m, "x", 1, &err), RC_OK);
	multipart_free(m);
}

static void
test_boundary(void **state)
{
	static const char *const bad[] = {
		"application/dicom; boundary=x", "multipart/related", "multipart/related; boundary=",
		"multipart/related; boundary=\"", "multipart/related; boundary=\"a\rb\"", "multipart/related; boundary=\"a \"",
		"multipart/related; xboundary=a",
		"multipart/related; boundary=12345678901234567890123456789012345678901234567890123456789012345678901",
	};
	char b[MULTIPART_BOUNDARY_MAX + 1];
	struct err err = { 0 };
	size_t i = 0;

	(void)state;
	assert_int_equal(multipart_boundary("multipart/related; type=\"application/dicom\"; boundary=a-b_c", b, &err), RC_OK);
	assert_string_equal(b, "a-b_c");
	assert_int_equal(multipart_boundary("Multipart/Related;start=\"x;boundary=no\";BOUNDARY=\"a b=\\?\" ; q=1",
	    b, &err), RC_OK);
	assert_string_equal(b, "a b=?");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(multipart_boundary(bad[i], b, &err), err_rc(ERR_PROTOCOL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts), cmocka_unit_test(test_data_like_boundaries), cmocka_unit_test(test_cut),
		cmocka_unit_test(test_caps), cmocka_unit_test(test_callback_fails), cmocka_unit_test(test_boundary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
