#include "media/listing.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"

#define WHERE	"a medium's index"
#define LINE_MAX_BYTES	8192

static const char *const states[] = {
	[LISTED_HERE] = "here", [LISTED_MOVED] = "moved", [LISTED_ABSENT] = "absent", [LISTED_ASIDE] = "set_aside",
	[LISTED_OTHER] = "other_uid", [LISTED_SIZE] = "other_size", [LISTED_HASH] = "other_hash",
};

void listing_init(struct listing *l, enum listing_kind kind)
{
	memset(l, 0, sizeof *l);
	l->kind = kind;
}

void listing_free(struct listing *l)
{
	for (size_t i = 0; i < l->npatients; i++) {
		free(l->patients[i].name);
		free(l->patients[i].id);
		free(l->patients[i].birth);
	}
	for (size_t i = 0; i < l->nstudies; i++)
		free(l->studies[i].accession);
	for (size_t i = 0; i < l->nfiles; i++) {
		free(l->files[i].path);
		free(l->files[i].media);
	}
	free(l->patients);
	free(l->studies);
	free(l->files);
	free(l->broken);
	memset(l, 0, sizeof *l);
}

const char *listing_name(enum listing_kind kind)
{
	return kind == LISTING_DICOMDIR ? "DICOMDIR" : "XDM metadata";
}

const char *listing_state_name(enum listing_state s)
{
	return states[s];
}

int listing_broken(struct listing *l, struct err *err, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;

	if (l->broken)
		return RC_OK;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	l->broken = text_dup(text, err);
	return l->broken ? RC_OK : err_rc(err->kind);
}

int listing_patient(struct listing *l, const char *name, const char *id, const char *birth, int *index, struct err *err)
{
	struct listing_patient *v = NULL, *p = NULL;

	for (size_t i = 0; i < l->npatients; i++)
		if (!strcmp(l->patients[i].name, name) && !strcmp(l->patients[i].id, id) &&
		    !strcmp(l->patients[i].birth, birth)) {
			*index = (int)i;
			return RC_OK;
		}
	if (l->npatients == LISTING_PATIENTS_MAX)
		return err_set(err, ERR_DATA, "it lists more than %d patients", LISTING_PATIENTS_MAX);
	if (!(v = realloc(l->patients, (l->npatients + 1) * sizeof *v)))
		return err_set(err, ERR_TEMP, "no memory for a medium's index");
	l->patients = v;
	p = &v[l->npatients];
	memset(p, 0, sizeof *p);
	*index = (int)l->npatients++;
	if (!(p->name = text_dup(name, err)) || !(p->id = text_dup(id, err)) || !(p->birth = text_dup(birth, err)))
		return err_rc(err->kind);
	return RC_OK;
}

int listing_study(struct listing *l, const char *uid, int *index, struct err *err)
{
	struct listing_study *v = NULL;

	for (size_t i = 0; i < l->nstudies; i++)
		if (!strcmp(l->studies[i].uid, uid)) {
			*index = (int)i;
			return RC_OK;
		}
	if (l->nstudies == LISTING_STUDIES_MAX)
		return err_set(err, ERR_DATA, "it lists more than %d studies", LISTING_STUDIES_MAX);
	if (!(v = realloc(l->studies, (l->nstudies + 1) * sizeof *v)))
		return err_set(err, ERR_TEMP, "no memory for a medium's index");
	l->studies = v;
	memset(&v[l->nstudies], 0, sizeof *v);
	text_copy(v[l->nstudies].uid, sizeof v->uid, uid);
	v[l->nstudies].patient = -1;
	*index = (int)l->nstudies++;
	return RC_OK;
}

int listing_file(struct listing *l, const char *path, struct listing_file **out, struct err *err)
{
	struct listing_file *f = NULL;

	if (l->nfiles == LISTING_FILES_MAX)
		return err_set(err, ERR_DATA, "it lists more than %d files", LISTING_FILES_MAX);
	if (l->nfiles == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 64;
		struct listing_file *v = realloc(l->files, cap * sizeof *v);

		if (!v)
			return err_set(err, ERR_TEMP, "no memory for a medium's index");
		l->files = v;
		l->cap = cap;
	}
	f = &l->files[l->nfiles];
	memset(f, 0, sizeof *f);
	f->study = f->patient = -1;
	f->bytes = -1;
	if (!(f->path = text_dup(path, err)))
		return err_rc(err->kind);
	l->nfiles++;
	*out = f;
	return RC_OK;
}

