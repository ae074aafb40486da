/*
 * license.c -- licence documents: verified first, then read.
 */
#include "agent/license/license.h"

#include <string.h>

#include "common/signed.h"

/* Bytes of a licence's JSON: generous, since factors, features and counts are all bounded. */
#define JSON_MAX 65536

/* Days of warning and grace: ten years say "always". */
#define DAYS_MAX 3660

#define WARN_DAYS 30 /* where the vendor states no policy */

static const struct signed_kind kind = {"licence", "gapferry-license/1", GF_E_LICENSE, JSON_MAX};

/* 1 if the member is there at all: what may be absent is asked for only then. */
static int has(const struct gf_json_obj *o, const char *name) {
    return gf_json_has(o, name);
}

/* Names that people and scripts read, one a line: nothing in them may look like two. */
static int is_plain(const char *text) {
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f || *text == '=')
            return 0;
    }
    return 1;
}

static void put_line(struct gf_json_obj *o, const char *list, const char *name, struct gf_buf *b) {
    if (!is_plain(name))
        gf_json_fail(o, GF_E_LICENSE, "\"%s\": a name may have no control character and no '='",
                     list);
    gf_buf_text(b, name);
}

/* Copy what was collected in lines, if it fits. */
static void keep_lines(struct gf_json_obj *o, const char *list, struct gf_buf *b, char *out,
                       size_t room) {
    if (b->failed || b->len >= room)
        gf_json_fail(o, GF_E_LICENSE, "\"%s\" is longer than %zu bytes", list, room - 1);
    else if (b->len > 0)
        memcpy(out, b->data, b->len + 1);
    gf_buf_free(b);
}

static void read_features(struct gf_json_obj *o, struct license *l) {
    struct gf_buf lines;
    size_t n;

    gf_buf_init(&lines, sizeof l->features);
    gf_json_array(o, "features", GF_JSON_MEMBERS_MAX, &n);
    for (size_t i = 0; i < n; i++) {
        const char *name = "";
        if (gf_json_item_str(o, "features", i, 1, GF_WORD_MAX, &name)) {
            put_line(o, "features", name, &lines);
            gf_buf_byte(&lines, '\n');
        }
    }
    keep_lines(o, "features", &lines, l->features, sizeof l->features);
}

/* The counts; an object has its own errors, which the caller ends. */
static int read_counts(struct gf_json_obj *o, struct license *l, struct gf_err *e) {
    struct gf_json_obj counts;
    struct gf_buf lines;
    const char *name;
    int64_t value;

    gf_buf_init(&lines, sizeof l->counts);
    gf_json_obj_opt(o, "counts", &counts);
    for (size_t i = 0; gf_json_each_int(&counts, i, 0, GF_JSON_INT_MAX, &name, &value); i++) {
        put_line(&counts, "counts", name, &lines);
        gf_buf_printf(&lines, "=%lld\n", (long long)value);
    }
    keep_lines(&counts, "counts", &lines, l->counts, sizeof l->counts);
    return gf_json_end(&counts, e);
}

static int read_fingerprint(struct gf_json_obj *o, struct license *l, struct gf_err *e) {
    struct gf_json_obj fingerprint, factors;
    const char *name, *hex;

    if (!gf_json_obj_opt(o, "fingerprint", &fingerprint))
        return gf_json_end(&fingerprint, e);
    gf_json_int(&fingerprint, "k", 1, LICENSE_FACTORS_MAX, &l->k);
    gf_json_obj(&fingerprint, "factors", &factors);
    for (size_t i = 0; gf_json_each_str(&factors, i, &name, &hex); i++) {
        struct license_factor *f = &l->factors[l->nfactors];
        if (l->nfactors == LICENSE_FACTORS_MAX) {
            gf_json_fail(&factors, GF_E_LICENSE, "more than %d factors", LICENSE_FACTORS_MAX);
            break;
        }
        if (!gf_text_is_word(name, strlen(name), GF_WORD_MAX) ||
            gf_text_unhex(hex, strlen(hex), f->digest.b, sizeof f->digest.b) == -1) {
            gf_json_fail(&factors, GF_E_LICENSE,
                         "\"%s\": a factor is a name of [a-z0-9.-] and 64 lower-case hex digits",
                         name);
            break;
        }
        memcpy(f->name, name, strlen(name) + 1);
        l->nfactors++;
    }
    if (l->k > (int64_t)l->nfactors && factors.err.code == GF_OK)
        gf_json_fail(&fingerprint, GF_E_LICENSE,
                     "asks for %lld matching factors and has %zu: no machine could have them",
                     (long long)l->k, l->nfactors);
    return gf_json_end(&factors, e) == -1 ? -1 : gf_json_end(&fingerprint, e);
}

