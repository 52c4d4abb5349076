/*
 * A DICOM receiver with a script, for tests: it speaks the upper layer itself
 * (PS3.8), answers C-ECHO, C-STORE and C-FIND, and can refuse, abort or fall
 * silent where it is told to. One process an association.
 *
 *	receiver -P PORTFILE [-o DIR] [-l LOG] [-s N=HEX] [-a N] [-q N] [-x UID] [-r S.R.R] [-R K]
 *	    [-m PDU] [-h N] [-f K] [-c AE]
 *
 *	-s N=HEX   status of the Nth object ("*": of all)	-a N  abort in place of the Nth answer
 *	-q N       never answer the Nth object			-x UID  refuse this SOP class or transfer syntax
 *	-r 1.1.7   reject associations (result.source.reason)	-R K  only the first K of them
 *	-m N       maximum PDU					-h N  do not show the Nth object in C-FIND
 *	-f K       the first K queries find nothing		-c AE  called AE titles other than this are rejected
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define STORED_MAX 30000
#define PDU_MAX (1 << 20)

struct shared {
	atomic_int associations, objects, finds, stored;
	char uid[STORED_MAX][65];
};

struct script {
	int status[4096];	/* of object N, -1: as `all` */
	int all, abort_at, silent_at, hide, empty_finds;
	int reject[3], reject_first;
	const char *refuse[8];
	int nrefuse;
	unsigned max_pdu;
	const char *dir, *called;
	FILE *log;
};

struct context { char abstract[65], syntax[65]; bool accepted; };

static struct shared *shared;
static struct script script = { .all = 0, .abort_at = -1, .silent_at = -1, .hide = -1, .reject_first = -1,
	.max_pdu = 16384 };
static struct context contexts[256];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint16_t be16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static uint32_t be32(const uint8_t *p) { return (uint32_t)be16(p) << 16 | be16(p + 2); }
static uint16_t le16(const uint8_t *p) { return (uint16_t)(p[1] << 8 | p[0]); }
static uint32_t le32(const uint8_t *p) { return (uint32_t)le16(p + 2) << 16 | le16(p); }

static void put_be16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put_be32(uint8_t *p, uint32_t v)
{
	put_be16(p, v >> 16);
	put_be16(p + 2, v & 0xffff);
}

static bool get(int fd, void *to, size_t n)
{
	uint8_t *p = to;

	while (n) {
		ssize_t r = read(fd, p, n);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return false;
		p += r;
		n -= (size_t)r;
	}
	return true;
}

static void put(int fd, const void *from, size_t n)
{
	const uint8_t *p = from;

	while (n) {
		ssize_t r = write(fd, p, n);
		if (r <= 0)
			exit(0);
		p += r;
		n -= (size_t)r;
	}
}

/* A line of the log: event, two texts ("-": none), a number, a number in hex */
static void say(const char *event, const char *a, const char *b, long n, long m)
{
	if (!script.log)
		return;
	fprintf(script.log, "%s %s %s %ld %lx\n", event, a, b, n, (unsigned long)m);
	fflush(script.log);
}

static void send_pdu(int fd, int type, const uint8_t *body, size_t n)
{
	uint8_t head[6] = { (uint8_t)type };

	put_be32(head + 2, (uint32_t)n);
	put(fd, head, sizeof head);
	put(fd, body, n);
}

static void copy_uid(char to[65], const uint8_t *from, size_t n)
{
	if (n > 64)
		n = 64;
	memcpy(to, from, n);
	to[n] = '\0';
	for (size_t i = strlen(to); i && to[i - 1] == ' '; i--)
		to[i - 1] = '\0';
}

static bool refused(const char *uid)
{
	for (int i = 0; i < script.nrefuse; i++)
		if (strcmp(script.refuse[i], uid) == 0)
			return true;
	return false;
}

