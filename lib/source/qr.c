#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zbar.h>
#include "base/hash.h"
#include "base/io.h"
#include "base/text.h"
#include "media/sniff.h"
#include "source/link.h"
#include "source/qr.h"
#include "sys/tool.h"
#include "sys/worker.h"

#define FILE_MAX	((size_t)64 << 20)	/* bytes of a picture or PDF */
#define WORKER_MEMORY	((uint64_t)512 << 20)	/* the file, its pixels, and what zbar makes of them */
#define CPU_SECONDS	60
#define PAGES_BYTES	((uint64_t)64 << 20)	/* four pages of 9 million pixels */

/* Messages of the worker: a letter and a text. C: a code; D: done; E: an error's sentence, 'A' its advice before it. */

static int
scan(struct chan *chan, const struct qr_image *im, struct err *err)
{
	zbar_image_scanner_t *s = zbar_image_scanner_create();
	zbar_image_t *z = zbar_image_create();
	const zbar_symbol_t *sym = NULL;
	struct buf msg = BUF_INIT(LINK_MAX + 8);
	const char *text = NULL;
	size_t n = 0;
	int rc = RC_OK;

	if (s == NULL || z == NULL) {
		rc = err_set(err, ERR_TEMP, "not enough memory");
		goto out;
	}
	(void)zbar_image_scanner_request_dbus(s, 0);	/* else the codes are told to everybody on the system's bus */
	zbar_image_scanner_set_config(s, ZBAR_NONE, ZBAR_CFG_ENABLE, 0);
	zbar_image_scanner_set_config(s, ZBAR_QRCODE, ZBAR_CFG_ENABLE, 1);
	zbar_image_set_format(z, zbar_fourcc('Y', '8', '0', '0'));
	zbar_image_set_size(z, im->width, im->height);
	zbar_image_set_data(z, im->grey, (size_t)im->width * im->height, NULL);
	if (zbar_scan_image(s, z) < 0) {
		rc = err_set(err, ERR_DATA, "the picture cannot be searched");
		goto out;
	}
	for (sym = zbar_image_first_symbol(z); rc == RC_OK && sym != NULL; sym = zbar_symbol_next(sym)) {
		text = zbar_symbol_get_data(sym);
		n = zbar_symbol_get_data_length(sym);
		if (n == 0 || n > LINK_MAX || memchr(text, '\0', n) != NULL || !text_utf8_valid(text, n))
			continue;
		buf_clear(&msg);
		if ((rc = buf_add(&msg, "C", 1, err)) == RC_OK && (rc = buf_add(&msg, text, n, err)) == RC_OK)
			rc = chan_send(chan, msg.data, msg.len, NULL, 0, err);
	}
out:
	if (z != NULL)
		zbar_image_destroy(z);
	if (s != NULL)
		zbar_image_scanner_destroy(s);
	buf_wipe(&msg);
	return rc;
}

static int
scan_and_free(struct chan *chan, struct qr_image *im, struct err *err)
{
	int rc = scan(chan, im, err);

	free(im->grey);
	im->grey = NULL;
	return rc;
}

static int
read_picture(struct chan *chan, const unsigned char *p, size_t n, struct err *err)
{
	struct qr_image im = { 0 };
	size_t used = 0;
	int rc = RC_OK;

	switch (sniff(p, n)) {
	case MEDIA_PNG:
		rc = qr_decode_png(p, n, &im, err);
		return rc != RC_OK ? rc : scan_and_free(chan, &im, err);
	case MEDIA_JPEG:
		rc = qr_decode_jpeg(p, n, &im, err);
		return rc != RC_OK ? rc : scan_and_free(chan, &im, err);
	default:
		break;
	}
	do {	/* pages */
		if ((rc = qr_decode_pgm(p, n, &im, &used, err)) != RC_OK)
			return rc;
		rc = scan_and_free(chan, &im, err);
		p += used;
		n -= used;
	} while (rc == RC_OK && n > 0);
	return rc;
}

/* In the worker: the picture comes as a descriptor. */
static int
work(struct chan *chan, void *arg)
{
	struct buf msg = BUF_INIT(CHAN_MSG_MAX + 1), end = BUF_INIT(2048);
	struct err err = { 0 };
	struct stream *s = NULL;
	struct buf file = BUF_INIT(FILE_MAX);
	size_t nfds = 0;
	int fd = -1;

	(void)arg;
	if (chan_recv(chan, &msg, &fd, 1, &nfds, &err) != RC_OK || nfds != 1)
		return 1;
	if (stream_file(&s, fd, &err) != RC_OK || stream_slurp(s, &file, &err) != RC_OK ||
	    read_picture(chan, (const unsigned char *)(file.data != NULL ? file.data : ""), file.len, &err) != RC_OK)
		(void)buf_printf(&end, &(struct err){ 0 }, "%c%s\n%s", err.kind == ERR_TEMP ? 'T' : 'E', err.text, err.advice);
	else
		(void)buf_puts(&end, "D", &err);
	(void)chan_send(chan, end.data, end.len, NULL, 0, &err);
	stream_close(s);
	buf_wipe(&file);
	buf_free(&end);
	buf_free(&msg);
	return 0;
}

static int
keep(struct qr_codes *codes, char *text, bool *other, struct err *err)
{
	size_t i = 0;

	link_clean(text);
	if (!link_is(text)) {
		*other = true;
		return RC_OK;
	}
	for (i = 0; i < codes->n; i++)
		if (strcmp(codes->v[i], text) == 0)
			return RC_OK;
	if (codes->n >= QR_CODES_MAX)
		return err_set(err, ERR_DATA, "more than %d QR codes in one picture", QR_CODES_MAX);
	if ((codes->v[codes->n] = text_dup(text, err)) == NULL)
		return err_rc(err->kind);
	codes->n++;
	return RC_OK;
}

