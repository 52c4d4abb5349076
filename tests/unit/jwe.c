/* JWE as SMART Health Links use it. Vectors made with the jose program of Debian (José 11), not by us. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>
#include "base/base64.h"
#include "base/hash.h"
#include "base/io.h"
#include "source/jwe.h"

static const char key_text[] = "rxTgYlOaKJPFtcEd0qcceN8wEU4p94SqAwIWQe6uX7Q";	/* the specification's example */

static void
key_of(uint8_t key[JWE_KEY_LEN])
{
	uint8_t b[BASE64_SIZE(43)];
	size_t n = 0;

	assert_true(base64_decode(BASE64_URL, key_text, 43, b, &n));
	assert_int_equal(n, JWE_KEY_LEN);
	memcpy(key, b, JWE_KEY_LEN);
}

static void
write_file(const char *dir, const char *name, const char *text, size_t repeat)
{
	char path[64];
	FILE *f = NULL;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_non_null(f = fopen(path, "we"));
	while (repeat-- > 0)
		fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

/* jose jwe enc with that protected header: the compact form, malloc. */
static char *
jose(const char *header, const char *content, size_t repeat)
{
	static const char script[] = "cd \"$0\" && jose jwe enc -i \"$1\" -k key -I in -c -o out; s=$?; "
	    "cat out; rm -r \"$0\"; exit $s";
	char dir[] = "/tmp/jwe.XXXXXX", key[128], input[256];
	struct err err = { 0 };
	struct buf b = BUF_INIT(0);
	int ends[2] = { -1, -1 }, how = 1;
	size_t got = 0;
	pid_t pid = -1;

	assert_non_null(mkdtemp(dir));
	snprintf(key, sizeof(key), "{\"kty\":\"oct\",\"k\":\"%s\"}", key_text);
	snprintf(input, sizeof(input), "{\"protected\":%s}", header);
	write_file(dir, "in", content, repeat);
	write_file(dir, "key", key, 1);
	assert_int_equal(pipe(ends), 0);
	if ((pid = fork()) == 0) {
		dup2(ends[1], 1);
		close(ends[0]);
		execl("/bin/sh", "sh", "-c", script, dir, input, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	assert_int_equal(buf_grow(&b, (size_t)1 << 20, &err), RC_OK);
	assert_int_equal(io_read_full(ends[0], b.data, (size_t)1 << 20, &got, &err), RC_OK);
	close(ends[0]);
	waitpid(pid, &how, 0);
	assert_int_equal(how, 0);
	b.data[got] = '\0';
	b.data[strcspn(b.data, "\n")] = '\0';
	return b.data;
}

static size_t
encode(const unsigned char *p, size_t n, char *out)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t i = 0, at = 0;
	unsigned v = 0, left = 0;

	for (i = 0; i < n; i++) {
		v = v << 8 | p[i];
		for (left += 8; left >= 6; left -= 6)
			out[at++] = set[v >> (left - 6) & 63];
	}
	if (left > 0)
		out[at++] = set[v << (6 - left) & 63];
	out[at] = '\0';
	return at;
}

/* The same with deflate, less the last `cut` bytes of it. */
static char *
sealed(const char *header, const char *content, size_t repeat, size_t cut)
{
	unsigned char key[JWE_KEY_LEN], iv[12] = { 7 }, tag[16], *in = calloc(repeat, strlen(content)), *z = malloc(65536);
	char *out = malloc(100000);
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	z_stream zs = { 0 };
	size_t i = 0, at = 0;
	int n = 0;

	key_of(key);
	for (i = 0; i < repeat; i++)
		memcpy(in + i * strlen(content), content, strlen(content));
	assert_int_equal(deflateInit2(&zs, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
	zs.next_in = in;
	zs.avail_in = (unsigned)(repeat * strlen(content));
	zs.next_out = z;
	zs.avail_out = 65536;
	assert_int_equal(deflate(&zs, Z_FINISH), Z_STREAM_END);
	at = encode((const unsigned char *)header, strlen(header), out);
	EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, iv);
	EVP_EncryptUpdate(c, NULL, &n, (const unsigned char *)out, (int)at);
	EVP_EncryptUpdate(c, z, &n, z, (int)(zs.total_out - cut));
	assert_int_equal(EVP_EncryptFinal_ex(c, z + n, &(int){ 0 }), 1);
	EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, 16, tag);
	at += (size_t)snprintf(out + at, 3, "..");
	at += encode(iv, 12, out + at);
	out[at++] = '.';
	at += encode(z, (size_t)n, out + at);
	out[at++] = '.';
	encode(tag, 16, out + at);
	EVP_CIPHER_CTX_free(c);
	deflateEnd(&zs);
	free(in);
	free(z);
	return out;
}

static enum err_kind
opens(const char *s, size_t max, struct buf *plain, char cty[128])
{
	struct err err = { 0 };
	uint8_t key[JWE_KEY_LEN];

	key_of(key);
	*plain = (struct buf)BUF_INIT(max);
	if (jwe_decrypt(s, strlen(s), key, plain, cty, &err) == RC_OK)
		return ERR_NONE;
	assert_true(err.text[0] != '\0');
	assert_null(strstr(err.text, key_text));
	return err.kind;
}

#define DIR_GCM	"{\"alg\":\"dir\",\"enc\":\"A256GCM\""

static void
test_plain(void **state)
{
	char *s = jose(DIR_GCM ",\"cty\":\"application/fhir+json\",\"kid\":\"x\"}", "{\"a\":1}", 1), cty[128], *spaced = NULL;
	struct buf b;

	(void)state;
	assert_int_equal(opens(s, 100, &b, cty), ERR_NONE);
	assert_string_equal(b.data, "{\"a\":1}");
	assert_string_equal(cty, "application/fhir+json");
	buf_free(&b);
	assert_true(asprintf(&spaced, " %s\r\n", s) > 0);
	assert_int_equal(opens(spaced, 100, &b, cty), ERR_NONE);
	buf_free(&b);
	free(spaced);
	assert_int_equal(opens(s, 3, &b, cty), ERR_PROTOCOL);	/* larger than may be */
	buf_free(&b);
	free(s);
	s = jose(DIR_GCM "}", "x", 1);
	assert_int_equal(opens(s, 100, &b, cty), ERR_NONE);
	assert_string_equal(cty, "");
	buf_free(&b);
	free(s);
}

static void
test_deflated(void **state)
{
	/* jose 11 writes this header and does not compress: kill-the-clipboard does, in flow/shl.sh */
	char *s = sealed("{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"zip\":\"DEF\"}", "0123456789", 100000, 0), cty[128];
	struct buf b;

	(void)state;
	assert_true(strlen(s) < 10000);
	assert_int_equal(opens(s, 2000000, &b, cty), ERR_NONE);
	assert_int_equal(b.len, 1000000);
	assert_memory_equal(b.data + 999990, "0123456789", 10);
	buf_free(&b);
	assert_int_equal(opens(s, 999999, &b, cty), ERR_PROTOCOL);	/* a bomb */
	assert_true(b.len <= 999999);
	buf_free(&b);
	free(s);
	s = sealed("{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"zip\":\"DEF\"}", "0123456789", 100000, 5);	/* cut */
	assert_int_equal(opens(s, 2000000, &b, cty), ERR_DATA);
	buf_free(&b);
	free(s);
	s = sealed("{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"zip\":\"GZ\"}", "0123456789", 100, 0);
	assert_int_equal(opens(s, 2000000, &b, cty), ERR_PROTOCOL);
	buf_free(&b);
	free(s);
}

/* Every character that is changed, and every place where it is cut. */
static void
test_changed(void **state)
{
	char *s = jose(DIR_GCM "}", "some text", 1), cty[128], old = 0;
	size_t i = 0, n = strlen(s);
	struct buf b;

	(void)state;
	for (i = 0; i < n; i++) {
		old = s[i];
		s[i] = old == 'A' ? 'B' : 'A';
		assert_int_not_equal(opens(s, 100, &b, cty), ERR_NONE);
		assert_int_equal(b.len, 0);
		buf_free(&b);
		s[i] = '\0';
		assert_int_not_equal(opens(s, 100, &b, cty), ERR_NONE);
		buf_free(&b);
		s[i] = old;
	}
	assert_int_equal(opens(s, 100, &b, cty), ERR_NONE);
	buf_free(&b);
	free(s);
}

static void
test_other_kinds(void **state)
{
	static const char *const headers[] = {
		"{\"alg\":\"A256KW\",\"enc\":\"A256GCM\"}", "{\"alg\":\"A256GCMKW\",\"enc\":\"A256GCM\"}",
	};
	static const struct { const char *text; enum err_kind kind; } texts[] = {
		{ "eyJhbGciOiJFUzI1NiJ9.e30.c2ln", ERR_PROTOCOL },	/* a JWS */
		{ "{\"resourceType\":\"Bundle\"}", ERR_PROTOCOL }, { "<html>", ERR_PROTOCOL }, { "", ERR_PROTOCOL },
		{ "....", ERR_PROTOCOL }, { "a.b.c.d.e.f", ERR_PROTOCOL }, { "e30....", ERR_PROTOCOL },
		/* {"alg":"dir","enc":"A128GCM"}, of the JOSE cookbook (RFC 7520 5.6) */
		{ "eyJhbGciOiJkaXIiLCJraWQiOiI3N2M3ZTJiOC02ZTEzLTQ1Y2YtODY3Mi02MTdiNWI0NTI0M2EiLCJlbmMiOiJBMTI4R0NNIn0"
		    "..refa467QzzKx6QAB.JW_i.vbb32Xvllea2OtmHAdccRQ", ERR_PROTOCOL },
		/* {"alg":"dir","enc":"A256GCM","crit":["x"]} */
		{ "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwiY3JpdCI6WyJ4Il19..refa467QzzKx6QAB.JW_i.vbb32Xvllea2OtmHAdccRQ",
		    ERR_PROTOCOL },
		/* {"alg":"dir","enc":"A256GCM"} with a key part; with a short tag; with a wrong tag */
		{ "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0.AAAA.refa467QzzKx6QAB.JW_i.vbb32Xvllea2OtmHAdccRQ", ERR_PROTOCOL },
		{ "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..refa467QzzKx6QAB.JW_i.vbb32Xvllea2OtmHAdcc", ERR_PROTOCOL },
		{ "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..refa467QzzKx6QAB.JW_i.vbb32Xvllea2OtmHAdccRQ", ERR_DATA },
	};
	struct buf b;
	char cty[128], *s = NULL;
	size_t i = 0;

	(void)state;
	for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		s = jose(headers[i], "x", 1);
		assert_int_equal(opens(s, 100, &b, cty), ERR_PROTOCOL);
		buf_free(&b);
		free(s);
	}
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (opens(texts[i].text, 100, &b, cty) != texts[i].kind)
			fail_msg("text %zu", i);
		buf_free(&b);
	}
}

