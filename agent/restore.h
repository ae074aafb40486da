/*
 * restore.h -- an agent whose database was damaged, lost, or put back from a backup.
 */
#ifndef AGENT_RESTORE_H
#define AGENT_RESTORE_H

#include "agent/agent.h"

struct restore_result {
    int is_new;       /* 1: there was no database; this one is new and knows only what is below */
    int64_t bundles;  /* of the outbox, that the database did not know: carried on as they are */
    int64_t records;  /* in them, that it did not know */
    int64_t sealed;   /* of these, for other readers only: nothing is known of what they hold */
    int64_t former;   /* of these, signed by keys of before a rotation: carried no more */
    int64_t again;    /* records whose bundle is gone, or is one of the former: bundled anew under
                         their old ids */
    int64_t unopened; /* bundles of the outbox that cannot be opened: in quarantine/ */
    int64_t head;     /* number of the newest history line that was ever sealed; 0: none */
    int64_t line;     /* and of the newest that the database has */
    int64_t relays;   /* that are trusted: to each a request is due, though it carry nothing */
};

/*
 * Move a damaged agent.db aside, with its -journal and -open, as agent.db.damaged-TIME..., and say
 * so in *e, whose reason is kept: GF_E_DAMAGED, or GF_E_BUSY where another command works. Nothing
 * is ever put in its place but by a person's `restore`.
 */
int restore_set_aside(const struct agent *a, struct gf_err *e);

/*
 * Go on after a loss, also with a database of before the last rotation, not with another agent's
 * (GF_E_DAMAGED): a new stream, so that no number is used twice; bundles of the outbox that the
 * database does not know are carried on as they are, and their records known again; what was
 * exported and is not in the outbox any more is queued anew under its old id. Paths, configuration
 * and identity of *a are loaded, its store is opened or made here. Locks.
 */
GF_MUST_CHECK int restore_run(struct agent *a, struct restore_result *out, struct gf_err *e);

/* GF_E_DAMAGED if a bundle of the outbox that the store does not know has a number that the store
 * has not given yet: the database is older than the outbox. 0 if it is a crash's leftover. */
GF_MUST_CHECK int restore_check_stray(struct agent *a, int outbox, const char *name,
                                      struct gf_err *e);

#endif
