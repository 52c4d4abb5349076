/*
 * Destinations as URLs (mri-cli(7)): dicom://CALLED@host:port, folder:DIR. The
 * other schemes of mri-cli(7) are known by name and refused.
 */
#ifndef MRI_DELIVER_URL_H
#define MRI_DELIVER_URL_H

#include <stdbool.h>
#include "base/err.h"

enum target_kind { TARGET_DICOM, TARGET_FOLDER };

#define TARGET_HOST_MAX	254	/* a DNS name, RFC 1035 */
#define TARGET_DIR_MAX	4096

struct target {
	enum target_kind kind;
	char called[17];
	char host[TARGET_HOST_MAX];
	unsigned port;
	char dir[TARGET_DIR_MAX];
};

bool target_is_url(const char *);	/* begins with a scheme: not a destination's name */
int target_parse(const char *, struct target *, struct err *);	/* ERR_CONFIG: says what is allowed */
/* An AE title: 1 to 16 printable ASCII characters, no backslash, not only blanks (PS3.5 6.2). */
bool target_ae_valid(const char *);

#endif
