/*
 * Reading ZIP archives (APPNOTE 6.3.10), strictly and by ourselves. Three
 * common programs give three answers to one hostile file; this gives one:
 * what the central directory says, and where anything in the file
 * contradicts it, the whole archive is refused.
 *
 *	zip_open(&z, s, err);		 end record, directory, ranges
 *	zip_check_headers(z, err);	 every local header against the directory
 *	zip_read(z, i, to, err);	 one member into memory, CRC checked
 *	zip_close(z);
 *
 * Members too large for memory are streamed:
 *
 *	zip_begin(&r, z, i, err);  zip_more(r, &p, &n, err) until n == 0;  zip_end(r);
 *
 * Stored and deflated members, data descriptors, zip64. Refused: several end
 * records, bytes after the end (zeros are padding), multi-disk archives,
 * ranges that overlap, local headers that the directory does not know.
 * Other methods, and encrypted members before zip_password(), are members
 * that cannot be read: they are named in zip_member.unreadable, the rest of
 * the archive is good. Encryption: ZipCrypto (APPNOTE 6.1) and WinZip AES
 * (AE-1, AE-2; 128, 192, 256 bits), whose authentication is checked before
 * the end of a member is reported.
 *
 * Names are labels, never paths: zip_name() has them in UTF-8; escape them before they are shown.
 * The stream is borrowed. RC_FAILED/ERR_DATA: broken or refused, the sentence says why.
 */
#ifndef MRI_MEDIA_ZIP_H
#define MRI_MEDIA_ZIP_H

#include <stdbool.h>
#include "base/io.h"
#include "media/names.h"

#define ZIP_MEMBERS_MAX	200000		/* the largest studies have 50,000 objects */
#define ZIP_DIRECTORY_MAX ((uint64_t)32 << 20)	/* 200,000 entries with names of 100 bytes; read at once */
#define ZIP_MEMBER_MAX	((uint64_t)16 << 30)	/* the largest single objects (whole slides) have a few GB */
#define ZIP_TOTAL_MAX	((uint64_t)64 << 30)
#define ZIP_RATIO_MAX	250		/* deflate can do 1032; noise-free images do 100 */
#define ZIP_RATIO_FREE	((uint64_t)32 << 20)	/* the ratio counts above this size: it does no harm below */
#define ZIP_PASSWORD_MAX 1024
#define ZIP_READ_MAX	((uint64_t)32 << 20)	/* members up to here fit in a worker's memory */

struct zip;
struct zip_reader;

enum zip_crypt { ZIP_CLEAR, ZIP_CRYPTO, ZIP_AES };

struct zip_member {
	const char *name;	/* as it is; not terminated; lives as long as the zip */
	const char *unicode;	/* NULL, or what Info-ZIP's field has instead of it: UTF-8 */
	uint16_t name_len, unicode_len;
	uint16_t flags, method;
	uint32_t crc;
	uint64_t packed, size;
	uint64_t header;	/* offset of the local header */
	uint64_t limit;		/* the next range begins here */
	bool directory, symlink;
	const char *unreadable;	/* NULL, or why: "encrypted (WinZip AES)", "compressed with LZMA" */
	enum zip_crypt crypt;	/* that a password opens */
	uint8_t aes_bits, aes_version;	/* WinZip AES: 1, 2, 3 for 128, 192, 256; 1 for AE-1, 2 for AE-2 */
	uint16_t packing;	/* method that the content is compressed with; `method` is 99 for WinZip AES */
};

int zip_open(struct zip **, struct stream *, struct err *);
void zip_close(struct zip *);
size_t zip_count(const struct zip *);
const struct zip_member *zip_member(const struct zip *, size_t i);

/* A member's name in UTF-8, at most cap bytes, not terminated; returns how many. That of flag bit 11 or of the field
 * 0x7075 where there is one; else in the code page that was chosen; with NAMES_AUTO as UTF-8 where it is such, else in
 * cp437 (APPNOTE 4.4.4, 4.6.9, annex D). Bytes that are no character stay. */
size_t zip_name(const struct zip_member *, enum names chosen, char *to, size_t cap);

/* Members that a password would make readable. */
size_t zip_encrypted(const struct zip *);
/* Makes them readable. The password (at most ZIP_PASSWORD_MAX bytes) is tried on the smallest of them: ERR_DENIED where
 * it opens none. Copied; wiped by zip_close. */
int zip_password(struct zip *, const void *, size_t, struct err *);
/* Loads what OpenSSL loads late: before the jail. */
int zip_crypt_load(struct err *);

/* Compares all local headers, so that a contradiction is found before a byte is written. */
int zip_check_headers(struct zip *, struct err *);
/* member.size bytes (at most ZIP_READ_MAX, packed too) into `to`. */
int zip_read(struct zip *, size_t i, void *to, struct err *);

int zip_begin(struct zip_reader **, struct zip *, size_t i, struct err *);
/* The next bytes, valid until the next call; *n == 0 at the end, when size and CRC have been found right. */
int zip_more(struct zip_reader *, const void **, size_t *n, struct err *);
void zip_end(struct zip_reader *);

#endif
