/*
 * What lies on this machine: a file that somebody saved, a folder, a CD or a
 * stick. A file is a package as it is. A folder becomes one package: a ZIP
 * with stored members (APPNOTE 6.3, nothing is compressed or changed), written
 * while it is read: one commit for a CD of thousands of files.
 *
 * A file that cannot be read is set aside and named by its number in the
 * walk; symbolic links and special files are passed over and counted.
 */
#ifndef MRI_SOURCE_LOCAL_H
#define MRI_SOURCE_LOCAL_H

#include "source/source.h"

#define LOCAL_FILES_MAX	100000	/* of one folder: a CD has some thousand */
#define LOCAL_DEPTH_MAX	32

struct local_result {
	long long files;	/* taken */
	long long unreadable;	/* set aside: a read error, or it changed meanwhile */
	long long passed;	/* symbolic links, devices, sockets */
	uint64_t bytes;		/* of the package */
	char sha256[65];
	enum media media;
};

/* ERR_NOINPUT where there is no such path. *folder: which of the two to call. */
int local_kind(const char *path, bool *folder, struct err *);
int local_copy_file(const char *path, struct stream *to, struct local_result *, struct err *);
int local_pack_folder(const char *path, struct stream *to, struct local_result *,
    bool (*stopped)(void), struct err *);

#endif
