/*
 * cmd_sync.c -- `gapferry-agent sync DIR`: the command line of sync.c, and the summary.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/sync.h"
#include "common/options.h"
#include "gapferry/json.h"

#define PROGRAM     "gapferry-agent"
#define SUMMARY_MAX (4 << 20)

static const struct option_spec specs[] = {
    {"name-on-card", 0, NULL, "put this agent's name on the card that is left on the drive"},
    {"json", 0, NULL, "print the summary as one JSON object"},
    {"help", 'h', NULL, "show this help"},
    {NULL, 0, NULL, NULL},
};

static const struct option_page page = {
    PROGRAM " sync",
    "[OPTION]... DIR",
    "Visit a drive: take in the responses that are for this agent, then write what is due. DIR is "
    "where the drive is mounted, or any directory that is carried. What belongs to others is left "
    "alone.",
    specs,
    "Run the same on the other side: gapferry-relay sync DIR\n",
};

/* ---- for people ---- */

/* "3 records", "1 record" */
static void put_count(struct gf_buf *b, int64_t n, const char *one, const char *many) {
    gf_buf_printf(b, "%" PRId64 " %s", n, n == 1 ? one : many);
}

/* The next part of a line; first the label, later a comma. Parts that are zero are left out. */
static void put_part(struct gf_buf *b, const char *label, int *parts, int64_t n, const char *one,
                     const char *many) {
    if (n == 0)
        return;
    if ((*parts)++ == 0)
        gf_buf_printf(b, "%-11s", label);
    else
        gf_buf_text(b, ", ");
    put_count(b, n, one, many);
}

static void end_line(struct gf_buf *b, const char *label, int parts, const char *nothing) {
    if (parts == 0)
        gf_buf_printf(b, "%-11s%s", label, nothing);
    gf_buf_byte(b, '\n');
}

static void put_in(struct gf_buf *b, const struct sync_result *r) {
    const char *label = "came in";
    int parts = 0;

    put_part(b, label, &parts, r->responses, "response", "responses");
    put_part(b, label, &parts, r->in.delivered, "record delivered", "records delivered");
    put_part(b, label, &parts, r->in.relayed, "record relayed", "records relayed");
    put_part(b, label, &parts, r->in.rejected, "record rejected", "records rejected");
    put_part(b, label, &parts, r->in.expired, "record expired", "records expired");
    put_part(b, label, &parts, r->in.answers, "answer applied", "answers applied");
    put_part(b, label, &parts, r->in.unusable, "answer unusable", "answers unusable");
    put_part(b, label, &parts, r->in.refusals, "bundle refused", "bundles refused");
    put_part(b, label, &parts, r->in.notices, "notice", "notices");
    put_part(b, label, &parts, r->in.odd, "receipt that fits nothing", "receipts that fit nothing");
    put_part(b, label, &parts, r->seen, "response seen before", "responses seen before");
    end_line(b, label, parts, "nothing for this agent");
}

static void put_out(struct gf_buf *b, const struct sync_result *r) {
    const char *label = "went out";
    int parts = 0;

    if (r->read_only) {
        gf_buf_printf(b, "%-11sthe drive cannot be written: nothing was written or removed", label);
        parts = 1;
    }
    put_part(b, label, &parts, r->written, "request written", "requests written");
    put_part(b, label, &parts, r->there, "request there already", "requests there already");
    put_part(b, label, &parts, r->records, "record in them", "records in them");
    put_part(b, label, &parts, r->removed, "settled request removed", "settled requests removed");
    put_part(b, label, &parts, r->cut, "request not written", "requests not written");
    end_line(b, label, parts, "nothing is due");
}

static void put_waits(struct gf_buf *b, const struct sync_result *r) {
    const char *label = "waits";
    int parts = 0;

    put_part(b, label, &parts, r->queued, "record in the queue", "records in the queue");
    put_part(b, label, &parts, r->exported, "record for its receipt", "records for their receipts");
    put_part(b, label, &parts, r->relayed, "record at the relay", "records at the relay");
    put_part(b, label, &parts, r->answers, "record for its answer", "records for their answers");
    end_line(b, label, parts, "nothing");
}

/* Call fn-like code for each line of what needs a person. */
static const char *next_line(const char *at, size_t *len) {
    const char *end = strchr(at, '\n');

    *len = end ? (size_t)(end - at) : strlen(at);
    return end ? end + 1 : at + *len;
}

static void put_people(struct gf_buf *b, const struct sync_result *r) {
    const char *at = r->people.data ? r->people.data : "";

    while (*at) {
        size_t len;
        const char *next = next_line(at, &len);

        gf_buf_printf(b, "%-11s%.*s\n", "needs you", (int)len, at);
        at = next;
    }
}

static void put_text(struct gf_buf *b, const struct sync_result *r, const char *dir) {
    put_in(b, r);
    put_out(b, r);
    put_waits(b, r);
    put_people(b, r);
    if (r->safe) {
        gf_buf_text(b, "safe to remove: ");
        gf_text_safe(b, dir, strlen(dir));
        gf_buf_byte(b, '\n');
    } else {
        gf_buf_text(b, "NOT safe: not all could be flushed to the drive; run this again, or take "
                       "another drive\n");
    }
}

