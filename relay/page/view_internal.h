/*
 * view_internal.h -- what the pages share: facts that were read, and how some are shown.
 */
#ifndef RELAY_PAGE_VIEW_INTERNAL_H
#define RELAY_PAGE_VIEW_INTERNAL_H

#include "gapferry/json.h"
#include "gapferry/limits.h"
#include "relay/page/html.h"
#include "relay/page/view.h"

#define VIEW_TEXT 65536

/* One bundle, as put_bundle() of worker_facts.c writes it; texts are borrowed, or NULL. */
struct view_bundle {
    int64_t row, size;
    const char *state, *at, *why, *sender, *identity, *name, *fingerprint, *called;
    struct gf_json_obj facts; /* those of relay/page/look.h */
    const char *look;         /* their state; NULL: there are none */
    const char *look_why;
    int told, seen;
    int news; /* 1: a response is still to be made */
};

struct view_facts {
    struct gf_json *json;
    struct gf_json_obj root;
    const char *courier, *relay, *fingerprint;
    size_t nbundles, ndeliveries, nresponses;
};

GF_MUST_CHECK int view_open(const char *text, size_t len, struct view_facts *f, struct gf_err *e);
/* Always behind view_open() that succeeded. */
GF_MUST_CHECK int view_close(struct view_facts *f, struct gf_err *e);
void view_read_bundle(struct view_facts *f, size_t i, struct view_bundle *b);

/* A state, the colour of its word, and the word. */
struct view_word {
    const char *state, *kind, *text;
};
/* The one of this state, or the last one, whose state is NULL. */
const struct view_word *view_find_word(const struct view_word *words, const char *state);
void view_put_word(struct gf_buf *b, const struct view_word *w);
/* Name and fingerprint, as far as they are known; else the beginning of the identity. */
void view_sender(struct gf_buf *b, const char *name, const char *fingerprint, const char *identity);
/* The table of what is to be taken back. */
void view_responses(struct gf_buf *b, struct view_facts *f);

#endif
