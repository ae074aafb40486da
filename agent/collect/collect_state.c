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

#define STATE_MAX 65536

#define SCRAPE "scrape=" /* NAME GOOD SAMPLES BAD FAILURES WHY; a time that never was is - */

#define REFUSAL "refusal" /* AT STATUS CHANNEL WHY; absent where nothing was refused */

#define DAMAGED                                                                                    \
    COLLECT_STATE_FILE ": is not what gapferry-collect writes; it is written anew while that runs"

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

static void put_scrape(struct gf_buf *b, const struct collect_scrape_state *s) {
    char good[GF_TIME_TEXT] = "-", bad[GF_TIME_TEXT] = "-";

    if (s->good > 0)
        gf_text_time(s->good, good);
    if (s->bad > 0)
        gf_text_time(s->bad, bad);
    gf_buf_printf(b, SCRAPE "%s %s %" PRId64 " %s %" PRId64 " ", s->name, good, s->samples, bad,
                  s->failures);
    gf_text_safe(b, s->why, strlen(s->why));
    gf_buf_byte(b, '\n');
}

static void put_refusal(struct gf_buf *b, const struct collect_refusal *x) {
    char at[GF_TIME_TEXT];

    if (x->at == 0)
        return;
    gf_text_time(x->at, at);
    gf_buf_printf(b, REFUSAL "=%s %u %s ", at, x->status, x->channel);
    gf_text_safe(b, x->why, strlen(x->why));
    gf_buf_byte(b, '\n');
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
    put_number(&b, "scrapes", s->counts.scrapes);
    put_number(&b, "scrapes_failed", s->counts.scrapes_failed);
    put_refusal(&b, &s->refusal);
    for (size_t i = 0; i < s->nscrapes; i++)
        put_scrape(&b, &s->scrapes[i]);
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

/* ---- endpoints ---- */

/* The next word of a line, up to a blank or its end, into out; NULL: it is too long. */
static const char *word(const char *at, char *out, size_t room) {
    size_t n = strcspn(at, " \n");

    if (n == 0 || n >= room)
        return NULL;
    memcpy(out, at, n);
    out[n] = '\0';
    return at[n] == ' ' ? at + n + 1 : at + n;
}

static const char *word_time(const char *at, int64_t *out) {
    char text[GF_TIME_TEXT];

    if (at == NULL || (at = word(at, text, sizeof text)) == NULL)
        return NULL;
    *out = 0;
    return strcmp(text, "-") == 0 || gf_text_untime(text, strlen(text), out) == 0 ? at : NULL;
}

static const char *word_number(const char *at, int64_t *out) {
    char text[20];

    if (at == NULL || (at = word(at, text, sizeof text)) == NULL ||
        text[strspn(text, "0123456789")] != '\0')
        return NULL;
    *out = strtoll(text, NULL, 10);
    return at;
}

static int get_refusal(const char *text, struct collect_refusal *x) {
    char line[sizeof x->channel + sizeof x->why + 64];
    int64_t status = 0;

    if (find(text, REFUSAL, line, sizeof line) == -1)
        return strstr(text, "\n" REFUSAL "=") != NULL ? -1 : 0;
    const char *at = word_number(word_time(line, &x->at), &status);
    if (at == NULL || status > 599 || (at = word(at, x->channel, sizeof x->channel)) == NULL)
        return -1;
    x->status = (unsigned)status;
    (void)snprintf(x->why, sizeof x->why, "%s", at);
    return 0;
}

static int get_scrape(const char *at, struct collect_scrape_state *s) {
    at = word(at, s->name, sizeof s->name);
    at = word_time(at, &s->good);
    at = word_number(at, &s->samples);
    at = word_time(at, &s->bad);
    at = word_number(at, &s->failures);
    if (at == NULL)
        return -1;
    (void)snprintf(s->why, sizeof s->why, "%.*s", (int)strcspn(at, "\n"), at);
    return 0;
}

/* The next line of an endpoint from here on, behind its key; NULL: none. */
static const char *next_scrape(const char *at) {
    while (at != NULL && strncmp(at, SCRAPE, strlen(SCRAPE)) != 0) {
        at = strchr(at, '\n');
        at = at != NULL ? at + 1 : NULL;
    }
    return at != NULL ? at + strlen(SCRAPE) : NULL;
}

static int get_scrapes(const char *text, struct collect_state *s, struct gf_err *e) {
    size_t n = 0;

    for (const char *at = text; (at = next_scrape(at)) != NULL;)
        n++;
    struct collect_scrape_state *list = calloc(n + 1, sizeof *list);
    if (list == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for " COLLECT_STATE_FILE);
    s->scrapes = list;
    for (const char *at = text; (at = next_scrape(at)) != NULL;) {
        if (get_scrape(at, &list[s->nscrapes++]) == -1)
            return gf_err_set(e, GF_E_DAMAGED, DAMAGED);
    }
    return 0;
}

void collect_state_free(struct collect_state *s) {
    free((void *)(uintptr_t)s->scrapes);
    s->scrapes = NULL;
    s->nscrapes = 0;
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
        get_number(text, "full", &s.counts.full) == -1 ||
        get_number(text, "scrapes", &s.counts.scrapes) == -1 ||
        get_number(text, "scrapes_failed", &s.counts.scrapes_failed) == -1 ||
        get_refusal(text, &s.refusal) == -1)
        return gf_err_set(e, GF_E_DAMAGED, DAMAGED);
    if (get_scrapes(text, &s, e) == -1) {
        collect_state_free(&s);
        return -1;
    }
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
