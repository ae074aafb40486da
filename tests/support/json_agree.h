/*
 * json_agree.h -- two ways to read the same JSON must agree: the members that the strict check
 * notes with the tree that cJSON builds, and a line's fields with a document's. Each function
 * returns NULL, or what the two differ about.
 */
#ifndef SUPPORT_JSON_AGREE_H
#define SUPPORT_JSON_AGREE_H

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/json_members.h"
#include "format/line.h"
#include "gapferry/json.h"

static inline int agree_same(const char *text, size_t len, size_t means, const char *meaning) {
    char *out = malloc(len + 1);
    int same = out != NULL && gf_json_unescape(text, len, out) == means &&
               strlen(meaning) == means && memcmp(out, meaning, means) == 0;

    free(out);
    return same;
}

static inline const char *agree_member(const struct gf_json_member *m, const cJSON *node) {
    static const int types[] = {cJSON_NULL,   cJSON_False, cJSON_True,  cJSON_Number,
                                cJSON_String, cJSON_Array, cJSON_Object};

    if (!agree_same(m->name, m->name_len, m->name_means, node->string))
        return "a name";
    if ((node->type & 0xff) != types[m->type])
        return "a type";
    if (m->type == GF_JSON_TEXT)
        return agree_same(m->text, m->len, m->means, node->valuestring) ? NULL : "a string";
    /* The span of any other value is that value, and nothing besides. */
    cJSON *alone = cJSON_ParseWithLengthOpts(m->text, m->len, NULL, 0);
    int same = alone != NULL && cJSON_Compare(alone, node, 1) && m->means == m->len &&
               strchr(" \t\r\n", m->text[0]) == NULL &&
               strchr(" \t\r\n", m->text[m->len - 1]) == NULL;
    cJSON_Delete(alone);
    return same ? NULL : "a value";
}

/* What the check takes, it notes as cJSON reads it. */
static inline const char *agree_members(const char *text, size_t len) {
    struct gf_json_members all;
    struct gf_err e, plain;
    const char *why = NULL;
    size_t i = 0;

    int rc = gf_json_check_members(text, len, "it", &all, &e);
    if (rc != gf_json_check(text, len, "it", &plain))
        return "the verdict";
    if (rc == -1)
        return strcmp(e.text, plain.text) == 0 ? NULL : "the error";
    cJSON *root = cJSON_ParseWithLengthOpts(text, len, NULL, 0);
    const cJSON *node = cJSON_IsObject(root) ? root->child : NULL;
    for (; node != NULL && i < all.n && why == NULL; node = node->next)
        why = agree_member(&all.member[i++], node);
    if (why == NULL && (root == NULL || node != NULL || i < all.n))
        why = "how many there are";
    cJSON_Delete(root);
    return why;
}

/* One of each kind of field, without padding between them. */
struct agree_fields {
    int64_t number, time, maybe;
    int truth, word, has, found;
    char str[11], opt[11];
    uint8_t hex[2];
};

static const char *const agree_words[] = {"ok", "behind", NULL};

static inline void agree_keep(char out[11], const char *text) {
    if (text != NULL)
        memcpy(out, text, strlen(text) + 1);
}

static inline int agree_as_document(const char *text, size_t len, struct agree_fields *f,
                                    struct gf_err *e) {
    struct gf_json *j = NULL;
    struct gf_json_obj o;
    const char *str = NULL, *opt = NULL;

    memset(f, 0, sizeof *f);
    if (gf_json_parse(text, len, "it", GF_E_RECORD, &j, e) == -1)
        return -1;
    gf_json_root(j, &o);
    f->found = gf_json_str(&o, "s", 1, 8, &str);
    f->found += gf_json_str_opt(&o, "so", 0, 8, &opt);
    f->found += gf_json_int(&o, "i", -9, 599, &f->number);
    f->found += gf_json_bool(&o, "b", &f->truth);
    f->found += gf_json_hex(&o, "h", f->hex, sizeof f->hex);
    f->found += gf_json_time(&o, "t", &f->time);
    f->found += gf_json_time_opt(&o, "to", &f->maybe);
    f->found += gf_json_enum(&o, "e", agree_words, &f->word);
    f->found += gf_json_any_obj(&o, "x");
    f->has = gf_json_has(&o, "s") + 2 * gf_json_has(&o, "x");
    agree_keep(f->str, str);
    agree_keep(f->opt, opt);
    int rc = gf_json_end(&o, e);
    gf_json_free(j);
    return rc;
}

static inline int agree_as_line(const char *text, size_t len, struct agree_fields *f,
                                struct gf_err *e) {
    struct gf_line l;
    char *owned = NULL;
    const char *str = NULL, *opt = NULL;

    memset(f, 0, sizeof *f);
    if (gf_line_open(text, len, "it", &l, e) == -1)
        return -1;
    f->found = gf_line_str(&l, "s", 1, 8, &str);
    f->found += gf_line_str_opt(&l, "so", 0, 8, &opt);
    f->found += gf_line_int(&l, "i", -9, 599, &f->number);
    f->found += gf_line_bool(&l, "b", &f->truth);
    f->found += gf_line_hex(&l, "h", f->hex, sizeof f->hex);
    f->found += gf_line_time(&l, "t", &f->time);
    f->found += gf_line_time_opt(&l, "to", &f->maybe);
    f->found += gf_line_enum(&l, "e", agree_words, &f->word);
    f->found += gf_line_obj(&l, "x", NULL, NULL);
    f->has = gf_line_has(&l, "s") + 2 * gf_line_has(&l, "x");
    agree_keep(f->str, str);
    agree_keep(f->opt, opt);
    int rc = gf_line_close(&l, &owned, e);
    free(owned);
    return rc;
}

/* The fields of a line are those of the same document, and so are the errors, in the same words. */
static inline const char *agree_line(const char *text, size_t len) {
    struct agree_fields document, line;
    struct gf_err e, why;

    if (len < 2 || len >= GF_LINE_MAX || text[0] != '{' || text[len - 1] != '}' ||
        memchr(text, '\n', len) != NULL)
        return NULL; /* no line: refused before it is looked at */
    int rc = agree_as_document(text, len, &document, &e);
    if (agree_as_line(text, len, &line, &why) != rc)
        return "the verdict on a line";
    if (rc == -1 && (e.code != why.code || strcmp(e.text, why.text) != 0))
        return "the error of a line";
    return memcmp(&document, &line, sizeof line) == 0 ? NULL : "a field of a line";
}

#endif
