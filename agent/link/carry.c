/*
 * carry.c -- the HTTPS courier's way there.
 */
#include "agent/link/carry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/link/introduce.h"
#include "common/log.h"
#include "gapferry/digest.h"

#define BYTES_A_S    16384     /* what we bear with: slower is timed out */
#define TOTAL_MIN_MS 60000     /* for the smallest request */
#define POLL_SIZE    (1 << 20) /* bytes of a request that may go out each hour */
#define POLL_LOOK    64        /* newest requests among which a small one is looked for */

#define REFUSED_AGAIN 86400 /* seconds after which a refused bundle is tried once more */

/* ---- refused bundles ---- */

/* What tells this file from a changed one under the same name, and this way to this relay from
 * another: a refusal says nothing about those. */
static void case_of(const struct round *x, const struct outbox_file *f, char out[96]) {
    const char *const parts[] = {x->peer->url, x->peer->proxy, x->peer->ca_file};
    char way[GF_ID_TEXT];
    struct gf_buf b;
    struct gf_id id;

    gf_buf_init(&b, 65536);
    gf_buf_add(&b, x->relay->identity.b, sizeof x->relay->identity.b);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        gf_buf_printf(&b, "%s\n", parts[i] != NULL ? parts[i] : "");
    gf_digest_128(b.data != NULL ? b.data : "", b.len, &id);
    gf_buf_free(&b);
    gf_text_hex(id.b, sizeof id.b, way);
    (void)snprintf(out, 96, "%lld %lld %.16s ", (long long)f->size, (long long)f->mtime, way);
}

/* What was said when exactly this was refused, less than a day ago: *at, and the words. NULL: it
 * may be sent. */
static const char *refusal(const struct round *x, const struct outbox_file *f, int64_t *at) {
    const char *words = marks_find(&x->refused, &f->id);
    char which[96], *end;

    if (words == NULL || marks_find(&x->sent, &f->id) != NULL)
        return NULL;
    case_of(x, f, which);
    if (strncmp(words, which, strlen(which)) != 0)
        return NULL;
    const char *time = words + strlen(which);
    *at = strtoll(time, &end, 10);
    return end != time && *end == ' ' && x->now >= *at && x->now - *at < REFUSED_AGAIN ? end + 1
                                                                                       : NULL;
}

static int is_refused(const struct round *x, const struct outbox_file *f) {
    int64_t at;

    return refusal(x, f, &at) != NULL;
}

/* A descriptor of one that is ours, for this relay, and not refused; else -1. */
static int open_ours(const struct round *x, const struct outbox_file *f) {
    return is_refused(x, f) ? -1 : outbox_open(f, peers_self(x->p), x->to, x->nto);
}

/* A person is to hear of a refused bundle, and of how many there are. */
static void tell_refused(struct round *x, const struct outbox_file *f) {
    char again[GF_TIME_TEXT];
    int64_t at = 0;

    const char *words = refusal(x, f, &at);
    if (words == NULL)
        return;
    x->nrefused++;
    gf_text_time(at + REFUSED_AGAIN, again);
    (void)snprintf(x->r.person, sizeof x->r.person,
                   "%zu bundle%s refused, the last is outbox/%s: %.160s; it is tried again after "
                   "%s. Carry it by drive: gapferry-agent sync DRIVE; or pack it anew: "
                   "gapferry-agent resend --bundle %.32s",
                   x->nrefused, x->nrefused == 1 ? " is" : "s are", f->name, words, again, f->name);
}

/* 1 if a refusal has the form of a relay's own: a proxy on the way says 400 and 413, too. */
static int is_relays_word(const struct https_answer *a) {
    char words[256];

    reply_error(a->body.data != NULL ? a->body.data : "", a->body.len, words);
    return words[0] != '\0';
}

static int refuse(struct round *x, const struct outbox_file *f, const struct https_answer *a,
                  struct gf_err *e) {
    char words[256], which[96], line[512];
    struct gf_buf safe;

    case_of(x, f, which);
    reply_error(a->body.data != NULL ? a->body.data : "", a->body.len, words);
    gf_buf_init(&safe, 2048);
    gf_text_safe(&safe, words, strlen(words));
    (void)snprintf(line, sizeof line, "%s%lld status %ld%s%s", which, (long long)x->now, a->status,
                   safe.len > 0 ? ", " : "", safe.len > 0 ? safe.data : "");
    gf_buf_free(&safe);
    log_write(LOG_LEVEL_WARNING, "bundle-refused", {"relay", x->peer->name, 0},
              {"file", f->name, 0}, {"status", NULL, a->status}, {"why", words, 0});
    if (marks_add(&x->refused, &f->id, line, e) == -1)
        return -1;
    tell_refused(x, f);
    return 0;
}

