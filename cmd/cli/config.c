/*
 * One table of keys: where each goes, how it is read, and what a file below
 * the system policy may do with it. mri.conf(5) shows the same table.
 */
#include "cli/config.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/text.h"
#include "base/time.h"
#include "spool/spool.h"
#include "sys/jail.h"

#define CONFIG_MAX	((size_t)256 << 10)	/* bytes of a file */
#define CONFIG_LINE_MAX	190			/* inih splits longer ones without a word */
#define LIST_MAX	64			/* words of a list */

enum key_type { KEY_TEXT, KEY_YES, KEY_TIME, KEY_LIST, KEY_PURGE, KEY_BASIS, KEY_SANDBOX, KEY_FEW };
enum key_rule { FIXED, SUBSET, LOWER, FREE };

#define AT(field) offsetof(struct config, field)
static const struct key {
	const char *section, *name;
	enum key_type type;
	enum key_rule rule;
	size_t at;
	size_t count;	/* of a list */
} keys[] = {
	{ "spool", "dir", KEY_TEXT, FIXED, AT(spool_dir), 0 },
	{ "spool", "organisation", KEY_TEXT, FIXED, AT(organisation), 0 },
	{ "spool", "identity", KEY_TEXT, FIXED, AT(identity), 0 },
	{ "spool", "retention", KEY_TIME, LOWER, AT(retention), 0 },
	{ "spool", "purge", KEY_PURGE, SUBSET, AT(purge_confirmed), 0 },
	{ "spool", "encrypt", KEY_YES, FIXED, AT(encrypt), 0 },
	{ "spool", "keep_package", KEY_YES, FIXED, AT(keep_package), 0 },
	{ "spool", "gone_period", KEY_TIME, LOWER, AT(gone_period), 0 },
	{ "spool", "link_period", KEY_TIME, LOWER, AT(link_period), 0 },
	{ "spool", "record_period", KEY_TIME, LOWER, AT(record_period), 0 },
	{ "net", "allow", KEY_LIST, SUBSET, AT(allow), AT(nallow) },
	{ "net", "allow_http", KEY_LIST, SUBSET, AT(allow_http), AT(nallow_http) },
	{ "net", "proxy", KEY_TEXT, FIXED, AT(proxy), 0 },
	{ "net", "cafile", KEY_TEXT, FIXED, AT(cafile), 0 },
	{ "policy", "basis", KEY_BASIS, SUBSET, AT(basis_required), 0 },
	{ "policy", "sandbox", KEY_SANDBOX, SUBSET, AT(sandbox), 0 },
};
#define NKEYS (sizeof(keys) / sizeof(keys[0]))

#undef AT
#define AT(field) offsetof(struct destination, field)
static const struct key destination_keys[] = {
	{ "destination", "url", KEY_TEXT, FIXED, AT(url), 0 },
	{ "destination", "calling", KEY_TEXT, FIXED, AT(calling), 0 },
	{ "destination", "cafile", KEY_TEXT, FIXED, AT(cafile), 0 },
	{ "destination", "cert", KEY_TEXT, FIXED, AT(cert), 0 },
	{ "destination", "key", KEY_TEXT, FIXED, AT(key), 0 },
	{ "destination", "verify", KEY_YES, FIXED, AT(verify), 0 },
};
#undef AT
#define AT(field) offsetof(struct config_portal, field)
static const struct key portal_keys[] = {
	{ "portal", "url_prefix", KEY_LIST, SUBSET, AT(url_prefix), AT(nurl_prefix) },
	{ "portal", "dicomweb", KEY_TEXT, FIXED, AT(dicomweb), 0 },
	{ "portal", "recipe", KEY_TEXT, FIXED, AT(recipe), 0 },
	{ "portal", "token_file", KEY_TEXT, FIXED, AT(token_file), 0 },
	{ "portal", "user", KEY_TEXT, FIXED, AT(user), 0 },
	{ "portal", "password_file", KEY_TEXT, FIXED, AT(password_file), 0 },
	{ "portal", "cert", KEY_TEXT, FIXED, AT(cert), 0 },
	{ "portal", "key", KEY_TEXT, FIXED, AT(key), 0 },
	{ "portal", "allow", KEY_LIST, SUBSET, AT(allow), AT(nallow) },
	{ "portal", "connections", KEY_FEW, LOWER, AT(connections), 0 },
};
#define NPORTAL_KEYS (sizeof(portal_keys) / sizeof(portal_keys[0]))
#define NDESTINATION_KEYS (sizeof(destination_keys) / sizeof(destination_keys[0]))

