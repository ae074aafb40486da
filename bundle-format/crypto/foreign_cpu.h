/*
 * foreign_cpu.h -- gf_foreign_decrypt() with another word on what the processor can do, so that a
 * test can be on a machine without AES instructions.
 */
#ifndef CRYPTO_FOREIGN_CPU_H
#define CRYPTO_FOREIGN_CPU_H

#include "gapferry/foreign.h"

/* available: 1 if AES-256-GCM can be used here. */
GF_MUST_CHECK int gf_foreign_decrypt_if(int (*available)(void), const void *secret, size_t n,
                                        const uint8_t iv[GF_FOREIGN_IV],
                                        const uint8_t tag[GF_FOREIGN_TAG], const uint8_t *in,
                                        size_t len, uint8_t *out, struct gf_err *e);

#endif
