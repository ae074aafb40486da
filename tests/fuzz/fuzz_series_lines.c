/*
 * fuzz_series_lines.c -- lines_otlp() and lines_influx() on hostile bytes: what they write are
 * well-formed lines, as many as there are points, and each says whose it is.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/influx_line.h"
#include "relay/series/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

typedef int read_fn(const void *data, size_t len, const struct metrics_labels *added,
                    struct pieces *out, struct gf_err *e);

/* The last tag is ours, and no other has its name. */
static void look(const struct influx_line *line) {
    struct otlp_span left = line->tags;
    struct influx_tag tag = {{0}, {0}, {0}};
    int n = 0;

    while (influx_line_tag(&left, &tag))
        n += tag.key.end - tag.key.at == 13 && memcmp(tag.key.at, "gapferry_site", 13) == 0;
    if (n != 1 || tag.value.end - tag.value.at != 4 || memcmp(tag.value.at, "x\\ y", 4) != 0)
        abort();
}

static void run(read_fn *read, const uint8_t *data, size_t len) {
    static const struct metrics_labels added = {.label = {{"site", "x y"}}, .n = 1};
    struct influx_lines it;
    struct influx_line line;
    struct pieces p;
    struct gf_err e;
    size_t fit = 0;
    int rc;

    pieces_init(&p);
    if (read(data, len, &added, &p, &e) == 0) {
        for (size_t i = 0; i < p.n; i++)
            fit += p.point[i].unfit == NULL;
        influx_line_open(&it, p.bytes.len > 0 ? p.bytes.data : "", p.bytes.len, INFLUX_LINE_NS);
        while ((rc = influx_line_next(&it, &line, &e)) != 0) {
            /* What has more tags or bytes than a line may have is for the sink to refuse. */
            if (rc == 1)
                look(&line);
            else if (e.code != GF_E_LIMIT)
                abort();
            if (fit-- == 0)
                abort();
        }
        if (fit != 0)
            abort();
    }
    pieces_free(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    run(lines_otlp, data, len);
    run(lines_influx, data, len);
    return 0;
}
