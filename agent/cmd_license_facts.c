/*
 * cmd_license_facts.c -- `license status`, `list` and `check`: what holds, and what the vendor
 * wants of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cmd_license.h"
#include "agent/floor.h"

/* ---- requests ---- */

static int show_request(void *arg, const struct store_record *r, struct gf_err *e) {
    struct out *t = arg;
    char id[GF_UUID_TEXT], since[GF_TIME_TEXT];

    (void)e;
    gf_text_uuid(&r->id, id);
    gf_text_time(r->state_since, since);
    out_open(t, NULL, '{');
    out_str(t, "record", id);
    out_str(t, "product", r->product);
    out_str(t, "state", store_states[r->state]);
    out_time(t, "since", 1, r->state_since);
    out_bool(t, "answered", r->answered);
    out_str(t, "reason", r->reason);
    out_close(t, '}');

    /* A proof of deactivation asks for nothing: once it has arrived there is nothing to say of it.
     */
    int proof = !r->wants_answer;
    if (!t->json && (proof ? r->state != STORE_DELIVERED : !r->answered || r->reason)) {
        out_text(t, "%s %s for %s: %s since %s\n", proof ? "deactivation" : "request", id,
                 r->product ? r->product : "?", store_states[r->state], since);
        if (r->reason) {
            out_text(t, "  reason      ");
            out_safe(t, r->reason);
            out_text(t, "\n");
        }
    }
    out_flush(t);
    return 0;
}

/* What is odd about the clock, which decides about times; nothing where it is not. */
static int put_clock(struct agent *a, struct out *t, struct gf_err *e) {
    char words[FLOOR_WORDS];
    int64_t floor;

    if (floor_get(a, &floor, e) == -1)
        return -1;
    int odd = floor_words(a->now, floor, words);
    out_time(t, "time_floor", 1, floor);
    out_str(t, "clock", odd ? words : NULL);
    if (odd)
        out_text(t, "%s\n", words);
    return 0;
}

int cmd_license_status(struct agent *a, const struct options *o, struct gf_err *e) {
    struct installed *list = NULL;
    struct out t;
    size_t n = 0;

    if (installed_all(a, &list, &n, e) == -1)
        return -1;
    out_begin(&t, o);
    out_open(&t, "licences", '[');
    for (size_t i = 0; i < n; i++) {
        out_open(&t, NULL, '{');
        cmd_license_put(&t, &list[i]);
        out_close(&t, '}');
        cmd_license_show(&t, &list[i]);
    }
    out_close(&t, ']');
    free(list);
    if (n == 0)
        out_text(&t, "no licence is installed\n");
    out_open(&t, "requests", '[');
    int rc = store_walk(a->store, -1, "license", show_request, &t, e);
    out_close(&t, ']');
    if (rc == 0)
        rc = put_clock(a, &t, e);
    if (rc == 0)
        rc = out_end(&t, e);
    out_free(&t);
    return rc;
}

/* ---- list ---- */

static int list_gone(void *arg, const struct store_gone *g, struct gf_err *e) {
    char record[GF_UUID_TEXT], at[GF_TIME_TEXT];
    struct out *t = arg;

    (void)e;
    gf_text_uuid(&g->record, record);
    gf_text_time(g->at, at);
    out_open(t, NULL, '{');
    out_str(t, "product", g->product);
    out_str(t, "id", g->id);
    out_str(t, "fact", "deactivated");
    out_time(t, "since", 1, g->at);
    out_str(t, "user", g->user);
    out_str(t, "record", record);
    out_close(t, '}');
    out_text(t, "%s: ", g->product);
    out_safe(t, g->id);
    out_text(t, ", deactivated here on %s\n", at);
    return 0;
}

int cmd_license_list(struct agent *a, const struct options *o, struct gf_err *e) {
    struct installed *list = NULL;
    char words[INSTALLED_WORDS];
    struct out t;
    size_t n = 0;

    if (installed_all(a, &list, &n, e) == -1)
        return -1;
    out_begin(&t, o);
    out_open(&t, "licences", '[');
    for (size_t i = 0; i < n; i++) {
        installed_words(&list[i], words);
        out_open(&t, NULL, '{');
        cmd_license_put(&t, &list[i]);
        out_close(&t, '}');
        out_text(&t, "%s: ", list[i].product);
        out_safe(&t, list[i].valid ? list[i].document.license.id : "?");
        out_text(&t, ", %s\n", words);
    }
    out_close(&t, ']');
    free(list);
    out_open(&t, "deactivated", '[');
    int rc = store_each_gone(a->store, list_gone, &t, e);
    out_close(&t, ']');
    if (rc == 0)
        rc = out_end(&t, e);
    out_free(&t);
    return rc;
}

/* ---- check ---- */

/* How the newest request for a product stands: told where there is no licence. */
struct newest {
    const char *product;
    char state[16];
    char reason[GF_REASON_MAX + 1];
};

