/*
 * main() of a fuzz target where there is no fuzzer: runs the files that are
 * named, or listed on stdin, through LLVMFuzzerTestOneInput. With a number
 * first (-N) each file also runs with N bytes changed in turn, by a fixed seed.
 */
#ifndef MRI_TESTS_FUZZ_REPLAY_H
#define MRI_TESTS_FUZZ_REPLAY_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#ifndef MRI_LIBFUZZER

#define REPLAY_MAX	(8l << 20)	/* bytes of one file */

static uint32_t replay_random(void)
{
	static uint32_t x = 2463534242u;	/* xorshift: the same every time */

	x ^= x << 13;
	x ^= x >> 17;
	return x ^= x << 5;
}

static int replay_file(const char *path, long changes)
{
	FILE *f = fopen(path, "rbe");
	uint8_t *b = NULL;
	long n = 0;

	if (!f || fseek(f, 0, SEEK_END) != 0 || (n = ftell(f)) < 0 || n > REPLAY_MAX) {
		if (f)
			fclose(f);
		return 0;
	}
	rewind(f);
	b = malloc((size_t)n + 1);
	if (!b || fread(b, 1, (size_t)n, f) != (size_t)n) {
		free(b);
		fclose(f);
		return 0;
	}
	fclose(f);
	LLVMFuzzerTestOneInput(b, (size_t)n);
	for (long i = 0; n && i < changes; i++) {
		/* headers are at both ends */
		size_t span = (size_t)n < 2048 ? (size_t)n : 2048;
		size_t at = replay_random() % span, cut = replay_random();
		uint8_t old = 0;

		if (replay_random() & 1)
			at = (size_t)n - 1 - at;
		old = b[at];
		b[at] = (uint8_t)(replay_random() & 1 ? replay_random() : (replay_random() & 1 ? 0xff : 0));
		LLVMFuzzerTestOneInput(b, i % 8 ? (size_t)n : cut % (size_t)n);
		if (i % 4)	/* some changes stay */
			b[at] = old;
	}
	free(b);
	return 1;
}

int main(int argc, char **argv)
{
	long changes = 0, files = 0;
	char line[4096];
	int i = 1;

	if (i < argc && argv[i][0] == '-')
		changes = strtol(argv[i++] + 1, NULL, 10);
	for (; i < argc; i++)
		files += replay_file(argv[i], changes);
	while (argc < 2 || (argc == 2 && changes)) {
		if (!fgets(line, sizeof line, stdin))
			break;
		line[strcspn(line, "\n")] = '\0';
		files += replay_file(line, changes);
	}
	printf("%ld files\n", files);
	return files ? 0 : 1;
}

#endif
#endif
