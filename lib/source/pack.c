#include <string.h>
#include <zlib.h>
#include "base/text.h"
#include "source/pack.h"

#define DIRECTORY_MAX	((size_t)128 << 20)	/* 100,000 names of a kilobyte */
#define MAX32		UINT64_C(0xffffffff)

uint32_t
pack_crc(uint32_t crc, const void *data, size_t n)
{
	return n > 0 ? (uint32_t)crc32_z(crc, data, n) : crc;	/* for NULL it would begin anew */
}

static unsigned char *
put(unsigned char *p, uint64_t v, int n)
{
	while (n-- > 0) {
		*p++ = (unsigned char)v;
		v >>= 8;
	}
	return p;
}

int
pack_begin(struct pack *z, struct stream *to, struct err *err)
{
	memset(z, 0, sizeof(*z));
	z->to = to;
	z->directory.max = DIRECTORY_MAX;
	return hash_new(&z->hash, err);
}

void
pack_free(struct pack *z)
{
	hash_free(z->hash);
	z->hash = NULL;
	buf_free(&z->directory);
}

int
pack_data(struct pack *z, const void *data, size_t n, struct err *err)
{
	int rc = hash_add(z->hash, data, n, err);

	if (rc == RC_OK)
		rc = stream_write(z->to, data, n, err);
	z->at += n;
	if (z->open)
		z->crc = pack_crc(z->crc, data, n);
	return rc;
}

#define UTF8		0x0800	/* bit 11: the name is UTF-8 */
#define DESCRIPTOR	0x0008	/* bit 3: sum and sizes come behind the bytes */

/* 4.3.7; 1 January 1980: what the clock of a medium says proves nothing */
static int
local_header(struct pack *z, const char *name, unsigned flags, uint64_t size, uint32_t crc, bool big, struct err *err)
{
	unsigned char local[30], extra[20], *p = NULL;
	size_t len = strlen(name);
	int rc = RC_OK;

	if (len > PACK_NAME_MAX)
		return err_set(err, ERR_DATA, "a path of more than %d bytes in the folder", PACK_NAME_MAX);
	p = put(local, 0x04034b50, 4);
	p = put(p, big ? 45 : 20, 2);
	p = put(p, flags, 2);
	p = put(p, 0, 2);
	p = put(p, 0x00210000, 4);
	p = put(p, crc, 4);
	p = put(p, big ? MAX32 : size, 4);
	p = put(p, big ? MAX32 : size, 4);
	p = put(p, len, 2);
	p = put(p, big ? 20 : 0, 2);
	if ((rc = pack_data(z, local, (size_t)(p - local), err)) != RC_OK || (rc = pack_data(z, name, len, err)) != RC_OK)
		return rc;
	if (!big)
		return RC_OK;
	p = put(put(put(put(extra, 1, 2), 16, 2), size, 8), size, 8);	/* 4.5.3 */
	return pack_data(z, extra, (size_t)(p - extra), err);
}

/* 4.3.12 */
static int
directory_entry(struct pack *z, const char *name, unsigned flags, uint64_t size, uint32_t crc, uint64_t off,
    struct err *err)
{
	unsigned char central[46 + 28], *p = NULL;
	bool big = size >= MAX32, far = off >= MAX32;
	size_t len = strlen(name), extra = (big ? 16 : 0) + (far ? 8 : 0);
	int rc = RC_OK;

	p = put(central, 0x02014b50, 4);
	p = put(p, 0x0300 | 45, 2);
	p = put(p, big || far || (flags & DESCRIPTOR) ? 45 : 20, 2);
	p = put(p, flags, 2);
	p = put(p, 0, 2);
	p = put(p, 0x00210000, 4);
	p = put(p, crc, 4);
	p = put(p, big ? MAX32 : size, 4);
	p = put(p, big ? MAX32 : size, 4);
	p = put(p, len, 2);
	p = put(p, extra > 0 ? extra + 4 : 0, 2);
	p = put(p, 0, 2);
	p = put(p, 0, 2);
	p = put(p, 0, 2);
	p = put(p, (uint64_t)0100600 << 16, 4);
	p = put(p, far ? MAX32 : off, 4);
	if ((rc = buf_add(&z->directory, central, (size_t)(p - central), err)) != RC_OK ||
	    (rc = buf_add(&z->directory, name, len, err)) != RC_OK)
		return rc;
	if (extra > 0) {
		p = put(put(central, 1, 2), extra, 2);
		if (big)
			p = put(put(p, size, 8), size, 8);
		if (far)
			p = put(p, off, 8);
		rc = buf_add(&z->directory, central, (size_t)(p - central), err);
	}
	z->entries++;
	return rc;
}

int
pack_member(struct pack *z, const char *name, uint64_t size, uint32_t crc, struct err *err)
{
	uint64_t off = z->at;
	int rc = local_header(z, name, UTF8, size, crc, size >= MAX32, err);

	return rc != RC_OK ? rc : directory_entry(z, name, UTF8, size, crc, off, err);
}

int
pack_open(struct pack *z, const char *name, struct err *err)
{
	int rc = RC_OK;

	z->header = z->at;
	if ((rc = local_header(z, name, UTF8 | DESCRIPTOR, 0, 0, true, err)) != RC_OK)
		return rc;
	z->body = z->at;
	z->crc = 0;
	z->open = true;
	return RC_OK;
}

int
pack_close(struct pack *z, const char *name, struct err *err)
{
	unsigned char d[24], *p = NULL;
	uint64_t size = z->at - z->body;
	uint32_t crc = z->crc;
	int rc = RC_OK;

	z->open = false;
	p = put(put(put(put(d, 0x08074b50, 4), crc, 4), size, 8), size, 8);
	if ((rc = pack_data(z, d, (size_t)(p - d), err)) != RC_OK)
		return rc;
	return directory_entry(z, name, UTF8 | DESCRIPTOR, size, crc, z->header, err);
}

int
pack_end(struct pack *z, char sha256[65], struct err *err)
{
	unsigned char end[56 + 20 + 22], *p = end;
	uint64_t off = z->at, size = z->directory.len, n = z->entries;
	uint8_t sum[HASH_LEN];
	int rc = RC_OK;

	if (size > 0 && (rc = pack_data(z, z->directory.data, z->directory.len, err)) != RC_OK)
		return rc;
	if (n >= 0xffff || off >= MAX32 || size >= MAX32) {	/* 4.3.14, 4.3.15 */
		p = put(put(put(put(p, 0x06064b50, 4), 44, 8), 45, 2), 45, 2);
		p = put(put(put(put(p, 0, 4), 0, 4), n, 8), n, 8);
		p = put(put(p, size, 8), off, 8);
		p = put(put(put(put(p, 0x07064b50, 4), 0, 4), off + size, 8), 1, 4);
	}
	p = put(put(put(p, 0x06054b50, 4), 0, 2), 0, 2);
	p = put(put(p, n >= 0xffff ? 0xffff : n, 2), n >= 0xffff ? 0xffff : n, 2);
	p = put(put(p, size >= MAX32 ? MAX32 : size, 4), off >= MAX32 ? MAX32 : off, 4);
	p = put(p, 0, 2);
	if ((rc = pack_data(z, end, (size_t)(p - end), err)) != RC_OK || (rc = hash_end(z->hash, sum, err)) != RC_OK)
		return rc;
	text_hex(sum, sizeof(sum), sha256);
	return RC_OK;
}