/* A-ASSOCIATE-RQ → AC or RJ (PS3.8 9.3.2 to 9.3.4) */
static void associate(int fd, const uint8_t *rq, size_t n)
{
	static uint8_t ac[PDU_MAX];
	size_t out = 68, pos = 68;
	int nth = atomic_fetch_add(&shared->associations, 1) + 1;
	char called[17];

	memcpy(called, rq + 4, 16);
	called[16] = '\0';
	for (int i = 15; i >= 0 && called[i] == ' '; i--)
		called[i] = '\0';
	if (script.called && strcmp(called, script.called) != 0) {
		uint8_t rj[4] = { 0, 1, 1, 7 };
		say("reject", "called", "-", nth, 0);
		send_pdu(fd, 3, rj, sizeof rj);
		exit(0);
	}
	if (script.reject[0] && (script.reject_first < 0 || nth <= script.reject_first)) {
		uint8_t rj[4] = { 0, (uint8_t)script.reject[0], (uint8_t)script.reject[1],
			(uint8_t)script.reject[2] };
		say("reject", "-", "-", nth, 0);
		send_pdu(fd, 3, rj, sizeof rj);
		exit(0);
	}
	memcpy(ac, rq, 68);
	while (pos + 4 <= n) {
		size_t len = be16(rq + pos + 2);
		const uint8_t *item = rq + pos + 4;
		if (pos + 4 + len > n)
			break;
		if (rq[pos] == 0x10) {
			memcpy(ac + out, rq + pos, 4 + len);
			out += 4 + len;
		} else if (rq[pos] == 0x20) {
			struct context *c = &contexts[item[0]];
			size_t at = 4;
			int result = 0;
			while (at + 4 <= len) {
				size_t sub = be16(item + at + 2);
				if (item[at] == 0x30)
					copy_uid(c->abstract, item + at + 4, sub);
				else if (!c->syntax[0])
					copy_uid(c->syntax, item + at + 4, sub);
				at += 4 + sub;
			}
			if (refused(c->abstract))
				result = 3;
			else if (refused(c->syntax))
				result = 4;
			c->accepted = result == 0;
			size_t ts = strlen(c->syntax);
			uint8_t answer[12] = { 0x21, 0, 0, 0, item[0], 0, (uint8_t)result, 0, 0x40, 0, 0, 0 };
			put_be16(answer + 2, (unsigned)(8 + ts));
			put_be16(answer + 10, (unsigned)ts);
			memcpy(ac + out, answer, 12);
			memcpy(ac + out + 12, c->syntax, ts);
			out += 12 + ts;
			say("context", c->abstract, c->syntax, item[0], result);
		}
		pos += 4 + len;
	}
	static const char impl[] = "1.2.3.4";
	uint8_t user[12 + 4 + sizeof impl - 1] = { 0x50, 0, 0, 8 + 4 + sizeof impl - 1, 0x51, 0, 0, 4 };
	put_be32(user + 8, script.max_pdu);
	user[12] = 0x52;
	put_be16(user + 14, sizeof impl - 1);
	memcpy(user + 16, impl, sizeof impl - 1);
	memcpy(ac + out, user, sizeof user);
	out += sizeof user;
	send_pdu(fd, 2, ac, out);
}

struct message { uint8_t *data; size_t len, cap; };

static void append(struct message *m, const uint8_t *p, size_t n)
{
	if (m->len + n > m->cap) {
		m->cap = (m->len + n) * 2;
		m->data = realloc(m->data, m->cap);
		if (!m->data)
			die("realloc");
	}
	memcpy(m->data + m->len, p, n);
	m->len += n;
}

static const uint8_t *element(const struct message *m, uint32_t tag, size_t *len)
{
	size_t pos = 0;

	while (pos + 8 <= m->len) {
		uint32_t t = (uint32_t)le16(m->data + pos) << 16 | le16(m->data + pos + 2);
		uint32_t n = le32(m->data + pos + 4);
		if (n > m->len - pos - 8)
			return NULL;
		if (t == tag) {
			*len = n;
			return m->data + pos + 8;
		}
		pos += 8 + n;
	}
	return NULL;
}