/* ---- for programs ---- */

static void put_number(struct gf_buf *b, const char *name, int64_t n) {
    if (b->len > 0 && b->data[b->len - 1] != '{')
        gf_buf_text(b, ", ");
    gf_buf_printf(b, "\"%s\": %" PRId64, name, n);
}

static void put_json(struct gf_buf *b, const struct sync_result *r, const char *dir) {
    const char *at = r->people.data ? r->people.data : "";
    struct gf_buf safe;

    gf_buf_init(&safe, SUMMARY_MAX);
    gf_text_safe(&safe, dir, strlen(dir));
    gf_buf_text(b, "{\"drive\": ");
    gf_json_put_str(b, safe.data ? safe.data : "", safe.len);
    gf_buf_free(&safe);
    gf_buf_text(b, ", \"came_in\": {");
    put_number(b, "responses", r->responses);
    put_number(b, "seen_before", r->seen);
    put_number(b, "delivered", r->in.delivered);
    put_number(b, "relayed", r->in.relayed);
    put_number(b, "rejected", r->in.rejected);
    put_number(b, "expired", r->in.expired);
    put_number(b, "answers", r->in.answers);
    put_number(b, "answers_unusable", r->in.unusable);
    put_number(b, "refusals", r->in.refusals);
    put_number(b, "notices", r->in.notices);
    put_number(b, "odd_receipts", r->in.odd);
    gf_buf_text(b, "}, \"went_out\": {");
    put_number(b, "written", r->written);
    put_number(b, "there_already", r->there);
    put_number(b, "records", r->records);
    put_number(b, "removed", r->removed);
    put_number(b, "not_written", r->cut);
    gf_buf_text(b, "}, \"waits\": {");
    put_number(b, "queued", r->queued);
    put_number(b, "for_receipt", r->exported);
    put_number(b, "at_relay", r->relayed);
    put_number(b, "for_answer", r->answers);
    gf_buf_text(b, "}, \"needs_a_person\": [");
    for (int first = 1; *at; first = 0) {
        size_t len;
        const char *next = next_line(at, &len);

        gf_buf_text(b, first ? "" : ", ");
        gf_json_put_str(b, at, len);
        at = next;
    }
    gf_buf_printf(b, "], \"read_only\": %s, \"safe_to_remove\": %s, \"exit\": %d}\n",
                  r->read_only ? "true" : "false", r->safe ? "true" : "false", (int)r->status);
}

static int print(const struct sync_result *r, const char *dir, int json, struct gf_err *e) {
    struct gf_buf b;

    gf_buf_init(&b, SUMMARY_MAX);
    if (json)
        put_json(&b, r, dir);
    else
        put_text(&b, r, dir);
    int rc = gf_buf_check(&b, "the summary", e);
    if (rc == 0 && (fwrite(b.data, 1, b.len, stdout) != b.len || fflush(stdout) != 0))
        rc = gf_err_errno(e, "standard output: cannot write the summary");
    gf_buf_free(&b);
    return rc;
}

/* ---- the command ---- */

static int run(const char *root, const struct options *o, int json, enum gf_exit *status,
               struct gf_err *e) {
    struct sync_options s = {.root = root,
                             .dir = options_arg(o, 0),
                             .name_on_card = options_count(o, "name-on-card") > 0};
    struct sync_result r;
    struct agent a;

    if (o->nargs != 1)
        return gf_err_set(e, GF_E_USAGE, "sync takes one directory, that of the drive; see --help");
    if (agent_open(&a, root, e) == -1)
        return -1;
    int rc = sync_drive(&a, &s, &r, e);
    if (rc == 0) {
        *status = r.status;
        rc = print(&r, s.dir, json, e);
        sync_free(&r);
    }
    agent_close(&a);
    return rc;
}

static int fail(const struct gf_err *e, int json) {
    if (json) {
        struct gf_buf b;

        gf_buf_init(&b, 65536);
        gf_buf_printf(&b, "{\"error\": {\"name\": \"%s\", \"exit\": %d, \"text\": ",
                      gf_err_name(e->code), (int)gf_err_exit(e->code));
        gf_json_put_str(&b, e->text, strlen(e->text));
        gf_buf_text(&b, "}}\n");
        (void)fputs(b.data ? b.data : "", stdout);
        (void)fflush(stdout);
        gf_buf_free(&b);
    }
    (void)fprintf(stderr, PROGRAM ": %s\n", e->text);
    return (int)gf_err_exit(e->code);
}

int cmd_sync(const char *root, int argc, char **argv) {
    enum gf_exit status = GF_EXIT_DONE;
    struct options o;
    struct gf_err e;

    if (options_parse(argc, argv, specs, &o, &e) == -1)
        return fail(&e, 0);
    int json = options_count(&o, "json") > 0;
    int rc = 0;
    if (options_count(&o, "help"))
        options_help(&page, stdout);
    else
        rc = run(root, &o, json, &status, &e);
    options_free(&o);
    return rc == -1 ? fail(&e, json) : (int)status;
}
