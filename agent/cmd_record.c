/*
 * cmd_record.c -- `record`: queue something that is to leave.
 *
 * Consent comes first and the rule of the channel next, so that what may not leave is never
 * written to disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/body.h"
#include "agent/channels.h"
#include "agent/command.h"
#include "agent/deny.h"
#include "agent/history.h"
#include "agent/record_lines.h"
#include "common/when.h"
#include "gapferry/file.h"

#define TYPE_DEFAULT "application/json"

static const struct option_spec specs[] = {
    {"at", 0, "TIME", "when it was observed, if earlier than now"},
    {"product", 'p', "PRODUCT", "the product it belongs to (default: that of the channel)"},
    {"type", 't', "MEDIA", "its media type (default: that of the channel, else " TYPE_DEFAULT ")"},
    {"answer", 0, NULL, "an answer to it is wanted"},
    {"jsonl", 0, NULL, "each line of FILE is a record of its own, a JSON body"},
    {"from", 0, "N", "with --jsonl: the first line to take (default: 1)"},
    {"expires", 0, "TIME", "when it loses its worth: a time or date, or a span from now like 30d"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static const struct option_page page = {
    COMMAND_PROGRAM " record",
    "[OPTION]... CHANNEL FILE|-",
    "Queue the bytes of FILE (- is standard input) as one record. The rules of the channel (allow, "
    "and deny for metrics) take out what may not leave, and what they took is said. The id of the "
    "record is printed. With "
    "--jsonl there may be any number of lines; they become durable a thousand at a time, and "
    "how many were recorded is printed. A line that cannot be recorded is named, and ends it: all "
    "before it are recorded, it and those after it are not.",
    specs,
    "Examples:\n  gapferry-agent record metrics usage.json\n"
    "  echo '{\"users\":42}' | gapferry-agent record metrics - --at 2026-01-31T12:00:00Z\n"
    "  gapferry-agent record --jsonl metrics events.jsonl\n",
};

/* The file, or standard input for "-". */
static int open_input(const char *path, struct gf_err *e) {
    struct stat st;

    if (strcmp(path, "-") == 0)
        return STDIN_FILENO;
    int fd = COMMAND_REACH(open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (fd == -1)
        return gf_err_set(e, GF_E_NOINPUT, "%s: cannot read it: %s", path, strerror(errno));
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        (void)close(fd);
        return gf_err_set(e, GF_E_NOINPUT, "%s: is a directory, not a file", path);
    }
    return fd;
}

/* All of a file or of standard input, at most what one line could ever hold. */
static int load(const char *path, struct gf_buf *out, struct gf_err *e) {
    int standard = strcmp(path, "-") == 0;
    const char *what = standard ? "standard input" : path;

    gf_buf_init(out, GF_LINE_MAX + 1);
    int fd = open_input(path, e);
    if (fd == -1)
        return -1;
    int rc = -1;
    char *room = gf_buf_grow(out, GF_LINE_MAX + 1);
    ssize_t n = room ? gf_file_read(fd, room, GF_LINE_MAX + 1) : -1;
    if (n == -1) {
        (void)gf_err_errno(e, "%s: cannot read it", what);
        goto out;
    }
    room[n] = '\0';
    out->len = (size_t)n;
    if (n == 0)
        (void)gf_err_set(e, GF_E_NOINPUT, "%s: is empty; there is nothing to record", what);
    else if (n > GF_LINE_MAX)
        (void)gf_err_set(e, GF_E_LIMIT,
                         "%s: longer than %d bytes, the most that one record can hold", what,
                         GF_LINE_MAX);
    else
        rc = 0;
out:
    if (!standard)
        (void)close(fd);
    return rc;
}

static int need_consent(struct agent *a, const char *channel, struct gf_err *e) {
    struct command_consent c;
    char self[COMMAND_SELF];

    if (command_consent(a, channel, &c, e) == -1)
        return -1;
    if (c.own)
        return gf_err_set(e, GF_E_USAGE, "channel %s: its records are made by `%s %s`", channel,
                          command_self(a, self),
                          strcmp(channel, "license") == 0 ? "license request" : "updates check");
    /* Nobody runs a command for a consent that the configuration forces: what is recorded under it
     * comes after its line in the history. */
    if (c.is == STORE_GRANTED) {
        int noted = c.forced ? history_note_forced(a, e) : 0;
        return noted == 1 ? history_seal(a, e) : noted;
    }
    if (c.forced)
        return gf_err_set(e, GF_E_CONSENT,
                          "channel %s: consent is denied by the configuration (%s); nothing was "
                          "recorded",
                          channel, c.forced);
    const char *meant = c.is == STORE_ASK ? channels_near(a, channel) : NULL;
    return gf_err_set(e, GF_E_CONSENT,
                      "channel %s: consent %s; nothing was recorded. %s%s%sTo allow it: %s consent "
                      "%s grant",
                      channel, c.is == STORE_DENIED ? "was denied" : "was not given yet",
                      meant ? "Did you mean " : "", meant ? meant : "", meant ? "? " : "",
                      command_self(a, self), channel);
}

