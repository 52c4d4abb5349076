/*
 * mkstudy: makes synthetic DICOM studies, for tests, quickstart and bench.
 * Everything follows from the options and the seed: the same call gives the
 * same bytes. No library of ours and no DCMTK: what reads these files must
 * not have written them. PS3.10 7, PS3.5 7 and Annex A.4, G.
 *
 *	mkstudy --zip study.zip --slices 500 --rows 512 --cols 512 --seed 7 \
 *	    --patient-name 'Müller^Jörg' --birth 1970-01-01 --charset latin1 --pdf report.pdf
 *
 * Members are DICOM/ST0001/SE0001/IM00001 …; mkstudy -h lists the options.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "mkstudy_object.h"
#include "mkstudy_zip.h"

/* Where members go: a folder or a ZIP. */
static struct mkzip *zip;

static void
write_file(const char *path, const void *p, size_t n)
{
	FILE *f = fopen(path, "wbe");

	if (f == NULL || fwrite(p, 1, n, f) != n || fclose(f) != 0)
		die("%s: %m", path);
}

static void
member(const char *name, const void *p, size_t n)
{
	char path[4096];

	if (zip != NULL) {
		mkzip_add(zip, name, p, n);
		return;
	}
	snprintf(path, sizeof path, "%s/%s", opt.out, name);
	for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0777) != 0 && errno != EEXIST)
			die("%s: %m", path);
		*slash = '/';
	}
	write_file(path, p, n);
}

/* A PDF of one page (ISO 32000-1 7.5), text in WinAnsi, lines at '\n'. */
static void
make_pdf(struct bytes *out, const char *utf8)
{
	size_t at[6] = { 0 };
	struct bytes page = { 0 };
	enum charset saved = opt.charset;
	char line[128];

	opt.charset = CS_LATIN1;
	const char *s = encode(utf8);
	opt.charset = saved;
	add(&page, "BT /F1 12 Tf 16 TL 72 770 Td (", 30);
	for (; *s != '\0'; s++) {
		if (*s == '\n') {
			add(&page, ") Tj T* (", 9);
			continue;
		}
		if (strchr("()\\", *s) != NULL)
			add(&page, "\\", 1);
		add(&page, s, 1);
	}
	add(&page, ") Tj ET", 7);
	static const char *const objects[] = {
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R "
		 "/Resources << /Font << /F1 4 0 R >> >> >>"),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
	};
	out->n = 0;
	add(out, "%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", 15);
	for (int i = 0; i < 4; i++) {
		at[i] = out->n;
		int k = snprintf(line, sizeof line, "%d 0 obj\n", i + 1);
		add(out, line, (size_t)k);
		add(out, objects[i], strlen(objects[i]));
		add(out, "\nendobj\n", 8);
	}
	at[4] = out->n;
	int k = snprintf(line, sizeof line, "5 0 obj\n<< /Length %zu >>\nstream\n", page.n);
	add(out, line, (size_t)k);
	add(out, page.v, page.n);
	add(out, "\nendstream\nendobj\n", 18);
	size_t xref = out->n;
	add(out, "xref\n0 6\n0000000000 65535 f \n", 29);
	for (int i = 0; i < 5; i++) {
		k = snprintf(line, sizeof line, "%010zu 00000 n \n", at[i]);
		add(out, line, (size_t)k);
	}
	k = snprintf(
	    line, sizeof line, "trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%zu\n%%%%EOF\n", xref);
	add(out, line, (size_t)k);
	free(page.v);
}

/* What lies on discs beside the images. */
static void
make_junk(void)
{
	static const char exe[256] = "MZ\x90\0\3\0\0\0This program cannot be run in DOS mode.";
	static const char inf[] = "[autorun]\r\nopen=viewer.exe\r\n";
	char thumbs[1024] = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"; /* a compound file: header, directory */

	thumbs[30] = 9;
	memcpy(thumbs + 512, "R\0o\0o\0t\0 \0E\0n\0t\0r\0y\0", 20);
	thumbs[512 + 64] = 22;
	thumbs[512 + 66] = 5;
	memcpy(thumbs + 640, "C\0a\0t\0a\0l\0o\0g\0", 14);
	thumbs[640 + 64] = 16;
	thumbs[640 + 66] = 2;
	member("viewer.exe", exe, sizeof exe);
	member("autorun.inf", inf, sizeof inf - 1);
	member("Thumbs.db", thumbs, sizeof thumbs);
}

