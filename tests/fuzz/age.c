/*
 * Fuzz target: an age file from outside, under a fixed identity, and Bech32
 * text. With arguments and without a fuzzer it replays files. The first byte
 * chooses: 0 header and payload, 1 payload under a fixed file key, 2 text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypt/age.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(struct stream *s)
{
	uint8_t step[1000];
	struct err err;
	size_t got = 0;

	for (uint64_t off = 0; off < s->size; off += got)
		if (stream_read(s, off, step, sizeof(step), &got, &err) || got == 0)
			break;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char known[] = "AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0";
	struct age_identity id;
	struct age_recipient to;
	struct age_key key = { { 0 }, 0 };
	struct stream *raw = NULL, *s = NULL;
	struct err err;

	if (size == 0)
		return 0;
	uint8_t how = data[0] % 3;
	data++;
	size--;
	if (how == 2) {
		char text[2 * AGE_TEXT_MAX];
		size_t n = size < sizeof(text) - 1 ? size : sizeof(text) - 1;
		memcpy(text, data, n);
		text[n] = '\0';
		if (!age_identity_parse(text, &id, &err)) {
			char again[AGE_TEXT_MAX];
			age_identity_text(&id, again);
			if (strcmp(text, again) != 0)
				abort();
		}
		if (!age_recipient_parse(text, &to, &err)) {
			char again[AGE_TEXT_MAX];
			age_recipient_text(&to, again);
			if (strcmp(text, again) != 0)
				abort();
		}
		return 0;
	}
	if (age_identity_parse(known, &id, &err) || stream_mem(&raw, data, size, &err))
		return 0;
	if (how == 1)
		key.header = size ? data[0] : 0;
	if ((how == 0 ? age_open_identity(&s, raw, &id, &err) : age_open(&s, raw, &key, &err)) == RC_OK) {
		read_all(s);
		stream_close(s);
	}
	return 0;
}

#ifndef FUZZER
int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "rb");
		uint8_t *data = malloc(1 << 20);
		if (!f || !data) {
			perror(argv[i]);
			return 1;
		}
		size_t n = fread(data, 1, 1 << 20, f);
		uint8_t *exact = malloc(n ? n : 1);	/* so that a byte past the end is seen */
		if (!exact)
			return 1;
		memcpy(exact, data, n);
		LLVMFuzzerTestOneInput(exact, n);
		free(exact);
		free(data);
		fclose(f);
	}
	return 0;
}
#endif
