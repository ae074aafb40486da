/*
 * view.h -- the worker's facts (relay/listener/worker_facts.c) as pages.
 */
#ifndef RELAY_PAGE_VIEW_H
#define RELAY_PAGE_VIEW_H

#include "gapferry/buf.h"

/* The query argument of a page that has loaded itself again: nobody may be there who reads it. */
#define VIEW_AGAIN "again"

/* What a courier sees when he has logged in: a form to bring bundles, what he brought, what is to
 * be taken back. GF_E_JSON, GF_E_BUG: these are no facts. */
GF_MUST_CHECK int view_home(struct gf_buf *b, const char *facts, size_t len, const char *csrf,
                            struct gf_err *e);
/* One bundle: what it contains, or, once it was handed in, where it is. */
GF_MUST_CHECK int view_bundle(struct gf_buf *b, const char *facts, size_t len, const char *csrf,
                              struct gf_err *e);

#endif
