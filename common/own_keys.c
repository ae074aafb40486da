/*
 * own_keys.c -- one's own card in its forms.
 */
#include "common/own_keys.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "gapferry/file.h"

int own_keys_card(const struct gf_identity *id, int with_name, struct gf_buf *out,
                  struct gf_err *e) {
    if (!id->card.cosigned)
        return gf_card_write(&id->card, with_name, id->sign, out, e);
    gf_buf_add(out, id->card_text, id->card_len);
    return gf_buf_check(out, "the card", e);
}

int own_keys_differs(const struct gf_identity *id, int with_name, const struct gf_card *there) {
    const struct gf_card *own = &id->card;
    int named = own->name[0] != '\0' && (with_name || own->cosigned);

    if (memcmp(&there->identity, &own->identity, sizeof own->identity) != 0)
        return 0;
    return (there->name[0] != '\0') != named || there->cosigned != own->cosigned ||
           there->has_token_mac != own->has_token_mac ||
           (own->has_token_mac &&
            memcmp(&there->token_mac, &own->token_mac, sizeof own->token_mac) != 0);
}

int own_keys_replace_card(const char *state, struct gf_identity *id, const char *text, size_t len,
                          struct gf_err *e) {
    struct gf_identity now;
    char keys[600];

    if (snprintf(keys, sizeof keys, "%s/keys", state) >= (int)sizeof keys)
        return gf_err_set(e, GF_E_USAGE, "%s: this path is too long", state);
    if (gf_identity_save_card(AT_FDCWD, keys, text, len, e) == -1 ||
        gf_identity_load(AT_FDCWD, keys, &now, e) == -1)
        return -1;
    gf_identity_free(id);
    *id = now;
    return 0;
}

int own_keys_install(const char *state, struct gf_identity *id, const char *path,
                     struct gf_err *e) {
    struct gf_card c;
    struct gf_buf text;
    int rc = -1;

    if (gf_file_load(AT_FDCWD, path, GF_CARD_FILE_MAX, &text, e) == -1)
        return -1;
    if (gf_card_parse(text.data != NULL ? text.data : "", text.len, path, &c, e) == -1)
        goto out;
    if (memcmp(&c.identity, &id->card.identity, sizeof c.identity) != 0)
        (void)gf_err_set(e, GF_E_KEY, "%s: is the card of other keys than those in %s/keys", path,
                         state);
    else if (c.cosigned <= (c.has_replaces != 0))
        (void)gf_err_set(e, GF_E_CARD,
                         "%s: nobody else has signed it%s; append the vendor's signature: cat CARD "
                         "CARD.json.minisig",
                         path, c.has_replaces ? " beside the keys before, or theirs is gone" : "");
    else
        rc = own_keys_replace_card(state, id, text.data, text.len, e);
out:
    gf_buf_free(&text);
    return rc;
}

int own_keys_write(const struct gf_identity *id, const char *path, struct gf_err *e) {
    struct gf_buf text;

    gf_buf_init(&text, GF_CARD_FILE_MAX);
    int rc = own_keys_card(id, 0, &text, e);
    if (rc == 0)
        rc = gf_file_save_new(AT_FDCWD, path, text.data, text.len, 0644, e);
    gf_buf_free(&text);
    return rc;
}
