/*
 * A ZIP writer for mkstudy (APPNOTE 4.3): deflated members, on request with
 * data descriptors and ZIP64 fields. In a header, since each .c file of this
 * folder is a program.
 */
#ifndef MRI_TESTS_MKSTUDY_ZIP_H
#define MRI_TESTS_MKSTUDY_ZIP_H

#include <errno.h>
#include <libdeflate.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MKZIP_TIME 0x5000 /* 10:00 */
#define MKZIP_DATE 0x5d21 /* 2026-09-01 */

struct mkzip_member {
	char *name;
	uint32_t crc;
	uint64_t packed, size, offset;
	bool stored;
};

struct mkzip {
	FILE *f;
	uint64_t offset;
	bool descriptors, zip64;
	int level;
	struct mkzip_member *v;
	size_t n, cap;
};

static void __attribute__((noreturn)) mkzip_die(const char *what)
{
	fprintf(stderr, "mkstudy: %s: %m\n", what);
	exit(1);
}

/* Raw deflate into new memory. */
static void
mkzip_deflate(const void *p, size_t n, int level, uint8_t **out, size_t *len)
{
	static struct libdeflate_compressor *c;
	static int at = -1;

	if (at != level) {
		libdeflate_free_compressor(c);
		c = libdeflate_alloc_compressor(level);
		at = level;
	}
	size_t cap = c != NULL ? libdeflate_deflate_compress_bound(c, n) : 0;
	*out = malloc(cap + 1);
	if (c == NULL || *out == NULL)
		mkzip_die("no memory");
	*len = libdeflate_deflate_compress(c, p, n, *out, cap);
}

static void
mkzip_put(struct mkzip *z, const void *p, size_t n)
{
	if (n > 0 && fwrite(p, 1, n, z->f) != n)
		mkzip_die("cannot write the ZIP");
	z->offset += n;
}

static void
mkzip_int(struct mkzip *z, uint64_t v, int n)
{
	uint8_t b[8];

	for (int i = 0; i < n; i++)
		b[i] = (uint8_t)(v >> (8 * i));
	mkzip_put(z, b, (size_t)n);
}

static struct mkzip *
mkzip_open(const char *path, bool descriptors, bool zip64, int level)
{
	struct mkzip *z = calloc(1, sizeof *z);

	if (z == NULL || (z->f = fopen(path, "wbe")) == NULL)
		mkzip_die(path);
	z->descriptors = descriptors;
	z->zip64 = zip64;
	z->level = level;
	return z;
}

static void
mkzip_add(struct mkzip *z, const char *name, const void *p, size_t n)
{
	struct mkzip_member m = { .size = n, .offset = z->offset, .stored = z->level == 0 };
	uint8_t *packed = NULL;
	size_t len = n;

	if (z->n == z->cap) {
		z->cap = z->cap * 2 + 64;
		z->v = realloc(z->v, z->cap * sizeof *z->v);
	}
	m.name = strdup(name);
	if (z->v == NULL || m.name == NULL)
		mkzip_die("no memory");
	m.crc = libdeflate_crc32(0, p, n);
	if (!m.stored)
		mkzip_deflate(p, n, z->level, &packed, &len);
	m.packed = len;
	bool late = z->descriptors && !m.stored; /* a stored member's end is not found without its size */
	mkzip_int(z, 0x04034b50, 4);
	mkzip_int(z, z->zip64 ? 45 : 20, 2);
	mkzip_int(z, late ? 8 : 0, 2);
	mkzip_int(z, m.stored ? 0 : 8, 2);
	mkzip_int(z, MKZIP_TIME, 2);
	mkzip_int(z, MKZIP_DATE, 2);
	mkzip_int(z, late ? 0 : m.crc, 4);
	mkzip_int(z, z->zip64 ? UINT32_MAX : late ? 0 : m.packed, 4);
	mkzip_int(z, z->zip64 ? UINT32_MAX : late ? 0 : m.size, 4);
	mkzip_int(z, strlen(name), 2);
	mkzip_int(z, z->zip64 ? 20 : 0, 2);
	mkzip_put(z, name, strlen(name));
	if (z->zip64) { /* 4.5.3 */
		mkzip_int(z, 1, 2);
		mkzip_int(z, 16, 2);
		mkzip_int(z, late ? 0 : m.size, 8);
		mkzip_int(z, late ? 0 : m.packed, 8);
	}
	mkzip_put(z, m.stored ? p : packed, len);
	if (late) { /* 4.3.9 */
		mkzip_int(z, 0x08074b50, 4);
		mkzip_int(z, m.crc, 4);
		mkzip_int(z, m.packed, z->zip64 ? 8 : 4);
		mkzip_int(z, m.size, z->zip64 ? 8 : 4);
	}
	free(packed);
	z->v[z->n++] = m;
}

