/* A ZIP of stored members, written in one pass (APPNOTE 6.3.10; zip64 where needed). Private to lib/source. */
#ifndef MRI_SOURCE_PACK_H
#define MRI_SOURCE_PACK_H

#include <stdbool.h>
#include "base/hash.h"
#include "base/io.h"

struct pack {
	struct stream *to;	/* borrowed */
	struct hash *hash;
	struct buf directory;	/* central directory, written last */
	uint64_t at, entries;
	uint64_t header, body;	/* of the member of unknown size under way */
	uint32_t crc;		/* of its bytes so far */
	bool open;
};

#define PACK_NAME_MAX	1024	/* bytes of a member's name */

uint32_t pack_crc(uint32_t crc, const void *, size_t);	/* CRC-32 of ISO 3309; begin with 0 */

int pack_begin(struct pack *, struct stream *to, struct err *);
/* The header of a member whose bytes follow by pack_data(): exactly size, with that sum. */
int pack_member(struct pack *, const char *name, uint64_t size, uint32_t crc, struct err *);
int pack_data(struct pack *, const void *, size_t, struct err *);
/* A member whose size is not known yet: its bytes follow by pack_data(), then pack_close() with the same name. Its
 * sum and size stand in a data descriptor behind it (4.3.9), in zip64's form, since it may grow. */
int pack_open(struct pack *, const char *name, struct err *);
int pack_close(struct pack *, const char *name, struct err *);
int pack_end(struct pack *, char sha256[65], struct err *);
void pack_free(struct pack *);

#endif
