/*
 * cmd_updates.c -- `updates check | list | fetch | verify | import | report`: the command line,
 * asking and reporting. Artifacts are cmd_updates_files.c's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cmd_updates.h"
#include "agent/vendors.h"

static const struct option_spec specs[] = {
    {"product", 'p', "PRODUCT",
     "check: what to ask for (default: that of the channel); list, fetch: only of this one"},
    {"version", 0, "VERSION",
     "check: which version runs here (default: the one last reported as installed)"},
    {"platform", 0, "PLATFORM", "check: what the vendor calls this machine"},
    {"channel", 'c', "CHANNEL", "check: of which channel (default: whichever the vendor answers)"},
    {"feature", 'f', "FEATURE...",
     "check: a feature in use (default: those of the installed licence)"},
    {"serial", 0, "NUMBER", "fetch: of the manifest with this serial (default: the newest)"},
    {"all", 'a', NULL, "fetch: all artifacts and the manifest; list: older manifests, too"},
    {"expired", 0, NULL, "fetch, verify: although the manifest has ended"},
    {"manifest", 'm', "MANIFEST",
     "verify: against this one (default: those that are known here); its signature may lie beside "
     "it as MANIFEST.minisig"},
    {"note", 0, "TEXT", "report: what the vendor should know"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static const struct option_page page = {
    COMMAND_PROGRAM " updates",
    "VERB [OPTION]... [ARGUMENT]...",
    "check: queue the question whether there is an update; the vendor's signed manifest and its "
    "artifacts come back with the trip. list: what is known, what is here, what went wrong. fetch "
    "NAME DIR: copy an artifact out, verified again on the way. verify [FILE...]: check files "
    "against a manifest (the first FILE may be it); with only a MANIFEST all that lies beside it; "
    "without any FILE all artifacts that are here. import DIR|MANIFEST: take in what a vendor "
    "handed over on a disc. "
    "report PRODUCT VERSION installed|failed: tell the vendor how an installation went.",
    specs,
    "Examples:\n  gapferry-agent updates check --product demo\n"
    "  gapferry-agent updates list\n"
    "  gapferry-agent updates fetch demo-1.3.0.tar.zst /srv/install\n"
    "  gapferry-agent updates report demo 1.3.0 installed\n",
};

static const char *const verbs[] = {"check", "list", "fetch", "verify", "import", "report"};
enum { CHECK, LIST, FETCH, VERIFY, IMPORT, REPORT, NVERBS };

/* An option that belongs to another verb is a mistake. */
static int check_options(const struct options *o, int verb, struct gf_err *e) {
    static const struct {
        const char *name;
        int verbs; /* bits */
    } rules[] = {
        {"product", 1 << CHECK | 1 << LIST | 1 << FETCH},
        {"version", 1 << CHECK},
        {"platform", 1 << CHECK},
        {"channel", 1 << CHECK},
        {"feature", 1 << CHECK},
        {"serial", 1 << FETCH},
        {"all", 1 << FETCH | 1 << LIST},
        {"expired", 1 << FETCH | 1 << VERIFY},
        {"manifest", 1 << VERIFY},
        {"note", 1 << REPORT},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (options_count(o, rules[i].name) && !(rules[i].verbs & 1 << verb))
            return gf_err_set(e, GF_E_USAGE, "updates %s: takes no --%s", verbs[verb],
                              rules[i].name);
    }
    switch (verb) {
    case FETCH:
        return options_count(o, "all") ? command_args(o, 2, 2, "DIR", e)
                                       : command_args(o, 3, 3, "NAME or DIR", e);
    case VERIFY:
        return command_args(o, 1, 4096, "FILE", e);
    case IMPORT:
        return command_args(o, 2, 2, "DIR or MANIFEST", e);
    case REPORT:
        return command_args(o, 4, 4, "PRODUCT, VERSION or installed|failed", e);
    default:
        return command_args(o, 1, 1, "nothing", e);
    }
}

/* ---- check, report ---- */

/* What the rule of the channel took out, to whoever looks on. */
static void tell_dropped(const struct agent *a, const struct gf_buf *dropped) {
    struct gf_buf safe;

    if (dropped->len == 0)
        return;
    gf_buf_init(&safe, 1 << 16);
    gf_text_safe(&safe, dropped->data, dropped->len);
    (void)fprintf(stderr, "%s: dropped by the rule of channel updates (allow, %s): %s\n",
                  COMMAND_PROGRAM, config_origin(a->config, "channel", UPDATES_CHANNEL, "allow"),
                  safe.data ? safe.data : "");
    gf_buf_free(&safe);
}

