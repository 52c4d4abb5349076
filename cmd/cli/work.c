#include "cli/work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static int open_at(struct cli *cli, struct work *w, enum spool_need need, const char *dir, struct err *err)
{
	const struct config *c = cli->config;
	int rc = config_identity(c, getenv("CREDENTIALS_DIRECTORY"), getenv("HOME"), w->identity,
	    sizeof(w->identity), err);

	if (rc && need == SPOOL_SECRET)
		return rc;
	if (rc)
		w->identity[0] = '\0';
	struct spool_settings settings = {
		.retention = c->retention, .encrypt = c->encrypt, .keep_package = c->keep_package,
		.identity = w->identity[0] ? w->identity : NULL, .gone_period = c->gone_period,
		.link_period = c->link_period, .record_period = c->record_period,
	};
	if ((rc = ident_get(&w->ident, cli_sudo_uid(), err)) || (rc = spool_open(&w->spool, dir, need, &settings, err)))
		return rc;
	if ((rc = audit_open(&w->audit, spool_audit_dir(w->spool), &w->ident, spool_organisation(w->spool), err))) {
		err_wrap(err, "audit log");
		work_close(w);
		return rc;
	}
	if (!spool_encrypts(w->spool))
		cli_warn(cli, NULL, "this spool is not encrypted (encrypt = no)");
	return RC_OK;
}

int work_open(struct cli *cli, struct work *w, enum spool_need need, bool must, struct err *err)
{
	memset(w, 0, sizeof(*w));
	if (cli->spool_dir && *cli->spool_dir)
		return open_at(cli, w, need, cli->spool_dir, err);
	if (!must)
		return RC_OK;
	int rc = err_set(err, ERR_CONFIG, "no spool is named");
	err_advise(err, "give -s DIR, set MRI_SPOOL, or make one: mri-spool init DIR");
	return rc;
}

/* The spool's own mri.conf counts where no other file did (30-cli). */
static int config_of(struct cli *cli, const char *dir, struct err *err)
{
	char path[SPOOL_PATH_MAX + 16];
	const char *files[] = { path, NULL };
	struct config *c = NULL;

	if (cli->config->source)
		return RC_OK;
	snprintf(path, sizeof(path), "%s/mri.conf", dir);
	int rc = config_load(&c, CONFIG_POLICY, files, false, err);
	if (rc)
		return rc;
	config_free(cli->config);
	cli->config = c;
	return RC_OK;
}

int work_open_for(struct cli *cli, struct work *w, enum spool_need need, const char *path, struct err *err)
{
	char dir[SPOOL_PATH_MAX];
	int rc;

	if (w->spool)
		return RC_OK;
	if ((rc = spool_find(path, dir, err)) || !dir[0])
		return rc;
	if ((rc = config_of(cli, dir, err)))
		return rc;
	return open_at(cli, w, need, dir, err);
}

void work_close(struct work *w)
{
	audit_close(w->audit);
	spool_close(w->spool);
	w->audit = NULL;
	w->spool = NULL;
}

int work_items(struct work *w, const struct spool_ref *ref, work_item_fn *fn, void *arg, struct err *err)
{
	enum { STUDIES_MAX = 4096 };	/* studies of one import */
	struct import *import = NULL;
	int *studies = NULL;
	size_t n = 0;
	bool papers = false;
	int rc = RC_OK;

	if (ref->kind != SPOOL_IMPORT && ref->kind != SPOOL_ITEM)
		return err_set(err, ERR_USAGE, "names neither an import nor an item");
	if ((rc = import_open(&import, w->spool, ref->id, IMPORT_COMMITTED, err)))
		return rc;
	if (ref->kind == SPOOL_ITEM) {
		rc = fn(import, ref->study, arg, err);
		goto out;
	}
	if (!(studies = calloc(STUDIES_MAX, sizeof(*studies)))) {
		rc = err_set(err, ERR_TEMP, "no memory");
		goto out;
	}
	if ((rc = item_each(import, studies, STUDIES_MAX, &n, &papers, err)))
		goto out;
	if (n == 0 && !papers) {
		rc = err_set(err, ERR_PERSON, "the import has no items yet");
		err_advise(err, "run mri-unpack on it first");
		goto out;
	}
	for (size_t i = 0; i < n && !rc; i++)
		rc = fn(import, studies[i], arg, err);
	if (!rc && papers)
		rc = fn(import, ITEM_PAPERS, arg, err);
out:
	free(studies);
	import_close(import);
	return rc;
}

int work_create_outside(const char *path, int *fd, struct err *err)
{
	char spool[SPOOL_PATH_MAX] = "";
	int rc = spool_find(path, spool, err);

	if (!rc && spool[0])
		rc = err_set(err, ERR_CANTCREAT, "this file does not go into a spool: name one outside");
	return rc ? rc : cli_create_file(path, fd, err);
}
