/*
 * script.c -- faults on command: lines "COUNT FAULT [NUMBER] [/PATH]".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vendor.h"

static const struct {
    const char *name;
    enum fault fault;
    int number; /* default; -1: takes none */
    int max;
} faults[] = {
    {"close", FAULT_CLOSE, -1, 0},
    {"reset-before", FAULT_RESET_BEFORE, -1, 0},
    {"reset-after", FAULT_RESET_AFTER, -1, 0},
    {"timeout-after", FAULT_TIMEOUT_AFTER, 30, 600},
    {"status", FAULT_STATUS, 500, 599},
    {"retry-after", FAULT_RETRY_AFTER, 60, 86400},
    {"half", FAULT_HALF, -1, 0},
    {"wrong", FAULT_WRONG, -1, 0},
    {"slow", FAULT_SLOW, 2, 600},
    {"redirect", FAULT_REDIRECT, -1, 0},
    {"endless", FAULT_ENDLESS, -1, 0},
    {"longer", FAULT_LONGER, 100, 1000000},
    {"no-range", FAULT_NO_RANGE, -1, 0},
    {"partial", FAULT_PARTIAL, 1, 1000000},
};

/* A number of at most 9 digits, or -1. */
static int number_of(const char *word) {
    size_t n = word == NULL ? 0 : strspn(word, "0123456789");
    return n > 0 && n <= 9 && word[n] == '\0' ? (int)strtol(word, NULL, 10) : -1;
}

/* One line; 0 if it is a fault, 1 if there is nothing on it, -1. */
static int parse_line(char *line, struct script_entry *out) {
    char *save = NULL;
    char *word = strtok_r(line, " \t\r", &save);

    if (word == NULL || word[0] == '#')
        return 1;
    *out = (struct script_entry){.left = number_of(word)};
    if (out->left == -1)
        return -1;

    word = strtok_r(NULL, " \t\r", &save);
    size_t i = 0;
    while (i < sizeof faults / sizeof *faults &&
           (word == NULL || strcmp(word, faults[i].name) != 0))
        i++;
    if (i == sizeof faults / sizeof *faults)
        return -1;
    out->fault = faults[i].fault;
    out->number = faults[i].number;

    word = strtok_r(NULL, " \t\r", &save);
    if (number_of(word) != -1) {
        out->number = number_of(word);
        if (out->number > faults[i].max ||
            (out->fault == FAULT_STATUS && (out->number < 200 || out->number == 204)))
            return -1;
        word = strtok_r(NULL, " \t\r", &save);
    }
    if (word != NULL) {
        if (word[0] != '/' || strlen(word) >= sizeof out->path)
            return -1;
        memcpy(out->path, word, strlen(word) + 1);
    }
    return strtok_r(NULL, " \t\r", &save) == NULL ? 0 : -1;
}

int script_set(struct script *s, const char *text, size_t len, struct gf_err *e) {
    struct script *fresh = calloc(1, sizeof *fresh);
    char *copy = strndup(text, len);
    int number = 0, rc = 0;

    if (fresh == NULL || copy == NULL)
        rc = gf_err_set(e, GF_E_SYSTEM, "out of memory");
    for (char *line = copy, *next; rc == 0 && line != NULL; line = next) {
        next = strchr(line, '\n');
        if (next != NULL)
            *next++ = '\0';
        number++;
        int got = fresh->n == SCRIPT_MAX ? -1 : parse_line(line, &fresh->entries[fresh->n]);
        if (got == -1)
            rc = gf_err_set(e, GF_E_USAGE,
                            "script line %d: \"COUNT FAULT [NUMBER] [/PATH]\", FAULT being close, "
                            "reset-before, reset-after, timeout-after, status, retry-after, half, "
                            "wrong, slow, redirect, endless, longer, no-range or partial",
                            number);
        fresh->n += got == 0;
    }
    if (rc == 0)
        *s = *fresh;
    free(fresh);
    free(copy);
    return rc;
}

enum fault script_next(struct script *s, const char *path, int *number) {
    for (size_t i = 0; i < s->n; i++) {
        struct script_entry *entry = &s->entries[i];
        if (entry->left > 0 && (entry->path[0] == '\0' || strcmp(entry->path, path) == 0)) {
            entry->left--;
            *number = entry->number;
            return entry->fault;
        }
    }
    return FAULT_NONE;
}
