/* What a path on a command line means, and back. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "spool/private.h"

/* realpath(3) of what is there of path, and the rest as written: what was purged still has a path. */
static bool real_path(const char *path, char out[SPOOL_PATH_MAX])
{
	char at[SPOOL_PATH_MAX];
	char *real = NULL;
	size_t cut = strlen(path);
	if (cut == 0 || !text_copy(at, sizeof(at), path))
		return false;
	while ((real = realpath(at, NULL)) == NULL) {
		if (errno != ENOENT && errno != ENOTDIR)
			return false;
		while (cut > 0 && at[cut - 1] == '/')
			cut--;
		while (cut > 0 && at[cut - 1] != '/')
			cut--;
		if (cut == 0) {
			real = realpath(".", NULL);
			break;
		}
		at[cut] = '\0';
	}
	if (real == NULL)
		return false;
	int n = snprintf(out, SPOOL_PATH_MAX, "%s%s%s", real, path[cut] != '\0' ? "/" : "", path + cut);
	free(real);
	return n > 0 && n < SPOOL_PATH_MAX;
}

int spool_find(const char *path, char out[SPOOL_PATH_MAX], struct err *err)
{
	char at[SPOOL_PATH_MAX];
	(void)err;
	out[0] = '\0';
	if (!real_path(path[0] != '\0' ? path : ".", at))
		return RC_OK;
	for (;;) {
		struct buf b = BUF_INIT(PLAIN_MAX);
		struct err ignore;
		bool ours = false;
		int fd = open(at[0] != '\0' ? at : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0) {
			ours = file_read(fd, NAME_VERSION, &b, &ignore) == RC_OK &&
			    text_starts(b.data, "mri-spool ");
			close(fd);
			buf_free(&b);
		}
		if (ours) {
			text_copy(out, SPOOL_PATH_MAX, at);
			return RC_OK;
		}
		char *slash = strrchr(at, '/');
		if (slash == NULL)
			return RC_OK;
		*slash = '\0';
	}
}

bool spool_is_id(const char *s)
{
	time_t t = 0;
	if (s == NULL || strlen(s) != SPOOL_ID_LEN || s[16] != '-' || !time_parse_compact(s, &t))
		return false;
	for (int i = 17; i < SPOOL_ID_LEN; i++)
		if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'z')))
			return false;
	return true;
}

static bool number(const char *s, int *n)
{
	uint64_t u = 0;
	if (s == NULL || !text_u64(s, NUMBER_MAX, &u) || u == 0)
		return false;
	*n = (int)u;
	return true;
}

/* "<id>[/…]" → ref; kind stays SPOOL_NOT when it is nothing of ours */
static void parse_parts(char *text, struct spool_ref *ref)
{
	char *part[6] = { NULL };
	char *save = NULL;
	size_t n = 0;
	for (char *p = strtok_r(text, "/", &save); p != NULL; p = strtok_r(NULL, "/", &save)) {
		if (n == 5)
			return;
		part[n++] = p;
	}
	if (n == 0 || !spool_is_id(part[0]))
		return;
	text_copy(ref->id, sizeof(ref->id), part[0]);
	if (n == 1) {
		ref->kind = SPOOL_IMPORT;
		return;
	}
	if (n == 3 && strcmp(part[1], NAME_PACKAGE) == 0) {
		if (number(part[2], &ref->number))
			ref->kind = SPOOL_PACKAGE;
		return;
	}
	size_t used = 2;
	if (strcmp(part[1], NAME_STUDY) == 0) {
		if (!number(part[2], &ref->study))
			return;
		used = 3;
	} else if (strcmp(part[1], NAME_PAPERS) != 0) {
		return;
	}
	if (n == used) {
		ref->kind = SPOOL_ITEM;
	} else if (n == used + 2 && number(part[used + 1], &ref->number)) {
		if (strcmp(part[used], NAME_ORIGINAL) == 0 && used == 3)
			ref->kind = SPOOL_OBJECT;
		else if (strcmp(part[used], NAME_DOCUMENT) == 0)
			ref->kind = SPOOL_DOCUMENT;
	}
}

int spool_resolve(const struct spool *sp, const char *path, struct spool_ref *ref, struct err *err)
{
	char text[SPOOL_PATH_MAX];
	char real[SPOOL_PATH_MAX];
	const char *rest = path;
	size_t n = strlen(sp->path);
	(void)err;
	memset(ref, 0, sizeof(*ref));
	if (strlen(path) >= sizeof(text))
		return RC_OK;
	if (strlen(path) < SPOOL_ID_LEN || !text_copyn(text, sizeof(text), path, SPOOL_ID_LEN) ||
	    !spool_is_id(text) || (path[SPOOL_ID_LEN] != '\0' && path[SPOOL_ID_LEN] != '/')) {
		if (!real_path(path, real) || strncmp(real, sp->path, n) != 0 || real[n] != '/')
			return RC_OK;
		rest = real + n + 1;
		if (text_starts(rest, "import/"))
			rest += strlen("import/");
		else if (text_starts(rest, "incoming/"))
			rest += strlen("incoming/");
		else
			return RC_OK;
	}
	if (text_copy(text, sizeof(text), rest))
		parse_parts(text, ref);
	if (ref->kind == SPOOL_NOT)
		memset(ref, 0, sizeof(*ref));
	return RC_OK;
}

void spool_ref_text(const struct spool_ref *ref, char out[128])
{
	char item[32] = "";
	if (ref->study > 0)
		snprintf(item, sizeof(item), NAME_STUDY "/%d", ref->study);
	else
		text_copy(item, sizeof(item), NAME_PAPERS);
	out[0] = '\0';
	switch (ref->kind) {
	case SPOOL_NOT:
		break;
	case SPOOL_IMPORT:
		text_copy(out, 128, ref->id);
		break;
	case SPOOL_PACKAGE:
		snprintf(out, 128, "%s/" NAME_PACKAGE "/%03d", ref->id, ref->number);
		break;
	case SPOOL_ITEM:
		snprintf(out, 128, "%s/%s", ref->id, item);
		break;
	case SPOOL_OBJECT:
		snprintf(out, 128, "%s/%s/" NAME_ORIGINAL "/%05d", ref->id, item, ref->number);
		break;
	case SPOOL_DOCUMENT:
		snprintf(out, 128, "%s/%s/" NAME_DOCUMENT "/%03d", ref->id, item, ref->number);
		break;
	}
}

void spool_ref_path(const struct spool *sp, const struct spool_ref *ref, char out[SPOOL_PATH_MAX])
{
	char text[128];
	spool_ref_text(ref, text);
	int n = snprintf(out, SPOOL_PATH_MAX, "%s/import/%s", sp->path, text);
	if (n < 0 || n >= SPOOL_PATH_MAX)
		out[0] = '\0';
}
