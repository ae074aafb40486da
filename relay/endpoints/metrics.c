/*
 * metrics.c -- what the profiles for metrics have in common.
 */
#include "relay/endpoints/metrics.h"

#include <stdio.h>
#include <string.h>

#include "relay/agents.h"
#include "relay/ledger/ledger_metrics.h"

#define POINTS_MAX 1000000
#define BYTES_MIN  1024
#define BYTES_MAX  (64 << 20)

/* ---- settings ---- */

/* The words of `attributes`; -1: one of them is none. */
static int read_words(const char *text, struct metrics *out) {
    int none = 0;

    while (*(text += strspn(text, " \t")) != '\0') {
        size_t n = strcspn(text, " \t");
        if (n == 4 && memcmp(text, "site", n) == 0)
            out->site = 1;
        else if (n == 6 && memcmp(text, "bundle", n) == 0)
            out->bundle = 1;
        else if (n == 5 && memcmp(text, "delay", n) == 0)
            out->delay = 1;
        else if (n == 4 && memcmp(text, "none", n) == 0)
            none = 1;
        else
            return -1;
        text += n;
    }
    return none == (out->site || out->bundle || out->delay) ? -1 : 0;
}

static int read_settings(const struct config *c, const char *name, struct metrics *out,
                         struct gf_err *e) {
    int64_t points = 0, bytes = 0;

    if (config_span(c, "endpoint", name, "max_age", &out->limits.max_age_s, e) == -1 ||
        config_span(c, "endpoint", name, "max_future", &out->limits.max_future_s, e) == -1 ||
        config_int(c, "endpoint", name, "batch_points", 1, POINTS_MAX, &points, e) == -1 ||
        config_size(c, "endpoint", name, "batch_bytes", &bytes, e) == -1)
        return -1;
    if (bytes < BYTES_MIN || bytes > BYTES_MAX)
        return endpoint_wrong(c, name, "batch_bytes", "from 1K to 64M", e);
    if (read_words(endpoint_value(c, name, "attributes"), out) == -1)
        return endpoint_wrong(c, name, "attributes",
                              "words of \"site bundle delay\", parted by blanks, or \"none\"", e);
    out->limits.points = (size_t)points;
    out->limits.bytes = (size_t)bytes;
    out->limits.requests = METRICS_REQUESTS;
    return 0;
}

int metrics_check(const struct config *c, const char *name, struct gf_err *e) {
    struct metrics ignored = {0};

    return read_settings(c, name, &ignored, e);
}

int metrics_url_ends(const struct config *c, const char *name, const char *end) {
    const char *url = endpoint_value(c, name, "url");
    const char *host = strstr(url, "://");
    const char *path = strchr(host != NULL ? host + 3 : url, '/');
    size_t len = path != NULL ? strcspn(path, "?") : 0, n = strlen(end);

    return len > 1 && len >= n && memcmp(path + len - n, end, n) == 0;
}

int metrics_open(const struct endpoint *p, int64_t default_age_s, struct metrics *out,
                 struct gf_err *e) {
    struct metrics m = {.limits.max_age_s = default_age_s};

    if (read_settings(p->relay->config, p->name, &m, e) == -1)
        return -1;
    *out = m;
    return 0;
}

/* ---- what is added ---- */

/* Kept, since neighbouring records are mostly of one agent. */
static int find_name(struct metrics *m, const struct endpoint_job *j, const struct gf_hash *sender,
                     struct gf_err *e) {
    const struct relay *r = j->endpoint->relay;
    const char *section = NULL, *name = NULL;

    if (m->name[0] != '\0' && memcmp(&m->agent, &j->row->agent, sizeof m->agent) == 0)
        return 0;
    if (sender != NULL && agents_section(r, sender, &section, e) == -1)
        return -1;
    if (section != NULL)
        name = config_get(r->config, "agent", section, "name");
    if (name != NULL)
        (void)snprintf(m->name, sizeof m->name, "%s", name);
    else
        gf_text_hex(j->row->agent.b, sizeof j->row->agent.b, m->name);
    m->agent = j->row->agent;
    return 0;
}