static long
make_series(long study, long series)
{
	struct bytes file = { 0 };
	char name[256];
	long made = 0;
	bool first = study == 1 && series == 1; /* the faults are in the first series */

	for (long i = 1; i <= opt.slices; i++) {
		struct slice s = { .study = study,
			.series = series,
			.instance = i,
			.cut = first && i == opt.cut,
			.stranger = first && i == opt.stranger };
		if (first && i == opt.drop)
			continue;
		make_object(&file, &s);
		snprintf(name, sizeof name, "%s/ST%04ld/SE%04ld/IM%05ld", opt.prefix, study, series, i);
		member(name, file.v, file.n);
		made++;
		if (first && (i == opt.duplicate || i == opt.conflict)) {
			s.conflict = i == opt.conflict;
			make_object(&file, &s);
			snprintf(name, sizeof name, "%s/ST%04ld/SE%04ld/IM%05ldB", opt.prefix, study,
			    series, i);
			member(name, file.v, file.n);
		}
	}
	free(file.v);
	return made;
}

static void
make_studies(void)
{
	struct bytes pdf = { 0 };
	char uid[65], date[9];

	for (long st = 1; st <= opt.studies; st++) {
		long n = 0;
		for (long se = 1; se <= opt.series; se++)
			n += make_series(st, se);
		study_uid(st, uid);
		study_date(st, date);
		if (opt.print)
			printf("%s\t%s\t%s\t%ld\n", uid, date, opt.modality, n);
	}
	if (opt.junk)
		make_junk();
	if (opt.pdf != NULL) {
		make_pdf(&pdf, opt.pdf_text);
		member(opt.pdf, pdf.v, pdf.n);
		free(pdf.v);
	}
}

enum kind {
	FLAG,
	TEXT,
	NUMBER,
	SEED,
	TS,
	CHARSET
};

static const struct arg {
	const char *name;
	enum kind kind;
	void *to;
	const char *help;
} args[] = {
	{ "out", TEXT, &opt.out, "DIR: write files below DIR" },
	{ "zip", TEXT, &opt.zip, "FILE: write one ZIP" },
	{ "pdf-only", TEXT, &opt.pdf_only, "FILE: write only a PDF with --pdf-text" },
	{ "slices", NUMBER, &opt.slices, "N: objects a series (16)" },
	{ "rows", NUMBER, &opt.rows, "N (64)" },
	{ "cols", NUMBER, &opt.cols, "N (64)" },
	{ "frames", NUMBER, &opt.frames, "N: frames an object (1)" },
	{ "series", NUMBER, &opt.series, "N: series a study (1)" },
	{ "studies", NUMBER, &opt.studies,
	    "N: the second and later ones are priors, each a year older (1)" },
	{ "seed", SEED, &opt.seed, "N: UIDs and pixels follow from it (1)" },
	{ "patient-name", TEXT, &opt.name, "PN, UTF-8 (Test^Patient)" },
	{ "patient-id", TEXT, &opt.id, "LO (P1000)" },
	{ "issuer", TEXT, &opt.issuer, "LO: Issuer of Patient ID (none)" },
	{ "birth", TEXT, &opt.birth, "YYYY-MM-DD or YYYYMMDD, '' for an empty element (19700101)" },
	{ "sex", TEXT, &opt.sex, "M, F, O (M)" },
	{ "other-ids", TEXT, &opt.other_id, "LO: an item in Other Patient IDs Sequence" },
	{ "study-uid", TEXT, &opt.study_uid, "UI: of the first study" },
	{ "study-date", TEXT, &opt.study_date, "of the first study (20260901)" },
	{ "modality", TEXT, &opt.modality, "CT, MR or another, which makes Secondary Capture (CT)" },
	{ "accession", TEXT, &opt.accession, "SH (FOREIGN1)" },
	{ "description", TEXT, &opt.description, "LO: Study Description (CT Thorax)" },
	{ "charset", CHARSET, NULL,
	    "latin1, utf8, none, or lie: Latin-1 bytes declared ISO_IR 192 (latin1)" },
	{ "ts", TS, NULL, "explicit, implicit, big, deflated, rle (explicit)" },
	{ "bare", FLAG, &opt.bare, "no preamble, no meta header (with --ts implicit or explicit)" },
	{ "group-lengths", FLAG, &opt.group_lengths, "retired (gggg,0000) elements" },
	{ "private", FLAG, &opt.private_group, "a private group 0009" },
	{ "sequence-undefined", FLAG, &opt.undefined, "sequences and items of undefined length" },
	{ "prefix", TEXT, &opt.prefix, "folder of the objects (DICOM)" },
	{ "pdf", TEXT, &opt.pdf, "NAME: adds a PDF as NAME (report.pdf)" },
	{ "pdf-text", TEXT, &opt.pdf_text, "what it says" },
	{ "junk", FLAG, &opt.junk, "viewer.exe, autorun.inf, Thumbs.db" },
	{ "level", NUMBER, &opt.level, "N: deflate level 0 (stored) to 12 (1)" },
	{ "descriptors", FLAG, &opt.descriptors, "ZIP with data descriptors" },
	{ "zip64", FLAG, &opt.zip64, "ZIP with ZIP64 fields throughout" },
	{ "drop", NUMBER, &opt.drop, "N: leaves slice N out" },
	{ "duplicate", NUMBER, &opt.duplicate, "N: slice N twice" },
	{ "conflict", NUMBER, &opt.conflict, "N: slice N again with other pixels" },
	{ "cut", NUMBER, &opt.cut, "N: half of the pixel data missing from slice N" },
	{ "stranger", NUMBER, &opt.stranger, "N: another patient in slice N" },
	{ "print", FLAG, &opt.print, "a line a study: UID, date, modality, objects; by tabs" },
};
#define ARGS (sizeof args / sizeof *args)

