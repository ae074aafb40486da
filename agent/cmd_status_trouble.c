/*
 * cmd_status_trouble.c -- `status`: what was rejected, and what cannot be used, by its reasons.
 */
#include <stdio.h>
#include <string.h>

#include "agent/cmd_status.h"

#define REJECTED_DAYS 7 /* so long a rejection is the next thing to see to */
#define REASONS_MAX   5 /* lines, one for each reason; the number of all records is said */

/* Records that were rejected, and answers that cannot be used: the last reasons, each with the last
 * record that it was given for. */
struct trouble {
    struct {
        char id[GF_UUID_TEXT];
        char channel[GF_WORD_MAX + 1];
        int rejected;
        char reason[GF_REASON_MAX + 1];
        int64_t records;
    } last[REASONS_MAX];
    int64_t n, records, shown; /* reasons; records, and those of the reasons that are in last */
    char unusable[GF_WORD_MAX + 1];
    int64_t rejected_at;
    char rejected[GF_WORD_MAX + 1];
    struct store *store;
};

/* A licence of this product that was installed since. */
struct newer {
    const char *product;
    int64_t since;
    int found;
};

static int find_newer(void *arg, const char *product, const char *text, size_t len,
                      int64_t installed, struct gf_err *e) {
    struct newer *n = arg;

    (void)text, (void)len, (void)e;
    n->found |= strcmp(product, n->product) == 0 && installed >= n->since;
    return 0;
}

/* 1 if a licence came after this answer, so that nobody misses it any more. */
static int is_over(struct trouble *x, const struct store_record *r, struct gf_err *e) {
    struct newer n = {r->product, r->state_since, 0};

    if (strcmp(r->channel, "license") != 0 || !r->product)
        return 0;
    return store_licenses(x->store, find_newer, &n, e) == -1 ? -1 : n.found;
}

/* The place of this reason among the last ones, the oldest given up for it if it is new. */
static size_t place_trouble(struct trouble *x, const struct store_record *r, const char *reason) {
    const int rejected = r->state == STORE_REJECTED;
    size_t at = 0;

    for (; at < REASONS_MAX && (int64_t)at < x->n; at++) {
        if (x->last[at].rejected == rejected && strcmp(x->last[at].channel, r->channel) == 0 &&
            strcmp(x->last[at].reason, reason) == 0)
            return at;
    }
    at = (size_t)(x->n++ % REASONS_MAX);
    x->shown -= x->last[at].records;
    x->last[at].records = 0;
    x->last[at].rejected = rejected;
    (void)snprintf(x->last[at].channel, sizeof x->last[at].channel, "%s", r->channel);
    (void)snprintf(x->last[at].reason, sizeof x->last[at].reason, "%s", reason);
    return at;
}

static int note_trouble(void *arg, const struct store_record *r, struct gf_err *e) {
    struct trouble *x = arg;

    if (r->state != STORE_REJECTED && !(r->wants_answer && r->reason))
        return 0;
    int over = r->state == STORE_REJECTED ? 0 : is_over(x, r, e);
    if (over != 0)
        return over == 1 ? 0 : -1;
    size_t at = place_trouble(x, r, r->reason ? r->reason : "no reason was given");
    if (r->state == STORE_REJECTED && r->state_since >= x->rejected_at) {
        x->rejected_at = r->state_since;
        (void)snprintf(x->rejected, sizeof x->rejected, "%s", r->channel);
    }
    if (r->state != STORE_REJECTED)
        (void)snprintf(x->unusable, sizeof x->unusable, "%s", r->channel);
    gf_text_uuid(&r->id, x->last[at].id);
    x->last[at].records++;
    x->records++;
    x->shown++;
    return 0;
}

int cmd_status_trouble(struct agent *a, struct out *t, char unusable[GF_WORD_MAX + 1],
                       char rejected[GF_WORD_MAX + 1], struct gf_err *e) {
    struct trouble x = {.store = a->store};

    /* Walks what can be in trouble only where there is something. */
    if (store_walk(a->store, STORE_REJECTED, NULL, note_trouble, &x, e) == -1 ||
        store_walk(a->store, STORE_DELIVERED, "license", note_trouble, &x, e) == -1 ||
        store_walk(a->store, STORE_DELIVERED, "updates", note_trouble, &x, e) == -1)
        return -1;
    (void)snprintf(unusable, GF_WORD_MAX + 1, "%s", x.unusable);
    if (x.rejected_at > a->now - (int64_t)REJECTED_DAYS * 86400)
        (void)snprintf(rejected, GF_WORD_MAX + 1, "%s", x.rejected);
    out_open(t, "trouble", '[');
    for (int64_t i = x.n > REASONS_MAX ? x.n - REASONS_MAX : 0; i < x.n; i++) {
        size_t at = (size_t)(i % REASONS_MAX);
        const char *what = x.last[at].rejected ? "rejected" : "unusable";
        out_open(t, NULL, '{');
        out_str(t, "record", x.last[at].id);
        out_str(t, "channel", x.last[at].channel);
        out_str(t, "what", what);
        out_str(t, "reason", x.last[at].reason);
        out_int(t, "records", x.last[at].records);
        out_close(t, '}');
        out_text(t, "%-10s %s %s", what, x.last[at].channel, x.last[at].id);
        if (x.last[at].records > 1)
            out_text(t, " and %lld before it", (long long)x.last[at].records - 1);
        out_text(t, ": ");
        out_safe(t, x.last[at].reason);
        out_text(t, "\n");
    }
    out_close(t, ']');
    if (x.records > x.shown)
        out_text(t, "           and %lld more\n", (long long)(x.records - x.shown));
    return 0;
}
