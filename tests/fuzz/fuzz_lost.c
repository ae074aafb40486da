/*
 * fuzz_lost.c -- format/lost: what is taken obeys the rules and is written the same each time.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gapferry/lost.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gf_lost *list = NULL, *again = NULL;
    struct gf_err e = {.text = ""};
    struct gf_buf text;
    size_t n = 0, m = 0;

    if (gf_lost_parse((const char *)data, size, &list, &n, &e) == -1) {
        require(list == NULL && n == 0 && strlen(e.text) > 0);
        require(e.code == GF_E_JSON || e.code == GF_E_CONTENTS || e.code == GF_E_LIMIT);
        return 0;
    }
    require(n <= GF_LOST_MAX);
    for (size_t i = 0; i < n; i++) {
        require(gf_text_is_word(list[i].channel, strlen(list[i].channel), GF_WORD_MAX));
        require(gf_text_is_word(list[i].policy, strlen(list[i].policy), GF_WORD_MAX));
        require(list[i].records >= 1 && list[i].from <= list[i].to);
    }
    gf_buf_init(&text, 1 << 20);
    gf_buf_text(&text, "{\"ext\":");
    gf_lost_write(list, n, &text);
    gf_buf_text(&text, "}");
    require(gf_lost_parse(text.data, text.len, &again, &m, &e) == 0);
    require(m == n && (n == 0 || memcmp(list, again, n * sizeof *list) == 0));
    gf_buf_free(&text);
    free(list);
    free(again);
    return 0;
}
