/* A spool as a whole: making it, opening it, its VERSION. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "crypt/keys.h"
#include "crypt/secret.h"
#include "spool/private.h"

#define VERSION_LINE	"mri-spool 1"
#define ORGANISATION_MAX	200
#define DAY	((int64_t)24 * 3600)
#define GONE_PERIOD	(400 * DAY)
#define LINK_PERIOD	(30 * DAY)
#define RECORD_PERIOD	(90 * DAY)

static const char *const dir_names[DIR_COUNT] = {
	"incoming", "import", "purge", "gone", "link", "record", "keys", "audit"
};

/* Locks and renames are not to be trusted there (statfs(2), linux/magic.h, and the file systems' own sources).
 * FUSE is not in it: its number does not tell sshfs from a container's local overlay. */
static const struct { unsigned long magic; const char *name; } network[] = {
	{ 0x6969, "NFS" }, { 0x517b, "SMB" }, { 0xfe534d42, "SMB2" }, { 0xff534d42, "CIFS" },
	{ 0x5346414f, "AFS" }, { 0x6b414653, "AFS" }, { 0x00c36400, "Ceph" }, { 0x0bd00bd0, "Lustre" },
	{ 0x47504653, "GPFS" }, { 0x73757245, "Coda" }, { 0x564c, "NCP" }, { 0x19830326, "BeeGFS" },
	{ 0x7461636f, "OCFS2" }, { 0x01161970, "GFS2" },
};

static int check_filesystem(int fd, const char *dir, struct err *err)
{
	struct statfs fs;
	while (fstatfs(fd, &fs) < 0)
		if (errno != EINTR)
			return err_sys(err, errno, "cannot open the spool %s", dir);
	for (size_t i = 0; i < sizeof(network) / sizeof(network[0]); i++) {
		if (((unsigned long)fs.f_type & 0xffffffffUL) != network[i].magic)
			continue;
		err_set(err, ERR_CONFIG, "the spool %s lies on a network (%s)", dir, network[i].name);
		err_advise(err, "a spool needs one local file system: locks, rename and sync must hold");
		return err_rc(ERR_CONFIG);
	}
	return RC_OK;
}

static int check_owner(const struct stat *st, const char *dir, struct err *err)
{
	if (st->st_uid != geteuid()) {
		err_set(err, ERR_DENIED, "the spool %s belongs to another account (uid %u, not %u)", dir,
		    (unsigned)st->st_uid, (unsigned)geteuid());
		err_advise(err, "run as the account that owns the spool");
		return err_rc(ERR_DENIED);
	}
	if ((st->st_mode & 0777) != 0700) {
		err_set(err, ERR_DENIED, "the spool %s has mode %04o, not 0700", dir,
		    (unsigned)st->st_mode & 0777);
		err_advise(err, "find out who could read it, then: chmod 700");
		return err_rc(ERR_DENIED);
	}
	return RC_OK;
}

static int make_mac(int keys, struct err *err)
{
	uint8_t key[HASH_LEN];
	char text[2 * HASH_LEN + 2];
	int rc = hash_random(key, sizeof(key), err);
	if (rc == RC_OK) {
		text_hex(key, sizeof(key), text);
		text[2 * HASH_LEN] = '\n';
		rc = file_write(keys, NAME_MAC, text, 2 * HASH_LEN + 1, 0600, err);
	}
	hash_wipe(key, sizeof(key));
	hash_wipe(text, sizeof(text));
	return rc;
}

static int read_mac(int keys, uint8_t out[HASH_LEN], struct err *err)
{
	struct buf b = BUF_INIT(PLAIN_MAX);
	int rc = file_read(keys, NAME_MAC, &b, err);
	if (rc == RC_OK) {
		text_trim(b.data);
		if (!text_unhex(b.data, out, HASH_LEN))
			rc = err_set(err, ERR_CONFIG, "keys/mac of the spool is damaged");
	} else if (err->kind == ERR_NOINPUT) {
		rc = err_set(err, ERR_CONFIG, "keys/mac of the spool is missing");
		err_advise(err, "restore it from a backup: without it no link and no package is known again");
	} else {
		rc = err_wrap(err, "keys/mac of the spool");
	}
	buf_wipe(&b);
	return rc;
}

