/*
 * The gate (10-house): it is in the data, not in the pipe. An item goes out
 * only when its check passed and speaks of the order and manifest that are
 * there, and its overlay speaks of that check; and only to the order's
 * destinations.
 */
#include "stage/send_private.h"

#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "dimse/assoc.h"

static int stop(struct err *err, const char *advice, const char *why)
{
	(void)err_set(err, ERR_PERSON, "%s", why);
	err_advise(err, "%s", advice);
	return err_rc(ERR_PERSON);
}

static int check_holds(const struct item_dir *item, const json_t *check, struct err *err)
{
	const char *verdict = NULL, *order = NULL, *manifest = NULL;
	char have_order[65] = "", have_manifest[65] = "";
	int rc = json_get_str(check, "check", "verdict", &verdict, err);

	if (rc == RC_OK)
		rc = json_get_str(check, "check", "order", &order, err);
	if (rc == RC_OK)
		rc = json_get_str(check, "check", "manifest", &manifest, err);
	if (rc == RC_OK)
		rc = item_file_hash(item, ITEM_ORDER, have_order, err);
	if (rc == RC_OK)
		rc = item_file_hash(item, ITEM_MANIFEST, have_manifest, err);
	if (rc != RC_OK)
		return rc;
	if (!verdict || (strcmp(verdict, "pass") != 0 && strcmp(verdict, "accepted") != 0))
		return stop(err, "see mri-show --findings; accept with mri-check --accept RULE --reason TEXT",
		    "not sent: mri-check holds it");
	if (!order || strcmp(order, have_order) != 0)
		return stop(err, "run mri-check again", "not sent: the check is of another order");
	if (!manifest || strcmp(manifest, have_manifest) != 0)
		return stop(err, "run mri-check again", "not sent: the check is of other content");
	return RC_OK;
}

int send_gate(const struct item_dir *item, struct err *err)
{
	struct buf b = BUF_INIT(JSON_BYTES_MAX);
	json_t *check = NULL;
	bool there = false;
	int rc = item_file_there(item, ITEM_CHECK, &there, err);

	if (rc == RC_OK && !there)
		rc = stop(err, "run mri-check first", "not sent: it was not checked");
	if (rc == RC_OK)
		rc = item_file_read(item, ITEM_CHECK, &b, err);
	if (rc == RC_OK)
		rc = json_parse(b.data, b.len, &check, err);
	if (rc == RC_OK)
		rc = check_holds(item, check, err);
	json_decref(check);
	buf_free(&b);
	return rc;
}

int send_gate_overlay(const struct item_dir *item, const struct overlay *overlay, struct err *err)
{
	char hash[65] = "";
	int rc = item_file_hash(item, ITEM_CHECK, hash, err);

	if (rc == RC_OK && strcmp(hash, overlay_check(overlay)) != 0)
		rc = stop(err, "run mri-retag again", "not sent: it was checked again since it was retagged");
	return rc;
}

/* ---- destinations ---- */

static int from_config(struct send *s, const char *name, struct send_destination *d, struct err *err)
{
	const struct destination *c = config_destination(s->cli->config, name);
	char shown[100];

	if (!c) {
		(void)err_set(err, ERR_CONFIG, "no destination '%s' in the configuration",
		    text_escape(shown, sizeof shown, name, strlen(name)));
		err_advise(err, "write a section [destination NAME] with url = in mri.conf");
		return err_rc(ERR_CONFIG);
	}
	if (!c->url || !*c->url)
		return err_set(err, ERR_CONFIG, "[destination %s] has no url",
		    text_escape(shown, sizeof shown, name, strlen(name)));
	d->name = c->name;
	d->verify = c->verify;
	d->calling = c->calling && *c->calling ? c->calling : SEND_CALLING;
	return target_parse(c->url, &d->target, err);
}

/* A folder goes by its real path: the same folder, named in another way, has the same journal. */
static int canonical(struct send_destination *d, struct err *err)
{
	char *real = NULL, *parent = NULL, *base = NULL;
	size_t n = 0;
	int rc = RC_OK;

	real = realpath(d->target.dir, NULL);
	if (!real) {	/* it will be made: its parent must be there */
		parent = text_dup(d->target.dir, err);
		if (!parent)
			return err_rc(err->kind);
		n = strlen(parent);
		while (n > 1 && parent[n - 1] == '/')
			parent[--n] = '\0';
		base = strrchr(parent, '/');
		if (base)
			*base++ = '\0';
		real = realpath(!base ? "." : *parent ? parent : "/", NULL);
		if (!real)
			rc = err_set(err, ERR_CANTCREAT,
			    "the folder of destination 'folder:' cannot be made: no such directory above it");
		else if (snprintf(d->target.dir, sizeof d->target.dir, "%s/%s", strcmp(real, "/") ? real : "",
		    base ? base : parent) >= (int)sizeof d->target.dir)
			rc = err_set(err, ERR_CONFIG, "the path of destination 'folder:' is too long");
	} else if (!text_copy(d->target.dir, sizeof d->target.dir, real)) {
		rc = err_set(err, ERR_CONFIG, "the path of destination 'folder:' is too long");
	}
	free(parent);
	free(real);
	if (rc != RC_OK || !d->by_url)
		return rc;
	d->canonical = malloc(strlen(d->target.dir) + sizeof "folder:");
	if (!d->canonical)
		return err_set(err, ERR_TEMP, "no memory");
	memcpy(d->canonical, "folder:", 7);
	memcpy(d->canonical + 7, d->target.dir, strlen(d->target.dir) + 1);
	d->name = d->canonical;
	return RC_OK;
}

