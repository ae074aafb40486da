/*
 * otlp_path.h -- where in a request something is wrong, put together from the inside to the outside
 * while the walk returns, so that a good request costs nothing.
 */
#ifndef COMMON_OTLP_PATH_H
#define COMMON_OTLP_PATH_H

#include <stddef.h>
#include <stdint.h>

#include "common/otlp_schema.h"

#define OTLP_PATH_MAX                                                                              \
    240 /* bytes, with the NUL; of a longer path the outermost part is left out                    \
         */

/* Zeroed at first. */
struct otlp_path {
    char text[OTLP_PATH_MAX];
    size_t len;
};

#define OTLP_PATH_ALL SIZE_MAX /* for an index: the list, not an element of it */

/* Put a field before what is there; index only counts where the field is repeated. A field that is
 * NULL is unknown and has its number for a name. */
void otlp_path_put(struct otlp_path *p, const struct otlp_field *field, uint32_t number,
                   size_t index);

/* "resourceMetrics[0].resource", or "the request" for an empty path. */
const char *otlp_path_text(const struct otlp_path *p);

#endif
