/*
 * mri-portal bundle: what one download did, in one tar that can be sent to
 * whoever helps. It is made in memory and searched for everything that this
 * machine knows of the patient and of its own secrets; where something of it
 * is found, nothing is written.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "base/text.h"
#include "base/time.h"
#include "http/har.h"
#include "http/recording.h"
#include "media/tarball.h"
#include "stage/portal.h"
#include "stage/portal_known.h"
#include "stage/portal_tags.h"
#include "stage/show.h"

#define TAR_MAX		((size_t)64 << 20)
#define CLAIMS_MAX	4096

struct bundle {
	struct cli *cli;
	struct work w;
	struct known known;
	struct tarball *tar;
	const char *found;		/* what stands in `in`, and must not; NULL: nothing so far */
	char in[32];
	json_t *tags;			/* of each item */
	bool sealed;			/* there is an import, and no identity to open it */
	bool named;			/* the order could be read: its patient is looked for */
	time_t now;
};

/* Searched, then added. */
static int
add(struct bundle *b, const char *name, const void *data, size_t n, struct err *err)
{
	const char *what = known_found(&b->known, data, n);

	if (what != NULL && b->found == NULL) {
		b->found = what;
		text_copy(b->in, sizeof(b->in), name);
	}
	return tarball_add(b->tar, name, data, n, b->now, err);
}

static int
add_json(struct bundle *b, const char *name, const json_t *j, struct err *err)
{
	struct buf text = BUF_INIT(TAR_MAX);
	int rc = json_write(j, &text, err);

	if (rc == RC_OK && (rc = buf_puts(&text, "\n", err)) == RC_OK)
		rc = add(b, name, text.data, text.len, err);
	buf_free(&text);
	return rc;
}

static int
add_versions(struct bundle *b, struct err *err)
{
	struct buf text = BUF_INIT((size_t)1 << 20);
	struct utsname u;
	int rc = cli_versions(b->cli, true, &text, err);

	if (rc == RC_OK && uname(&u) == 0)
		rc = buf_printf(&text, err, "kernel: %s %s %s\n", u.sysname, u.release, u.machine);
	if (rc == RC_OK)
		rc = add(b, "versions.txt", text.data, text.len, err);
	buf_free(&text);
	return rc;
}

/* The recording. */

static bool
told_before(const json_t *list, const json_t *one)
{
	const json_t *other = NULL;
	size_t i = 0;

	json_array_foreach((json_t *)(uintptr_t)list, i, other)
		if (json_equal(other, one))
			return true;
	return false;
}

/* Version, cipher and chain of each host, once. */
static int
add_tls(struct bundle *b, const json_t *entries, struct err *err)
{
	json_t *list = json_array(), *e = NULL, *one = NULL;
	const char *url = NULL, *host = NULL;
	size_t i = 0;
	int rc = RC_OK;

	json_array_foreach((json_t *)(uintptr_t)entries, i, e) {
		url = json_text(json_object_get(e, "request"), "url");
		host = strstr(url, "://") != NULL ? strstr(url, "://") + 3 : "";
		one = json_pack("{s:s%, s:O?}", "host", host, strcspn(host, "/?"), "tls", json_object_get(e, "_tls"));
		if (one != NULL && json_object_get(e, "_tls") != NULL &&
		    json_array_size(json_object_get(json_object_get(one, "tls"), "chain")) > 0 && !told_before(list, one))
			json_array_append(list, one);
		json_decref(one);
	}
	rc = add_json(b, "tls.json", list, err);
	json_decref(list);
	return rc;
}

/* What the recorder did not redact by a value that it knew, it did by its place: so can we. */
static int
check_places(struct bundle *b, const json_t *entries)
{
	const json_t *e = NULL;
	size_t i = 0;

	json_array_foreach((json_t *)(uintptr_t)entries, i, e)
		if (!har_clean(e) && b->found == NULL) {
			b->found = "what looks like a token, a cookie or a secret part of an address";
			text_copy(b->in, sizeof(b->in), "recording.har");
		}
	return RC_OK;
}

