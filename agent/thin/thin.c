/*
 * thin.c -- metrics at the cap of their channel.
 */
#include "agent/thin/thin.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/command.h"
#include "agent/store/store_thin.h"
#include "agent/thin/thin_body.h"
#include "agent/thin/thin_steps.h"
#include "common/log.h"
#include "common/otlp_facts.h"
#include "gapferry/json.h"

/* Kinds of records in one pass that are kept apart; further ones stay as they are. */
#define GROUPS_MAX 8

/* Passes of one step that are made at once while they gain nothing. */
#define PASSES_MAX 8

/* Bytes of a line that are not body: its other members, and `ext`. */
#define HEAD_MAX (GF_EXT_MAX + 2048)

#define SECOND 1000000000U /* nanoseconds */

/* A channel is thinned ahead until one part in so many is free, once there is half of that. */
#define AHEAD 4

/* Records that can be one: of a form and a product. */
struct group {
    struct thin_body body;
    char product[GF_WORD_MAX + 1]; /* "": none */
    int64_t *rows;
    size_t n;
    int64_t bytes;           /* of their lines */
    int64_t records, points; /* that came into them, and were left out of them, before */
    int64_t created;         /* of the newest */
    enum gf_clock clock;     /* the worst */
};

struct pass {
    struct agent *a;
    const char *channel;
    int64_t every;
    int by_records; /* 1: there is a cap in records */
    struct store_thin_run run;
    struct group groups[GROUPS_MAX];
    size_t n;
    int gained;
};

/* ---- which records ---- */

/* What an earlier step has said of a record: 1 it holds metrics. */
static int read_ext(const char *ext, int64_t *records, int64_t *points) {
    struct gf_json_obj root, thinned;
    struct gf_json *j = NULL;
    struct gf_err e;
    int64_t n = 0, left = 0;

    *records = 1;
    *points = 0;
    if (ext == NULL || gf_json_parse_foreign(ext, strlen(ext), "ext", GF_E_RECORD, &j, &e) == -1)
        return 0;
    gf_json_root(j, &root);
    const int metrics = gf_json_has(&root, "metrics");
    if (gf_json_has(&root, "thinned") && gf_json_obj(&root, "thinned", &thinned) == 1 &&
        gf_json_int(&thinned, "records", 0, GF_JSON_INT_MAX, &n) == 1 &&
        gf_json_int(&thinned, "points", 0, GF_JSON_INT_MAX, &left) == 1) {
        *records = n;
        *points = left;
    }
    gf_json_free(j);
    return metrics;
}

/* The group of a record; NULL and 0: it stays as it is. */
static int find_group(struct pass *p, enum thin_form form, const char *product, struct group **out,
                      struct gf_err *e) {
    size_t i = 0;

    *out = NULL;
    while (i < p->n &&
           (p->groups[i].body.form != form || strcmp(p->groups[i].product, product) != 0))
        i++;
    if (i == GROUPS_MAX)
        return 0;
    struct group *g = &p->groups[i];
    if (i == p->n) {
        g->rows = calloc((size_t)p->run.records, sizeof *g->rows);
        if (g->rows == NULL)
            return gf_err_set(e, GF_E_SYSTEM, "thinning metrics: out of memory");
        (void)snprintf(g->product, sizeof g->product, "%s", product);
        /* One line may be longer than the limit of all; JSON never grows by becoming protobuf. */
        thin_body_open(&g->body, form, 2 * (THIN_BYTES + (size_t)GF_LINE_MAX));
        p->n++;
    }
    *out = g;
    return 0;
}

static int take_record(struct pass *p, int64_t row, const struct gf_record *r, size_t size,
                       struct gf_err *e) {
    int64_t records, points;
    enum thin_form form;
    struct group *g;

    const int metrics = read_ext(r->ext, &records, &points);
    if (r->has_expires || r->answer || r->body.form != GF_BODY_TEXT ||
        memcmp(r->origin.b, p->a->id.card.agent.b, sizeof r->origin.b) != 0 ||
        !thin_body_form(r->type, &form) || (form == THIN_OTLP && !metrics))
        return 0;
    if (find_group(p, form, r->product ? r->product : "", &g, e) == -1)
        return -1;
    if (g == NULL)
        return 0;
    int taken = thin_body_add(&g->body, r->type, r->body.data, r->body.len, e);
    if (taken != 1)
        return taken;
    g->rows[g->n++] = row;
    g->bytes += (int64_t)size;
    g->records += records;
    g->points += points;
    g->created = r->created > g->created ? r->created : g->created;
    g->clock = r->clock > g->clock ? r->clock : g->clock;
    return 0;
}

