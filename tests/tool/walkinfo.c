/*
 * walkinfo [-t]: files that are listed on stdin through the walk: "ok PATH elements" or "FAIL PATH reason", by tabs.
 * With -t the tags of the data set's top level in place of their number: "ok PATH 00080005,00080008,…".
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "dicom/walk.h"

static void print(const char *path, const struct object *o, int tags)
{
	if (!tags) {
		printf("ok\t%s\t%zu\n", path, o->ntop);
		return;
	}
	printf("ok\t%s\t", path);
	for (size_t i = 0; i < o->ntop; i++)
		printf("%s%08x", i ? "," : "", o->top[i].tag);
	putchar('\n');
}

int main(int argc, char **argv)
{
	int tags = argc == 2 && !strcmp(argv[1], "-t");
	char line[4096];

	while (fgets(line, sizeof line, stdin)) {
		struct err err = { 0 };
		struct stream *s = NULL;
		struct object *o = NULL;
		int fd = -1;

		line[strcspn(line, "\n")] = '\0';
		fd = open(line, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || stream_file(&s, fd, &err) != RC_OK || walk_open(&o, s, &err) != RC_OK)
			printf("FAIL\t%s\t%s\n", line, fd < 0 ? "cannot be opened" : err.text);
		else
			print(line, o, tags);
		walk_close(o);
		stream_close(s);
	}
	return 0;
}
