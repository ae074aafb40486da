/*
 * place.h -- what a person should know of a directory before it is visited as a drive: an empty
 * mount point looks like a drive, and so does the folder on it.
 */
#ifndef COMMON_PLACE_H
#define COMMON_PLACE_H

#include "common/out.h"

struct place {
    int is_new;      /* 1: no GAPFERRY folder lies there yet */
    int is_own_disk; /* 1: it is on the file system of `state` or of /, so nothing is mounted */
};

/* Look at it. GF_E_USAGE where dir is GAPFERRY itself, or a folder within it. A directory that
 * cannot be looked at is no drive of any kind: 0, and the visit says what is wrong. */
GF_MUST_CHECK int place_look(const char *dir, const char *state, struct place *out,
                             struct gf_err *e);

/* Say it: in text one line for each, in JSON "new_drive" and "own_disk". read_only: the visit could
 * make nothing there. */
void place_tell(const struct place *p, const char *dir, int read_only, struct out *t);

#endif
