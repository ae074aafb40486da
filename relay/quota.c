/*
 * quota.c -- how much one sender may bring.
 */
#include "relay/quota.h"

#include "relay/ledger/ledger_operator.h"

#define DAY   86400
#define AGAIN 3600 /* seconds after which a caller asks again, at most */

struct quota {
    int64_t bundles, bytes, pending; /* 0: no limit */
};

static int read_quota(const struct config *c, struct quota *q, struct gf_err *e) {
    *q = (struct quota){0};
    if (c == NULL)
        return 0;
    return config_int(c, "relay", NULL, "quota_bundles_per_day", 0, 1000000000, &q->bundles, e) ==
                       -1 ||
                   config_size(c, "relay", NULL, "quota_bytes", &q->bytes, e) == -1 ||
                   config_int(c, "relay", NULL, "quota_pending", 0, 1000000000, &q->pending, e) ==
                       -1
               ? -1
               : 0;
}

int quota_check(const struct config *c, struct gf_err *e) {
    struct quota q;
    int64_t keep = 0;

    return read_quota(c, &q, e) == -1 || config_size(c, "relay", NULL, "keep_free", &keep, e) == -1
               ? -1
               : 0;
}

int quota_is_over(const struct relay *r, const struct gf_hash *sender, int64_t size, int64_t now,
                  int64_t *seconds, struct gf_err *why, struct gf_err *e) {
    struct ledger_usage u;
    struct quota q;

    if (read_quota(r->config, &q, e) == -1)
        return -1;
    if (q.bundles + q.bytes + q.pending == 0)
        return 0;
    if (ledger_usage(r->ledger, sender, now - DAY, q.pending, &u, e) == -1)
        return -1;
    *seconds = AGAIN;
    if (u.oldest > 0 && u.oldest + DAY - now < AGAIN)
        *seconds = u.oldest + DAY - now > 0 ? u.oldest + DAY - now : 1;
    if (q.bundles > 0 && u.bundles >= q.bundles)
        (void)gf_err_set(why, GF_E_LIMIT,
                         "this sender has brought %lld bundles in 24 hours, which is its quota "
                         "(quota_bundles_per_day)",
                         (long long)u.bundles);
    /* One that is larger than the whole quota would never come. */
    else if (q.bytes > 0 && u.bytes > 0 && u.bytes + size > q.bytes)
        (void)gf_err_set(why, GF_E_LIMIT,
                         "this sender has brought %lld bytes in 24 hours, and with this bundle of "
                         "%lld it is beyond its quota (quota_bytes)",
                         (long long)u.bytes, (long long)size);
    else if (q.pending > 0 && u.open >= q.pending)
        (void)gf_err_set(why, GF_E_LIMIT,
                         "%lld records of this sender wait here, which is its quota "
                         "(quota_pending)",
                         (long long)u.open);
    else
        return 0;
    return 1;
}
