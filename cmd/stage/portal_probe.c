#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "base/text.h"
#include "source/link.h"
#include "stage/fetch.h"
#include "stage/portal.h"

/* What --factor calls it: the inputs of a recipe have names. */
static const char *
name_of(const struct source_question *q, const char *recipe)
{
	return recipe != NULL ? q->id : q->type;
}

static void
print_probe(struct cli *cli, const struct cli_input *in, const struct net_session *s, const char *host,
    const char *recipe)
{
	const struct source_question *q = NULL;
	const char *kind = source_kind_name(net_kind(s));
	char type[64], text[512];
	json_t *j = NULL, *list = NULL;
	size_t i = 0, n = 0;

	q = net_questions(s, &n);
	if (!cli->json) {
		cli_print(cli, "%s\t%s\t%zu question%s", kind, host, n, n == 1 ? "" : "s");
		if (recipe != NULL)
			cli_print(cli, "recipe\t%s", text_escape(text, sizeof(text), recipe, strlen(recipe)));
		for (i = 0; i < n; i++)
			cli_print(cli, "asks\t%s\t%s", text_escape(type, sizeof(type), name_of(&q[i], recipe),
			    strlen(name_of(&q[i], recipe))), text_escape(text, sizeof(text), q[i].text, strlen(q[i].text)));
		return;
	}
	list = json_array();
	for (i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:s, s:s}", "type", name_of(&q[i], recipe), "text",
		    q[i].text));
	j = json_pack("{s:i, s:s, s:I, s:s, s:s, s:s*, s:o}", "v", 1, "type", "probe", "in", (json_int_t)in->number,
	    "kind", kind, "host", host, "recipe", recipe, "questions", list);
	if (j != NULL)
		cli_print_json(cli, j);
	json_decref(j);
}

static void
probe_one(struct cli *cli, struct net *net, const struct cli_input *in, const char *recipe)
{
	struct fetch f = { .cli = cli, .recipe = recipe };
	struct chosen chosen = { NULL, NULL };
	struct net_events ev = { .stopped = cli_stopped };
	struct net_session *s = NULL;
	struct err err = { 0 };
	char host[256] = "", *link = text_dup(in->path, &err);
	int rc = link == NULL ? err_rc(err.kind) : RC_OK;

	if (rc == RC_OK) {
		link_clean(link);
		link_host(link, host, sizeof(host));
		rc = text_is_link(link) ? link_check(link, &err) :
		    err_set(&err, ERR_USAGE, "what is to be probed is no link");
	}
	if (rc == RC_OK && (rc = recipe_choose(&f, portal_of(cli->config, NULL, link), link, &chosen, &err)) == RC_OK &&
	    (rc = net_session_new(&s, net, &ev, &err)) == RC_OK)
		rc = chosen.text != NULL ? net_recipe(s, link, chosen.name, chosen.text, NULL, &err) :
		    net_look(s, link, true, NULL, &err);
	if (rc == RC_OK)
		print_probe(cli, in, s, host, chosen.name);
	else
		cli_fail(cli, NULL, host[0] != '\0' ? host : NULL, &err);
	net_session_free(s);
	chosen_free(&chosen);
	hash_wipe_text(&link);
}

void
portal_probe(struct cli *cli, const char *cafile, const char *recipe)
{
	struct net_options o = { .cafile = cafile != NULL ? cafile : cli->config->cafile, .proxy = cli->config->proxy,
	    .recipient = cli->config->organisation, .allow = cli->config->allow, .nallow = cli->config->nallow,
	    .allow_http = cli->config->allow_http, .nallow_http = cli->config->nallow_http, .timeout = cli->timeout,
	    .max_time = cli->max_time, .jail = (enum jail_mode)cli->config->sandbox };
	struct cli_input in;
	struct net *net = NULL;
	struct err err = { 0 };

	if (cli->argc < 2)
		cli_usage_error(cli, "probe needs a link, or - for links on stdin");
	cli->argc--;
	cli->argv++;
	if (net_start(&net, &o, &err) != RC_OK)
		cli_die(cli, &err);
	while (cli_next(cli, &in))
		probe_one(cli, net, &in, recipe);
	net_stop(net);
}
