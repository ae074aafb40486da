/*
 * series_labels.c -- the labels of a series, put together from what is said on several levels.
 */
#include "relay/series/series_labels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/series/series_name.h"

#define TEXT_MAX (4 << 20) /* bytes of all labels of one series */

static const char own[] = "gapferry_";

void series_labels_init(struct series_labels *l) {
    memset(l, 0, sizeof *l);
    gf_buf_init(&l->text, TEXT_MAX);
}

void series_labels_free(struct series_labels *l) {
    gf_buf_free(&l->text);
}

/* Its text is complete: what stands from `name` on is name, key, value. */
static void add_part(struct series_labels *l, struct series_labels_part p) {
    if (l->n == SERIES_LABELS_MAX)
        l->too_many = 1;
    else
        l->part[l->n++] = p;
}

static int is_own(const char *name, size_t len) {
    static const char *const names[] = {"gapferry_bundle", "gapferry_delay_s", "gapferry_site"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
            return 1;
    }
    return 0;
}

static void put(struct series_labels *l, const char *key, size_t key_len, const char *value,
                size_t value_len, int ours) {
    struct series_labels_part p = {.name = (uint32_t)l->text.len};

    series_name_label(key, key_len, &l->text);
    p.name_len = (uint32_t)(l->text.len - p.name);
    if (l->text.failed || (!ours && is_own(l->text.data + p.name, p.name_len))) {
        l->text.len = p.name;
        return;
    }
    p.key = (uint32_t)l->text.len;
    gf_buf_add(&l->text, key, key_len);
    p.key_len = (uint32_t)(l->text.len - p.key);
    p.value = (uint32_t)l->text.len;
    gf_buf_add(&l->text, value, value_len);
    p.value_len = (uint32_t)(l->text.len - p.value);
    add_part(l, p);
}

void series_labels_begin(struct series_labels *l, const struct metrics_labels *added) {
    char name[64];

    gf_buf_clear(&l->text);
    l->n = 0;
    l->too_many = 0;
    for (size_t i = 0; i < added->n; i++) {
        int n = snprintf(name, sizeof name, "%s%s", own, added->label[i].name);
        put(l, name, (size_t)n, added->label[i].value, strlen(added->label[i].value), 1);
    }
    series_labels_keep(l);
}

void series_labels_add(struct series_labels *l, const char *key, size_t key_len, const char *value,
                       size_t value_len) {
    if (value_len > 0)
        put(l, key, key_len, value, value_len, 0);
}

void series_labels_keep(struct series_labels *l) {
    l->kept.n = l->n;
    l->kept.len = l->text.len;
    l->kept.too_many = l->too_many;
    l->kept.failed = l->text.failed;
}

void series_labels_back(struct series_labels *l) {
    l->n = l->kept.n;
    l->text.len = l->kept.len;
    l->too_many = l->kept.too_many;
    l->text.failed = l->kept.failed;
}

static int compare(const char *text, uint32_t a, uint32_t a_len, uint32_t b, uint32_t b_len) {
    int rc = memcmp(text + a, text + b, a_len < b_len ? a_len : b_len);

    return rc != 0 ? rc : (a_len > b_len) - (a_len < b_len);
}

/* By name; of one name by key. Most come in order, so that this is one pass. */
static void sort(const char *text, struct series_labels_part *list, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct series_labels_part p = list[i];
        size_t at = i;
        for (; at > 0; at--) {
            const struct series_labels_part *q = &list[at - 1];
            int rc = compare(text, q->name, q->name_len, p.name, p.name_len);
            if (rc < 0 || (rc == 0 && compare(text, q->key, q->key_len, p.key, p.key_len) <= 0))
                break;
            list[at] = *q;
        }
        list[at] = p;
    }
}

static int is_same(const char *text, const struct series_labels_part *a,
                   const struct series_labels_part *b) {
    return compare(text, a->value, a->value_len, b->value, b->value_len) == 0;
}

/* The parts from..to have one name: append their values, equal ones once; returns where. */
static struct series_labels_part
join(struct series_labels *l, const struct series_labels_part *list, size_t from, size_t to) {
    struct series_labels_part p = list[from];

    if (to - from == 1)
        return p;
    p.value = (uint32_t)l->text.len;
    for (size_t i = from; i < to; i++) {
        size_t k = from;
        while (k < i && !is_same(l->text.data, &list[k], &list[i]))
            k++;
        if (k < i)
            continue;
        char *out = gf_buf_grow(&l->text, list[i].value_len + 1);
        if (out == NULL)
            break;
        if (i > from)
            *out++ = ';';
        memcpy(out, l->text.data + list[i].value, list[i].value_len);
        l->text.len += list[i].value_len + (i > from);
        l->text.data[l->text.len] = '\0';
    }
    p.value_len = (uint32_t)(l->text.len - p.value);
    return p;
}

/* A name that is wanted for something else. */
static void rename_extra(struct series_labels *l, struct series_labels_part *list,
                         const char *extra) {
    size_t len = strlen(extra);

    for (size_t i = 0; i < l->n; i++) {
        struct series_labels_part *p = &list[i];
        if (p->name_len != len || memcmp(l->text.data + p->name, extra, len) != 0)
            continue;
        p->name = (uint32_t)l->text.len;
        gf_buf_text(&l->text, "exported_");
        gf_buf_text(&l->text, extra);
        p->name_len = (uint32_t)(l->text.len - p->name);
    }
}

int series_labels_end(struct series_labels *l, const char *extra) {
    struct series_labels_part list[SERIES_LABELS_MAX];
    size_t to, n = 0;

    if (l->too_many || l->text.failed)
        return -1;
    memcpy(list, l->part, l->n * sizeof *list);
    if (extra != NULL)
        rename_extra(l, list, extra);
    sort(l->text.data, list, l->n);
    for (size_t from = 0; from < l->n; from = to) {
        to = from + 1;
        while (to < l->n && compare(l->text.data, list[from].name, list[from].name_len,
                                    list[to].name, list[to].name_len) == 0)
            to++;
        list[n++] = join(l, list, from, to);
    }
    for (size_t i = 0; i < n; i++) /* the text stays where it is from here on */
        l->made[i] = (struct series_label){.name = l->text.data + list[i].name,
                                           .name_len = list[i].name_len,
                                           .value = l->text.data + list[i].value,
                                           .value_len = list[i].value_len};
    return l->text.failed ? -1 : (int)n;
}
