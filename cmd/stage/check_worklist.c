/*
 * mri-check --worklist: the RIS is asked by a process of its own, which hands
 * back candidates; what it read is parsed here as an order would be, with the
 * same limits. One candidate that fits fills up the item's order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "dicom/charset.h"
#include "dimse/worklist.h"
#include "stage/check.h"
#include "sys/worker.h"

#define NAME_MAX_BYTES 260 /* of a family name with its wildcard */

struct question {
	struct assoc_peer peer;
	struct worklist_question q;
};

struct end { /* the process's last word; a candidate is of another size */
	struct err why;
	bool more;
};

/* ---- in the process ---- */

static int
hand_back(const struct worklist_entry *e, void *arg, struct err *err)
{
	return chan_send(arg, e, sizeof *e, NULL, 0, err);
}

static int
ask(struct chan *ch, void *arg)
{
	const struct question *q = arg;
	struct end end = { .more = false };
	struct err err = { 0 };

	if (worklist_ask(&q->peer, &q->q, hand_back, ch, &end.more, &err) != RC_OK)
		end.why = err;
	return chan_send(ch, &end, sizeof end, NULL, 0, &err) != RC_OK;
}

/* ---- the parent ---- */

static int
put(json_t *to, const char *key, const char *v, struct err *err)
{
	if (*v != '\0' && json_object_set_new(to, key, json_string(v)) != 0)
		return err_set(err, ERR_PROTOCOL, "an answer of the worklist is not UTF-8");
	return RC_OK;
}

/* A sex that an order does not know, and an identifier's issuer without the identifier, say nothing here. */
static int
candidate(const struct worklist_entry *e, json_t *patient, json_t *study, struct err *err)
{
	const char(*v)[WORKLIST_TEXT_MAX] = e->v;
	const char *sex = v[WORKLIST_SEX];
	int rc = RC_OK;

	if (strcmp(sex, "M") != 0 && strcmp(sex, "F") != 0 && strcmp(sex, "O") != 0)
		sex = "";
	if ((rc = put(patient, "id", v[WORKLIST_ID], err)) != RC_OK ||
	    (rc = put(patient, "issuer", *v[WORKLIST_ID] != '\0' ? v[WORKLIST_ISSUER] : "", err)) != RC_OK ||
	    (rc = put(patient, "name", v[WORKLIST_NAME], err)) != RC_OK ||
	    (rc = put(patient, "birth_date", v[WORKLIST_BIRTH_DATE], err)) != RC_OK ||
	    (rc = put(patient, "sex", sex, err)) != RC_OK ||
	    (rc = put(study, "accession", v[WORKLIST_ACCESSION], err)) != RC_OK ||
	    (rc = put(study, "accession_issuer",
		 *v[WORKLIST_ACCESSION] != '\0' ? v[WORKLIST_ACCESSION_ISSUER] : "", err)) != RC_OK ||
	    (rc = put(study, "requested_procedure_id", v[WORKLIST_PROCEDURE], err)) != RC_OK ||
	    (rc = put(study, "scheduled_step_id", v[WORKLIST_STEP], err)) != RC_OK ||
	    (rc = put(study, "description", v[WORKLIST_DESCRIPTION], err)) != RC_OK ||
	    (rc = put(study, "admission_id", v[WORKLIST_ADMISSION], err)) != RC_OK)
		return rc;
	return put(study, "modality", v[WORKLIST_MODALITY], err);
}

