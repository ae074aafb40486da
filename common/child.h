/*
 * child.h -- start a program of the site or of the operator: with nothing of ours, and no shell.
 *
 * It gets the three standard descriptors and no other, / as its directory, no signal blocked or
 * ignored, PATH=/usr/bin:/bin, LANG=C.UTF-8 and what is given to it; it leads a process group of
 * its own, and dies with the thread that started it.
 */
#ifndef COMMON_CHILD_H
#define COMMON_CHILD_H

#include <stddef.h>
#include <sys/types.h>

#include "gapferry/err.h"

#define CHILD_WORDS_MAX       32 /* of a command, its path included */
#define CHILD_ENVIRONMENT_MAX 16 /* variables that are given to it */

/* Split a command at blanks, in place: an absolute path and its arguments; NULL at the end.
 * GF_E_CONFIG. */
GF_MUST_CHECK int child_words(char *command, char *words[CHILD_WORDS_MAX + 1], struct gf_err *e);

struct child_options {
    char *const *words;
    char *const *environment; /* "NAME=value", NULL at the end; NULL: nothing more */
    int in;                   /* what it reads; -1: nothing */
};

struct child {
    pid_t pid;
    int out, err; /* our ends of its output, which do not block; the caller closes them */
};

/* Start it; when this returns it runs. GF_E_CONFIG, GF_E_NOINPUT, GF_E_SYSTEM: it cannot be run.
 * The caller waits for the process. */
GF_MUST_CHECK int child_start(const struct child_options *o, struct child *out, struct gf_err *e);

#endif
