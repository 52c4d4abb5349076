/*
 * HTTP requests to portals, by libcurl, with the rules of 40-portals: https
 * with host and peer verification (plain http only to hosts that are named),
 * addresses judged at connect, redirects counted and followed by us, one retry
 * policy, bounded sizes, waits that end when the caller goes.
 *
 *	http_open(&h, &options, err)
 *	http_perform(h, &request, &response, err) … http_response_free(&response)
 *	http_close(h)
 *
 * RC_OK means an answer came whole, of whatever status: the caller judges it.
 * An error says host and cause, never the URL.
 */
#ifndef MRI_HTTP_CLIENT_H
#define MRI_HTTP_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "http/url.h"

struct http;
struct http_request;
struct http_response;
struct replay;

struct http_options {
	const char *agent;		/* "mri-tools/0.1" */
	const char *cafile;		/* NULL: the system's */
	const char *proxy;		/* NULL: none */
	const char *cert, *key;		/* PEM texts of a client certificate, both or none; NULL: none */
	const char *cert_url;		/* its host may see the certificate, no other one */
	char *const *allow; size_t nallow;		/* ranges, see http/address.h */
	char *const *allow_http; size_t nallow_http;	/* hosts that may be spoken to without TLS */
	int64_t step_ms;		/* connect, an answer's start, a stall; 0: HTTP_STEP_MS */
	int64_t wait_ms;		/* all waiting for a busy portal together; 0: HTTP_WAIT_MS */
	uint64_t deadline;		/* time_mono_ms() at which everything ends; 0: none */
	int64_t gap_ms;			/* between requests; 0: HTTP_GAP_MS */
	unsigned max_requests;		/* of one session; 0: HTTP_REQUESTS_MAX */
	uint64_t max_bytes;		/* of all bodies of one session; 0: HTTP_BYTES_MAX */
	void (*alive)(void *arg);	/* now and then while something is waited for, NULL: nobody wants to know */
	void *alive_arg;
	struct replay *replay;		/* answers in place of a network, see http/replay.h; borrowed; NULL: none */
	int cancel_fd;			/* its other end closes: every wait and transfer ends; -1 none */
};

#define HTTP_STEP_MS	120000	/* a ZIP that is packed on the fly: its first byte comes late */
#define HTTP_WAIT_MS	1800000		/* half an hour: a portal that gets a study from tape */
#define HTTP_GAP_MS	100
#define HTTP_TRIES	4		/* of one request */
#define HTTP_REDIRECTS	5
#define HTTP_REQUESTS_MAX 1000		/* of one session, M12: of those that stand for themselves */
#define HTTP_SERIES_MAX	120000		/* of those in a series: INSTANCES_MAX objects, some asked for twice */
#define HTTP_LANES_MAX	4		/* connections side by side */
#define HTTP_BYTES_MAX	((uint64_t)64 << 30)	/* of one session */
#define HTTP_BODY_MAX	((size_t)8 << 20)	/* an answer in memory: a list of 10,000 studies is 4 MB */
#define HTTP_ERROR_MAX	((size_t)64 << 10)	/* what is kept of an error's body */

/* Where the body of a 2xx answer goes instead of memory. Each attempt begins anew, but where the next bytes of the
 * same representation came (resumable, see http/resume.h): then write goes on without begin. An rc other than
 * RC_OK ends the request with that error; from complete, RC_RETRY makes another attempt. */
struct http_sink {
	int (*begin)(void *arg, const struct http_response *, struct err *);
	int (*write)(void *arg, const void *, size_t, struct err *);
	int (*complete)(void *arg, const struct http_response *, struct err *);
	bool resumable;
	void *arg;
};

struct http_request {
	const char *method;		/* "GET", "POST" */
	const char *url;
	const char *const *headers;	/* "Name: value", NULL-terminated; NULL none */
	const char *bearer;		/* Authorization, only to hosts in bearer_hosts */
	const char *const *bearer_hosts; size_t nbearer_hosts;
	const char *const *private;	/* headers that only bearer_hosts may see, NULL-terminated; NULL none */
	const void *body; size_t body_len;
	const char *body_type;
	bool once;			/* carries a credential: sent at most once, never again, not redirected */
	bool single;			/* a status that may come better later is the caller's to judge, not tried again */
	const char *const *hosts; size_t nhosts;	/* it goes to these only, by redirects too; none: to any */
	bool headers_stay;		/* a redirect to another host does not take headers along */
	int redirects;			/* followed at most; 0: HTTP_REDIRECTS, below 0: none */
	bool soon;			/* one of a series that belongs together: without a gap, counted apart */
	unsigned tries;			/* 0: HTTP_TRIES */
	size_t max;			/* ceiling of a body in memory; 0: HTTP_BODY_MAX */
	const struct http_sink *sink;
	/* Seconds that an answer which may come better later asks to wait (-1: it does not say), by its body. */
	long (*wait_of)(const struct http_response *);
	void (*progress)(void *arg, uint64_t bytes, long long total);	/* total -1: unknown */
	void *progress_arg;
};

enum http_end {
	HTTP_END_PROVED,	/* Content-Length, chunked or HTTP/2 said where the end is */
	HTTP_END_CLEAN,		/* only the connection's end; TLS close_notify came: a hint */
	HTTP_END_CUT		/* only the connection's end, and no close_notify */
};

struct http_response {
	long status;
	char type[128];			/* media type, lower case, without parameters; "" */
	char full_type[512];		/* Content-Type as it came, with parameters; "" */
	char disposition[1024];		/* Content-Disposition as it came; "" */
	long long length;		/* Content-Length, -1 none */
	enum http_end end;
	long retry_after;		/* seconds; -1 */
	char *url;			/* where it came from in the end (a secret) */
	uint64_t bytes;			/* of the body, of all its parts */
	unsigned resumed;		/* times that it went on where it was cut */
	const char *anew;		/* why a cut one cannot go on; "", static */
	struct buf body;		/* without sink, or of a status other than 2xx */
	unsigned tries;
};

int http_open(struct http **, const struct http_options *, struct err *);
void http_close(struct http *);
int http_perform(struct http *, const struct http_request *, struct http_response *, struct err *);
void http_response_free(struct http_response *);	/* what is in it; wipes */

/* A series of small GETs on several connections, each sent once and without a redirect followed: what does not come
 * this way is asked for by http_perform(). Bodies come whole and in memory, at most max bytes each. */
struct http_series {
	bool (*next)(void *arg, unsigned lane, struct http_request *);	/* false: no more. Its texts live until came */
	bool (*came)(void *arg, unsigned lane, int rc, const struct http_response *, const struct err *);	/* false: no more */
	void *arg;
	unsigned lanes;			/* 2 to HTTP_LANES_MAX */
	size_t max;
};
/* RC_OK also where some failed: came was told. An error is ours: no memory, the caller went, time is up. */
int http_perform_series(struct http *, const struct http_series *, struct err *);

/* May the next attempts help: 408, 425, 429, 5xx but 501 and 505. */
bool http_status_later(long status);
/* Waits as http_perform does: ERR_TEMP when it would pass the budget, or the caller went. */
int http_wait(struct http *, long seconds, struct err *);
bool http_cancelled(const struct http *);
unsigned http_requests(const struct http *);	/* sent so far */

#endif
