/*
 * config.h -- configuration files: systemd-like INI with drop-ins.
 *
 *   # comment              ; comment
 *   [section]              [section "NAME"]
 *   key = value
 *
 * A program describes what it knows in a table; everything else is an error with file, line and
 * the nearest known name. Keys that begin with "x-" are ignored. Files are read in order: FILE,
 * then FILE.d/NAME.conf sorted by name; a later value of the same key in the same section replaces
 * an earlier one, and an empty value takes it back. White space around keys and values does not
 * count. A value may stand in double quotes, with \" and \\ inside. Lines are UTF-8 of at most 4
 * KiB.
 */
#ifndef COMMON_CONFIG_H
#define COMMON_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "gapferry/buf.h"

/* Every key of a program: the section it belongs to and what it means (for `config show`). */
struct config_key {
    const char *section; /* "relay" */
    int named;           /* 1: [section "NAME"], 0: [section] */
    const char *key;
    const char *fallback; /* default value; NULL: none */
    const char *help;     /* one line */
};

struct config; /* what was read */

/* Read path and its drop-ins. A missing file is an empty one. keys[] ends with an entry whose
 * section is NULL, and must outlive the result. Errors: GF_E_CONFIG ("FILE:LINE: ..."),
 * GF_E_SYSTEM. */
GF_MUST_CHECK int config_load(const char *path, const struct config_key *keys, struct config **out,
                              struct gf_err *e);
void config_free(struct config *c);

/* A value, its fallback, or NULL. name is NULL for unnamed sections. Borrowed. */
const char *config_get(const struct config *c, const char *section, const char *name,
                       const char *key);

/* "FILE:LINE" where the value came from, "default" for a fallback; for messages. Borrowed. */
const char *config_origin(const struct config *c, const char *section, const char *name,
                          const char *key);

/* The i-th NAME of [section "NAME"], in order of appearance; NULL beyond the last. */
const char *config_name(const struct config *c, const char *section, size_t i);

/* Typed values; absent and without a fallback: 0 and *out untouched; set: 1; wrong: -1 with
 * GF_E_CONFIG naming file, line, key and what is allowed. */
GF_MUST_CHECK int config_int(const struct config *c, const char *section, const char *name,
                             const char *key, int64_t min, int64_t max, int64_t *out,
                             struct gf_err *e);
GF_MUST_CHECK int config_bool(const struct config *c, const char *section, const char *name,
                              const char *key, int *out, struct gf_err *e);
/* A time span such as "90s", "15m", "12h", "14d", in seconds. */
GF_MUST_CHECK int config_span(const struct config *c, const char *section, const char *name,
                              const char *key, int64_t *out, struct gf_err *e);
/* One of a NULL-ended list of words; *out is its index. */
GF_MUST_CHECK int config_enum(const struct config *c, const char *section, const char *name,
                              const char *key, const char *const *words, int *out,
                              struct gf_err *e);

/* Every setting in force, one per line: "[section \"NAME\"] key = value    # FILE:LINE". */
void config_show(const struct config *c, struct gf_buf *out);

#endif
