/*
 * Which [portal NAME] of the configuration a link belongs to, and what its
 * files hold. They are read by the parent, for the one link that needs them:
 * a session knows the secrets of its own portal and of no other.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/hash.h"
#include "base/text.h"
#include "http/url.h"
#include "stage/fetch.h"

#define SECRET_MAX	((size_t)16 << 10)	/* a token: servers refuse longer headers */
#define PEM_MAX		((size_t)32 << 10)	/* a chain of certificates */

size_t
portal_fits(const struct config_portal *p, const char *link)
{
	struct err e = { 0 };
	struct url u;
	size_t i = 0, n = 0, most = 0;

	if (url_parse(link, &u, &e) != RC_OK)
		return 0;
	for (i = 0; i < p->nurl_prefix; i++)
		if ((n = url_fits(p->url_prefix[i], &u)) > most)
			most = n;
	url_free(&u);
	return most;
}

const struct config_portal *
portal_of(const struct config *c, const char *name, const char *link)
{
	const struct config_portal *best = NULL;
	size_t i = 0, n = 0, most = 0;

	if (name != NULL)
		return config_portal(c, name);
	for (i = 0; i < c->nportals; i++)
		if ((n = portal_fits(&c->portals[i], link)) > most) {
			most = n;
			best = &c->portals[i];
		}
	return best;
}

/* A file with a secret is its owner's alone. line: only the first one. */
static int
read_secret(const char *path, const char *what, bool secret, bool line, char **out, struct err *err)
{
	struct buf b = BUF_INIT(line ? SECRET_MAX : PEM_MAX);
	struct stream *s = NULL;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), rc = RC_OK;

	if (fd < 0)
		return err_sys(err, errno, "cannot open the portal's %s", what);
	if (fstat(fd, &st) != 0 || (secret && S_ISREG(st.st_mode) && (st.st_mode & 077) != 0)) {
		close(fd);
		err_set(err, ERR_DENIED, "others than its owner may read the portal's %s", what);
		err_advise(err, "chmod 600 the file");
		return err_rc(ERR_DENIED);
	}
	if ((rc = stream_file(&s, fd, err)) == RC_OK)
		rc = stream_slurp(s, &b, err);
	stream_close(s);
	if (rc == RC_OK && b.len > 0 && line) {
		b.data[strcspn(b.data, "\r\n")] = '\0';
		text_trim(b.data);
	}
	if (rc == RC_OK && (b.len == 0 || b.data[0] == '\0'))
		rc = err_set(err, ERR_DATA, "the portal's %s: the file is empty", what);
	else if (rc == RC_OK && !text_utf8_valid(b.data, strlen(b.data)))
		rc = err_set(err, ERR_DATA, "the portal's %s: the file is not text", what);
	if (rc == RC_OK && (*out = text_dup(b.data, err)) == NULL)
		rc = err_rc(err->kind);
	buf_wipe(&b);
	return rc;
}

static int
copy(const char *from, char **to, struct err *err)
{
	return from == NULL || (*to = text_dup(from, err)) != NULL ? RC_OK : err_rc(err->kind);
}

static int
copy_list(char *const *from, size_t n, char ***to, size_t *count, struct err *err)
{
	int rc = RC_OK;

	if (n > 0 && (*to = calloc(n, sizeof(**to))) == NULL)
		return err_sys(err, ENOMEM, "cannot hold the portal's settings");
	for (; rc == RC_OK && *count < n; *count += rc == RC_OK)
		rc = copy(from[*count], &(*to)[*count], err);
	return rc;
}

int
portal_load(const struct config *c, const char *name, const char *token_file, const char *link,
    struct source_portal *p, struct err *err)
{
	const struct config_portal *of = portal_of(c, name, link);
	char shown[80];
	int rc = RC_OK;

	memset(p, 0, sizeof(*p));
	if (name != NULL && of == NULL) {
		err_set(err, ERR_CONFIG, "there is no [portal %s] in the configuration",
		    text_escape(shown, sizeof(shown), name, strlen(name)));
		return err_rc(ERR_CONFIG);
	}
	if (token_file == NULL && of != NULL)
		token_file = of->token_file;
	if (token_file != NULL)
		rc = read_secret(token_file, "token", true, true, &p->token, err);
	if (of == NULL || rc != RC_OK)
		goto out;
	if ((rc = copy(of->name, &p->name, err)) != RC_OK ||
	    (rc = copy(of->dicomweb, &p->dicomweb, err)) != RC_OK || (rc = copy(of->user, &p->user, err)) != RC_OK)
		goto out;
	p->connections = (int)of->connections;
	if (of->password_file != NULL)
		rc = read_secret(of->password_file, "password", true, true, &p->password, err);
	if (rc == RC_OK && (of->cert != NULL) != (of->key != NULL)) {
		err_set(err, ERR_CONFIG, "[portal %s] wants both cert and key, or none", text_escape(shown, sizeof(shown), of->name,
		    strlen(of->name)));
		rc = err_rc(ERR_CONFIG);
	}
	if (rc == RC_OK && of->cert != NULL)
		rc = read_secret(of->cert, "certificate", false, false, &p->cert, err);
	if (rc == RC_OK && of->key != NULL)
		rc = read_secret(of->key, "key", true, false, &p->key, err);
	if (rc == RC_OK)
		rc = copy_list(of->allow, of->nallow, &p->allow, &p->nallow, err);
	if (rc == RC_OK)
		rc = copy_list(of->url_prefix, of->nurl_prefix, &p->prefix, &p->nprefix, err);
out:
	if (rc != RC_OK)
		source_portal_free(p);
	return rc;
}