/* What the rules took out, to whoever looks on. */
static void tell_dropped(const struct agent *a, const char *channel, const struct gf_buf *dropped,
                         int64_t denied) {
    const char *key = denied > 0 ? "deny" : "allow";
    const char *where = config_get(a->config, "channel", channel, key) != NULL
                            ? config_origin(a->config, "channel", channel, key)
                            : "the default list";
    struct gf_buf safe;

    gf_buf_init(&safe, 1 << 20);
    gf_text_safe(&safe, dropped->data, dropped->len);
    (void)fprintf(stderr, "%s: dropped by the rule of channel %s (%s, %s): %s\n", COMMAND_PROGRAM,
                  channel, key, where, safe.data ? safe.data : "");
    gf_buf_free(&safe);
}

/* Fill in what the command line and the channel's configuration say. */
static int describe(struct agent *a, const struct options *o, struct gf_record *r,
                    struct gf_err *e) {
    const char *at = options_value(o, "at"), *expires = options_value(o, "expires");

    r->channel = options_arg(o, 0);
    r->product = options_value(o, "product");
    if (!r->product)
        r->product = config_get(a->config, "channel", r->channel, "product");
    if (r->product && !gf_text_is_word(r->product, strlen(r->product), GF_WORD_MAX))
        return gf_err_set(e, GF_E_USAGE, "product \"%s\": must be 1 to %d characters of [a-z0-9.-]",
                          r->product, GF_WORD_MAX);
    r->type = options_value(o, "type");
    if (!r->type)
        r->type = config_get(a->config, "channel", r->channel, "type");
    if (!r->type)
        r->type = TYPE_DEFAULT;
    r->answer = options_count(o, "answer") > 0;
    if (at && when_read(at, "at", a->now, 0, &r->created, e) == -1)
        return -1;
    if (r->created > a->now + 300)
        return gf_err_set(e, GF_E_USAGE, "--at %s: lies in the future", at);
    if (!expires)
        return 0;
    r->has_expires = 1;
    if (when_read(expires, "expires", a->now, 1, &r->expires, e) == -1)
        return -1;
    if (r->expires <= a->now || r->expires < r->created)
        return gf_err_set(e, GF_E_USAGE, "--expires %s: has passed already", expires);
    return 0;
}

static int tell(struct agent *a, const struct options *o, const struct gf_record *r,
                const struct gf_buf *dropped, struct gf_err *e) {
    char id[GF_UUID_TEXT];
    struct out t;

    gf_text_uuid(&r->id, id);
    out_begin(&t, o);
    out_str(&t, "record", id);
    out_str(&t, "channel", r->channel);
    out_str(&t, "product", r->product);
    out_time(&t, "created", 1, r->created);
    out_str(&t, "dropped", dropped->len ? dropped->data : NULL);
    out_text(&t, "%s\n", id);
    if (out_end(&t, e) == -1 || command_print(e) == -1)
        return gf_err_prefix(e, "record %s is queued all the same; do not record it again", id);
    command_next(a, "preview %s", r->channel);
    return 0;
}

/* What the file is called in messages. */
static const char *input_name(const struct options *o) {
    return strcmp(options_arg(o, 1), "-") == 0 ? "standard input" : options_arg(o, 1);
}

/* Through the rules of the channel; release *out in any case. */
static int redact(struct agent *a, const struct options *o, const struct gf_record *r,
                  const struct gf_buf *input, struct body_kept *out, struct gf_err *e) {
    struct otlp_deny *deny = NULL;
    enum body_no no;

    *out = (struct body_kept){.data = NULL};
    if (deny_of(a->config, r->channel, &deny, e) == -1)
        return -1;
    const struct body b = {.path = BODY_OWN,
                           .type = r->type,
                           .allow = config_get(a->config, "channel", r->channel, "allow"),
                           .deny = deny,
                           .data = input->data,
                           .len = input->len,
                           .arrived = (uint64_t)r->created * 1000000000};
    int rc = body_take(&b, out, &no, e);
    otlp_deny_free(deny);
    if (rc == -1) {
        e->code = e->code == GF_E_CONSENT ? GF_E_NOINPUT : e->code; /* nothing is left of it */
        return gf_err_prefix(e, "%s: channel %s", input_name(o), r->channel);
    }
    if (out->dropped.len > 0)
        tell_dropped(a, r->channel, &out->dropped, (int64_t)out->denied);
    if (out->dropped.len > 0 && out->len == 2)
        return gf_err_set(e, GF_E_NOINPUT,
                          "channel %s: the rule leaves nothing of it; nothing was recorded",
                          r->channel);
    return 0;
}

