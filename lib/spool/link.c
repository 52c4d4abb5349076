/*
 * link/<keyed hash>: a plain file that grows by lines, locked while a run
 * works with that link. First line "mri-link 1", then
 *	TIME import ID OUTCOME
 *	TIME tried KEYEDHASH
 * The last "import" line counts; ID and OUTCOME are "-" where there is none.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "spool/private.h"

#define LINK_LINE	"mri-link 1"
#define LINK_MAX	((size_t)1 << 20)	/* 10,000 lines */
#define OUTCOME_MAX	32

struct link_memory {
	struct spool *sp;
	char name[HASH_HEX];	/* keyed hash of the link: its name on disk */
	int lock;
	char id[SPOOL_ID_LEN + 1];
	char outcome[OUTCOME_MAX];
};

static bool is_word(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");
	return s[n] == '\0' && n < OUTCOME_MAX;
}

/* The rest after "TIME WORD "; NULL where the line is no such one. */
static char *after(char *line, const char *word)
{
	time_t t = 0;
	size_t n = strlen(word);
	char *space = strchr(line, ' ');
	if (space == NULL)
		return NULL;
	*space = '\0';
	bool ok = time_parse_iso(line, &t);
	*space = ' ';
	if (!ok || strncmp(space + 1, word, n) != 0 || space[n + 1] != ' ')
		return NULL;
	return space + n + 2;
}

static int memory_line(char *line, size_t len, void *arg, struct err *err)
{
	struct link_memory *m = arg;
	char *rest = after(line, "import");
	(void)len;
	(void)err;
	char *outcome = rest != NULL ? strchr(rest, ' ') : NULL;
	if (outcome == NULL)
		return RC_OK;
	*outcome++ = '\0';
	if ((!spool_is_id(rest) && strcmp(rest, "-") != 0) || !is_word(outcome))
		return RC_OK;
	text_copy(m->id, sizeof(m->id), strcmp(rest, "-") != 0 ? rest : "");
	text_copy(m->outcome, sizeof(m->outcome), strcmp(outcome, "-") != 0 ? outcome : "");
	return RC_OK;
}

int link_open(struct link_memory **out, struct spool *sp, const char *link, struct err *err)
{
	struct link_memory *m = calloc(1, sizeof(*m));
	struct stat st;
	if (m == NULL)
		return err_sys(err, ENOMEM, "cannot open the memory of links");
	m->sp = sp;
	m->lock = -1;
	int rc = spool_keyed_hash(sp, "link", link, strlen(link), m->name, err);
	if (rc == RC_OK)
		rc = lock_file(sp->dir[DIR_LINK], m->name, 0, "this link", &m->lock, err);
	if (rc == RC_OK && fstat(m->lock, &st) < 0)
		rc = err_sys(err, errno, "cannot open the memory of links");
	if (rc == RC_OK && st.st_size == 0)
		rc = append_held(m->lock, "the memory of links", LINK_LINE, strlen(LINK_LINE), err);
	if (rc == RC_OK && st.st_size == 0)
		rc = dir_sync(sp->dir[DIR_LINK], "the memory of links", err);
	if (rc == RC_OK)
		rc = each_line(sp->dir[DIR_LINK], m->name, LINK_MAX, memory_line, m, err);
	if (rc != RC_OK) {
		link_close(m);
		return rc;
	}
	*out = m;
	return RC_OK;
}

void link_close(struct link_memory *m)
{
	if (m == NULL)
		return;
	if (m->lock >= 0)
		close(m->lock);
	free(m);
}

const char *link_import(const struct link_memory *m) { return m->id; }
const char *link_outcome(const struct link_memory *m) { return m->outcome; }

static int add(struct link_memory *m, const char *word, const char *a, const char *b, struct err *err)
{
	char line[256], when[TIME_TEXT_MAX];
	time_t now = 0, wall = 0;
	clock_now(m->sp, &now, &wall);
	int n = snprintf(line, sizeof(line), "%s %s %s%s%s", time_iso(wall, when), word, a, b != NULL ? " " : "",
	    b != NULL ? b : "");
	return append_held(m->lock, "the memory of links", line, (size_t)n, err);
}

int link_set(struct link_memory *m, const char *id, const char *outcome, struct err *err)
{
	const char *i = id != NULL && id[0] != '\0' ? id : "-";
	const char *o = outcome != NULL && outcome[0] != '\0' ? outcome : "-";
	if ((strcmp(i, "-") != 0 && !spool_is_id(i)) || !is_word(o))
		return err_set(err, ERR_INTERNAL, "not an outcome of a link");
	int rc = add(m, "import", i, o, err);
	if (rc == RC_OK) {
		text_copy(m->id, sizeof(m->id), strcmp(i, "-") != 0 ? i : "");
		text_copy(m->outcome, sizeof(m->outcome), strcmp(o, "-") != 0 ? o : "");
	}
	return rc;
}

/* The link's own hash goes in: the same answer to two links leaves two hashes. */
static int answers_hash(const struct link_memory *m, const char *answers, char out[HASH_HEX], struct err *err)
{
	struct buf b = BUF_INIT(0);
	int rc = buf_add(&b, m->name, strlen(m->name) + 1, err);
	if (rc == RC_OK)
		rc = buf_puts(&b, answers, err);
	if (rc == RC_OK)
		rc = spool_keyed_hash(m->sp, "answers", b.data, b.len, out, err);
	buf_wipe(&b);
	return rc;
}

struct tried { const char *hash; bool found; };

static int tried_line(char *line, size_t len, void *arg, struct err *err)
{
	struct tried *t = arg;
	const char *rest = after(line, "tried");
	(void)len;
	(void)err;
	if (rest != NULL && strcmp(rest, t->hash) == 0)
		t->found = true;
	return RC_OK;
}

int link_tried(const struct link_memory *m, const char *answers, bool *out, struct err *err)
{
	char hash[HASH_HEX];
	struct tried t = { hash, false };
	int rc = answers_hash(m, answers, hash, err);
	if (rc == RC_OK)
		rc = each_line(m->sp->dir[DIR_LINK], m->name, LINK_MAX, tried_line, &t, err);
	*out = t.found;
	return rc;
}

int link_try(struct link_memory *m, const char *answers, struct err *err)
{
	char hash[HASH_HEX];
	int rc = answers_hash(m, answers, hash, err);
	return rc == RC_OK ? add(m, "tried", hash, NULL, err) : rc;
}