/* HL7's own example, where the samples are. */
static void
test_hl7(void **state)
{
	const char *corpus = getenv("CORPUS");
	char path[4096], cty[128], hash[HASH_HEX];
	struct err err = { 0 };
	struct buf in = BUF_INIT(0), b;

	(void)state;
	if (corpus == NULL || corpus[0] == '\0')
		return;
	snprintf(path, sizeof(path), "%s/xml-json/smart-health-links/IPS_IG-bundle-01-enc.txt", corpus);
	assert_int_equal(io_slurp(AT_FDCWD, path, &in, &err), RC_OK);
	assert_int_equal(opens(in.data, (size_t)1 << 20, &b, cty), ERR_NONE);
	assert_int_equal(b.len, 60973);
	assert_int_equal(hash_hex(b.data, b.len, hash, &err), RC_OK);
	assert_string_equal(cty, "");	/* it has none */
	buf_free(&b);
	buf_free(&in);
}

static void
test_base64(void **state)
{
	static const struct { enum base64_form form; const char *text, *bytes; } good[] = {
		{ BASE64_URL, "", "" }, { BASE64_URL, "Zg", "f" }, { BASE64_URL, "Zg==", "f" }, { BASE64_URL, "Zm8", "fo" },
		{ BASE64_URL, "Zm9v", "foo" }, { BASE64_URL, "Zm9vYg", "foob" }, { BASE64_URL, "_-__", "\xff\xef\xff" },
		{ BASE64_MIME, "Zm9v\r\nYg==", "foob" }, { BASE64_MIME, "/+//", "\xff\xef\xff" },
	};
	static const struct { enum base64_form form; const char *text; } bad[] = {
		{ BASE64_URL, "Z" }, { BASE64_URL, "Zh" }, { BASE64_URL, "Zm9" }, { BASE64_URL, "Zg=" }, { BASE64_URL, "Z===" },
		{ BASE64_URL, "Zm 8" }, { BASE64_URL, "+///" }, { BASE64_MIME, "Zg" }, { BASE64_MIME, "_-__" },
		{ BASE64_URL, "Zg==Zg==" },
	};
	char out[64];
	size_t i = 0, n = 0;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(base64_decode(good[i].form, good[i].text, strlen(good[i].text), out, &n));
		assert_int_equal(n, strlen(good[i].bytes));
		assert_memory_equal(out, good[i].bytes, n);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (base64_decode(bad[i].form, bad[i].text, strlen(bad[i].text), out, &n))
			fail_msg("bad %zu is taken", i);
}

static void
test_base64_written(void **state)
{
	static const char *const texts[][2] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
		{ "\xff\xef\xff", "/+//" } };
	struct buf b = BUF_INIT(64);
	struct err err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		buf_clear(&b);
		assert_int_equal(base64_encode(&b, texts[i][0], strlen(texts[i][0]), &err), RC_OK);
		assert_string_equal(b.data, texts[i][1]);
	}
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64), cmocka_unit_test(test_base64_written),
		cmocka_unit_test(test_plain), cmocka_unit_test(test_deflated),
		cmocka_unit_test(test_changed), cmocka_unit_test(test_other_kinds), cmocka_unit_test(test_hl7),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
