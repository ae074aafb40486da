/*
 * collect_scrape.c -- endpoints of Prometheus in turn.
 */
#include "agent/collect/collect_scrape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "agent/collect/collect_scrape_body.h"
#include "common/https_pool.h"
#include "common/log.h"
#include "common/mono.h"

#define FOREVER_MS 60000
#define APART_MS   100 /* between the first times of two endpoints, so that not all come at once */

#define ACCEPT      "Accept: text/plain;version=0.0.4"
#define PLAIN       "text/plain"
#define OPENMETRICS "application/openmetrics-text"

/* One endpoint. */
struct collect_scrape {
    struct collect_call call; /* what is made of its answer, while that waits for its flush */
    const struct collect_scrape_settings *settings;
    struct collect_scrape_state *state;
    struct https_options request;
    int busy;       /* from the question until its record is kept or not */
    int64_t due;    /* ms */
    int64_t asked;  /* ms */
    uint64_t began; /* nanoseconds since 1970 */
    int64_t samples;
    char why[COLLECT_WHY]; /* what was wrong with the answer; "": nothing */
};

struct collect_scraper {
    struct collect *c;
    struct https_pool *pool;
    struct collect_scrape *list;
    struct collect_scrape_state *states;
    size_t n;
    int more; /* 1: further answers may have come */
};

static const char *const headers[] = {ACCEPT, NULL};

/* ---- what became of it ---- */

/* What a reply would tell; here nobody reads it. */
static void free_words(struct collect_call *call) {
    free(call->dropped);
    free(call->partial);
    call->dropped = call->partial = NULL;
}

/* A line in the log when it begins to fail, and one when it works again. */
static void settle(struct collect_scrape *s, const char *why) {
    struct collect_scrape_state *state = s->state;
    struct collect_counts *counts = &s->call.c->counts;
    int64_t now = (int64_t)time(NULL), failures = state->failures;

    counts->scrapes++;
    if (why == NULL) {
        state->good = now;
        state->samples = s->samples;
        state->failures = 0;
        if (failures > 0)
            log_write(LOG_LEVEL_INFO, "scrape-recovered", {"scrape", state->name, 0},
                      {"failures", NULL, failures}, {"samples", NULL, s->samples});
    } else {
        counts->scrapes_failed++;
        state->bad = now;
        state->failures++;
        (void)snprintf(state->why, sizeof state->why, "%s", why);
        if (failures == 0)
            log_write(LOG_LEVEL_WARNING, "scrape-failed", {"scrape", state->name, 0},
                      {"why", why, 0});
    }
    gf_buf_free(&s->call.body);
    free_words(&s->call);
    s->busy = 0;
}

void collect_scrape_kept(struct collect_call *call) {
    struct collect_scrape *s = call->scrape;

    settle(s, s->why[0] != '\0' ? s->why : NULL);
}

/* A failure of the endpoint is the reason that helps more. */
void collect_scrape_refused(struct collect_call *call, const char *why) {
    struct collect_scrape *s = call->scrape;

    settle(s, s->why[0] != '\0' ? s->why : why);
}

/* ---- answers ---- */

static int is_type(const struct https_answer *a, const char *is) {
    size_t len;
    const char *type = https_header(a, "content-type", &len);

    return type != NULL && len >= strlen(is) && strncasecmp(type, is, strlen(is)) == 0 &&
           (len == strlen(is) || strchr("; \t", type[strlen(is)]) != NULL);
}

/* 0 if it may be metrics; else why not. */
static int check_answer(struct collect_scrape *s, const struct https_answer *a) {
    size_t len;

    if (a->stage != HTTPS_OK)
        (void)snprintf(s->why, sizeof s->why, "%s%s", a->text,
                       a->cut ? " (body_max of the scrape)" : "");
    else if (a->status >= 300 && a->status < 400)
        (void)snprintf(
            s->why, sizeof s->why,
            "answered with status %ld, which leads elsewhere: redirects are not followed; "
            "name in url where the metrics are",
            a->status);
    else if (a->status != 200)
        (void)snprintf(s->why, sizeof s->why, "answered with status %ld", a->status);
    else if (https_header(a, "content-type", &len) != NULL && !is_type(a, PLAIN) &&
             !is_type(a, OPENMETRICS))
        (void)snprintf(s->why, sizeof s->why,
                       "answered in another form than " PLAIN
                       ", which metrics have: is the path in "
                       "url right?");
    else
        return 0;
    return -1;
}

/* The body of the record, of the answer or, where that is no good, of none. */
static void make_body(struct collect_scrape *s, const struct https_answer *a) {
    struct gf_err e = {.code = GF_OK};
    struct collect_scraped made = {.job = s->settings->job,
                                   .name = s->settings->name,
                                   .openmetrics = is_type(a, OPENMETRICS),
                                   .began = s->began,
                                   .seconds = (double)(mono_ms() - s->asked) / 1000};

    s->samples = 0;
    gf_buf_init(&s->call.body, (size_t)s->call.c->settings.body_max);
    if (check_answer(s, a) == 0) {
        made.text = a->body.data != NULL ? a->body.data : "";
        made.len = a->body.len;
        if (collect_scrape_body(&made, &s->call.body, &s->samples, &e) == 0)
            return;
        (void)snprintf(s->why, sizeof s->why, "%.*s", (int)sizeof s->why - 1, e.text);
        gf_buf_free(&s->call.body);
        made.text = NULL;
    }
    if (collect_scrape_body(&made, &s->call.body, &s->samples, &e) == -1)
        gf_buf_free(&s->call.body);
}

static void take_answer(struct collect_scrape *s, const struct https_answer *a) {
    s->why[0] = '\0';
    make_body(s, a);
    if (s->call.body.data == NULL)
        settle(s, s->why);
    else
        collect_take(&s->call);
}

