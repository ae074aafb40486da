/*
 * worker_metrics.c -- is it ready; and what a monitoring system reads: the Prometheus text format,
 * version 0.0.4.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/mono.h"
#include "gapferry/file.h"
#include "relay/listener/worker.h"

#define TEXT_MAX ((size_t)8 << 20)
#define FRESH    20

/* Bytes of disk beyond the reserve, without which a relay does not call itself ready. */
#define ROOM_MIN (16LL << 20)

static const char *const parts[] = {"in", "out", "look"};

/* ---- the format ---- */

static void head(struct gf_buf *b, const char *name, const char *type, const char *help) {
    gf_buf_printf(b, "# HELP gapferry_relay_%s %s\n# TYPE gapferry_relay_%s %s\n", name, help, name,
                  type);
}

void worker_metrics_label(struct gf_buf *b, const char *text) {
    struct gf_buf safe;

    gf_buf_init(&safe, 4096);
    gf_text_safe(&safe, text, strlen(text));
    gf_buf_byte(b, '"');
    for (const char *p = safe.data != NULL ? safe.data : ""; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\')
            gf_buf_byte(b, '\\');
        gf_buf_byte(b, *p);
    }
    gf_buf_byte(b, '"');
    gf_buf_free(&safe);
}

/* One sample; label NULL: none. */
static void sample(struct gf_buf *b, const char *name, const char *label, const char *value,
                   int64_t n) {
    gf_buf_printf(b, "gapferry_relay_%s", name);
    if (label != NULL) {
        gf_buf_printf(b, "{%s=", label);
        worker_metrics_label(b, value);
        gf_buf_byte(b, '}');
    }
    gf_buf_printf(b, " %" PRId64 "\n", n);
}

static void only(struct gf_buf *b, const char *name, const char *type, const char *help,
                 int64_t n) {
    head(b, name, type, help);
    sample(b, name, NULL, NULL, n);
}

/* ---- the facts ---- */

static int put_records(const struct worker *w, struct gf_buf *b, struct gf_err *e) {
    struct ledger_count *counts = NULL;
    size_t n = 0;

    if (ledger_counts(w->r->ledger, &counts, &n, e) == -1)
        return -1;
    head(b, "records", "gauge", "Records in the ledger, by channel and state.");
    for (size_t i = 0; i < n; i++)
        for (int s = 0; ledger_states[s] != NULL; s++) {
            gf_buf_text(b, "gapferry_relay_records{channel=");
            worker_metrics_label(b, counts[i].channel);
            gf_buf_printf(b, ",state=\"%s\"} %" PRId64 "\n", ledger_states[s], counts[i].n[s]);
        }
    free(counts);
    return 0;
}

/* An endpoint for which nothing waits is shown with zeros, so that an alarm can be set on it before
 * it is needed. */
static int add_idle(const struct config *c, struct ledger_waiting **list, size_t *n,
                    struct gf_err *e) {
    const char *name;

    for (size_t i = 0; c != NULL && (name = config_name(c, "endpoint", i)) != NULL; i++) {
        size_t k = 0;
        while (k < *n && strcmp((*list)[k].endpoint, name) != 0)
            k++;
        if (k < *n)
            continue;
        struct ledger_waiting *more = realloc(*list, (*n + 1) * sizeof *more);
        if (more == NULL)
            return gf_err_set(e, GF_E_SYSTEM, "no memory for the metrics");
        *list = more;
        more[*n] = (struct ledger_waiting){.oldest = INT64_MAX};
        (void)snprintf(more[*n].endpoint, sizeof more[*n].endpoint, "%s", name);
        ++*n;
    }
    return 0;
}

static int put_waiting(const struct worker *w, int64_t now, struct gf_buf *b, struct gf_err *e) {
    struct ledger_waiting *list = NULL;
    size_t n = 0;

    if (ledger_waiting(w->r->ledger, &list, &n, e) == -1)
        return -1;
    if (add_idle(w->r->config, &list, &n, e) == -1) {
        free(list);
        return -1;
    }
    head(b, "endpoint_waiting_records", "gauge",
         "Records that wait for an endpoint; without a name: for their first attempt.");
    for (size_t i = 0; i < n; i++)
        sample(b, "endpoint_waiting_records", "endpoint", list[i].endpoint, list[i].records);
    head(b, "endpoint_oldest_waiting_seconds", "gauge",
         "How long the oldest of these has been here.");
    for (size_t i = 0; i < n; i++)
        sample(b, "endpoint_oldest_waiting_seconds", "endpoint", list[i].endpoint,
               now > list[i].oldest ? now - list[i].oldest : 0);
    head(b, "endpoint_retry_in_seconds", "gauge",
         "Until the first of these is tried again; 0: at the next turn.");
    for (size_t i = 0; i < n; i++)
        sample(b, "endpoint_retry_in_seconds", "endpoint", list[i].endpoint,
               list[i].due > now ? list[i].due - now : 0);
    free(list);
    return 0;
}

static int put_bundles(const struct worker *w, struct gf_buf *b, struct gf_err *e) {
    struct ledger_tally t;

    if (ledger_tally(w->r->ledger, &t, e) == -1)
        return -1;
    head(b, "bundles_total", "counter",
         "Bundles that came in: taken, refused (kept in quarantine), replayed (seen before).");
    sample(b, "bundles_total", "verdict", "taken", t.taken);
    sample(b, "bundles_total", "verdict", "refused", t.refused);
    sample(b, "bundles_total", "verdict", "replayed", t.replayed + (int64_t)w->replayed);
    only(b, "responses_waiting", "gauge", "Responses that their agents have not acknowledged.",
         t.responses);
    only(b, "agents", "gauge", "Agents that are enrolled.", t.agents);
    return 0;
}

