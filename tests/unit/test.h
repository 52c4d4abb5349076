/* What every unit test includes: cmocka with its prerequisites, and the check for an error. */
#ifndef MRI_TESTS_UNIT_TEST_H
#define MRI_TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the above */
#include <cmocka.h>

#endif
