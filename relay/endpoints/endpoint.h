/*
 * endpoint.h -- where a channel is delivered, how it is spoken to there, and what the answers mean.
 *
 * Endpoints come only from the relay's configuration and match channel, product and sender; a
 * record can never choose a URL. How to speak, and what is success, is the endpoint's profile: an
 * entry of a table.
 */
#ifndef RELAY_ENDPOINT_H
#define RELAY_ENDPOINT_H

#include "common/https.h"
#include "relay/relay.h"

/* The keys of [endpoint "NAME"], for relay_keys; which of them a profile knows stands in its table
 * entry. clang-format off keeps one line each. */
/* clang-format off */
#define ENDPOINT_KEYS                                                                              \
    {"endpoint", 1, "channel", NULL, "the channel it takes"},                                      \
    {"endpoint", 1, "product", NULL, "only records of this product"},                              \
    {"endpoint", 1, "sender", NULL, "only records of this agent (its id, 32 hex digits)"},         \
    {"endpoint", 1, "profile", "http", "how to speak: http, form, updates, exec, agent, otlp, "   \
                                       "ga4, prometheus, influx"},                                \
    {"endpoint", 1, "url", NULL, "where: https://...; http:// only to 127.0.0.1 or [::1]"},        \
    {"endpoint", 1, "program", NULL, "for exec: an absolute path and its arguments; no shell"},     \
    {"endpoint", 1, "template", NULL, "for http: a file with a JSON body, {{FIELD}} is filled in"}, \
    {"endpoint", 1, "fields", NULL, "for form: FIELD or FIELD=NAME ...; \";\" begins the next POST"}, \
    {"endpoint", 1, "success_text", NULL, "without this text in its answer a 2xx is no success"},  \
    {"endpoint", 1, "method", "POST", "POST or PUT"},                                              \
    {"endpoint", 1, "header", NULL, "one more header, \"Name: value\"; no secret"},                \
    {"endpoint", 1, "header_file", NULL, "file with one more header that is secret"},              \
    {"endpoint", 1, "ca_file", NULL, "trust these authorities only (PEM); default: the system's"}, \
    {"endpoint", 1, "cert_file", NULL, "client certificate (PEM)"},                                \
    {"endpoint", 1, "key_file", NULL, "its key (PEM)"},                                            \
    {"endpoint", 1, "proxy", NULL, "http://HOST:PORT; the environment is not asked"},              \
    {"endpoint", 1, "idempotency", NULL, "key: it honours Idempotency-Key; natural: doubles do "   \
                                         "no harm; none: they do; default: key, or what the "      \
                                         "profile is"},                                            \
    {"endpoint", 1, "idempotency_retention", "24h", "for key: how long it remembers a key"},       \
    {"endpoint", 1, "connections", "16", "requests at once, 1 to 64"},                             \
    {"endpoint", 1, "timeout", "60s", "for one request, 1s to 1h"},                                \
    {"endpoint", 1, "type", NULL, "only records of this media type"},                              \
    {"endpoint", 1, "vendor", NULL, "updates: whose key signs; default: any with duty update"},    \
    {"endpoint", 1, "release", "stable", "updates: the channel of checks that name none"},         \
    {"endpoint", 1, "refresh", "15m", "updates: for how long a manifest is not asked for again"},  \
    {"endpoint", 1, "artifact_max", "4G", "updates, agent: a larger artifact is not taken"},            \
    {"endpoint", 1, "agent_state", NULL, "agent: state directory of the manager's own agent; "     \
                                         "default: beside the relay's"},                           \
    {"endpoint", 1, "max_age", NULL, "metrics: older points are refused; 0: any age goes; "        \
                                     "default: the profile's"},                                    \
    {"endpoint", 1, "max_future", "10m", "metrics: points further ahead of this relay's clock "    \
                                         "are refused; 0: any time goes"},                         \
    {"endpoint", 1, "batch_points", "5000", "metrics: points of one request, 1 to 1000000"},       \
    {"endpoint", 1, "batch_bytes", "1M", "metrics: bytes of one request, 1K to 64M"},              \
    {"endpoint", 1, "attributes", "site", "metrics: what the relay adds to each point: site, "     \
                                          "bundle, delay; or none"},                               \
    {"endpoint", 1, "secret_file", NULL, "ga4: file with the API secret"},                         \
    {"endpoint", 1, "encoding", "as-is", "otlp: as-is, or protobuf for a receiver without JSON"}, \
    {"endpoint", 1, "format", "text", "prometheus: text, or remote-write"},                        \
    {"endpoint", 1, "readback", NULL, "prometheus: VictoriaMetrics' https://.../api/v1/export, "   \
                                      "which is asked whether it has what was sent"}
