#include "stage/spoolcmd.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/text.h"
#include "crypt/keys.h"
#include "spool/fsck.h"

#define TOOL	"mri-spool"

/* ---- init ---- */

static void next_steps(struct cli *cli, const char *dir, const char *identity)
{
	char to[AGE_TEXT_MAX] = "";
	struct age_identity id;
	struct err err = { 0 };

	if (cli->quiet)
		return;
	if (!cli->config->encrypt) {
		fprintf(stderr, "%s: warning: THIS SPOOL IS NOT ENCRYPTED (encrypt = no): patient data will lie in clear\n"
		    "%s: warning: on its disk, in its backups and in what is left of both after a purge\n", TOOL, TOOL);
	} else if (!keys_identity_load(identity, &id, &err)) {
		age_recipient_text(&id.to, to);
		age_identity_wipe(&id);
		fprintf(stderr, "%s: recipient %s\n", TOOL, to);
		fprintf(stderr, "%s: identity  %s\n", TOOL, identity);
		fprintf(stderr, "%s: keep a copy of the identity outside of this machine: without it nothing that is "
		    "held can be read\n", TOOL);
	}
	fprintf(stderr, "%s: next: export MRI_SPOOL=%s\n", TOOL, dir);
	fprintf(stderr, "%s: next: run mri-purge from cron or a timer, every minute to every hour\n", TOOL);
	fprintf(stderr, "%s: next: mri-fetch --order order.json | mri-unpack | mri-check | mri-retag | mri-send\n", TOOL);
}

/* The log is the last thing that init makes, and its first record is the init. */
static int start_audit(struct work *w, struct err *err)
{
	struct act *act = NULL;
	int rc = RC_OK;

	if ((rc = audit_create(spool_audit_dir(w->spool), err)) ||
	    (rc = audit_open(&w->audit, spool_audit_dir(w->spool), &w->ident, spool_organisation(w->spool), err)) ||
	    (rc = act_begin(&act, w->audit, TOOL, "init", NULL, NULL, AUDIT_NONE, err)))
		return rc;
	return act_end(act, "ok", NULL, err);
}

void spoolcmd_init(struct cli *cli, const char *dir, const char *organisation)
{
	const struct config *c = cli->config;
	struct work w = { 0 };
	struct spool_settings set = { .retention = c->retention, .encrypt = c->encrypt,
	    .keep_package = c->keep_package, .identity = w.identity };
	struct stat st = { 0 };
	struct err err = { 0 };
	bool unfinished = false;
	int rc = RC_OK;

	if (!organisation || !*organisation)
		cli_usage_error(cli, "whose spool is it? give --organisation NAME, or set [spool] organisation");
	if (c->encrypt)
		rc = config_identity(c, getenv("CREDENTIALS_DIRECTORY"), getenv("HOME"), w.identity, sizeof(w.identity),
		    &err);
	if (rc || (rc = ident_get(&w.ident, cli_sudo_uid(), &err)))
		goto out;
	if (cli->dry_run) {
		cli_print(cli, "would make a spool of %s in %s, %s", organisation, dir,
		    c->encrypt ? "sealed to the identity in" : "not encrypted");
		if (c->encrypt)
			cli_print(cli, "%s (%s)", w.identity, access(w.identity, F_OK) ? "to be made" : "is there");
		goto out;
	}
	if ((rc = spool_init(dir, organisation, &set, &err))) {
		if (err.kind != ERR_CANTCREAT || spool_open(&w.spool, dir, SPOOL_PUBLIC, &set, &(struct err){ 0 }))
			goto out;
		unfinished = fstatat(spool_audit_dir(w.spool), "log", &st, AT_SYMLINK_NOFOLLOW) != 0;
		if (!unfinished)
			goto out;
	} else if ((rc = spool_open(&w.spool, dir, SPOOL_PUBLIC, &set, &err)))
		goto out;
	if ((rc = start_audit(&w, &err)))
		goto out;
	if (unfinished)
		cli_note(cli, 1, NULL, "finished an init that had been interrupted");
	cli_receipt(cli, &(struct cli_receipt){ .path = spool_path(w.spool), .status = "ok", .again = unfinished });
	next_steps(cli, spool_path(w.spool), w.identity);
out:
	if (rc)
		cli_fail(cli, NULL, NULL, &err);
	work_close(&w);
}

/* ---- fsck ---- */

static void found(const struct fsck_finding *f, void *arg)
{
	struct cli *cli = arg;
	struct err err = { 0 };
	json_t *j = NULL;

	cli_count(cli, f->repaired ? "repaired" : "left", 1);
	if (!cli->json) {
		cli_print(cli, "%s: %s%s", f->id ? f->id : "spool", f->what, f->repaired ? " (repaired)" : "");
		return;
	}
	j = json_make(&err, "{s:i, s:s, s:s*, s:s, s:b}", "v", 1, "type", "fsck", "id", f->id, "what", f->what,
	    "repaired", (int)f->repaired);
	if (j)
		cli_print_json(cli, j);
	else
		cli_fail(cli, NULL, NULL, &err);
	json_decref(j);
}

