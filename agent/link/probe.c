/* probe.c -- one try to reach a relay, and what it shows. */
#include "agent/link/probe.h"

#include <stdio.h>
#include <string.h>

static const char *const modes[] = {"auto", "airgap", "online", NULL};
enum mode { MODE_AUTO, MODE_AIRGAP, MODE_ONLINE };
static const char *const reaches[] = {"site", "outside", NULL};
enum reach { REACH_SITE, REACH_OUTSIDE };

/* How long one try may take: a person may be waiting for it. */
#define CONNECT_MS 5000
#define TOTAL_MS   10000
#define ANSWER_MAX 4096

/* Put what a request showed into words. */
static void read_answer(const struct https_answer *a, const char *url, struct state *s) {
    if (a->stage != HTTPS_OK) {
        s->state = "offline";
        s->stage = https_stages[a->stage];
        (void)snprintf(s->evidence, sizeof s->evidence, "GET %.120s: %.120s", url, a->text);
    } else if (a->status != 200) {
        s->state = "offline";
        s->stage = a->status >= 500 ? "relay error" : "wrong answer";
        (void)snprintf(s->evidence, sizeof s->evidence,
                       "GET %.120s: status %ld, which no relay gives", url, a->status);
    } else {
        s->state = "answered";
        s->stage = "";
        (void)snprintf(s->evidence, sizeof s->evidence, "GET %.120s: status 200", url);
    }
}

int probe_relay(struct https *client, const struct config *c, const char *name, int64_t now,
                struct state *out, struct gf_err *e) {
    const char *base = config_get(c, "relay", name, "url");
    struct https_answer a;
    struct state s = {.state = "unprobed", .stage = "", .tried = now};
    char url[512];
    int mode = MODE_AUTO;
    int reach = REACH_OUTSIDE;

    if (config_enum(c, "agent", NULL, "mode", modes, &mode, e) == -1 ||
        config_enum(c, "relay", name, "reach", reaches, &reach, e) == -1)
        return -1;
    (void)snprintf(s.relay, sizeof s.relay, "%s", name);
    if (base == NULL) {
        (void)snprintf(s.evidence, sizeof s.evidence, "it has no url: only drives go there");
        *out = s;
        return 0;
    }
    if (mode == MODE_AIRGAP && reach != REACH_SITE) {
        s.state = "airgap";
        (void)snprintf(s.evidence, sizeof s.evidence, "mode = airgap: nothing is tried");
        *out = s;
        return 0;
    }
    size_t len = strlen(base);
    (void)snprintf(url, sizeof url, "%.*s/healthz", (int)(len - (len > 0 && base[len - 1] == '/')),
                   base);
    const struct https_options o = {.url = url,
                                    .method = "GET",
                                    .ca_file = config_get(c, "relay", name, "ca_file"),
                                    .proxy = config_get(c, "relay", name, "proxy"),
                                    .connect_ms = CONNECT_MS,
                                    .total_ms = TOTAL_MS,
                                    .answer_max = ANSWER_MAX};
    if (https_request(client, &o, &a, e) == -1)
        return gf_err_prefix(e, "%s", config_origin(c, "relay", name, "url"));
    read_answer(&a, url, &s);
    https_answer_free(&a);
    *out = s;
    return 0;
}
