/*
 * store_cards.c -- the texts of trusted cards, for those who publish them.
 */
#include "agent/store/store_internal.h"

int store_card_texts(struct store *s, enum gf_role role, store_card_text *fn, void *arg,
                     struct gf_err *e) {
    struct db_query q;
    int rc;

    if (db_query(
            &s->db, &q, e,
            "SELECT text FROM card WHERE role = ? AND standing = 0 ORDER BY ifnull(place, n), n",
            "i", (int64_t)role) == -1)
        return -1;
    while ((rc = db_next(&q, e)) == 1) {
        struct gf_card card;
        size_t len = 0;
        const char *text = db_blob(&q, 0, &len);

        if (gf_card_parse(text, len, "a card we trust", &card, e) == -1 ||
            fn(arg, &card, text, len, e) == -1) {
            rc = -1;
            break;
        }
    }
    db_done(&q);
    return rc;
}
