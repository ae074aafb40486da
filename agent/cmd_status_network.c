/*
 * cmd_status_network.c -- how far gapferry-link comes, since when, and whether it is at work at
 * all.
 */
#include <stdlib.h>

#include "agent/cmd_status.h"
#include "agent/link_state.h"
#include "agent/services.h"

#define CHANGES_MAX 100 /* in JSON */

/* When the network changed, newest last, and at which stage. */
static int show_changes(struct agent *a, struct out *t, const char *relay, struct gf_err *e) {
    struct link_change *list = NULL;
    size_t n = 0;

    if (!t->json)
        return 0;
    if (link_history_load(a->state, relay, CHANGES_MAX, &list, &n, e) == -1)
        return -1;
    out_open(t, "changes", '[');
    for (size_t i = 0; i < n; i++) {
        out_open(t, NULL, '{');
        out_time(t, "at", 1, list[i].at);
        out_str(t, "state", link_states[list[i].is]);
        out_str(t, "stage", list[i].stage[0] ? list[i].stage : NULL);
        out_str(t, "evidence", list[i].evidence);
        out_close(t, '}');
    }
    out_close(t, ']');
    free(list);
    return 0;
}

/* One relay as gapferry-link sees it. */
static int show_reach(struct agent *a, struct out *t, const struct link_relay *r,
                      struct gf_err *e) {
    char since[GF_TIME_TEXT], next[GF_TIME_TEXT];

    out_open(t, NULL, '{');
    out_str(t, "relay", r->relay[0] ? r->relay : NULL);
    out_str(t, "state", link_states[r->is]);
    out_time(t, "since", r->since != 0, r->since);
    out_str(t, "stage", r->stage[0] ? r->stage : NULL);
    out_str(t, "evidence", r->evidence);
    out_time(t, "tried", r->tried != 0, r->tried);
    out_time(t, "next", r->next != 0, r->next);
    out_str(t, "person", r->person[0] ? r->person : NULL);
    int rc = show_changes(a, t, r->relay, e);
    out_close(t, '}');

    out_text(t, "network    ");
    out_safe(t, r->relay);
    out_text(t, "%s%s", r->relay[0] ? ": " : "", link_states[r->is]);
    if (r->since != 0) {
        gf_text_time(r->since, since);
        out_text(t, " since %s", since);
    }
    out_text(t, "%s", r->stage[0] ? ": " : "");
    out_safe(t, r->stage);
    out_text(t, "%s", r->evidence[0] ? " (" : "");
    out_safe(t, r->evidence);
    out_text(t, "%s", r->evidence[0] ? ")" : "");
    if (r->next != 0) {
        gf_text_time(r->next, next);
        out_text(t, "; next try %s", next);
    }
    out_text(t, "\n");
    return rc;
}

/* Words of gapferry-link hold while it is at work; later they are only what it last knew. */
static void show_link_itself(struct agent *a, struct out *t, const struct link_relay *list,
                             size_t n, struct cmd_status_reach *out) {
    int planned = 0, running = services_is_running(a->state, SERVICES_LINK);

    for (size_t i = 0; i < n; i++) {
        planned = planned || list[i].next != 0;
        out->online = out->online || (running && list[i].is == LINK_ONLINE);
        out->person = out->person || list[i].person[0] != '\0';
    }
    out_bool(t, "link_running", running);
    if (!running && planned)
        out_text(t, "           gapferry-link is not at work any more, so that this is old: "
                    "systemctl start gapferry-link\n");
}

int cmd_status_network(struct agent *a, struct out *t, struct cmd_status_reach *out,
                       struct gf_err *e) {
    struct link_relay *list = NULL;
    size_t n = 0;

    if (link_state_load(a->state, &list, &n, e) == -1)
        return -1;
    int rc = 0;
    out_open(t, "network", '[');
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = show_reach(a, t, &list[i], e);
    out_close(t, ']');
    if (n == 0)
        out_text(t, "network    not probed (gapferry-link has not run; drives need no network)\n");
    show_link_itself(a, t, list, n, out);
    free(list);
    /* What gapferry-link has fetched and nobody has applied yet. */
    out->inbox = agent_folder_count(a, "inbox", ".gfb");
    out_int(t, "inbox", out->inbox);
    out_bool(t, "run_running", services_is_running(a->state, SERVICES_AGENT));
    return rc;
}
