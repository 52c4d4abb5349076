#include <stdlib.h>
#include <string.h>
#include "base/buf.h"
#include "base/hash.h"
#include "base/text.h"
#include "http/url.h"
#include "source/wadouri.h"

/* What the standard's default, a picture, is not (9.1.2.1). Without transferSyntax the object is uncompressed, or as it
 * is stored: nothing is lost. */
#define AS_DICOM "contentType=application/dicom"	/* a slash may stand there, and Orthanc takes no other spelling */

int
wadouri_object(const char *base, const char *study, const struct instance *i, const char *extra, char **out,
    struct err *err)
{
	struct buf b = BUF_INIT(URL_MAX);
	size_t n = strlen(base);
	const char *mark = strchr(base, '?') == NULL ? "?" : base[n - 1] == '?' || base[n - 1] == '&' ? "" : "&";
	int rc = buf_printf(&b, err, "%s%srequestType=WADO&studyUID=%s&seriesUID=%s&objectUID=%s&%s", base, mark, study,
	    i->series, i->uid, AS_DICOM);

	*out = NULL;
	if (rc == RC_OK && extra != NULL && extra[0] != '\0')
		rc = buf_printf(&b, err, "%s%s", extra[0] != '&' ? "&" : "", extra);
	if (rc == RC_OK && (*out = text_dup(b.data, err)) == NULL)
		rc = err_rc(err->kind);
	buf_wipe(&b);
	return rc;
}

int
wadouri_address(const char *link, char **out, struct err *err)
{
	struct buf b = BUF_INIT(URL_MAX);
	char *type = NULL, *object = NULL, *as = NULL;
	struct url u;
	int rc = url_parse(link, &u, err);

	*out = NULL;
	if (rc != RC_OK)
		return rc;
	if ((rc = url_query(&u, "requestType", &type, err)) == RC_OK &&
	    (rc = url_query(&u, "objectUID", &object, err)) == RC_OK)
		rc = url_query(&u, "contentType", &as, err);
	if (rc == RC_OK && type != NULL && strcmp(type, "WADO") == 0 && object != NULL && as == NULL &&
	    (rc = buf_printf(&b, err, "%.*s&%s", (int)strcspn(link, "#"), link, AS_DICOM)) == RC_OK &&
	    (*out = text_dup(b.data, err)) == NULL)
		rc = err_rc(err->kind);
	free(type);
	free(object);
	free(as);
	buf_wipe(&b);
	url_free(&u);
	return rc;
}
