/*
 * carry_order.c -- which responses come first where a drive has no room for all.
 */
#include "relay/carry_order.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct ranked {
    int rank; /* 0 small, 1 for this drive's sites, 2 the rest */
    size_t at;
    struct ledger_response response;
};

static int compare(const void *a, const void *b) {
    const struct ranked *x = a, *y = b;

    if (x->rank != y->rank)
        return x->rank - y->rank;
    return x->at < y->at ? -1 : x->at > y->at;
}

static int is_small(const struct relay *r, const struct ledger_response *x) {
    char path[80] = "outbox/";
    struct stat st;

    gf_drive_bundle_name(&x->id, path + strlen(path));
    return fstatat(r->state_fd, path, &st, AT_SYMLINK_NOFOLLOW) == -1 || st.st_size <= CARRY_SMALL;
}

/* 1 if the card of this identity lies on the drive, 0, -1. */
static int is_at_home(const struct relay *r, const struct gf_drive_list *cards,
                      const struct gf_hash *identity, struct gf_err *e) {
    char name[GF_DRIVE_NAME];
    struct gf_card card;

    int rc = cards->n > 0 ? ledger_card(r->ledger, identity, 0, &card, e) : 0;
    if (rc != 1)
        return rc;
    gf_drive_card_name(&card, name);
    for (size_t k = 0; k < cards->n; k++) {
        if (strcmp(cards->entries[k].name, name) == 0)
            return 1;
    }
    return 0;
}

static int rank_all(const struct relay *r, const struct gf_drive_list *cards,
                    const struct ledger_response *list, struct ranked *out, size_t n,
                    struct gf_err *e) {
    for (size_t i = 0; i < n; i++) {
        int rank = 0;
        if (!is_small(r, &list[i])) {
            int home = is_at_home(r, cards, &list[i].to, e);
            if (home == -1)
                return -1;
            rank = home ? 1 : 2;
        }
        out[i] = (struct ranked){rank, i, list[i]};
    }
    return 0;
}

int carry_order(const struct relay *r, struct gf_drive *d, struct ledger_response *list, size_t n,
                size_t *others, struct gf_err *e) {
    struct gf_drive_list cards = {0};
    size_t rest = 0;

    *others = 0;
    if (n == 0)
        return 0;
    struct ranked *ranked = calloc(n, sizeof *ranked);
    if (ranked == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for %zu responses", n);
    int rc = gf_drive_scan(d, GF_FOLDER_CARDS, 0, &cards, e);
    if (rc == 0)
        rc = rank_all(r, &cards, list, ranked, n, e);
    if (rc == 0) {
        qsort(ranked, n, sizeof *ranked, compare);
        for (size_t i = 0; i < n; i++) {
            list[i] = ranked[i].response;
            rest += ranked[i].rank == 2;
        }
        *others = rest;
    }
    gf_drive_list_free(&cards);
    free(ranked);
    return rc;
}
