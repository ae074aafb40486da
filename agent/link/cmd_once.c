/*
 * cmd_once.c -- `probe` and `carry`: one visit to each relay, now.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/link/command.h"
#include "agent/link/state.h"
#include "agent/services.h"
#include "common/command.h"
#include "common/out.h"

static const struct option_spec specs[] = {
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static const struct option_page probe_page = {
    LINK_PROGRAM " probe",
    "[OPTION]...",
    "Try to reach each relay that agent.conf gives a url, and say which stage failed. Only a hello "
    "that the relay signs over a fresh number is a proof. One try decides here. What it finds is "
    "kept for `gapferry-agent status`, unless `gapferry-link run` keeps it. In airgap mode nothing "
    "is tried but relays within the site.",
    specs,
    "Exit status: 0 a relay proved itself, or nothing was to be tried; 69 no relay\n"
    "can be reached.\n",
};

static const struct option_page carry_page = {
    LINK_PROGRAM " carry",
    "[OPTION]...",
    "Visit each relay that agent.conf gives a url once: what the outbox holds for it goes there by "
    "HTTPS, what waits there for this site comes into the inbox, where gapferry-agent finds it. "
    "The same bundles travel as on a drive. For hosts without `gapferry-link run`.",
    specs,
    "Exit status: 0 done, or nothing was to be tried; 69 no relay can be reached;\n"
    "75 a person is awaited; with several relays the gravest counts.\n",
};

struct job {
    const char *root;
    int carry;
};

/* ---- what is printed ---- */

static void show_peer(struct out *t, const struct link_relay *s, const struct visit *v, int carry) {
    char since[GF_TIME_TEXT];

    gf_text_time(s->since, since);
    out_open(t, NULL, '{');
    out_str(t, "relay", s->relay);
    out_str(t, "state", link_states[s->is]);
    out_str(t, "since", since);
    out_str(t, "stage", s->stage);
    out_str(t, "evidence", s->evidence);
    out_str(t, "person", s->person[0] != '\0' ? s->person : NULL);
    if (carry) {
        out_int(t, "sent", v->sent);
        out_int(t, "fetched", v->fetched);
    }
    out_close(t, '}');
    out_text(t, s->relay[0] != '\0' ? "relay \"" : "no relay");
    out_safe(t, s->relay);
    out_text(t, "%s: %s since %s%s%s: ", s->relay[0] != '\0' ? "\"" : "", link_states[s->is], since,
             s->stage[0] != '\0' ? ", stage: " : "", s->stage);
    out_safe(t, s->evidence);
    if (carry && s->is == LINK_ONLINE)
        out_text(t, "; %lld sent, %lld fetched", (long long)v->sent, (long long)v->fetched);
    out_text(t, "\n");
}

/* 0 if one proved itself or nothing was tried; 69 if every try failed; 75 if a person is needed. */
static enum gf_exit verdict(const struct peers *p, int carry) {
    int tried = 0, online = 0, person = 0;

    for (size_t i = 0; i < p->n; i++) {
        tried |= p->list[i].tried;
        online |= p->list[i].shown.is == LINK_ONLINE;
        person |= p->list[i].shown.person[0] != '\0';
    }
    if (tried && !online)
        return GF_EXIT_UNREACHABLE;
    return carry && person ? GF_EXIT_AWAITED : GF_EXIT_DONE;
}

/* ---- the visits ---- */

/* Trouble of our own: told at once; the others are visited all the same. */
static void trouble(const struct peer *peer, const struct gf_err *why, enum gf_exit *status) {
    struct gf_err e = *why;

    (void)gf_err_prefix(&e, "relay \"%s\"", peer->name);
    (void)command_failed(LINK_PROGRAM, &e, 0);
    *status = command_graver(*status, gf_err_exit(why->code));
}

/* *status: of the gravest trouble of our own. */
static int visit_all(struct peers *p, const struct visit_options *o, struct visit *v,
                     enum gf_exit *status, struct gf_err *e) {
    struct https *https = NULL;
    struct gf_err why;

    if (https_new(&https, e) == -1)
        return -1;
    const struct probe_client client = {.https = https};
    for (size_t i = 0; i < p->n; i++) {
        struct peer *peer = &p->list[i];
        int rc = peer->tried ? visit_relay(&client, p, peer, o, &v[i], &why)
                             : visit_none(p, peer, o->write, &why);
        if (rc == -1)
            trouble(peer, &why, status);
    }
    https_free(https);
    return o->write ? state_save(p, e) : 0;
}

static int work(void *context, const struct options *o, int *status, struct gf_err *e) {
    const struct job *j = context;
    struct visit_options how = {.carry = j->carry, .mono = command_mono()};
    struct visit v[LINK_RELAYS_MAX] = {0};
    enum gf_exit worst = GF_EXIT_DONE;
    struct peers p;
    struct agent a;
    struct out t;
    int lock = -1;

    if (command_args(o, 0, 0, "nothing", e) == -1 || command_agent(&a, j->root, e) == -1)
        return -1;
    /* A probe beside `run` leaves what is known to it; the other one carries what there is. */
    how.write = services_claim(a.state, SERVICES_LINK, &lock, e) == 0;
    if (!how.write && (j->carry || e->code != GF_E_BUSY))
        return -1;
    int rc = peers_load(&p, &a, 1, how.mono, e);
    if (rc == 0) {
        if (j->carry)
            carry_tidy(a.state);
        rc = visit_all(&p, &how, v, &worst, e);
        if (rc == 0) {
            out_begin(&t, o);
            out_open(&t, "relays", '[');
            for (size_t i = 0; i < p.n; i++)
                show_peer(&t, &p.list[i].shown, &v[i], j->carry);
            out_close(&t, ']');
            rc = out_end(&t, e);
            *status = (int)command_graver(worst, verdict(&p, j->carry));
        }
        peers_free(&p);
    }
    if (lock != -1)
        (void)close(lock);
    return rc;
}

int cmd_probe(const char *root, int argc, char **argv) {
    struct job j = {.root = root};
    return command_do(LINK_PROGRAM, &probe_page, argc, argv, work, &j);
}

int cmd_carry(const char *root, int argc, char **argv) {
    struct job j = {.root = root, .carry = 1};
    return command_do(LINK_PROGRAM, &carry_page, argc, argv, work, &j);
}
