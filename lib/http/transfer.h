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
	char *agent, *cafile, *proxy;
	char **plain; size_t nplain;	/* hosts without TLS */
	struct address_rules rules;
	uint64_t waited_ms, bytes, last_ms;
	unsigned requests;
	struct resume resume;		/* of the request in work */
	bool close_notify;		/* seen on the connection in use */
	struct trace trace;		/* who wants to know of each exchange */
	bool ours;			/* the last attempt ended by us (disk, budget, caller): no other one helps */
};

/* Sets what holds for every request of the session. */
int transfer_setup(struct http *, struct err *);

/* *location: where a redirect leads (malloc), else NULL. RC_RETRY: a transport error that may not come again. */
int transfer_run(struct http *, const struct http_request *, const char *url, bool secrets,
    struct http_response *, char **location, struct err *);

#endif
