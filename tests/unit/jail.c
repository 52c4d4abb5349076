/*
 * The jail: what it denies, layer by layer, and what a parser still can do.
 * Each check runs in a worker and answers with a word: "" when all is well.
 */
#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <jansson.h>
#include <libdeflate.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "base/hash.h"
#include "crypt/age.h"
#include "sys/worker.h"
#include "test.h"

#ifdef MRI_SANITIZED
#define SANITIZED	1
#else
#define SANITIZED	0
#endif

/* A failing check ends the function with its text. */
#define NEED(what)	do { if (!(what)) return #what; } while (0)

typedef const char *check_fn(void);
struct job { check_fn *check; };

static iconv_t latin1;
static int held = -1, sock = -1;
static pid_t parent;

static void prepare(void *arg)
{
	(void)arg;
	latin1 = iconv_open("UTF-8", "ISO-8859-1");
	FILE *f = tmpfile();
	held = f ? fileno(f) : -1;
	sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int run_check(struct chan *c, void *arg)
{
	struct job *job = arg;
	struct err err;
	const char *text = job->check();

	return chan_send(c, text, strlen(text) + 1, NULL, 0, &err) ? 1 : 0;
}

static void in_jail(const struct jail *jail, check_fn *check)
{
	struct job job = { check };
	struct worker *w = NULL;
	struct buf msg = BUF_INIT(CHAN_MSG_MAX);
	struct err err;

	err_clear(&err);
	parent = getpid();
	if (worker_start(&w, jail, prepare, run_check, &job, &err))
		fail_msg("%s", err.text);
	if (chan_recv(worker_chan(w), &msg, NULL, 0, NULL, &err)) {
		worker_died(w, &err);
		fail_msg("%s", err.text);
	}
	worker_stop(w, NULL, NULL);
	if (*msg.data)
		fail_msg("not so: %s", msg.data);
	buf_free(&msg);
}

static int denied(long result)
{
	return result < 0 && (errno == EPERM || errno == EACCES || errno == ENOSYS);
}

/* What neither layer may let through, together */
static const char *nothing_by_name(void)
{
	char *argv[] = { "true", NULL }, *none[] = { NULL };
	int pair[2];
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(9) };

#ifndef MRI_SANITIZED	/* the sanitizers open their own files: there Landlock alone answers, below */
	NEED(denied(open("/etc/passwd", O_RDONLY)));
	NEED(denied(open("/tmp/mri-jail-test", O_WRONLY | O_CREAT, 0600)));
	NEED(denied(openat(AT_FDCWD, ".", O_RDONLY | O_DIRECTORY)));
	NEED(denied(prctl(PR_SET_NAME, "x", 0, 0, 0)));
	NEED(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
#endif
	NEED(denied(syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", NULL, 0)));
	NEED(denied(syscall(SYS_open_by_handle_at, AT_FDCWD, NULL, 0)));
	NEED(denied(socket(AF_INET, SOCK_STREAM, 0)));
	NEED(denied(socket(AF_UNIX, SOCK_STREAM, 0)));
	NEED(denied(socket(AF_INET, SOCK_DGRAM, 0)));
	NEED(denied(socket(AF_NETLINK, SOCK_RAW, 0)));
	NEED(denied(socketpair(AF_UNIX, SOCK_STREAM, 0, pair)));
	NEED(denied(connect(sock, (struct sockaddr *)&addr, sizeof(addr))));
	NEED(denied(bind(sock, (struct sockaddr *)&addr, sizeof(addr))));
	NEED(denied(execve("/bin/true", argv, none)));
	NEED(denied(fexecve(held, argv, none)));
	NEED(denied(syscall(SYS_fork)));
	NEED(denied(syscall(SYS_vfork)));
	NEED(denied(syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0)));
	NEED(denied(syscall(SYS_clone3, NULL, 0)));
	NEED(denied(unlink("/tmp/mri-jail-test")));
	NEED(denied(rename("/tmp/a", "/tmp/b")));
	NEED(denied(mkdir("/tmp/mri-jail-test", 0700)));
	NEED(denied(symlink("a", "/tmp/mri-jail-test")));
	NEED(denied(chmod("/tmp", 0777)));
	NEED(denied(fchmod(held, 0777)));
	NEED(denied(chdir("/")));
	NEED(denied(access("/etc/passwd", R_OK)));
	NEED(denied(truncate("/tmp/mri-jail-test", 0)));
	NEED(denied(kill(parent, 0)));
	NEED(denied(kill(getpid(), 0)));
	NEED(denied(syscall(SYS_tgkill, parent, parent, 0)));
	NEED(denied(ptrace(PTRACE_ATTACH, parent, NULL, NULL)));
	NEED(denied(syscall(SYS_process_vm_readv, parent, NULL, 0, NULL, 0, 0)));
	NEED(denied(syscall(SYS_pidfd_open, parent, 0)));
	NEED(denied(syscall(SYS_io_uring_setup, 1, NULL)));
	NEED(denied(syscall(SYS_bpf, 0, NULL, 0)));
	NEED(denied(syscall(SYS_userfaultfd, 0)));
	NEED(denied(syscall(SYS_memfd_create, "x", 0)));
	NEED(denied(syscall(SYS_keyctl, 0, 0)));
	NEED(denied(setuid(0)));
	NEED(denied(setrlimit(RLIMIT_CPU, &(struct rlimit){ 10, 10 })) || SANITIZED);
	NEED(denied(fcntl(held, F_SETOWN, parent)));
	NEED(denied(ioctl(held, 0x5401 /* TCGETS */, NULL)));
	return "";
}

/* Landlock alone: the second wall holds by itself */
static const char *no_file_by_landlock(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(9) };
	struct stat st;

	NEED(denied(open("/etc/passwd", O_RDONLY)));
	NEED(denied(open("/etc", O_RDONLY | O_DIRECTORY)));
	NEED(denied(open("/tmp/mri-jail-test", O_WRONLY | O_CREAT, 0600)));
	NEED(denied(mkdir("/tmp/mri-jail-test", 0700)));
	NEED(denied(unlink("/etc/passwd")));
	NEED(denied(execve("/bin/true", (char *[]){ "true", NULL }, (char *[]){ NULL })));
	NEED(fstat(held, &st) == 0);
	NEED(write(held, "x", 1) == 1);
	NEED(ftruncate(held, 0) == 0);
	if (jail_pretend.landlock_abi >= 4 && syscall(444, NULL, 0, 1U) >= 4)
		NEED(denied(connect(sock, (struct sockaddr *)&addr, sizeof(addr))));
	if (jail_pretend.landlock_abi >= 6 && syscall(444, NULL, 0, 1U) >= 6)
		NEED(denied(kill(parent, 0)));
	return "";
}

/* The old kernel's Landlock leaves connect to seccomp: this shows that the mask really masks. */
static const char *abi2_lets_connect(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(9) };

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	NEED(denied(open("/etc/passwd", O_RDONLY)));
	NEED(connect(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0 && errno == ECONNREFUSED);
	return "";
}

static const char *limits_are_set(void)
{
	struct rlimit r;

	NEED(getrlimit(RLIMIT_CORE, &r) == 0 && r.rlim_max == 0);
	NEED(getrlimit(RLIMIT_CPU, &r) == 0 && r.rlim_cur == 77);
	NEED(getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur <= 256);
	NEED(SANITIZED || (getrlimit(RLIMIT_AS, &r) == 0 && r.rlim_max == 100 << 20));
	NEED(SANITIZED || malloc(100 << 20) == NULL);
	NEED(getrlimit(RLIMIT_FSIZE, &r) == 0 && r.rlim_cur == RLIM_INFINITY);
	return "";
}

static const char *memory_works(void)
{
	for (int round = 0; round < 50; round++) {
		char *p = malloc(1000 + (size_t)round * 100000);
		NEED(p);
		memset(p, round, 1000);
		NEED((p = realloc(p, 2000 + (size_t)round * 200000)));
		free(p);
	}
	void *m = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(m != MAP_FAILED);
	NEED(madvise(m, 1 << 20, MADV_DONTNEED) == 0);
	NEED((m = mremap(m, 1 << 20, 2 << 20, MREMAP_MAYMOVE)) != MAP_FAILED);
	NEED(mprotect(m, 4096, PROT_READ) == 0 && munmap(m, 2 << 20) == 0);
	return "";
}

static const char *descriptors_work(void)
{
	struct iovec v[2] = { { "ab", 2 }, { "cd", 2 } };
	struct stat st;
	char back[5] = "";
	struct pollfd p = { held, POLLIN, 0 };

	NEED(writev(held, v, 2) == 4);
	NEED(pwrite(held, "X", 1, 1) == 1);
	NEED(lseek(held, 0, SEEK_SET) == 0);
	NEED(read(held, back, 4) == 4 && strcmp(back, "aXcd") == 0);
	NEED(preadv(held, v, 0, 0) == 0);
	NEED(fstat(held, &st) == 0 && st.st_size == 4);
	NEED(ftruncate(held, 2) == 0);
	NEED(fsync(held) == 0 && fdatasync(held) == 0);
	NEED(poll(&p, 1, 0) == 1);
	int d = dup(held);
	NEED(d > held);
	NEED(fcntl(d, F_GETFL) >= 0 && fcntl(d, F_SETFD, FD_CLOEXEC) == 0 && fcntl(d, F_DUPFD_CLOEXEC, 9) >= 9);
	NEED(close(d) == 0);
	void *m = mmap(NULL, 2, PROT_READ, MAP_PRIVATE, held, 0);
	NEED(m != MAP_FAILED && memcmp(m, "aX", 2) == 0 && munmap(m, 2) == 0);
	return "";
}

static const char *time_and_chance_work(void)
{
	struct timespec t = { 0, 1000 };
	uint8_t r[16];
	struct sigaction sa = { .sa_handler = SIG_IGN };

	NEED(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	t = (struct timespec){ 0, 1000 };
	NEED(clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL) == 0);
	NEED(time(NULL) > 0);
	NEED(getrandom(r, sizeof(r), 0) == sizeof(r));
	NEED(sigaction(SIGUSR1, &sa, NULL) == 0 && raise(SIGUSR1) == 0);
	NEED(sysconf(_SC_NPROCESSORS_ONLN) >= 1);
	return "";
}

static const char *libraries_work(void)
{
	static char plain[200000], packed[200000], back[200000];
	char latin[] = "M\xfcller", utf8[16] = "";
	char *in = latin, *out = utf8;
	size_t inleft = 6, outleft = sizeof(utf8) - 1;
	uLongf n = sizeof(packed), m = sizeof(back);
	struct age_identity a;
	struct err err;
	uint8_t sum[HASH_LEN];

	for (size_t i = 0; i < sizeof(plain); i++)
		plain[i] = (char)(i * i / 7);
	NEED(compress((Bytef *)packed, &n, (Bytef *)plain, sizeof(plain) / 2) == Z_OK);
	NEED(uncompress((Bytef *)back, &m, (Bytef *)packed, n) == Z_OK && memcmp(back, plain, m) == 0);
	struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
	size_t got = 0;
	NEED(d && libdeflate_zlib_decompress(d, packed, n, back, sizeof(back), &got) == LIBDEFLATE_SUCCESS);
	libdeflate_free_decompressor(d);
	NEED(latin1 != (iconv_t)-1 && iconv(latin1, &in, &inleft, &out, &outleft) == 0);
	NEED(strcmp(utf8, "M\xc3\xbcller") == 0);
	json_t *j = json_pack("{s:[i,i], s:s}", "a", 1, 2, "b", "c");
	char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;
	NEED(text && strcmp(text, "{\"a\":[1,2],\"b\":\"c\"}") == 0);
	free(text);
	json_decref(j);
	NEED(hash_bytes("abc", 3, sum, &err) == RC_OK && sum[0] == 0xba);
	NEED(hash_hmac("k", 1, "abc", 3, sum, &err) == RC_OK);
	NEED(age_identity_new(&a, &err) == RC_OK);
	char name[64] = "";
	snprintf(name, sizeof(name), "%s %.3f", "printf", 1.5);
	NEED(strcmp(name, "printf 1.500") == 0);
	NEED(fprintf(stderr, "%s", "") == 0);
	return "";
}

static void *in_thread(void *arg)
{
	char *p = malloc(100000);

	if (p)
		*(int *)arg = 42;
	free(p);
	return NULL;
}

static const char *threads_run(void)
{
	pthread_t t[4];
	int v[4] = { 0 };

	for (int i = 0; i < 4; i++)
		NEED(pthread_create(&t[i], NULL, in_thread, &v[i]) == 0);
	for (int i = 0; i < 4; i++)
		NEED(pthread_join(t[i], NULL) == 0 && v[i] == 42);
	/* and still no process */
	NEED(denied(syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0)));
	NEED(denied(syscall(SYS_fork)));
	return "";
}