struct reading {
	struct config *config;
	bool below;		/* a policy was read before: only narrowing */
	struct err *err;	/* the first one counts */
	bool failed;
};

static const char *const sections[] = { "spool", "net", "policy", "check", "worklist", "destination NAME",
	"portal NAME" };

static int yes_no(const char *value, bool *out, struct err *err)
{
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
		return err_set(err, ERR_CONFIG, "must be yes or no");
	*out = strcmp(value, "yes") == 0;
	return RC_OK;
}

static void free_list(char **v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(v[i]);
	free(v);
}

static int split(const char *value, char ***out, size_t *n, struct err *err)
{
	char **v = calloc(LIST_MAX, sizeof(*v));
	int rc = v ? RC_OK : err_set(err, ERR_TEMP, "no memory");

	*n = 0;
	for (const char *p = value; !rc;) {
		p += strspn(p, " \t,");
		size_t len = strcspn(p, " \t,");
		if (len == 0)
			break;
		if (*n == LIST_MAX)
			rc = err_set(err, ERR_CONFIG, "holds more than %d words", LIST_MAX);
		else if (!(v[*n] = strndup(p, len)))
			rc = err_set(err, ERR_TEMP, "no memory");
		else
			++*n;
		p += len;
	}
	if (rc) {
		free_list(v, *n);
		*n = 0;
		v = NULL;
	}
	*out = v;
	return rc;
}

static int widens(const char *what, struct err *err)
{
	int rc = err_set(err, ERR_CONFIG, "%s", what);

	err_advise(err, "the system policy " CONFIG_POLICY " decides this; here it can only be made narrower");
	return rc;
}

static int set_list(struct reading *r, char ***list, size_t *count, const char *value, struct err *err)
{
	char **v = NULL;
	size_t n = 0;
	int rc = split(value, &v, &n, err);

	for (size_t i = 0; !rc && r->below && i < n; i++) {
		bool known = false;
		for (size_t k = 0; k < *count && !known; k++)
			known = strcmp((*list)[k], v[i]) == 0;
		if (!known)
			rc = widens("names something that the system policy does not", err);
	}
	if (rc) {
		free_list(v, n);
		return rc;
	}
	free_list(*list, *count);
	*list = v;
	*count = n;
	return RC_OK;
}

static int set_key(struct reading *r, const struct key *k, void *base, const char *value, struct err *err)
{
	char *at = (char *)base + k->at;
	bool b = false;
	int rc = RC_OK;

	switch (k->type) {
	case KEY_TEXT: {
		char **text = (char **)at;
		if (r->below && (!*text || strcmp(*text, value) != 0))
			return widens("differs from the system policy", err);
		char *copy = text_dup(value, err);
		if (!copy)
			return RC_RETRY;
		free(*text);
		*text = copy;
		return RC_OK;
	}
	case KEY_YES:
		if ((rc = yes_no(value, &b, err)))
			return rc;
		if (r->below && *(bool *)at != b)
			return widens("differs from the system policy", err);
		*(bool *)at = b;
		return RC_OK;
	case KEY_TIME: {
		int64_t seconds = 0;
		if (!time_parse_duration(value, &seconds))
			return err_set(err, ERR_CONFIG, "must be a time such as 168h, 7d or 90m");
		if (strcmp(k->name, "retention") == 0 && (seconds > SPOOL_RETENTION_MAX || seconds == 0))
			return err_set(err, ERR_CONFIG, "must be at least 1s and at most 168h");
		if (r->below && seconds > *(int64_t *)at)
			return widens("is longer than in the system policy", err);
		*(int64_t *)at = seconds == 0 && k->type == KEY_TIME && strcmp(k->name, "retention") ? -1 : seconds;
		return RC_OK;
	}
	case KEY_FEW: {
		uint64_t few = 0;
		if (!text_u64(value, 4, &few) || few == 0)
			return err_set(err, ERR_CONFIG, "must be 1, 2, 3 or 4");
		if (r->below && (int64_t)few > 1 && (int64_t)few > *(int64_t *)at)
			return widens("is more than in the system policy", err);
		*(int64_t *)at = (int64_t)few;
		return RC_OK;
	}
	case KEY_LIST:
		return set_list(r, (char ***)at, (size_t *)((char *)base + k->count), value, err);
	case KEY_PURGE:
		if (strcmp(value, "deadline") != 0 && strcmp(value, "confirmed") != 0)
			return err_set(err, ERR_CONFIG, "must be deadline or confirmed");
		b = strcmp(value, "confirmed") == 0;
		if (r->below && *(bool *)at && !b)
			return widens("keeps longer than the system policy", err);
		*(bool *)at = b;
		return RC_OK;
	case KEY_BASIS:
		if (strcmp(value, "required") != 0 && strcmp(value, "optional") != 0)
			return err_set(err, ERR_CONFIG, "must be required or optional");
		b = strcmp(value, "required") == 0;
		if (r->below && *(bool *)at && !b)
			return widens("would allow imports without a legal basis", err);
		*(bool *)at = b;
		return RC_OK;
	case KEY_SANDBOX: {
		static const char *const modes[] = { [JAIL_AUTO] = "auto", [JAIL_REQUIRED] = "required",
			[JAIL_OFF] = "off" };
		int mode = -1;
		for (int i = 0; i < 3; i++)
			if (strcmp(value, modes[i]) == 0)
				mode = i;
		if (mode < 0)
			return err_set(err, ERR_CONFIG, "must be auto, required or off");
		if (r->below && mode != *(int *)at && mode != JAIL_REQUIRED)
			return widens("would loosen the sandbox", err);
		*(int *)at = mode;
		return RC_OK;
	}
	}
	return err_set(err, ERR_INTERNAL, "unknown type of key");
}

