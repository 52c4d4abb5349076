#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include "base/text.h"
#include "http/proxy.h"

int
proxy_check(const char *proxy, struct err *err)
{
	static const char *const schemes[] = { "http://", "https://", "socks5h://" };
	CURLU *u = NULL;
	char *host = NULL;
	size_t i = 0, n = sizeof(schemes) / sizeof(schemes[0]);
	int rc = RC_OK;

	if (proxy == NULL || proxy[0] == '\0')
		return RC_OK;
	for (i = 0; i < n && strncasecmp(proxy, schemes[i], strlen(schemes[i])) != 0; i++)
		;
	u = curl_url();
	if (u == NULL)
		return err_sys(err, ENOMEM, "cannot read the proxy");
	if (i == n || curl_url_set(u, CURLUPART_URL, proxy, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK || host[0] == '\0') {
		rc = err_set(err, ERR_CONFIG, "[net] proxy is not a proxy's address");
		err_advise(err, "write it as http://proxy:3128, https://… or socks5h://…");
	}
	curl_free(host);
	curl_url_cleanup(u);
	return rc;
}

int
proxy_target(const struct address_rules *rules, const char *host, struct err *err)
{
	bool literal = false, fine = address_host_allowed(rules, host, &literal);
	size_t n = strlen(host);
	char shown[128];

	if (!literal) {	/* RFC 6761 6.3: localhost and names under it; the proxy would take its own */
		if (n > 0 && host[n - 1] == '.')
			n--;
		fine = !((n == 9 && strncasecmp(host, "localhost", 9) == 0) ||
		    (n > 10 && strncasecmp(host + n - 10, ".localhost", 10) == 0));
	}
	if (fine)
		return RC_OK;
	err_set(err, ERR_DENIED, "%s is an address inside a private network",
	    text_escape(shown, sizeof(shown), host, strlen(host)));
	err_advise(err, "where a portal really is there, name its range in [net] allow");
	return err_rc(ERR_DENIED);
}
