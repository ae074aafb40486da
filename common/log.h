/*
 * log.h -- one line per event on standard error, for people and the journal.
 *
 *   <6>event=bundle-taken bundle=5be1... sender=67K2-... records=12
 *
 * On a terminal mere information is left out: the person there reads the command's own summary.
 * The <N> prefix (sd-daemon(3)) is written only when standard error is the journal
 * (JOURNAL_STREAM). Values with spaces, quotes, "=" or foreign bytes are quoted; within quotes \"
 * and \\ stand for themselves and \xNN for a byte that is not shown. Values are cut at 1 KiB
 * ("..."). A line leaves in one write. errno is kept. Never a secret.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdint.h>

enum log_level {
    LOG_LEVEL_ERROR = 3,
    LOG_LEVEL_WARNING = 4,
    LOG_LEVEL_NOTICE = 5,
    LOG_LEVEL_INFO = 6
};

/* One value of an event; the list ends with a NULL key. */
struct log_field {
    const char *key;
    const char *text; /* NULL: the number counts */
    int64_t number;
};

void log_event(enum log_level level, const char *event, const struct log_field *fields);

/* log_write(LOG_LEVEL_INFO, "bundle-taken", {"bundle", id, 0}, {"records", NULL, n}) */
#define log_write(level, event, ...)                                                               \
    log_event(level, event, (const struct log_field[]){__VA_ARGS__, {NULL, NULL, 0}})

#endif
