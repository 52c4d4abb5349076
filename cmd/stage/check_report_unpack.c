/*
 * What mri-unpack did with every file, from the import's `unpack`. It holds a
 * line a file and may be long: it is read line by line, and only what was set
 * aside is kept, up to a limit.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "stage/check_report.h"

#define ASIDES_MAX	300	/* a page that a person reads; the record has them all */

static const char files_key[] = ",\"files\":[";

void report_unpack_free(struct report_unpack *u)
{
	for (size_t i = 0; i < u->nasides; i++) {
		free(u->asides[i].name);
		free(u->asides[i].media);
		free(u->asides[i].reason);
	}
	free(u->asides);
	memset(u, 0, sizeof(*u));
}

static bool is_folder(const json_t *j)
{
	const char *name = json_text(j, "name");
	size_t n = strlen(name);

	return n > 0 && name[n - 1] == '/' && !json_is_true(json_object_get(j, "data")) &&
	    json_integer_value(json_object_get(j, "bytes")) == 0;
}

static int take(struct report_unpack *u, const json_t *j, struct err *err)
{
	struct report_aside *a = NULL;

	if (strcmp(json_text(j, "fate"), "set_aside"))
		return RC_OK;
	if (is_folder(j)) {
		u->folders++;
		return RC_OK;
	}
	if (u->nasides == ASIDES_MAX) {
		u->more++;
		return RC_OK;
	}
	if (!u->asides && !(u->asides = calloc(ASIDES_MAX, sizeof(*u->asides))))
		return err_set(err, ERR_TEMP, "no memory");
	a = &u->asides[u->nasides++];
	a->package = json_integer_value(json_object_get(j, "package"));
	a->member = json_integer_value(json_object_get(j, "member"));
	a->bytes = json_integer_value(json_object_get(j, "bytes"));
	a->data = json_is_true(json_object_get(j, "data"));
	if (!(a->name = text_dup(json_text(j, "name"), err)) || !(a->media = text_dup(json_text(j, "media"), err)) ||
	    !(a->reason = text_dup(json_text(j, "reason"), err)))
		return err_rc(err->kind);
	return RC_OK;
}

/* One file: an object in a line of its own, with a comma or the end of the record behind it. */
static int take_line(struct report_unpack *u, const char *line, size_t len, struct err *err)
{
	json_t *j = NULL;
	int rc = RC_OK;

	while (len > 0 && line[len - 1] != '}')
		len--;
	if (len >= 2 && !memcmp(line + len - 2, "]}", 2))
		len -= 2;
	if (len == 0)
		return RC_OK;
	if (!(rc = json_parse(line, len, &j, err)))
		rc = take(u, j, err);
	json_decref(j);
	return rc;
}

static int take_head(struct report_unpack *u, const char *text, size_t len, struct err *err)
{
	struct buf b = BUF_INIT(JSON_BYTES_MAX);
	json_t *j = NULL, *n = NULL;
	int rc = buf_add(&b, text, len, err);

	if (!rc)
		rc = buf_puts(&b, "}", err);
	if (!rc && !(rc = json_parse(b.data, b.len, &j, err)) &&
	    !(rc = json_get_obj(j, "the record", "counts", &n, err)) && n) {
		u->files = json_integer_value(json_object_get(n, "files"));
		u->objects = json_integer_value(json_object_get(n, "objects"));
		u->documents = json_integer_value(json_object_get(n, "documents"));
		u->duplicates = json_integer_value(json_object_get(n, "duplicates"));
		u->set_aside = json_integer_value(json_object_get(n, "set_aside"));
	}
	json_decref(j);
	buf_free(&b);
	return rc;
}

static int read_record(struct report_unpack *u, const struct buf *b, struct err *err)
{
	/* in a name it would stand as ,\"files\":[ */
	const char *at = strstr(b->data, files_key), *line = NULL, *end = b->data + b->len;
	int rc = RC_OK;

	if (!at)
		return err_set(err, ERR_DATA, "it has no list of files");
	if ((rc = take_head(u, b->data, (size_t)(at - b->data), err)))
		return rc;
	for (line = at + strlen(files_key); line < end && !rc;) {
		const char *nl = memchr(line, '\n', (size_t)(end - line));
		size_t len = nl ? (size_t)(nl - line) : (size_t)(end - line);

		rc = take_line(u, line, len, err);
		line += len + 1;
	}
	return rc;
}

static int data_first(const void *a, const void *b)
{
	const struct report_aside *x = a, *y = b;

	if (x->data != y->data)
		return x->data ? -1 : 1;
	if (x->package != y->package)
		return x->package < y->package ? -1 : 1;
	return x->member < y->member ? -1 : x->member > y->member;
}

void report_unpack_read(struct import *import, struct report_unpack *u)
{
	struct buf b = BUF_INIT(JSON_BYTES_MAX);
	struct err err = { 0 };
	int rc = import_unpack_read(import, &u->there, &b, &err);

	if (!rc && u->there)
		rc = read_record(u, &b, &err);
	if (rc)
		text_copy(u->trouble, sizeof(u->trouble), err.text);
	if (u->nasides > 0)
		qsort(u->asides, u->nasides, sizeof(*u->asides), data_first);
	buf_free(&b);
}