/* clang-format on */

/* Keys that every profile knows, and those of every profile that speaks HTTP, for its list. */
#define ENDPOINT_KEYS_COMMON                                                                       \
    "channel", "product", "sender", "type", "profile", "idempotency", "idempotency_retention",     \
        "connections", "timeout"
#define ENDPOINT_KEYS_HTTP                                                                         \
    "url", "header", "header_file", "ca_file", "cert_file", "key_file", "proxy"

/* And of every profile that sends metrics (relay/endpoints/metrics.h). */
#define ENDPOINT_KEYS_METRICS "max_age", "max_future", "batch_points", "batch_bytes", "attributes"

/* Bytes of an answer that are kept, unless the profile asks for less. */
#define ENDPOINT_ANSWER_MAX (1 << 20)
/* Bytes of a program's standard error that are kept. */
#define ENDPOINT_SAID_MAX 1024
/* Requests of one job, so that no profile goes on for ever. */
#define ENDPOINT_STEPS_MAX 10000
/* Headers of a request, at most: ours, the section's, and a few of the profile. */
#define ENDPOINT_HEADERS 16

/* ---- what a delivery consists of ---- */

/* One section, read once for a walk over the queue. */
struct endpoint {
    struct relay *relay; /* its configuration and state; the ledger where the profile asks it */
    const char *name;    /* of the section; borrowed */
    const struct endpoint_profile *profile;
    enum gf_guarantee guarantee; /* of what is delivered */
    int64_t retention_s; /* how long the endpoint tells doubles apart; INT64_MAX: doubles do no
                            harm; 0: it does not */
    int64_t connections; /* requests at once */
    struct https_options http; /* url, method, TLS files, proxy and time of every request; no url:
                                  the profile has none */
    struct gf_buf secret;      /* the line of header_file, or empty */
    const char *header;        /* one more, or NULL */
    const char *success_text;  /* a 2xx without it in its body is no success; NULL: none */
    void *own;                 /* the profile's, from open() to close() */
    /* What it said beside a success, the last time; safe; "": nothing. For the operator alone,
     * since it may tell what another sender has sent. */
    char warning[GF_REASON_MAX + 1];
};

/* How a program ended. */
struct endpoint_ending {
    int status; /* its exit status; -1: it was ended by a signal */
    int signal;
    int late;         /* 1: it was ended, because its time was over */
    const char *said; /* the first bytes of its standard error, up to ENDPOINT_SAID_MAX; not safe */
    size_t said_len;
};

/* One record on its way. */
struct endpoint_job {
    struct endpoint *endpoint;
    const struct ledger_record *row; /* agent, id, attempts, when it was received */
    const struct gf_record *record;  /* its body is in memory: GF_BODY_TEXT */
    int64_t now;                     /* seconds */
    const char *file;              /* where its body is a file: its path below the state directory,
                                      else NULL */
    const struct gf_buf *progress; /* what an earlier try has come to; NULL, or empty: nothing */
    int step;                      /* how many requests of this job are over */
    const struct endpoint_ending *ending; /* for judge(): of the program that ran, else NULL */
    void *own;                            /* the profile's, to end() */
};

/* One request of a job. */
struct endpoint_request {
    int local;            /* 1: there is nothing to send, judge() does it all */
    char *const *program; /* a program's words and variables (common/child.h), in place of a */
    char *const
        *environment; /* request; NULL: there is none. What it prints is the answer's body */
    int in;           /* what it reads: the engine closes it; -1: nothing */
    struct https_options http; /* as in struct endpoint; answer_max is set. What it points to must
                                  stay until judge() has returned; stop and stop_arg are the
                                  caller's */
    const char *headers[ENDPOINT_HEADERS + 1]; /* endpoint_header() */
    size_t nheaders;
    char type[GF_TYPE_MAX + 32];
    char key[80];
    char agent[64];
    char id[64];
};

