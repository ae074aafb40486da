/*
 * source_run.c -- one source: may it run, what does it make, and what is kept of that.
 */
#include "agent/source/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/body.h"
#include "agent/command.h"
#include "agent/deny.h"
#include "gapferry/digest.h"

/* only_if: seconds, and bytes of output that nobody looks at. */
#define ONLY_IF_TIMEOUT 30
#define ONLY_IF_BYTES   65536

int source_state(struct agent *a, const struct source *s, struct store_source *out,
                 struct gf_err *e) {
    struct store_source st;

    int found = store_get_source(a->store, s->name, &st, e);
    if (found == -1)
        return -1;
    int64_t due = found ? source_plan_settle(st.due, a->now, s->interval) : a->now;
    if (!found || due != st.due) {
        /* Kept at once, so that a wrong clock is made up for once and not each time we look. */
        st.due = due;
        if (store_put_source(a->store, &st, e) == -1 ||
            store_get_source(a->store, s->name, &st, e) == -1)
            return -1;
    }
    *out = st;
    return 0;
}

void source_outcome_free(struct source_outcome *o) {
    gf_buf_free(&o->body);
    gf_buf_free(&o->ext);
    gf_buf_free(&o->dropped);
}

static int fails(struct source_outcome *o, const char *why) {
    o->end = SOURCE_FAILED;
    (void)snprintf(o->why, sizeof o->why, "%.255s", why);
    return 0;
}

/* 1 if this host reports on the channel; 0 if not, or if that could not be found out (FAILED); -1
 * where it was stopped. */
static int is_here(const struct source *s, struct source_outcome *o, struct gf_err *stopped) {
    char said[SOURCE_SAID_MAX];
    struct gf_buf ignored;
    struct gf_err e;
    int status = 0;

    if (!s->only_if)
        return 1;
    int rc =
        source_command(s->only_if, ONLY_IF_TIMEOUT, ONLY_IF_BYTES, &ignored, &status, said, &e);
    gf_buf_free(&ignored);
    if (rc == -1 && e.code == GF_E_BUSY) {
        *stopped = e;
        return -1;
    }
    if (rc == -1) {
        (void)gf_err_prefix(&e, "only_if");
        (void)fails(o, e.text);
    } else if (status != 0) {
        o->end = SOURCE_ELSEWHERE;
        (void)snprintf(o->why, sizeof o->why, "another host reports (only_if: exit status %d)",
                       status);
    }
    return rc == 0 && status == 0;
}

/* What the source has to say, into `out`. -1 with *e: it failed, or *broken: the store did. */
static int make(struct agent *a, const struct source *s, struct gf_buf *out, struct gf_err *e) {
    char said[SOURCE_SAID_MAX];
    int status = 0;

    if (!s->command) {
        gf_buf_init(out, (size_t)s->max_bytes);
        return source_document(a, s, out, e);
    }
    if (source_command(s->command, s->timeout, (size_t)s->max_bytes, out, &status, said, e) == -1)
        return -1;
    if (status != 0)
        return gf_err_set(e, GF_E_NOINPUT, "%s: exit status %d%s%s", s->command, status,
                          said[0] ? ", " : "", said);
    if (out->len == 0)
        return gf_err_set(e, GF_E_NOINPUT, "%s: printed nothing", s->command);
    if (redact_check(out->data, out->len, e) == -1) {
        e->text[strcspn(e->text, ";")] = '\0'; /* advice for people who type bodies */
        return gf_err_prefix(e, "%s: printed no JSON", s->command);
    }
    return 0;
}

/* Through the rules of the channel, into the outcome. */
static int redact(struct agent *a, const struct source *s, const struct gf_buf *made,
                  struct source_outcome *o, struct gf_err *e) {
    struct otlp_deny *deny = NULL;
    struct body_kept kept;
    enum body_no no;

    if (deny_of(a->config, s->channel, &deny, e) == -1)
        return -1;
    const struct body b = {.path = BODY_OWN,
                           .type = o->record.type,
                           .allow = config_get(a->config, "channel", s->channel, "allow"),
                           .deny = deny,
                           .data = made->data,
                           .len = made->len};
    int rc = body_take(&b, &kept, &no, e);
    if (rc == 0 && kept.dropped.len > 0 && kept.len == 2)
        rc = gf_err_set(e, GF_E_NOINPUT,
                        "the rule of channel %s (allow, %s) leaves nothing of it: name there "
                        "what may leave of %s",
                        s->channel, config_origin(a->config, "channel", s->channel, "allow"),
                        (const char *)kept.dropped.data);
    if (rc == 0) {
        gf_buf_add(&o->body, kept.data, kept.len);
        gf_buf_add(&o->dropped, kept.dropped.data, kept.dropped.len);
        o->record.body = (struct gf_body){GF_BODY_TEXT, o->body.data, o->body.len};
        o->record.ext = body_ext(&kept, &o->ext);
        rc = gf_buf_check(&o->body, "the body", e);
    }
    body_free(&kept);
    otlp_deny_free(deny);
    return rc;
}

