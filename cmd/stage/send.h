/*
 * What mri-send does with one item (60-deliver): the gate, the objects as they
 * will be sent, and each destination in turn with its journal.
 *
 *	send_begin(&s, cli, work, &options, err)	destinations of -d, checked before any item
 *	send_input(&s, &in) for each input; send_end(&s)
 */
#ifndef MRI_STAGE_SEND_H
#define MRI_STAGE_SEND_H

#include "cli/work.h"
#include "deliver/url.h"

struct send_options {
	struct cli_list dest;
	bool echo, no_verify, as_is;
	const char *reason, *calling;
};

struct send_destination {
	const char *name;	/* of the config, or the URL: what the journal goes by */
	bool by_url;
	struct target target;
	const char *calling;
	bool verify;
	char *canonical;	/* "folder:/absolute", owned; NULL: name is it */
};

struct send {
	struct cli *cli;
	struct work *work;
	const struct send_options *opt;
	struct send_destination *given; size_t ngiven;	/* -d */
};

int send_begin(struct send *, struct cli *, struct work *, const struct send_options *, struct err *);
void send_input(struct send *, const struct cli_input *);
void send_echo(struct send *);	/* --echo: a line a destination */
void send_end(struct send *);

#endif
