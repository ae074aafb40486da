/*
 * main.c -- write the vectors: `vectors-build DIRECTORY` writes all of them; nothing else is in
 * there when it was empty. Each is read as it is written: one whose verdict is not the one that its
 * row states ends the program.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "support/read.h"
#include "vectors/build/vector.h"

struct build {
    struct forge_world world;
    struct read_room room;
    const char *directory;
    int wrong;
    int live;
};

static void save(const struct build *b, const char *name, const void *data, size_t len) {
    char path[1024];

    (void)snprintf(path, sizeof path, "%s/%s", b->directory, name);
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(data, 1, len, f) != len || fclose(f) != 0)
        forge_fail(path, strerror(errno));
}

/* Does a reader say what the row states? */
static int verdict(struct build *b, const struct vector *v, const struct forge *f,
                   struct gf_err *err) {
    struct read_result r;
    enum read_as as = v->kind == GF_KIND_REQUEST ? READ_AS_RELAY : READ_AS_SITE;

    (void)read_bundle(&b->world, as, f->file.data, f->file.len, &b->room, 0, &r);
    gf_contents_free(&r.contents);
    *err = r.err;
    if (r.err.code == v->code && strstr(r.err.text, v->says) != NULL && r.left == 0)
        return 0;
    (void)fprintf(stderr, "%s: expected %s '%s', but it is %s '%s'%s\n", v->name,
                  gf_err_name(v->code), v->says, gf_err_name(r.err.code), r.err.text,
                  r.left != 0 ? ", and something was left behind" : "");
    return -1;
}

static void build_one(struct build *b, const struct vector *v) {
    struct forge f;
    struct gf_err err;
    struct gf_buf text;
    char name[128];

    vector_make(&f, &b->world, v);
    if (verdict(b, v, &f, &err) == -1) {
        b->wrong++;
    } else if (vector_is_live(v->name)) {
        b->live++;
    } else {
        gf_buf_init(&text, (size_t)64 << 20);
        gf_buf_printf(&text, "expect: %s\ntext: %s\nreader: %s\ncomment: %s\n\n",
                      gf_err_name(v->code), err.text,
                      v->kind == GF_KIND_REQUEST ? "relay-1" : "site-a", v->comment);
        forge_add(&text, f.file.data, f.file.len);
        (void)snprintf(name, sizeof name, "%s.vec", v->name);
        save(b, name, text.data, text.len);
        gf_buf_free(&text);
    }
    forge_free(&f);
}

/* Cards, and the readers' sealing keys, so that others can read the vectors too. */
static void save_keys(const struct build *b) {
    const struct forge_world *w = &b->world;
    const struct gf_identity *cards[] = {&w->site, &w->other, &w->twin, &w->relay};
    const struct gf_identity *readers[] = {&w->relay, &w->site};
    struct gf_buf text;
    char name[512];

    (void)snprintf(name, sizeof name, "%s/keys", b->directory);
    if (mkdir(name, 0755) == -1 && errno != EEXIST)
        forge_fail(name, strerror(errno));
    for (size_t i = 0; i < sizeof cards / sizeof cards[0]; i++) {
        (void)snprintf(name, sizeof name, "keys/%s.card", cards[i]->card.name);
        save(b, name, cards[i]->card_text, cards[i]->card_len);
    }
    for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
        gf_buf_init(&text, GF_CARD_FILE_MAX);
        gf_key_seal_text(readers[i]->seal, FORGE_CREATED, &text);
        (void)snprintf(name, sizeof name, "keys/%s.seal.key", readers[i]->card.name);
        save(b, name, text.data, text.len);
        gf_buf_free(&text);
    }
}

int main(int argc, char **argv) {
    struct build b = {0};
    int good = 0, bad = 0;

    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return GF_EXIT_USAGE;
    }
    b.directory = argv[1];
    forge_world_make(&b.world);
    read_room_make(&b.room);
    for (size_t s = 0; s < VECTOR_SETS; s++) {
        for (size_t i = 0; i < vector_sets[s]->n; i++) {
            build_one(&b, &vector_sets[s]->rows[i]);
            *(vector_sets[s]->rows[i].code == GF_OK ? &good : &bad) += 1;
        }
    }
    save_keys(&b);
    read_room_free(&b.room);
    forge_world_free(&b.world);
    (void)printf("%d failures, %d successes; %d of them without a file, %d not as stated\n", bad,
                 good, b.live, b.wrong);
    return b.wrong == 0 ? 0 : 1;
}
