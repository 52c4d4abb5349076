#include "stage/check_paper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/text.h"
#include "check/paper.h"
#include "media/sniff.h"
#include "sys/tool.h"
#include "sys/worker.h"

#define PAPERS_MAX 64 /* of one item; further ones are silent */
#define DOCUMENT_BYTES_MAX ((uint64_t)64 << 20)
#define TEXT_BYTES_MAX ((uint64_t)4 << 20) /* of ten pages; a page has some 5 KB */
#define TOOL_MEMORY ((uint64_t)256 << 20)
#define TOOL_CPU_SECONDS 10

/* What a worker is asked: whose the text shall be. */
struct question {
	char name[CHECK_TEXT_MAX], birth[9];
};

/* The child. */

static int
answer(struct chan *chan, const struct question *q, int fd)
{
	struct err err = { 0 };
	struct stream *s = NULL;
	unsigned char says = PAPER_SILENT;
	char *text = calloc(1, TEXT_BYTES_MAX + 1);
	size_t n = 0;
	int rc = text != NULL ? stream_file(&s, fd, &err) : err_set(&err, ERR_TEMP, "no memory");

	if (rc == RC_OK && stream_read(s, 0, text, TEXT_BYTES_MAX, &n, &err) == RC_OK)
		says = (unsigned char)paper_read(text, n, q->name, q->birth);
	if (text == NULL)
		close(fd);
	stream_close(s);
	free(text);
	return chan_send(chan, &says, 1, NULL, 0, &err);
}

static int
run(struct chan *chan, void *arg)
{
	struct buf msg = BUF_INIT(CHAN_MSG_MAX);
	struct err err = { 0 };
	struct question q;
	size_t nfds = 0;
	int fd = -1;

	(void)arg;
	while (chan_recv(chan, &msg, &fd, 1, &nfds, &err) == RC_OK) {
		if (msg.len != sizeof q || nfds != 1)
			return 1;
		memcpy(&q, msg.data, sizeof q);
		if (answer(chan, &q, fd) != RC_OK)
			return 1;
	}
	buf_wipe(&msg);
	return 0;
}

/* The parent. */

/* The document as it is, in memory: pdftotext seeks in it, and it is sealed on the disk. */
static int
plain_copy(const struct item_dir *item, int n, int *out, struct err *err)
{
	struct stream *from = NULL, *to = NULL;
	int fd = memfd_create("document", MFD_CLOEXEC), twin = -1, rc = RC_OK;

	if (fd < 0 || (twin = fcntl(fd, F_DUPFD_CLOEXEC, 3)) < 0) {
		rc = err_sys(err, errno, "cannot hold a document");
		close(fd);
		return rc;
	}
	if ((rc = item_document_open(item, n, &from, err)) != RC_OK)
		close(twin);
	else if ((rc = spool_writer_fd(&to, twin, NULL, err)) == RC_OK &&
	    (rc = stream_copy(from, to, err)) == RC_OK)
		rc = stream_commit(to, err);
	stream_close(from);
	stream_close(to);
	if (rc == RC_OK)
		*out = fd;
	else
		close(fd);
	return rc;
}

/* The text of a PDF; *text -1: it gives none. */
static int
text_of(const struct check_stage *st, int pdf, int *text, struct err *err)
{
	static const char *const argv[] = { "pdftotext", "-q", "-enc", "UTF-8", "-l", "10", "-", "-", NULL };
	struct tool_limits limits = { .mode = (enum jail_mode)st->cli->config->sandbox,
		.memory = TOOL_MEMORY,
		.cpu_seconds = TOOL_CPU_SECONDS,
		.file_bytes = TEXT_BYTES_MAX };
	int fd = memfd_create("text", MFD_CLOEXEC), code = 0, rc = RC_OK;

	*text = -1;
	if (fd < 0)
		return err_sys(err, errno, "cannot hold the text of a document");
	rc = tool_run(argv, pdf, fd, &limits, &code, err);
	if (rc == RC_OK && code == 0)
		*text = fd;
	else
		close(fd);
	return rc;
}

/* Asks a worker, which is started where there is none. One that dies has read a silent paper. */
static int
ask(const struct check_stage *st, struct worker **w, const struct question *q, int text, enum paper_says *says,
    struct err *err)
{
	struct jail jail = { .mode = (enum jail_mode)st->cli->config->sandbox };
	struct buf msg = BUF_INIT(CHAN_MSG_MAX);
	int rc = *w != NULL ? RC_OK : worker_start(w, &jail, NULL, run, NULL, err);

	if (rc != RC_OK)
		return rc;
	if (chan_send(worker_chan(*w), q, sizeof *q, &text, 1, err) != RC_OK ||
	    chan_recv(worker_chan(*w), &msg, NULL, 0, NULL, err) != RC_OK) {
		worker_died(*w, err);
		*w = NULL;
		rc = err->kind == ERR_TEMP ? err_rc(ERR_TEMP) : RC_OK;
	} else if (msg.len == 1 && (unsigned char)msg.data[0] <= PAPER_CONTRADICTS) {
		*says = (enum paper_says)(unsigned char)msg.data[0];
	}
	buf_free(&msg);
	return rc;
}

static int
read_one(const struct check_stage *st, struct worker **w, const struct item_dir *item,
    const struct question *q, bool pdf, struct check_paper *paper, struct err *err)
{
	int fd = -1, text = -1, rc = plain_copy(item, paper->n, &fd, err);

	if (rc == RC_OK && pdf)
		rc = text_of(st, fd, &text, err);
	if (rc == RC_OK && (!pdf || text >= 0))
		rc = ask(st, w, q, pdf ? text : fd, &paper->says, err);
	if (fd >= 0)
		close(fd);
	if (text >= 0)
		close(text);
	return rc;
}

static bool
is_record(const char *media)
{
	static const enum media kinds[] = { MEDIA_CDA, MEDIA_FHIR, MEDIA_FHIR_XML, MEDIA_HL7 };

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(media, media_type(kinds[i])) == 0)
			return true;
	return false;
}

static bool
has_text(const char *media)
{
	return is_record(media) || strcmp(media, media_type(MEDIA_PDF)) == 0 ||
	    strcmp(media, media_type(MEDIA_TEXT)) == 0;
}

int
check_papers_read(struct check_stage *st, struct check_facts *f, const struct item_dir *item,
    const struct order *o, struct err *err)
{
	struct worker *w = NULL;
	struct question q = { "", "" };
	size_t read = 0;
	int rc = RC_OK;

	if (f->manifest->ndocuments == 0 || o->patient.name == NULL || *o->patient.birth_date == '\0')
		return RC_OK;
	if ((f->papers = calloc(f->manifest->ndocuments, sizeof *f->papers)) == NULL)
		return err_set(err, ERR_TEMP, "no memory");
	text_copy(q.name, sizeof q.name, o->patient.name);
	text_copy(q.birth, sizeof q.birth, o->patient.birth_date);
	for (size_t i = 0; rc == RC_OK && i < f->manifest->ndocuments; i++) {
		const struct manifest_document *d = &f->manifest->documents[i];
		f->papers[f->npapers++] = (struct check_paper){ .n = d->n, .record = is_record(d->media) };
		if (has_text(d->media) && d->bytes <= DOCUMENT_BYTES_MAX && read++ < PAPERS_MAX)
			rc = read_one(st, &w, item, &q, strcmp(d->media, media_type(MEDIA_PDF)) == 0, &f->papers[i], err);
	}
	worker_stop(w, NULL, NULL);
	return rc;
}
