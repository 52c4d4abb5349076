#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"
#include "order/basis.h"
#include "source/dlx.h"
#include "source/link.h"
#include "spool/link.h"
#include "stage/fetch.h"

#define DLX_KEY_MAX	(2 * DLX_TEXT_MAX + 8)	/* id and UID of an offer */

/* One link under way. */
struct job {
	struct fetch *f;
	const struct cli_input *in;
	struct order *order;
	const char *link;
	struct factors factors;
	struct link_memory *lm;
	struct net_session *net;
	struct source_portal portal;	/* with the token that was read last */
	struct target t;
	struct fetched r;
	struct asking asking;		/* of a portal of the configuration */
	struct chosen recipe;		/* that takes the link; text NULL: none */
	struct buf stored;		/* the order as it is kept */
	bool durable;
};

static void
on_progress(void *arg, uint64_t bytes, long long total)
{
	struct job *j = arg;
	struct cli_progress p = { .what = "fetching", .bytes = j->r.bytes + bytes,
	    .bytes_total = total > 0 ? j->r.bytes + (uint64_t)total : 0, .n = j->r.packages, .total = j->r.offers };

	cli_progress(j->f->cli, &p);
}

/* The import, or the folder, when the first byte is about to come: a login that fails leaves nothing behind. */
static int
open_target(struct job *j, struct err *err)
{
	int rc = RC_OK;

	if (j->t.import != NULL || j->t.dir >= 0)
		return RC_OK;
	if (j->f->out_dir != NULL)
		return target_open_dir(&j->t, j->f->out_dir, err);
	if ((rc = import_create(&j->t.import, j->f->work->spool, j->order->ref, j->stored.data, j->stored.len, err)) != RC_OK)
		return rc;
	return link_set(j->lm, import_id(j->t.import), "fetching", err);
}

static int
on_output(void *arg, const struct source_offer *offer, enum media media, int *fd, const struct age_recipient **to,
    struct err *err)
{
	struct job *j = arg;
	int rc = open_target(j, err);

	(void)offer; (void)media;
	if (rc == RC_OK)
		rc = target_begin(&j->t, to, err);
	*fd = j->t.fd;
	return rc;
}

static void
offer_key(const struct job *j, const struct source_offer *o, char *key, size_t cap)
{
	if (net_kind(j->net) == SOURCE_DIRECT)
		text_copy(key, cap, "direct");
	else if (o == NULL)	/* all of them: no entry has that name */
		snprintf(key, cap, "%s\n\n", source_kind_name(net_kind(j->net)));
	else
		snprintf(key, cap, "%s\n%s\n%s", source_kind_name(net_kind(j->net)), o->id, o->study_uid != NULL ? o->study_uid : "");
}

static char *
keep(const char *s)
{
	return (char *)(uintptr_t)(s != NULL ? s : "");	/* claims written here borrow their texts */
}

/* The studies of n offers, each once; all of them one package: its count is what they say together. */
static int
claim_offers(struct claim *c, const struct source_offer *o, size_t n, struct err *err)
{
	size_t i = 0, k = 0;

	if ((c->studies = calloc(n, sizeof(*c->studies))) == NULL)
		return err_sys(err, ENOMEM, "cannot write down what the portal says");
	for (i = 0; i < n; i++) {
		if (n == 1 || !o[i].document)
			c->total_instances = o[i].files < 0 || (i > 0 && c->total_instances < 0) ? -1 :
			    (c->total_instances > 0 ? c->total_instances : 0) + o[i].files;
		for (k = 0; k < c->nstudies && (o[i].study_uid == NULL || c->studies[k].study_uid == NULL ||
		    strcmp(o[i].study_uid, c->studies[k].study_uid) != 0); k++)
			;
		if (k == c->nstudies && (o[i].study_uid != NULL || o[i].date[0] != '\0'))
			c->studies[c->nstudies++] = (struct claim_study){ o[i].study_uid, o[i].date[0] != '\0' ?
			    keep(o[i].date) : NULL, o[i].modalities, o[i].description, -1, -1 };
	}
	return RC_OK;
}

/* What was promised: an entry of the list that is no document is a study, whatever came in its place. */
static const char *
kind_of(const struct source_offer *o, size_t n, enum media came)
{
	size_t i = 0;

	if (came == MEDIA_ZIP || came == MEDIA_DICOM)
		return "study";
	for (i = 0; i < n; i++)
		if (!o[i].document && (o[i].study_uid != NULL || o[i].date[0] != '\0'))
			return "study";
	return "document";
}

