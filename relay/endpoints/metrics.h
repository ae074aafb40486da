/*
 * metrics.h -- what the profiles for metrics have in common: their settings, what the relay adds to
 * each point, and the verdict of a record that goes in batches.
 *
 *   max_age, max_future       which points may go (batches.h)
 *   batch_points, batch_bytes how many of them in one request
 *   attributes                words of `site bundle delay`, or `none`
 *
 * A site may not speak for another: what the relay adds replaces what is there of the same name.
 */
#ifndef RELAY_METRICS_H
#define RELAY_METRICS_H

#include "relay/endpoints/batches.h"
#include "relay/endpoints/endpoint.h"
#include "relay/endpoints/metrics_probe.h"

/* Requests for one record behind which nothing is halved any more (batches.h). */
#define METRICS_REQUESTS (ENDPOINT_STEPS_MAX / 5)

#define METRICS_LABELS 3
/* Bytes of a value with its NUL: a name of relay.conf is the longest. */
#define METRICS_VALUE 512

/* The settings of a section. */
struct metrics {
    struct batches_limits limits;
    int site, bundle, delay; /* 1: it is added */
    /* Whose name was looked up last. */
    struct gf_id agent;
    char name[METRICS_VALUE];
};

/* What is added to each point of a record: names of [a-z_], without a prefix, ascending. Values are
 * UTF-8, and come from the relay alone.
 *   bundle   the id of the bundle that brought it first
 *   delay_s  whole seconds from the record's creation to its arrival, by two clocks; at least 0
 *   site     `name` of its agent's section in relay.conf, else the agent's id
 * All of them are the same whenever the record is sent again, but for what relay.conf says. */
struct metrics_labels {
    struct {
        const char *name;
        char value[METRICS_VALUE];
    } label[METRICS_LABELS];
    size_t n;
};

/* For a profile's check(): the keys ENDPOINT_KEYS_METRICS. GF_E_CONFIG. */
GF_MUST_CHECK int metrics_check(const struct config *c, const char *name, struct gf_err *e);
/* 1 if the path of its url ends so; "": if there is more of a path than "/". */
int metrics_url_ends(const struct config *c, const char *name, const char *end);
/* For its open(); default_age_s is its max_age where the section has none (0: any age goes). */
GF_MUST_CHECK int metrics_open(const struct endpoint *p, int64_t default_age_s, struct metrics *out,
                               struct gf_err *e);

/* What this record's points get. Asks the ledger. */
GF_MUST_CHECK int metrics_labels(struct metrics *m, const struct endpoint_job *j,
                                 struct metrics_labels *out, struct gf_err *e);

/* 1 if JSON is meant as a request of OpenTelemetry metrics. Any object is one, since unknown names
 * are passed; but one that is meant as something else must not be delivered as an empty one. */
int metrics_is_otlp_json(const struct gf_body *b);

/* A record of which nothing is sent, for what it is. */
struct metrics_early {
    int is; /* 1: so it is */
    enum endpoint_verdict verdict;
    char reason[GF_REASON_MAX + 1];
};
/* It is of a kind that the profile does not take, `why` says which it takes: held, since another
 * endpoint may take it. */
void metrics_foreign(struct metrics_early *out, const struct endpoint_job *j, const char *why);
/* Its body is not what it should be: rejected for that. */
void metrics_unfit(struct metrics_early *out, const char *why);
/* For judge(): 1, and *r is set, if it is such a record. */
int metrics_settled(const struct metrics_early *x, struct endpoint_result *r);

/*
 * For judge(). The first asks profile http what the answer means, and tells the batches, or the
 * probe, of what was taken or refused for good: 1, and the record goes on; 0: it has to wait or is
 * held, and *r says so; -1. A 2xx with a page is somebody else's: a sink has nothing to show. The
 * second is for when it goes on: ENDPOINT_MORE while a batch is left; else the record's verdict,
 * delivered perhaps with a reason.
 */
GF_MUST_CHECK int metrics_judge(struct endpoint_job *j, struct batches *b, struct metrics_probe *p,
                                struct endpoint_result *r, struct gf_err *e);
void metrics_go_on(const struct endpoint_job *j, struct batches *b, struct endpoint_result *r);

/* At the beginning: go on from where an earlier try has come to. Where that does not fit the points
 * (another version has read them) it is begun anew, or, if doubles do harm, GF_E_DAMAGED. */
GF_MUST_CHECK int metrics_resume(const struct endpoint_job *j, struct batches *b, struct gf_err *e);

#endif
