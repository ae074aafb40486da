/*
 * worker_card.c -- who is enrolled, and a card that may prove itself.
 */
#include <time.h>

#include "common/log.h"
#include "common/mono.h"
#include "relay/enrol.h"
#include "relay/listener/worker.h"
#include "relay/strangers.h"

#define STRANGER_MS 60000

/* 1 if it is time for a line again: anybody can send bundles and make cards, so that a line for
 * each would be a way to fill the disk. *n: how many there were since the last one. */
static int may_tell(struct worker_strangers *s, int64_t *n) {
    int64_t now = mono_ms();

    s->n++;
    if (s->at != 0 && now - s->at < STRANGER_MS)
        return 0;
    *n = s->n;
    *s = (struct worker_strangers){.at = now};
    return 1;
}

/* A bundle of somebody who is not enrolled: his identity, and where a drive has brought his card,
 * the fingerprint that approve takes. Nothing of that was verified. */
static void tell_unknown(struct worker *w, const struct gf_hash *identity) {
    char hex[GF_HASH_TEXT], fingerprint[GF_FINGERPRINT_TEXT] = "unknown";
    struct strangers s = {0};
    struct gf_err ignored;
    int64_t n;

    if (!may_tell(&w->unknown, &n))
        return;
    if (strangers_add(&s, identity, &ignored) == 0 && strangers_know(w->r, &s, &ignored) == 0 &&
        s.list[0].kind != STRANGERS_UNSEEN)
        gf_card_fingerprint(&s.list[0].card, fingerprint);
    strangers_free(&s);
    gf_text_hex(identity->b, sizeof identity->b, hex);
    log_write(LOG_LEVEL_WARNING, "bundle-turned-away", {"why", "its sender is not enrolled", 0},
              {"identity", hex, 0}, {"fingerprint", fingerprint, 0}, {"bundles", NULL, n});
}

void worker_card(struct worker *w, const struct wire_ask *a) {
    struct wire_say s = {.answer = WIRE_YES, .tag = a->tag};
    struct gf_err why, ended;
    struct gf_buf b;

    gf_buf_init(&b, GF_CARD_FILE_MAX + 1);
    int rc = ledger_enrolled(w->r->ledger, &a->identity, &b, &why);
    int over = rc == 0 ? ledger_is_ended(w->r->ledger, &a->identity, &ended, &why) : LEDGER_GOES_ON;
    if (rc == -1 || over == -1) {
        worker_say_trouble(w, a->tag, &why);
    } else if (over != LEDGER_GOES_ON) {
        worker_say_error(w, a->tag, WIRE_REFUSED, &ended, 0);
    } else if (rc == 0) {
        tell_unknown(w, &a->identity);
        worker_say_plain(w, a->tag, WIRE_NO);
    } else {
        s.len = (uint32_t)b.len;
        worker_say(w, &s, b.data, -1);
    }
    gf_buf_free(&b);
}

/* Whoever may be approved is named, by the fingerprint that approve takes. */
static void tell_stranger(struct worker *w, const struct gf_card *c) {
    char fingerprint[GF_FINGERPRINT_TEXT];
    int64_t n;

    if (!may_tell(&w->strangers, &n))
        return;
    gf_card_fingerprint(c, fingerprint);
    log_write(LOG_LEVEL_WARNING, "stranger-turned-away", {"fingerprint", fingerprint, 0},
              {"cards", NULL, n},
              {"next", "gapferry-relay approve FINGERPRINT, once the site has confirmed it", 0});
}

void worker_enrol(struct worker *w, const struct wire_ask *a, const char *text) {
    struct gf_err why = {.code = GF_OK, .text = ""}, e;
    struct gf_card c;

    if (gf_card_parse(text, a->len, "card", &c, &why) == -1) {
        worker_say_error(w, a->tag, WIRE_REFUSED, &why, 0);
        return;
    }
    /* Of strangers nothing is stored: what comes by HTTP costs nobody a way. */
    int rc = enrol_card(w->r, &c, text, a->len, 0, (int64_t)time(NULL), &why, &e);
    if (rc == 1 && ledger_seal(w->r->ledger, &e) == -1)
        rc = -1;
    if (rc == -1) {
        worker_say_trouble(w, a->tag, &e);
        return;
    }
    if (rc == 1) {
        worker_say_plain(w, a->tag, WIRE_YES);
        return;
    }
    tell_stranger(w, &c);
    if (why.code == GF_OK)
        (void)gf_err_set(
            &why, GF_E_SENDER,
            "this agent is not enrolled here; have the relay's operator compare the "
            "fingerprint that gapferry-agent card shows, and approve it: gapferry-relay "
            "approve FINGERPRINT");
    worker_say_error(w, a->tag, WIRE_REFUSED, &why, 0);
}
