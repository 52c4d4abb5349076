/* mri-fetch: retrieve what an order asks for, from a portal or from a medium. */
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "base/text.h"
#include "source/link.h"
#include "source/qr.h"
#include "stage/fetch.h"
#include "sys/jail.h"

static struct {
	const char *wait, *resume, *again;
	const char *order, *basis, *reference, *portal, *token, *study, *qr, *cafile, *out;
	struct cli_list factors;
	long item;
	const char *har, *recipe;
	bool list, explain;
} opt;

static const struct cli_option options[] = {
	{ 0, "order", "FILE", "the order, JSON; many of them: one a line", CLI_STRING, &opt.order },
	{ 0, "factor", "TYPE=@FILE", "an answer: @FILE, fd:N, cmd:COMMAND, totp:@FILE, later (repeat)",
	    CLI_LIST, &opt.factors },
	{ 0, "basis", "KIND", "legal basis: consent, treatment, statutory", CLI_STRING, &opt.basis },
	{ 0, "reference", "TEXT", "where that basis is on file", CLI_STRING, &opt.reference },
	{ 0, "token-file", "F", "a bearer token for the portal, the first line of F", CLI_STRING, &opt.token },
	{ 0, "portal", "NAME", "the [portal NAME] of the configuration, else found by the link", CLI_STRING, &opt.portal },
	{ 0, "recipe", "FILE", "what speaks to the portal, in place of the one that its link finds", CLI_STRING, &opt.recipe },
	{ 0, "wait-factor", "FD|FIFO", "wait there for a line with an answer that comes later", CLI_STRING, &opt.wait },
	{ 0, "resume", "ID", "go on with the import that waits for an answer", CLI_STRING, &opt.resume },
	{ 0, "again", "REASON", "whatever is remembered of the link; audited", CLI_STRING, &opt.again },
	{ 0, "list", NULL, "print what the portal offers; download nothing", CLI_FLAG, &opt.list },
	{ 0, "item", "N", "only entry N of that list", CLI_NUMBER, &opt.item },
	{ 0, "study", "UID", "only the entries of this study", CLI_STRING, &opt.study },
	{ 0, "qr", "FILE", "the links in a picture: PNG, JPEG, or a PDF's first pages", CLI_STRING, &opt.qr },
	{ 0, "har", "FILE", "record the exchanges with the portal, secrets masked, as HAR", CLI_STRING, &opt.har },
	{ 0, "explain", NULL, "tell each step and each exchange on stderr, secrets masked", CLI_FLAG, &opt.explain },
	{ 0, "cacert", "FILE", "CA certificates in place of the system's", CLI_STRING, &opt.cafile },
	{ 'o', "output", "DIR", "without a spool: ordinary files in DIR", CLI_STRING, &opt.out },
	{ 0, NULL, NULL, NULL, CLI_FLAG, NULL },
};

static const struct cli_tool tool = {
	.name = "mri-fetch",
	.synopsis = "[options] [--] [link | path | - ...]",
	.summary = "retrieve what an order asks for, from a portal or from a medium",
	.options = options, .reads = CLI_ARGS, .links = true,
};

/* One input with an order of its own: a copy would share what order_free() frees, so it is used in turn. */
static void
fetch_input(struct fetch *f, const struct cli_input *in, struct order *o, char *what)
{
	struct cli_input told = *in;

	link_clean(what);
	told.is_link = link_is(what);
	if (told.is_link)
		told.path = NULL;	/* never in a receipt */
	fetch_one(f, &told, o, what);
	hash_wipe(what, strlen(what));
}

/* A scanner ends what it types with CR: several links may come as one line. */
static void
fetch_typed(struct fetch *f, struct cli_input *in, struct order *o, char *what)
{
	char *next = NULL, *s = what;
	bool first = true;

	for (; s != NULL; s = next) {
		if ((next = strchr(s, '\r')) != NULL)
			*next++ = '\0';
		if (s[strspn(s, " \t")] == '\0' && (!first || next != NULL))
			continue;
		if (!first)
			cli_take(f->cli, in);
		first = false;
		fetch_input(f, in, o, s);
	}
}

static void
fetch_inputs(struct fetch *f, struct order *o)
{
	struct cli_input in;
	struct err err = { 0 };
	char *what = NULL;

	while (cli_next(f->cli, &in)) {
		what = text_dup(in.path, &err);
		if (what == NULL) {
			cli_fail(f->cli, NULL, NULL, &err);
			break;
		}
		fetch_typed(f, &in, o, what);
		free(what);
	}
}

/* The DICOMweb root of --portal, NULL where it has none. */
static const char *
portal_root(struct cli *cli)
{
	const struct config_portal *p = opt.portal != NULL ? config_portal(cli->config, opt.portal) : NULL;
	struct err err = { 0 };
	char shown[80];

	if (opt.portal != NULL && p == NULL) {
		err_set(&err, ERR_CONFIG, "there is no [portal %s] in the configuration",
		    text_escape(shown, sizeof(shown), opt.portal, strlen(opt.portal)));
		cli_die(cli, &err);
	}
	return p != NULL ? p->dicomweb : NULL;
}

/* No link: the portal's own address stands for it. */
static void
fetch_portal(struct fetch *f, struct orders *os, const char *address)
{
	struct cli_input in = { 0 };
	struct err err = { 0 };
	char *root = NULL;
	size_t i = 0;

	for (i = 0; i < os->n && !cli_stopped(); i++) {
		cli_take(f->cli, &in);
		in.ref = os->v[i]->ref;
		if ((root = text_dup(address, &err)) == NULL) {
			cli_fail(f->cli, NULL, NULL, &err);
			break;
		}
		fetch_input(f, &in, os->v[i], root);
		free(root);
	}
}