static int unknown(const char *what, const char *word, const char *const *known, size_t n, struct err *err)
{
	char shown[64];
	const char *near = text_nearest(word, known, n);
	int rc = err_set(err, ERR_CONFIG, "unknown %s '%s'", what, text_escape(shown, sizeof(shown), word, strlen(word)));

	if (near)
		err_advise(err, "did you mean '%s'?", near);
	else
		err_advise(err, "mri.conf(5) lists what is known");
	return rc;
}

static int destination_for(struct reading *r, const char *name, struct destination **out, struct err *err)
{
	struct config *c = r->config;

	for (size_t i = 0; i < c->ndestinations; i++)
		if (strcmp(c->destinations[i].name, name) == 0) {
			*out = &c->destinations[i];
			return RC_OK;
		}
	if (r->below)
		return widens("is a destination that the system policy does not have", err);
	if (!*name || strpbrk(name, "/:\\ \t") || strlen(name) > 64 || *name == '.')
		return err_set(err, ERR_CONFIG, "a destination's name is 1 to 64 characters without '/', ':' and blanks");
	struct destination *v = realloc(c->destinations, (c->ndestinations + 1) * sizeof(*v));
	if (!v)
		return err_set(err, ERR_TEMP, "no memory");
	c->destinations = v;
	memset(&v[c->ndestinations], 0, sizeof(*v));
	v[c->ndestinations].verify = true;
	if (!(v[c->ndestinations].name = text_dup(name, err)))
		return RC_RETRY;
	*out = &v[c->ndestinations++];
	return RC_OK;
}

static int portal_for(struct reading *r, const char *name, struct config_portal **out, struct err *err)
{
	struct config *c = r->config;

	for (size_t i = 0; i < c->nportals; i++)
		if (strcmp(c->portals[i].name, name) == 0) {
			*out = &c->portals[i];
			return RC_OK;
		}
	if (r->below)
		return widens("is a portal that the system policy does not have", err);
	if (!*name || strpbrk(name, "/:\\ \t") || strlen(name) > 64 || *name == '.')
		return err_set(err, ERR_CONFIG, "a portal's name is 1 to 64 characters without '/', ':' and blanks");
	struct config_portal *v = realloc(c->portals, (c->nportals + 1) * sizeof(*v));
	if (!v)
		return err_set(err, ERR_TEMP, "no memory");
	c->portals = v;
	memset(&v[c->nportals], 0, sizeof(*v));
	if (!(v[c->nportals].name = text_dup(name, err)))
		return RC_RETRY;
	*out = &v[c->nportals++];
	return RC_OK;
}

/* [check]: a finding of mri-check by its name, which can be made an error. */
static int set_check(struct reading *r, const char *name, const char *value, struct err *err)
{
	static char names[CHECK_POINTS_MAX][64];
	const char *known[CHECK_POINTS_MAX];
	bool itself = false, *error = NULL, strict = strcmp(value, "error") == 0;
	size_t n = 0;

	for (; n < CHECK_POINTS_MAX && check_point_name(n, names[n], sizeof names[n], &itself); n++) {
		known[n] = names[n];
		if (strcmp(names[n], name) == 0) {
			error = &r->config->check.error[n];
			break;
		}
	}
	if (!error)
		return unknown("finding", name, known, n, err);
	if (!strict && strcmp(value, "warning") != 0)
		return err_set(err, ERR_CONFIG, "must be error or warning");
	if (!strict && itself)
		return err_set(err, ERR_CONFIG, "is an error by itself: findings can be made stricter, not weaker");
	if (!strict && r->below && *error)
		return widens("is an error in the system policy", err);
	*error = strict;
	return RC_OK;
}

