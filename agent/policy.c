/*
 * policy.c -- STATE/policy.json: what gapferry-collect may take, and how much of it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/collect/collect_policy.h"
#include "agent/command.h"
#include "agent/store/store_local.h"
#include "gapferry/file.h"
#include "gapferry/json.h"

/* Names as redact_next() reads them; null without any list. */
static void put_names(struct gf_buf *b, const char *member, const char *names) {
    const char *comma = "", *item;
    size_t n;

    if (!names) {
        gf_json_put_text(b, member, NULL);
        return;
    }
    gf_buf_printf(b, ", \"%s\": [", member);
    while ((item = redact_next(&names, &n))) {
        gf_buf_text(b, comma);
        gf_json_put_str(b, item, n);
        comma = ", ";
    }
    gf_buf_text(b, "]");
}

static void put_number(struct gf_buf *b, const char *name, int64_t n) {
    if (n == INT64_MAX)
        gf_buf_printf(b, "\"%s\": null", name);
    else
        gf_buf_printf(b, "\"%s\": %lld", name,
                      (long long)(n > GF_JSON_INT_MAX ? GF_JSON_INT_MAX : n));
}

static int put_channel(struct agent *a, struct gf_buf *b, const char *channel, struct gf_err *e) {
    struct command_consent c;
    struct agent_room room;

    if (command_consent(a, channel, &c, e) == -1)
        return -1;
    if (c.own)
        return 0;
    if (agent_room(a, channel, &room, e) == -1)
        return -1;
    gf_buf_text(b, b->data[b->len - 1] == '[' ? "\n  {\"channel\": " : ",\n  {\"channel\": ");
    gf_json_put_str(b, channel, strlen(channel));
    gf_json_put_text(b, "consent", store_consents[c.is]);
    const char *allow = config_get(a->config, "channel", channel, "allow");
    put_names(b, "allow", allow && *allow ? allow : NULL);
    put_names(b, "deny", config_get(a->config, "channel", channel, "deny"));
    gf_json_put_text(b, "product", config_get(a->config, "channel", channel, "product"));
    gf_json_put_text(b, "type", config_get(a->config, "channel", channel, "type"));
    gf_buf_text(b, ", \"room\": {");
    put_number(b, "records", room.records);
    gf_buf_text(b, ", ");
    put_number(b, "bytes", room.bytes);
    gf_buf_text(b, "}}");
    return 0;
}

static int is_configured(const struct config *c, const char *channel) {
    const char *name;

    for (size_t i = 0; (name = config_name(c, "channel", i)); i++) {
        if (strcmp(name, channel) == 0)
            return 1;
    }
    return 0;
}

/* The channels that the configuration names and those that somebody has decided about. */
static int put_policy(struct agent *a, struct gf_buf *b, struct gf_err *e) {
    char(*decided)[GF_WORD_MAX + 1] = NULL;
    char agent[GF_ID_TEXT];
    const char *name;
    size_t n = 0;

    gf_text_hex(a->id.card.agent.b, sizeof a->id.card.agent.b, agent);
    gf_buf_printf(b, "{\"format\": \"gapferry-policy/1\", \"agent\": \"%s\", \"channels\": [",
                  agent);
    int rc = store_decided(a->store, &decided, &n, e);
    for (size_t i = 0; rc == 0 && (name = config_name(a->config, "channel", i)); i++)
        rc = put_channel(a, b, name, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (!is_configured(a->config, decided[i]))
            rc = put_channel(a, b, decided[i], e);
    }
    free(decided);
    gf_buf_text(b, "\n]}\n");
    return rc == 0 ? gf_buf_check(b, COLLECT_POLICY_FILE, e) : -1;
}

int agent_policy_publish(struct agent *a, struct gf_err *e) {
    struct gf_buf b;
    int rc = -1;

    int dir = open(a->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir == -1)
        return gf_err_errno(e, "%s", a->state);
    gf_buf_init(&b, COLLECT_POLICY_MAX);
    if (put_policy(a, &b, e) == 0)
        rc = gf_file_save_changed(dir, COLLECT_POLICY_FILE, b.data, b.len, 0600, e);
    gf_buf_free(&b);
    (void)close(dir);
    return rc;
}
