/*
 * contents.c -- which members a bundle has, and whether contents and header tell the same story.
 */
#include "gapferry/contents.h"

#include <stdlib.h>
#include <string.h>

const char *const gf_contents_names[] = {
    [GF_MEMBER_RECORDS] = "records.jsonl",  [GF_MEMBER_RECEIPTS] = "receipts.jsonl",
    [GF_MEMBER_ANSWERS] = "answers.jsonl",  [GF_MEMBER_REFUSALS] = "refusals.jsonl",
    [GF_MEMBER_NOTICES] = "notices.jsonl",  [GF_MEMBER_FILE] = "files/",
    [GF_MEMBER_CONTENTS] = "contents.json",
};

int gf_contents_member_of(const char *path) {
    const char *prefix = gf_contents_names[GF_MEMBER_FILE];
    size_t n = strlen(prefix);

    if (strncmp(path, prefix, n) == 0)
        return gf_text_is_word(path + n, strlen(path + n), GF_MEMBER_NAME_MAX) ? GF_MEMBER_FILE
                                                                               : -1;
    for (int m = GF_MEMBER_RECORDS; m <= GF_MEMBER_CONTENTS; m++)
        if (strcmp(path, gf_contents_names[m]) == 0)
            return m;
    return -1;
}

int gf_contents_bind(const struct gf_contents *c, const struct gf_header *h, struct gf_err *e) {
    const char *differs = NULL;

    if (memcmp(&c->id, &h->id, sizeof c->id) != 0)
        differs = "id";
    else if (c->kind != h->kind)
        differs = "kind";
    else if (memcmp(&c->from, &h->from, sizeof c->from) != 0)
        differs = "from";
    else if (memcmp(&c->to, &h->to, sizeof c->to) != 0)
        differs = "to";
    else if (memcmp(&c->stream, &h->stream, sizeof c->stream) != 0)
        differs = "stream";
    else if (c->seq != h->seq)
        differs = "seq";
    if (differs == NULL)
        return 0;
    return gf_err_set(
        e, GF_E_BINDING,
        "contents.json: '%s' is not the one in bundle.json: this payload was made for "
        "another bundle; do not use it and ask the sender what happened",
        differs);
}

void gf_contents_free(struct gf_contents *c) {
    if (c == NULL)
        return;
    for (size_t i = 0; c->members != NULL && i < c->nmembers; i++)
        free(c->members[i].name);
    for (size_t i = 0; c->have != NULL && i < c->nhave; i++)
        free(c->have[i].also);
    for (size_t i = 0; c->want != NULL && i < c->nwant; i++)
        free(c->want[i].parts);
    free(c->members);
    free(c->voids);
    free(c->have);
    free(c->want);
    memset(c, 0, sizeof *c);
}
