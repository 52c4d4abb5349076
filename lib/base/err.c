#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* One row a kind, worst first: the order in which a program's many errors
 * are weighed (mri-cli(7), EXIT STATUS). */
static const struct {
	enum err_kind kind;
	int status;
	enum rc rc;
} table[] = {
	{ ERR_INTERNAL, 70, RC_FATAL },
	{ ERR_CONFIG, 78, RC_FATAL },
	{ ERR_DENIED, 77, RC_FAILED },
	{ ERR_IO, 74, RC_FAILED },
	{ ERR_CANTCREAT, 73, RC_FAILED },
	{ ERR_NOINPUT, 66, RC_FAILED },
	{ ERR_DATA, 65, RC_FAILED },
	{ ERR_USAGE, 64, RC_FATAL },
	{ ERR_PERSON, 1, RC_FAILED },
	{ ERR_PROTOCOL, 76, RC_FAILED },
	{ ERR_REFUSED, 69, RC_FAILED },
	{ ERR_TEMP, 75, RC_RETRY },
	{ ERR_NONE, 0, RC_OK },
};
#define NTABLE (sizeof(table) / sizeof(table[0]))

static size_t row(enum err_kind kind)
{
	for (size_t i = 0; i < NTABLE; i++)
		if (table[i].kind == kind)
			return i;
	return 0;	/* a kind that is not in the table is a bug, and says so */
}

bool err_no_space(const struct err *err)
{
	return err->sys == ENOSPC || err->sys == EDQUOT;
}

int err_rc(enum err_kind kind)
{
	return table[row(kind)].rc;
}

int err_status(enum err_kind kind)
{
	return table[row(kind)].status;
}

enum err_kind err_worse(enum err_kind a, enum err_kind b)
{
	return row(a) <= row(b) ? a : b;
}

enum err_kind err_kind_of(int errnum)
{
	switch (errnum) {
	case ENOSPC: case EDQUOT: case EMFILE: case ENFILE: case ENOMEM: case EAGAIN: case EINTR:
	case EBUSY: case ETIMEDOUT: case ECONNREFUSED: case ECONNRESET: case ECONNABORTED:
	case EHOSTUNREACH: case ENETUNREACH: case ENETDOWN: case ENETRESET: case EPIPE: case ENOBUFS:
	case ENOLCK:
		return ERR_TEMP;
	case ENOENT:
		return ERR_NOINPUT;
	case EACCES: case EPERM:
		return ERR_DENIED;
	case EROFS: case EEXIST: case ENOTDIR: case EISDIR: case ENAMETOOLONG: case ELOOP:
		return ERR_CANTCREAT;
	default:
		return ERR_IO;
	}
}

int err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
	va_list ap;

	err->kind = kind;
	err->sys = 0;
	err->advice[0] = '\0';
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return err_rc(kind);
}

int err_sys(struct err *err, int errnum, const char *fmt, ...)
{
	va_list ap;

	err->kind = err_kind_of(errnum);
	err->sys = errnum;
	err->advice[0] = '\0';
	va_start(ap, fmt);
	int n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(err->text)) {
		char why[128];
		snprintf(err->text + n, sizeof(err->text) - (size_t)n, ": %s",
		    strerror_r(errnum, why, sizeof(why)));
	}
	if (errnum == ENOSPC || errnum == EDQUOT)
		err_advise(err, "make room on that file system, then run the same command again");
	return err_rc(err->kind);
}

void err_advise(struct err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->advice, sizeof(err->advice), fmt, ap);
	va_end(ap);
}

int err_wrap(struct err *err, const char *fmt, ...)
{
	char old[ERR_TEXT_MAX];
	va_list ap;

	memcpy(old, err->text, sizeof(old));
	va_start(ap, fmt);
	int n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(err->text)) {
		size_t room = sizeof(err->text) - (size_t)n;
		int m = snprintf(err->text + n, room, ": %s", old);
		if (m < 0 || (size_t)m >= room)
			memcpy(err->text + sizeof(err->text) - 4, "...", 4);
	}
	return err_rc(err->kind);
}

void err_clear(struct err *err)
{
	err->kind = ERR_NONE;
	err->sys = 0;
	err->text[0] = err->advice[0] = '\0';
}