/* Makes the identity where there is none, else loads it: several spools may share one. */
static int init_identity(const char *path, struct age_recipient *to, struct err *err)
{
	struct age_identity id;
	int rc = RC_OK;
	if (path == NULL) {
		err_set(err, ERR_CONFIG, "no place for the spool's identity");
		err_advise(err, "set [spool] identity, or encrypt = no");
		return err_rc(ERR_CONFIG);
	}
	if (access(path, F_OK) == 0)
		rc = keys_identity_load(path, &id, err);
	else
		rc = keys_identity_create(path, &id, err);
	if (rc == RC_OK) {
		*to = id.to;
		age_identity_wipe(&id);
	}
	return rc;
}

static int known_entry(int dirfd, const char *name, void *arg, struct err *err)
{
	(void)dirfd;
	for (int i = 0; i < DIR_COUNT; i++)
		if (strcmp(name, dir_names[i]) == 0)
			return RC_OK;
	if (strcmp(name, "." NAME_VERSION) == 0 || strcmp(name, "mri.conf") == 0 ||
	    strcmp(name, NAME_CLOCK) == 0)
		return RC_OK;
	if (strcmp(name, NAME_VERSION) == 0)
		return err_set(err, ERR_CANTCREAT, "%s is a spool already", (const char *)arg);
	return err_set(err, ERR_CANTCREAT, "%s is not empty", (const char *)arg);
}

int spool_init(const char *dir, const char *organisation, const struct spool_settings *set, struct err *err)
{
	struct age_recipient to;
	struct buf v = BUF_INIT(PLAIN_MAX);
	char text[AGE_TEXT_MAX] = "";
	struct stat st;
	int rc = RC_OK, fd = -1;

	size_t n = strlen(organisation);
	if (n == 0 || n > ORGANISATION_MAX || !text_utf8_valid(organisation, n) ||
	    strpbrk(organisation, "\r\n") != NULL) {
		err_set(err, ERR_CONFIG, "the organisation must be one line of 1 to %d bytes of UTF-8",
		    ORGANISATION_MAX);
		err_advise(err, "set [spool] organisation");
		return err_rc(ERR_CONFIG);
	}
	bool made = mkdir(dir, 0700) == 0;
	if (!made && errno != EEXIST)
		return err_sys(err, errno, "cannot make the spool %s", dir);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		rc = err_sys(err, errno, "cannot open the spool %s", dir);
		goto out;
	}
	if ((rc = check_filesystem(fd, dir, err)) != RC_OK ||
	    (rc = dir_each(fd, known_entry, (void *)(uintptr_t)dir, err)) != RC_OK)
		goto out;
	if (!made && st.st_uid == geteuid() && (st.st_mode & 0777) != 0700) {
		if (fchmod(fd, 0700) < 0 || fstat(fd, &st) < 0) {
			rc = err_sys(err, errno, "cannot set the mode of %s", dir);
			goto out;
		}
	}
	if ((rc = check_owner(&st, dir, err)) != RC_OK)
		goto out;
	if (set->encrypt && (rc = init_identity(set->identity, &to, err)) != RC_OK)
		goto out;
	for (int i = 0; i < DIR_COUNT && rc == RC_OK; i++) {
		int sub = -1;
		rc = dir_make(fd, dir_names[i], &sub, NULL, err);
		if (rc == RC_OK && i == DIR_KEYS && !file_there(sub, NAME_MAC))
			rc = make_mac(sub, err);
		if (sub >= 0)
			close(sub);
	}
	if (rc != RC_OK)
		goto out;
	if (set->encrypt)
		age_recipient_text(&to, text);
	/* last: what has a VERSION is a whole spool */
	if ((rc = buf_printf(&v, err, "%s\norganisation=%s\n", VERSION_LINE, organisation)) == RC_OK &&
	    (!set->encrypt || (rc = buf_printf(&v, err, "recipient=%s\n", text)) == RC_OK) &&
	    (rc = buf_printf(&v, err, "encrypt=%s\n", set->encrypt ? "yes" : "no")) == RC_OK)
		rc = file_write(fd, NAME_VERSION, v.data, v.len, 0600, err);
	if (rc == RC_OK && made) {	/* the new directory's own name */
		int up = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (up >= 0) {
			rc = dir_sync(up, "the spool", err);
			close(up);
		}
	}
