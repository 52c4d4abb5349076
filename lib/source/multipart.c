#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/text.h"
#include "source/multipart.h"

#define DELIMITER_MAX	(4 + MULTIPART_BOUNDARY_MAX)	/* CR LF - - boundary */
#define PADDING_MAX	64	/* blanks behind a boundary; mail gateways leave some, nobody leaves more */

enum where { PREAMBLE, LINE, HEADERS, BODY, EPILOGUE };

struct multipart {
	struct multipart_ops ops;
	enum where where;
	enum where before;		/* LINE: what it goes back to when this was no boundary */
	char delimiter[DELIMITER_MAX + 1];
	size_t len;
	size_t matched;			/* of the delimiter */
	size_t virtual;			/* of matched: CR LF that belongs to what came before, and is no data */
	char line[PADDING_MAX];		/* what stands behind the boundary so far */
	size_t nline;
	char headers[MULTIPART_HEADERS_MAX + 1];
	size_t nheaders;
	unsigned parts;
	int failed;			/* the parser stands still after an error */
};

static bool
boundary_char(char c, bool last)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	    (c != '\0' && strchr("'()+_,-./:=?", c) != NULL) || (c == ' ' && !last);
}

/* The value at p, quoted or not; *end is behind it. False where it does not fit or is no boundary. */
static bool
value(const char *p, char *out, size_t cap, const char **end)
{
	size_t n = 0;
	bool quoted = *p == '"';

	for (p += quoted; *p != '\0' && (quoted ? *p != '"' : strchr("; \t", *p) == NULL); p++) {
		if (quoted && *p == '\\' && p[1] != '\0')
			p++;
		if (n + 1 >= cap)
			return false;
		out[n++] = *p;
	}
	if (quoted && *p != '"')
		return false;
	out[n] = '\0';
	*end = p + quoted;
	return true;
}

int
multipart_boundary(const char *type, char out[MULTIPART_BOUNDARY_MAX + 1], struct err *err)
{
	const char *p = type + strcspn(type, "; \t");
	char other[1024];
	size_t i = 0, n = 0;
	bool ours = false, found = false;

	out[0] = '\0';
	if (strncasecmp(type, "multipart/", 10) != 0)
		return err_set(err, ERR_PROTOCOL, "the answer is not multipart");
	while (*p != '\0' && !found) {
		p += strspn(p, "; \t");
		n = strcspn(p, "=; \t");
		if (p[n] != '=') {
			p += n;
			continue;
		}
		ours = n == 8 && strncasecmp(p, "boundary", 8) == 0;
		if (!value(p + n + 1, ours ? out : other, ours ? MULTIPART_BOUNDARY_MAX + 1 : sizeof(other), &p))
			break;
		found = ours;
	}
	n = found ? strlen(out) : 0;
	for (i = 0; i < n && boundary_char(out[i], i + 1 == n); i++)
		;
	if (n == 0 || i < n)
		return err_set(err, ERR_PROTOCOL, "a multipart answer without a boundary that can be used");
	return RC_OK;
}

int
multipart_open(struct multipart **out, const char *boundary, const struct multipart_ops *ops, struct err *err)
{
	struct multipart *m = calloc(1, sizeof(*m));

	*out = NULL;
	if (m == NULL)
		return err_sys(err, ENOMEM, "cannot read a multipart answer");
	if (strlen(boundary) > MULTIPART_BOUNDARY_MAX || boundary[0] == '\0') {
		free(m);
		return err_set(err, ERR_INTERNAL, "a boundary of %zu bytes", strlen(boundary));
	}
	m->ops = *ops;
	memcpy(m->delimiter, "\r\n--", 4);
	m->len = 4 + strlen(boundary);
	memcpy(m->delimiter + 4, boundary, m->len - 4);
	m->matched = m->virtual = 2;	/* the first boundary may be the first line */
	*out = m;
	return RC_OK;
}

void
multipart_free(struct multipart *m)
{
	free(m);
}

bool
multipart_closed(const struct multipart *m)
{
	return m->where == EPILOGUE;
}

static int
emit(struct multipart *m, const void *data, size_t n, struct err *err)
{
	return m->before == BODY && n > 0 ? m->ops.data(m->ops.arg, data, n, err) : RC_OK;
}

/* What looked like the beginning of a boundary is data. */
static int
unmatch(struct multipart *m, struct err *err)
{
	size_t from = m->virtual < m->matched ? m->virtual : m->matched;
	size_t n = m->matched - from;

	m->matched = m->virtual = 0;
	return emit(m, m->delimiter + from, n, err);
}

