/*
 * cmd_couriers.c -- `couriers`: who may use the page, each by a token of his own.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gapferry/digest.h"
#include "relay/command.h"

static const struct option_spec specs[] = {
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static int list(struct relay *r, const struct options *o, struct gf_err *e) {
    struct ledger_courier *couriers = NULL;
    char at[GF_TIME_TEXT];
    struct out t;
    size_t n = 0;

    if (ledger_couriers(r->ledger, &couriers, &n, e) == -1)
        return -1;
    out_begin(&t, o);
    out_open(&t, "couriers", '[');
    for (size_t i = 0; i < n; i++) {
        gf_text_time(couriers[i].made, at);
        out_open(&t, NULL, '{');
        out_str(&t, "name", couriers[i].name);
        out_str(&t, "since", at);
        out_close(&t, '}');
        out_text(&t, "%-24s since %s\n", couriers[i].name, at);
    }
    out_close(&t, ']');
    if (n == 0)
        out_text(&t, "nobody has a token\n");
    free(couriers);
    return command_end(&t, e);
}

/* 128 random bits, in groups that can be read out and typed. */
static void make_token(char shown[40], struct gf_hash *hash) {
    char hex[33];
    uint8_t random[16];
    size_t n = 0;

    gf_digest_random(random, sizeof random);
    gf_text_hex(random, sizeof random, hex);
    gf_digest_256(hex, 32, hash);
    for (size_t i = 0; i < 32; i++) {
        if (i > 0 && i % 4 == 0)
            shown[n++] = '-';
        shown[n++] = hex[i];
    }
    shown[n] = '\0';
    gf_digest_wipe(random, sizeof random);
    gf_digest_wipe(hex, sizeof hex);
}

static int add(struct relay *r, const struct options *o, const char *name, struct gf_err *e) {
    struct gf_hash hash;
    char token[40];
    struct out t;

    make_token(token, &hash);
    if (ledger_courier_add(r->ledger, name, &hash, r->now, e) == -1)
        return -1;
    out_begin(&t, o);
    out_str(&t, "courier", name);
    out_str(&t, "token", token);
    /* The token stands alone on stdout, so that a script can keep it in a file. */
    out_text(&t, "%s\n", token);
    gf_digest_wipe(token, sizeof token);
    if (command_end(&t, e) == -1)
        return -1;
    if (!t.json)
        (void)fprintf(stderr,
                      "The token of courier %s. It is shown once; only its hash is kept. An "
                      "earlier token of this courier does not count any more.\n",
                      name);
    return 0;
}

static int take_back(struct relay *r, const struct options *o, const char *name, struct gf_err *e) {
    struct out t;

    int was = ledger_courier_remove(r->ledger, name, r->now, e);
    if (was == -1)
        return -1;
    if (was == 0)
        return gf_err_set(e, GF_E_NOINPUT, "%s: is no courier", name);
    out_begin(&t, o);
    command_str(&t, "removed", "removed", name);
    return command_end(&t, e);
}

static int work(struct relay *r, const struct options *o, int *status, struct gf_err *e) {
    const char *verb = options_arg(o, 0), *name = options_arg(o, 1);

    (void)status;
    if (command_args(o, 1, 2, "list, or add or remove and a NAME", e) == -1)
        return -1;
    if (strcmp(verb, "list") == 0 && name == NULL)
        return list(r, o, e);
    if ((strcmp(verb, "add") != 0 && strcmp(verb, "remove") != 0) || name == NULL)
        return gf_err_set(e, GF_E_USAGE, "couriers %s: must be list, add NAME or remove NAME",
                          verb);
    if (!gf_text_is_word(name, strlen(name), GF_WORD_MAX))
        return gf_err_set(e, GF_E_USAGE,
                          "%.64s: a courier's name has 1 to %d letters a to z, digits, dots and "
                          "dashes",
                          name, GF_WORD_MAX);
    return strcmp(verb, "add") == 0 ? add(r, o, name, e) : take_back(r, o, name, e);
}

int cmd_couriers(const char *root, int argc, char **argv) {
    static const struct command c = {
        {COMMAND_PROGRAM " couriers", "list|add|remove [OPTION]... [NAME]",
         "Who may use the courier's page (section [page] of relay.conf), for machines that have "
         "only a browser. add: a token for a courier, shown once. remove: it is taken back, and "
         "the courier is logged out. list: who has one.",
         specs, "Example:\n  gapferry-relay couriers add alice\n"},
        COMMAND_OPEN,
        work};
    return command_run(&c, root, argc, argv);
}
