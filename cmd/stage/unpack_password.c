/* The password of encrypted archives: from a file that is its owner's alone, into memory that no worker inherits. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "crypt/secret.h"
#include "stage/unpack.h"

int unpack_password_read(struct unpack_password *pw, const char *path, struct err *err)
{
	void *line = NULL;
	struct stat st;
	size_t n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), rc = RC_OK;

	if (fd < 0)
		return err_sys(err, errno, "cannot open the password file");
	if (fstat(fd, &st) != 0) {
		rc = err_sys(err, errno, "cannot read the password file");
	} else if (S_ISREG(st.st_mode) && (st.st_mode & 077) != 0) {
		rc = err_set(err, ERR_DENIED, "others than its owner may read the password file");
		err_advise(err, "chmod 600 the file");
	}
	if (rc == RC_OK)
		rc = secret_alloc(&line, UNPACK_PASSWORD_MAX + 2, err);
	if (rc == RC_OK)
		rc = io_read_full(fd, line, UNPACK_PASSWORD_MAX + 2, &n, err);
	close(fd);
	if (rc == RC_OK) {
		size_t len = 0;

		while (len < n && ((char *)line)[len] != '\n' && ((char *)line)[len] != '\r')
			len++;
		if (len > UNPACK_PASSWORD_MAX)
			rc = err_set(err, ERR_DATA, "the password is longer than %d bytes", UNPACK_PASSWORD_MAX);
		n = len;
	}
	if (rc != RC_OK) {
		secret_free(line, UNPACK_PASSWORD_MAX + 2);
		return rc;
	}
	pw->bytes = line;
	pw->n = n;
	pw->given = true;
	return RC_OK;
}

void unpack_password_free(struct unpack_password *pw)
{
	secret_free(pw->bytes, UNPACK_PASSWORD_MAX + 2);
	memset(pw, 0, sizeof *pw);
}
