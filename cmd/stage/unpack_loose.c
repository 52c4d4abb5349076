/* Work without a spool: archives, folders and files, together, as items of a folder. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/text.h"
#include "stage/unpack_impl.h"

/* An output folder is new, or empty: what lies there is never mixed with what comes. */
static int output_free(const char *dir, struct err *err)
{
	DIR *d = opendir(dir);
	struct dirent *e = NULL;
	int rc = RC_OK;

	if (!d)
		return errno == ENOENT ? RC_OK : err_sys(err, errno, "cannot open the output folder");
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && !text_starts(e->d_name, ".staging-")) {
			rc = err_set(err, ERR_CANTCREAT, "the output folder is not empty");
			break;
		}
	closedir(d);
	return rc;
}

/* The record beside the items, as in a spool: mri-check finds there what the media say of themselves. */
static int loose_record(struct unpack_run *run, struct err *err)
{
	struct buf record = BUF_INIT(0);
	int fd = open(run->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 ? err_sys(err, errno, "cannot open the output folder") : unpack_record(run, &record, err);

	if (rc == RC_OK)
		rc = io_replace(fd, "unpack", record.data, record.len, 0600, err);
	if (fd >= 0)
		close(fd);
	buf_wipe(&record);
	return rc;
}

void stage_unpack_loose(struct cli *cli, const struct unpack_loose *v, size_t n, const char *dir,
    const struct unpack_how *how)
{
	struct unpack_run run = { .cli = cli, .dir = dir, .password = &how->password, .names = how->names };
	struct err err = { 0 };
	int rc = RC_OK;

	if (!(run.packages = calloc(n + 1, sizeof *run.packages)))
		rc = err_set(&err, ERR_TEMP, "no memory to unpack");
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		struct unpack_package *p = &run.packages[run.npackages++];

		claim_init(&p->claim);
		p->n = (int)i + 1;
		p->in = &v[i].in;
		p->path = v[i].path;
	}
	if (rc == RC_OK && !cli->dry_run) {
		rc = output_free(dir, &err);
		if (rc == RC_OK)
			rc = staging_new_dir(&run.staging, dir, &err);
	}
	if (rc == RC_OK)
		rc = unpack_read_all(&run, &err);
	if (rc == RC_OK && !cli->dry_run)
		for (size_t i = 0; rc == RC_OK && i < run.nitems; i++)
			rc = unpack_publish(&run, i, &err);
	if (rc == RC_OK && !cli->dry_run && run.nitems)
		rc = loose_record(&run, &err);
	if (rc == RC_OK) {
		unpack_count(&run);
		unpack_say(&run);
		if (cli->dry_run)
			unpack_plan(&run);
		else
			unpack_answer_loose(&run);
		for (size_t i = 0; i < run.npackages; i++) {
			struct unpack_package *p = &run.packages[i];
			char shown[SPOOL_PATH_MAX];

			if (p->failed) {
				err_set(&err, p->kind, "%s", p->reason ? p->reason : "");
				if (p->locked)
					err_advise(&err, UNPACK_LOCKED_ADVICE);
				cli_fail(cli, p->in, text_escape(shown, sizeof shown, p->path, strlen(p->path)), &err);
			} else if (p->partial) {
				cli_worse(cli, ERR_DATA);
			}
		}
	} else {
		cli_fail(cli, n ? &v[0].in : NULL, dir, &err);
	}
	staging_free(run.staging);
	unpack_free(&run);
}
