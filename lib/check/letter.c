#include "check/letter.h"

#include <stdio.h>
#include <string.h>

#define BREVE 0x0306
#define VOICED 0x3099
#define HALF_VOICED 0x309a

/* Letters that have two spellings, or more than an accent to lose. */
static const struct {
	uint32_t c;
	const char *written, *bare;
} table[] = {
	{ 0xe4, "ae", "a" },
	{ 0xf6, "oe", "o" },
	{ 0xfc, "ue", "u" },
	{ 0xdf, "ss", "ss" },
	{ 0x1e9e, "ss", "ss" },
	{ 0xe5, "aa", "a" },
	{ 0xe6, "ae", "a" },
	{ 0xf8, "oe", "o" },
	{ 0x153, "oe", "o" },
	{ 0xf0, "d", "d" },
	{ 0xfe, "th", "th" },
	{ 0x111, "d", "d" },
	{ 0x127, "h", "h" },
	{ 0x130, "i", "i" }, /* the capital of i in Turkish */
	{ 0x131, "i", "i" },
	{ 0x133, "ij", "ij" },
	{ 0x142, "l", "l" },
	{ 0x167, "t", "t" },
	{ 0x17f, "s", "s" },
	/* Characters that JIS X 0208 lacks, and the common form that is written for them. */
	{ 0x9ad9, "髙", "高" },
	{ 0xfa11, "﨑", "崎" },
	{ 0x9f4b, "齋", "斎" },
	{ 0x908a, "邊", "辺" },
	{ 0x9089, "邉", "辺" },
	{ 0x6ff1, "濱", "浜" },
	{ 0x6ff5, "濵", "浜" },
	{ 0x6fa4, "澤", "沢" },
};

/* Base letters of the accented ones (Unicode's decompositions); '.': in the table, or none. */
static const char latin1[] = "aaaaaa.ceeeeiiii.nooooo..uuuuy.y"; /* from U+00E0 */
static const char extended_a[] = /* from U+0100 */
    "aaaaaaccccccccdd..eeeeeeeeeegggggggghh..iiiiiiii....jjkk.llllll."
    "...nnnnnn...oooooo..rrrrrrsssssssstttt..uuuuuuuuuuuuwwyyyzzzzzz.";
static const char extended_b[] = /* from U+0180 */
    "................................oo.............uu..............."
    ".............aaiioouuuuuuuuuu.aaaa....ggkkoooo..j...gg..nnaa...."
    "aaaaeeeeiiiioooorrrruuuusstt..hh......aaeeooooooooyy............"
    "................";
static const char additional[] = /* from U+1E00 */
    "aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmm"
    "mmmmnnnnnnnnoooooooopppprrrrrrrrssssssssssttttttttuuuuuuuuuuvvvv"
    "wwwwwwwwwwxxxxyyzzzzzzhtwy......aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeee"
    "eeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuuuuyyyyyyyy......";

/* Half width katakana (JIS X 0201), U+FF66 to U+FF9D: hiragana, less 0x3000. */
static const unsigned char half_width[] = { 0x92, 0x41, 0x43, 0x45, 0x47, 0x49, 0x83, 0x85, 0x87, 0x63,
	0xfc, 0x42, 0x44, 0x46, 0x48, 0x4a, 0x4b, 0x4d, 0x4f, 0x51, 0x53, 0x55, 0x57, 0x59, 0x5b, 0x5d,
	0x5f, 0x61, 0x64, 0x66, 0x68, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f, 0x72, 0x75, 0x78, 0x7b, 0x7e,
	0x7f, 0x80, 0x81, 0x82, 0x84, 0x86, 0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x8d, 0x8f, 0x93 };

/* Greek with accents, and the sigma that ends a word. */
static const struct {
	uint32_t c, plain;
} greek[] = {
	{ 0x386, 0x3b1 },
	{ 0x388, 0x3b5 },
	{ 0x389, 0x3b7 },
	{ 0x38a, 0x3b9 },
	{ 0x38c, 0x3bf },
	{ 0x38e, 0x3c5 },
	{ 0x38f, 0x3c9 },
	{ 0x390, 0x3b9 },
	{ 0x3aa, 0x3b9 },
	{ 0x3ab, 0x3c5 },
	{ 0x3ac, 0x3b1 },
	{ 0x3ad, 0x3b5 },
	{ 0x3ae, 0x3b7 },
	{ 0x3af, 0x3b9 },
	{ 0x3b0, 0x3c5 },
	{ 0x3c2, 0x3c3 },
	{ 0x3ca, 0x3b9 },
	{ 0x3cb, 0x3c5 },
	{ 0x3cc, 0x3bf },
	{ 0x3cd, 0x3c5 },
	{ 0x3ce, 0x3c9 },
};

