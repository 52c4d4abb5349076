#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "dicom/charset.h"
#include "reconcile/value.h"

#define PN_COMPONENTS	5	/* PS3.5 6.2.1.1 */
#define PN_GROUPS	3
#define BYTES_A_CHAR	4	/* UTF-8 */

enum kind { TEXT, PERSON, CODE, DATE, DATETIME, TIME, AGE, INTEGER, DECIMAL, URL, NUMBER };

/* PS3.5 Table 6.2-1. max: characters of one value. */
static const struct rule {
	char vr[3];
	enum kind kind;
	size_t max;
	bool multi;	/* backslash separates values */
	bool charset;
} rules[] = {
	{ "AE", CODE, 16, true, false },
	{ "AS", AGE, 4, true, false },
	{ "CS", CODE, 16, true, false },
	{ "DA", DATE, 8, true, false },
	{ "DS", DECIMAL, 16, true, false },
	{ "DT", DATETIME, 26, true, false },
	{ "IS", INTEGER, 12, true, false },
	{ "LO", TEXT, 64, true, true },
	{ "LT", TEXT, 10240, false, true },
	{ "PN", PERSON, 64, true, true },
	{ "SH", TEXT, 16, true, true },
	{ "ST", TEXT, 1024, false, true },
	{ "TM", TIME, 14, true, false },
	{ "UC", TEXT, 65534, true, true },
	{ "UR", URL, 65534, false, false },
	{ "UT", TEXT, 65534, false, true },
	{ "US", NUMBER, 24, true, false },
	{ "SS", NUMBER, 24, true, false },
	{ "UL", NUMBER, 24, true, false },
	{ "SL", NUMBER, 24, true, false },
	{ "FL", NUMBER, 24, true, false },
	{ "FD", NUMBER, 24, true, false },
};

static const struct rule *rule_of(const char *vr)
{
	size_t i = 0;

	for (i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		if (strcmp(rules[i].vr, vr) == 0)
			return &rules[i];
	}
	return NULL;
}

bool value_settable(const char *vr)
{
	return rule_of(vr) != NULL;
}

bool value_in_charset(const char *vr)
{
	const struct rule *r = rule_of(vr);

	return r != NULL && r->charset;
}

bool value_multiple(const char *vr)
{
	const struct rule *r = rule_of(vr);

	return r != NULL && r->multi;
}

size_t value_longest(const char *vr)
{
	const struct rule *r = rule_of(vr);

	return r != NULL ? r->max : 0;
}

static size_t characters(const char *s, size_t n)
{
	size_t i = 0, count = 0;

	for (i = 0; i < n; i++)
		count += ((unsigned char)s[i] & 0xc0) != 0x80;
	return count;
}

static bool all_of(const char *s, size_t n, const char *set)
{
	size_t i = 0;

	for (i = 0; i < n; i++) {
		if (s[i] == '\0' || strchr(set, s[i]) == NULL)
			return false;
	}
	return true;
}

static bool person(const char *s, size_t n, size_t max)
{
	size_t i = 0, start = 0, groups = 1, components = 1;

	for (i = 0; i <= n; i++) {
		if (i < n && s[i] == '^' && ++components > PN_COMPONENTS)
			return false;
		if (i < n && s[i] != '=')
			continue;
		if (characters(s + start, i - start) > max)
			return false;
		if (i < n && ++groups > PN_GROUPS)
			return false;
		start = i + 1;
		components = 1;
	}
	return true;
}

static bool two(const char *s, int low, int high)
{
	int v = 0;

	if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
		return false;
	v = (s[0] - '0') * 10 + s[1] - '0';
	return v >= low && v <= high;
}

/* HH[MM[SS[.F{1,6}]]] */
static bool clock_time(const char *s, size_t n)
{
	if (n < 2 || !two(s, 0, 23) || (n > 2 && (n < 4 || !two(s + 2, 0, 59))) ||
	    (n > 4 && (n < 6 || !two(s + 4, 0, 60))))
		return false;
	return n <= 6 || (s[6] == '.' && n > 7 && n <= 13 && all_of(s + 7, n - 7, "0123456789"));
}

static bool date(const char *s, size_t n)
{
	char text[9], back[9];

	if (n != 8 || !all_of(s, n, "0123456789"))
		return false;
	text_copyn(text, sizeof text, s, n);
	return time_parse_date(text, back);
}

/* YYYY[MM[DD[time]]][&ZZXX] */
static bool date_time(const char *s, size_t n)
{
	size_t zone = 0;

	for (zone = 0; zone < n && s[zone] != '+' && s[zone] != '-'; zone++)
		;
	if (zone < n && (n - zone != 5 || !two(s + zone + 1, 0, 14) || !two(s + zone + 3, 0, 59)))
		return false;
	if (zone < 4 || !all_of(s, 4, "0123456789"))
		return false;
	if (zone <= 6)
		return zone == 4 || (zone == 6 && two(s + 4, 1, 12));
	return date(s, 8 < zone ? 8 : zone) && (zone == 8 || clock_time(s + 8, zone - 8));
}

