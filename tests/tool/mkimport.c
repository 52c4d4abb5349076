/*
 * mkimport SPOOL IDENTITY AGE STAGE OBJECTS COUNT: makes COUNT imports through lib/spool and prints their ids.
 * AGE: seconds since they were received. STAGE: incoming, fetched, unpacked, held, checked, retagged, sent or
 * confirmed; each has what the stages before it write. The payload holds the word PAYLOADWORD, names PATIENTWORD.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/time.h"
#include "spool/journal.h"
#include "spool/manifest.h"
#include "spool/overlay.h"

static const char *const stages[] = { "incoming", "fetched", "unpacked", "held", "checked", "retagged", "sent",
	"confirmed" };
enum { INCOMING, FETCHED, UNPACKED, HELD, CHECKED, RETAGGED, SENT, CONFIRMED };

#define ORDER "{\"v\":1,\"ref\":\"T-1\",\"patient\":{\"id\":\"IDWORD-4711\",\"name\":\"PATIENTWORD^A\"," \
	"\"birth_date\":" \
	"\"1970-01-01\",\"sex\":\"M\"},\"destinations\":[\"pacs\"]}"
#define CLAIM "{\"v\":1,\"package\":1,\"source\":\"direct\",\"kind\":\"study\",\"media\":\"application/zip\"," \
	"\"title\":\"PATIENTWORD\",\"plausible\":true}"
#define OBJECT_BYTES 600

static struct err err;

static void ok(int rc)
{
	if (!rc)
		return;
	fprintf(stderr, "mkimport: %s\n", err.text);
	exit(1);
}

static void pour(int fd, const struct age_recipient *to, const char *data, size_t len)
{
	struct stream *s = NULL;

	ok(spool_writer_fd(&s, fd, to, &err));
	ok(stream_write(s, data, len, &err));
	ok(stream_commit(s, &err));
	stream_close(s);
}

static void object_bytes(int n, char data[OBJECT_BYTES])
{
	memset(data, 'a' + n % 26, OBJECT_BYTES);
	memcpy(data + 100, "PAYLOADWORD", 11);
}

static void make_item(struct import *imp, int study, int objects)
{
	struct manifest_document d = { .media = "application/pdf", .package = 1 };
	struct buf b = BUF_INIT(0);
	struct manifest *m = NULL;
	struct item_dir *item = NULL;
	struct staging *st = NULL;
	char data[OBJECT_BYTES];
	int fd = -1, slot = 0;

	ok(staging_new(&st, imp, &err));
	ok(item_create(&item, imp, study, &err));
	ok(manifest_new(&m, &err));
	if (study)
		snprintf(m->study_uid, sizeof(m->study_uid), "1.2.3.4");
	m->patient_name = strdup("PATIENTWORD^B");
	for (int i = 1; i <= objects; i++) {
		struct manifest_object o = { .sop_class = "1.2.840.10008.5.1.4.1.1.2", .series_uid = "1.2.3",
		    .transfer_syntax = "1.2.840.10008.1.2.1", .modality = "CT", .bytes = OBJECT_BYTES, .number = i,
		    .package = 1 };
		object_bytes(i, data);
		snprintf(o.sop_uid, sizeof(o.sop_uid), "1.2.3.4.%d", i);
		ok(hash_hex(data, sizeof(data), o.sha256, &err));
		ok(staging_output(st, &fd, &slot, &err));
		pour(fd, import_recipient(imp), data, sizeof(data));
		ok(item_place(item, st, slot, ITEM_ORIGINAL, &o.n, &err));
		ok(manifest_add_object(m, &o, &err));
	}
	if (!study) {
		d.bytes = 20;
		ok(hash_hex("%PDF-1.4 PAYLOADWORD", 20, d.sha256, &err));
		ok(staging_output(st, &fd, &slot, &err));
		pour(fd, import_recipient(imp), "%PDF-1.4 PAYLOADWORD", 20);
		ok(item_place(item, st, slot, ITEM_DOCUMENT, &d.n, &err));
		ok(manifest_add_document(m, &d, &err));
	}
	ok(manifest_write(m, &b, &err));
	ok(item_manifest_write(item, b.data, b.len, &err));
	ok(item_publish(item, &err));
	ok(import_history_add(imp, "unpack", item_name(item), "ok", NULL, NULL, &err));
	item_close(item);
	staging_free(st);
	manifest_free(m);
	buf_free(&b);
}

static void check(struct import *imp, struct item_dir *item, bool held)
{
	char text[2000], order[65], manifest[65];
	int n = 0;

	ok(item_file_write(item, ITEM_ORDER, ORDER, strlen(ORDER), NULL, &err));
	ok(item_file_hash(item, ITEM_ORDER, order, &err));
	ok(item_file_hash(item, ITEM_MANIFEST, manifest, &err));
	n = snprintf(text, sizeof(text), "{\"v\":1,\"type\":\"check\",\"time\":\"2026-11-24T06:27:41Z\",\"order\":\"%s\","
	    "\"manifest\":\"%s\",\"verdict\":\"%s\",\"rules\":[{\"rule\":\"patient\",\"verdict\":\"%s\",\"severity\":"
	    "\"error\",\"reason\":\"name PATIENTWORD differs\"}]}", order, manifest, held ? "held" : "pass",
	    held ? "finding" : "pass");
	ok(item_file_write(item, ITEM_CHECK, text, (size_t)n, NULL, &err));
	ok(import_history_add(imp, "check", item_name(item), held ? "held" : "ok", NULL, NULL, &err));
}

/* Each object: its first 100 bytes, NEWBYTES, and the rest from 108 on. */
static void retag(struct import *imp, struct item_dir *item, int objects)
{
	struct overlay_writer *w = NULL;
	json_t *plan = json_object();
	char hash[65], data[OBJECT_BYTES];

	ok(item_file_hash(item, ITEM_CHECK, hash, &err));
	ok(overlay_create(&w, item, hash, plan, objects, &err));
	for (int i = 1; i <= objects; i++) {
		struct pieces p = { 0 };
		object_bytes(i, data);
		ok(hash_hex(data, sizeof(data), hash, &err));
		ok(pieces_original(&p, 0, 100, &err));
		ok(pieces_new(&p, "NEWBYTES", 8, &err));
		ok(pieces_original(&p, 108, OBJECT_BYTES - 108, &err));
		ok(overlay_add(w, i, hash, &p, &err));
		pieces_free(&p);
	}
	ok(overlay_commit(w, &err));
	ok(import_history_add(imp, "retag", item_name(item), "ok", NULL, NULL, &err));
	json_decref(plan);
}