/* Lower case of the scripts that have it and occur in names here: Latin, Greek, Cyrillic. */
static uint32_t
lower(uint32_t c)
{
	if ((c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7))
		return c + 0x20;
	if (c == 0x178)
		return 0xff;
	if (c == 0x110 || c == 0x126 || c == 0x132 || c == 0x141 || c == 0x152 || c == 0x166)
		return c + 1;
	if ((c >= 0x391 && c <= 0x3a9) || (c >= 0x410 && c <= 0x42f))
		return c + 0x20;
	if (c >= 0x400 && c <= 0x40f)
		return c + 0x50;
	if (c == 0x490)
		return 0x491;
	if (c >= 0xff21 && c <= 0xff3a) /* full width */
		return c - 0xff21 + 'a';
	if (c >= 0xff41 && c <= 0xff5a)
		return c - 0xff41 + 'a';
	return c;
}

static uint32_t
plain(uint32_t c)
{
	for (size_t i = 0; i < sizeof greek / sizeof *greek; i++)
		if (greek[i].c == c)
			return greek[i].plain;
	if (c == 0x451) /* ё is written е in most Russian texts */
		return 0x435;
	if (c >= 0x30a1 && c <= 0x30f6)
		return c - 0x60;
	if (c >= 0xff66 && c <= 0xff9d)
		return 0x3000 + half_width[c - 0xff66];
	return c;
}

static char
base_of(uint32_t c)
{
	if (c >= 0xe0 && c <= 0xff)
		return latin1[c - 0xe0];
	if (c >= 0x100 && c <= 0x17f)
		return extended_a[c - 0x100];
	if (c >= 0x180 && c <= 0x24f)
		return extended_b[c - 0x180];
	if (c >= 0x1e00 && c <= 0x1eff)
		return additional[c - 0x1e00];
	return '.';
}

int
letter_encode(uint32_t c, char b[5])
{
	int n = 0;

	if (c < 0x80)
		b[n++] = (char)c;
	else if (c < 0x800) {
		b[n++] = (char)(0xc0 | c >> 6);
		b[n++] = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		b[n++] = (char)(0xe0 | c >> 12);
		b[n++] = (char)(0x80 | (c >> 6 & 0x3f));
		b[n++] = (char)(0x80 | (c & 0x3f));
	} else {
		b[n++] = (char)(0xf0 | c >> 18);
		b[n++] = (char)(0x80 | (c >> 12 & 0x3f));
		b[n++] = (char)(0x80 | (c >> 6 & 0x3f));
		b[n++] = (char)(0x80 | (c & 0x3f));
	}
	b[n] = '\0';
	return n;
}

void
letter_fold(uint32_t c, struct letter *out)
{
	char base = '.';

	c = plain(lower(c));
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (table[i].c == c) {
			snprintf(out->written, sizeof out->written, "%s", table[i].written);
			snprintf(out->bare, sizeof out->bare, "%s", table[i].bare);
			return;
		}
	base = base_of(c);
	letter_encode(base == '.' ? c : (uint32_t)(unsigned char)base, out->written);
	memcpy(out->bare, out->written, sizeof out->bare);
}

bool
letter_is_mark(uint32_t c)
{
	return (c >= 0x300 && c <= 0x36f) || c == VOICED || c == HALF_VOICED || c == 0xff9e || c == 0xff9f;
}

uint32_t
letter_combine(uint32_t before, uint32_t mark)
{
	bool ha = before >= 0x306f && before <= 0x307b && (before - 0x306f) % 3 == 0;

	if (mark == BREVE && before == 0x438) /* Cyrillic й, decomposed */
		return 0x439;
	if (mark == VOICED || mark == 0xff9e)
		return before == 0x3046					? 0x3094
		    : (before >= 0x304b && before <= 0x3068) || ha	? before + 1
									: 0;
	if (mark == HALF_VOICED || mark == 0xff9f)
		return ha ? before + 2 : 0;
	return 0;
}
