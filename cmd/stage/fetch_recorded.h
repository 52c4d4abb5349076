/* The session's side of a replay: reads the recording, says what it holds, lets it answer. */
#ifndef MRI_STAGE_FETCH_RECORDED_H
#define MRI_STAGE_FETCH_RECORDED_H

#include "base/json.h"
#include "http/replay.h"
#include "sys/worker.h"

struct recorded_answers { struct recording *recording; struct replay *replay; };

/* Session k (from 0) of the recording in fd, which it takes; tells the steps, then what it began with. */
int recorded_load(struct recorded_answers *, struct chan *, int fd, size_t k, struct err *);
int recorded_unused(const struct recorded_answers *, struct chan *, size_t step, struct err *);
void recorded_free(struct recorded_answers *);

#endif
