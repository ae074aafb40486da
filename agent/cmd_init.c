/*
 * cmd_init.c -- `init`: make this machine an agent.
 *
 * The keys come last and all at once: while there are none there is no agent, so that an init that
 * was interrupted is simply run again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/command.h"
#include "agent/history.h"
#include "agent/own_card.h"
#include "common/grid.h"
#include "common/nearest.h"
#include "gapferry/digest.h"
#include "gapferry/file.h"
#include "gapferry/token.h"

#define CONFIG_MAX 65536

static const struct option_spec specs[] = {
    {"name", 'n', "NAME", "what people call this agent; kept in its card, proves nothing"},
    {"consent", 'c', "CHANNEL=granted|denied...", "record this consent, with you and the time"},
    {"allow", 'a', "CHANNEL=FIELD,FIELD...",
     "let only these top-level JSON fields of the channel leave"},
    {"token-file", 0, "FILE",
     "the relay's one-time token, by which it lets this agent in; - reads "
     "it from standard input"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static const struct option_page page = {
    COMMAND_PROGRAM " init",
    "[OPTION]...",
    "Make this machine an agent: new keys, a configuration file with comments, an empty queue. "
    "What is there already is never overwritten.",
    specs,
    "Example:\n  gapferry-agent init --name site-a --consent metrics=granted \\\n"
    "      --allow metrics=users,edition\n",
};

/* CHANNEL=REST, split; the channel is copied. */
static int split(const char *option, const char *text, char channel[GF_WORD_MAX + 1],
                 const char **rest, struct gf_err *e) {
    size_t n = strcspn(text, "=");

    if (text[n] == '\0' || n > GF_WORD_MAX)
        return gf_err_set(e, GF_E_USAGE, "--%s %s: must be CHANNEL=...", option, text);
    memcpy(channel, text, n);
    channel[n] = '\0';
    *rest = text + n + 1;
    return command_channel(channel, e);
}

static int read_consent(const char *text, char channel[GF_WORD_MAX + 1], enum store_consent *out,
                        struct gf_err *e) {
    const char *word = NULL;

    if (split("consent", text, channel, &word, e) == -1)
        return -1;
    if (grid_is_own_consent(channel))
        return gf_err_set(e, GF_E_USAGE, "--consent %s: each request on it is its own consent",
                          channel);
    for (int i = STORE_GRANTED; store_consents[i]; i++) {
        if (strcmp(word, store_consents[i]) == 0) {
            *out = (enum store_consent)i;
            return 0;
        }
    }
    return gf_err_set(e, GF_E_USAGE, "--consent %s: must be %s=granted or %s=denied", text, channel,
                      channel);
}

/* One line of text that a configuration file can hold. */
static int is_line(const char *text) {
    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return 0;
    }
    return gf_text_is_utf8(text, strlen(text));
}

static int read_allow(const char *text, char channel[GF_WORD_MAX + 1], const char **fields,
                      struct gf_err *e) {
    if (split("allow", text, channel, fields, e) == -1)
        return -1;
    if (!is_line(*fields) || strspn(*fields, ", \t") == strlen(*fields) || strlen(*fields) > 2048)
        return gf_err_set(e, GF_E_USAGE,
                          "--allow %s: must be %s=FIELD,FIELD...: at least one field, 2048 bytes",
                          text, channel);
    /* A blank within a name is a comma that was forgotten. */
    for (const char *at = *fields; (at = strpbrk(at, " \t")); at += strspn(at, " \t")) {
        const char *next = at + strspn(at, " \t");
        if (at > *fields && at[-1] != ',' && *next && *next != ',')
            return gf_err_set(e, GF_E_USAGE,
                              "--allow %s: a field's name holds a blank; put commas between the "
                              "names",
                              text);
    }
    return 0;
}

