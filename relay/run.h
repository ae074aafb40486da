/*
 * run.h -- `run`: the daemon. One process holds keys and ledger, answers the listener and starts
 * what takes longer: turns, each a process of its own, and the listener.
 */
#ifndef RELAY_RUN_H
#define RELAY_RUN_H

#include "relay/relay.h"

/* Until SIGTERM or SIGINT. root as given on the command line, or NULL. */
GF_MUST_CHECK int run_daemon(struct relay *r, const char *root, struct gf_err *e);

/* [relay] every, in seconds; GF_E_CONFIG. */
GF_MUST_CHECK int run_every(const struct config *c, int64_t *out, struct gf_err *e);

/* The processes that it starts come to main() under these names, with root (or "") and, for a turn,
 * its kind as their words. 1 if this is one of them: *status is what it ends with. */
int run_is_child(int argc, char **argv, int *status);

/* What the last turn that took in said to people; a new `run` begins without it. */
#define RUN_TOLD "told"

/* run_turn.c: look into what couriers have brought. The exit status. */
int run_look(const char *root);
/* run_turn.c: what came in (out 0), or what goes out. The exit status. */
int run_turn(const char *root, int out);

#endif
