/*
 * A token or password of the configuration that a portal refused is not sent
 * to it again, by any run: accounts are locked by less. link/<keyed hash> of
 * the portal's root keeps, as keyed hashes of what the file holds,
 *	wrong K	refused for the K-th time
 *	right K	taken, after K refusals: a portal may come to its senses (--again)
 * Another line in the file is another credential.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include "base/hash.h"
#include "base/text.h"
#include "base/time.h"
#include "spool/link.h"
#include "stage/fetch.h"

#define COUNT_MAX	100	/* refusals that are told apart */
#define LOCK_MS		5000	/* another run writes its line */

/* What is remembered is remembered of the portal, whatever it was asked for. */
static int
open_memory(struct link_memory **lm, const struct fetch *f, const char *root, struct err *err)
{
	struct buf key = BUF_INIT((size_t)16 << 10);
	uint64_t until = time_mono_ms() + LOCK_MS;
	int rc = buf_printf(&key, err, "credential %s", root);

	*lm = NULL;
	while (rc == RC_OK && (rc = link_open(lm, f->work->spool, key.data, err)) == RC_RETRY && time_mono_ms() < until) {
		err_clear(err);
		rc = RC_OK;
		poll(NULL, 0, 20);
	}
	buf_free(&key);
	return rc;
}

static int
line(struct buf *out, const struct source_portal *p, const char *word, unsigned k, struct err *err)
{
	buf_clear(out);
	return p->token != NULL ? buf_printf(out, err, "%s %u\ntoken\n%s", word, k, p->token) :
	    buf_printf(out, err, "%s %u\npassword\n%s\n%s", word, k, p->user, p->password);
}

static int
count(struct link_memory *lm, const struct source_portal *p, const char *word, unsigned *n, struct err *err)
{
	struct buf text = BUF_INIT((size_t)64 << 10);
	bool there = true;
	int rc = RC_OK;

	for (*n = 0; *n < COUNT_MAX; (*n)++)
		if ((rc = line(&text, p, word, *n + 1, err)) != RC_OK ||
		    (rc = link_tried(lm, text.data, &there, err)) != RC_OK || !there)
			break;
	buf_wipe(&text);
	return rc;
}

static bool
has(const struct fetch *f, const struct source_portal *p)
{
	return f->out_dir == NULL && f->work->spool != NULL && p->dicomweb != NULL &&
	    (p->token != NULL || (p->user != NULL && p->password != NULL));
}

int
credential_refused(const struct fetch *f, const struct source_portal *p, struct err *err)
{
	struct link_memory *lm = NULL;
	unsigned wrong = 0, right = 0;
	int rc = RC_OK;

	if (!has(f, p) || f->again != NULL)
		return RC_OK;
	if ((rc = open_memory(&lm, f, p->dicomweb, err)) != RC_OK)
		return rc;
	if ((rc = count(lm, p, "wrong", &wrong, err)) == RC_OK)
		rc = count(lm, p, "right", &right, err);
	link_close(lm);
	if (rc != RC_OK || wrong <= right)
		return rc;
	err_set(err, ERR_DENIED, "the portal refused this %s before; it is not sent again",
	    p->token != NULL ? "token" : "password");
	err_advise(err, "write a new one into its file; --again REASON overrides");
	return err_rc(ERR_DENIED);
}

int
credential_note(const struct fetch *f, const struct source_portal *p, bool taken, struct err *err)
{
	struct buf text = BUF_INIT((size_t)64 << 10);
	struct link_memory *lm = NULL;
	unsigned wrong = 0, right = 0;
	int rc = RC_OK;

	if (!has(f, p))
		return RC_OK;
	if ((rc = open_memory(&lm, f, p->dicomweb, err)) != RC_OK)
		return rc;
	if ((rc = count(lm, p, "wrong", &wrong, err)) != RC_OK || (rc = count(lm, p, "right", &right, err)) != RC_OK)
		goto out;
	if (taken && wrong > right)	/* as many as there are refusals: the next one counts again */
		for (; right < wrong && rc == RC_OK; right++)
			if ((rc = line(&text, p, "right", right + 1, err)) == RC_OK)
				rc = link_try(lm, text.data, err);
	if (!taken && wrong <= right && (rc = line(&text, p, "wrong", wrong + 1, err)) == RC_OK)
		rc = link_try(lm, text.data, err);
out:
	link_close(lm);
	buf_wipe(&text);
	return rc;
}