static int
add_recording(struct bundle *b, const char *path, struct err *err)
{
	struct buf text = BUF_INIT(RECORDING_BYTES_MAX);
	struct recording *r = NULL;
	struct stream *s = NULL;
	const json_t *entries = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), rc = RC_OK;

	if (fd < 0)
		return err_sys(err, errno, "cannot open the recording");
	if ((rc = stream_file(&s, fd, err)) == RC_OK)
		rc = stream_slurp(s, &text, err);
	stream_close(s);
	if (rc == RC_OK && (rc = recording_parse(&r, text.data != NULL ? text.data : "", text.len, err)) == RC_OK) {
		entries = json_object_get(json_object_get(r->root, "log"), "entries");
		/* written anew: what is searched is what is sent, however it was escaped */
		if ((rc = check_places(b, entries)) == RC_OK && (rc = add_json(b, "recording.har", r->root, err)) == RC_OK)
			rc = add_tls(b, entries, err);
	}
	recording_free(r);
	buf_wipe(&text);
	return rc;
}

/* The import. */

static int
learn_order(struct bundle *b, struct import *import, struct err *err)
{
	struct buf text = BUF_INIT(ORDER_MAX);
	struct order *o = NULL;
	int rc = import_order_read(import, &text, err);

	if (rc == RC_OK && (rc = order_parse(text.data, text.len, "order", &o, err)) == RC_OK) {
		rc = known_order(&b->known, o, err);
		b->named = o->patient.name != NULL || o->patient.id != NULL || o->patient.birth_date[0] != '\0';
	}
	order_free(o);
	buf_wipe(&text);
	return rc;
}

static int
learn_claims(struct bundle *b, struct import *import, struct err *err)
{
	struct buf text = BUF_INIT(JSON_BYTES_MAX);
	struct claim c;
	size_t i = 0, n = 0;
	int *numbers = calloc(CLAIMS_MAX, sizeof(*numbers));
	int rc = numbers == NULL ? err_set(err, ERR_TEMP, "no memory") :
	    import_claims(import, numbers, CLAIMS_MAX, &n, err);

	for (i = 0; i < n && i < CLAIMS_MAX && rc == RC_OK; i++) {
		claim_init(&c);
		buf_clear(&text);
		if ((rc = import_claim_read(import, numbers[i], &text, err)) == RC_OK &&
		    (rc = claim_parse(text.data, text.len, &c, err)) == RC_OK)
			rc = known_claim(&b->known, &c, err);
		claim_free(&c);
	}
	buf_wipe(&text);
	free(numbers);
	return rc;
}

/* What the objects say of their patient, and which elements they have. */
static int
on_item(struct cli *cli, struct item_dir *item, void *arg, struct err *err)
{
	struct bundle *b = arg;
	struct buf text = BUF_INIT(JSON_BYTES_MAX);
	struct manifest *m = NULL;
	json_t *tags = NULL;
	int *numbers = NULL;
	size_t i = 0;
	int rc = item_file_read(item, ITEM_MANIFEST, &text, err);

	if (rc == RC_OK && (rc = manifest_parse(text.data, text.len, &m, err)) == RC_OK)
		rc = known_manifest(&b->known, m, err);
	if (rc == RC_OK && (numbers = calloc(m->nobjects + 1, sizeof(*numbers))) == NULL)
		rc = err_set(err, ERR_TEMP, "no memory");
	for (i = 0; rc == RC_OK && i < m->nobjects; i++)
		numbers[i] = m->objects[i].n;
	if (rc == RC_OK && m->nobjects > 0 && (rc = portal_tags(item, numbers, m->nobjects,
	    (enum jail_mode)cli->config->sandbox, &tags, err)) == RC_OK)
		json_array_append_new(b->tags, tags);
	free(numbers);
	manifest_free(m);
	buf_wipe(&text);
	return rc;
}