static int tell_queued(const struct options *o, const struct gf_id *record, const char *product,
                       struct gf_err *e) {
    char id[GF_UUID_TEXT];
    struct out t;

    gf_text_uuid(record, id);
    out_begin(&t, o);
    out_str(&t, "record", id);
    out_str(&t, "product", product);
    out_text(&t, "%s\n", id);
    return out_end(&t, e);
}

static int check(struct agent *a, const struct options *o, struct gf_err *e) {
    const char *product = options_value(o, "product");
    const size_t nfeatures = options_count(o, "feature");
    const char *features[64];
    struct gf_buf dropped;
    struct gf_id record;

    if (!product)
        product = config_get(a->config, "channel", UPDATES_CHANNEL, "product");
    if (!product)
        return gf_err_set(e, GF_E_USAGE,
                          "updates check: --product PRODUCT is needed, or a default in the "
                          "configuration: [channel \"updates\"] product = PRODUCT");
    if (nfeatures > sizeof features / sizeof *features)
        return gf_err_set(e, GF_E_USAGE, "--feature: at most %zu in one check",
                          sizeof features / sizeof *features);
    for (size_t i = 0; i < nfeatures; i++)
        features[i] = options_nth(o, "feature", i);
    const struct updates_wish w = {.product = product,
                                   .version = options_value(o, "version"),
                                   .platform = options_value(o, "platform"),
                                   .channel = options_value(o, "channel"),
                                   .features = nfeatures ? features : NULL,
                                   .nfeatures = nfeatures};
    gf_buf_init(&dropped, GF_LINE_MAX);
    int vendor = vendors_any(a, STORE_DUTY_UPDATE, e);
    int rc = vendor == -1 ? -1 : agent_updates_check(a, &w, &record, &dropped, e);
    if (rc == 0) {
        tell_dropped(a, &dropped);
        rc = tell_queued(o, &record, product, e);
    }
    gf_buf_free(&dropped);
    if (rc == -1)
        return -1;
    if (!vendor)
        vendors_warn(a, STORE_DUTY_UPDATE);
    command_next(a, "sync DRIVE");
    return 0;
}

static int report(struct agent *a, const struct options *o, struct gf_err *e) {
    const char *result = options_arg(o, 3);
    const struct updates_outcome outcome = {.product = options_arg(o, 1),
                                            .version = options_arg(o, 2),
                                            .installed = strcmp(result, "installed") == 0,
                                            .note = options_value(o, "note")};
    struct gf_buf dropped;
    struct gf_id record;

    if (!outcome.installed && strcmp(result, "failed") != 0)
        return gf_err_set(e, GF_E_USAGE, "updates report: \"%s\" must be installed or failed",
                          result);
    gf_buf_init(&dropped, GF_LINE_MAX);
    int rc = updates_report(a, &outcome, &record, &dropped, e);
    if (rc == 0) {
        tell_dropped(a, &dropped);
        rc = tell_queued(o, &record, outcome.product, e);
    }
    gf_buf_free(&dropped);
    if (rc == 0)
        command_next(a, "sync DRIVE");
    return rc;
}

static int run(struct agent *a, const struct options *o, int *status, struct gf_err *e) {
    const char *verb = options_arg(o, 0);
    int which = 0;

    if (!verb)
        return gf_err_set(
            e, GF_E_USAGE,
            "updates: check, list, fetch, verify, import or report is missing; see --help");
    while (which < NVERBS && strcmp(verb, verbs[which]) != 0)
        which++;
    if (which == NVERBS)
        return gf_err_set(e, GF_E_USAGE,
                          "updates %s: must be check, list, fetch, verify, import or report", verb);
    if (check_options(o, which, e) == -1)
        return -1;
    switch (which) {
    case CHECK:
        return check(a, o, e);
    case LIST:
        return cmd_updates_list(a, o, e);
    case FETCH:
        return cmd_updates_fetch(a, o, e);
    case VERIFY:
        return cmd_updates_verify(a, o, status, e);
    case IMPORT:
        return cmd_updates_import(a, o, status, e);
    default:
        return report(a, o, e);
    }
}

int cmd_updates(const char *root, int argc, char **argv) {
    return command_run_agent(&page, root, argc, argv, run);
}
