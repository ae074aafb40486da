/*
 * updates_check.c -- what leaves on channel `updates`: checks, and results of installations.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "agent/command.h"
#include "agent/license/installed.h"
#include "agent/updates/updates.h"
#include "gapferry/json.h"

#define BODY_MAX     65536
#define FEATURES_MAX 64   /* in one check */
#define NOTE_MAX     1024 /* bytes */

/* ---- fields ---- */

static int check_word(const char *what, const char *text, struct gf_err *e) {
    if (text && gf_text_is_word(text, strlen(text), GF_WORD_MAX))
        return 0;
    return gf_err_set(
        e, GF_E_USAGE,
        "%s \"%s\": must be 1 to %d characters of [a-z0-9.-], a letter or digit first", what,
        text ? text : "", GF_WORD_MAX);
}

static int check_version(const char *text, struct gf_err *e) {
    if (update_is_version(text))
        return 0;
    return gf_err_set(e, GF_E_USAGE,
                      "version \"%s\": must be 1 to %d characters of [A-Za-z0-9._+~-], a letter or "
                      "digit first",
                      text, UPDATE_VERSION_MAX);
}

static int check_text(const char *what, const char *text, size_t max, struct gf_err *e) {
    size_t n = strlen(text);

    if (n >= 1 && n <= max && gf_text_is_utf8(text, n))
        return 0;
    return gf_err_set(e, GF_E_USAGE, "%s: must be 1 to %zu bytes of UTF-8", what, max);
}

/* This machine as vendors may call it: "linux-x86-64". */
static void find_platform(char out[GF_WORD_MAX + 1]) {
    struct utsname u;

    if (uname(&u) == -1) {
        (void)snprintf(out, GF_WORD_MAX + 1, "unknown");
        return;
    }
    (void)snprintf(out, GF_WORD_MAX + 1, "%.24s-%.24s", u.sysname, u.machine);
    for (char *at = out; *at; at++) {
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at - 'A' + 'a');
        else if ((*at < 'a' || *at > 'z') && (*at < '0' || *at > '9') && *at != '.')
            *at = '-';
    }
}

/* The valid licence of a product: its id and features, "" where there is none. */
struct licence {
    char id[sizeof((struct license *)NULL)->id];
    char features[sizeof((struct license *)NULL)->features];
};

static int find_licence(struct agent *a, const char *product, struct licence *out,
                        struct gf_err *e) {
    struct installed *list = NULL;
    size_t n = 0;

    *out = (struct licence){.id = ""};
    if (installed_all(a, &list, &n, e) == -1)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (list[i].valid && strcmp(list[i].product, product) == 0) {
            memcpy(out->id, list[i].document.license.id, sizeof out->id);
            memcpy(out->features, list[i].document.license.features, sizeof out->features);
        }
    }
    free(list);
    return 0;
}

static int copy_installed(void *arg, const struct store_installation *i, struct gf_err *e) {
    (void)e;
    if (!i->installed)
        return 0;
    (void)snprintf(arg, UPDATE_VERSION_MAX + 1, "%s", i->version);
    return 1;
}

/* ---- a check ---- */

static int put_features(struct gf_buf *b, const struct updates_wish *w, const struct licence *l,
                        struct gf_err *e) {
    const char *separator = "";

    gf_buf_text(b, ", \"features\": [");
    if (w->nfeatures > FEATURES_MAX)
        return gf_err_set(e, GF_E_USAGE, "feature: at most %d in one check", FEATURES_MAX);
    for (size_t i = 0; w->features && i < w->nfeatures; i++) {
        if (check_text("feature", w->features[i], GF_WORD_MAX, e) == -1)
            return -1;
        gf_buf_text(b, separator);
        gf_json_put_str(b, w->features[i], strlen(w->features[i]));
        separator = ", ";
    }
    for (const char *at = l->features; !w->features && *at;) {
        size_t n = strcspn(at, "\n");
        gf_buf_text(b, separator);
        gf_json_put_str(b, at, n);
        separator = ", ";
        at += n + (at[n] == '\n');
    }
    gf_buf_byte(b, ']');
    return 0;
}

/* What is not said is found out: *out is the wish with every field checked. */
struct settled {
    char platform[GF_WORD_MAX + 1];
    char version[UPDATE_VERSION_MAX + 1]; /* "": unknown */
    struct licence licence;
};

static int settle(struct agent *a, const struct updates_wish *w, struct settled *s,
                  struct gf_err *e) {
    *s = (struct settled){.version = ""};
    if (check_word("product", w->product, e) == -1 ||
        (w->channel && check_word("channel", w->channel, e) == -1) ||
        (w->platform && check_word("platform", w->platform, e) == -1) ||
        (w->version && check_version(w->version, e) == -1))
        return -1;
    if (w->platform)
        memcpy(s->platform, w->platform, strlen(w->platform) + 1);
    else
        find_platform(s->platform);
    if (w->version)
        memcpy(s->version, w->version, strlen(w->version) + 1);
    else if (store_update_reports(a->store, w->product, copy_installed, s->version, e) == -1)
        return -1;
    return find_licence(a, w->product, &s->licence, e);
}

static int put_check(const struct updates_wish *w, const struct settled *s, struct gf_buf *out,
                     struct gf_err *e) {
    gf_buf_text(out, "{\"format\": \"gapferry-update-check/1\"");
    gf_json_put_text(out, "product", w->product);
    gf_json_put_text(out, "version", s->version[0] ? s->version : NULL);
    gf_json_put_text(out, "platform", s->platform);
    gf_json_put_text(out, "channel", w->channel);
    if (put_features(out, w, &s->licence, e) == -1)
        return -1;
    gf_json_put_text(out, "license", s->licence.id[0] ? s->licence.id : NULL);
    gf_buf_text(out, ", \"ext\": {}}");
    return gf_buf_check(out, "update check", e);
}