/* A rule for a channel that nobody writes to lets everything of the one that was meant pass. */
static void warn_of_slip(const char *channel) {
    static const char *const known[] = {"metrics", "license", "updates", NULL};
    const char *near = NULL;
    size_t best = (size_t)-1;

    for (size_t i = 0; known[i]; i++) {
        if (strcmp(channel, known[i]) == 0)
            return;
        if (nearest_is(channel, known[i], &best))
            near = known[i];
    }
    if (near)
        (void)fprintf(stderr,
                      COMMAND_PROGRAM ": warning: --allow %s=: a channel of its own; did you mean "
                                      "%s? Then mend [channel \"%s\"] in the configuration, for "
                                      "without a rule everything of %s may leave\n",
                      channel, near, channel, near);
}

static int check_options(const struct options *o, struct gf_err *e) {
    char channel[GF_WORD_MAX + 1], other[GF_WORD_MAX + 1];
    const char *name = options_value(o, "name");
    enum store_consent consent;
    const char *fields;

    if (command_args(o, 0, 0, "nothing", e) == -1)
        return -1;
    if (name && (!*name || strlen(name) > GF_WORD_MAX || !is_line(name)))
        return gf_err_set(e, GF_E_USAGE,
                          "--name: must be 1 to %d bytes of UTF-8 without control characters",
                          GF_WORD_MAX);
    for (size_t i = 0; i < options_count(o, "consent"); i++) {
        if (read_consent(options_nth(o, "consent", i), channel, &consent, e) == -1)
            return -1;
    }
    for (size_t i = 0; i < options_count(o, "allow"); i++) {
        if (read_allow(options_nth(o, "allow", i), channel, &fields, e) == -1)
            return -1;
        for (size_t k = 0; k < i; k++) {
            if (read_allow(options_nth(o, "allow", k), other, &fields, e) == -1)
                return -1;
            if (strcmp(channel, other) == 0)
                return gf_err_set(e, GF_E_USAGE,
                                  "--allow %s was given twice: name all its fields "
                                  "at once",
                                  channel);
        }
    }
    return 0;
}

/* ---- the configuration file ---- */

static void put_value(struct gf_buf *b, const char *text) {
    gf_buf_byte(b, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            gf_buf_byte(b, '\\');
        gf_buf_byte(b, *text);
    }
    gf_buf_text(b, "\"\n");
}

static int put_config(const struct options *o, struct gf_buf *b, struct gf_err *e) {
    const char *name = options_value(o, "name"), *fields;
    char channel[GF_WORD_MAX + 1];

    gf_buf_text(b, "# Configuration of gapferry-agent. `gapferry-agent config check` looks for\n"
                   "# mistakes, `config show` prints all settings in force, gapferry-agent(8)\n"
                   "# explains them. Further files: agent.conf.d/*.conf\n\n[agent]\n");
    if (name) {
        gf_buf_text(b, "name = ");
        put_value(b, name);
    } else {
        gf_buf_text(b, "# What people call this agent:\n#name = site-a\n");
    }
    gf_buf_text(b,
                "\n# A channel is a named stream of records. Only the fields of a JSON body that\n"
                "# `allow` lists may leave; without that line everything passes.\n");
    if (options_count(o, "allow") == 0)
        gf_buf_text(b, "#[channel \"metrics\"]\n#allow = users, edition\n");
    for (size_t i = 0; i < options_count(o, "allow"); i++) {
        if (read_allow(options_nth(o, "allow", i), channel, &fields, e) == -1)
            return -1;
        gf_buf_printf(b, "[channel \"%s\"]\nallow = ", channel);
        put_value(b, fields);
    }
    return gf_buf_check(b, "the configuration", e);
}

/* Write it, unless the very same is there: from an init that was interrupted. One that somebody
 * laid there is kept, if nothing was to be written into it. */
