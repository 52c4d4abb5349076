/* The regular files below a folder, for mri-check; links are not followed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "stage/check_unspooled.h"

#define FILES_MAX 100000 /* of one folder; the parent keeps a path and 1 KB of facts of each */
#define DEPTH_MAX 32 /* media nest 4 deep */

static int
add_file(struct check_files *l, const char *path, struct err *err)
{
	if (l->n == FILES_MAX)
		return err_set(err, ERR_DATA, "more than %d files", FILES_MAX);
	if (l->n == l->cap) {
		size_t cap = l->cap * 2 + 64;
		char **grown = realloc(l->v, cap * sizeof *grown);
		if (grown == NULL)
			return err_set(err, ERR_TEMP, "no memory");
		l->v = grown;
		l->cap = cap;
	}
	l->v[l->n] = text_dup(path, err);
	if (l->v[l->n] == NULL)
		return err_rc(err->kind);
	l->n++;
	return RC_OK;
}

/* Below fd (taken). */
static int
list(int fd, const char *prefix, int depth, struct check_files *l, struct err *err)
{
	DIR *d = fdopendir(fd);
	struct dirent *e = NULL;
	char path[SPOOL_PATH_MAX];
	int rc = RC_OK;

	if (d == NULL) {
		rc = err_sys(err, errno, "cannot read the folder");
		close(fd);
		return rc;
	}
	while (rc == RC_OK && (e = readdir(d)) != NULL) {
		struct stat sb;
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (snprintf(path, sizeof path, "%s%s%s", prefix, *prefix != '\0' ? "/" : "",
			e->d_name) >= (int)sizeof path ||
		    fstatat(dirfd(d), e->d_name, &sb, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		if (S_ISREG(sb.st_mode)) {
			rc = add_file(l, path, err);
		} else if (S_ISDIR(sb.st_mode) && depth < DEPTH_MAX) {
			int sub =
			    openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			if (sub >= 0)
				rc = list(sub, path, depth + 1, l, err);
		}
	}
	closedir(d);
	return rc;
}

static int
by_path(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int
check_files_list(int fd, struct check_files *l, struct err *err)
{
	int rc = list(fd, "", 0, l, err);

	if (rc == RC_OK && l->n > 0)
		qsort(l->v, l->n, sizeof *l->v, by_path);
	return rc;
}

void
check_files_free(struct check_files *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
}