/* What the worker finds in fd. other: codes that are no links. */
static int
ask_worker(int fd, enum jail_mode mode, struct qr_codes *codes, bool *other, struct err *err)
{
	struct jail jail = { .mode = mode, .memory = WORKER_MEMORY, .cpu_seconds = CPU_SECONDS,
	    .answer_seconds = CPU_SECONDS };
	struct worker *w = NULL;
	struct buf msg = BUF_INIT(CHAN_MSG_MAX + 1);
	char *advice = NULL;
	int rc = worker_start(&w, &jail, NULL, work, NULL, err);

	if (rc != RC_OK)
		return rc;
	rc = chan_send(worker_chan(w), "p", 1, &fd, 1, err);
	while (rc == RC_OK) {
		if ((rc = chan_recv(worker_chan(w), &msg, NULL, 0, NULL, err)) != RC_OK) {
			worker_died(w, err);
			w = NULL;
			rc = err_rc(err->kind);
			break;
		}
		if (msg.len == 0 || msg.data[0] == 'D')
			break;
		if (msg.data[0] == 'C') {
			rc = keep(codes, msg.data + 1, other, err);
			continue;
		}
		if ((advice = strchr(msg.data, '\n')) != NULL)
			*advice++ = '\0';
		rc = err_set(err, msg.data[0] == 'T' ? ERR_TEMP : ERR_DATA, "%s", msg.data + 1);
		if (advice != NULL && *advice != '\0')
			err_advise(err, "%s", advice);
	}
	buf_wipe(&msg);
	worker_stop(w, NULL, NULL);
	return rc;
}

/* The first pages as grey images, in memory; *fd is them instead of the PDF. */
static int
paint_pages(int *fd, enum jail_mode mode, struct err *err)
{
	/* the longer side has 3000 pixels, whatever the page says of its size: 256 dpi of A4 */
	static const char *const argv[] = { "pdftoppm", "-q", "-gray", "-f", "1", "-l", "4", "-scale-to", "3000", "-", NULL };
	struct tool_limits limits = { .mode = mode, .memory = (uint64_t)1 << 30, .cpu_seconds = CPU_SECONDS,
	    .file_bytes = PAGES_BYTES };
	int pages = memfd_create("pages", MFD_CLOEXEC), code = 0, rc = RC_OK;

	if (pages < 0)
		return err_sys(err, errno, "cannot hold the pages of the PDF");
	if ((rc = tool_run(argv, *fd, pages, &limits, &code, err)) == RC_OK && code != 0 &&
	    lseek(pages, 0, SEEK_END) <= 0) {
		rc = err_set(err, ERR_DATA, "the PDF cannot be painted (pdftoppm ended with %d)", code);
		err_advise(err, "a PDF with a password has to be printed or saved without one first");
	}
	if (rc == RC_OK) {
		close(*fd);
		*fd = pages;
	} else {
		close(pages);
	}
	return rc;
}

static int
open_picture(const char *path, enum jail_mode mode, int *fd, struct err *err)
{
	unsigned char head[SNIFF_BYTES];
	char shown[256];
	struct stat st;
	enum media m = MEDIA_UNKNOWN;
	size_t n = 0;
	int rc = RC_OK;

	text_escape(shown, sizeof(shown), path, strlen(path));
	if ((*fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) < 0)
		return err_sys(err, errno, "cannot open %s", shown);
	if (fstat(*fd, &st) != 0 || !S_ISREG(st.st_mode))
		return err_set(err, ERR_DATA, "%s is not a file", shown);
	if ((uint64_t)st.st_size > FILE_MAX)
		return err_set(err, ERR_DATA, "%s has more than %zu MB", shown, FILE_MAX >> 20);
	if ((rc = io_pread_full(*fd, head, sizeof(head), 0, &n, err)) != RC_OK)
		return rc;
	m = sniff(head, n);
	if (m == MEDIA_PDF)
		return paint_pages(fd, mode, err);
	if (m == MEDIA_PNG || m == MEDIA_JPEG)
		return RC_OK;
	err_set(err, ERR_DATA, "%s is no picture that is read: %s", shown, media_name(m));
	err_advise(err, "give the letter as PNG, JPEG or PDF");
	return err_rc(ERR_DATA);
}

int
qr_links(const char *path, enum jail_mode mode, struct qr_codes *codes, struct err *err)
{
	bool other = false;
	int fd = -1, rc = RC_OK;

	codes->n = 0;
	if ((codes->v = calloc(QR_CODES_MAX, sizeof(*codes->v))) == NULL)
		return err_sys(err, ENOMEM, "cannot read the picture");
	rc = open_picture(path, mode, &fd, err);
	if (rc == RC_OK)
		rc = ask_worker(fd, mode, codes, &other, err);
	if (fd >= 0)
		close(fd);
	if (rc == RC_OK && codes->n == 0) {
		err_set(err, ERR_DATA, other ? "the QR codes in the picture hold no link" :
		    "no QR code was found in the picture");
		err_advise(err, other ? "look for another code in the letter, or type the link" :
		    "scan the letter flat at 300 dpi, with all of the code and a white edge around it, or type the link");
		rc = err_rc(ERR_DATA);
	}
	if (rc != RC_OK)
		qr_free(codes);
	return rc;
}

void
qr_free(struct qr_codes *codes)
{
	size_t i = 0;

	for (i = 0; i < codes->n; i++) {
		hash_wipe(codes->v[i], strlen(codes->v[i]));
		free(codes->v[i]);
	}
	free(codes->v);
	codes->v = NULL;
	codes->n = 0;
}