static void take_one(struct collect_scraper *all) {
    struct https_answer a;
    struct gf_err e;
    void *tag;

    if (all->pool == NULL)
        return;
    int rc = https_pool_next(all->pool, &tag, &a, &e);
    struct collect_scrape *s = tag;
    all->more = s != NULL;
    if (s != NULL && rc == 1) {
        take_answer(s, &a);
        https_answer_free(&a);
    } else if (s != NULL) {
        settle(s, e.text);
    }
}

/* ---- questions ---- */

static int is_granted(const struct collect_scrape *s) {
    const struct collect_policy_file *f = &s->call.c->policy;
    const struct collect_channel *ch =
        f->there ? collect_policy_find(&f->policy, s->settings->channel) : NULL;

    return ch != NULL && ch->consent == COLLECT_GRANTED;
}

static void ask(struct collect_scraper *all, struct collect_scrape *s) {
    struct timespec now;
    struct gf_err e;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    s->began = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    s->asked = mono_ms();
    s->busy = 1;
    s->why[0] = '\0';
    if (!is_granted(s)) {
        collect_take(&s->call); /* which says why not */
        return;
    }
    if ((all->pool == NULL && https_pool_new(&all->pool, &e) == -1) ||
        https_pool_begin(all->pool, &s->request, s, &e) == -1)
        settle(s, e.text);
}

/* A time that was missed, since the answer before it came late or the machine slept, is left out.
 */
static void ask_due(struct collect_scraper *all) {
    const int64_t now = mono_ms();

    for (size_t i = 0; i < all->n; i++) {
        struct collect_scrape *s = &all->list[i];
        const int64_t every = s->settings->every * 1000;
        if (s->due > now)
            continue;
        s->due += (1 + (now - s->due) / every) * every;
        if (!s->busy)
            ask(all, s);
    }
}

void collect_scrape_step(struct collect_scraper *s) {
    ask_due(s);
    take_one(s);
}

static int next_wait(const struct collect_scraper *s, int ms) {
    int64_t now = mono_ms(), wait = ms >= 0 ? ms : FOREVER_MS;

    for (size_t i = 0; i < s->n; i++) {
        if (s->list[i].due - now < wait)
            wait = s->list[i].due - now;
    }
    return s->more || wait < 0 ? 0 : (int)wait;
}

int collect_scrape_poll(struct collect_scraper *s, const int *fds, size_t n, int ms) {
    struct gf_err e;

    if (s->pool == NULL)
        return -1;
    if (https_pool_go(s->pool, fds, n, next_wait(s, ms), &e) == 0)
        return 0;
    /* It is of no use any more; the next one that is due makes another. */
    https_pool_free(s->pool);
    s->pool = NULL;
    s->more = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (s->list[i].busy)
            settle(&s->list[i], e.text);
    }
    return -1;
}

const struct collect_scrape_state *collect_scrape_states(const struct collect_scraper *s,
                                                         size_t *n) {
    *n = s->n;
    return s->states;
}

/* ---- begin and end ---- */

int collect_scrape_check(const struct collect_scrapes *list, struct gf_err *e) {
    for (size_t i = 0; i < list->n; i++) {
        if (https_check_site_url(list->list[i].request, e) == -1)
            return gf_err_prefix(e, "[scrape \"%s\"] url", list->list[i].name);
    }
    return 0;
}

static void begin(struct collect_scrape *s, struct collect *c, size_t i) {
    const struct collect_scrape_settings *settings = s->settings;

    s->due = mono_ms() + (int64_t)i * APART_MS;
    s->call = (struct collect_call){
        .c = c, .scrape = s, .path = BODY_METRICS, .type = "application/x-protobuf"};
    (void)snprintf(s->call.channel, sizeof s->call.channel, "%s", settings->channel);
    (void)snprintf(s->state->name, sizeof s->state->name, "%s", settings->name);
    s->request = (struct https_options){
        .url = settings->request,
        .method = "GET",
        .headers = headers,
        .site = !settings->here,
        .local = settings->socket[0] != '\0' ? settings->socket : NULL,
        .connect_ms = settings->timeout * 1000,
        .total_ms = settings->timeout * 1000,
        .answer_max = (size_t)settings->body_max,
    };
}

int collect_scrape_new(struct collect *c, const struct collect_scrapes *list,
                       struct collect_scraper **out, struct gf_err *e) {
    struct collect_scraper *s = NULL;

    if (collect_scrape_check(list, e) == -1)
        return -1;
    s = calloc(1, sizeof *s);
    if (s != NULL) {
        s->list = calloc(list->n, sizeof *s->list);
        s->states = calloc(list->n, sizeof *s->states);
    }
    if (s == NULL || s->list == NULL || s->states == NULL) {
        collect_scrape_free(s);
        return gf_err_set(e, GF_E_SYSTEM, "no memory for endpoints");
    }
    s->c = c;
    s->n = list->n;
    for (size_t i = 0; i < s->n; i++) {
        s->list[i].settings = &list->list[i];
        s->list[i].state = &s->states[i];
        begin(&s->list[i], c, i);
    }
    if (https_pool_new(&s->pool, e) == -1) {
        collect_scrape_free(s);
        return -1;
    }
    *out = s;
    return 0;
}

void collect_scrape_free(struct collect_scraper *s) {
    if (s == NULL)
        return;
    https_pool_free(s->pool);
    for (size_t i = 0; i < s->n; i++) {
        gf_buf_free(&s->list[i].call.body);
        free_words(&s->list[i].call);
    }
    free(s->list);
    free(s->states);
    free(s);
}
