/* What media say of themselves, as mri-unpack recorded it. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "stage/check.h"

/* The record's list of files is long and not needed here: what stands before it is a document too. */
int
check_facts_media(struct check_facts *f, const char *record, size_t n, struct err *err)
{
	static const char files[] = ",\"files\":[";
	const char *end = memmem(record, n, files, sizeof files - 1);
	struct buf head = BUF_INIT(JSON_BYTES_MAX);
	json_t *doc = NULL, *media = NULL;
	int rc = buf_add(&head, record, end != NULL ? (size_t)(end - record) : n, err);

	if (rc == RC_OK && end != NULL)
		rc = buf_puts(&head, "}", err);
	if (rc == RC_OK)
		rc = json_parse(head.data, head.len, &doc, err);
	if (rc == RC_OK)
		rc = json_get_arr(doc, "unpack", "media", &media, err);
	json_decref(f->media);
	f->media = rc == RC_OK ? json_incref(media) : NULL;
	json_decref(doc);
	buf_wipe(&head);
	return rc;
}

int
check_facts_media_beside(struct check_facts *f, const char *item, struct err *err)
{
	char path[SPOOL_PATH_MAX];
	struct buf b = BUF_INIT(JSON_BYTES_MAX);
	struct err e = { 0 };
	int rc = RC_OK;

	if (snprintf(path, sizeof path, "%s/../unpack", item) >= (int)sizeof path)
		return RC_OK;
	rc = io_slurp(AT_FDCWD, path, &b, &e);
	if (rc == RC_OK)
		rc = check_facts_media(f, b.data, b.len, err);
	else if (e.kind == ERR_NOINPUT) /* an item that somebody took out of its folder */
		rc = RC_OK;
	else
		*err = e;
	buf_wipe(&b);
	return rc;
}
