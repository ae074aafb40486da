/*
 * worker_page.c -- the courier's page: who is logged in, and what becomes of what is brought.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mono.h"
#include "gapferry/digest.h"
#include "gapferry/file.h"
#include "relay/enrol.h"
#include "relay/listener/worker.h"
#include "relay/page/look.h"

/* What one courier may have lying unconfirmed; seconds until that goes, and until what was handed
 * in is not listed any more. */
#define OPEN_MAX       64
#define OPEN_BYTES_MAX (8LL << 30)
#define OPEN_AGE       86400
#define DONE_AGE       (90 * 86400)

/* How facts of look.h begin whose bundle is whole; is refused. */
#define READY   "\"state\":\"ready\""
#define REFUSED "\"state\":\"refused\""

static int64_t now_s(void) {
    return (int64_t)time(NULL);
}

static void say_number(struct worker *w, uint64_t tag, enum wire_answer answer, int64_t n) {
    const struct wire_say s = {.answer = answer, .tag = tag, .size = n};
    worker_say(w, &s, NULL, -1);
}

/* ---- sessions ---- */

static void end_session(struct worker_session *s) {
    memset(s, 0, sizeof *s);
}

static struct worker_session *find_session(struct worker *w, const struct gf_hash *id) {
    static const struct gf_hash none;
    int64_t now = mono_ms();

    if (memcmp(id, &none, sizeof none) == 0)
        return NULL;
    for (size_t i = 0; i < WORKER_SESSIONS_MAX; i++) {
        struct worker_session *s = &w->sessions[i];
        if (!gf_digest_equal(&s->id, id, sizeof s->id))
            continue;
        if (now - s->used < (int64_t)WORKER_SESSION_IDLE * 1000 &&
            now - s->began < (int64_t)WORKER_SESSION_MAX * 1000)
            return s;
        end_session(s);
    }
    return NULL;
}

/* Whoever has downloaded several sees which are still to be. */
static void take(struct worker *w, const struct wire_ask *a, struct worker_session *s) {
    if (worker_fetch(w, a))
        s->taken[s->ntaken++ % WORKER_TAKEN_MAX] = a->id;
}

/* The session, if its courier still is one; NULL: it is none, or has ended. Whose token was taken
 * back, or replaced, is logged out with the next thing that he does. */
static struct worker_session *find_courier(struct worker *w, const struct wire_ask *a) {
    struct worker_session *s = find_session(w, &a->nonce);
    struct ledger_courier *list = NULL;
    struct gf_err why;
    size_t n = 0, i = 0;

    if (s == NULL || ledger_couriers(w->r->ledger, &list, &n, &why) == -1)
        return NULL;
    while (i < n && (strcmp(list[i].name, s->courier) != 0 ||
                     !gf_digest_equal(&list[i].token, &s->token, sizeof s->token)))
        i++;
    free(list);
    if (i == n) {
        end_session(s);
        return NULL;
    }
    if (a->what != WIRE_BY_ITSELF)
        s->used = mono_ms();
    return s;
}

/* A free place, or that of whoever was away for longest. */
static struct worker_session *new_session(struct worker *w) {
    struct worker_session *s = &w->sessions[0];

    for (size_t i = 1; i < WORKER_SESSIONS_MAX; i++)
        if (w->sessions[i].used < s->used)
            s = &w->sessions[i];
    *s = (struct worker_session){.began = mono_ms(), .used = mono_ms()};
    gf_digest_random(&s->id, sizeof s->id);
    return s;
}

