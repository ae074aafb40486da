/*
 * ledger_chain.c -- reading the chain of what was done: does each line hold, and all of them for
 * who keeps a copy elsewhere.
 */
#include <string.h>

#include "common/chain_head.h"
#include "gapferry/digest.h"
#include "relay/ledger/ledger_internal.h"

#define HEAD "audit.head"

int ledger_chain(struct ledger *l, int64_t since, ledger_each_link *fn, void *arg,
                 struct gf_err *e) {
    struct ledger_link x = {.n = 0};
    char from[GF_TIME_TEXT];
    struct db_query q;

    /* Each line begins with {"at":"TIME", and times of one form sort as texts. */
    gf_text_time(since, from);
    int rc = db_query(&l->db, &q, e,
                      "SELECT n, line, hash FROM audit WHERE substr(line, 8, 20) >= ? ORDER BY n",
                      "t", since > 0 ? from : "");
    while (rc == 0 && (rc = db_next(&q, e)) == 1) {
        const char *line = db_text(&q, 1);
        x.n = db_int(&q, 0);
        x.line = line != NULL ? line : "";
        x.has_hash = db_fixed(&q, 2, &x.hash, sizeof x.hash) == 0;
        rc = fn(arg, &x, e);
    }
    db_done(&q);
    return rc;
}

/* How far the chain was followed, and what the head outside says of it. */
struct following {
    struct ledger *l;
    int64_t n;
    struct gf_hash hash;
    int64_t head; /* its number; 0: there is none */
    struct gf_hash head_hash;
};

static int fail_at(const struct following *f, int64_t n, const char *why, struct gf_err *e) {
    return gf_err_set(e, GF_E_DAMAGED,
                      "%s: line %lld of the audit log does not hold: %s. The lines before it do. "
                      "Keep a copy of relay.db as evidence, and compare with an earlier export or "
                      "backup",
                      f->l->db.path, (long long)n, why);
}

static int follow(void *arg, const struct ledger_link *x, struct gf_err *e) {
    struct following *f = arg;
    struct gf_hash is;

    if (x->n != f->n + 1)
        return fail_at(f, f->n + 1, "it is missing", e);
    char text[sizeof f->hash + LEDGER_LINK_MAX];
    size_t len = strlen(x->line);
    if (len >= LEDGER_LINK_MAX || !x->has_hash)
        return fail_at(f, x->n, "it has another form", e);
    memcpy(text, f->hash.b, sizeof f->hash);
    memcpy(text + sizeof f->hash, x->line, len);
    gf_digest_256(text, sizeof f->hash + len, &is);
    if (memcmp(&is, &x->hash, sizeof is) != 0)
        return fail_at(f, x->n, "its hash is not that of the line and the hash before it", e);
    f->n = x->n;
    f->hash = x->hash;
    if (f->n == f->head && memcmp(&f->hash, &f->head_hash, sizeof f->hash) != 0)
        return fail_at(f, x->n, HEAD " beside relay.db has another hash for it", e);
    return 0;
}

int ledger_chain_verify(struct ledger *l, int64_t *n, struct gf_hash *newest, struct gf_err *e) {
    struct following f = {.l = l};

    int rc = chain_head_load(l->dir_fd, HEAD, &f.head, &f.head_hash, e);
    if (rc == -1)
        return gf_err_prefix(e, "%s", l->dir);
    if (ledger_chain(l, 0, follow, &f, e) == -1)
        return -1;
    if (f.n < f.head)
        return fail_at(&f, f.n + 1, "it is missing, though " HEAD " beside relay.db knows of it",
                       e);
    if (rc == 0 && f.n > 0)
        return gf_err_set(e, GF_E_DAMAGED,
                          "%s/" HEAD ": is missing, so nobody can tell whether lines were cut off",
                          l->dir);
    *n = f.n;
    *newest = f.hash;
    return 0;
}
