/*
 * collect_state.c -- collect.state: what gapferry-collect has done, for `status`.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/collect/collect.h"
#include "gapferry/file.h"

#define STATE_MAX 4096

static void put_time(struct gf_buf *b, const char *key, int64_t at) {
    char text[GF_TIME_TEXT];

    gf_text_time(at, text);
    gf_buf_printf(b, "%s=%s\n", key, text);
}

static void put_text(struct gf_buf *b, const char *key, const char *text) {
    gf_buf_printf(b, "%s=", key);
    gf_text_safe(b, text, strlen(text));
    gf_buf_byte(b, '\n');
}

static void put_number(struct gf_buf *b, const char *key, int64_t n) {
    gf_buf_printf(b, "%s=%" PRId64 "\n", key, n);
}

int collect_state_save(int dir, const struct collect_state *s, struct gf_err *e) {
    struct gf_buf b;

    gf_buf_init(&b, STATE_MAX);
    put_time(&b, "since", s->since);
    put_time(&b, "written", s->written);
    put_text(&b, "listen", s->listen);
    put_text(&b, "socket", s->socket);
    put_number(&b, "records", s->counts.records);
    put_number(&b, "bytes", s->counts.bytes);
    put_number(&b, "groups", s->counts.groups);
    put_number(&b, "refused", s->counts.refused);
    put_number(&b, "full", s->counts.full);
    int rc = gf_buf_check(&b, COLLECT_STATE_FILE, e);
    if (rc == 0)
        rc = gf_file_save(dir, COLLECT_STATE_FILE, b.data, b.len, 0644, e);
    gf_buf_free(&b);
    return rc;
}

/* The value of a key: what stands behind "KEY=" at the beginning of a line, up to its end. */
static int find(const char *text, const char *key, char *out, size_t room) {
    size_t n = strlen(key);

    for (const char *line = text; line != NULL;) {
        const char *lf = strchr(line, '\n');
        size_t len = lf != NULL ? (size_t)(lf - line) : strlen(line);
        if (len > n && memcmp(line, key, n) == 0 && line[n] == '=') {
            if (len - n - 1 >= room)
                return -1;
            memcpy(out, line + n + 1, len - n - 1);
            out[len - n - 1] = '\0';
            return 0;
        }
        line = lf != NULL ? lf + 1 : NULL;
    }
    return -1;
}

static int get_time(const char *text, const char *key, int64_t *out) {
    char value[GF_TIME_TEXT];

    return find(text, key, value, sizeof value) == -1 ? -1
                                                      : gf_text_untime(value, strlen(value), out);
}

static int get_number(const char *text, const char *key, int64_t *out) {
    char value[24];

    if (find(text, key, value, sizeof value) == -1 || value[0] == '\0' ||
        value[strspn(value, "0123456789")] != '\0')
        return -1;
    *out = strtoll(value, NULL, 10);
    return 0;
}

int collect_state_parse(const char *text, size_t len, struct collect_state *out, struct gf_err *e) {
    struct collect_state s = {.since = 0};

    if (memchr(text, '\0', len) != NULL || get_time(text, "since", &s.since) == -1 ||
        get_time(text, "written", &s.written) == -1 ||
        find(text, "listen", s.listen, sizeof s.listen) == -1 ||
        find(text, "socket", s.socket, sizeof s.socket) == -1 ||
        get_number(text, "records", &s.counts.records) == -1 ||
        get_number(text, "bytes", &s.counts.bytes) == -1 ||
        get_number(text, "groups", &s.counts.groups) == -1 ||
        get_number(text, "refused", &s.counts.refused) == -1 ||
        get_number(text, "full", &s.counts.full) == -1)
        return gf_err_set(e, GF_E_DAMAGED,
                          COLLECT_STATE_FILE ": is not what gapferry-collect writes; it is written "
                                             "anew while that runs");
    *out = s;
    return 0;
}

int collect_state_load(int dir, struct collect_state *out, struct gf_err *e) {
    struct gf_buf b;

    int rc = gf_file_load(dir, COLLECT_STATE_FILE, STATE_MAX, &b, e);
    if (rc == 0)
        rc = collect_state_parse(b.data != NULL ? b.data : "", b.len, out, e);
    gf_buf_free(&b);
    return rc;
}
