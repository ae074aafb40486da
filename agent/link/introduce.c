/*
 * introduce.c -- POST /v1/cards.
 */
#include "agent/link/introduce.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"

#define TOTAL_MS 60000

/* The next card that was made after `last`; NULL: none. */
static const struct peers_own *next_own(const struct peers *p, const struct peers_own *last) {
    const struct peers_own *best = NULL;

    for (size_t i = 0; i < p->nown; i++) {
        const struct peers_own *o = &p->own[i];
        if ((last == NULL || o->card.created > last->card.created) &&
            (best == NULL || o->card.created < best->card.created))
            best = o;
    }
    return best;
}

/* 1 enrolled, 0 not. */
static int post_card(struct round *x, const struct peers_own *own, char words[256],
                     struct gf_err *e) {
    static const char *const headers[] = {"Content-Type: application/vnd.gapferry.card",
                                          "Accept: application/json", NULL};
    char url[PROBE_URL];
    struct https_answer a;

    probe_url(x->peer, "/v1/cards", url);
    const struct https_options o = {.url = url,
                                    .method = "POST",
                                    .headers = headers,
                                    .body = own->text,
                                    .body_len = own->len,
                                    .ca_file = x->peer->ca_file,
                                    .proxy = x->peer->proxy,
                                    .total_ms = TOTAL_MS,
                                    .answer_max = REPLY_MAX,
                                    .stop = x->client->stop,
                                    .stop_arg = x->client->stop_arg};
    if (https_request(x->client->https, &o, &a, e) == -1)
        return -1;
    int ok = a.stage == HTTPS_OK && a.status == 200;
    words[0] = '\0';
    if (!ok && a.stage == HTTPS_OK && a.status == 403)
        reply_error(a.body.data != NULL ? a.body.data : "", a.body.len, words);
    https_answer_free(&a);
    return ok;
}

int introduce(struct round *x, char words[256], struct gf_err *e) {
    const struct peers_own *own = NULL;
    int rc = 0;

    words[0] = '\0';
    if (x->introduced)
        return 0;
    x->introduced = 1;
    while (rc != -1 && (own = next_own(x->p, own)) != NULL)
        rc = post_card(x, own, words, e);
    if (rc == 1)
        log_write(LOG_LEVEL_NOTICE, "card-taken", {"relay", x->peer->name, 0});
    return rc;
}
