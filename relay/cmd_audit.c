/*
 * cmd_audit.c -- `audit verify | export`: the chain of what this relay has done.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/when.h"
#include "relay/command.h"
#include "relay/ledger/ledger_operator.h"

static const struct option_spec specs[] = {
    {"since", 0, "TIME", "export: only what was written since then: a date, or a span back"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static int verify(struct relay *r, const struct options *o, struct gf_err *e) {
    char hash[GF_HASH_TEXT];
    struct gf_hash newest;
    int64_t n = 0;
    struct out t;

    if (ledger_chain_verify(r->ledger, &n, &newest, e) == -1)
        return -1;
    gf_text_hex(newest.b, sizeof newest.b, hash);
    out_begin(&t, o);
    command_int(&t, NULL, "lines", n);
    command_str(&t, NULL, "hash", hash);
    out_text(&t, "the audit log holds, %" PRId64 " line%s; the newest has the hash %s\n", n,
             n == 1 ? "" : "s", hash);
    return command_end(&t, e);
}

/* The line is a string, so that its bytes, which the hash is over, come out as they are. */
static int put_link(void *arg, const struct ledger_link *x, struct gf_err *e) {
    char hash[GF_HASH_TEXT] = "";
    struct out t = {.json = 1};

    (void)arg;
    gf_buf_init(&t.b, (size_t)8 * LEDGER_LINK_MAX);
    if (x->has_hash)
        gf_text_hex(x->hash.b, sizeof x->hash.b, hash);
    out_open(&t, NULL, '{');
    out_int(&t, "n", x->n);
    out_str(&t, "hash", hash);
    out_str(&t, "line", x->line);
    out_close(&t, '}');
    gf_buf_byte(&t.b, '\n');
    int rc = gf_buf_check(&t.b, "a line of the audit log", e);
    if (rc == 0)
        (void)fwrite(t.b.data, 1, t.b.len, stdout);
    gf_buf_free(&t.b);
    return rc;
}

/* All of it comes out, also where the chain is broken: it is evidence. That it is broken must not
 * be left to whoever reads it. */
static int export(struct relay *r, int64_t from, struct gf_err *e) {
    struct gf_hash newest;
    int64_t n = 0;

    return ledger_chain(r->ledger, from, put_link, NULL, e) == -1
               ? -1
               : ledger_chain_verify(r->ledger, &n, &newest, e);
}

static int work(struct relay *r, const struct options *o, int *status, struct gf_err *e) {
    const char *since = options_value(o, "since");
    const char *verb = options_arg(o, 0);
    int64_t from = 0;

    (void)status;
    if (command_args(o, 1, 1, "verify or export", e) == -1)
        return -1;
    int is_export = strcmp(verb, "export") == 0;
    if (!is_export && strcmp(verb, "verify") != 0)
        return gf_err_set(e, GF_E_USAGE, "audit %s: must be verify or export", verb);
    if (!is_export && since != NULL)
        return gf_err_set(e, GF_E_USAGE, "audit verify: takes no --since: it begins at line 1");
    if (since != NULL && when_read(since, "since", r->now, -1, &from, e) == -1)
        return -1;
    if (relay_open_anyhow(r, NULL, e) == -1)
        return -1;
    return is_export ? export(r, from, e) : verify(r, o, e);
}

int cmd_audit(const char *root, int argc, char **argv) {
    static const struct command c = {
        {COMMAND_PROGRAM " audit", "verify|export [OPTION]...",
         "verify: compute the hash of every line of the audit log anew, and name the first one "
         "that does not hold (status 65). export: print the log, one JSON object a line, with "
         "number, hash and the line itself, whose hash is BLAKE2b-256 of the hash before it and "
         "its bytes. Where a line does not hold, all of it is printed nevertheless, and export "
         "ends "
         "as verify does. Keep exports on another machine: what stands there cannot be changed "
         "here.",
         specs,
         "Examples:\n  gapferry-relay audit verify\n"
         "  gapferry-relay audit export --since 7d >audit.jsonl\n"},
        COMMAND_PATHS,
        work};
    return command_run(&c, root, argc, argv);
}
