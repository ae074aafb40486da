/*
 * collect_take.c -- a whole request: consent, body, room, and its record into the group.
 */
#include "agent/collect/collect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/body_cut.h"
#include "agent/floor.h"
#include "common/grid.h"
#include "common/gunzip.h"
#include "common/mono.h"
#include "common/when.h"
#include "gapferry/digest.h"

/* Seconds after which somebody may come again: once the agent has been at work. The first is short,
 * since exporters give an export up after ten seconds. */
#define RETRY_AGENT 5
#define RETRY_ROOM  60

/* ms between two looks at what lies in intake/ because room is wanted. */
#define ROOM_MS 1000

static unsigned status_of(enum body_no no) {
    switch (no) {
    case BODY_NO_TYPE:
        return 415;
    case BODY_NO_FORM:
        return 400;
    case BODY_NO_RULE:
        return 403;
    case BODY_NO_MEMORY:
        break;
    }
    return 503;
}

/* What the agent says of the channel; NULL: answered. */
static const struct collect_channel *granted(struct collect_call *call) {
    const struct collect_policy_file *f = &call->c->policy;
    char why[256 + GF_WORD_MAX];

    if (!f->there) {
        (void)snprintf(why, sizeof why, "the agent of this host grants nothing yet: %.180s",
                       f->why.code == GF_E_NOINPUT ? "it was not run (gapferry-agent run, or sync)"
                                                   : f->why.text);
        collect_reply_no(call, 503, RETRY_AGENT, why);
        return NULL;
    }
    const struct collect_channel *ch = collect_policy_find(&f->policy, call->channel);
    if (ch != NULL && ch->consent == COLLECT_GRANTED)
        return ch;
    int own = grid_is_own_consent(call->channel);
    if (own)
        (void)snprintf(why, sizeof why, "channel %s: its records are made by gapferry-agent alone",
                       call->channel);
    else if (ch != NULL && ch->consent == COLLECT_DENIED)
        (void)snprintf(why, sizeof why, "channel %s: the site has denied its consent",
                       call->channel);
    else
        (void)snprintf(why, sizeof why,
                       "channel %s: the site has not given its consent (gapferry-agent consent %s "
                       "grant)",
                       call->channel, call->channel);
    collect_reply_no(call, 403, 0, why);
    return NULL;
}

/* The decoded body in place of the one that came. */
static int decode(struct collect_call *call) {
    struct gf_buf plain;
    struct gf_err e;

    if (!call->gzip || (call->body.len == 0 && call->path != BODY_RECORDS))
        return 0;
    gf_buf_init(&plain, call->body.max);
    if (gunzip(call->body.data, call->body.len, &plain, &e) == -1) {
        gf_buf_free(&plain);
        collect_reply_no(call,
                         e.code == GF_E_LIMIT    ? 413
                         : e.code == GF_E_RECORD ? 400
                                                 : 503,
                         e.code == GF_E_SYSTEM ? 1 : 0, e.text);
        return -1;
    }
    call->c->in_memory += (int64_t)plain.len - (int64_t)call->body.len;
    gf_buf_free(&call->body);
    call->body = plain;
    return 0;
}

/* 1 if such lines fit into what the agent's queue takes. */
static int fits(const struct collect *c, const struct collect_channel *ch,
                const struct collect_writer *w, struct collect_use lines) {
    struct collect_use used = collect_room_used(c->room, ch->name);
    struct collect_use pending = collect_group_pending(w);

    return (ch->records == INT64_MAX ||
            used.records + pending.records + lines.records <= ch->records) &&
           (ch->bytes == INT64_MAX || used.bytes + pending.bytes + lines.bytes <= ch->bytes);
}

/* 1 there is room, 0 answered. The agent may have taken files since they were looked at. */
static int has_room(struct collect_call *call, const struct collect_channel *ch,
                    const struct collect_writer *w, struct collect_use lines) {
    struct collect *c = call->c;
    struct gf_err e;
    char why[200];

    if (ch->records == INT64_MAX && ch->bytes == INT64_MAX)
        return 1;
    if (c->room_stale || (!fits(c, ch, w, lines) && mono_ms() - c->room_seen >= ROOM_MS)) {
        if (collect_room_scan(c->room, &e) == -1) {
            collect_reply_no(call, 503, RETRY_AGENT, e.text);
            return 0;
        }
        c->room_stale = 0;
        c->room_seen = mono_ms();
    }
    if (fits(c, ch, w, lines))
        return 1;
    (void)snprintf(why, sizeof why, "channel %s: the agent's queue takes no more of it now",
                   ch->name);
    collect_reply_no(call, 429, RETRY_ROOM, why);
    return 0;
}