static int read_policy(struct gf_json_obj *o, struct license *l, struct gf_err *e) {
    static const char *const thens[] = {"warn", "block", NULL};
    struct gf_json_obj policy;
    int then = LICENSE_WARN;

    if (gf_json_obj_opt(o, "policy", &policy)) {
        gf_json_int(&policy, "warn_days", 0, DAYS_MAX, &l->warn_days);
        gf_json_int(&policy, "grace_days", 0, DAYS_MAX, &l->grace_days);
        gf_json_enum(&policy, "then", thens, &then);
        l->then = (enum license_then)then;
    }
    return gf_json_end(&policy, e);
}

static void read_texts(struct gf_json_obj *o, struct license *l) {
    const char *id = "", *product = "", *licensee = "";

    if (gf_json_str(o, "id", 1, sizeof l->id - 1, &id) && !is_plain(id))
        gf_json_fail(o, GF_E_LICENSE, "\"id\" may have no control character and no '='");
    if (gf_json_str(o, "product", 1, sizeof l->product - 1, &product) &&
        !gf_text_is_word(product, strlen(product), GF_WORD_MAX))
        gf_json_fail(o, GF_E_LICENSE, "\"product\" must be of [a-z0-9.-]");
    if (has(o, "licensee"))
        gf_json_str_opt(o, "licensee", 0, sizeof l->licensee - 1, &licensee);
    memcpy(l->id, id, strlen(id) + 1);
    memcpy(l->product, product, strlen(product) + 1);
    memcpy(l->licensee, licensee, strlen(licensee) + 1);
}

static int read_object(struct gf_json_obj *o, struct license *l, struct gf_err *e) {
    signed_check_format(&kind, o);
    if (o->err.code != GF_OK)
        return gf_json_end(o, e);
    read_texts(o, l);
    gf_json_time(o, "issued", &l->issued);
    l->has_expires = has(o, "expires") && gf_json_time_opt(o, "expires", &l->expires) == 1;
    l->has_nonce =
        has(o, "nonce") && gf_json_hex_opt(o, "nonce", l->nonce.b, sizeof l->nonce.b) == 1;
    if (has(o, "features"))
        read_features(o, l);
    if (has(o, "ext"))
        gf_json_any_obj(o, "ext");
    if ((has(o, "fingerprint") && read_fingerprint(o, l, e) == -1) ||
        (has(o, "counts") && read_counts(o, l, e) == -1) ||
        (has(o, "policy") && read_policy(o, l, e) == -1))
        return -1;
    if (l->has_expires && l->expires < l->issued)
        gf_json_fail(o, GF_E_LICENSE, "expires is before issued");
    return gf_json_end(o, e);
}

int license_parse(const char *text, size_t len, const struct gf_sign_public *vendor,
                  struct license *out, struct gf_err *e) {
    struct license l = {.warn_days = WARN_DAYS, .then = LICENSE_WARN};
    struct gf_json *j = NULL;
    struct gf_json_obj o;

    /* What no vendor has signed is not even parsed. */
    if (signed_open(&kind, text, len, vendor, &j, e) == -1)
        return -1;
    gf_json_root(j, &o);
    int rc = read_object(&o, &l, e);
    gf_json_free(j);
    if (rc == 0)
        *out = l;
    return rc;
}