bool listing_path(const char *dir, const char *path, char to[LISTING_TEXT])
{
	size_t len = strlen(dir);

	to[0] = '\0';
	if (len >= LISTING_TEXT)
		return false;
	memcpy(to, dir, len + 1);
	while (len && to[len - 1] == '/')
		to[--len] = '\0';
	while (*path) {
		size_t n = strcspn(path, "/\\");

		if (n == 2 && !strncmp(path, "..", 2)) {
			if (!len)
				return false;
			while (len && to[len - 1] != '/')
				len--;
			len -= len > 0;
			to[len] = '\0';
		} else if (n && !(n == 1 && *path == '.')) {
			if (len + n + 2 > LISTING_TEXT)
				return false;
			if (len)
				to[len++] = '/';
			memcpy(to + len, path, n);
			to[len += n] = '\0';
		}
		path += n + (path[n] != '\0');
	}
	return len > 0;
}

void listing_folder(const char *path, char to[LISTING_TEXT])
{
	char *slash = NULL;

	if (listing_path("", path, to) && (slash = strrchr(to, '/')) != NULL)
		*slash = '\0';
	else
		to[0] = '\0';
}

/* --- a line each ---------------------------------------------------------------------- */

static int line(json_t *j, struct buf *out, struct err *err)
{
	int rc = j ? json_write(j, out, err) : err_rc(err->kind);

	json_decref(j);
	return rc == RC_OK ? buf_puts(out, "\n", err) : rc;
}

int listing_write(const struct listing *l, struct buf *out, struct err *err)
{
	int rc = line(json_make(err, "{s:i,s:s*}", "listing", (int)l->kind, "broken", l->broken), out, err);

	for (size_t i = 0; rc == RC_OK && i < l->npatients; i++)
		rc = line(json_make(err, "{s:s,s:s,s:s}", "name", l->patients[i].name, "id", l->patients[i].id,
		    "birth", l->patients[i].birth), out, err);
	for (size_t i = 0; rc == RC_OK && i < l->nstudies; i++) {
		const struct listing_study *s = &l->studies[i];

		rc = line(json_make(err, "{s:s,s:s,s:s*,s:i,s:I,s:I}", "study", s->uid, "date", s->date, "accession",
		    s->accession, "of", s->patient, "series", (json_int_t)s->series, "instances",
		    (json_int_t)s->instances), out, err);
	}
	for (size_t i = 0; rc == RC_OK && i < l->nfiles; i++) {
		const struct listing_file *f = &l->files[i];

		rc = line(json_make(err, "{s:s,s:s,s:s*,s:i,s:i,s:I,s:s}", "file", f->path, "sop", f->sop_uid, "media",
		    f->media, "in", f->study, "of", f->patient, "bytes", (json_int_t)f->bytes, "sha1", f->sha1),
		    out, err);
	}
	return rc;
}

/* Text of a line into a field that holds cap bytes. */
static int text(const json_t *j, const char *key, char *to, size_t cap, struct err *err)
{
	const char *s = NULL;
	int rc = json_get_str(j, WHERE, key, &s, err);

	if (rc == RC_OK && !text_copy(to, cap, s ? s : ""))
		rc = err_set(err, ERR_DATA, WHERE ": %s is too long", key);
	return rc;
}

static int index_of(const json_t *j, const char *key, size_t n, int *out, struct err *err)
{
	long long i = -1;
	int rc = json_get_int(j, WHERE, key, -1, &i, err);

	*out = (int)i;
	if (rc == RC_OK && (i < -1 || i >= (long long)n))
		rc = err_set(err, ERR_DATA, WHERE ": %s is out of bounds", key);
	return rc;
}

