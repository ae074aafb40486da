/*
 * forked.c -- the stream that a relay has found to be forked, as a fact of the store.
 */
#include "agent/forked.h"

#include <stdio.h>
#include <string.h>

#define FACT "forked"

int forked_note(struct agent *a, const struct gf_id *stream, struct gf_err *e) {
    struct gf_buf now;

    int begun = store_get_fact(a->store, "stream", &now, e);
    int is_ours = begun == 1 && now.len == sizeof stream->b &&
                  memcmp(now.data, stream->b, sizeof stream->b) == 0;
    gf_buf_free(&now);
    if (begun == -1)
        return -1;
    return is_ours ? store_put_fact(a->store, FACT, stream->b, sizeof stream->b, e) : 0;
}

int forked_is(struct agent *a, char remedy[FORKED_REMEDY], struct gf_err *e) {
    char self[COMMAND_SELF];
    struct gf_buf told, now;
    int rc = -1;

    gf_buf_init(&now, 0);
    int found = store_get_fact(a->store, FACT, &told, e);
    int begun = found == 1 ? store_get_fact(a->store, "stream", &now, e) : 0;
    if (found != -1 && begun != -1)
        rc = begun == 1 && told.len > 0 && told.len == now.len &&
             memcmp(told.data, now.data, now.len) == 0;
    gf_buf_free(&told);
    gf_buf_free(&now);
    if (rc == 1)
        (void)snprintf(remedy, FORKED_REMEDY,
                       "on the one that goes on: %s restore; on the copy: init in an empty place",
                       command_self(a, self));
    return rc;
}

int forked_show(struct agent *a, struct out *t, const char *label, struct gf_err *e) {
    char remedy[FORKED_REMEDY];

    int is = forked_is(a, remedy, e);
    if (is == -1)
        return -1;
    out_bool(t, "forked", is);
    if (is)
        out_text(t, "%s" FORKED_WHAT ": %s\n", label, remedy);
    return is;
}
