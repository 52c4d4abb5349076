/*
 * Configuration, INI by inih (mri.conf(5)). An unknown key is ERR_CONFIG with
 * file:line and the nearest known one. /etc/mri/mri.conf, owned by root, is the
 * system policy; where it is, other files may only narrow it.
 */
#ifndef MRI_CLI_CONFIG_H
#define MRI_CLI_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "check/severity.h"

struct destination {
	char *name;		/* "" for one given by URL */
	char *url, *calling, *cafile, *cert, *key;
	bool verify;		/* read back after sending; default true */
};

/* [portal NAME]: what the hospital knows of a portal that its links do not say. Secrets stand in files. */
struct config_portal {
	char *name;
	char **url_prefix; size_t nurl_prefix;	/* whose links: https://host[:port][/path], or a host */
	char *dicomweb, *recipe;		/* recipe: a name, or the path of a file */
	char *token_file, *user, *password_file, *cert, *key;
	char **allow; size_t nallow;		/* CIDR, for this portal beside [net] allow */
	int64_t connections;			/* at a time; 0: one */
};

struct config {
	char *source;		/* file it came from, NULL: defaults */
	bool policy;		/* /etc/mri/mri.conf is there */
	/* [spool] */
	char *spool_dir, *organisation, *identity;
	int64_t retention;	/* seconds */
	bool purge_confirmed;	/* purge = confirmed */
	bool encrypt, keep_package;
	int64_t gone_period, link_period, record_period;
	/* [net] */
	char **allow; size_t nallow;		/* CIDR */
	char **allow_http; size_t nallow_http;	/* hosts */
	char *proxy, *cafile;
	/* [policy] */
	bool basis_required;
	int sandbox;		/* enum jail_mode */
	/* [check] */
	struct check_severities check;
	/* [destination NAME], [worklist] */
	struct destination *destinations; size_t ndestinations;
	struct destination worklist;
	/* [portal NAME] */
	struct config_portal *portals; size_t nportals;
};

#define CONFIG_POLICY	"/etc/mri/mri.conf"

/* candidates: files in the order of 30-cli, NULL-terminated; explicit: the first must exist.
 * policy_path: CONFIG_POLICY, or another in tests. home: for ~/ in values, may be NULL. */
int config_load(struct config **, const char *policy_path, const char *const *candidates, bool explicit_file,
    struct err *);
void config_free(struct config *);
const struct destination *config_destination(const struct config *, const char *name);	/* NULL */
const struct config_portal *config_portal(const struct config *, const char *name);	/* NULL */
/* The spool identity file by 20-spool's order; path in out. credentials: $CREDENTIALS_DIRECTORY or NULL. */
int config_identity(const struct config *, const char *credentials, const char *home, char *out, size_t cap,
    struct err *);

#endif
