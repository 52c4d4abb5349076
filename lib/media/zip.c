/* The central directory of a ZIP archive, and the ranges that it claims. */
#include <stdlib.h>
#include <string.h>
#include <libdeflate.h>
#include "media/zip_impl.h"

#define LOCAL_SIZE	30
#define SIG_CENTRAL	0x02014b50u
#define SIG_LOCAL	0x04034b50u
#define EXTRA_ZIP64	0x0001
#define EXTRA_AES	0x9901

int zip_broken(struct err *err, size_t member, const char *what)
{
	return err_set(err, ERR_DATA, "ZIP archive refused: member %zu: %s", member + 1, what);
}

int zip_extra64(const uint8_t *p, size_t n, uint64_t *size, uint64_t *packed, uint64_t *header,
    struct err *err)
{
	uint64_t *want[3] = { size, packed, header };
	bool seen = false;

	while (n >= 4) {
		size_t len = get_le16(p + 2), at = 4;

		if (len > n - 4) {
			if (zip_zeros(p, n))	/* padding, as alignment tools leave it */
				break;
			return zip_refused(err, "an extra field is longer than its area");
		}
		if (get_le16(p) == EXTRA_ZIP64) {
			if (seen)
				return zip_refused(err, "a member has two zip64 fields");
			seen = true;
			for (int i = 0; i < 3; i++) {
				if (!want[i] || *want[i] != UINT32_MAX)
					continue;
				if (at + 8 > 4 + len)
					return zip_refused(err, "a zip64 field is too short");
				*want[i] = get_le64(p + at);
				at += 8;
			}
		}
		p += 4 + len;
		n -= 4 + len;
	}
	return RC_OK;
}

const char *zip_method_name(uint16_t method)
{
	switch (method) {
	case ZIP_STORED: case ZIP_DEFLATED: return NULL;
	case 1: return "compressed with Shrink";
	case 6: return "compressed with Implode";
	case 9: return "compressed with Deflate64";
	case 12: return "compressed with bzip2";
	case 14: return "compressed with LZMA";
	case 93: return "compressed with Zstandard";
	case 95: return "compressed with XZ";
	case 98: return "compressed with PPMd";
	default: return "compressed by an unknown method";
	}
}

static const char *scheme_name(const struct zip_member *m)
{
	if (m->flags & (ZIP_STRONG | ZIP_MASKED))
		return "encrypted (PKWARE strong encryption)";
	if (m->method == 99)
		return "encrypted (WinZip AES)";
	return "encrypted (ZipCrypto)";
}

bool zip_extra_aes(const uint8_t *p, size_t n, uint8_t *version, uint8_t *bits, uint16_t *packing)
{
	while (n >= 4 && get_le16(p + 2) <= n - 4) {
		size_t len = get_le16(p + 2);

		if (get_le16(p) == EXTRA_AES) {
			if (len != 7 || memcmp(p + 6, "AE", 2) != 0 || get_le16(p + 4) < 1 || get_le16(p + 4) > 2 || p[8] < 1 ||
			    p[8] > 3)
				return false;
			*version = p[4];
			*bits = p[8];
			*packing = get_le16(p + 9);
			return true;
		}
		p += 4 + len;
		n -= 4 + len;
	}
	return false;
}

/* How it is encrypted, and why it cannot be read as it is. */
static void see_crypt(struct zip_member *m, const uint8_t *extra, size_t n)
{
	m->packing = m->method;
	m->unreadable = zip_method_name(m->method);
	if (!(m->flags & ZIP_ENCRYPTED) && m->method != 99)
		return;
	m->unreadable = scheme_name(m);
	if (m->flags & (ZIP_STRONG | ZIP_MASKED) || !(m->flags & ZIP_ENCRYPTED))
		return;
	if (m->method != 99)
		m->crypt = ZIP_CRYPTO;
	else if (zip_extra_aes(extra, n, &m->aes_version, &m->aes_bits, &m->packing))
		m->crypt = ZIP_AES;
	if (m->crypt && zip_method_name(m->packing))	/* a password would not help */
		m->unreadable = zip_method_name(m->packing);
	if (zip_method_name(m->packing) || m->packed < zip_crypt_extra(m))
		m->crypt = ZIP_CLEAR;
}

static int read_entry(struct zip *z, size_t i, const uint8_t *p, size_t left, size_t *used, struct err *err)
{
	struct zip_member *m = &z->v[i];
	size_t extra = 0, comment = 0;
	uint32_t attr = 0;
	uint8_t system = 0;
	int rc = RC_OK;

	if (left < ZIP_CENTRAL_SIZE || get_le32(p) != SIG_CENTRAL)
		return zip_broken(err, i, "no directory entry where one belongs");
	system = p[5];
	m->flags = get_le16(p + 8);
	m->method = get_le16(p + 10);
	m->crc = get_le32(p + 16);
	m->packed = get_le32(p + 20);
	m->size = get_le32(p + 24);
	m->name_len = get_le16(p + 28);
	extra = get_le16(p + 30);
	comment = get_le16(p + 32);
	attr = get_le32(p + 38);
	m->header = get_le32(p + 42);
	*used = ZIP_CENTRAL_SIZE + m->name_len + extra + comment;
	if (*used > left)
		return zip_broken(err, i, "its directory entry ends early");
	if (get_le16(p + 34) != 0 && get_le16(p + 34) != 0xffff)
		return zip_broken(err, i, "it is on another disk (multi-disk)");
	m->name = (const char *)p + ZIP_CENTRAL_SIZE;
	rc = zip_extra64(p + ZIP_CENTRAL_SIZE + m->name_len, extra, &m->size, &m->packed, &m->header, err);
	if (rc != RC_OK)
		return rc;
	zip_extra_name(p + ZIP_CENTRAL_SIZE + m->name_len, extra, m);
	m->directory = m->name_len && m->name[m->name_len - 1] == '/';
	m->symlink = system == 3 && (attr >> 16 & 0170000) == 0120000;	/* made on Unix: st_mode */
	see_crypt(m, p + ZIP_CENTRAL_SIZE + m->name_len, extra);
	if (m->size > ZIP_MEMBER_MAX)
		return zip_broken(err, i, "it is larger than any object");
	if (m->directory && m->size)
		return zip_broken(err, i, "a directory with content");
	if (m->packing == ZIP_STORED && (m->crypt || !m->unreadable) && m->size != m->packed - zip_crypt_extra(m))
		return zip_broken(err, i, "stored, but its sizes differ");
	if (m->size > ZIP_RATIO_FREE && m->size / ZIP_RATIO_MAX > m->packed)
		return zip_broken(err, i, "it would grow more than any image does");
	return RC_OK;
}

