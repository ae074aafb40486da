/*
 * fuzz_endpoint_fields.c -- endpoint_fields_read(): whatever comes, what it finds lies within the
 * body, is JSON of its own, and has the text that the JSON reader gives it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gapferry/json.h"
#include "relay/endpoints/endpoint_fields.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

/* The same by the reader of the library, which holds members in their order, too. */
static void compare(const struct endpoint_fields *f, const char *body, size_t size) {
    char words[GF_JSON_WORDS];
    const char *name, *value;
    struct gf_json *j = NULL;
    struct gf_json_obj o;
    struct gf_err e;

    if (gf_json_parse_foreign(body, size, "body", GF_E_RECORD, &j, &e) == -1)
        return;
    gf_json_root(j, &o);
    for (size_t i = 0; i < f->n && gf_json_each_any(&o, i, &name, &value, words); i++) {
        require(strcmp(f->field[i].name, name) == 0);
        if (f->field[i].raw[0] == '"')
            require(strcmp(f->field[i].value, value) == 0);
    }
    gf_json_free(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct endpoint_fields f;
    struct gf_err e = {.text = ""};
    const char *body = (const char *)data;

    if (endpoint_fields_read(body, size, &f, &e) == -1) {
        require(e.text[0] != '\0');
        return 0;
    }
    for (size_t i = 0; i < f.n; i++) {
        const struct endpoint_field *g = &f.field[i];
        require(g->raw > body && g->raw + g->raw_len < body + size && g->raw_len > 0);
        require(strlen(g->value) == g->len);
        require(gf_json_check_foreign(g->raw, g->raw_len, "field", &e) == 0);
        require(endpoint_fields_find(&f, g->name) != NULL);
    }
    compare(&f, body, size);
    endpoint_fields_free(&f);
    return 0;
}
