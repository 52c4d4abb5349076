#include "test.h"
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <zlib.h>
#include "media/zip.h"

/* A writer that can lie in every field: APPNOTE 4.3. */
struct part {
	const char *name, *local_name;		/* NULL: the same */
	const char *data;
	size_t n;
	uint16_t method, local_method, flags, local_flags;
	int descriptor;				/* 0 none, 1 with signature, 2 without, 3 of 64 bits */
	bool zip64;
	long crc_by, size_by, packed_by, header_by;	/* added to the directory's values */
	long local_size_by;
	size_t trailing;			/* bytes behind the end of what is deflated */
	uint32_t attributes;
	uint16_t made_by;
	enum zip_crypt crypt;			/* with PASSWORD */
	uint8_t bits, version, local_bits;	/* of WinZip AES; local_bits is added to those of the local header */
	/* filled */
	size_t header, packed_len;
	uint32_t crc;
};

static uint8_t b[1 << 20];
static size_t n;
static size_t directory, end_at;

static void put(uint64_t v, int k)
{
	for (int i = 0; i < k; i++)
		b[n++] = (uint8_t)(v >> 8 * i);
}

static void raw(const void *p, size_t k)
{
	if (k)
		memcpy(b + n, p, k);
	n += k;
}

#define PASSWORD "Geheim 1"

/* The same as APPNOTE 6.1, by zlib's own CRC and without a table. */
static void crypto_feed(uint32_t k[3], uint8_t c)
{
	uint8_t top;

	k[0] = ~(uint32_t)crc32(~k[0] & 0xffffffffu, &c, 1);
	k[1] = (k[1] + (k[0] & 0xff)) * 134775813u + 1;
	top = (uint8_t)(k[1] >> 24);
	k[2] = ~(uint32_t)crc32(~k[2] & 0xffffffffu, &top, 1);
}

static void crypto_put(const uint8_t *p, size_t len)
{
	uint32_t k[3] = { 0x12345678, 0x23456789, 0x34567890 };
	uint8_t head[12] = "random bytes";

	for (const char *c = PASSWORD; *c; c++)
		crypto_feed(k, (uint8_t)*c);
	for (size_t i = 0; i < sizeof head + len; i++) {
		uint8_t c = i < sizeof head ? head[i] : p[i - sizeof head];
		uint16_t t = (uint16_t)(k[2] | 2);

		put(c ^ (uint8_t)((uint32_t)t * (t ^ 1u) >> 8), 1);
		crypto_feed(k, c);
	}
}

/* WinZip AES by OpenSSL's own counter mode, a block at a time: its counter is big-endian and ours is not. */
static void aes_put(int bits, const uint8_t *p, size_t len)
{
	size_t k = 8 + 8 * (size_t)bits, salt = 4 + 4 * (size_t)bits, from = 0;
	uint8_t keys[66], tag[20], iv[16];
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	unsigned tag_len = 0;

	from = n;
	raw("0123456789abcdef", salt);
	assert_true(PKCS5_PBKDF2_HMAC(PASSWORD, sizeof PASSWORD - 1, b + from, (int)salt, 1000, EVP_sha1(),
	    (int)(2 * k + 2), keys));
	raw(keys + 2 * k, 2);
	from = n;
	for (size_t i = 0; i < len; i += 16) {
		int m = len - i < 16 ? (int)(len - i) : 16, out = 0;

		memset(iv, 0, sizeof iv);
		for (int j = 0; j < 4; j++)
			iv[j] = (uint8_t)((i / 16 + 1) >> 8 * j);
		EVP_EncryptInit_ex(c, bits == 1 ? EVP_aes_128_ctr() : bits == 2 ? EVP_aes_192_ctr() : EVP_aes_256_ctr(), NULL,
		    keys, iv);
		EVP_EncryptUpdate(c, b + n, &out, p + i, m);
		n += (size_t)m;
	}
	HMAC(EVP_sha1(), keys + k, (int)k, b + from, len, tag, &tag_len);
	raw(tag, 10);
	EVP_CIPHER_CTX_free(c);
}

static void aes_extra(const struct part *p, int bits_by)
{
	put(0x9901, 2);
	put(7, 2);
	put(p->version, 2);
	raw("AE", 2);
	put((uint64_t)(p->bits + bits_by), 1);
	put(p->method, 2);
}

