#include <string.h>
#include "base/text.h"
#include "http/address.h"
#include "source/hosts.h"

int
source_add_host(struct source *s, const char *text, struct err *err)
{
	struct url u;
	size_t i = 0;
	int rc = url_parse(text, &u, err);

	if (rc != RC_OK)
		return rc;
	for (i = 0; i < s->nhosts && strcmp(s->hosts[i], u.host) != 0; i++)
		;
	if (i == s->nhosts && s->nhosts < SOURCE_HOSTS_MAX) {
		if ((s->hosts[i] = text_dup(u.host, err)) == NULL)
			rc = err_rc(err->kind);
		else
			s->nhosts++;
	}
	url_free(&u);
	return rc;
}

static bool
is_address(const char *host)
{
	struct address_rules none = { .n = 0 };
	bool is = false;

	(void)address_host_allowed(&none, host, &is);
	return is;
}

bool
hosts_related(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b);
	const char *shorter = na < nb ? a : b, *longer = na < nb ? b : a, *dot = strchr(shorter, '.');
	size_t more = na < nb ? nb - na : na - nb;

	if (strcmp(a, b) == 0)
		return na > 0;
	return more > 1 && dot != NULL && dot != shorter && dot[1] != '\0' && longer[more - 1] == '.' &&
	    strcmp(longer + more, shorter) == 0 && !is_address(shorter) && !is_address(longer);
}

bool
hosts_trusted(const struct source *s, const char *text)
{
	const struct source_portal *p = s->o.portal;
	struct err e = { 0 };
	struct url link = { .path = NULL }, to = { .path = NULL }, root = { .path = NULL };
	bool yes = false;
	size_t i = 0;

	if (url_parse(s->link, &link, &e) == RC_OK && url_parse(text, &to, &e) == RC_OK) {
		yes = hosts_related(link.host, to.host);
		for (i = 0; p != NULL && i < p->nprefix; i++)
			yes = yes || url_fits(p->prefix[i], &to) > 0;
		if (p != NULL && p->dicomweb != NULL && url_parse(p->dicomweb, &root, &e) == RC_OK)
			yes = yes || strcmp(root.host, to.host) == 0;
	}
	url_free(&link);
	url_free(&to);
	url_free(&root);
	return yes;
}

int
hosts_check(struct source *s, const char *text, struct err *err)
{
	char shown[128];
	struct url u;
	int rc = RC_OK;

	if (hosts_trusted(s, text))
		return RC_OK;
	if ((rc = url_parse(text, &u, err)) != RC_OK)
		return rc;
	s->state = "not-permitted";
	err_set(err, ERR_DENIED, "the link leads to another host, %s: it gets no answers",
	    text_escape(shown, sizeof(shown), u.host, strlen(u.host)));
	err_advise(err, "ask the sender whether it is the portal's; if so, name both in url_prefix of one [portal NAME]");
	url_free(&u);
	return err_rc(ERR_DENIED);
}
