/*
 * endpoint_check.c -- whether the endpoints of a configuration can be used at all.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/https_header.h"
#include "common/https_url.h"
#include "common/nearest.h"
#include "common/update.h"
#include "relay/endpoints/endpoint.h"

/* A broken rule of one key, told with the place where it stands. */
int endpoint_wrong(const struct config *c, const char *name, const char *key, const char *rule,
                   struct gf_err *e) {
    return gf_err_set(e, GF_E_CONFIG, "%s: [endpoint \"%s\"] %s: %s",
                      config_origin(c, "endpoint", name, key), name, key, rule);
}

int endpoint_missing(const char *name, const char *key, struct gf_err *e) {
    return gf_err_set(e, GF_E_CONFIG, "[endpoint \"%s\"] has no %s", name, key);
}

int endpoint_check_artifact_max(const struct config *c, const char *name, struct gf_err *e) {
    int64_t size = 0;

    if (config_size(c, "endpoint", name, "artifact_max", &size, e) == -1)
        return -1;
    return size > UPDATE_SIZE_MAX ? endpoint_wrong(c, name, "artifact_max", "at most 1T", e) : 0;
}

static int check_match(const struct config *c, const char *name, struct gf_err *e) {
    const char *channel = endpoint_value(c, name, "channel");
    const char *product = endpoint_value(c, name, "product");
    const char *sender = endpoint_value(c, name, "sender");
    const char *type = endpoint_value(c, name, "type");
    struct gf_id id;

    if (channel == NULL)
        return endpoint_missing(name, "channel", e);
    if (!gf_text_is_word(channel, strlen(channel), GF_WORD_MAX))
        return endpoint_wrong(c, name, "channel", "a channel is a word of [a-z0-9.-]", e);
    if (product != NULL && !gf_text_is_word(product, strlen(product), GF_WORD_MAX))
        return endpoint_wrong(c, name, "product", "a product is a word of [a-z0-9.-]", e);
    if (sender != NULL && gf_text_unhex(sender, strlen(sender), id.b, sizeof id.b) == -1)
        return endpoint_wrong(c, name, "sender", "an agent's id is 32 lower-case hex digits", e);

    if (type != NULL && (strchr(type, '/') == NULL || strpbrk(type, "; \t") != NULL))
        return endpoint_wrong(c, name, "type", "a media type is type/subtype, without parameters",
                              e);

    /* Two that match alike: which one is meant? */
    const char *other;
    for (size_t i = 0; (other = config_name(c, "endpoint", i)) != NULL && strcmp(other, name) != 0;
         i++) {
        if (endpoint_is_same(endpoint_value(c, other, "channel"), channel) &&
            endpoint_is_same(endpoint_value(c, other, "product"), product) &&
            endpoint_is_same(endpoint_value(c, other, "sender"), sender) &&
            endpoint_is_same(endpoint_value(c, other, "type"), type))
            return gf_err_set(e, GF_E_CONFIG,
                              "%s: [endpoint \"%s\"] takes the same records as [endpoint \"%s\"]; "
                              "let product, sender or type tell them apart",
                              config_origin(c, "endpoint", name, "channel"), name, other);
    }
    return 0;
}

static int check_files(const struct config *c, const char *name, struct gf_err *e) {
    static const char *const keys[] = {"ca_file", "cert_file", "key_file", "header_file",
                                       "secret_file"};
    struct stat st;

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *path = endpoint_value(c, name, keys[i]);
        if (path == NULL)
            continue;
        if (path[0] != '/')
            return endpoint_wrong(c, name, keys[i], "a path begins with /", e);
        if (access(path, R_OK) == -1)
            return endpoint_wrong(c, name, keys[i], "this file cannot be read", e);
        if ((strcmp(keys[i], "header_file") == 0 || strcmp(keys[i], "secret_file") == 0) &&
            stat(path, &st) == 0 && (st.st_mode & 077) != 0)
            return endpoint_wrong(c, name, keys[i], "others can read this secret; chmod 600 it", e);
    }
    if ((endpoint_value(c, name, "cert_file") == NULL) !=
        (endpoint_value(c, name, "key_file") == NULL))
        return gf_err_set(e, GF_E_CONFIG, "[endpoint \"%s\"]: cert_file and key_file go together",
                          name);
    return 0;
}

/* A line of `key` that is to be a header, and none that is ours to state. It is not repeated: it
 * may be a secret. */