static void add(struct part *p)
{
	static uint8_t packed[1 << 18];
	const char *name = p->local_name ? p->local_name : p->name;
	bool late = p->descriptor != 0;

	p->header = n;
	p->crc = (uint32_t)crc32(0, (const Bytef *)p->data, (uInt)p->n);
	p->packed_len = p->n;
	if (p->method == 8) {
		z_stream z;

		memset(&z, 0, sizeof z);
		assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, -15, 8, 0), Z_OK);
		z.next_in = (Bytef *)(uintptr_t)p->data;
		z.avail_in = (uInt)p->n;
		z.next_out = packed;
		z.avail_out = sizeof packed;
		assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
		p->packed_len = z.total_out + p->trailing;
		memset(packed + z.total_out, 0, p->trailing);
		deflateEnd(&z);
	}
	if (p->crypt) {
		size_t keep = n;

		p->flags |= 1;
		n += 1 << 17;	/* made behind, where nothing is yet */
		if (p->crypt == ZIP_AES)
			aes_put(p->bits, p->method == 8 ? packed : (const uint8_t *)p->data, p->packed_len);
		else
			crypto_put(p->method == 8 ? packed : (const uint8_t *)p->data, p->packed_len);
		p->packed_len = n - keep - (1 << 17);
		n = keep;
		memcpy(packed, b + n + (1 << 17), p->packed_len);
		if (p->crypt == ZIP_AES && p->version == 2)
			p->crc = 0;
	}
	put(0x04034b50, 4);
	put(20, 2);
	put((p->flags ^ p->local_flags) | (late ? 8 : 0), 2);
	put(p->local_method ? p->local_method : p->crypt == ZIP_AES ? 99 : p->method, 2);
	put(0, 4);
	put(late ? 0 : p->crc, 4);
	put(late ? 0 : p->zip64 ? UINT32_MAX : p->packed_len, 4);
	put(late ? 0 : p->zip64 ? UINT32_MAX : p->n + (size_t)p->local_size_by, 4);
	put(strlen(name), 2);
	put((p->zip64 && !late ? 20 : 0) + (p->crypt == ZIP_AES ? 11 : 0), 2);
	raw(name, strlen(name));
	if (p->crypt == ZIP_AES)
		aes_extra(p, p->local_bits);
	if (p->zip64 && !late) {
		put(1, 2);
		put(16, 2);
		put(p->n, 8);
		put(p->packed_len, 8);
	}
	raw(p->method == 8 || p->crypt ? packed : (const uint8_t *)p->data, p->packed_len);
	if (late) {
		if (p->descriptor != 2)
			put(0x08074b50, 4);
		put(p->crc, 4);
		put(p->packed_len, p->descriptor == 3 ? 8 : 4);
		put(p->n, p->descriptor == 3 ? 8 : 4);
	}
}

static void finish(struct part *v, size_t count)
{
	directory = n;
	for (size_t i = 0; i < count; i++) {
		struct part *p = &v[i];

		put(0x02014b50, 4);
		put(p->made_by, 2);
		put(20, 2);
		put(p->flags | (p->descriptor ? 8 : 0), 2);
		put(p->crypt == ZIP_AES ? 99 : p->method, 2);
		put(0, 4);
		put(p->crc + (uint32_t)p->crc_by, 4);
		put(p->zip64 ? UINT32_MAX : p->packed_len + (size_t)p->packed_by, 4);
		put(p->zip64 ? UINT32_MAX : p->n + (size_t)p->size_by, 4);
		put(strlen(p->name), 2);
		put((p->zip64 ? 28 : 0) + (p->crypt == ZIP_AES ? 11 : 0), 2);
		put(0, 6);
		put(p->attributes, 4);
		put(p->zip64 ? UINT32_MAX : p->header + (size_t)p->header_by, 4);
		raw(p->name, strlen(p->name));
		if (p->zip64) {
			put(1, 2);
			put(24, 2);
			put(p->n + (size_t)p->size_by, 8);
			put(p->packed_len + (size_t)p->packed_by, 8);
			put(p->header + (size_t)p->header_by, 8);
		}
		if (p->crypt == ZIP_AES)
			aes_extra(p, 0);
	}
	end_at = n;
	put(0x06054b50, 4);
	put(0, 4);
	put(count, 2);
	put(count, 2);
	put(end_at - directory, 4);
	put(directory, 4);
	put(0, 2);
}

