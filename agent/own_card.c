/*
 * own_card.c -- a token, from a file into the card.
 */
#include "agent/own_card.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/own_keys.h"
#include "gapferry/digest.h"
#include "gapferry/file.h"
#include "gapferry/token.h"

/* Bytes of a file with a token: it, blanks, and a line of somebody's own at most. */
#define TOKEN_FILE_MAX 256

int own_card_read_token(const char *path, uint8_t token[16], struct gf_err *e) {
    char text[TOKEN_FILE_MAX + 1];
    struct gf_err why;
    int is_input = strcmp(path, "-") == 0;

    int fd = is_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return gf_err_errno(e, "%s", path);
    if (is_input && isatty(STDIN_FILENO))
        (void)fprintf(stderr, "The token, as gapferry-relay token has printed it: ");
    /* A person ends with a line, a file with its end. */
    ssize_t n = is_input ? read(fd, text, TOKEN_FILE_MAX) : gf_file_read(fd, text, TOKEN_FILE_MAX);
    if (n == -1)
        (void)gf_err_errno(e, "%s", is_input ? "standard input" : path);
    if (!is_input)
        (void)close(fd);
    if (n == -1)
        return -1;
    while (n > 0 && strchr(" \r\n\t", text[n - 1]) != NULL)
        n--;
    text[n] = '\0';
    int rc = strlen(text) == (size_t)n ? gf_token_parse(text, token, &why)
                                       : gf_err_set(&why, GF_E_USAGE, "token: is no text");
    gf_digest_wipe(text, sizeof text);
    return rc == -1
               ? gf_err_set(e, why.code, "%s: %s", is_input ? "standard input" : path, why.text)
               : 0;
}

int own_card_use_token(struct agent *a, const uint8_t token[16], struct gf_err *e) {
    struct gf_card c = a->id.card;
    struct gf_buf text;

    c.has_token_mac = 1;
    gf_card_token_mac(&c, token, &c.token_mac);
    gf_buf_init(&text, GF_CARD_FILE_MAX);
    int rc = gf_card_write(&c, 1, a->id.sign, &text, e);
    if (rc == 0)
        rc = own_keys_replace_card(a->state, &a->id, text.data, text.len, e);
    gf_buf_free(&text);
    return rc;
}

int own_card_take_token(struct agent *a, const char *path, struct gf_err *e) {
    uint8_t token[GF_TOKEN_SIZE];
    char fingerprint[GF_FINGERPRINT_TEXT];

    if (a->id.card.has_replaces) {
        gf_card_fingerprint(&a->id.card, fingerprint);
        return gf_err_set(
            e, GF_E_USAGE,
            "%s/keys/card: the keys before (rotate) have signed it, and a token's MAC "
            "would take that signature away, by which relays know this agent again; "
            "nothing was changed. A relay that does not know it yet needs no token: "
            "let its operator run: gapferry-relay approve %s",
            a->state, fingerprint);
    }
    if (own_card_read_token(path, token, e) == -1)
        return -1;
    int rc = own_card_use_token(a, token, e);
    gf_digest_wipe(token, sizeof token);
    return rc;
}
