#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "dicom/charset_impl.h"

/* PS3.3 C.12.1.1.2, Table C.12-2: single-byte sets without code extensions. */
static const struct set {
	const char *term;
	const char *iconv;
	bool symbols;	/* A0–BF are symbols only: UTF-8 read as this set is never a word */
} sets[] = {
	{ "ISO_IR 100", "ISO-8859-1", true },
	{ "ISO_IR 101", "ISO-8859-2", false },
	{ "ISO_IR 109", "ISO-8859-3", false },
	{ "ISO_IR 110", "ISO-8859-4", false },
	{ "ISO_IR 144", "ISO-8859-5", false },
	{ "ISO_IR 127", "ISO-8859-6", false },
	{ "ISO_IR 126", "ISO-8859-7", false },
	{ "ISO_IR 138", "ISO-8859-8", false },
	{ "ISO_IR 148", "ISO-8859-9", true },
	{ "ISO_IR 203", "ISO-8859-15", false },
	{ "ISO_IR 166", "TIS-620", false },
};
#define NSETS		(sizeof sets / sizeof sets[0])
#define SET_ASCII	(-1)
#define SET_UTF8	(-2)
#define SET_UNKNOWN	(-3)
#define TERM_SHOWN	96	/* of a foreign name in a message */

/* Held open for the life of the process: inside the jail no gconv module can be loaded. */
static iconv_t to_utf8[NSETS], from_utf8[NSETS];
static bool loaded;

int charset_load(struct err *err)
{
	size_t i = 0;

	if (loaded)
		return RC_OK;
	for (i = 0; i < NSETS; i++) {
		to_utf8[i] = iconv_open("UTF-8", sets[i].iconv);
		from_utf8[i] = iconv_open(sets[i].iconv, "UTF-8");
		if (to_utf8[i] == (iconv_t)-1 || from_utf8[i] == (iconv_t)-1)
			return err_sys(err, errno, "cannot load the character set %s", sets[i].iconv);
	}
	loaded = true;
	return charset_char_load(err);
}

void charset_prepare(void *unused)
{
	struct err ignored;

	(void)unused;
	(void)charset_load(&ignored);
}

static int set_of(const char *declared)
{
	char term[TERM_SHOWN] = "";
	size_t i = 0;

	if (!text_copy(term, sizeof term, declared))
		return SET_UNKNOWN;
	text_trim(term);
	if (term[0] == '\0' || strcmp(term, "ISO_IR 6") == 0)
		return SET_ASCII;
	if (strcmp(term, "ISO_IR 192") == 0)
		return SET_UTF8;
	for (i = 0; i < NSETS; i++) {
		if (strcmp(term, sets[i].term) == 0)
			return (int)i;
	}
	return SET_UNKNOWN;
}

int charset_known(const char *declared, struct err *err)
{
	char shown[TERM_SHOWN * 4] = "";

	if (set_of(declared) != SET_UNKNOWN || charset_wide_known(declared))
		return RC_OK;
	text_escape(shown, sizeof shown, declared, strnlen(declared, TERM_SHOWN));
	err_set(err, ERR_DATA, "the character set '%s' is none of DICOM", shown);
	err_advise(err, "PS3.3 C.12.1.1.2 has ISO_IR 100, 101, 109, 110, 126, 127, 138, 144, 148, 166, 203, 13 and 192, "
	    "GB18030, GBK, and ISO 2022 IR with these and 6, 87, 159, 149, 58");
	return RC_FAILED;
}

bool charset_ascii(const char *s, size_t n)
{
	size_t i = 0;

	for (i = 0; i < n; i++) {
		if ((unsigned char)s[i] >= 0x80 || s[i] == CHARSET_ESC)
			return false;
	}
	return true;
}

bool charset_plain(const char *declared, const char *s, size_t n)
{
	return charset_ascii(s, n) && ((memchr(s, '\\', n) == NULL && memchr(s, '~', n) == NULL) ||
	    !charset_wide_jis(declared));
}

int charset_contradicts(const char *declared, size_t at, const char *why, struct err *err)
{
	char shown[TERM_SHOWN * 4] = "";

	text_escape(shown, sizeof shown, declared, strnlen(declared, TERM_SHOWN));
	return err_set(err, ERR_DATA, "byte %zu of a text contradicts the declared character set '%s'%s%s", at,
	    declared[0] == '\0' ? "default repertoire" : shown, why != NULL ? ": " : "", why != NULL ? why : "");
}

/* C1 controls are no text (PS3.5 6.1.3), nor is ESC where nothing is extended. */
static bool odd_byte(const char *s, size_t n, bool c1, size_t *at)
{
	size_t i = 0;

	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == CHARSET_ESC || (c1 && c >= 0x80 && c < 0xa0)) {
			*at = i;
			return true;
		}
	}
	return false;
}

static int copy_out(const char *s, size_t n, char *out, size_t cap, size_t *len, struct err *err)
{
	if (n >= cap)
		return err_set(err, ERR_DATA, "a text of %zu bytes is longer than %zu", n, cap - 1);
	memcpy(out, s, n);
	out[n] = '\0';
	*len = n;
	return RC_OK;
}

/* RC_OK, or ERR_DATA; *at is the byte that did not convert. */
static int run(iconv_t cd, const char *s, size_t n, char *out, size_t cap, size_t *len, size_t *at,
    struct err *err)
{
	char *in = (char *)(uintptr_t)s, *to = out;
	size_t left = n, room = cap - 1;