static int save_config(const struct agent *a, const struct options *o, struct gf_err *e) {
    struct gf_buf text, there;
    int rc = -1;

    gf_buf_init(&text, CONFIG_MAX);
    if (put_config(o, &text, e) == -1)
        goto out;
    if (access(a->config_path, F_OK) == -1) {
        rc = gf_file_save_new(AT_FDCWD, a->config_path, text.data, text.len, 0644, e);
        goto out;
    }
    if (options_count(o, "allow") == 0 && options_count(o, "name") == 0) {
        rc = 0;
        goto out;
    }
    if (gf_file_load(AT_FDCWD, a->config_path, CONFIG_MAX, &there, e) == 0) {
        rc = 0;
        if (there.len != text.len || memcmp(there.data, text.data, text.len) != 0)
            rc = gf_err_set(e, GF_E_CREATE,
                            "%s: exists and is not overwritten; add what --name and --allow say to "
                            "it by hand, then run init without them",
                            a->config_path);
    }
    gf_buf_free(&there);
out:
    gf_buf_free(&text);
    return rc;
}

/* ---- directories, keys, consent ---- */

/* PATH and all above it; the last one gets `mode`, those above 0755. */
static int make_dirs(const char *path, mode_t mode, struct gf_err *e) {
    char part[1024];

    (void)snprintf(part, sizeof part, "%s", path);
    for (char *c = part + 1;; c++) {
        if (*c != '/' && *c != '\0')
            continue;
        char kept = *c;
        *c = '\0';
        if (mkdir(part, kept ? 0755 : mode) == -1 && errno != EEXIST)
            return command_init_failed(part, e);
        *c = kept;
        if (!kept)
            return 0;
    }
}

/* The agent id: of this state directory, also where an earlier init did not get to the keys. */
static int agent_id(struct store *s, struct gf_id *out, struct gf_err *e) {
    struct gf_buf b;

    int found = store_get_fact(s, "agent-id", &b, e);
    if (found == 1 && b.len == sizeof out->b) {
        memcpy(out->b, b.data, sizeof out->b);
        gf_buf_free(&b);
        return 0;
    }
    gf_buf_free(&b);
    if (found == -1)
        return -1;
    gf_digest_random(out->b, sizeof out->b);
    return store_put_fact(s, "agent-id", out->b, sizeof out->b, e);
}

/* A database that has been used with keys cannot be used with others. */
static int refuse_orphan(struct agent *a, struct gf_err *e) {
    char self[COMMAND_SELF];
    struct gf_buf b;

    int found = store_get_fact(a->store, "identity", &b, e);
    gf_buf_free(&b);
    if (found != 1)
        return found;
    return gf_err_set(
        e, GF_E_DAMAGED,
        "%s: there are no keys, but agent.db belongs to some; put the folder keys back "
        "from a backup, then: %s status. If there is none: move all of it away and "
        "run init again, for an agent that is new to its relay",
        a->state, command_self(a, self));
}

static int record_consent(struct agent *a, const struct options *o, struct gf_err *e) {
    char channel[GF_WORD_MAX + 1], user[65];
    enum store_consent consent;

    command_user(user);
    for (size_t i = 0; i < options_count(o, "consent"); i++) {
        struct store_denial denial;
        struct history_line h;
        if (read_consent(options_nth(o, "consent", i), channel, &consent, e) == -1 ||
            store_set_consent(a->store, channel, consent, user, a->now, &denial, e) == -1)
            return -1;
        free(denial.bundles);
        history_begin(&h, a, "consent");
        history_text(&h, "channel", channel);
        history_text(&h, "decision", store_consents[consent]);
        history_text(&h, "how", "init --consent");
        if (history_end(&h, a, e) == -1)
            return -1;
    }
    return history_seal(a, e);
}

