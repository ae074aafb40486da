/*
 * cmd_token.c -- `token`: one-time tokens, by which a site's agent is let in at its first contact.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/when.h"
#include "gapferry/digest.h"
#include "gapferry/json.h"
#include "relay/command.h"
#include "relay/ledger/ledger_enrol.h"

#define USES_MAX    1000
#define EXPIRES_MAX (366LL * 86400)

static const struct option_spec specs[] = {
    {"name", 'n', "NAME", "for whom it is; shown in lists here, never sent"},
    {"expires", 0, "SPAN",
     "how long it can be used: 90s 15m 12h 30d 4w 1y, or a time; default 14d"},
    {"uses", 0, "N", "how many agents may come with it, each once; default 1"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

/* A number from 1 to max. */
static int read_number(const char *text, const char *what, int64_t max, int64_t *out,
                       struct gf_err *e) {
    char *end = NULL;
    long long n = strtoll(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || n < 1 || n > max)
        return gf_err_set(e, GF_E_USAGE, "%s %.32s: must be a number from 1 to %lld", what, text,
                          (long long)max);
    *out = n;
    return 0;
}

static int read_options(struct relay *r, const struct options *o, struct ledger_token *t,
                        struct gf_err *e) {
    const char *name = options_value(o, "name"), *expires = options_value(o, "expires"),
               *uses = options_value(o, "uses");

    t->uses = 1;
    t->expires = r->now + 14 * 86400;
    if (name != NULL && (*name == '\0' || strlen(name) > GF_WORD_MAX ||
                         !gf_text_is_utf8(name, strlen(name)) || strpbrk(name, "\r\n\t") != NULL))
        return gf_err_set(e, GF_E_USAGE, "--name: 1 to %d bytes of plain text", GF_WORD_MAX);
    if ((uses != NULL && read_number(uses, "--uses", USES_MAX, &t->uses, e) == -1) ||
        (expires != NULL && when_read(expires, "expires", r->now, 1, &t->expires, e) == -1))
        return -1;
    if (t->expires <= r->now || t->expires > r->now + EXPIRES_MAX)
        return gf_err_set(e, GF_E_USAGE, "--expires %s: must lie within the next year", expires);
    (void)snprintf(t->name, sizeof t->name, "%s", name != NULL ? name : "");
    command_user(t->user);
    return 0;
}

static int give(struct relay *r, const struct options *o, struct gf_err *e) {
    uint8_t token[GF_TOKEN_SIZE];
    struct ledger_token t = {0};
    char text[GF_TOKEN_TEXT], at[GF_TIME_TEXT];
    struct out out;
    int rc = -1;

    if (command_args(o, 0, 0, "nothing", e) == -1 || read_options(r, o, &t, e) == -1)
        return -1;
    gf_digest_random(token, sizeof token);
    gf_token_write(token, text);
    if (ledger_token_add(r->ledger, token, &t, r->now, e) == -1 || ledger_seal(r->ledger, e) == -1)
        goto out;
    gf_text_time(t.expires, at);
    out_begin(&out, o);
    command_int(&out, NULL, "number", t.number);
    out_str(&out, "token", text);
    out_str(&out, "name", t.name[0] ? t.name : NULL);
    out_str(&out, "expires", at);
    out_int(&out, "uses", t.uses);
    out_text(&out, "%s\n", text);
    rc = command_end(&out, e);
    if (rc == 0 && !out.json)
        (void)fprintf(
            stderr,
            "It is shown once. Bring it to the site by another way than the drive; there: "
            "gapferry-agent init --token-file FILE, or, on an agent that is there "
            "already, card --token-file FILE (- reads it from the keyboard). It can be "
            "used until %s by %" PRId64 " agent%s.\n",
            at, t.uses, t.uses == 1 ? "" : "s");
out:
    gf_digest_wipe(token, sizeof token);
    gf_digest_wipe(text, sizeof text);
    return rc;
}

static const char *state_of(const struct ledger_token *t, int64_t now) {
    if (t->withdrawn > 0)
        return "withdrawn";
    if (t->used >= t->uses)
        return "used";
    return t->expires <= now ? "expired" : "open";
}

static int list(struct relay *r, const struct options *o, struct gf_err *e) {
    struct ledger_token *tokens = NULL;
    char at[GF_TIME_TEXT];
    struct out t;
    size_t n = 0;

    if (command_args(o, 1, 1, "nothing", e) == -1 || ledger_tokens(r->ledger, &tokens, &n, e) == -1)
        return -1;
    out_begin(&t, o);
    out_open(&t, "tokens", '[');
    for (size_t i = 0; i < n; i++) {
        const struct ledger_token *x = &tokens[i];
        gf_text_time(x->expires, at);
        out_open(&t, NULL, '{');
        out_int(&t, "number", x->number);
        out_str(&t, "name", x->name[0] ? x->name : NULL);
        out_str(&t, "state", state_of(x, r->now));
        out_str(&t, "user", x->user);
        out_time(&t, "created", 1, x->created);
        out_time(&t, "expires", 1, x->expires);
        out_int(&t, "uses", x->uses);
        out_int(&t, "used", x->used);
        out_close(&t, '}');
        out_text(&t, "%-4" PRId64 " %-9s  until %s  used %" PRId64 " of %" PRId64 "  ", x->number,
                 state_of(x, r->now), at, x->used, x->uses);
        out_safe(&t, x->name);
        out_text(&t, "\n");
    }
    out_close(&t, ']');
    if (n == 0)
        out_text(&t, "no token was given out\n");
    free(tokens);
    return command_end(&t, e);
}

static int withdraw(struct relay *r, const struct options *o, struct gf_err *e) {
    char user[65];
    int64_t number = 0;
    struct out t;

    if (command_args(o, 2, 2, "withdraw NUMBER", e) == -1 ||
        read_number(options_arg(o, 1), "token withdraw", INT64_MAX / 2, &number, e) == -1)
        return -1;
    command_user(user);
    int rc = ledger_token_withdraw(r->ledger, number, user, r->now, e);
    if (rc == 0)
        return gf_err_set(e, GF_E_NOINPUT,
                          "token withdraw %" PRId64 ": no token of this number can still be used; "
                          "gapferry-relay token list shows them",
                          number);
    if (rc == -1 || ledger_seal(r->ledger, e) == -1)
        return -1;
    out_begin(&t, o);
    command_int(&t, "withdrawn", "withdrawn", number);
    return command_end(&t, e);
}

static int work(struct relay *r, const struct options *o, int *status, struct gf_err *e) {
    const char *verb = options_arg(o, 0);

    (void)status;
    if (verb == NULL)
        return give(r, o, e);
    if (strcmp(verb, "list") == 0)
        return list(r, o, e);
    if (strcmp(verb, "withdraw") == 0)
        return withdraw(r, o, e);
    return gf_err_set(e, GF_E_USAGE,
                      "token %.64s: must be list, withdraw NUMBER, or nothing for a new one", verb);
}

int cmd_token(const char *root, int argc, char **argv) {
    static const struct command c = {
        {COMMAND_PROGRAM " token", "[list|withdraw NUMBER] [OPTION]...",
         "Print a new one-time token. An agent that is made with it is let in at its first "
         "contact, "
         "by drive or by HTTPS, and nobody needs to compare fingerprints. It is a secret until it "
         "is used: bring it to the site by another way than the drive.",
         specs,
         "Examples:\n  gapferry-relay token --name site-a --expires 30d\n"
         "  gapferry-relay token withdraw 7\n"},
        COMMAND_OPEN,
        work};
    return command_run(&c, root, argc, argv);
}