static int by_header(const void *a, const void *b)
{
	const struct zip_member *x = *(const struct zip_member *const *)a;
	const struct zip_member *y = *(const struct zip_member *const *)b;

	return x->header < y->header ? -1 : x->header > y->header;
}

static int check_gap(struct zip *z, uint64_t from, uint64_t to, struct err *err)
{
	uint8_t sig[4];
	int rc = RC_OK;

	if (to - from < LOCAL_SIZE)
		return RC_OK;
	rc = stream_read_full(z->s, from, sig, sizeof sig, err);
	if (rc == RC_OK && get_le32(sig) == SIG_LOCAL)
		return zip_refused(err, "it has a member that its directory does not know");
	return rc;
}

/* Sorts by place; ranges must not overlap. What comes between is looked at when the headers are. */
static int check_ranges(struct zip *z, struct err *err)
{
	const struct zip_member **order = NULL;
	uint64_t total = 0;
	int rc = RC_OK;

	if (!z->n)
		return check_gap(z, 0, z->directory_off, err);
	order = malloc(z->n * sizeof *order);
	if (!order)
		return err_set(err, ERR_TEMP, "no memory to read a ZIP archive");
	for (size_t i = 0; i < z->n; i++)
		order[i] = &z->v[i];
	qsort(order, z->n, sizeof *order, by_header);
	for (size_t i = 0; i < z->n; i++) {
		struct zip_member *m = &z->v[order[i] - z->v];
		uint64_t next = i + 1 < z->n ? order[i + 1]->header : z->directory_off;

		m->limit = next;
		if (m->header > z->directory_off || next > z->directory_off || next < m->header ||
		    next - m->header < LOCAL_SIZE + (uint64_t)m->name_len ||
		    next - m->header - LOCAL_SIZE - m->name_len < m->packed) {
			rc = zip_broken(err, (size_t)(m - z->v), "it overlaps another, or the directory");
			goto out;
		}
		total += m->size;
	}
	if (total > ZIP_TOTAL_MAX)
		rc = zip_refused(err, "its members together are larger than any study");
	else
		rc = check_gap(z, 0, order[0]->header, err);
out:
	free(order);
	return rc;
}

int zip_open(struct zip **out, struct stream *s, struct err *err)
{
	struct zip *z = calloc(1, sizeof *z);
	struct zip_directory end = { 0 };
	size_t at = 0;
	int rc = RC_OK;

	*out = NULL;
	if (!z)
		return err_set(err, ERR_TEMP, "no memory to read a ZIP archive");
	z->s = s;
	rc = zip_find_directory(z, &end, err);
	if (rc != RC_OK)
		goto out;
	z->n = (size_t)end.entries;
	z->directory_off = end.off;
	z->directory_len = (size_t)end.size;
	z->directory = malloc(z->directory_len + 1);
	z->v = calloc(z->n + 1, sizeof *z->v);
	if (!z->directory || !z->v) {
		rc = err_set(err, ERR_TEMP, "no memory for the directory of a ZIP archive");
		goto out;
	}
	rc = stream_read_full(s, end.off, z->directory, z->directory_len, err);
	for (size_t i = 0; rc == RC_OK && i < z->n; i++) {
		size_t used = 0;

		rc = read_entry(z, i, z->directory + at, z->directory_len - at, &used, err);
		at += used;
	}
	if (rc != RC_OK)
		goto out;
	if (at != z->directory_len) {
		rc = zip_refused(err, "its directory holds more than its members");
		goto out;
	}
	rc = check_ranges(z, err);
out:
	if (rc != RC_OK) {
		zip_close(z);
		return rc;
	}
	*out = z;
	return RC_OK;
}

int zip_check_headers(struct zip *z, struct err *err)
{
	int rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < z->n; i++) {
		uint64_t data = 0, over = 0;

		rc = zip_local(z, i, &data, &over, err);
		if (rc == RC_OK)
			rc = check_gap(z, over, z->v[i].limit, err);
	}
	return rc;
}

void zip_close(struct zip *z)
{
	if (!z)
		return;
	if (z->inflater)
		libdeflate_free_decompressor(z->inflater);
	free(z->packed);
	zip_password_wipe(z);
	free(z->directory);
	free(z->v);
	free(z);
}

size_t zip_count(const struct zip *z)
{
	return z->n;
}

const struct zip_member *zip_member(const struct zip *z, size_t i)
{
	return &z->v[i];
}