static int
take(struct worklist_entry *e, struct check_listed *l, struct err *err)
{
	struct buf b = BUF_INIT(ORDER_MAX);
	struct order **grown = NULL;
	json_t *doc = NULL;
	int rc = RC_OK;

	if (l->n == WORKLIST_ENTRIES_MAX)
		return err_set(err, ERR_INTERNAL, "more candidates than there may be");
	for (size_t i = 0; i < WORKLIST_FIELDS; i++)
		e->v[i][WORKLIST_TEXT_MAX - 1] = '\0';
	grown = realloc(l->v, (l->n + 1) * sizeof *grown);
	doc = json_make(err, "{s:i, s:{}, s:[{}]}", "v", 1, "patient", "studies");
	if (grown != NULL)
		l->v = grown;
	if (grown == NULL || doc == NULL) {
		rc = err_set(err, ERR_TEMP, "no memory for the worklist");
		goto out;
	}
	rc = candidate(e, json_object_get(doc, "patient"), json_array_get(json_object_get(doc, "studies"), 0), err);
	if (rc == RC_OK)
		rc = json_write(doc, &b, err);
	if (rc == RC_OK)
		rc = order_parse(b.data, b.len, "an answer of the worklist", &l->v[l->n], err);
	if (rc == RC_OK)
		l->n++;
	else if (err->kind == ERR_DATA)
		err->kind = ERR_PROTOCOL;
out:
	json_decref(doc);
	buf_free(&b);
	return rc;
}

static int
listen_to(struct worker *w, struct check_listed *l, struct err *err)
{
	struct buf msg = BUF_INIT(CHAN_MSG_MAX + 1);
	struct worklist_entry e;
	struct end end;
	int rc = RC_OK;

	for (;;) {
		struct err lost = { 0 };

		if (chan_recv(worker_chan(w), &msg, NULL, 0, NULL, &lost) != RC_OK) {
			rc = err_set(err, ERR_TEMP, "the process that asks the worklist ended early");
			break;
		}
		if (msg.len == sizeof end) {
			memcpy(&end, msg.data, sizeof end);
			l->w.more = end.more;
			if ((rc = check_net_failed(&end.why, err)) != RC_OK)
				err_wrap(err, "cannot ask the worklist");
			break;
		}
		if (msg.len != sizeof e) {
			rc = err_set(err, ERR_INTERNAL, "an answer of the wrong size");
			break;
		}
		memcpy(&e, msg.data, sizeof e);
		if ((rc = take(&e, l, err)) != RC_OK)
			break;
	}
	buf_free(&msg);
	return rc;
}

/* The family name of the first group, and a wildcard: given names are spelt in many ways. */
static void
family(const char *name, char *out, size_t cap)
{
	size_t n = strcspn(name, "^= ,");

	if (n > cap - 2)
		n = cap - 2;
	memcpy(out, name, n);
	out[n] = '*';
	out[n + 1] = '\0';
}

static int
query(const struct check_stage *st, struct question *q, struct check_listed *l, struct err *err)
{
	struct jail jail = check_net_jail(st->cli, &q->peer);
	struct worker *w = NULL;
	int rc = worker_start(&w, &jail, charset_prepare, ask, q, err);

	if (rc == RC_OK)
		rc = listen_to(w, l, err);
	worker_stop(w, NULL, NULL);
	return rc;
}

int
check_worklist_begin(const struct check_stage *st, struct err *err)
{
	const struct destination *d = &st->cli->config->worklist;
	struct assoc_peer peer;
	struct target t;

	if (d->url == NULL) {
		err_set(err, ERR_CONFIG, "--worklist: there is no [worklist] in the configuration");
		err_advise(err, "[worklist] url = dicom://RIS@host:port, see mri.conf(5)");
		return err_rc(err->kind);
	}
	return check_peer(st->cli, "the worklist", d, &t, &peer, err);
}

/* Which entry is to be filled; -1 and l->w.study: a new one. An order without entries gets one where it is clear for
 * which study. */
static int
entry_for(struct order *o, const struct study_key *keys, size_t nkeys, size_t self, struct check_listed *l, int *entry,
    struct err *err)
{
	struct err ambiguous = { 0 };
	int rc = order_match(o, keys, nkeys, self, entry, &ambiguous);

	if (rc != RC_OK && ambiguous.kind != ERR_PERSON) {
		*err = ambiguous;
		return rc;
	}
	if (rc != RC_OK)
		*entry = ORDER_UNSCHEDULED; /* rule one_order says so */
	l->w.study = *entry != ORDER_UNSCHEDULED ||
	    (rc == RC_OK && o->nstudies == 0 && nkeys == 1 && text_is_uid(keys[self].study_uid));
	l->w.untied = o->nstudies == 0 && nkeys > 1;
	return RC_OK;
}

