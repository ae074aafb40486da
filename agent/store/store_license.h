/*
 * store_license.h -- the part of store.h about licences: what was asked for, what is installed,
 * what was given up. The same rules hold.
 */
#ifndef AGENT_STORE_LICENSE_H
#define AGENT_STORE_LICENSE_H

#include "gapferry/text.h"

struct store;

/* A request that was made: what its answer must fit. */
GF_MUST_CHECK int store_license_request(struct store *s, const struct gf_id *record,
                                        const char *product, const struct gf_id *nonce, int64_t now,
                                        struct gf_err *e);
/* 1 if a request with this nonce was made for this product. */
GF_MUST_CHECK int store_has_nonce(struct store *s, const char *product, const struct gf_id *nonce,
                                  struct gf_err *e);
/* Install a licence document (its bytes) for a product, in the place of the last one. */
GF_MUST_CHECK int store_put_license(struct store *s, const char *product, const char *text,
                                    size_t len, int64_t now, struct gf_err *e);
/* What opens the licence of a product, kept beside it: 1 found, 0 not; *out is initialised here. */
GF_MUST_CHECK int store_put_license_secret(struct store *s, const char *product, const void *secret,
                                           size_t len, struct gf_err *e);
GF_MUST_CHECK int store_get_license_secret(struct store *s, const char *product, struct gf_buf *out,
                                           struct gf_err *e);

/* A licence that was given up here. It is not installed any more, and never accepted again. */
struct store_gone {
    const char *id, *product; /* as the licence itself says them */
    const char *installed_as; /* store_end_license(): the product that it is installed for */
    struct gf_id record;      /* that tells the vendor */
    const char *user;
    int64_t at;
};
GF_MUST_CHECK int store_end_license(struct store *s, const struct store_gone *g, struct gf_err *e);
/* 1 if it was given up here, at *at. */
GF_MUST_CHECK int store_is_gone(struct store *s, const char *id, const char *product, int64_t *at,
                                struct gf_err *e);
/* fn for each of them, oldest first; its texts are borrowed until fn returns. */
typedef int store_gone_fn(void *arg, const struct store_gone *g, struct gf_err *e);
GF_MUST_CHECK int store_each_gone(struct store *s, store_gone_fn *fn, void *arg, struct gf_err *e);

/* fn for each installed licence. */
typedef int store_each_license(void *arg, const char *product, const char *text, size_t len,
                               int64_t installed, struct gf_err *e);
GF_MUST_CHECK int store_licenses(struct store *s, store_each_license *fn, void *arg,
                                 struct gf_err *e);

#endif
