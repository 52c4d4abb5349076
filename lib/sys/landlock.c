#include "sys/landlock.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/jail.h"

/* By number: Debian 12's headers know ABI 2 only. The three calls have one number everywhere. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset	444
#endif
#ifndef SYS_landlock_add_rule
#define SYS_landlock_add_rule		445
#endif
#ifndef SYS_landlock_restrict_self
#define SYS_landlock_restrict_self	446
#endif
#define LANDLOCK_VERSION	1U	/* LANDLOCK_CREATE_RULESET_VERSION */
#define LANDLOCK_PATH_BENEATH	1

/* linux/landlock.h as of ABI 6; an older kernel takes the longer struct while the rest is zero */
struct ruleset { uint64_t fs, net, scoped; };
struct path_rule { uint64_t allowed; int32_t fd; } __attribute__((packed));

#define FS_EXECUTE	(UINT64_C(1) << 0)
#define FS_READ_FILE	(UINT64_C(1) << 2)
#define FS_READ_DIR	(UINT64_C(1) << 3)
/* rights that each ABI added */
#define FS_ABI1		((UINT64_C(1) << 13) - 1)
#define FS_REFER	(UINT64_C(1) << 13)	/* 2 */
#define FS_TRUNCATE	(UINT64_C(1) << 14)	/* 3 */
#define NET_TCP		UINT64_C(3)		/* 4: bind, connect */
#define FS_IOCTL_DEV	(UINT64_C(1) << 15)	/* 5 */
#define SCOPES		UINT64_C(3)		/* 6: abstract sockets, signals */

int
landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION);

	return abi < 0 ? 0 : abi < jail_pretend.landlock_abi ? (int)abi : jail_pretend.landlock_abi;
}

static bool
allow(int ruleset, const struct landlock_path *p)
{
	struct path_rule r = { FS_READ_FILE | (p->execute ? FS_EXECUTE : 0), open(p->path, O_PATH | O_CLOEXEC) };
	struct stat st;
	bool ok = true;

	if (r.fd < 0)
		return true;	/* what is not there need not be read */
	if (fstat(r.fd, &st) == 0 && S_ISDIR(st.st_mode))
		r.allowed |= FS_READ_DIR;
	ok = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_PATH_BENEATH, &r, 0U) == 0;
	close(r.fd);
	return ok;
}

bool
landlock_only(const struct landlock_path *paths, size_t n, bool network)
{
	struct ruleset r = { FS_ABI1, 0, 0 };
	int abi = landlock_abi(), fd = -1;
	size_t i = 0;
	bool ok = true;

	if (abi < 1)
		return false;
	if (abi >= 2)
		r.fs |= FS_REFER;
	if (abi >= 3)
		r.fs |= FS_TRUNCATE;
	if (abi >= 4 && !network)
		r.net = NET_TCP;
	if (abi >= 5)
		r.fs |= FS_IOCTL_DEV;
	if (abi >= 6)
		r.scoped = SCOPES;
	fd = (int)syscall(SYS_landlock_create_ruleset, &r, sizeof(r), 0U);
	if (fd < 0)
		return false;
	for (i = 0; ok && i < n; i++)
		ok = allow(fd, &paths[i]);
	ok = ok && syscall(SYS_landlock_restrict_self, fd, 0U) == 0;
	close(fd);
	return ok;
}
