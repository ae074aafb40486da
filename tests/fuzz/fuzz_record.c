/*
 * fuzz_record.c -- the lines of the .jsonl members; the first byte selects which. What is taken is
 * written, taken again and then written the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gapferry/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

/* A refusal has one of the codes that the contract names, and leaves nothing to release. */
static void check_refusal(const struct gf_err *e, const char *owned) {
    require(e->code == GF_E_RECORD || e->code == GF_E_JSON || e->code == GF_E_LIMIT);
    require(strlen(e->text) > 0 && owned == NULL);
}

#define LINE_TYPE(type)                                                                            \
    static void feed_##type(const char *line, size_t len) {                                        \
        struct gf_##type v, again;                                                                 \
        struct gf_buf first, second;                                                               \
        struct gf_err e = {.text = ""};                                                            \
                                                                                                   \
        if (gf_##type##_parse(line, len, &v, &e) == -1) {                                          \
            check_refusal(&e, v.owned);                                                            \
            return;                                                                                \
        }                                                                                          \
        gf_buf_init(&first, GF_LINE_MAX);                                                          \
        gf_buf_init(&second, GF_LINE_MAX);                                                         \
        require(gf_##type##_write(&v, &first, &e) == 0);                                           \
        require(first.len <= len + 1 && memchr(first.data, '\n', first.len - 1) == NULL);          \
        require(gf_##type##_parse(first.data, first.len, &again, &e) == 0);                        \
        require(gf_##type##_write(&again, &second, &e) == 0);                                      \
        require(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);       \
        gf_buf_free(&first);                                                                       \
        gf_buf_free(&second);                                                                      \
        gf_##type##_free(&again);                                                                  \
        gf_##type##_free(&v);                                                                      \
    }

LINE_TYPE(record)
LINE_TYPE(receipt)
LINE_TYPE(answer)
LINE_TYPE(refusal)
LINE_TYPE(notice)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const feeds[])(const char *, size_t) = {feed_record, feed_receipt, feed_answer,
                                                          feed_refusal, feed_notice};
    if (size > 0)
        feeds[data[0] % (sizeof feeds / sizeof *feeds)]((const char *)data + 1, size - 1);
    return 0;
}
