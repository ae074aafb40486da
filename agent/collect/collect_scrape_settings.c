/*
 * collect_scrape_settings.c -- [scrape "NAME"] of agent.conf.
 */
#include "agent/collect/collect_scrape_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/deny.h"
#include "common/grid.h"
#include "gapferry/text.h"

#define SECTION "scrape"
#define UNIX    "http+unix://"

#define DEFAULT_PATH "/metrics"

#define EVERY_MIN    10
#define EVERY_MAX    86400
#define BODY_MIN     1024
#define BODY_MAX     (16 << 20)
#define INSTANCE     "service.instance.id" /* which of several endpoints of one job */
#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

static int wrong(const struct config *c, const char *name, const char *key, const char *why,
                 struct gf_err *e) {
    const char *value = config_get(c, SECTION, name, key);

    return gf_err_set(e, GF_E_CONFIG, "%s: [" SECTION " \"%s\"] %s = %s: %s",
                      config_origin(c, SECTION, name, key), name, key, value != NULL ? value : "",
                      why);
}

static int is_name(const char *text) {
    size_t n = strlen(text);

    return n > 0 && n <= GF_WORD_MAX && strspn(text, NAME_LETTERS) == n;
}

/* ---- url ---- */

/* What is left of the text behind a number up to 255, of one spelling; NULL: there is none. */
static const char *skip_octet(const char *p, unsigned *out) {
    size_t n = strspn(p, "0123456789");

    if (n == 0 || n > 3 || (n > 1 && *p == '0'))
        return NULL;
    *out = (unsigned)strtoul(p, NULL, 10);
    return *out <= 255 ? p + n : NULL;
}

enum reach { HERE, SITE, OUTSIDE };

static enum reach reach_v4(const char *host) {
    unsigned a[4];

    for (int i = 0; i < 4; i++) {
        host = skip_octet(host, &a[i]);
        if (host == NULL || *host != (i < 3 ? '.' : '\0'))
            return OUTSIDE;
        host++;
    }
    if (a[0] == 127)
        return HERE;
    return a[0] == 10 || (a[0] == 172 && a[1] / 16 == 1) || (a[0] == 192 && a[1] == 168) ? SITE
                                                                                         : OUTSIDE;
}

/* fc00::/7 has its first four digits written out. */
static enum reach reach_v6(const char *host) {
    if (strcmp(host, "::1") == 0)
        return HERE;
    return (host[0] == 'f' || host[0] == 'F') && strchr("cdCD", host[1]) != NULL &&
                   strspn(host, "0123456789abcdefABCDEF") == 4 && host[4] == ':'
               ? SITE
               : OUTSIDE;
}

/* How far a URL http://ADDRESS[:PORT][/PATH] leads; OUTSIDE also for what is none. */
static enum reach reach_of(const char *url) {
    char host[64];
    const char *at = url + strlen("http://");
    const char *end = at[0] == '[' ? strchr(at, ']') : at + strcspn(at, ":/?");
    size_t six = at[0] == '[';

    if (end == NULL || (size_t)(end - at) >= sizeof host)
        return OUTSIDE;
    (void)snprintf(host, sizeof host, "%.*s", (int)(end - at - (ptrdiff_t)six), at + six);
    end += six;
    if (*end == ':') {
        size_t digits = strspn(end + 1, "0123456789");
        if (digits == 0 || digits > 5)
            return OUTSIDE;
        end += 1 + digits;
    }
    if (*end != '\0' && *end != '/')
        return OUTSIDE;
    return six ? reach_v6(host) : reach_v4(host);
}

/* How the path is named that begins at `path`, NULL: nowhere. */
static enum collect_scrape_path path_of(const char *path) {
    if (path == NULL)
        return COLLECT_SCRAPE_PATHLESS;
    return path[1] == '\0' ? COLLECT_SCRAPE_ROOT : COLLECT_SCRAPE_PATH;
}