static void send_it(struct import *imp, struct item_dir *item, int objects, int documents, bool confirm)
{
	struct journal *j = NULL;

	ok(journal_open(&j, item, "pacs", &err));
	for (int i = 1; i <= objects; i++)
		ok(journal_add(j, i, JOURNAL_STORED, "", 0, &err));
	for (int i = 1; i <= documents; i++)
		ok(journal_add(j, JOURNAL_DOCUMENT + i, JOURNAL_STORED, "", 0, &err));
	ok(journal_sync(j, &err));
	if (confirm)
		ok(journal_confirm(j, &err));
	journal_close(j);
	ok(import_history_add(imp, "send", item_name(item), confirm ? "ok" : "temp", confirm ? NULL : "no answer", NULL,
	    &err));
}

static void stages_of(struct import *imp, int study, int stage, int objects)
{
	struct item_dir *item = NULL;

	if (stage < HELD)
		return;
	ok(item_open(&item, imp, study, true, &err));
	check(imp, item, stage == HELD);
	if (stage >= RETAGGED && study)
		retag(imp, item, objects);
	if (stage >= SENT)
		send_it(imp, item, study ? objects : 0, study ? 0 : 1, stage == CONFIRMED);
	item_close(item);
}

/* Received earlier: the id and the deadline say so. */
static void age(const char *spool, const char *where, char id[SPOOL_ID_LEN + 1], long seconds)
{
	char from[4096], to[4096], compact[TIME_TEXT_MAX], aged[SPOOL_ID_LEN + 1], line[400];
	struct buf text = BUF_INIT(0);
	char when[TIME_TEXT_MAX];
	time_t received = time_now() - (time_t)seconds;
	FILE *f = NULL;

	snprintf(aged, sizeof(aged), "%s%s", time_compact(received, compact), id + 16);
	snprintf(from, sizeof(from), "%s/%s/%s/deadline", spool, where, id);
	if (!(f = fopen(from, "r")))
		exit(1);
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "received=", 9))
			snprintf(line, sizeof(line), "received=%s\n", time_iso(received, when));
		else if (!strncmp(line, "purge_at=", 9))
			snprintf(line, sizeof(line), "purge_at=%s\n", time_iso(received + SPOOL_RETENTION_MAX, when));
		ok(buf_puts(&text, line, &err));
	}
	fclose(f);
	if (!(f = fopen(from, "w")) || fputs(text.data, f) < 0 || fclose(f))
		exit(1);
	buf_free(&text);
	snprintf(from, sizeof(from), "%s/%s/%s", spool, where, id);
	snprintf(to, sizeof(to), "%s/%s/%s", spool, where, aged);
	if (rename(from, to))
		exit(1);
	snprintf(from, sizeof(from), "%s/keys/%s", spool, id);
	snprintf(to, sizeof(to), "%s/keys/%s", spool, aged);
	if (access(from, F_OK) == 0 && rename(from, to))
		exit(1);
	snprintf(id, SPOOL_ID_LEN + 1, "%s", aged);
}

