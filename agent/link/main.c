/*
 * main.c -- gapferry-link: the only program of a site with outward sockets. It holds no secret key
 * and never opens the queue; it tells others what it found in STATE/link.state.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "agent/agent.h"
#include "agent/link/probe.h"
#include "common/options.h"
#include "gapferry/json.h"

#define PROGRAM    "gapferry-link"
#define RELAYS_MAX 64

static const struct option_spec specs[] = {
    {"root", 0, "DIR", "use DIR/etc/gapferry and DIR/var/lib/gapferry"},
    {"json", 0, NULL, "print one JSON object"},
    {"help", 'h', NULL, "show this help"},
    {"version", 0, NULL, "show the version"},
    {NULL, 0, NULL, NULL},
};

static const struct option_page page = {
    .program = PROGRAM,
    .args = "[OPTION]... probe",
    .about =
        "Try to reach each relay that agent.conf gives a url, and say which stage failed. What it "
        "finds is kept for `gapferry-agent status`. In airgap mode nothing is tried.",
    .specs = specs,
    .more = "Exit status: 0 something answers, or nothing was to be tried; 69 no relay can be "
            "reached.\n",
};

static void print_text(const struct state *s) {
    char since[GF_TIME_TEXT];

    gf_text_time(s->since, since);
    (void)printf("relay \"%s\": %s since %s%s%s: ", s->relay, s->state, since,
                 *s->stage != '\0' ? ", stage: " : "", s->stage);
    struct gf_buf safe;
    gf_buf_init(&safe, 4096);
    gf_text_safe(&safe, s->evidence, strlen(s->evidence));
    (void)printf("%s\n", safe.len > 0 ? safe.data : "");
    gf_buf_free(&safe);
}

static void print_json(const struct state *s, size_t n) {
    struct gf_buf b;

    gf_buf_init(&b, 65536);
    gf_buf_text(&b, "{\"relays\":[");
    for (size_t i = 0; i < n; i++) {
        char since[GF_TIME_TEXT];
        gf_text_time(s[i].since, since);
        gf_buf_text(&b, i > 0 ? ",{\"relay\":" : "{\"relay\":");
        gf_json_put_str(&b, s[i].relay, strlen(s[i].relay));
        gf_buf_printf(&b, ",\"state\":\"%s\",\"since\":\"%s\",\"stage\":", s[i].state, since);
        gf_json_put_str(&b, s[i].stage, strlen(s[i].stage));
        gf_buf_text(&b, ",\"evidence\":");
        gf_json_put_str(&b, s[i].evidence, strlen(s[i].evidence));
        gf_buf_byte(&b, '}');
    }
    gf_buf_text(&b, "]}\n");
    (void)printf("%s", b.failed ? "{}\n" : b.data);
    gf_buf_free(&b);
}

/* Probe every relay of the configuration. */
static int probe_all(const struct agent *a, struct state *s, size_t *n, struct gf_err *e) {
    struct https *client = NULL;
    const char *name = NULL;
    int rc = -1;

    if (https_new(&client, e) == -1)
        return -1;
    for (*n = 0; *n < RELAYS_MAX && (name = config_name(a->config, "relay", *n)) != NULL; (*n)++) {
        if (probe_relay(client, a->config, name, a->now, &s[*n], e) == -1)
            goto out;
        state_since(a->state, &s[*n]);
    }
    if (*n == 0) {
        s[0] = (struct state){.state = "unprobed", .stage = "", .tried = a->now};
        (void)snprintf(s[0].evidence, sizeof s[0].evidence,
                       "agent.conf has no [relay] with a url: only drives go out");
        state_since(a->state, &s[0]);
        *n = 1;
    }
    rc = state_save(a->state, s, *n, e);
out:
    https_free(client);
    return rc;
}

/* 0 if anything answers or nothing was tried; 69 if every try failed. */
static int verdict(const struct state *s, size_t n) {
    int offline = 0;

    for (size_t i = 0; i < n; i++) {
        if (strcmp(s[i].state, "answered") == 0)
            return GF_EXIT_DONE;
        offline |= strcmp(s[i].state, "offline") == 0;
    }
    return offline ? GF_EXIT_UNREACHABLE : GF_EXIT_DONE;
}

static int probe(const struct options *o, int *status, struct gf_err *e) {
    static struct state s[RELAYS_MAX];
    const char *root = options_value(o, "root");
    struct agent a;
    struct stat st;
    size_t n = 0;

    if (agent_paths(&a, root, e) == -1)
        return -1;
    if (stat(a.state, &st) == -1)
        return gf_err_set(e, GF_E_CONFIG,
                          "%s: there is no agent yet; make one: gapferry-agent%s%s init", a.state,
                          root != NULL ? " --root " : "", root != NULL ? root : "");
    if (config_load(a.config_path, agent_keys, &a.config, e) == -1)
        return -1;
    int rc = probe_all(&a, s, &n, e);
    config_free(a.config);
    if (rc == -1)
        return -1;
    for (size_t i = 0; i < n && options_count(o, "json") == 0; i++)
        print_text(&s[i]);
    if (options_count(o, "json") > 0)
        print_json(s, n);
    *status = verdict(s, n);
    return 0;
}

int main(int argc, char **argv) {
    struct options o;
    struct gf_err e;
    int status = 0;
    int rc = options_parse(argc - 1, argv + 1, specs, &o, &e);

    if (rc == 0) {
        const char *command = options_arg(&o, 0);
        if (options_count(&o, "help") > 0)
            options_help(&page, stdout);
        else if (options_count(&o, "version") > 0)
            (void)printf(PROGRAM " %s\n", GAPFERRY_VERSION);
        else if (command == NULL || strcmp(command, "probe") != 0 || o.nargs > 1)
            rc = gf_err_set(&e, GF_E_USAGE, "the command is `probe`; see " PROGRAM " --help");
        else
            rc = probe(&o, &status, &e);
    }
    options_free(&o);
    if (rc == -1) {
        (void)fprintf(stderr, PROGRAM ": %s\n", e.text);
        return (int)gf_err_exit(e.code);
    }
    return status;
}
