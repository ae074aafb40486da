/*
 * json_names.h -- the names of an object, for json_check.c: is one there twice?
 */
#ifndef BASE_JSON_NAMES_H
#define BASE_JSON_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* A checked name of at most GF_JSON_NAME_MAX bytes, decoded. */
struct gf_json_name {
    const uint8_t *raw; /* between the quotes */
    uint32_t hash;      /* of the decoded bytes */
    uint16_t raw_len;
    uint16_t len; /* decoded; shorter than raw_len if there is an escape */
};

/* Set its hash from its other fields. */
void gf_json_names_hash(struct gf_json_name *n);

/* One of n names, hashed, that means what another one before it means; NULL: there is none. May
 * sort them. */
const struct gf_json_name *gf_json_names_twice(struct gf_json_name *v, size_t n);

#endif
