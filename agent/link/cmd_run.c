/*
 * cmd_run.c -- `run`: visits when they are due, and nothing in between.
 */
#include <stdio.h>
#include <unistd.h>

#include "agent/link/command.h"
#include "agent/link/state.h"
#include "agent/link/watch.h"
#include "agent/services.h"
#include "common/command.h"
#include "common/log.h"

#define HOLD_AFTER_TROUBLE 60 /* seconds, when our own disk or configuration fails a visit */

static const struct option_spec specs[] = {
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static const struct option_page page = {
    LINK_PROGRAM " run",
    "[OPTION]...",
    "Find out again and again whether the relays of agent.conf can be reached, and carry bundles "
    "by HTTPS while they can. Each change is logged once and kept in link.history. Sleeps between "
    "visits; wakes when routes change, and when there is a new bundle. SIGHUP reads the "
    "configuration again, SIGTERM ends. In airgap mode it serves only relays within the site, and "
    "ends if there are none.",
    specs,
    "Exit status: 0 ended, or there is no relay to serve; 73 another one is running.\n",
};

struct daemon {
    struct agent a;
    struct peers p;
    struct watch w;
    struct probe_client client;
};

/* Visit what is due; seconds until the next visit, -1: none is planned. */
static int64_t visit_due(struct daemon *d) {
    struct visit_options o = {.carry = 1, .write = 1, .again = 1};
    int64_t wait = -1;
    struct visit v;
    struct gf_err e;

    for (size_t i = 0; i < d->p.n; i++) {
        struct peer *peer = &d->p.list[i];
        o.mono = command_mono();
        if (!peer->tried)
            continue;
        if (peer->machine.next <= o.mono && !watch_ending(&d->w) &&
            visit_relay(&d->client, &d->p, peer, &o, &v, &e) == -1) {
            log_write(LOG_LEVEL_ERROR, "visit-failed", {"relay", peer->name, 0},
                      {"why", e.text, 0});
            machine_hold(&peer->machine, HOLD_AFTER_TROUBLE, o.mono);
        }
        int64_t left = peer->machine.next - command_mono();
        left = left < 0 ? 0 : left;
        wait = wait == -1 || left < wait ? left : wait;
    }
    return wait;
}

/* Those that are not to be tried: told once. */
static int show_untried(struct daemon *d, struct gf_err *e) {
    for (size_t i = 0; i < d->p.n; i++) {
        if (!d->p.list[i].tried && visit_none(&d->p, &d->p.list[i], 1, e) == -1)
            return -1;
    }
    return state_save(&d->p, e);
}

/* A configuration that is wrong does not end what works. */
static void reload(struct daemon *d) {
    struct peers fresh;
    struct gf_err e;

    if (peers_load(&fresh, &d->a, 0, command_mono(), &e) == -1) {
        log_write(LOG_LEVEL_ERROR, "reload-failed", {"why", e.text, 0});
        return;
    }
    peers_free(&d->p);
    d->p = fresh;
    log_write(LOG_LEVEL_INFO, "reloaded", {"relays", NULL, (int64_t)d->p.n});
    if (show_untried(d, &e) == -1)
        log_write(LOG_LEVEL_ERROR, "state-not-written", {"why", e.text, 0});
}

static void wake(struct daemon *d, int events) {
    for (size_t i = 0; i < d->p.n; i++) {
        struct peer *peer = &d->p.list[i];
        if (events & WATCH_ROUTES)
            machine_wake(&peer->machine, &peer->rules, command_mono());
        if (events & WATCH_OUTBOX)
            machine_due(&peer->machine, command_mono());
    }
}

static void loop(struct daemon *d) {
    while (peers_any(&d->p)) {
        int events = watch_wait(&d->w, visit_due(d));
        if (events & WATCH_END) {
            log_write(LOG_LEVEL_INFO, "ended", {"by", "signal", 0});
            return;
        }
        if (events & WATCH_RELOAD)
            reload(d);
        wake(d, events);
    }
    log_write(LOG_LEVEL_NOTICE, "nothing-to-serve",
              {"why",
               d->p.mode == PEERS_AIRGAP ? "mode = airgap, and no relay with a url has reach = site"
                                         : "agent.conf has no [relay] with a url",
               0});
    (void)fprintf(stderr, LINK_PROGRAM ": ended: %s\n",
                  d->p.mode == PEERS_AIRGAP
                      ? "in airgap mode only relays with reach = site are served, and there is none"
                      : "agent.conf has no [relay] with a url: only drives go out");
}

static int serve(struct daemon *d, struct gf_err *e) {
    struct https *https = NULL;
    int rc = -1;

    if (peers_load(&d->p, &d->a, 0, command_mono(), e) == -1)
        return -1;
    if (watch_open(&d->w, d->a.state, e) == 0) {
        if (https_new(&https, e) == 0 && show_untried(d, e) == 0) {
            d->client = (struct probe_client){https, watch_ending, &d->w};
            carry_tidy(d->a.state);
            loop(d);
            rc = 0;
        }
        https_free(https);
        watch_close(&d->w);
    }
    peers_free(&d->p);
    return rc;
}

static int work(void *context, const struct options *o, int *status, struct gf_err *e) {
    const char *const *root = context;
    struct daemon d = {0};
    int lock = -1;

    (void)status;
    if (command_args(o, 0, 0, "nothing", e) == -1 || command_agent(&d.a, *root, e) == -1)
        return -1;
    if (services_claim(d.a.state, SERVICES_LINK, &lock, e) == -1)
        return -1;
    int rc = serve(&d, e);
    (void)close(lock);
    return rc;
}

int cmd_link_run(const char *root, int argc, char **argv) {
    return command_do(LINK_PROGRAM, &page, argc, argv, work, &root);
}
