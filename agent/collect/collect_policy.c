/*
 * collect_policy.c -- reading policy.json.
 */
#include "agent/collect/collect_policy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/grid.h"
#include "gapferry/file.h"
#include "gapferry/json.h"

/* Bytes of the names of one rule. */
#define NAMES_MAX 65536

const char *const collect_policy_consents[] = {"ask", "granted", "denied", NULL};

static void free_channel(struct collect_channel *c) {
    free(c->allow);
    otlp_deny_free(c->deny);
    free(c->product);
    free(c->type);
}

void collect_policy_free(struct collect_policy *p) {
    for (size_t i = 0; i < p->n; i++)
        free_channel(&p->list[i]);
    free(p->list);
    *p = (struct collect_policy){.n = 0};
}

/* A name with a comma would be two to whoever reads the rule, and one with a blank at its end
 * another. */
static int is_name(const char *name) {
    size_t n = strlen(name);

    return strchr(name, ',') == NULL && strchr(" \t", name[0]) == NULL &&
           strchr(" \t", name[n - 1]) == NULL;
}

/* Names of a member as one text, separated by commas; NULL where it is null. An empty list is no
 * null: it names nothing. */
static char *read_names(struct gf_json_obj *o, const char *member) {
    char *text = NULL;
    struct gf_buf names;
    const char *name;
    size_t n = 0;

    if (gf_json_array_opt(o, member, GF_JSON_ELEMENTS_MAX, &n) != 1)
        return NULL;
    gf_buf_init(&names, NAMES_MAX);
    gf_buf_text(&names, "");
    for (size_t i = 0; i < n; i++) {
        if (gf_json_item_str(o, member, i, 1, GF_JSON_NAME_MAX, &name) != 1)
            break;
        if (!is_name(name))
            gf_json_fail(o, GF_E_CONFIG, "%s: a name holds a comma, or a blank at its end", member);
        gf_buf_text(&names, i > 0 ? "," : "");
        gf_buf_text(&names, name);
    }
    if (gf_buf_check(&names, member, NULL) == 0)
        text = strdup(names.data != NULL ? names.data : "");
    if (text == NULL)
        gf_json_fail(o, GF_E_LIMIT, "%s: too many names", member);
    gf_buf_free(&names);
    return text;
}

/* An older agent says nothing of it. */
static void read_deny(struct gf_json_obj *o, struct collect_channel *c) {
    char *names = gf_json_has(o, "deny") ? read_names(o, "deny") : NULL;
    struct gf_err e;

    if (o->err.code == GF_OK && deny_read(names, &c->deny, &e) == -1)
        gf_json_fail(o, e.code, "%s", e.text);
    free(names);
}

static void read_room(struct gf_json_obj *o, struct collect_channel *c) {
    struct gf_json_obj room;

    c->records = c->bytes = INT64_MAX;
    gf_json_obj(o, "room", &room);
    (void)gf_json_int_opt(&room, "records", 0, GF_JSON_INT_MAX, &c->records);
    (void)gf_json_int_opt(&room, "bytes", 0, GF_JSON_INT_MAX, &c->bytes);
    if (o->err.code == GF_OK)
        o->err = room.err;
}

static int read_channel(struct gf_json_obj *o, struct collect_channel *c) {
    const char *name = "", *product = NULL, *type = NULL;
    int consent = COLLECT_ASK;

    (void)gf_json_str(o, "channel", 1, GF_WORD_MAX, &name);
    if (o->err.code == GF_OK && !gf_text_is_word(name, strlen(name), GF_WORD_MAX))
        gf_json_fail(o, GF_E_CONFIG, "channel: not of [a-z0-9.-]");
    (void)gf_json_enum(o, "consent", collect_policy_consents, &consent);
    (void)gf_json_str_opt(o, "product", 1, GF_WORD_MAX, &product);
    (void)gf_json_str(o, "type", 1, GF_TYPE_MAX, &type);
    c->allow = read_names(o, "allow");
    read_deny(o, c);
    read_room(o, c);
    if (o->err.code != GF_OK)
        return -1;
    (void)snprintf(c->name, sizeof c->name, "%s", name);
    c->consent = (enum collect_consent)consent;
    if (grid_is_own_consent(name))
        c->consent = COLLECT_DENIED;
    c->product = product != NULL ? strdup(product) : NULL;
    c->type = strdup(type);
    return c->type == NULL || (product != NULL && c->product == NULL) ? -1 : 0;
}

