/* state.c -- STATE/link.state: read for `since`, written whole. */
#include "agent/link/state.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "gapferry/file.h"

#define FILE_MAX 65536

static void path_of(const char *dir, char out[600]) {
    (void)snprintf(out, 600, "%s/%s", dir, STATE_FILE);
}

/* 1 if a line is KEY=VALUE. */
static int is_line(const char *line, size_t len, const char *key, const char *value) {
    size_t k = strlen(key);
    return len == k + 1 + strlen(value) && memcmp(line, key, k) == 0 && line[k] == '=' &&
           memcmp(line + k + 1, value, strlen(value)) == 0;
}

void state_since(const char *dir, struct state *s) {
    char path[600];
    struct gf_buf text;
    struct gf_err e;
    int ours = 0;
    int same = 0;

    s->since = s->tried;
    path_of(dir, path);
    if (gf_file_load(AT_FDCWD, path, FILE_MAX, &text, &e) == -1)
        return;
    for (size_t at = 0; at < text.len;) {
        const char *line = text.data + at;
        size_t len = strcspn(line, "\n");
        int64_t since = 0;
        if (len > 6 && memcmp(line, "relay=", 6) == 0)
            ours = is_line(line, len, "relay", s->relay), same = 0;
        else if (ours && len > 6 && memcmp(line, "state=", 6) == 0)
            same = is_line(line, len, "state", s->state);
        else if (ours && same && len > 6 && memcmp(line, "since=", 6) == 0 &&
                 gf_text_untime(line + 6, len - 6, &since) == 0)
            s->since = since;
        at += len + 1;
    }
    gf_buf_free(&text);
}

int state_save(const char *dir, const struct state *s, size_t n, struct gf_err *e) {
    char path[600];
    struct gf_buf text;
    struct gf_out out = {.fd = -1};
    int rc = -1;

    gf_buf_init(&text, FILE_MAX);
    for (size_t i = 0; i < n; i++) {
        char since[GF_TIME_TEXT];
        char tried[GF_TIME_TEXT];
        gf_text_time(s[i].since, since);
        gf_text_time(s[i].tried, tried);
        gf_buf_printf(&text,
                      "%srelay=%s\nstate=%s\nsince=%s\nstage=%s\nevidence=", i > 0 ? "\n" : "",
                      s[i].relay, s[i].state, since, s[i].stage);
        gf_text_safe(&text, s[i].evidence, strlen(s[i].evidence));
        gf_buf_printf(&text, "\ntried=%s\n", tried);
    }
    path_of(dir, path);
    if (gf_buf_check(&text, path, e) == 0 && gf_out_open(&out, AT_FDCWD, path, e) == 0) {
        if (gf_file_write(out.fd, text.data, text.len) == -1)
            (void)gf_err_errno(e, "%s", path);
        else
            rc = gf_out_commit(&out, 0644, 1, e);
    }
    gf_out_close(&out);
    gf_buf_free(&text);
    return rc;
}