/* http+unix:///SOCKET[:/PATH]. */
static int read_unix(const char *url, struct collect_scrape_settings *s) {
    const char *path = url + strlen(UNIX);
    const char *end = strstr(path, ":/");
    size_t n = end != NULL ? (size_t)(end - path) : strlen(path);

    if (path[0] != '/' || n < 2 || n >= sizeof s->socket)
        return -1;
    memcpy(s->socket, path, n);
    s->here = 1;
    s->path = path_of(end != NULL ? end + 1 : NULL);
    (void)snprintf(s->url, sizeof s->url, "%s%s", url, end != NULL ? "" : ":" DEFAULT_PATH);
    int len = snprintf(s->request, sizeof s->request, "http://127.0.0.1%s",
                       end != NULL ? end + 1 : DEFAULT_PATH);
    return len > 0 && len < (int)sizeof s->request ? 0 : -1;
}

static int read_url(const struct config *c, struct collect_scrape_settings *s, struct gf_err *e) {
    const char *url = config_get(c, SECTION, s->name, "url");
    const char *mode = config_get(c, "agent", NULL, "mode");

    if (url == NULL)
        return gf_err_set(e, GF_E_CONFIG, "%s: [" SECTION " \"%s\"]: it needs a url",
                          config_where(c, SECTION, s->name), s->name);
    if (strlen(url) > COLLECT_SCRAPE_URL_MAX || strpbrk(url, " \t#@\"\\") != NULL)
        return wrong(c, s->name, "url", "no URL: too long, or with blanks, quotes, # or @", e);

    if (strncmp(url, UNIX, strlen(UNIX)) == 0) {
        if (read_unix(url, s) == -1)
            return wrong(c, s->name, "url",
                         "must be http+unix:///SOCKET:/PATH, with a socket's path of at most 107 "
                         "bytes",
                         e);
        return 0;
    }
    enum reach reach = strncmp(url, "http://", 7) == 0 ? reach_of(url) : OUTSIDE;
    if (reach == OUTSIDE)
        return wrong(c, s->name, "url",
                     "must be http://ADDRESS:PORT/PATH with an address, no name, of this host or "
                     "of a private network (10.x, 172.16.x to 172.31.x, 192.168.x, [fc00::/7]), or "
                     "http+unix:///SOCKET:/PATH",
                     e);
    if (reach == SITE && strcmp(mode, "airgap") == 0)
        return wrong(c, s->name, "url",
                     "with [agent] mode = airgap only unix sockets and addresses of this host "
                     "(127.x, [::1]) are asked",
                     e);

    const char *path = strchr(url + strlen("http://"), '/');
    s->here = reach == HERE;
    s->path = path_of(path);
    (void)snprintf(s->url, sizeof s->url, "%s%s", url, path != NULL ? "" : DEFAULT_PATH);
    memcpy(s->request, s->url, sizeof s->request);
    return 0;
}

/* ---- the others ---- */

static int read_times(const struct config *c, struct collect_scrape_settings *s, struct gf_err *e) {
    if (config_span(c, SECTION, s->name, "every", &s->every, e) == -1 ||
        config_span(c, SECTION, s->name, "timeout", &s->timeout, e) == -1)
        return -1;
    if (s->every < EVERY_MIN || s->every > EVERY_MAX)
        return wrong(c, s->name, "every", "must be between 10s and 1d", e);
    if (s->timeout < 1 || s->timeout > s->every)
        return wrong(c, s->name, "timeout", "must be at least 1s, and not longer than `every`", e);
    return 0;
}

static int read_names(const struct config *c, const char *channel,
                      struct collect_scrape_settings *s, struct gf_err *e) {
    const char *job = config_get(c, SECTION, s->name, "job");
    const char *own = config_get(c, SECTION, s->name, "channel");

    if (job == NULL)
        job = s->name;
    if (!is_name(job))
        return wrong(c, s->name, "job", "must be 1 to 64 characters of [A-Za-z0-9_.-]", e);
    (void)snprintf(s->job, sizeof s->job, "%s", job);
    if (own == NULL)
        own = channel;
    if (!gf_text_is_word(own, strlen(own), GF_WORD_MAX) || grid_is_own_consent(own))
        return wrong(c, s->name, "channel",
                     "must be 1 to 64 characters of [a-z0-9.-], and neither license nor updates",
                     e);
    (void)snprintf(s->channel, sizeof s->channel, "%s", own);
    return 0;
}

