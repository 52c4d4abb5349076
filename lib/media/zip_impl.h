/* Inside of media/zip: what the directory (zip.c) and the reading (zip_read.c) share. */
#ifndef MRI_MEDIA_ZIP_IMPL_H
#define MRI_MEDIA_ZIP_IMPL_H

#include "media/zip.h"

#define ZIP_STORED	0
#define ZIP_DEFLATED	8
#define ZIP_ENCRYPTED	0x0001	/* general purpose bits, APPNOTE 4.4.4 */
#define ZIP_DESCRIPTOR	0x0008
#define ZIP_STRONG	0x0040
#define ZIP_MASKED	0x2000

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
};

static inline uint16_t zip16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t zip32(const uint8_t *p)
{
	return zip16(p) | (uint32_t)zip16(p + 2) << 16;
}

static inline uint64_t zip64(const uint8_t *p)
{
	return zip32(p) | (uint64_t)zip32(p + 4) << 32;
}

/* Local header and data descriptor of member i against the directory. *data: where its bytes begin; *over: where
 * the member ends, its descriptor included. */
int zip_local(struct zip *, size_t i, uint64_t *data, uint64_t *over, struct err *);
/* The zip64 field of an extra area (APPNOTE 4.5.3): replaces those of size, packed, header that are all ones.
 * header may be NULL (local headers have none). */
int zip_extra64(const uint8_t *, size_t, uint64_t *size, uint64_t *packed, uint64_t *header, struct err *);
int zip_broken(struct err *, size_t member, const char *what);

#endif
