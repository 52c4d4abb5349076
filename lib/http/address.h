/*
 * Where a request may go: every address that a name resolves to is judged at
 * connect. Loopback, link-local, private, unique local, shared, multicast and
 * reserved ranges, and with them the metadata services of clouds, are refused
 * unless an allowed range ([net] allow) holds them. IPv4 in IPv6 (mapped,
 * NAT64, 6to4) is judged as the IPv4 address that it carries.
 */
#ifndef MRI_HTTP_ADDRESS_H
#define MRI_HTTP_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include "base/err.h"

struct address_range { unsigned char net[16]; unsigned bits; };	/* IPv4 as ::ffff:a.b.c.d */

#define ADDRESS_RANGES_MAX	64	/* a config that allows more wants another design */

struct address_rules { struct address_range v[ADDRESS_RANGES_MAX]; size_t n; };

/* "10.1.0.0/16", "127.0.0.1", "fd00::/8": ERR_CONFIG naming the one that is wrong. */
int address_rules_add(struct address_rules *, const char *cidr, struct err *);
bool address_allowed(const struct address_rules *, const struct sockaddr *);
/* The same for a numeric text; a text that is no address is not allowed. */
bool address_text_allowed(const struct address_rules *, const char *text);
/* A host of a URL that is an address in any spelling (decimal, octal, hexadecimal, brackets):
 * *is says whether, the result whether it may be spoken to. For work through a proxy. */
bool address_host_allowed(const struct address_rules *, const char *host, bool *is);

#endif
