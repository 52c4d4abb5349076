/* What a DICOMweb archive holds of a study: QIDO-RS (PS3.18 10.6), its answers as DICOM JSON (F). */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "http/client.h"
#include "source/dicomweb.h"
#include "stage/check_ask.h"

#define PAGE 1000 /* entries of one answer that are asked for; a server may give fewer */
#define PAGES_MAX 1000
#define ANSWER_MAX ((size_t)8 << 20)

static const char *
first(const json_t *entry, const char *tag, char number[32])
{
	return dicomweb_text(json_array_get(json_object_get(json_object_get(entry, tag), "Value"), 0), number);
}

/* rest: from "/" on. *list is NULL where there is nothing. */
static int
get(struct http *h, const char *root, const char *rest, json_t **list, struct err *err)
{
	static const char *const headers[] = { "Accept: application/dicom+json", NULL };
	char url[URL_MAX];
	struct http_request rq = { .method = "GET", .url = url, .headers = headers, .tries = 1, .soon = true,
		.max = ANSWER_MAX };
	struct http_response rsp = { 0 };
	size_t n = strlen(root);
	int rc = RC_OK;

	*list = NULL;
	while (n > 0 && root[n - 1] == '/')
		n--;
	if (snprintf(url, sizeof url, "%.*s%s", (int)n, root, rest) >= (int)sizeof url)
		return err_set(err, ERR_CONFIG, "the address of the destination is too long");
	if ((rc = http_perform(h, &rq, &rsp, err)) != RC_OK)
		return rc;
	if (rsp.status == 401 || rsp.status == 403)
		rc = err_set(err, ERR_DENIED, "it refuses the query: status %ld", rsp.status);
	else if (http_status_later(rsp.status))
		rc = err_set(err, ERR_TEMP, "it answers with status %ld", rsp.status);
	else if (rsp.status != 204 && rsp.status != 200)
		rc = err_set(err, ERR_REFUSED, "it answers with status %ld", rsp.status);
	else if (rsp.status == 200 && rsp.body.len > 0)
		rc = json_parse(rsp.body.data, rsp.body.len, list, err);
	if (rc == RC_OK && *list != NULL && !json_is_array(*list))
		rc = err_set(err, ERR_PROTOCOL, "its answer is no list");
	if (rc != RC_OK && err->kind == ERR_DATA)
		rc = err_set(err, ERR_PROTOCOL, "its answer is no JSON");
	if (rc != RC_OK) {
		json_decref(*list);
		*list = NULL;
	}
	http_response_free(&rsp);
	return rc;
}

static int
ask_study(struct http *h, const char *root, const char *uid, struct holding *to, struct err *err)
{
	char rest[512], number[32];
	json_t *list = NULL, *e = NULL;
	size_t i = 0;
	int rc = RC_OK;

	snprintf(rest, sizeof rest,
	    "/studies?StudyInstanceUID=%s&includefield=00100010&includefield=00100020&includefield=00100021"
	    "&includefield=00100030&includefield=00201208",
	    uid);
	rc = get(h, root, rest, &list, err);
	json_array_foreach(list, i, e)
	{
		struct holding_patient p;
		uint64_t n = 0;

		if (strcmp(first(e, "0020000D", number), uid) != 0)
			continue;
		memset(&p, 0, sizeof p);
		text_copy(p.name, sizeof p.name, first(e, "00100010", number));
		text_copy(p.id, sizeof p.id, first(e, "00100020", number));
		text_copy(p.issuer, sizeof p.issuer, first(e, "00100021", number));
		text_copy(p.birth_date, sizeof p.birth_date, first(e, "00100030", number));
		holding_add(to, &p);
		if (text_u64(first(e, "00201208", number), INT32_MAX, &n))
			to->instances = (long long)n + (to->instances > 0 ? to->instances : 0);
	}
	json_decref(list);
	return rc;
}

