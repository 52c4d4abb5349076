/* Members: local headers, descriptors, and the bytes. */
#include <stdlib.h>
#include <string.h>
#include <libdeflate.h>
#include <zlib.h>
#include "media/zip_impl.h"

#define LOCAL_SIZE	30
#define SIG_LOCAL	0x04034b50u
#define SIG_DESCRIPTOR	0x08074b50u
#define DESCRIPTOR_MAX	24
#define HEADER_READ	1024	/* header, name and extra of nearly every member in one read */
#define STEP		((size_t)256 << 10)

struct zip_reader {
	struct zip *z;
	size_t i;
	uint64_t pos, end;	/* of the packed bytes still to read */
	uint64_t made;
	uint32_t crc;
	bool started, done;
	struct zip_crypter *crypter;	/* NULL: not encrypted */
	z_stream inflate;
	uint8_t in[STEP], out[STEP];
};

/* Sizes and CRC of a local header: those of the directory, or with a descriptor nothing yet (APPNOTE 4.4.4). */
static bool agrees(uint64_t local, uint64_t central, bool later)
{
	return local == central || (later && (local == 0 || local == UINT32_MAX));
}

/* With or without signature, with sizes of 4 or 8 bytes: writers differ, the values must not (APPNOTE 4.3.9). */
static int check_descriptor(struct zip *z, size_t i, uint64_t at, uint64_t *over, struct err *err)
{
	const struct zip_member *m = &z->v[i];
	uint8_t b[DESCRIPTOR_MAX];
	uint64_t room = m->limit - at;
	size_t n = room < sizeof b ? (size_t)room : sizeof b;
	int rc = stream_read_full(z->s, at, b, n, err);

	if (rc != RC_OK)
		return rc;
	for (int sig = 1; sig >= 0; sig--) {
		const uint8_t *p = b + 4 * sig;
		size_t left = n >= 4u * (unsigned)sig ? n - 4u * (unsigned)sig : 0;

		if (sig && (n < 4 || get_le32(b) != SIG_DESCRIPTOR))
			continue;
		*over = at + 4 * (unsigned)sig;
		if (left < 12 || get_le32(p) != m->crc)
			continue;
		if (left >= 20 && get_le64(p + 4) == m->packed && get_le64(p + 12) == m->size) {
			*over += 20;
			return RC_OK;
		}
		if (get_le32(p + 4) == m->packed && get_le32(p + 8) == m->size) {
			*over += 12;
			return RC_OK;
		}
	}
	return zip_broken(err, i, "its data descriptor contradicts the directory");
}

int zip_local(struct zip *z, size_t i, uint64_t *data, uint64_t *over, struct err *err)
{
	const struct zip_member *m = &z->v[i];
	uint8_t head[HEADER_READ], *more = NULL;
	const uint8_t *p = head;
	uint64_t size = 0, packed = 0;
	size_t got = 0, want = 0, extra = 0;
	uint32_t crc = 0;
	bool later = false;
	int rc = stream_read(z->s, m->header, head, sizeof head, &got, err);

	if (rc != RC_OK)
		return rc;
	if (got < LOCAL_SIZE || get_le32(p) != SIG_LOCAL)
		return zip_broken(err, i, "no local header where the directory says");
	extra = get_le16(p + 28);
	want = LOCAL_SIZE + (size_t)get_le16(p + 26) + extra;
	if (get_le16(p + 26) != m->name_len)
		return zip_broken(err, i, "its two names differ");
	if (m->limit - m->header < want || m->limit - m->header - want < m->packed)
		return zip_broken(err, i, "it overlaps the next");
	if (want > got) {
		more = malloc(want);
		if (!more)
			return err_set(err, ERR_TEMP, "no memory to read a ZIP archive");
		rc = stream_read_full(z->s, m->header, more, want, err);
		p = more;
		if (rc != RC_OK)
			goto out;
	}
	later = get_le16(p + 6) & ZIP_DESCRIPTOR;
	crc = get_le32(p + 14);
	packed = get_le32(p + 18);
	size = get_le32(p + 22);
	if (memcmp(p + LOCAL_SIZE, m->name, m->name_len) != 0 || !zip_same_unicode(p + LOCAL_SIZE + m->name_len, extra, m)) {
		rc = zip_broken(err, i, "its two names differ");
		goto out;
	}
	if (get_le16(p + 8) != m->method ||
	    ((get_le16(p + 6) ^ m->flags) & (ZIP_ENCRYPTED | ZIP_STRONG)) != 0) {
		rc = zip_broken(err, i, "its local header contradicts the directory");
		goto out;
	}
	rc = zip_extra64(p + LOCAL_SIZE + m->name_len, extra, &size, &packed, NULL, err);
	if (rc != RC_OK)
		goto out;
	if (m->crypt == ZIP_AES) {
		uint8_t version = 0, bits = 0;
		uint16_t packing = 0;

		if (!zip_extra_aes(p + LOCAL_SIZE + m->name_len, extra, &version, &bits, &packing) ||
		    version != m->aes_version || bits != m->aes_bits || packing != m->packing) {
			rc = zip_broken(err, i, "its local header contradicts the directory");
			goto out;
		}
	}
	if (!agrees(crc, m->crc, later) || !agrees(packed, m->packed, later) || !agrees(size, m->size, later)) {
		rc = zip_broken(err, i, "its local header contradicts the directory");
		goto out;
	}
	*data = m->header + want;
	*over = *data + m->packed;
	if (later && (crc != m->crc || packed != m->packed || size != m->size || m->limit - *over >= 12))
		rc = check_descriptor(z, i, *over, over, err);
out:
	free(more);
	return rc;
}

