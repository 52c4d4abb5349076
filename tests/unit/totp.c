/* One-time passwords: the vectors of RFC 6238 appendix B, and what apps are given to scan. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include "source/totp.h"

#define K20	"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
#define K32	K20 "GEZDGNBVGY3TQOJQGEZA===="
#define K64	K20 K20 K20 "GEZDGNA="

static void
check(const char *text, time_t when, const char *want)
{
	struct totp t;
	struct err err = { 0 };
	char code[TOTP_CODE_MAX];

	if (totp_parse(text, &t, &err) != RC_OK || totp_at(&t, when, code, &err) != RC_OK)
		fail_msg("%s", err.text);
	assert_string_equal(code, want);
	totp_wipe(&t);
	assert_int_equal(t.nkey, 0);
}

static void
test_vectors(void **state)
{
	static const struct { long long at; const char *sha1, *sha256, *sha512; } v[] = {
		{ 59, "94287082", "46119246", "90693936" }, { 1111111109, "07081804", "68084774", "25091201" },
		{ 1111111111, "14050471", "67062674", "99943326" }, { 1234567890, "89005924", "91819424", "93441116" },
		{ 2000000000, "69279037", "90698825", "38618901" }, { 20000000000, "65353130", "77737706", "47863826" },
	};
	size_t i = 0;

	(void)state;
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		check("otpauth://totp/x?digits=8&secret=" K20, (time_t)v[i].at, v[i].sha1);
		check("otpauth://totp/x?digits=8&algorithm=SHA256&secret=" K32, (time_t)v[i].at, v[i].sha256);
		check("otpauth://totp/x?algorithm=sha512&secret=" K64 "&digits=8", (time_t)v[i].at, v[i].sha512);
	}
}

static void
test_spellings(void **state)
{
	(void)state;
	check(K20, 59, "287082");
	check("gezd gnbv gy3t qojq gezd gnbv gy3t qojq", 59, "287082");
	check("otpauth://totp/Klinik:a%20b?issuer=K&secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ%3D&period=60", 119, "287082");
}

static void
test_refused(void **state)
{
	static const char *const bad[] = { "", "====", "GEZD1", "GEZD!", "otpauth://hotp/x?secret=GEZD", "otpauth://totp/x",
		"otpauth://totp/x?secret=", "otpauth://totp/x?secret=GEZD&digits=5", "otpauth://totp/x?secret=GEZD&digits=11",
		"otpauth://totp/x?secret=GEZD&period=0", "otpauth://totp/x?secret=GEZD&algorithm=MD5",
		"otpauth://totp/x?issuer=y", K20 K20 K20 K20 K20 K20 K20 };
	struct totp t;
	struct err err = { 0 };
	size_t i = 0;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_not_equal(totp_parse(bad[i], &t, &err), RC_OK);
		assert_int_equal(err.kind, ERR_DATA);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors), cmocka_unit_test(test_spellings), cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
