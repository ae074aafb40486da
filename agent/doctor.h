/*
 * doctor.h -- what is in order and what is not, in plain words, each with its remedy. Looks only;
 * changes nothing, and works as far as it can on an agent that does not open.
 */
#ifndef AGENT_DOCTOR_H
#define AGENT_DOCTOR_H

#include "agent/agent.h"
#include "agent/link_state.h"

enum doctor_level {
    DOCTOR_FINE, /* as it should be */
    DOCTOR_NOTE, /* worth knowing */
    DOCTOR_WARN, /* a person should look */
    DOCTOR_BAD   /* something does not work */
};
extern const char *const doctor_levels[]; /* "fine" "note" "warn" "bad" */

struct doctor_finding {
    enum doctor_level level;
    const char *about; /* static: "keys" "clock" "network" ... */
    char text[768];    /* safe to print */
    char remedy[1600]; /* a command, or what to do; "" where nothing is to do */
};

/* fn is called for each finding, as it is made. -1 with *e ends the examination. */
typedef int doctor_tell(void *arg, const struct doctor_finding *f, struct gf_err *e);
GF_MUST_CHECK int doctor_examine(const char *root, int64_t now, doctor_tell *fn, void *arg,
                                 struct gf_err *e);

/* What a stage of gapferry-link means, and what can be done about it; static texts. Known are the
 * stages of link_state.h; of another one both are general. */
void doctor_stage(const char *stage, const char **means, const char **remedy);

/* One relay as gapferry-link has left it: a finding. running: gapferry-link is at work. */
void doctor_network(const struct link_relay *r, int running, int64_t now,
                    struct doctor_finding *out);

#endif
