#include "sys/ident.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"

#define UID_UNSET	4294967295U	/* (uid_t)-1: what the kernel shows where no PAM module set it */
#define SYSTEM_UID_MAX	999		/* Debian policy 9.2.2: accounts of services lie below 1000 */
#define PASSWD_MAX	((size_t)64 << 10)	/* one record of the account database */

static long loginuid(void)
{
	char text[16] = "";
	struct err ignored;
	uint64_t n = UID_UNSET;
	size_t got = 0;
	int fd = open("/proc/self/loginuid", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (io_read_full(fd, text, sizeof(text) - 1, &got, &ignored))
		got = 0;
	close(fd);
	text[got] = '\0';
	text_trim(text);
	return text_u64(text, UID_UNSET, &n) && n != UID_UNSET ? (long)n : -1;
}

/* *known: the account exists. Its name, else the number. */
static int account(uid_t uid, char *name, size_t cap, bool *known, struct err *err)
{
	struct passwd pw, *found = NULL;
	char *space = malloc(PASSWD_MAX);
	int e = 0;

	if (!space)
		return err_set(err, ERR_TEMP, "no memory");
	do {
		e = getpwuid_r(uid, &pw, space, PASSWD_MAX, &found);
	} while (e == EINTR);
	*known = found != NULL;
	if (found)
		text_escape(name, cap, pw.pw_name, strlen(pw.pw_name));
	else
		snprintf(name, cap, "%lu", (unsigned long)uid);
	free(space);
	/* a directory service that does not answer is not "no such account" (getpwnam(3)) */
	if (!found && (e == EIO || e == EMFILE || e == ENFILE || e == ENOMEM || e == ERANGE))
		return err_sys(err, e, "cannot look up the account of uid %lu", (unsigned long)uid);
	return RC_OK;
}

int ident_decide(struct ident *id, uid_t real, long login, const char *sudo_uid, struct err *err)
{
	uint64_t n = 0;
	bool known = false;
	int rc = RC_OK;

	id->uid = real;
	id->loginuid = login;
	/* A person's own process is that person, whatever its environment says. */
	if (real > SYSTEM_UID_MAX || !sudo_uid || !*sudo_uid)
		return account(real, id->name, sizeof(id->name), &known, err);

	if (!text_u64(sudo_uid, UID_UNSET - 1, &n))
		return err_set(err, ERR_DENIED, "who acts is not known: SUDO_UID is not a number");
	if ((rc = account((uid_t)n, id->name, sizeof(id->name), &known, err)))
		return rc;
	if (!known)
		return err_set(err, ERR_DENIED, "who acts is not known: SUDO_UID %llu has no account",
		    (unsigned long long)n);
	if (login >= 0 && (uint64_t)login != n) {
		rc = err_set(err, ERR_DENIED, "who acts is not known: SUDO_UID is %llu, the login was %ld",
		    (unsigned long long)n, login);
		err_advise(err, "log in as the person who does the work, and use sudo from there");
		return rc;
	}
	id->uid = (uid_t)n;
	return RC_OK;
}

int ident_get(struct ident *id, const char *sudo_uid, struct err *err)
{
	memset(id, 0, sizeof(*id));
	if (gethostname(id->host, sizeof(id->host)) != 0 || id->host[0] == '\0')
		text_copy(id->host, sizeof(id->host), "unknown");
	id->host[sizeof(id->host) - 1] = '\0';
	return ident_decide(id, getuid(), loginuid(), sudo_uid, err);
}