/* Random bytes for many ids are had in one go, and each is used once. */
static void new_id(struct collect *c, struct gf_id *out) {
    struct timespec now;

    if (c->nrandom < 10) {
        gf_digest_random(c->random, sizeof c->random);
        c->nrandom = sizeof c->random;
    }
    c->nrandom -= 10;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    gf_text_uuid7((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, c->random + c->nrandom, out);
}

static int write_line(struct collect_call *call, const struct collect_channel *ch,
                      const struct body_kept *kept, struct gf_err *e) {
    int64_t now = call->c->now;
    struct gf_id id;

    new_id(call->c, &id);
    gf_text_uuid(&id, call->record);
    gf_buf_clear(&call->c->line);
    const struct gf_record r = {
        .id = id,
        .channel = ch->name,
        .product = ch->product,
        .origin = call->c->policy.policy.agent,
        .created = now,
        .clock = now < when_built() - FLOOR_SLACK ? GF_CLOCK_BEHIND : GF_CLOCK_OK,
        .type = kept->type != NULL   ? kept->type
                : call->type != NULL ? call->type
                                     : ch->type,
        .body = {GF_BODY_TEXT, kept->data != NULL ? kept->data : "", kept->len},
        .ext = body_ext(kept, &call->c->ext)};
    return gf_record_write(&r, &call->c->line, e);
}

static void refuse_line(struct collect_call *call, const struct gf_err *e) {
    if (e->code == GF_E_LIMIT)
        collect_reply_no(call, 413, 0,
                         call->path == BODY_RECORDS
                             ? "a record holds at most about 1 MiB; send less at once"
                             : "a request holds at most about 8 MiB of records; send less at once");
    else if (e->code == GF_E_RECORD)
        collect_reply_no(call, 415, 0, e->text);
    else
        collect_reply_no(call, 503, RETRY_AGENT, e->text);
}

/* Write the line of each record that the body becomes, and put it into the group if w is one. *all
 * is what they take. */
static int write_all(struct collect_call *call, const struct collect_channel *ch,
                     const struct body_kept *kept, struct collect_writer *w,
                     struct collect_use *all, struct gf_err *e) {
    const struct gf_buf *line = &call->c->line;
    struct body_kept part;
    size_t at = 0;

    *all = (struct collect_use){0};
    do {
        body_part(kept, at, &part);
        if (write_line(call, ch, &part, e) == -1 ||
            (w != NULL && collect_group_put(w, line->data, line->len, e) == -1))
            return -1;
        all->records++;
        all->bytes += (int64_t)line->len;
        at += part.len;
    } while (at < kept->len);
    return 0;
}

/* What all lines of it take; a request that no line holds becomes several. */
static int measure(struct collect_call *call, const struct collect_channel *ch,
                   struct body_kept *kept, struct collect_use *all, struct gf_err *e) {
    static const size_t most[] = {BODY_CUT_BYTES, BODY_CUT_TEXT};
    int rc = write_all(call, ch, kept, NULL, all, e);

    for (size_t i = 0; i < sizeof most / sizeof *most; i++) {
        if (rc == 0 || e->code != GF_E_LIMIT || call->path != BODY_METRICS)
            break;
        rc = body_cut(kept, call->type, most[i], e);
        if (rc == 0 && !kept->empty)
            rc = write_all(call, ch, kept, NULL, all, e);
    }
    return rc;
}

/* The words for a reply; that it fails is no reason to refuse what came. */
static void keep_words(struct collect_call *call, const struct body_kept *kept) {
    if (kept->dropped.len > 0)
        call->dropped = strdup(kept->dropped.data);
    if (kept->partial.len > 0)
        call->partial = strdup(kept->partial.data);
    call->rejected = kept->refused;
}

static void put(struct collect_call *call, const struct collect_channel *ch,
                struct body_kept *kept) {
    const struct gf_buf *line = &call->c->line;
    struct collect_use all;
    struct gf_err e;

    /* What it takes is known before the first of its lines is in the group. */
    struct collect_writer *w = collect_group_writer(call->c, ch->name, &e);
    if (w == NULL || measure(call, ch, kept, &all, &e) == -1) {
        refuse_line(call, &e);
        return;
    }
    if (kept->empty) {
        keep_words(call, kept);
        collect_reply_done(call);
        return;
    }
    if (!has_room(call, ch, w, all))
        return;
    keep_words(call, kept);
    int rc = collect_group_begin(call->c, w, all, &e);
    if (rc == 0)
        rc = all.records == 1 ? collect_group_put(w, line->data, line->len, &e)
                              : write_all(call, ch, kept, w, &all, &e);
    if (rc == -1)
        refuse_line(call, &e);
    else
        collect_group_hold(call, w);
}

/* Nanoseconds since 1970. */
static uint64_t arrival(void) {
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void collect_take(struct collect_call *call) {
    struct body_kept kept;
    enum body_no no;
    struct gf_err e;

    const struct collect_channel *ch = granted(call);
    if (ch == NULL || decode(call) == -1)
        return;
    if (call->path == BODY_RECORDS && call->body.len == 0) {
        collect_reply_no(call, 400, 0, "a record has a body");
        return;
    }
    const struct body b = {.path = call->path,
                           .type = call->type != NULL           ? call->type
                                   : call->path == BODY_METRICS ? ""
                                                                : ch->type,
                           .allow = ch->allow,
                           .deny = ch->deny,
                           .data = call->body.data != NULL ? call->body.data : "",
                           .len = call->body.len,
                           .unit = call->unit,
                           .arrived = arrival()};
    if (body_take(&b, &kept, &no, &e) == -1)
        collect_reply_no(call, status_of(no), no == BODY_NO_MEMORY ? 1 : 0, e.text);
    else if (kept.empty)
        collect_reply_done(call);
    else
        put(call, ch, &kept);
    body_free(&kept);
}
