/*
 * worker_facts.c -- what the courier's page shows, as JSON: {"bundles": [...], "deliveries": [...],
 * "responses": [...], "courier", "relay", "fingerprint"}, the last two the relay's name and that of
 * its keys. The listener reads it with relay/page/view.c.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gapferry/file.h"
#include "gapferry/json.h"
#include "relay/agents.h"
#include "relay/listener/worker.h"
#include "relay/page/look.h"

#define FACTS_MAX ((size_t)4 << 20)
#define LIST_MAX  50

/* A sender as the ledger knows it now. */
struct sender {
    struct gf_hash identity;
    char name[256]; /* as foreign text made safe; "": none */
    char fingerprint[GF_FINGERPRINT_TEXT];
    const char *is; /* "enrolled", "waiting" (its card was seen), "unseen", "declined" */
};

/* ---- senders ---- */

static void set_card(struct sender *s, const struct gf_card *c) {
    (void)snprintf(s->name, sizeof s->name, "%s", c->name);
    gf_card_fingerprint(c, s->fingerprint);
}

static int find_sender(const struct worker *w, const struct gf_hash *identity, struct sender *out,
                       struct gf_err *e) {
    struct sender s = {.identity = *identity, .is = "unseen"};
    struct gf_card *cards = NULL, card;
    struct gf_buf b;
    size_t n = 0;

    gf_buf_init(&b, GF_CARD_FILE_MAX + 1);
    int rc = ledger_enrolled(w->r->ledger, identity, &b, e);
    if (rc == 1 && gf_card_parse(b.data, b.len, "a card", &card, e) == 0) {
        s.is = "enrolled";
        rc = agents_name(w->r, &card, e) == -1 ? -1 : 1;
        set_card(&s, &card);
    }
    gf_buf_free(&b);
    if (rc == 0)
        rc = ledger_strangers(w->r->ledger, &cards, &n, e);
    for (size_t i = 0; i < n; i++)
        if (memcmp(&cards[i].identity, identity, sizeof *identity) == 0) {
            s.is = "waiting";
            set_card(&s, &cards[i]);
        }
    free(cards);
    if (rc == -1)
        return -1;
    if (strcmp(s.is, "unseen") == 0 && ledger_is_declined(w->r->ledger, identity, e) == 1)
        s.is = "declined";
    *out = s;
    return 0;
}

/* Those of one page, each asked for once. */
struct senders {
    const struct worker *w;
    const struct worker_session *session; /* of who asks */
    struct sender *list;                  /* room for as many as there are bundles */
    size_t n;
};

/* NULL with *e. Borrowed. */
static const struct sender *sender_of(struct senders *all, const struct gf_hash *identity,
                                      struct gf_err *e) {
    for (size_t i = 0; i < all->n; i++)
        if (memcmp(&all->list[i].identity, identity, sizeof *identity) == 0)
            return &all->list[i];
    return find_sender(all->w, identity, &all->list[all->n], e) == -1 ? NULL : &all->list[all->n++];
}

/* ---- one bundle ---- */

/* Where it is: "looking", "looked" (facts say the rest), or, once it was handed in, "handed",
 * "pending", "taken", "refused", "lost"; *agent where it is taken. */
static int find_state(struct worker *w, const struct ledger_brought *b, const char **state,
                      struct gf_id *agent, struct gf_err *why, struct gf_err *e) {
    if (b->confirmed == 0) {
        *state = b->facts == NULL ? "looking" : "looked";
        w->want[WORKER_LOOK] |= b->facts == NULL;
        return 0;
    }
    int fate = b->has_digest ? ledger_fate(w->r->ledger, &b->digest, agent, why, e) : 0;
    /* A copy that was refused may lie in quarantine/ while a good one is on its way. */
    if (fate == 1 || fate == 2)
        *state = fate == 1 ? "taken" : "refused";
    else if (files_has(w->r, "incoming", b->file))
        *state = "handed";
    else if (files_has(w->r, "pending", b->file))
        *state = "pending";
    else
        *state = worker_read_why(w, b->file, why) == 0 ? "refused" : "lost";
    return fate == -1 ? -1 : 0;
}

