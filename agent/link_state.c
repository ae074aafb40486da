/*
 * link_state.c -- reading what gapferry-link has left: link.state and link.history.
 */
#include "agent/link_state.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gapferry/file.h"

const char *const link_states[] = {"unprobed", "online", "offline", "airgap", NULL};

/* Bytes of a line of the history at most: time, name, state, stage, evidence; escapes take four. */
#define LINE_MAX_BYTES (GF_TIME_TEXT + 16 + 32 + 4 * (65 + LINK_WORDS))

static void copy(char *out, size_t room, const char *text, size_t len) {
    if (len >= room)
        len = room - 1;
    memcpy(out, text, len);
    out[len] = '\0';
}

static int read_is(const char *text, size_t len, enum link_is *out) {
    for (int i = 0; link_states[i] != NULL; i++) {
        if (strlen(link_states[i]) == len && memcmp(text, link_states[i], len) == 0) {
            *out = (enum link_is)i;
            return 0;
        }
    }
    return -1;
}

static void read_time(const char *text, size_t len, int64_t *out) {
    if (gf_text_untime(text, len, out) == -1)
        *out = 0;
}

/* One line of a block; what we do not know is left alone. */
static void read_line(struct link_relay *r, int *has_is, const char *line, size_t len) {
    const char *eq = memchr(line, '=', len);

    if (eq == NULL)
        return;
    size_t key = (size_t)(eq - line), n = len - key - 1;
    const char *value = eq + 1;
#define IS(name) (key == sizeof name - 1 && memcmp(line, name, key) == 0)
    if (IS("relay"))
        copy(r->relay, sizeof r->relay, value, n);
    else if (IS("state"))
        *has_is = read_is(value, n, &r->is) == 0;
    else if (IS("since"))
        read_time(value, n, &r->since);
    else if (IS("stage"))
        copy(r->stage, sizeof r->stage, value, n);
    else if (IS("evidence"))
        copy(r->evidence, sizeof r->evidence, value, n);
    else if (IS("tried"))
        read_time(value, n, &r->tried);
    else if (IS("next"))
        read_time(value, n, &r->next);
    else if (IS("person"))
        copy(r->person, sizeof r->person, value, n);
#undef IS
}

int link_state_parse(const char *text, size_t len, struct link_relay **out, size_t *n,
                     struct gf_err *e) {
    struct link_relay *list = calloc(LINK_RELAYS_MAX, sizeof *list);
    struct link_relay r = {0};
    size_t count = 0;
    int has_is = 0;

    if (list == NULL)
        return gf_err_errno(e, LINK_STATE_FILE);
    for (size_t at = 0; at <= len;) {
        const char *line = text + at;
        const char *lf = at < len ? memchr(line, '\n', len - at) : NULL;
        size_t size = lf != NULL ? (size_t)(lf - line) : len - at;

        if (size > 0)
            read_line(&r, &has_is, line, size);
        at += size + 1;
        if (size > 0 && at <= len)
            continue;
        if (has_is && count < LINK_RELAYS_MAX)
            list[count++] = r;
        r = (struct link_relay){0};
        has_is = 0;
    }
    *out = list;
    *n = count;
    return 0;
}

/* 0 if the line is a change. */
static int read_change(const char *line, size_t len, struct link_change *c) {
    const char *part[5];
    size_t size[5], n = 0;

    for (const char *end = line + len; n < 5; n++) {
        const char *tab = memchr(line, '\t', (size_t)(end - line));
        if ((tab == NULL) != (n == 4))
            return -1;
        part[n] = line;
        size[n] = (size_t)((tab != NULL ? tab : end) - line);
        line = tab != NULL ? tab + 1 : end;
    }
    *c = (struct link_change){0};
    if (gf_text_untime(part[0], size[0], &c->at) == -1 || read_is(part[2], size[2], &c->is) == -1)
        return -1;
    copy(c->relay, sizeof c->relay, part[1], size[1]);
    copy(c->stage, sizeof c->stage, part[3], size[3]);
    copy(c->evidence, sizeof c->evidence, part[4], size[4]);
    return 0;
}

int link_history_parse(const char *text, size_t len, const char *relay, size_t max,
                       struct link_change **out, size_t *n, struct gf_err *e) {
    struct link_change *list = calloc(max > 0 ? max : 1, sizeof *list);
    size_t count = 0;

    if (list == NULL)
        return gf_err_errno(e, LINK_HISTORY_FILE);
    /* From the end, so that the newest are the ones that are kept. A last line without its end was
     * torn by a crash. */
    while (len > 0 && text[len - 1] != '\n')
        len--;
    while (len > 0 && count < max) {
        const char *before = len > 1 ? memrchr(text, '\n', len - 1) : NULL;
        size_t from = before != NULL ? (size_t)(before - text) + 1 : 0;
        struct link_change *c = &list[max - count - 1];

        if (len - 1 - from <= LINE_MAX_BYTES && read_change(text + from, len - 1 - from, c) == 0 &&
            (relay == NULL || strcmp(relay, c->relay) == 0))
            count++;
        len = from;
    }
    memmove(list, list + max - count, count * sizeof *list);
    *out = list;
    *n = count;
    return 0;
}

/* The text of a file of the state directory; empty where there is none. */
static int load(const char *state, const char *name, size_t max, struct gf_buf *text,
                struct gf_err *e) {
    char path[600];

    (void)snprintf(path, sizeof path, "%s/%s", state, name);
    if (gf_file_load(AT_FDCWD, path, max, text, e) == 0)
        return 0;
    gf_buf_free(text);
    return e->code == GF_E_NOINPUT ? 0 : -1;
}

int link_state_load(const char *state, struct link_relay **out, size_t *n, struct gf_err *e) {
    struct gf_buf text;
    int rc = load(state, LINK_STATE_FILE, LINK_STATE_MAX, &text, e);

    if (rc == 0)
        rc = link_state_parse(text.len > 0 ? text.data : "", text.len, out, n, e);
    gf_buf_free(&text);
    return rc;
}

int link_history_load(const char *state, const char *relay, size_t max, struct link_change **out,
                      size_t *n, struct gf_err *e) {
    struct gf_buf text;
    int rc = load(state, LINK_HISTORY_FILE, 2 * LINK_HISTORY_MAX, &text, e);

    if (rc == 0)
        rc = link_history_parse(text.len > 0 ? text.data : "", text.len, relay, max, out, n, e);
    gf_buf_free(&text);
    return rc;
}
