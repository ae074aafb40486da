/*
 * accept.c -- records into the queue, under the caps that their channel declares.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/command.h"
#include "agent/thin/thin.h"

static const char *const policies[] = {"refuse", "drop-oldest", NULL};

int agent_cap(struct agent *a, const char *channel, struct store_cap *out, struct gf_err *e) {
    struct store_cap cap = {0};

    if (config_int(a->config, "channel", channel, "max_records", 1, INT64_MAX, &cap.records, e) ==
            -1 ||
        config_size(a->config, "channel", channel, "max_bytes", &cap.bytes, e) == -1 ||
        config_enum(a->config, "channel", channel, "full", policies, &cap.drop, e) == -1)
        return -1;
    if (config_get(a->config, "channel", channel, "thin")) {
        cap.thin = thin_make_room;
        cap.arg = a;
    }
    *out = cap;
    return 0;
}

int agent_full(struct agent *a, const char *channel, struct gf_err *e) {
    const char *key =
        config_get(a->config, "channel", channel, "max_records") ? "max_records" : "max_bytes";
    char self[COMMAND_SELF];

    return gf_err_set(
        e, GF_E_LIMIT,
        "channel %s: its queue is full (%s); nothing more is accepted before receipts "
        "come: %s sync DRIVE, or raise max_records or max_bytes, or let the oldest "
        "go: full = drop-oldest",
        channel, config_origin(a->config, "channel", channel, key), command_self(a, self));
}

int agent_accept(struct agent *a, const struct gf_record *r, struct gf_err *e) {
    struct store_batch b = {0};
    struct store_cap cap;
    size_t n = 0;

    if (agent_cap(a, r->channel, &cap, e) == -1)
        return -1;
    int rc = store_batch_add(&b, r, e);
    if (rc == 0)
        rc = store_accept(a->store, r->channel, &b, &cap, a->now, &n, e);
    store_batch_free(&b);
    return rc == 0 && n == 0 ? agent_full(a, r->channel, e) : rc;
}

int agent_room(struct agent *a, const char *channel, struct agent_room *out, struct gf_err *e) {
    struct agent_room room = {INT64_MAX, INT64_MAX};
    struct store_count *counts = NULL;
    struct store_cap cap;
    size_t n = 0;

    if (agent_cap(a, channel, &cap, e) == -1 || store_counts(a->store, &counts, &n, e) == -1)
        return -1;
    if (cap.records > 0 && !cap.drop)
        room.records = cap.records;
    if (cap.bytes > 0 && !cap.drop)
        room.bytes = cap.bytes;
    for (size_t i = 0; i < n; i++) {
        const struct store_count *c = &counts[i];

        if (strcmp(c->channel, channel) != 0)
            continue;
        if (room.records != INT64_MAX)
            room.records -= c->n[STORE_QUEUED] + c->n[STORE_EXPORTED];
        if (room.bytes != INT64_MAX)
            room.bytes -= c->bytes[STORE_QUEUED] + c->bytes[STORE_EXPORTED];
    }
    free(counts);
    out->records = room.records > 0 ? room.records : 0;
    out->bytes = room.bytes > 0 ? room.bytes : 0;
    return 0;
}
