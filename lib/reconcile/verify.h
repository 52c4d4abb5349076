/*
 * The other look at a changed object, before it goes out (M7: metadata right
 * *after* the change). It reads both by dicom/walk and shares no code with
 * edit: every named attribute has its planned value, identifying UIDs, meta group and pixel
 * data are the original's, every element that no rule names is byte-identical
 * (after a conversion of the character set: the same text).
 */
#ifndef MRI_RECONCILE_VERIFY_H
#define MRI_RECONCILE_VERIFY_H

#include "base/json.h"
#include "base/io.h"

struct plan;

/* Streams are borrowed. For a jailed worker: plan_prepare() before. ERR_DATA: not what was planned,
 * names the tag. */
int plan_verify(const json_t *plan, struct stream *original, struct stream *changed, struct err *);
/* The same with a plan that is loaded once for many objects: its patterns cost more than an object. */
int plan_verify_loaded(const struct plan *, struct stream *original, struct stream *changed, struct err *);

#endif