out:
	if (fd >= 0)
		close(fd);
	buf_free(&v);
	return rc;
}

static int parse_version(struct spool *sp, char *text, struct err *err)
{
	char *save = NULL;
	bool encrypt = false, recipient = false;
	char *line = strtok_r(text, "\n", &save);
	if (line == NULL || strcmp(line, VERSION_LINE) != 0) {
		err_set(err, ERR_CONFIG, "%s/VERSION is not \"%s\"", sp->path, VERSION_LINE);
		err_advise(err, "this release reads " VERSION_LINE " only");
		return err_rc(ERR_CONFIG);
	}
	while ((line = strtok_r(NULL, "\n", &save)) != NULL) {
		char *value = strchr(line, '=');
		if (value != NULL)
			*value++ = '\0';
		if (value != NULL && strcmp(line, "organisation") == 0 && sp->organisation == NULL) {
			sp->organisation = text_dup(value, err);
			if (sp->organisation == NULL)
				return err_rc(err->kind);
		} else if (value != NULL && strcmp(line, "recipient") == 0 && !recipient) {
			if (age_recipient_parse(value, &sp->to, err) != RC_OK)
				return err_set(err, ERR_CONFIG, "%s/VERSION: recipient is damaged", sp->path);
			recipient = true;
		} else if (value != NULL && strcmp(line, "encrypt") == 0 && !encrypt &&
		    (strcmp(value, "yes") == 0 || strcmp(value, "no") == 0)) {
			encrypt = true;
			sp->encrypt = strcmp(value, "yes") == 0;
		} else {
			return err_set(err, ERR_CONFIG, "%s/VERSION has a line that is not known or there twice",
			    sp->path);
		}
	}
	if (sp->organisation == NULL || !encrypt || recipient != sp->encrypt)
		return err_set(err, ERR_CONFIG, "%s/VERSION is not whole", sp->path);
	return RC_OK;
}

static int open_dirs(struct spool *sp, struct err *err)
{
	for (int i = 0; i < DIR_COUNT; i++) {
		struct stat st;
		if (dir_open(sp->fd, dir_names[i], &sp->dir[i], err) != RC_OK || fstat(sp->dir[i], &st) < 0)
			return err_set(err, ERR_CONFIG, "the spool %s has no directory %s", sp->path,
			    dir_names[i]);
		if (st.st_dev != sp->dev) {
			err_set(err, ERR_CONFIG, "%s/%s lies on another file system", sp->path, dir_names[i]);
			err_advise(err, "a spool must lie on one file system: it publishes by rename");
			return err_rc(ERR_CONFIG);
		}
	}
	return RC_OK;
}

static int take_settings(struct spool *sp, const struct spool_settings *set, struct err *err)
{
	if (set != NULL)
		sp->set = *set;
	sp->set.identity = NULL;
	if (set != NULL && set->identity != NULL) {
		sp->set.identity = text_dup(set->identity, err);
		if (sp->set.identity == NULL)
			return err_rc(err->kind);
	}
	if (sp->set.retention <= 0 || sp->set.retention > SPOOL_RETENTION_MAX)
		sp->set.retention = SPOOL_RETENTION_MAX;
	if (sp->set.gone_period == 0)
		sp->set.gone_period = GONE_PERIOD;
	if (sp->set.link_period == 0)
		sp->set.link_period = LINK_PERIOD;
	if (sp->set.record_period == 0)
		sp->set.record_period = RECORD_PERIOD;
	return RC_OK;
}

static int load_identity(struct spool *sp, struct err *err)
{
	if (sp->set.identity == NULL) {
		err_set(err, ERR_DENIED, "no identity to open the spool %s", sp->path);
		err_advise(err, "set [spool] identity to the file that mri-spool init made");
		return err_rc(ERR_DENIED);
	}
	void *p = NULL;
	int rc = secret_alloc(&p, sizeof(*sp->identity), err);
	if (rc != RC_OK)
		return rc;
	sp->identity = p;
	if ((rc = keys_identity_load(sp->set.identity, sp->identity, err)) != RC_OK)
		return rc;
	if (memcmp(sp->identity->to.pub, sp->to.pub, sizeof(sp->to.pub)) != 0) {
		age_identity_wipe(sp->identity);
		err_set(err, ERR_DENIED, "the identity file is not that of the spool %s", sp->path);
		err_advise(err, "the spool's VERSION names its recipient: compare it with age-keygen -y");
		return err_rc(ERR_DENIED);
	}
	sp->secret = true;
	return RC_OK;
}