/* A package of n offers: of one, unless the portal gives only all at once. */
static int
publish(struct job *j, const struct source_offer *o, size_t n, const struct source_package *p, struct err *err)
{
	struct claim c;
	char key[DLX_KEY_MAX], file[SPOOL_PATH_MAX + 40];
	int rc = RC_OK;

	claim_init(&c);
	c.package = j->t.n;
	c.source = keep(source_kind_name(net_kind(j->net)));
	c.kind = keep(kind_of(o, n, p->media));
	c.media = keep(p->type[0] != '\0' ? p->type : o->media);
	c.bytes = p->bytes;
	text_copy(c.sha256, sizeof(c.sha256), p->sha256);
	c.title = n == 1 ? o->description : NULL;
	c.patient_name = o->patient_name;
	c.patient_id = o->patient_id;
	c.patient_birth = o->patient_birth[0] != '\0' ? keep(o->patient_birth) : NULL;
	c.patient_sex = o->patient_sex;
	c.plausible = p->plausible;
	c.partial = p->reason[0] != '\0' && p->media != MEDIA_DICOM;
	offer_key(j, n == 1 ? o : NULL, key, sizeof(key));
	if ((rc = claim_offers(&c, o, n, err)) != RC_OK)
		target_abort(&j->t);
	else
		rc = target_end(&j->t, key, &c, err);
	free(c.studies);
	if (rc != RC_OK)
		return rc;
	j->r.packages++;
	j->r.bytes += p->bytes;
	if (c.partial) {
		j->r.state = "partial";
		err_set(&j->r.err, ERR_DATA, "package %d: %s", j->t.n, p->reason);
		err_advise(&j->r.err, "ask the sender for a new export");
	} else if (p->reason[0] != '\0') {
		cli_warn(j->f->cli, j->t.import != NULL ? import_id(j->t.import) : NULL, "package %d: %s", j->t.n, p->reason);
	}
	if (j->t.import == NULL) {
		snprintf(file, sizeof(file), "%s/%s", j->t.path, j->t.name);
		cli_receipt(j->f->cli, &(struct cli_receipt){ .in = j->in, .path = file, .ref = j->order->ref,
		    .status = c.partial ? "partial" : "ok" });
	}
	return RC_OK;
}

/* all: 0, or how many offers are wanted, all that there are: they may come as one package. Then *came is all. */
static int
fetch_offer(struct job *j, size_t i, const struct source_offer *o, size_t all, size_t *came, struct err *err)
{
	const struct age_recipient *to = NULL;
	struct source_package p;
	char key[DLX_KEY_MAX];
	bool held = false, direct = net_kind(j->net) == SOURCE_DIRECT;
	int rc = open_target(j, err);

	*came = 1;
	if (rc != RC_OK)
		return rc;
	if (all > 0) {
		offer_key(j, NULL, key, sizeof(key));
		if ((rc = target_holds(&j->t, key, &held, err)) != RC_OK)
			return rc;
		if (held) {	/* killed between the package and the commit */
			j->r.held = (long long)(*came = all);
			return RC_OK;
		}
	}
	if (!direct) {
		offer_key(j, o, key, sizeof(key));
		if ((rc = target_holds(&j->t, key, &held, err)) != RC_OK)
			return rc;
		if (held) {
			explain(j->f, "  fetch %zu: it is held since an earlier run", i + 1);
			j->r.held++;
			return RC_OK;
		}
		if ((rc = target_begin(&j->t, &to, err)) != RC_OK)
			return rc;
	}
	if (all > 0)
		net_want_all(j->net);
	explain(j->f, "  fetch %zu", i + 1);
	rc = net_fetch(j->net, i, direct ? -1 : j->t.fd, to, &p, err);
	if (explain_end(j->f, net_state(j->net), rc, err) == RC_OK)
		explain_package(j->f, &p);
	if (rc == RC_OK && p.all && all > 0)
		*came = all;
	if (rc == RC_OK)
		return publish(j, o, *came, &p, err);
	target_abort(&j->t);
	return rc;
}

