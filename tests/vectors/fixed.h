/*
 * fixed.h -- keys and randomness that are the same in every run, so that what is made with them is
 * too.
 *
 * After fixed_start() libsodium draws from a script instead of the kernel. Each draw must be
 * announced with fixed_next(), in order and with its exact length; any other ends the program,
 * because a vector that silently changed would be worse than none.
 */
#ifndef VECTORS_FIXED_H
#define VECTORS_FIXED_H

#include <stddef.h>
#include <stdint.h>

#include "gapferry/card.h"

/* Start libsodium and replace its randomness. */
void fixed_start(void);

/* The next draw gets `len` bytes: first, first + 1, first + 2 ... (modulo 256). */
void fixed_next(uint8_t first, size_t len);

/* Ends the program unless every announced draw was made. */
void fixed_done(void);

/* `len` bytes that count up from `first`. */
void fixed_run(uint8_t first, void *out, size_t len);

/* Where the runs of an identity's secrets begin. */
struct fixed_seeds {
    uint8_t number; /* 8 bytes: minisign's key number */
    uint8_t sign;   /* 32 bytes: Ed25519 seed */
    uint8_t seal;   /* 32 bytes: X25519 secret */
};

/* Make keys and a card of *card's role, name, agent, times. Free with gf_identity_free(). */
void fixed_identity(const struct fixed_seeds *s, const struct gf_card *card,
                    struct gf_identity *out);

/* End the program, saying what failed. */
_Noreturn void fixed_fail(const char *what, const struct gf_err *e);

#endif