static int put_folder(const struct worker *w, struct gf_buf *b, const char *folder,
                      const char *help, struct gf_err *e) {
    struct files_list list = {0};
    int64_t n = 0;

    if (files_list(w->r, folder, &list, e) == -1)
        return -1;
    for (size_t i = 0; i < list.n; i++) {
        size_t len = strlen(list.entries[i].name);
        n += len > 4 && strcmp(list.entries[i].name + len - 4, ".gfb") == 0;
    }
    free(list.entries);
    gf_buf_printf(b,
                  "# HELP gapferry_relay_%s_bundles %s\n# TYPE gapferry_relay_%s_bundles gauge\n"
                  "gapferry_relay_%s_bundles %" PRId64 "\n",
                  folder, help, folder, folder, n);
    return 0;
}

static void put_turns(const struct worker *w, struct gf_buf *b) {
    head(b, "turn_last_timestamp_seconds", "gauge",
         "When the last turn of this kind ended; 0: none yet.");
    for (int t = 0; t < WORKER_TURNS; t++)
        sample(b, "turn_last_timestamp_seconds", "part", parts[t], w->ended_at[t]);
    head(b, "turns_failed_total", "counter", "Turns that failed, since the start.");
    for (int t = 0; t < WORKER_TURNS; t++)
        sample(b, "turns_failed_total", "part", parts[t], (int64_t)w->failed[t]);
}

static void put_machine(const struct worker *w, int64_t now, struct gf_buf *b) {
    struct stat st = {0};

    (void)fstatat(w->r->state_fd, "relay.db", &st, AT_SYMLINK_NOFOLLOW);
    only(b, "ledger_bytes", "gauge", "Size of the ledger's file.", (int64_t)st.st_size);
    int64_t room = files_room(w->r);
    if (room != INT64_MAX)
        only(b, "disk_room_bytes", "gauge", "Bytes of disk beyond the relay's reserve.", room);
    only(b, "start_timestamp_seconds", "gauge", "When this relay was started.", w->began);
    only(b, "uptime_seconds", "gauge", "For how long it has run.",
         now > w->began ? now - w->began : 0);
    head(b, "info", "gauge", "Always 1; its label says which version runs.");
    sample(b, "info", "version", GAPFERRY_VERSION, 1);
}

int worker_metrics_text(const struct worker *w, int64_t now, struct gf_buf *b, struct gf_err *e) {
    if (put_records(w, b, e) == -1 || put_waiting(w, now, b, e) == -1 ||
        put_bundles(w, b, e) == -1 ||
        put_folder(w, b, "quarantine", "Refused bundles that are kept.", e) == -1 ||
        put_folder(w, b, "pending", "Bundles of unknown senders that wait.", e) == -1)
        return -1;
    put_turns(w, b);
    put_machine(w, now, b);
    return gf_buf_check(b, "the metrics", e);
}

int worker_metrics_open(const struct worker *w, int64_t *size, struct gf_err *e) {
    struct gf_buf b;
    int fd = -1;

    gf_buf_init(&b, TEXT_MAX);
    if (worker_metrics_text(w, (int64_t)time(NULL), &b, e) == 0) {
        fd = memfd_create("metrics", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd == -1 || gf_file_write_at(fd, b.data, b.len, 0) == -1) {
            (void)gf_err_errno(e, "no memory for the metrics");
            if (fd != -1)
                (void)close(fd);
            fd = -1;
        } else {
            /* It is handed out more than once; nobody who gets it can change it. */
            (void)fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
        }
        *size = (int64_t)b.len;
    }
    gf_buf_free(&b);
    return fd;
}

/* ---- answers ---- */

/* Whoever asks is a stranger: paths stay here. */
void worker_ready(struct worker *w, const struct wire_ask *a) {
    const char *why = NULL;
    struct gf_err is = {.code = GF_E_SYSTEM}, told;
    int64_t next = 0;

    if (ledger_next_time(w->r->ledger, &next, &is) == -1)
        why = "the ledger cannot be read; the log says why";
    else if (ledger_fits_head(w->r->ledger, &is) == -1)
        why = "the ledger is older than its head: was it put back from a backup? See "
              "gapferry-relay status";
    else if (files_need(w->r, ROOM_MIN, &is) == -1)
        why = "the disk is nearly full: no bundle can be taken";
    else if (w->sick[WORKER_VERIFY] || w->sick[WORKER_FORWARD])
        why = "the last turn failed; the log says why (turn-failed)";
    if (why == NULL) {
        worker_say_plain(w, a->tag, WIRE_YES);
        return;
    }
    (void)gf_err_set(&told, is.code, "%s", why);
    worker_say_error(w, a->tag, WIRE_NO, &told, 0);
}

/* In a large ledger counting takes a while, in which nobody else is answered: so a text is good for
 * FRESH times as long as it took to make. */
static int renew(struct worker *w, struct gf_err *e) {
    int64_t began = mono_ms(), size = 0;

    if (w->metrics != -1 && began < w->metrics_until)
        return 0;
    int fd = worker_metrics_open(w, &size, e);
    if (fd == -1)
        return -1;
    if (w->metrics != -1)
        (void)close(w->metrics);
    w->metrics = fd;
    w->metrics_size = size;
    w->metrics_until = mono_ms() + FRESH * (mono_ms() - began);
    return 0;
}

void worker_metrics(struct worker *w, const struct wire_ask *a) {
    struct gf_err why;

    if (renew(w, &why) == -1) {
        worker_say_trouble(w, a->tag, &why);
        return;
    }
    const struct wire_say s = {.answer = WIRE_YES, .tag = a->tag, .size = w->metrics_size};
    worker_say(w, &s, NULL, w->metrics);
}