int metrics_labels(struct metrics *m, const struct endpoint_job *j, struct metrics_labels *out,
                   struct gf_err *e) {
    struct metrics_labels l = {.n = 0};
    struct gf_hash sender;
    struct gf_id bundle;
    int found = 0;

    if ((m->site || m->bundle) && (found = ledger_carried(j->endpoint->relay->ledger, j->row->row,
                                                          &bundle, &sender, e)) == -1)
        return -1;
    if (m->bundle && found) {
        l.label[l.n].name = "bundle";
        gf_text_hex(bundle.b, sizeof bundle.b, l.label[l.n++].value);
    }
    if (m->delay) {
        int64_t s = j->row->received - j->record->created;
        l.label[l.n].name = "delay_s";
        (void)snprintf(l.label[l.n++].value, METRICS_VALUE, "%lld", (long long)(s > 0 ? s : 0));
    }
    if (m->site) {
        if (find_name(m, j, found ? &sender : NULL, e) == -1)
            return -1;
        l.label[l.n].name = "site";
        memcpy(l.label[l.n++].value, m->name, sizeof m->name);
    }
    *out = l;
    return 0;
}

/* ---- what is not sent ---- */

int metrics_is_otlp_json(const struct gf_body *b) {
    static const char name[] = "\"resourceMetrics\"";
    size_t n = 0;

    if (memmem(b->data, b->len, name, sizeof name - 1) != NULL)
        return 1;
    for (size_t i = 0; i < b->len; i++)
        n += strchr(" \t\r\n", b->data[i]) == NULL;
    return n == 2; /* {} */
}

void metrics_foreign(struct metrics_early *out, const struct endpoint_job *j, const char *why) {
    out->is = 1;
    out->verdict = ENDPOINT_HELD;
    (void)snprintf(out->reason, sizeof out->reason,
                   ENDPOINT_PROFILE "%s" ENDPOINT_FOREIGN " (%.100s): %.500s",
                   j->endpoint->profile->name, j->record->type, why);
}

void metrics_unfit(struct metrics_early *out, const char *why) {
    out->is = 1;
    out->verdict = ENDPOINT_REJECTED;
    (void)snprintf(out->reason, sizeof out->reason, "%s", why);
}

int metrics_settled(const struct metrics_early *x, struct endpoint_result *r) {
    if (!x->is)
        return 0;
    r->verdict = x->verdict;
    r->alone = x->verdict == ENDPOINT_HELD;
    r->guarantee = GF_GUARANTEE_NONE;
    memcpy(r->reason, x->reason, sizeof r->reason);
    return 1;
}

/* ---- the verdict ---- */

/* A portal that asks for a login has answered in the sink's place. */
static int is_page(const struct gf_buf *body) {
    size_t i = 0;

    while (i < body->len && strchr(" \t\r\n", body->data[i]) != NULL && body->data[i] != '\0')
        i++;
    return i < body->len && body->data[i] == '<';
}

static int doubt_page(struct endpoint_result *r, struct gf_err *e) {
    char begin[64];

    r->verdict = ENDPOINT_LATER;
    r->guarantee = GF_GUARANTEE_NONE;
    r->unknown = 1;
    (void)snprintf(begin, sizeof begin, "HTTP %lld, but with a page:", (long long)r->status);
    return endpoint_http_words(r, begin, r->answer.body.data, r->answer.body.len, e);
}

int metrics_judge(struct endpoint_job *j, struct batches *b, struct metrics_probe *p,
                  struct endpoint_result *r, struct gf_err *e) {
    if (endpoint_http_judge(j, r, e) == -1)
        return -1;
    if (p->at == METRICS_PROBE_DUE)
        return metrics_probe_answer(p, b, r);
    if (r->verdict == ENDPOINT_DELIVERED && is_page(&r->answer.body))
        return doubt_page(r, e);
    if (r->verdict == ENDPOINT_DELIVERED)
        batches_taken(b);
    else if (r->verdict == ENDPOINT_REJECTED)
        metrics_probe_refused(p, b, r, 0);
    else
        return 0;
    return 1;
}

int metrics_resume(const struct endpoint_job *j, struct batches *b, struct gf_err *e) {
    const struct gf_buf *known = j->progress;

    if (known == NULL || known->len == 0 || batches_resume(b, known->data, known->len, e) == 0)
        return 0;
    return endpoint_retention(j) == INT64_MAX ? 0 : -1;
}

void metrics_go_on(const struct endpoint_job *j, struct batches *b, struct endpoint_result *r) {
    struct batches_range ignored;

    r->reason[0] = '\0';
    if (batches_next(b, &ignored)) {
        r->verdict = ENDPOINT_MORE;
        return;
    }
    r->verdict = batches_verdict(b, r->reason) ? ENDPOINT_DELIVERED : ENDPOINT_REJECTED;
    r->guarantee = r->verdict == ENDPOINT_DELIVERED ? j->endpoint->guarantee : GF_GUARANTEE_NONE;
}
