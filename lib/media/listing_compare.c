/* The index of a medium against what is on it, both ways. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/text.h"
#include "media/listing.h"

struct key { const char *text; size_t i; };

/* What is there, by name and by SOP Instance UID. */
struct shelf {
	const struct listing_found *v;
	size_t n;
	struct key *paths, *uids; size_t nuids;
	char (*names)[LISTING_TEXT];	/* as the index would write them */
	bool *listed;
};

static int by_name(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	int d = strcasecmp(x->text, y->text);

	return d ? d : (x->i > y->i) - (x->i < y->i);
}

static int by_uid(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	int d = strcmp(x->text, y->text);

	return d ? d : (x->i > y->i) - (x->i < y->i);
}

/* Media differ in case, and ISO 9660 appends a version and a dot: "IM1.;1" (ECMA-119 7.5). */
static void plain(char *s)
{
	size_t n = strlen(s);

	if (n > 2 && s[n - 2] == ';' && s[n - 1] >= '0' && s[n - 1] <= '9')
		s[n -= 2] = '\0';
	if (n > 1 && s[n - 1] == '.')
		s[n - 1] = '\0';
}

static size_t find(const struct key *v, size_t n, const char *what, int (*cmp)(const char *, const char *))
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (cmp(v[mid].text, what) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && cmp(v[lo].text, what) == 0 ? v[lo].i : SIZE_MAX;
}

static int shelf_fill(struct shelf *h, struct err *err)
{
	h->paths = calloc(h->n + 1, sizeof *h->paths);
	h->uids = calloc(h->n + 1, sizeof *h->uids);
	h->listed = calloc(h->n + 1, sizeof *h->listed);
	h->names = calloc(h->n + 1, sizeof *h->names);
	if (!h->paths || !h->uids || !h->listed || !h->names)
		return err_set(err, ERR_TEMP, "no memory to compare a medium with its index");
	for (size_t i = 0; i < h->n; i++) {
		listing_path("", h->v[i].path ? h->v[i].path : "", h->names[i]);
		plain(h->names[i]);
		h->paths[i] = (struct key){ h->names[i], i };
		if (h->v[i].sop_uid && h->v[i].sop_uid[0])
			h->uids[h->nuids++] = (struct key){ h->v[i].sop_uid, i };
	}
	qsort(h->paths, h->n, sizeof *h->paths, by_name);
	qsort(h->uids, h->nuids, sizeof *h->uids, by_uid);
	return RC_OK;
}

static void shelf_free(struct shelf *h)
{
	free(h->paths);
	free(h->uids);
	free(h->listed);
	free(h->names);
}

static enum listing_state state_of(const struct listing_file *f, const struct listing_found *x)
{
	if (f->sop_uid[0] && x->sop_uid && strcmp(f->sop_uid, x->sop_uid) != 0)
		return LISTED_OTHER;
	if (x->kind == FOUND_ASIDE && !x->beside)
		return LISTED_ASIDE;
	if (f->sop_uid[0] && !x->sop_uid)	/* an object was promised, and this is none */
		return LISTED_OTHER;
	if (f->bytes >= 0 && f->bytes != x->bytes)
		return LISTED_SIZE;
	if (f->sha1[0] && x->sha1 && x->sha1[0] && strcasecmp(f->sha1, x->sha1) != 0)
		return LISTED_HASH;
	return LISTED_HERE;
}

/* false: what is listed is nowhere */
static bool compare_file(struct listing_file *f, const char *dir, struct shelf *h)
{
	char path[LISTING_TEXT];
	size_t at = SIZE_MAX, same = SIZE_MAX;

	if (listing_path(dir, f->path, path)) {
		plain(path);
		at = find(h->paths, h->n, path, strcasecmp);
	}
	if (f->sop_uid[0])
		same = find(h->uids, h->nuids, f->sop_uid, strcmp);
	f->state = at != SIZE_MAX ? state_of(f, &h->v[at]) : LISTED_ABSENT;
	f->at = at != SIZE_MAX ? at + 1 : 0;
	if (at != SIZE_MAX)
		h->listed[at] = true;
	if (same != SIZE_MAX && f->state != LISTED_HERE && f->state != LISTED_ASIDE) {
		h->listed[same] = true;
		/* the file has another object, and the one that is listed lies elsewhere: both are so */
		if (f->state == LISTED_ABSENT)
			f->state = LISTED_MOVED;
	}
	return f->state != LISTED_ABSENT && (f->state != LISTED_OTHER || same != SIZE_MAX);
}

static void count_file(struct listing_study *s, enum listing_state state, bool there)
{
	s->here += state == LISTED_HERE;
	s->moved += state == LISTED_MOVED;
	s->aside += state == LISTED_ASIDE;
	s->other += state == LISTED_OTHER || state == LISTED_SIZE || state == LISTED_HASH;
	s->absent += !there;
}

static bool below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return n == 0 || (strncasecmp(path, dir, n) == 0 && (dir[n - 1] == '/' || path[n] == '/'));
}

static int count_unlisted(struct listing *l, const char *dir, const struct shelf *h, struct err *err)
{
	for (size_t i = 0; i < h->n; i++) {
		const struct listing_found *x = &h->v[i];
		int study = 0, rc = RC_OK;

		if (h->listed[i] || x->beside || !below(h->names[i], dir) ||
		    x->kind != (l->kind == LISTING_DICOMDIR ? FOUND_OBJECT : FOUND_DOCUMENT))
			continue;
		l->unlisted++;
		if (!x->study_uid || !x->study_uid[0])
			continue;
		rc = listing_study(l, x->study_uid, &study, err);
		if (rc != RC_OK)
			return rc;
		l->studies[study].unlisted++;
	}
	return RC_OK;
}

int listing_compare(struct listing *l, const char *dir, const struct listing_found *v, size_t n, struct err *err)
{
	struct shelf h = { .v = v, .n = n };
	int rc = shelf_fill(&h, err);

	for (size_t i = 0; rc == RC_OK && i < l->nfiles; i++) {
		struct listing_file *f = &l->files[i];
		bool there = compare_file(f, dir, &h);

		if (f->study >= 0 && l->kind == LISTING_DICOMDIR)	/* documents are no instances of a study */
			count_file(&l->studies[f->study], f->state, there);
	}
	if (rc == RC_OK && !(l->broken && !l->nfiles))	/* one that could not be read leaves nothing out */
		rc = count_unlisted(l, dir, &h, err);
	if (rc != RC_OK && err->kind == ERR_DATA)	/* more studies than an index may name */
		rc = listing_broken(l, err, "%s", err->text);
	shelf_free(&h);
	return rc;
}
