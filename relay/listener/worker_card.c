/*
 * worker_card.c -- who is enrolled, and a card that may prove itself.
 */
#include <time.h>

#include "common/log.h"
#include "common/mono.h"
#include "relay/enrol.h"
#include "relay/listener/worker.h"

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
        worker_say_plain(w, a->tag, WIRE_NO);
    } else {
        s.len = (uint32_t)b.len;
        worker_say(w, &s, b.data, -1);
    }
    gf_buf_free(&b);
}

#define STRANGER_MS 60000

/* Whoever may be approved is named, by the fingerprint that approve takes; anybody can make cards,
 * so that a line for each would be a way to fill the disk. */
static void tell_stranger(struct worker *w, const struct gf_card *c) {
    char fingerprint[GF_FINGERPRINT_TEXT];
    int64_t now = mono_ms();

    w->strangers++;
    if (w->stranger_at != 0 && now - w->stranger_at < STRANGER_MS)
        return;
    gf_card_fingerprint(c, fingerprint);
    log_write(LOG_LEVEL_WARNING, "stranger-turned-away", {"fingerprint", fingerprint, 0},
              {"cards", NULL, (int64_t)w->strangers},
              {"next", "gapferry-relay approve FINGERPRINT, once the site has confirmed it", 0});
    w->strangers = 0;
    w->stranger_at = now;
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