/* Appends the number in the byte order of form, or only checks where b is NULL. */
static int number(const char *vr, const char *s, size_t n, enum walk_form form, struct buf *b, struct err *err)
{
	static const struct { char vr[3]; long long low, high; size_t bytes; } ranges[] = {
		{ "US", 0, UINT16_MAX, 2 }, { "SS", INT16_MIN, INT16_MAX, 2 },
		{ "UL", 0, UINT32_MAX, 4 }, { "SL", INT32_MIN, INT32_MAX, 4 },
	};
	char text[32], *end = NULL;
	uint8_t raw[8] = { 0 };
	uint64_t bits = 0;
	size_t i = 0, bytes = 0;

	if (n == 0 || !text_copyn(text, sizeof text, s, n) || !all_of(s, n, "0123456789+-.eE"))
		return err_set(err, ERR_DATA, "is no number, as VR %s wants", vr);
	errno = 0;
	if (vr[0] == 'F') {
		double d = strtod(text, &end);
		float f = (float)d;
		uint32_t half = 0;

		bytes = strcmp(vr, "FL") == 0 ? 4 : 8;
		memcpy(&bits, &d, sizeof bits);
		memcpy(&half, &f, sizeof half);
		if (bytes == 4)
			bits = half;
	} else {
		long long v = strtoll(text, &end, 10);

		for (i = 0; strcmp(ranges[i].vr, vr) != 0; i++)
			;
		bytes = ranges[i].bytes;
		if (v < ranges[i].low || v > ranges[i].high)
			errno = ERANGE;
		bits = (uint64_t)v;
	}
	if (*end != '\0' || errno != 0)
		return err_set(err, ERR_DATA, "is no number, as VR %s wants", vr);
	for (i = 0; i < bytes; i++)
		raw[form == WALK_EXPLICIT_BE ? bytes - 1 - i : i] = (uint8_t)(bits >> (8 * i));
	return b != NULL ? buf_add(b, raw, bytes, err) : RC_OK;
}

static int check_one(const struct rule *r, const char *s, size_t n, struct err *err)
{
	static const char capital[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _";
	bool good = true;

	if (n == 0)
		return RC_OK;
	if (r->kind == NUMBER)
		return number(r->vr, s, n, WALK_EXPLICIT_LE, NULL, err);
	if (r->kind == PERSON) {
		if (!person(s, n, r->max))
			return err_set(err, ERR_DATA, "is no PN: at most 3 groups ('=') of 5 components ('^'), "
			    "each group at most 64 characters");
		return RC_OK;
	}
	if (characters(s, n) > r->max)
		return err_set(err, ERR_DATA, "is longer than the %zu characters of VR %s", r->max, r->vr);
	switch (r->kind) {
	case CODE:
		good = strcmp(r->vr, "AE") == 0 ? charset_ascii(s, n) : all_of(s, n, capital);
		break;
	case DATE:
		good = date(s, n);
		break;
	case TIME:
		good = clock_time(s, n);
		break;
	case DATETIME:
		good = date_time(s, n);
		break;
	case AGE:
		good = n == 4 && all_of(s, 3, "0123456789") && all_of(s + 3, 1, "DWMY");
		break;
	case INTEGER:
		good = all_of(s, n, "0123456789+- ");
		break;
	case DECIMAL:
		good = all_of(s, n, "0123456789+-.eE ");
		break;
	case URL:
		good = charset_ascii(s, n) && s[0] != ' ';
		break;
	default:
		break;
	}
	return good ? RC_OK : err_set(err, ERR_DATA, "does not have the form of VR %s", r->vr);
}

/* PS3.5 6.1.3: line ends and tab in long texts, nothing else. */
static bool controls(const char *s, bool lines)
{
	for (; *s; s++) {
		if (((unsigned char)*s < 0x20 && !(lines && strchr("\t\n\f\r", *s) != NULL)) || *s == 0x7f)
			return true;
	}
	return false;
}

int value_check(const char *vr, const char *utf8, struct err *err)
{
	const struct rule *r = rule_of(vr);
	const char *s = utf8;
	int rc = RC_OK;

	if (r == NULL)
		return err_set(err, ERR_DATA, "has VR %s, which can not be given as text", vr);
	if (!text_utf8_valid(utf8, strlen(utf8)))
		return err_set(err, ERR_DATA, "is not UTF-8");
	if (controls(utf8, !r->multi))
		return err_set(err, ERR_DATA, "has control characters");
	if (!r->charset && !charset_ascii(utf8, strlen(utf8)))
		return err_set(err, ERR_DATA, "has characters that VR %s can not hold", vr);
	do {
		const char *end = r->multi ? strchr(s, '\\') : NULL;

		rc = check_one(r, s, end != NULL ? (size_t)(end - s) : strlen(s), err);
		s = end != NULL ? end + 1 : NULL;
	} while (rc == RC_OK && s != NULL);
	return rc;
}

int value_encode(const char *vr, const char *utf8, const char *declared, enum walk_form form, struct buf *b,
    struct err *err)
{
	const struct rule *r = rule_of(vr);
	size_t n = strlen(utf8), len = 0;
	int rc = RC_OK;

	buf_clear(b);
	if (r == NULL)
		return err_set(err, ERR_INTERNAL, "a value of VR %s", vr);
	if (r->kind == NUMBER) {
		const char *s = utf8;

		while (rc == RC_OK && n > 0 && s != NULL) {
			const char *end = strchr(s, '\\');

			rc = number(vr, s, end != NULL ? (size_t)(end - s) : strlen(s), form, b, err);
			s = end != NULL ? end + 1 : NULL;
		}
		return rc;
	}
	if (!r->charset)
		return buf_add(b, utf8, n, err);
	rc = buf_grow(b, n * BYTES_A_CHAR + 1, err);
	if (rc == RC_OK)
		rc = charset_from_utf8(declared, utf8, n, b->data, n * BYTES_A_CHAR + 1, &len, err);
	if (rc == RC_OK)
		b->len = len;
	return rc;
}