int send_destination_get(struct send *s, const char *name, struct send_destination *d, struct err *err)
{
	int rc = RC_OK;

	memset(d, 0, sizeof *d);
	if (target_is_url(name)) {
		d->by_url = true;
		d->name = name;
		d->verify = true;
		d->calling = SEND_CALLING;
		if (s->cli->config->policy) {
			(void)err_set(err, ERR_DENIED, "destinations by URL are not allowed under the system policy");
			err_advise(err, "name a destination of /etc/mri/mri.conf");
			return err_rc(ERR_DENIED);
		}
		rc = target_parse(name, &d->target, err);
	} else {
		rc = from_config(s, name, d, err);
	}
	if (rc == RC_OK && s->opt->calling)
		d->calling = s->opt->calling;
	if (rc == RC_OK && !target_ae_valid(d->calling))
		rc = err_set(err, ERR_CONFIG, "the calling AE title of destination '%s' is not valid", d->name);
	if (s->opt->no_verify)
		d->verify = false;
	if (rc == RC_OK && d->target.kind == TARGET_FOLDER)
		rc = canonical(d, err);
	return rc;
}

void send_destination_free(struct send_destination *d)
{
	free(d->canonical);
	memset(d, 0, sizeof *d);
}

/* The order's destinations bind; a URL is one of them where it is what a named one stands for. */
static bool permitted(struct send *s, const struct order *o, const struct send_destination *d)
{
	for (size_t i = 0; i < o->ndestinations; i++) {
		const struct destination *c = config_destination(s->cli->config, o->destinations[i]);
		struct err ignored;
		struct target t;

		if (strcmp(o->destinations[i], d->name) == 0)
			return true;
		if (d->by_url && c && c->url && target_parse(c->url, &t, &ignored) == RC_OK &&
		    t.kind == d->target.kind && t.port == d->target.port && strcmp(t.called, d->target.called) == 0 &&
		    strcmp(t.host, d->target.host) == 0 && strcmp(t.dir, d->target.dir) == 0)
			return true;
	}
	return o->ndestinations == 0;
}

/* Given ones, held against the order, or the order's. *list is to be freed, with what is in it where *own. */
int send_destinations(struct send *s, const struct order *o, struct send_destination **list, size_t *n,
    bool *own, struct err *err)
{
	int rc = RC_OK;

	*own = false;
	*list = s->given;
	*n = s->ngiven;
	for (size_t i = 0; o && i < s->ngiven; i++)
		if (!permitted(s, o, &s->given[i])) {
			(void)err_set(err, ERR_DENIED, "not sent to '%s': it is not a destination of the order",
			    s->given[i].name);
			err_advise(err, "name it under destinations in the order, and run mri-check again");
			return err_rc(ERR_DENIED);
		}
	if (s->ngiven)
		return RC_OK;
	if (!o || !o->ndestinations) {
		(void)err_set(err, ERR_CONFIG, "no destination: the order names none, and there is no -d");
		err_advise(err, "give -d NAME or -d URL");
		return err_rc(ERR_CONFIG);
	}
	*own = true;
	*n = 0;
	*list = calloc(o->ndestinations, sizeof **list);
	if (!*list)
		return err_set(err, ERR_TEMP, "no memory for the destinations");
	for (size_t i = 0; rc == RC_OK && i < o->ndestinations; i++)
		rc = send_destination_get(s, o->destinations[i], &(*list)[(*n)++], err);
	return rc;
}

void send_echo(struct send *s)
{
	for (size_t i = 0; i < s->ngiven && !cli_stopped(); i++) {
		const struct send_destination *d = &s->given[i];
		struct assoc_peer peer = { d->target.host, d->target.port, d->target.called, d->calling,
			s->cli->timeout > 3600 ? 3600 : (int)s->cli->timeout };
		struct err err = { 0 };
		unsigned ms = 0;
		json_t *j = NULL;
		int rc = d->target.kind == TARGET_FOLDER ? err_set(&err, ERR_CONFIG, "a folder answers no echo")
		    : assoc_echo(&peer, &ms, &err);

		if (rc != RC_OK)
			cli_fail(s->cli, NULL, d->name, &err);
		else if (!s->cli->json)
			cli_print(s->cli, "%s: '%s' answers at %s:%u in %u ms", d->name, d->target.called, d->target.host,
			    d->target.port, ms);
		if (!s->cli->json)
			continue;
		j = json_make(&err, "{s:i, s:s, s:s, s:b, s:i, s:s*}", "v", 1, "type", "echo", "destination", d->name,
		    "answers",
		    rc == RC_OK, "ms", (int)ms, "reason", rc == RC_OK ? NULL : err.text);
		if (j)
			cli_print_json(s->cli, j);
		json_decref(j);
	}
}
