/*
 * intake.c -- spool files of STATE/intake into the queue: each entry is looked at again, and counts
 * once, whenever we are stopped.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/body.h"
#include "agent/command.h"
#include "agent/deny.h"
#include "agent/returns.h"
#include "agent/store/store_grid.h"
#include "agent/store/store_local.h"
#include "common/grid.h"
#include "common/log.h"
#include "common/spool.h"
#include "gapferry/file.h"

/* One transaction takes so many entries, or so many bytes, at most. */
#define BATCH_ENTRIES 1000
#define BATCH_BYTES   (4LL << 20)

/* Why a record is refused that may come once somebody has decided. */
#define NOT_GIVEN      "consent was not given"
#define NOT_FROM_NODES "this channel is not taken from nodes ([channel] nodes = yes)"

/* Reasons that are told apart within one transaction. */
#define REASONS_MAX 32

/* Bytes of damage that are kept of one file. */
#define KEPT_MAX (8 << 20)

/* Entries of a channel that were refused for one reason. */
struct tally {
    char channel[GF_WORD_MAX + 1];
    char reason[128];
    int64_t n;
};

struct intake {
    struct agent *a;
    struct spool_reader *r;
    struct intake_result *sum;
    struct intake_result batch; /* of the transaction that is open */
    struct tally tallies[REASONS_MAX];
    size_t ntallies;
    int full;                      /* 1: the next entry finds no room */
    struct otlp_deny *deny;        /* of a channel, */
    char deny_of[GF_WORD_MAX + 1]; /* this one */
    const struct gf_id *there; /* of the entry at hand: its id at the node that it comes from; NULL:
                                  it is this site's own */
};

/* ---- what is refused ---- */

static void refuse(struct intake *in, const char *channel, const char *reason) {
    size_t i = 0;

    in->batch.refused++;
    while (i < in->ntallies && (strcmp(in->tallies[i].channel, channel) != 0 ||
                                strcmp(in->tallies[i].reason, reason) != 0))
        i++;
    if (i == REASONS_MAX)
        i--; /* the last one stands for what is beyond */
    struct tally *t = &in->tallies[i];
    if (i == in->ntallies) {
        *t = (struct tally){.n = 0};
        (void)snprintf(t->channel, sizeof t->channel, "%s", channel);
        (void)snprintf(t->reason, sizeof t->reason, "%s", reason);
        in->ntallies++;
    }
    t->n++;
}

static int store_refusals(struct intake *in, struct gf_err *e) {
    for (size_t i = 0; i < in->ntallies; i++) {
        const struct tally *t = &in->tallies[i];
        if (store_add_refused(in->a->store, t->channel, t->reason, t->n, in->a->now, e) == -1)
            return -1;
    }
    return 0;
}

static void tell_refusals(const struct intake *in) {
    for (size_t i = 0; i < in->ntallies; i++) {
        const struct tally *t = &in->tallies[i];
        log_write(LOG_LEVEL_WARNING, "intake-refused", {"channel", t->channel, 0},
                  {"records", NULL, t->n}, {"why", t->reason, 0}, {"file", in->r->name, 0});
    }
}

