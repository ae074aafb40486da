/*
 * https_header.c -- headers of requests and answers as lines.
 */
#include "common/https_header.h"

#include <string.h>

#include "common/https.h"
#include "gapferry/text.h"

#define HEADER_MAX 8192 /* bytes of one header that we send */

void https_answer_free(struct https_answer *a) {
    gf_buf_free(&a->headers);
    gf_buf_free(&a->body);
    a->text[0] = '\0';
}

const char *https_header(const struct https_answer *a, const char *name, size_t *len) {
    size_t n = strlen(name);
    const char *line = a->headers.data;

    if (line == NULL)
        return NULL;
    for (const char *end = line + a->headers.len; line < end;) {
        const char *lf = memchr(line, '\n', (size_t)(end - line));
        if (lf == NULL) /* the line at which keeping headers was given up */
            break;
        if ((size_t)(lf - line) >= n + 2 && memcmp(line, name, n) == 0 && line[n] == ':') {
            *len = (size_t)(lf - line) - n - 2;
            return line + n + 2;
        }
        line = lf + 1;
    }
    return NULL;
}

/* The length of the name at the start of "Name: value", 0 if it is no header. */
static size_t header_name(const char *line, size_t len) {
    size_t n = gf_text_token(line, len);

    if (n == len || line[n] != ':')
        return 0;
    for (size_t i = n; i < len; i++) {
        if (((unsigned char)line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f)
            return 0;
    }
    return n;
}

/* Keep one header as "name: value". What is no header, a folded line for one, is left out. */
void https_header_keep(struct gf_buf *out, const char *line, size_t len) {
    while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == '\n' || line[len - 1] == ' '))
        len--;
    size_t n = header_name(line, len);
    if (n == 0)
        return;
    for (size_t i = 0; i < n; i++)
        gf_buf_byte(out, line[i] >= 'A' && line[i] <= 'Z' ? (char)(line[i] - 'A' + 'a') : line[i]);
    for (n++; n < len && (line[n] == ' ' || line[n] == '\t');)
        n++;
    gf_buf_text(out, ": ");
    gf_buf_add(out, line + n, len - n);
    gf_buf_byte(out, '\n');
}

int https_header_check(const char *line, struct gf_err *e) {
    size_t len = strnlen(line, HEADER_MAX + 1);
    size_t n = len > HEADER_MAX ? 0 : header_name(line, len);

    if (n == 0 || n + 2 >= len || line[n + 1] != ' ')
        return gf_err_set(e, GF_E_CONFIG, "%.100s: a header is \"Name: value\" on one line", line);
    return 0;
}
