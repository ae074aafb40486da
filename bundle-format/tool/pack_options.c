/*
 * pack_options.c -- what the command line of `pack` asks for, before anything is written.
 */
#include <stdio.h>
#include <string.h>

#include "gapferry/digest.h"
#include "tool/pack.h"
#include "tool/places.h"

/* The options that bring lines, in the order of the members. */
static const struct {
    const char *option;
    enum gf_member member;
    enum gf_kind kind;
} inputs[] = {
    {"records", GF_MEMBER_RECORDS, GF_KIND_REQUEST},
    {"receipts", GF_MEMBER_RECEIPTS, GF_KIND_RESPONSE},
    {"answers", GF_MEMBER_ANSWERS, GF_KIND_RESPONSE},
    {"refusals", GF_MEMBER_REFUSALS, GF_KIND_RESPONSE},
    {"notices", GF_MEMBER_NOTICES, GF_KIND_RESPONSE},
};
_Static_assert(sizeof inputs / sizeof *inputs == PACK_INPUTS, "one place for each input");

static int read_kind(struct pack *k, struct gf_err *e) {
    const char *kind = options_value(k->o, "kind");

    k->p.kind = GF_KIND_REQUEST;
    if (kind && strcmp(kind, gf_header_kinds[GF_KIND_RESPONSE]) == 0)
        k->p.kind = GF_KIND_RESPONSE;
    else if (kind && strcmp(kind, gf_header_kinds[GF_KIND_REQUEST]) != 0)
        return gf_err_set(e, GF_E_USAGE, "--kind %s: must be request or response", kind);
    return 0;
}

/* The inputs must belong to the kind, and standard input can be read only once. */
static int read_inputs(struct pack *k, struct gf_err *e) {
    size_t stdins = 0;

    for (size_t i = 0; i < PACK_INPUTS; i++) {
        const char *path = options_value(k->o, inputs[i].option);
        if (!path)
            continue;
        if (inputs[i].kind != k->p.kind)
            return gf_err_set(e, GF_E_USAGE, "--%s: a %s has none; add --kind %s or leave it out",
                              inputs[i].option, gf_header_kinds[k->p.kind],
                              gf_header_kinds[inputs[i].kind]);
        stdins += strcmp(path, "-") == 0;
        k->lines[k->nlines++] = (struct pack_lines){
            .path = path, .member = inputs[i].member, .fd = -1, .refs = &k->refs};
    }
    if (stdins > 1)
        return gf_err_set(e, GF_E_USAGE, "standard input can be read only once; name files");
    if (k->nlines == 0 && k->o->nargs == 0)
        return gf_err_set(e, GF_E_USAGE, "nothing to pack: name files, or lines with --%s FILE",
                          k->p.kind == GF_KIND_REQUEST ? "records" : "receipts");
    return 0;
}

/* --wrap CHANNEL:PRODUCT and what belongs to it. */
static int read_wrap(struct pack *k, struct gf_err *e) {
    const char *wrap = options_value(k->o, "wrap");
    const char *type = options_value(k->o, "type");

    if (!wrap) {
        const char *lone = type ? "type" : options_count(k->o, "answer") ? "answer" : NULL;
        if (lone)
            return gf_err_set(e, GF_E_USAGE,
                              "--%s: goes with --wrap; finished records say it "
                              "themselves",
                              lone);
        return 0;
    }
    if (!options_count(k->o, "records"))
        return gf_err_set(e, GF_E_USAGE, "--wrap: needs bodies, one a line: --records FILE");
    const char *colon = strchr(wrap, ':');
    size_t channel = colon ? (size_t)(colon - wrap) : strlen(wrap);
    if (!gf_text_is_word(wrap, channel, GF_WORD_MAX) ||
        (colon && !gf_text_is_word(colon + 1, strlen(colon + 1), GF_WORD_MAX)))
        return gf_err_set(e, GF_E_USAGE,
                          "--wrap %s: must be CHANNEL:PRODUCT, each of a-z, 0-9, dot and dash, at "
                          "most %d bytes",
                          wrap, GF_WORD_MAX);
    (void)snprintf(k->channel, sizeof k->channel, "%s", wrap);
    k->channel[channel] = '\0';
    k->wrap = (struct pack_wrap){.channel = k->channel,
                                 .product = colon ? k->channel + channel + 1 : NULL,
                                 .type = type ? type : "application/json",
                                 .answer = options_count(k->o, "answer") > 0};
    return 0;
}

