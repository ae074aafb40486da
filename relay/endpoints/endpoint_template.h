/*
 * endpoint_template.h -- a JSON body with holes that are filled from the record.
 *
 *   {"customer": "ACME", "count": {{users}}, "note": "from {{gapferry.agent}}"}
 *
 * {{NAME}} is a top-level field of the record's body; outside of a string it becomes the field's
 * JSON as it stands, or null where there is none; within a string it becomes its text (of what is
 * no text: its JSON), escaped, or nothing. {{gapferry.NAME}} is a text about the record: agent,
 * origin, record, channel, product, type, created, key (the idempotency key); and gapferry.body is
 * the whole body: a JSON value outside of strings if it is one, else its text.
 */
#ifndef RELAY_ENDPOINT_TEMPLATE_H
#define RELAY_ENDPOINT_TEMPLATE_H

#include "relay/endpoints/endpoint.h"

#define ENDPOINT_TEMPLATE_MAX   65536 /* bytes */
#define ENDPOINT_TEMPLATE_HOLES 64

struct endpoint_template;

/* text[0 .. len-1] is copied. GF_E_CONFIG: a hole that is none, too many of them, or it would not
 * be JSON with all of them filled. */
GF_MUST_CHECK int endpoint_template_parse(const char *text, size_t len,
                                          struct endpoint_template **out, struct gf_err *e);
/* The same from a file. */
GF_MUST_CHECK int endpoint_template_load(const char *path, struct endpoint_template **out,
                                         struct gf_err *e);
void endpoint_template_free(struct endpoint_template *t);

/* Append the body for a job's record. GF_E_JSON: a field is wanted, and the record's body is no
 * JSON object; GF_E_LIMIT: too long. */
GF_MUST_CHECK int endpoint_template_fill(const struct endpoint_template *t,
                                         const struct endpoint_job *j, struct gf_buf *out,
                                         struct gf_err *e);

#endif
