/*
 * sent/<destination>: what was sent of an item, one line an attempt of an
 * object, plain, versioned: no UID, numbers and hashes only. A torn last line is
 * dropped when opened. Appends are written at once and synced by journal_sync.
 */
#ifndef MRI_SPOOL_JOURNAL_H
#define MRI_SPOOL_JOURNAL_H

#include "spool/item.h"

struct journal;

enum journal_status { JOURNAL_NONE = 0, JOURNAL_STORED, JOURNAL_REFUSED, JOURNAL_FAILED /* may be retried */,
	JOURNAL_SENDING /* on its way: with a hash, these bytes may have arrived; without, none did after all */ };

/* name: the destination's name, or for one by URL a keyed hash made here. */
int journal_open(struct journal **, struct item_dir *, const char *name, struct err *);
void journal_close(struct journal *);
/* Documents are numbered from JOURNAL_DOCUMENT. */
#define JOURNAL_DOCUMENT 1000000
/* Last status of object n and the hash of what was sent then ("" none). */
enum journal_status journal_get(const struct journal *, int n, char hash[65]);
int journal_add(struct journal *, int n, enum journal_status, const char *hash, int dimse_status, struct err *);
/* The same for many at once: one write, synced. DIMSE status: none. */
struct journal_entry { int n; const char *hash; };
int journal_add_many(struct journal *, const struct journal_entry *, size_t n, enum journal_status, struct err *);
int journal_confirm(struct journal *, struct err *);	/* read back: all there */
bool journal_confirmed(const struct journal *);
int journal_sync(struct journal *, struct err *);

/*
 * For those who only read (mri-show, purge): names on disk under sent/, and what a journal adds up to. name: such
 * a name, or a destination's. No journal: ERR_NOINPUT. Nothing is written and no lock is needed; a line in the
 * making is left out.
 */
struct journal_summary {
	int stored, refused, failed;	/* objects; of refused and failed documents too */
	int documents;			/* stored ones */
	bool confirmed;
};
typedef int journal_name_fn(const char *disk, void *arg, struct err *);
int journal_each(const struct item_dir *, journal_name_fn *, void *arg, struct err *);
int journal_look(const struct item_dir *, const char *name, struct journal_summary *, struct err *);

/* record/<id>/…: what was delivered, sealed to the spool's recipient. JSON line(s). One file a send run. */
int record_write(struct spool *, const char *id, const void *, size_t, struct err *);

#endif
