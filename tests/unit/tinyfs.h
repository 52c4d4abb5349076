/*
 * A filesystem of 256 KiB that can be filled: tmpfs in a mount namespace of
 * the test's own. tinyfs_namespace() comes first in main(). Include after
 * test.h, with <fcntl.h>, <sched.h>, <stdio.h>, <sys/mount.h>, <sys/stat.h> and <unistd.h>.
 */
#ifndef MRI_TESTS_UNIT_TINYFS_H
#define MRI_TESTS_UNIT_TINYFS_H

static void tinyfs_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		perror(path);
	if (fd >= 0)
		close(fd);
}

static void tinyfs_namespace(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	char map[64];

	/* root needs no user namespace; anybody else is root in one of his own */
	if (uid != 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
			perror("unshare");
			_exit(1);
		}
		tinyfs_write("/proc/self/setgroups", "deny");
		snprintf(map, sizeof(map), "0 %u 1", (unsigned)uid);
		tinyfs_write("/proc/self/uid_map", map);
		snprintf(map, sizeof(map), "0 %u 1", (unsigned)gid);
		tinyfs_write("/proc/self/gid_map", map);
	} else if (unshare(CLONE_NEWNS) != 0) {
		perror("unshare");
		_exit(1);
	}
	if (mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0)
		perror("mount");
}

/* Mounts one on a new directory of that name; its descriptor. */
static int tinyfs_open(const char *name)
{
	assert_int_equal(mkdir(name, 0700), 0);
	assert_int_equal(mount("tmpfs", name, "tmpfs", 0, "size=256k,mode=0700"), 0);
	int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* Leaves not a byte free. */
static inline void tinyfs_fill(int at)
{
	char block[4096];
	int fd = openat(at, "ballast", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	memset(block, 'x', sizeof(block));
	while (write(fd, block, sizeof(block)) > 0)
		;
	close(fd);
}

static void tinyfs_close(int fd, const char *name)
{
	close(fd);
	assert_int_equal(umount2(name, MNT_DETACH), 0);
	assert_int_equal(rmdir(name), 0);
}

#endif
