#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "source/session.h"

/* It came with the look. */
static int
direct_fetch(struct source *s, size_t i, const struct source_output *out, struct source_package *p, struct err *err)
{
	(void)i; (void)out; (void)err;
	*p = s->got;
	return RC_OK;
}

static const struct source_ops direct_ops = { SOURCE_DIRECT, NULL, NULL, direct_fetch, NULL };

int
direct_recognise(struct source *s, const struct receiver *r, struct err *err)
{
	struct source_offer offer = { .files = -1 };

	s->ops = &direct_ops;
	s->got = r->p;
	offer.document = r->p.media != MEDIA_ZIP && r->p.media != MEDIA_DICOM;
	if ((offer.id = text_dup("direct", err)) == NULL ||
	    (offer.media = text_dup(r->p.type, err)) == NULL ||
	    (r->label[0] != '\0' && (offer.description = text_dup(r->label, err)) == NULL)) {
		source_offer_free(&offer);
		return err_rc(err->kind);
	}
	return source_add_offer(s, &offer, err);
}

int
direct_status(struct source *s, const struct http_response *r, struct err *err)
{
	static const char *const codes[] = { "AccessDenied", "ExpiredToken", "ExpiredRequest", "RequestExpired" };
	const char *body = r->body.data != NULL ? r->body.data : "";
	char mark[64];
	size_t i = 0;

	for (i = 0; (r->status == 400 || r->status == 403) && i < sizeof(codes) / sizeof(codes[0]); i++) {
		snprintf(mark, sizeof(mark), "<Code>%s</Code>", codes[i]);
		if (strstr(body, mark) == NULL)
			continue;
		s->state = "expired";
		err_set(err, ERR_REFUSED, "the link: the store behind it says %s (status %ld); a signed link is valid for a "
		    "time only", codes[i], r->status);
		err_advise(err, "open the sender's page again for a fresh link, or ask the sender for one");
		return err_rc(ERR_REFUSED);
	}
	return source_status(s, r, "the link", err);
}

/* Words by which pages that we cannot take are known; said to the person as what they are. */
static const struct { const char *word, *what; } pages[] = {
	{ "<manifest", "a Weasis manifest" },
	{ "wado_query", "a Weasis manifest" },
	{ "ohif", "the OHIF web viewer" },
	{ "weasis", "a page that starts the Weasis viewer" },
	{ "captcha", "a page that asks for a captcha" },
	{ "type=\"password\"", "a page that asks for a login" },
	{ "type='password'", "a page that asks for a login" },
};

int
direct_refuse(struct source *s, enum media m, const char *page, size_t n, struct err *err)
{
	const char *what = NULL;
	size_t i = 0, look = n < 65536 ? n : 65536;
	char *low = malloc(look + 1);

	for (i = 0; low != NULL && i < look; i++)
		low[i] = page[i] == '\0' ? ' ' : page[i] >= 'A' && page[i] <= 'Z' ? (char)(page[i] + 32) : page[i];
	if (low != NULL)
		low[look] = '\0';
	for (i = 0; low != NULL && i < sizeof(pages) / sizeof(pages[0]) && what == NULL; i++)
		if (strstr(low, pages[i].word) != NULL)
			what = pages[i].what;
	free(low);
	s->state = "unsupported";
	if (what == NULL)
		what = m == MEDIA_HTML ? "a web page for people" : m == MEDIA_UNKNOWN || m == MEDIA_TEXT ?
		    "something unknown" : media_name(m);
	err_set(err, ERR_PROTOCOL, "behind the link is %s, which is not supported", what);
	err_advise(err, "open it in a browser and save the study as a ZIP (mri-fetch takes the file), "
	    "or ask the sender for a DICOM Link Exchange (DLX) link");
	return err_rc(ERR_PROTOCOL);
}