/* All that is known first: each member is searched when it is added. */
static int
learn_import(struct bundle *b, struct import *import, const struct spool_ref *ref, struct err *err)
{
	char identity[AGE_TEXT_MAX];
	struct spool_ref whole = *ref;
	int rc = RC_OK;

	if (b->sealed)
		return RC_OK;
	whole.kind = SPOOL_IMPORT;
	if ((rc = learn_order(b, import, err)) != RC_OK || (rc = learn_claims(b, import, err)) != RC_OK)
		return rc;
	if (import_recipient(import) != NULL && import_identity_text(import, identity, &(struct err){ 0 }) == RC_OK)
		rc = known_add(&b->known, KNOWN_KEY, identity, err);
	return rc == RC_OK ? show_items(b->cli, import, &whole, on_item, b, err) : rc;
}

static int
add_import(struct bundle *b, struct import *import, const struct spool_ref *ref, enum import_where where,
    struct err *err)
{
	struct spool_ref whole = *ref;
	json_t *j = NULL, *item = NULL;
	size_t i = 0;
	int rc = RC_OK;

	whole.kind = SPOOL_IMPORT;
	if ((rc = show_facts(b->cli, &b->w, &whole, import, where, &j, err)) != RC_OK)
		return rc;
	/* whose machine this is, and when somebody was examined, helps nobody */
	json_object_del(j, "path");
	json_array_foreach(json_object_get(j, "items"), i, item)
		json_object_del(item, "study_date");
	rc = add_json(b, "history.json", json_object_get(j, "history"), err);
	json_object_del(j, "history");
	if (rc == RC_OK)
		rc = add_json(b, "states.json", j, err);
	if (rc == RC_OK)
		rc = add_json(b, "tags.json", b->tags, err);
	json_decref(j);
	return rc;
}

/* A download that failed lies in incoming, and can be opened where no fetch is at work on it. */
static int
open_import(struct bundle *b, const struct spool_ref *ref, struct import **import, enum import_where *where,
    struct err *err)
{
	int rc = show_open(&b->w, ref, import, where, err);

	if (rc != RC_OK || *where != IMPORT_INCOMING || b->sealed)
		return rc;
	import_close(*import);
	rc = import_open(import, b->w.spool, ref->id, IMPORT_INCOMING, err);
	if (rc != RC_OK && err->kind == ERR_TEMP) {
		b->sealed = true;
		err_clear(err);
		rc = import_peek(import, b->w.spool, ref->id, IMPORT_INCOMING, err);
	}
	return rc;
}

static int
with_import(struct bundle *b, const struct cli_input *in, const char *har, struct err *err)
{
	enum import_where where = IMPORT_COMMITTED;
	struct spool_ref ref = { 0 };
	struct import *import = NULL;
	struct act *act = NULL;
	struct err audit = { 0 };
	char name[128] = "";
	int rc = show_resolve(&b->w, in, &ref, err);

	if (rc == RC_OK)
		rc = open_import(b, &ref, &import, &where, err);
	spool_ref_text(&ref, name);
	if (rc == RC_OK && (rc = act_begin(&act, b->w.audit, "mri-portal", "bundle", name, NULL, AUDIT_NONE, err)) == RC_OK) {
		if ((rc = learn_import(b, import, &ref, err)) == RC_OK && har != NULL)
			rc = add_recording(b, har, err);
		if (rc == RC_OK)
			rc = add_import(b, import, &ref, where, err);
		if (act_end(act, rc != RC_OK ? "perm" : b->found != NULL ? "refused" : "ok", NULL, &audit) != RC_OK && rc == RC_OK) {
			*err = audit;
			rc = err_rc(err->kind);
		}
	}
	import_close(import);
	return rc;
}

