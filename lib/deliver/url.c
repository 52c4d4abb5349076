#include "deliver/url.h"

#include <ctype.h>
#include <string.h>
#include "base/text.h"

static const char *const later[] = { "dicoms://", "https://", "http://", "mllp://", "mllps://" };

bool target_is_url(const char *s)
{
	const char *p = s;

	while (isalpha((unsigned char)*p))
		p++;
	return p > s && *p == ':';
}

bool target_ae_valid(const char *s)
{
	size_t n = strlen(s);
	bool word = false;

	if (n == 0 || n > 16)
		return false;
	for (; *s; s++) {
		if (*s < 0x20 || *s > 0x7e || *s == '\\')
			return false;
		word |= *s != ' ';
	}
	return word;
}

static int wrong(struct err *err, const char *url, const char *why)
{
	char shown[200];

	(void)err_set(err, ERR_CONFIG, "destination '%s': %s", text_escape(shown, sizeof shown, url, strlen(url)),
	    why);
	err_advise(err, "write dicom://CALLED@host:port or folder:DIR");
	return err_rc(ERR_CONFIG);
}

static int dicom(const char *url, const char *p, struct target *t, struct err *err)
{
	const char *at = strchr(p, '@'), *colon = strrchr(p, ':');
	uint64_t port = 0;

	t->kind = TARGET_DICOM;
	if (!at)
		return wrong(err, url, "it names no called AE title");
	if ((size_t)(at - p) >= sizeof t->called)
		return wrong(err, url, "the called AE title is longer than 16 characters");
	(void)text_copyn(t->called, sizeof t->called, p, (size_t)(at - p));
	if (!target_ae_valid(t->called))
		return wrong(err, url, "the called AE title is not valid");
	if (!colon || colon < at || !text_u64(colon + 1, 65535, &port) || port == 0)
		return wrong(err, url, "it names no port from 1 to 65535");
	at++;
	if (colon == at || (size_t)(colon - at) >= sizeof t->host)
		return wrong(err, url, "it names no host");
	for (const char *c = at; c < colon; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-._", *c))
			return wrong(err, url, "the host is not a name or an IPv4 address");
	(void)text_copyn(t->host, sizeof t->host, at, (size_t)(colon - at));
	t->port = (unsigned)port;
	return RC_OK;
}

int target_parse(const char *url, struct target *t, struct err *err)
{
	memset(t, 0, sizeof *t);
	for (size_t i = 0; i < sizeof later / sizeof *later; i++)
		if (text_starts(url, later[i]))
			return wrong(err, url, "this kind of destination is not in this version");
	if (text_starts(url, "dicom://"))
		return dicom(url, url + strlen("dicom://"), t, err);
	if (!text_starts(url, "folder:"))
		return wrong(err, url, "unknown kind of destination");
	t->kind = TARGET_FOLDER;
	url += strlen("folder:");
	if (!*url)
		return wrong(err, "folder:", "it names no directory");
	if (!text_copy(t->dir, sizeof t->dir, url))
		return wrong(err, "folder:…", "the path is too long");
	return RC_OK;
}
