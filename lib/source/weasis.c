#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/hash.h"
#include "base/text.h"
#include "source/dicomweb.h"
#include "source/retrieve.h"
#include "source/wadouri.h"
#include "source/weasis.h"

void
weasis_free(struct weasis *w)
{
	struct weasis_archive *a = NULL;
	size_t i = 0, k = 0;

	for (i = 0; i < w->narchives; i++) {
		a = &w->archives[i];
		hash_wipe_text(&a->base);
		hash_wipe_text(&a->extra);
		for (k = 0; k < a->nheaders; k++)
			hash_wipe_text(&a->headers[k]);
	}
	for (i = 0; i < w->nstudies; i++) {
		source_offer_free(&w->studies[i].offer);
		instances_free(&w->studies[i].list);
	}
	free(w->studies);
	memset(w, 0, sizeof(*w));
}

static bool
coded(const char *s)
{
	return s[0] == '%' && isxdigit((unsigned char)s[1]) && isxdigit((unsigned char)s[2]);
}

/* The next word of a command line, blanks within quotes are its own; ended in place. NULL: none. */
static char *
next_word(char **at)
{
	char *w = *at + strspn(*at, " "), *p = w, quote = '\0';

	for (; *p != '\0' && (*p != ' ' || quote != '\0'); p++)
		if (quote == *p)
			quote = '\0';
		else if (quote == '\0' && (*p == '"' || *p == '\''))
			quote = *p;
	*at = *p != '\0' ? p + 1 : p;
	*p = '\0';
	if (*w == '\0' || quote != '\0')
		return NULL;
	if ((*w == '"' || *w == '\'') && p - w >= 2 && p[-1] == *w) {
		p[-1] = '\0';
		w++;
	}
	return w;
}

/* "$dicom:get -w ADDRESS" (a manifest), "-r ADDRESS" (one object); "$dicom:rs --url ROOT -r studyUID=UID", which
 * becomes ROOT?StudyInstanceUIDs=UID, as other viewers write it. What configures the viewer is passed over; a second
 * address, or a command that brings images in another way, would be lost: false. */
static bool
only_address(char *text, char *out, size_t cap)
{
	char *w = NULL, *address = NULL, *study = NULL, **next = NULL;
	bool get = false, rs = false, config = false;

	while ((w = next_word(&text)) != NULL) {
		if (next != NULL) {
			if (*next != NULL || *w == '$')
				return false;
			*next = w;
			next = NULL;
		} else if (*w == '$') {
			config = text_starts(w, "$weasis:");
			if (!config && (get || rs))
				return false;
			get = get || strcmp(w, "$dicom:get") == 0;
			rs = rs || strcmp(w, "$dicom:rs") == 0;
			if (!config && !get && !rs)
				return false;
		} else if (!config && get && (strcmp(w, "-w") == 0 || strcmp(w, "-r") == 0)) {
			next = &address;
		} else if (!config && rs && (strcmp(w, "--url") == 0 || strcmp(w, "-u") == 0)) {
			next = &address;
		} else if (!config && rs && strcmp(w, "-r") == 0) {
			next = &study;
		} else if (!config) {
			return false;
		}
	}
	if (next != NULL || *text != '\0' || address == NULL)
		return false;
	if (!rs)
		return text_copy(out, cap, address);
	if (study == NULL || !text_starts(study, "studyUID=") || !text_is_uid(study + strlen("studyUID=")) ||
	    strpbrk(address, "?#") != NULL)
		return false;
	return (size_t)snprintf(out, cap, "%s?StudyInstanceUIDs=%s", address, study + strlen("studyUID=")) < cap;
}

bool
weasis_link(char *s)
{
	static const char scheme[] = "weasis:";
	struct err e = { 0 };
	struct url u;
	size_t n = strlen(s), len = 0;
	char *text = NULL, *from = NULL, *p = NULL, *address = NULL;
	bool fine = false;

	if (strncasecmp(s, scheme, sizeof(scheme) - 1) != 0)
		return false;
	from = s + sizeof(scheme) - 1;
	from += strspn(from, "/?");
	if (url_decode(from, strlen(from), &text, &e) != RC_OK)
		return false;
	/* a plus is a blank in what was encoded as a form; an address has its pluses as %2B */
	for (p = text; *from != '\0' && *p != '\0'; p++, from += coded(from) ? 3 : 1)
		if (*from == '+')
			*p = ' ';
	/* coded it was no shorter, and for what is added more went */
	address = calloc(1, n + 1);
	fine = address != NULL && only_address(text, address, n + 1) && url_parse(address, &u, &e) == RC_OK;
	if (fine) {
		url_free(&u);
		len = strlen(address);
		memcpy(s, address, len + 1);
		hash_wipe(s + len, n - len);
	}
	hash_wipe_text(&address);
	hash_wipe_text(&text);
	return fine;
}

