/*
 * configured_testing.h -- an agent of the test's own, made before each test and gone after it, and
 * its configuration.
 */
#ifndef CONFIGURED_TESTING_H
#define CONFIGURED_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gapferry/file.h"
#include "support/kit.h"
#include "support/site.h"

static struct gf_err e;
static struct site s;

static inline int agent_setup(void **state) {
    (void)state;
    site_make(&s, 1);
    return 0;
}

static inline int agent_teardown(void **state) {
    (void)state;
    site_free(&s);
    return 0;
}

/* Read this configuration from now on. */
static inline void configure(const char *text) {
    site_configure(&s, text);
}

#endif
