/*
 * updates_testing.h -- what the tests of updates share: a site that trusts a vendor, manifests as
 * the vendor signs them, and answers that bring them.
 */
#ifndef UPDATES_TESTING_H
#define UPDATES_TESTING_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/floor.h"
#include "agent/updates/updates.h"
#include "gapferry/digest.h"
#include "gapferry/file.h"
#include "support/kit.h"
#include "support/site.h"

#define DAY  86400
#define YEAR (365LL * DAY)

static struct gf_err e;
static struct gf_sign_key *vendor, *stranger;

static inline void trust(struct site *s, const struct gf_sign_key *key, int duties) {
    struct store_vendor v = {.name = "acme", .duties = duties, .since = SITE_NOW};

    v.key = *gf_key_sign_public(key);
    assert_int_equal(store_trust_vendor(s->a.store, &v, "tester", &e), 0);
}

static inline int setup(void **state) {
    if (site_setup(state) != 0)
        return -1;
    struct site *s = *state;
    s->a.now = SITE_NOW + 2 * YEAR; /* past the time at which this was built */
    trust(s, vendor, STORE_DUTY_UPDATE);
    return 0;
}

static inline int begin(void **state) {
    return kit_setup(state) != 0 || gf_key_sign_new(&vendor, &e) != 0 ||
                   gf_key_sign_new(&stranger, &e) != 0
               ? -1
               : 0;
}

static inline int end(void **state) {
    gf_key_sign_free(vendor);
    gf_key_sign_free(stranger);
    return kit_teardown(state);
}

/* ---- manifests ---- */

struct content {
    const char *name;
    const void *data;
    size_t len;
};

struct recipe {
    const char *product, *channel, *platform; /* NULL: demo, stable, any */
    int64_t serial;
    int64_t issued, expires;       /* 0: before now, a year on */
    const struct gf_sign_key *key; /* NULL: the vendor's */
    struct content artifacts[3];
};

static inline void put_artifact(struct gf_buf *b, const struct content *c) {
    struct gf_digest_sha256 s;
    struct gf_hash sha, b2;
    char x[GF_HASH_TEXT], y[GF_HASH_TEXT];

    gf_digest_sha256_begin(&s);
    gf_digest_sha256_add(&s, c->data, c->len);
    gf_digest_sha256_end(&s, &sha);
    gf_digest_256(c->data, c->len, &b2);
    gf_text_hex(sha.b, sizeof sha.b, x);
    gf_text_hex(b2.b, sizeof b2.b, y);
    gf_buf_printf(b, "{\"name\":\"%s\",\"size\":%zu,\"sha256\":\"%s\",\"blake2b\":\"%s\"}", c->name,
                  c->len, x, y);
}

/* The signed text; free(). */
static inline char *manifest(const struct site *s, const struct recipe *r) {
    char issued[GF_TIME_TEXT], expires[GF_TIME_TEXT];
    struct gf_buf b;

    gf_text_time(r->issued ? r->issued : s->a.now - DAY, issued);
    gf_text_time(r->expires ? r->expires : s->a.now + YEAR, expires);
    gf_buf_init(&b, 1 << 20);
    gf_buf_printf(&b,
                  "{\"format\":\"gapferry-update/1\",\"product\":\"%s\",\"channel\":\"%s\","
                  "\"platform\":\"%s\",\"version\":\"1.%lld\",\"serial\":%lld,\"issued\":\"%s\","
                  "\"expires\":\"%s\",\"artifacts\":[",
                  r->product ? r->product : "demo", r->channel ? r->channel : "stable",
                  r->platform ? r->platform : "any", (long long)r->serial, (long long)r->serial,
                  issued, expires);
    for (size_t i = 0; i < 3 && r->artifacts[i].name; i++) {
        if (i > 0)
            gf_buf_byte(&b, ',');
        put_artifact(&b, &r->artifacts[i]);
    }
    gf_buf_text(&b, "]}\n");
    const size_t n = b.len;
    assert_int_equal(gf_minisig_sign(r->key ? r->key : vendor, b.data, n, "u", "t", &b, &e), 0);
    return b.data;
}

/* ---- the trip ---- */

/* A check that has left. */
static inline struct gf_id ask(struct site *s) {
    const struct updates_wish w = {.product = "demo", .version = "1.0", .platform = "linux"};
    struct gf_buf dropped;
    struct gf_id id;

    gf_buf_init(&dropped, 4096);
    assert_int_equal(agent_updates_check(&s->a, &w, &id, &dropped, &e), 0);
    gf_buf_free(&dropped);
    (void)site_export(s);
    return id;
}

static int64_t seq; /* of the relay's stream */

/* Answer a check with this manifest and these whole files. */
static inline struct site_record answer(struct site *s, const struct recipe *r,
                                        const struct content *files, size_t n) {
    struct gf_id id = ask(s);
    char *text = manifest(s, r);
    struct apply_result result;
    struct reply reply;

    reply_begin(&reply, ++seq);
    reply_answer(&reply, &id, 200, text);
    for (size_t i = 0; i < n; i++)
        reply_file(&reply, files[i].name, files[i].data, files[i].len);
    if (reply_apply(&reply, s, &result, &e) == -1)
        fail_msg("%s", e.text);
    free(text);
    return site_find(s, &id);
}

static struct updates_known *known;
static size_t nknown;

static inline void look(struct site *s) {
    updates_known_free(known, nknown);
    known = NULL;
    assert_int_equal(updates_known(&s->a, &known, &nknown, &e), 0);
}

/* The artifact of the i-th manifest is in its place, byte for byte. */
static inline void check_here(struct site *s, size_t i, const struct content *c) {
    int dir = updates_folder(&s->a, &known[i], 0, &e);

    assert_int_not_equal(dir, -1);
    kit_check_file(dir, c->name, c->data, c->len);
    (void)close(dir);
}

struct problem {
    char text[4096];
    size_t n;
};

static inline int note_problem(void *arg, const struct store_problem *p, struct gf_err *err) {
    struct problem *out = arg;
    size_t at = strlen(out->text);

    (void)err;
    (void)snprintf(out->text + at, sizeof out->text - at, "%s %s %s: %s (%lld)\n", p->product,
                   p->subject, p->code, p->why, (long long)p->times);
    out->n++;
    return 0;
}

/* One problem is remembered, and says this; "": none is. */
static inline void check_problem(struct site *s, const char *words) {
    struct problem p = {.text = ""};

    assert_int_equal(store_update_problems(s->a.store, note_problem, &p, &e), 0);
    assert_int_equal(p.n, words[0] != '\0');
    if (!strstr(p.text, words))
        fail_msg("\"%s\" does not say \"%s\"", p.text, words);
}

static const struct content tool = {"tool.bin", "the tool itself", 15};
static const struct content notes = {"NOTES", "what is new", 11};
static const struct content other = {"tool.bin", "another tool!!!", 15};

#define T(f) cmocka_unit_test_setup_teardown(f, setup, site_teardown)

#endif