int pack_options(struct pack *k, struct gf_err *e) {
    const char *expires = options_value(k->o, "expires");

    if (tool_need(k->o, "identity", "the directory with our keys", e) == -1 ||
        tool_need(k->o, "to", "the addressee's card", e) == -1 ||
        tool_need(k->o, "output", "where the bundle goes", e) == -1 || read_kind(k, e) == -1 ||
        read_inputs(k, e) == -1 || read_wrap(k, e) == -1 ||
        tool_number(k->o, "level", 19, &k->p.level, e) == -1 ||
        tool_number(k->o, "threads", 64, &k->p.threads, e) == -1)
        return -1;
    if (strcmp(options_value(k->o, "output"), "-") == 0)
        return gf_err_set(e, GF_E_USAGE,
                          "--output -: a bundle needs a file, since its beginning "
                          "is completed last; name one");
    k->p.has_created = 1;
    k->p.created = tool_now();
    k->p.seq = 1;
    k->p.has_expires = expires != NULL;
    if (expires && tool_time(expires, "expires", k->p.created, &k->p.expires, e) == -1)
        return -1;
    if (expires && k->p.expires <= k->p.created)
        return gf_err_set(e, GF_E_USAGE, "--expires %s: has passed already", expires);
    return 0;
}

/* A reader refuses a kind that the sender's role may not send, so it is not made at all. */
static int check_role(const struct pack *k, const char *dir, struct gf_err *e) {
    enum gf_role role = k->identity.card.role;
    const char *word = gf_card_roles[role];

    if (role != GF_ROLE_AGENT && role != GF_ROLE_RELAY)
        return gf_err_set(
            e, GF_E_USAGE,
            "--identity %s: is a %s, which sends no bundles; an agent sends requests, "
            "a relay responses",
            dir, word);
    if (role == GF_ROLE_RELAY && k->p.kind != GF_KIND_RESPONSE)
        return gf_err_set(e, GF_E_USAGE,
                          "--identity %s: is a %s, which sends only responses; add --kind response",
                          dir, word);
    if (role == GF_ROLE_AGENT && k->p.kind != GF_KIND_REQUEST)
        return gf_err_set(e, GF_E_USAGE,
                          "--identity %s: is an %s, which sends only requests; leave out --kind "
                          "response, or name a relay's identity",
                          dir, word);
    return 0;
}

int pack_cards(struct pack *k, struct gf_err *e) {
    const char *dir = options_value(k->o, "identity");
    const char *to = options_value(k->o, "to");
    size_t n = 0;

    if (places_identity(dir, &k->identity, e) == -1 || check_role(k, dir, e) == -1 ||
        tool_card_at(&k->identity.card, dir, k->p.created, e) == -1 ||
        tool_card(to, &k->to, e) == -1 || tool_card_at(&k->to, to, k->p.created, e) == -1 ||
        tool_cards(k->o, "reader", &k->readers, e) == -1)
        return -1;
    k->wrap.origin = k->identity.card.agent;

    const struct gf_hash *us = &k->identity.card.identity;
    int self = !options_count(k->o, "no-self") && memcmp(us, &k->to.identity, sizeof *us) != 0;
    for (size_t i = 0; i < k->readers.n; i++) {
        if (tool_card_at(k->readers.refs[i], options_nth(k->o, "reader", i), k->p.created, e) == -1)
            return -1;
        self = self && memcmp(us, &k->readers.refs[i]->identity, sizeof *us) != 0;
    }
    if (k->readers.n + (size_t)self > GF_READERS_MAX)
        return gf_err_set(e, GF_E_LIMIT, "a bundle has at most %d readers, ourselves included",
                          GF_READERS_MAX);
    for (; n < k->readers.n; n++)
        k->reader_refs[n] = k->readers.refs[n];
    if (self)
        k->reader_refs[n++] = &k->identity.card;
    k->p.identity = &k->identity;
    k->p.to = &k->to;
    k->p.readers = k->reader_refs;
    k->p.nreaders = n;
    gf_digest_random(k->p.id.b, sizeof k->p.id.b);
    gf_digest_random(k->p.stream.b, sizeof k->p.stream.b);
    return 0;
}
