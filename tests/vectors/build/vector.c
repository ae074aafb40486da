/* vector.c -- make the bundle of one row. */
#include "vectors/build/vector.h"

#include <stdio.h>
#include <string.h>

const struct vector_set *const vector_sets[VECTOR_SETS] = {
    &vector_shell,    &vector_signature, &vector_header, &vector_header_json,
    &vector_payload,  &vector_chunks,    &vector_frames, &vector_archive,
    &vector_contents, &vector_lines,     &vector_order,  &vector_success,
};

struct gf_buf *vector_text(struct forge *f, enum forge_stage stage) {
    switch (stage) {
    case FORGE_NOTHING:
        return &f->members[0].data;
    case FORGE_CONTENTS:
        return &f->contents;
    case FORGE_ARCHIVE:
        return &f->archive;
    case FORGE_FRAMES:
        return &f->plain;
    case FORGE_STANZAS:
    case FORGE_AGE:
    case FORGE_PAYLOAD:
        return &f->age;
    case FORGE_HEADER:
    case FORGE_SIGNED:
        return &f->json;
    case FORGE_SIGNATURE:
        return &f->minisig;
    case FORGE_SHELL:
        break;
    }
    return &f->file;
}

/* Where the JSON value that begins at `at` ends. */
static size_t value_end(const char *text, size_t len, size_t at) {
    int depth = 0;

    for (; at < len; at++) {
        char c = text[at];
        if (c == '"') {
            for (at++; at < len && text[at] != '"'; at++)
                at += text[at] == '\\';
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (depth == 0 && (c == ',' || c == '}' || c == ']')) {
            break;
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return at;
}

void vector_member(struct gf_buf *json, const char *name, const char *put) {
    char label[64];
    int n = snprintf(label, sizeof label, "\"%s\":", name);
    const char *hit = memmem(json->data, json->len, label, (size_t)n);

    if (hit == NULL)
        forge_fail(name, "is no member of this text");
    size_t at = (size_t)(hit - json->data);
    size_t end = value_end(json->data, json->len, at + (size_t)n);
    if (*put == '\0') {
        if (json->data[end] == ',')
            end++;
        else if (json->data[at - 1] == ',')
            at--;
    }
    forge_remove(json, at, end - at);
    forge_insert(json, at, put, strlen(put));
}

void vector_make(struct forge *f, struct forge_world *w, const struct vector *v) {
    forge_begin(f, w, v->name, v->kind);
    if (v->make != NULL) {
        v->make(f);
    } else {
        forge_to(f, v->stage);
        if (v->member != NULL)
            vector_member(vector_text(f, v->stage), v->member, v->put);
        else
            forge_edit(vector_text(f, v->stage), v->find, v->put);
    }
    forge_to(f, FORGE_SHELL);
}