static const char *no_thread(void)
{
	pthread_t t;
	int v = 0;

	NEED(pthread_create(&t, NULL, in_thread, &v) != 0);
	return "";
}

static const char *nothing_is_in_the_way(void)
{
	NEED(open("/etc/passwd", O_RDONLY) >= 0);
	NEED(socket(AF_INET, SOCK_STREAM, 0) >= 0);
	return "";
}

static const struct jail plain_jail;

static void denies(void **state)
{
	(void)state;
	in_jail(&plain_jail, nothing_by_name);
	in_jail(&(struct jail){ .mode = JAIL_REQUIRED }, nothing_by_name);
	in_jail(&(struct jail){ .threads = true }, nothing_by_name);
}

static void denies_on_older_kernels(void **state)
{
	static const int abis[] = { 0, 1, 2, 3, 4, 5, 6 };

	(void)state;
	for (size_t i = 0; i < sizeof(abis) / sizeof(abis[0]); i++) {
		jail_pretend.landlock_abi = abis[i];
		if (!SANITIZED || abis[i] > 0)
			in_jail(&plain_jail, nothing_by_name);
	}
	jail_pretend.landlock_abi = 1000;
}

static void landlock_alone(void **state)
{
	(void)state;
	jail_pretend.no_seccomp = true;
	in_jail(&plain_jail, no_file_by_landlock);
	jail_pretend.landlock_abi = 2;
	in_jail(&plain_jail, no_file_by_landlock);
	in_jail(&plain_jail, abi2_lets_connect);
	jail_pretend = (struct jail_pretend){ 1000, false };
}

