/*
 * discreet.c -- reasons without the addresses of the relay's network.
 */
#include "relay/discreet.h"

#include <string.h>

#include "common/https.h"
#include "gapferry/buf.h"
#include "gapferry/text.h"

#define DIGITS    "0123456789"
#define HEX       DIGITS "abcdefABCDEF"
#define NAME      DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_."
#define PORT_WORD " port "
#define MARKS     2 /* colons that an IPv6 address has at least */

/* ":PORT" or " port PORT" behind a place; 0: there is none. */
static size_t port_at(const char *s) {
    size_t mark = *s == ':'                                       ? 1
                  : strncmp(s, PORT_WORD, strlen(PORT_WORD)) == 0 ? strlen(PORT_WORD)
                                                                  : 0;
    size_t n = mark > 0 ? strspn(s + mark, DIGITS) : 0;

    return n > 0 && n <= 5 ? mark + n : 0;
}

/* A word goes on there; at a dot only if it does behind that, for a sentence may end. */
static int goes_on(const char *s) {
    s += *s == '.';
    return *s != '\0' && strchr(NAME, *s) != NULL;
}

/* Four numbers of at most three digits. */
static size_t v4_at(const char *s) {
    size_t len = 0;

    for (int i = 0; i < 4; i++) {
        size_t n = strspn(s + len, DIGITS);
        if (n == 0 || n > 3 || (i < 3 && s[len + n] != '.'))
            return 0;
        len += n + (i < 3);
    }
    return goes_on(s + len) ? 0 : len;
}

/* Times have two colons, too, but neither two in a row nor seven. */
static size_t v6_at(const char *s) {
    size_t len = strspn(s, HEX ":."), colons = 0;
    int twice = 0;

    while (len > 0 && (s[len - 1] == '.' || (s[len - 1] == ':' && (len < 2 || s[len - 2] != ':'))))
        len--;
    for (size_t i = 0; i < len; i++) {
        colons += s[i] == ':';
        twice |= i > 0 && s[i] == ':' && s[i - 1] == ':';
    }
    return len > MARKS && ((twice && colons <= 8) || colons == 7) && !goes_on(s + len) ? len : 0;
}

static size_t bracketed_at(const char *s) {
    size_t n = *s == '[' ? v6_at(s + 1) : 0;

    return n > 0 && s[1 + n] == ']' ? n + 2 : 0;
}

/* A name with its port; one without a dot only as `HOST port N`, but for localhost. */
static size_t name_at(const char *s) {
    size_t n = strspn(s, NAME), port = port_at(s + n);

    if (n == 0 || port == 0)
        return 0;
    if (s[n] == ' ' || (n == 9 && memcmp(s, "localhost", n) == 0))
        return n + port;
    return memchr(s, '.', n) != NULL && strspn(s, DIGITS ".") < n ? n + port : 0;
}

/* How many bytes at s are a place. */
static size_t place_at(const char *s) {
    size_t n = v4_at(s);

    if (n == 0)
        n = bracketed_at(s);
    if (n == 0)
        n = v6_at(s);
    return n > 0 ? n + port_at(s + n) : name_at(s);
}

/* How many bytes behind "://" are the place of a URL. */
static size_t authority_at(const char *s) {
    return strcspn(s, "/?# \t\"'<>()\\,;");
}

/* "STAGE: " with which a failure begins that is told in our words; 0: it is none. */
static size_t stage_at(const char *text) {
    for (int i = HTTPS_OK + 1; https_stages[i] != NULL; i++) {
        size_t n = strlen(https_stages[i]);
        if (strncmp(text, https_stages[i], n) == 0 && strncmp(text + n, ": ", 2) == 0)
            return n + 2;
    }
    return 0;
}

void discreet_words(const char *text, char out[GF_REASON_MAX + 1]) {
    struct gf_buf b;
    size_t at = stage_at(text);

    gf_buf_init(&b, (size_t)8 * GF_REASON_MAX);
    gf_buf_add(&b, text, at);
    /* The host there may be any name. */
    size_t host = at > 0 ? strspn(text + at, NAME) : 0;
    if (host > 0 && text[at + host] == ':' && port_at(text + at + host) == 0) {
        gf_buf_text(&b, DISCREET_ADDRESS);
        at += host;
    }
    while (text[at] != '\0') {
        /* A place begins where no word is going on. */
        size_t n = at == 0 || strchr(NAME, text[at - 1]) == NULL ? place_at(text + at) : 0;
        if (n == 0 && at >= 3 && memcmp(text + at - 3, "://", 3) == 0)
            n = authority_at(text + at);
        if (n > 0)
            gf_buf_text(&b, DISCREET_ADDRESS);
        else
            gf_buf_byte(&b, text[at]);
        at += n > 0 ? n : 1;
    }
    /* What has no room is told of nobody. */
    size_t len = b.failed || b.data == NULL ? 0 : gf_text_fit(b.data, b.len, GF_REASON_MAX);
    if (len > 0)
        memcpy(out, b.data, len);
    out[len] = '\0';
    gf_buf_free(&b);
}
