/*
 * What mri-unpack does: packages in, items out. The parent places files and
 * parses nothing that came from outside; jailed workers inflate, recognise,
 * walk, hash and seal (unpack_worker.c), unpack_pool.c feeds them and
 * unpack_group.c makes items of what they say.
 */
#ifndef MRI_STAGE_UNPACK_H
#define MRI_STAGE_UNPACK_H

#include "cli/work.h"
#include "media/names.h"

#define UNPACK_PASSWORD_MAX 1024	/* bytes; as ZIP_PASSWORD_MAX */

/* The password of encrypted members: in memory that a worker does not inherit. */
struct unpack_password { unsigned char *bytes; size_t n; bool given; };
int unpack_password_read(struct unpack_password *, const char *path, struct err *);	/* the first line */
void unpack_password_free(struct unpack_password *);

/* What a person says of the packages that they do not say themselves. */
struct unpack_how {
	struct unpack_password password;
	enum names names;	/* code page of names of members */
};

/* One import of the spool: all its packages, published as items, with receipts. */
void stage_unpack_import(struct cli *, struct work *, const struct cli_input *, const char *id,
    const struct unpack_how *);

/* Work without a spool: archives, folders and files, together, into dir/1, dir/2 …, dir/papers. dir may be NULL
 * in a dry run. */
struct unpack_loose { struct cli_input in; char *path; };
void stage_unpack_loose(struct cli *, const struct unpack_loose *, size_t n, const char *dir,
    const struct unpack_how *);

#endif
