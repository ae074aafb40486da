/*
 * doctor.c -- from the ground up: configuration, keys, store, clock, room; then what waits, and for
 * what.
 */
#include "agent/doctor_parts.h"
#include "agent/forked.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "agent/command.h"
#include "agent/config_check.h"
#include "agent/config_warn.h"
#include "agent/floor.h"
#include "agent/history.h"
#include "agent/services.h"
#include "agent/succession.h"

const char *const doctor_levels[] = {"fine", "note", "warn", "bad", NULL};

#define ROOM_LOW (256LL << 20) /* bytes free, below which a person should look */
#define OLD      (30 * 86400)  /* seconds that a bundle may wait for its receipt */

int doctor_say(struct doctor *d, enum doctor_level level, const char *about, const char *remedy,
               const char *fmt, ...) {
    struct doctor_finding f = {.level = level, .about = about};
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(f.text, sizeof f.text, fmt, ap);
    va_end(ap);
    (void)snprintf(f.remedy, sizeof f.remedy, "%s", remedy);
    return d->fn(d->arg, &f, d->e);
}

/* ---- the ground ---- */

struct warned {
    struct doctor *d;
    int n;
};

static int warn(void *arg, const char *about, const char *text, const char *remedy,
                struct gf_err *e) {
    struct warned *w = arg;

    (void)e;
    w->n++;
    const enum doctor_level level =
        strcmp(about, CONFIG_WARN_GRID) == 0 ? DOCTOR_WARN : DOCTOR_NOTE;
    return doctor_say(w->d, level, about, remedy, "%s", text);
}

/* All that `config check` finds; what keeps the agent from opening was told already. */
static int examine_config(struct doctor *d) {
    char remedy[COMMAND_SELF + 64];
    struct warned w = {.d = d};
    struct gf_err why;

    (void)snprintf(remedy, sizeof remedy, "mend the line, then: %s config check", d->self);
    if (config_check(d->a->config, &why) == -1) {
        w.n++;
        if (doctor_say(d, DOCTOR_BAD, "config", remedy, "%s", why.text) == -1)
            return -1;
    }
    if (config_warn(d->a, warn, &w, d->e) == -1)
        return -1;
    return w.n > 0 ? 0
                   : doctor_say(d, DOCTOR_FINE, "config", "", "%s: no mistake was found",
                                d->a->config_path);
}

static int examine_clock(struct doctor *d) {
    char words[FLOOR_WORDS], now[GF_TIME_TEXT];
    int64_t floor = 0;

    if (floor_get(d->a, &floor, d->e) == -1)
        return -1;
    gf_text_time(d->a->now, now);
    if (floor_words(d->a->now, floor, words))
        return doctor_say(d, DOCTOR_WARN, "clock", "set the clock: timedatectl set-time, or chrony",
                          "%s", words);
    return doctor_say(d, DOCTOR_FINE, "clock", "", "%s", now);
}

static int examine_room(struct doctor *d) {
    struct statvfs v;

    if (statvfs(d->a->state, &v) == -1)
        return doctor_say(d, DOCTOR_BAD, "disk", "", "%s: %s", d->a->state, strerror(errno));
    int64_t room = (int64_t)v.f_bavail * (int64_t)v.f_frsize;
    if (room < ROOM_LOW)
        return doctor_say(d, DOCTOR_WARN, "disk",
                          "make room: records that cannot be stored are refused",
                          "%s: only %" PRId64 " MiB are free", d->a->state, room >> 20);
    return doctor_say(d, DOCTOR_FINE, "disk", "", "%" PRId64 " MiB free in %s", room >> 20,
                      d->a->state);
}

static int examine_history(struct doctor *d) {
    char remedy[COMMAND_SELF + 32];
    struct gf_err why;

    (void)snprintf(remedy, sizeof remedy, "%s restore", d->self);
    if (history_check_head(d->a, &why) == -1)
        return doctor_say(d, DOCTOR_BAD, "history", remedy, "%s", why.text);
    return doctor_say(d, DOCTOR_FINE, "history", "",
                      "the database is as new as what is known of it");
}

/* ---- whom we know ---- */

static int examine_relay(struct doctor *d) {
    char fingerprint[GF_FINGERPRINT_TEXT], ended[GF_TIME_TEXT], remedy[2 * COMMAND_SELF + 128];
    struct gf_card relay;

    int found = command_relay(d->a, &relay, d->e);
    if (found == -1)
        return -1;
    if (!found) {
        (void)snprintf(remedy, sizeof remedy,
                       "%s sync DRIVE shows the cards on a drive; then: %s trust CARD", d->self,
                       d->self);
        int forked = succession_is_forked(d->a, d->e);
        if (forked == -1)
            return -1;
        return doctor_say(d, DOCTOR_BAD, "relay", remedy,
                          forked ? "two successors of its key came: neither is trusted, and "
                                   "nothing can leave, before you trust the true one"
                                 : "none is trusted: nothing can leave");
    }
    gf_card_fingerprint(&relay, fingerprint);
    gf_text_time(relay.expires, ended);
    if (relay.has_expires && relay.expires <= d->a->now) {
        (void)snprintf(remedy, sizeof remedy,
                       "let the relay's operator make a new card, then: %s trust CARD", d->self);
        return doctor_say(d, DOCTOR_BAD, "relay", remedy, "%s: its card ended on %s", fingerprint,
                          ended);
    }
    return doctor_say(d, DOCTOR_FINE, "relay", "", "%s is trusted", fingerprint);
}

