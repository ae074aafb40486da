/*
 * state.c -- link.state, written whole; link.history, appended to.
 */
#include "agent/link/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gapferry/file.h"

static void path_of(const struct peers *p, const char *name, char out[600]) {
    (void)snprintf(out, 600, "%s/%s", p->state, name);
}

/* ---- link.state ---- */

static void put_words(struct gf_buf *b, const char *key, const char *words) {
    gf_buf_printf(b, "%s=", key);
    gf_text_safe(b, words, strlen(words));
    gf_buf_byte(b, '\n');
}

static void put_time(struct gf_buf *b, const char *key, int64_t at) {
    char text[GF_TIME_TEXT] = "";

    if (at > 0)
        gf_text_time(at, text);
    gf_buf_printf(b, "%s=%s\n", key, text);
}

int state_save(const struct peers *p, struct gf_err *e) {
    char path[600];
    struct gf_buf text;

    gf_buf_init(&text, LINK_STATE_MAX);
    for (size_t i = 0; i < p->n; i++) {
        const struct link_relay *s = &p->list[i].shown;
        if (i > 0)
            gf_buf_byte(&text, '\n');
        put_words(&text, "relay", s->relay);
        put_words(&text, "state", link_states[s->is]);
        put_time(&text, "since", s->since);
        put_words(&text, "stage", s->stage);
        put_words(&text, "evidence", s->evidence);
        put_time(&text, "tried", s->tried);
        put_time(&text, "next", s->next);
        put_words(&text, "person", s->person);
    }
    path_of(p, LINK_STATE_FILE, path);
    int rc = gf_buf_check(&text, path, e);
    if (rc == 0)
        rc = gf_file_save(AT_FDCWD, path, text.data, text.len, 0644, e);
    gf_buf_free(&text);
    return rc;
}

/* ---- link.history ---- */

/* Leave the newer half, beginning with a whole line. */
static int halve(const char *path, struct gf_err *e) {
    struct gf_buf all, half;
    int rc = -1;

    gf_buf_init(&half, LINK_HISTORY_MAX);
    if (gf_file_load(AT_FDCWD, path, 2 * LINK_HISTORY_MAX, &all, e) == 0) {
        size_t from = all.len > LINK_HISTORY_MAX / 2 ? all.len - LINK_HISTORY_MAX / 2 : 0;
        const char *lf = memchr(all.data + from, '\n', all.len - from);
        const char *begin = lf != NULL ? lf + 1 : all.data + all.len;
        gf_buf_add(&half, begin, (size_t)(all.data + all.len - begin));
        rc = gf_buf_check(&half, path, e);
    }
    if (rc == 0)
        rc = gf_file_save(AT_FDCWD, path, half.data, half.len, 0644, e);
    gf_buf_free(&all);
    gf_buf_free(&half);
    return rc;
}

static void put_change(struct gf_buf *b, const struct link_relay *s) {
    char at[GF_TIME_TEXT];

    gf_text_time(s->since, at);
    gf_buf_printf(b, "%s\t", at);
    gf_text_safe(b, s->relay, strlen(s->relay));
    gf_buf_printf(b, "\t%s\t%s\t", link_states[s->is], s->stage);
    gf_text_safe(b, s->evidence, strlen(s->evidence));
    gf_buf_byte(b, '\n');
}

/* In one write; behind a line that a crash has torn a new one begins. */
static int append(int fd, const struct link_relay *s, int64_t size, const char *path,
                  struct gf_err *e) {
    struct gf_buf line;
    char last = '\n';

    gf_buf_init(&line, 8192);
    if (size > 0 && gf_file_read_at(fd, &last, 1, size - 1) == -1)
        last = '\0';
    if (last != '\n')
        gf_buf_byte(&line, '\n');
    put_change(&line, s);
    int rc = gf_buf_check(&line, path, e);
    if (rc == 0 && (gf_file_write(fd, line.data, line.len) == -1 || fdatasync(fd) == -1))
        rc = gf_err_errno(e, "%s", path);
    gf_buf_free(&line);
    return rc;
}

int state_changed(const struct peers *p, const struct peer *peer, struct gf_err *e) {
    char path[600];
    struct stat st;

    path_of(p, LINK_HISTORY_FILE, path);
    int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd == -1)
        return gf_err_errno(e, "%s", path);
    int rc = fstat(fd, &st) == -1 ? gf_err_errno(e, "%s", path)
                                  : append(fd, &peer->shown, (int64_t)st.st_size, path, e);
    (void)close(fd);
    if (rc == 0 && st.st_size > LINK_HISTORY_MAX)
        rc = halve(path, e);
    return rc;
}
