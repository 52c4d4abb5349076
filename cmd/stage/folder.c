#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/text.h"
#include "stage/folder.h"

#define FOLDER_DEPTH_MAX	32	/* PS3.10 8.2 allows 8; copies of media lie a little deeper */
#define FOLDER_PATH_MAX		4096

struct folder {
	int root;
	char **v;
	size_t n, cap;
};

static int add(struct folder *f, const char *path, struct err *err)
{
	if (f->n == FOLDER_FILES_MAX)
		return err_set(err, ERR_DATA, "more than %d files", FOLDER_FILES_MAX);
	if (f->n == f->cap) {
		size_t cap = f->cap ? 2 * f->cap : 256;
		char **v = realloc(f->v, cap * sizeof *v);

		if (!v)
			return err_set(err, ERR_TEMP, "no memory to list a folder");
		f->v = v;
		f->cap = cap;
	}
	if (!(f->v[f->n] = text_dup(path, err)))
		return err_rc(err->kind);
	f->n++;
	return RC_OK;
}

/* Below root, through no link, though a component may have been replaced since it was listed. */
static int beneath(int root, const char *path, int flags)
{
	struct open_how how = { .flags = (uint64_t)(flags | O_CLOEXEC | O_NOFOLLOW),
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS };
	int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);

	if (fd < 0 && errno == ENOSYS)	/* Linux before 5.6 */
		fd = openat(root, path, flags | O_CLOEXEC | O_NOFOLLOW);
	return fd;
}

/* Adds what lies in path (relative, "" the root); directories go onto the stack. */
static int list(struct folder *f, const char *path, struct folder *stack, struct err *err)
{
	char full[FOLDER_PATH_MAX];
	struct dirent *e = NULL;
	struct stat st;
	DIR *d = NULL;
	int fd = beneath(f->root, path[0] ? path : ".", O_RDONLY | O_DIRECTORY), rc = RC_OK;
	size_t depth = 0;

	if (fd < 0 || !(d = fdopendir(fd))) {
		rc = err_sys(err, errno, "cannot list a folder");
		if (fd >= 0)
			close(fd);
		return rc;
	}
	for (const char *p = path; *p; p++)
		depth += *p == '/';
	while (rc == RC_OK && (errno = 0, e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (strlen(path) + strlen(e->d_name) + 2 > sizeof full || depth >= FOLDER_DEPTH_MAX) {
			rc = err_set(err, ERR_DATA, "folders are nested too deeply");
			break;
		}
		text_copy(full, sizeof full, path);
		if (path[0])
			text_copy(full + strlen(full), sizeof full - strlen(full), "/");
		text_copy(full + strlen(full), sizeof full - strlen(full), e->d_name);
		if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
			rc = add(stack, full, err);
		else
			rc = add(f, full, err);	/* links, devices, what cannot be looked at: each is accounted for */
	}
	if (rc == RC_OK && errno)
		rc = err_sys(err, errno, "cannot list a folder");
	closedir(d);
	return rc;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int folder_open(struct folder **out, int dirfd, struct err *err)
{
	struct folder *f = calloc(1, sizeof *f), stack = { .root = -1 };
	int rc = RC_OK;

	*out = NULL;
	if (!f) {
		close(dirfd);
		return err_set(err, ERR_TEMP, "no memory to list a folder");
	}
	f->root = dirfd;
	rc = list(f, "", &stack, err);
	while (rc == RC_OK && stack.n) {
		char *path = stack.v[--stack.n];

		rc = list(f, path, &stack, err);
		if (rc != RC_OK && err->kind == ERR_IO)	/* a scratch: the folder stands for what is in it */
			rc = add(f, path, err);
		free(path);
	}
	while (stack.n)
		free(stack.v[--stack.n]);
	free(stack.v);
	if (rc != RC_OK) {
		folder_free(f);
		return rc;
	}
	if (f->n)
		qsort(f->v, f->n, sizeof *f->v, by_name);	/* the same folder gives the same numbers */
	*out = f;
	return RC_OK;
}

size_t folder_count(const struct folder *f)
{
	return f->n;
}

const char *folder_name(const struct folder *f, size_t i)
{
	return f->v[i];
}

int folder_file(const struct folder *f, size_t i, int *fd, struct err *err)
{
	struct stat st;

	*fd = beneath(f->root, f->v[i], O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (*fd < 0 && errno == ELOOP)
		return err_set(err, ERR_DATA, "a symbolic link");
	if (*fd < 0)
		return err_sys(err, errno, "cannot be opened");
	if (fstat(*fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(*fd);
		*fd = -1;
		return err_set(err, ERR_DATA, S_ISDIR(st.st_mode) ? "a folder that cannot be listed" : "no regular file");
	}
	return RC_OK;
}

void folder_free(struct folder *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n; i++)
		free(f->v[i]);
	free(f->v);
	if (f->root >= 0)
		close(f->root);
	free(f);
}
