/*
 * listener_card.c -- POST /v1/cards: an agent that comes by HTTPS only shows who it is.
 */
#include <stdlib.h>
#include <string.h>

#include "gapferry/card.h"
#include "relay/listener/listener.h"

#define TYPE "application/vnd.gapferry.card"

void listener_card_begin(struct listener_call *c) {
    const char *type = httpd_header(c->r, "Content-Type");
    int64_t size = httpd_body_size(c->r);

    if (type == NULL || strcmp(type, TYPE) != 0)
        listener_fail(c, 415, GF_E_USAGE, "a card is sent as Content-Type: " TYPE, 0);
    else if (size > GF_CARD_FILE_MAX)
        listener_fail(c, 413, GF_E_LIMIT, "it is larger than a card can be", 0);
    else if (size <= 0)
        listener_fail(c, 400, GF_E_CARD, "there is no card", 0);
    else if ((c->head = malloc((size_t)size)) == NULL)
        listener_fail(c, 503, GF_E_SYSTEM, "no memory", 30);
    else
        c->head_want = (size_t)size;
}

size_t listener_card_body(struct listener_call *c, const void *data, size_t len) {
    size_t n = c->head_want - c->head_len < len ? c->head_want - c->head_len : len;

    if (c->head != NULL)
        memcpy(c->head + c->head_len, data, n);
    c->head_len += n;
    return len;
}

static void on_enrolled(struct listener_call *c, const struct wire_say *s, const char *data,
                        int fd) {
    static const char yes[] = "{\"state\":\"enrolled\"}\n";
    const struct httpd_reply ok = {.status = 200, .type = "application/json"};

    (void)fd;
    if (s->answer == WIRE_YES)
        httpd_reply(c->r, &ok, yes, sizeof yes - 1);
    else
        (void)listener_post_refused(c, s, data);
}

void listener_card_end(struct listener_call *c) {
    struct wire_ask a = {.kind = WIRE_ENROL, .len = (uint32_t)c->head_len};
    struct gf_err why;
    struct gf_card card;

    if (c->head == NULL || c->head_len < c->head_want)
        return;
    /* What is no card at all does not reach the worker. */
    int rc = gf_card_parse(c->head, c->head_len, "card", &card, &why);
    if (rc == 0 && card.role != GF_ROLE_AGENT)
        rc = gf_err_set(&why, GF_E_CARD, "it is the card of a %s, not of an agent",
                        gf_card_roles[card.role]);
    if (rc == -1)
        listener_post_refuse(c, &why);
    else
        listener_ask_with(c, &a, c->head, on_enrolled);
}
