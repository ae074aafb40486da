/*
 * config_warn_metrics.c -- [collect] and [scrape] beside what the site has consented to.
 */
#include "agent/config_warn_metrics.h"

#include <stdio.h>
#include <string.h>

#include "agent/channels.h"
#include "agent/collect/collect_scrape_settings.h"
#include "agent/collect/collect_settings.h"
#include "agent/command.h"

#define WORDS     (COLLECT_SCRAPE_URL_MAX + 512)
#define REMEDY    256
#define GRPC_PORT 4317

struct work {
    struct agent *a;
    config_warn_tell *fn;
    void *arg;
};

/* Where it says so, or the section where it says nothing. */
static const char *place(const struct config *c, const char *name, const char *key) {
    return config_get(c, "scrape", name, key) != NULL ? config_origin(c, "scrape", name, key)
                                                      : config_where(c, "scrape", name);
}

static int look_at_path(const struct work *w, const struct collect_scrape_settings *s,
                        struct gf_err *e) {
    char words[WORDS];

    if (s->path == COLLECT_SCRAPE_PATH)
        return 0;
    (void)snprintf(words, sizeof words, "%s: [scrape \"%s\"] url names no path: %s is asked",
                   place(w->a->config, s->name, "url"), s->name, s->url);
    return w->fn(w->arg, "scrape", words,
                 s->path == COLLECT_SCRAPE_ROOT ? "metrics are mostly at /metrics: name their path"
                                                : "name the path of its metrics",
                 e);
}

static int look_at_consent(const struct work *w, const struct collect_scrape_settings *s,
                           struct gf_err *e) {
    char words[WORDS], remedy[REMEDY], self[COMMAND_SELF];
    struct command_consent c;

    if (command_consent(w->a, s->channel, &c, e) == -1)
        return -1;
    if (c.is == STORE_GRANTED)
        return 0;
    const char *meant = c.is == STORE_ASK ? channels_near(w->a, s->channel) : NULL;
    (void)snprintf(words, sizeof words,
                   "%s: [scrape \"%s\"] is not asked, for its channel %s has no consent%s%s%s",
                   place(w->a->config, s->name, "channel"), s->name, s->channel,
                   meant ? "; did you mean " : "", meant ? meant : "", meant ? "?" : "");
    if (c.forced)
        (void)snprintf(remedy, sizeof remedy, "where it may leave, change consent at %.150s",
                       c.forced);
    else
        (void)snprintf(remedy, sizeof remedy, "where it may leave: %s consent %s grant",
                       command_self(w->a, self), s->channel);
    return w->fn(w->arg, "scrape", words, remedy, e);
}

/* A rule names fields of JSON, and there are none in what endpoints say. */
static int look_at_rule(const struct work *w, const struct collect_scrape_settings *s,
                        struct gf_err *e) {
    const char *allow = config_get(w->a->config, "channel", s->channel, "allow");
    char words[WORDS];

    if (!allow || allow[0] == '\0' || redact_passes_all(allow))
        return 0;
    (void)snprintf(words, sizeof words,
                   "%s: [channel \"%s\"] allow names fields of JSON, which cannot be applied to "
                   "metrics: nothing of [scrape \"%s\"] comes in",
                   config_origin(w->a->config, "channel", s->channel, "allow"), s->channel,
                   s->name);
    return w->fn(w->arg, "scrape", words,
                 "give it a channel without allow (deny names attributes that may not leave)", e);
}

static int look_at_port(const struct work *w, const struct collect_settings *s, struct gf_err *e) {
    char words[WORDS];

    if (s->address[0] == '\0' || s->port != GRPC_PORT)
        return 0;
    (void)snprintf(words, sizeof words,
                   "%s: [collect] listen at port %d, to which programs send OTLP by gRPC, which is "
                   "not spoken here",
                   config_origin(w->a->config, "collect", NULL, "listen"), GRPC_PORT);
    return w->fn(w->arg, "collect", words, "take 4318, the port of OTLP/HTTP", e);
}

int config_warn_metrics(struct agent *a, config_warn_tell *fn, void *arg, struct gf_err *e) {
    const struct work w = {.a = a, .fn = fn, .arg = arg};
    struct collect_settings collect;
    struct collect_scrapes all;
    struct gf_err why;

    /* What is wrong there is no warning: config_check() tells it. */
    if (collect_settings_read(a->config, NULL, &collect, &why) == -1 ||
        collect_scrape_settings_read(a->config, collect.channel, &all, &why) == -1)
        return 0;
    int rc = look_at_port(&w, &collect, e);
    for (size_t i = 0; rc == 0 && i < all.n; i++) {
        if (look_at_path(&w, &all.list[i], e) == -1 || look_at_consent(&w, &all.list[i], e) == -1 ||
            look_at_rule(&w, &all.list[i], e) == -1)
            rc = -1;
    }
    collect_scrape_settings_free(&all);
    return rc;
}
