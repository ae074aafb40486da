/*
 * asked.h -- what this agent has asked its vendors for: the licence requests in its queue, read
 * again. A renewal asks for the same, and a Keygen file opens with the key that was asked with.
 */
#ifndef AGENT_LICENSE_ASKED_H
#define AGENT_LICENSE_ASKED_H

#include "agent/agent.h"
#include "agent/license/keygen.h"
#include "agent/license/license.h"

/* Texts are "" where the request had none. */
struct asked {
    char product[GF_WORD_MAX + 1];
    char version[KEYGEN_TEXT_MAX + 1];
    char key[KEYGEN_TEXT_MAX + 1];
    char contact[KEYGEN_TEXT_MAX + 1];
    char counts[4096]; /* "name=number" a line */
};

/* The request in this record: 1 found, 0 if there is no such record, or it is no request (then its
 * product is set all the same). */
GF_MUST_CHECK int asked_of(struct agent *a, const struct gf_id *record, struct asked *out,
                           struct gf_err *e);

/* The newest request for a product that is still in the queue: 1 found, 0 none. */
GF_MUST_CHECK int asked_last(struct agent *a, const char *product, struct asked *out,
                             struct gf_err *e);

/* The newest request for exactly this (product, key, version, contact and counts of the wish) that
 * nobody has answered yet: 1 and its record, and since when it waits; 0 none. */
GF_MUST_CHECK int asked_open(struct agent *a, const struct license_wish *wish, struct gf_id *record,
                             int64_t *since, struct gf_err *e);

#endif
