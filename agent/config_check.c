/*
 * config_check.c -- the rules of agent.conf's values, one row for each key that has one.
 */
#include "agent/config_check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/airgap.h"
#include "agent/collect/collect_scrape_settings.h"
#include "agent/collect/collect_settings.h"
#include "agent/command.h"
#include "agent/deny.h"
#include "agent/source/source.h"
#include "agent/thin/thin_steps.h"
#include "common/nearest.h"
#include "common/vendor_keys.h"

#define MONTH (30 * 86400LL)

/* NULL, or the rule that a value breaks. */
typedef const char *value_check(const char *value);

enum kind { WORDS, BOOL, SPAN, INT, SIZE, TEXT };

struct rule {
    const char *section, *key;
    enum kind kind;
    int64_t min, max; /* of SPAN (seconds; max 0: any) and INT; min of SIZE */
    const char *const *words;
    value_check *check;
};

static const char *const modes[] = {"auto", "airgap", "online", NULL};
static const char *const reaches[] = {"outside", "site", NULL};
static const char *const fulls[] = {"refuse", "drop-oldest", NULL};

static const char *check_word(const char *value) {
    return gf_text_is_word(value, strlen(value), GF_WORD_MAX)
               ? NULL
               : "must be 1 to 64 characters of [a-z0-9.-]";
}

static const char *check_type(const char *value) {
    const char *slash = strchr(value, '/');

    return slash && slash != value && slash[1] && !strpbrk(value, " \t")
               ? NULL
               : "must be a media type such as application/json";
}

static const char *check_fingerprint(const char *value) {
    return strlen(value) == GF_FINGERPRINT_TEXT - 1 &&
                   value[strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567-")] == '\0'
               ? NULL
               : "must be a fingerprint as `gapferry-relay card` shows it, "
                 "ABCD-EFGH-IJKL-MNOP-QRST";
}

/* What can be told without the parser of addresses, which this program may not contain:
 * gapferry-link looks at the rest. */
static const char *check_url(const char *value) {
    const char *host = NULL;

    if (strncmp(value, "https://", 8) == 0)
        host = value + 8;
    else if (strncmp(value, "http://127.", 11) == 0 || strncmp(value, "http://[::1]", 12) == 0)
        host = value + 7;
    return host && *host && !strchr("/:@?#", *host) && !strpbrk(value, " \t@?#")
               ? NULL
               : "must be https://HOST, https://HOST:PORT or with a path behind it; http:// only "
                 "to "
                 "127.0.0.1 or [::1]";
}

static const char *check_proxy(const char *value) {
    const char *host = strstr(value, "://");
    const char *port = strrchr(value, ':');

    return (strncmp(value, "http://", 7) == 0 || strncmp(value, "https://", 8) == 0) &&
                   port > host && port > host + 3 && port[1] &&
                   port[1 + strspn(port + 1, "0123456789")] == '\0'
               ? NULL
               : "must be http://HOST:PORT or https://HOST:PORT";
}

static const char *check_path(const char *value) {
    return value[0] == '/' ? NULL : "must be an absolute path";
}

/* Names separated by commas, as drives_is_auto() compares them. */
static const char *check_drives(const char *value) {
    const char *at = value + strspn(value, " \t,");

    while (*at) {
        if (*at != '/' && (strncmp(at, "UUID=", 5) != 0 || strchr(", \t", at[5])))
            return "must be UUID=... or an absolute path, several separated by commas";
        at += strcspn(at, ",");
        at += strspn(at, " \t,");
    }
    return NULL;
}

static const char *check_deny(const char *value) {
    struct otlp_deny *d = NULL;
    int rc = deny_read(value, &d, NULL);

    otlp_deny_free(d);
    return rc == 0 ? NULL
                   : "must be keys of attributes, or prefixes such as host.*, separated by commas";
}

static const char *check_thin(const char *value) {
    struct thin_steps steps;

    return thin_steps_read(value, &steps);
}

static const struct rule rules[] = {
    {"agent", "mode", WORDS, 0, 0, modes, NULL},
    {"agent", "self_reader", BOOL, 0, 0, NULL, NULL},
    {"agent", "export_interval", SPAN, 1, MONTH, NULL, NULL},
    {"agent", "auto_drives", TEXT, 0, 0, NULL, check_drives},
    {"agent", "history_max", INT, 0, INT64_MAX / 2, NULL, NULL},
    {"agent", "resend_after", SPAN, 0, 0, NULL, NULL},
    {"relay", "fingerprint", TEXT, 0, 0, NULL, check_fingerprint},
    {"relay", "url", TEXT, 0, 0, NULL, check_url},
    {"relay", "reach", WORDS, 0, 0, reaches, NULL},
    {"relay", "ca_file", TEXT, 0, 0, NULL, check_path},
    {"relay", "proxy", TEXT, 0, 0, NULL, check_proxy},
    {"relay", "poll", SPAN, 1, MONTH, NULL, NULL},
    {"relay", "failures", INT, 1, 100, NULL, NULL},
    {"relay", "successes", INT, 1, 100, NULL, NULL},
    {"relay", "retry", SPAN, 1, MONTH, NULL, NULL},
    {"relay", "retry_max", SPAN, 1, MONTH, NULL, NULL},
    {"channel", "product", TEXT, 0, 0, NULL, check_word},
    {"channel", "airgap", WORDS, 0, 0, grid_airgaps, NULL},
    {"channel", "type", TEXT, 0, 0, NULL, check_type},
    {"channel", "deny", TEXT, 0, 0, NULL, check_deny},
    {"channel", "consent", WORDS, 0, 0, store_consents, NULL},
    {"channel", "nodes", BOOL, 0, 0, NULL, NULL},
    {"channel", "max_records", INT, 1, INT64_MAX, NULL, NULL},
    {"channel", "max_bytes", SIZE, 1, 0, NULL, NULL},
    {"channel", "full", WORDS, 0, 0, fulls, NULL},
    {"channel", "thin", TEXT, 0, 0, NULL, check_thin},
    {"channel", "stale_after", SPAN, 0, 0, NULL, NULL},
    /* [source], [collect], [scrape], only_if, relay and [vendor] have rules of their own: below. */
};

static int fail(const struct config *c, const struct rule *r, const char *name, const char *why,
                struct gf_err *e) {
    return gf_err_set(e, GF_E_CONFIG, "%s: [%s%s%s%s] %s = %s: %s",
                      config_origin(c, r->section, name, r->key), r->section, name ? " \"" : "",
                      name ? name : "", name ? "\"" : "", r->key,
                      config_get(c, r->section, name, r->key), why);
}

static int check_one(const struct config *c, const struct rule *r, const char *name,
                     struct gf_err *e) {
    const char *value = config_get(c, r->section, name, r->key), *why = NULL;
    int64_t n = r->min;
    int which;

    if (!value)
        return 0;
    switch (r->kind) {
    case WORDS:
        return config_enum(c, r->section, name, r->key, r->words, &which, e) == -1 ? -1 : 0;
    case BOOL:
        return config_bool(c, r->section, name, r->key, &which, e) == -1 ? -1 : 0;
    case INT:
        return config_int(c, r->section, name, r->key, r->min, r->max, &n, e) == -1 ? -1 : 0;
    case SPAN:
        if (config_span(c, r->section, name, r->key, &n, e) == -1)
            return -1;
        if (n < r->min || (r->max && n > r->max))
            why = "must be between 1s and 30d";
        break;
    case SIZE:
        if (config_size(c, r->section, name, r->key, &n, e) == -1)
            return -1;
        if (n < r->min)
            why = "must be 1 or more";
        break;
    case TEXT:
        why = r->check(value);
        break;
    }
    return why ? fail(c, r, name, why, e) : 0;
}

/* Every row of one section; named: it may be there any number of times. */
static int check_section(const struct config *c, const char *section, int named, struct gf_err *e) {
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const char *name;

        if (strcmp(rules[i].section, section) != 0)
            continue;
        if (!named && check_one(c, &rules[i], NULL, e) == -1)
            return -1;
        for (size_t at = 0; named && (name = config_name(c, section, at)); at++) {
            if (check_one(c, &rules[i], name, e) == -1)
                return -1;
        }
    }
    return 0;
}

