/*
 * cmd_license_deactivate.c -- `license deactivate`: this machine gives a licence up, for good.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "agent/cmd_license.h"
#include "agent/history.h"
#include "agent/license/gone.h"
#include "agent/license/proof.h"
#include "gapferry/file.h"

static int note(struct agent *a, const struct installed_document *d, struct gf_err *e) {
    struct history_line h;

    history_begin(&h, a, "license-deactivated");
    history_text(&h, "license", d->license.id);
    history_text(&h, "product", d->license.product);
    return history_end(&h, a, e);
}

/* The proof is in the queue, the licence gone and never accepted again: all of it or nothing. */
static int give_up(struct agent *a, const struct installed *l, const struct gf_record *r,
                   struct gf_err *e) {
    char user[65];

    command_user(user);
    const struct store_gone gone = {.id = l->document.license.id,
                                    .product = l->document.scope,
                                    .installed_as = l->product,
                                    .record = r->id,
                                    .user = user,
                                    .at = a->now};
    if (store_begin(a->store, e) == -1)
        return -1;
    int rc = store_add(a->store, r, a->now, e);
    if (rc == 0)
        rc = store_end_license(a->store, &gone, e);
    if (rc == 0)
        rc = note(a, &l->document, e);
    return store_end(a->store, rc, e);
}

static int tell(struct agent *a, const struct options *o, const struct installed *l,
                const struct gf_record *r, struct gf_err *e) {
    const char *path = options_value(o, "proof");
    char id[GF_UUID_TEXT];
    struct out t;

    gf_text_uuid(&r->id, id);
    out_begin(&t, o);
    out_str(&t, "product", l->product);
    out_str(&t, "license", l->document.license.id);
    out_str(&t, "record", id);
    out_str(&t, "proof", path);
    out_text(&t, "licence ");
    out_safe(&t, l->document.license.id);
    out_text(&t,
             " of product %s is deactivated: it is gone from this machine, which never accepts it "
             "again\nrecord %s tells its vendor\n",
             l->product, id);
    if (path) {
        out_text(&t, "proof ");
        out_safe(&t, path);
        out_text(&t, ": at the other machine, license request --license ");
        out_safe(&t, l->document.license.id);
        out_text(&t, " --proof FILE\n");
    }
    int rc = out_end(&t, e);
    if (rc == 0)
        command_next(a, "sync DRIVE");
    return rc;
}

/* A renewal that is under way would come back for a licence that is never accepted again. */
struct renewal {
    const char *product;
    int under_way;
};

static int find_renewal(void *arg, const struct store_record *r, struct gf_err *e) {
    struct renewal *x = arg;

    (void)e;
    x->under_way = r->product && strcmp(r->product, x->product) == 0 && r->wants_answer &&
                   !r->answered && r->state != STORE_REJECTED && r->state != STORE_EXPIRED;
    return x->under_way;
}

static void warn(const struct installed *l, int renewal) {
    struct gf_buf id;

    gf_buf_init(&id, 4096);
    gf_text_safe(&id, l->document.license.id, strlen(l->document.license.id));
    (void)fprintf(stderr,
                  "This gives up licence %s of product %s, for good: this machine never accepts it "
                  "again, and the vendor is told.\n",
                  id.data ? id.data : "", l->product);
    gf_buf_free(&id);
    if (renewal)
        (void)fprintf(stderr,
                      "A request for a licence of %s is under way: its answer may find "
                      "nothing to renew.\n",
                      l->product);
}

/* 0 if a person at the terminal says yes, or --yes did. */
static int confirm(struct agent *a, const struct options *o, const struct installed *l,
                   struct gf_err *e) {
    struct renewal x = {.product = l->product};
    char answer[64] = "";

    if (store_walk(a->store, -1, "license", find_renewal, &x, e) == -1)
        return -1;
    int asks = !options_count(o, "yes") && isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
    if (asks || x.under_way)
        warn(l, x.under_way);
    if (options_count(o, "yes"))
        return 0;
    if (!asks)
        return gf_err_set(e, GF_E_USAGE,
                          "license deactivate: the licence of %s is given up for good, and this "
                          "machine never accepts it again; if that is meant, repeat with --yes",
                          l->product);
    (void)fprintf(stderr, "Give it up? [yes/no] ");
    (void)fflush(stderr);
    if (fgets(answer, sizeof answer, stdin) && strcasecmp(answer, "yes\n") == 0)
        return 0;
    return gf_err_set(e, GF_E_USAGE, "license deactivate: nothing was given up, as you said");
}

int cmd_license_deactivate(struct agent *a, const struct options *o, int *status,
                           struct gf_err *e) {
    const char *path = options_value(o, "proof");
    struct installed l;
    struct gf_record r;
    struct gf_buf proof;
    struct gf_err why;

    if (!options_value(o, "product"))
        return gf_err_set(e, GF_E_USAGE,
                          "license deactivate: cannot be taken back; say which product's licence "
                          "is to be given up: --product PRODUCT");
    int found = cmd_license_pick(a, o, "deactivate", &l, status, e);
    if (found != 1)
        return found;
    if (confirm(a, o, &l, e) == -1 || command_record(a, &r, e) == -1)
        return -1;
    gf_buf_init(&proof, LICENSE_PROOF_MAX);
    int rc = proof_make(a, &l.document, &proof, e);
    /* The file first: a proof of what was not given up after all is nobody's but its owner's. */
    if (rc == 0 && path)
        rc = COMMAND_REACH(gf_file_save_new(AT_FDCWD, path, proof.data, proof.len, 0600, e));
    if (rc == 0) {
        r.channel = "license";
        r.product = l.product;
        r.type = PROOF_TYPE;
        r.body = (struct gf_body){GF_BODY_TEXT, proof.data, proof.len};
        rc = give_up(a, &l, &r, e);
    }
    if (rc == 0 && gone_save(a, &why) == -1)
        rc = gf_err_set(e, why.code,
                        "licence %s is deactivated, but a backup of agent.db would bring it back: "
                        "%.300s",
                        l.document.license.id, why.text);
    if (rc == 0)
        rc = history_seal(a, e);
    if (rc == 0)
        rc = tell(a, o, &l, &r, e);
    gf_buf_free(&proof);
    return rc;
}