/* Each offer that is wanted. Ends at what concerns all of them; what the portal lacks for good costs that one. */
static int
fetch_offers(struct job *j, const struct source_offer *offers, size_t n, const bool *take)
{
	struct err e = { 0 };
	size_t i = 0, came = 0;
	bool temp = false;

	for (i = 0; i < n; i++)
		j->r.offers += take[i];
	for (i = 0; i < n; i += came) {
		came = 1;
		if (!take[i] || (err_clear(&e), fetch_offer(j, i, &offers[i], i == 0 && j->r.offers == (long long)n ? n : 0,
		    &came, &e)) == RC_OK)
			continue;
		j->r.failed++;
		j->r.state = net_state(j->net);
		temp = temp || e.kind == ERR_TEMP;
		if (j->r.err.kind == ERR_NONE || e.kind == ERR_TEMP || err_worse(j->r.err.kind, e.kind) == e.kind)
			j->r.err = e;
		if (e.kind != ERR_REFUSED && strcmp(j->r.state, "busy") != 0 && strcmp(j->r.state, "not-permitted") != 0 &&
		    strcmp(j->r.state, "unsupported") != 0)
			break;
		if (cli_stopped())
			break;
	}
	/* One that may come later keeps all of it waiting. */
	if (temp && j->r.err.kind != ERR_TEMP)
		err_set(&j->r.err, ERR_TEMP, "%lld entries of the list are not here yet", j->r.failed);
	return j->r.err.kind == ERR_NONE || j->r.err.kind == ERR_DATA ? RC_OK : err_rc(j->r.err.kind);
}

/* Will another run bring more? What the portal lacks, or holds back, it will not; a wrong answer to it says nothing. */
static bool
is_final(const struct job *j)
{
	enum err_kind k = j->r.err.kind;

	return k == ERR_NONE || k == ERR_DATA || k == ERR_REFUSED ||
	    ((k == ERR_DENIED || k == ERR_PROTOCOL) && j->r.offers > 0);
}

/* Commits what is final, drops what is nothing, leaves the rest waiting in incoming. */
static void
settle(struct job *j)
{
	struct err e = { 0 };
	json_t *numbers = NULL;
	const char *outcome = NULL;
	size_t have = 0;
	int rc = RC_OK;

	if (j->t.import == NULL) {
		j->durable = j->r.packages > 0;
		return;
	}
	if ((rc = import_packages(j->t.import, NULL, 0, &have, &e)) != RC_OK) {
		j->r.err = e;
		return;
	}
	if (have == 0 && j->r.err.kind != ERR_TEMP) {
		if ((rc = import_discard(j->t.import, &e)) != RC_OK ||
		    (rc = link_set(j->lm, "", j->r.state[0] != '\0' ? j->r.state : "failed", &e)) != RC_OK)
			j->r.err = e;
		return;
	}
	outcome = is_final(j) ? fetched_outcome(&j->r, true) : j->r.err.kind == ERR_TEMP ? "temp" : "perm";
	numbers = fetched_numbers(&j->r, false);
	if (is_final(j)) {
		rc = import_commit(j->t.import, &e);
		j->durable = rc == RC_OK;
	}
	if (rc == RC_OK)
		rc = import_history_add(j->t.import, "fetch", NULL, outcome, j->r.state[0] != '\0' ? j->r.state : NULL,
		    numbers, &e);
	if (rc == RC_OK && j->durable)
		rc = link_set(j->lm, import_id(j->t.import), "done", &e);
	if (rc != RC_OK)
		j->r.err = e;
	json_decref(numbers);
}

static int
choose_and_fetch(struct job *j, struct err *err)
{
	const struct source_offer *offers = NULL;
	char doubt[256];
	bool *take = NULL;
	size_t n = 0;
	int rc = RC_OK;

	explain(j->f, "  list");
	rc = net_list(j->net, err);
	if (explain_end(j->f, net_state(j->net), rc, err) != RC_OK)
		return rc;
	offers = net_offers(j->net, &n);
	explain(j->f, "    %zu entr%s", n, n == 1 ? "y" : "ies");
	if ((rc = choose_patient(j->order, offers, n, doubt, err)) != RC_OK) {
		j->r.state = "wrong-patient";
		return explain_end(j->f, j->r.state, rc, err);
	}
	if (doubt[0] != '\0')
		cli_warn(j->f->cli, NULL, "%s; mri-check will hold it", doubt);
	if (j->f->list) {
		choose_print(j->f->cli, offers, n, j->order);
		return RC_OK;
	}
	if ((take = calloc(n + 1, sizeof(*take))) == NULL)
		return err_sys(err, ENOMEM, "cannot choose from the portal's list");
	if (net_kind(j->net) == SOURCE_DIRECT)
		take[0] = true;
	else if ((rc = choose_offers(j->f, j->order, offers, n, take, err)) != RC_OK)
		j->r.state = rc == err_rc(ERR_REFUSED) ? "not-found" : "";
	(void)explain_end(j->f, j->r.state, rc, err);
	if (rc == RC_OK)
		rc = fetch_offers(j, offers, n, take);
	free(take);
	return rc;
}

