/*
 * cmd_endpoints.c -- `endpoints list | check | firewall`: where records go, whether that can be
 * reached, and what a firewall has to let through.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "relay/command.h"
#include "relay/endpoints/endpoint.h"

#define PROBE_MS 15000 /* for one place */

static const struct option_spec specs[] = {
    {"connect", 0, NULL, "check: also connect to each: name, route, proxy, TLS; nothing is sent"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

#define PLACE_TEXT  300
#define LIST_MAX    (1 << 20)
#define ADVICE_TEXT 300

struct looking {
    struct relay *r;
    struct out *t;
    struct https *client;
    struct endpoint *endpoint;
    int *status;
    struct gf_buf places, remarks; /* firewall: lines so far, and what is told beside them */
};

/* HOST:PORT, as firewalls and curl write it. */
static void write_place(char out[PLACE_TEXT], const struct endpoint_place *p) {
    int v6 = strchr(p->host, ':') != NULL;

    (void)snprintf(out, PLACE_TEXT, "%s%.260s%s:%d", v6 ? "[" : "", p->host, v6 ? "]" : "",
                   p->port);
}

static void put_place(struct out *t, const struct endpoint_place *p) {
    char place[PLACE_TEXT];

    write_place(place, p);
    out_text(t, "%s", place);
    out_str(t, "host", p->host);
    out_int(t, "port", p->port);
}

static int for_each(struct looking *x, int one(struct looking *, const char *, struct gf_err *),
                    struct gf_err *e) {
    const char *name;
    int rc = 0;

    out_open(x->t, "endpoints", '[');
    for (size_t i = 0; rc == 0 && (name = config_name(x->r->config, "endpoint", i)) != NULL; i++)
        rc = one(x, name, e);
    out_close(x->t, ']');
    return rc;
}

/* ---- list ---- */

static const char *list_value(const struct config *c, const char *name, const char *key) {
    return strcmp(key, "idempotency") == 0 ? endpoint_idempotency(c, name)
                                           : endpoint_value(c, name, key);
}

static int list_one(struct looking *x, const char *name, struct gf_err *e) {
    static const char *const keys[] = {"channel", "type",    "sender", "product",    "profile",
                                       "url",     "program", "proxy",  "idempotency"};
    struct out *t = x->t;
    (void)e;

    out_open(t, NULL, '{');
    out_str(t, "endpoint", name);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        out_str(t, keys[i], list_value(x->r->config, name, keys[i]));
    out_close(t, '}');
    out_safe(t, name);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *is = list_value(x->r->config, name, keys[i]);
        if (is == NULL)
            continue;
        out_text(t, "  %s ", keys[i]);
        out_safe(t, is);
    }
    out_text(t, "\n");
    return 0;
}

/* ---- firewall ---- */

/* The line is for programs: each place once, and nothing else. */
static void put_line(struct looking *x, const struct endpoint_place *p) {
    char line[PLACE_TEXT + 2], place[PLACE_TEXT];

    write_place(place, p);
    int len = snprintf(line, sizeof line, "\n%s\n", place);
    if (x->places.len == 0)
        gf_buf_byte(&x->places, '\n');
    if (x->places.data == NULL ||
        memmem(x->places.data, x->places.len, line, (size_t)len) == NULL) {
        gf_buf_text(&x->places, line + 1);
        out_text(x->t, "%s\n", place);
    }
    gf_buf_printf(&x->remarks, "%s: %s \"", place, p->proxy ? "proxy of endpoint" : "endpoint");
    gf_text_safe(&x->remarks, p->endpoint, strlen(p->endpoint));
    gf_buf_printf(&x->remarks, "\"%s\n", p->loopback ? ", on this machine" : "");
}

static int put_firewall(void *arg, const struct endpoint_place *p, struct gf_err *e) {
    struct looking *x = arg;
    (void)e;

    if (!x->t->json) {
        put_line(x, p);
        return 0;
    }
    out_open(x->t, NULL, '{');
    out_str(x->t, "host", p->host);
    out_int(x->t, "port", p->port);
    out_str(x->t, "endpoint", p->endpoint);
    out_bool(x->t, "proxy", p->proxy);
    out_bool(x->t, "this_machine", p->loopback);
    out_close(x->t, '}');
    return 0;
}

static int firewall_one(struct looking *x, const char *name, struct gf_err *e) {
    return endpoint_places(x->r->config, name, 0, put_firewall, x, e);
}

/* Standard output is for a program that makes rules of it; whose each place is, is for people. */
static int firewall(struct looking *x, struct gf_err *e) {
    gf_buf_init(&x->places, LIST_MAX);
    gf_buf_init(&x->remarks, LIST_MAX);
    int rc = for_each(x, firewall_one, e);
    if (rc == 0)
        rc = gf_buf_check(&x->places, "the list", e);
    if (rc == 0 && x->remarks.data != NULL && !x->remarks.failed)
        (void)fwrite(x->remarks.data, 1, x->remarks.len, stderr);
    gf_buf_free(&x->places);
    gf_buf_free(&x->remarks);
    return rc;
}

/* ---- check ---- */

static int probe(void *arg, const struct endpoint_place *p, struct gf_err *e) {
    struct looking *x = arg;
    struct https_options o = x->endpoint->http;
    struct https_answer a;

    /* Nothing is asked, so that no endpoint can take it for a record. */
    o.url = p->url;
    o.method = "GET";
    o.connect_only = 1;
    if (o.total_ms > PROBE_MS)
        o.total_ms = PROBE_MS;
    if (https_request(x->client, &o, &a, e) == -1)
        return -1;
    int is_ok = a.stage == HTTPS_OK;
    int held = endpoint_http_verdict(a.status) == ENDPOINT_HELD; /* by its proxy */
    char advice[ADVICE_TEXT];
    (void)snprintf(advice, sizeof advice, "%s; %s", is_ok ? "" : endpoint_advice(a.stage),
                   held ? "its records are held until you release them (records release)"
                        : "its records wait, and are tried again by themselves");
    out_open(x->t, NULL, '{');
    out_str(x->t, "endpoint", p->endpoint);
    out_safe(x->t, p->endpoint);
    out_text(x->t, "  ");
    put_place(x->t, p);
    out_str(x->t, "stage", https_stages[a.stage]);
    out_str(x->t, "reason", is_ok ? NULL : a.text);
    out_str(x->t, "advice", is_ok ? NULL : advice);
    out_text(x->t, "  %s", https_stages[a.stage]);
    if (!is_ok) {
        out_text(x->t, ": ");
        out_safe(x->t, a.text);
        out_text(x->t, "\n  advice: %s", advice);
        *x->status = GF_EXIT_UNREACHABLE;
    } else if (o.proxy != NULL) {
        out_text(x->t, ", by way of its proxy");
    }
    out_text(x->t, "\n");
    out_close(x->t, '}');
    https_answer_free(&a);
    return 0;
}

static int connect_one(struct looking *x, const char *name, struct gf_err *e) {
    struct endpoint p;

    if (endpoint_profile_of(x->r->config, name) == &endpoint_agent) {
        if (endpoint_agent_reach(x->r, name, e) == -1)
            return gf_err_prefix(e, "[endpoint \"%s\"]", name);
        out_safe(x->t, name);
        out_text(x->t, "  can be reached: the spools of the agent on this host\n");
        return 0;
    }
    if (endpoint_value(x->r->config, name, "url") == NULL) {
        out_safe(x->t, name);
        out_text(x->t, "  connects to nothing: profile %s\n",
                 endpoint_value(x->r->config, name, "profile"));
        return 0;
    }
    if (endpoint_open(&p, x->r, name, e) == -1)
        return gf_err_prefix(e, "[endpoint \"%s\"]", name);
    x->endpoint = &p;
    int rc = endpoint_places(x->r->config, name, 1, probe, x, e);
    endpoint_close(&p);
    return rc;
}

/* ---- the command ---- */

static int check(struct looking *x, int connect, struct gf_err *e) {
    int64_t n = 0;

    while (config_name(x->r->config, "endpoint", (size_t)n) != NULL)
        n++;
    if (!connect) {
        command_int(x->t, NULL, "right", n);
        out_text(x->t,
                 "%" PRId64 " endpoint%s: no mistake was found in the configuration; with "
                 "--connect each is tried\n",
                 n, n == 1 ? "" : "s");
        return 0;
    }
    if (https_new(&x->client, e) == -1)
        return -1;
    int rc = for_each(x, connect_one, e);
    https_free(x->client);
    return rc;
}

static int work(struct relay *r, const struct options *o, int *status, struct gf_err *e) {
    const char *verb = options_arg(o, 0);
    int connect = options_count(o, "connect") > 0;
    struct looking x = {.r = r, .status = status};
    struct out t;
    int rc;

    if (command_args(o, 1, 1, "list, check or firewall", e) == -1)
        return -1;
    int is_check = strcmp(verb, "check") == 0;
    if (connect && !is_check)
        return gf_err_set(e, GF_E_USAGE, "endpoints %.64s: --connect is for check", verb);
    /* What root can read says nothing of what the relay's user can. */
    if (is_check && command_check_user(COMMAND_PROGRAM, r->state, e) == -1)
        return -1;
    if (endpoint_check(r->config, e) == -1)
        return -1;
    out_begin(&t, o);
    x.t = &t;
    if (is_check)
        rc = check(&x, connect, e);
    else if (strcmp(verb, "list") == 0)
        rc = for_each(&x, list_one, e);
    else if (strcmp(verb, "firewall") == 0)
        rc = firewall(&x, e);
    else
        rc = gf_err_set(e, GF_E_USAGE, "endpoints %.64s: must be list, check or firewall", verb);
    if (rc == -1) {
        out_free(&t);
        return -1;
    }
    if (command_end(&t, e) == -1)
        return -1;
    if (config_name(r->config, "endpoint", 0) == NULL && options_count(o, "json") == 0)
        (void)fprintf(stderr,
                      "there is no [endpoint \"NAME\"] in %s; every record that arrives is held\n",
                      r->config_path);
    return 0;
}

int cmd_endpoints(const char *root, int argc, char **argv) {
    static const struct command c = {
        {COMMAND_PROGRAM " endpoints", "list|check|firewall [OPTION]...",
         "list: where records go. check: look for mistakes, and with --connect whether each can be "
         "reached: name, route, proxy and TLS, without sending anything; status 69 where one "
         "cannot. firewall: HOST:PORT of each, one a line, for an allow-list; where an endpoint "
         "has a proxy, that of the proxy; whose each is goes to standard error.",
         specs,
         "Examples:\n  gapferry-relay endpoints check --connect\n"
         "  gapferry-relay endpoints firewall\n"},
        COMMAND_CONFIG,
        work};
    return command_run(&c, root, argc, argv);
}