enum endpoint_verdict {
    ENDPOINT_DELIVERED,
    ENDPOINT_REJECTED, /* permanent: the reason travels back */
    ENDPOINT_LATER,    /* try again */
    ENDPOINT_HELD,     /* the operator has to mend something */
    ENDPOINT_ONWARD,   /* the next hop has it durably, and will say what became of it */
    ENDPOINT_MORE,     /* only between requests: next() has another one */
};

struct endpoint_result {
    enum endpoint_verdict verdict;
    enum gf_guarantee guarantee;
    int64_t retry_after_s; /* for later; -1: our own back-off */
    int unknown; /* for later and held: 1: it may have taken effect, wholly or in part, or has */
    int alone;   /* for held: 1: something is wrong with this record alone, and the endpoint is well
                  */
    char reason[GF_REASON_MAX + 1];
    int64_t status;             /* HTTP; 0 if none came */
    struct https_answer answer; /* the last one; if delivered, it travels back where the record
                                   wants it: status, headers, body */
};

/*
 * How to speak. All functions but judge() may be NULL.
 *   check  the section's own values, when the configuration is checked; GF_E_CONFIG
 *   open   what is needed for every job of the section, into p->own; GF_E_CONFIG: its records are
 *          held
 *   next   the next request of a job: q comes with everything from the section and no header. -1:
 *          it cannot be sent because of something on our side; it is held with the reason
 *   judge  r->answer is what came (empty where q->local); set verdict, and reason unless
 *          delivered; what is delivered with a reason was refused in part, and that travels back.
 *          ENDPOINT_MORE: answer and request are released, and next() is called. r has
 *          the section's guarantee, the answer's Retry-After and status. -1 as next()
 *   flush  what judge() called ENDPOINT_ONWARD so far becomes durable at the next hop, before the
 *          ledger notes it. -1: none of it since the last flush is there, and it is tried later
 *   note   what else the ledger is to know of a delivery, in the transaction that notes it
 *   progress  append what of the job is over, where it ends before its end: the next try finds it
 *          in j->progress; nothing: that stays as it was. What its requests before the last one did
 *          is known then, and no doubt. NULL: the next try begins with the first request again
 *   end    release j->own, however the job ended; also where next() failed
 *   harmless  where doubles do harm: 1 if those of this record do none all the same. Its requests
 *          may then share connections, which next() says, and judge() names the guarantee
 * A job that is cut off by a crash begins with step 0 again.
 */
struct endpoint_profile {
    const char *name;
    const char *const *keys; /* of its section, NULL at the end */
    int urls;                /* how many places `url` may name, parted by blanks; 0: one */
    int natural; /* 1: doubles never do harm, whatever `idempotency` says: it only reads */
    int asks;    /* 1: next() and judge() look into the ledger, or write to it */
    const char *idempotency; /* where its section has none; NULL: key */
    int (*check)(const struct config *c, const char *name, struct gf_err *e);
    int (*open)(struct endpoint *p, struct gf_err *e);
    void (*close)(struct endpoint *p);
    int (*next)(struct endpoint_job *j, struct endpoint_request *q, struct gf_err *e);
    int (*judge)(struct endpoint_job *j, struct endpoint_result *r, struct gf_err *e);
    int (*flush)(struct endpoint *p, struct gf_err *e);
    int (*note)(struct endpoint_job *j, struct gf_err *e);
    void (*progress)(const struct endpoint_job *j, struct gf_buf *out);
    void (*end)(struct endpoint_job *j);
    int (*harmless)(const struct endpoint_job *j);
};

extern const struct endpoint_profile *const endpoint_profiles[]; /* NULL at the end */
extern const struct endpoint_profile endpoint_http, endpoint_form, endpoint_updates, endpoint_exec,
    endpoint_agent, endpoint_otlp, endpoint_ga4, endpoint_prometheus, endpoint_influx;

/* ---- configuration (endpoint_check.c) ---- */