static void make(struct part *v, size_t count)
{
	n = 0;
	for (size_t i = 0; i < count; i++)
		add(&v[i]);
	finish(v, count);
}

static struct stream *s;
static struct zip *z;
static struct err err;

static int open_it(void)
{
	int rc = RC_OK;

	memset(&err, 0, sizeof err);
	assert_int_equal(stream_mem(&s, b, n, &err), RC_OK);
	rc = zip_open(&z, s, &err);
	return rc == RC_OK ? zip_check_headers(z, &err) : rc;
}

static void close_it(void)
{
	zip_close(z);
	stream_close(s);
	z = NULL;
}

static void refused(const char *why)
{
	assert_int_equal(open_it(), RC_FAILED);
	assert_int_equal(err.kind, ERR_DATA);
	if (!strstr(err.text, why))
		fail_msg("'%s' is not in '%s'", why, err.text);
	close_it();
}

/* Both ways of reading must agree. */
static int content(size_t i, const char *data, size_t len)
{
	const struct zip_member *m = zip_member(z, i);
	char *to = malloc(m->size + 1);
	struct zip_reader *r = NULL;
	struct err e2 = { 0 };
	size_t at = 0, k = 1;
	const void *p = NULL;
	int rc = zip_read(z, i, to, &err), rc2 = zip_begin(&r, z, i, &e2);

	while (rc2 == RC_OK && k) {
		rc2 = zip_more(r, &p, &k, &e2);
		if (rc == RC_OK && rc2 == RC_OK)
			assert_memory_equal(to + at, p, k);
		at += k;
	}
	zip_end(r);
	assert_int_equal(rc, rc2);
	if (rc == RC_OK && data) {
		assert_int_equal(m->size, len);
		assert_memory_equal(to, data, len);
	}
	free(to);
	return rc;
}

#define LONG "an image, an image, an image, an image, an image, an image, an image, an image, an image"

static struct part two[2];

static void fresh(void)
{
	static const struct part v[2] = {
		{ .name = "A/IM1", .data = LONG, .n = sizeof LONG - 1, .method = 8 },
		{ .name = "A/IM2", .data = "short", .n = 5 },
	};

	memcpy(two, v, sizeof two);
}

static void good(void **state)
{
	(void)state;
	for (int descriptor = 0; descriptor < 4; descriptor++)
		for (int wide = 0; wide < 2; wide++) {
			fresh();
			for (int i = 0; i < 2; i++) {
				two[i].descriptor = descriptor;
				two[i].zip64 = wide;
			}
			make(two, 2);
			assert_int_equal(open_it(), RC_OK);
			assert_int_equal(zip_count(z), 2);
			assert_int_equal(zip_member(z, 0)->name_len, 5);
			assert_memory_equal(zip_member(z, 0)->name, "A/IM1", 5);
			assert_int_equal(content(0, LONG, sizeof LONG - 1), RC_OK);
			assert_int_equal(content(1, "short", 5), RC_OK);
			close_it();
		}
	/* no members; the same name twice; a directory; a link; zeros behind the end */
	make(NULL, 0);
	assert_int_equal(open_it(), RC_OK);
	assert_int_equal(zip_count(z), 0);
	close_it();
	fresh();
	two[1].name = "A/IM1";
	make(two, 2);
	assert_int_equal(open_it(), RC_OK);
	close_it();
	fresh();
	two[0] = (struct part){ .name = "A/", .data = "" };
	two[1].made_by = 3 << 8;
	two[1].attributes = 0120777u << 16;
	make(two, 2);
	for (int i = 0; i < 1000; i++)
		put(0, 1);
	assert_int_equal(open_it(), RC_OK);
	assert_true(zip_member(z, 0)->directory);
	assert_true(zip_member(z, 1)->symlink);
	close_it();
}