static int set(struct reading *r, const char *section, const char *name, const char *value, struct err *err)
{
	const char *names[NKEYS + NDESTINATION_KEYS + NPORTAL_KEYS];
	const struct key *table = keys;
	size_t n = NKEYS, nnames = 0;
	void *base = r->config;
	const char *kind = section;
	struct destination *d = NULL;
	struct config_portal *p = NULL;
	int rc = RC_OK;

	if (strcmp(section, "check") == 0) {
		if ((rc = set_check(r, name, value, err)))
			err_wrap(err, "[check] %s", name);
		return rc;
	}
	if (text_starts(section, "portal ")) {
		kind = "portal";
		if ((rc = portal_for(r, section + strlen("portal "), &p, err)))
			return err_wrap(err, "[portal]");
		base = p;
		table = portal_keys;
		n = NPORTAL_KEYS;
	} else if (text_starts(section, "destination ")) {
		kind = "destination";
		if ((rc = destination_for(r, section + strlen("destination "), &d, err)))
			return err_wrap(err, "[destination]");
		base = d;
	} else if (strcmp(section, "worklist") == 0) {
		kind = "destination";
		base = &r->config->worklist;
	}
	if (strcmp(kind, "destination") == 0) {
		table = destination_keys;
		n = NDESTINATION_KEYS;
	}
	for (size_t i = 0; i < n; i++) {
		if (strcmp(table[i].section, kind) != 0)
			continue;
		if (strcmp(table[i].name, name) == 0) {
			if ((rc = set_key(r, &table[i], base, value, err)))
				err_wrap(err, "[%s] %s", kind, name);
			return rc;
		}
		names[nnames++] = table[i].name;
	}
	if (nnames == 0)
		return unknown("section", section, sections, sizeof(sections) / sizeof(sections[0]), err);
	return unknown("key", name, names, nnames, err);
}

static int on_key(void *arg, const char *section, const char *name, const char *value)
{
	struct reading *r = arg;
	struct err later;

	if (set(r, section, name, value, r->failed ? &later : r->err)) {
		r->failed = true;
		return 0;
	}
	return 1;
}

static int long_line(const char *text)
{
	int line = 1;

	for (const char *p = text; *p; line++) {
		size_t n = strcspn(p, "\n");
		if (n > CONFIG_LINE_MAX)
			return line;
		p += n + (p[n] == '\n');
	}
	return 0;
}

static int read_file(struct config *c, const char *path, const char *text, bool below, struct err *err)
{
	struct reading r = { c, below, err, false };
	int line = long_line(text);

	if (line) {
		err_set(err, ERR_CONFIG, "%s:%d: longer than %d characters", path, line, CONFIG_LINE_MAX);
		return RC_FATAL;
	}
	line = ini_parse_string(text, on_key, &r);
	if (line < 0)
		return err_set(err, ERR_TEMP, "%s: no memory", path);
	if (line > 0) {
		if (!r.failed)
			err_set(err, ERR_CONFIG, "neither [section] nor key = value");
		char old[ERR_TEXT_MAX], advice[ERR_ADVICE_MAX];
		text_copy(old, sizeof(old), err->text);
		text_copy(advice, sizeof(advice), err->advice);
		enum err_kind kind = err->kind;
		err_set(err, kind, "%s:%d: %s", path, line, old);
		err_advise(err, "%s", advice);
		return err_rc(kind);
	}
	return RC_OK;
}

/* *there = false where the file is absent. The policy must be root's and writable for nobody else. */
static int slurp(const char *path, bool policy, struct buf *text, bool *there, struct err *err)
{
	struct stat st;
	int rc = RC_OK, fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t got = 0;

	*there = false;
	if (fd < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return RC_OK;
		return err_sys(err, errno, "%s", path);
	}
	if (fstat(fd, &st) != 0)
		rc = err_sys(err, errno, "%s", path);
	else if (!S_ISREG(st.st_mode) || st.st_size > (off_t)CONFIG_MAX)
		rc = err_set(err, ERR_CONFIG, "%s: not an ordinary file of at most %zu bytes", path, CONFIG_MAX);
	else if (policy && (st.st_uid != 0 || (st.st_mode & 022)))
		rc = err_set(err, ERR_DENIED, "%s: must belong to root and be writable for root alone", path);
	else if (!(rc = buf_grow(text, (size_t)st.st_size, err)) &&
	    !(rc = io_read_full(fd, text->data, (size_t)st.st_size, &got, err))) {
		text->len = got;
		text->data[got] = '\0';
		*there = true;
		if (strlen(text->data) != got)
			rc = err_set(err, ERR_CONFIG, "%s: holds a NUL character", path);
	}
	close(fd);
	return rc;
}