static size_t add(uint8_t *to, unsigned group, unsigned el, const void *value, size_t n)
{
	uint8_t head[8] = { (uint8_t)group, (uint8_t)(group >> 8), (uint8_t)el, (uint8_t)(el >> 8), (uint8_t)n,
		(uint8_t)(n >> 8), 0, 0 };

	memcpy(to, head, 8);
	memcpy(to + 8, value, n);
	return 8 + n;
}

static size_t add16(uint8_t *to, unsigned el, unsigned v)
{
	uint8_t raw[2] = { (uint8_t)v, (uint8_t)(v >> 8) };

	return add(to, 0, el, raw, 2);
}

static void send_message(int fd, int context, bool command, const uint8_t *p, size_t n)
{
	static uint8_t pdu[8192];

	put_be32(pdu, (uint32_t)(n + 2));
	pdu[4] = (uint8_t)context;
	pdu[5] = (uint8_t)(2 | (command ? 1 : 0));
	memcpy(pdu + 6, p, n);
	send_pdu(fd, 4, pdu, n + 6);
}

static void respond(int fd, int context, unsigned field, unsigned id, unsigned status, bool data)
{
	uint8_t b[256], count[4] = { 0 };
	size_t n = add(b, 0, 0, count, 4);

	n += add16(b + n, 0x0100, field | 0x8000);
	n += add16(b + n, 0x0120, id);
	n += add16(b + n, 0x0800, data ? 1 : 0x0101);
	n += add16(b + n, 0x0900, status);
	b[8] = (uint8_t)(n - 12);
	send_message(fd, context, true, b, n);
}

static void stored(int fd, int context, const struct message *command, const struct message *data,
    unsigned id)
{
	int nth = atomic_fetch_add(&shared->objects, 1) + 1;
	int status = nth < 4096 && script.status[nth] >= 0 ? script.status[nth] : script.all;
	char cls[65] = "", uid[65] = "";
	size_t len = 0;
	const uint8_t *v = element(command, 0x00000002, &len);

	if (v)
		copy_uid(cls, v, len);
	v = element(command, 0x00001000, &len);
	if (v)
		copy_uid(uid, v, len);
	if (data->len & 1) {
		say("odd", cls, uid, nth, (long)data->len);
		status = 0xc001;
	}
	if (strcmp(contexts[context].abstract, cls) != 0)
		status = 0xa900;
	if (nth == script.silent_at) {
		say("silent", cls, uid, nth, (long)data->len);
		for (;;)
			pause();
	}
	if (nth == script.abort_at) {
		uint8_t reason[4] = { 0, 0, 2, 0 };
		say("abort", cls, uid, nth, (long)data->len);
		send_pdu(fd, 7, reason, sizeof reason);
		exit(0);
	}
	if (status == 0 || (status & 0xf000) == 0xb000) {
		int slot = atomic_fetch_add(&shared->stored, 1);
		if (slot < STORED_MAX && nth != script.hide)
			memcpy(shared->uid[slot], uid, sizeof uid);
		if (script.dir) {
			char path[512];
			snprintf(path, sizeof path, "%s/%s", script.dir, uid);
			int out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
			if (out < 0)
				die(path);
			put(out, data->data, data->len);
			close(out);
		}
	}
	say("store", uid, contexts[context].syntax, nth, status);
	respond(fd, context, 0x0001, id, (unsigned)status, false);
}

static void find(int fd, int context, unsigned id)
{
	int nth = atomic_fetch_add(&shared->finds, 1) + 1;
	int n = atomic_load(&shared->stored);

	say("find", "-", "-", nth, n);
	for (int i = 0; i < n && i < STORED_MAX && nth > script.empty_finds; i++) {
		uint8_t b[128];
		size_t len = strlen(shared->uid[i]);
		char uid[66] = "";
		if (!len)
			continue;
		memcpy(uid, shared->uid[i], len);
		respond(fd, context, 0x0020, id, 0xff00, true);
		send_message(fd, context, false, b, add(b, 0x0008, 0x0018, uid, len + (len & 1)));
	}
	respond(fd, context, 0x0020, id, 0, false);
}

