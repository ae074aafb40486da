/*
 * fuzz_grid.c -- an entry of a manager's spools of any bytes: what is read as one can be written
 * again, and is the same then.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/grid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

static void try_node(const char *line, size_t size) {
    struct gf_id there;
    size_t skip = 0;

    if (grid_node(line, size, &there, &skip))
        require(skip > 0 && skip < size && line[skip - 1] == ' ');
}

static void try_return(const char *line, size_t size) {
    struct grid_return r, again;
    struct gf_buf b;
    struct gf_err e;

    if (grid_return_parse(line, size, &r, &e) == -1) {
        require(r.answer.owned == NULL && r.receipt.owned == NULL && r.notice.owned == NULL &&
                r.update.artifacts == NULL);
        return;
    }
    gf_buf_init(&b, (size_t)4 * GF_LINE_MAX);
    if (grid_return_write(&r, &b, &e) == 0) {
        require(grid_return_parse(b.data, b.len, &again, &e) == 0 && again.word == r.word);
        grid_return_free(&again);
    } else {
        require(e.code == GF_E_LIMIT && b.len == 0);
    }
    gf_buf_free(&b);
    grid_return_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    try_node((const char *)data, size);
    try_return((const char *)data, size);
    return 0;
}
