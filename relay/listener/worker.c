/*
 * worker.c -- the listener's questions, answered.
 */
#include "relay/listener/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mono.h"
#include "gapferry/file.h"
#include "gapferry/hello.h"
#include "relay/keys.h"
#include "relay/quota.h"

/* How long a caller is kept waiting for its bundle's verdict, and then for what its records lead
 * to; beyond that it comes again. */
#define VERDICT_MS 60000
#define FORWARD_MS 5000

/* ---- answers ---- */

/* Responses that wait for a sender, as the ledger knows them and the outbox has them. */
static void say_responses(struct worker *w, uint64_t tag, const struct gf_hash *identity,
                          int seen) {
    struct ledger_response *open_ones = NULL;
    struct wire_response *list = NULL;
    struct wire_say s = {.answer = seen ? WIRE_SEEN : WIRE_TAKEN, .tag = tag};
    struct gf_err why;
    size_t n = 0, told = 0;

    if (ledger_open_responses(w->r->ledger, identity, &open_ones, &n, &why) == -1) {
        worker_say_trouble(w, tag, &why);
        return;
    }
    list = calloc(WIRE_RESPONSES_MAX, sizeof *list);
    for (size_t i = 0; list != NULL && i < n && told < WIRE_RESPONSES_MAX; i++) {
        char path[80] = "outbox/";
        struct stat st;
        gf_drive_bundle_name(&open_ones[i].id, path + strlen(path));
        if (fstatat(w->r->state_fd, path, &st, AT_SYMLINK_NOFOLLOW) == -1)
            continue;
        list[told].id = open_ones[i].id;
        list[told++].size = (int64_t)st.st_size;
    }
    s.len = (uint32_t)(told * sizeof *list);
    worker_say(w, &s, list, -1);
    free(list);
    free(open_ones);
}

/* ---- those who wait for a turn ---- */

static void start_waiting(struct worker *w, struct worker_wait *x, enum worker_turn t) {
    x->turn = t;
    x->number = w->started[t] + 1;
    x->since = mono_ms();
    w->want[t] = 1;
}

static void add_wait(struct worker *w, const struct worker_wait *x, enum worker_turn t) {
    struct gf_err why;

    if (w->nwaits == WORKER_WAITS_MAX) {
        (void)gf_err_set(&why, GF_E_BUSY, "too many bundles are under way");
        worker_say_error(w, x->tag, WIRE_LATER, &why, 10);
        return;
    }
    w->waits[w->nwaits] = *x;
    start_waiting(w, &w->waits[w->nwaits++], t);
}

static void end_wait(struct worker *w, size_t i) {
    w->waits[i] = w->waits[--w->nwaits];
}

/* After a turn: what became of it. 1 answered. */
static int give_verdict(struct worker *w, struct worker_wait *x) {
    struct gf_err why = {.text = ""}, e;
    struct gf_id agent;

    switch (ledger_fate(w->r->ledger, &x->digest, &agent, &why, &e)) {
    case 1:
        start_waiting(w, x, WORKER_FORWARD);
        return 0;
    case 2:
        worker_say_error(w, x->tag, WIRE_REFUSED, &why, 0);
        return 1;
    case 0:
        break;
    default:
        worker_say_trouble(w, x->tag, &e);
        return 1;
    }
    const int waits = files_has(w->r, "incoming", x->name);
    if (!waits && worker_read_why(w, x->name, &why) == 0) {
        if (x->others) {
            (void)gf_err_set(&why, GF_E_BUSY, "another copy of it was here, and damaged; send it");
            worker_say_error(w, x->tag, WIRE_LATER, &why, 1);
        } else {
            worker_say_error(w, x->tag, WIRE_REFUSED, &why, 0);
        }
        return 1;
    }
    /* It was here so long ago that only its number is remembered. */
    if (!waits && !files_has(w->r, "pending", x->name)) {
        start_waiting(w, x, WORKER_FORWARD);
        return 0;
    }
    /* Another command holds the lock, or the disk is full. */
    if (mono_ms() - x->since < VERDICT_MS) {
        const int64_t since = x->since;
        start_waiting(w, x, WORKER_VERIFY);
        x->since = since;
        return 0;
    }
    (void)gf_err_set(&why, GF_E_BUSY, "the relay is busy; it has the bundle, ask again");
    worker_say_error(w, x->tag, WIRE_LATER, &why, 30);
    return 1;
}

void worker_started(struct worker *w, enum worker_turn t) {
    w->want[t] = 0;
    w->started[t]++;
}