/* Bytes of a body, or of the preamble. CR stands in a delimiter only at its beginning: a mismatch begins anew. */
static size_t
scan(struct multipart *m, const char *p, size_t n, int *rc, struct err *err)
{
	const char *cr = NULL;
	size_t plain = 0;

	m->before = m->where;
	if (m->matched == 0) {
		cr = memchr(p, '\r', n);
		plain = cr != NULL ? (size_t)(cr - p) : n;
		if (plain > 0) {
			*rc = emit(m, p, plain, err);
			return plain;
		}
		m->matched = 1;
		return 1;
	}
	if (*p != m->delimiter[m->matched]) {
		*rc = unmatch(m, err);	/* this byte is looked at again */
		return 0;
	}
	if (++m->matched == m->len) {
		m->where = LINE;
		m->nline = 0;
	}
	return 1;
}

static int
part_ends(struct multipart *m, struct err *err)
{
	m->matched = m->virtual = 0;
	return m->before == BODY ? m->ops.end(m->ops.arg, err) : RC_OK;
}

/* Behind a boundary: "--" closes, blanks and CR LF open a part, anything else was a longer line of data. */
static int
line_byte(struct multipart *m, char c, bool *again, struct err *err)
{
	int rc = RC_OK;

	m->line[m->nline++] = c;
	if (m->nline == 2 && memcmp(m->line, "--", 2) == 0) {
		rc = part_ends(m, err);
		m->where = EPILOGUE;
		return rc;
	}
	if (c == '\n' && m->nline >= 2 && m->line[m->nline - 2] == '\r') {
		if ((rc = part_ends(m, err)) != RC_OK)
			return rc;
		if (++m->parts > MULTIPART_PARTS_MAX)
			return err_set(err, ERR_PROTOCOL, "an answer of more than %d parts", MULTIPART_PARTS_MAX);
		m->where = HEADERS;
		m->nheaders = 0;
		return RC_OK;
	}
	if (m->nline < PADDING_MAX && (c == ' ' || c == '\t' || (c == '-' && m->nline == 1) ||
	    (c == '\r' && m->line[m->nline > 1 ? m->nline - 2 : 0] != '-' && memchr(m->line, '\r', m->nline - 1) == NULL)))
		return RC_OK;
	m->where = m->before;
	m->nline--;
	*again = true;	/* it may begin the next boundary */
	if ((rc = unmatch(m, err)) != RC_OK)
		return rc;
	/* a CR among them begins a boundary only where LF follows, which would have ended the line */
	return emit(m, m->line, m->nline, err);
}

/* The value of Content-Type among the headers, "" where there is none. */
static void
part_type(const char *h, char *out, size_t cap)
{
	size_t i = 0, n = 0;

	out[0] = '\0';
	for (; *h != '\0'; h += n + (h[n] == '\n')) {
		n = strcspn(h, "\n");
		if (strncasecmp(h, "content-type:", 13) != 0)
			continue;
		h += 13;
		h += strspn(h, " \t");
		text_copyn(out, cap, h, strcspn(h, "; \t\r\n"));
		for (i = 0; out[i] != '\0'; i++)
			if (out[i] >= 'A' && out[i] <= 'Z')
				out[i] = (char)(out[i] - 'A' + 'a');
		return;
	}
}

static int
header_byte(struct multipart *m, char c, struct err *err)
{
	char type[128], *h = m->headers;
	size_t n = 0;

	if (m->nheaders == MULTIPART_HEADERS_MAX)
		return err_set(err, ERR_PROTOCOL, "a part with headers of more than %d bytes", MULTIPART_HEADERS_MAX);
	h[m->nheaders++] = c == '\0' ? ' ' : c;
	n = m->nheaders;
	if (!(n == 2 && memcmp(h, "\r\n", 2) == 0) && !(n >= 4 && memcmp(h + n - 4, "\r\n\r\n", 4) == 0))
		return RC_OK;
	h[n] = '\0';
	part_type(h, type, sizeof(type));
	m->where = BODY;
	m->matched = m->virtual = 2;	/* an empty part: the blank line's end begins the boundary */
	return m->ops.part(m->ops.arg, type, err);
}

int
multipart_feed(struct multipart *m, const void *data, size_t n, struct err *err)
{
	const char *p = data;
	bool again = false;
	int rc = m->failed;

	if (rc != RC_OK)
		return err_set(err, ERR_INTERNAL, "a multipart answer is read on after its failure");
	while (n > 0 && rc == RC_OK) {
		size_t used = 1;

		again = false;
		if (m->where == EPILOGUE)
			return RC_OK;
		if (m->where == LINE)
			rc = line_byte(m, *p, &again, err);
		else if (m->where == HEADERS)
			rc = header_byte(m, *p, err);
		else
			used = scan(m, p, n, &rc, err);
		if (again)
			used = 0;
		p += used;
		n -= used;
	}
	m->failed = rc;
	return rc;
}