/* All of the record but its body. */
static int begin_record(struct agent *a, const struct source *s, struct source_outcome *o,
                        struct gf_err *e) {
    if (command_record(a, &o->record, e) == -1)
        return -1;
    o->record.channel = s->channel;
    o->record.product = s->product;
    o->record.type = config_get(a->config, "channel", s->channel, "type");
    if (!o->record.type || s->command == NULL)
        o->record.type = "application/json";
    return 0;
}

/* Look, make, redact: o->end says how far it came. -1: the store failed, or GF_E_BUSY: stopped. */
static int attempt(struct agent *a, const struct source *s, struct source_outcome *o,
                   struct gf_err *e) {
    struct gf_buf made;
    struct gf_err why;

    int here = is_here(s, o, e);
    if (here != 1)
        return here;
    if (begin_record(a, s, o, e) == -1)
        return -1;
    gf_buf_init(&made, SOURCE_BYTES_MAX);
    int rc = make(a, s, &made, &why);
    if (rc == 0)
        rc = redact(a, s, &made, o, &why);
    gf_buf_free(&made);
    if (rc == -1 && why.code == GF_E_BUSY) {
        *e = why;
        return -1;
    }
    if (rc == -1)
        (void)fails(o, why.text);
    else
        o->end = SOURCE_RECORDED;
    return 0;
}

/* Into the queue, if consent is what it was when we began. */
static int record(struct agent *a, const struct source *s, struct source_outcome *o,
                  struct gf_err *e) {
    struct command_consent c;
    struct gf_err why;

    if (command_consent(a, s->channel, &c, e) == -1)
        return -1;
    if (c.is != STORE_GRANTED) {
        o->end = SOURCE_WAITING;
        return 0;
    }
    if (agent_accept(a, &o->record, &why) == 0)
        return 0;
    if (why.code != GF_E_LIMIT && why.code != GF_E_RECORD) {
        *e = why;
        return -1;
    }
    return fails(o, why.text);
}

/* The record and what becomes of the schedule, as one change. */
static int keep(struct agent *a, const struct source *s, struct store_source *st,
                struct source_outcome *o, struct gf_err *e) {
    uint32_t random;

    if (o->end == SOURCE_RECORDED && record(a, s, o, e) == -1)
        return -1;
    if (o->end == SOURCE_WAITING)
        return 0;
    gf_digest_random(&random, sizeof random);
    st->failures = o->end == SOURCE_FAILED ? st->failures + 1 : 0;
    st->due = source_plan_next(st->due, a->now, s->interval, st->failures, random);
    st->ran = a->now;
    if (o->end == SOURCE_RECORDED)
        st->good = a->now;
    (void)snprintf(st->reason, sizeof st->reason, "%s", o->why);
    int put = store_put_source(a->store, st, e);
    if (put == 0)
        return gf_err_set(e, GF_E_BUSY, "source %s: another process has run it just now", s->name);
    return put == 1 ? 0 : -1;
}

int source_run(struct agent *a, const struct source *s, int dry, struct source_outcome *out,
               struct gf_err *e) {
    struct source_outcome o = {.end = SOURCE_WAITING};
    struct command_consent c;
    struct store_source st;
    int rc = -1;

    gf_buf_init(&o.body, GF_LINE_MAX);
    gf_buf_init(&o.dropped, GF_LINE_MAX);
    gf_buf_init(&o.ext, GF_EXT_MAX);
    if (command_consent(a, s->channel, &c, e) == -1 || source_state(a, s, &st, e) == -1)
        goto out;
    o.consent = c.is;
    if (dry ? c.is == STORE_DENIED : c.is != STORE_GRANTED) {
        rc = 0;
        goto out;
    }
    if (attempt(a, s, &o, e) == -1)
        goto out;
    rc = 0;
    if (!dry && (rc = store_begin(a->store, e)) == 0)
        rc = store_end(a->store, keep(a, s, &st, &o, e), e);
    if (rc == -1 && e->code == GF_E_BUSY) {
        o.end = SOURCE_IDLE;
        rc = 0;
    }
out:
    if (rc == 0)
        *out = o;
    else
        source_outcome_free(&o);
    return rc;
}
