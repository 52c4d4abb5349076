/*
 * DIMSE messages as bytes: command sets and query identifiers, both in
 * Implicit VR Little Endian (PS3.7 6.3.1, PS3.5 10.1). Written by appending,
 * in ascending order of tags; read by looking up, bounded by the bytes there.
 */
#ifndef MRI_DIMSE_COMMAND_H
#define MRI_DIMSE_COMMAND_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Command Field (PS3.7 E.1) */
#define DIMSE_C_STORE		0x0001
#define DIMSE_C_FIND		0x0020
#define DIMSE_C_ECHO		0x0030
#define DIMSE_RESPONSE		0x8000	/* or'ed to the request's */

#define DIMSE_NO_DATA_SET	0x0101	/* Command Data Set Type, PS3.7 E.1 */
#define DIMSE_COMMAND_MAX	((size_t)4 << 10)	/* a command set: status, two UIDs, a comment of 64 */
#define DIMSE_IDENTIFIER_MAX	((size_t)64 << 10)	/* one match of a query: we ask for twenty attributes at most */

struct dimse_request {
	uint16_t field;
	uint16_t message;
	const char *sop_class;
	const char *sop_uid;	/* NULL: none */
	bool data;		/* a data set follows */
};

struct dimse_response {
	uint16_t field, message, status;
	bool data;
};

int dimse_add_text(struct buf *, uint32_t tag, char pad, const char *, struct err *);
/* A sequence with one item that holds these elements. */
int dimse_add_item(struct buf *, uint32_t tag, const void *, size_t, struct err *);
int dimse_add_u16(struct buf *, uint32_t tag, uint16_t, struct err *);

/* replaces what is in buf */
int dimse_write_request(struct buf *, const struct dimse_request *, struct err *);
/* ERR_PROTOCOL: not a response, or a broken one. */
int dimse_parse_response(const void *, size_t, struct dimse_response *, struct err *);

/* Value of a top-level element; NULL when it is not there. Malformed: ERR_PROTOCOL. */
int dimse_find(const void *, size_t, uint32_t tag, const uint8_t **value, size_t *len, struct err *);
/* The same as text without padding, "" where absent; longer than cap - 1: ERR_PROTOCOL. */
int dimse_find_text(const void *, size_t, uint32_t tag, char *, size_t cap, struct err *);

#ifdef __cplusplus
}
#endif
#endif
