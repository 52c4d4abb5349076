/*
 * Decodes every frame of DICOM files: a line for each with its size and the SHA-256 of its pixels, or why not.
 *
 *	framesum [-p] FILE ...		-p: the pixels of the first frame of the first file to stdout
 *
 * Exit status 1: a frame is damaged. What cannot be decoded here is no failure.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/io.h"
#include "dicom/codec.h"

static const char *reason(const struct err *err)
{
	return err->kind == ERR_REFUSED ? "not here" : err->kind == ERR_NOINPUT ? "none" : "damaged";
}

static int show(struct codec *c, uint32_t n, bool raw)
{
	struct codec_frame f;
	struct err err = { 0 };
	char sha[HASH_HEX] = "";
	int bad = 0;

	if (codec_read(c, n, &f, &err) != RC_OK) {
		printf("%lu %s: %s\n", (unsigned long)n, reason(&err), err.text);
		return err.kind != ERR_REFUSED;
	}
	if (raw)
		bad = io_write_full(STDOUT_FILENO, f.pixels, f.bytes, &err) != RC_OK;
	else if (hash_hex(f.pixels, f.bytes, sha, &err) == RC_OK)
		printf("%lu %ux%u %u samples %u/%u bits%s%s %s%s %s\n", (unsigned long)n, f.columns, f.rows, f.samples,
		    f.bits_stored, f.bits_allocated, f.is_signed ? " signed" : "", f.is_float ? " float" : "",
		    f.photometric, f.planar ? " planar" : "", sha);
	codec_frame_free(&f);
	return bad;
}

static int file(const char *path, bool raw)
{
	struct stream *s = NULL;
	struct object *o = NULL;
	struct codec *c = NULL;
	struct err err = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC), bad = 0;

	if (fd < 0 || stream_file(&s, fd, &err) != RC_OK || walk_open(&o, s, &err) != RC_OK ||
	    codec_open(&c, o, &err) != RC_OK) {
		bad = err.kind != ERR_NOINPUT && err.kind != ERR_REFUSED;
		printf("- %s: %s\n", reason(&err), fd < 0 ? "cannot be opened" : err.text);
	}
	for (uint32_t n = 0; c != NULL && n < codec_frames(c) && (n == 0 || !raw); n++)
		bad |= show(c, n, raw);
	codec_close(c);
	walk_close(o);
	stream_close(s);
	return bad;
}

int main(int argc, char **argv)
{
	struct err err = { 0 };
	bool raw = argc > 1 && strcmp(argv[1], "-p") == 0;
	int bad = 0;

	if (codec_load(&err) != RC_OK) {
		fprintf(stderr, "framesum: %s\n", err.text);
		return 70;
	}
	for (int i = raw ? 2 : 1; i < argc; i++) {
		if (!raw)
			printf("%s\n", argv[i]);
		bad |= file(argv[i], raw);
		fflush(stdout);
	}
	codec_unload();
	return bad;
}
