/*
 * Fuzz target: whose a letter is. The first line is the order's name, the second the birth date, the rest the letter.
 * main() replays files.
 */
#include <string.h>
#include "check/paper.h"
#include "replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = malloc(n + 1), *birth = NULL, *letter = NULL;

	if (!text)
		return 0;
	memcpy(text, data, n);
	text[n] = '\0';
	birth = memchr(text, '\n', n);
	letter = birth ? memchr(birth + 1, '\n', n - (size_t)(birth + 1 - text)) : NULL;
	if (letter) {
		*birth++ = *letter++ = '\0';
		n -= (size_t)(letter - text);
		/* a copy of just so many bytes and its NUL: a sanitizer sees one that is read beyond them */
		char *own = malloc(n + 1);

		if (own) {
			memcpy(own, letter, n + 1);
			if (paper_read(own, n, text, birth) > PAPER_CONTRADICTS)
				__builtin_trap();
		}
		free(own);
	}
	free(text);
	return 0;
}
