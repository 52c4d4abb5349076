/* Where the directory of a ZIP archive lies: its end record, of 32 or 64 bits (APPNOTE 4.3.14 to 4.3.16). */
#include <stdlib.h>
#include "media/zip_impl.h"

#define END_SIZE	22
#define END64_SIZE	56
#define LOCATOR_SIZE	20
#define TAIL_MAX	(END_SIZE + 65535)	/* an end record with the longest comment */
#define SIG_END		0x06054b50u
#define SIG_END64	0x06064b50u
#define SIG_LOCATOR	0x07064b50u

int zip_refused(struct err *err, const char *what)
{
	return err_set(err, ERR_DATA, "ZIP archive refused: %s", what);
}

bool zip_zeros(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

static bool end_fits(const uint8_t *tail, size_t n, size_t at)
{
	size_t over = at + END_SIZE + get_le16(tail + at + 20);

	return over <= n && zip_zeros(tail + over, n - over);
}

/* The one end record. Programs that look for it from the front, from the back or by its comment must agree. */
static int find_end(const uint8_t *tail, size_t n, size_t *at, struct err *err)
{
	bool found = false;

	for (size_t i = n - END_SIZE + 1; i-- > 0;) {
		if (get_le32(tail + i) != SIG_END)
			continue;
		if (!end_fits(tail, n, i)) {
			if (found)
				continue;	/* in data before the end: of an archive inside, perhaps */
			return zip_refused(err, "no end record at its end: it is cut off, or other bytes follow");
		}
		if (found)
			return zip_refused(err, "it has several end records");
		*at = i;
		found = true;
	}
	if (!found)
		return zip_refused(err, "no end record: it is cut off, or no ZIP archive");
	return RC_OK;
}

/* Zip64 end record and its locator, APPNOTE 4.3.14 and 4.3.15: right before the end record, or nowhere. */
static int read_end64(struct zip *z, const uint8_t *rec, uint64_t at, struct zip_directory *end, bool *there,
    struct err *err)
{
	uint8_t loc[LOCATOR_SIZE], e64[END64_SIZE];
	uint64_t off = 0;
	int rc = RC_OK;

	*there = false;
	if (at < LOCATOR_SIZE + END64_SIZE)
		return RC_OK;
	rc = stream_read_full(z->s, at - LOCATOR_SIZE, loc, sizeof loc, err);
	if (rc != RC_OK)
		return rc;
	if (get_le32(loc) != SIG_LOCATOR)
		return RC_OK;
	off = get_le64(loc + 8);
	if (get_le32(loc + 4) != 0 || get_le32(loc + 16) > 1)
		return zip_refused(err, "it is one part of several (multi-disk)");
	if (off > at - LOCATOR_SIZE - END64_SIZE)
		return zip_refused(err, "its zip64 end record is not where the locator says");
	rc = stream_read_full(z->s, off, e64, sizeof e64, err);
	if (rc != RC_OK)
		return rc;
	if (get_le32(e64) != SIG_END64 || get_le64(e64 + 4) != at - LOCATOR_SIZE - off - 12)
		return zip_refused(err, "its zip64 end record is not where the locator says");
	if (get_le32(e64 + 16) != 0 || get_le32(e64 + 20) != 0)
		return zip_refused(err, "it is one part of several (multi-disk)");
	if (get_le64(e64 + 24) != get_le64(e64 + 32))
		return zip_refused(err, "its end record contradicts itself");
	end->entries = get_le64(e64 + 32);
	end->size = get_le64(e64 + 40);
	end->off = get_le64(e64 + 48);
	/* The short record repeats what fits, or has all ones */
	if ((get_le16(rec + 10) != 0xffff && get_le16(rec + 10) != end->entries) ||
	    (get_le32(rec + 12) != UINT32_MAX && get_le32(rec + 12) != end->size) ||
	    (get_le32(rec + 16) != UINT32_MAX && get_le32(rec + 16) != end->off))
		return zip_refused(err, "its two end records contradict each other");
	end->at = off;
	*there = true;
	return RC_OK;
}

int zip_find_directory(struct zip *z, struct zip_directory *end, struct err *err)
{
	size_t n = z->s->size < TAIL_MAX ? (size_t)z->s->size : TAIL_MAX, at = 0;
	uint64_t base = z->s->size - n;
	uint8_t *tail = NULL;
	const uint8_t *rec = NULL;
	bool big = false;
	int rc = RC_OK;

	if (n < END_SIZE)
		return zip_refused(err, "no end record: it is cut off, or no ZIP archive");
	tail = malloc(n);
	if (!tail)
		return err_set(err, ERR_TEMP, "no memory to read a ZIP archive");
	rc = stream_read_full(z->s, base, tail, n, err);
	if (rc == RC_OK)
		rc = find_end(tail, n, &at, err);
	if (rc != RC_OK)
		goto out;
	rec = tail + at;
	rc = read_end64(z, rec, base + at, end, &big, err);
	if (rc != RC_OK || big)
		goto check;
	if (get_le16(rec + 4) != 0 || get_le16(rec + 6) != 0) {
		rc = zip_refused(err, "it is one part of several (multi-disk)");
		goto out;
	}
	if (get_le16(rec + 8) != get_le16(rec + 10)) {
		rc = zip_refused(err, "its end record contradicts itself");
		goto out;
	}
	end->at = base + at;
	end->entries = get_le16(rec + 10);
	end->size = get_le32(rec + 12);
	end->off = get_le32(rec + 16);
check:
	if (rc != RC_OK)
		goto out;
	if (end->size > end->at || end->off != end->at - end->size)
		rc = zip_refused(err, "its directory is not where its end record says (bytes before or inside it)");
	else if (end->size > ZIP_DIRECTORY_MAX || end->entries > ZIP_MEMBERS_MAX)
		rc = err_set(err, ERR_DATA, "ZIP archive refused: more than %d members or %llu MB of directory",
		    ZIP_MEMBERS_MAX, (unsigned long long)(ZIP_DIRECTORY_MAX >> 20));
	else if (end->entries * ZIP_CENTRAL_SIZE > end->size)
		rc = zip_refused(err, "its directory is too small for its members");
out:
	free(tail);
	return rc;
}
