#include "stage/check_ask.h"

#define TIMEOUT_MAX	3600	/* seconds; --timeout is the budget of one step */

int
check_peer(const struct cli *cli, const char *what, const struct destination *d, struct target *t,
    struct assoc_peer *peer, struct err *err)
{
	const char *calling = d->calling != NULL ? d->calling : CHECK_CALLING;
	int rc = target_parse(d->url, t, err);

	if (rc != RC_OK)
		return rc;
	if (t->kind != TARGET_DICOM)
		return err_set(err, ERR_CONFIG, "%s is not a dicom:// one", what);
	if (!target_ae_valid(calling))
		return err_set(err, ERR_CONFIG, "the calling AE title of %s is not valid", what);
	*peer = (struct assoc_peer){ .host = t->host,
		.port = t->port,
		.called = t->called,
		.calling = calling,
		.timeout = cli->timeout > TIMEOUT_MAX ? TIMEOUT_MAX : (int)cli->timeout };
	return RC_OK;
}

/* Between two of its words lie the opening of an association and one answer. */
struct jail
check_net_jail(const struct cli *cli, const struct assoc_peer *peer)
{
	return (struct jail){ .mode = (enum jail_mode)cli->config->sandbox,
		.network = true,
		.answer_seconds = (unsigned)(ASSOC_TIMEOUT + 3 * peer->timeout) };
}

int
check_net_failed(struct err *said, struct err *err)
{
	said->text[sizeof said->text - 1] = said->advice[sizeof said->advice - 1] = '\0';
	if (said->kind == ERR_NONE)
		return RC_OK;
	err_set(err, said->kind, "%s", said->text);
	err_advise(err, "%s", said->advice);
	return err_rc(err->kind);
}
