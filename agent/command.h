/*
 * command.h -- what the commands of gapferry-agent share: their beginning and end, who runs them,
 * and what they say alike.
 */
#ifndef AGENT_COMMAND_H
#define AGENT_COMMAND_H

#include "agent/agent.h"
#include "common/command.h"
#include "common/out.h"

#define COMMAND_PROGRAM "gapferry-agent"

/* The work of a command. *status is what it ends with when it returns 0. */
typedef int command_work(const char *root, const struct options *o, int *status, struct gf_err *e);

/* Parse, show the help if that was asked for, work, and tell a failure in one line (with --json
 * also as an object). The exit status. */
int command_run(const struct option_page *page, const char *root, int argc, char **argv,
                command_work *fn);

/* The same where an agent must be there: it is opened and closed around the work. */
typedef int command_agent_work(struct agent *a, const struct options *o, int *status,
                               struct gf_err *e);
int command_run_agent(const struct option_page *page, const char *root, int argc, char **argv,
                      command_agent_work *fn);

/* One line about a failure; its exit status. */
int command_fail(const struct gf_err *e, int json);

/* A file or directory that a person named: GF_E_NOINPUT with the remedy where there is none of that
 * name. Whatever else is wrong with it is found by opening it. */
GF_MUST_CHECK int command_there(const char *path, struct gf_err *e, const char *fmt, ...)
    GF_PRINTF(3, 4);

/* The channel that a person named; GF_E_USAGE if it can be none. */
GF_MUST_CHECK int command_channel(const char *name, struct gf_err *e);

/* What holds for a channel: 1 if its records may be made and may leave; *forced is the place in the
 * configuration that says so, NULL where the store decides; *own is 1 where each record is asked
 * for by a person and needs no consent (license, updates). */
struct command_consent {
    enum store_consent is;
    int own;
    const char *forced; /* borrowed */
    int64_t since;
    char user[65];
};
GF_MUST_CHECK int command_consent(struct agent *a, const char *channel, struct command_consent *out,
                                  struct gf_err *e);

/* A record of this agent, made now, with a new id; everything else is the caller's. */
GF_MUST_CHECK int command_record(struct agent *a, struct gf_record *out, struct gf_err *e);

/* The relay that records go to: the one trusted last. 1 found, 0 none yet. */
GF_MUST_CHECK int command_relay(struct agent *a, struct gf_card *out, struct gf_err *e);

/* How this agent is called, for remedies: "gapferry-agent" or "gapferry-agent --root DIR". */
const char *command_self(const struct agent *a, char out[COMMAND_SELF]);

/* "next: gapferry-agent [--root DIR] ..." to standard error, if that is a terminal. */
void command_next(const struct agent *a, const char *fmt, ...) GF_PRINTF(2, 3);

/* A card: `"NAME" FINGERPRINT` in text, in JSON an object. */
void command_card(struct out *t, const char *name, const struct gf_card *c);

#endif
