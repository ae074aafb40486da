/*
 * cmd_license.c -- `license request | install | status | check`: the command line, asking and
 * installing. What holds is told by cmd_license_facts.c.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cmd_license.h"
#include "agent/license/installed.h"
#include "gapferry/digest.h"
#include "gapferry/file.h"

#define LICENSE_FILE_MAX (GF_DOCUMENT_MAX + 65536)

static const struct option_spec specs[] = {
    {"product", 'p', "PRODUCT", "request: what to ask for (required); check: which to check"},
    {"key", 'k', "KEY", "request: the licence key that the vendor gave you (required)"},
    {"version", 0, "VERSION", "request: version of the product"},
    {"contact", 0, "CONTACT", "request: whom the vendor may ask"},
    {"count", 'c', "NAME=NUMBER...", "request: how many of something are wanted"},
    {"strict", 0, NULL, "check: end with the fact, not with what the vendor's policy makes of it"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static const struct option_page page = {
    COMMAND_PROGRAM " license",
    "request|install|status|check [OPTION]... [FILE]",
    "request: queue a request for a licence; the answer is installed when it comes back. install: "
    "install a licence FILE that came another way. status: show all licences and requests. check: "
    "may the product run? Exit status 0 if the vendor's policy lets it, else 90 to 95.",
    specs,
    "Examples:\n  gapferry-agent license request --product demo --key AAAA-BBBB \\\n"
    "      --contact ops@example.org --count seats=5\n"
    "  gapferry-agent license check --product demo\n",
};

static const char *const verbs[] = {"request", "install", "status", "check"};
enum { REQUEST, INSTALL, STATUS, CHECK, NVERBS };

/* An option that belongs to another verb is a mistake. */
static int check_options(const struct options *o, int verb, struct gf_err *e) {
    static const struct {
        const char *name;
        int verbs; /* bits */
    } rules[] = {
        {"product", 1 << REQUEST | 1 << CHECK},
        {"key", 1 << REQUEST},
        {"version", 1 << REQUEST},
        {"contact", 1 << REQUEST},
        {"count", 1 << REQUEST},
        {"strict", 1 << CHECK},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (options_count(o, rules[i].name) && !(rules[i].verbs & 1 << verb))
            return gf_err_set(e, GF_E_USAGE, "license %s: takes no --%s", verbs[verb],
                              rules[i].name);
    }
    size_t args = verb == INSTALL ? 2 : 1;
    return command_args(o, args, args, "FILE", e);
}

/* ---- request ---- */

/* 1 if some vendor may sign licences: without one the answer could not be believed. */
static int has_vendor(struct agent *a, struct gf_err *e) {
    struct store_vendor *vendors = NULL;
    size_t n = 0;
    int found = 0;

    if (store_vendors(a->store, &vendors, &n, e) == -1)
        return -1;
    for (size_t i = 0; i < n; i++)
        found = found || (vendors[i].duties & STORE_DUTY_LICENSE);
    free(vendors);
    return found;
}

static int write_body(struct agent *a, const struct options *o, const struct gf_id *nonce,
                      struct gf_buf *body, struct gf_err *e) {
    struct installed_machine m;
    struct gf_buf counts;

    gf_buf_init(&counts, 65536);
    for (size_t i = 0; i < options_count(o, "count"); i++)
        gf_buf_printf(&counts, "%s%s", i ? "\n" : "", options_nth(o, "count", i));
    const struct license_wish wish = {.product = options_value(o, "product"),
                                      .version = options_value(o, "version"),
                                      .key = options_value(o, "key"),
                                      .contact = options_value(o, "contact"),
                                      .counts = counts.data,
                                      .nonce = *nonce};
    int rc = gf_buf_check(&counts, "--count", e);
    if (rc == 0)
        rc = installed_machine(a, &m, e);
    if (rc == 0)
        rc = license_request(&wish, m.factors, m.n, body, e);
    gf_buf_free(&counts);
    return rc;
}

/* Record and nonce stand or fall together: an answer must find what it answers. */
static int queue(struct agent *a, const struct gf_record *r, const struct gf_id *nonce,
                 struct gf_err *e) {
    if (store_begin(a->store, e) == -1)
        return -1;
    int rc = store_add(a->store, r, a->now, e);
    if (rc == 0)
        rc = store_license_request(a->store, &r->id, r->product, nonce, a->now, e);
    return store_end(a->store, rc, e);
}

