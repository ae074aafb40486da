/*
 * vector.h -- the tables of vectors: what is wrong with each, and what a reader must say.
 *
 * A row changes a good bundle in one of three ways: by a function; or by an edit of the text that a
 * stage has made, where `find` stands exactly once; or of the JSON member named `member` there, all
 * of it, name and value. `put` takes the place; "" takes a member out.
 */
#ifndef VECTORS_VECTOR_H
#define VECTORS_VECTOR_H

#include "support/forge.h"

struct vector {
    const char *name;    /* of the file, without .vec: the defect */
    enum gf_code code;   /* that the reader must give */
    const char *says;    /* a part of its text */
    const char *comment; /* one sentence */
    void (*make)(struct forge *f);
    enum forge_stage stage; /* whose text is edited; FORGE_NOTHING: the first member's */
    enum gf_kind kind;      /* of the bundle; responses are read by the site */
    const char *find;
    const char *member;
    const char *put;
};

struct vector_set {
    const struct vector *rows;
    size_t n;
};
#define VECTOR_SET(rows)                                                                           \
    { rows, sizeof(rows) / sizeof(rows)[0] }

extern const struct vector_set vector_shell;
extern const struct vector_set vector_signature;
extern const struct vector_set vector_header;
extern const struct vector_set vector_header_json;
extern const struct vector_set vector_payload;
extern const struct vector_set vector_chunks;
extern const struct vector_set vector_frames;
extern const struct vector_set vector_archive;
extern const struct vector_set vector_contents;
extern const struct vector_set vector_lines;
extern const struct vector_set vector_order;
extern const struct vector_set vector_success;

/* All of them. */
#define VECTOR_SETS 12
extern const struct vector_set *const vector_sets[VECTOR_SETS];

/* 1 if a row has no file of its own (live.c). */
int vector_is_live(const char *name);

/* Put a text in place of a JSON member, name and value; "" takes it out with its comma. */
void vector_member(struct gf_buf *json, const char *name, const char *put);

/* The text that a stage has made. */
struct gf_buf *vector_text(struct forge *f, enum forge_stage stage);

/* Make the bundle of a row; f was not begun yet. */
void vector_make(struct forge *f, struct forge_world *w, const struct vector *v);

#endif