static void sets_limits(void **state)
{
	(void)state;
	in_jail(&(struct jail){ .memory = 100 << 20, .cpu_seconds = 77 }, limits_are_set);
	in_jail(&(struct jail){ .memory = 100 << 20, .cpu_seconds = 77, .mode = JAIL_OFF }, limits_are_set);
}

static void lets_parsers_work(void **state)
{
	static check_fn *const checks[] = { memory_works, descriptors_work, time_and_chance_work, libraries_work };

	(void)state;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		in_jail(&plain_jail, checks[i]);
		in_jail(&(struct jail){ .memory = 64 << 20 }, checks[i]);
	}
}

static void threads_where_they_are_asked_for(void **state)
{
	(void)state;
	in_jail(&(struct jail){ .threads = true }, threads_run);
	in_jail(&plain_jail, no_thread);
}

static void off_is_off_and_required_is_required(void **state)
{
	struct worker *w = NULL;
	struct job job = { memory_works };
	struct jail required = { .mode = JAIL_REQUIRED };
	struct err err;
	char text[100];

	(void)state;
	in_jail(&(struct jail){ .mode = JAIL_OFF }, nothing_is_in_the_way);
	jail_describe(text, sizeof(text));
	assert_non_null(strstr(text, "seccomp, landlock abi "));
	jail_pretend = (struct jail_pretend){ 2, false };
	jail_describe(text, sizeof(text));
	assert_non_null(strstr(text, "landlock abi 2"));
	jail_pretend = (struct jail_pretend){ 0, true };
	jail_describe(text, sizeof(text));
	assert_non_null(strstr(text, "no seccomp, no landlock"));
	in_jail(&plain_jail, nothing_is_in_the_way);	/* auto: works without */
	assert_int_equal(worker_start(&w, &required, NULL, run_check, &job, &err), RC_FAILED);
	assert_int_equal(err.kind, ERR_DENIED);
	assert_true(err.advice[0]);
	jail_pretend = (struct jail_pretend){ 1000, true };
	assert_int_equal(worker_start(&w, &required, NULL, run_check, &job, &err), RC_FAILED);
	assert_non_null(strstr(err.text, "seccomp"));
	jail_pretend = (struct jail_pretend){ 1000, false };
}

