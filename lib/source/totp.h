/*
 * Time-based one-time passwords (RFC 6238, on HOTP of RFC 4226), from the
 * secret that a portal shows when an authenticator app is set up.
 */
#ifndef MRI_SOURCE_TOTP_H
#define MRI_SOURCE_TOTP_H

#include <stdint.h>
#include <time.h>
#include "base/err.h"

#define TOTP_KEY_MAX	128	/* bytes: a block of SHA-512 */
#define TOTP_CODE_MAX	11	/* ten digits, and NUL */

struct totp {
	uint8_t key[TOTP_KEY_MAX];	/* a secret: totp_wipe() */
	size_t nkey;
	int sha;			/* 1, 256, 512 */
	int digits;			/* 6 to 10 */
	int period;			/* seconds */
};

/* Base32 (RFC 4648 6; blanks, small letters and missing padding are taken), or otpauth://totp/…?secret=…
 * &algorithm=…&digits=…&period=…. ERR_DATA. */
int totp_parse(const char *, struct totp *, struct err *);
int totp_at(const struct totp *, time_t, char code[TOTP_CODE_MAX], struct err *);
void totp_wipe(struct totp *);

#endif
