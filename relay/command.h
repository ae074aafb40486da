/*
 * command.h -- what the commands of gapferry-relay share: their beginning and end, who runs them,
 * and how facts are printed.
 */
#ifndef RELAY_COMMAND_H
#define RELAY_COMMAND_H

#include "common/command.h"
#include "common/out.h"
#include "relay/relay.h"

#define COMMAND_PROGRAM "gapferry-relay"

/* The work of a command. *status is what it ends with when it returns 0. The relay is open, or,
 * where the command says that it needs none, has paths only. */
typedef int command_work(struct relay *r, const struct options *o, int *status, struct gf_err *e);

/* How much of a relay a command needs. */
enum command_need { COMMAND_PATHS, COMMAND_CONFIG, COMMAND_OPEN };

struct command {
    struct option_page page;
    enum command_need need;
    command_work *work;
};

/* Parse, show the help if that was asked for, work, and tell a failure in one line (with --json
 * also as an object). The exit status. */
int command_run(const struct command *c, const char *root, int argc, char **argv);

/* One line about a failure; its exit status. */
int command_fail(const struct gf_err *e, int json);

/* "next: gapferry-relay [--root DIR] ..." to standard error, if that is a terminal. */
void command_next(const struct relay *r, const char *fmt, ...) GF_PRINTF(2, 3);

/* ---- facts, collected in a struct out and printed in one go ---- */

/* In JSON a member; in text "label       value", left out where label is NULL. */
void command_str(struct out *t, const char *label, const char *name, const char *value);
void command_int(struct out *t, const char *label, const char *name, int64_t value);
void command_time(struct out *t, const char *label, const char *name, int64_t at);
/* A card: in text "label       FINGERPRINT  NAME", in JSON an object. */
void command_card(struct out *t, const char *label, const char *name, const struct gf_card *c);
/* Print and release. */
GF_MUST_CHECK int command_end(struct out *t, struct gf_err *e);

#endif