static void log_in(struct worker *w, const struct wire_ask *a) {
    struct wire_say yes = {.answer = WIRE_YES, .tag = a->tag, .len = sizeof(struct gf_hash)};
    struct ledger_courier *list = NULL;
    struct gf_err why;
    size_t n = 0, found = SIZE_MAX;

    if (ledger_couriers(w->r->ledger, &list, &n, &why) == -1) {
        worker_say_trouble(w, a->tag, &why);
        return;
    }
    for (size_t i = 0; i < n; i++)
        if (gf_digest_equal(&list[i].token, &a->nonce, sizeof a->nonce))
            found = i;
    if (found == SIZE_MAX) {
        say_number(w, a->tag, WIRE_NO, (int64_t)n);
    } else {
        struct worker_session *s = new_session(w);
        (void)snprintf(s->courier, sizeof s->courier, "%s", list[found].name);
        s->token = a->nonce;
        log_write(LOG_LEVEL_NOTICE, "courier-came", {"courier", s->courier, 0});
        worker_say(w, &yes, &s->id, -1);
    }
    free(list);
}

static void log_out(struct worker *w, const struct wire_ask *a) {
    struct worker_session *s = find_session(w, &a->nonce);

    if (s != NULL)
        end_session(s);
    worker_say_plain(w, a->tag, WIRE_YES);
}

/* ---- bringing ---- */

/* -1 with *why: not this one; with *e: it cannot be told now. */
static int may_bring(struct worker *w, const struct wire_ask *a, const char *courier,
                     struct gf_err *why, struct gf_err *e) {
    struct ledger_brought *list = NULL;
    int64_t total = a->size, open_ones = 0;
    size_t n = 0;
    int rc;

    if (a->what == WIRE_OF_CARD)
        return a->size <= GF_CARD_FILE_MAX
                   ? 0
                   : gf_err_set(why, GF_E_LIMIT, "it is larger than any card");
    if (a->what == WIRE_OF_STRANGER) {
        if (ledger_is_ended(w->r->ledger, &a->identity, why, e) != LEDGER_GOES_ON ||
            (rc = ledger_is_declined(w->r->ledger, &a->identity, e)) == -1)
            return -1;
        if (rc == 1)
            return gf_err_set(why, GF_E_SENDER, "this relay's operator has declined its sender");
        if (a->size > FILES_COPY_MAX)
            return gf_err_set(why, GF_E_LIMIT,
                              "its sender is not enrolled here, and it is too large to be kept "
                              "until then; upload it again when the sender was approved");
    }
    if (ledger_brought_list(w->r->ledger, courier, 1000, &list, &n, e) == -1)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (list[i].confirmed == 0) {
            total += list[i].size;
            open_ones++;
        }
    ledger_brought_free(list, n);
    if (open_ones >= OPEN_MAX || total > OPEN_BYTES_MAX)
        return gf_err_set(why, GF_E_LIMIT,
                          "there is too much of yours that is not confirmed: confirm or discard "
                          "what is listed first");
    return 0;
}

/* The facts of look.h say this state. */
static int is_state(const struct ledger_brought *b, const char *member) {
    return b->facts != NULL && strstr(b->facts, member) != NULL;
}

/* One that is the same bundle, and as good: a damaged copy has the same header. What waits in
 * incoming/ is known to be whole only where it came from there. */
static int is_as_good(const struct ledger_brought *b, const struct gf_hash *digest, int is_taken,
                      int waits) {
    if (!b->has_digest || memcmp(&b->digest, digest, sizeof *digest) != 0)
        return 0;
    return b->confirmed != 0 ? is_taken || (waits && is_state(b, READY)) : !is_state(b, REFUSED);
}

