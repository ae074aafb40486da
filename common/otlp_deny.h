/*
 * otlp_deny.h -- which attributes may not leave: a deny-list of their keys, made ready for
 * matching, and what it has taken out.
 */
#ifndef COMMON_OTLP_DENY_H
#define COMMON_OTLP_DENY_H

#include <stddef.h>
#include <stdint.h>

#include "gapferry/buf.h"
#include "gapferry/err.h"

/* Entries of a list; bytes of one. */
#define OTLP_DENY_MAX       1024
#define OTLP_DENY_ENTRY_MAX 255

/* What is denied unless the site says otherwise: names and addresses of machines and people, and
 * command lines, which hold both. Sorted, NULL-ended; the reasons stand beside it. */
extern const char *const otlp_deny_default[];

struct otlp_deny;

/* Make a list of n entries ready. An entry is a whole key, or `PREFIX.*` for all keys that begin
 * with `PREFIX.`; case counts. Any order; doubles do no harm. GF_E_CONFIG names an entry that is
 * neither. Free with otlp_deny_free(), which accepts NULL. */
GF_MUST_CHECK int otlp_deny_new(const char *const *entries, size_t n, struct otlp_deny **out,
                                struct gf_err *e);
void otlp_deny_free(struct otlp_deny *d);

/* 1 if it names anything; NULL does not. */
int otlp_deny_any(const struct otlp_deny *d);

/* 1 if the key may not leave. */
int otlp_deny_has(const struct otlp_deny *d, const uint8_t *key, size_t len);

#define OTLP_REDACTED_KEYS 32 /* told one by one; further ones are only counted */
#define OTLP_REDACTED_KEY                                                                          \
    64 /* bytes of a key with its NUL; a longer one is cut, between characters */

/* What was taken out. Zeroed at first; several requests may add up in one. */
struct otlp_redacted {
    uint64_t total; /* attributes, and fields that are unknown */
    struct {
        char key[OTLP_REDACTED_KEY]; /* foreign text */
        uint64_t times;
    } keys[OTLP_REDACTED_KEYS]; /* in the order of their first appearance */
    size_t nkeys;
    uint64_t others; /* attributes with keys that found no room in keys */
};

/* Note one; key is UTF-8. */
void otlp_redacted_note(struct otlp_redacted *r, const uint8_t *key, size_t len);
/* Note a field that the schema does not know, as "unknown field NAME". */
void otlp_redacted_unknown(struct otlp_redacted *r, const char *name, size_t len);

/* Append the keys, separated by ", ", and "others" for those that found no room; a comma first
 * where out is not empty. */
void otlp_redacted_names(const struct otlp_redacted *r, struct gf_buf *out);

#endif
