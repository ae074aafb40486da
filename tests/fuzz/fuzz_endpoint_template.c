/*
 * fuzz_endpoint_template.c -- a template that is taken makes JSON of every record that it can be
 * filled from.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gapferry/json.h"
#include "relay/endpoints/endpoint_template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

/* The template ends at the first NUL; what follows is the record's body. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *nul = size > 0 ? memchr(data, '\0', size) : NULL;
    size_t len = nul != NULL ? (size_t)(nul - data) : size;
    size_t body = nul != NULL ? size - len - 1 : 0;
    struct gf_err e = {.text = ""};
    struct endpoint_template *t;
    struct gf_buf out;

    if (endpoint_template_parse((const char *)data, len, &t, &e) == -1) {
        require(e.text[0] != '\0');
        return 0;
    }
    const struct gf_record r = {
        .channel = "c",
        .type = "a/b",
        .body = {GF_BODY_TEXT, body > 0 ? (const char *)data + len + 1 : "", body}};
    const struct ledger_record row = {.row = 1};
    const struct endpoint_job j = {.row = &row, .record = &r};
    gf_buf_init(&out, 1 << 22);
    if (endpoint_template_fill(t, &j, &out, &e) == 0)
        require(gf_json_check_foreign(out.data, out.len, "filled", &e) == 0 ||
                e.code == GF_E_LIMIT || strstr(e.text, "deep") != NULL);
    gf_buf_free(&out);
    endpoint_template_free(t);
    return 0;
}