static int examine_consent(struct doctor *d) {
    char remedy[COMMAND_SELF + 128];
    struct command_consent c;
    const char *name;
    int asked = 0;

    for (size_t i = 0; (name = config_name(d->a->config, "channel", i)) != NULL; i++) {
        if (command_consent(d->a, name, &c, d->e) == -1)
            return -1;
        if (c.is != STORE_ASK)
            continue;
        asked++;
        (void)snprintf(remedy, sizeof remedy, "%s consent %s grant, or deny", d->self, name);
        if (doctor_say(d, DOCTOR_NOTE, "consent", remedy,
                       "channel %s: nobody has decided yet; nothing is recorded on it", name) == -1)
            return -1;
    }
    return asked ? 0 : doctor_say(d, DOCTOR_FINE, "consent", "", "each channel is decided");
}

/* ---- what waits ---- */

static int examine_bundles(struct doctor *d) {
    struct store_bundle *list = NULL;
    char remedy[COMMAND_SELF + 64], since[GF_TIME_TEXT];
    int64_t unwritten = 0, oldest = INT64_MAX;
    size_t n = 0;

    if (store_unsettled(d->a->store, &list, &n, d->e) == -1)
        return -1;
    for (size_t i = 0; i < n; i++) {
        unwritten += list[i].written == 0;
        oldest = list[i].created < oldest ? list[i].created : oldest;
    }
    free(list);
    if (n == 0)
        return doctor_say(d, DOCTOR_FINE, "bundles", "", "none is on its way");
    gf_text_time(oldest, since);
    if (unwritten > 0)
        (void)snprintf(remedy, sizeof remedy, "%s sync DRIVE, and carry it to the relay", d->self);
    else
        (void)snprintf(remedy, sizeof remedy,
                       "carry the drive to the relay; back here: %s sync DRIVE", d->self);
    enum doctor_level level = d->a->now - oldest > OLD ? DOCTOR_WARN : DOCTOR_NOTE;
    return doctor_say(d, level, "bundles", remedy,
                      "on their way: %zu, the oldest since %s; not on a drive, nor sent: %" PRId64,
                      n, since, unwritten);
}

static int examine_quarantine(struct doctor *d) {
    char remedy[sizeof d->a->state + 96];

    int64_t n = agent_folder_count(d->a, "quarantine", NULL);
    if (n == 0)
        return 0;
    (void)snprintf(remedy, sizeof remedy, "read %s/quarantine/*.why; remove what is settled",
                   d->a->state);
    return doctor_say(d, DOCTOR_WARN, "quarantine", remedy,
                      "files that could not be used and were put aside: %" PRId64, n);
}

static int examine_forked(struct doctor *d) {
    char remedy[FORKED_REMEDY];

    int is = forked_is(d->a, remedy, d->e);
    if (is != 1)
        return is;
    return doctor_say(d, DOCTOR_WARN, "agent", remedy,
                      FORKED_WHAT ": the relay holds two bundles of one number");
}

static int examine_network(struct doctor *d) {
    struct link_relay *list = NULL;
    struct doctor_finding f;
    size_t n = 0;
    int rc = 0;

    if (link_state_load(d->a->state, &list, &n, d->e) == -1)
        return -1;
    int running = services_is_running(d->a->state, SERVICES_LINK);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        doctor_network(&list[i], running, d->a->now, &f);
        rc = d->fn(d->arg, &f, d->e);
    }
    free(list);
    if (n == 0)
        rc = doctor_say(d, DOCTOR_NOTE, "network", "",
                        "gapferry-link has not run here: bundles go by drive only");
    return rc;
}

static doctor_examination *const examinations[] = {
    examine_forked,  examine_config,     examine_clock,   examine_room,   examine_history,
    examine_relay,   examine_consent,    doctor_licenses, doctor_sources, doctor_queue,
    examine_bundles, examine_quarantine, examine_network,
};

int doctor_examine(const char *root, int64_t now, doctor_tell *fn, void *arg, struct gf_err *e) {
    struct agent a;
    struct doctor d = {.a = &a, .fn = fn, .arg = arg, .e = e};
    struct gf_err why;

    /* What cannot be opened is the finding; what hangs on it is not asked. */
    if (agent_open(&a, root, &why) == -1)
        return doctor_say(&d, DOCTOR_BAD, "agent", "", "%s", why.text);
    a.now = now;
    (void)command_self(&a, d.self);
    int rc = doctor_say(&d, DOCTOR_FINE, "agent", "", "configuration, keys and database open");
    for (size_t i = 0; rc == 0 && i < sizeof examinations / sizeof *examinations; i++)
        rc = examinations[i](&d);
    agent_close(&a);
    return rc;
}