	*at = n;
	iconv(cd, NULL, NULL, NULL, NULL);
	if (iconv(cd, &in, &left, &to, &room) != 0 || left != 0) {
		*at = n - left;
		if (errno == E2BIG && left > 0)
			*at = n;
		return err_set(err, ERR_DATA, "a text of %zu bytes does not convert into %zu", n, cap - 1);
	}
	*to = '\0';
	*len = (size_t)(to - out);
	return RC_OK;
}

int charset_single(const char *declared, const char *shown, const char *bytes, size_t n, char *out, size_t cap,
    size_t *len, struct err *err)
{
	int set = set_of(declared), rc = RC_OK;
	size_t at = 0;

	*len = 0;
	if (charset_ascii(bytes, n))
		return copy_out(bytes, n, out, cap, len, err);
	if (set == SET_ASCII) {
		while (charset_ascii(bytes, at + 1))
			at++;
		return charset_contradicts(shown, at, NULL, err);
	}
	if (set == SET_UTF8) {
		if (odd_byte(bytes, n, false, &at) || !text_utf8_valid(bytes, n))
			return charset_contradicts(shown, at, NULL, err);
		return copy_out(bytes, n, out, cap, len, err);
	}
	if (odd_byte(bytes, n, true, &at) || (sets[set].symbols && text_utf8_valid(bytes, n)))
		return charset_contradicts(shown, at, NULL, err);
	if (!loaded)
		return err_set(err, ERR_INTERNAL, "character sets are not loaded");
	rc = run(to_utf8[set], bytes, n, out, cap, len, &at, err);
	return rc == RC_OK || at == n ? rc : charset_contradicts(shown, at, NULL, err);
}

static int not_here(const char *declared, const char *what, struct err *err)
{
	char shown[TERM_SHOWN * 4] = "";
	int rc = charset_known(declared, err);

	if (rc != RC_OK)
		return rc;
	text_escape(shown, sizeof shown, declared, strnlen(declared, TERM_SHOWN));
	return err_set(err, ERR_DATA, "the character set '%s' is not %s here", shown, what);
}

int charset_to_utf8(const char *declared, const char *bytes, size_t n, char *out, size_t cap,
    size_t *len, struct err *err)
{
	*len = 0;
	return set_of(declared) != SET_UNKNOWN ? charset_single(declared, declared, bytes, n, out, cap, len, err)
	    : not_here(declared, "read", err);
}

int charset_from_utf8(const char *declared, const char *utf8, size_t n, char *out, size_t cap,
    size_t *len, struct err *err)
{
	int set = set_of(declared), rc = RC_OK;
	char shown[TERM_SHOWN * 4] = "";
	size_t at = 0;

	*len = 0;
	/* All sets have ASCII in G0 at the start of a value, but ISO_IR 13 has yen and overline. */
	if (charset_plain(declared, utf8, n))
		return copy_out(utf8, n, out, cap, len, err);
	if (set == SET_UNKNOWN)
		return not_here(declared, "written", err);
	if (!text_utf8_valid(utf8, n))
		return err_set(err, ERR_DATA, "a text that should be UTF-8 is not");
	if (set == SET_UTF8)
		return copy_out(utf8, n, out, cap, len, err);
	if (set != SET_ASCII) {
		if (!loaded)
			return err_set(err, ERR_INTERNAL, "character sets are not loaded");
		rc = run(from_utf8[set], utf8, n, out, cap, len, &at, err);
		if (rc == RC_OK || at == n)
			return rc;
	}
	text_escape(shown, sizeof shown, declared, strnlen(declared, TERM_SHOWN));
	return err_set(err, ERR_DATA, "the character set '%s' does not have a character of the text",
	    declared[0] == '\0' ? "default repertoire" : shown);
}

/* The way back, of a text that was read. */
static int comes_back(const char *declared, const char *bytes, size_t n, const char *utf8, size_t len,
    struct err *err)
{
	char *again = malloc(n + 2);
	size_t back = 0;
	int rc = again != NULL ? charset_from_utf8(declared, utf8, len, again, n + 2, &back, err)
	    : err_set(err, ERR_TEMP, "no memory to convert a text");

	if (rc == RC_OK && (back != n || memcmp(again, bytes, n) != 0))
		rc = err_set(err, ERR_DATA, "a text does not come back from UTF-8 as it was");
	free(again);
	return rc;
}

int charset_read(const char *declared, const char *vr, const char *bytes, size_t n, char *out, size_t cap,
    size_t *len, struct err *err)
{
	int rc = RC_OK;

	*len = 0;
	if (set_of(declared) == SET_UNKNOWN)
		return charset_wide(declared, vr, bytes, n, out, cap, len, err);
	rc = charset_single(declared, declared, bytes, n, out, cap, len, err);
	return rc == RC_OK && !charset_ascii(bytes, n) ? comes_back(declared, bytes, n, out, *len, err) : rc;
}

void charset_value(const char *declared, const char *vr, const char *bytes, size_t n, char *out, size_t cap)
{
	struct err ignored = { 0 };
	size_t len = 0;

	if (charset_ascii(bytes, n))
		text_copy(out, cap, bytes);
	else if (charset_read(declared, vr, bytes, n, out, cap, &len, &ignored) != RC_OK)
		*out = '\0';
}
