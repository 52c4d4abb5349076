/*
 * Inside of the jailed side of mri-unpack: what it has open, and what its
 * files share. unpack_worker.c takes requests, unpack_member.c knows the
 * members of what is open, unpack_take.c brings one into its output
 * (unpack_sink.c), unpack_reply.c answers.
 */
#ifndef MRI_STAGE_UNPACK_SIDE_H
#define MRI_STAGE_UNPACK_SIDE_H

#include "crypt/age.h"
#include "media/container.h"
#include "media/zip.h"
#include "stage/unpack_judge.h"

struct unpack_side {
	struct chan *chan;
	struct stream *package;
	struct zip *zip;		/* one of these, or the package is a file by itself */
	struct container *container;
	enum media media;
	enum names names;	/* chosen by a person: the code page of names that do not say theirs */
	struct age_recipient to;
	bool seal;
	bool of_folder;		/* the package is one file of a folder */
	uint8_t *bytes;		/* of members that fit in memory */
	size_t cap;
};

/* unpack_reply.c: an error is one of the channel, after which the worker ends. */
int side_reply(struct unpack_side *, json_t *taken, struct err *);	/* NULL: err says why there is none */
int side_reply_error(struct unpack_side *, const struct err *what);
int side_reply_member(struct unpack_side *, uint32_t i, const struct judgement *);

/* unpack_member.c */
/* What the parent and a person get to know of a member before it is read. */
struct side_about {
	uint64_t size;
	bool directory, data;	/* data: what is not read may be data */
	const char *unreadable;
};
size_t side_members(const struct unpack_side *);
void side_about(const struct unpack_side *, size_t i, struct side_about *);
void side_label(const struct unpack_side *, size_t i, char out[UNPACK_LABEL]);	/* what it is called, escaped */
uint64_t side_content(const struct unpack_side *);	/* bytes of all members together */
/* All of member i fits into memory at once. */
bool side_fits(const struct unpack_side *, uint32_t i, uint64_t size);
int side_read(struct unpack_side *, uint32_t i, uint8_t *to, struct err *);

/* A member piece by piece, of either kind of archive; one at a time. */
struct side_reader {
	/* The next bytes, valid until the next call; *n == 0 at the end, when all was found right. */
	int (*more)(void *source, const void **p, size_t *n, struct err *);
	void *source;
	struct zip_reader *zip;	/* its own */
};
int side_begin(struct unpack_side *, size_t i, struct side_reader *, struct err *);
void side_end(struct side_reader *);	/* also after a failed side_begin */

/* unpack_sink.c: where the bytes of a member go: hashed, and sealed into the output where there is one. */
struct sink {
	struct hash *hash;
	struct stream *out;
};
int sink_open(struct sink *, const struct unpack_side *, int fd /* taken; -1 none */, struct err *);
int sink_add(void *sink, const void *, size_t, struct err *);
int sink_end(struct sink *, char sha256[65], struct err *);	/* the output is whole */
void sink_close(struct sink *);

/* unpack_take.c: member i into fd (taken; -1 none), and its answer. */
int side_take(struct unpack_side *, uint32_t i, int fd);

#endif
