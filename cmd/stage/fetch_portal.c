/* A portal of the config that speaks DICOMweb: whose links are its, what it is asked for, and its secrets. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/hash.h"
#include "base/text.h"
#include "source/link.h"
#include "stage/fetch.h"

#define SECRET_MAX	((size_t)16 << 10)	/* a token; servers refuse longer headers */

static void
wipe(char **s)
{
	if (*s != NULL)
		hash_wipe(*s, strlen(*s));
	free(*s);
	*s = NULL;
}

/* First line of a file that only its owner may read; malloc. */
static int
secret(const char *path, char **out, struct err *err)
{
	char shown[128], *text = calloc(1, SECRET_MAX + 1);
	struct stat st;
	size_t got = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = RC_OK;

	*out = NULL;
	text_escape(shown, sizeof(shown), path, strlen(path));
	if (text == NULL)
		rc = err_sys(err, ENOMEM, "cannot read %s", shown);
	else if (fd < 0 || fstat(fd, &st) != 0)
		rc = err_sys(err, errno, "cannot read %s", shown);
	else if (S_ISREG(st.st_mode) && (st.st_mode & 077) != 0) {
		err_set(err, ERR_DENIED, "%s: others than its owner may read it", shown);
		err_advise(err, "chmod 600; what stands in it may be known by now");
		rc = err_rc(ERR_DENIED);
	} else
		rc = io_read_full(fd, text, SECRET_MAX, &got, err);
	if (fd >= 0)
		close(fd);
	if (rc == RC_OK) {
		text[strcspn(text, "\r\n")] = '\0';
		text_trim(text);
		if (text[0] == '\0')
			rc = err_set(err, ERR_DATA, "%s: there is no token or password in it", shown);
	}
	if (rc == RC_OK)
		*out = text;
	else if (text != NULL) {
		hash_wipe(text, SECRET_MAX);
		free(text);
	}
	return rc;
}

const char *
portal_token_file(const struct fetch *f, const struct config_portal *p)
{
	return f->token_file != NULL ? f->token_file : p->token_file;
}

int
portal_token(const struct fetch *f, const struct config_portal *p, char **out, struct err *err)
{
	return secret(portal_token_file(f, p), out, err);
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
add_ask(struct portal_call *c, struct err *err, const char *key, const char *value, const char *more,
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
collect_asks(struct portal_call *c, const struct fetch *f, const struct order *o, const char *named, struct err *err)
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
make_key(struct portal_call *c, struct err *err)
{
	struct buf b = BUF_INIT((size_t)256 << 10);
	size_t i = 0;
	int rc = buf_printf(&b, err, "%s/studies", c->portal->dicomweb);

	for (i = 0; i < c->nasks && rc == RC_OK; i++)
		rc = buf_printf(&b, err, "%c%s", i == 0 ? '?' : '&', c->asks[i]);
	c->key = b.data;
	return rc;
}

static int
secrets(struct portal_call *c, const struct fetch *f, struct err *err)
{
	const struct config_portal *p = c->portal;
	struct buf b = BUF_INIT(SECRET_MAX);
	char *password = NULL;
	int rc = RC_OK;

	if (portal_token_file(f, p) != NULL)
		return portal_token(f, p, &c->bearer, err);
	if (p->user == NULL)
		return RC_OK;
	if (p->password_file == NULL || strchr(p->user, ':') != NULL) {
		char shown[80];

		err_set(err, ERR_CONFIG, "[portal %s] user: %s", text_escape(shown, sizeof(shown), p->name, strlen(p->name)),
		    p->password_file == NULL ? "there is no password_file beside it" : "must not have a colon");
		return err_rc(ERR_CONFIG);
	}
	if ((rc = secret(p->password_file, &password, err)) == RC_OK &&
	    (rc = buf_printf(&b, err, "%s:%s", p->user, password)) == RC_OK &&
	    (c->login = text_dup(b.data, err)) == NULL)
		rc = err_rc(err->kind);
	wipe(&password);
	buf_wipe(&b);
	return rc;
}

int
portal_prepare(struct portal_call *c, const struct fetch *f, const struct order *o, const char *link, struct err *err)
{
	const struct config *config = f->cli->config;
	char *named = NULL;
	size_t i = 0;
	int rc = RC_OK;

	memset(c, 0, sizeof(*c));
	if (f->portal != NULL) {
		c->portal = f->portal;
	} else if ((named = studies_of(link)) != NULL) {
		for (i = 0; i < config->nportals && c->portal == NULL; i++)
			if (config->portals[i].dicomweb != NULL && is_its(&config->portals[i], link))
				c->portal = &config->portals[i];
	}
	if (c->portal != NULL && named == NULL && strcmp(link, c->portal->dicomweb) != 0)
		named = studies_of(link);
	if (c->portal != NULL && (rc = collect_asks(c, f, o, named, err)) == RC_OK &&
	    (rc = make_key(c, err)) == RC_OK)
		rc = secrets(c, f, err);
	free(named);
	return rc;
}

void
portal_free(struct portal_call *c)
{
	size_t i = 0;

	for (i = 0; i < c->nasks; i++)
		wipe(&c->asks[i]);
	free(c->asks);
	wipe(&c->bearer);
	wipe(&c->login);
	wipe(&c->key);
	memset(c, 0, sizeof(*c));
}
