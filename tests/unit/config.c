#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "cli/config.h"
#include "sys/jail.h"
#include "test.h"

static char dir[] = "configXXXXXX";
static char policy[256], own[256], second[256];

static int setup(void **state)
{
	(void)state;
	const char *tmp = getenv("TMPDIR");

	if (chdir(tmp ? tmp : "/tmp") || !mkdtemp(dir))
		return -1;
	snprintf(policy, sizeof(policy), "%s/policy", dir);
	snprintf(own, sizeof(own), "%s/own", dir);
	snprintf(second, sizeof(second), "%s/second", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(policy);
	unlink(own);
	unlink(second);
	return rmdir(dir);
}

static void put(const char *path, const char *text)
{
	struct err err;

	unlink(path);
	if (!text)
		return;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(io_write_full(fd, text, strlen(text), &err), RC_OK);
	close(fd);
}

static int load(const char *policy_text, const char *own_text, struct config **c, struct err *err)
{
	const char *files[] = { own, NULL };

	put(policy, policy_text);
	put(own, own_text);
	memset(err, 0, sizeof(*err));
	int rc = config_load(c, policy, files, false, err);
	if (rc)
		print_message("%s\n", err->text);
	return rc;
}

static void defaults(void **state)
{
	(void)state;
	struct config *c = NULL;
	struct err err;

	assert_int_equal(load(NULL, NULL, &c, &err), RC_OK);
	assert_int_equal(c->retention, 168 * 3600);
	assert_true(c->encrypt);
	assert_true(c->basis_required);
	assert_false(c->policy);
	assert_null(c->source);
	config_free(c);
}

static void everything(void **state)
{
	(void)state;
	struct config *c = NULL;
	struct err err;

	assert_int_equal(load(NULL,
	    "[spool]\ndir=/s\norganisation = Klinikum Beispiel\nretention = 24h\npurge=confirmed\nencrypt=no\n"
	    "keep_package=yes\nrecord_period=0\n[net]\nallow = 10.0.0.0/8, 127.0.0.0/8\n[policy]\nbasis=optional\n"
	    "sandbox=required\n[destination pacs]\nurl = dicom://A@h:104\nverify=no\n[worklist]\nurl=dicom://R@h:1\n",
	    &c, &err), RC_OK);
	assert_string_equal(c->spool_dir, "/s");
	assert_string_equal(c->organisation, "Klinikum Beispiel");
	assert_int_equal(c->retention, 86400);
	assert_true(c->purge_confirmed);
	assert_false(c->encrypt);
	assert_true(c->keep_package);
	assert_int_equal(c->record_period, -1);
	assert_int_equal(c->nallow, 2);
	assert_string_equal(c->allow[1], "127.0.0.0/8");
	assert_false(c->basis_required);
	assert_int_equal(c->sandbox, JAIL_REQUIRED);
	assert_non_null(config_destination(c, "pacs"));
	assert_false(config_destination(c, "pacs")->verify);
	assert_null(config_destination(c, "ris"));
	assert_string_equal(c->worklist.url, "dicom://R@h:1");
	config_free(c);
}

static void mistakes(void **state)
{
	(void)state;
	static const struct { const char *text, *says; } bad[] = {
		{ "[spool]\nretenton = 24h\n", "own:2: unknown key 'retenton'" },
		{ "[spol]\nx=1\n", "own:2: unknown section 'spol'" },
		{ "[spool]\n\nretention = 169h\n", "own:3: [spool] retention: must be at least 1s and at most 168h" },
		{ "[spool]\nencrypt = maybe\n", "own:2: [spool] encrypt: must be yes or no" },
		{ "[destination a/b]\nurl=x\n", "own:2: [destination]: a destination's name" },
		{ "nonsense\n", "own:1: neither" },
		{ "[check]\ncomplete.unclaimd = error\n", "own:2: [check] complete.unclaimd: unknown finding" },
		{ "[check]\n\ncomplete.fewer = warning\n",
		    "own:3: [check] complete.fewer: is an error by itself: findings can be made stricter, not weaker" },
		{ "[check]\ncomplete.more = ignore\n", "own:2: [check] complete.more: must be error or warning" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct config *c = NULL;
		struct err err;
		assert_int_equal(load(NULL, bad[i].text, &c, &err), RC_FATAL);
		assert_int_equal(err.kind, ERR_CONFIG);
		assert_non_null(strstr(err.text, bad[i].says));
		assert_null(c);
	}
}

static void only_narrower(void **state)
{
	(void)state;
	static const char root[] = "[spool]\ndir=/s\nretention=100h\nencrypt=yes\npurge=confirmed\n"
	    "[net]\nallow=10.0.0.0/8 127.0.0.0/8\n[policy]\nbasis=required\n[destination pacs]\nurl=dicom://A@h:104\n";
	static const char *const narrower[] = { "[spool]\nretention=24h\n", "[spool]\ndir=/s\n",
		"[net]\nallow=127.0.0.0/8\n", "[policy]\nsandbox=required\n", "[destination pacs]\nurl=dicom://A@h:104\n" };
	static const char *const wider[] = { "[spool]\nretention=101h\n", "[spool]\ndir=/t\n", "[spool]\nencrypt=no\n",
		"[spool]\npurge=deadline\n", "[net]\nallow=0.0.0.0/0\n", "[net]\nproxy=http://p\n",
		"[policy]\nbasis=optional\n", "[policy]\nsandbox=off\n", "[destination pacs]\nurl=dicom://B@h:104\n",
		"[destination other]\nurl=folder:/tmp\n", "[worklist]\nurl=dicom://R@h:1\n" };
	struct config *c = NULL;
	struct err err;

	for (size_t i = 0; i < sizeof(narrower) / sizeof(narrower[0]); i++) {
		assert_int_equal(load(root, narrower[i], &c, &err), RC_OK);
		assert_true(c->policy);
		config_free(c);
	}
	for (size_t i = 0; i < sizeof(wider) / sizeof(wider[0]); i++) {
		assert_int_equal(load(root, wider[i], &c, &err), RC_FATAL);
		assert_int_equal(err.kind, ERR_CONFIG);
	}
}

/* Findings of mri-check: each has a name of its own; a file may make them errors, the policy's stay errors. */
static void findings(void **state)
{
	static const char strict[] = "[check]\ncomplete.unclaimed = error\none_order.unmatched=warning\n";
	char names[CHECK_POINTS_MAX][64];
	bool itself = false;
	struct config *c = NULL;
	struct err err;
	size_t n = 0, errors = 0;

	(void)state;
	for (; check_point_name(n, names[n], sizeof(names[n]), &itself); n++) {
		assert_null(strstr(names[n], "(null)"));
		for (size_t i = 0; i < n; i++)
			assert_string_not_equal(names[i], names[n]);
	}
	assert_true(n > 30);
	assert_int_equal(load(NULL, strict, &c, &err), RC_OK);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(c->check.error[i], strcmp(names[i], "complete.unclaimed") == 0);
		errors += c->check.error[i];
	}
	assert_int_equal(errors, 1);
	config_free(c);
	assert_int_equal(load(NULL, "[check]\ncomplete.unclaimd = error\n", &c, &err), RC_FATAL);
	assert_string_equal(err.advice, "did you mean 'complete.unclaimed'?");
	if (getuid() != 0)
		return;
	assert_int_equal(load(strict, "[check]\ncomplete.more=error\ncomplete.unclaimed=error\n", &c, &err), RC_OK);
	for (size_t i = errors = 0; i < n; i++)
		errors += c->check.error[i];
	assert_int_equal(errors, 2);
	config_free(c);
	assert_int_equal(load(strict, "[check]\ncomplete.unclaimed = warning\n", &c, &err), RC_FATAL);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.text, "own:2"));
}

