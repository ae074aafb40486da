/*
 * otlp_path.c -- where in a request something is wrong.
 */
#include "common/otlp_path.h"

#include <stdio.h>
#include <string.h>

void otlp_path_put(struct otlp_path *p, const struct otlp_field *field, uint32_t number,
                   size_t index) {
    static const char more[] = "...";
    const char *dot = p->len > 0 ? "." : "";
    char part[64];

    if (field == NULL)
        (void)snprintf(part, sizeof part, "field %u%s", (unsigned)number, dot);
    else if (field->repeated && index != OTLP_PATH_ALL)
        (void)snprintf(part, sizeof part, "%s[%zu]%s", field->name, index, dot);
    else
        (void)snprintf(part, sizeof part, "%s%s", field->name, dot);

    /* What is nearest to the fault tells most: once full, the path stays and says that it begins
     * further out. */
    size_t n = strlen(part);
    if (p->len + n + sizeof more > sizeof p->text) {
        if (p->text[0] == '.')
            return;
        n = sizeof more - 1;
        memcpy(part, more, sizeof more);
    }
    memmove(p->text + n, p->text, p->len + 1);
    memcpy(p->text, part, n);
    p->len += n;
}

const char *otlp_path_text(const struct otlp_path *p) {
    return p->len > 0 ? p->text : "the request";
}
