/*
 * answer.c -- the lines of answers.jsonl: an endpoint's reply to a record.
 */
#include "gapferry/record.h"

#include <stdlib.h>
#include <string.h>

#include "format/body.h"
#include "format/line.h"
#include "format/put.h"
#include "gapferry/json.h"

#define STATUS_LEAST 100
#define STATUS_MOST  599

/* The name of an HTTP header, in lower case so that it has one spelling. */
static int is_header_name(const char *text) {
    size_t n = text != NULL ? gf_text_token(text, strlen(text)) : 0;

    if (n == 0 || n > GF_JSON_NAME_MAX || text[n] != '\0')
        return 0;
    for (; *text != '\0'; text++)
        if (*text >= 'A' && *text <= 'Z')
            return 0;
    return 1;
}

static int check_headers(const struct gf_answer *a, struct gf_err *e) {
    if (a->nheaders > GF_JSON_MEMBERS_MAX)
        return gf_err_set(e, GF_E_LIMIT, "answer: more than %d headers", GF_JSON_MEMBERS_MAX);
    for (size_t i = 0; i < a->nheaders; i++) {
        const char *name = a->headers[2 * i];

        if (!is_header_name(name))
            return gf_err_set(e, GF_E_RECORD,
                              "answer: the name of header %zu must be an HTTP token in lower case",
                              i);
        if (gf_line_is_plain(a->headers[2 * i + 1], 0, GF_LINE_MAX, "answer: a header", e) == -1)
            return -1;
        for (size_t k = 0; k < i; k++)
            if (strcmp(name, a->headers[2 * k]) == 0)
                return gf_err_set(e, GF_E_RECORD, "answer: two headers are called '%s'", name);
    }
    return 0;
}

/* The rules of the fields, whether they were parsed or are to be written. */
static int check(const struct gf_answer *a, struct gf_err *e) {
    if (gf_line_is_uuid(&a->record, "answer: record", e) == -1)
        return -1;
    if (a->status != 0 && (a->status < STATUS_LEAST || a->status > STATUS_MOST))
        return gf_err_set(e, GF_E_RECORD, "answer: status must be 0 or %d to %d", STATUS_LEAST,
                          STATUS_MOST);
    if (check_headers(a, e) == -1)
        return -1;
    return gf_body_check(&a->body, "answer", e);
}

static void keep_headers(struct gf_line *l, struct gf_json *headers, struct gf_answer *a) {
    struct gf_json_obj o;
    const char *name = NULL, *value = NULL;
    size_t n = 0;

    gf_json_root(headers, &o);
    while (gf_json_each_str(&o, n, &name, &value) == 1)
        n++;
    if (gf_json_end(&o, NULL) == -1) {
        gf_line_fail(l, GF_E_RECORD, "headers must be an object of texts");
        return;
    }

    a->headers = gf_line_pointers(l, 2 * n);
    for (size_t i = 0; a->headers != NULL && i < n; i++) {
        (void)gf_json_each_str(&o, i, &name, &value);
        a->headers[2 * i] = gf_line_keep(l, name, strlen(name));
        a->headers[2 * i + 1] = gf_line_keep(l, value, strlen(value));
    }
    a->nheaders = n;
}

/* The one object of a line whose members are wanted: it is built. */
static void read_headers(struct gf_line *l, struct gf_answer *a) {
    struct gf_json *headers = NULL;
    const char *text = NULL;
    size_t len = 0;
    struct gf_err why;

    if (gf_line_obj(l, "headers", &text, &len) != 1)
        return;
    if (gf_json_parse(text, len, "headers", GF_E_RECORD, &headers, &why) == -1) {
        gf_line_fail(l, why.code, "%s", why.text);
        return;
    }
    keep_headers(l, headers, a);
    gf_json_free(headers);
}

int gf_answer_parse(const char *line, size_t len, struct gf_answer *out, struct gf_err *e) {
    struct gf_answer a;
    struct gf_line l;

    memset(&a, 0, sizeof a);
    memset(out, 0, sizeof *out);
    if (gf_line_open(line, len, "answer", &l, e) == -1)
        return -1;

    /* The headers' pointers come first in the memory that the answer owns. */
    read_headers(&l, &a);
    gf_line_uuid(&l, "record", &a.record);
    gf_line_int(&l, "status", 0, STATUS_MOST, &a.status);
    gf_body_parse(&l, &a.body);

    if (gf_line_close(&l, &a.owned, e) == -1)
        return -1;
    if (check(&a, e) == -1) {
        gf_answer_free(&a);
        return -1;
    }
    *out = a;
    return 0;
}

int gf_answer_write(const struct gf_answer *a, struct gf_buf *out, struct gf_err *e) {
    size_t start = out->len;

    if (check(a, e) == -1)
        return -1;
    gf_buf_byte(out, '{');
    gf_put_uuid(out, "record", &a->record);
    gf_put_int(out, "status", a->status);
    gf_put_name(out, "headers");
    gf_buf_byte(out, '{');
    for (size_t i = 0; i < a->nheaders; i++)
        gf_put_str(out, a->headers[2 * i], a->headers[2 * i + 1]);
    gf_buf_byte(out, '}');
    gf_body_write(&a->body, out);
    gf_buf_text(out, "}\n");
    return gf_line_check(out, start, "answer", e);
}

void gf_answer_free(struct gf_answer *a) {
    if (a == NULL)
        return;
    free(a->owned);
    memset(a, 0, sizeof *a);
}
