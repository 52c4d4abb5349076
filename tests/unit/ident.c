/* Who acts: the rule of 70-security, on uids that every Debian has (0 root, 1 daemon, 65534 nobody). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys/ident.h"
#include "test.h"

enum { ROOT = 0, DAEMON = 1, BIN = 2, NOBODY = 65534, NO_ACCOUNT = 987654 };

static void is(uid_t real, long login, const char *sudo_uid, uid_t uid, const char *name)
{
	struct ident id = { 0 };
	struct err err;

	assert_int_equal(ident_decide(&id, real, login, sudo_uid, &err), RC_OK);
	assert_int_equal(id.uid, uid);
	assert_string_equal(id.name, name);
	assert_int_equal(id.loginuid, login);
}

static void denied(uid_t real, long login, const char *sudo_uid, const char *says)
{
	struct ident id = { 0 };
	struct err err;

	assert_int_equal(ident_decide(&id, real, login, sudo_uid, &err), RC_FAILED);
	assert_int_equal(err.kind, ERR_DENIED);
	assert_non_null(strstr(err.text, says));
}

static void a_person_is_the_real_uid(void **state)
{
	(void)state;
	is(NOBODY, -1, NULL, NOBODY, "nobody");
	is(NO_ACCOUNT, -1, NULL, NO_ACCOUNT, "987654");
	/* whatever stands in the environment, which is the person's own to write */
	is(NOBODY, -1, "0", NOBODY, "nobody");
	is(NOBODY, -1, "1", NOBODY, "nobody");
	is(NOBODY, 1, "junk", NOBODY, "nobody");
	/* loginuid is evidence: anyone may write it where it is unset */
	is(NOBODY, 1, NULL, NOBODY, "nobody");
}

static void through_sudo_it_is_the_one_who_called(void **state)
{
	(void)state;
	is(ROOT, -1, "65534", NOBODY, "nobody");
	is(DAEMON, -1, "65534", NOBODY, "nobody");
	is(DAEMON, NOBODY, "65534", NOBODY, "nobody");
	is(DAEMON, -1, "0", ROOT, "root");
	is(ROOT, -1, NULL, ROOT, "root");
	is(ROOT, -1, "", ROOT, "root");
	is(DAEMON, -1, NULL, DAEMON, "daemon");
}

static void a_doubtful_one_is_refused(void **state)
{
	(void)state;
	denied(DAEMON, -1, "987654", "no account");
	denied(DAEMON, -1, "-1", "not a number");
	denied(DAEMON, -1, "4294967295", "not a number");
	denied(DAEMON, -1, "4294967296", "not a number");
	denied(DAEMON, -1, " 1", "not a number");
	denied(DAEMON, -1, "1x", "not a number");
	denied(DAEMON, BIN, "65534", "the login was 2");
	denied(ROOT, 0, "65534", "the login was 0");
}

static void here_and_now(void **state)
{
	struct ident id;
	struct err err;
	char host[64] = "";

	(void)state;
	assert_int_equal(ident_get(&id, NULL, &err), RC_OK);
	assert_int_equal(id.uid, getuid());
	assert_true(strlen(id.name) > 0);
	gethostname(host, sizeof(host) - 1);
	assert_string_equal(id.host, host);
	FILE *f = fopen("/proc/self/loginuid", "re");
	unsigned long n = 4294967295UL;
	if (f) {
		assert_int_equal(fscanf(f, "%lu", &n), 1);
		fclose(f);
	}
	assert_int_equal(id.loginuid, n == 4294967295UL ? -1 : (long)n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_person_is_the_real_uid),
		cmocka_unit_test(through_sudo_it_is_the_one_who_called),
		cmocka_unit_test(a_doubtful_one_is_refused),
		cmocka_unit_test(here_and_now),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
