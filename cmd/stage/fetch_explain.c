/*
 * --explain: a step, below it what it did, and how it ended. The session tells
 * its exchanges and what a recipe does between them; here stands what is
 * decided on this side: where an answer came from, what is taken of a list and
 * why. Never a value, and nothing that names a patient.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/text.h"
#include "stage/fetch.h"

void
explain(const struct fetch *f, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX + 128];
	va_list ap;

	if (!f->explain)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cli_progress_end(f->cli);
	cli_note(f->cli, 0, NULL, "%s", text);
}

int
explain_end(const struct fetch *f, const char *state, int rc, const struct err *err)
{
	if (rc != RC_OK)
		explain(f, "    state %s: %s", state[0] != '\0' ? state : "none", err->text);
	return rc;
}

void
explain_answer(const struct fetch *f, const struct source_question *q, const struct factor *have)
{
	char type[128];

	text_escape(type, sizeof(type), q->type, strlen(q->type));
	explain(f, "    %s: from %s", type, have->from != NULL ? have->from : "elsewhere");
}

void
explain_offer(const struct fetch *f, const struct source_offer *o, size_t n, bool taken, const char *why)
{
	char modalities[64], files[48] = "";

	text_escape(modalities, sizeof(modalities), o->modalities != NULL ? o->modalities : "",
	    o->modalities != NULL ? strlen(o->modalities) : 0);
	if (o->files >= 0)
		snprintf(files, sizeof(files), ", %lld files", o->files);
	explain(f, "    entry %zu, %s%s%s%s: %s: %s", n, o->document ? "document" : "study", modalities[0] != '\0' ? ", " : "",
	    modalities, files, taken ? "taken" : "passed over", why);
}

void
explain_package(const struct fetch *f, const struct source_package *p)
{
	explain(f, "    %s, %llu bytes, %s%s%s", media_name(p->media), (unsigned long long)p->bytes,
	    p->plausible ? "its end was seen" : "its end was not seen", p->reason[0] != '\0' ? ": " : "", p->reason);
}
