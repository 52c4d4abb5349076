#include "audit/chain.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/log.h"
#include "base/text.h"

int chain_parse(const char *line, size_t len, uint64_t *n, char prev[HASH_HEX], struct err *err)
{
	json_t *record = NULL;
	const char *text = NULL;
	uint8_t sum[HASH_LEN];
	long long v = 0, number = 0;
	int rc = json_parse(line, len, &record, err);

	if (rc || (rc = json_get_int(record, "record", "v", 0, &v, err)) ||
	    (rc = json_get_int(record, "record", "n", 0, &number, err)) ||
	    (rc = json_get_str(record, "record", "prev", &text, err)))
		goto out;
	if (v != 1 || number < 1 || !text || strlen(text) != HASH_HEX - 1 ||
	    !text_unhex(text, sum, HASH_LEN)) {
		rc = err_set(err, ERR_DATA, "not a record of version 1");
		goto out;
	}
	*n = (uint64_t)number;
	text_copy(prev, HASH_HEX, text);
out:
	json_decref(record);
	return rc;
}

/* The size of the log at a moment when nobody is in the middle of a record. */
static int settled_size(int fd, off_t *size, struct err *err)
{
	struct stat st;
	int rc = RC_OK;

	while (flock(fd, LOCK_SH) != 0)
		if (errno != EINTR)
			return err_sys(err, errno, "cannot lock the audit log");
	if (fstat(fd, &st) != 0)
		rc = err_sys(err, errno, "cannot stat the audit log");
	else
		*size = st.st_size;
	(void)flock(fd, LOCK_UN);
	return rc;
}

/* One line of the chain; sum: hash of the line before on entry, of this one on return. */
static int verify_line(char *line, size_t len, uint64_t number, char sum[HASH_HEX], struct err *err)
{
	char prev[HASH_HEX];
	uint64_t n = 0;
	int rc = chain_parse(line, len, &n, prev, err);

	if (rc)
		return rc;
	if (n != number)
		return err_set(err, ERR_DATA, "the record says number %llu: records were removed or put in",
		    (unsigned long long)n);
	if (strcmp(prev, sum) != 0)
		return err_set(err, ERR_DATA,
		    "the record does not continue the line before: a byte was changed there");
	line[len] = '\n';	/* the reader's NUL stands where it was */
	rc = hash_hex(line, len + 1, sum, err);
	line[len] = '\0';
	return rc;
}

int audit_verify(int dirfd, uint64_t *records, struct err *err)
{
	struct linereader in = { .sep = '\n', .max = AUDIT_LINE_MAX };
	char sum[HASH_HEX], *line = NULL;
	off_t size = 0, seen = 0;
	size_t len = 0;
	int rc = RC_OK;

	*records = 0;
	in.fd = openat(dirfd, AUDIT_LOG, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (in.fd < 0)
		return err_sys(err, errno, "cannot open the audit log");
	if ((rc = hash_hex("", 0, sum, err)) || (rc = settled_size(in.fd, &size, err)))
		goto out;
	while (seen < size) {
		rc = linereader_next(&in, &line, &len, err);
		if (!rc && !line)
			rc = err_set(err, ERR_DATA, "the audit log became shorter while it was read");
		else if (!rc && seen + (off_t)len >= size)
			rc = err_set(err, ERR_DATA, "the last line is torn (%zu bytes without an end): a record "
			    "was cut short, the next one will take note of it", len);
		else if (!rc)
			rc = verify_line(line, len, *records + 1, sum, err);
		if (rc) {
			if (rc != RC_RETRY)
				err_wrap(err, "audit log, line %llu", (unsigned long long)*records + 1);
			goto out;
		}
		seen += (off_t)len + 1;
		++*records;
	}
out:
	linereader_free(&in);
	close(in.fd);
	return rc;
}