/* It need not come again: its row, made where the courier has none; 0: it must, -1. */
static int64_t known_row(struct worker *w, const struct wire_ask *a, const char *courier,
                         struct gf_err *e) {
    struct ledger_brought b = {.at = now_s(),
                               .size = a->size,
                               .sender = a->identity,
                               .has_digest = 1,
                               .digest = a->digest,
                               .confirmed = now_s()};
    struct ledger_brought *list = NULL;
    struct gf_err ignored;
    struct gf_id agent;
    int64_t row = 0;
    size_t n = 0;

    if (a->what != WIRE_OF_AGENT)
        return 0;
    files_name(&a->digest, b.file);
    int fate = ledger_fate(w->r->ledger, &a->digest, &agent, &ignored, e);
    if (fate == -1 || (fate > 0 && ledger_retell(w->r->ledger, &a->digest, e) == -1) ||
        ledger_brought_list(w->r->ledger, courier, 1000, &list, &n, e) == -1)
        return -1;
    int waits = files_has(w->r, "incoming", b.file);
    for (size_t i = 0; i < n && row == 0; i++)
        if (is_as_good(&list[i], &a->digest, fate > 0, waits))
            row = list[i].row;
    ledger_brought_free(list, n);
    if (fate > 0)
        w->want[WORKER_FORWARD] = 1;
    if (row > 0 || fate == 0)
        return row;
    (void)snprintf(b.courier, sizeof b.courier, "%s", courier);
    return ledger_brought_add(w->r->ledger, &b, &row, e) == -1 ? -1 : row;
}

static void bring(struct worker *w, const struct wire_ask *a, const char *courier) {
    const struct wire_say s = {.answer = WIRE_NEW, .tag = a->tag};
    struct gf_err why = {.text = ""}, e = {.text = ""};
    int fd = -1;

    if (a->what < WIRE_OF_AGENT || a->what > WIRE_OF_CARD) {
        (void)gf_err_set(&why, GF_E_BUG, "the listener brings what nobody knows");
        worker_say_trouble(w, a->tag, &why);
        return;
    }
    int64_t row = known_row(w, a, courier, &e);
    if (row == -1) {
        worker_say_trouble(w, a->tag, &e);
    } else if (row > 0) {
        say_number(w, a->tag, WIRE_SEEN, row);
    } else if (may_bring(w, a, courier, &why, &e) == -1) {
        if (why.text[0] != '\0')
            worker_say_error(w, a->tag, WIRE_REFUSED, &why, 0);
        else
            worker_say_trouble(w, a->tag, &e);
    } else if ((fd = worker_upload_new(w, a, courier, &why)) == -1) {
        worker_upload_refuse(w, a->tag, &why);
    } else {
        worker_say(w, &s, NULL, fd);
        (void)close(fd);
    }
}

/* A card, which enrols its sender if it proves itself. enum wire_card, or -1 with *why, also where
 * it tried to, and failed. */
static int take_card(struct worker *w, const struct worker_upload *u, struct gf_err *why) {
    struct gf_err wrong = {.text = ""};
    struct gf_card card;
    struct gf_buf b;
    int rc = -1;

    if (gf_file_load(w->r->state_fd, u->path, GF_CARD_FILE_MAX, &b, why) == 0 &&
        gf_card_parse(b.data != NULL ? b.data : "", b.len, "the card", &card, why) == 0) {
        if (card.role != GF_ROLE_AGENT)
            rc = WIRE_CARD_UNNEEDED; /* all that lies in cards/ of a drive may be uploaded */
        else
            rc = enrol_card(w->r, &card, b.data, b.len, 1, now_s(), &wrong, why);
    }
    if (rc == 0 && wrong.code != GF_OK) {
        *why = wrong;
        rc = -1;
    }
    gf_buf_free(&b);
    w->want[WORKER_LOOK] = 1;
    w->want[WORKER_VERIFY] |= rc == WIRE_CARD_ENROLLED;
    return rc;
}

static int64_t take_bundle(struct worker *w, const struct worker_upload *u, struct gf_err *e) {
    struct ledger_brought b = {.at = now_s(), .size = u->size, .sender = u->identity};
    char path[LOOK_PATH];
    int64_t row = 0;

    (void)snprintf(b.courier, sizeof b.courier, "%s", u->courier);
    if (ledger_begin(w->r->ledger, e) == -1)
        return -1;
    int rc = ledger_brought_add(w->r->ledger, &b, &row, e);
    look_path(row, path);
    if (rc == 0 && renameat(w->r->state_fd, u->path, w->r->state_fd, path) == -1)
        rc = gf_err_errno(e, "%s/%s", w->r->state, path);
    if (ledger_end(w->r->ledger, rc, e) == -1)
        return -1;
    w->want[WORKER_LOOK] = 1;
    return row;
}

