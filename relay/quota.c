/*
 * quota.c -- how much one sender may bring.
 */
#include "relay/quota.h"

#include <stdlib.h>
#include <string.h>

#include "common/nearest.h"
#include "relay/agents.h"
#include "relay/ledger/ledger_operator.h"

#define AGAIN 3600 /* seconds after which a caller asks again, at most */

#define COUNT_MAX 1000000000

struct quota {
    int64_t bundles, bytes, pending; /* 0: no limit */
};

/* What a section says, over what stands there already. */
static int read_section(const struct config *c, const char *section, const char *name,
                        struct quota *q, struct gf_err *e) {
    return config_int(c, section, name, "quota_bundles_per_day", 0, COUNT_MAX, &q->bundles, e) ==
                       -1 ||
                   config_size(c, section, name, "quota_bytes", &q->bytes, e) == -1 ||
                   config_int(c, section, name, "quota_pending", 0, COUNT_MAX, &q->pending, e) == -1
               ? -1
               : 0;
}

static int read_quota(const struct relay *r, const struct gf_hash *sender, struct quota *q,
                      struct gf_err *e) {
    const char *own = NULL;

    *q = (struct quota){0};
    if (r->config == NULL)
        return 0;
    if (read_section(r->config, "relay", NULL, q, e) == -1 ||
        agents_section(r, sender, &own, e) == -1)
        return -1;
    return own != NULL ? read_section(r->config, "agent", own, q, e) : 0;
}

int quota_check(const struct config *c, struct gf_err *e) {
    char spelled[GF_FINGERPRINT_TEXT];
    struct quota q = {0};
    const char *name;
    int64_t keep = 0;

    if (read_section(c, "relay", NULL, &q, e) == -1 ||
        config_size(c, "relay", NULL, "keep_free", &keep, e) == -1)
        return -1;
    for (size_t i = 0; (name = config_name(c, "agent", i)) != NULL; i++) {
        if (gf_card_fingerprint_spell(name, spelled) == -1)
            return gf_err_set(e, GF_E_CONFIG,
                              "%s: [agent \"%s\"]: is not a fingerprint; it has five groups of "
                              "four, such as ABCD-EFGH-IJKL-MNOP-QRST (gapferry-relay agents)",
                              config_where(c, "agent", name), name);
        const char *called = config_get(c, "agent", name, "name");
        if (called != NULL && (called[0] == '\0' || strlen(called) > GF_WORD_MAX))
            return gf_err_set(e, GF_E_CONFIG, "%s: [agent \"%s\"]: name must have 1 to %d bytes",
                              config_where(c, "agent", name), name, GF_WORD_MAX);
        if (read_section(c, "agent", name, &q, e) == -1)
            return -1;
    }
    return 0;
}

int quota_doubt(const struct config *c, size_t i, char (*known)[GF_FINGERPRINT_TEXT], size_t n,
                struct gf_err *warning) {
    const char *name = config_name(c, "agent", i), *near = NULL;
    char spelled[GF_FINGERPRINT_TEXT];
    size_t best = (size_t)-1;

    if (name == NULL || gf_card_fingerprint_spell(name, spelled) == -1)
        return 0;
    for (size_t k = 0; k < n; k++) {
        if (strcmp(known[k], spelled) == 0)
            return 0;
        if (nearest_is(spelled, known[k], &best))
            near = known[k];
    }
    (void)gf_err_set(warning, GF_E_CONFIG, "%s: [agent \"%s\"] is nobody who was let in here%s%s%s",
                     config_where(c, "agent", name), name, near != NULL ? "; did you mean " : "",
                     near != NULL ? near : "", near != NULL ? "?" : "");
    return 1;
}

/* The same of one without records. */
static int is_flood(const struct ledger_usage *u, const char **rule, struct gf_err *why) {
    if (u->bare < QUOTA_BARE)
        return 0;
    *rule = "quota_bundles_per_day";
    (void)gf_err_set(why, GF_E_LIMIT,
                     "this sender has brought %lld bundles without records in 24 hours, and more "
                     "than %d are taken from nobody",
                     (long long)u->bare, QUOTA_BARE);
    return 1;
}

/* 1 and the rule, with *why, if this bundle is beyond it. */
static int is_beyond(const struct quota *q, const struct ledger_usage *u, int64_t size,
                     const char **rule, struct gf_err *why) {
    if (q->bundles > 0 && u->bundles >= q->bundles) {
        *rule = "quota_bundles_per_day";
        (void)gf_err_set(why, GF_E_LIMIT,
                         "this sender has brought %lld bundles in 24 hours, and its quota is %lld "
                         "(quota_bundles_per_day)",
                         (long long)u->bundles, (long long)q->bundles);
        return 1;
    }
    /* One that is larger than the whole quota would never come. */
    if (q->bytes > 0 && u->bytes > 0 && u->bytes + size > q->bytes) {
        *rule = "quota_bytes";
        (void)gf_err_set(why, GF_E_LIMIT,
                         "this sender has brought %lld bytes in 24 hours, and with this bundle of "
                         "%lld it is beyond its quota of %lld (quota_bytes)",
                         (long long)u->bytes, (long long)size, (long long)q->bytes);
        return 1;
    }
    if (q->pending > 0 && u->open >= q->pending) {
        *rule = "quota_pending";
        (void)gf_err_set(why, GF_E_LIMIT,
                         "as many records of this sender wait here as its quota allows, which is "
                         "%lld (quota_pending)",
                         (long long)q->pending);
        return 1;
    }
    return 0;
}

int quota_is_over(const struct relay *r, const struct quota_bundle *b, int64_t now,
                  int64_t *seconds, struct gf_err *why, struct gf_err *e) {
    const char *rule = NULL;
    struct ledger_usage u;
    struct quota q;

    if (read_quota(r, b->sender, &q, e) == -1)
        return -1;
    if (q.bundles + q.bytes + q.pending == 0)
        return 0;
    if (ledger_usage(r->ledger, b->sender, now, q.pending, &u, e) == -1)
        return -1;
    int bare = b->no_records && b->size <= QUOTA_BARE_MAX;
    if (bare ? !is_flood(&u, &rule, why) : !is_beyond(&q, &u, b->size, &rule, why))
        return 0;
    *seconds = AGAIN;
    if (u.oldest > 0 && u.oldest + LEDGER_USAGE_SPAN - now < AGAIN)
        *seconds = u.oldest + LEDGER_USAGE_SPAN - now > 0 ? u.oldest + LEDGER_USAGE_SPAN - now : 1;
    return ledger_turn_away(r->ledger, b->sender, b->digest, b->size, rule, now, e) == -1 ? -1 : 1;
}
