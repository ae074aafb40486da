/*
 * installed_keygen.c -- Keygen's files as licences of this agent: by which vendor, with which key,
 * on which machine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/command.h"
#include "agent/license/installed.h"
#include "agent/vendors.h"

/* ---- what opens a file ---- */

void installed_keygen_pack(const struct installed_secret *s, struct gf_buf *out) {
    gf_buf_printf(out, "%s\n%s\n%s\n", s->key, s->fingerprint, s->factor);
}

/* Take a line off the front. */
static int unpack_line(const char **at, const char *end, char *out, size_t room) {
    const char *lf = memchr(*at, '\n', (size_t)(end - *at));
    size_t n = lf ? (size_t)(lf - *at) : 0;

    if (!lf || n >= room)
        return -1;
    memcpy(out, *at, n);
    out[n] = '\0';
    *at = lf + 1;
    return 0;
}

int installed_keygen_unpack(const char *text, size_t len, struct installed_secret *out,
                            struct gf_err *e) {
    const char *at = text, *end = text + len;

    if (unpack_line(&at, end, out->key, sizeof out->key) == -1 ||
        unpack_line(&at, end, out->fingerprint, sizeof out->fingerprint) == -1 ||
        unpack_line(&at, end, out->factor, sizeof out->factor) == -1 || at != end)
        return gf_err_set(e, GF_E_DAMAGED, "what opens a licence file is damaged in the store");
    return 0;
}

/* ---- by which vendor ---- */

struct trying {
    const char *text;
    size_t len;
    const char *key;
    const struct vendor *vendors;
    size_t n, tried;
    const char *fingerprint; /* what is tried now */
    struct installed_document *out;
};

static const char *or_null(const char *text) {
    return text[0] ? text : NULL;
}

static int try_vendor(void *arg, const struct gf_sign_public *key, struct gf_err *e) {
    const struct trying *t = arg;

    return keygen_parse(t->text, t->len, key->pk, t->key, t->fingerprint, &t->out->license,
                        &t->out->keygen, e);
}

/* Whoever has signed it is the only one whose other errors count. */
static int try_vendors(struct trying *t, const char *fingerprint, struct installed_document *out,
                       struct gf_err *e) {
    t->fingerprint = fingerprint;
    t->out = out;
    return vendors_each(t->vendors, t->n, STORE_DUTY_KEYGEN, try_vendor, t, &t->tried, e);
}

/* ---- on which machine ---- */

/* The factor of this machine whose digest is written thus; NULL if there is none. */
static const struct license_factor *factor_of(const struct installed_machine *m,
                                              const char *fingerprint) {
    char hex[GF_HASH_TEXT];

    for (size_t i = 0; i < m->n; i++) {
        gf_text_hex(m->factors[i].digest.b, sizeof m->factors[i].digest.b, hex);
        if (strcmp(hex, fingerprint) == 0)
            return &m->factors[i];
    }
    return NULL;
}

/* The fingerprint is this machine's: the vendor took it from our request. One that is not encrypted
 * says its own. */
static int try_factors(struct trying *t, const struct installed_machine *m,
                       struct installed_document *out, struct gf_err *e) {
    char hex[GF_HASH_TEXT];

    int rc = try_vendors(t, NULL, out, e);
    if (rc == 0)
        return factor_of(m, out->keygen.fingerprint)
                   ? 0
                   : gf_err_set(e, GF_E_LICENSE, "is for another machine");
    for (size_t i = 0; i < m->n && rc == -1 && e->code == GF_E_UNWRAP; i++) {
        gf_text_hex(m->factors[i].digest.b, sizeof m->factors[i].digest.b, hex);
        rc = try_vendors(t, hex, out, e);
    }
    return rc;
}

