/* Fuzz target: a map, compiled; what comes out is a plan that can be loaded and applied. main() replays files. */
#include <stdlib.h>
#include <string.h>
#include "reconcile/map.h"
#include "reconcile/verify.h"
#include "replay.h"

/* An object with a sequence and a private block, explicit little endian. */
static const char object[] = "\10\0\5\0CS\12\0ISO_IR 100" "\10\0\140\0CS\2\0CT" "\10\0\200\0LO\4\0Haus"
    "\20\0\20\0PN\4\0A^B " "\20\0\40\0LO\2\0P1" "\31\0\20\0LO\4\0ACME" "\31\0\1\20LO\2\0ab"
    "\100\0\165\2SQ\0\0\22\0\0\0\376\377\0\340\12\0\0\0\100\0\1\20SH\2\0R1";

static void told(void *arg, const struct err *err)
{
	(void)arg;
	if (err->kind != ERR_CONFIG || err->text[0] == '\0')
		__builtin_trap();
}

static void use(const struct map *m)
{
	struct order order = { .patient = { .id = (char *)"L{1}",
	    .name = (char *)"M&\xc3\xbc\\r^J", .birth_date = "19700101" } };
	struct plan_input in = { .order = &order, .entry = ORDER_UNSCHEDULED, .order_sha256 = "", .manifest_sha256 = "",
	    .time = 1795500000, .version = "t", .organisation = "", .station = "", .map = m, .source = "host" };
	struct plan_report report;
	struct pieces pieces = { 0 };
	struct stream *s = NULL;
	struct object *o = NULL;
	struct plan *plan = NULL;
	struct err err = { 0 };
	json_t *doc = NULL;

	if (plan_make(&doc, &in, &err) != RC_OK)
		return;
	/* What the compiler lets through the worker takes: but for the number of patterns. */
	if (plan_load(&plan, doc, &err) != RC_OK) {
		if (strstr(err.text, "more than") == NULL)
			__builtin_trap();
	} else if (stream_mem(&s, object, sizeof object - 1, &err) == RC_OK && walk_open(&o, s, &err) == RC_OK) {
		(void)plan_apply(plan, o, &pieces, &report, &err);
	}
	pieces_free(&pieces);
	walk_close(o);
	stream_close(s);
	plan_free(plan);
	json_decref(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct map *m = NULL;
	struct err err = { 0 };

	plan_prepare(NULL);
	if (map_new(&m, &err) != RC_OK)
		return 0;
	if (map_add(m, "fuzz.map", (const char *)data, n, told, NULL, &err) == RC_OK)
		use(m);
	map_free(m);
	return 0;
}
