/*
 * Inside of the pool, the parent's side of the workers of one run. From above:
 * a package (unpack_pool.c), archives inside (unpack_nest.c), what is in work
 * (unpack_source.c), the workers (unpack_hand.c), what they say
 * (unpack_answer.c), what they are asked (unpack_ask.c).
 */
#ifndef MRI_STAGE_UNPACK_POOL_H
#define MRI_STAGE_UNPACK_POOL_H

#include "crypt/age.h"
#include "stage/unpack_impl.h"

#define AHEAD		(2 * UNPACK_BATCH + 2)	/* requests under way at one worker: it never waits for us */
#define REQUEST_MAX	1024
#define HIRE_ALL	((off_t)4 << 20)	/* a package of this size has work for all; a small one is done by one sooner */

enum wanted { WANT_OPEN, WANT_PASSWORD, WANT_HASH, WANT_MEMBER, WANT_SPILL };

struct wait {		/* an answer that must come next */
	enum wanted what;
	uint32_t member;
	int slot, fd;		/* the output; -1 none */
};

struct hand {
	struct worker *worker;
	unsigned source;	/* that it has open; 0 none */
	struct wait queue[AHEAD];
	unsigned head, n;
};

/* What is in work: a package, or an archive inside it. */
struct source {
	unsigned id;		/* of this run, from 1 */
	int depth;		/* 0: the package itself */
	int fd;
	struct age_key key;
	struct folder *folder;
	enum media media;
	bool opened, archive;	/* a worker has said how many members it has; it is one, and no single file */
	size_t encrypted;	/* members that a password would open */
	uint32_t base;		/* its first file, from the package's first */
	uint32_t next, members;
	uint32_t *again;	/* members to be given out anew */
	size_t nagain;
	char *label;		/* of the archive inside; NULL: the package */
	struct err shut;	/* an archive inside that cannot be opened, and why */
};

struct pool {
	struct unpack_run *run;
	struct jail jail;
	unsigned jobs, sources;
	struct hand hands[UNPACK_JOBS_MAX];
	struct buf msg;
	/* the package in work */
	struct unpack_package *p;
	size_t index;
	struct source src;
	uint64_t answered;
	/* archives inside it */
	struct age_identity *spill;	/* they are sealed to it; lives as long as the pool */
	struct err unspilt;		/* the last one could not be spilled, and why */
	uint64_t root, content;		/* bytes of the outermost archive, and what all inside it say they hold */
};

static inline struct unpack_file *pool_file(const struct pool *pool, uint32_t member)
{
	return &pool->run->files[pool->p->first + pool->src.base + member];
}

/* unpack_ask.c: requests to a worker that has the source open; an answer each is waited for then. */
bool pool_has_password(const struct pool *);
int pool_ask_open(struct pool *, struct hand *, bool check, struct err *);
/* Only a worker that has an encrypted archive before it gets to know the password. */
int pool_ask_password(struct pool *, struct hand *, struct err *);
int pool_ask_hash(struct hand *, struct err *);
int pool_ask_spill(struct hand *, uint32_t member, int fd, const struct age_recipient *, struct err *);
/* Takes members off the list into a batch; a folder's files go one by one. */
int pool_give(struct pool *, struct hand *, struct err *);

/* unpack_answer.c */
void pool_fail_package(struct unpack_package *, const struct err *why);
/* An archive inside that cannot be opened is one file, and no reason to let go of the rest. */
void pool_fail(struct pool *, const struct err *why);
bool pool_failed(const struct pool *);	/* the package, or the archive inside that is in work */
/* The answer in pool->msg, which is the next that h owes. */
int pool_answer(struct pool *, struct hand *h, struct err *);

/* unpack_hand.c */
int pool_hire(struct pool *, struct hand *, struct err *);	/* it has a worker then */
/* h has a worker, and that has the source open. */
int pool_ready(struct pool *, struct hand *h, bool check, struct err *);
int pool_wait(struct pool *, struct err *);	/* for one answer or more */
bool pool_busy(const struct pool *);		/* answers are owed */
void pool_dismiss(struct hand *);		/* what it owes will not come */

/* unpack_source.c */
/* Opens the source by its first worker, with the password where it needs one. */
int pool_open(struct pool *, struct err *);
/* All members of an opened source. */
int pool_members(struct pool *, struct err *);

/* unpack_nest.c: all members of an opened source, then the archives among them, one after the other, as sources. */
int pool_source(struct pool *, struct err *);

#endif
