/*
 * source_parse.c -- what the built-in document reads of others: os-release, numbers in files, and
 * which files those are.
 */
#include "agent/source/source.h"

#include <string.h>

int source_number(const char *text, size_t len, int64_t *out) {
    int64_t n = 0;
    size_t i = 0, digits = 0;

    while (i < len && memchr(" \t\r\n", text[i], 4))
        i++;
    for (; i < len && text[i] >= '0' && text[i] <= '9'; i++, digits++) {
        n = n * 10 + (text[i] - '0');
        if (n > GF_JSON_INT_MAX)
            return -1;
    }
    while (i < len && memchr(" \t\r\n", text[i], 4))
        i++;
    if (digits == 0 || i < len)
        return -1;
    *out = n;
    return 0;
}

int source_next_count(const char **counts, char name[GF_WORD_MAX + 1], char file[512],
                      struct gf_err *e) {
    const char *item = *counts + strspn(*counts, " \t,");
    size_t n = strcspn(item, " \t,");
    const char *colon = memchr(item, ':', n);

    if (n == 0)
        return 0;
    if (!colon || !gf_text_is_word(item, (size_t)(colon - item), GF_WORD_MAX) || colon[1] != '/' ||
        n - (size_t)(colon + 1 - item) >= 512)
        return gf_err_set(e, GF_E_CONFIG, "counts: \"%.*s\" is not NAME:/ABSOLUTE/FILE",
                          (int)(n < 200 ? n : 200), item);
    memcpy(name, item, (size_t)(colon - item));
    name[colon - item] = '\0';
    size_t len = n - (size_t)(colon + 1 - item);
    memcpy(file, colon + 1, len);
    file[len] = '\0';
    *counts = item + n;
    return 1;
}

/* A value of os-release(5): the rest of the line, perhaps in quotes, with \ before what it keeps.
 * One that is no short UTF-8 is as if it were not there. */
static void put_os(const char *at, const char *end, char out[65]) {
    char value[65];
    size_t n = 0;
    char quote = '\0';

    if (at < end && (*at == '"' || *at == '\''))
        quote = *at++;
    while (at < end && *at != quote) {
        if (*at == '\\' && quote != '\'' && at + 1 < end)
            at++;
        if (n == sizeof value - 1 || (unsigned char)*at < 0x20 || *at == 0x7f)
            return;
        value[n++] = *at++;
    }
    value[n] = '\0';
    if (gf_text_is_utf8(value, n))
        memcpy(out, value, n + 1);
}

void source_os_release(const char *text, size_t len, struct source_os *out) {
    const char *end = text + len;

    *out = (struct source_os){.name = ""};
    while (text < end) {
        const char *lf = memchr(text, '\n', (size_t)(end - text));
        const char *stop = lf ? lf : end;
        if (stop - text > 5 && memcmp(text, "NAME=", 5) == 0)
            put_os(text + 5, stop, out->name);
        if (stop - text > 11 && memcmp(text, "VERSION_ID=", 11) == 0)
            put_os(text + 11, stop, out->version);
        text = lf ? lf + 1 : end;
    }
}