int
check_worklist_run(const struct check_stage *st, const char *subject, struct order *o, const struct study_key *keys,
    size_t nkeys, size_t self, bool papers, struct check_listed *l, struct err *err)
{
	struct question q = { .peer = { .host = NULL } };
	struct target t;
	char name[NAME_MAX_BYTES];
	const struct order_study *of = NULL;
	int entry = ORDER_UNSCHEDULED;
	int rc = check_peer(st->cli, "the worklist", &st->cli->config->worklist, &t, &q.peer, err);

	if (rc == RC_OK && !papers)
		rc = entry_for(o, keys, nkeys, self, l, &entry, err);
	if (rc != RC_OK)
		return rc;
	l->w.key = check_worklist_by(o, entry, &of);
	if (l->w.key == CHECK_BY_ACCESSION) {
		q.q.accession = of->accession;
	} else if (l->w.key == CHECK_BY_ID) {
		q.q.id = o->patient.id;
	} else if (l->w.key == CHECK_BY_NAME) {
		family(o->patient.name, name, sizeof name);
		q.q.name = name;
		q.q.birth_date = o->patient.birth_date;
	}
	if (l->w.key != CHECK_BY_NOTHING)
		rc = query(st, &q, l, err);
	if (rc != RC_OK)
		return rc;
	l->w.v = (const struct order *const *)l->v;
	l->w.n = l->n;
	check_worklist_choose(o, entry, &l->w);
	if (l->w.end == CHECK_WORKLIST_ONE && l->w.study && entry == ORDER_UNSCHEDULED)
		rc = order_add_entry(o, keys[self].study_uid, &entry, err);
	if (rc == RC_OK && l->w.end == CHECK_WORKLIST_ONE)
		rc = order_fill(o, entry, l->v[l->w.chosen], err);
	cli_note(st->cli, 1, subject, "worklist: %zu candidates, %zu of them fit", l->n, l->w.fitting);
	return rc;
}

json_t *
check_worklist_numbers(const struct check_listed *l, struct err *err)
{
	return json_make(err, "{s:I, s:I}", "candidates", (json_int_t)l->n, "fitting", (json_int_t)l->w.fitting);
}

/* Of the patient only whether it agrees: who may see more asks mri-show --findings. */
void
check_worklist_print(struct cli *cli, const char *path, const struct check_listed *l)
{
	static const struct order_study none;

	for (size_t i = 0; i < l->n; i++) {
		const struct order_study *s = l->v[i]->nstudies > 0 ? &l->v[i]->studies[0] : &none;
		const char *const fields[] = { s->accession, s->requested_procedure_id, s->scheduled_step_id,
			s->modality, s->description };
		static const char *const keys[] = { "accession", "requested_procedure_id", "scheduled_step_id",
			"modality", "description" };
		bool fits = l->w.end == CHECK_WORKLIST_ONE && i == l->w.chosen;
		struct err ignored;
		json_t *j = NULL;
		char shown[5][80];

		for (size_t k = 0; k < 5; k++)
			text_escape(shown[k], sizeof shown[k], fields[k] != NULL ? fields[k] : "",
			    fields[k] != NULL ? strlen(fields[k]) : 0);
		if (!cli->json) {
			cli_print(cli, "%s: worklist %zu of %zu%s: accession %s, procedure %s, step %s, %s, %s", path,
			    i + 1, l->n, fits ? ", taken" : "", shown[0], shown[1], shown[2], shown[3], shown[4]);
			continue;
		}
		j = json_make(&ignored, "{s:i, s:s, s:s, s:I, s:b}", "v", 1, "type", "candidate", "path", path,
		    "number", (json_int_t)i + 1, "taken", fits);
		for (size_t k = 0; j != NULL && k < 5; k++)
			if (fields[k] != NULL)
				json_object_set_new(j, keys[k], json_string(fields[k]));
		if (j != NULL)
			cli_print_json(cli, j);
		json_decref(j);
	}
}

void
check_listed_free(struct check_listed *l)
{
	for (size_t i = 0; i < l->n; i++)
		order_free(l->v[i]);
	free(l->v);
	memset(l, 0, sizeof *l);
}
