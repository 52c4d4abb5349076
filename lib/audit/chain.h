/*
 * The chain in audit/log: what its writer and its verifier share. A record is
 * one line of JSON. Its "prev" is the SHA-256 of the line before, newline
 * included, so that `sed -n 7p log | sha256sum` gives what line 8 must hold;
 * the first record has the SHA-256 of nothing. Its "n" counts from 1.
 */
#ifndef MRI_AUDIT_CHAIN_H
#define MRI_AUDIT_CHAIN_H

#include <stdint.h>
#include "base/hash.h"

/* A record with its texts at their limits is 6 KiB. */
#define AUDIT_LINE_MAX	((size_t)16 << 10)

#define AUDIT_LOG	"log"
#define AUDIT_KEY	"key"
#define AUDIT_RESERVED	"reserve"

/* Reads v, n and prev of a line (without its newline). ERR_DATA: not a record. */
int chain_parse(const char *line, size_t len, uint64_t *n, char prev[HASH_HEX], struct err *);

#endif
