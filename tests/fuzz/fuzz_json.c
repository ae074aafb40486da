/*
 * fuzz_json.c -- base/json_check and base/json: what the scanner takes, the parser takes, and all
 * of it can be read without an error that is not one of the reader's own.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gapferry/json.h"
#include "gapferry/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

/* What was read is what strict JSON may hold, and writing it gives what reads as the same. */
static void walk_text(const char *name, const char *value) {
    struct gf_buf b;
    struct gf_json *j;
    struct gf_json_obj o;
    struct gf_err e;
    const char *back;

    require(gf_text_is_utf8(name, strlen(name)) && gf_text_is_utf8(value, strlen(value)));
    require(strlen(name) <= GF_JSON_NAME_MAX);
    gf_buf_init(&b, (size_t)16 << 20);
    gf_buf_byte(&b, '{');
    gf_json_put_str(&b, name, strlen(name));
    gf_buf_byte(&b, ':');
    gf_json_put_str(&b, value, strlen(value));
    gf_buf_byte(&b, '}');
    require(gf_buf_check(&b, "fuzz", &e) == 0);
    require(gf_json_parse(b.data, b.len, "fuzz", GF_E_CARD, &j, &e) == 0);
    gf_json_root(j, &o);
    require(gf_json_str(&o, name, 0, SIZE_MAX, &back) == 1 && strcmp(back, value) == 0);
    require(gf_json_end(&o, &e) == 0);
    gf_json_free(j);
    gf_buf_free(&b);
}

/* Ask for one field as everything it might be. */
static void walk_field(const struct gf_json *j, const char *name) {
    static const char *const words[] = {"a", "null", NULL};
    struct gf_json_obj o, inner;
    const char *text;
    int64_t number;
    uint8_t hex[2];
    int word;
    size_t n;

    gf_json_root(j, &o);
    require(gf_json_has(&o, name));
    int found = gf_json_str(&o, name, 0, SIZE_MAX, &text);
    if (found)
        walk_text(name, text);
    int is_int = gf_json_int(&o, name, -GF_JSON_INT_MAX, GF_JSON_INT_MAX, &number);
    require(!is_int || (number <= GF_JSON_INT_MAX && number >= -GF_JSON_INT_MAX));
    found += is_int + gf_json_bool(&o, name, &word);
    found += gf_json_array(&o, name, GF_JSON_ELEMENTS_MAX, &n);
    for (size_t i = 0; i < n && i < 20; i++) {
        int kinds = gf_json_item_str(&o, name, i, 0, SIZE_MAX, &text);
        kinds += gf_json_item_int(&o, name, i, INT64_MIN, INT64_MAX, &number);
        kinds += gf_json_item_obj(&o, name, i, &inner);
        require(kinds <= 1);
        (void)gf_json_item_hex(&o, name, i, hex, sizeof hex);
    }
    require(!gf_json_item_str(&o, name, n, 0, SIZE_MAX, &text));
    found += gf_json_obj(&o, name, &inner);
    for (size_t i = 0; gf_json_each_str(&inner, i, &name, &text); i++)
        walk_text(name, text);
    require(found <= 1);
    (void)gf_json_hex_opt(&o, name, hex, sizeof hex);
    (void)gf_json_time_opt(&o, name, &number);
    (void)gf_json_enum(&o, name, words, &word);
    require(gf_json_end(&o, NULL) == (o.err.code == GF_OK ? 0 : -1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[] = {"a", "b", "c", "format", "ext", ""};
    const char *text = (const char *)data;
    struct gf_json *j = NULL;
    struct gf_json_obj o;
    struct gf_err e = {.text = ""};

    int strict = gf_json_check(text, size, "fuzz", &e) == 0;
    require(strict || e.code == GF_E_JSON);
    if (gf_json_parse(text, size, "fuzz", GF_E_CARD, &j, &e) == -1) {
        /* Only a root that is no object may be refused after the check. */
        require(!strict || e.code == GF_E_CARD);
        return 0;
    }
    require(strict);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        gf_json_root(j, &o);
        if (gf_json_has(&o, names[i]))
            walk_field(j, names[i]);
    }
    gf_json_free(j);
    return 0;
}