/* What stands in it, and what was looked for. */
static int
add_about(struct bundle *b, bool import, const char *har, struct err *err)
{
	char when[TIME_TEXT_MAX];
	json_t *j = json_make(err, "{s:i, s:s, s:s, s:s, s:b, s:b, s:b}", "v", 1, "type", "bundle", "tool",
	    "mri-tools/" MRI_VERSION, "made", time_iso(b->now, when), "recording", har != NULL, "import", import,
	    "sealed", b->sealed);
	size_t i = 0, n = 0;
	int rc = j == NULL ? err_rc(err->kind) : RC_OK;

	for (i = 0; i < KNOWN_KINDS; i++)
		n += b->known.of[i].n;
	if (rc == RC_OK) {
		json_object_set_new(j, "searched_for", json_integer((json_int_t)n));
		json_object_set_new(j, "named", json_boolean(b->named));
		rc = add_json(b, "about.json", j, err);
	}
	json_decref(j);
	return rc;
}

static int
write_out(struct bundle *b, const char *out, struct err *err)
{
	const void *bytes = NULL;
	size_t n = 0;
	int fd = STDOUT_FILENO, rc = tarball_end(b->tar, &bytes, &n, err);

	if (rc == RC_OK && out != NULL)
		rc = work_create_outside(out, &fd, err);
	if (rc == RC_OK)
		rc = io_write_full(fd, bytes, n, err);
	if (rc == RC_OK && out != NULL)
		rc = io_fsync(fd, err);
	if (out != NULL && fd > STDERR_FILENO)
		close(fd);
	return rc;
}

static int
refuse(const struct bundle *b, struct err *err)
{
	err_set(err, ERR_PERSON, "%s holds %s: nothing was written", b->in, b->found);
	err_advise(err, "%s", strcmp(b->in, "recording.har") == 0 ?
	    "bundle without --har, or record once more and look at it" :
	    "report it: this part is made by mri-tools and should not hold it");
	return err_rc(ERR_PERSON);
}

static int
open_work(struct bundle *b, struct err *err)
{
	int rc = work_open(b->cli, &b->w, SPOOL_SECRET, true, err);

	if (rc == RC_OK || (err->kind != ERR_DENIED && err->kind != ERR_NOINPUT && err->kind != ERR_CONFIG))
		return rc;
	err_clear(err);
	b->sealed = true;
	return work_open(b->cli, &b->w, SPOOL_PUBLIC, true, err);
}

void
portal_bundle(struct cli *cli, const char *har, const char *out)
{
	struct bundle b = { .cli = cli, .tags = json_array(), .now = time_now() };
	struct cli_input in = { 0 };
	struct err err = { 0 };
	int rc = RC_OK;

	cli->argc--;
	cli->argv++;
	if (cli->argc > 1 || (cli->argc == 0 && har == NULL))
		cli_usage_error(cli, "bundle needs one import, or a recording with --har, or both");
	if (cli->json)
		cli_usage_error(cli, "what bundle prints is a tar archive: it has no --json");
	if (out == NULL && isatty(STDOUT_FILENO))
		cli_usage_error(cli, "a tar archive is not for a terminal: name a file with -o, or redirect");
	rc = tarball_new(&b.tar, TAR_MAX, &err);
	if (rc == RC_OK)
		rc = known_portals(&b.known, cli->config, &err);
	if (rc == RC_OK && cli_next(cli, &in)) {
		if ((rc = open_work(&b, &err)) == RC_OK)
			rc = with_import(&b, &in, har, &err);
	} else if (rc == RC_OK) {
		rc = add_recording(&b, har, &err);
	}
	if (rc == RC_OK && (rc = add_versions(&b, &err)) == RC_OK)
		rc = add_about(&b, in.path != NULL, har, &err);
	if (rc == RC_OK)
		rc = b.found != NULL ? refuse(&b, &err) : write_out(&b, out, &err);
	if (rc != RC_OK)
		cli_fail(cli, NULL, in.path != NULL ? in.path : NULL, &err);
	else if (in.path == NULL || b.sealed)
		cli_warn(cli, NULL, "%s: it was searched for secrets of the configuration, and for no name",
		    in.path == NULL ? "no import was named" : "what says whose the import is cannot be opened");
	tarball_free(b.tar);
	json_decref(b.tags);
	known_free(&b.known);
	work_close(&b.w);
}