/* Check all endpoints of the configuration; GF_E_CONFIG. */
GF_MUST_CHECK int endpoint_check(const struct config *c, struct gf_err *e);
/* 1 if a key means something there (config_applies): of an endpoint, if its profile knows it. */
int endpoint_has_key(const struct config *c, const char *section, const char *name,
                     const char *key);
/* For the profiles' check(): a broken rule of one key, told with its place; a key that is missing.
 * -1. */
int endpoint_wrong(const struct config *c, const char *name, const char *key, const char *rule,
                   struct gf_err *e);
/* The same for a key that names a place. */
GF_MUST_CHECK int endpoint_check_url(const struct config *c, const char *name, const char *key,
                                     const char *url, struct gf_err *e);
int endpoint_missing(const char *name, const char *key, struct gf_err *e);
/* The same for those that artifacts come from: how large one may be. GF_E_CONFIG. */
GF_MUST_CHECK int endpoint_check_artifact_max(const struct config *c, const char *name,
                                              struct gf_err *e);
/* What a section of a known profile says of doubles: one of "key" "natural" "none". */
extern const char *const endpoint_idempotencies[]; /* NULL at the end */
const char *endpoint_idempotency(const struct config *c, const char *name);
/* The profile of a section that was checked. */
const struct endpoint_profile *endpoint_profile_of(const struct config *c, const char *name);

/* ---- where connections go (endpoint_place.c) ---- */

struct endpoint_place {
    const char *endpoint; /* the section's name */
    const char *url;      /* of the endpoint, or of its proxy */
    const char *host;     /* a name or an address, without brackets */
    int port;
    int proxy;    /* 1: it is the endpoint's proxy */
    int loopback; /* 1: it is this machine */
};
typedef int endpoint_each_place(void *arg, const struct endpoint_place *p, struct gf_err *e);
/* What an endpoint connects to: each of its places (a readback at the place of the url is none of
 * its own), or its proxy in place of them all; with `through` the places also where there is a
 * proxy. A profile without URL has none. The section was checked. */
GF_MUST_CHECK int endpoint_places(const struct config *c, const char *name, int through,
                                  endpoint_each_place *fn, void *arg, struct gf_err *e);

/* ---- endpoint.c ---- */

/* The value of a key of a section; NULL: it has none. Borrowed. */
const char *endpoint_value(const struct config *c, const char *name, const char *key);
/* Pure: 1 if these are the same, or both NULL. */
int endpoint_is_same(const char *a, const char *b);

/* The name of the endpoint for a record; NULL: none matches. The one that names the record's media
 * type is preferred to one that names the sender, that to one that names the product, and that to
 * one that names none of them. Of the record, agent, channel, product and line are looked at.
 * Borrowed from the configuration. */
const char *endpoint_match(const struct config *c, const struct ledger_record *r);

/* The one line of the file that this key names, without its line end. GF_E_CONFIG. */
#define ENDPOINT_SECRET_MAX 8192 /* bytes */
GF_MUST_CHECK int endpoint_load_secret(const struct config *c, const char *name, const char *key,
                                       struct gf_buf *out, struct gf_err *e);

/* The key that names a delivery for ever: BLAKE2b-128 of "gapferry-record/1", agent id, record id,
 * in hex. */
void endpoint_key(const struct gf_id *agent, const struct gf_id *record, char out[33]);

/* Pure: seconds to wait before attempt n + 1 (n from 1): 15 s, doubled each time, at most an hour;
 * of these, `random` takes away up to a half, so that not all come back at once. */
int64_t endpoint_backoff(int64_t attempts, uint32_t random);

/* Read a section that was checked. GF_E_CONFIG (a secret that cannot be read), GF_E_SYSTEM. On
 * failure *p needs no closing. */
GF_MUST_CHECK int endpoint_open(struct endpoint *p, struct relay *r, const char *name,
                                struct gf_err *e);
void endpoint_close(struct endpoint *p);

/* The next request of a job: j->step is how many are over. -1: what is wrong on our side. */
GF_MUST_CHECK int endpoint_request(struct endpoint_job *j, struct endpoint_request *q,
                                   struct gf_err *e);
/* What its answer means; the answer (NULL where q->local) goes into *out, also into an *out that is
 * then released on failure. */
GF_MUST_CHECK int endpoint_judge(struct endpoint_job *j, struct https_answer *answer,
                                 struct endpoint_result *out, struct gf_err *e);