static int queue(struct agent *a, const struct options *o, const struct gf_buf *input,
                 struct gf_err *e) {
    struct body_kept kept = {.data = NULL};
    struct gf_buf ext;
    struct gf_record r;
    int rc = -1;

    gf_buf_init(&ext, GF_EXT_MAX);
    if (command_record(a, &r, e) == -1 || describe(a, o, &r, e) == -1 ||
        redact(a, o, &r, input, &kept, e) == -1)
        goto out;
    r.body = (struct gf_body){GF_BODY_TEXT, kept.data, kept.len};
    r.ext = body_ext(&kept, &ext);
    if (agent_accept(a, &r, e) == -1) {
        /* A record's own limit, not that of its channel, is the file's size. */
        if (e->code == GF_E_LIMIT && strncmp(e->text, "record: ", 8) == 0)
            (void)gf_err_set(e, GF_E_LIMIT,
                             "%s: with what stands around it longer than %d bytes, the most that "
                             "one record can hold; record it in pieces",
                             input_name(o), GF_LINE_MAX);
        goto out;
    }
    channels_tell_no_rule(a, r.channel);
    rc = tell(a, o, &r, &kept.dropped, e);
out:
    body_free(&kept);
    gf_buf_free(&ext);
    return rc;
}

/* ---- many ---- */

static int tell_lines(struct agent *a, const struct options *o, const struct record_lines *r,
                      struct gf_err *e) {
    const char *channel = options_arg(o, 0);
    struct out t;

    out_begin(&t, o);
    out_str(&t, "channel", channel);
    out_int(&t, "records", r->records);
    out_int(&t, "redacted", r->redacted);
    out_str(&t, "dropped", r->dropped.len ? r->dropped.data : NULL);
    out_text(&t, "%lld record%s on channel %s\n", (long long)r->records, r->records == 1 ? "" : "s",
             channel);
    if (out_end(&t, e) == -1 || command_print(e) == -1)
        return gf_err_prefix(e,
                             "%lld record%s of channel %s: queued all the same; do not record "
                             "%s again",
                             (long long)r->records, r->records == 1 ? "" : "s", channel,
                             r->records == 1 ? "it" : "them");
    command_next(a, "preview %s", channel);
    return 0;
}

/* --from N, a line of the file. */
static int read_from(const struct options *o, int64_t *out, struct gf_err *e) {
    const char *text = options_value(o, "from");
    char *end = NULL;

    if (!text)
        return 0;
    errno = 0;
    long long n = *text >= '0' && *text <= '9' ? strtoll(text, &end, 10) : 0;
    if (n < 1 || errno != 0 || *end != '\0')
        return gf_err_set(e, GF_E_USAGE, "--from %s: must be the number of a line, from 1 on",
                          text);
    *out = n;
    return 0;
}

static int queue_lines(struct agent *a, const struct options *o, struct gf_err *e) {
    const char *path = options_arg(o, 1);
    int standard = strcmp(path, "-") == 0;
    struct record_lines lines;
    struct gf_record like;
    int64_t from = 1;

    if (read_from(o, &from, e) == -1 || command_record(a, &like, e) == -1 ||
        describe(a, o, &like, e) == -1)
        return -1;
    int fd = open_input(path, e);
    if (fd == -1)
        return -1;
    int rc = record_lines(a, &like, fd, path, from, &lines, e);
    if (!standard)
        (void)close(fd);
    if (lines.redacted > 0)
        tell_dropped(a, options_arg(o, 0), &lines.dropped, lines.denied);
    if (rc == 0)
        channels_tell_no_rule(a, options_arg(o, 0));
    if (rc == 0)
        rc = tell_lines(a, o, &lines, e);
    record_lines_free(&lines);
    return rc;
}

static int run(struct agent *a, const struct options *o, int *status, struct gf_err *e) {
    struct gf_buf input;

    (void)status;
    if (command_args(o, 2, 2, o->nargs ? "FILE (or -)" : "CHANNEL", e) == -1 ||
        command_channel(options_arg(o, 0), e) == -1 || need_consent(a, options_arg(o, 0), e) == -1)
        return -1;
    if (options_count(o, "jsonl"))
        return queue_lines(a, o, e);
    if (options_count(o, "from"))
        return gf_err_set(e, GF_E_USAGE, "--from: goes with --jsonl only");
    int rc = load(options_arg(o, 1), &input, e);
    if (rc == 0)
        rc = queue(a, o, &input, e);
    gf_buf_free(&input);
    return rc;
}

int cmd_record(const char *root, int argc, char **argv) {
    return command_run_agent(&page, root, argc, argv, run);
}
