#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/text.h"
#include "base/time.h"
#include "order/basis.h"
#include "source/local.h"
#include "stage/fetch.h"

static int
write_package(const char *path, bool folder, struct target *t, const struct age_recipient *to,
    struct local_result *r, struct err *err)
{
	struct stream *s = NULL;
	int copy = dup(t->fd), rc = RC_OK;

	if (copy < 0)
		return err_set(err, ERR_TEMP, "no descriptor left");
	if ((rc = spool_writer_fd(&s, copy, to, err)) != RC_OK)
		return rc;
	rc = folder ? local_pack_folder(path, s, r, cli_stopped, err) : local_copy_file(path, s, r, err);
	if (rc == RC_OK)
		rc = stream_commit(s, err);
	stream_close(s);
	return rc;
}

static int
publish(struct target *t, const struct local_result *r, bool folder, struct err *err)
{
	char kind[16], type[64], source[16];
	struct claim c;

	claim_init(&c);
	c.package = t->n;
	text_copy(source, sizeof(source), "local");
	text_copy(kind, sizeof(kind), r->media == MEDIA_ZIP || r->media == MEDIA_DICOM ? "study" :
	    r->media == MEDIA_UNKNOWN ? "unknown" : "document");
	text_copy(type, sizeof(type), media_type(r->media));
	c.source = source;
	c.kind = kind;
	c.media = type;
	c.bytes = r->bytes;
	c.partial = folder && r->unreadable > 0;
	text_copy(c.sha256, sizeof(c.sha256), r->sha256);
	return target_end(t, "local", &c, err);
}

void
fetch_local(struct fetch *f, const struct cli_input *in, struct order *o, const char *path)
{
	struct target t = { .dir = -1, .fd = -1 };
	struct fetched r = { .state = "", .began_ms = time_mono_ms() };
	struct local_result got = { 0 };
	const struct age_recipient *to = NULL;
	struct buf stored = BUF_INIT(ORDER_MAX);
	struct act *act = NULL;
	json_t *numbers = NULL;
	char shown[256], file[SPOOL_PATH_MAX + 40];
	bool folder = false, durable = false;
	int rc = local_kind(path, &folder, &r.err);

	text_escape(shown, sizeof(shown), path, strlen(path));
	if (rc != RC_OK)
		goto out;
	rc = act_begin(&act, f->work->audit, "mri-fetch", "fetch", NULL, o->basis_kind, AUDIT_NONE, &r.err);
	if (rc != RC_OK)
		goto out;
	if (f->out_dir != NULL)
		rc = target_open_dir(&t, f->out_dir, &r.err);
	else if ((rc = fetched_order(f, o, NULL, &stored, &r.err)) == RC_OK)
		rc = import_create(&t.import, f->work->spool, o->ref, stored.data, stored.len, &r.err);
	if (rc != RC_OK || (rc = target_begin(&t, &to, &r.err)) != RC_OK)
		goto out;
	if ((rc = write_package(path, folder, &t, to, &got, &r.err)) == RC_OK) {
		rc = publish(&t, &got, folder, &r.err);
		r.packages = rc == RC_OK;
		r.bytes = got.bytes;
	}
	if (rc != RC_OK) {	/* what a path brought can be read again: nothing is kept to resume */
		target_abort(&t);
		if (t.import != NULL)
			(void)import_discard(t.import, &(struct err){ 0 });
		goto out;
	}
	if (got.passed > 0)
		cli_warn(f->cli, shown, "%lld links or special files were passed over", got.passed);
	if (got.unreadable > 0) {
		r.failed = got.unreadable;
		r.state = "partial";
		err_set(&r.err, ERR_DATA, "%lld files cannot be read and are set aside", got.unreadable);
		err_advise(&r.err, "clean the medium and fetch it again, or ask for another one");
	}
	if (t.import != NULL) {
		struct err e = { 0 };
		rc = import_commit(t.import, &e);
		durable = rc == RC_OK;
		numbers = fetched_numbers(&r, false);
		if (rc == RC_OK)
			rc = import_history_add(t.import, "fetch", NULL, fetched_outcome(&r, true), r.state, numbers, &e);
		if (rc != RC_OK)
			r.err = e;
	} else {
		durable = true;
		snprintf(file, sizeof(file), "%s/%s", t.path, t.name);
		cli_receipt(f->cli, &(struct cli_receipt){ .in = in, .path = file, .ref = o->ref,
		    .status = fetched_outcome(&r, true) });
	}
out:
	json_decref(numbers);
	numbers = fetched_numbers(&r, false);
	if (act != NULL) {
		if (numbers != NULL && t.import != NULL && durable)
			json_object_set_new(numbers, "import", json_string(import_id(t.import)));
		struct err e = { 0 };
		if (act_end(act, fetched_outcome(&r, durable), numbers, &e) != RC_OK && r.err.kind == ERR_NONE)
			r.err = e;
	}
	json_decref(numbers);
	buf_free(&stored);
	fetched_report(f, in, o, shown, &t, durable, &r);
	target_close(&t);
}