static int check_line(const struct config *c, const char *name, const char *key, const char *line,
                      struct gf_err *e) {
    static const char *const ours[] = {"Content-Type:",
                                       "Content-Length:",
                                       "Transfer-Encoding:",
                                       "Idempotency-Key:",
                                       "Gapferry-Agent:",
                                       "Gapferry-Record:",
                                       "Host:",
                                       "Connection:",
                                       "Expect:"};

    if (https_header_check(line, e) == -1)
        return endpoint_wrong(c, name, key, "a header is \"Name: value\"", e);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        if (strncasecmp(line, ours[i], strlen(ours[i])) == 0)
            return endpoint_wrong(c, name, key, "the relay states this one itself", e);
    }
    return 0;
}

/* Files whose one line is a secret, and of header_file a header. */
static int check_secrets(const struct config *c, const char *name, struct gf_err *e) {
    static const char *const keys[] = {"header_file", "secret_file"};
    struct gf_buf line;

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (endpoint_value(c, name, keys[i]) == NULL)
            continue;
        if (endpoint_load_secret(c, name, keys[i], &line, e) == -1)
            return gf_err_prefix(e, "%s: [endpoint \"%s\"]",
                                 config_origin(c, "endpoint", name, keys[i]), name);
        int rc = i == 0 ? check_line(c, name, keys[i], line.data, e) : 0;
        gf_buf_free(&line);
        if (rc == -1)
            return -1;
    }
    return 0;
}

/* One that everybody may read is no secret. */
static int check_header(const struct config *c, const char *name, struct gf_err *e) {
    static const char *const secret[] = {
        "Authorization:", "Proxy-Authorization:", "Cookie:", "X-Api-Key:"};
    const char *header = endpoint_value(c, name, "header");

    if (header == NULL)
        return 0;
    if (check_line(c, name, "header", header, e) == -1)
        return -1;
    for (size_t i = 0; i < sizeof secret / sizeof *secret; i++) {
        if (strncasecmp(header, secret[i], strlen(secret[i])) == 0)
            return endpoint_wrong(
                c, name, "header",
                "a secret does not stand here, where everybody reads it; put the line "
                "into a file of mode 0600 and name that with header_file",
                e);
    }
    return 0;
}

/* ---- the profile ---- */

static const struct endpoint_profile *find_profile(const char *word) {
    for (size_t i = 0; word != NULL && endpoint_profiles[i] != NULL; i++) {
        if (strcmp(endpoint_profiles[i]->name, word) == 0)
            return endpoint_profiles[i];
    }
    return NULL;
}

const struct endpoint_profile *endpoint_profile_of(const struct config *c, const char *name) {
    return find_profile(endpoint_value(c, name, "profile"));
}

static int knows(const struct endpoint_profile *p, const char *key) {
    for (size_t i = 0; p->keys[i] != NULL; i++) {
        if (strcmp(p->keys[i], key) == 0)
            return 1;
    }
    return 0;
}

int endpoint_has_key(const struct config *c, const char *section, const char *name,
                     const char *key) {
    const struct endpoint_profile *p =
        strcmp(section, "endpoint") == 0 ? find_profile(endpoint_value(c, name, "profile")) : NULL;

    return p == NULL || knows(p, key);
}

static int check_profile(const struct config *c, const char *name, struct gf_err *e) {
    const char *word = endpoint_value(c, name, "profile");
    const char *near = NULL;
    size_t best = (size_t)-1;
    char rule[512];

    if (find_profile(word) != NULL)
        return 0;
    int n = snprintf(rule, sizeof rule, "there is no profile \"%.40s\", only", word);
    for (size_t i = 0; endpoint_profiles[i] != NULL; i++) {
        n += snprintf(rule + n, sizeof rule - (size_t)n, "%s %s", i == 0 ? "" : ",",
                      endpoint_profiles[i]->name);
        if (nearest_is(word, endpoint_profiles[i]->name, &best))
            near = endpoint_profiles[i]->name;
    }
    if (near != NULL)
        (void)snprintf(rule + n, sizeof rule - (size_t)n, "; did you mean %s?", near);
    return endpoint_wrong(c, name, "profile", rule, e);
}