static void __attribute__((noreturn)) usage(int code)
{
	FILE *f = code == 0 ? stdout : stderr;

	fputs("usage: mkstudy --out DIR | --zip FILE | --pdf-only FILE [option ...]\n", f);
	for (size_t i = 0; i < ARGS; i++)
		fprintf(f, "  --%-20s %s\n", args[i].name, args[i].help);
	exit(code);
}

static void
set(const struct arg *a, const char *v)
{
	static const char *const charsets[] = { "none", "latin1", "utf8", "lie" };
	static const char *const terms[] = { "", "ISO_IR 100", "ISO_IR 192", "" };
	char *end = NULL;

	switch (a->kind) {
	case FLAG:
		*(int *)a->to = 1;
		return;
	case TEXT:
		*(const char **)a->to = v;
		return;
	case NUMBER:
		*(long *)a->to = strtol(v, &end, 10);
		if (*v == '\0' || *end != '\0' || *(long *)a->to < 0)
			die("--%s: not a number", a->name);
		return;
	case SEED:
		*(uint64_t *)a->to = strtoull(v, &end, 10);
		return;
	case TS:
		for (int i = 0; i < TS_N; i++)
			if (strcmp(v, ts_names[i]) == 0) {
				opt.ts = (enum ts)i;
				return;
			}
		die("--ts: none of explicit, implicit, big, deflated, rle");
	case CHARSET:
		for (int i = 0; i < 4; i++)
			if (strcmp(v, charsets[i]) == 0 || (*v != '\0' && strcmp(v, terms[i]) == 0)) {
				opt.charset = (enum charset)i;
				return;
			}
		die("--charset: none of latin1, utf8, none, lie");
	}
}

/* 1970-01-01 → 19700101, in place of a copy that lives for ever */
static const char *
plain_date(const char *s)
{
	char *d = strdup(s);
	size_t n = 0;

	if (d == NULL)
		die("no memory");
	for (; *s != '\0'; s++)
		if (*s != '-')
			d[n++] = *s;
	d[n] = '\0';
	return d;
}

int
main(int argc, char **argv)
{
	struct option longs[ARGS + 1] = { { 0 } };
	struct bytes pdf = { 0 };
	int c = 0, which = 0;

	for (size_t i = 0; i < ARGS; i++)
		longs[i] = (struct option){ args[i].name,
			args[i].kind == FLAG ? no_argument : required_argument, NULL, 0 };
	while ((c = getopt_long(argc, argv, "h", longs, &which)) != -1) {
		if (c == 'h')
			usage(0);
		if (c != 0)
			usage(64);
		set(&args[which], optarg);
	}
	if (optind != argc || (opt.out != NULL) + (opt.zip != NULL) + (opt.pdf_only != NULL) != 1)
		usage(64);
	if (opt.rows < 1 || opt.cols < 1 || opt.frames < 1 || opt.rows > 65535 || opt.cols > 65535)
		die("--rows, --cols, --frames: out of range");
	opt.birth = plain_date(opt.birth);
	opt.study_date = plain_date(opt.study_date);
	if (opt.pdf_only != NULL) {
		make_pdf(&pdf, opt.pdf_text);
		write_file(opt.pdf_only, pdf.v, pdf.n);
		free(pdf.v);
		return 0;
	}
	if (opt.zip != NULL)
		zip = mkzip_open(opt.zip, opt.descriptors, opt.zip64, (int)opt.level);
	else if (mkdir(opt.out, 0777) != 0 && errno != EEXIST)
		die("%s: %m", opt.out);
	make_studies();
	if (zip != NULL)
		mkzip_close(zip);
	return 0;
}
