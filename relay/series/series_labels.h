/*
 * series_labels.h -- the labels of a series, put together from what is said on several levels: what
 * many series have in common stays, and each adds its own.
 *
 *   series_labels_begin(l, added); series_labels_add(l, ...); series_labels_keep(l);
 *   series_labels_add(l, ...); n = series_labels_end(l, "le", out); series_labels_back(l); ...
 */
#ifndef RELAY_SERIES_LABELS_H
#define RELAY_SERIES_LABELS_H

#include "relay/series/series.h"

/* Why a point cannot be sent where series_labels_end() fails. */
#define SERIES_LABELS_UNFIT "with more than 128 labels, or too long ones"

struct series_labels_part {
    uint32_t name, name_len; /* where in text; the name of a label */
    uint32_t key, key_len;   /* what it was made of */
    uint32_t value, value_len;
};

struct series_labels {
    struct gf_buf text;
    struct series_labels_part part[SERIES_LABELS_MAX];
    size_t n;
    int too_many; /* 1: there were more */
    struct {
        size_t n, len;
        int too_many, failed;
    } kept;
    struct series_label made[SERIES_LABELS_MAX];
};

void series_labels_init(struct series_labels *l);
void series_labels_free(struct series_labels *l);

/* Forget all, and begin with what the relay adds. */
void series_labels_begin(struct series_labels *l, const struct metrics_labels *added);
/* One more: any key, as the name of a label; nothing where the key is the relay's own or the value
 * is empty. Text is UTF-8. */
void series_labels_add(struct series_labels *l, const char *key, size_t key_len, const char *value,
                       size_t value_len);

/* What was added so far stays; back to that. */
void series_labels_keep(struct series_labels *l);
void series_labels_back(struct series_labels *l);

/* Sort and join them: how many stand in l->made, until the next change; -1: there are too many, or
 * there was no memory. `extra` is a name that none of them may have (NULL: any may): theirs becomes
 * exported_... */
GF_MUST_CHECK int series_labels_end(struct series_labels *l, const char *extra);

#endif
