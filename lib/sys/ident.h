/* Who acts (70-security): uid, name, and loginuid as evidence. */
#ifndef MRI_SYS_IDENT_H
#define MRI_SYS_IDENT_H

#include <sys/types.h>
#include "base/err.h"

struct ident {
	uid_t uid;		/* the person */
	char name[64];		/* account name, or the number */
	long loginuid;		/* evidence; -1 where unset */
	char host[64];
};

/* Real uid, or under root or a service account (uid below 1000) SUDO_UID where it names an
 * account. sudo_uid is the caller's environment value or NULL (libraries read no environment).
 * ERR_DENIED: it names none, or another person than the one who logged in. */
int ident_get(struct ident *, const char *sudo_uid, struct err *);
/* The rule alone: real uid, loginuid (-1: unset), SUDO_UID → uid, name, loginuid. */
int ident_decide(struct ident *, uid_t real, long loginuid, const char *sudo_uid, struct err *);

#endif