static int take_line(void *arg, int64_t row, const char *line, size_t len, struct gf_err *e) {
    struct gf_record r;

    if (gf_record_parse(line, len, &r, e) == -1)
        return -1;
    int rc = take_record(arg, row, &r, len, e);
    gf_record_free(&r);
    return rc;
}

/* ---- what takes their place ---- */

/* The part of `all` that the pieces up to and with this one have, by points that stay. */
static int64_t share(int64_t all, uint64_t upto, uint64_t of) {
    return of == 0 ? all : (int64_t)((double)all * (double)upto / (double)of);
}

/* The shares of all pieces come to the whole. */
static void put_ext(const struct pass *p, const struct group *g, const struct thin_pieces *all,
                    size_t i, struct gf_buf *out) {
    const int64_t points = g->points + (int64_t)all->left;
    uint64_t before = 0, of = 0;

    for (size_t k = 0; k < all->n; k++) {
        before += k < i ? all->list[k].facts.points : 0;
        of += all->list[k].facts.points;
    }
    const uint64_t upto = i + 1 == all->n ? of : before + all->list[i].facts.points;
    gf_buf_clear(out);
    gf_buf_byte(out, '{');
    otlp_facts_put(&all->list[i].facts, out);
    gf_buf_printf(out,
                  ",\"thinned\":{\"every_s\":%" PRId64 ",\"records\":%" PRId64
                  ",\"points\":%" PRId64 "}}",
                  p->every, share(g->records, upto, of) - share(g->records, before, of),
                  share(points, upto, of) - share(points, before, of));
}

static int make_records(const struct pass *p, const struct group *g, const struct thin_pieces *all,
                        struct store_batch *out, struct gf_err *e) {
    struct gf_record r;
    struct gf_buf ext;
    int rc = 0;

    gf_buf_init(&ext, GF_EXT_MAX);
    for (size_t i = 0; i < all->n && rc == 0; i++) {
        rc = command_record(p->a, &r, e);
        put_ext(p, g, all, i, &ext);
        if (rc == 0)
            rc = gf_buf_check(&ext, "the facts of thinned metrics", e);
        r.channel = p->channel;
        r.product = g->product[0] ? g->product : NULL;
        r.created = g->created;
        r.clock = g->clock;
        r.type = thin_body_types[g->body.form];
        r.ext = ext.data;
        r.body = (struct gf_body){GF_BODY_TEXT, all->list[i].data, all->list[i].len};
        if (rc == 0)
            rc = store_batch_add(out, &r, e);
    }
    gf_buf_free(&ext);
    return rc;
}

/* At least a quarter: of the bytes, or of the records where these are capped. */
static int is_gain(const struct pass *p, const struct group *g, const struct store_batch *b) {
    return b->n <= g->n &&
           (4 * (int64_t)b->lines.len <= 3 * g->bytes ||
            (p->by_records && 4 * b->n <= 3 * g->n && (int64_t)b->lines.len <= g->bytes));
}

static int put_records(struct pass *p, const struct group *g, const struct thin_pieces *all,
                       const struct store_batch *b, struct gf_err *e) {
    char policy[THIN_STEPS_WORDS];

    if (!is_gain(p, g, b))
        return 0;
    thin_steps_policy(p->every, policy);
    const struct store_thinning t = {.rows = g->rows,
                                     .n = g->n,
                                     .batch = b,
                                     .every = p->every,
                                     .policy = policy,
                                     .points = (int64_t)all->left,
                                     .first = (int64_t)(all->first / SECOND),
                                     .last = (int64_t)(all->last / SECOND)};
    if (store_thin_put(p->a->store, p->channel, &t, p->a->now, e) == -1)
        return -1;
    log_write(LOG_LEVEL_WARNING, "metrics-thinned", {"channel", p->channel, 0},
              {"to_one_in_s", NULL, p->every}, {"records", NULL, (int64_t)g->n},
              {"into", NULL, (int64_t)b->n}, {"points_left_out", NULL, t.points});
    p->gained = 1;
    return 0;
}

