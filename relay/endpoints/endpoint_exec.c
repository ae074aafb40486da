/*
 * endpoint_exec.c -- profile exec: a program of the operator delivers the record.
 *
 *   standard input       the body
 *   GAPFERRY_AGENT, GAPFERRY_RECORD, GAPFERRY_CHANNEL, GAPFERRY_PRODUCT (empty: none),
 *   GAPFERRY_TYPE, GAPFERRY_KEY (the idempotency key)
 *   standard output      the answer
 *   standard error       the reason: its first KiB
 *   exit status          0 delivered, 65 rejected for good, all else: later
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/child.h"
#include "gapferry/file.h"
#include "relay/endpoints/endpoint.h"

#define REJECTED 65

/* ---- configuration ---- */

static int check(const struct config *c, const char *name, struct gf_err *e) {
    const char *program = endpoint_value(c, name, "program");
    char *words[CHILD_WORDS_MAX + 1];
    struct gf_err why;

    if (program == NULL)
        return endpoint_missing(name, "program", e);
    char *copy = strdup(program);
    if (copy == NULL)
        return gf_err_errno(e, "%s", program);
    int rc = child_words(copy, words, &why);
    if (rc == -1)
        (void)endpoint_wrong(c, name, "program", why.text, e);
    else if (access(words[0], X_OK) == -1)
        rc = endpoint_wrong(c, name, "program", "this program cannot be run", e);
    free(copy);
    return rc;
}

/* The section's command, cut into words. */
struct command {
    char *copy;
    char *words[CHILD_WORDS_MAX + 1];
};

static void close_section(struct endpoint *p) {
    struct command *command = p->own;

    if (command != NULL)
        free(command->copy);
    free(command);
    p->own = NULL;
}

static int open_section(struct endpoint *p, struct gf_err *e) {
    struct command *command = calloc(1, sizeof *command);

    p->own = command;
    if (command != NULL)
        command->copy = strdup(endpoint_value(p->relay->config, p->name, "program"));
    if (command == NULL || command->copy == NULL)
        (void)gf_err_set(e, GF_E_SYSTEM, "no memory for a program");
    else if (child_words(command->copy, command->words, e) == 0)
        return 0;
    close_section(p);
    return -1;
}

/* ---- one record ---- */

/* What it is told. */
struct facts {
    char text[6][32 + GF_TYPE_MAX];
    char *list[7];
};

/* The body as something that can be read from its beginning. */
static int open_body(const struct endpoint_job *j, int *out, struct gf_err *e) {
    int fd = -1;

    if (j->file != NULL) {
        fd = openat(j->endpoint->relay->state_fd, j->file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd == -1)
            return gf_err_errno(e, "%s", j->file);
        *out = fd;
        return 0;
    }
    fd = memfd_create("record", MFD_CLOEXEC);
    if (fd == -1)
        return gf_err_errno(e, "no memory for a record");
    if (gf_file_write(fd, j->record->body.data, j->record->body.len) == -1 ||
        lseek(fd, 0, SEEK_SET) == -1) {
        (void)gf_err_errno(e, "no memory for a record");
        (void)close(fd);
        return -1;
    }
    *out = fd;
    return 0;
}

static int next(struct endpoint_job *j, struct endpoint_request *q, struct gf_err *e) {
    const struct command *command = j->endpoint->own;
    const struct gf_record *r = j->record;
    char agent[GF_ID_TEXT], uuid[GF_UUID_TEXT], key[33];
    struct facts *f = calloc(1, sizeof *f);

    j->own = f;
    if (f == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for a program");
    gf_text_hex(j->row->agent.b, sizeof j->row->agent.b, agent);
    gf_text_uuid(&r->id, uuid);
    endpoint_key(&j->row->agent, &r->id, key);
    const char *const facts[][2] = {
        {"AGENT", agent},        {"RECORD", uuid},
        {"CHANNEL", r->channel}, {"PRODUCT", r->product != NULL ? r->product : ""},
        {"TYPE", r->type},       {"KEY", key},
    };
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        (void)snprintf(f->text[i], sizeof f->text[i], "GAPFERRY_%s=%s", facts[i][0], facts[i][1]);
        f->list[i] = f->text[i];
    }
    q->program = command->words;
    q->environment = f->list;
    return open_body(j, &q->in, e);
}

static void end(struct endpoint_job *j) {
    free(j->own);
    j->own = NULL;
}

static int judge(struct endpoint_job *j, struct endpoint_result *r, struct gf_err *e) {
    const struct endpoint_ending *ending = j->ending;
    char begin[96];

    if (ending->status == 0 && !(r->answer.cut && j->record->answer)) {
        r->verdict = ENDPOINT_DELIVERED;
        return 0;
    }
    r->guarantee = GF_GUARANTEE_NONE;
    if (ending->status == 0) {
        r->verdict = ENDPOINT_HELD;
        r->unknown = 1;
        r->alone = 1;
        (void)snprintf(r->reason, sizeof r->reason,
                       "the program's answer is longer than %d bytes and cannot travel back",
                       ENDPOINT_ANSWER_MAX);
        return 0;
    }
    /* Who says so has done nothing; whoever was ended may have. */
    r->verdict = ending->status == REJECTED ? ENDPOINT_REJECTED : ENDPOINT_LATER;
    r->unknown = ending->status == -1;
    if (ending->late)
        (void)snprintf(begin, sizeof begin, "the program took longer than its time (timeout):");
    else if (ending->status == -1)
        (void)snprintf(begin, sizeof begin, "the program was ended by signal %d:", ending->signal);
    else
        (void)snprintf(begin, sizeof begin, "the program ended with status %d:", ending->status);
    return endpoint_http_words(r, begin, ending->said, ending->said_len, e);
}

static const char *const keys[] = {ENDPOINT_KEYS_COMMON, "program", NULL};

const struct endpoint_profile endpoint_exec = {.name = "exec",
                                               .keys = keys,
                                               .check = check,
                                               .open = open_section,
                                               .close = close_section,
                                               .next = next,
                                               .judge = judge,
                                               .end = end};
