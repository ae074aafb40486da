/*
 * lines_put.c -- parts of a line of the Influx protocol.
 */
#include <string.h>

#include "relay/series/lines.h"

int lines_put_is_own(const char *key, size_t len) {
    static const char begin[] = "gapferry";
    static const char *const names[] = {"bundle", "delay_s", "site"};
    size_t n = sizeof begin - 1;

    if (len <= n || memcmp(key, begin, n) != 0 || (key[n] != '_' && key[n] != '.'))
        return 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strlen(names[i]) == len - n - 1 && memcmp(names[i], key + n + 1, len - n - 1) == 0)
            return 1;
    }
    return 0;
}

static int is_separator(char c, int measurement) {
    return c == ',' || c == ' ' || (c == '=' && !measurement);
}

int lines_put_name(const char *text, size_t len, int measurement, struct gf_buf *out) {
    size_t from = out->len, run = 0;

    if (len == 0 || (measurement && text[0] == '#')) /* that would be a comment */
        return -1;
    for (size_t i = 0; i < len; i++) {
        /* A backslash that stands before none is itself. */
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7F ||
            (text[i] == '\\' &&
             (i + 1 == len || text[i + 1] == '\\' || is_separator(text[i + 1], 0)))) {
            out->len = from;
            return -1;
        }
        if (is_separator(text[i], measurement)) {
            gf_buf_add(out, text + run, i - run);
            gf_buf_byte(out, '\\');
            run = i;
        }
    }
    gf_buf_add(out, text + run, len - run);
    return 0;
}

void lines_put_added(const struct metrics_labels *added, struct gf_buf *out) {
    for (size_t i = 0; i < added->n; i++) {
        const char *value = added->label[i].value;
        gf_buf_text(out, ",gapferry_");
        gf_buf_text(out, added->label[i].name);
        gf_buf_byte(out, '=');
        if (lines_put_name(value, strlen(value), 0, out) == -1)
            for (const char *at = value; *at != '\0' || at == value; at++)
                gf_buf_byte(out, (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
                                         (*at >= '0' && *at <= '9')
                                     ? *at
                                     : '_');
    }
}
