/*
 * endpoint.c -- endpoints in the configuration: which one a record goes to, and whether they can be
 * used at all.
 */
#include "relay/endpoints/endpoint.h"

#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/https_header.h"
#include "gapferry/digest.h"

#define LABEL "gapferry-record/1"

static const char *value(const struct config *c, const char *name, const char *key) {
    return config_get(c, "endpoint", name, key);
}

static int is_same(const char *a, const char *b) {
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

const char *endpoint_match(const struct config *c, const char *channel, const char *product,
                           const struct gf_id *agent) {
    char id[GF_ID_TEXT];
    const char *found = NULL;
    int best = -1;

    gf_text_hex(agent->b, sizeof agent->b, id);
    const char *name;
    for (size_t i = 0; (name = config_name(c, "endpoint", i)) != NULL; i++) {
        const char *wants_product = value(c, name, "product");
        const char *wants_sender = value(c, name, "sender");
        if (!is_same(value(c, name, "channel"), channel) ||
            (wants_product != NULL && !is_same(wants_product, product)) ||
            (wants_sender != NULL && strcmp(wants_sender, id) != 0))
            continue;
        int score = (wants_sender != NULL) * 2 + (wants_product != NULL);
        if (score > best) {
            best = score;
            found = name;
        }
    }
    return found;
}

void endpoint_key(const struct gf_id *agent, const struct gf_id *record, char out[33]) {
    uint8_t named[sizeof LABEL - 1 + 2 * sizeof agent->b];
    struct gf_id key;

    memcpy(named, LABEL, sizeof LABEL - 1);
    memcpy(named + sizeof LABEL - 1, agent->b, sizeof agent->b);
    memcpy(named + sizeof LABEL - 1 + sizeof agent->b, record->b, sizeof record->b);
    gf_digest_128(named, sizeof named, &key);
    gf_text_hex(key.b, sizeof key.b, out);
}

int64_t endpoint_backoff(int64_t attempts, uint32_t random) {
    int64_t s = 15;

    for (int64_t i = 1; i < attempts && s < 3600; i++)
        s *= 2;
    if (s > 3600)
        s = 3600;
    return s - (int64_t)((uint64_t)random * (uint64_t)(s / 2 + 1) >> 32);
}

/* ---- checks ---- */

/* A broken rule of one key, told with the place where it stands. */
static int wrong(const struct config *c, const char *name, const char *key, const char *rule,
                 struct gf_err *e) {
    return gf_err_set(e, GF_E_CONFIG, "%s: [endpoint \"%s\"] %s: %s",
                      config_origin(c, "endpoint", name, key), name, key, rule);
}

static int missing(const char *name, const char *key, struct gf_err *e) {
    return gf_err_set(e, GF_E_CONFIG, "[endpoint \"%s\"] has no %s", name, key);
}

static int check_match(const struct config *c, const char *name, struct gf_err *e) {
    const char *channel = value(c, name, "channel");
    const char *product = value(c, name, "product");
    const char *sender = value(c, name, "sender");
    struct gf_id id;

    if (channel == NULL)
        return missing(name, "channel", e);
    if (!gf_text_is_word(channel, strlen(channel), GF_WORD_MAX))
        return wrong(c, name, "channel", "a channel is a word of [a-z0-9.-]", e);
    if (product != NULL && !gf_text_is_word(product, strlen(product), GF_WORD_MAX))
        return wrong(c, name, "product", "a product is a word of [a-z0-9.-]", e);
    if (sender != NULL && gf_text_unhex(sender, strlen(sender), id.b, sizeof id.b) == -1)
        return wrong(c, name, "sender", "an agent's id is 32 lower-case hex digits", e);

    /* Two that match alike: which one is meant? */
    const char *other;
    for (size_t i = 0; (other = config_name(c, "endpoint", i)) != NULL && strcmp(other, name) != 0;
         i++) {
        if (is_same(value(c, other, "channel"), channel) &&
            is_same(value(c, other, "product"), product) &&
            is_same(value(c, other, "sender"), sender))
            return gf_err_set(e, GF_E_CONFIG,
                              "%s: [endpoint \"%s\"] takes the same records as [endpoint \"%s\"]; "
                              "let product or sender tell them apart",
                              config_origin(c, "endpoint", name, "channel"), name, other);
    }
    return 0;
}

static int check_files(const struct config *c, const char *name, struct gf_err *e) {
    static const char *const keys[] = {"ca_file", "cert_file", "key_file", "header_file"};
    struct stat st;

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *path = value(c, name, keys[i]);
        if (path == NULL)
            continue;
        if (path[0] != '/')
            return wrong(c, name, keys[i], "a path begins with /", e);
        if (access(path, R_OK) == -1)
            return wrong(c, name, keys[i], "this file cannot be read", e);
        if (strcmp(keys[i], "header_file") == 0 && stat(path, &st) == 0 && (st.st_mode & 077) != 0)
            return wrong(c, name, keys[i], "others can read this secret; chmod 600 it", e);
    }
    if ((value(c, name, "cert_file") == NULL) != (value(c, name, "key_file") == NULL))
        return gf_err_set(e, GF_E_CONFIG, "[endpoint \"%s\"]: cert_file and key_file go together",
                          name);
    return 0;
}