static void portals(void **state)
{
	static const char policy_text[] = "[portal klinik]\nurl_prefix = https://a.example/x b.example\n"
	    "dicomweb = https://a.example/dw\ntoken_file=/t\nuser=u\n"
	    "password_file=/p\ncert=/c\nkey=/k\nallow=10.0.0.0/8 10.1.0.0/16\nconnections=3\n";
	static const char *const narrower[] = {
		"[portal klinik]\nurl_prefix=b.example\nallow=10.1.0.0/16\nuser=u\nconnections=2\n" };
	static const char *const wider[] = { "[portal other]\nuser=form\n", "[portal klinik]\nuser=other\n",
		"[portal klinik]\nallow=127.0.0.0/8\n", "[portal klinik]\nurl_prefix=c.example\n",
		"[portal klinik]\ntoken_file=/mine\n", "[portal klinik]\nconnections=4\n" };
	struct config *c = NULL;
	struct err err;

	(void)state;
	assert_int_equal(load(NULL, policy_text, &c, &err), RC_OK);
	assert_null(config_portal(c, "nobody"));
	const struct config_portal *p = config_portal(c, "klinik");
	assert_non_null(p);
	assert_int_equal(p->nurl_prefix, 2);
	assert_string_equal(p->dicomweb, "https://a.example/dw");
	assert_string_equal(p->token_file, "/t");
	assert_string_equal(p->user, "u");
	assert_string_equal(p->password_file, "/p");
	assert_string_equal(p->cert, "/c");
	assert_string_equal(p->key, "/k");
	assert_int_equal(p->nallow, 2);
	assert_int_equal(p->connections, 3);
	config_free(c);
	assert_int_equal(load(NULL, "[portal a]\nconnections = 5\n", &c, &err), RC_FATAL);
	assert_int_equal(load(NULL, "[portal a]\nconnections = 0\n", &c, &err), RC_FATAL);
	assert_non_null(strstr(err.text, "must be 1, 2, 3 or 4"));
	assert_int_equal(load(NULL, "[portal a]\ntoken = x\n", &c, &err), RC_FATAL);
	assert_non_null(strstr(err.text, "own:2"));
	assert_int_equal(load(NULL, "[portal a/b]\nuser = x\n", &c, &err), RC_FATAL);
	if (getuid() != 0)
		return;
	for (size_t i = 0; i < sizeof(narrower) / sizeof(narrower[0]); i++) {
		assert_int_equal(load(policy_text, narrower[i], &c, &err), RC_OK);
		assert_int_equal(config_portal(c, "klinik")->nallow, 1);
		config_free(c);
	}
	for (size_t i = 0; i < sizeof(wider) / sizeof(wider[0]); i++)
		assert_int_equal(load(policy_text, wider[i], &c, &err), RC_FATAL);
}