static void association(int fd)
{
	static uint8_t pdu[PDU_MAX];
	struct message command = { 0 }, data = { 0 };
	uint8_t head[6];

	while (get(fd, head, 6)) {
		size_t n = be32(head + 2), pos = 0;
		if (n > PDU_MAX || !get(fd, pdu, n))
			break;
		if (head[0] == 1) {
			associate(fd, pdu, n);
			continue;
		}
		if (head[0] == 5) {
			uint8_t zero[4] = { 0 };
			send_pdu(fd, 6, zero, 4);
			say("release", "-", "-", 0, 0);
			break;
		}
		if (head[0] != 4)
			break;
		if (n > script.max_pdu)
			say("long", "-", "-", (long)n, script.max_pdu);
		while (pos + 6 <= n) {
			size_t len = be32(pdu + pos);
			int context = pdu[pos + 4], flags = pdu[pos + 5];
			size_t l = 0;
			append(flags & 1 ? &command : &data, pdu + pos + 6, len - 2);
			pos += 4 + len;
			if (!(flags & 2))
				continue;
			const uint8_t *v = element(&command, 0x00000100, &l);
			unsigned field = v ? le16(v) : 0;
			v = element(&command, 0x00000110, &l);
			unsigned id = v ? le16(v) : 0;
			if (field == 0x0030) {
				respond(fd, context, field, id, 0, false);
				command.len = 0;
			} else if (!(flags & 1)) {
				if (field == 0x0001)
					stored(fd, context, &command, &data, id);
				else if (field == 0x0020)
					find(fd, context, id);
				command.len = data.len = 0;
			}
		}
	}
	exit(0);
}

int main(int argc, char **argv)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof in;
	const char *portfile = NULL;
	int c, s, one = 1;

	memset(script.status, 0xff, sizeof script.status);
	while ((c = getopt(argc, argv, "P:o:l:s:a:q:x:r:R:m:h:f:c:")) != -1) {
		char *eq;
		switch (c) {
		case 'P': portfile = optarg; break;
		case 'o': script.dir = optarg; break;
		case 'l': script.log = fopen(optarg, "a"); break;
		case 's':
			eq = strchr(optarg, '=');
			if (!eq)
				return 64;
			if (optarg[0] == '*')
				script.all = (int)strtol(eq + 1, NULL, 16);
			else
				script.status[strtol(optarg, NULL, 10) & 4095] = (int)strtol(eq + 1, NULL, 16);
			break;
		case 'a': script.abort_at = (int)strtol(optarg, NULL, 10); break;
		case 'q': script.silent_at = (int)strtol(optarg, NULL, 10); break;
		case 'x':
			if (script.nrefuse < 8)
				script.refuse[script.nrefuse++] = optarg;
			break;
		case 'r':
			if (sscanf(optarg, "%d.%d.%d", &script.reject[0], &script.reject[1], &script.reject[2]) != 3)
				return 64;
			break;
		case 'R': script.reject_first = (int)strtol(optarg, NULL, 10); break;
		case 'm': script.max_pdu = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'h': script.hide = (int)strtol(optarg, NULL, 10); break;
		case 'f': script.empty_finds = (int)strtol(optarg, NULL, 10); break;
		case 'c': script.called = optarg; break;
		default: return 64;
		}
	}
	if (!portfile)
		return 64;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap");
	s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (s < 0 || bind(s, (struct sockaddr *)&in, sizeof in) < 0 || listen(s, 16) < 0 ||
	    getsockname(s, (struct sockaddr *)&in, &len) < 0)
		die("socket");
	FILE *f = fopen(portfile, "w");
	if (!f || fprintf(f, "%u\n", ntohs(in.sin_port)) < 0 || fclose(f) != 0)
		die(portfile);
	for (;;) {
		int fd = accept(s, NULL, NULL);
		if (fd < 0)
			continue;
		if (fork() == 0) {
			close(s);
			association(fd);
		}
		close(fd);
	}
}
