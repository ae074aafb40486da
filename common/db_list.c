/*
 * db_list.c -- the rows of a query as a list in memory.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/db.h"

int db_list_grow(void *list, size_t n, size_t size, struct gf_err *e) {
    void **p = list;

    /* A full power of two (and nothing at all) is where the next block begins. */
    if (n & (n - 1))
        return 0;
    void *more = reallocarray(*p, n ? 2 * n : 1, size);
    if (!more)
        return gf_err_errno(e, "no memory for a list of %zu entries", n + 1);
    *p = more;
    return 0;
}

int db_list(struct db_query *q, int opened, size_t size, db_list_row *row, void *out, size_t *n,
            struct gf_err *e) {
    char *list = NULL;
    size_t found = 0;
    int rc = opened;

    while (rc == 0 && (rc = db_next(q, e)) == 1) {
        rc = db_list_grow(&list, found, size, e);
        if (rc == 0) {
            memset(list + found * size, 0, size);
            rc = row(q, list + found * size, e);
            found++;
        }
    }
    db_done(q);
    if (rc == -1) {
        free(list);
        return -1;
    }
    memcpy(out, &list, sizeof list);
    *n = found;
    return 0;
}
