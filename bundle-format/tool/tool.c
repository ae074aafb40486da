/*
 * tool.c -- what the commands share: times, inputs, cards.
 */
#include "tool/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/when.h"

int tool_need(const struct options *o, const char *name, const char *why, struct gf_err *e) {
    const struct option_spec *s = o->specs;

    if (options_count(o, name))
        return 0;
    while (strcmp(s->name, name) != 0)
        s++;
    int len = (int)strcspn(s->arg, ".");
    return gf_err_set(e, GF_E_USAGE, "--%s %.*s is missing: %s", name, len, s->arg, why);
}

int tool_one_arg(const struct options *o, const char *what, const char **out, struct gf_err *e) {
    const char *arg = options_arg(o, 0);

    if (!arg)
        return gf_err_set(e, GF_E_USAGE, "%s is missing; see --help", what);
    if (o->nargs > 1)
        return gf_err_set(e, GF_E_USAGE, "one %s at a time: what is \"%s\"?", what,
                          options_arg(o, 1));
    if (strcmp(arg, "-") == 0)
        return gf_err_set(e, GF_E_USAGE,
                          "%s must be a file, not standard input: save it to a file first", what);
    *out = arg;
    return 0;
}

int64_t tool_now(void) {
    return (int64_t)time(NULL);
}

int tool_number(const struct options *o, const char *name, long max, int *out, struct gf_err *e) {
    const char *text = options_value(o, name);
    char *end;

    if (!text)
        return 0;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || n < 1 || n > max)
        return gf_err_set(e, GF_E_USAGE, "--%s %s: must be a number from 1 to %ld", name, text,
                          max);
    *out = (int)n;
    return 0;
}

int tool_time(const char *text, const char *option, int64_t now, int64_t *out, struct gf_err *e) {
    return when_read(text, option, now, now >= 0, out, e);
}

int tool_open(const char *path, int regular, struct stat *st, struct gf_err *e) {
    /* O_NONBLOCK: a pipe without a writer must not hold us before we know what it is. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (regular ? O_NONBLOCK : 0));

    if (fd == -1)
        return gf_err_set(e, GF_E_NOINPUT, "%s: cannot read it: %s", path, strerror(errno));
    if (fstat(fd, st) == -1) {
        (void)gf_err_errno(e, "%s", path);
        (void)close(fd);
        return -1;
    }
    if (S_ISREG(st->st_mode) || (!regular && !S_ISDIR(st->st_mode)))
        return fd;
    (void)close(fd);
    return gf_err_set(e, GF_E_NOINPUT, "%s: is %s, not a regular file", path,
                      S_ISDIR(st->st_mode) ? "a directory" : "a pipe or device");
}

int tool_card(const char *path, struct gf_card *out, struct gf_err *e) {
    char inside[4096];
    struct stat st;

    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        if (snprintf(inside, sizeof inside, "%s/card", path) >= (int)sizeof inside)
            return gf_err_set(e, GF_E_NOINPUT, "%s: this path is too long", path);
        path = inside;
    }
    return gf_card_load(AT_FDCWD, path, out, e);
}

int tool_card_at(const struct gf_card *c, const char *what, int64_t at, struct gf_err *e) {
    char expires[GF_TIME_TEXT];

    if (!c->has_expires || c->expires > at)
        return 0;
    gf_text_time(c->expires, expires);
    return gf_err_set(e, GF_E_EXPIRED, "%s: this card ended on %s; ask its owner for a new one",
                      what, expires);
}

int tool_cards(const struct options *o, const char *name, struct tool_cards *out,
               struct gf_err *e) {
    struct tool_cards c = {.n = options_count(o, name)};
    size_t room = c.n ? c.n : 1;

    *out = (struct tool_cards){0};
    c.cards = calloc(room, sizeof *c.cards);
    c.refs = calloc(room, sizeof *c.refs);
    if (!c.cards || !c.refs) {
        (void)gf_err_set(e, GF_E_SYSTEM, "no memory for the cards");
        goto fail;
    }
    for (size_t i = 0; i < c.n; i++) {
        if (tool_card(options_nth(o, name, i), &c.cards[i], e) == -1)
            goto fail;
        c.refs[i] = &c.cards[i];
    }
    *out = c;
    return 0;

fail:
    tool_cards_free(&c);
    return -1;
}

void tool_cards_free(struct tool_cards *c) {
    free(c->cards);
    free(c->refs);
    *c = (struct tool_cards){0};
}
