/*
 * visit.c -- one visit to a relay, and its traces.
 */
#include "agent/link/visit.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/link/state.h"
#include "common/log.h"
#include "gapferry/digest.h"

static uint32_t draw(void) {
    uint32_t random;

    gf_digest_random(&random, sizeof random);
    return random;
}

/* Each change is told once and kept. */
static int tell(struct peers *p, struct peer *peer, enum link_is was, int write, struct gf_err *e) {
    const struct link_relay *s = &peer->shown;
    /* In mode online the relay is expected to be there. */
    enum log_level level =
        s->is == LINK_OFFLINE && p->mode == PEERS_ONLINE ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE;
    log_write(level, "relay-changed", {"relay", s->relay, 0}, {"from", link_states[was], 0},
              {"to", link_states[s->is], 0}, {"stage", s->stage, 0}, {"evidence", s->evidence, 0});
    return write ? state_changed(p, peer, e) : 0;
}

/* What a failure looks like while the relay still counts as online, and the reverse. */
static void show_try(struct peer *peer, int ok, const char *stage, const char *evidence) {
    const struct machine *m = &peer->machine;
    struct link_relay *s = &peer->shown;
    const char *kind = ok ? "success" : "failure";
    int64_t of = ok ? peer->rules.successes : peer->rules.failures;

    (void)snprintf(s->stage, sizeof s->stage, "%s", ok ? "" : stage);
    if ((m->is == LINK_ONLINE) == ok && m->is != LINK_UNPROBED)
        (void)snprintf(s->evidence, sizeof s->evidence, "%s", evidence);
    else
        (void)snprintf(s->evidence, sizeof s->evidence, "%s %lld of %lld: %.440s", kind,
                       (long long)(ok ? m->oks : m->fails), (long long)of, evidence);
}

/* Exchange bundles; what breaks on the way counts as a failed try. */
static int exchange(const struct probe_client *client, struct peers *p, struct peer *peer,
                    const struct probe *probe, const struct visit_options *o, struct visit *out,
                    struct gf_err *e) {
    struct link_relay *s = &peer->shown;
    struct carry r;

    if (carry_round(client, p, peer, &probe->relay, &r, e) == -1)
        return -1;
    out->sent = r.sent;
    out->fetched = r.fetched;
    if (r.person[0] != '\0' && strcmp(s->person, r.person) != 0)
        log_write(LOG_LEVEL_WARNING, "person-needed", {"relay", s->relay, 0}, {"why", r.person, 0});
    (void)snprintf(s->person, sizeof s->person, "%s", r.person);
    if (r.stage != NULL) {
        (void)machine_result(&peer->machine, &peer->rules, 0, o->mono, draw());
        show_try(peer, 0, r.stage, r.evidence);
        return 0;
    }
    machine_paced(&peer->machine, &peer->rules, r.awaited, draw());
    if (r.hold > 0)
        machine_hold(&peer->machine, r.hold, o->mono);
    size_t len = strlen(s->evidence);
    if (r.evidence[0] != '\0' || r.person[0] != '\0')
        (void)snprintf(s->evidence + len, sizeof s->evidence - len, "; %s%s",
                       r.person[0] != '\0' ? "a person is needed: " : "",
                       r.person[0] != '\0' ? r.person : r.evidence);
    return 0;
}

static int finish(struct peers *p, struct peer *peer, enum link_is was,
                  const struct visit_options *o, struct gf_err *e) {
    struct link_relay *s = &peer->shown;
    int64_t now = (int64_t)time(NULL);

    s->is = peer->machine.is;
    s->tried = now;
    s->next = !o->again ? 0 : now + (peer->machine.next - o->mono);
    if (s->is != was || s->since == 0)
        s->since = now;
    if (s->is != was && tell(p, peer, was, o->write, e) == -1)
        return -1;
    return o->write ? state_save(p, e) : 0;
}

/* Our own disk or configuration fails the visit: what is told must say so, and the next visit may
 * go better. */
static int fail(struct peers *p, struct peer *peer, const struct visit_options *o,
                const struct gf_err *why, struct gf_err *e) {
    struct link_relay *s = &peer->shown;
    struct gf_err ignored;

    (void)snprintf(s->person, sizeof s->person, "%s", why->text);
    (void)snprintf(s->evidence, sizeof s->evidence, "nothing was tried: %.480s", why->text);
    s->tried = (int64_t)time(NULL);
    if (o->write)
        (void)!state_save(p, &ignored);
    *e = *why;
    return -1;
}

int visit_relay(const struct probe_client *client, struct peers *p, struct peer *peer,
                const struct visit_options *o, struct visit *out, struct gf_err *e) {
    enum link_is was = peer->machine.is;
    struct probe probe;
    struct gf_err why;
    int rc = 0;

    *out = (struct visit){0};
    if (probe_relay(client, p, peer, &probe, &why) == -1)
        return fail(p, peer, o, &why, e);
    out->proved = probe.proved;
    (void)machine_result(&peer->machine, &peer->rules, probe.proved, o->mono, draw());
    if (!probe.proved && probe.retry_after_s > 0)
        machine_hold(&peer->machine, probe.retry_after_s, o->mono);
    show_try(peer, probe.proved, probe.stage, probe.evidence);
    if (probe.proved && o->carry && peer->machine.is == LINK_ONLINE)
        rc = exchange(client, p, peer, &probe, o, out, &why);
    /* A full disk must not hide what was found out; and the next visit may find room. */
    if (rc == -1)
        (void)snprintf(peer->shown.person, sizeof peer->shown.person, "%s", why.text);
    if (finish(p, peer, was, o, e) == -1)
        return -1;
    if (rc == -1)
        *e = why;
    return rc;
}

int visit_none(struct peers *p, struct peer *peer, int write, struct gf_err *e) {
    struct link_relay *s = &peer->shown;
    enum link_is was = peer->before;

    if (s->since == 0) {
        s->since = (int64_t)time(NULL);
        if (s->is != was && tell(p, peer, was, write, e) == -1)
            return -1;
    }
    return 0;
}
