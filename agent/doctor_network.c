/*
 * doctor_network.c -- how far a try to reach a relay came, in plain words.
 */
#include <stdio.h>
#include <string.h>

#include "agent/doctor.h"

#define LATE 900 /* seconds after which a try that was planned did not come */

static const struct {
    const char *stage, *means, *remedy;
} stages[] = {
    {"no route", "this machine has no way into that network",
     "behind an air gap this is as it should be: carry bundles by drive, and set mode = airgap to "
     "stop trying; else look at cable and routes: ip route"},
    {"no DNS", "the relay's name has no address here, or one that leads nowhere (a sinkhole)",
     "ask who runs the name servers, or give the relay's address in its url; /etc/resolv.conf says "
     "which are asked"},
    {"refused", "the machine was reached, but nobody listens on that port there",
     "is gapferry-relay running there, and is the port in the url the one it listens on?"},
    {"timed out", "no answer came: a firewall drops what is sent, or the machine is down",
     "ask who runs the firewall to let this machine reach the relay's address and port"},
    {"proxy", "the proxy on the way refuses, or wants credentials",
     "ask who runs the proxy to let the relay's address pass; the key `proxy` says which one is "
     "used"},
    {"proxy wants credentials", "the proxy on the way wants a user and a password",
     "ask who runs the proxy to let the relay's address pass without, or to exempt this machine"},
    {"TLS untrusted",
     "the certificate shown is not one that this machine trusts: perhaps somebody "
     "reads along on the way",
     "if the relay has a certificate of its own, name it with ca_file; if a device in between "
     "opens "
     "TLS, have the relay's address exempted"},
    {"wrong answer",
     "something answered, but it did not prove to be our relay: a login page, a "
     "cache, or another server",
     "open the url in a browser on this network; if a page asks you to log in, do that first"},
    {"relay error", "the relay itself is in trouble",
     "ask the relay's operator to look at: gapferry-relay status"},
    {"broken", "the connection broke off in the middle", "is the url's protocol right (https)?"},
};

void doctor_stage(const char *stage, const char **means, const char **remedy) {
    *means = "the try failed";
    *remedy = "gapferry-link probe tries again and says more";
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        if (strcmp(stages[i].stage, stage) == 0) {
            *means = stages[i].means;
            *remedy = stages[i].remedy;
        }
    }
}

static void safe(const char *text, char *out, size_t size) {
    struct gf_buf b;

    gf_buf_init(&b, 4096);
    gf_text_safe(&b, text, strlen(text));
    (void)snprintf(out, size, "%s", b.len > 0 && !b.failed ? b.data : "");
    gf_buf_free(&b);
}

void doctor_network(const struct link_relay *r, int running, int64_t now,
                    struct doctor_finding *out) {
    char name[80], evidence[400], since[GF_TIME_TEXT], tried[GF_TIME_TEXT];
    const char *means, *remedy;

    *out = (struct doctor_finding){.level = DOCTOR_FINE, .about = "network"};
    safe(r->relay, name, sizeof name);
    safe(r->evidence, evidence, sizeof evidence);
    gf_text_time(r->since, since);
    gf_text_time(r->tried, tried);
    switch (r->is) {
    case LINK_ONLINE:
        (void)snprintf(out->text, sizeof out->text, "relay %s: online since %s; it proved itself",
                       name, since);
        break;
    case LINK_AIRGAP:
        (void)snprintf(out->text, sizeof out->text,
                       "relay %s: mode = airgap, nothing is tried; bundles go by drive", name);
        break;
    case LINK_UNPROBED:
        out->level = DOCTOR_NOTE;
        (void)snprintf(out->text, sizeof out->text, "relay %s: not tried yet: %s", name, evidence);
        (void)snprintf(out->remedy, sizeof out->remedy, "gapferry-link probe");
        break;
    case LINK_OFFLINE:
        doctor_stage(r->stage, &means, &remedy);
        out->level = DOCTOR_NOTE;
        (void)snprintf(out->text, sizeof out->text,
                       "relay %s: offline since %s. %s: %s. Last try %s: %s", name, since, r->stage,
                       means, tried, evidence);
        (void)snprintf(out->remedy, sizeof out->remedy, "%s", remedy);
        break;
    }
    if (r->person[0] != '\0') {
        out->level = DOCTOR_WARN;
        safe(r->person, out->text, sizeof out->text);
        (void)snprintf(out->remedy, sizeof out->remedy, "gapferry-agent status says what waits");
    } else if (r->next != 0 && (!running || r->next + LATE < now)) {
        char next[GF_TIME_TEXT];
        gf_text_time(r->next, next);
        out->level = DOCTOR_WARN;
        (void)snprintf(out->text, sizeof out->text,
                       "relay %s: was %s since %s, but gapferry-link, which meant to try again at "
                       "%s, is not at work any more",
                       name, link_states[r->is], since, next);
        (void)snprintf(out->remedy, sizeof out->remedy, "systemctl start gapferry-link");
    }
}
