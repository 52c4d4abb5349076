#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "source/recipe.h"
#include "stage/portal.h"

/* One message a finding, as compilers say it: file:line: what, and what is allowed. */
static void
tell(struct cli *cli, const char *path, const struct recipe_findings *fs)
{
	struct err err = { 0 };
	size_t i = 0;

	for (i = 0; i < fs->n; i++) {
		err_set(&err, ERR_CONFIG, "%s:%u: %s", path, fs->at[i].line, fs->at[i].text);
		if (fs->at[i].advice[0] != '\0')
			err_advise(&err, "%s", fs->at[i].advice);
		cli_fail(cli, NULL, NULL, &err);
	}
	if (fs->more > 0)
		cli_warn(cli, NULL, "%s: and %zu more", path, fs->more);
}

static json_t *
findings_json(const struct recipe_findings *fs)
{
	json_t *list = json_array();
	size_t i = 0;

	for (i = 0; i < fs->n; i++)
		json_array_append_new(list, json_pack("{s:i, s:s, s:s, s:s}", "line", (int)fs->at[i].line,
		    "pass", fs->at[i].meaning ? "meaning" : "form", "text", fs->at[i].text, "advice", fs->at[i].advice));
	return list;
}

static void
check_one(struct cli *cli, int number, const char *path, struct recipe_findings *fs)
{
	struct recipe *r = NULL;
	struct err err = { 0 };
	char shown[512];
	json_t *j = NULL;
	int rc = recipe_load(path, &r, fs, &err);

	text_escape(shown, sizeof(shown), path, strlen(path));
	if (rc != RC_OK && fs->n > 0)
		tell(cli, shown, fs);
	else if (rc != RC_OK)
		cli_fail(cli, NULL, NULL, &err);
	if (cli->json) {
		j = json_pack("{s:i, s:s, s:i, s:s, s:b, s:s?, s:o}", "v", 1, "type", "check", "in", number, "path", shown,
		    "ok", rc == RC_OK, "id", rc == RC_OK ? r->id : NULL, "findings", findings_json(fs));
		cli_print_json(cli, j);
		json_decref(j);
	} else if (rc == RC_OK) {
		cli_print(cli, "%s\t%s", shown, r->id);
	}
	recipe_free(r);
}

void
portal_check(struct cli *cli)
{
	struct recipe_findings *fs = calloc(1, sizeof(*fs));
	struct err err = { 0 };
	int i = 0;

	if (cli->argc < 2)
		cli_usage_error(cli, "check needs a recipe: an XML file");
	if (fs == NULL) {
		err_set(&err, ERR_TEMP, "no memory");
		cli_die(cli, &err);
	}
	for (i = 1; i < cli->argc && !cli_stopped(); i++)
		check_one(cli, i, cli->argv[i], fs);
	free(fs);
}
