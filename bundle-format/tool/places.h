/*
 * places.h -- what the commands say about a wrong place: of an output, or of our own identity.
 */
#ifndef TOOL_PLACES_H
#define TOOL_PLACES_H

#include <stdint.h>

#include "gapferry/card.h"

/* Turn "no such directory" of an output into GF_E_CREATE with the remedy; other errors stay. -1. */
int places_output(struct gf_err *e);

/* Printing the result failed after the work was done: say that `path` is there and complete. -1. */
int places_done(const char *path, struct gf_err *e);

/* Load our identity. GF_E_NOINPUT with the remedy if dir is no directory made by keygen. */
GF_MUST_CHECK int places_identity(const char *dir, struct gf_identity *out, struct gf_err *e);

/* Remove what a directory holds, and directories down to this depth below it, as far as it goes. */
void places_empty(int at, const char *name, int depth);

/* In a directory that is written to: remove private directories of ours (".gapferry-" and 16 hex
 * digits, of this user) that are older than a day: a power cut left them, or SIGKILL. What cannot
 * be removed stays. */
void places_tidy(int dir, int64_t now);

#endif