/* Keep bytes that are no record, with the reason, so that somebody can look at them. */
static int keep(struct intake *in, int64_t at, const char *data, size_t len, const char *why,
                struct gf_err *e) {
    char name[SPOOL_NAME + 8], line[320];
    struct stat st;
    int rc = -1;

    int dir = agent_folder(in->a, "quarantine", e);
    if (dir == -1)
        return -1;
    int kept =
        openat(dir, in->r->name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    (void)snprintf(name, sizeof name, "%s.why", in->r->name);
    int reasons = openat(dir, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (kept == -1 || reasons == -1 || fstat(kept, &st) == -1) {
        (void)gf_err_errno(e, "%s/quarantine/%s: cannot keep what is damaged", in->a->state, name);
        goto out;
    }
    int fits = st.st_size + (int64_t)len <= KEPT_MAX;
    int n = snprintf(line, sizeof line, "intake/%s, byte %lld, %zu bytes: %.160s%s\n", in->r->name,
                     (long long)at, len, why, fits ? "" : " (not kept: too much of it)");
    if ((fits && gf_file_write(kept, data, len) == -1) ||
        gf_file_write(reasons, line, (size_t)n) == -1 || fsync(kept) == -1 ||
        fsync(reasons) == -1 || fsync(dir) == -1)
        (void)gf_err_errno(e, "%s/quarantine/%s: cannot keep what is damaged", in->a->state, name);
    else
        rc = 0;
out:
    if (kept != -1)
        (void)close(kept);
    if (reasons != -1)
        (void)close(reasons);
    (void)close(dir);
    return rc;
}

static int keep_damage(struct intake *in, int64_t at, const char *data, size_t len,
                       struct gf_err *e) {
    in->batch.damaged++;
    log_write(LOG_LEVEL_ERROR, "intake-damaged", {"file", in->r->name, 0}, {"byte", NULL, at},
              {"bytes", NULL, (int64_t)len});
    return keep(in, at, data, len, "no entry: the file is damaged here", e);
}

/* ---- one entry ---- */

/* A record that does not come in. A node learns why; what somebody may have forgotten to decide
 * here is only held at the manager's relay, until it was seen to. */
static int refuse_record(struct intake *in, const struct gf_record *r, const char *why,
                         struct gf_err *e) {
    int may_come = strcmp(why, NOT_GIVEN) == 0 || strcmp(why, NOT_FROM_NODES) == 0;

    refuse(in, r->channel, why);
    return in->there ? returns_refuse(in->a, r, in->there, why, may_come, e) : 0;
}

/* 1 if it is what the node's record has to become here. */
static int is_derived(const struct gf_id *there, const struct gf_record *r) {
    struct gf_id id;

    gf_record_derive(&r->origin, there, &id);
    return memcmp(id.b, r->id.b, sizeof id.b) == 0;
}

/* Why a record may not come in this way; NULL: it may. there: its id at the node that it comes
 * from, NULL if it is this site's own. */
static int why_not(struct intake *in, const struct gf_record *r, const struct gf_id *there,
                   const char **why, struct gf_err *e) {
    struct command_consent c;
    int nodes = 0;

    *why = NULL;
    if (command_consent(in->a, r->channel, &c, e) == -1 ||
        (there && config_bool(in->a->config, "channel", r->channel, "nodes", &nodes, e) == -1))
        return -1;
    if (!there && c.own)
        *why = "records of this channel are made by its own command";
    else if (there && !nodes)
        *why = NOT_FROM_NODES;
    else if (c.is != STORE_GRANTED)
        *why = c.is == STORE_DENIED ? "consent is denied" : NOT_GIVEN;
    else if (there ? !is_derived(there, r)
                   : memcmp(r->origin.b, in->a->id.card.agent.b, sizeof r->origin.b) != 0)
        *why = there ? "its id is not that of the node's record" : "it is made for another agent";
    else if (r->body.form != GF_BODY_TEXT)
        *why = "its body is a file, which did not come with it";
    return 0;
}

/* It is in the queue, or was: it belongs to a node, who is told what becomes of it. */
static int note_node(struct intake *in, const struct gf_record *r, struct gf_err *e) {
    if (!in->there)
        return 0;
    return store_node_add(
        in->a->store, &(struct store_node){.record = r->id, .node = r->origin, .there = *in->there},
        e);
}

/* Accept a record as the rules have left it. */
static int accept(struct intake *in, const struct gf_record *r, struct gf_err *e) {
    struct gf_buf line;

    /* What no line can hold is no want of room. */
    gf_buf_init(&line, GF_LINE_MAX);
    int rc = gf_record_write(r, &line, e);
    gf_buf_free(&line);
    if (rc == -1) {
        return e->code == GF_E_SYSTEM ? -1
                                      : refuse_record(in, r, "it does not fit into one line", e);
    }
    if (agent_accept(in->a, r, e) == 0) {
        in->batch.taken++;
        return note_node(in, r, e);
    }
    if (e->code == GF_E_LIMIT) {
        in->full = 1;
        return 0;
    }
    in->batch.seen += e->code == GF_E_REPLAY;
    return e->code == GF_E_REPLAY ? note_node(in, r, e) : -1;
}

/* The deny-list of a channel; the entries of a file are mostly of one. */
static const struct otlp_deny *deny_list(struct intake *in, const char *channel, struct gf_err *e) {
    if (in->deny != NULL && strcmp(in->deny_of, channel) == 0)
        return in->deny;
    otlp_deny_free(in->deny);
    in->deny = NULL;
    if (deny_of(in->a->config, channel, &in->deny, e) == -1)
        return NULL;
    (void)snprintf(in->deny_of, sizeof in->deny_of, "%s", channel);
    return in->deny;
}

/* Why a body does not come in; NULL: something of ours is wrong. */
static const char *why_no_body(enum body_no no, const struct gf_err *e) {
    if (no == BODY_NO_FORM)
        return e->code == GF_E_JSON ? "its body is no JSON object, as the rule (allow) needs"
                                    : "its body holds no metrics, as its type says";
    if (no != BODY_NO_RULE || e->code == GF_E_CONFIG)
        return NULL;
    return e->code == GF_E_CONSENT ? "the list (deny) leaves nothing of it"
                                   : "the rule (allow) cannot be applied to its type";
}

/* The rules of the channel once more: whoever wrote the entry may have known older ones. */
static int redact_and_accept(struct intake *in, struct gf_record *r, struct gf_err *e) {
    const struct otlp_deny *deny = deny_list(in, r->channel, e);
    struct body_kept kept;
    enum body_no no = BODY_NO_MEMORY;
    struct gf_buf ext;
    int rc;

    if (deny == NULL)
        return -1;
    const struct body b = {.path = BODY_OWN,
                           .type = r->type,
                           .allow = config_get(in->a->config, "channel", r->channel, "allow"),
                           .deny = deny,
                           .data = r->body.data,
                           .len = r->body.len,
                           .arrived = (uint64_t)r->created * 1000000000};
    gf_buf_init(&ext, GF_EXT_MAX);
    if (body_take(&b, &kept, &no, e) == -1) {
        const char *why = why_no_body(no, e);
        rc = why != NULL ? refuse_record(in, r, why, e) : -1;
    } else if (kept.dropped.len > 0 && kept.len == 2) {
        rc = refuse_record(in, r, "the rule (allow) leaves nothing of it", e);
    } else {
        r->body.data = kept.data;
        r->body.len = kept.len;
        if (r->ext == NULL)
            r->ext = body_ext(&kept, &ext);
        rc = accept(in, r, e);
    }
    body_free(&kept);
    gf_buf_free(&ext);
    return rc;
}

static int take_line(struct intake *in, int64_t at, const char *line, size_t len,
                     struct gf_err *e) {
    struct gf_record r;
    struct gf_id there;
    const char *why;
    size_t skip = 0;

    in->there = grid_node(line, len, &there, &skip) ? &there : NULL;
    if (gf_record_parse(line + skip, len - skip, &r, e) == -1) {
        if (e->code == GF_E_SYSTEM)
            return -1;
        refuse(in, "", "it is no record");
        return keep(in, at, line, len, e->text, e);
    }
    int rc = why_not(in, &r, in->there, &why, e);
    if (rc == 0 && why)
        rc = refuse_record(in, &r, why, e);
    else if (rc == 0)
        rc = redact_and_accept(in, &r, e);
    gf_record_free(&r);
    in->there = NULL;
    return rc;
}

/* ---- one file ---- */

/* Entries up to the end, to want of room, or as many as one transaction takes: 1 there may be more,
 * 0 not. The cursor goes with them. */
static int take_entries(struct intake *in, struct gf_err *e) {
    int64_t begin = in->r->at, cursor;

    /* Somebody else may have taken from this file meanwhile: then it is theirs for now. */
    if (store_cursor(in->a->store, in->r->name, &cursor, e) == -1)
        return -1;
    if (cursor != begin) {
        in->batch.busy++;
        return 0;
    }
    for (int i = 0; i < BATCH_ENTRIES && in->r->at - begin < BATCH_BYTES; i++) {
        int64_t at = in->r->at;
        const char *data;
        size_t len;

        int found = spool_next(in->r, &data, &len, e);
        if (found == -1)
            return -1;
        if (found == SPOOL_END)
            break;
        if ((found == SPOOL_DAMAGE ? keep_damage(in, at, data, len, e)
                                   : take_line(in, at, data, len, e)) == -1)
            return -1;
        if (in->full) {
            in->r->at = at;
            in->batch.waiting++;
            break;
        }
    }
    if (in->r->at == begin)
        return 0;
    if (store_refusals(in, e) == -1 ||
        store_set_cursor(in->a->store, in->r->name, in->r->at, e) == -1)
        return -1;
    return !in->full;
}

static void add(struct intake_result *sum, const struct intake_result *batch) {
    sum->taken += batch->taken;
    sum->seen += batch->seen;
    sum->refused += batch->refused;
    sum->damaged += batch->damaged;
    sum->waiting += batch->waiting;
    sum->busy += batch->busy;
}

static int take_file(struct intake *in, int dir, struct gf_err *e) {
    int rc;

    do {
        in->batch = (struct intake_result){0};
        in->ntallies = 0;
        if (store_begin(in->a->store, e) == -1)
            return -1;
        rc = store_end(in->a->store, take_entries(in, e), e);
        if (rc == -1)
            return -1;
        tell_refusals(in);
        add(in->sum, &in->batch);
    } while (rc == 1);
    if (in->full || in->batch.busy)
        return 0;
    rc = spool_remove(in->r, dir, e);
    in->sum->removed += rc == 1;
    return rc == -1 ? -1 : 0;
}

static int open_and_take(struct agent *a, int dir, const char *name, struct intake_result *sum,
                         struct gf_err *e) {
    struct intake *in = calloc(1, sizeof *in);
    struct spool_reader r = {.fd = -1};
    int64_t at;
    int rc = -1;

    if (!in)
        return gf_err_errno(e, "%s/intake/%s", a->state, name);
    in->a = a;
    in->r = &r;
    in->sum = sum;
    if (store_cursor(a->store, name, &at, e) == -1)
        goto out;
    rc = spool_reader_open(dir, name, at, &r, e);
    if (rc == 1) {
        rc = take_file(in, dir, e);
    } else if (rc == 0 || e->code == GF_E_NOINPUT || e->code == GF_E_LIMIT) {
        /* Held, gone, or no spool file at all: no reason to leave the others. */
        sum->busy++;
        if (rc == -1)
            log_write(LOG_LEVEL_WARNING, "intake-left", {"file", name, 0}, {"why", e->text, 0});
        rc = 0;
    }
out:
    if (rc == -1)
        (void)gf_err_prefix(e, "%s/intake", a->state);
    spool_reader_close(&r);
    otlp_deny_free(in->deny);
    free(in);
    return rc;
}

/* Forget the cursors of files that are gone: we were stopped between removing and forgetting. */
static int forget_gone(struct agent *a, char (*names)[SPOOL_NAME], size_t n, struct gf_err *e) {
    const char **refs = calloc(n + 1, sizeof *refs);

    if (!refs)
        return gf_err_errno(e, "%s/intake", a->state);
    for (size_t i = 0; i < n; i++)
        refs[i] = names[i];
    int rc = store_keep_cursors(a->store, refs, n, e);
    free(refs);
    return rc;
}

int agent_intake(struct agent *a, struct intake_result *out, struct gf_err *e) {
    struct intake_result sum = {0};
    char(*names)[SPOOL_NAME] = NULL;
    size_t n = 0;

    int dir = agent_folder(a, "intake", e);
    if (dir == -1)
        return -1;
    int rc = spool_list(dir, &names, &n, e);
    if (rc == -1)
        (void)gf_err_prefix(e, "%s/intake", a->state);
    else
        rc = forget_gone(a, names, n, e);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = open_and_take(a, dir, names[i], &sum, e);
    free(names);
    (void)close(dir);
    if (rc == 0)
        *out = sum;
    return rc;
}
