/*
 * endpoint_agent.c -- profile agent: the manager of a grid puts its nodes' records into its own
 * agent, whose intake/ is a spool (common/grid.h). The agent knows a record by its derived id, so
 * that one that is put there twice counts once.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/grid.h"
#include "common/spool.h"
#include "relay/endpoints/endpoint.h"

#define HERE "agent" /* beside the relay's own state directory */

static int check(const struct config *c, const char *name, struct gf_err *e) {
    const char *state = endpoint_value(c, name, "agent_state");

    if (state != NULL && state[0] != '/')
        return endpoint_wrong(c, name, "agent_state", "a path begins with /", e);
    return endpoint_check_artifact_max(c, name, e);
}

void endpoint_agent_state(const struct relay *r, const char *name, char out[512]) {
    const char *state = endpoint_value(r->config, name, "agent_state");
    const char *slash = strrchr(r->state, '/');

    if (state != NULL)
        (void)snprintf(out, 512, "%s", state);
    else
        (void)snprintf(out, 512, "%.*s/" HERE, slash != NULL ? (int)(slash - r->state) : 1,
                       slash != NULL ? r->state : ".");
}

int endpoint_agent_reach(const struct relay *r, const char *name, struct gf_err *e) {
    static const char *const spools[] = {GRID_INTAKE, GRID_RETURNS};
    char state[512], path[600];

    endpoint_agent_state(r, name, state);
    for (size_t i = 0; i < sizeof spools / sizeof *spools; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", state, spools[i]);
        if (access(path, R_OK | W_OK | X_OK) == 0)
            continue;
        return gf_err_set(
            e, GF_E_CREATE,
            "%s: %s; let that agent run once (gapferry-agent run, or sync), and where "
            "it has another user than this relay share the two spools by group: see "
            "gapferry-relay(8), GRID",
            path, strerror(errno));
    }
    return 0;
}

/* A section writes to a file of its own, so that a full channel holds up only itself. */
struct own {
    struct spool *spool;
    struct gf_err lost; /* its code is not GF_OK: why a group that was full could not be written */
};

static int open_section(struct endpoint *p, struct gf_err *e) {
    struct own *own = calloc(1, sizeof *own);

    if (own == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for an endpoint");
    own->lost.code = GF_OK;
    p->own = own;
    return 0;
}

static void close_section(struct endpoint *p) {
    struct own *own = p->own;

    if (own != NULL)
        spool_close(own->spool);
    free(own);
    p->own = NULL;
}

static int open_spool(struct endpoint *p, struct gf_err *e) {
    struct own *own = p->own;
    char state[512], dir[600];

    if (own->spool != NULL)
        return 0;
    endpoint_agent_state(p->relay, p->name, state);
    (void)snprintf(dir, sizeof dir, "%s/" GRID_INTAKE, state);
    if (spool_open(dir, SPOOL_FILE_MAX, &own->spool, e) == 0)
        return 0;
    if (e->code != GF_E_NOINPUT)
        return -1;
    return gf_err_set(e, e->code,
                      "%s: is not there; that agent makes it when it is run: gapferry-agent run, "
                      "or sync",
                      dir);
}

/* One flush to the disk serves all that was put in since the last one. */
static int flush(struct endpoint *p, struct gf_err *e) {
    struct own *own = p->own;

    if (own->lost.code != GF_OK) {
        *e = own->lost;
        own->lost.code = GF_OK;
        return -1;
    }
    return own->spool != NULL ? spool_sync(own->spool, e) : 0;
}

/* The record as the agent gets it: it comes from the node that sent it, whatever it says itself. */
static int write_entry(const struct endpoint_job *j, struct gf_buf *line, struct gf_err *e) {
    struct gf_record r = *j->record;

    gf_record_derive(&j->row->agent, &j->record->id, &r.id);
    r.origin = j->row->agent;
    return grid_node_write(&j->record->id, &r, line, e);
}

static int insert(struct endpoint *p, const struct gf_buf *line, struct gf_err *e) {
    struct own *own = p->own;

    if (own->lost.code != GF_OK) {
        *e = own->lost;
        return -1;
    }
    if (open_spool(p, e) == -1)
        return -1;
    if (spool_put(own->spool, line->data, line->len, e) == 0)
        return 0;
    if (e->code != GF_E_LIMIT)
        return -1;
    /* The group is full. */
    if (spool_sync(own->spool, e) == -1) {
        own->lost = *e;
        return -1;
    }
    return spool_put(own->spool, line->data, line->len, e);
}

static int judge(struct endpoint_job *j, struct endpoint_result *r, struct gf_err *e) {
    struct gf_buf line;
    struct gf_err why;

    gf_buf_init(&line, (size_t)2 * GF_LINE_MAX);
    r->guarantee = GF_GUARANTEE_NONE;
    r->verdict = ENDPOINT_ONWARD;
    if (write_entry(j, &line, &why) == -1)
        r->verdict = why.code == GF_E_SYSTEM ? ENDPOINT_LATER : ENDPOINT_REJECTED;
    else if (insert(j->endpoint, &line, &why) == -1)
        r->verdict = ENDPOINT_LATER;
    gf_buf_free(&line);
    if (r->verdict == ENDPOINT_ONWARD)
        return 0;
    return endpoint_http_words(r,
                               r->verdict == ENDPOINT_REJECTED
                                   ? "the grid's manager cannot pass it on:"
                                   : "the manager's own agent:",
                               why.text, strlen(why.text), e);
}

static const char *const keys[] = {ENDPOINT_KEYS_COMMON, "agent_state", "artifact_max", NULL};

const struct endpoint_profile endpoint_agent = {.name = "agent",
                                                .keys = keys,
                                                .natural = 1,
                                                .check = check,
                                                .open = open_section,
                                                .close = close_section,
                                                .flush = flush,
                                                .judge = judge};
