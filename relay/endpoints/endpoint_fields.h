/*
 * endpoint_fields.h -- the top-level fields of a record's JSON body, for profiles that send them in
 * another form.
 */
#ifndef RELAY_ENDPOINT_FIELDS_H
#define RELAY_ENDPOINT_FIELDS_H

#include <stddef.h>

#include "gapferry/buf.h"

#define ENDPOINT_FIELDS_MAX 256

struct endpoint_field {
    const char *name;  /* NUL-ended */
    const char *value; /* a string's text; of all else the JSON as it stands; NUL-ended */
    size_t len;
    const char *raw; /* the JSON as it stands, in the body */
    size_t raw_len;
};

struct endpoint_fields {
    struct endpoint_field field[ENDPOINT_FIELDS_MAX];
    size_t n;
    struct gf_buf texts;
};

/* The fields in their order; the body must stay. GF_E_JSON: it is no JSON object by the rules for
 * documents of others (json.h); GF_E_LIMIT: too many fields; GF_E_SYSTEM. On failure nothing is to
 * be released. */
GF_MUST_CHECK int endpoint_fields_read(const char *body, size_t len, struct endpoint_fields *out,
                                       struct gf_err *e);
void endpoint_fields_free(struct endpoint_fields *f);

/* One of this name; NULL: there is none. */
const struct endpoint_field *endpoint_fields_find(const struct endpoint_fields *f,
                                                  const char *name);

#endif