/* The secrets of this archive, for its host alone. */
static int
use_archive(struct source *s, const struct weasis_archive *a, struct err *err)
{
	size_t i = 0;

	for (i = 0; i < s->nhosts; i++)
		free(s->hosts[i]);
	s->nhosts = 0;
	for (i = 0; i < a->nheaders; i++)
		s->tags[i] = a->headers[i];
	s->ntags = a->nheaders;
	return source_add_host(s, a->base, err);
}

struct place { const struct weasis_archive *archive; const char *study; };

static int
object_url(void *arg, const struct instance *i, char **out, struct err *err)
{
	const struct place *p = arg;

	return wadouri_object(p->archive->base, p->study, i, p->archive->extra, out, err);
}

static int
weasis_fetch(struct source *s, size_t i, const struct source_output *out, struct source_package *p, struct err *err)
{
	struct weasis *w = s->own;
	struct weasis_study *study = &w->studies[i];
	const struct weasis_archive *a = &w->archives[study->archive];
	struct place place = { a, study->offer.study_uid };
	struct retrieve r = { .url = object_url, .arg = &place, .list = &study->list };
	int rc = use_archive(s, a, err);

	if (rc != RC_OK)
		return rc;
	if (a->mode == WEASIS_DICOMWEB)
		return dicomweb_study(s, a->base, a->base, &s->offers[i], out, p, err);
	if (a->mode == WEASIS_DIMSE || study->list.listed == 0) {
		s->state = "unsupported";
		err_set(err, ERR_PROTOCOL, a->mode == WEASIS_DIMSE ? "the manifest leads to an archive inside the sender's network" :
		    "the manifest names a study without its objects");
		err_advise(err, "ask the sender for a DLX link or a ZIP of the study");
		return err_rc(ERR_PROTOCOL);
	}
	instances_forget(&study->list);
	return retrieve_study(s, &r, &s->offers[i], out, p, err);
}

static void
weasis_close(struct source *s)
{
	struct weasis *w = s->own;

	s->ntags = 0;	/* they are the manifest's */
	if (w != NULL)
		weasis_free(w);
	free(w);
	s->own = NULL;
}

static const struct source_ops weasis_ops = { SOURCE_WEASIS, NULL, NULL, weasis_fetch, weasis_close };

static int
hide(struct source *s, const struct weasis *w, struct err *err)
{
	const struct weasis_archive *a = NULL;
	const char *value = NULL;
	size_t i = 0, k = 0;
	int rc = RC_OK;

	for (i = 0; i < w->narchives && rc == RC_OK; i++) {
		a = &w->archives[i];
		if (a->extra != NULL)
			rc = redact_add(&s->secrets, a->extra, err);
		for (k = 0; k < a->nheaders && rc == RC_OK; k++) {
			value = strchr(a->headers[k], ':') + 2;
			if ((rc = redact_add(&s->secrets, value, err)) == RC_OK && strchr(value, ' ') != NULL)
				rc = redact_add(&s->secrets, strchr(value, ' ') + 1, err);	/* behind "Bearer" */
		}
	}
	return rc;
}

int
weasis_recognise(struct source *s, const void *page, size_t n, struct err *err)
{
	struct weasis *w = calloc(1, sizeof(*w));
	struct source_offer offer;
	size_t i = 0;
	int rc = RC_OK;

	if (w == NULL)
		return err_set(err, ERR_TEMP, "not enough memory for a manifest");
	if ((rc = weasis_parse(page, n, w, err)) != RC_OK) {
		free(w);
		return rc;
	}
	s->own = w;
	s->ops = &weasis_ops;
	if ((rc = hide(s, w, err)) != RC_OK)
		return rc;
	if (w->nstudies == 0) {
		s->state = w->failed ? "maintenance" : "not-found";
		err_set(err, w->failed ? ERR_TEMP : ERR_REFUSED, w->failed ?
		    "the portal says in the manifest that it could not find the studies" : "the manifest names no study");
		err_advise(err, "ask the sender for a new link");
		return err_rc(err->kind);
	}
	for (i = 0; i < w->nstudies && rc == RC_OK; i++) {
		offer = w->studies[i].offer;	/* its texts are the session's now, but the UID, which is asked with */
		memset(&w->studies[i].offer, 0, sizeof(offer));
		if ((w->studies[i].offer.study_uid = text_dup(offer.study_uid, err)) == NULL) {
			source_offer_free(&offer);
			return err_rc(err->kind);
		}
		rc = source_add_offer(s, &offer, err);
	}
	return rc;
}