static void
fetch_codes(struct fetch *f, struct order *o, const struct qr_codes *codes)
{
	struct cli_input in = { 0 };
	size_t i = 0;

	for (i = 0; i < codes->n && !cli_stopped(); i++) {
		cli_take(f->cli, &in);
		fetch_input(f, &in, o, codes->v[i]);
	}
}

static void
fetch_orders(struct fetch *f, struct orders *os)
{
	struct cli_input in = { 0 };
	size_t i = 0;

	for (i = 0; i < os->n && !cli_stopped(); i++) {
		cli_take(f->cli, &in);
		in.ref = os->v[i]->ref;
		fetch_input(f, &in, os->v[i], os->v[i]->link);
	}
}

int
main(int argc, char **argv)
{
	struct cli cli = { .tool = &tool };
	struct work work = { 0 };
	struct factors factors = { 0 };
	struct orders orders = { 0 };
	struct qr_codes codes = { 0 };
	struct fetch f = { .cli = &cli, .work = &work, .factors = &factors, .wait_fd = -1 };
	struct net_options net = { 0 };
	struct err err = { 0 };
	size_t i = 0, links = 0;

	cli_begin(&cli, argc, argv);
	f.out_dir = opt.out;
	f.list = opt.list;
	f.explain = opt.explain;
	f.item = opt.item;
	f.study = opt.study;
	f.wait_factor = opt.wait;
	f.resume = opt.resume;
	f.again = opt.again;
	f.portal = opt.portal;
	f.token_file = opt.token;
	f.recipe = opt.recipe;
	f.basis_required = cli.config->basis_required;
	if (opt.item < 0 || (opt.item > 0 && opt.study != NULL))
		cli_usage_error(&cli, "--item wants a number from 1, and not --study beside it");
	if (opt.study != NULL && !text_is_uid(opt.study))
		cli_usage_error(&cli, "--study wants a Study Instance UID");
	if (opt.recipe != NULL && cli.config->policy)
		cli_usage_error(&cli, "under the system policy --recipe is not taken");
	if (opt.again != NULL && opt.again[strspn(opt.again, " \t")] == '\0')
		cli_usage_error(&cli, "--again wants a reason");
	if (opt.out != NULL && (opt.resume != NULL || opt.again != NULL))
		cli_usage_error(&cli, "--resume and --again are for a spool: -o remembers nothing");
	if (cli.argc == 0 && opt.order == NULL && opt.qr == NULL && portal_root(&cli) == NULL)
		cli_usage_error(&cli, "no link, path, --qr or --order");
	if (cli.argc > 0 && opt.qr != NULL)
		cli_usage_error(&cli, "--qr has the link; give no other one");
	if (factors_parse(opt.factors.v, opt.factors.n, cli.config->policy, &factors, &err) != RC_OK)
		cli_die(&cli, &err);
	net = (struct net_options){ .cafile = opt.cafile != NULL ? opt.cafile : cli.config->cafile,
	    .proxy = cli.config->proxy, .recipient = cli.config->organisation, .language = cli_language(),
	    .allow = cli.config->allow, .nallow = cli.config->nallow,
	    .allow_http = cli.config->allow_http, .nallow_http = cli.config->nallow_http, .timeout = cli.timeout,
	    .max_time = cli.max_time, .jail = (enum jail_mode)cli.config->sandbox };
	jail_self();
	if (net_start(&f.net, &net, &err) != RC_OK)
		cli_die(&cli, &err);
	if (opt.qr != NULL && qr_links(opt.qr, (enum jail_mode)cli.config->sandbox, &codes, &err) != RC_OK)
		cli_die(&cli, &err);
	if (opt.order != NULL && orders_load(opt.order, &orders, &err) != RC_OK)
		cli_die(&cli, &err);
	if (opt.order == NULL) {
		if ((orders.v = calloc(1, sizeof(*orders.v))) == NULL || order_new(&orders.v[0], &err) != RC_OK)
			cli_die(&cli, &err);
		orders.n = 1;
	}
	for (i = 0; i < orders.n; i++) {
		links += orders.v[i]->link != NULL && orders.v[i]->link[0] != '\0';
		if (order_basis(orders.v[i], opt.basis, opt.reference, &err) != RC_OK)
			cli_die(&cli, &err);
	}
	if ((cli.argc > 0 || codes.n > 0) && (links > 0 || orders.n > 1))
		cli_usage_error(&cli, "the link stands in the order; give no other one");
	if (cli.argc == 0 && codes.n == 0 && links < orders.n && portal_root(&cli) == NULL)
		cli_usage_error(&cli, "an order without a link: give the link or path too");
	if (opt.har != NULL && work_create_outside(opt.har, &f.har_fd, &err) != RC_OK)
		cli_die(&cli, &err);
	if (opt.out == NULL && work_open(&cli, &work, SPOOL_PUBLIC, !opt.list && !cli.dry_run, &err) != RC_OK)
		cli_die(&cli, &err);
	if (codes.n > 0)
		fetch_codes(&f, orders.v[0], &codes);
	else if (cli.argc > 0)
		fetch_inputs(&f, orders.v[0]);
	else if (links == 0 && portal_root(&cli) != NULL)
		fetch_portal(&f, &orders, portal_root(&cli));
	else
		fetch_orders(&f, &orders);
	net_stop(f.net);
	qr_free(&codes);
	factors_free(&factors);
	orders_free(&orders);
	work_close(&work);
	return cli_end(&cli);
}