void worker_ended(struct worker *w, enum worker_turn t, int failed) {
    w->ended[t]++;
    w->failed[t] += failed != 0;
    w->sick[t] = failed;
    w->ended_at[t] = (int64_t)time(NULL);
    for (size_t i = 0; i < w->nwaits;) {
        struct worker_wait *x = &w->waits[i];
        int over = 0;
        if (x->turn == t && x->number <= w->ended[t]) {
            over = 1;
            if (t == WORKER_VERIFY)
                over = give_verdict(w, x);
            else
                say_responses(w, x->tag, &x->identity, x->seen);
        }
        if (i >= w->nwaits)
            break; /* the listener is gone, and all who waited */
        if (over)
            end_wait(w, i);
        else
            i++;
    }
}

int worker_patience(struct worker *w) {
    int64_t now = mono_ms();
    int64_t next = -1;

    for (size_t i = 0; i < w->nwaits;) {
        const struct worker_wait *x = &w->waits[i];
        int64_t left = (x->turn == WORKER_FORWARD ? FORWARD_MS : VERDICT_MS) - (now - x->since);
        if (left > 0) {
            next = next == -1 || left < next ? left : next;
            i++;
            continue;
        }
        const struct worker_wait over = *x;
        end_wait(w, i);
        if (over.turn == WORKER_FORWARD) {
            say_responses(w, over.tag, &over.identity, over.seen);
        } else {
            struct gf_err why;
            (void)gf_err_set(&why, GF_E_BUSY, "the relay is busy; it has the bundle, ask again");
            worker_say_error(w, over.tag, WIRE_LATER, &why, 30);
        }
    }
    return (int)next;
}

/* ---- uploads ---- */

static void open_upload(struct worker *w, const struct wire_ask *a) {
    const struct wire_say s = {.answer = WIRE_NEW, .tag = a->tag};
    struct gf_err why;

    int fd = worker_upload_new(w, a, NULL, &why);
    if (fd == -1) {
        worker_upload_refuse(w, a->tag, &why);
        return;
    }
    worker_say(w, &s, NULL, fd);
    (void)close(fd);
}

static void take_upload(struct worker *w, const struct wire_ask *a) {
    struct worker_wait x = {.tag = a->tag};
    struct gf_err why;
    char path[80];

    struct worker_upload *u = worker_upload_done(w, a->tag, 0, &why);
    if (u == NULL) {
        worker_say_trouble(w, a->tag, &why);
        return;
    }
    x.identity = u->identity;
    x.digest = u->digest;
    files_name(&x.digest, x.name);
    (void)snprintf(path, sizeof path, "incoming/%s", x.name);
    /* Not flushed, for its sender has it until it is in the ledger. Which of two is whole only
     * verifying shows: the first one is tried, and if it is not, this one is asked for again. */
    int rc = renameat2(w->r->state_fd, u->path, w->r->state_fd, path, RENAME_NOREPLACE);
    x.others = rc == -1 && errno == EEXIST;
    if (rc == -1 && !x.others) {
        (void)gf_err_errno(&why, "%s/%s", w->r->state, path);
        worker_say_trouble(w, a->tag, &why);
        worker_upload_drop(w, u);
        return;
    }
    worker_upload_drop(w, u);
    add_wait(w, &x, WORKER_VERIFY);
}

static void admit(struct worker *w, const struct wire_ask *a) {
    struct worker_wait x = {.tag = a->tag, .identity = a->identity, .digest = a->digest, .seen = 1};
    struct gf_err why, e;
    struct gf_id agent;
    int news = 0;

    files_name(&a->digest, x.name);
    int fate = ledger_fate(w->r->ledger, &a->digest, &agent, &why, &e);
    if (fate == 0 && files_has(w->r, "incoming", x.name)) {
        x.seen = 0;
        x.others = 1;
        add_wait(w, &x, WORKER_VERIFY);
        return;
    }
    int64_t seconds = 0;
    /* What the listener says here is checked when the bundle is verified. */
    const struct quota_bundle b = {&a->identity, &a->digest, a->size, a->no_records == 1};
    int over = fate == 0 ? quota_is_over(w->r, &b, (int64_t)time(NULL), &seconds, &why, &e) : 0;
    if (over == 1) {
        worker_say_error(w, a->tag, WIRE_MANY, &why, seconds);
        return;
    }
    if (fate == 0 && over == 0) {
        open_upload(w, a);
        return;
    }
    w->replayed++;
    if (fate == -1 || over == -1 || ledger_retell(w->r->ledger, &a->digest, &e) == -1 ||
        (news = ledger_has_news(w->r->ledger, &agent, &e)) == -1)
        worker_say_trouble(w, a->tag, &e);
    else if (news)
        add_wait(w, &x, WORKER_FORWARD);
    else
        say_responses(w, a->tag, &a->identity, 1);
}

