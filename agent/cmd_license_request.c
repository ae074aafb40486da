/*
 * cmd_license_request.c -- `license request | renew | repair`: asking a vendor for a licence, for
 * the first time or in the place of one.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cmd_license.h"
#include "agent/license/asked.h"
#include "agent/vendors.h"
#include "gapferry/digest.h"
#include "gapferry/file.h"

/* A request on its way into the queue. */
struct asking {
    struct license_wish wish;
    struct gf_record record;
    struct asked before; /* what a renewal asks for again */
    int64_t open;        /* since when the same waits already; 0: it is new */
    struct gf_buf counts, proof, body;
    char sign[GF_SIGN_PUBLIC_TEXT];
};

static void begin(struct asking *k) {
    *k = (struct asking){.wish = {.product = NULL}};
    gf_buf_init(&k->counts, 65536);
    gf_buf_init(&k->proof, LICENSE_PROOF_MAX);
    gf_buf_init(&k->body, GF_LINE_MAX);
}

static void end(struct asking *k) {
    gf_buf_free(&k->counts);
    gf_buf_free(&k->proof);
    gf_buf_free(&k->body);
}

/* What the command line says, and where it says nothing, what was asked for before. */
static const char *option_or(const struct options *o, const char *name, const char *before) {
    const char *value = options_value(o, name);
    return value ? value : before[0] ? before : NULL;
}

static int read_options(const struct agent *a, const struct options *o, struct asking *k,
                        struct gf_err *e) {
    for (size_t i = 0; i < options_count(o, "count"); i++)
        gf_buf_printf(&k->counts, "%s%s", i ? "\n" : "", options_nth(o, "count", i));
    if (options_count(o, "count") == 0)
        gf_buf_text(&k->counts, k->before.counts);
    k->wish.version = option_or(o, "version", k->before.version);
    k->wish.key = option_or(o, "key", k->before.key);
    k->wish.contact = option_or(o, "contact", k->before.contact);
    k->wish.counts = k->counts.data;
    gf_key_sign_public_line(gf_key_sign_public(a->id.sign), k->sign);
    k->wish.sign = k->sign;
    gf_digest_random(k->wish.nonce.b, sizeof k->wish.nonce.b);
    return gf_buf_check(&k->counts, "--count", e);
}

/* Record and nonce stand or fall together: an answer must find what it answers. */
static int queue(struct agent *a, struct asking *k, struct gf_err *e) {
    struct installed_machine m;
    struct gf_record *r = &k->record;

    if (installed_machine(a, &m, e) == -1 || command_record(a, r, e) == -1 ||
        license_request(&k->wish, m.factors, m.n, &k->body, e) == -1)
        return -1;
    r->channel = "license";
    r->product = k->wish.product;
    r->type = LICENSE_REQUEST_TYPE;
    r->answer = 1;
    r->body = (struct gf_body){GF_BODY_TEXT, k->body.data, k->body.len};
    if (store_begin(a->store, e) == -1)
        return -1;
    int rc = store_add(a->store, r, a->now, e);
    if (rc == 0)
        rc = store_license_request(a->store, &r->id, r->product, &k->wish.nonce, a->now, e);
    return store_end(a->store, rc, e);
}

/* 1 and the record if exactly this was asked for and nobody has answered yet: a second request may
 * cost a second licence. Where licences move, or a machine has changed, each is one of its own. */
static int find_open(struct agent *a, const struct options *o, struct asking *k, struct gf_err *e) {
    const int repairs = k->wish.why && strcmp(k->wish.why, "repair") == 0;

    return repairs || options_count(o, "again") || options_count(o, "license") ||
                   options_count(o, "proof")
               ? 0
               : asked_open(a, &k->wish, &k->record.id, &k->open, e);
}

/* Asked anew, unless exactly this waits already. */
static int queue_once(struct agent *a, const struct options *o, struct asking *k,
                      struct gf_err *e) {
    int open = find_open(a, o, k, e);

    return open == 0 ? queue(a, k, e) : open == 1 ? 0 : -1;
}

/* The last line of each of these commands: the record's id. `t` may hold facts already. */
static int tell(struct agent *a, struct out *t, const struct asking *k, struct gf_err *e) {
    char id[GF_UUID_TEXT];

    int vendor = vendors_any(a, STORE_DUTY_LICENSE | STORE_DUTY_KEYGEN, e);
    if (vendor == -1)
        return -1;
    gf_text_uuid(&k->record.id, id);
    out_str(t, "record", id);
    out_str(t, "product", k->wish.product);
    out_bool(t, "vendor_trusted", vendor);
    out_time(t, "asked_already", k->open != 0, k->open);
    out_text(t, "%s\n", id);
    if (out_end(t, e) == -1)
        return -1;
    if (k->open != 0) {
        char since[GF_TIME_TEXT];
        gf_text_time(k->open, since);
        (void)fprintf(stderr,
                      COMMAND_PROGRAM ": asked already: this request waits since %s; nothing new "
                                      "was queued (--again asks once more)\n",
                      since);
    }
    if (!vendor)
        vendors_warn(a, STORE_DUTY_LICENSE);
    command_next(a, "sync DRIVE");
    return 0;
}

/* ---- request ---- */

