/*
 * fuzz_otlp.c -- a request in protobuf: whatever is taken is redacted to one that is taken, with
 * the same facts, and of which nothing more is to go; and can be cut into pieces.
 */
#include <stdint.h>
#include <stdlib.h>

#include "common/otlp_json.h"
#include "common/otlp_redact.h"
#include "common/otlp_select.h"
#include "common/otlp_split.h"
#include "support/otlp_make.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

static const char *const denied[] = {"a", "host.*", "user.id"};

/* As JSON it is a request with the same facts. */
static void check_json(const uint8_t *data, size_t size, const struct otlp_facts *facts) {
    struct otlp_facts again;
    struct gf_buf json;
    struct gf_err e;

    gf_buf_init(&json, OTLP_MAX);
    require(otlp_json_from_protobuf(data, size, (int)(size & 1), &json, &e) == 0);
    require(otlp_json_check(json.data, json.len, &again, &e) == 0);
    require(make_same_facts(facts, &again));
    gf_buf_free(&json);
}

/* Each point is seen once, whole or in pieces. */
static void check_points(const uint8_t *data, size_t size, const struct otlp_facts *facts) {
    struct otlp_points it;
    struct otlp_point p;
    struct otlp_attributes attributes;
    struct otlp_attribute a;
    struct otlp_split *s = NULL;
    struct otlp_facts piece;
    struct otlp_span name;
    uint64_t seen = 0, points;
    struct gf_buf out;
    struct gf_err e;
    int rc;

    gf_buf_init(&out, OTLP_MAX);
    require(otlp_points_open(&it, data, size, &e) == 0);
    for (; otlp_points_next(&it, &p); seen++) {
        otlp_points_attributes(&attributes, p.type, p.span);
        while (otlp_points_attribute(&attributes, &a))
            otlp_points_text(&a, &out);
    }
    require(seen == facts->points);

    size_t max = size > 0 ? 16 + data[size / 2] : 1;
    seen = 0;
    require(otlp_split_new(data, size, max, size % 5 + 1, &s, &e) == 0);
    for (;;) {
        gf_buf_clear(&out);
        if ((rc = otlp_split_next(s, &out, &points, &e)) != 1)
            break;
        require(out.len <= max && points > 0 && points <= size % 5 + 1);
        require(otlp_check(out.data, out.len, &piece, &e) == 0 && piece.points == points);
        seen += points;
    }
    require(rc == 0 && seen + otlp_split_too_large(s, &name) == facts->points);
    otlp_split_free(s);
    gf_buf_free(&out);
}

/* Of the points those that are wanted are there, and the resource of each says what it is given,
 * once. */
static void check_select(const uint8_t *data, size_t size, const struct otlp_facts *facts) {
    static const struct otlp_select_attribute given[] = {{.key = "a", .text = "b"},
                                                         {.key = "host.n", .number = -1}};
    uint64_t from = size % 3, to = facts->points - facts->points % 2, wanted = 0, seen = 0;
    uint8_t bits[64];
    const struct otlp_select what = {.from = from,
                                     .to = to,
                                     .bits = facts->points <= 8 * sizeof bits ? bits : NULL,
                                     .attributes = given,
                                     .nattributes = size % 3};
    struct otlp_points it;
    struct otlp_point p;
    struct gf_buf out;
    struct gf_err e;

    for (size_t i = 0; i < sizeof bits; i++)
        bits[i] = size > 0 ? data[i % size] : 0xff;
    for (uint64_t i = from; i < to; i++)
        wanted += what.bits == NULL || (bits[i / 8] >> i % 8 & 1);
    gf_buf_init(&out, OTLP_MAX);
    require(otlp_select(data, size, &what, &out, &e) == 0);
    require(otlp_points_open(&it, out.data, out.len, &e) == 0);
    for (; otlp_points_next(&it, &p); seen++) {
        struct otlp_attributes attributes;
        struct otlp_attribute a;
        size_t found = 0;
        otlp_points_attributes(&attributes, OTLP_RESOURCE, p.resource);
        while (otlp_points_attribute(&attributes, &a))
            found += a.key.end - a.key.at == 1 && *a.key.at == 'a';
        require(what.nattributes == 0 || found == 1);
        otlp_points_attributes(&attributes, p.type, p.span);
        while (what.nattributes > 0 && otlp_points_attribute(&attributes, &a))
            require(a.key.end - a.key.at != 1 || *a.key.at != 'a');
    }
    require(seen == wanted);
    gf_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct otlp_facts facts, again;
    struct otlp_redacted gone = {.total = 0};
    struct otlp_deny *deny = NULL;
    struct gf_buf out;
    struct gf_err e = {.text = ""};

    require(otlp_deny_new(denied, sizeof denied / sizeof *denied, &deny, &e) == 0);
    gf_buf_init(&out, size);
    int taken = otlp_check(data, size, &facts, &e);
    int rc = otlp_redact(data, size, deny, &out, &gone, &again, &e);
    require((taken == -1) == (rc == -1));
    if (rc == -1) {
        require(e.code == GF_E_RECORD && e.text[0] != '\0' && out.len == 0 && gone.total == 0);
    } else {
        require(make_same_facts(&facts, &again));
        require((rc == 1) == (gone.total > 0));
        if (rc == 1) {
            require(out.len < size);
            require(otlp_redact(out.data, out.len, deny, &out, &gone, &again, &e) == 0);
            require(make_same_facts(&facts, &again));
        }
        check_json(data, size, &facts);
        check_points(data, size, &facts);
        check_select(data, size, &facts);
    }
    gf_buf_free(&out);
    otlp_deny_free(deny);
    return 0;
}
