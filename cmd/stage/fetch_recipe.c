/*
 * Which recipe speaks to the portal of a link. They are files of whoever runs
 * the program, of the machine's administrator, and those that came with
 * mri-tools, in this order and by name within each folder. The session reads
 * the text once more, in its jail: here only its <match> counts.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/text.h"
#include "source/recipe.h"
#include "stage/fetch.h"

#define FOLDERS		3

void
chosen_free(struct chosen *c)
{
	free(c->name);
	free(c->text);
	memset(c, 0, sizeof(*c));
}

/* The user's own, where no system policy stands above him; the machine's; PREFIX/share beside PREFIX/bin. */
static bool
folder(const struct cli *cli, int i, char path[SPOOL_PATH_MAX])
{
	const char *home = getenv("HOME");
	char *slash = NULL;
	ssize_t n = 0;

	if (i == 0)
		return !cli->config->policy && home != NULL &&
		    snprintf(path, SPOOL_PATH_MAX, "%s/.config/mri/recipes", home) < SPOOL_PATH_MAX;
	if (i == 1)
		return text_copy(path, SPOOL_PATH_MAX, "/etc/mri/recipes");
	n = readlink("/proc/self/exe", path, SPOOL_PATH_MAX - 40);
	path[n > 0 ? n : 0] = '\0';
	if ((slash = strrchr(path, '/')) == NULL)
		return false;
	text_copy(slash, 40, "/../share/mri-tools/recipes");
	return true;
}

/* The file's text, once it is known to be a recipe, and whether it takes the link by itself. */
static int
look_at(const char *path, const char *link, struct chosen *c, bool *takes, struct err *err)
{
	struct buf b = BUF_INIT(RECIPE_BYTES_MAX + 1);
	struct recipe *r = NULL;
	int rc = recipe_read(path, &b, err);

	if (rc == RC_OK)
		rc = recipe_parse(path, b.data != NULL ? b.data : "", b.len, &r, NULL, err);
	if (rc == RC_OK)
		rc = recipe_takes(r, link, takes, err);
	if (rc == RC_OK && ((c->name = text_dup(path, err)) == NULL || (c->text = text_dup(b.data, err)) == NULL))
		rc = err_rc(err->kind);
	recipe_free(r);
	buf_free(&b);
	if (rc != RC_OK)
		chosen_free(c);
	return rc;
}

static int
is_recipe(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return d->d_name[0] != '.' && n > 4 && strcmp(d->d_name + n - 4, ".xml") == 0;
}

/* A wrong recipe must not keep the other portals from being served: it is named, and passed over. */
static int
look_in(struct fetch *f, const char *dir, const char *link, struct chosen *c, struct err *err)
{
	struct dirent **v = NULL;
	char path[SPOOL_PATH_MAX];
	bool takes = false;
	int i = 0, n = scandir(dir, &v, is_recipe, alphasort), rc = RC_OK;

	for (i = 0; i < n; i++) {
		if (rc == RC_OK && c->text == NULL && snprintf(path, sizeof(path), "%s/%s", dir, v[i]->d_name) < SPOOL_PATH_MAX) {
			rc = look_at(path, link, c, &takes, err);
			if (rc == err_rc(ERR_CONFIG) && err->kind == ERR_CONFIG) {
				cli_warn(f->cli, NULL, "a recipe is passed over: %s", err->text);
				err_clear(err);
				rc = RC_OK;
			} else if (rc == RC_OK && !takes) {
				chosen_free(c);
			}
		}
		free(v[i]);
	}
	free(v);
	return rc;
}

int
recipe_named(const struct cli *cli, const char *name, struct chosen *c, struct err *err)
{
	char dir[SPOOL_PATH_MAX], path[SPOOL_PATH_MAX], shown[128];
	bool takes = false;
	int i = 0, rc = RC_OK;

	if (strchr(name, '/') != NULL || text_starts(name, ".") ||
	    (strlen(name) > 4 && strcmp(name + strlen(name) - 4, ".xml") == 0))
		return look_at(name, "", c, &takes, err);
	for (i = 0; i < FOLDERS; i++) {
		if (!folder(cli, i, dir) || snprintf(path, sizeof(path), "%s/%s.xml", dir, name) >= SPOOL_PATH_MAX)
			continue;
		rc = look_at(path, "", c, &takes, err);
		if (rc == RC_OK || err->kind != ERR_NOINPUT)
			return rc;
	}
	err_set(err, ERR_CONFIG, "there is no recipe \"%s\"", text_escape(shown, sizeof(shown), name, strlen(name)));
	err_advise(err, "recipes lie in ~/.config/mri/recipes, /etc/mri/recipes and PREFIX/share/mri-tools/recipes");
	return err_rc(ERR_CONFIG);
}

int
recipe_choose(struct fetch *f, const struct config_portal *p, const char *link, struct chosen *c, struct err *err)
{
	const char *name = f->recipe != NULL ? f->recipe : p != NULL ? p->recipe : NULL;
	char dir[SPOOL_PATH_MAX];
	int i = 0, rc = RC_OK;

	memset(c, 0, sizeof(*c));
	if (name != NULL)
		return recipe_named(f->cli, name, c, err);
	for (i = 0; i < FOLDERS && rc == RC_OK && c->text == NULL; i++)
		if (folder(f->cli, i, dir))
			rc = look_in(f, dir, link, c, err);
	return rc;
}
