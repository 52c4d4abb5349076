/* Grouping of objects into associations, and the read-back of an archive that is not there. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deliver/readback.h"
#include "deliver/store.h"

enum { MANY = 300 };

static void pairs(void **state)
{
	static char classes[MANY][65];
	static struct deliver_object o[MANY];
	static struct assoc_pair p[ASSOC_PAIRS_MAX];
	static bool done[MANY], taken[MANY];
	size_t rounds = 0, left = MANY;

	(void)state;
	for (int i = 0; i < MANY; i++) {	/* 150 classes in one transfer syntax, each twice */
		snprintf(classes[i], sizeof classes[i], "1.2.%d", i / 2);
		o[i] = (struct deliver_object){ i, classes[i], "1.2.3", "1.2.840.10008.1.2", 0 };
	}
	while (left) {
		size_t n = deliver_pairs(o, MANY, done, taken, p);
		assert_true(n > 0 && n <= ASSOC_PAIRS_MAX);
		assert_int_equal(n, rounds ? 150 - ASSOC_PAIRS_MAX : ASSOC_PAIRS_MAX);
		for (int i = 0; i < MANY; i++)
			if (taken[i]) {
				assert_false(done[i]);
				done[i] = true;
				left--;
			}
		rounds++;
	}
	assert_int_equal(rounds, 2);
	assert_int_equal(deliver_pairs(o, MANY, done, taken, p), 0);
}

static void nobody(void **state)
{
	struct readback r = { .peer = { "127.0.0.1", 1, "PACS", "MRI", 1 }, .settle = 1 };
	struct readback_object o = { "1.2", "1.2.1", "1.2.1.1", false };
	struct err err = { 0 };
	size_t missing = 0;

	(void)state;
	assert_int_equal(readback_images(&r, &o, 1, &missing, &err), RC_RETRY);
	assert_int_equal(err.kind, ERR_TEMP);
	assert_int_equal(missing, 1);
	assert_false(o.found);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(pairs), cmocka_unit_test(nobody) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
