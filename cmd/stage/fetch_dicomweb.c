/* A portal of the configuration that speaks DICOMweb: which links are its, and what it is asked for. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/hash.h"
#include "base/text.h"
#include "source/link.h"
#include "stage/fetch.h"

static void
wipe(char **s)
{
	if (*s != NULL)
		hash_wipe(*s, strlen(*s));
	free(*s);
	*s = NULL;
}

/* Does the link belong to the portal: one of url_prefix, or the host of its root? */
static bool
is_its(const struct config_portal *p, const char *link)
{
	char host[256], root[256];
	size_t i = 0, n = 0;

	link_host(link, host, sizeof(host));
	link_host(p->dicomweb, root, sizeof(root));
	if (host[0] == '\0' || strcmp(host, root) == 0)
		return host[0] != '\0';
	for (i = 0; i < p->nurl_prefix; i++) {
		n = strlen(p->url_prefix[i]);
		if (strcasecmp(p->url_prefix[i], host) == 0 || (strstr(p->url_prefix[i], "://") != NULL &&
		    strncmp(link, p->url_prefix[i], n) == 0 && (link[n] == '\0' || p->url_prefix[i][n - 1] == '/' ||
		    strchr("/?#", link[n]) != NULL)))
			return true;
	}
	return false;
}

static int
add_ask(struct asking *c, struct err *err, const char *key, const char *value, const char *more,
    const char *value2)
{
	struct buf b = BUF_INIT(4096);
	char **v = NULL, *p = NULL;
	int rc = RC_OK;

	/* what needs coding is refused: these are UIDs, numbers and dates */
	for (p = (char *)(uintptr_t)value; *p != '\0'; p++)
		if (strchr("&=#?%+*\\/ ", *p) != NULL || (unsigned char)*p <= ' ' || (unsigned char)*p > '~')
			return err_set(err, ERR_DATA, "the order's %s cannot be asked for: it has characters that mean "
			    "something else to a portal", key);
	rc = buf_printf(&b, err, "%s=%s%s%s", key, value, more != NULL ? more : "", more != NULL ? value2 : "");
	if (rc != RC_OK || (v = realloc(c->asks, (c->nasks + 1) * sizeof(char *))) == NULL) {
		buf_free(&b);
		return rc != RC_OK ? rc : err_sys(err, ENOMEM, "cannot ask the portal");
	}
	c->asks = v;
	c->asks[c->nasks++] = b.data;
	return RC_OK;
}

/* --study, else what the link names, else the order's studies: by UID, accession number, or patient and date. */
static int
collect_asks(struct asking *c, const struct fetch *f, const struct order *o, const char *named, struct err *err)
{
	const struct order_study *s = NULL;
	char uid[65];
	size_t i = 0, n = 0;
	int rc = RC_OK;

	if (f->study != NULL)
		return add_ask(c, err, "StudyInstanceUID", f->study, NULL, NULL);
	for (; named != NULL && *named != '\0' && rc == RC_OK; named += n + (named[n] == ',')) {
		n = strcspn(named, ",");
		if (!text_copyn(uid, sizeof(uid), named, n) || !text_is_uid(uid))
			return err_set(err, ERR_PROTOCOL, "the link of a viewer names a study that is no UID");
		if (c->nasks >= ORDER_STUDIES_MAX)
			return err_set(err, ERR_PROTOCOL, "a link that names more than %d studies", ORDER_STUDIES_MAX);
		rc = add_ask(c, err, "StudyInstanceUID", uid, NULL, NULL);
	}
	if (rc != RC_OK || c->nasks > 0)
		return rc;
	for (i = 0; i < o->nstudies && rc == RC_OK; i++) {
		s = &o->studies[i];
		if (s->study_uid != NULL && s->study_uid[0] != '\0')
			rc = add_ask(c, err, "StudyInstanceUID", s->study_uid, NULL, NULL);
		else if (s->accession != NULL && s->accession[0] != '\0')
			rc = add_ask(c, err, "AccessionNumber", s->accession, NULL, NULL);
		else if (s->date[0] != '\0' && o->patient.id != NULL && o->patient.id[0] != '\0')
			rc = add_ask(c, err, "PatientID", o->patient.id, "&StudyDate=", s->date);
	}
	if (rc == RC_OK && c->nasks == 0) {
		err_set(err, ERR_NOINPUT, "nothing says which study to ask the portal for");
		err_advise(err, "give --study UID, or an order with studies (UID, accession number, or date and patient id)");
		rc = err_rc(ERR_NOINPUT);
	}
	return rc;
}

/* What the studies of a viewer's link are: ?StudyInstanceUIDs=1.2.3,1.2.4. NULL: none. malloc. */
static char *
studies_of(const char *link)
{
	static const char *const names[] = { "StudyInstanceUIDs", "studyInstanceUIDs", "StudyInstanceUID" };
	struct err e = { 0 };
	struct url u;
	char *v = NULL;
	size_t i = 0;

	if (url_parse(link, &u, &e) != RC_OK)
		return NULL;
	for (i = 0; v == NULL && i < sizeof(names) / sizeof(names[0]); i++)
		(void)url_query(&u, names[i], &v, &e);
	url_free(&u);
	return v;
}

static int
make_key(struct asking *c, struct err *err)
{
	struct buf b = BUF_INIT((size_t)256 << 10);
	size_t i = 0;
	int rc = buf_printf(&b, err, "%s/studies", c->of->dicomweb);

	for (i = 0; i < c->nasks && rc == RC_OK; i++)
		rc = buf_printf(&b, err, "%c%s", i == 0 ? '?' : '&', c->asks[i]);
	c->key = b.data;
	return rc;
}

int
asking_new(struct asking *c, const struct fetch *f, const struct order *o, const char *link, struct err *err)
{
	const struct config *config = f->cli->config;
	const struct config_portal *p = f->portal != NULL ? config_portal(config, f->portal) : NULL;
	char *named = studies_of(link);
	size_t i = 0;
	int rc = RC_OK;

	memset(c, 0, sizeof(*c));
	for (i = 0; f->portal == NULL && named != NULL && i < config->nportals && p == NULL; i++)
		if (config->portals[i].dicomweb != NULL && is_its(&config->portals[i], link))
			p = &config->portals[i];
	/* a link without studies is looked at; the root itself stands for no link */
	if (p != NULL && p->dicomweb != NULL && (named != NULL || strcmp(link, p->dicomweb) == 0)) {
		c->of = p;
		if ((rc = collect_asks(c, f, o, named, err)) == RC_OK)
			rc = make_key(c, err);
	}
	free(named);
	return rc;
}

void
asking_free(struct asking *c)
{
	size_t i = 0;

	for (i = 0; i < c->nasks; i++)
		wipe(&c->asks[i]);
	free(c->asks);
	wipe(&c->key);
	memset(c, 0, sizeof(*c));
}