static void self_leaves_no_core(void **state)
{
	(void)state;
	pid_t p = fork();
	if (p == 0) {
		struct rlimit r = { 1, 1 };
		jail_self();
		getrlimit(RLIMIT_CORE, &r);
		int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
		_exit(r.rlim_max == 0 && prctl(PR_GET_DUMPABLE) == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 &&
		    fd >= 0 ? 0 : 1);
	}
	int status = -1;
	assert_int_equal(waitpid(p, &status, 0), p);
	assert_int_equal(status, 0);
}

/* A jailed reader gets a descriptor and a file key, and seals its answer for a recipient. It is forked before OpenSSL
 * was used at all, so that everything is loaded behind the lock. */
struct ask { struct age_key key; struct age_recipient to; };

static int to_buf(struct stream *s, const void *from, size_t n, struct err *err)
{
	return buf_add(s->ctx, from, n, err);
}
static const struct stream_ops to_buf_ops = { NULL, to_buf, NULL, NULL };

static int seal(struct buf *b, const struct age_recipient *to, const char *text, size_t n, struct err *err)
{
	struct stream *raw = NULL, *s = NULL;
	int rc = RC_OK;

	if (!(rc = stream_new(&raw, &to_buf_ops, b, 0, err)) && !(rc = age_create(&s, raw, to, err)) &&
	    !(rc = stream_write(s, text, n, err)))
		rc = stream_commit(s, err);
	stream_close(s);
	return rc;
}