/* "news", whether a response is still to be made, is asked only where a page shows one bundle. */
static int put_bundle(struct worker *w, const struct ledger_brought *b, const struct sender *s,
                      int is_one, struct gf_buf *out, struct gf_err *e) {
    char hex[GF_HASH_TEXT], self[COMMAND_SELF];
    struct gf_err why = {.text = ""};
    const char *state = "";
    struct gf_id agent;
    int news = 0;

    if (find_state(w, b, &state, &agent, &why, e) == -1)
        return -1;
    if (is_one && strcmp(state, "taken") == 0 && strcmp(s->is, "enrolled") == 0)
        news = ledger_has_news(w->r->ledger, &agent, e);
    if (news == -1)
        return -1;
    gf_text_hex(b->sender.b, sizeof b->sender.b, hex);
    gf_buf_printf(out, "{\"row\":%" PRId64 ",\"size\":%" PRId64 ",\"state\":\"%s\",\"news\":%s",
                  b->row, b->size, state, news ? "true" : "false");
    look_put_time(out, "at", b->at);
    look_put_time(out, "confirmed", b->confirmed);
    look_put_text(out, "why", why.text);
    look_put_text(out, "sender", s->is);
    look_put_text(out, "identity", hex);
    look_put_text(out, "name", s->name);
    look_put_text(out, "fingerprint", s->fingerprint);
    look_put_text(out, "called", relay_self(w->r, self));
    gf_buf_printf(out, ",\"facts\":%s}", b->facts != NULL ? b->facts : "null");
    return 0;
}

static int put_deliveries(struct worker *w, const struct ledger_brought *b, struct gf_buf *out,
                          struct gf_err *e) {
    struct ledger_delivery *list = NULL;
    size_t n = 0;

    if (!b->has_digest)
        return 0;
    if (ledger_deliveries(w->r->ledger, &b->digest, &list, &n, e) == -1)
        return -1;
    for (size_t i = 0; i < n; i++) {
        gf_buf_printf(out, "%s{\"state\":\"%s\",\"records\":%" PRId64, i > 0 ? "," : "",
                      ledger_states[list[i].state], list[i].records);
        look_put_text(out, "endpoint", list[i].endpoint);
        look_put_text(out, "channel", list[i].channel);
        look_put_text(out, "reason", list[i].reason);
        look_put_time(out, "due", list[i].state == LEDGER_LATER ? list[i].due : 0);
        gf_buf_byte(out, '}');
    }
    free(list);
    return 0;
}

/* ---- responses ---- */

static int is_taken(const struct worker_session *session, const struct gf_id *id) {
    size_t i = 0, n = session->ntaken < WORKER_TAKEN_MAX ? session->ntaken : WORKER_TAKEN_MAX;

    while (i < n && memcmp(&session->taken[i], id, sizeof *id) != 0)
        i++;
    return i < n;
}

static int put_responses(struct worker *w, const struct sender *s,
                         const struct worker_session *session, int *some, struct gf_buf *out,
                         struct gf_err *e) {
    struct ledger_response *list = NULL;
    size_t n = 0;

    if (ledger_open_responses(w->r->ledger, &s->identity, &list, &n, e) == -1)
        return -1;
    for (size_t i = 0; i < n; i++) {
        char path[80] = "outbox/", id[GF_ID_TEXT];
        struct stat st;
        gf_drive_bundle_name(&list[i].id, path + strlen(path));
        if (fstatat(w->r->state_fd, path, &st, AT_SYMLINK_NOFOLLOW) == -1)
            continue;
        gf_text_hex(list[i].id.b, sizeof list[i].id.b, id);
        gf_buf_printf(out, "%s{\"size\":%" PRId64 ",\"taken\":%s", (*some)++ > 0 ? "," : "",
                      (int64_t)st.st_size, is_taken(session, &list[i].id) ? "true" : "false");
        look_put_text(out, "id", id);
        look_put_text(out, "name", s->name);
        look_put_text(out, "fingerprint", s->fingerprint);
        look_put_time(out, "created", list[i].created);
        gf_buf_byte(out, '}');
    }
    free(list);
    return 0;
}