int updates_check_body(struct agent *a, const struct updates_wish *w, struct gf_buf *out,
                       struct gf_err *e) {
    struct settled s;

    return settle(a, w, &s, e) == -1 ? -1 : put_check(w, &s, out, e);
}

/* ---- into the queue ---- */

/* The rule of the channel acts on these records as on all others. */
static int redact(struct agent *a, const struct gf_buf *body, struct gf_buf *out,
                  struct gf_buf *dropped, struct gf_err *e) {
    if (redact_json(body->data, body->len,
                    config_get(a->config, "channel", UPDATES_CHANNEL, "allow"), out, dropped,
                    e) == -1)
        return gf_err_prefix(e, "channel " UPDATES_CHANNEL);
    return gf_buf_check(out, "record", e);
}

/* Record and what its answer must fit stand or fall together. */
static int queue(struct agent *a, const struct gf_record *r, const struct store_update_check *check,
                 const struct store_installation *report, struct gf_err *e) {
    if (store_begin(a->store, e) == -1)
        return -1;
    int rc = agent_accept(a, r, e);
    if (rc == 0 && check)
        rc = store_update_checked(a->store, &r->id, check, e);
    if (rc == 0 && report)
        rc = store_update_report(a->store, report, e);
    return store_end(a->store, rc, e);
}

int agent_updates_check(struct agent *a, const struct updates_wish *w, struct gf_id *record,
                        struct gf_buf *dropped, struct gf_err *e) {
    struct store_update_check check = {.at = a->now};
    struct gf_buf body, allowed;
    struct gf_record r;
    struct settled s;
    int rc = -1;

    gf_buf_init(&body, BODY_MAX);
    gf_buf_init(&allowed, BODY_MAX);
    if (settle(a, w, &s, e) == 0 && put_check(w, &s, &body, e) == 0 &&
        redact(a, &body, &allowed, dropped, e) == 0)
        rc = command_record(a, &r, e);
    if (rc == 0) {
        r.channel = UPDATES_CHANNEL;
        r.product = w->product;
        r.type = UPDATES_CHECK_TYPE;
        r.answer = 1;
        r.body = (struct gf_body){GF_BODY_TEXT, allowed.data, allowed.len};
        (void)snprintf(check.product, sizeof check.product, "%s", w->product);
        (void)snprintf(check.channel, sizeof check.channel, "%s", w->channel ? w->channel : "");
        (void)snprintf(check.platform, sizeof check.platform, "%s", s.platform);
        rc = queue(a, &r, &check, NULL, e);
    }
    gf_buf_free(&body);
    gf_buf_free(&allowed);
    if (rc == 0)
        *record = r.id;
    return rc;
}

/* ---- a report ---- */

/* The serial of the version that was installed, where its manifest is known. */
static int find_serial(struct agent *a, const struct updates_outcome *o, int64_t *serial,
                       struct gf_err *e) {
    struct updates_known *known = NULL;
    size_t n = 0;

    *serial = 0;
    if (updates_known(a, &known, &n, e) == -1)
        return -1;
    for (size_t i = 0; i < n && *serial == 0; i++) {
        if (known[i].valid && strcmp(known[i].product, o->product) == 0 &&
            strcmp(known[i].update.version, o->version) == 0)
            *serial = known[i].serial;
    }
    updates_known_free(known, n);
    return 0;
}

static int put_report(struct agent *a, const struct updates_outcome *o, struct gf_buf *out,
                      struct gf_err *e) {
    char platform[GF_WORD_MAX + 1];
    struct licence licence;
    int64_t serial;

    if (check_word("product", o->product, e) == -1 || check_version(o->version, e) == -1 ||
        (o->note && check_text("note", o->note, NOTE_MAX, e) == -1) ||
        find_serial(a, o, &serial, e) == -1 || find_licence(a, o->product, &licence, e) == -1)
        return -1;
    find_platform(platform);
    gf_buf_text(out, "{\"format\": \"gapferry-update-report/1\"");
    gf_json_put_text(out, "product", o->product);
    gf_json_put_text(out, "version", o->version);
    if (serial > 0)
        gf_buf_printf(out, ", \"serial\": %lld", (long long)serial);
    else
        gf_buf_text(out, ", \"serial\": null");
    gf_json_put_text(out, "platform", platform);
    gf_json_put_text(out, "result", o->installed ? "installed" : "failed");
    gf_json_put_text(out, "note", o->note);
    gf_json_put_text(out, "license", licence.id[0] ? licence.id : NULL);
    gf_buf_text(out, ", \"ext\": {}}");
    return gf_buf_check(out, "update report", e);
}

int updates_report(struct agent *a, const struct updates_outcome *o, struct gf_id *record,
                   struct gf_buf *dropped, struct gf_err *e) {
    const struct store_installation i = {
        .product = o->product, .version = o->version, .installed = o->installed, .at = a->now};
    struct gf_buf body, allowed;
    struct gf_record r;
    int rc = -1;

    gf_buf_init(&body, BODY_MAX);
    gf_buf_init(&allowed, BODY_MAX);
    if (put_report(a, o, &body, e) == 0 && redact(a, &body, &allowed, dropped, e) == 0)
        rc = command_record(a, &r, e);
    if (rc == 0) {
        r.channel = UPDATES_CHANNEL;
        r.product = o->product;
        r.type = UPDATES_REPORT_TYPE;
        r.body = (struct gf_body){GF_BODY_TEXT, allowed.data, allowed.len};
        rc = queue(a, &r, NULL, &i, e);
    }
    gf_buf_free(&body);
    gf_buf_free(&allowed);
    if (rc == 0)
        *record = r.id;
    return rc;
}