/* A key that its profile does not know was meant to do something, which it would not. */
static int check_keys(const struct config *c, const char *name, const struct endpoint_profile *p,
                      struct gf_err *e) {
    char rule[128];

    for (const struct config_key *k = relay_keys; k->section != NULL; k++) {
        if (strcmp(k->section, "endpoint") != 0 || knows(p, k->key) ||
            strcmp(config_origin(c, "endpoint", name, k->key), "default") == 0)
            continue;
        (void)snprintf(rule, sizeof rule,
                       "profile %s has no such setting; take it out, or see "
                       "profile",
                       p->name);
        return endpoint_wrong(c, name, k->key, rule, e);
    }
    return 0;
}

const char *const endpoint_idempotencies[] = {"key", "natural", "none", NULL};

const char *endpoint_idempotency(const struct config *c, const char *name) {
    const char *said = endpoint_value(c, name, "idempotency");
    const char *own = endpoint_profile_of(c, name)->idempotency;

    if (said != NULL)
        return said;
    return own != NULL ? own : endpoint_idempotencies[0];
}

static int check_words(const struct config *c, const char *name, struct gf_err *e) {
    int64_t timeout = 0, retention = 0, connections = 0;
    int which;

    if (config_enum(c, "endpoint", name, "idempotency", endpoint_idempotencies, &which, e) == -1 ||
        config_int(c, "endpoint", name, "connections", 1, 64, &connections, e) == -1 ||
        config_span(c, "endpoint", name, "idempotency_retention", &retention, e) == -1 ||
        config_span(c, "endpoint", name, "timeout", &timeout, e) == -1)
        return -1;
    if (retention < 60)
        return endpoint_wrong(c, name, "idempotency_retention",
                              "60s at least; an endpoint that remembers no key has idempotency = "
                              "none",
                              e);
    if (timeout < 1 || timeout > 3600)
        return endpoint_wrong(c, name, "timeout", "from 1s to 1h", e);
    return 0;
}

int endpoint_check_url(const struct config *c, const char *name, const char *key, const char *url,
                       struct gf_err *e) {
    if (https_check_url(url, e) == -1)
        return gf_err_prefix(e, "%s: [endpoint \"%s\"] %s", config_origin(c, "endpoint", name, key),
                             name, key);
    if (endpoint_value(c, name, "proxy") != NULL && strncmp(url, "http://", 7) == 0)
        return endpoint_wrong(c, name, "proxy", "http:// goes to this machine and through no proxy",
                              e);
    return 0;
}

/* Each of several places that are parted by blanks. */
static int check_urls(const struct config *c, const char *name, struct gf_err *e) {
    const char *at = endpoint_value(c, name, "url");
    char one[HTTPS_URL_MAX + 1];

    while (*at != '\0') {
        size_t n = strcspn(at, " \t");
        (void)snprintf(one, sizeof one, "%.*s", (int)(n < sizeof one ? n : sizeof one - 1), at);
        if (endpoint_check_url(c, name, "url", n < sizeof one ? one : at, e) == -1)
            return -1;
        at += n;
        at += strspn(at, " \t");
    }
    return 0;
}

static int check_places(const struct config *c, const char *name, int many, struct gf_err *e) {
    const char *url = endpoint_value(c, name, "url");
    const char *proxy = endpoint_value(c, name, "proxy");

    if (url == NULL)
        return endpoint_missing(name, "url", e);
    if ((many ? check_urls(c, name, e) : endpoint_check_url(c, name, "url", url, e)) == -1)
        return -1;
    if (proxy != NULL && https_check_proxy(proxy, e) == -1)
        return gf_err_prefix(e, "%s: [endpoint \"%s\"] proxy",
                             config_origin(c, "endpoint", name, "proxy"), name);
    return 0;
}

static int check_one(const struct config *c, const char *name, struct gf_err *e) {
    if (check_match(c, name, e) == -1 || check_profile(c, name, e) == -1)
        return -1;
    const struct endpoint_profile *p = endpoint_profile_of(c, name);
    if (check_keys(c, name, p, e) == -1 || check_words(c, name, e) == -1)
        return -1;
    if (knows(p, "url") &&
        (check_places(c, name, p->urls > 0, e) == -1 || check_files(c, name, e) == -1 ||
         check_secrets(c, name, e) == -1 || check_header(c, name, e) == -1))
        return -1;
    return p->check != NULL ? p->check(c, name, e) : 0;
}

int endpoint_check(const struct config *c, struct gf_err *e) {
    const char *name;

    for (size_t i = 0; (name = config_name(c, "endpoint", i)) != NULL; i++) {
        if (check_one(c, name, e) == -1)
            return -1;
    }
    return 0;
}
