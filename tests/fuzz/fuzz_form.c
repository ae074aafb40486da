/*
 * fuzz_form.c -- relay/page/form: what a browser, or whoever says to be one, posts. The first byte
 * says how the body is cut into pieces, which must not change what is read. The boundary is XyZ.
 * The same bytes are also read as what stands in heads: type, cookies, Host, Origin, Authorization.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gapferry/buf.h"
#include "relay/listener/listener_guard.h"
#include "relay/page/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

/* All events of a body that comes in pieces of `step` bytes, as a text. Data is joined, for where
 * it is cut is of no account. */
static void read_form(const char *body, size_t len, size_t step, struct gf_buf *log) {
    struct gf_err e = {.text = ""};
    struct form f;
    int in_data = 0;

    require(form_begin(&f, "multipart/form-data; boundary=XyZ", &e) == 0);
    for (size_t at = 0; at < len;) {
        const char *bytes = NULL;
        size_t piece = len - at < step ? len - at : step, used = 0, n = 0;
        enum form_event event = form_next(&f, body + at, piece, &used, &bytes, &n, &e);
        require(used <= piece);
        at += used;
        switch (event) {
        case FORM_MORE:
            require(used == piece);
            break;
        case FORM_PART:
            require(strlen(f.name) > 0 && strlen(f.name) < sizeof f.name);
            gf_buf_printf(log, "part %s %d %s\n", f.name, f.is_file, f.file);
            in_data = 1;
            break;
        case FORM_DATA:
            require(in_data && n > 0 && bytes != NULL);
            gf_buf_add(log, bytes, n);
            break;
        case FORM_PART_END:
            gf_buf_text(log, "\nend\n");
            in_data = 0;
            break;
        case FORM_DONE:
            gf_buf_text(log, "done\n");
            break;
        case FORM_BAD:
            require(e.code == GF_E_USAGE && strlen(e.text) > 0);
            gf_buf_text(log, "bad\n");
            return;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *body = (const char *)data + 1;
    struct gf_buf whole, cut;
    struct gf_err e;
    struct form f;
    char value[65];

    if (size < 2)
        return 0;
    gf_buf_init(&whole, (size_t)1 << 24);
    gf_buf_init(&cut, (size_t)1 << 24);
    read_form(body, size - 1, size, &whole);
    read_form(body, size - 1, (size_t)(data[0] % 7) + 1, &cut);
    require(whole.len == cut.len);
    require(whole.len == 0 || memcmp(whole.data, cut.data, whole.len) == 0);
    gf_buf_free(&whole);
    gf_buf_free(&cut);

    char *text = malloc(size);
    require(text != NULL);
    memcpy(text, body, size - 1);
    text[size - 1] = '\0';
    if (form_begin(&f, text, &e) == 0)
        require(f.delimiter_len > 4 && f.delimiter_len < sizeof f.delimiter);
    uint8_t is[32];
    if (form_cookie(text, "gapferry-page", is) == 0)
        require(size > 64 + sizeof "gapferry-page");
    (void)listener_guard_host(text, "relay.example.com, other");
    (void)listener_guard_form(text, NULL, text, 0);
    (void)listener_guard_bearer(text, "0123456789abcdef");
    free(text);
    if (form_field(body, size - 1, "token", value, sizeof value) == 0)
        require(strlen(value) < sizeof value);
    return 0;
}
