/*
 * marks.c -- small files of ids.
 */
#include "agent/link/marks.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gapferry/file.h"

#define ID_LEN   (GF_ID_TEXT - 1)
#define FILE_MAX ((size_t)2 * MARKS_MAX * (ID_LEN + 2 + MARKS_WORDS))

int marks_parse(struct marks *m, const char *text, size_t len, struct gf_err *e) {
    m->list = calloc(MARKS_MAX, sizeof *m->list);
    if (m->list == NULL)
        return gf_err_errno(e, "%s", m->path);
    for (size_t at = 0; at < len;) {
        const char *lf = memchr(text + at, '\n', len - at);
        struct mark x;
        if (lf == NULL)
            break;
        size_t n = (size_t)(lf - text) - at;
        if (n > ID_LEN && n < ID_LEN + 1 + sizeof x.words && text[at + ID_LEN] == ' ' &&
            gf_text_unhex(text + at, ID_LEN, x.id.b, sizeof x.id.b) == 0) {
            (void)snprintf(x.words, sizeof x.words, "%.*s", (int)(n - ID_LEN - 1),
                           text + at + ID_LEN + 1);
            if (m->n == MARKS_MAX)
                memmove(m->list, m->list + 1, --m->n * sizeof *m->list);
            m->list[m->n++] = x;
        }
        at += n + 1;
    }
    return 0;
}

int marks_load(struct marks *m, const char *dir, const char *name, struct gf_err *e) {
    struct gf_buf text;

    *m = (struct marks){0};
    (void)snprintf(m->path, sizeof m->path, "%s/%s", dir, name);
    int rc = gf_file_load(AT_FDCWD, m->path, FILE_MAX, &text, e);
    if (rc == -1 && (e->code == GF_E_NOINPUT || e->code == GF_E_LIMIT)) {
        gf_buf_free(&text);
        rc = 0;
    }
    if (rc == 0)
        rc = marks_parse(m, text.data != NULL ? text.data : "", text.len, e);
    gf_buf_free(&text);
    return rc;
}

void marks_free(struct marks *m) {
    free(m->list);
    m->list = NULL;
    m->n = 0;
}

const char *marks_find(const struct marks *m, const struct gf_id *id) {
    for (size_t i = m->n; i-- > 0;) {
        if (memcmp(m->list[i].id.b, id->b, sizeof id->b) == 0)
            return m->list[i].words;
    }
    return NULL;
}

static void put(struct gf_buf *b, const struct mark *x) {
    char id[GF_ID_TEXT];

    gf_text_hex(x->id.b, sizeof x->id.b, id);
    gf_buf_printf(b, "%s %s\n", id, x->words);
}

/* The newer half in place of the file. */
static int halve(struct marks *m, struct gf_err *e) {
    struct gf_buf text;
    size_t from = m->n / 2;

    gf_buf_init(&text, FILE_MAX);
    for (size_t i = from; i < m->n; i++)
        put(&text, &m->list[i]);
    int rc = gf_buf_check(&text, m->path, e);
    if (rc == 0)
        rc = gf_file_save(AT_FDCWD, m->path, text.data, text.len, 0600, e);
    gf_buf_free(&text);
    if (rc == 0) {
        m->n -= from;
        memmove(m->list, m->list + from, m->n * sizeof *m->list);
    }
    return rc;
}

/* Behind a line that a crash has torn a new one begins. */
static int append(const struct marks *m, const struct mark *x, struct gf_err *e) {
    struct gf_buf line;
    char last = '\n';
    int fd = open(m->path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd == -1)
        return gf_err_errno(e, "%s", m->path);
    gf_buf_init(&line, 1024);
    off_t size = lseek(fd, 0, SEEK_END);
    if (size > 0 && gf_file_read_at(fd, &last, 1, (int64_t)size - 1) == 1 && last != '\n')
        gf_buf_byte(&line, '\n');
    put(&line, x);
    int rc = gf_buf_check(&line, m->path, e);
    if (rc == 0 && (gf_file_write(fd, line.data, line.len) == -1 || fdatasync(fd) == -1))
        rc = gf_err_errno(e, "%s", m->path);
    gf_buf_free(&line);
    (void)close(fd);
    return rc;
}

int marks_add(struct marks *m, const struct gf_id *id, const char *words, struct gf_err *e) {
    struct mark x = {.id = *id};

    (void)snprintf(x.words, sizeof x.words, "%.*s", (int)strcspn(words, "\n"), words);
    if ((m->n == MARKS_MAX && halve(m, e) == -1) || append(m, &x, e) == -1)
        return -1;
    m->list[m->n++] = x;
    return 0;
}