/* All of it, keys last. */
static int make(struct agent *a, const struct options *o, const char *keys, struct gf_card *c,
                struct gf_err *e) {
    char folder[sizeof a->config_path];

    (void)snprintf(folder, sizeof folder, "%s", a->config_path);
    *strrchr(folder, '/') = '\0';
    if (make_dirs(folder, 0755, e) == -1 || make_dirs(a->state, 0700, e) == -1 ||
        save_config(a, o, e) == -1 || agent_configure(a->config_path, &a->config, e) == -1 ||
        store_make(a->state, &a->store, e) == -1 || refuse_orphan(a, e) == -1 ||
        agent_id(a->store, &c->agent, e) == -1 || history_start(a, e) == -1 ||
        record_consent(a, o, e) == -1)
        return -1;
    a->id.card.agent = c->agent;
    /* What is consented to now the collector may take at once. */
    if (options_count(o, "consent") > 0 && agent_policy_publish(a, e) == -1)
        return -1;
    return gf_identity_make(AT_FDCWD, keys, c, e);
}

static void warn_of_slips(const struct options *o) {
    char channel[GF_WORD_MAX + 1];
    const char *fields;
    struct gf_err ignored;

    for (size_t i = 0; i < options_count(o, "allow"); i++)
        if (read_allow(options_nth(o, "allow", i), channel, &fields, &ignored) == 0)
            warn_of_slip(channel);
}

static int tell(const struct agent *a, const struct options *o, const struct gf_card *c,
                struct gf_err *e) {
    int token = options_count(o, "token-file") > 0;
    char fingerprint[GF_FINGERPRINT_TEXT], agent[GF_ID_TEXT], self[COMMAND_SELF];
    struct out t;

    gf_card_fingerprint(c, fingerprint);
    gf_text_hex(c->agent.b, sizeof c->agent.b, agent);
    out_begin(&t, o);
    out_str(&t, "fingerprint", fingerprint);
    out_str(&t, "name", c->name[0] ? c->name : NULL);
    out_str(&t, "agent", agent);
    out_str(&t, "config", a->config_path);
    out_str(&t, "state", a->state);
    out_text(&t, "fingerprint  %s\nconfig       %s\nstate        %s\n\n", fingerprint,
             a->config_path, a->state);
    out_text(
        &t,
        "%s Next, trust the relay:\n  %s trust RELAY.card\nor, without its card, let the first "
        "drive fetch it:\n  %s sync DRIVE\n",
        token ? "The relay lets this agent in by the token, which is used up then."
              : "The relay's operator approves this agent by that fingerprint.",
        command_self(a, self), self);
    return out_end(&t, e);
}

static int run(const char *root, const struct options *o, int *status, struct gf_err *e) {
    struct gf_card c = {.role = GF_ROLE_AGENT, .has_agent = 1};
    const char *name = options_value(o, "name");
    char self[COMMAND_SELF];
    char keys[512 + 16];
    uint8_t token[GF_TOKEN_SIZE];
    const char *file = options_value(o, "token-file");
    struct agent a;
    struct stat st;

    (void)status;
    if (check_options(o, e) == -1 || agent_paths(&a, root, e) == -1)
        return -1;
    (void)snprintf(keys, sizeof keys, "%s/keys", a.state);
    if (lstat(keys, &st) == 0)
        return gf_err_set(
            e, GF_E_CREATE,
            "%s: there is an agent already, and it is not overwritten; `%s card` shows it", a.state,
            command_self(&a, self));
    /* A mistyped token is noticed before anything is made. */
    if (file && own_card_read_token(file, token, e) == -1)
        return -1;
    c.created = a.now;
    if (name)
        memcpy(c.name, name, strlen(name) + 1);
    int rc = make(&a, o, keys, &c, e);
    if (rc == 0 && file && (rc = command_keys(a.state, &a.id, e)) == 0)
        rc = own_card_use_token(&a, token, e);
    gf_digest_wipe(token, sizeof token);
    if (rc == 0)
        rc = tell(&a, o, &c, e);
    if (rc == 0)
        warn_of_slips(o);
    agent_close(&a);
    return rc;
}

int cmd_init(const char *root, int argc, char **argv) {
    return command_run(&page, root, argc, argv, run);
}
