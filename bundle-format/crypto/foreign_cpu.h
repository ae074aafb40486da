/*
 * foreign_cpu.h -- gf_foreign_decrypt() with another word on what the processor can do, so that a
 * test can be on a machine without AES instructions.
 */
#ifndef CRYPTO_FOREIGN_CPU_H
#define CRYPTO_FOREIGN_CPU_H

#include "gapferry/foreign.h"

/* available: 1 if AES-256-GCM can be used here. */
GF_MUST_CHECK int gf_foreign_decrypt_if(int (*available)(void), const void *secret, size_t n,
                                        const struct gf_foreign_sealed *sealed, uint8_t *out,
                                        struct gf_err *e);

#endif