static void zip64_end(void **state)
{
	size_t end64 = 0;

	(void)state;
	fresh();
	make(two, 2);
	n = end64 = end_at;
	put(0x06064b50, 4);
	put(44, 8);
	put(45, 2);
	put(45, 2);
	put(0, 8);
	put(2, 8);
	put(2, 8);
	put(end64 - directory, 8);
	put(directory, 8);
	put(0x07064b50, 4);
	put(0, 4);
	put(end64, 8);
	put(1, 4);
	put(0x06054b50, 4);
	put(0, 4);
	put(0xffff, 2);
	put(0xffff, 2);
	put(UINT32_MAX, 4);
	put(UINT32_MAX, 4);
	put(0, 2);
	assert_int_equal(open_it(), RC_OK);
	assert_int_equal(content(1, "short", 5), RC_OK);
	close_it();
	b[n - 12] = 3;	/* the short record now says 3 members */
	b[n - 11] = 0;
	refused("two end records contradict");
	b[n - 12] = 2;
	assert_int_equal(open_it(), RC_OK);
	close_it();
	b[end64 + 24]++;	/* members on this disk */
	refused("contradicts itself");
	b[end64 + 24]--;
	b[end64 + 56 + 16] = 2;	/* two disks */
	refused("multi-disk");
	b[end64 + 56 + 16] = 1;
	b[end64 + 56 + 8]++;
	refused("not where the locator says");
}

static void two_answers(void **state)
{
	(void)state;
#define LIE(set, why) do { fresh(); set; make(two, 2); refused(why); } while (0)
	LIE(two[0].local_name = "B/IM1", "names differ");
	LIE(two[0].local_name = "B/IM10", "names differ");
	LIE(two[0].local_method = 12, "contradicts");
	LIE(two[0].local_flags = 1, "contradicts");
	LIE(two[1].local_size_by = 1, "contradicts");
	LIE(two[0].crc_by = 1, "contradicts");
	LIE(two[0].size_by = 1, "contradicts");
	LIE(two[0].packed_by = -1, "contradicts");
	LIE((two[0].packed_by = -1, two[0].descriptor = 1), "descriptor");
	LIE((two[0].crc_by = 1, two[0].descriptor = 1), "descriptor");
	LIE((two[0].size_by = 1, two[0].descriptor = 3), "descriptor");
	LIE(two[1].size_by = 1, "sizes differ");
	LIE(two[0].packed_by = 1000, "overlaps");
	LIE(two[0].header_by = 1, "overlaps");
	LIE(two[1].header_by = -10, "overlaps");
	LIE(two[1].header_by = -(long)two[0].packed_len - 35, "overlaps");
	LIE(two[1].header_by = 100000, "overlaps");
	LIE((two[0].name = "A/", two[0].local_name = NULL), "directory with content");
#undef LIE
	/* what is deflated ends before it should: damaged, however it is read */
	fresh();
	two[0].trailing = 3;
	make(two, 2);
	assert_int_equal(open_it(), RC_OK);
	assert_int_equal(content(0, NULL, 0), RC_FAILED);
	assert_non_null(strstr(err.text, "cannot be inflated to its size"));
	close_it();
	/* a zip64 field of the directory without the header's place, or with a part of it */
	fresh();
	two[0].zip64 = true;
	make(two, 2);
	for (uint8_t len = 16; len < 24; len++) {
		b[directory + 46 + 5 + 2] = len;
		refused("zip64 field is too short");
	}
	b[directory + 46 + 5 + 2] = 25;
	refused("longer than its area");
	b[directory + 46 + 5 + 2] = 24;
	b[directory + 34] = 1;
	refused("another disk");
	fresh();
	make(two, 2);
	b[two[1].header] = 'Q';
	refused("no local header");
}

static void put_at(size_t at, uint64_t v, int k)
{
	for (int i = 0; i < k; i++)
		b[at + (size_t)i] = (uint8_t)(v >> 8 * i);
}

/* A descriptor behind values that the local header has too: they may be there, and are looked at both. */
static void descriptor_again(void **state)
{
	(void)state;
	for (int descriptor = 1; descriptor < 4; descriptor++) {
		size_t over = 0;

		fresh();
		two[0].descriptor = descriptor;
		make(two, 2);
		put_at(two[0].header + 14, two[0].crc, 4);
		put_at(two[0].header + 18, two[0].packed_len, 4);
		put_at(two[0].header + 22, two[0].n, 4);
		assert_int_equal(open_it(), RC_OK);
		assert_int_equal(content(0, LONG, sizeof LONG - 1), RC_OK);
		close_it();
		over = two[0].header + 30 + 5 + two[0].packed_len + (descriptor == 2 ? 0 : 4);
		for (size_t field = 0; field < 3; field++) {	/* CRC, packed, size */
			size_t at = over + (field == 0 ? 0 : 4 + (field - 1) * (descriptor == 3 ? 8 : 4));

			b[at]++;
			refused("data descriptor contradicts");
			b[at]--;
		}
		b[two[0].header + 18]++;
		refused("contradicts the directory");
	}
	/* the flag alone, and all is said in the header: nothing has to follow */
	fresh();
	two[0].flags = two[1].flags = 8;
	make(two, 2);
	assert_int_equal(open_it(), RC_OK);
	assert_int_equal(content(1, "short", 5), RC_OK);
	close_it();
	/* nor is a header that says nothing an answer where no descriptor is announced */
	put_at(two[0].header + 6, 0, 2);
	put_at(two[0].header + 18, 0, 4);
	refused("local header contradicts");
}

