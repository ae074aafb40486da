/*
 * lint-facts.h -- what clang-tidy cannot see across files; scripts/lint includes it before each
 * file but err.c. Without it every caller of a function that failed seems to go on with unset
 * outputs.
 */
#if __has_include("gapferry/err.h")
#include "gapferry/err.h"
#define gf_err_set(...)    ((void)gf_err_set(__VA_ARGS__), -1)
#define gf_err_errno(...)  ((void)gf_err_errno(__VA_ARGS__), -1)
#define gf_err_prefix(...) ((void)gf_err_prefix(__VA_ARGS__), -1)
#endif
