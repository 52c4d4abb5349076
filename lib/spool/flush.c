/*
 * Outputs on their way to the disk while others are still being made. A disk
 * takes long over its own cache (140 ms for 250 MB where this was measured):
 * without this the barrier at the end waits for all of it, and no processor
 * has work. One thread, which touches descriptors only; what it cannot flush
 * is the barrier's to report.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "spool/private.h"

#define FLUSH_EVERY	((off_t)16 << 20)	/* often enough that little is left, seldom enough to cost nothing */

struct flush {
	pthread_t thread;
	int give, take;		/* a pipe of descriptors, by number; its end ends the thread */
	off_t since;
};

static void *run(void *arg)
{
	struct flush *f = arg;
	struct err err = { 0 };
	size_t got = 0;
	int fd = -1;

	while (io_read_full(f->take, &fd, sizeof(fd), &got, &err) == RC_OK && got == sizeof(fd)) {
		(void)fdatasync(fd);
		close(fd);
	}
	return NULL;
}

static bool start(struct flush *f)
{
	sigset_t all, old;
	bool ok = false;

	/* a signal is the main thread's: it has somebody waiting in poll */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ok = pthread_create(&f->thread, NULL, run, f) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ok;
}

struct flush *flush_new(void)
{
	struct flush *f = calloc(1, sizeof(*f));
	int fd[2] = { -1, -1 };

	if (f == NULL || pipe2(fd, O_CLOEXEC) < 0) {
		free(f);
		return NULL;
	}
	f->take = fd[0];
	f->give = fd[1];
	if (!start(f)) {
		close(fd[0]);
		close(fd[1]);
		free(f);
		return NULL;
	}
	return f;
}

void flush_file(struct flush *f, int fd)
{
	struct stat st;
	struct err ignore;

	(void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	if (f != NULL && fstat(fd, &st) == 0)
		f->since += st.st_size;
	if (f == NULL || f->since < FLUSH_EVERY || io_write_full(f->give, &fd, sizeof(fd), &ignore) != RC_OK) {
		close(fd);
		return;
	}
	f->since = 0;
}

void flush_free(struct flush *f)
{
	if (f == NULL)
		return;
	close(f->give);
	pthread_join(f->thread, NULL);
	close(f->take);
	free(f);
}
