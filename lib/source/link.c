#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/buf.h"
#include "base/hash.h"
#include "base/text.h"
#include "http/url.h"
#include "source/link.h"
#include "source/shl.h"
#include "source/weasis.h"

#define BEFORE_MAX	32	/* bytes that a scanner puts before a link */

/* Kinds of links that are known and not served, by what they begin with. */
static const struct {
	const char *scheme, *what, *advice;
} kinds[] = {
	{ "weasis:", "a link that starts the Weasis viewer with something else than one manifest",
	    "ask the sender for a DLX link or a ZIP of the study" },
	{ "radiant:", "a link that starts the RadiAnt viewer on a computer of the sender's",
	    "ask the sender for a DLX link or a ZIP of the study" },
	{ "dnviewer:", "a link that starts a viewer", "ask the sender for a DLX link or a ZIP of the study" },
	{ "mailto:", "an e-mail address", "ask the sender for the link itself" },
	{ "ftp:", "an FTP address", "ask the sender for an https link" },
	{ "file:", "a file address", "give the path itself" },
};

/* The scheme of a link that is served, NULL: none. */
static const char *
served(const char *s)
{
	static const char *const schemes[] = { "https://", "http://", "shlink:/" };
	size_t i = 0;

	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strncasecmp(s, schemes[i], strlen(schemes[i])) == 0)
			return schemes[i];
	return NULL;
}

static bool
other_kind(const char *s)
{
	size_t i = 0;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncasecmp(s, kinds[i].scheme, strlen(kinds[i].scheme)) == 0)
			return true;
	return false;
}

/* "URL:", "QR-Code:", "]Q1" (ISO/IEC 15424): a few characters that are no part of an address. */
void
link_clean(char *s)
{
	size_t i = 0, n = 0;

	text_trim(s);
	n = strcspn(s, "/?#=&\"'<>");
	for (i = 1; i <= n && i <= BEFORE_MAX && !other_kind(s); i++)
		if (served(s + i) != NULL) {
			if (served(s) == NULL)
				memmove(s, s + i, strlen(s + i) + 1);
			break;
		}
	text_trim(s);
	(void)weasis_link(s);
}

/*
 * A scanner is a keyboard: it sends keys, not characters. Set to another layout than the computer it types "https://"
 * as "httpsÖ--" (US keys read as German ones), "https>&&" (the other way), "httpsM!!" (US keys read as French ones).
 */
static bool
mistyped(const char *s)
{
	static const char *const words[] = { "https", "http", "shlink" };
	static const char odd[] = "-&!_/7", not_colon[] = ":/.-?#=% \\";
	size_t i = 0, n = 0;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		n = strlen(words[i]);
		if (strncasecmp(s, words[i], n) != 0 || s[n] == '\0' || strchr(not_colon, s[n]) != NULL ||
		    (isalnum((unsigned char)s[n]) && s[n] != 'M' && s[n] != 'm'))
			continue;
		s += n + 1;
		while (((unsigned char)*s & 0xc0) == 0x80)	/* the rest of one character, UTF-8 */
			s++;
		return *s != '\0' && strchr(odd, *s) != NULL && (i == 2 || s[1] == s[0]);
	}
	return false;
}

bool
link_is(const char *s)
{
	return text_is_link(s) || mistyped(s);
}

int
link_check(const char *s, struct err *err)
{
	size_t i = 0, n = strcspn(s, ":") + 1;
	char shown[40];

	if (strlen(s) > LINK_MAX)
		return err_set(err, ERR_PROTOCOL, "a link of more than %d bytes", LINK_MAX);
	if (mistyped(s)) {
		err_set(err, ERR_DATA, "a link that was typed for a keyboard of another layout");
		err_advise(err, "set the scanner to the layout of this computer (its manual has a code for that) and scan again");
		return err_rc(ERR_DATA);
	}
	if (shl_payload(s) != NULL)
		return RC_OK;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncasecmp(s, kinds[i].scheme, strlen(kinds[i].scheme)) == 0) {
			err_set(err, ERR_PROTOCOL, "%s, a kind of link that is not supported", kinds[i].what);
			err_advise(err, "%s", kinds[i].advice);
			return err_rc(ERR_PROTOCOL);
		}
	if (strncasecmp(s, "https://", 8) == 0 || strncasecmp(s, "http://", 7) == 0)
		return RC_OK;
	err_set(err, ERR_PROTOCOL, "a link of the unknown kind '%s'",
	    text_escape(shown, sizeof(shown), s, n < 32 ? n : 32));
	err_advise(err, "ask the sender for an https link or a ZIP of the study");
	return err_rc(ERR_PROTOCOL);
}