static void
on_step(void *arg, const char *text)
{
	struct job *j = arg;

	explain(j->f, "    %s", text);
}

static int
on_token(void *arg, char **bearer, struct err *err)
{
	struct job *j = arg;
	struct source_portal p;
	int rc = portal_load(j->f->cli->config, j->asking.of->name, j->f->token_file, j->link, &p, err);

	*bearer = NULL;
	if (rc == RC_OK && p.token == NULL)
		rc = err_set(err, ERR_CONFIG, "the portal's token is gone");
	if (rc == RC_OK && (*bearer = text_dup(p.token, err)) == NULL)
		rc = err_rc(err->kind);
	if (rc == RC_OK) {
		hash_wipe_text(&j->portal.token);
		j->portal.token = p.token;
		p.token = NULL;
	}
	source_portal_free(&p);
	return rc;
}

static int
talk(struct job *j, struct err *err)
{
	struct net_events ev = { .output = on_output, .progress = on_progress, .step = j->f->explain ? on_step : NULL,
	    .har_fd = j->f->har_fd, .name = j->order->patient.name, .id = j->order->patient.id,
	    .birth = j->order->patient.birth_date[0] != '\0' ? j->order->patient.birth_date : NULL,
	    .stopped = cli_stopped, .arg = j, .token = j->asking.of != NULL ? on_token : NULL };
	const char *name = j->asking.of != NULL ? j->asking.of->name : j->f->portal;
	struct err e = { 0 };
	size_t asked = 0;
	int rc = portal_load(j->f->cli->config, name, j->f->token_file, j->link, &j->portal, err);

	if (rc != RC_OK)
		return rc;
	if (j->asking.of != NULL && (rc = credential_refused(j->f, &j->portal, err)) != RC_OK) {
		j->r.state = err->kind == ERR_DENIED ? "credentials-wrong" : "";
		return rc;
	}
	if ((rc = net_session_new(&j->net, j->f->net, &ev, err)) != RC_OK)
		return rc;
	explain(j->f, "  look");
	if (j->asking.of != NULL)
		rc = net_dicomweb(j->net, &j->portal, (const char *const *)j->asking.asks, j->asking.nasks, err);
	else if (j->recipe.text != NULL)
		rc = net_recipe(j->net, j->link, j->recipe.name, j->recipe.text, &j->portal, err);
	else
		rc = net_look(j->net, j->link, j->f->list, &j->portal, err);
	(void)net_questions(j->net, &asked);
	if (explain_end(j->f, net_state(j->net), rc, err) != RC_OK)
		goto out;
	explain(j->f, "    %s: %zu question%s", source_kind_name(net_kind(j->net)), asked, asked == 1 ? "" : "s");
	if (net_kind(j->net) != SOURCE_DIRECT && net_kind(j->net) != SOURCE_DICOMWEB) {
		explain(j->f, "  login");
		rc = login_do(j->f, j->net, j->lm, &j->factors, &j->r.state, err);
		if (explain_end(j->f, j->r.state, rc, err) != RC_OK)
			goto out;
	}
	rc = choose_and_fetch(j, err);
out:
	if (rc != RC_OK && j->r.state[0] == '\0')
		j->r.state = net_state(j->net);
	if (j->asking.of != NULL && (rc == RC_OK || strcmp(j->r.state, "credentials-wrong") == 0) &&
	    credential_note(j->f, &j->portal, rc == RC_OK, &e) != RC_OK && rc == RC_OK) {
		*err = e;
		rc = err_rc(e.kind);
	}
	net_session_free(j->net);
	j->net = NULL;
	return rc;
}

static int
last_fetch(const json_t *line, void *arg, struct err *err)
{
	const char *stage = json_string_value(json_object_get(line, "stage"));
	const char *outcome = json_string_value(json_object_get(line, "outcome"));

	(void)err;
	if (stage != NULL && outcome != NULL && strcmp(stage, "fetch") == 0)
		*(bool *)arg = strcmp(outcome, "partial") == 0;
	return RC_OK;
}

