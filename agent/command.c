/*
 * command.c -- what the commands of gapferry-agent share: beginning and end, what they say
 * alike.
 */
#include "agent/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "agent/floor.h"
#include "common/grid.h"
#include "gapferry/digest.h"

int command_fail(const struct gf_err *e, int json) {
    return command_failed(COMMAND_PROGRAM, e, json);
}

/* What a command is, for command_do(). */
struct job {
    const char *root;
    command_work *work;
    command_agent_work *agent_work;
};

static int work(void *context, const struct options *o, int *status, struct gf_err *e) {
    const struct job *j = context;
    return j->work(j->root, o, status, e);
}

static int open_and_work(void *context, const struct options *o, int *status, struct gf_err *e) {
    const struct job *j = context;
    struct agent a;

    if (agent_open(&a, j->root, e) == -1)
        return -1;
    int rc = j->agent_work(&a, o, status, e);
    agent_close(&a);
    return rc;
}

int command_run(const struct option_page *page, const char *root, int argc, char **argv,
                command_work *fn) {
    struct job j = {.root = root, .work = fn};
    return command_do(COMMAND_PROGRAM, page, argc, argv, work, &j);
}

int command_run_agent(const struct option_page *page, const char *root, int argc, char **argv,
                      command_agent_work *fn) {
    struct job j = {.root = root, .agent_work = fn};
    return command_do(COMMAND_PROGRAM, page, argc, argv, open_and_work, &j);
}

int command_there(const char *path, struct gf_err *e, const char *fmt, ...) {
    char remedy[GF_ERR_TEXT];
    struct stat st;
    va_list ap;

    if (COMMAND_REACH(stat(path, &st)) == 0 || (errno != ENOENT && errno != ENOTDIR))
        return 0;
    va_start(ap, fmt);
    (void)vsnprintf(remedy, sizeof remedy, fmt, ap);
    va_end(ap);
    return gf_err_set(e, GF_E_NOINPUT, "%s: there is no file or directory of that name; %s", path,
                      remedy);
}

int command_channel(const char *name, struct gf_err *e) {
    if (gf_text_is_word(name, strlen(name), GF_WORD_MAX))
        return 0;
    return gf_err_set(e, GF_E_USAGE,
                      "channel \"%s\": must be 1 to %d characters of [a-z0-9.-], a letter or digit "
                      "first",
                      name, GF_WORD_MAX);
}

int command_consent(struct agent *a, const char *channel, struct command_consent *out,
                    struct gf_err *e) {
    struct command_consent c = {.is = STORE_ASK};
    struct store_policy grid;
    int forced = STORE_ASK;

    c.own = grid_is_own_consent(channel);
    if (config_enum(a->config, "channel", channel, "consent", store_consents, &forced, e) == -1 ||
        store_get_consent(a->store, channel, &c.is, &c.since, c.user, e) == -1)
        return -1;
    int policy = store_get_policy(a->store, channel, &grid, e);
    if (policy == -1)
        return -1;
    if (c.own) {
        c.is = STORE_GRANTED;
    } else if (policy == 1 && grid.denied) {
        c.is = STORE_DENIED;
        c.forced = "the policy of the grid's manager";
    } else if (forced != STORE_ASK) {
        c.is = (enum store_consent)forced;
        c.forced = config_origin(a->config, "channel", channel, "consent");
    }
    *out = c;
    return 0;
}

int command_record(struct agent *a, struct gf_record *out, struct gf_err *e) {
    struct timespec now;
    uint8_t random[10];
    int64_t floor;

    /* A clock below the floor is told, not corrected. */
    if (floor_get(a, &floor, e) == -1)
        return -1;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    gf_digest_random(random, sizeof random);
    *out =
        (struct gf_record){.origin = a->id.card.agent,
                           .created = a->now,
                           .clock = floor_is_behind(a->now, floor) ? GF_CLOCK_BEHIND : GF_CLOCK_OK};
    gf_text_uuid7((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, random, &out->id);
    return 0;
}

int command_relay(struct agent *a, struct gf_card *out, struct gf_err *e) {
    struct gf_card *cards = NULL;
    size_t n = 0;

    if (store_cards(a->store, GF_ROLE_RELAY, &cards, &n, e) == -1)
        return -1;
    if (n > 0)
        *out = cards[n - 1];
    free(cards);
    return n > 0;
}

const char *command_self(const struct agent *a, char out[COMMAND_SELF]) {
    return command_called(COMMAND_PROGRAM, a->state, out);
}

void command_next(const struct agent *a, const char *fmt, ...) {
    char self[COMMAND_SELF];
    va_list ap;

    va_start(ap, fmt);
    command_suggest(command_self(a, self), fmt, ap);
    va_end(ap);
}

void command_card(struct out *t, const char *name, const struct gf_card *c) {
    char fingerprint[GF_FINGERPRINT_TEXT];

    out_card(t, name, c);
    gf_card_fingerprint(c, fingerprint);
    if (c->name[0]) {
        out_text(t, "\"");
        out_safe(t, c->name);
        out_text(t, "\" ");
    }
    out_text(t, "%s", fingerprint);
}
