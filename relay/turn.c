/*
 * turn.c -- one turn: intake -> verify -> ledger -> forward -> respond. Every step can be repeated
 * after a crash; the ledger says what is next.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/command.h"
#include "relay/awaits.h"
#include "relay/files.h"

#define LINES_MAX ((size_t)1 << 20) /* bytes of lines for people */

void turn_begin(struct turn *t) {
    *t = (struct turn){.gravest = GF_OK};
    gf_buf_init(&t->people, LINES_MAX);
    gf_buf_init(&t->waits, LINES_MAX);
}

void turn_free(struct turn *t) {
    gf_buf_free(&t->people);
    gf_buf_free(&t->waits);
    gf_drive_list_free(&t->looked_at);
}

int turn_line(const char **at, char line[TURN_LINE]) {
    size_t len = strcspn(*at, "\n");

    if (**at == '\0')
        return 0;
    (void)snprintf(line, TURN_LINE, "%.*s", (int)len, *at);
    *at += len + ((*at)[len] == '\n');
    return 1;
}

/* A drive full of rubbish must not drown what matters: beyond the ceiling lines are dropped. */
static void GF_PRINTF(2, 0) add_line(struct gf_buf *lines, const char *fmt, va_list ap) {
    char line[TURN_LINE];

    (void)vsnprintf(line, sizeof line, fmt, ap);
    if (lines->len + strlen(line) + 1 >= lines->max)
        return;
    gf_buf_text(lines, line);
    gf_buf_byte(lines, '\n');
}

void turn_person(struct turn *t, const char *fmt, ...) {
    va_list ap;

    va_start(ap, fmt);
    add_line(&t->people, fmt, ap);
    va_end(ap);
}

void turn_wait(struct turn *t, const char *fmt, ...) {
    va_list ap;

    va_start(ap, fmt);
    add_line(&t->waits, fmt, ap);
    va_end(ap);
}

void turn_grave(struct turn *t, enum gf_code code) {
    const enum gf_exit before = gf_err_exit(t->gravest), now = gf_err_exit(code);

    if (t->gravest == GF_OK || (now != before && command_graver(now, before) == now))
        t->gravest = code;
}

void turn_fault(struct turn *t, const char *what, const struct gf_err *why, const char *remedy) {
    turn_person(t, "%s: %s%s%s", what, why->text, remedy != NULL ? "; " : "",
                remedy != NULL ? remedy : "");
    turn_grave(t, why->code);
}

void turn_drive_fault(struct turn *t, const char *what, const struct gf_err *why,
                      const char *remedy) {
    turn_fault(t, what, why, remedy);
    if (why->code != GF_E_CREATE)
        t->unsafe = 1;
}

enum gf_exit turn_exit(const struct turn *t) {
    enum gf_exit status = command_graver(gf_err_exit(t->gravest), GF_EXIT_DONE);

    if (t->strangers > 0)
        status = command_graver(status, GF_EXIT_NOPERM);
    if (t->over > 0 || t->held > 0 || t->awaits || t->people.len > 0)
        status = command_graver(status, GF_EXIT_AWAITED);
    return status;
}

int turn_count(const struct relay *r, const struct turn *t, struct gf_err *e) {
    return ledger_tally_add(r->ledger, t->replays, t->refused - t->refused_again, e);
}

int relay_turn(struct relay *r, struct gf_drive *d, int64_t wait_s, struct turn *t,
               struct gf_err *e) {
    if (files_tidy(r, e) == -1 || files_trim(r, e) == -1)
        return -1;
    if (d != NULL && relay_intake(r, d, t, e) == -1)
        return -1;
    if (relay_verify(r, t, e) == -1 || turn_count(r, t, e) == -1)
        return -1;
    relay_returns(r, t);
    relay_prune(r, t);
    /* What is durable here need not stay on the drive, however long forwarding takes. */
    if (d != NULL && relay_clear(r, d, t, e) == -1)
        return -1;
    /* A drive means that somebody stands here, who would have to come again. */
    if (d != NULL && ledger_retry(r->ledger, r->now, e) == -1)
        return -1;
    /* Whatever keeps records from leaving, the receipts for what has left go back. */
    struct gf_err why;
    if (relay_forward(r, wait_s, t, &why) == -1)
        turn_fault(t, "forwarding", &why, "nothing is lost: the next sync goes on");
    /* The head stands outside before the numbers that it speaks of do. */
    if (relay_respond(r, t, e) == -1 || ledger_seal(r->ledger, e) == -1)
        return -1;
    return d != NULL ? relay_carry(r, d, t, e) : 0;
}