/* The import that this link made or is making. *again: it is there, whole, and nobody is asked. */
static int
recall(struct job *j, bool *again, struct err *err)
{
	struct buf text = BUF_INIT(ORDER_MAX + 16);
	struct err e = { 0 };
	const char *id = link_import(j->lm);
	bool same = true, partial = false;
	int rc = buf_printf(&text, err, "order\n%s", j->stored.data);

	*again = false;
	if (rc != RC_OK || (rc = link_tried(j->lm, text.data, &same, err)) != RC_OK)
		goto out;
	if (j->f->resume != NULL && strcmp(id, j->f->resume) != 0) {
		rc = err_set(err, ERR_NOINPUT, "--resume: no import of that id waits for this link");
		goto out;
	}
	if (id[0] != '\0' && j->f->again != NULL) {	/* what is held in part goes on; what is whole is fetched anew */
		if (import_open(&j->t.import, j->f->work->spool, id, IMPORT_INCOMING, &e) == RC_OK &&
		    import_expired(j->t.import, time_now()))
			rc = err_set(err, ERR_REFUSED, "what was fetched of it in part is past its deadline");
		if (j->t.import == NULL)
			rc = link_try(j->lm, text.data, err);
		goto out;
	}
	if (id[0] != '\0' && import_open(&j->t.import, j->f->work->spool, id, IMPORT_COMMITTED, &e) == RC_OK) {
		*again = j->durable = j->r.again = true;
		if ((rc = import_history_each(j->t.import, last_fetch, &partial, err)) != RC_OK)
			goto out;
		if (partial)
			err_set(&j->r.err, ERR_DATA, "this link was fetched before, not whole");
		if (!same)
			cli_warn(j->f->cli, id, "this link was fetched with another order, which stays");
		goto out;
	}
	if (id[0] != '\0' && e.kind != ERR_NOINPUT && e.kind != ERR_REFUSED && e.kind != ERR_TEMP) {
		*err = e;
		rc = err_rc(e.kind);
		goto out;
	}
	if (id[0] != '\0' && e.kind == ERR_TEMP) {	/* fetched in part: go on with it */
		rc = import_open(&j->t.import, j->f->work->spool, id, IMPORT_INCOMING, err);
		if (rc == RC_OK && import_expired(j->t.import, time_now()))
			rc = err_set(err, ERR_REFUSED, "what was fetched of it in part is past its deadline");
		if (rc == RC_OK && !same)
			cli_warn(j->f->cli, id, "the fetch goes on with the order that it began with");
		goto out;
	}
	rc = link_try(j->lm, text.data, err);
out:
	buf_free(&text);
	return rc;
}

static void
close_act(struct job *j, struct act *act)
{
	struct err e = { 0 };
	json_t *numbers = fetched_numbers(&j->r, false);

	if (numbers != NULL && j->t.import != NULL && j->durable)
		json_object_set_new(numbers, "import", json_string(import_id(j->t.import)));
	if (act_end(act, fetched_outcome(&j->r, j->durable), numbers, &e) != RC_OK && j->r.err.kind == ERR_NONE)
		j->r.err = e;
	json_decref(numbers);
}