/* What does not come to records is no failure: it stays as it is. */
static int thin_group(struct pass *p, const struct group *g, struct gf_err *e) {
    struct store_batch b = {0};
    struct thin_pieces all;

    int rc = thin_body_thin(&g->body, p->every, GF_LINE_MAX - HEAD_MAX, &all, e);
    if (rc == 0)
        rc = make_records(p, g, &all, &b, e);
    if (rc == -1 && e->code == GF_E_LIMIT)
        rc = 0;
    else if (rc == 0 && b.n > 0)
        rc = put_records(p, g, &all, &b, e);
    store_batch_free(&b);
    thin_body_free(&all);
    return rc;
}

/* ---- a pass ---- */

static void free_groups(struct pass *p) {
    for (size_t i = 0; i < p->n; i++) {
        thin_body_close(&p->groups[i].body);
        free(p->groups[i].rows);
    }
}

/* 1 if what comes next is enough to be looked at: less stays for a later time. */
static int is_enough(const struct store_thin_run *r, const struct store_cap *cap) {
    return r->more || (cap->records > 0 && THIN_SHARE * r->records >= r->all_records) ||
           (cap->bytes > 0 && THIN_SHARE * r->bytes >= r->all_bytes);
}

/* 1 some room was made, 0 none, *on says whether there may be more to look at; -1. */
static int make_pass(struct agent *a, const char *channel, const struct store_cap *cap,
                     int64_t every, int *on, struct gf_err *e) {
    struct pass *p = calloc(1, sizeof *p);

    *on = 0;
    if (p == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "thinning metrics: out of memory");
    p->a = a;
    p->channel = channel;
    p->every = every;
    p->by_records = cap->records > 0;
    int rc = store_thin_next(a->store, channel, every, THIN_RECORDS, THIN_BYTES, &p->run, e);
    if (rc == 0 && p->run.records > 0 && is_enough(&p->run, cap)) {
        *on = p->run.more;
        rc = store_thin_walk(a->store, channel, &p->run, take_line, p, e);
        for (size_t i = 0; i < p->n && rc == 0; i++)
            rc = thin_group(p, &p->groups[i], e);
        if (rc == 0)
            rc = store_thin_done(a->store, channel, every, &p->run, e);
    }
    int gained = p->gained;
    free_groups(p);
    free(p);
    return rc == -1 ? -1 : gained;
}

int thin_make_room(void *arg, const char *channel, const struct store_cap *cap, struct gf_err *e) {
    struct agent *a = arg;
    const char *value = config_get(a->config, "channel", channel, "thin");
    struct thin_steps steps;
    int on, rc = 0;

    if (value == NULL)
        return 0;
    const char *why = thin_steps_read(value, &steps);
    if (why != NULL)
        return gf_err_set(e, GF_E_CONFIG, "%s: [channel \"%s\"] thin = %s: %s",
                          config_origin(a->config, "channel", channel, "thin"), channel, value,
                          why);
    for (size_t i = 0; i < steps.n && rc == 0; i++) {
        on = 1;
        for (int k = 0; k < PASSES_MAX && rc == 0 && on; k++)
            rc = make_pass(a, channel, cap, steps.every[i], &on, e);
    }
    return rc;
}

/* ---- ahead ---- */

/* 1 if less than one part in `of` is free. */
static int is_near(const struct store_cap *cap, const struct agent_room *room, int of) {
    return (cap->records > 0 && room->records < cap->records / of) ||
           (cap->bytes > 0 && room->bytes < cap->bytes / of);
}

static int thin_channel(struct agent *a, const char *channel, struct gf_err *e) {
    struct agent_room room;
    struct store_cap cap;

    if (agent_cap(a, channel, &cap, e) == -1)
        return -1;
    if (!cap.thin || cap.drop)
        return 0;
    for (int of = 2 * AHEAD;; of = AHEAD) {
        if (agent_room(a, channel, &room, e) == -1)
            return -1;
        if (!is_near(&cap, &room, of))
            return 0;
        if (store_begin(a->store, e) == -1)
            return -1;
        int rc = store_end(a->store, thin_make_room(a, channel, &cap, e), e);
        if (rc != 1)
            return rc;
    }
}

int thin_ahead(struct agent *a, struct gf_err *e) {
    const char *name;

    for (size_t i = 0; (name = config_name(a->config, "channel", i)); i++) {
        if (thin_channel(a, name, e) == -1)
            return -1;
    }
    return 0;
}
