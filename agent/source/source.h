/*
 * source.h -- what makes records at an interval: [source "NAME"] of agent.conf.
 *
 * A source runs only if its channel has consent, if `only_if` of the channel says so, and when it
 * is due. What it makes goes through the rule of the channel into the queue, as one record.
 */
#ifndef AGENT_SOURCE_H
#define AGENT_SOURCE_H

#include "agent/agent.h"
#include "agent/store/store_local.h"

#define SOURCE_INTERVAL_MIN 60 /* seconds: an idle agent wakes up once a minute at most */
#define SOURCE_INTERVAL_MAX (366LL * 86400)
#define SOURCE_TIMEOUT_MAX  3600
#define SOURCE_BYTES_MAX    (512 << 10) /* of a document: as JSON text it fits a record's line */
#define SOURCE_COUNTS_MAX   32
#define SOURCE_SAID_MAX     161 /* what a command said, cut, with NUL */

/* A section as configured; texts borrowed from the configuration. */
struct source {
    const char *name;
    const char *channel;
    const char *command;       /* NULL: the built-in document */
    const char *product;       /* of the document, or NULL: that of the channel, or NULL */
    const char *version;       /* of the product, or NULL */
    const char *counts;        /* "NAME:FILE ...", or NULL */
    const char *only_if;       /* of the channel, or NULL */
    int64_t interval, timeout; /* seconds */
    int64_t max_bytes;
};

/* GF_E_CONFIG names file, line and rule. */
GF_MUST_CHECK int source_load(const struct config *c, const char *name, struct source *out,
                              struct gf_err *e);
/* Every [source] and every only_if; for `config check`. */
GF_MUST_CHECK int source_check(const struct config *c, struct gf_err *e);

/* ---- source_command.c: a program of the site ---- */

/*
 * Run a command: words separated by white space, the first an absolute path; no shell. It gets no
 * environment but PATH=/usr/bin:/bin and LANG=C.UTF-8, directory /, standard input /dev/null, and
 * no other file of ours; of its network see main.c. It leads a process group of its own, which is
 * killed when it has ended or its time is over, and so is what has left that group.
 *
 * 0: it ended by itself; *status is its exit status, out (initialised here, to be freed) what it
 * printed, `said` the first line of its standard error with foreign bytes escaped. -1: GF_E_NOINPUT
 * (missing), GF_E_CONFIG (not executable), GF_E_LIMIT (more than max bytes, or longer than
 * `timeout` seconds), GF_E_SYSTEM (killed by a signal; no process, no memory), GF_E_BUSY (this
 * process is told to end: the command was stopped or not begun, and is none the worse for it).
 */
GF_MUST_CHECK int source_command(const char *command, int64_t timeout, size_t max,
                                 struct gf_buf *out, int *status, char said[SOURCE_SAID_MAX],
                                 struct gf_err *e);

/* ---- source_document.c: the built-in document ---- */

/*
 * What a vendor's daily report holds, and nothing that names the site: no host name, user, address
 * or key. Strict JSON, one line:
 *
 *   {"format": "gapferry-report/1", "installation": 32 HEX DIGITS, "at": TIME,
 *    "product": "demo" | null, "version": "1.2" | null, "os": "Debian GNU/Linux",
 *    "os_version": "12" | null, "architecture": "x86_64",
 *    "licenses": [{"product": "demo", "state": "valid", "features": ["pro"],
 *                  "counts": {"seats": 5}}], "counts": {"users": 42}}
 *
 * installation: random, made when it is first needed, new after `id --reset`; derived from nothing.
 * product: the only licences that are listed are its own, without one all. GF_E_NOINPUT, GF_E_LIMIT
 * or GF_E_CONFIG where a count cannot be read.
 */
GF_MUST_CHECK int source_document(struct agent *a, const struct source *s, struct gf_buf *out,
                                  struct gf_err *e);

/* The installation id; reset 1: a new one. */
GF_MUST_CHECK int source_installation(struct agent *a, int reset, struct gf_id *out,
                                      struct gf_err *e);

/* NAME and VERSION_ID of an os-release(5) file, "" where it has none. */
struct source_os {
    char name[65];
    char version[65];
};
void source_os_release(const char *text, size_t len, struct source_os *out);

/* What a file of a count holds: one whole number of 0 to 2^53 - 1, and white space. 0 or -1. */
GF_MUST_CHECK int source_number(const char *text, size_t len, int64_t *out);

/* The next NAME:FILE of `counts`: 1 and both, 0 at the end, -1 with GF_E_CONFIG. */
GF_MUST_CHECK int source_next_count(const char **counts, char name[GF_WORD_MAX + 1], char file[512],
                                    struct gf_err *e);

/* ---- source_plan.c: when ---- */

/* When a source that was due at `due` and has run at `now` is due next: an interval later, but not
 * before half an interval has gone by; a twentieth (at most ten minutes) more or less, as `random`
 * has it. failures in a row: sooner, from 15 minutes on, doubling up to the interval. */
int64_t source_plan_next(int64_t due, int64_t now, int64_t interval, int64_t failures,
                         uint32_t random);

/* A due time as it counts now: what lies further ahead than any plan could have put it was made by
 * a clock that went ahead, and means an interval from now. */
int64_t source_plan_settle(int64_t due, int64_t now, int64_t interval);

/* ---- source_run.c: one source ---- */

enum source_end {
    SOURCE_RECORDED,  /* a record was made; dry: would be */
    SOURCE_FAILED,    /* `why` */
    SOURCE_ELSEWHERE, /* another host reports */
    SOURCE_WAITING,   /* no consent; it did not run */
    SOURCE_IDLE       /* not due, or stopped: as if it had not run */
};
struct source_outcome {
    enum source_end end;
    char why[256];
    struct gf_record record; /* RECORDED: its texts live in the outcome and the configuration */
    struct gf_buf body;      /* after the rules */
    struct gf_buf ext;       /* the facts beside it */
    struct gf_buf dropped;   /* names that the rules took out */
    enum store_consent consent;
};
/*
 * Run a source now. dry: nothing is recorded, no schedule moves; it runs unless consent is denied.
 * 0 with *out (source_outcome_free()) whatever became of it; -1 where the store failed.
 */
GF_MUST_CHECK int source_run(struct agent *a, const struct source *s, int dry,
                             struct source_outcome *out, struct gf_err *e);
void source_outcome_free(struct source_outcome *o);

/* The state of a source with its due time settled, made when it is first asked for. */
GF_MUST_CHECK int source_state(struct agent *a, const struct source *s, struct store_source *out,
                               struct gf_err *e);

#endif
