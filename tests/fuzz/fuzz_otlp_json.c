/*
 * fuzz_otlp_json.c -- a request in OTLP JSON: whatever is taken is redacted to one that is taken,
 * with the same facts, and of which nothing more is to go; it is a request in protobuf, too, with
 * the same facts, and as JSON again the same protobuf; redaction leaves the same in both forms.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/otlp_json.h"
#include "common/otlp_redact.h"
#include "support/otlp_make.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

static const char *const denied[] = {"a", "host.*", "user.id"};

/* What redaction leaves is the same in both forms. */
static void check_same(const char *text, size_t size, const struct otlp_deny *deny,
                       const char *redacted, size_t redacted_size) {
    struct otlp_redacted gone = {.total = 0};
    struct gf_buf whole, left, want;
    struct gf_err e;

    gf_buf_init(&whole, OTLP_MAX);
    gf_buf_init(&left, OTLP_MAX);
    gf_buf_init(&want, OTLP_MAX);
    require(otlp_json_to_protobuf(text, size, &whole, &e) == 0);
    int rc = otlp_redact(whole.data, whole.len, deny, &left, &gone, NULL, &e);
    require(rc != -1);
    if (rc == 0)
        gf_buf_add(&left, whole.data, whole.len);
    require(otlp_json_to_protobuf(redacted, redacted_size, &want, &e) == 0);
    require(left.len == want.len && (want.len == 0 || memcmp(left.data, want.data, want.len) == 0));
    gf_buf_free(&whole);
    gf_buf_free(&left);
    gf_buf_free(&want);
}

static void check_redaction(const char *text, size_t size, const struct otlp_facts *facts) {
    struct otlp_redacted gone = {.total = 0};
    struct otlp_deny *deny = NULL;
    struct otlp_facts again;
    struct gf_buf out;
    struct gf_err e;

    require(otlp_deny_new(denied, sizeof denied / sizeof *denied, &deny, &e) == 0);
    gf_buf_init(&out, size);
    int rc = otlp_json_redact(text, size, deny, &out, &gone, &again, &e);
    require(rc != -1 && (rc == 1) == (gone.total > 0) && make_same_facts(facts, &again));
    check_same(text, size, deny, rc == 1 ? out.data : text, rc == 1 ? out.len : size);
    if (rc == 1) {
        require(out.len < size);
        require(otlp_json_redact(out.data, out.len, deny, &out, &gone, &again, &e) == 0);
        require(make_same_facts(facts, &again));
    }
    gf_buf_free(&out);
    otlp_deny_free(deny);
}

static void check_forms(const char *text, size_t size, const struct otlp_facts *facts) {
    struct gf_buf first, json, second;
    struct otlp_facts again;
    struct gf_err e;

    gf_buf_init(&first, OTLP_MAX);
    gf_buf_init(&json, OTLP_MAX);
    gf_buf_init(&second, OTLP_MAX);
    require(otlp_json_to_protobuf(text, size, &first, &e) == 0);
    require(otlp_check(first.data, first.len, &again, &e) == 0 && make_same_facts(facts, &again));
    require(otlp_json_from_protobuf(first.data, first.len, (int)(size & 1), &json, &e) == 0);
    require(otlp_json_to_protobuf(json.data, json.len, &second, &e) == 0);
    /* Fields are in the order of their numbers now: compared as JSON. */
    size_t len = json.len;
    require(otlp_json_from_protobuf(second.data, second.len, (int)(size & 1), &json, &e) == 0);
    require(json.len == 2 * len && memcmp(json.data, json.data + len, len) == 0);
    gf_buf_free(&first);
    gf_buf_free(&json);
    gf_buf_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    struct otlp_facts facts;
    struct gf_err e = {.text = ""};

    if (otlp_json_check(text, size, &facts, &e) == -1) {
        require(e.code == GF_E_RECORD && e.text[0] != '\0');
        return 0;
    }
    check_redaction(text, size, &facts);
    check_forms(text, size, &facts);
    return 0;
}
