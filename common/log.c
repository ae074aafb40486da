/*
 * log.c -- one line per event on standard error.
 */
#include "common/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gapferry/text.h"

/* Bytes of a line; bytes of a value before it is cut, so that every field is seen. */
#define LINE_MAX_BYTES  65536
#define VALUE_MAX_BYTES 1024

/* JOURNAL_STREAM names device and inode of the journal's socket (systemd.exec(5)); somebody may
 * have led standard error elsewhere since. */
static int is_journal(void) {
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat st;
    char own[64];

    if (!stream || fstat(STDERR_FILENO, &st) == -1)
        return 0;
    (void)snprintf(own, sizeof own, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    return strcmp(stream, own) == 0;
}

/* Plain words stand as they are; all else goes into quotes. A backslash is doubled there, so that
 * \xNN always is an escape of ours. */
static void put_value(struct gf_buf *line, const char *text) {
    size_t len = strlen(text);
    size_t plain = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-_.,:;/+@%~^()[]{}<>|!?*&#$'");

    if (len > 0 && plain == len && len <= VALUE_MAX_BYTES) {
        gf_buf_text(line, text);
        return;
    }
    int cut = len > VALUE_MAX_BYTES;
    if (cut) {
        /* Not within a character. */
        len = VALUE_MAX_BYTES;
        while (len > VALUE_MAX_BYTES - 4 && ((unsigned char)text[len] & 0xc0) == 0x80)
            len--;
    }
    gf_buf_byte(line, '"');
    while (len > 0) {
        size_t n = strcspn(text, "\"\\");
        n = n < len ? n : len;
        gf_text_safe(line, text, n);
        text += n;
        len -= n;
        if (len > 0) {
            gf_buf_byte(line, '\\');
            gf_buf_byte(line, *text++);
            len--;
        }
    }
    gf_buf_text(line, cut ? "...\"" : "\"");
}

/* A line that could not be made must not be lost without a word: its event is a literal of ours. */
static void write_line(struct gf_buf *line, enum log_level level, const char *event) {
    const char *text = line->data;
    size_t len = line->len;
    char instead[128];

    if (line->failed) {
        int n = snprintf(instead, sizeof instead, "event=%.60s log=incomplete level=%d\n", event,
                         (int)level);
        text = instead;
        len = (size_t)n;
    }
    /* One write, so that lines of several processes do not mix. Nothing can be done about one that
     * fails. */
    while (len > 0) {
        ssize_t n = write(STDERR_FILENO, text, len);
        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        text += n;
        len -= (size_t)n;
    }
}

void log_event(enum log_level level, const char *event, const struct log_field *fields) {
    struct gf_buf line;
    int saved = errno;

    if (level >= LOG_LEVEL_INFO && isatty(STDERR_FILENO)) {
        errno = saved;
        return;
    }
    gf_buf_init(&line, LINE_MAX_BYTES);
    if (is_journal())
        gf_buf_printf(&line, "<%d>", (int)level);
    gf_buf_text(&line, "event=");
    put_value(&line, event);
    for (; fields && fields->key; fields++) {
        gf_buf_printf(&line, " %s=", fields->key);
        if (fields->text)
            put_value(&line, fields->text);
        else
            gf_buf_printf(&line, "%" PRId64, fields->number);
    }
    gf_buf_byte(&line, '\n');
    write_line(&line, level, event);
    gf_buf_free(&line);
    errno = saved;
}
