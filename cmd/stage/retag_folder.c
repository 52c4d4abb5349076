/* Work without a spool: folders of DICOM files in, whole ordinary files out. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"
#include "stage/retag.h"

#define FOLDERS_MAX	1024
#define FILES_MAX	200000	/* of one folder */
#define DEPTH_MAX	8
#define OUT_MAX		100000	/* numbers tried under -o */
#define DICOMDIR	"1.2.840.10008.1.3.10"	/* Media Storage Directory: made anew by whoever writes media */
#define COPY_STEP	((size_t)1 << 20)

struct folder {
	struct cli_input in;
	char *path, *ref;
	int fd;
	char **files; size_t nfiles, cap;
	size_t others;		/* not DICOM, or a DICOMDIR */
	char study[65], date[9], modalities[257], id[257], issuer[257];
	bool bad;		/* said already */
};

struct folders {
	struct retag *r;
	struct folder *v; size_t n;
	struct order *order;
	char order_sha[HASH_HEX];
	int out;
	char out_path[PATH_MAX];
};

static int add_file(struct folder *f, const char *name, struct err *err)
{
	if (f->nfiles == f->cap) {
		size_t cap = f->cap ? f->cap * 2 : 256;
		char **v = f->nfiles < FILES_MAX ? realloc(f->files, cap * sizeof *v) : NULL;

		if (v == NULL)
			return err_set(err, ERR_DATA, "more files than %d, or no memory", FILES_MAX);
		f->files = v;
		f->cap = cap;
	}
	f->files[f->nfiles] = text_dup(name, err);
	return f->files[f->nfiles++] != NULL ? RC_OK : err_rc(err->kind);
}