/* ---- all ---- */

static int put_all(struct worker *w, struct senders *all, const struct ledger_brought *list,
                   size_t n, int is_one, struct gf_buf *out, struct gf_err *e) {
    const struct sender *s;
    int some = 0;

    gf_buf_text(out, "\"bundles\":[");
    for (size_t i = 0; i < n; i++) {
        gf_buf_text(out, i > 0 ? "," : "");
        if ((s = sender_of(all, &list[i].sender, e)) == NULL ||
            put_bundle(w, &list[i], s, is_one, out, e) == -1)
            return -1;
    }
    gf_buf_text(out, "],\"deliveries\":[");
    if (is_one && put_deliveries(w, &list[0], out, e) == -1)
        return -1;
    gf_buf_text(out, "],\"responses\":[");
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < i && (list[k].confirmed == 0 ||
                         memcmp(&list[k].sender, &list[i].sender, sizeof list->sender) != 0))
            k++;
        if (list[i].confirmed != 0 && k == i &&
            ((s = sender_of(all, &list[i].sender, e)) == NULL ||
             put_responses(w, s, all->session, &some, out, e) == -1))
            return -1;
    }
    gf_buf_byte(out, ']');
    return 0;
}

static int put_list(struct worker *w, const struct worker_session *session,
                    const struct ledger_brought *list, size_t n, int is_one, struct gf_buf *out,
                    struct gf_err *e) {
    struct senders all = {.w = w, .session = session, .list = calloc(n + 1, sizeof *all.list)};

    if (all.list == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for the senders of a page");
    int rc = put_all(w, &all, list, n, is_one, out, e);
    free(all.list);
    return rc;
}

static void say_text(struct worker *w, uint64_t tag, const struct gf_buf *b) {
    const struct wire_say s = {.answer = WIRE_YES, .tag = tag, .size = (int64_t)b->len};
    struct gf_err why;

    int fd = memfd_create("facts", MFD_CLOEXEC);
    if (fd == -1 || gf_file_write_at(fd, b->data, b->len, 0) == -1) {
        (void)gf_err_errno(&why, "no memory for the facts of a page");
        worker_say_trouble(w, tag, &why);
    } else {
        worker_say(w, &s, NULL, fd);
    }
    if (fd != -1)
        (void)close(fd);
}

void worker_facts(struct worker *w, const struct wire_ask *a,
                  const struct worker_session *session) {
    const char *courier = session->courier;
    char fingerprint[GF_FINGERPRINT_TEXT];
    struct ledger_brought *list = NULL, one = {0};
    struct gf_err why;
    struct gf_buf b;
    size_t n = 0;

    int rc = a->row == 0 ? ledger_brought_list(w->r->ledger, courier, LIST_MAX, &list, &n, &why)
                         : ledger_brought_get(w->r->ledger, courier, a->row, &one, &why);
    if (rc == 0 && a->row != 0) {
        (void)gf_err_set(&why, GF_E_NOINPUT, "there is no such bundle of yours");
        worker_say_error(w, a->tag, WIRE_NO, &why, 0);
        return;
    }
    gf_buf_init(&b, FACTS_MAX);
    gf_card_fingerprint(&w->r->id.card, fingerprint);
    gf_buf_byte(&b, '{');
    if (rc != -1)
        rc = a->row == 0 ? put_list(w, session, list, n, 0, &b, &why)
                         : put_list(w, session, &one, 1, 1, &b, &why);
    look_put_text(&b, "courier", courier);
    look_put_text(&b, "relay",
                  w->r->config != NULL ? config_get(w->r->config, "relay", NULL, "name") : NULL);
    look_put_text(&b, "fingerprint", fingerprint);
    gf_buf_text(&b, "}\n");
    if (rc == 0)
        rc = gf_buf_check(&b, "the facts for a page", &why);
    if (rc == -1)
        worker_say_trouble(w, a->tag, &why);
    else
        say_text(w, a->tag, &b);
    gf_buf_free(&b);
    if (a->row == 0)
        ledger_brought_free(list, n);
    else
        free(one.facts);
}
