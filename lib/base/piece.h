/*
 * A piece table, as text editors have it: new content is a list of ranges of
 * an original and of new bytes. piece_stream() makes one readable stream of it.
 */
#ifndef MRI_BASE_PIECE_H
#define MRI_BASE_PIECE_H

#include "base/io.h"

#ifdef __cplusplus
extern "C" {
#endif

enum piece_from { PIECE_ORIGINAL = 0, PIECE_NEW = 1 };

struct piece {
	enum piece_from from;
	uint64_t off;	/* in the original, or in the new bytes */
	uint64_t len;
};

struct pieces {
	struct piece *v;
	size_t n, cap;
	struct buf bytes;	/* the new bytes */
};

#define PIECES_MAX	65536	/* pieces of one object: each is an edit, and edits are few */

/* Appends a range of the original; joins it to the last piece where they touch. */
int pieces_original(struct pieces *, uint64_t off, uint64_t len, struct err *);
int pieces_new(struct pieces *, const void *, size_t, struct err *);
uint64_t pieces_size(const struct pieces *);
void pieces_free(struct pieces *);

/* Reads through p; takes `original` (closed with it), borrows p.
 * Every piece must lie inside its source: ERR_DATA if not. */
int piece_stream(struct stream **, struct stream *original,
    const struct pieces *, struct err *);

#ifdef __cplusplus
}
#endif
#endif