static int list(struct folder *f, const char *at, int depth, struct err *err)
{
	int fd = openat(f->fd, at, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), rc = RC_OK;
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e = NULL;

	if (d == NULL) {
		rc = err_sys(err, errno, "cannot read the folder");
		if (fd >= 0)
			close(fd);
		return rc;
	}
	while (rc == RC_OK && (e = readdir(d)) != NULL) {
		char name[PATH_MAX];
		struct stat st;

		if (e->d_name[0] == '.' ||
		    snprintf(name, sizeof name, "%s%s%s", strcmp(at, ".") ? at : "", strcmp(at, ".") ? "/" : "",
		    e->d_name) >= (int)sizeof name || fstatat(f->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		if (S_ISREG(st.st_mode))
			rc = add_file(f, name, err);
		else if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
			rc = list(f, name, depth + 1, err);
	}
	closedir(d);
	return rc;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int take(char *to, size_t cap, const json_t *key, const char *name, const char *what, struct err *err)
{
	const char *v = json_string_value(json_object_get(key, name));

	if (v == NULL)
		v = "";
	if (to[0] == '\0')
		text_copy(to, cap, v);
	else if (strcmp(to, v) != 0)
		return err_set(err, ERR_PERSON, "holds more than one %s", what);
	return RC_OK;
}

static void add_modality(struct folder *f, const json_t *key)
{
	const char *m = json_string_value(json_object_get(key, "modality"));
	size_t n = m != NULL ? strlen(m) : 0, at = strlen(f->modalities);
	const char *s = f->modalities;

	if (n == 0 || at + n + 2 > sizeof f->modalities)
		return;
	while ((s = strstr(s, m)) != NULL) {
		if ((s == f->modalities || s[-1] == '\\') && (s[n] == '\0' || s[n] == '\\'))
			return;
		s += n;
	}
	if (at > 0)
		f->modalities[at++] = '\\';
	text_copy(f->modalities + at, sizeof f->modalities - at, m);
}

/* Which study is it? One folder is one study of one patient. */
static int key_of(struct retag *r, struct folder *f, size_t i, bool *object, struct err *err)
{
	struct age_key plain;
	json_t *key = NULL;
	const char *class = NULL;
	int fd = openat(f->fd, f->files[i], O_RDONLY | O_NOFOLLOW | O_CLOEXEC), rc = RC_OK;

	*object = false;
	memset(&plain, 0, sizeof plain);
	if (fd < 0)
		return err_sys(err, errno, "cannot open file %zu of the folder", i + 1);
	rc = retag_ask(r, RETAG_KEY, fd, &plain, NULL, NULL, &key, err);
	if (rc != RC_OK)
		return err->kind == ERR_DATA && text_starts(err->text, "not DICOM") ? RC_OK : err_wrap(err,
		    "file %zu", i + 1);
	class = json_string_value(json_object_get(key, "class"));
	if (class == NULL || strcmp(class, DICOMDIR) != 0) {
		*object = true;
		rc = take(f->study, sizeof f->study, key, "study", "study", err);
		if (rc != RC_OK)
			err_advise(err, "sort it first: mri-unpack -o DIR FOLDER makes a folder a study");
		else if ((rc = take(f->id, sizeof f->id, key, "id", "patient", err)) == RC_OK)
			rc = take(f->issuer, sizeof f->issuer, key, "issuer", "issuer of patient ids", err);
		if (f->date[0] == '\0')
			text_copy(f->date, sizeof f->date, json_string_value(json_object_get(key, "date")));
		add_modality(f, key);
	}
	json_decref(key);
	return rc;
}

static int scan(struct folders *fs, struct folder *f, struct err *err)
{
	struct stat st;
	size_t i = 0, n = 0;
	int rc = RC_OK;

	f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->fd < 0)
		return err_sys(err, errno, "cannot open the folder");
	/* As mri-unpack -o lays it out, or any other folder */
	rc = list(f, fstatat(f->fd, "original", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) &&
	    faccessat(f->fd, "manifest", F_OK, 0) == 0 ? "original" : ".", 0, err);
	if (rc == RC_OK)
		rc = retag_worker_ready(fs->r, NULL, err);
	if (f->nfiles > 1)
		qsort(f->files, f->nfiles, sizeof *f->files, by_name);
	for (i = 0; rc == RC_OK && i < f->nfiles; i++) {
		bool object = false;

		rc = retag_worker_ready(fs->r, NULL, err);
		if (rc == RC_OK)
			rc = key_of(fs->r, f, i, &object, err);
		if (rc == RC_OK && object) {
			char *swap = f->files[n];

			f->files[n++] = f->files[i];
			f->files[i] = swap;
		}
	}
	if (rc == RC_OK && n == 0)
		rc = err_set(err, ERR_NOINPUT, "holds no DICOM object");
	f->others = f->nfiles - n;
	for (i = n; rc == RC_OK && i < f->nfiles; i++)
		free(f->files[i]);
	if (rc == RC_OK)
		f->nfiles = n;
	return rc;
}

static int copy_range(int from, uint64_t off, uint64_t n, int to, struct err *err)
{
	loff_t at = (loff_t)off;
	char *buf = NULL;
	int rc = RC_OK;

	while (n > 0) {
		ssize_t got = copy_file_range(from, &at, to, NULL, n < SSIZE_MAX ? (size_t)n : SSIZE_MAX, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n -= (uint64_t)got;
	}
	if (n == 0)
		return RC_OK;
	/* Other filesystems, pipes to a network share, old kernels */
	if ((buf = malloc(COPY_STEP)) == NULL)
		return err_set(err, ERR_TEMP, "no memory");
	while (rc == RC_OK && n > 0) {
		size_t step = n < COPY_STEP ? (size_t)n : COPY_STEP, got = 0;

		rc = io_pread_full(from, buf, step, (uint64_t)at, &got, err);
		if (rc == RC_OK && got == 0)
			rc = err_set(err, ERR_DATA, "the file became shorter");
		if (rc == RC_OK)
			rc = io_write_full(to, buf, got, err);
		at += (loff_t)got;
		n -= got;
	}
	free(buf);
	return rc;
}

static int write_file(int dir, size_t number, int from, const struct pieces *p, struct err *err)
{
	char name[32];
	size_t i = 0;
	int fd = -1, rc = RC_OK;

	snprintf(name, sizeof name, "%05zu.dcm", number);
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, errno, "cannot create %s", name);
	for (i = 0; rc == RC_OK && i < p->n; i++) {
		const struct piece *q = &p->v[i];

		rc = q->from == PIECE_NEW ? io_write_full(fd, p->bytes.data + q->off, (size_t)q->len, err)
		    : copy_range(from, q->off, q->len, fd, err);
	}
	if (close(fd) != 0 && rc == RC_OK)
		rc = err_sys(err, errno, "cannot write %s", name);
	return rc;
}

/* DIR/.n, which becomes DIR/n when it is whole. */
static int stage_open(struct folders *fs, int *number, int *dir, struct err *err)
{
	char name[32];
	int n = 0;

	for (n = 1; n < OUT_MAX; n++) {
		snprintf(name, sizeof name, "%d", n);
		if (faccessat(fs->out, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			continue;
		snprintf(name, sizeof name, ".%d", n);
		if (mkdirat(fs->out, name, 0700) == 0) {
			*number = n;
			*dir = openat(fs->out, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			return *dir >= 0 ? RC_OK : err_sys(err, errno, "cannot open the output folder");
		}
		if (errno != EEXIST)
			return err_sys(err, errno, "cannot make a folder under -o");
	}
	return err_set(err, ERR_CANTCREAT, "more than %d folders under -o", OUT_MAX);
}

static void stage_drop(struct folders *fs, int number, int dir)
{
	char name[32];
	size_t i = 0;

	for (i = 1; i <= FILES_MAX; i++) {
		snprintf(name, sizeof name, "%05zu.dcm", i);
		if (unlinkat(dir, name, 0) != 0)
			break;
	}
	snprintf(name, sizeof name, ".%d", number);
	(void)unlinkat(fs->out, name, AT_REMOVEDIR);
}

static int stage_publish(struct folders *fs, int number, int dir, struct err *err)
{
	char from[32], to[32];

	snprintf(from, sizeof from, ".%d", number);
	snprintf(to, sizeof to, "%d", number);
	if (syncfs(dir) != 0)
		return err_sys(err, errno, "cannot sync the output folder");
	if (renameat2(fs->out, from, fs->out, to, RENAME_NOREPLACE) != 0)
		return err_sys(err, errno, "cannot publish the output folder");
	return io_fsync(fs->out, err);
}

static int make_plan(struct folders *fs, size_t self, json_t **plan, struct err *err)
{
	struct study_key *keys = calloc(fs->n, sizeof *keys);
	struct plan_input in = {
		.order = fs->order, .entry = ORDER_UNSCHEDULED, .order_sha256 = fs->order_sha,
		    .manifest_sha256 = "",
		.time = time_now(), .version = PLAN_TOOL " " MRI_VERSION, .organisation = "",
		    .station = fs->r->station,
		.sets = fs->r->sets, .nsets = fs->r->nsets, .map = fs->r->rules,
	};
	size_t i = 0, n = 0, at = 0;
	int rc = RC_OK;

	if (keys == NULL)
		return err_set(err, ERR_TEMP, "no memory");
	for (i = 0; i < fs->n; i++) {
		if (fs->v[i].bad)
			continue;
		if (i == self)
			at = n;
		keys[n++] = (struct study_key){ fs->v[i].study, fs->v[i].date, fs->v[i].modalities };
	}
	rc = order_match(fs->order, keys, n, at, &in.entry, err);
	if (rc == RC_OK)
		rc = plan_make(plan, &in, err);
	free(keys);
	return rc;
}

static int show(struct folders *fs, struct folder *f, const json_t *plan, struct err *err)
{
	struct retag_old *old = NULL;
	struct age_key plain;
	size_t i = 0;
	int rc = retag_old_new(&old, err);

	memset(&plain, 0, sizeof plain);
	for (i = 0; rc == RC_OK && i < f->nfiles; i++) {
		json_t *values = NULL;
		int fd = openat(f->fd, f->files[i], O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

		rc = fd < 0 ? err_sys(err, errno, "cannot open file %zu", i + 1)
		    : retag_ask(fs->r, RETAG_OLD, fd, &plain, NULL, NULL, &values, err);
		if (rc == RC_OK)
			rc = retag_old_add(old, values, err);
		json_decref(values);
	}
	if (rc == RC_OK)
		retag_old_print(old, fs->r->cli, f->path, f->path, plan);
	retag_old_free(old);
	return rc;
}

static int write_folder(struct folders *fs, struct folder *f, char path[PATH_MAX + 16], int *signatures,
    struct err *err)
{
	struct age_key plain;
	size_t i = 0;
	int number = 0, dir = -1, rc = stage_open(fs, &number, &dir, err);

	memset(&plain, 0, sizeof plain);
	for (i = 0; rc == RC_OK && i < f->nfiles; i++) {
		struct pieces p = { 0 };
		struct plan_report report = { 0 };
		int fd = openat(f->fd, f->files[i], O_RDONLY | O_NOFOLLOW | O_CLOEXEC), lent = -1;

		if (fd < 0 || (lent = fcntl(fd, F_DUPFD_CLOEXEC, 0)) < 0)
			rc = err_sys(err, errno, "cannot open file %zu", i + 1);
		else if ((rc = retag_ask(fs->r, RETAG_APPLY, lent, &plain, &p, &report, NULL, err)) != RC_OK)
			err_wrap(err, "file %zu", i + 1);
		if (rc == RC_OK)
			rc = write_file(dir, i + 1, fd, &p, err);
		*signatures += report.signatures;
		pieces_free(&p);
		if (fd >= 0)
			close(fd);
	}
	if (rc == RC_OK)
		rc = stage_publish(fs, number, dir, err);
	if (rc != RC_OK && dir >= 0)
		stage_drop(fs, number, dir);
	if (dir >= 0)
		close(dir);
	snprintf(path, PATH_MAX + 16, "%s/%d", fs->out_path, number);
	return rc;
}

static void folder(struct folders *fs, size_t self)
{
	struct folder *f = &fs->v[self];
	struct err err = { 0 };
	char path[PATH_MAX + 16] = "";
	json_t *plan = NULL, *more = NULL;
	int signatures = 0, rc = make_plan(fs, self, &plan, &err);

	if (rc == RC_OK)
		rc = retag_worker_ready(fs->r, plan, &err);
	if (rc == RC_OK && (fs->r->plan || fs->r->cli->dry_run))
		rc = show(fs, f, plan, &err);
	else if (rc == RC_OK && (rc = write_folder(fs, f, path, &signatures, &err)) == RC_OK) {
		if (f->others > 0)
			cli_warn(fs->r->cli, f->path,
			    "%zu files that are no DICOM objects were passed over", f->others);
		if (signatures > 0)
			cli_warn(fs->r->cli, f->path,
			    "digital signatures of %d objects no longer held and are gone", signatures);
		more = json_make(&err, "{s:I}", "objects", (json_int_t)f->nfiles);
		cli_receipt(fs->r->cli, &(struct cli_receipt){ .in = &f->in, .path = path, .ref = f->ref,
		    .status = "ok",
		    .more = more });
	}
	if (rc != RC_OK)
		cli_fail(fs->r->cli, &f->in, f->path, &err);
	cli_count(fs->r->cli, "items", 1);
	cli_count(fs->r->cli, rc == RC_OK ? "done" : "failed", 1);
	json_decref(plan);
	json_decref(more);
}

static int prepare(struct folders *fs, struct err *err)
{
	struct buf b = BUF_INIT(ORDER_MAX);
	const char *out = fs->r->out != NULL ? fs->r->out : ".";
	int rc = io_slurp(AT_FDCWD, fs->r->order, &b, err);

	if (rc == RC_OK)
		rc = order_parse(b.data, b.len, fs->r->order, &fs->order, err);
	if (rc == RC_OK)
		rc = hash_hex(b.data, b.len, fs->order_sha, err);
	buf_wipe(&b);
	if (rc != RC_OK || fs->r->plan || fs->r->cli->dry_run)
		return rc;
	if (mkdir(out, 0700) != 0 && errno != EEXIST)
		return err_sys(err, errno, "cannot make %s", out);
	fs->out = open(out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fs->out < 0 || realpath(out, fs->out_path) == NULL)
		return err_sys(err, errno, "cannot open %s", out);
	return RC_OK;
}

static int add_folder(struct folders *fs, const struct cli_input *in, struct err *err)
{
	struct folder *v = fs->n < FOLDERS_MAX ? realloc(fs->v, (fs->n + 1) * sizeof *v) : NULL;

	if (v == NULL)
		return err_set(err, ERR_TEMP, "more than %d folders, or no memory", FOLDERS_MAX);
	fs->v = v;
	v = &fs->v[fs->n];
	memset(v, 0, sizeof *v);
	v->fd = -1;
	v->path = text_dup(in->path, err);
	v->ref = in->ref != NULL ? text_dup(in->ref, err) : NULL;
	if (v->path == NULL)
		return err_rc(err->kind);
	v->in = (struct cli_input){ .number = in->number, .path = v->path, .ref = v->ref };
	fs->n++;
	return RC_OK;
}

void retag_folders(struct retag *r)
{
	struct folders fs = { .r = r, .out = -1 };
	struct cli_input in = { 0 };
	struct err err = { 0 };
	size_t i = 0, k = 0;

	if (prepare(&fs, &err) != RC_OK)
		cli_die(r->cli, &err);
	while (cli_next(r->cli, &in)) {
		if (add_folder(&fs, &in, &err) != RC_OK)
			cli_die(r->cli, &err);
	}
	for (i = 0; i < fs.n && !cli_stopped(); i++) {
		if (scan(&fs, &fs.v[i], &err) != RC_OK) {
			fs.v[i].bad = true;
			cli_fail(r->cli, &fs.v[i].in, fs.v[i].path, &err);
			cli_count(r->cli, "items", 1);
			cli_count(r->cli, "failed", 1);
		}
	}
	for (i = 0; i < fs.n && !cli_stopped(); i++) {
		if (!fs.v[i].bad)
			folder(&fs, i);
	}
	for (i = 0; i < fs.n; i++) {
		for (k = 0; k < fs.v[i].nfiles; k++)
			free(fs.v[i].files[k]);
		free(fs.v[i].files);
		free(fs.v[i].path);
		free(fs.v[i].ref);
		if (fs.v[i].fd >= 0)
			close(fs.v[i].fd);
	}
	free(fs.v);
	order_free(fs.order);
	if (fs.out >= 0)
		close(fs.out);
}