static int parse_patient(struct listing *l, const json_t *j, struct err *err)
{
	const char *name = json_text(j, "name"), *id = json_text(j, "id"), *birth = json_text(j, "birth");
	size_t before = l->npatients;
	int index = 0, rc = listing_patient(l, name, id, birth, &index, err);

	if (rc == RC_OK && l->npatients == before)
		rc = err_set(err, ERR_DATA, WHERE ": the same patient twice");
	return rc;
}

static int parse_study(struct listing *l, const json_t *j, struct err *err)
{
	const char *uid = json_text(j, "study"), *accession = NULL;
	struct listing_study *s = NULL;
	size_t before = l->nstudies;
	int index = 0, rc = strlen(uid) > 64 ? err_set(err, ERR_DATA, WHERE ": study is too long")
	    : listing_study(l, uid, &index, err);

	if (rc == RC_OK && l->nstudies == before)
		rc = err_set(err, ERR_DATA, WHERE ": the same study twice");
	if (rc != RC_OK)
		return rc;
	s = &l->studies[index];
	if ((rc = text(j, "date", s->date, sizeof s->date, err)) ||
	    (rc = index_of(j, "of", l->npatients, &s->patient, err)) ||
	    (rc = json_get_int(j, WHERE, "series", 0, &s->series, err)) ||
	    (rc = json_get_int(j, WHERE, "instances", 0, &s->instances, err)) ||
	    (rc = json_get_str(j, WHERE, "accession", &accession, err)))
		return rc;
	return accession && !(s->accession = text_dup(accession, err)) ? err_rc(err->kind) : RC_OK;
}

static int parse_file(struct listing *l, const json_t *j, struct err *err)
{
	struct listing_file *f = NULL;
	const char *media = NULL;
	int rc = listing_file(l, json_text(j, "file"), &f, err);

	if (rc != RC_OK || (rc = text(j, "sop", f->sop_uid, sizeof f->sop_uid, err)) ||
	    (rc = text(j, "sha1", f->sha1, sizeof f->sha1, err)) ||
	    (rc = index_of(j, "in", l->nstudies, &f->study, err)) ||
	    (rc = index_of(j, "of", l->npatients, &f->patient, err)) ||
	    (rc = json_get_int(j, WHERE, "bytes", -1, &f->bytes, err)) ||
	    (rc = json_get_str(j, WHERE, "media", &media, err)))
		return rc;
	return media && !(f->media = text_dup(media, err)) ? err_rc(err->kind) : RC_OK;
}

static int parse_head(struct listing *l, const json_t *j, struct err *err)
{
	const char *broken = NULL;
	long long kind = -1;
	int rc = json_get_int(j, WHERE, "listing", -1, &kind, err);

	if (rc == RC_OK && kind != LISTING_DICOMDIR && kind != LISTING_XDM)
		rc = err_set(err, ERR_DATA, WHERE ": of no known kind");
	if (rc != RC_OK || (rc = json_get_str(j, WHERE, "broken", &broken, err)))
		return rc;
	l->kind = (enum listing_kind)kind;
	return broken ? listing_broken(l, err, "%s", broken) : RC_OK;
}

int listing_parse(struct listing *l, const char *p, size_t n, struct err *err)
{
	bool head = false;
	int rc = RC_OK;

	listing_init(l, LISTING_DICOMDIR);
	while (rc == RC_OK && n) {
		const char *end = memchr(p, '\n', n);
		size_t len = end ? (size_t)(end - p) : n;
		json_t *j = NULL;

		rc = len > LINE_MAX_BYTES ? err_set(err, ERR_DATA, WHERE ": a line is too long")
		    : json_parse(p, len, &j, err);
		if (rc == RC_OK && !head)
			rc = parse_head(l, j, err);
		else if (rc == RC_OK && json_object_get(j, "file"))
			rc = parse_file(l, j, err);
		else if (rc == RC_OK && json_object_get(j, "study"))
			rc = parse_study(l, j, err);
		else if (rc == RC_OK)
			rc = parse_patient(l, j, err);
		head = true;
		json_decref(j);
		n -= len + (end != NULL);
		p += len + (end != NULL);
	}
	if (rc == RC_OK && !head)
		rc = err_set(err, ERR_DATA, WHERE ": nothing in it");
	if (rc != RC_OK)
		listing_free(l);
	return rc;
}