static int opens_and_seals(struct chan *c, void *arg)
{
	struct buf msg = BUF_INIT(CHAN_MSG_MAX), sealed = BUF_INIT(0);
	struct stream *raw = NULL, *s = NULL;
	struct ask ask;
	struct err err;
	char text[8] = "";
	size_t n = 0;
	int fd = -1;

	(void)arg;
	if (chan_recv(c, &msg, &fd, 1, &n, &err) || n != 1 || msg.len != sizeof(ask))
		return 1;
	memcpy(&ask, msg.data, sizeof(ask));
	if (stream_file(&raw, fd, &err) || age_open(&s, raw, &ask.key, &err) ||
	    stream_read_full(s, 1, text, 4, &err))
		return 2;
	stream_close(s);
	if (seal(&sealed, &ask.to, text, 4, &err) || chan_send(c, sealed.data, sealed.len, NULL, 0, &err))
		return 3;
	buf_free(&sealed);
	buf_free(&msg);
	return 0;
}

static struct worker *early;

static void age_works(void **state)
{
	struct buf msg = BUF_INIT(CHAN_MSG_MAX), sealed = BUF_INIT(0);
	struct stream *raw = NULL, *s = NULL;
	struct age_identity me, other;
	struct ask ask;
	struct err err;
	char text[5] = "";
	int code = -1;
	FILE *f = tmpfile();

	(void)state;
	assert_non_null(f);
	assert_int_equal(age_identity_new(&me, &err), RC_OK);
	assert_int_equal(age_identity_new(&other, &err), RC_OK);
	assert_int_equal(seal(&sealed, &me.to, "slices", 6, &err), RC_OK);
	assert_int_equal(write(fileno(f), sealed.data, sealed.len), (ssize_t)sealed.len);
	assert_int_equal(stream_mem(&raw, sealed.data, sealed.len, &err), RC_OK);
	assert_int_equal(age_unwrap(raw, &me, &ask.key, &err), RC_OK);
	stream_close(raw);
	ask.to = other.to;
	int fd = fileno(f);
	assert_int_equal(chan_send(worker_chan(early), &ask, sizeof(ask), &fd, 1, &err), RC_OK);
	int rc = chan_recv(worker_chan(early), &msg, NULL, 0, NULL, &err);
	worker_stop(early, NULL, &code);
	assert_int_equal(code, 0);
	assert_int_equal(rc, RC_OK);
	assert_int_equal(stream_mem(&raw, msg.data, msg.len, &err), RC_OK);
	assert_int_equal(age_open_identity(&s, raw, &other, &err), RC_OK);
	assert_int_equal(stream_read_full(s, 0, text, 4, &err), RC_OK);
	assert_string_equal(text, "lice");
	stream_close(s);
	buf_free(&sealed);
	buf_free(&msg);
	fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(age_works),
		cmocka_unit_test(denies),
		cmocka_unit_test(denies_on_older_kernels),
		cmocka_unit_test(landlock_alone),
		cmocka_unit_test(sets_limits),
		cmocka_unit_test(lets_parsers_work),
		cmocka_unit_test(threads_where_they_are_asked_for),
		cmocka_unit_test(off_is_off_and_required_is_required),
		cmocka_unit_test(self_leaves_no_core),
	};
	struct err err;

	if (worker_start(&early, &plain_jail, NULL, opens_and_seals, NULL, &err))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