static void brought(struct worker *w, const struct wire_ask *a) {
    struct gf_err why = {.text = ""};
    int64_t n = -1;

    struct worker_upload *u = worker_upload_done(w, a->tag, 1, &why);
    if (u != NULL) {
        n = u->what == WIRE_OF_CARD ? take_card(w, u, &why) : take_bundle(w, u, &why);
        worker_upload_drop(w, u);
    }
    if (n >= 0)
        say_number(w, a->tag, WIRE_YES, n);
    else if (u != NULL && !relay_verify_is_ours(&why))
        worker_say_error(w, a->tag, WIRE_REFUSED, &why, 0);
    else
        worker_say_trouble(w, a->tag, &why);
}

/* ---- handing in ---- */

/* What strangers sent is kept within a quota, by whatever way it came. */
static int has_room_pending(struct worker *w, int64_t size, struct gf_err *e) {
    struct files_list list = {0};

    if (files_list(w->r, "pending", &list, e) == -1)
        return -1;
    free(list.entries);
    return list.n < FILES_KEEP_MAX && list.total + size <= FILES_QUOTA_MAX;
}

/* Durably: it need not be brought again. */
static int move(struct worker *w, const struct ledger_brought *b, const char *folder,
                struct gf_err *e) {
    char from[LOOK_PATH], to[80];

    look_path(b->row, from);
    (void)snprintf(to, sizeof to, "%s/%s", folder, b->file);
    /* What is known to be whole takes the place of one of this name; any other is as good as that.
     * One that is gone was moved before a crash. */
    if (renameat2(w->r->state_fd, from, w->r->state_fd, to,
                  is_state(b, READY) ? 0 : RENAME_NOREPLACE) == -1) {
        if (errno != EEXIST && errno != ENOENT)
            return gf_err_errno(e, "%s/%s", w->r->state, to);
        (void)unlinkat(w->r->state_fd, from, 0);
    }
    return files_sync(w->r, folder, e);
}

static void confirm(struct worker *w, const struct wire_ask *a, const struct ledger_brought *b) {
    int stranger = is_state(b, "\"state\":\"stranger\"");
    struct gf_err why = {.text = ""};
    int room = 1;

    if (b->facts == NULL || b->file[0] == '\0' ||
        (is_state(b, REFUSED) && !is_state(b, "\"told\":true"))) {
        (void)gf_err_set(&why, GF_E_USAGE,
                         b->facts == NULL ? "it is being looked into; come again in a moment"
                                          : "it cannot be handed in, for it is refused");
        worker_say_error(w, a->tag, WIRE_REFUSED, &why, 0);
        return;
    }
    if (stranger && (room = has_room_pending(w, b->size, &why)) == 0) {
        (void)gf_err_set(&why, GF_E_LIMIT,
                         "too much of unknown senders waits already; the relay's operator has to "
                         "approve or decline them first");
        worker_say_error(w, a->tag, WIRE_REFUSED, &why, 0);
        return;
    }
    if (room == -1 || move(w, b, stranger ? "pending" : "incoming", &why) == -1 ||
        ledger_brought_confirm(w->r->ledger, b, now_s(), &why) == -1) {
        worker_say_trouble(w, a->tag, &why);
        return;
    }
    log_write(LOG_LEVEL_NOTICE, "courier-confirmed", {"courier", b->courier, 0},
              {"bundle", b->file, 0});
    w->want[WORKER_VERIFY] = 1;
    worker_say_plain(w, a->tag, WIRE_YES);
}