static void one(struct spool *sp, const char *dir, long seconds, int stage, int objects)
{
	struct import *imp = NULL;
	struct package *pk = NULL;
	char id[SPOOL_ID_LEN + 1];
	int fd = -1, n = 0;

	ok(import_create(&imp, sp, "T-1", ORDER, strlen(ORDER), &err));
	ok(import_package_begin(imp, &pk, &fd, &n, &err));
	pour(fd, import_recipient(imp), "a package with PAYLOADWORD", 26);
	ok(import_package_end(pk, "offer", CLAIM, strlen(CLAIM), &err));
	snprintf(id, sizeof(id), "%s", import_id(imp));
	if (stage == INCOMING) {
		ok(import_history_add(imp, "fetch", NULL, "temp", "timed out", NULL, &err));
	} else {
		ok(import_commit(imp, &err));
		ok(import_history_add(imp, "fetch", NULL, "ok", NULL, NULL, &err));
	}
	if (stage >= UNPACKED) {
		import_close(imp);
		ok(import_open(&imp, sp, id, IMPORT_COMMITTED, &err));
		make_item(imp, 1, objects);
		make_item(imp, ITEM_PAPERS, 0);
		ok(import_unpack_write(imp, "{\"v\":1,\"partial\":false}", 23, &err));
		ok(import_history_add(imp, "unpack", NULL, "ok", NULL, NULL, &err));
		stages_of(imp, 1, stage, objects);
		stages_of(imp, ITEM_PAPERS, stage, 0);
	}
	import_close(imp);
	if (seconds)
		age(dir, stage == INCOMING ? "incoming" : "import", id, seconds);
	puts(id);
}

int main(int argc, char **argv)
{
	struct spool_settings set = { .encrypt = true };
	struct spool *sp = NULL;
	int stage = 0;

	if (argc != 7)
		return 64;
	set.identity = argv[2];
	while (stage < CONFIRMED && strcmp(stages[stage], argv[4]))
		stage++;
	ok(spool_open(&sp, argv[1], SPOOL_SECRET, &set, &err));
	for (long i = strtol(argv[6], NULL, 10); i > 0; i--)
		one(sp, argv[1], strtol(argv[3], NULL, 10), stage, (int)strtol(argv[5], NULL, 10));
	spool_close(sp);
	return 0;
}
