/*
 * otlp_testing.h -- cmocka, and what the tests of common/otlp* make their requests with.
 */
#ifndef OTLP_TESTING_H
#define OTLP_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/otlp_make.h"

#endif
