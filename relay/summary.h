/*
 * summary.h -- what a turn, or a part of it, has done: lines for people, numbers for programs.
 */
#ifndef RELAY_SUMMARY_H
#define RELAY_SUMMARY_H

#include "relay/command.h"

/* How long to forward: seconds, 90s or 5m, up to an hour; NULL: 60 s. GF_E_USAGE. */
GF_MUST_CHECK int summary_wait(const char *text, int64_t *out, struct gf_err *e);

/* The next part of a line that begins with a label; parts that are zero are left out. Then its
 * end, where there was none with what is said instead. */
void summary_part(struct out *o, const char *label, int *parts, int64_t n, const char *one,
                  const char *many);
void summary_end(struct out *o, const char *label, int parts, const char *nothing);

/* One line each: what came in, was forwarded, went out. */
void summary_came_in(struct out *o, const struct turn *t);
void summary_forwarded(struct out *o, const struct turn *t);
void summary_went_out(struct out *o, const struct turn *t);
/* A line for each thing that needs a person; in JSON an array. */
void summary_people(struct out *o, const struct turn *t);
/* A line for each thing that waits and needs nobody, below a line "waits"; in JSON an array. */
void summary_waits(struct out *o, const struct turn *t);
/* For JSON: every count of a turn, and what it ends with. */
void summary_numbers(struct out *o, const struct turn *t);

#endif
