/*
 * probe.c -- one try to reach a relay. A nonce that comes back signed by its pinned key is the only
 * proof: portals, sinkholes, caches and whoever breaks TLS open cannot give it.
 */
#include "agent/link/probe.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "gapferry/digest.h"
#include "gapferry/hello.h"

/* How long one try may take: a person may be waiting for it. */
#define CONNECT_MS 5000
#define TOTAL_MS   10000
#define CLOCKS     300 /* seconds that two clocks may differ without a word */

void probe_url(const struct peer *peer, const char *path, char out[PROBE_URL]) {
    size_t len = strlen(peer->url);

    (void)snprintf(out, PROBE_URL, "%.*s%s", (int)(len - (len > 0 && peer->url[len - 1] == '/')),
                   peer->url, path);
}

const char *probe_stage(const struct https_answer *a) {
    switch (a->stage) {
    case HTTPS_OK: /* 407 without a proxy of ours: one on the way that nobody configured */
        return a->status == 407 ? STAGE_CREDENTIALS : NULL;
    case HTTPS_NO_ROUTE:
        return STAGE_NO_ROUTE;
    case HTTPS_NO_DNS:
        return STAGE_NO_DNS;
    case HTTPS_REFUSED:
        return STAGE_REFUSED;
    case HTTPS_TIMED_OUT:
        return STAGE_TIMED_OUT;
    case HTTPS_PROXY:
        return a->status == 407 ? STAGE_CREDENTIALS : STAGE_PROXY;
    case HTTPS_TLS:
        return STAGE_TLS;
    case HTTPS_BROKEN:
        break;
    }
    return STAGE_WRONG;
}

/* Why an answer with another status than 200 is no proof. */
static const char *words_of(long status) {
    if (status == 511 || (status >= 300 && status < 400))
        return "which no relay gives: a portal that wants a login?";
    if (status == 407)
        return "so there is a proxy on the way that wants credentials; name it with `proxy`";
    return status >= 500 ? "the relay, or what stands before it, has a problem"
                         : "which no relay gives; is the url right?";
}

/* The first card whose relay signed this hello; NULL: none, and *e says what was wrong with it for
 * the last that fits. */
static const struct gf_card *prover(const struct peers *p, const struct peer *peer,
                                    const struct gf_buf *body, const uint8_t nonce[32],
                                    struct gf_hello *hello, struct gf_err *e) {
    const char *text = body->data != NULL ? body->data : "";

    *e = (struct gf_err){.code = GF_E_SIGNATURE};
    for (size_t i = 0; i < p->ncards; i++) {
        struct gf_err why;
        if (!peers_card_fits(p, peer, &p->cards[i]))
            continue;
        if (gf_hello_verify(text, body->len, &p->cards[i], nonce, hello, &why) == 0)
            return &p->cards[i];
        /* A cached hello of ours tells more than that the other relays did not sign it. */
        if (e->text[0] == '\0' || why.code == GF_E_REPLAY)
            *e = why;
    }
    return NULL;
}

static void judge_body(const struct peers *p, const struct peer *peer, const struct https_answer *a,
                       const char *url, const uint8_t nonce[32], struct probe *out) {
    char fingerprint[GF_FINGERPRINT_TEXT];
    struct gf_hello hello;
    struct gf_err why;
    const struct gf_card *card = prover(p, peer, &a->body, nonce, &hello, &why);

    if (card == NULL) {
        out->stage = STAGE_WRONG;
        (void)snprintf(out->evidence, sizeof out->evidence,
                       "GET %.160s: not the hello of our relay (%.200s): a portal, a cache or "
                       "somebody in between",
                       url, why.text);
        return;
    }
    int64_t now = (int64_t)time(NULL);
    int64_t apart = hello.at > now ? hello.at - now : now - hello.at;
    out->proved = 1;
    out->relay = *card;
    gf_card_fingerprint(card, fingerprint);
    int n = snprintf(
        out->evidence, sizeof out->evidence, "GET %.160s: hello signed by %s%s", url, fingerprint,
        hello.has_successor ? ", which has new keys: its next response brings the card" : "");
    if (apart > CLOCKS)
        (void)snprintf(out->evidence + n, sizeof out->evidence - (size_t)n,
                       "; its clock is %lld s %s ours", (long long)apart,
                       hello.at > now ? "ahead of" : "behind");
}

static void judge(const struct peers *p, const struct peer *peer, const struct https_answer *a,
                  const char *url, const uint8_t nonce[32], struct probe *out) {
    *out = (struct probe){.stage = "", .retry_after_s = a->retry_after_s};
    if (a->stage != HTTPS_OK) {
        out->stage = probe_stage(a);
        (void)snprintf(out->evidence, sizeof out->evidence, "GET %.160s: %.256s", url, a->text);
    } else if (a->status != 200) {
        out->stage = a->status == 407                       ? STAGE_CREDENTIALS
                     : a->status >= 500 && a->status != 511 ? STAGE_ERROR
                                                            : STAGE_WRONG;
        (void)snprintf(out->evidence, sizeof out->evidence, "GET %.160s: status %ld, %s", url,
                       a->status, words_of(a->status));
    } else {
        judge_body(p, peer, a, url, nonce, out);
    }
}

int probe_relay(const struct probe_client *client, const struct peers *p, const struct peer *peer,
                struct probe *out, struct gf_err *e) {
    static const char *const headers[] = {"Accept: application/vnd.gapferry.hello+json",
                                          "Cache-Control: no-store", NULL};
    char shown[PROBE_URL], url[PROBE_URL + 80], hex[65];
    uint8_t nonce[32];
    struct https_answer a;

    gf_digest_random(nonce, sizeof nonce);
    gf_text_hex(nonce, sizeof nonce, hex);
    probe_url(peer, "/v1/hello", shown);
    (void)snprintf(url, sizeof url, "%s?nonce=%s", shown, hex);
    const struct https_options o = {.url = url,
                                    .method = "GET",
                                    .headers = headers,
                                    .ca_file = peer->ca_file,
                                    .proxy = peer->proxy,
                                    .connect_ms = CONNECT_MS,
                                    .total_ms = TOTAL_MS,
                                    .answer_max = GF_HELLO_MAX,
                                    .stop = client->stop,
                                    .stop_arg = client->stop_arg};
    if (https_request(client->https, &o, &a, e) == -1)
        return gf_err_prefix(e, "%s", config_origin(p->config, "relay", peer->name, "url"));
    judge(p, peer, &a, shown, nonce, out);
    https_answer_free(&a);
    return 0;
}
