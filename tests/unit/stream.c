#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/io.h"
#include "base/piece.h"
#include "test.h"

static char dir[] = "streamXXXXXX";
static int dirfd_;

static int setup(void **state)
{
	(void)state;
	const char *tmp = getenv("TMPDIR");

	if (chdir(tmp ? tmp : "/tmp") || !mkdtemp(dir))
		return -1;
	dirfd_ = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dirfd_ < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	unlinkat(dirfd_, "f", 0);
	close(dirfd_);
	return rmdir(dir);
}

static void files(void **state)
{
	(void)state;
	struct err err;
	struct stream *s = NULL;
	struct buf text = BUF_INIT(0);
	char b[8];
	size_t got = 0;

	assert_int_equal(io_replace(dirfd_, "f", "0123456789", 10, 0600, &err), RC_OK);
	assert_int_equal(stream_file(&s, openat(dirfd_, "f", O_RDONLY | O_CLOEXEC), &err), RC_OK);
	assert_int_equal(s->size, 10);
	assert_int_equal(stream_read(s, 7, b, 8, &got, &err), RC_OK);
	assert_int_equal(got, 3);
	assert_memory_equal(b, "789", 3);
	assert_int_equal(stream_read(s, 11, b, 8, &got, &err), RC_OK);
	assert_int_equal(got, 0);
	assert_int_equal(stream_read_full(s, 7, b, 8, &err), RC_FAILED);
	assert_int_equal(err.kind, ERR_DATA);
	assert_int_equal(stream_write(s, "x", 1, &err), RC_FATAL);
	stream_close(s);
	assert_int_equal(buf_puts(&text, "<", &err), RC_OK);
	assert_int_equal(io_slurp(dirfd_, "f", &text, &err), RC_OK);
	assert_string_equal(text.data, "<0123456789");
	buf_free(&text);
	struct buf small = BUF_INIT(5);
	assert_int_equal(io_slurp(dirfd_, "f", &small, &err), RC_FAILED);
	buf_free(&small);
	struct buf exact = BUF_INIT(10);
	assert_int_equal(io_slurp(dirfd_, "f", &exact, &err), RC_OK);
	assert_int_equal(exact.len, 10);
	buf_free(&exact);
	assert_int_equal(io_slurp(dirfd_, "absent", &text, &err), RC_FAILED);
	assert_int_equal(err.kind, ERR_NOINPUT);
	assert_int_equal(io_replace(dirfd_, "f", "", 0, 0600, &err), RC_OK);
	assert_int_equal(io_slurp(dirfd_, "f", &text, &err), RC_OK);
	assert_int_equal(text.len, 0);
	buf_free(&text);
}

static void piece_tables(void **state)
{
	(void)state;
	struct err err;
	struct pieces p = { 0 };
	struct stream *o = NULL, *s = NULL;
	char b[32];

	assert_int_equal(pieces_original(&p, 0, 3, &err), RC_OK);
	assert_int_equal(pieces_original(&p, 3, 1, &err), RC_OK);	/* touches: joined */
	assert_int_equal(pieces_new(&p, "NEW", 3, &err), RC_OK);
	assert_int_equal(pieces_original(&p, 8, 2, &err), RC_OK);
	assert_int_equal(p.n, 3);
	assert_int_equal(pieces_size(&p), 9);
	assert_int_equal(stream_mem(&o, "0123456789", 10, &err), RC_OK);
	assert_int_equal(piece_stream(&s, o, &p, &err), RC_OK);
	for (size_t from = 0; from <= 9; from++)
		for (size_t n = 0; from + n <= 9; n++) {
			assert_int_equal(stream_read_full(s, from, b, n, &err), RC_OK);
			assert_memory_equal(b, &"0123NEW89"[from], n);
		}
	stream_close(s);
	p.v[2].len = 3;		/* one byte beyond the original */
	assert_int_equal(stream_mem(&o, "0123456789", 10, &err), RC_OK);
	assert_int_equal(piece_stream(&s, o, &p, &err), RC_FAILED);
	p.v[2].off = UINT64_MAX;
	assert_int_equal(stream_mem(&o, "0123456789", 10, &err), RC_OK);
	assert_int_equal(piece_stream(&s, o, &p, &err), RC_FAILED);
	pieces_free(&p);
}

static void lines(void **state)
{
	(void)state;
	struct err err;
	int fd[2];
	char *line = NULL;
	size_t len = 0;

	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	assert_int_equal(write(fd[1], "a\n\nlast", 7), 7);
	close(fd[1]);
	struct linereader r = { .fd = fd[0], .sep = '\n', .max = 10 };
	assert_int_equal(linereader_next(&r, &line, &len, &err), RC_OK);
	assert_string_equal(line, "a");
	assert_int_equal(linereader_next(&r, &line, &len, &err), RC_OK);
	assert_string_equal(line, "");
	assert_int_equal(linereader_next(&r, &line, &len, &err), RC_OK);
	assert_string_equal(line, "last");
	assert_int_equal(linereader_next(&r, &line, &len, &err), RC_OK);
	assert_null(line);
	linereader_free(&r);
	close(fd[0]);

	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	assert_int_equal(write(fd[1], "0123456789ABC\n", 14), 14);
	close(fd[1]);
	struct linereader big = { .fd = fd[0], .sep = '\n', .max = 10 };
	assert_int_equal(linereader_next(&big, &line, &len, &err), RC_FAILED);
	linereader_free(&big);
	close(fd[0]);
}

static void hashes(void **state)
{
	(void)state;
	struct err err;
	struct stream *s = NULL;
	char hex[HASH_HEX];
	uint8_t mac[HASH_LEN];

	assert_int_equal(hash_hex("abc", 3, hex, &err), RC_OK);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(stream_mem(&s, "abc", 3, &err), RC_OK);
	assert_int_equal(hash_stream(s, hex, &err), RC_OK);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	stream_close(s);
	/* RFC 4231, case 2 */
	assert_int_equal(hash_hmac("Jefe", 4, "what do ya want for nothing?", 28, mac, &err), RC_OK);
	assert_int_equal(mac[0], 0x5b);
	assert_int_equal(mac[31], 0x43);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files), cmocka_unit_test(piece_tables), cmocka_unit_test(lines),
		cmocka_unit_test(hashes),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
