#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include "base/text.h"
#include "http/address.h"

/* IANA special-purpose registries (RFC 6890 and its updates), as ::ffff:a.b.c.d for IPv4. */
static const struct { const char *net; unsigned bits; } refused4[] = {
	{ "0.0.0.0", 8 },	{ "10.0.0.0", 8 },	{ "100.64.0.0", 10 },	{ "127.0.0.0", 8 },
	{ "169.254.0.0", 16 },	{ "172.16.0.0", 12 },	{ "192.0.0.0", 24 },	{ "192.0.2.0", 24 },
	{ "192.168.0.0", 16 },	{ "198.18.0.0", 15 },	{ "198.51.100.0", 24 },	{ "203.0.113.0", 24 },
	{ "224.0.0.0", 4 },	{ "240.0.0.0", 4 },
};
static const struct { const char *net; unsigned bits; } refused6[] = {
	{ "::", 96 },		/* unspecified, loopback, IPv4-compatible */
	{ "64:ff9b:1::", 48 },	{ "100::", 64 },	{ "2001::", 23 },	{ "2001:db8::", 32 },
	{ "fc00::", 7 },	{ "fe80::", 10 },	{ "fec0::", 10 },	{ "ff00::", 8 },
};

static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static void
from4(const void *four, unsigned char out[16])
{
	memcpy(out, mapped, 12);
	memcpy(out + 12, four, 4);
}

/* Every spelling of one address becomes the same sixteen bytes. */
static void
from6(const unsigned char six[16], unsigned char out[16])
{
	static const unsigned char nat64[12] = { 0, 0x64, 0xff, 0x9b };

	if (memcmp(six, nat64, 12) == 0)
		from4(six + 12, out);
	else if (six[0] == 0x20 && six[1] == 0x02)	/* 6to4, RFC 3056 */
		from4(six + 2, out);
	else
		memcpy(out, six, 16);
}

static bool
inside(const unsigned char a[16], const unsigned char net[16], unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, net, whole) != 0)
		return false;
	return rest == 0 || ((a[whole] ^ net[whole]) & (0xff << (8 - rest)) & 0xff) == 0;
}

static bool
allowed(const struct address_rules *rules, const unsigned char a[16])
{
	unsigned char net[16], four[4];
	size_t i = 0;

	for (i = 0; rules != NULL && i < rules->n; i++)
		if (inside(a, rules->v[i].net, rules->v[i].bits))
			return true;
	if (memcmp(a, mapped, 12) == 0) {
		for (i = 0; i < sizeof(refused4) / sizeof(refused4[0]); i++) {
			if (inet_pton(AF_INET, refused4[i].net, four) != 1)
				return false;
			from4(four, net);
			if (inside(a, net, 96 + refused4[i].bits))
				return false;
		}
		return true;
	}
	for (i = 0; i < sizeof(refused6) / sizeof(refused6[0]); i++)
		if (inet_pton(AF_INET6, refused6[i].net, net) != 1 || inside(a, net, refused6[i].bits))
			return false;
	return true;
}

int
address_rules_add(struct address_rules *rules, const char *cidr, struct err *err)
{
	struct address_range r = { { 0 }, 0 };
	char text[64], shown[80];
	unsigned char raw[16];
	uint64_t bits = 0;
	char *slash = NULL;
	bool four = false;

	if (rules->n == ADDRESS_RANGES_MAX)
		return err_set(err, ERR_CONFIG, "more than %d allowed ranges", ADDRESS_RANGES_MAX);
	if (!text_copy(text, sizeof(text), cidr))
		goto bad;
	slash = strchr(text, '/');
	if (slash != NULL)
		*slash++ = '\0';
	if (inet_pton(AF_INET, text, raw) == 1) {
		four = true;
		from4(raw, r.net);
	} else if (inet_pton(AF_INET6, text, raw) == 1) {
		memcpy(r.net, raw, 16);
	} else {
		goto bad;
	}
	bits = four ? 32 : 128;
	if (slash != NULL && !text_u64(slash, bits, &bits))
		goto bad;
	r.bits = (unsigned)bits + (four ? 96 : 0);
	rules->v[rules->n++] = r;
	return RC_OK;
bad:
	err_set(err, ERR_CONFIG, "'%s' is not an address range",
	    text_escape(shown, sizeof(shown), cidr, strlen(cidr)));
	err_advise(err, "write it as 10.1.0.0/16 or fd00::/8");
	return err_rc(ERR_CONFIG);
}

bool
address_allowed(const struct address_rules *rules, const struct sockaddr *sa)
{
	unsigned char a[16];

	if (sa->sa_family == AF_INET)
		from4(&((const struct sockaddr_in *)(const void *)sa)->sin_addr, a);
	else if (sa->sa_family == AF_INET6)
		from6(((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr.s6_addr, a);
	else
		return false;
	return allowed(rules, a);
}

bool
address_text_allowed(const struct address_rules *rules, const char *text)
{
	unsigned char raw[16], a[16];
	char copy[64];

	if (!text_copy(copy, sizeof(copy), text))
		return false;
	copy[strcspn(copy, "%")] = '\0';	/* the scope of fe80::1%eth0 */
	if (inet_pton(AF_INET, copy, raw) == 1)
		from4(raw, a);
	else if (inet_pton(AF_INET6, copy, raw) == 1)
		from6(raw, a);
	else
		return false;
	return allowed(rules, a);
}

bool
address_host_allowed(const struct address_rules *rules, const char *host, bool *is)
{
	struct in_addr four;
	unsigned char a[16];
	char copy[256];
	size_t n = 0;

	*is = true;
	if (!text_copy(copy, sizeof(copy), host[0] == '[' ? host + 1 : host))
		return false;
	n = strlen(copy);
	if (n > 0 && copy[n - 1] == ']')
		copy[n - 1] = '\0';
	if (strchr(copy, ':') != NULL)
		return address_text_allowed(rules, copy);
	if (inet_aton(copy, &four) != 0) {	/* takes 0x7f.1, 017700000001, 2130706433 */
		from4(&four, a);
		return allowed(rules, a);
	}
	*is = false;
	return true;
}