static int tell_request(struct agent *a, const struct options *o, const struct gf_record *r,
                        int vendor, struct gf_err *e) {
    char self[COMMAND_SELF];
    char id[GF_UUID_TEXT];
    struct out t;

    gf_text_uuid(&r->id, id);
    out_begin(&t, o);
    out_str(&t, "record", id);
    out_str(&t, "product", r->product);
    out_bool(&t, "vendor_trusted", vendor);
    out_text(&t, "%s\n", id);
    if (out_end(&t, e) == -1)
        return -1;
    if (!vendor) {
        (void)fflush(stdout);
        (void)fprintf(stderr,
                      COMMAND_PROGRAM ": no vendor is trusted with licences yet; before the answer "
                                      "comes: %s trust VENDOR.pub --duty license\n",
                      command_self(a, self));
    }
    command_next(a, "sync DRIVE");
    return 0;
}

static int request(struct agent *a, const struct options *o, struct gf_err *e) {
    struct gf_record r;
    struct gf_buf body;
    struct gf_id nonce;

    if (!options_value(o, "product") || !options_value(o, "key"))
        return gf_err_set(e, GF_E_USAGE,
                          "license request: --product PRODUCT and --key KEY are "
                          "needed");
    int vendor = has_vendor(a, e);
    if (vendor == -1 || command_record(a, &r, e) == -1)
        return -1;
    gf_digest_random(nonce.b, sizeof nonce.b);
    gf_buf_init(&body, GF_LINE_MAX);
    int rc = write_body(a, o, &nonce, &body, e);
    if (rc == 0) {
        r.channel = "license";
        r.product = options_value(o, "product");
        r.type = LICENSE_REQUEST_TYPE;
        r.answer = 1;
        r.body = (struct gf_body){GF_BODY_TEXT, body.data, body.len};
        rc = queue(a, &r, &nonce, e);
    }
    if (rc == 0)
        rc = tell_request(a, o, &r, vendor, e);
    gf_buf_free(&body);
    return rc;
}

/* ---- install ---- */

static int install(struct agent *a, const struct options *o, int *status, struct gf_err *e) {
    const char *path = options_arg(o, 1);
    struct installed l = {.valid = 1};
    char words[INSTALLED_WORDS];
    struct gf_buf text;
    int elsewhere = 0;
    struct out t;

    int rc = gf_file_load(AT_FDCWD, path, LICENSE_FILE_MAX, &text, e);
    if (rc == 0 && installed_read(a, text.data ? text.data : "", text.len, NULL, &l.license,
                                  &elsewhere, e) == -1) {
        rc = gf_err_prefix(e, "%s", path);
        /* Another machine's licence is a fact with a status of its own. */
        if (elsewhere) {
            *status = GF_EXIT_LICENSE_ELSEWHERE;
            (void)command_fail(e, options_count(o, "json") > 0);
            rc = 1;
        }
    }
    if (rc == 0)
        rc = installed_put(a, &l.license, text.data, text.len, e);
    if (rc == 0) {
        struct installed_machine m;
        rc = installed_machine(a, &m, e);
        license_judge(&l.license, m.factors, rc == 0 ? m.n : 0, a->now, &l.verdict);
        installed_words(&l, words);
        out_begin(&t, o);
        out_str(&t, "id", l.license.id);
        out_str(&t, "product", l.license.product);
        out_str(&t, "fact", license_facts[l.verdict.fact]);
        out_text(&t, "licence ");
        out_safe(&t, l.license.id);
        out_text(&t, " of product %s is installed: %s\n", l.license.product, words);
        if (rc == 0)
            rc = out_end(&t, e);
        out_free(&t);
    }
    gf_buf_free(&text);
    return rc == 1 ? 0 : rc;
}

static int run(struct agent *a, const struct options *o, int *status, struct gf_err *e) {
    const char *verb = options_arg(o, 0);
    int which = 0;

    if (!verb)
        return gf_err_set(e, GF_E_USAGE,
                          "license: request, install, status or check is missing; see --help");
    while (which < NVERBS && strcmp(verb, verbs[which]) != 0)
        which++;
    if (which == NVERBS)
        return gf_err_set(e, GF_E_USAGE, "license %s: must be request, install, status or check",
                          verb);
    if (check_options(o, which, e) == -1)
        return -1;
    switch (which) {
    case REQUEST:
        return request(a, o, e);
    case INSTALL:
        return install(a, o, status, e);
    case STATUS:
        return cmd_license_status(a, o, e);
    default:
        return cmd_license_check(a, o, status, e);
    }
}

int cmd_license(const char *root, int argc, char **argv) {
    return command_run_agent(&page, root, argc, argv, run);
}
