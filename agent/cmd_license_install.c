/*
 * cmd_license_install.c -- `license install`: a licence file that came another way than by a drive.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "agent/cmd_license.h"
#include "agent/floor.h"
#include "agent/history.h"
#include "common/signed.h"
#include "gapferry/file.h"

/* What the options say of a Keygen file. */
static int read_secret(const struct options *o, struct installed_secret *out, struct gf_err *e) {
    const struct {
        const char *name;
        char *to;
    } rows[] = {{"key", out->key}, {"fingerprint", out->fingerprint}};

    *out = (struct installed_secret){.key = ""};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *value = options_value(o, rows[i].name);
        if (!value)
            continue;
        size_t n = strlen(value);
        if (n == 0 || n > KEYGEN_TEXT_MAX || strpbrk(value, "\n\r"))
            return gf_err_set(e, GF_E_USAGE, "--%s: must be one line of 1 to %d bytes",
                              rows[i].name, KEYGEN_TEXT_MAX);
        memcpy(rows[i].to, value, n + 1);
    }
    return 0;
}

/* A licence file as it came, and what became of it. */
struct installing {
    const char *path;
    struct gf_buf text;
    struct installed_document d;
    int elsewhere;
    int again; /* 1: exactly this is installed already */
};

/* What was installed is not replaced by what is older. */
static int check_order(struct agent *a, const struct options *o, const struct installing *i,
                       struct gf_err *e) {
    const struct license *l = &i->d.license;
    char when[GF_TIME_TEXT];

    int newer = options_count(o, "force") ? 0 : installed_is_newer(a, l->product, l->issued, e);
    if (newer != 1)
        return newer;
    gf_text_time(l->issued, when);
    return gf_err_set(e, GF_E_REPLAY,
                      "licence %s was issued on %s, and the one of product %s that is installed "
                      "was issued later; it stays, unless you say --force",
                      l->id, when, l->product);
}

static int note(struct agent *a, const struct license *l, struct gf_err *e) {
    struct history_line h;

    history_begin(&h, a, "license-installed");
    history_text(&h, "license", l->id);
    history_text(&h, "product", l->product);
    return history_end(&h, a, e);
}

/* Trust, reading and installing stand or fall together: a key that has signed nothing that can be
 * used is not pinned. */
static int work(struct agent *a, const struct options *o, struct installing *i, struct gf_err *e) {
    const char *hex = options_value(o, "vendor-key");
    struct installed_secret secret;
    struct store_vendor v;

    if (read_secret(o, &secret, e) == -1)
        return -1;
    const char *text = i->text.data ? i->text.data : "";
    if (hex && !keygen_is(text, i->text.len))
        return gf_err_set(e, GF_E_USAGE,
                          "--vendor-key is for Keygen's files; the key of a licence like this one "
                          "is trusted from its file: trust VENDOR.pub --duty license");
    if (hex && cmd_license_trust(a, hex, NULL, &v, e) == -1)
        return -1;
    if (installed_read(a, text, i->text.len, options_value(o, "product"), &secret, &i->d,
                       &i->elsewhere, e) == -1 ||
        check_order(a, o, i, e) == -1)
        return gf_err_prefix(e, "%s", i->path);
    i->again = installed_has(a, i->d.license.product, text, i->text.len, e);
    if (i->again == -1 || installed_put(a, &i->d, text, i->text.len, e) == -1)
        return -1;
    return i->again ? 0 : note(a, &i->d.license, e);
}

static int tell(struct agent *a, const struct options *o, const struct installing *i,
                struct gf_err *e) {
    struct installed l = {.valid = 1, .document = i->d};
    const struct license *of = &l.document.license;
    char words[INSTALLED_WORDS], clock[FLOOR_WORDS];
    struct installed_machine m;
    int64_t floor;
    struct out t;

    if (installed_machine(a, &m, e) == -1 || floor_get(a, &floor, e) == -1)
        return -1;
    license_judge(of, m.factors, m.n, a->now, floor, &l.verdict);
    installed_words(&l, words);
    out_begin(&t, o);
    out_str(&t, "id", of->id);
    out_str(&t, "product", of->product);
    out_str(&t, "fact", license_facts[l.verdict.fact]);
    out_text(&t, "licence ");
    out_safe(&t, of->id);
    out_bool(&t, "new", !i->again);
    out_text(&t, " of product %s %s: %s\n", of->product,
             i->again ? "was installed already" : "is installed", words);
    if (floor_words(a->now, floor, clock))
        out_text(&t, "%s\n", clock);
    int rc = out_end(&t, e);
    if (rc == 0)
        command_next(a, "license check --product %s", of->product);
    return rc;
}

/* Whether it needs one at all is for the verdict on the whole. */
static int join_signature(struct installing *i, struct gf_err *e) {
    if (keygen_is(i->text.data ? i->text.data : "", i->text.len))
        return 0;
    return COMMAND_REACH(signed_join(AT_FDCWD, i->path, CMD_LICENSE_FILE_MAX, &i->text, e)) == -1
               ? -1
               : 0;
}

int cmd_license_install(struct agent *a, const struct options *o, int *status, struct gf_err *e) {
    struct installing i = {.path = options_arg(o, 1)};
    char self[COMMAND_SELF];

    if (command_there(
            i.path, e,
            "name the file that the vendor sent; to ask for a licence: %s license request",
            command_self(a, self)) == -1)
        return -1;
    int rc = COMMAND_REACH(gf_file_load(AT_FDCWD, i.path, CMD_LICENSE_FILE_MAX, &i.text, e));
    if (rc == 0)
        rc = join_signature(&i, e);
    if (rc == 0 && store_begin(a->store, e) == -1)
        rc = -1;
    else if (rc == 0)
        rc = store_end(a->store, work(a, o, &i, e), e);
    gf_buf_free(&i.text);
    if (rc == 0)
        return history_seal(a, e) == -1 ? -1 : tell(a, o, &i, e);
    /* Another machine's licence is a fact with a status of its own. */
    if (!i.elsewhere)
        return -1;
    *status = GF_EXIT_LICENSE_ELSEWHERE;
    (void)command_fail(e, options_count(o, "json") > 0);
    return 0;
}