static int readable(const struct zip_member *m, size_t i, struct err *err)
{
	if (!m->unreadable)
		return RC_OK;
	return err_set(err, ERR_DATA, "member %zu is %s", i + 1, m->unreadable);
}

static int wrong_crc(size_t i, struct err *err)
{
	return err_set(err, ERR_DATA, "member %zu is damaged: its CRC is wrong", i + 1);
}

/* AE-2 has none: what is authenticated needs none, and it would say something of the content. */
static bool has_crc(const struct zip_member *m)
{
	return m->crypt != ZIP_AES || m->aes_version != 2;
}

static int damaged(size_t i, struct err *err)
{
	return err_set(err, ERR_DATA, "member %zu is damaged: it cannot be inflated to its size", i + 1);
}

/* Reads [data, end) into p and, where the member is encrypted, decrypts and proves it there. */
static int read_packed(struct zip *z, struct zip_crypter *c, uint64_t data, uint64_t end, void *p, struct err *err)
{
	int rc = stream_read_full(z->s, data, p, (size_t)(end - data), err);

	if (rc == RC_OK && c)
		rc = zip_crypt_step(c, p, (size_t)(end - data), err);
	if (rc == RC_OK && c)
		rc = zip_crypt_check(c, err);
	return rc;
}

int zip_read(struct zip *z, size_t i, void *to, struct err *err)
{
	const struct zip_member *m = &z->v[i];
	struct zip_crypter *c = NULL;
	size_t in = 0, out = 0, packed = 0;
	uint64_t data = 0, over = 0, end = 0;
	int rc = readable(m, i, err);

	if (rc == RC_OK)
		rc = zip_local(z, i, &data, &over, err);
	if (rc != RC_OK)
		return rc;
	if (m->size > ZIP_READ_MAX || m->packed > ZIP_READ_MAX)
		return err_set(err, ERR_INTERNAL, "member %zu is too large to be read at once", i + 1);
	end = data + m->packed;
	if (m->crypt)
		rc = zip_crypt_begin(&c, z, i, &data, &end, err);
	if (rc != RC_OK)
		goto out;
	packed = (size_t)(end - data);
	if (m->packing == ZIP_STORED) {
		rc = read_packed(z, c, data, end, to, err);
		goto check;
	}
	if (packed > z->packed_cap) {
		uint8_t *p = realloc(z->packed, packed);

		if (!p) {
			rc = err_set(err, ERR_TEMP, "no memory for a member of a ZIP archive");
			goto out;
		}
		z->packed = p;
		z->packed_cap = packed;
	}
	if (!z->inflater && !(z->inflater = libdeflate_alloc_decompressor())) {
		rc = err_set(err, ERR_TEMP, "no memory to inflate");
		goto out;
	}
	rc = read_packed(z, c, data, end, z->packed, err);
	if (rc == RC_OK && (libdeflate_deflate_decompress_ex(z->inflater, z->packed, packed, to, (size_t)m->size, &in,
	    &out) != LIBDEFLATE_SUCCESS || in != packed || out != m->size))
		rc = damaged(i, err);
check:
	if (rc == RC_OK && has_crc(m) && libdeflate_crc32(0, to, (size_t)m->size) != m->crc)
		rc = wrong_crc(i, err);
out:
	zip_crypt_free(c);
	return rc;
}