/* A machine file that no fingerprint of ours or of the person opens, or fits. */
static int refuse_machine(struct trying *t, const struct installed_secret *s,
                          struct installed_document *out, int *elsewhere, struct gf_err *e) {
    struct gf_err first = *e;

    if (try_vendors(t, NULL, out, e) == 0) {
        *elsewhere = 1;
        return gf_err_set(
            e, GF_E_LICENSE, "licence %s: is for the machine with fingerprint %.80s%s",
            out->license.id, out->keygen.fingerprint,
            s->fingerprint[0] ? ", and another one was given"
                              : "; if that is this one, say so: --fingerprint FINGERPRINT");
    }
    *e = first;
    if (e->code != GF_E_UNWRAP || s->fingerprint[0] || !s->key[0])
        return -1;
    return gf_err_set(e, GF_E_UNWRAP,
                      "machine file: does not open with this licence key and a fingerprint of this "
                      "machine: check --key, and give the machine's --fingerprint as its vendor "
                      "knows it; it may be for another machine");
}

static int read_file(struct trying *t, const struct installed_machine *m,
                     const struct installed_secret *s, struct installed_document *out,
                     int *elsewhere, struct gf_err *e) {
    static const char machine[] = "-----BEGIN MACHINE";
    int is_machine = t->len >= sizeof machine && memcmp(t->text, machine, sizeof machine - 1) == 0;

    if (!is_machine || s->fingerprint[0]) {
        if (try_vendors(t, or_null(s->fingerprint), out, e) == 0)
            return 0;
    } else if (try_factors(t, m, out, e) == 0) {
        return 0;
    }
    int doubt = is_machine && (e->code == GF_E_LICENSE || e->code == GF_E_UNWRAP);
    return doubt ? refuse_machine(t, s, out, elsewhere, e) : -1;
}

/* Bound to a factor it moves to no other machine. */
static void bind_to(struct installed_document *d, const struct installed_machine *m, int stored) {
    const struct license_factor *f = stored ? NULL : factor_of(m, d->keygen.fingerprint);
    struct license_factor *bound = &d->license.factors[0];

    if (f)
        memcpy(d->secret.factor, f->name, sizeof f->name);
    (void)snprintf(d->secret.fingerprint, sizeof d->secret.fingerprint, "%s",
                   d->keygen.fingerprint);
    if (!d->secret.factor[0] || gf_text_unhex(d->keygen.fingerprint, strlen(d->keygen.fingerprint),
                                              bound->digest.b, sizeof bound->digest.b) == -1)
        return;
    memcpy(bound->name, d->secret.factor, sizeof bound->name);
    d->license.nfactors = 1;
    d->license.k = 1;
}

int installed_keygen(struct agent *a, const struct installed_file *f,
                     struct installed_document *out, int *elsewhere, struct gf_err *e) {
    struct installed_document d = {.is_keygen = 1};
    struct vendor *vendors = NULL;
    struct installed_machine m;
    char self[COMMAND_SELF];
    size_t n = 0;

    *elsewhere = 0;
    if (f->secret)
        d.secret = *f->secret;
    if (installed_machine(a, &m, e) == -1 || vendors_all(a, &vendors, &n, e) == -1)
        return -1;
    const struct installed_secret given = d.secret;
    struct trying t = {
        .text = f->text, .len = f->len, .key = or_null(given.key), .vendors = vendors, .n = n};
    int rc = read_file(&t, &m, &given, &d, elsewhere, e);
    free(vendors);
    if (t.tried == 0)
        return gf_err_set(e, GF_E_SENDER,
                          "no vendor is trusted with licences of this form yet: %s trust --keygen "
                          "PUBLICKEY --name VENDOR, or install it with --vendor-key PUBLICKEY",
                          command_self(a, self));
    if (rc == -1 && e->code == GF_E_UNWRAP)
        e->code = GF_E_LICENSE;
    if (rc == -1)
        return -1;
    memcpy(d.scope, d.license.product, sizeof d.scope);
    if (f->product)
        (void)snprintf(d.license.product, sizeof d.license.product, "%s", f->product);
    if (d.keygen.machine)
        bind_to(&d, &m, f->stored);
    *out = d;
    return 0;
}