int config_check_values(const struct config *c, struct gf_err *e) {
    return check_section(c, "agent", 0, e) == -1 || check_section(c, "channel", 1, e) == -1 ? -1
                                                                                            : 0;
}

/* The [relay] that a channel names must be there. */
static int check_relay(const struct config *c, const char *channel, struct gf_err *e) {
    const char *wanted = config_get(c, "channel", channel, "relay"), *name, *meant = NULL;
    size_t best = (size_t)-1;

    if (!wanted)
        return 0;
    for (size_t i = 0; (name = config_name(c, "relay", i)); i++) {
        if (strcmp(name, wanted) == 0)
            return 0;
        if (nearest_is(wanted, name, &best))
            meant = name;
    }
    return gf_err_set(
        e, GF_E_CONFIG, "%s: [channel \"%s\"] relay = %s: there is no [relay \"%s\"]%s%s%s",
        config_origin(c, "channel", channel, "relay"), channel, wanted, wanted,
        meant ? "; did you mean " : "; add that section", meant ? meant : "", meant ? "?" : "");
}

static int check_ca_file(const struct config *c, const char *relay, struct gf_err *e) {
    const char *path = config_get(c, "relay", relay, "ca_file");

    if (!path || access(path, F_OK) == 0)
        return 0;
    return gf_err_set(e, GF_E_CONFIG,
                      "%s: [relay \"%s\"] ca_file = %s: %s; put the certificates there, or take "
                      "the line out to go by those of the system",
                      config_origin(c, "relay", relay, "ca_file"), relay, path, strerror(errno));
}

int config_check(const struct config *c, struct gf_err *e) {
    struct collect_settings collect;
    struct collect_scrapes scrapes;
    const char *name;

    if (config_check_values(c, e) == -1 || check_section(c, "relay", 1, e) == -1 ||
        collect_settings_read(c, NULL, &collect, e) == -1 ||
        collect_scrape_settings_read(c, collect.channel, &scrapes, e) == -1)
        return -1;
    collect_scrape_settings_free(&scrapes);
    for (size_t i = 0; (name = config_name(c, "relay", i)); i++) {
        if (check_ca_file(c, name, e) == -1)
            return -1;
    }
    for (size_t i = 0; (name = config_name(c, "channel", i)); i++) {
        if (command_channel(name, e) == -1)
            return gf_err_set(e, GF_E_CONFIG,
                              "%s: [channel \"%s\"]: must be 1 to %d characters of [a-z0-9.-]",
                              config_where(c, "channel", name), name, GF_WORD_MAX);
        if (check_relay(c, name, e) == -1)
            return -1;
    }
    return vendor_keys_check(c, VENDOR_KEYS_ALL, e) == -1 ? -1 : source_check(c, e);
}
