/*
 * Drives lib/crypt from shell tests:
 *	agetool keygen FILE		makes an identity file, prints its recipient
 *	agetool decrypt IDENTITY FILE	plaintext on stdout; "header: …" or "payload: …" on stderr
 *	agetool encrypt RECIPIENT FILE	age file on stdout
 *	agetool speed MIB		GB/s sealed to and opened from memory
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "base/time.h"
#include "crypt/age.h"
#include "crypt/keys.h"

static int fail(const char *where, const struct err *err)
{
	fprintf(stderr, "%s: %s\n", where, err->text);
	return err_status(err->kind);
}

static int open_file(const char *path, struct stream **out, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, errno, "cannot open");
	return stream_file(out, fd, err);
}

static int decrypt(const char *identity, const char *path)
{
	struct err err;
	struct age_identity id;
	struct age_key key;
	struct stream *raw = NULL, *in = NULL, *out = NULL;
	const char *where = "identity";
	int rc = keys_identity_load(identity, &id, &err);

	if (!rc) {
		where = "header";
		if (!(rc = open_file(path, &raw, &err)) && (rc = age_unwrap(raw, &id, &key, &err)))
			stream_close(raw);
	}
	if (!rc) {
		where = "payload";
		if (!(rc = age_open(&in, raw, &key, &err)) && !(rc = stream_file_writer(&out, dup(1), &err)))
			rc = stream_copy(in, out, &err);
	}
	stream_close(out);
	stream_close(in);
	age_identity_wipe(&id);
	return rc ? fail(where, &err) : 0;
}

static int encrypt(const char *recipient, const char *path)
{
	struct err err;
	struct age_recipient to;
	struct stream *raw = NULL, *in = NULL, *out = NULL;
	int rc = age_recipient_parse(recipient, &to, &err);

	if (!rc && !(rc = open_file(path, &in, &err)) && !(rc = stream_file_writer(&raw, dup(1), &err)) &&
	    !(rc = age_create(&out, raw, &to, &err)) && !(rc = stream_copy(in, out, &err)))
		rc = stream_commit(out, &err);
	if (!rc && raw->size != age_size(in->size))
		rc = err_set(&err, ERR_INTERNAL, "age_size is wrong");
	stream_close(out);
	stream_close(in);
	return rc ? fail("encrypt", &err) : 0;
}

static int to_mem(struct stream *s, const void *from, size_t len, struct err *err)
{
	return buf_add(s->ctx, from, len, err);
}
static const struct stream_ops to_mem_ops = { NULL, to_mem, NULL, NULL };

static double rate(size_t n, uint64_t ms)
{
	return ms ? (double)n / 1e6 / (double)ms : 0;
}

static int speed(const char *text)
{
	uint64_t mib = 0;
	struct err err;
	struct age_identity id;
	struct stream *raw = NULL, *out = NULL, *in = NULL;
	struct buf sealed = BUF_INIT((size_t)2 << 30);

	if (!text_u64(text, 1024, &mib) || mib == 0)
		return 64;
	size_t n = (size_t)mib << 20;
	char *plain = calloc(1, n), *back = calloc(1, n);
	int rc = plain && back ? age_identity_new(&id, &err) : err_set(&err, ERR_TEMP, "no memory");
	if (!rc)
		rc = buf_grow(&sealed, (size_t)age_size(n), &err);
	if (!rc) {
		memset(sealed.data, 1, (size_t)age_size(n));	/* touch the pages */
		memset(back, 1, n);
		memset(plain, 2, n);
		uint64_t begin = time_mono_ms();
		if (!(rc = stream_new(&raw, &to_mem_ops, &sealed, 0, &err)) &&
		    !(rc = age_create(&out, raw, &id.to, &err)) && !(rc = stream_write(out, plain, n, &err)))
			rc = stream_commit(out, &err);
		printf("seal %.2f GB/s\n", rate(n, time_mono_ms() - begin));
		stream_close(out);
	}
	if (!rc) {
		uint64_t begin = time_mono_ms();
		if (!(rc = stream_mem(&raw, sealed.data, sealed.len, &err)) &&
		    !(rc = age_open_identity(&in, raw, &id, &err)))
			rc = stream_read_full(in, 0, back, n, &err);
		printf("open %.2f GB/s\n", rate(n, time_mono_ms() - begin));
		stream_close(in);
		if (!rc && memcmp(plain, back, n) != 0)
			rc = err_set(&err, ERR_INTERNAL, "other bytes came back");
	}
	if (!rc) {
		enum { FILES = 2000 };
		uint64_t begin = time_mono_ms();
		for (int i = 0; i < FILES && !rc; i++) {
			sealed.len = 0;
			if (!(rc = stream_new(&raw, &to_mem_ops, &sealed, 0, &err)) &&
			    !(rc = age_create(&out, raw, &id.to, &err)) &&
			    !(rc = stream_write(out, plain, 100, &err)))
				rc = stream_commit(out, &err);
			stream_close(out);
		}
		printf("make %.1f us a file\n", (double)(time_mono_ms() - begin) * 1e3 / FILES);
		begin = time_mono_ms();
		for (int i = 0; i < FILES && !rc; i++) {
			if (!(rc = stream_mem(&raw, sealed.data, sealed.len, &err)))
				rc = age_open_identity(&in, raw, &id, &err);
			stream_close(in);
		}
		printf("open %.1f us a file\n", (double)(time_mono_ms() - begin) * 1e3 / FILES);
	}
	free(plain);
	free(back);
	buf_free(&sealed);
	return rc ? fail("speed", &err) : 0;
}

static int keygen(const char *path)
{
	struct err err;
	struct age_identity id;
	char text[AGE_TEXT_MAX];

	if (keys_identity_create(path, &id, &err))
		return fail("keygen", &err);
	age_recipient_text(&id.to, text);
	puts(text);
	age_identity_wipe(&id);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "decrypt") == 0)
		return decrypt(argv[2], argv[3]);
	if (argc == 4 && strcmp(argv[1], "encrypt") == 0)
		return encrypt(argv[2], argv[3]);
	if (argc == 3 && strcmp(argv[1], "speed") == 0)
		return speed(argv[2]);
	if (argc == 3 && strcmp(argv[1], "keygen") == 0)
		return keygen(argv[2]);
	fprintf(stderr, "usage: agetool keygen FILE | decrypt IDENTITY FILE | encrypt RECIPIENT FILE | speed MIB\n");
	return 64;
}