const char *
link_warning(const char *link, time_t now)
{
	struct shl_link l = { .exp = -1 };
	struct err e = { 0 };
	bool over = false;

	if (shl_payload(link) == NULL || shl_link_parse(link, &l, &e) != RC_OK)
		return NULL;
	over = l.exp >= 0 && l.exp < (long long)now;
	shl_link_free(&l);
	return over ? "the link says of itself that it has expired; it is tried all the same" : NULL;
}

void
link_host(const char *link, char *out, size_t cap)
{
	struct shl_link l = { 0 };
	struct err e = { 0 };
	struct url u;

	out[0] = '\0';
	if (link == NULL || (shl_payload(link) != NULL && shl_link_parse(link, &l, &e) != RC_OK))
		return;
	if (url_parse(l.url != NULL ? l.url : link, &u, &e) == RC_OK) {
		text_escape(out, cap, u.host, strlen(u.host));
		url_free(&u);
	}
	shl_link_free(&l);
}

/* A SMART Health Link by the address in it, and apart from that address itself. */
static int
shl_key(const char *link, char **out, struct err *err)
{
	static const char mark[] = "#shlink";
	struct shl_link l;
	char *key = NULL;
	size_t n = 0;
	int rc = shl_link_parse(link, &l, err);

	if (rc != RC_OK)
		return rc;
	rc = link_key(l.url, &key, err);
	n = key != NULL ? strlen(key) : 0;
	if (rc == RC_OK && (*out = malloc(n + sizeof(mark))) == NULL)
		rc = err_set(err, ERR_TEMP, "not enough memory");
	if (rc == RC_OK) {
		memcpy(*out, key, n);
		memcpy(*out + n, mark, sizeof(mark));
	}
	if (key != NULL)
		hash_wipe(key, n);
	free(key);
	shl_link_free(&l);
	return rc;
}

int
link_key(const char *link, char **out, struct err *err)
{
	struct buf b = BUF_INIT((size_t)4 * LINK_MAX);
	struct url u;
	int rc = RC_OK;

	*out = NULL;
	if (shl_payload(link) != NULL)
		return shl_key(link, out, err);
	if ((rc = url_parse(link, &u, err)) != RC_OK)
		return rc;
	rc = buf_printf(&b, err, "%s://%s", u.scheme, u.host);
	if (rc == RC_OK && u.port != (strcmp(u.scheme, "https") == 0 ? 443 : 80))
		rc = buf_printf(&b, err, ":%u", u.port);
	if (rc == RC_OK)
		rc = buf_printf(&b, err, "%s%s%s", u.path, u.query != NULL ? "?" : "", u.query != NULL ? u.query : "");
	if (rc == RC_OK && (*out = text_dup(b.data, err)) == NULL)
		rc = err_rc(err->kind);
	buf_wipe(&b);
	url_free(&u);
	return rc;
}

int
link_token(const char *link, char **out, struct err *err)
{
	static const char mark[] = "/token/";
	struct url u;
	const char *at = NULL, *end = NULL;
	int rc = RC_OK;

	*out = NULL;
	if ((rc = url_parse(link, &u, err)) != RC_OK)
		return rc;
	at = strstr(u.path, mark);
	if (at != NULL && at[sizeof(mark) - 1] != '\0' && at[sizeof(mark) - 1] != '/') {
		at += sizeof(mark) - 1;
		rc = url_decode(at, strcspn(at, "/"), out, err);
	} else if ((rc = url_query(&u, "token", out, err)) == RC_OK && *out == NULL) {
		end = u.path + strlen(u.path);
		while (end > u.path && end[-1] == '/')
			end--;
		for (at = end; at > u.path && at[-1] != '/'; at--)
			;
		rc = url_decode(at, (size_t)(end - at), out, err);
	}
	url_free(&u);
	if (rc == RC_OK && (*out)[0] == '\0') {
		free(*out);
		*out = NULL;
		err_set(err, ERR_PROTOCOL, "a DLX link without a token");
		err_advise(err, "the link is not whole: scan or copy it again");
		rc = err_rc(ERR_PROTOCOL);
	}
	return rc;
}
