/*
 * cmd_status_health.c -- what went wrong without anybody having asked: sources, the intake, the
 * clock, what is in quarantine; and when the relay expects the next bundle.
 */
#include <stdlib.h>

#include "agent/cmd_status.h"
#include "agent/floor.h"
#include "agent/notice.h"
#include "agent/store/store_local.h"

#define REFUSED_MAX 3 /* lines about the intake; in JSON all */

static int show_sources(struct agent *a, struct out *t, struct gf_err *e) {
    struct store_source s;
    const char *name;
    int rc = 0;

    out_open(t, "sources_failing", '[');
    for (size_t i = 0; rc != -1 && (name = config_name(a->config, "source", i)) != NULL; i++) {
        rc = store_get_source(a->store, name, &s, e);
        if (rc != 1 || s.failures == 0)
            continue;
        out_open(t, NULL, '{');
        out_str(t, "source", name);
        out_int(t, "failures", s.failures);
        out_str(t, "reason", s.reason);
        out_time(t, "last_good", s.good != 0, s.good);
        out_close(t, '}');
        out_text(t, "source     %s failed %lld time%s in a row: ", name, (long long)s.failures,
                 s.failures == 1 ? "" : "s");
        out_safe(t, s.reason);
        out_text(t, "\n");
    }
    out_close(t, ']');
    return rc == -1 ? -1 : 0;
}

static int show_refused(struct agent *a, struct out *t, struct gf_err *e) {
    struct store_refused *list = NULL;
    size_t n = 0;

    if (store_all_refused(a->store, &list, &n, e) == -1)
        return -1;
    out_open(t, "intake_refused", '[');
    for (size_t i = 0; i < n; i++) {
        out_open(t, NULL, '{');
        out_str(t, "channel", list[i].channel[0] ? list[i].channel : NULL);
        out_str(t, "reason", list[i].reason);
        out_int(t, "records", list[i].records);
        out_time(t, "last", 1, list[i].last);
        out_close(t, '}');
        if (i >= REFUSED_MAX)
            continue;
        out_text(t, "refused    %lld at the intake%s%s: ", (long long)list[i].records,
                 list[i].channel[0] ? ", channel " : "", list[i].channel);
        out_safe(t, list[i].reason);
        out_text(t, "\n");
    }
    out_close(t, ']');
    if (n > REFUSED_MAX)
        out_text(t, "           and %zu more reasons (status --json)\n", n - REFUSED_MAX);
    free(list);
    return 0;
}

static int show_times(struct agent *a, struct out *t, struct gf_err *e) {
    char words[FLOOR_WORDS], at[GF_TIME_TEXT];
    int64_t floor = 0, due = 0;

    if (floor_get(a, &floor, e) == -1)
        return -1;
    int odd = floor_words(a->now, floor, words);
    out_str(t, "clock", odd ? words : NULL);
    if (odd)
        out_text(t, "clock      %s\n", words);
    int known = agent_notice_time(a, "next-due", &due, e);
    if (known == -1)
        return -1;
    out_time(t, "next_due", known == 1, due);
    gf_text_time(due, at);
    if (known == 1)
        out_text(t, "due        the relay expects the next bundle by %s%s\n", at,
                 due < a->now ? ", which has passed" : "");
    return 0;
}

static void show_quarantine(const struct agent *a, struct out *t) {
    int64_t n = agent_folder_count(a, "quarantine", NULL);

    out_int(t, "quarantine", n);
    if (n > 0)
        out_text(t,
                 "quarantine %lld file%s could not be used; NAME.why beside each in %s/quarantine "
                 "says why\n",
                 (long long)n, n == 1 ? "" : "s", a->state);
}

int cmd_status_health(struct agent *a, struct out *t, struct gf_err *e) {
    if (show_sources(a, t, e) == -1 || show_refused(a, t, e) == -1 || show_times(a, t, e) == -1)
        return -1;
    show_quarantine(a, t);
    return 0;
}
