/*
 * The objects of mkstudy: its options, a writer of data elements (PS3.5 7,
 * Annex A.4 and G, PS3.10 7), and the modules of one image. In a header, since
 * each .c file of this folder is a program.
 */
#ifndef MRI_TESTS_MKSTUDY_OBJECT_H
#define MRI_TESTS_MKSTUDY_OBJECT_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mkstudy_zip.h"

enum ts {
	TS_EXPLICIT,
	TS_IMPLICIT,
	TS_BIG,
	TS_DEFLATED,
	TS_RLE,
	TS_N
};
static const char *const ts_names[TS_N] = { "explicit", "implicit", "big", "deflated", "rle" };
static const char *const ts_uids[TS_N] = { "1.2.840.10008.1.2.1", "1.2.840.10008.1.2",
	"1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.5" };

enum charset {
	CS_NONE,
	CS_LATIN1,
	CS_UTF8,
	CS_LIE
};

static struct {
	const char *out, *zip, *pdf, *pdf_text, *pdf_only, *prefix;
	const char *name, *id, *issuer, *birth, *sex, *study_uid, *study_date, *modality, *accession,
	    *description;
	const char *other_id;
	long slices, rows, cols, series, studies, frames, level;
	uint64_t seed;
	enum ts ts;
	enum charset charset;
	int group_lengths, private_group, undefined, junk, descriptors, zip64, print, bare;
	long drop, duplicate, conflict, cut, stranger; /* number of a slice, 0: none */
} opt = { .prefix = "DICOM",
	.name = "Test^Patient",
	.id = "P1000",
	.birth = "19700101",
	.sex = "M",
	.study_date = "20260901",
	.modality = "CT",
	.accession = "FOREIGN1",
	.description = "CT Thorax",
	.pdf_text = "Befund: unauffaellig.",
	.slices = 16,
	.rows = 64,
	.cols = 64,
	.series = 1,
	.studies = 1,
	.frames = 1,
	.level = 1,
	.seed = 1,
	.charset = CS_LATIN1 };

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("mkstudy: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

/* Bytes that grow. */
struct bytes {
	uint8_t *v;
	size_t n, cap;
};

static uint8_t *
room(struct bytes *b, size_t n)
{
	if (b->cap - b->n < n) {
		b->cap = (b->n + n) * 2;
		b->v = realloc(b->v, b->cap);
		if (b->v == NULL)
			die("no memory");
	}
	b->n += n;
	return b->v + b->n - n;
}

static void
add(struct bytes *b, const void *p, size_t n)
{
	if (n > 0)
		memcpy(room(b, n), p, n);
}

static void
add_int(struct bytes *b, uint64_t v, int n, bool big)
{
	uint8_t *p = room(b, (size_t)n);

	for (int i = 0; i < n; i++)
		p[big ? n - 1 - i : i] = (uint8_t)(v >> (8 * i));
}

/* Random numbers: splitmix64, from the seed and up to four numbers. */
static uint64_t
mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static uint64_t
keyed(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	return mix(mix(mix(mix(opt.seed ^ a) ^ b) ^ c) ^ d);
}

/* 2.25.<UUID as a decimal>, PS3.5 B.2 */
static void
make_uid(char out[65], uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t hi = (keyed(a, b, c, 1) & ~(uint64_t)0xf000) | 0x4000;
	uint64_t lo = (keyed(a, b, c, 2) & ~((uint64_t)3 << 62)) | (uint64_t)2 << 62;
	unsigned __int128 v = (unsigned __int128)hi << 64 | lo;
	char digits[40];
	int n = 0;

	for (; v != 0; v /= 10)
		digits[n++] = (char)('0' + (int)(v % 10));
	memcpy(out, "2.25.", 5);
	for (int i = 0; i < n; i++)
		out[5 + i] = digits[n - 1 - i];
	out[5 + n] = '\0';
}

/* One data set: elements go to `group` and are flushed when the group changes. */
struct writer {
	struct bytes out, group;
	unsigned number; /* group in hand */
	bool implicit, big;
};

static void
element(struct writer *, struct bytes *, unsigned g, unsigned e, const char *vr, const void *, size_t);

static void
flush_group(struct writer *w)
{
	if (w->group.n > 0 && opt.group_lengths) {
		struct bytes len = { 0 };
		add_int(&len, w->group.n, 4, w->big);
		element(w, &w->out, w->number, 0, "UL", len.v, 4);
		free(len.v);
	}
	add(&w->out, w->group.v, w->group.n);
	w->group.n = 0;
}

static void
header(struct writer *w, struct bytes *to, unsigned g, unsigned e, const char *vr, uint32_t len)
{
	add_int(to, g, 2, w->big);
	add_int(to, e, 2, w->big);
	if (w->implicit || vr == NULL) {
		add_int(to, len, 4, w->big);
		return;
	}
	add(to, vr, 2);
	if (strstr("OB OW SQ UN UT OF", vr) != NULL) {
		add_int(to, 0, 2, w->big);
		add_int(to, len, 4, w->big);
	} else
		add_int(to, len, 2, w->big);
}

static void
element(
    struct writer *w, struct bytes *to, unsigned g, unsigned e, const char *vr, const void *p, size_t n)
{
	header(w, to, g, e, vr, (uint32_t)(n + (n & 1)));
	add(to, p, n);
	if (n & 1)
		add(to, strcmp(vr, "UI") == 0 || vr[0] == 'O' ? "" : " ", 1);
}

static struct bytes *
in_group(struct writer *w, unsigned g)
{
	if (g != w->number)
		flush_group(w);
	w->number = g;
	return &w->group;
}

static void
text(struct writer *w, unsigned g, unsigned e, const char *vr, const char *s)
{
	element(w, in_group(w, g), g, e, vr, s, strlen(s));
}

static void
us(struct writer *w, unsigned g, unsigned e, unsigned v)
{
	struct bytes b = { 0 };

	add_int(&b, v, 2, w->big);
	element(w, in_group(w, g), g, e, "US", b.v, b.n);
	free(b.v);
}

/* A sequence of one item whose elements are in `item`. */
static void
sequence(struct writer *w, struct bytes *to, unsigned g, unsigned e, const struct bytes *item)
{
	uint32_t undefined = UINT32_MAX;

	header(w, to, g, e, "SQ", opt.undefined ? undefined : (uint32_t)item->n + 8);
	header(w, to, 0xfffe, 0xe000, NULL, opt.undefined ? undefined : (uint32_t)item->n);
	add(to, item->v, item->n);
	if (opt.undefined) {
		header(w, to, 0xfffe, 0xe00d, NULL, 0);
		header(w, to, 0xfffe, 0xe0dd, NULL, 0);
	}
}

/* A code item (PS3.3 8.8): value, scheme, meaning */
static void
code(struct writer *w, struct bytes *to, const char *value, const char *scheme, const char *meaning)
{
	element(w, to, 0x0008, 0x0100, "SH", value, strlen(value));
	element(w, to, 0x0008, 0x0102, "SH", scheme, strlen(scheme));
	element(w, to, 0x0008, 0x0104, "LO", meaning, strlen(meaning));
}

/* Argument text (UTF-8) in the bytes of the charset. */
static const char *
encode(const char *s)
{
	static char ring[4][1024];
	static int turn;
	char *out = ring[turn = (turn + 1) % 4];
	size_t n = 0;

	if (opt.charset == CS_UTF8 || opt.charset == CS_NONE)
		return s;
	for (; *s != '\0' && n + 1 < sizeof ring[0]; s++) {
		unsigned char c = (unsigned char)*s;
		if (c < 0x80)
			out[n++] = (char)c;
		else if ((c == 0xc2 || c == 0xc3) && s[1] != '\0')
			out[n++] = (char)((c & 3) << 6 | (*++s & 0x3f));
		else
			die("a character is not in ISO 8859-1; use --charset utf8");
	}
	out[n] = '\0';
	return out;
}

/* 12 bits in 16: a body in air, with 6 to 7 bits of noise, so that it deflates
 * about as real CT does (to 50–60 %). */
static void
pixels(struct bytes *to, uint64_t key, bool big)
{
	long rows = opt.rows, cols = opt.cols;
	uint8_t *p = NULL;
	uint64_t r = 0, x = key | 1;

	for (long f = 0; f < opt.frames; f++) {
		p = room(to, (size_t)rows * (size_t)cols * 2);
		for (long y = 0; y < rows; y++) {
			long dy = (2 * y - rows) * 1000 / rows;
			for (long c = 0; c < cols; c++, p += 2) {
				if ((c & 3) == 0) {
					x ^= x << 13;
					x ^= x >> 7;
					x ^= x << 17;
					r = x;
				}
				long dx = (2 * c - cols) * 1000 / cols;
				unsigned v = dx * dx + dy * dy < 700000 ? 1000 + (unsigned)(r & 127) +
					(unsigned)((y / 16 * 7 + c / 32 * 5) & 255)
									: (unsigned)(r & 31);
				r >>= 16;
				p[big] = (uint8_t)v;
				p[!big] = (uint8_t)(v >> 8);
			}
		}
	}
}

/* PS3.5 G.3.1: one row of bytes, every second of p */
static void
packbits(struct bytes *to, const uint8_t *p, long n)
{
	long i = 0;

	while (i < n) {
		long run = 1;
		while (i + run < n && run < 128 && p[2 * (i + run)] == p[2 * i])
			run++;
		if (run >= 2) {
			add_int(to, (uint64_t)(257 - run), 1, false);
			add(to, &p[2 * i], 1);
			i += run;
			continue;
		}
		long lit = 1;
		while (i + lit < n && lit < 128 &&
		    (i + lit + 1 >= n || p[2 * (i + lit)] != p[2 * (i + lit + 1)]))
			lit++;
		add_int(to, (uint64_t)(lit - 1), 1, false);
		for (long k = 0; k < lit; k++)
			add(to, &p[2 * (i + k)], 1);
		i += lit;
	}
}

static void
rle_pixels(struct writer *w, struct bytes *to, const struct bytes *raw)
{
	size_t frame = (size_t)opt.rows * (size_t)opt.cols * 2;

	header(w, to, 0x7fe0, 0x0010, "OB", UINT32_MAX);
	header(w, to, 0xfffe, 0xe000, NULL, 0);
	for (size_t off = 0; off + frame <= raw->n; off += frame) {
		struct bytes seg[2] = { { 0 }, { 0 } };
		for (int s = 0; s < 2; s++) /* most significant byte first, G.2 */
			for (long y = 0; y < opt.rows; y++)
				packbits(&seg[s],
				    raw->v + off + (size_t)y * (size_t)opt.cols * 2 + (s == 0), opt.cols);
		for (int s = 0; s < 2; s++)
			if (seg[s].n & 1)
				add(&seg[s], "", 1);
		header(w, to, 0xfffe, 0xe000, NULL, (uint32_t)(64 + seg[0].n + seg[1].n));
		add_int(to, 2, 4, false);
		add_int(to, 64, 4, false);
		add_int(to, 64 + seg[0].n, 4, false);
		for (int i = 3; i < 16; i++)
			add_int(to, 0, 4, false);
		add(to, seg[0].v, seg[0].n);
		add(to, seg[1].v, seg[1].n);
		free(seg[0].v);
		free(seg[1].v);
	}
	header(w, to, 0xfffe, 0xe0dd, NULL, 0);
}

struct slice {
	long study, series, instance;
	bool conflict, cut, stranger;
};

static const char *
sop_class(void)
{
	if (opt.frames > 1)
		return "1.2.840.10008.5.1.4.1.1.7.3";
	if (strcmp(opt.modality, "CT") == 0)
		return "1.2.840.10008.5.1.4.1.1.2";
	if (strcmp(opt.modality, "MR") == 0)
		return "1.2.840.10008.5.1.4.1.1.4";
	return "1.2.840.10008.5.1.4.1.1.7";
}

/* The study's date; each further study is a prior, a year older. */
static void
study_date(long study, char out[9])
{
	int year = 0;
	char md[5] = "";

	if (sscanf(opt.study_date, "%4d%4[0-9]", &year, md) != 2)
		die("--study-date is no date");
	snprintf(out, 9, "%04u%4s", (unsigned)(year - (int)(study - 1)) % 10000, md);
}

static void
study_uid(long study, char out[65])
{
	if (study == 1 && opt.study_uid != NULL)
		snprintf(out, 65, "%s", opt.study_uid);
	else
		make_uid(out, (uint64_t)study, 0, 0);
}

static void
module_identity(struct writer *w, const struct slice *s, const char *sop)
{
	char date[9], number[24];
	struct bytes item = { 0 };

	study_date(s->study, date);
	if (opt.charset == CS_LATIN1)
		text(w, 0x0008, 0x0005, "CS", "ISO_IR 100");
	else if (opt.charset == CS_UTF8 || opt.charset == CS_LIE)
		text(w, 0x0008, 0x0005, "CS", "ISO_IR 192");
	text(w, 0x0008, 0x0008, "CS", "ORIGINAL\\PRIMARY\\AXIAL");
	text(w, 0x0008, 0x0016, "UI", sop_class());
	text(w, 0x0008, 0x0018, "UI", sop);
	for (unsigned e = 0x0020; e <= 0x0023; e++)
		text(w, 0x0008, e, "DA", date);
	for (unsigned e = 0x0030; e <= 0x0033; e++)
		text(w, 0x0008, e, "TM", "101500");
	text(w, 0x0008, 0x0050, "SH", encode(opt.accession));
	text(w, 0x0008, 0x0060, "CS", opt.modality);
	text(w, 0x0008, 0x0070, "LO", "mri-tools");
	text(w, 0x0008, 0x0080, "LO", encode("Praxis für Radiologie"));
	text(w, 0x0008, 0x0090, "PN", encode("Überweiser^Ute"));
	text(w, 0x0008, 0x1030, "LO", encode(opt.description));
	code(w, &item, "CTTH", "99MRI", "Thorax");
	sequence(w, in_group(w, 0x0008), 0x0008, 0x1032, &item);
	item.n = 0;
	snprintf(number, sizeof number, "Serie %ld", s->series);
	text(w, 0x0008, 0x103e, "LO", number);
	text(w, 0x0008, 0x1090, "LO", "mkstudy");
	if (opt.private_group) {
		text(w, 0x0009, 0x0010, "LO", "MRI TOOLS TEST");
		text(w, 0x0009, 0x1001, "LO", encode("privat ä"));
		element(w, in_group(w, 0x0009), 0x0009, 0x1002, "UN", "\x01\x02\x03\x04", 4);
	}
	text(w, 0x0010, 0x0010, "PN", encode(s->stranger ? "Fremd^Frieda" : opt.name));
	text(w, 0x0010, 0x0020, "LO", encode(s->stranger ? "F9999" : opt.id));
	if (opt.issuer != NULL)
		text(w, 0x0010, 0x0021, "LO", encode(opt.issuer));
	text(w, 0x0010, 0x0030, "DA", s->stranger ? "19520229" : opt.birth);
	text(w, 0x0010, 0x0040, "CS", opt.sex);
	if (opt.other_id != NULL) {
		const char *id = encode(opt.other_id);
		element(w, &item, 0x0010, 0x0020, "LO", id, strlen(id));
		element(w, &item, 0x0010, 0x0021, "LO", "KVNR", 4);
		element(w, &item, 0x0010, 0x0022, "CS", "TEXT", 4);
		sequence(w, in_group(w, 0x0010), 0x0010, 0x1002, &item);
	}
	free(item.v);
}

static void
module_image(struct writer *w, const struct slice *s)
{
	char uid[65], num[64];

	text(w, 0x0018, 0x0015, "CS", "CHEST");
	if (strcmp(opt.modality, "MR") == 0) {
		text(w, 0x0018, 0x0020, "CS", "SE");
		text(w, 0x0018, 0x0021, "CS", "NONE");
		text(w, 0x0018, 0x0022, "CS", "");
		text(w, 0x0018, 0x0023, "CS", "2D");
	}
	text(w, 0x0018, 0x0050, "DS", "1.0");
	text(w, 0x0018, 0x0060, "DS", "120");
	text(w, 0x0018, 0x5100, "CS", "HFS");
	study_uid(s->study, uid);
	text(w, 0x0020, 0x000d, "UI", uid);
	make_uid(uid, (uint64_t)s->study, (uint64_t)s->series, 0);
	text(w, 0x0020, 0x000e, "UI", uid);
	snprintf(num, sizeof num, "%ld", s->study);
	text(w, 0x0020, 0x0010, "SH", num);
	snprintf(num, sizeof num, "%ld", s->series);
	text(w, 0x0020, 0x0011, "IS", num);
	text(w, 0x0020, 0x0012, "IS", "1");
	snprintf(num, sizeof num, "%ld", s->instance);
	text(w, 0x0020, 0x0013, "IS", num);
	snprintf(num, sizeof num, "-250\\-250\\%ld", s->instance);
	text(w, 0x0020, 0x0032, "DS", num);
	text(w, 0x0020, 0x0037, "DS", "1\\0\\0\\0\\1\\0");
	make_uid(uid, (uint64_t)s->study, 0, 7);
	text(w, 0x0020, 0x0052, "UI", uid);
	text(w, 0x0020, 0x1040, "LO", "");
	snprintf(num, sizeof num, "%ld", s->instance);
	text(w, 0x0020, 0x1041, "DS", num);
	us(w, 0x0028, 0x0002, 1);
	text(w, 0x0028, 0x0004, "CS", "MONOCHROME2");
	if (opt.frames > 1) {
		snprintf(num, sizeof num, "%ld", opt.frames);
		text(w, 0x0028, 0x0008, "IS", num);
	}
	us(w, 0x0028, 0x0010, (unsigned)opt.rows);
	us(w, 0x0028, 0x0011, (unsigned)opt.cols);
	text(w, 0x0028, 0x0030, "DS", "0.97\\0.97");
	us(w, 0x0028, 0x0100, 16);
	us(w, 0x0028, 0x0101, 12);
	us(w, 0x0028, 0x0102, 11);
	us(w, 0x0028, 0x0103, 0);
	text(w, 0x0028, 0x1050, "DS", "40");
	text(w, 0x0028, 0x1051, "DS", "400");
	text(w, 0x0028, 0x1052, "DS", "-1024");
	text(w, 0x0028, 0x1053, "DS", "1");
}

/* The foreign Request Attributes Sequence: two of its attributes survive an import, the others do not. */
static void
module_request(struct writer *w)
{
	struct bytes item = { 0 }, inner = { 0 };

	element(w, &item, 0x0040, 0x0007, "LO", "Thorax nativ", 12);
	code(w, &inner, "PROT1", "99MRI", "Low dose");
	sequence(w, &item, 0x0040, 0x0008, &inner);
	element(w, &item, 0x0040, 0x0009, "SH", "FOREIGNSPS", 10);
	element(w, &item, 0x0040, 0x1001, "SH", "FOREIGNRP", 9);
	sequence(w, in_group(w, 0x0040), 0x0040, 0x0275, &item);
	free(item.v);
	free(inner.v);
}

static void
meta_group(struct bytes *out, const char *sop)
{
	struct writer w = { 0 };
	int saved = opt.group_lengths;
	uint8_t *preamble = room(out, 128);

	memset(preamble, 0, 128);
	add(out, "DICM", 4);
	opt.group_lengths = 1; /* (0002,0000) is not optional */
	element(&w, in_group(&w, 2), 2, 0x0001, "OB", "\0\1", 2);
	text(&w, 2, 0x0002, "UI", sop_class());
	text(&w, 2, 0x0003, "UI", sop);
	text(&w, 2, 0x0010, "UI", ts_uids[opt.ts]);
	text(&w, 2, 0x0012, "UI", "2.25.329800735698586629295641978511506172918");
	text(&w, 2, 0x0013, "SH", "MKSTUDY");
	flush_group(&w);
	opt.group_lengths = saved;
	add(out, w.out.v, w.out.n);
	free(w.out.v);
	free(w.group.v);
}

static void
make_object(struct bytes *out, const struct slice *s)
{
	struct writer w = { .implicit = opt.ts == TS_IMPLICIT, .big = opt.ts == TS_BIG };
	struct bytes raw = { 0 };
	char sop[65];

	out->n = 0;
	make_uid(sop, (uint64_t)s->study, (uint64_t)s->series, (uint64_t)s->instance);
	if (!opt.bare)
		meta_group(out, sop);
	module_identity(&w, s, sop);
	module_image(&w, s);
	module_request(&w);
	pixels(&raw,
	    keyed((uint64_t)s->study, (uint64_t)s->series, (uint64_t)s->instance, s->conflict ? 4 : 3),
	    w.big);
	if (s->cut)
		raw.n /= 2;
	if (opt.ts == TS_RLE) {
		flush_group(&w);
		rle_pixels(&w, &w.out, &raw);
	} else {
		element(&w, in_group(&w, 0x7fe0), 0x7fe0, 0x0010, "OW", raw.v, raw.n);
		flush_group(&w);
	}
	if (opt.ts == TS_DEFLATED) {
		struct bytes packed = { 0 };
		mkzip_deflate(w.out.v, w.out.n, (int)opt.level, &packed.v, &packed.n);
		add(out, packed.v, packed.n);
		if (packed.n & 1) /* PS3.5 A.5 */
			add(out, "", 1);
		free(packed.v);
	} else
		add(out, w.out.v, w.out.n);
	free(w.out.v);
	free(w.group.v);
	free(raw.v);
}

#endif
