/*
 * A proxy, from the config and never from the environment. It is exempt from
 * the address check; the target is then judged by its name as written.
 */
#ifndef MRI_HTTP_PROXY_H
#define MRI_HTTP_PROXY_H

#include "http/address.h"

/* http://, https://, socks5h:// (names are resolved there) with host; ERR_CONFIG otherwise. NULL and "": none. */
int proxy_check(const char *proxy, struct err *);
/* May host be asked for through a proxy? ERR_DENIED for an address that is not allowed and for local names. */
int proxy_target(const struct address_rules *, const char *host, struct err *);

#endif