int spool_open(struct spool **out, const char *dir, enum spool_need need, const struct spool_settings *set,
    struct err *err)
{
	struct buf b = BUF_INIT(PLAIN_MAX);
	struct stat st;
	char *real = NULL;
	int rc = RC_OK;
	struct spool *sp = calloc(1, sizeof(*sp));
	if (sp == NULL)
		return err_sys(err, ENOMEM, "cannot open the spool");
	sp->fd = -1;
	for (int i = 0; i < DIR_COUNT; i++)
		sp->dir[i] = -1;
	sp->need = need;

	sp->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (sp->fd < 0 || fstat(sp->fd, &st) < 0 || (real = realpath(dir, NULL)) == NULL) {
		rc = err_sys(err, errno, "cannot open the spool %s", dir);
		if (err->sys == ENOENT)
			err_advise(err, "mri-spool init makes one");
		goto out;
	}
	if (!text_copy(sp->path, sizeof(sp->path), real)) {
		rc = err_set(err, ERR_CONFIG, "the path of the spool is too long");
		goto out;
	}
	sp->dev = st.st_dev;
	if ((rc = take_settings(sp, set, err)) != RC_OK ||
	    (rc = check_filesystem(sp->fd, sp->path, err)) != RC_OK ||
	    (rc = check_owner(&st, sp->path, err)) != RC_OK)
		goto out;
	if ((rc = file_read(sp->fd, NAME_VERSION, &b, err)) != RC_OK) {
		if (err->kind == ERR_NOINPUT) {
			rc = err_set(err, ERR_NOINPUT, "%s is not a spool: it has no VERSION", sp->path);
			err_advise(err, "mri-spool init makes one");
		}
		goto out;
	}
	if ((rc = parse_version(sp, b.data, err)) != RC_OK || (rc = open_dirs(sp, err)) != RC_OK)
		goto out;
	if (need == SPOOL_SECRET && sp->encrypt)
		rc = load_identity(sp, err);
out:
	free(real);
	buf_free(&b);
	if (rc != RC_OK) {
		spool_close(sp);
		return rc;
	}
	*out = sp;
	return RC_OK;
}

void spool_close(struct spool *sp)
{
	if (sp == NULL)
		return;
	for (int i = 0; i < DIR_COUNT; i++)
		if (sp->dir[i] >= 0)
			close(sp->dir[i]);
	if (sp->fd >= 0)
		close(sp->fd);
	free((void *)(uintptr_t)sp->set.identity);
	free(sp->organisation);
	secret_free(sp->identity, sizeof(*sp->identity));
	hash_wipe(sp, sizeof(*sp));
	free(sp);
}

const char *spool_path(const struct spool *sp) { return sp->path; }
const char *spool_organisation(const struct spool *sp) { return sp->organisation; }
bool spool_encrypts(const struct spool *sp) { return sp->encrypt; }
int spool_audit_dir(const struct spool *sp) { return sp->dir[DIR_AUDIT]; }
const struct spool_settings *spool_settings(const struct spool *sp) { return &sp->set; }

int spool_keyed_hash(const struct spool *sp, const char *domain, const char *text, size_t n, char out[65],
    struct err *err)
{
	uint8_t key[HASH_LEN], mac[HASH_LEN];
	struct buf b = BUF_INIT(0);
	int rc = read_mac(sp->dir[DIR_KEYS], key, err);	/* here, not when the spool is opened: purge needs none */
	if (rc == RC_OK)
		rc = buf_add(&b, domain, strlen(domain) + 1, err);	/* its NUL parts domain and text */
	if (rc == RC_OK)
		rc = buf_add(&b, text, n, err);
	if (rc == RC_OK)
		rc = hash_hmac(key, sizeof(key), b.data, b.len, mac, err);
	hash_wipe(key, sizeof(key));
	buf_wipe(&b);
	if (rc == RC_OK)
		text_hex(mac, sizeof(mac), out);
	return rc;
}
