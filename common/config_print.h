/*
 * config_print.h -- what `config show` and `config check` print, alike in our programs: text for
 * people, or with --json one object.
 *
 *   show   {"settings": [{"section", "name" or null, "key", "value" or null (taken back), "from":
 *          FILE:LINE or "default"}, ...]}
 *   check  {"file": PATH, "warnings": [TEXT, ...]}; a mistake is the error of the command
 */
#ifndef COMMON_CONFIG_PRINT_H
#define COMMON_CONFIG_PRINT_H

#include "common/config.h"
#include "common/out.h"

/* Every setting in force. */
GF_MUST_CHECK int config_print_settings(const struct config *c, const struct options *o,
                                        struct gf_err *e);

/* No mistake was found; then come warnings, to standard error where they are text; then the end. */
struct config_print {
    struct out out;
    const char *program;
};
void config_print_begin(struct config_print *p, const char *program, const char *path,
                        const struct options *o);
void config_print_warning(struct config_print *p, const char *fmt, ...) GF_PRINTF(2, 3);
GF_MUST_CHECK int config_print_end(struct config_print *p, struct gf_err *e);

#endif