/* Areas with two zip64 fields, of which readers take the first or the last. */
static void two_fields(void **state)
{
	size_t at = 0;

	(void)state;
	fresh();
	two[0].zip64 = true;
	make(two, 2);
	put_at(directory + 20, two[0].packed_len, 4);
	put_at(directory + 42, 0, 4);
	at = directory + 46 + 5;
	put_at(at + 2, 8, 2);
	put_at(at + 12, 1, 2);
	put_at(at + 14, 12, 2);
	refused("two zip64 fields");
	fresh();
	two[0].zip64 = true;
	make(two, 2);
	at = two[0].header + 30 + 5;
	put_at(at + 2, 4, 2);
	put_at(at + 8, 1, 2);
	put_at(at + 10, 8, 2);
	refused("zip64 field is too short");
	put_at(two[0].header + 22, two[0].n, 4);	/* nothing is asked of the first, then */
	put_at(two[0].header + 18, two[0].packed_len, 4);
	refused("two zip64 fields");
}

static void one_end(void **state)
{
	uint8_t end[22];

	(void)state;
	fresh();
	make(two, 2);
	put('x', 1);
	refused("other bytes follow");
	n--;
	/* a second end record in the comment of the first: both reach the end of the file */
	memcpy(end, b + end_at, 22);
	b[end_at + 20] = 22;
	raw(end, 22);
	refused("several end records");
	/* bytes before the first member */
	fresh();
	make(two, 2);
	for (size_t i = n; i-- > 0;)	/* memmove: valgrind 3.19 takes a fortified one for memcpy */
		b[i + 7] = b[i];
	n += 7;
	refused("not where its end record says");
	/* a member that only the local headers know */
	fresh();
	n = 0;
	add(&two[0]);
	add(&two[1]);
	finish(two, 1);
	refused("does not know");
	n = 0;
	add(&two[0]);
	add(&two[1]);
	finish(two + 1, 1);
	refused("does not know");
	fresh();
	two[0].descriptor = 1;
	n = 0;
	add(&two[0]);
	add(&two[1]);
	finish(two, 1);
	refused("does not know");
	/* counts */
	fresh();
	make(two, 2);
	b[end_at + 8] = b[end_at + 10] = 1;
	refused("more than its members");
	b[end_at + 8] = 2;
	refused("contradicts itself");
	b[end_at + 4] = 1;
	refused("multi-disk");
	/* every cut */
	fresh();
	make(two, 2);
	while (n-- > 0) {
		assert_int_not_equal(open_it(), RC_OK);
		close_it();
	}
}