static void policy_is_roots(void **state)
{
	(void)state;
	struct config *c = NULL;
	struct err err;
	const char *files[] = { NULL };

	put(policy, NULL);
	int fd = open(policy, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, 0666), 0);
	close(fd);
	assert_int_equal(config_load(&c, policy, files, false, &err), RC_FAILED);
	assert_int_equal(err.kind, ERR_DENIED);
	put(policy, NULL);
}

static void first_counts(void **state)
{
	(void)state;
	struct config *c = NULL;
	struct err err;
	const char *files[] = { own, second, NULL };
	const char *named[] = { "no/such/file", NULL };

	assert_int_equal(load(NULL, "[spool]\ndir=/one\n", &c, &err), RC_OK);
	config_free(c);
	put(second, "[spool]\ndir=/two\norganisation=X\n");
	assert_int_equal(config_load(&c, policy, files, false, &err), RC_OK);
	assert_string_equal(c->spool_dir, "/one");
	assert_null(c->organisation);	/* no merging */
	config_free(c);
	assert_int_equal(config_load(&c, policy, named, true, &err), RC_FATAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults), cmocka_unit_test(everything), cmocka_unit_test(mistakes),
		cmocka_unit_test(only_narrower), cmocka_unit_test(findings), cmocka_unit_test(portals),
		cmocka_unit_test(policy_is_roots), cmocka_unit_test(first_counts),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
