/*
 * Patient ids of two records. They say something only where one authority
 * gave both: the same issuer, or the insurance number of Germany (KVNR, SGB V
 * 290), which is one for life whoever the insurer is.
 */
#ifndef MRI_CHECK_IDS_H
#define MRI_CHECK_IDS_H

#include "check/patient.h"

/* *phrase: "" where nothing contradicts. */
enum identity ids_compare(const struct identity_facts *, const struct identity_facts *, const char **phrase);

#endif