static void unreadable(void **state)
{
	static const struct { uint16_t flags, method; const char *why; } v[] = {
		{ 1, 0, "encrypted (ZipCrypto)" }, { 1, 99, "encrypted (WinZip AES)" },
		{ 0x41, 0, "encrypted (PKWARE strong encryption)" }, { 0, 14, "compressed with LZMA" },
		{ 0, 12, "compressed with bzip2" }, { 0, 9, "compressed with Deflate64" },
		{ 0, 77, "compressed by an unknown method" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		fresh();
		two[1].flags = v[i].flags;
		two[1].method = v[i].method;
		make(two, 2);
		assert_int_equal(open_it(), RC_OK);
		assert_string_equal(zip_member(z, 1)->unreadable, v[i].why);
		assert_int_equal(content(1, NULL, 0), RC_FAILED);
		assert_int_equal(content(0, LONG, sizeof LONG - 1), RC_OK);
		close_it();
	}
}

/* Every form of encryption, stored and deflated, with and without descriptor. */
static void encrypted(void **state)
{
	static const struct { enum zip_crypt crypt; uint8_t bits, version; } v[] = {
		{ ZIP_CRYPTO, 0, 0 }, { ZIP_AES, 1, 1 }, { ZIP_AES, 2, 1 }, { ZIP_AES, 3, 1 }, { ZIP_AES, 1, 2 },
		{ ZIP_AES, 2, 2 }, { ZIP_AES, 3, 2 },
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof v / sizeof *v; i++) {
		fresh();
		for (int k = 0; k < 2; k++) {
			two[k].crypt = v[i / 2].crypt;
			two[k].bits = v[i / 2].bits;
			two[k].version = v[i / 2].version;
			two[k].descriptor = i % 2;
		}
		make(two, 2);
		assert_int_equal(open_it(), RC_OK);
		assert_int_equal(zip_encrypted(z), 2);
		assert_non_null(zip_member(z, 0)->unreadable);
		assert_int_equal(content(0, NULL, 0), RC_FAILED);
		assert_int_equal(zip_password(z, "geheim 1", 8, &err), RC_FAILED);
		assert_int_equal(err.kind, ERR_DENIED);
		assert_int_equal(zip_password(z, PASSWORD, sizeof PASSWORD - 1, &err), RC_OK);
		assert_null(zip_member(z, 0)->unreadable);
		assert_int_equal(content(0, LONG, sizeof LONG - 1), RC_OK);
		assert_int_equal(content(1, "short", 5), RC_OK);
		close_it();
	}
	/* one of them in clear; longer than the pad of one step */
	fresh();
	two[0].crypt = ZIP_AES;
	two[0].bits = 3;
	two[0].version = 2;
	two[0].method = 0;
	two[0].n = 9000;
	two[0].data = memset(b + sizeof b - 9000, 'x', 9000);
	make(two, 2);
	assert_int_equal(open_it(), RC_OK);
	assert_int_equal(content(1, "short", 5), RC_OK);
	assert_int_equal(zip_password(z, PASSWORD, sizeof PASSWORD - 1, &err), RC_OK);
	assert_int_equal(content(0, two[0].data, 9000), RC_OK);
	close_it();
}

static void encrypted_badly(void **state)
{
	(void)state;
	/* a bit of the content: the authentication says it, AE-2 has no CRC that could */
	for (uint8_t version = 1; version < 3; version++) {
		fresh();
		two[1].crypt = ZIP_AES;
		two[1].bits = 1;
		two[1].version = version;
		two[0].crypt = ZIP_CRYPTO;
		make(two, 2);
		b[two[1].header + 30 + 5 + 11 + 8 + 2]++;
		assert_int_equal(open_it(), RC_OK);
		assert_int_equal(zip_password(z, PASSWORD, sizeof PASSWORD - 1, &err), RC_OK);
		assert_int_equal(content(1, NULL, 0), RC_FAILED);
		assert_non_null(strstr(err.text, "authentication code"));
		assert_int_equal(content(0, LONG, sizeof LONG - 1), RC_OK);
		close_it();
		b[two[1].header + 30 + 5 + 11 + 8 + 2]--;
		b[two[1].header + 30 + 5 + 11 + two[1].packed_len - 1]++;	/* the last byte of the code */
		assert_int_equal(open_it(), RC_OK);
		assert_int_equal(zip_password(z, PASSWORD, sizeof PASSWORD - 1, &err), RC_OK);
		assert_int_equal(content(1, NULL, 0), RC_FAILED);
		assert_non_null(strstr(err.text, "authentication code"));
		close_it();
	}
	/* another salt: as if by another password, which the first member's is not */
	b[two[1].header + 30 + 5 + 11]++;
	assert_int_equal(open_it(), RC_OK);
	assert_int_equal(zip_password(z, PASSWORD, sizeof PASSWORD - 1, &err), RC_OK);
	assert_int_equal(content(1, NULL, 0), RC_FAILED);
	assert_non_null(strstr(err.text, "another password"));
	close_it();
	/* two answers to how it is encrypted; a form that nobody has */
	fresh();
	two[1].crypt = ZIP_AES;
	two[1].bits = 2;
	two[1].version = 2;
	two[1].local_bits = 1;
	make(two, 2);
	refused("contradicts");
	two[1].local_bits = 0;
	for (size_t field = 0; field < 6; field += 5) {	/* version, method */
		make(two, 2);
		b[two[1].header + 30 + 5 + 4 + field] ^= field ? 8 : 3;
		refused("contradicts");
	}
	make(two, 2);
	b[two[1].header + 30 + 5]++;	/* no such field in one of them */
	refused("contradicts");
	two[1].version = 3;
	make(two, 2);
	assert_int_equal(open_it(), RC_OK);
	assert_int_equal(zip_encrypted(z), 0);
	assert_string_equal(zip_member(z, 1)->unreadable, "encrypted (WinZip AES)");
	close_it();
	/* cut to less than its salt and its code; compressed by what a password does not help */
	fresh();
	two[1].flags = 1;
	make(two, 2);
	assert_int_equal(open_it(), RC_OK);
	assert_int_equal(zip_encrypted(z), 0);
	close_it();
	fresh();
	two[1].crypt = ZIP_CRYPTO;
	two[1].method = 14;
	make(two, 2);
	assert_int_equal(open_it(), RC_OK);
	assert_int_equal(zip_password(z, PASSWORD, sizeof PASSWORD - 1, &err), RC_OK);
	assert_string_equal(zip_member(z, 1)->unreadable, "compressed with LZMA");
	close_it();
}

/* The field says nothing that there is: bytes of its length, vendor, version and strength. */
static void aes_field(void **state)
{
	static const struct { size_t at; uint8_t v; } bad[] = {
		{ 2, 6 }, { 4, 0 }, { 5, 1 }, { 6, 'B' }, { 7, 'A' }, { 8, 0 }, { 8, 4 }, { 8, 255 },
	};
	struct part p = { .name = "IM1", .data = LONG, .n = sizeof LONG - 1, .crypt = ZIP_AES, .bits = 3, .version = 2 };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		make(&p, 1);
		b[directory + 46 + 3 + bad[i].at] = bad[i].v;
		b[p.header + 30 + 3 + bad[i].at] = bad[i].v;
		assert_int_equal(open_it(), RC_OK);
		assert_int_equal(zip_encrypted(z), 0);
		assert_string_equal(zip_member(z, 0)->unreadable, "encrypted (WinZip AES)");
		assert_int_equal(zip_password(z, PASSWORD, sizeof PASSWORD - 1, &err), RC_OK);
		assert_int_equal(content(0, NULL, 0), RC_FAILED);
		close_it();
	}
	/* nor is a member of this method encrypted that does not say so, or one whose directory is */
	for (uint16_t flags = 0; flags < 2; flags++) {
		make(&p, 1);
		b[directory + 8] = b[p.header + 6] = (uint8_t)flags;
		b[directory + 9] = b[p.header + 7] = flags ? 0x20 : 0;
		assert_int_equal(open_it(), RC_OK);
		assert_int_equal(zip_encrypted(z), 0);
		assert_non_null(zip_member(z, 0)->unreadable);
		close_it();
	}
}

