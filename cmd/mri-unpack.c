#include <stdlib.h>
#include "base/text.h"
#include "cli/work.h"
#include "stage/unpack.h"
#include "sys/jail.h"

static const char *out, *password_file, *names;
static struct unpack_how how;

static const struct cli_option options[] = {
	{ 0, "password-file", "F", "the password of encrypted archives, the first line of F", CLI_STRING, &password_file },
	{ 0, "names", "CODEPAGE", "of members that do not say theirs: " NAMES_WORDS, CLI_STRING, &names },
	{ 'o', "output", "DIR", "work without a spool: make DIR/1, DIR/2 ... and DIR/papers", CLI_STRING, &out },
	{ 0 }
};

static const struct cli_tool tool = {
	.name = "mri-unpack",
	.synopsis = "[options] [--] [import ...]\n[options] -o DIR [--] [archive|folder|file ...]",
	.summary = "Makes items, one a study, of the packages of an import.",
	.options = options,
	.reads = CLI_ARGS_OR_STDIN,
};

struct loose { struct unpack_loose *v; size_t n, cap; };

static int keep(struct loose *l, const struct cli_input *in, struct err *err)
{
	struct unpack_loose *u = NULL;

	if (l->n == l->cap) {
		struct unpack_loose *v = realloc(l->v, (2 * l->cap + 8) * sizeof *v);

		if (!v)
			return err_set(err, ERR_TEMP, "no memory");
		l->v = v;
		l->cap = 2 * l->cap + 8;
	}
	u = &l->v[l->n];
	if (!(u->path = text_dup(in->path, err)))
		return err_rc(err->kind);
	u->in = *in;
	u->in.path = u->path;
	u->in.ref = NULL;
	l->n++;
	return RC_OK;
}

/* An import goes through at once; what lies outside a spool waits until all of it is known. */
static int one(struct cli *cli, struct work *w, const struct cli_input *in, struct loose *l, struct err *err)
{
	struct spool_ref ref = { .kind = SPOOL_NOT };
	int rc = out ? RC_OK : work_open_for(cli, w, SPOOL_SECRET, in->path, err);

	if (rc == RC_OK && w->spool)
		rc = spool_resolve(w->spool, in->path, &ref, err);
	if (rc != RC_OK)
		return rc;
	if (ref.kind == SPOOL_IMPORT) {
		stage_unpack_import(cli, w, in, ref.id, &how);
		return RC_OK;
	}
	if (ref.kind != SPOOL_NOT)
		return err_set(err, ERR_USAGE, "names a part of an import: mri-unpack takes whole ones");
	if (!out && !cli->dry_run) {
		rc = err_set(err, ERR_USAGE, "no import of a spool");
		err_advise(err, "name an import, or give -o DIR to unpack without a spool");
		return rc;
	}
	return keep(l, in, err);
}

int main(int argc, char **argv)
{
	struct cli cli = { .tool = &tool };
	struct cli_input in = { 0 };
	struct loose loose = { 0 };
	struct work w = { 0 };
	struct err err = { 0 };

	cli_begin(&cli, argc, argv);
	if (out && cli.dry_run)
		cli_usage_error(&cli, "-n writes nothing: it takes no -o");
	if (names && !names_known(names, &how.names))
		cli_usage_error(&cli, "--names is one of " NAMES_WORDS);
	jail_self();
	if (password_file && unpack_password_read(&how.password, password_file, &err))
		cli_die(&cli, &err);
	if (!out && work_open(&cli, &w, SPOOL_SECRET, false, &err))
		cli_die(&cli, &err);
	while (cli_next(&cli, &in))
		if (one(&cli, &w, &in, &loose, &err))
			cli_fail(&cli, &in, in.path, &err);
	if (loose.n)
		stage_unpack_loose(&cli, loose.v, loose.n, out, &how);
	for (size_t i = 0; i < loose.n; i++)
		free(loose.v[i].path);
	free(loose.v);
	work_close(&w);
	unpack_password_free(&how.password);
	return cli_end(&cli);
}