static void
fetch_link(struct fetch *f, const struct cli_input *in, struct order *o, const char *link)
{
	struct job j = { .f = f, .in = in, .order = o, .link = link, .t = { .dir = -1, .fd = -1 },
	    .r = { .state = "", .began_ms = time_mono_ms() }, .stored = BUF_INIT(ORDER_MAX) };
	struct err err = { 0 };
	struct act *act = NULL;
	char host[256], why[256], *key = NULL;
	bool again = false, held = false;
	int rc = RC_OK;

	link_host(link, host, sizeof(host));
	if ((rc = link_check(link, &err)) != RC_OK) {
		j.r.state = "unsupported";
		goto out;
	}
	if (link_warning(link, time_now()) != NULL)
		cli_warn(f->cli, host[0] != '\0' ? host : NULL, "%s", link_warning(link, time_now()));
	/* what the spool remembers must not depend on how the link is spelled */
	if ((rc = link_key(link, &key, &err)) != RC_OK) {
		j.r.state = rc == RC_RETRY ? "" : "unsupported";
		goto out;
	}
	if ((rc = asking_new(&j.asking, f, o, link, &err)) != RC_OK)
		goto out;
	if (j.asking.of != NULL) {
		hash_wipe(key, strlen(key));
		free(key);
		if ((key = text_dup(j.asking.key, &err)) == NULL) {
			rc = err_rc(err.kind);
			goto out;
		}
	}
	if (j.asking.of == NULL &&
	    (rc = recipe_choose(f, portal_of(f->cli->config, f->portal, link), link, &j.recipe, &err)) != RC_OK)
		goto out;
	if ((rc = factors_collect(f->factors, o, &j.factors, &err)) != RC_OK)
		goto out;
	if (f->out_dir == NULL && f->work->spool != NULL) {
		if ((rc = fetched_order(f, o, key, &j.stored, &err)) != RC_OK ||
		    (rc = link_open(&j.lm, f->work->spool, key, &err)) != RC_OK)
			goto out;
		if (!f->list && ((rc = recall(&j, &again, &err)) != RC_OK || again))
			goto out;
		if (f->again == NULL && (rc = login_refused(j.lm, &j.factors, &err)) != RC_OK) {
			j.r.state = "credentials-wrong";
			goto out;
		}
	}
	snprintf(why, sizeof(why), "%s%s%s", o->basis_kind != NULL ? o->basis_kind : "", f->again != NULL ? "; again: " : "",
	    f->again != NULL ? f->again : "");
	rc = act_begin(&act, f->work->audit, "mri-fetch", f->list ? "list" : "fetch",
	    j.t.import != NULL ? import_id(j.t.import) : NULL, why[0] != '\0' ? why : NULL, AUDIT_NONE, &err);
	if (rc != RC_OK)
		goto out;
	if (j.t.import != NULL && (rc = target_holds(&j.t, "direct", &held, &err)) == RC_OK && held)
		j.r.held = 1;	/* killed between the package and the commit */
	else if (rc == RC_OK)
		rc = talk(&j, &err);
	/* the place where the answer is waited for: its id is what --resume takes */
	if (rc != RC_OK && strcmp(j.r.state, "waiting") == 0 && f->out_dir == NULL && !f->list)
		(void)open_target(&j, &(struct err){ 0 });
	target_abort(&j.t);
	if (rc != RC_OK && j.r.err.kind == ERR_NONE)
		j.r.err = err;
	settle(&j);
	close_act(&j, act);
	rc = RC_OK;
out:
	cli_progress_end(f->cli);
	if (rc != RC_OK)
		j.r.err = err;
	if (!f->list || j.r.err.kind != ERR_NONE)
		fetched_report(f, in, o, host[0] != '\0' ? host : NULL, &j.t, j.durable, &j.r);
	target_close(&j.t);
	link_close(j.lm);
	hash_wipe_text(&key);
	factors_free(&j.factors);
	asking_free(&j.asking);
	chosen_free(&j.recipe);
	source_portal_free(&j.portal);
	buf_free(&j.stored);
}

static void
plan(struct fetch *f, const struct cli_input *in, const struct order *o, const char *what)
{
	char host[256];
	json_t *j = NULL;

	link_host(what, host, sizeof(host));
	if (!f->cli->json) {
		cli_print(f->cli, "would fetch %s%s, basis %s", link_is(what) ? "from " : "",
		    link_is(what) ? host : what, o->basis_kind != NULL ? o->basis_kind : "none");
		return;
	}
	j = json_pack("{s:i, s:s, s:I, s:s, s:s*}", "v", 1, "type", "plan", "in", (json_int_t)in->number,
	    "from", link_is(what) ? host : what, "basis", o->basis_kind);
	if (j != NULL)
		cli_print_json(f->cli, j);
	json_decref(j);
}

void
fetch_one(struct fetch *f, const struct cli_input *in, struct order *o, const char *what)
{
	struct target none = { .dir = -1, .fd = -1 };
	struct fetched r = { .state = "", .began_ms = time_mono_ms() };
	bool link = link_is(what);

	if (basis_check(o, f->basis_required, &r.err) == RC_OK && link && f->cli->dry_run)
		(void)link_check(what, &r.err);
	if (r.err.kind == ERR_NONE && !link && f->list)
		err_set(&r.err, ERR_USAGE, "--list is for links; mri-unpack -n shows what a file holds");
	if (r.err.kind != ERR_NONE)
		fetched_report(f, in, o, NULL, &none, false, &r);
	else if (f->cli->dry_run)
		plan(f, in, o, what);
	else if (link)
		fetch_link(f, in, o, what);
	else
		fetch_local(f, in, o, what);
}
