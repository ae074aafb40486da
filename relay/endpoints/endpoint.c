/*
 * endpoint.c -- endpoints in the configuration: which one a record goes to, and one delivery there.
 */
#include "relay/endpoints/endpoint.h"

#include <fcntl.h>
#include <string.h>

#include "gapferry/digest.h"
#include "gapferry/file.h"
#include "relay/updates/check.h"

#define LABEL "gapferry-record/1"

const struct endpoint_profile *const endpoint_profiles[] = {
    &endpoint_http, &endpoint_form, &endpoint_updates,    &endpoint_exec,   &endpoint_agent,
    &endpoint_otlp, &endpoint_ga4,  &endpoint_prometheus, &endpoint_influx, NULL,
};

const char *endpoint_value(const struct config *c, const char *name, const char *key) {
    return config_get(c, "endpoint", name, key);
}

int endpoint_is_same(const char *a, const char *b) {
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Its line is read only where a section asks for that. */
static int is_of_type(const char *want, const struct ledger_record *r) {
    struct gf_record record;
    struct gf_err ignored;

    if (gf_record_parse(r->line, r->line_len, &record, &ignored) == -1)
        return 0;
    int is = check_is_type(record.type, want);
    gf_record_free(&record);
    return is;
}

const char *endpoint_match(const struct config *c, const struct ledger_record *r) {
    char id[GF_ID_TEXT];
    const char *found = NULL;
    int best = -1;

    gf_text_hex(r->agent.b, sizeof r->agent.b, id);
    const char *name;
    for (size_t i = 0; (name = config_name(c, "endpoint", i)) != NULL; i++) {
        const char *type = endpoint_value(c, name, "type");
        const char *product = endpoint_value(c, name, "product");
        const char *sender = endpoint_value(c, name, "sender");
        if (!endpoint_is_same(endpoint_value(c, name, "channel"), r->channel) ||
            (product != NULL && !endpoint_is_same(product, r->product)) ||
            (sender != NULL && strcmp(sender, id) != 0) || (type != NULL && !is_of_type(type, r)))
            continue;
        int score = (type != NULL) * 4 + (sender != NULL) * 2 + (product != NULL);
        if (score > best) {
            best = score;
            found = name;
        }
    }
    return found;
}

void endpoint_key(const struct gf_id *agent, const struct gf_id *record, char out[33]) {
    uint8_t named[sizeof LABEL - 1 + 2 * sizeof agent->b];
    struct gf_id key;

    memcpy(named, LABEL, sizeof LABEL - 1);
    memcpy(named + sizeof LABEL - 1, agent->b, sizeof agent->b);
    memcpy(named + sizeof LABEL - 1 + sizeof agent->b, record->b, sizeof record->b);
    gf_digest_128(named, sizeof named, &key);
    gf_text_hex(key.b, sizeof key.b, out);
}

int64_t endpoint_backoff(int64_t attempts, uint32_t random) {
    int64_t s = 15;

    for (int64_t i = 1; i < attempts && s < 3600; i++)
        s *= 2;
    if (s > 3600)
        s = 3600;
    return s - (int64_t)((uint64_t)random * (uint64_t)(s / 2 + 1) >> 32);
}

/* ---- one section ---- */

int endpoint_load_secret(const struct config *c, const char *name, const char *key,
                         struct gf_buf *out, struct gf_err *e) {
    const char *path = endpoint_value(c, name, key);
    struct gf_buf line;

    if (gf_file_load(AT_FDCWD, path, ENDPOINT_SECRET_MAX, &line, e) == -1)
        return gf_err_set(e, GF_E_CONFIG, "%s %s: cannot be read", key, path);
    while (line.len > 0 && strchr("\r\n", line.data[line.len - 1]) != NULL)
        line.data[--line.len] = '\0';
    if (line.len == 0 || strlen(line.data) != line.len || strpbrk(line.data, "\r\n") != NULL) {
        gf_buf_free(&line);
        return gf_err_set(e, GF_E_CONFIG, "%s %s: holds not one line", key, path);
    }
    *out = line;
    return 0;
}

static int open_http(struct endpoint *p, struct gf_err *e) {
    const struct config *c = p->relay->config;
    struct https_options *o = &p->http;
    int64_t timeout_s = 60;

    if (config_span(c, "endpoint", p->name, "timeout", &timeout_s, e) == -1)
        return -1;
    o->url = endpoint_value(c, p->name, "url");
    o->method = endpoint_value(c, p->name, "method");
    o->ca_file = endpoint_value(c, p->name, "ca_file");
    o->cert_file = endpoint_value(c, p->name, "cert_file");
    o->key_file = endpoint_value(c, p->name, "key_file");
    o->proxy = endpoint_value(c, p->name, "proxy");
    p->header = endpoint_value(c, p->name, "header");
    p->success_text = endpoint_value(c, p->name, "success_text");
    o->total_ms = timeout_s * 1000;
    o->answer_max = ENDPOINT_ANSWER_MAX;
    return endpoint_value(c, p->name, "header_file") != NULL
               ? endpoint_load_secret(c, p->name, "header_file", &p->secret, e)
               : 0;
}

/* What a second request for the same record does there. */
static int set_promise(struct endpoint *p, struct gf_err *e) {
    const struct config *c = p->relay->config;
    const char *word = endpoint_idempotency(c, p->name);

    if (config_span(c, "endpoint", p->name, "idempotency_retention", &p->retention_s, e) == -1)
        return -1;
    p->guarantee = GF_GUARANTEE_ONCE;
    if (p->profile->natural || strcmp(word, "natural") == 0)
        p->retention_s = INT64_MAX;
    else if (strcmp(word, "none") == 0) {
        p->retention_s = 0;
        p->http.once = 1;
        p->guarantee = GF_GUARANTEE_LEAST;
    }
    return 0;
}

int endpoint_open(struct endpoint *p, struct relay *r, const char *name, struct gf_err *e) {
    const struct config *c = r->config;

    *p = (struct endpoint){.relay = r, .name = name};
    gf_buf_init(&p->secret, ENDPOINT_SECRET_MAX);
    p->profile = endpoint_profile_of(c, name);
    if (set_promise(p, e) == -1 ||
        config_int(c, "endpoint", name, "connections", 1, 64, &p->connections, e) == -1 ||
        open_http(p, e) == -1 || (p->profile->open != NULL && p->profile->open(p, e) == -1)) {
        gf_buf_free(&p->secret);
        return -1;
    }
    return 0;
}

void endpoint_close(struct endpoint *p) {
    if (p->profile != NULL && p->profile->close != NULL)
        p->profile->close(p);
    gf_buf_free(&p->secret);
    *p = (struct endpoint){0};
}

/* ---- one delivery ---- */

void endpoint_result_free(struct endpoint_result *r) {
    https_answer_free(&r->answer);
}

int endpoint_request(struct endpoint_job *j, struct endpoint_request *q, struct gf_err *e) {
    const struct endpoint_profile *profile = j->endpoint->profile;

    if (j->record->body.form != GF_BODY_TEXT)
        return gf_err_set(e, GF_E_BUG, "a body that is not in memory cannot be sent");
    if (j->step == ENDPOINT_STEPS_MAX)
        return gf_err_set(e, GF_E_LIMIT, "more than %d requests for one record",
                          ENDPOINT_STEPS_MAX);
    *q = (struct endpoint_request){
        .local = profile->next == NULL, .http = j->endpoint->http, .in = -1};
    q->http.headers = q->headers;
    return profile->next != NULL ? profile->next(j, q, e) : 0;
}

int endpoint_judge(struct endpoint_job *j, struct https_answer *answer, struct endpoint_result *out,
                   struct gf_err *e) {
    *out = (struct endpoint_result){
        .verdict = ENDPOINT_LATER, .guarantee = j->endpoint->guarantee, .retry_after_s = -1};
    if (answer != NULL) {
        out->answer = *answer;
        *answer = (struct https_answer){0};
        out->retry_after_s = out->answer.retry_after_s;
        out->status = out->answer.status;
        out->unknown = out->answer.sent && out->answer.stage != HTTPS_OK && !out->answer.cut;
    }
    if (j->endpoint->profile->judge(j, out, e) == -1) {
        endpoint_result_free(out);
        return -1;
    }
    return 0;
}

int64_t endpoint_retention(const struct endpoint_job *j) {
    const struct endpoint_profile *profile = j->endpoint->profile;

    if (j->endpoint->retention_s == 0 && profile->harmless != NULL && profile->harmless(j))
        return INT64_MAX;
    return j->endpoint->retention_s;
}

int endpoint_flush(struct endpoint *p, struct gf_err *e) {
    return p->profile->flush != NULL ? p->profile->flush(p, e) : 0;
}

int endpoint_note(struct endpoint_job *j, struct gf_err *e) {
    return j->endpoint->profile->note != NULL ? j->endpoint->profile->note(j, e) : 0;
}

int endpoint_resumes(const struct endpoint_job *j) {
    return j->endpoint->profile->progress != NULL;
}

int endpoint_progress(const struct endpoint_job *j, struct gf_buf *out, struct gf_err *e) {
    if (endpoint_resumes(j))
        j->endpoint->profile->progress(j, out);
    return gf_buf_check(out, "what is known of a record's points", e);
}

void endpoint_end(struct endpoint_job *j) {
    if (j->endpoint->profile->end != NULL)
        j->endpoint->profile->end(j);
}