static int read_one(const struct config *c, const char *name, const char *channel,
                    struct collect_scrape_settings *s, struct gf_err *e) {
    if (!is_name(name))
        return gf_err_set(e, GF_E_CONFIG,
                          "%s: [" SECTION " \"%s\"]: the name must be 1 to 64 characters of "
                          "[A-Za-z0-9_.-]",
                          config_where(c, SECTION, name), name);
    (void)snprintf(s->name, sizeof s->name, "%s", name);
    if (read_url(c, s, e) == -1 || read_times(c, s, e) == -1 ||
        read_names(c, channel, s, e) == -1 ||
        config_size(c, SECTION, name, "body_max", &s->body_max, e) == -1)
        return -1;
    if (s->body_max < BODY_MIN || s->body_max > BODY_MAX)
        return wrong(c, name, "body_max", "must be between 1K and 16M", e);
    return 0;
}

/* ---- all together ---- */

/* Points of two endpoints of one job differ by the attribute that says which it was. */
static int check_job(const struct config *c, const struct collect_scrape_settings *s,
                     const struct collect_scrape_settings *other, struct gf_err *e) {
    struct otlp_deny *deny = NULL;

    if (strcmp(s->job, other->job) != 0)
        return 0;
    if (deny_read(config_get(c, "channel", s->channel, "deny"), &deny, e) == -1)
        return -1;
    int denied = otlp_deny_has(deny, (const uint8_t *)INSTANCE, strlen(INSTANCE));
    otlp_deny_free(deny);
    if (!denied)
        return 0;
    return gf_err_set(e, GF_E_CONFIG,
                      "%s: [" SECTION " \"%s\"]: it has the job of [" SECTION " \"%s\"], and what "
                      "tells them apart (" INSTANCE ") may not leave on channel %s; give each its "
                      "own job, or the channel a `deny` without " INSTANCE,
                      config_where(c, SECTION, s->name), s->name, other->name, s->channel);
}

static int check_all(const struct config *c, const struct collect_scrapes *all, struct gf_err *e) {
    int64_t room = 0;

    for (size_t i = 0; i < all->n; i++) {
        room += all->list[i].body_max;
        for (size_t k = 0; k < i; k++) {
            if (check_job(c, &all->list[i], &all->list[k], e) == -1)
                return -1;
        }
        if (room > COLLECT_SCRAPE_ROOM)
            return wrong(c, all->list[i].name, "body_max",
                         "all answers together may have 64M; name less here, or in others", e);
    }
    return 0;
}

int collect_scrape_settings_read(const struct config *c, const char *channel,
                                 struct collect_scrapes *out, struct gf_err *e) {
    struct collect_scrapes all = {.n = 0};
    const char *name;

    while (config_name(c, SECTION, all.n) != NULL)
        all.n++;
    if (all.n > COLLECT_SCRAPES_MAX)
        return gf_err_set(e, GF_E_CONFIG, "%s: more than %d sections [" SECTION "]",
                          config_where(c, SECTION, config_name(c, SECTION, COLLECT_SCRAPES_MAX)),
                          COLLECT_SCRAPES_MAX);
    all.list = calloc(all.n + 1, sizeof *all.list);
    if (all.list == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for [" SECTION "]");
    for (size_t i = 0; (name = config_name(c, SECTION, i)) != NULL; i++) {
        if (read_one(c, name, channel, &all.list[i], e) == -1)
            goto fail;
    }
    if (check_all(c, &all, e) == -1)
        goto fail;
    *out = all;
    return 0;
fail:
    collect_scrape_settings_free(&all);
    return -1;
}

void collect_scrape_settings_free(struct collect_scrapes *s) {
    free(s->list);
    *s = (struct collect_scrapes){.n = 0};
}
