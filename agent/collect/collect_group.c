/*
 * collect_group.c -- group commit: one flush of each channel's file for all that came together.
 */
#include "agent/collect/collect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/spool.h"

/* Seconds after which a disk that was full or failing may take something again. */
#define RETRY_DISK 30

/* Bytes of an entry of a spool beside its line, and some more. */
#define HEAD 32

struct collect_writer {
    struct collect_writer *next;
    char channel[GF_WORD_MAX + 1];
    struct spool *spool;
    struct collect_use pending;
    struct gf_err failed; /* of the last flush; GF_OK: it went well */
};

struct collect_writer *collect_group_writer(struct collect *c, const char *channel,
                                            struct gf_err *e) {
    struct collect_writer *w = c->writers;

    while (w != NULL && strcmp(w->channel, channel) != 0)
        w = w->next;
    if (w != NULL)
        return w;
    w = calloc(1, sizeof *w);
    if (w == NULL) {
        (void)gf_err_set(e, GF_E_SYSTEM, "no memory for a channel");
        return NULL;
    }
    if (spool_open(c->intake_path, SPOOL_FILE_MAX, &w->spool, e) == -1) {
        free(w);
        return NULL;
    }
    (void)snprintf(w->channel, sizeof w->channel, "%s", channel);
    w->next = c->writers;
    c->writers = w;
    return w;
}

struct collect_use collect_group_pending(const struct collect_writer *w) {
    return w->pending;
}

/* What it takes of a file. */
static int64_t size(struct collect_use use) {
    return use.bytes + use.records * HEAD;
}

int collect_group_begin(struct collect *c, const struct collect_writer *w, struct collect_use lines,
                        struct gf_err *e) {
    if (size(lines) > SPOOL_FILE_MAX)
        return gf_err_set(e, GF_E_LIMIT, "a request holds at most %d MiB of records",
                          (int)(SPOOL_FILE_MAX >> 20));
    if (size(w->pending) + size(lines) > SPOOL_FILE_MAX)
        collect_group_commit(c);
    return 0;
}

int collect_group_put(struct collect_writer *w, const char *line, size_t len, struct gf_err *e) {
    if (spool_put(w->spool, line, len, e) == -1)
        return -1;
    w->pending.records++;
    w->pending.bytes += (int64_t)len;
    return 0;
}

void collect_group_hold(struct collect_call *call, struct collect_writer *w) {
    struct collect *c = call->c;

    call->writer = w;
    call->next = NULL;
    *c->last = call;
    c->last = &call->next;
    if (call->r != NULL)
        httpd_defer(call->r);
}

void collect_group_leave(struct collect_call *call) {
    struct collect *c = call->c;
    struct collect_call **at = &c->first;

    if (call->writer == NULL)
        return;
    while (*at != call)
        at = &(*at)->next;
    *at = call->next;
    if (c->last == &call->next)
        c->last = at;
    call->writer = NULL;
}

static void flush(struct collect *c, struct collect_writer *w) {
    struct gf_err e;

    w->failed.code = GF_OK;
    if (w->pending.records == 0)
        return;
    if (spool_sync(w->spool, &w->failed) == -1) {
        log_write(LOG_LEVEL_ERROR, "not-written", {"channel", w->channel, 0},
                  {"records", NULL, w->pending.records}, {"why", w->failed.text, 0});
    } else {
        c->counts.groups++;
        c->counts.records += w->pending.records;
        c->counts.bytes += w->pending.bytes;
        if (collect_room_add(c->room, w->channel, w->pending, &e) == -1)
            c->room_stale = 1;
    }
    w->pending = (struct collect_use){0};
}

static void answer(struct collect_call *call) {
    const struct gf_err *failed = &call->writer->failed;

    call->writer = NULL;
    if (failed->code == GF_OK)
        collect_reply_done(call);
    else
        collect_reply_no(call, failed->code == GF_E_CREATE ? 429 : 503, RETRY_DISK,
                         failed->code == GF_E_CREATE ? "the disk of this host takes no more"
                                                     : failed->text);
}

void collect_group_commit(struct collect *c) {
    struct collect_call *call = c->first, *next;

    for (struct collect_writer *w = c->writers; w != NULL; w = w->next)
        flush(c, w);
    c->first = NULL;
    c->last = &c->first;
    for (; call != NULL; call = next) {
        next = call->next;
        answer(call);
    }
}

void collect_group_close(struct collect *c) {
    struct collect_writer *next;

    for (struct collect_writer *w = c->writers; w != NULL; w = next) {
        next = w->next;
        spool_close(w->spool);
        free(w);
    }
    c->writers = NULL;
}
