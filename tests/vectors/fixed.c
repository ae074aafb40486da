/* fixed.c -- keys and randomness that are the same in every run. */
#include "vectors/fixed.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gapferry/digest.h"

#define DRAWS_MAX 64

struct draw {
    uint8_t first;
    size_t len;
};

static struct draw draws[DRAWS_MAX];
static size_t announced;
static size_t made;

_Noreturn void fixed_fail(const char *what, const struct gf_err *e) {
    (void)fprintf(stderr, "%s: %s\n", what, e != NULL ? e->text : "failed");
    exit(1);
}

void fixed_run(uint8_t first, void *out, size_t len) {
    uint8_t *b = out;

    for (size_t i = 0; i < len; i++)
        b[i] = (uint8_t)(first + i);
}

void fixed_next(uint8_t first, size_t len) {
    if (announced == DRAWS_MAX)
        fixed_fail("too many draws", NULL);
    draws[announced++] = (struct draw){first, len};
}

static void draw(void *const out, const size_t len) {
    if (made == announced || draws[made].len != len) {
        (void)fprintf(stderr, "draw %zu: %zu random bytes are asked for, the script has %zu\n",
                      made, len, made == announced ? (size_t)0 : draws[made].len);
        exit(1);
    }
    fixed_run(draws[made++].first, out, len);
}

void fixed_done(void) {
    if (made != announced)
        fixed_fail("not every scripted draw was made", NULL);
    made = announced = 0;
}

static const char *script_name(void) {
    return "script";
}

/* libsodium wants this function, but draws numbers with it only for ranges. */
static uint32_t script_number(void) {
    fixed_fail("a random number is asked for", NULL);
}

void fixed_start(void) {
    static struct randombytes_implementation script = {
        .implementation_name = script_name, .random = script_number, .buf = draw};
    struct gf_err e;

    /* libsodium draws a few bytes for its own memory guards first: those stay random. */
    if (gf_digest_start(&e) == -1)
        fixed_fail("libsodium", &e);
    if (randombytes_set_implementation(&script) != 0)
        fixed_fail("cannot replace the randomness", NULL);
}

void fixed_identity(const struct fixed_seeds *s, const struct gf_card *card,
                    struct gf_identity *out) {
    struct gf_identity id = {.card = *card};
    struct gf_buf text;
    struct gf_err e;

    fixed_next(s->number, 8);
    fixed_next(s->sign, 32);
    fixed_next(s->seal, 32);
    if (gf_key_sign_new(&id.sign, &e) == -1 || gf_key_seal_new(&id.seal, &e) == -1)
        fixed_fail("keys", &e);
    fixed_done();

    id.card.sign = *gf_key_sign_public(id.sign);
    id.card.seal = *gf_key_seal_public(id.seal);
    gf_key_identity(&id.card.sign, &id.card.seal, &id.card.identity);
    gf_buf_init(&text, GF_CARD_FILE_MAX);
    if (gf_card_write(&id.card, 1, id.sign, &text, &e) == -1)
        fixed_fail("card", &e);
    id.card_text = malloc(text.len);
    if (id.card_text == NULL)
        fixed_fail("out of memory", NULL);
    memcpy(id.card_text, text.data, text.len);
    id.card_len = text.len;
    gf_buf_free(&text);
    *out = id;
}