/* n members encrypted by ZipCrypto, of these sizes; of the first `spoilt` the content is damaged. */
static int password_on(const size_t *sizes, size_t count, size_t spoilt, const char *password)
{
	static struct part v[10];
	int rc = RC_OK;

	for (size_t i = 0; i < count; i++)
		v[i] = (struct part){ .name = "IM", .data = LONG, .n = sizes[i], .crypt = ZIP_CRYPTO };
	make(v, count);
	for (size_t i = 0; i < spoilt; i++)
		b[v[i].header + 30 + 2 + 12]++;
	assert_int_equal(open_it(), RC_OK);
	assert_int_equal(zip_encrypted(z), count);
	rc = zip_password(z, password, strlen(password), &err);
	close_it();
	return rc;
}

/* What a password is tried on: the smallest that can prove it, then the next; damage there is not a wrong password. */
static void password(void **state)
{
	static const size_t none[] = { 0, 5 }, empty[] = { 0, 0 }, same[] = { 5, 5, 5 }, rising[] = { 5, 6, 7 },
	    falling[] = { 9, 5 }, many[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };
	char longest[ZIP_PASSWORD_MAX + 2] = "";

	(void)state;
	assert_int_equal(password_on(none, 2, 0, "geheim 1"), RC_FAILED);	/* an empty one would take any */
	assert_int_equal(err.kind, ERR_DENIED);
	assert_int_equal(password_on(empty, 2, 0, "geheim 1"), RC_OK);
	assert_int_equal(password_on(same, 3, 2, PASSWORD), RC_OK);
	assert_int_equal(password_on(rising, 3, 2, PASSWORD), RC_OK);
	assert_int_equal(password_on(falling, 2, 1, PASSWORD), RC_OK);
	assert_int_equal(password_on(many, 8, 7, PASSWORD), RC_OK);
	assert_int_equal(password_on(many, 10, 8, PASSWORD), RC_FAILED);
	assert_non_null(strstr(err.text, "none of 8 encrypted members"));
	/* a small one in clear proves nothing */
	fresh();
	two[0].crypt = ZIP_CRYPTO;
	make(two, 2);
	assert_int_equal(open_it(), RC_OK);
	assert_int_equal(zip_password(z, "geheim 1", 8, &err), RC_FAILED);
	assert_int_equal(err.kind, ERR_DENIED);
	memset(longest, 'x', ZIP_PASSWORD_MAX + 1);
	assert_int_equal(zip_password(z, longest, ZIP_PASSWORD_MAX, &err), RC_FAILED);
	assert_non_null(strstr(err.text, "does not open it"));
	assert_int_equal(zip_password(z, longest, ZIP_PASSWORD_MAX + 1, &err), RC_FAILED);
	assert_non_null(strstr(err.text, "longer than"));
	close_it();
}

