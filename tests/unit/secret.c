/* What a worker inherits: not the identities, not the audit key. The memory of a forked process is searched. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "audit/log.h"
#include "crypt/keys.h"
#include "crypt/secret.h"
#include "spoolkit.h"

#define SECRET	32
#define CHUNK	((size_t)1 << 20)
#define REGION_MAX	((unsigned long)256 << 20)	/* the shadow of a sanitizer is not searched */

static unsigned char *window;	/* shared: it merges with no other mapping */

/* The secret is known by its complement only, or the search would find what it searches for. */
static bool holds(const unsigned char *at, size_t n, const unsigned char *not)
{
	for (size_t i = 0; i + SECRET <= n; i++) {
		size_t k = 0;
		while (k < SECRET && (at[i + k] ^ not[k]) == 0xff)
			k++;
		if (k == SECRET)
			return true;
	}
	return false;
}

static bool region_holds(int mem, unsigned long from, unsigned long to, const unsigned char *not)
{
	while (to - from >= SECRET) {
		size_t want = to - from < CHUNK ? to - from : CHUNK;
		ssize_t n = pread(mem, window, want, (off_t)from);
		if (n < SECRET)
			return false;
		if (holds(window, (size_t)n, not))
			return true;
		from += (size_t)n == to - from ? (size_t)n : (size_t)n - (SECRET - 1);
	}
	return false;
}

/* Is it anywhere in a child? */
static bool child_has(const unsigned char *not)
{
	char line[4400], mode[8];
	unsigned long from = 0, to = 0;
	int status = 0, mem = -1;
	bool found = false;
	pid_t pid = fork();

	if (pid == 0) {
		FILE *maps = fopen("/proc/self/maps", "re");
		mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
		if (maps == NULL || mem < 0)
			_exit(2);
		while (!found && fgets(line, sizeof(line), maps) != NULL)
			if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) == 3 && mode[0] == 'r' &&
			    to - from <= REGION_MAX && strstr(line, " [v") == NULL &&
			    !(from <= (uintptr_t)window && (uintptr_t)window < to))
				found = region_holds(mem, from, to, not);
		_exit(found ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 2);
	return WEXITSTATUS(status) == 1;
}

static void complement(unsigned char *to, const unsigned char *from)
{
	for (size_t i = 0; i < SECRET; i++)
		to[i] = from[i] ^ 0xffU;
}

static void zeros_in_a_child(void **state)
{
	struct err err = { 0 };
	void *p = NULL;
	unsigned char plain[SECRET] = { 0 }, not[SECRET];
	int status = 0;

	(void)state;
	good(secret_alloc(&p, SECRET, &err), &err);
	assert_memory_equal(p, plain, SECRET);
	good(hash_random(p, SECRET, &err), &err);
	complement(not, p);
	pid_t pid = fork();
	if (pid == 0)
		_exit(memcmp(p, plain, SECRET) == 0 ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(holds(p, SECRET, not));	/* still here */
	assert_false(child_has(not));
	/* the search would see a copy */
	memcpy(plain, p, SECRET);
	assert_true(child_has(not));
	hash_wipe(plain, SECRET);
	assert_false(child_has(not));
	secret_free(p, SECRET);
	secret_free(NULL, SECRET);
}

static void complement_of_file(const char *path, unsigned char *not)
{
	struct err err = { 0 };
	struct age_identity id;

	good(keys_identity_load(path, &id, &err), &err);
	complement(not, id.secret);
	age_identity_wipe(&id);
}

static void a_spool_keeps_its_identities(void **state)
{
	struct err err = { 0 };
	struct age_identity id;
	struct import *imp = NULL;
	unsigned char not[SECRET], of_import[SECRET];
	char text[AGE_TEXT_MAX], import[SPOOL_ID_LEN + 1];
	struct kit *k = kit_new(true);
	struct buf b = BUF_INIT(0);

	(void)state;
	complement_of_file(k->set.identity, not);
	assert_false(child_has(not));
	good(import_create(&imp, k->sp, "", "order", 5, &err), &err);
	text_copy(import, sizeof(import), import_id(imp));
	good(import_identity_text(imp, text, &err), &err);
	good(age_identity_parse(text, &id, &err), &err);
	complement(of_import, id.secret);
	age_identity_wipe(&id);
	hash_wipe(text, sizeof(text));
	assert_false(child_has(of_import));
	import_close(imp);
	/* unwrapped again, and used */
	good(import_open(&imp, k->sp, import, IMPORT_INCOMING, &err), &err);
	good(import_order_read(imp, &b, &err), &err);
	assert_int_equal(b.len, 5);
	assert_false(child_has(not));
	assert_false(child_has(of_import));
	buf_wipe(&b);
	import_close(imp);
	kit_free(k);
}

static void an_audit_log_keeps_its_key(void **state)
{
	struct err err = { 0 };
	struct ident who = { 0 };
	struct audit *a = NULL;
	unsigned char not[SECRET];
	char text[2 * SECRET + 1] = "", hash[65];
	struct kit *k = kit_new(true);
	int fd = -1;

	(void)state;
	good(audit_create(spool_audit_dir(k->sp), &err), &err);
	fd = openat(spool_audit_dir(k->sp), "key", O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, text, 2 * SECRET), 2 * SECRET);
	close(fd);
	assert_true(text_unhex(text, not, SECRET));
	complement(not, not);
	hash_wipe(text, sizeof(text));
	good(audit_open(&a, spool_audit_dir(k->sp), &who, "", &err), &err);
	good(audit_pseudonym(a, "patient", "x", hash, &err), &err);
	assert_false(child_has(not));
	audit_close(a);
	kit_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zeros_in_a_child),
		cmocka_unit_test(a_spool_keeps_its_identities),
		cmocka_unit_test(an_audit_log_keeps_its_key),
	};

	window = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (window == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
