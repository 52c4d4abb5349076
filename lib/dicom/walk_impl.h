/* Inside of dicom/walk: the window, the scan, and what an open object has besides its public face. */
#ifndef MRI_DICOM_WALK_IMPL_H
#define MRI_DICOM_WALK_IMPL_H

#include "dicom/walk.h"

#define WINDOW_MAX	65536	/* one chunk of an age file: a larger read gains nothing */
#define WINDOW_MIN	4096	/* after a jump (over pixel data, a fragment) little is wanted */

/* A piece of a stream in memory. Reads in order grow it to WINDOW_MAX. */
struct window {
	struct stream *s;
	uint64_t off;
	size_t len, next;	/* next: bytes to ask for when the read goes on in order */
	uint8_t bytes[WINDOW_MAX];
};

struct walk {
	struct object o;	/* first: a struct object * is a struct walk * */
	bool sorted;		/* top is in ascending order, as it should be */
	bool bears;		/* walk_open_torn: what is broken ends the reading, and stands here: */
	struct err torn;
	struct window win;
};

void window_init(struct window *, struct stream *);
/* n <= WINDOW_MIN bytes at off; fewer at the end of the stream (*got). Valid until the next call. */
int window_peek(struct window *, uint64_t off, size_t n, const uint8_t **, size_t *got, struct err *);

/* The stream is at its end inside an element, lengths that contradict each other … : all are ERR_DATA. */
struct scan {
	struct window *win;
	uint64_t start, end;	/* of the range */
	enum walk_form form;
	bool meta;		/* stop before the first element that is not group 0002 */
	bool items;		/* the range is the value of a sequence: report the elements of its items */
	bool open_end;		/* items: ends at its delimiter, not at `end` */
	bool inflated;		/* offsets count in what was inflated: messages say so */
	/* Not NULL: what is broken ends the scan with RC_OK and is said here, the first of it; a sequence or item that
	 * goes beyond what it stands in ends there. */
	struct err *torn;
	/* Called for every complete element of the level that is asked for. */
	int (*element)(unsigned item, const struct element *, void *, struct err *);
	void *arg;
	uint64_t stopped;	/* out: where the scan ended */
};
int scan_run(struct scan *, struct err *);

uint16_t get16(const uint8_t *, bool big);
uint32_t get32(const uint8_t *, bool big);
/* Has this VR a 4-byte length after 2 reserved bytes (PS3.5 7.1.2)? Unknown letters: yes. */
bool vr_is_long(const uint8_t *vr);
bool vr_is_known(const uint8_t *vr);

#endif