int zip_begin(struct zip_reader **out, struct zip *z, size_t i, struct err *err)
{
	const struct zip_member *m = &z->v[i];
	struct zip_reader *r = NULL;
	uint64_t data = 0, over = 0;
	int rc = readable(m, i, err);

	*out = NULL;
	if (rc == RC_OK)
		rc = zip_local(z, i, &data, &over, err);
	if (rc != RC_OK)
		return rc;
	r = malloc(sizeof *r);
	if (!r)
		return err_set(err, ERR_TEMP, "no memory to inflate");
	memset(&r->inflate, 0, sizeof r->inflate);
	r->z = z;
	r->i = i;
	r->pos = data;
	r->end = data + m->packed;
	r->made = 0;
	r->crc = libdeflate_crc32(0, NULL, 0);
	r->crypter = NULL;
	r->started = false;
	r->done = m->packing == ZIP_STORED;
	if (m->crypt)
		rc = zip_crypt_begin(&r->crypter, z, i, &r->pos, &r->end, err);
	if (rc == RC_OK && m->packing == ZIP_DEFLATED) {
		if (inflateInit2(&r->inflate, -15) != Z_OK)
			rc = err_set(err, ERR_TEMP, "no memory to inflate");
		else
			r->started = true;
	}
	if (rc != RC_OK) {
		zip_end(r);
		return rc;
	}
	*out = r;
	return RC_OK;
}

static int refill(struct zip_reader *r, struct err *err)
{
	size_t n = r->end - r->pos < STEP ? (size_t)(r->end - r->pos) : STEP;
	int rc = stream_read_full(r->z->s, r->pos, r->in, n, err);

	if (rc == RC_OK && r->crypter)
		rc = zip_crypt_step(r->crypter, r->in, n, err);
	if (rc != RC_OK)
		return rc;
	r->pos += n;
	r->inflate.next_in = r->in;
	r->inflate.avail_in = (unsigned)n;
	return RC_OK;
}

static int inflate_some(struct zip_reader *r, size_t *n, struct err *err)
{
	r->inflate.next_out = r->out;
	r->inflate.avail_out = STEP;
	while (!r->done && r->inflate.avail_out) {
		int zrc = Z_OK, rc = RC_OK;

		if (r->inflate.avail_in == 0 && r->pos < r->end) {
			rc = refill(r, err);
			if (rc != RC_OK)
				return rc;
		}
		zrc = inflate(&r->inflate, Z_NO_FLUSH);
		if (zrc == Z_STREAM_END) {
			if (r->inflate.avail_in || r->pos < r->end)
				return damaged(r->i, err);
			r->done = true;
		} else if (zrc != Z_OK) {
			return damaged(r->i, err);
		}
	}
	*n = STEP - r->inflate.avail_out;
	return RC_OK;
}

int zip_more(struct zip_reader *r, const void **p, size_t *n, struct err *err)
{
	const struct zip_member *m = &r->z->v[r->i];
	int rc = RC_OK;

	*n = 0;
	*p = r->out;
	if (r->started) {
		rc = inflate_some(r, n, err);
	} else if (r->pos < r->end) {
		rc = refill(r, err);
		*n = r->inflate.avail_in;
		*p = r->in;
	}
	if (rc != RC_OK)
		return rc;
	r->made += *n;
	if (r->made > m->size)
		return damaged(r->i, err);
	if (*n) {
		r->crc = libdeflate_crc32(r->crc, *p, *n);
		return RC_OK;
	}
	if (r->made != m->size)
		return damaged(r->i, err);
	if (r->crypter && (rc = zip_crypt_check(r->crypter, err)) != RC_OK)
		return rc;
	return !has_crc(m) || r->crc == m->crc ? RC_OK : wrong_crc(r->i, err);
}

void zip_end(struct zip_reader *r)
{
	if (!r)
		return;
	if (r->started)
		inflateEnd(&r->inflate);
	zip_crypt_free(r->crypter);
	free(r);
}
