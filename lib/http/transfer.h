/* One request to one address: what client.c repeats and follows. Private to lib/http. */
#ifndef MRI_HTTP_TRANSFER_H
#define MRI_HTTP_TRANSFER_H

#include <curl/curl.h>
#include "http/address.h"
#include "http/client.h"
#include "http/trace.h"
#include "http/resume.h"

struct http {
	CURL *curl;
	struct http_options o;		/* its texts are copies */
	char *agent, *cafile, *proxy, *cert, *key;
	char cert_host[URL_HOST_MAX];
	char **plain; size_t nplain;	/* hosts without TLS */
	struct address_rules rules;
	uint64_t waited_ms, bytes, last_ms;
	unsigned requests, series;	/* series: those that belong together, not among requests */
	struct resume resume;		/* of the request in work */
	bool close_notify;		/* seen on the connection in use */
	struct trace trace;		/* who wants to know of each exchange */
	bool ours;			/* the last attempt ended by us (disk, budget, caller): no other one helps */
};

/* One request under way. */
struct transfer {
	struct http *h;
	const struct http_request *req;
	struct http_response *resp;
	struct curl_slist *headers;
	char host[URL_HOST_MAX];
	char detail[CURL_ERROR_SIZE];
	struct err inner;	/* why a callback ended it */
	int rc;			/* of inner */
	bool blocked;		/* an address that is not allowed: curl says only "refused" */
	bool tried;		/* one that is: what it said is why */
	bool headed;		/* the headers were read */
	bool began;		/* the sink has the answer */
	bool unfit;		/* a part that is not the one that was asked for: once more from the start */
	bool enough;		/* of an error's body */
};

/* Sets what holds for every request of the session. */
int transfer_setup(struct http *, struct err *);
/* May this address be asked, and is there a request left? */
int transfer_may(struct http *, const struct http_request *, const char *url, struct err *);
/* Is it to a host that may see the secrets of the request? */
bool transfer_secrets(const struct http_request *, const char *url);

/* transfer_run in parts: what curl is to do, that it does it (elsewhere), what came of it. *t is zeroed but for h, req,
 * resp; it and url live until finish, which is called only where prepare gave RC_OK. */
int transfer_prepare(struct transfer *, const char *url, bool secrets, struct err *);
int transfer_finish(struct transfer *, CURLcode, const char *url, char **location, struct err *);

/* *location: where a redirect leads (malloc), else NULL. RC_RETRY: a transport error that may not come again. */
int transfer_run(struct http *, const struct http_request *, const char *url, bool secrets,
    struct http_response *, char **location, struct err *);

#endif