static void
mkzip_central(struct mkzip *z, const struct mkzip_member *m)
{
	bool big = z->zip64 || m->offset >= UINT32_MAX;

	mkzip_int(z, 0x02014b50, 4);
	mkzip_int(z, big ? 45 : 20, 2);
	mkzip_int(z, big ? 45 : 20, 2);
	mkzip_int(z, z->descriptors && !m->stored ? 8 : 0, 2);
	mkzip_int(z, m->stored ? 0 : 8, 2);
	mkzip_int(z, MKZIP_TIME, 2);
	mkzip_int(z, MKZIP_DATE, 2);
	mkzip_int(z, m->crc, 4);
	mkzip_int(z, big ? UINT32_MAX : m->packed, 4);
	mkzip_int(z, big ? UINT32_MAX : m->size, 4);
	mkzip_int(z, strlen(m->name), 2);
	mkzip_int(z, big ? 28 : 0, 2);
	mkzip_int(z, 0, 2); /* comment */
	mkzip_int(z, 0, 2); /* disk */
	mkzip_int(z, 0, 2);
	mkzip_int(z, 0, 4);
	mkzip_int(z, big ? UINT32_MAX : m->offset, 4);
	mkzip_put(z, m->name, strlen(m->name));
	if (big) {
		mkzip_int(z, 1, 2);
		mkzip_int(z, 24, 2);
		mkzip_int(z, m->size, 8);
		mkzip_int(z, m->packed, 8);
		mkzip_int(z, m->offset, 8);
	}
}

static void
mkzip_close(struct mkzip *z)
{
	uint64_t start = z->offset, size = 0, end = 0;

	for (size_t i = 0; i < z->n; i++) {
		mkzip_central(z, &z->v[i]);
		free(z->v[i].name);
	}
	end = z->offset;
	size = end - start;
	bool big = z->zip64 || z->n >= 0xffff || start >= UINT32_MAX;
	if (big) { /* 4.3.14, 4.3.15 */
		mkzip_int(z, 0x06064b50, 4);
		mkzip_int(z, 44, 8);
		mkzip_int(z, 45, 2);
		mkzip_int(z, 45, 2);
		mkzip_int(z, 0, 8);
		mkzip_int(z, z->n, 8);
		mkzip_int(z, z->n, 8);
		mkzip_int(z, size, 8);
		mkzip_int(z, start, 8);
		mkzip_int(z, 0x07064b50, 4);
		mkzip_int(z, 0, 4);
		mkzip_int(z, end, 8);
		mkzip_int(z, 1, 4);
	}
	mkzip_int(z, 0x06054b50, 4);
	mkzip_int(z, 0, 4);
	mkzip_int(z, big ? 0xffff : z->n, 2);
	mkzip_int(z, big ? 0xffff : z->n, 2);
	mkzip_int(z, big ? UINT32_MAX : size, 4);
	mkzip_int(z, big ? UINT32_MAX : start, 4);
	mkzip_int(z, 0, 2);
	if (fclose(z->f) != 0)
		mkzip_die("cannot write the ZIP");
	free(z->v);
	free(z);
}

#endif
