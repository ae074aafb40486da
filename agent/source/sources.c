/*
 * sources.c -- all sources: those that are due run, one after the other.
 */
#include "agent/source/source.h"

#include <string.h>

#include "agent/command.h"
#include "common/log.h"
#include "common/nearest.h"

/* Seconds until the next look where this one failed. */
#define LOOK_AGAIN 3600

static void tell(const struct source *s, const struct source_outcome *o) {
    if (o->end == SOURCE_FAILED)
        log_write(LOG_LEVEL_WARNING, "source-failed", {"source", s->name, 0},
                  {"channel", s->channel, 0}, {"why", o->why, 0});
    else if (o->end == SOURCE_RECORDED)
        log_write(LOG_LEVEL_INFO, "source-recorded", {"source", s->name, 0},
                  {"channel", s->channel, 0}, {"bytes", NULL, (int64_t)o->body.len},
                  {"dropped", o->dropped.len ? o->dropped.data : "", 0});
}

static void add(struct sources_result *r, enum source_end end) {
    r->recorded += end == SOURCE_RECORDED;
    r->failed += end == SOURCE_FAILED;
    r->elsewhere += end == SOURCE_ELSEWHERE;
    r->waiting += end == SOURCE_WAITING;
    r->ran += end == SOURCE_RECORDED || end == SOURCE_FAILED || end == SOURCE_ELSEWHERE;
}

static int run_one(struct agent *a, const char *name, int now, int dry, struct sources_result *r,
                   struct gf_err *e) {
    struct source_outcome o;
    struct store_source st;
    struct source s;

    /* A mistake in one section is told and keeps no other from running. */
    if (source_load(a->config, name, &s, e) == -1) {
        log_write(LOG_LEVEL_WARNING, "source-failed", {"source", name, 0}, {"why", e->text, 0});
        r->failed++;
        return 0;
    }
    if (source_state(a, &s, &st, e) == -1)
        return -1;
    if (!now && st.due > a->now)
        return 0;
    if (source_run(a, &s, dry, &o, e) == -1)
        return -1;
    if (!dry)
        tell(&s, &o);
    add(r, o.end);
    source_outcome_free(&o);
    return 0;
}

int agent_sources_run(struct agent *a, const char *only, int now, int dry,
                      struct sources_result *out, struct gf_err *e) {
    struct sources_result r = {0};
    const char *name, *near = NULL;
    size_t best = (size_t)-1;
    int found = 0;

    for (size_t i = 0; (name = config_name(a->config, "source", i)); i++) {
        if (only && strcmp(only, name) != 0) {
            if (nearest_is(only, name, &best))
                near = name;
            continue;
        }
        found = 1;
        if (run_one(a, name, now, dry, &r, e) == -1)
            return -1;
    }
    if (only && !found)
        return gf_err_set(e, GF_E_USAGE, "source \"%s\": there is none of that name in %s%s%s%s",
                          only, a->config_path, near ? "; did you mean \"" : "", near ? near : "",
                          near ? "\"?" : "");
    *out = r;
    return 0;
}

/* When one is due that may run; INT64_MAX: never, as things stand. */
static int next_of(struct agent *a, const char *name, int64_t *due, struct gf_err *e) {
    struct command_consent c;
    struct store_source st;
    struct source s;

    *due = INT64_MAX;
    if (source_load(a->config, name, &s, e) == -1)
        return 0;
    if (command_consent(a, s.channel, &c, e) == -1)
        return -1;
    if (c.is != STORE_GRANTED)
        return 0;
    if (source_state(a, &s, &st, e) == -1)
        return -1;
    *due = st.due;
    return 0;
}

int64_t agent_sources_next(struct agent *a) {
    int64_t next = INT64_MAX, due;
    const char *name;
    struct gf_err e;

    for (size_t i = 0; (name = config_name(a->config, "source", i)); i++) {
        if (next_of(a, name, &due, &e) == -1) {
            log_write(LOG_LEVEL_ERROR, "sources-not-read", {"why", e.text, 0});
            due = a->now + LOOK_AGAIN;
        }
        if (due < next)
            next = due;
    }
    return next;
}
