/*
 * machine.c -- hysteresis and back-off as arithmetic.
 */
#include "agent/link/machine.h"

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Up to a quarter sooner. */
static int64_t jitter(int64_t seconds, uint32_t random) {
    return seconds - (int64_t)random % (seconds / 4 + 1);
}

static void plan(struct machine *m, int64_t at) {
    m->next = at > m->hold ? at : m->hold;
}

/* The distance after so many failures in a row while offline. */
static int64_t back_off(const struct machine *m, const struct machine_rules *r) {
    int64_t seconds = r->retry;

    for (int64_t i = r->failures; i <= m->fails && seconds < r->retry_max; i++)
        seconds *= 2;
    return least(seconds, r->retry_max);
}

void machine_begin(struct machine *m, const struct machine_rules *r, enum link_is is, int64_t now) {
    *m = (struct machine){
        .is = is, .tried = MACHINE_NEVER, .next = now, .hold = now, .pace = r->poll};
}

int machine_result(struct machine *m, const struct machine_rules *r, int ok, int64_t now,
                   uint32_t random) {
    enum link_is was = m->is;

    m->tried = now;
    m->oks = ok ? m->oks + 1 : 0;
    m->fails = ok ? 0 : m->fails + 1;
    if (m->oks >= r->successes)
        m->is = LINK_ONLINE;
    if (m->fails >= r->failures)
        m->is = LINK_OFFLINE;
    if (m->is != was)
        m->pace = r->poll;

    int64_t seconds = r->retry;
    if (ok && m->is == LINK_ONLINE)
        seconds = m->pace;
    else if (!ok && m->is == LINK_OFFLINE)
        seconds = back_off(m, r);
    plan(m, now + jitter(seconds, random));
    return m->is != was;
}

void machine_paced(struct machine *m, const struct machine_rules *r, int awaited, uint32_t random) {
    m->pace = least(awaited ? MACHINE_SOON : 2 * m->pace, r->poll);
    plan(m, m->tried + jitter(m->pace, random));
}

void machine_wake(struct machine *m, const struct machine_rules *r, int64_t now) {
    int64_t at = now + MACHINE_SETTLE;

    if (m->tried != MACHINE_NEVER && at < m->tried + r->retry)
        at = m->tried + r->retry;
    if (m->is == LINK_OFFLINE)
        m->fails = least(m->fails, r->failures - 1);
    if (at < m->next)
        plan(m, at);
}

void machine_due(struct machine *m, int64_t now) {
    if (m->is == LINK_ONLINE && now + MACHINE_SETTLE < m->next)
        plan(m, now + MACHINE_SETTLE);
}

void machine_hold(struct machine *m, int64_t seconds, int64_t now) {
    m->hold = now + (seconds < 1 ? 1 : least(seconds, MACHINE_HOLD_MAX));
    if (m->next < m->hold)
        m->next = m->hold;
}
