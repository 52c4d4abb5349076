/* Inside of media/zip: what the end record (zip_end.c), the directory (zip.c), the names (zip_name.c), the reading
 * (zip_read.c) and the decrypting (zip_crypt.c) share. */
#ifndef MRI_MEDIA_ZIP_IMPL_H
#define MRI_MEDIA_ZIP_IMPL_H

#include "base/bytes.h"
#include "media/zip.h"

#define ZIP_STORED	0
#define ZIP_DEFLATED	8
#define ZIP_ENCRYPTED	0x0001	/* general purpose bits, APPNOTE 4.4.4 */
#define ZIP_DESCRIPTOR	0x0008
#define ZIP_STRONG	0x0040
#define ZIP_UTF8	0x0800
#define ZIP_MASKED	0x2000

#define ZIP_CENTRAL_SIZE	46	/* of a directory entry, without what varies */

struct libdeflate_decompressor;

struct zip {
	struct stream *s;
	uint8_t *directory;		/* the central directory as it is */
	size_t directory_len;
	uint64_t directory_off;
	struct zip_member *v;
	size_t n;
	struct libdeflate_decompressor *inflater;	/* zip_read.c */
	uint8_t *packed;
	size_t packed_cap;
	uint8_t *password;		/* NULL: none was given */
	size_t password_len;
};

/* Local header and data descriptor of member i against the directory. *data: where its bytes begin; *over: where
 * the member ends, its descriptor included. */
int zip_local(struct zip *, size_t i, uint64_t *data, uint64_t *over, struct err *);
/* The zip64 field of an extra area (APPNOTE 4.5.3): replaces those of size, packed, header that are all ones.
 * header may be NULL (local headers have none). */
int zip_extra64(const uint8_t *, size_t, uint64_t *size, uint64_t *packed, uint64_t *header, struct err *);
/* The field 0x9901 of an extra area: version, strength and method of WinZip AES; false where there is none. */
bool zip_extra_aes(const uint8_t *, size_t, uint8_t *version, uint8_t *bits, uint16_t *packing);
/* The field 0x7075 of an extra area, into m->unicode where it is there and stands for m->name. */
void zip_extra_name(const uint8_t *, size_t, struct zip_member *m);
/* That of a local header's extra area names the same, or there is none on one of the two sides. */
bool zip_same_unicode(const uint8_t *, size_t, const struct zip_member *);
const char *zip_method_name(uint16_t);	/* NULL: it can be read */
int zip_broken(struct err *, size_t member, const char *what);

/* zip_end.c: where the directory lies. */
struct zip_directory {
	uint64_t at;		/* where the end records begin: the directory must reach to here */
	uint64_t entries, size, off;
};
int zip_find_directory(struct zip *, struct zip_directory *, struct err *);
int zip_refused(struct err *, const char *what);	/* ERR_DATA, of the archive as a whole */
bool zip_zeros(const uint8_t *, size_t);	/* padding */

/* zip_crypt.c: one member's decryption, in order. */
struct zip_crypter;
/* Bytes that encryption adds to a member: before and behind its content. */
size_t zip_crypt_extra(const struct zip_member *);
/* Reads what precedes the content; [*data, *end) becomes the content's place. ERR_DATA: another password. */
int zip_crypt_begin(struct zip_crypter **, struct zip *, size_t i, uint64_t *data, uint64_t *end, struct err *);
int zip_crypt_step(struct zip_crypter *, uint8_t *, size_t, struct err *);	/* in place */
/* All of the content has gone through: is it what was encrypted? (WinZip AES; ZipCrypto has only the CRC) */
int zip_crypt_check(struct zip_crypter *, struct err *);
void zip_crypt_free(struct zip_crypter *);	/* wipes; NULL is fine */
void zip_password_wipe(struct zip *);

#endif