/* ---- the other questions ---- */

static void greet(struct worker *w, const struct wire_ask *a) {
    struct wire_say s = {.answer = WIRE_YES, .tag = a->tag};
    struct gf_err why;
    struct gf_buf b;

    const struct gf_hello_by by = {
        .id = &w->r->id, .former = w->r->former.list, .nformer = w->r->former.n};
    gf_buf_init(&b, GF_HELLO_MAX);
    if (gf_hello_make(&by, a->nonce.b, (int64_t)time(NULL), GAPFERRY_VERSION, &b, &why) == -1) {
        worker_say_trouble(w, a->tag, &why);
    } else {
        s.len = (uint32_t)b.len;
        worker_say(w, &s, b.data, -1);
    }
    gf_buf_free(&b);
}

static void answer(struct worker *w, const struct wire_ask *a, const char *data) {
    switch ((enum wire_kind)a->kind) {
    case WIRE_HELLO:
        greet(w, a);
        break;
    case WIRE_CARD:
        worker_card(w, a);
        break;
    case WIRE_ADMIT:
        admit(w, a);
        break;
    case WIRE_DONE:
        take_upload(w, a);
        break;
    case WIRE_DROP:
        for (size_t i = 0; i < w->nuploads; i++)
            if (w->uploads[i].tag == a->tag) {
                worker_upload_drop(w, &w->uploads[i]);
                break;
            }
        break;
    case WIRE_FETCH:
        worker_fetch(w, a);
        break;
    case WIRE_READY:
        worker_ready(w, a);
        break;
    case WIRE_METRICS:
        worker_metrics(w, a);
        break;
    case WIRE_ENROL:
        worker_enrol(w, a, data);
        break;
    case WIRE_LOGIN:
    case WIRE_SESSION:
    case WIRE_LOGOUT:
    case WIRE_FACTS:
    case WIRE_BRING:
    case WIRE_BROUGHT:
    case WIRE_CONFIRM:
    case WIRE_DISCARD:
    case WIRE_TAKE:
    case WIRE_OWN_CARD:
        worker_page(w, a);
        break;
    }
}

/* ---- meeting and parting ---- */

int worker_begin(struct worker *w, struct relay *r, struct gf_err *e) {
    struct files_list left = {0};

    *w = (struct worker){.r = r, .sock = -1, .metrics = -1, .began = (int64_t)time(NULL)};
    if (files_make(r->state_fd, e) == -1 || files_list(r, "uploads", &left, e) == -1)
        return -1;
    for (size_t i = 0; i < left.n; i++) {
        char path[300];
        (void)snprintf(path, sizeof path, "uploads/%s", left.entries[i].name);
        (void)unlinkat(r->state_fd, path, 0);
    }
    free(left.entries);
    return 0;
}

/* Whom what comes may be addressed to; unasked. */
static int say_us(struct worker *w, struct gf_err *e) {
    struct own_keys_all own;

    own_keys_all(&w->r->id, &w->r->former, &own);
    const struct wire_say s = {.answer = WIRE_YES, .len = (uint32_t)(own.n * sizeof own.us[0])};
    return wire_say_send(w->sock, &s, own.us, -1, e);
}

int worker_meet(struct worker *w, int sock, struct gf_err *e) {
    w->sock = sock;
    return say_us(w, e);
}

/* `rotate` may have given this relay new keys; a hello is to be signed by those. */
static void renew(struct worker *w) {
    struct gf_err why;

    int rc = keys_renew(w->r, &why);
    if (rc == 1)
        rc = say_us(w, &why);
    if (rc == -1)
        log_write(LOG_LEVEL_ERROR, "keys-not-renewed", {"why", why.text, 0});
}

void worker_part(struct worker *w) {
    while (w->nuploads > 0)
        worker_upload_drop(w, &w->uploads[w->nuploads - 1]);
    w->nwaits = 0;
    w->sock = -1;
}

int worker_hear(struct worker *w, struct gf_err *e) {
    char data[WIRE_ASK_MAX];
    struct wire_ask a;
    int rc = 0;

    renew(w);
    while (w->sock != -1 && (rc = wire_ask_next(w->sock, &a, data, e)) == 1)
        answer(w, &a, data);
    if (rc == 0 && w->sock == -1)
        rc = gf_err_set(e, GF_E_SYSTEM, "the listener does not listen");
    return rc;
}