/* A licence that ran elsewhere, and the proof that it does not any more. */
static int read_transfer(const struct options *o, struct asking *k, struct gf_err *e) {
    const char *path = options_value(o, "proof");
    struct gf_document d;

    k->wish.renews = options_value(o, "license");
    k->wish.why = "transfer";
    if (!path)
        return 0;
    if (!k->wish.renews)
        return gf_err_set(e, GF_E_USAGE,
                          "license request: --proof proves that a licence was deactivated; say "
                          "which: --license ID");
    if (COMMAND_REACH(gf_file_load(AT_FDCWD, path, LICENSE_PROOF_MAX, &k->proof, e)) == -1)
        return -1;
    k->wish.proof = k->proof.data ? k->proof.data : "";
    return gf_document_split(k->wish.proof, k->proof.len, LICENSE_PROOF_MAX, path, &d, e);
}

int cmd_license_request(struct agent *a, const struct options *o, struct gf_err *e) {
    struct asking k;
    struct out t;

    if (!options_value(o, "product") || !options_value(o, "key"))
        return gf_err_set(e, GF_E_USAGE,
                          "license request: --product PRODUCT and --key KEY are "
                          "needed");
    begin(&k);
    k.wish.product = options_value(o, "product");
    int rc = read_options(a, o, &k, e);
    if (rc == 0)
        rc = read_transfer(o, &k, e);
    if (rc == 0)
        rc = queue_once(a, o, &k, e);
    if (rc == 0) {
        out_begin(&t, o);
        rc = tell(a, &t, &k, e);
        out_free(&t);
    }
    end(&k);
    return rc;
}

/* ---- renew and repair: the same product and key again, for a licence that is there ---- */

static int ask_again(struct agent *a, const struct options *o, const struct installed *l,
                     const char *why, struct asking *k, struct gf_err *e) {
    if (asked_last(a, l->product, &k->before, e) == -1)
        return -1;
    if (!k->before.key[0])
        memcpy(k->before.key, l->document.secret.key, sizeof k->before.key);
    k->wish.product = l->product;
    k->wish.renews = l->document.license.id;
    k->wish.why = why;
    if (read_options(a, o, k, e) == -1)
        return -1;
    if (!k->wish.key)
        return gf_err_set(
            e, GF_E_USAGE,
            "license: no request for %s is known here (any more): say the licence key that "
            "the vendor gave you: --key KEY",
            l->product);
    return queue_once(a, o, k, e);
}

int cmd_license_renew(struct agent *a, const struct options *o, int *status, struct gf_err *e) {
    char words[INSTALLED_WORDS];
    struct installed l;
    struct asking k;
    struct out t;

    int found = cmd_license_pick(a, o, "renew", &l, status, e);
    if (found != 1)
        return found;
    begin(&k);
    int rc = ask_again(a, o, &l, "renewal", &k, e);
    if (rc == 0) {
        installed_words(&l, words);
        out_begin(&t, o);
        out_str(&t, "renews", l.document.license.id);
        out_text(&t, "licence ");
        out_safe(&t, l.document.license.id);
        int ended = l.document.license.has_expires && l.document.license.expires <= a->now;
        out_text(&t,
                 ended ? " has ended; a new one is asked for: %s\n"
                       : " stays in force until the new one is here: %s\n",
                 words);
        rc = tell(a, &t, &k, e);
        out_free(&t);
    }
    end(&k);
    return rc;
}

/* How a factor of the licence stands on this machine. */
static const char *compare(const struct license_factor *f, const struct installed_machine *m) {
    for (size_t i = 0; i < m->n; i++) {
        if (strcmp(m->factors[i].name, f->name) == 0)
            return gf_digest_equal(m->factors[i].digest.b, f->digest.b, sizeof f->digest.b)
                       ? "matches"
                       : "changed";
    }
    return "missing";
}

static void explain(struct out *t, const struct installed *l, const struct installed_machine *m) {
    const struct license *of = &l->document.license;

    out_str(t, "renews", of->id);
    out_int(t, "factors_needed", of->k);
    out_int(t, "factors_matching", l->verdict.matching);
    out_open(t, "factors", '[');
    for (size_t i = 0; i < of->nfactors; i++) {
        const char *how = compare(&of->factors[i], m);
        out_open(t, NULL, '{');
        out_str(t, "name", of->factors[i].name);
        out_str(t, "is", how);
        out_close(t, '}');
        out_text(t, "%-12s %s\n", of->factors[i].name, how);
    }
    out_close(t, ']');
    out_text(t, "%lld of its %zu factors match, %lld must\n", (long long)l->verdict.matching,
             of->nfactors, (long long)of->k);
}

int cmd_license_repair(struct agent *a, const struct options *o, int *status, struct gf_err *e) {
    struct installed_machine m;
    struct installed l;
    struct asking k;
    struct out t;

    int found = cmd_license_pick(a, o, "repair", &l, status, e);
    if (found != 1 || installed_machine(a, &m, e) == -1)
        return found == 1 ? -1 : found;
    const struct license *of = &l.document.license;
    begin(&k);
    out_begin(&t, o);
    explain(&t, &l, &m);
    int whole = l.verdict.matching == (int64_t)of->nfactors && !options_count(o, "force");
    int rc = 0;
    if (whole) {
        out_str(&t, "record", NULL);
        out_text(&t, "nothing to repair: %s\n",
                 of->nfactors ? "this is the machine that it was made for"
                              : "it is not bound to a machine");
        rc = out_end(&t, e);
    } else {
        rc = ask_again(a, o, &l, "repair", &k, e);
        if (rc == 0)
            rc = tell(a, &t, &k, e);
    }
    out_free(&t);
    end(&k);
    return rc;
}