/* Headers that are ours to state, and those in which secrets stand. */
static int check_header(const struct config *c, const char *name, struct gf_err *e) {
    static const char *const ours[] = {"Content-Type:",
                                       "Content-Length:",
                                       "Transfer-Encoding:",
                                       "Idempotency-Key:",
                                       "Gapferry-Agent:",
                                       "Gapferry-Record:",
                                       "Host:",
                                       "Connection:",
                                       "Expect:"};
    static const char *const secret[] = {
        "Authorization:", "Proxy-Authorization:", "Cookie:", "X-Api-Key:"};
    const char *header = value(c, name, "header");

    if (header == NULL)
        return 0;
    if (https_header_check(header, e) == -1)
        return wrong(c, name, "header", "a header is \"Name: value\"", e);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        if (strncasecmp(header, ours[i], strlen(ours[i])) == 0)
            return wrong(c, name, "header", "the relay states this one itself", e);
    }
    for (size_t i = 0; i < sizeof secret / sizeof *secret; i++) {
        if (strncasecmp(header, secret[i], strlen(secret[i])) == 0)
            return wrong(c, name, "header",
                         "a secret does not stand here, where everybody reads it; put the line "
                         "into a file of mode 0600 and name that with header_file",
                         e);
    }
    return 0;
}

static int check_words(const struct config *c, const char *name, struct gf_err *e) {
    static const char *const profiles[] = {"http", NULL};
    static const char *const methods[] = {"POST", "PUT", NULL};
    static const char *const idempotency[] = {"key", "natural", "none", NULL};
    int64_t timeout = 0;
    int which;

    if (config_enum(c, "endpoint", name, "profile", profiles, &which, e) == -1 ||
        config_enum(c, "endpoint", name, "method", methods, &which, e) == -1 ||
        config_enum(c, "endpoint", name, "idempotency", idempotency, &which, e) == -1 ||
        config_span(c, "endpoint", name, "timeout", &timeout, e) == -1)
        return -1;
    if (timeout < 1 || timeout > 3600)
        return wrong(c, name, "timeout", "from 1s to 1h", e);
    return 0;
}

static int check_places(const struct config *c, const char *name, struct gf_err *e) {
    const char *url = value(c, name, "url");
    const char *proxy = value(c, name, "proxy");

    if (url == NULL)
        return missing(name, "url", e);
    if (https_check_url(url, e) == -1)
        return gf_err_prefix(e, "%s: [endpoint \"%s\"] url",
                             config_origin(c, "endpoint", name, "url"), name);
    if (proxy == NULL)
        return 0;
    if (https_check_proxy(proxy, e) == -1)
        return gf_err_prefix(e, "%s: [endpoint \"%s\"] proxy",
                             config_origin(c, "endpoint", name, "proxy"), name);
    if (strncmp(url, "http://", 7) == 0)
        return wrong(c, name, "proxy", "http:// goes to this machine and through no proxy", e);
    return 0;
}

int endpoint_check(const struct config *c, struct gf_err *e) {
    const char *name;

    for (size_t i = 0; (name = config_name(c, "endpoint", i)) != NULL; i++) {
        if (check_match(c, name, e) == -1 || check_places(c, name, e) == -1 ||
            check_words(c, name, e) == -1 || check_files(c, name, e) == -1 ||
            check_header(c, name, e) == -1)
            return -1;
    }
    return 0;
}