/* ---- posting ---- */

static int note_sent(struct round *x, const struct outbox_file *f, int taken, struct gf_err *e) {
    char at[GF_TIME_TEXT];

    x->r.awaited |= taken;
    if (marks_find(&x->sent, &f->id) != NULL)
        return 0;
    x->r.sent++;
    log_write(LOG_LEVEL_INFO, "bundle-carried", {"relay", x->peer->name, 0}, {"file", f->name, 0},
              {"state", taken ? "taken" : "seen", 0});
    gf_text_time(x->now, at);
    return marks_add(&x->sent, &f->id, at, e);
}

static int take_answer(struct round *x, const struct outbox_file *f, const struct https_answer *a,
                       struct gf_err *e) {
    char what[64];
    struct reply reply;
    struct gf_err why;

    (void)snprintf(what, sizeof what, "POST %s", f->name);
    if (a->stage == HTTPS_OK && (a->status == 400 || a->status == 413) &&
        marks_find(&x->sent, &f->id) == NULL && is_relays_word(a))
        return refuse(x, f, a, e);
    if (a->stage != HTTPS_OK || a->status != 200) {
        round_trouble(x, what, a);
        /* What something on the way finds too large keeps no other bundle from going. */
        if (x->r.stage == NULL && (a->status == 400 || a->status == 413))
            x->over = 0;
        return 0;
    }
    if (reply_parse(a->body.data != NULL ? a->body.data : "", a->body.len, &f->id, &reply, &why) ==
        -1) {
        x->over = 1;
        x->r.stage = STAGE_WRONG;
        (void)snprintf(x->r.evidence, sizeof x->r.evidence, "%s: %.300s", what, why.text);
        return 0;
    }
    x->forgotten |= reply.taken && marks_find(&x->sent, &f->id) != NULL;
    int rc = note_sent(x, f, reply.taken, e);
    if (rc == 0)
        rc = fetch_all(x, &reply, e);
    reply_free(&reply);
    return rc;
}

/* 1 if the relay does not know who sends, in its own words. */
static int is_unknown_here(const struct https_answer *a) {
    char words[256];

    if (a->stage != HTTPS_OK || a->status != 403)
        return 0;
    reply_error(a->body.data != NULL ? a->body.data : "", a->body.len, words);
    return strncmp(words, "sender:", 7) == 0;
}

/* Post an open bundle. */
static int post(struct round *x, const struct outbox_file *f, int fd, struct gf_err *e) {
    static const char *const headers[] = {"Content-Type: application/vnd.gapferry.bundle",
                                          "Accept: application/json", NULL};
    char url[PROBE_URL];
    struct https_answer a;

    probe_url(x->peer, "/v1/bundles", url);
    const struct https_options o = {.url = url,
                                    .method = "POST",
                                    .headers = headers,
                                    .source = &fd,
                                    .body_len = (size_t)f->size,
                                    .ca_file = x->peer->ca_file,
                                    .proxy = x->peer->proxy,
                                    .total_ms = TOTAL_MIN_MS,
                                    .pace = BYTES_A_S,
                                    .answer_max = REPLY_MAX,
                                    .stop = x->client->stop,
                                    .stop_arg = x->client->stop_arg};
    if (https_request(x->client->https, &o, &a, e) == -1)
        return -1;
    char words[256] = "";
    int known = is_unknown_here(&a) ? introduce(x, words, e) : 0;
    if (known == 1) {
        https_answer_free(&a);
        if (https_request(x->client->https, &o, &a, e) == -1)
            return -1;
    }
    int rc = known == -1 ? -1 : take_answer(x, f, &a, e);
    /* Why the card did not help says more than that the sender is not known. */
    if (rc == 0 && words[0] != '\0')
        (void)snprintf(x->r.person, sizeof x->r.person,
                       "the relay does not let this agent in: %.250s", words);
    https_answer_free(&a);
    return rc;
}

/* What the relay does not have yet. *posted: how many requests were made. */
static int post_new(struct round *x, int *posted, struct gf_err *e) {
    int rc = 0;

    for (size_t i = 0; i < x->out.n && rc == 0 && !x->over; i++) {
        const struct outbox_file *f = &x->out.list[i];
        if (marks_find(&x->sent, &f->id) != NULL)
            continue;
        tell_refused(x, f);
        int fd = open_ours(x, f);
        if (fd == -1)
            continue;
        rc = post(x, f, fd, e);
        ++*posted;
        (void)close(fd);
    }
    return rc;
}