/* endpoint.retention_s, for this record. */
int64_t endpoint_retention(const struct endpoint_job *j);
/* Before results of this endpoint are noted. */
GF_MUST_CHECK int endpoint_flush(struct endpoint *p, struct gf_err *e);
/* It was delivered: within the transaction that notes it. */
GF_MUST_CHECK int endpoint_note(struct endpoint_job *j, struct gf_err *e);
/* What is to be kept of a job that was begun and ends without an end: into an empty buffer. */
GF_MUST_CHECK int endpoint_progress(const struct endpoint_job *j, struct gf_buf *out,
                                    struct gf_err *e);
/* 1 if its next try goes on where this one ends. */
int endpoint_resumes(const struct endpoint_job *j);
/* The job is over, however it ended. */
void endpoint_end(struct endpoint_job *j);
void endpoint_result_free(struct endpoint_result *r);

/* ---- profile agent (endpoint_agent.c) ---- */

/* The state directory of the agent that a section of profile agent gives records to. */
void endpoint_agent_state(const struct relay *r, const char *name, char out[512]);
/* May we write to its intake and take from its returns? GF_E_CREATE says what is missing. */
GF_MUST_CHECK int endpoint_agent_reach(const struct relay *r, const char *name, struct gf_err *e);

/* ---- for profiles that speak HTTP (endpoint_http.c) ---- */

/* Content-Type (NULL: none), Idempotency-Key (behind the first request of a job with "-2", "-3",
 * ...), Gapferry-Agent and Gapferry-Record, and the headers of the section. */
void endpoint_headers(struct endpoint_request *q, const struct endpoint_job *j, const char *type);
/* Only those of the section: for requests that are made on nobody's behalf. */
void endpoint_headers_own(struct endpoint_request *q, const struct endpoint *p);
/* One more, "Name: value", borrowed until judge() has returned; beyond ENDPOINT_HEADERS it is
 * dropped. */
void endpoint_header(struct endpoint_request *q, const char *line);

/* Pure: what a status means under profile http. */
enum endpoint_verdict endpoint_http_verdict(long status);
/* The verdict of profile http: by status where an answer came, else later (held where a proxy or a
 * credential is ours to mend), with the reason unless delivered. A 2xx without success_text is
 * later, too: somebody else has answered, or the endpoint is ill. */
GF_MUST_CHECK int endpoint_http_judge(struct endpoint_job *j, struct endpoint_result *r,
                                      struct gf_err *e);
/* The reason of a verdict in the endpoint's own words: "HTTP 422: ...", or where it ended. */
GF_MUST_CHECK int endpoint_http_explain(struct endpoint_result *r, struct gf_err *e);
/* Pure: what helps where a request ended so, as a clause for the operator, static; NULL for
 * HTTPS_OK. */
const char *endpoint_advice(enum https_stage stage);
/* The same by the reason that endpoint_http_explain() has given, or that of a record of a kind that
 * the profile does not take; NULL where it needs none, or is of another kind. */
const char *endpoint_advice_of(const char *reason);
/* How the reason begins of a record that the profile does not take, and what follows its name. */
#define ENDPOINT_PROFILE "profile "
#define ENDPOINT_FOREIGN " does not take it"
/* " --endpoint NAME" for a command that is to be pasted into a shell; "" where the name of the
 * section holds what no shell would read so. */
#define ENDPOINT_OPTION 256
const char *endpoint_option(const char *name, char out[ENDPOINT_OPTION]);
/* How the reason of a record begins that was not tried itself. */
#define ENDPOINT_RESTS "not tried: endpoint \""
/* 1 if what failed for this reason comes right by itself, as far as one can tell: the endpoint
 * answered that it is busy (408, 425, 429) or ill (5xx), a program ended with 75 (EX_TEMPFAIL of
 * sysexits.h), or it was not tried since others were. 0: somebody may have to mend something. */
int endpoint_passes(const char *reason);
/* The reason: `begin` and foreign bytes behind it, made one safe line. */
GF_MUST_CHECK int endpoint_http_words(struct endpoint_result *r, const char *begin,
                                      const char *words, size_t len, struct gf_err *e);

#endif
