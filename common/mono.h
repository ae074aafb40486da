/*
 * mono.h -- a clock that only goes forward, for distances and deadlines within one run.
 */
#ifndef COMMON_MONO_H
#define COMMON_MONO_H

#include <stdint.h>

/* Milliseconds since some moment before this machine's programs began. */
int64_t mono_ms(void);

#endif
