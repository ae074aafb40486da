/*
 * relay_cards.c -- who vouches for a relay's card.
 */
#include "agent/relay_cards.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/trusted.h"
#include "agent/vendors.h"
#include "common/log.h"

static int has_signed(void *arg, const struct gf_sign_public *key, struct gf_err *e) {
    return gf_document_verify(arg, key, NULL, e);
}

int relay_cards_vouched(struct agent *a, const char *text, size_t len, char vendor[GF_WORD_MAX + 1],
                        struct gf_err *e) {
    struct vendor *vendors = NULL;
    struct gf_document d;
    size_t n = 0, tried;
    int vouched = 0;

    if (gf_document_split(text, len, GF_CARD_MAX, "card", &d, e) == -1 ||
        vendors_all(a, &vendors, &n, e) == -1)
        return -1;
    for (size_t i = 0; i < n && !vouched; i++) {
        vouched = vendors_each(&vendors[i], 1, STORE_DUTY_CARD, has_signed, &d, &tried, e) == 0;
        if (vouched)
            memcpy(vendor, vendors[i].name, sizeof vendors[i].name);
    }
    free(vendors);
    return vouched;
}

int relay_cards_trust(struct agent *a, const struct gf_card *c, const char *text, size_t len,
                      const char *vendor, struct gf_err *e) {
    char fingerprint[GF_FINGERPRINT_TEXT], by[GF_WORD_MAX + 16];

    gf_card_fingerprint(c, fingerprint);
    (void)snprintf(by, sizeof by, "vendor %.56s", vendor);
    if (trusted_card(a, c, text, len, by, e) == -1)
        return -1;
    log_write(LOG_LEVEL_NOTICE, "relay-trusted", {"fingerprint", fingerprint, 0}, {"by", by, 0});
    return agent_publish_cards(a, e);
}