static int note_newest(void *arg, const struct store_record *r, struct gf_err *e) {
    struct newest *n = arg;

    (void)e;
    if (n->product && (!r->product || strcmp(r->product, n->product) != 0))
        return 0;
    /* A proof of deactivation: what was asked for before is given up. */
    if (!r->wants_answer) {
        n->state[0] = n->reason[0] = '\0';
        return 0;
    }
    (void)snprintf(n->state, sizeof n->state, "%s", store_states[r->state]);
    (void)snprintf(n->reason, sizeof n->reason, "%s", r->reason ? r->reason : "");
    return 0;
}

/* What the state means to somebody who waits, and what brings it on, where no reason was given. */
static const struct {
    const char *state, *means, *next, *command;
} waiting[] = {
    {"queued", "it has not left yet", "write it to a drive", "sync DRIVE"},
    {"exported", "it has left, and no answer has come", "when the drive is back from the relay",
     "sync DRIVE"},
    {"relayed", "the relay has it, and the vendor has not answered yet", "after one more trip",
     "sync DRIVE"},
    {"delivered", "the vendor has it, but its answer holds no usable licence", "see why",
     "license status"},
    {"rejected", "the vendor does not want it", "ask anew", "license request"},
    {"expired", "its time was over before the vendor had it", "ask anew", "license request"},
};

/* A reason may be a sentence of its own, so that what is to be done stands behind it in another. */
static void tell_waiting(struct agent *a, struct out *t, const struct newest *n) {
    char self[COMMAND_SELF];

    for (size_t i = 0; i < sizeof waiting / sizeof *waiting; i++) {
        if (strcmp(waiting[i].state, n->state) != 0)
            continue;
        out_text(t, "%s", waiting[i].means);
        if (n->reason[0]) {
            out_text(t, ": ");
            out_safe(t, n->reason);
            out_text(t, "\nonce that is mended, ask anew: %s license request\n",
                     command_self(a, self));
        } else {
            out_text(t, "; %s: %s %s\n", waiting[i].next, command_self(a, self),
                     waiting[i].command);
        }
    }
}

static int check_none(struct agent *a, struct out *t, const char *product, struct gf_err *e) {
    struct newest newest = {.product = product};
    char self[COMMAND_SELF];

    if (store_walk(a->store, -1, "license", note_newest, &newest, e) == -1)
        return -1;
    out_str(t, "product", product);
    out_str(t, "fact", license_facts[LICENSE_NONE]);
    out_bool(t, "may_run", 0);
    out_str(t, "request", newest.state[0] ? newest.state : NULL);
    out_str(t, "reason", newest.reason[0] ? newest.reason : NULL);
    out_text(t, "%s%sno licence is installed; ", product ? product : "", product ? ": " : "");
    if (!newest.state[0]) {
        out_text(t, "ask for one: %s license request --product %s --key KEY\n",
                 command_self(a, self), product ? product : "PRODUCT");
        return 0;
    }
    out_text(t, "its request is %s\n", newest.state);
    tell_waiting(a, t, &newest);
    return 0;
}

/* The licence that was asked for, NULL if there is none; -1 if it is not clear which. */
static int choose(const struct installed *list, size_t n, const char *product,
                  const struct installed **out, struct gf_err *e) {
    *out = NULL;
    if (!product && n > 1)
        return gf_err_set(e, GF_E_USAGE,
                          "license check: %zu licences are installed; say which one: --product "
                          "PRODUCT",
                          n);
    for (size_t i = 0; i < n; i++) {
        if (!product || strcmp(list[i].product, product) == 0)
            *out = &list[i];
    }
    return 0;
}

int cmd_license_check(struct agent *a, const struct options *o, int *status, struct gf_err *e) {
    const char *product = options_value(o, "product");
    const struct installed *one;
    struct installed *list = NULL;
    char words[INSTALLED_WORDS];
    struct out t;
    size_t n = 0;

    if (installed_all(a, &list, &n, e) == -1)
        return -1;
    out_begin(&t, o);
    int rc = choose(list, n, product, &one, e);
    if (rc == 0 && !one) {
        *status = GF_EXIT_LICENSE_NONE;
        rc = check_none(a, &t, product, e);
    } else if (rc == 0) {
        *status = one->valid ? license_exit(one->verdict.fact) : GF_EXIT_LICENSE_INVALID;
        cmd_license_put(&t, one);
        installed_words(one, words);
        out_text(&t, "%s: %s%s%s\n", one->product, words, one->valid ? "" : ": ",
                 one->valid ? "" : one->why);
        if (one->valid && one->verdict.may_run) {
            if (*status != 0)
                out_text(&t, "Its vendor's policy lets the product run.\n");
            if (!options_count(o, "strict"))
                *status = GF_EXIT_DONE;
        }
        rc = put_clock(a, &t, e);
    }
    if (rc == 0)
        rc = out_end(&t, e);
    out_free(&t);
    free(list);
    return rc;
}