/* The chain of the log: lib/spool knows no audit. */
static void verify_audit(struct cli *cli, struct work *w, int *left)
{
	struct fsck_finding broken = { 0 };
	char what[ERR_TEXT_MAX];
	uint64_t records = 0;
	struct err err = { 0 };

	if (!audit_verify(spool_audit_dir(w->spool), &records, &err)) {
		cli_count(cli, "audit_records", (long long)records);
		return;
	}
	snprintf(what, sizeof(what), "audit log: %.400s", err.text);
	broken.what = what;
	found(&broken, cli);
	++*left;
}

/*
 * With the identity where there is one: missing lines of history need verdicts, which are sealed. A log that is
 * broken does not stop this look: it is one of the things to find.
 */
static int open_for_fsck(struct cli *cli, struct work *w, bool deep, int *left, struct err *err)
{
	struct spool_settings set = { .retention = cli->config->retention };
	struct fsck_finding broken = { 0 };
	struct err first = { 0 };

	if (!work_open(cli, w, SPOOL_SECRET, true, &first))
		return RC_OK;
	*err = first;
	if (deep)
		return err_rc(err->kind);
	if (first.kind == ERR_DENIED || first.kind == ERR_CONFIG || first.kind == ERR_NOINPUT)
		if (!work_open(cli, w, SPOOL_PUBLIC, true, err))
			return RC_OK;
	if (!cli->spool_dir || spool_open(&w->spool, cli->spool_dir, SPOOL_PUBLIC, &set, &first))
		return err_rc(err->kind);
	broken.what = err->text;
	found(&broken, cli);
	++*left;
	return RC_OK;
}

void spoolcmd_fsck(struct cli *cli, bool deep)
{
	struct err err = { 0 }, audit = { 0 };
	struct act *act = NULL;
	struct work w = { 0 };
	json_t *n = NULL;
	int left = 0;
	int rc = open_for_fsck(cli, &w, deep, &left, &err);

	if (rc || (rc = act_begin(&act, w.audit, TOOL, "fsck", NULL, deep ? "deep" : NULL, AUDIT_NONE, &err)))
		goto out;
	verify_audit(cli, &w, &left);
	rc = fsck_run(w.spool, deep, !cli->dry_run, found, cli, &left, &err);
	n = json_make(&audit, "{s:i}", "left", left);
	if (act_end(act, rc ? "perm" : "ok", n, &audit))
		cli_fail(cli, NULL, "audit", &audit);
	if (left)
		cli_worse(cli, ERR_PERSON);
out:
	json_decref(n);
	if (rc)
		cli_fail(cli, NULL, NULL, &err);
	work_close(&w);
}

/* ---- key ---- */

static int key_of(struct work *w, const char *path, char id[SPOOL_ID_LEN + 1], char text[AGE_TEXT_MAX],
	struct err *err)
{
	struct spool_ref ref = { 0 };
	struct import *import = NULL;
	struct act *act = NULL;
	int i = 0, rc = spool_resolve(w->spool, path, &ref, err);

	if (rc)
		return rc;
	if (ref.kind == SPOOL_NOT)
		return err_set(err, ERR_NOINPUT, "names no import of this spool");
	text_copy(id, SPOOL_ID_LEN + 1, ref.id);
	for (i = IMPORT_COMMITTED; i >= IMPORT_INCOMING && !import; i--)
		rc = import_open(&import, w->spool, id, (enum import_where)i, err);
	if (!rc && !(rc = act_begin(&act, w->audit, TOOL, "key", id, NULL, AUDIT_NONE, err))) {
		if ((rc = import_identity_text(import, text, err)))
			act_end(act, "refused", NULL, &(struct err){ 0 });
		else
			rc = act_end(act, "ok", NULL, err);	/* no key leaves without its record */
	}
	import_close(import);
	return rc;
}

void spoolcmd_key(struct cli *cli)
{
	char id[SPOOL_ID_LEN + 1] = "", text[AGE_TEXT_MAX] = "";
	struct err err = { 0 };
	struct work w = { 0 };
	json_t *j = NULL;
	int i = 0;

	if (cli->argc < 2)
		cli_usage_error(cli, "key needs the id of an import");
	if (work_open(cli, &w, SPOOL_SECRET, true, &err)) {
		cli_fail(cli, NULL, NULL, &err);
		return;
	}
	if (!cli->dry_run && isatty(STDOUT_FILENO))
		cli_warn(cli, NULL, "the key opens all that the import holds; it stands in this terminal now");
	for (i = 1; i < cli->argc && !cli_stopped(); i++) {
		if (cli->dry_run) {
			cli_print(cli, "would print the key of %s", cli->argv[i]);
			continue;
		}
		if (key_of(&w, cli->argv[i], id, text, &err)) {
			cli_fail(cli, NULL, cli->argv[i], &err);
			continue;
		}
		if (!cli->json)
			cli_print(cli, "%s", text);
		else if ((j = json_make(&err, "{s:i, s:s, s:s, s:s}", "v", 1, "type", "key", "id", id, "key", text)))
			cli_print_json(cli, j);
		json_decref(j);
		j = NULL;
		hash_wipe(text, sizeof(text));
	}
	work_close(&w);
}