static int read_channels(struct gf_json_obj *o, struct collect_policy *p, struct gf_err *e) {
    size_t n = 0;

    (void)gf_json_array(o, "channels", GF_JSON_ELEMENTS_MAX, &n);
    p->list = calloc(n + 1, sizeof *p->list);
    if (p->list == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "policy.json: no memory");
    for (size_t i = 0; i < n; i++) {
        struct gf_json_obj channel;
        gf_json_item_obj(o, "channels", i, &channel);
        p->n++;
        if (read_channel(&channel, &p->list[i]) == 0) {
            /* Two readers could take different ones of them as what the site has granted. */
            if (collect_policy_find(p, p->list[i].name) == &p->list[i])
                continue;
            gf_json_fail(&channel, GF_E_CONFIG, "channel: it is named twice");
        }
        if (channel.err.code == GF_OK)
            return gf_err_set(e, GF_E_SYSTEM, "policy.json: no memory");
        *e = channel.err;
        return -1;
    }
    return 0;
}

/* What else it holds is a newer agent's. */
static int read_policy(struct gf_json *j, struct collect_policy *p, struct gf_err *e) {
    static const char *const formats[] = {"gapferry-policy/1", NULL};
    struct gf_json_obj o;
    int format;

    gf_json_root(j, &o);
    (void)gf_json_enum(&o, "format", formats, &format);
    (void)gf_json_hex(&o, "agent", p->agent.b, sizeof p->agent.b);
    if (read_channels(&o, p, e) == -1)
        return -1;
    if (o.err.code == GF_OK)
        return 0;
    *e = o.err;
    return -1;
}

int collect_policy_parse(const char *text, size_t len, struct collect_policy *out,
                         struct gf_err *e) {
    struct collect_policy p = {.n = 0};
    struct gf_json *j = NULL;

    if (gf_json_parse(text, len, COLLECT_POLICY_FILE, GF_E_CONFIG, &j, e) == -1)
        return -1;
    int rc = read_policy(j, &p, e);
    gf_json_free(j);
    if (rc == -1)
        collect_policy_free(&p);
    else
        *out = p;
    return rc;
}

const struct collect_channel *collect_policy_find(const struct collect_policy *p,
                                                  const char *channel) {
    for (size_t i = 0; i < p->n; i++) {
        if (strcmp(p->list[i].name, channel) == 0)
            return &p->list[i];
    }
    return NULL;
}

/* ---- the file ---- */

static int is_same(const struct stat *a, const struct stat *b) {
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

int collect_policy_refresh(struct collect_policy_file *f, int dir) {
    struct collect_policy fresh;
    struct stat now = {.st_ino = 0};
    struct gf_buf text;

    if (fstatat(dir, COLLECT_POLICY_FILE, &now, AT_SYMLINK_NOFOLLOW) == -1)
        now = (struct stat){.st_ino = 0};
    if (is_same(&now, &f->read) && (f->there || f->why.code != GF_OK))
        return 0;
    f->read = now;
    f->there = 0;
    collect_policy_free(&f->policy);
    int rc = gf_file_load(dir, COLLECT_POLICY_FILE, COLLECT_POLICY_MAX, &text, &f->why);
    if (rc == 0)
        rc = collect_policy_parse(text.data != NULL ? text.data : "", text.len, &fresh, &f->why);
    gf_buf_free(&text);
    if (rc == 0) {
        f->policy = fresh;
        f->there = 1;
    }
    return 1;
}

void collect_policy_close(struct collect_policy_file *f) {
    collect_policy_free(&f->policy);
}