static int
ask_accession(struct http *h, const char *root, const char *uid, const char *accession, struct holding *to,
    struct err *err)
{
	char rest[512], number[32];
	size_t n = (size_t)snprintf(rest, sizeof rest, "/studies?includefield=00080050&AccessionNumber=");
	json_t *list = NULL, *e = NULL;
	size_t i = 0;
	int rc = RC_OK;

	/* what need not be encoded is not (RFC 3986 2.3): Orthanc 1.10 does not decode it */
	for (const char *p = accession; *p != '\0' && n + 4 < sizeof rest; p++)
		n += (size_t)snprintf(rest + n, sizeof rest - n,
		    isalnum((unsigned char)*p) || strchr("-._~", *p) != NULL ? "%c" : "%%%02X", (unsigned char)*p);
	rc = get(h, root, rest, &list, err);
	json_array_foreach(list, i, e) if (strcmp(first(e, "00080050", number), accession) == 0 &&
	    strcmp(first(e, "0020000D", number), uid) != 0) to->elsewhere++;
	json_decref(list);
	return rc;
}

static int
by_uid(const void *a, const void *b)
{
	return strcmp(((const struct readback_object *)a)->sop_uid, ((const struct readback_object *)b)->sop_uid);
}

/* Page by page; a server may page by less than it is asked to, or not at all and give the first one again. */
static int
ask_objects(struct http *h, const char *root, const char *uid, struct readback_object *v, size_t n, struct holding *to,
    struct err *err)
{
	char rest[512], number[32], begins[65] = "";
	size_t offset = 0, got = 1;
	bool again = false;
	int rc = RC_OK;

	qsort(v, n, sizeof *v, by_uid);
	for (int page = 0; rc == RC_OK && got > 0 && !again && page < PAGES_MAX && to->held < n; page++) {
		json_t *list = NULL, *e = NULL;
		size_t i = 0;

		snprintf(rest, sizeof rest, "/studies/%s/instances?includefield=00080018&limit=%d&offset=%zu", uid, PAGE,
		    offset);
		rc = get(h, root, rest, &list, err);
		got = json_array_size(list);
		again = got > 0 && strcmp(begins, first(json_array_get(list, 0), "00080018", number)) == 0;
		text_copy(begins, sizeof begins, first(json_array_get(list, 0), "00080018", number));
		json_array_foreach(list, i, e)
		{
			struct readback_object key = { .sop_uid = first(e, "00080018", number) };
			struct readback_object *hit = bsearch(&key, v, n, sizeof *v, by_uid);
			if (hit == NULL || hit->found)
				continue;
			hit->found = true;
			to->held++;
		}
		offset += got;
		json_decref(list);
	}
	return rc;
}

int
check_web_ask(const struct check_web *w, const char *study_uid, const char *accession, struct readback_object *objects,
    size_t n, struct holding *to, struct err *err)
{
	/* a destination is the operator's own word: it lies in the hospital's network */
	static char v4[] = "0.0.0.0/0", v6[] = "::/0";
	char *const allow[] = { v4, v6 };
	struct http_options o = { .agent = "mri-tools/" MRI_VERSION, .cafile = w->cafile, .allow = allow, .nallow = 2,
		.allow_http = w->allow_http, .nallow_http = w->nallow_http, .step_ms = w->step_ms,
		.wait_ms = 1, .cancel_fd = -1 };
	struct http *h = NULL;
	int rc = http_open(&h, &o, err);

	memset(to, 0, sizeof *to);
	to->instances = -1;
	if (rc == RC_OK)
		rc = ask_study(h, w->root, study_uid, to, err);
	if (rc == RC_OK && *accession != '\0')
		rc = ask_accession(h, w->root, study_uid, accession, to, err);
	if (rc == RC_OK && to->npatients > 0)
		rc = ask_objects(h, w->root, study_uid, objects, n, to, err);
	http_close(h);
	return rc;
}