/* The newest request to this relay; a small one is better than a large one. */
static int poll_again(struct round *x, struct gf_err *e) {
    const struct outbox_file *best = NULL;
    int best_fd = -1, rc = 0, looked = 0;

    if (x->history != -1 && outbox_add(&x->out, x->history, e) == -1)
        return -1;
    for (size_t i = x->out.n; i-- > 0 && looked < POLL_LOOK;) {
        const struct outbox_file *f = &x->out.list[i];
        int fd = open_ours(x, f);
        if (fd == -1)
            continue;
        looked++;
        if (best != NULL && f->size > POLL_SIZE) {
            (void)close(fd);
            continue;
        }
        if (best != NULL)
            (void)close(best_fd);
        best = f;
        best_fd = fd;
        if (f->size <= POLL_SIZE)
            break;
    }
    if (best != NULL) {
        rc = post(x, best, best_fd, e);
        (void)close(best_fd);
    }
    return rc;
}

/* The relay does not know what it had: its ledger was put back from a backup. What has no receipt
 * yet lies in the outbox; all of it goes once more. */
static int post_all(struct round *x, struct gf_err *e) {
    int rc = 0;

    outbox_free(&x->out);
    x->out = (struct outbox_list){.n = 0};
    if (outbox_add(&x->out, x->outbox, e) == -1)
        return -1;
    log_write(LOG_LEVEL_WARNING, "relay-forgot", {"relay", x->peer->name, 0},
              {"bundles", NULL, (int64_t)x->out.n});
    for (size_t i = 0; i < x->out.n && rc == 0 && !x->over; i++) {
        int fd = open_ours(x, &x->out.list[i]);
        if (fd == -1)
            continue;
        rc = post(x, &x->out.list[i], fd, e);
        (void)close(fd);
    }
    return rc;
}

/* ---- the round ---- */

/* A folder of the state directory; made where the agent has not made it yet. */
static int folder(const char *state, const char *name, int make, int *out, struct gf_err *e) {
    char path[600];

    (void)snprintf(path, sizeof path, "%s/%s", state, name);
    if (make && mkdir(path, 0700) == -1 && errno != EEXIST)
        return gf_err_errno(e, "%s: cannot make it", path);
    *out = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return *out == -1 && (make || errno != ENOENT) ? gf_err_errno(e, "%s", path) : 0;
}

static void close_all(struct round *x) {
    const int fds[] = {x->outbox, x->history, x->inbox};

    for (size_t i = 0; i < 3; i++) {
        if (fds[i] != -1)
            (void)close(fds[i]);
    }
    marks_free(&x->sent);
    marks_free(&x->fetched);
    marks_free(&x->refused);
    outbox_free(&x->out);
}

int carry_round(const struct probe_client *client, const struct peers *p, const struct peer *peer,
                const struct gf_card *relay, struct carry *out, struct gf_err *e) {
    struct round x = {.client = client,
                      .p = p,
                      .peer = peer,
                      .relay = relay,
                      .now = (int64_t)time(NULL),
                      .outbox = -1,
                      .history = -1,
                      .inbox = -1};
    int posted = 0, rc = -1;

    x.nto = peers_to(p, relay, x.to);
    if (folder(p->state, "outbox", 1, &x.outbox, e) == 0 &&
        folder(p->state, "history", 0, &x.history, e) == 0 &&
        folder(p->state, "inbox", 1, &x.inbox, e) == 0 &&
        marks_load(&x.sent, p->state, MARKS_SENT, e) == 0 &&
        marks_load(&x.fetched, p->state, MARKS_FETCHED, e) == 0 &&
        marks_load(&x.refused, p->state, MARKS_REFUSED, e) == 0 &&
        outbox_add(&x.out, x.outbox, e) == 0)
        rc = post_new(&x, &posted, e);
    if (rc == 0 && posted == 0 && !x.over)
        rc = poll_again(&x, e);
    if (rc == 0 && x.forgotten && !x.over)
        rc = post_all(&x, e);
    close_all(&x);
    if (rc == 0)
        *out = x.r;
    return rc;
}

void carry_tidy(const char *state) {
    const struct dirent *d;
    int fd = -1;

    if (folder(state, "inbox", 0, &fd, NULL) == -1 || fd == -1)
        return;
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        (void)close(fd);
        return;
    }
    for (int i = 0; i < GF_DRIVE_ENTRIES_MAX && (d = readdir(dir)) != NULL; i++) {
        size_t len = strlen(d->d_name);
        if (d->d_name[0] == '.' && len > 5 && strcmp(d->d_name + len - 5, ".part") == 0)
            (void)unlinkat(dirfd(dir), d->d_name, 0);
    }
    (void)closedir(dir);
}