static void discard(struct worker *w, const struct wire_ask *a, const struct ledger_brought *b) {
    char path[LOOK_PATH];
    struct gf_err why;

    look_path(b->row, path);
    if (b->confirmed == 0)
        (void)unlinkat(w->r->state_fd, path, 0);
    if (ledger_brought_remove(w->r->ledger, b->row, &why) == -1)
        worker_say_trouble(w, a->tag, &why);
    else
        worker_say_plain(w, a->tag, WIRE_YES);
}

static void decide(struct worker *w, const struct wire_ask *a, const char *courier) {
    struct ledger_brought b;
    struct gf_err why;

    int rc = ledger_brought_get(w->r->ledger, courier, a->row, &b, &why);
    if (rc == -1) {
        worker_say_trouble(w, a->tag, &why);
        return;
    }
    if (rc == 0) {
        (void)gf_err_set(&why, GF_E_NOINPUT, "there is no such bundle of yours");
        worker_say_error(w, a->tag, WIRE_NO, &why, 0);
        return;
    }
    if (a->kind == WIRE_DISCARD)
        discard(w, a, &b);
    else if (b.confirmed != 0)
        worker_say_plain(w, a->tag, WIRE_YES);
    else
        confirm(w, a, &b);
    free(b.facts);
}

/* ---- all ---- */

static void say_card(struct worker *w, const struct wire_ask *a) {
    const struct wire_say s = {
        .answer = WIRE_YES, .tag = a->tag, .len = (uint32_t)w->r->id.card_len};
    worker_say(w, &s, w->r->id.card_text, -1);
}

static void say_name(struct worker *w, const struct wire_ask *a, const char *courier) {
    const struct wire_say s = {.answer = WIRE_YES, .tag = a->tag, .len = (uint32_t)strlen(courier)};
    worker_say(w, &s, courier, -1);
}

/* What only a courier who is logged in may ask. */
static void answer_courier(struct worker *w, const struct wire_ask *a, struct worker_session *s) {
    const char *courier = s->courier;

    if (a->kind == WIRE_SESSION)
        say_name(w, a, courier);
    else if (a->kind == WIRE_FACTS)
        worker_facts(w, a, s);
    else if (a->kind == WIRE_BRING)
        bring(w, a, courier);
    else if (a->kind == WIRE_BROUGHT)
        brought(w, a);
    else if (a->kind == WIRE_TAKE)
        take(w, a, s);
    else if (a->kind == WIRE_OWN_CARD)
        say_card(w, a);
    else
        decide(w, a, courier);
}

void worker_page(struct worker *w, const struct wire_ask *a) {
    struct gf_err why;

    if (a->kind == WIRE_LOGIN) {
        log_in(w, a);
        return;
    }
    if (a->kind == WIRE_LOGOUT) {
        log_out(w, a);
        return;
    }
    struct worker_session *s = find_courier(w, a);
    if (s != NULL) {
        answer_courier(w, a, s);
        return;
    }
    (void)gf_err_set(&why, GF_E_USER, "nobody is logged in");
    worker_say_error(w, a->tag, WIRE_NO, &why, 0);
}

void worker_page_tidy(struct worker *w) {
    struct ledger_brought *list = NULL;
    struct gf_err why;
    size_t n = 0;

    if (ledger_brought_old(w->r->ledger, now_s() - OPEN_AGE, now_s() - DONE_AGE, &list, &n, &why) ==
        0)
        for (size_t i = 0; i < n; i++) {
            char path[LOOK_PATH];
            look_path(list[i].row, path);
            (void)unlinkat(w->r->state_fd, path, 0);
            if (ledger_brought_remove(w->r->ledger, list[i].row, &why) == -1)
                break;
        }
    ledger_brought_free(list, n);
    list = NULL;
    n = 0;
    if (ledger_brought_unseen(w->r->ledger, &list, &n, &why) == 0 && n > 0)
        w->want[WORKER_LOOK] = 1;
    ledger_brought_free(list, n);
}
