/* walkinfo: files that are listed on stdin through the walk: "ok PATH elements" or "FAIL PATH reason". */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "dicom/walk.h"

int main(void)
{
	char line[4096];

	while (fgets(line, sizeof line, stdin)) {
		struct err err = { 0 };
		struct stream *s = NULL;
		struct object *o = NULL;
		int fd = -1;

		line[strcspn(line, "\n")] = '\0';
		fd = open(line, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || stream_file(&s, fd, &err) != RC_OK || walk_open(&o, s, &err) != RC_OK)
			printf("FAIL %s %s\n", line, fd < 0 ? "cannot be opened" : err.text);
		else
			printf("ok %s %zu\n", line, o->ntop);
		walk_close(o);
		stream_close(s);
	}
	return 0;
}
