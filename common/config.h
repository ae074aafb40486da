/*
 * config.h -- configuration files: systemd-like INI with drop-ins.
 *
 *   # comment              ; comment
 *   [section]              [section "NAME"]
 *   key = value
 *
 * A program describes what it knows in a table; everything else is an error with file, line and
 * the nearest known name. Keys that begin with "x-" are ignored. Files are read in order: FILE,
 * then FILE.d/NAME.conf sorted by name (hidden ones are left out); sections of the same name are
 * one. A value of a later file replaces that of the same key in the same section, and an empty one
 * takes it back; within one file a key stands once in a section, however often its header does.
 * White space around keys and values does not count. A value may stand in
 * double quotes, with \" and \\ inside; "" is a value, an empty one. A comment is a line of its
 * own: behind a value, # belongs to it.
 *
 * Lines are UTF-8 of at most 4 KiB and end in LF or CR LF; a file has at most 1 MiB and no byte
 * order mark; NAME has 1 to 64 printable bytes. A file may be reached through a link. One that
 * everybody may write is refused, and so is such a drop-in directory.
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

/* Read path and its drop-ins. A missing file is an error, not an empty one: what was forbidden in
 * it would be allowed. keys[] ends with an entry whose section is NULL, and must outlive the
 * result. Errors: GF_E_CONFIG ("FILE:LINE: ..."), GF_E_SYSTEM. */
GF_MUST_CHECK int config_load(const char *path, const struct config_key *keys, struct config **out,
                              struct gf_err *e);
void config_free(struct config *c);

/* A value, its fallback, or NULL. name is NULL for unnamed sections. Borrowed. Asking for a section
 * or key that is not in the table is a defect of the program and aborts it, here and below. */
const char *config_get(const struct config *c, const char *section, const char *name,
                       const char *key);

/* "FILE:LINE" where the value came from, else "default"; for messages. Borrowed. */
const char *config_origin(const struct config *c, const char *section, const char *name,
                          const char *key);

/* "FILE:LINE" of the empty value that took this key back, for a key that must not be left open;
 * NULL if none did. Borrowed. */
const char *config_emptied(const struct config *c, const char *section, const char *name,
                           const char *key);

/* The i-th NAME of [section "NAME"], in order of appearance, also of a section without keys; NULL
 * beyond the last. */
const char *config_name(const struct config *c, const char *section, size_t i);

/* "FILE:LINE" of the first header of [section "NAME"], for what is wrong with it as a whole.
 * Borrowed. */
const char *config_where(const struct config *c, const char *section, const char *name);

/* Typed values; absent and without a fallback: 0 and *out untouched; set: 1; wrong: -1 with
 * GF_E_CONFIG naming file, line, key and what is allowed. */
GF_MUST_CHECK int config_int(const struct config *c, const char *section, const char *name,
                             const char *key, int64_t min, int64_t max, int64_t *out,
                             struct gf_err *e);
/* yes, true, on, 1 or no, false, off, 0. */
GF_MUST_CHECK int config_bool(const struct config *c, const char *section, const char *name,
                              const char *key, int *out, struct gf_err *e);
/* A time span in seconds: digits and one of s, m, h, d, w ("90s", "15m", "12h", "14d"), or "0". */
GF_MUST_CHECK int config_span(const struct config *c, const char *section, const char *name,
                              const char *key, int64_t *out, struct gf_err *e);
/* The same of a text, for values that hold several: 0, or -1. */
GF_MUST_CHECK int config_span_text(const char *text, int64_t *out);
/* A size in bytes: digits and, for 1024 and its powers, one of K, M, G, T ("64M"). */
GF_MUST_CHECK int config_size(const struct config *c, const char *section, const char *name,
                              const char *key, int64_t *out, struct gf_err *e);
/* One of a NULL-ended list of words; *out is its index. */
GF_MUST_CHECK int config_enum(const struct config *c, const char *section, const char *name,
                              const char *key, const char *const *words, int *out,
                              struct gf_err *e);

/* Every setting in force, one per line, in the order of the table: "[section \"NAME\"] key = value
 * # FILE:LINE", the last part in a column of its own. A fallback shows as "# default", and what an
 * empty value has taken back as "key =   # FILE:LINE, taken back". The value of a header, and user
 * and password of a URL, show as ***. */
void config_show(const struct config *c, struct gf_buf *out);

/* Fallbacks for which fn returns 0 are not shown: they mean nothing in that section as it is. */
typedef int config_applies(const struct config *c, const char *section, const char *name,
                           const char *key);
void config_show_only(struct config *c, config_applies *fn);

/* The same, one at a time, for other forms; borrowed until fn returns. */
struct config_setting {
    const char *section, *name; /* name NULL: a section without one */
    const char *key;
    const char *value;   /* as it may be shown; NULL: taken back, and there is no fallback */
    const char *origin;  /* FILE:LINE or "default" */
    const char *emptied; /* FILE:LINE of an empty value that took it back; NULL: none did */
};
typedef void config_each_setting(void *arg, const struct config_setting *s);
void config_each(const struct config *c, config_each_setting *fn, void *arg);

#endif