int config_load(struct config **out, const char *policy_path, const char *const *candidates, bool explicit_file,
    struct err *err)
{
	struct buf text = BUF_INIT(0);
	struct config *c = calloc(1, sizeof(*c));
	bool there = false;
	int rc = RC_OK;

	*out = NULL;
	if (!c)
		return err_set(err, ERR_TEMP, "no memory");
	c->retention = SPOOL_RETENTION_MAX;
	c->encrypt = true;
	c->basis_required = true;
	c->sandbox = JAIL_AUTO;
	c->worklist.verify = true;
	if ((rc = slurp(policy_path, true, &text, &there, err)))
		goto out;
	if (there) {
		c->policy = true;
		if ((rc = read_file(c, policy_path, text.data, false, err)))
			goto out;
	}
	for (size_t i = 0; candidates && candidates[i]; i++) {
		buf_clear(&text);
		if ((rc = slurp(candidates[i], false, &text, &there, err)))
			goto out;
		if (!there && explicit_file) {
			rc = err_set(err, ERR_CONFIG, "%s: there is no such configuration file", candidates[i]);
			goto out;
		}
		if (there) {
			if ((rc = read_file(c, candidates[i], text.data, c->policy, err)))
				goto out;
			if (!(c->source = text_dup(candidates[i], err)))
				rc = RC_RETRY;
			break;	/* the first counts, no merging */
		}
	}
	if (!rc && c->policy && !c->source && !(c->source = text_dup(policy_path, err)))
		rc = RC_RETRY;
out:
	buf_free(&text);
	if (rc)
		config_free(c);
	else
		*out = c;
	return rc;
}

static void free_destination(struct destination *d)
{
	free(d->name);
	free(d->url);
	free(d->calling);
	free(d->cafile);
	free(d->cert);
	free(d->key);
}

static void free_portal(struct config_portal *p)
{
	free(p->name);
	free_list(p->url_prefix, p->nurl_prefix);
	free(p->dicomweb);
	free(p->recipe);
	free(p->token_file);
	free(p->user);
	free(p->password_file);
	free(p->cert);
	free(p->key);
	free_list(p->allow, p->nallow);
}

void config_free(struct config *c)
{
	if (!c)
		return;
	free(c->source);
	free(c->spool_dir);
	free(c->organisation);
	free(c->identity);
	free(c->proxy);
	free(c->cafile);
	free_list(c->allow, c->nallow);
	free_list(c->allow_http, c->nallow_http);
	for (size_t i = 0; i < c->ndestinations; i++)
		free_destination(&c->destinations[i]);
	free(c->destinations);
	free_destination(&c->worklist);
	for (size_t i = 0; i < c->nportals; i++)
		free_portal(&c->portals[i]);
	free(c->portals);
	free(c);
}

const struct destination *config_destination(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->ndestinations; i++)
		if (strcmp(c->destinations[i].name, name) == 0)
			return &c->destinations[i];
	return NULL;
}

const struct config_portal *config_portal(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->nportals; i++)
		if (strcmp(c->portals[i].name, name) == 0)
			return &c->portals[i];
	return NULL;
}

int config_identity(const struct config *c, const char *credentials, const char *home, char *out, size_t cap,
    struct err *err)
{
	int n = -1;

	if (c->identity && text_starts(c->identity, "~/") && home)
		n = snprintf(out, cap, "%s/%s", home, c->identity + 2);
	else if (c->identity)
		n = snprintf(out, cap, "%s", c->identity);
	else if (credentials && *credentials)
		n = snprintf(out, cap, "%s/mri-identity", credentials);
	else if (home && *home)
		n = snprintf(out, cap, "%s/.config/mri/identity", home);
	else
		return err_set(err, ERR_CONFIG, "no place for the spool's identity: set [spool] identity");
	if (n < 0 || (size_t)n >= cap)
		return err_set(err, ERR_CONFIG, "the path of the spool's identity is too long");
	return RC_OK;
}