static void damaged(void **state)
{
	(void)state;
	fresh();
	make(two, 2);
	b[two[1].header + 30 + 5]++;
	assert_int_equal(open_it(), RC_OK);
	assert_int_equal(content(1, NULL, 0), RC_FAILED);
	assert_non_null(strstr(err.text, "CRC"));
	assert_int_equal(content(0, LONG, sizeof LONG - 1), RC_OK);
	close_it();
}

/* Whatever byte is changed: refused, found damaged, or the same content as before. */
static void every_byte(void **state)
{
	(void)state;
	fresh();
	two[0].descriptor = 1;
	two[1].zip64 = true;
	make(two, 2);
	for (size_t i = 0; i < n; i++) {
		for (int bit = 0; bit < 8; bit++) {
			b[i] ^= (uint8_t)(1 << bit);
			if (open_it() == RC_OK) {
				assert_int_equal(zip_count(z), 2);
				content(0, LONG, sizeof LONG - 1);
				content(1, "short", 5);
			}
			close_it();
			b[i] ^= (uint8_t)(1 << bit);
		}
	}
}

/* Deflated zeros: more than any image shrinks. Streamed, since it is larger than memory is meant for. */
static void ratio(void **state)
{
	static uint8_t packed[1 << 17], zeros[1 << 16];
	struct part p = { .name = "IM1", .data = "", .method = 0 };
	z_stream d;
	uint32_t crc = 0;
	size_t mb = 40, len = 0;

	(void)state;
	memset(&d, 0, sizeof d);
	assert_int_equal(deflateInit2(&d, 9, Z_DEFLATED, -15, 9, 0), Z_OK);
	d.next_out = packed;
	d.avail_out = sizeof packed;
	for (size_t i = 0; i < mb * 16; i++) {
		d.next_in = zeros;
		d.avail_in = sizeof zeros;
		assert_int_equal(deflate(&d, i == mb * 16 - 1 ? Z_FINISH : Z_NO_FLUSH), i == mb * 16 - 1 ? Z_STREAM_END : Z_OK);
		crc = (uint32_t)crc32(crc, zeros, sizeof zeros);
	}
	len = d.total_out;
	deflateEnd(&d);
	n = 0;
	p.data = (const char *)packed;
	p.n = len;
	add(&p);	/* stored; then told to be deflated */
	p.method = 8;
	b[8] = 8;
	p.crc = crc;
	memcpy(b + 14, &crc, 4);
	for (int i = 0; i < 4; i++)
		b[22 + i] = (uint8_t)((mb << 20) >> 8 * i);
	p.size_by = (long)(mb << 20) - (long)len;
	finish(&p, 1);
	refused("would grow more than any image");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good), cmocka_unit_test(zip64_end), cmocka_unit_test(two_answers),
		cmocka_unit_test(descriptor_again), cmocka_unit_test(two_fields), cmocka_unit_test(one_end),
		cmocka_unit_test(unreadable), cmocka_unit_test(encrypted), cmocka_unit_test(encrypted_badly),
		cmocka_unit_test(aes_field), cmocka_unit_test(password),
		cmocka_unit_test(damaged), cmocka_unit_test(every_byte), cmocka_unit_test(ratio),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
