/*
 * tally.c -- what took effect, durable before it is answered.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "gapferry/file.h"
#include "gapferry/json.h"
#include "gapferry/lines.h"
#include "vendor.h"

#define LINE_MAX ((size_t)4 << 20)
#define BODY_MAX 131072 /* bytes of a body that is kept with its effect */

/* ---- reading ---- */

static void copy_text(struct gf_json_obj *o, const char *name, char *out, size_t room) {
    const char *text = "";
    gf_json_str(o, name, 0, room - 1, &text);
    memcpy(out, text, strlen(text) + 1);
}

static int parse(const char *line, size_t len, struct effect *f, struct gf_err *e) {
    const char *answer = "", *body;
    struct gf_json *j = NULL;
    struct gf_json_obj o;
    int64_t status = 0, size = 0;

    if (gf_json_parse(line, len, "tally.jsonl", GF_E_DAMAGED, &j, e) == -1)
        return -1;
    *f = (struct effect){.count = 1};
    gf_json_root(j, &o);
    copy_text(&o, "key", f->key, sizeof f->key);
    copy_text(&o, "agent", f->agent, sizeof f->agent);
    copy_text(&o, "record", f->record, sizeof f->record);
    copy_text(&o, "path", f->path, sizeof f->path);
    gf_json_hex(&o, "digest", f->digest.b, sizeof f->digest.b);
    gf_json_time(&o, "at", &f->at);
    gf_json_int(&o, "status", 100, 599, &status);
    gf_json_int(&o, "size", 0, INT32_MAX, &size);
    gf_json_str_opt(&o, "body", 0, BODY_MAX, &body);
    gf_json_str(&o, "answer", 0, VENDOR_ANSWER_MAX, &answer);
    f->status = (int)status;
    f->answer = strdup(answer);
    f->answer_len = strlen(answer);
    int rc = gf_json_end(&o, e);
    gf_json_free(j);
    if (rc == 0 && f->answer == NULL)
        rc = gf_err_set(e, GF_E_SYSTEM, "out of memory");
    if (rc == -1)
        free(f->answer);
    return rc;
}

/* Take over f->answer. */
static int remember(struct tally *t, const struct effect *f, struct gf_err *e) {
    if (t->n == t->room) {
        size_t room = t->room == 0 ? 64 : t->room * 2;
        struct effect *more = realloc(t->effects, room * sizeof *more);
        if (more == NULL) {
            free(f->answer);
            return gf_err_set(e, GF_E_SYSTEM, "out of memory");
        }
        t->effects = more;
        t->room = room;
    }
    t->effects[t->n++] = *f;
    return 0;
}

static int read_all(struct tally *t, struct gf_err *e) {
    struct gf_lines lines;
    const char *line;
    size_t len;
    off_t whole = 0;
    int ended, got, rc = 0;

    gf_lines_init(&lines, t->fd, LINE_MAX);
    while (rc == 0 && (got = gf_lines_next(&lines, &line, &len, &ended, e)) != 0) {
        struct effect f;
        if (got == -1 || (ended && parse(line, len, &f, e) == -1)) {
            rc = -1;
            break;
        }
        if (!ended)
            break;
        whole += (off_t)len + 1;
        struct effect *same = tally_find(t, f.key);
        if (same != NULL) {
            same->count++;
            free(f.answer);
        } else {
            rc = remember(t, &f, e);
        }
    }
    gf_lines_free(&lines);
    if (rc == 0 && (ftruncate(t->fd, whole) == -1 || lseek(t->fd, whole, SEEK_SET) == -1))
        rc = gf_err_errno(e, "tally.jsonl");
    return rc;
}

int tally_open(struct tally *t, int dir, struct gf_err *e) {
    *t = (struct tally){.fd = openat(dir, "tally.jsonl", O_RDWR | O_CREAT | O_CLOEXEC, 0644)};
    if (t->fd == -1)
        return gf_err_errno(e, "tally.jsonl");
    if (flock(t->fd, LOCK_EX | LOCK_NB) == -1) {
        tally_close(t);
        return gf_err_set(e, GF_E_BUSY, "another vendor server uses this directory");
    }
    if (fsync(dir) == -1 || read_all(t, e) == -1) {
        tally_close(t);
        return -1;
    }
    return 0;
}

void tally_close(struct tally *t) {
    for (size_t i = 0; i < t->n; i++)
        free(t->effects[i].answer);
    free(t->effects);
    if (t->fd != -1)
        (void)close(t->fd);
    *t = (struct tally){.fd = -1};
}

struct effect *tally_find(const struct tally *t, const char *key) {
    for (size_t i = 0; key[0] != '\0' && i < t->n; i++) {
        if (strcmp(t->effects[i].key, key) == 0)
            return &t->effects[i];
    }
    return NULL;
}

/* ---- writing ---- */

static void put(struct gf_buf *b, const char *before, const char *text) {
    gf_buf_text(b, before);
    gf_json_put_str(b, text, strlen(text));
}

static void put_names(struct gf_buf *b, const struct effect *f) {
    char digest[GF_HASH_TEXT], at[GF_TIME_TEXT];

    gf_text_hex(f->digest.b, sizeof f->digest.b, digest);
    gf_text_time(f->at, at);
    put(b, "{\"key\": ", f->key);
    put(b, ", \"agent\": ", f->agent);
    put(b, ", \"record\": ", f->record);
    put(b, ", \"path\": ", f->path);
    put(b, ", \"digest\": ", digest);
    put(b, ", \"at\": ", at);
}

int tally_add(struct tally *t, const struct effect *f, const char *body, size_t len,
              struct effect *same, struct gf_err *e) {
    struct gf_buf b;
    int rc = -1;

    gf_buf_init(&b, LINE_MAX);
    put_names(&b, f);
    gf_buf_printf(&b, ", \"status\": %d, \"size\": %zu, \"body\": ", f->status, len);
    if (len <= BODY_MAX && gf_text_is_utf8(body, len))
        gf_json_put_str(&b, body, len);
    else
        gf_buf_text(&b, "null");
    put(&b, ", \"answer\": ", f->answer);
    gf_buf_text(&b, "}\n");

    off_t before = lseek(t->fd, 0, SEEK_CUR);
    if (t->n == TALLY_MAX)
        (void)gf_err_set(e, GF_E_LIMIT, "the tally is full");
    else if (gf_buf_check(&b, "tally.jsonl", e) == 0) {
        rc = gf_file_write(t->fd, b.data, b.len) == -1 || fdatasync(t->fd) == -1
                 ? gf_err_errno(e, "tally.jsonl")
                 : 0;
        /* What was not written whole has had no effect. */
        if (rc == -1 && (ftruncate(t->fd, before) == -1 || lseek(t->fd, before, SEEK_SET) == -1))
            abort();
    }
    gf_buf_free(&b);
    if (rc == 0 && same == NULL)
        return remember(t, f, e);
    if (rc == 0)
        same->count++;
    free(f->answer);
    return rc;
}

void tally_show(const struct tally *t, struct gf_buf *out) {
    gf_buf_text(out, "\"effects\": [");
    for (size_t i = 0; i < t->n; i++) {
        gf_buf_text(out, i > 0 ? ",\n  " : "\n  ");
        put_names(out, &t->effects[i]);
        gf_buf_printf(out, ", \"count\": %lld, \"requests\": %lld}", (long long)t->effects[i].count,
                      (long long)t->effects[i].requests);
    }
    gf_buf_text(out, "]");
}
