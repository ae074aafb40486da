/*
 * cmd_records.c -- `records`: what the ledger knows of each record.
 */
#include "relay/cmd_records.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/when.h"
#include "gapferry/json.h"
#include "relay/agents.h"

static const struct option_spec specs[] = {
    {"state", 's', "STATE",
     "list: only received, sending, later, held, onward, delivered, rejected, expired; open: the "
     "first five; dead: the last two"},
    {"channel", 'c', "CHANNEL", "only this channel"},
    {"agent", 'a', "AGENT", "only of this agent: its fingerprint, id or name"},
    {"endpoint", 'e', "NAME", "only those that this endpoint was tried for last"},
    {"since", 0, "TIME", "list: only what came to its state since: a date, or a span back"},
    {"limit", 0, "N", "list: at most so many, conflicts among them"},
    {"after", 0, "N", "list: go on behind this number, which the list before has named"},
    {"reason", 'r', "TEXT", "reject, drop: why; the site gets it in the receipt"},
    {"line", 0, NULL, "show: print the record exactly as it came, with its body"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

/* ---- which ones ---- */

static int pick_state(const char *word, struct cmd_records_pick *p, struct gf_err *e) {
    const struct ledger_filter open = {LEDGER_OPEN}, dead = {LEDGER_DEAD};

    if (word == NULL)
        return 0;
    int is_dead = strcmp(word, "dead") == 0;
    if (is_dead || strcmp(word, "open") == 0) {
        p->f.first = is_dead ? dead.first : open.first;
        p->f.last = is_dead ? dead.last : open.last;
        return 0;
    }
    for (int i = 0; ledger_states[i] != NULL; i++) {
        if (strcmp(word, ledger_states[i]) == 0) {
            p->f.first = p->f.last = (enum ledger_state)i;
            return 0;
        }
    }
    return gf_err_set(
        e, GF_E_USAGE,
        "--state %.64s: must be received, sending, later, held, onward, delivered, rejected, "
        "expired, open or dead",
        word);
}

/* By its id, or as people call it. */
static int pick_agent(struct relay *r, const char *word, struct cmd_records_pick *p,
                      struct gf_err *e) {
    struct agents_list l;

    if (word == NULL)
        return 0;
    p->f.agent = &p->agent;
    if (gf_text_unhex(word, strlen(word), p->agent.b, sizeof p->agent.b) == 0)
        return 0;
    if (agents_load(r, &l, e) == -1)
        return -1;
    size_t n = agents_meant(&l, word, &p->agent);
    agents_free(&l);
    if (n > 1)
        return gf_err_set(e, GF_E_USAGE,
                          "--agent %.64s: several are called so; give the fingerprint of one",
                          word);
    return n == 1 ? 0
                  : gf_err_set(e, GF_E_NOINPUT,
                               "--agent %.64s: no agent of this fingerprint, id or name came here",
                               word);
}

/* More than one agent may have a record of one id. */
struct owners {
    int64_t n;
    struct gf_id agent;
};

static int see_owner(void *arg, const struct ledger_record *r, struct gf_err *e) {
    struct owners *x = arg;
    (void)e;

    x->n++;
    x->agent = r->agent;
    return 0;
}

static int pick_record(struct relay *r, const char *id, struct cmd_records_pick *p,
                       struct gf_err *e) {
    struct ledger_filter all = {LEDGER_ANY};
    struct owners x = {0};

    if (id == NULL)
        return 0;
    if (gf_text_unuuid(id, strlen(id), &p->record) == -1)
        return gf_err_set(e, GF_E_USAGE, "%.64s: is no record's id", id);
    all.record = p->f.record = &p->record;
    all.agent = p->f.agent;
    if (ledger_select(r->ledger, &all, see_owner, &x, e) == -1)
        return -1;
    if (x.n == 0)
        return gf_err_set(e, GF_E_NOINPUT, "%s: there is no such record here", id);
    if (x.n > 1)
        return gf_err_set(e, GF_E_USAGE,
                          "%s: several agents have a record of this id; say which one with --agent",
                          id);
    p->agent = x.agent;
    p->f.agent = &p->agent;
    return 0;
}

int cmd_records_pick(struct relay *r, const struct options *o, struct cmd_records_pick *p,
                     struct gf_err *e) {
    *p = (struct cmd_records_pick){.f = {LEDGER_ANY}};
    p->f.channel = options_value(o, "channel");
    p->f.endpoint = options_value(o, "endpoint");
    if (pick_state(options_value(o, "state"), p, e) == -1 ||
        pick_agent(r, options_value(o, "agent"), p, e) == -1)
        return -1;
    return pick_record(r, options_arg(o, 1), p, e);
}

/* ---- list ---- */

struct listing {
    struct out *t;
    const struct agents_list *roll;
    int64_t n, max; /* max 0: all */
    int64_t row;    /* the last one */
    int more;
};

static int list_one(void *arg, const struct ledger_record *r, struct gf_err *e) {
    struct listing *l = arg;
    char id[GF_UUID_TEXT], agent[GF_ID_TEXT], digest[GF_HASH_TEXT], called[AGENTS_CALLED];

    (void)e;
    if (l->max > 0 && l->n == l->max) {
        l->more = 1;
        return 1;
    }
    l->n++;
    l->row = r->row;
    gf_text_uuid(&r->id, id);
    gf_text_hex(r->agent.b, sizeof r->agent.b, agent);
    int named = agents_called(l->roll, &r->agent, called);
    if (!l->t->json) {
        out_text(l->t, "%s  %-9s  agent ", id, ledger_states[r->state]);
        out_safe(l->t, called);
        out_text(l->t, "  %s%s%s  attempts %" PRId64 "%s%s", r->channel,
                 r->product != NULL ? "/" : "", r->product != NULL ? r->product : "", r->attempts,
                 r->endpoint != NULL ? "  endpoint " : "", r->endpoint != NULL ? r->endpoint : "");
        if (r->reason != NULL) {
            out_text(l->t, "  ");
            out_safe(l->t, r->reason);
        }
        out_text(l->t, "\n");
        out_flush(l->t);
        return 0;
    }
    gf_text_hex(r->digest.b, sizeof r->digest.b, digest);
    out_open(l->t, NULL, '{');
    out_int(l->t, "number", r->row);
    command_str(l->t, NULL, "record", id);
    command_str(l->t, NULL, "agent", agent);
    command_str(l->t, NULL, "name", named ? called : NULL);
    command_str(l->t, NULL, "digest", digest);
    command_str(l->t, NULL, "channel", r->channel);
    command_str(l->t, NULL, "product", r->product);
    command_str(l->t, NULL, "state", ledger_states[r->state]);
    command_int(l->t, NULL, "attempts", r->attempts);
    command_time(l->t, NULL, "received", r->received);
    command_time(l->t, NULL, "since", r->since);
    if (r->state == LEDGER_LATER)
        command_time(l->t, NULL, "due", r->due);
    command_str(l->t, NULL, "endpoint", r->endpoint);
    command_str(l->t, NULL, "reason", r->reason);
    out_close(l->t, '}');
    out_flush(l->t);
    return 0;
}

/* What is no record of its own, since its id was taken already; within what the limit leaves. */
static int list_conflicts(struct relay *r, struct listing *l, struct gf_err *e) {
    char id[GF_UUID_TEXT], agent[GF_ID_TEXT], digest[GF_HASH_TEXT], at[GF_TIME_TEXT];
    char called[AGENTS_CALLED];
    struct ledger_conflict *list = NULL;
    struct out *t = l->t;
    int64_t all = 0;
    size_t n = 0;

    if (ledger_conflict_count(r->ledger, &all, e) == -1 ||
        ((l->max == 0 || l->n < l->max) &&
         ledger_conflicts(r->ledger, l->max > 0 ? l->max - l->n : 0, &list, &n, e) == -1))
        return -1;
    out_open(t, "conflicts", '[');
    for (size_t i = 0; i < n; i++) {
        gf_text_uuid(&list[i].id, id);
        gf_text_hex(list[i].agent.b, sizeof list[i].agent.b, agent);
        gf_text_hex(list[i].digest.b, sizeof list[i].digest.b, digest);
        gf_text_time(list[i].at, at);
        out_open(t, NULL, '{');
        command_str(t, NULL, "record", id);
        command_str(t, NULL, "agent", agent);
        command_str(t, NULL, "digest", digest);
        command_str(t, NULL, "at", at);
        out_close(t, '}');
        (void)agents_called(l->roll, &list[i].agent, called);
        out_text(t, "%s  conflict   agent ", id);
        out_safe(t, called);
        out_text(t,
                 "  %s: came again with another body, which was rejected; was that agent cloned "
                 "or restored?\n",
                 at);
        out_flush(t);
    }
    out_close(t, ']');
    free(list);
    int64_t more = all - (int64_t)n;
    out_int(t, "more_conflicts", more);
    if (more > 0)
        out_text(t,
                 "%" PRId64 " record%s more came again with another body, beyond --limit; without "
                 "it %s shown\n",
                 more, more == 1 ? "" : "s", more == 1 ? "it is" : "all are");
    return 0;
}

/* A number of its own for --limit and --after. */
static int read_number(const struct options *o, const char *name, int64_t *out, struct gf_err *e) {
    const char *text = options_value(o, name);
    size_t n = text != NULL ? strlen(text) : 0;

    *out = 0;
    if (text == NULL)
        return 0;
    if (n == 0 || n > 15 || strspn(text, "0123456789") != n)
        return gf_err_set(e, GF_E_USAGE, "--%s %.64s: must be a number", name, text);
    *out = strtoll(text, NULL, 10);
    return 0;
}

static int list(struct relay *r, const struct options *o, struct gf_err *e) {
    const char *since = options_value(o, "since");
    struct cmd_records_pick p;
    struct agents_list roll = {0};
    struct listing l = {.roll = &roll};
    struct out t;

    if (cmd_records_pick(r, o, &p, e) == -1 || read_number(o, "limit", &l.max, e) == -1 ||
        read_number(o, "after", &p.f.after, e) == -1 ||
        (since != NULL && when_read(since, "since", r->now, -1, &p.f.since, e) == -1) ||
        agents_load(r, &roll, e) == -1)
        return -1;
    out_begin(&t, o);
    l.t = &t;
    out_open(&t, "records", '[');
    if (ledger_select(r->ledger, &p.f, list_one, &l, e) == -1)
        goto fail;
    out_close(&t, ']');
    if (l.n == 0)
        out_text(&t, "no records\n");
    int rejected = p.f.first <= LEDGER_REJECTED && p.f.last >= LEDGER_REJECTED;
    if (rejected && p.f.channel == NULL && p.f.endpoint == NULL && p.f.agent == NULL &&
        p.f.after == 0 && p.f.since == 0 && list_conflicts(r, &l, e) == -1)
        goto fail;
    if (l.more)
        out_int(&t, "more_after", l.row);
    else
        out_str(&t, "more_after", NULL);
    if (l.more)
        out_text(&t, "there are more: go on with --after %" PRId64 "\n", l.row);
    agents_free(&roll);
    return command_end(&t, e);
fail:
    agents_free(&roll);
    out_free(&t);
    return -1;
}

/* ---- show ---- */

struct showing {
    struct relay *r;
    const struct agents_list *roll;
    struct out *t;
    int64_t shown; /* records */
    int line;      /* 1: its line and nothing else */
};

static int put_attempt(void *arg, int64_t n, const char *endpoint, int64_t at, struct gf_err *e) {
    struct out *t = arg;
    char when[GF_TIME_TEXT];
    (void)e;

    gf_text_time(at, when);
    out_open(t, NULL, '{');
    out_int(t, "n", n);
    out_str(t, "at", when);
    out_str(t, "endpoint", endpoint);
    out_close(t, '}');
    out_text(t, "attempt      %" PRId64 ", at %s, endpoint ", n, when);
    out_safe(t, endpoint);
    out_text(t, "\n");
    return 0;
}

/* What became of it, and whether the site has been told. */
static int put_story(struct showing *x, const struct ledger_record *r, struct gf_err *e) {
    struct out *t = x->t;
    struct ledger_story s;
    char id[GF_ID_TEXT], advice[CMD_RECORDS_ADVICE];

    if (ledger_story(x->r->ledger, r->row, &s, e) == -1)
        return -1;
    gf_text_hex(s.bundle.b, sizeof s.bundle.b, id);
    command_str(t, "bundle", "bundle", id);
    command_time(t, "received", "received", r->received);
    command_time(t, "state since", "since", r->since);
    if (r->state == LEDGER_LATER)
        command_time(t, "due", "due", r->due);
    command_str(t, "endpoint", "endpoint", r->endpoint);
    command_str(t, "reason", "reason", r->reason);
    command_str(t, "advice", "advice", cmd_records_advice(x->r, r, advice) ? advice : NULL);
    if (r->doubt > 0)
        command_time(t, "in doubt", "doubt", r->doubt);
    if (r->state == LEDGER_DELIVERED)
        command_str(t, "guarantee", "guarantee",
                    s.guarantee == GF_GUARANTEE_ONCE ? "effectively once" : "at least once");
    if (s.answer >= 0)
        command_int(t, "answered", "answer_status", s.answer);
    out_open(t, "attempts", '[');
    if (ledger_attempts(x->r->ledger, r->row, put_attempt, t, e) == -1)
        return -1;
    out_close(t, ']');
    gf_text_hex(s.told.b, sizeof s.told.b, id);
    command_str(t, "told", "response", s.has_told ? id : NULL);
    if (!s.has_told)
        out_text(t, "told         not yet: the next response does\n");
    if (s.acknowledged > 0)
        command_time(t, "site has it", "acknowledged", s.acknowledged);
    else if (s.has_told)
        out_text(t, "site has it  not as far as this relay knows\n");
    return 0;
}

/* What its maker knew of its body: the site's words. */
static void put_facts(struct out *t, const char *ext) {
    struct gf_buf safe;

    gf_buf_init(&safe, 8 * GF_EXT_MAX);
    gf_json_put_safe(&safe, ext != NULL ? ext : "{}", ext != NULL ? strlen(ext) : 2);
    if (!safe.failed && t->json)
        out_raw(t, "ext", safe.data, safe.len);
    else if (!safe.failed && ext != NULL)
        out_text(t, "%-12s %s\n", "facts", safe.data);
    gf_buf_free(&safe);
}

static int show_one(void *arg, const struct ledger_record *r, struct gf_err *e) {
    struct showing *x = arg;
    struct out *t = x->t;
    char id[GF_UUID_TEXT], agent[GF_ID_TEXT], digest[GF_HASH_TEXT], called[AGENTS_CALLED];
    struct gf_record record;

    x->shown++;
    if (x->line) {
        (void)fwrite(r->line, 1, r->line_len, stdout);
        if (r->line_len == 0 || r->line[r->line_len - 1] != '\n')
            (void)putchar('\n');
        return 0;
    }
    gf_text_uuid(&r->id, id);
    gf_text_hex(r->agent.b, sizeof r->agent.b, agent);
    gf_text_hex(r->digest.b, sizeof r->digest.b, digest);
    command_str(t, "record", "record", id);
    command_str(t, "state", "state", ledger_states[r->state]);
    command_str(t, "agent", "agent", agent);
    int named = agents_called(x->roll, &r->agent, called);
    out_str(t, "name", named ? called : NULL);
    out_text(t, "%-12s ", "called");
    out_safe(t, called);
    out_text(t, "\n");
    command_str(t, "channel", "channel", r->channel);
    command_str(t, "product", "product", r->product);
    if (gf_record_parse(r->line, r->line_len, &record, e) == -1)
        return -1;
    command_str(t, "type", "type", record.type);
    put_facts(t, record.ext);
    gf_record_free(&record);
    command_str(t, "digest", "digest", digest);
    return put_story(x, r, e);
}

static int show(struct relay *r, const struct options *o, struct gf_err *e) {
    struct agents_list roll = {0};
    struct showing x = {.r = r, .roll = &roll, .line = options_count(o, "line") > 0};
    struct cmd_records_pick p;
    struct out t;

    if (options_arg(o, 1) == NULL)
        return gf_err_set(e, GF_E_USAGE, "records show: give the ID of a record");
    if (cmd_records_pick(r, o, &p, e) == -1 || agents_load(r, &roll, e) == -1)
        return -1;
    out_begin(&t, o);
    x.t = &t;
    int rc = ledger_select(r->ledger, &p.f, show_one, &x, e);
    agents_free(&roll);
    if (rc == -1) {
        out_free(&t);
        return -1;
    }
    if (x.shown > 0 && !x.line)
        return command_end(&t, e);
    out_free(&t);
    return x.shown > 0 ? 0
                       : gf_err_set(e, GF_E_NOINPUT,
                                    "records show: %.64s is there, and not of this channel or "
                                    "endpoint; show it by its ID alone",
                                    options_arg(o, 1));
}

/* ---- the command ---- */

static int work(struct relay *r, const struct options *o, int *status, struct gf_err *e) {
    static const char *const lists[] = {"since", "limit", "after"};
    const char *verb = options_arg(o, 0) != NULL ? options_arg(o, 0) : "list";

    (void)status;
    if (command_args(o, 0, 2, "list, show, release, retry, reject or drop, and a record's ID", e) ==
        -1)
        return -1;
    int is_list = strcmp(verb, "list") == 0, is_show = strcmp(verb, "show") == 0;
    for (size_t i = 0; !is_list && i < sizeof lists / sizeof *lists; i++) {
        if (options_count(o, lists[i]) > 0)
            return gf_err_set(e, GF_E_USAGE, "records %.64s: --%s is for list", verb, lists[i]);
    }
    if (is_show && options_count(o, "state") > 0)
        return gf_err_set(e, GF_E_USAGE,
                          "records show: shows a record in whatever state it is; "
                          "--state is for list");
    if (!is_show && options_count(o, "line") > 0)
        return gf_err_set(e, GF_E_USAGE, "records %.64s: --line is for show", verb);
    if (strcmp(verb, "reject") != 0 && strcmp(verb, "drop") != 0 && options_count(o, "reason") > 0)
        return gf_err_set(e, GF_E_USAGE, "records %.64s: --reason is for reject and drop", verb);
    if (is_list && options_arg(o, 1) != NULL)
        return gf_err_set(e, GF_E_USAGE, "records list: takes no ID; see: records show %.64s",
                          options_arg(o, 1));
    if (is_list)
        return list(r, o, e);
    if (is_show)
        return show(r, o, e);
    int rc = cmd_records_change(r, o, verb, e);
    return rc != 0 ? rc == 1 ? 0 : -1
                   : gf_err_set(e, GF_E_USAGE,
                                "records %.64s: must be list, show, release, retry, reject or drop",
                                verb);
}

int cmd_records(const char *root, int argc, char **argv) {
    static const struct command c = {
        {COMMAND_PROGRAM " records", "[list|show|release|retry|reject|drop] [OPTION]... [ID]",
         "list (or no word): the records in the ledger, their state, and why they wait or were "
         "rejected. show: "
         "all that is known of one. retry: those that wait for another try are due at once. "
         "release: also those that are held. reject: those that are held will never be delivered. "
         "drop: nor will those that wait; the site learns both from a receipt. Which ones: the "
         "one with this ID, or all that --channel, --agent and --endpoint leave.",
         specs,
         "Examples:\n  gapferry-relay records list --state dead --since 7d\n"
         "  gapferry-relay records release --channel metrics\n"
         "  gapferry-relay records drop --endpoint usage --reason \"this vendor is gone\"\n"},
        COMMAND_OPEN,
        work};
    return command_run(&c, root, argc, argv);
}
