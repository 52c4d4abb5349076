/* Inside of the pool: what the feeding of workers (unpack_pool.c) and archives inside (unpack_nest.c) share. */
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

struct unpack_file *pool_file(struct pool *, uint32_t member);
void pool_want(struct hand *, enum wanted, uint32_t member, int slot, int fd);
/* h has a worker, and that has the source open. */
int pool_ready(struct pool *, struct hand *h, bool check, struct err *);
int pool_wait(struct pool *, struct err *);	/* for one answer or more */
/* All members of an opened source; then the archives among them. */
int pool_source(struct pool *, struct err *);
/* Opens the source by its first worker, with the password where it needs one. */
int pool_open(struct pool *, struct err *);

/* unpack_nest.c: the archives among the members of the source in work become sources, one after the other. */
int pool_nest(struct pool *, struct err *);
/* What an archive inside says it holds, against what it came in. */
bool pool_grows(const struct pool *);

#endif
