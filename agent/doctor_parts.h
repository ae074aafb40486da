/*
 * doctor_parts.h -- what the files of the doctor share.
 */
#ifndef AGENT_DOCTOR_PARTS_H
#define AGENT_DOCTOR_PARTS_H

#include "agent/command.h"
#include "agent/doctor.h"

struct doctor {
    struct agent *a;
    char self[COMMAND_SELF];
    doctor_tell *fn;
    void *arg;
    struct gf_err *e;
};

/* Tell a finding. */
GF_MUST_CHECK int doctor_say(struct doctor *d, enum doctor_level level, const char *about,
                             const char *remedy, const char *fmt, ...) GF_PRINTF(5, 6);

/* One examination; 0, or -1 with *d->e. */
typedef int doctor_examination(struct doctor *d);

/* doctor_work.c: licences, sources, the queue. */
doctor_examination doctor_licenses, doctor_sources, doctor_queue;

#endif
