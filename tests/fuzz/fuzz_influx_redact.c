/*
 * fuzz_influx_redact.c -- influx_redact: whatever comes, what is left has no denied name, no broken
 * line and a time on each, passes once more as it is, and is what the facts say.
 */
#include <stdint.h>
#include <stdlib.h>

#include "common/influx_redact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

static void look_at(const uint8_t *data, size_t len, const struct otlp_deny *deny) {
    struct gf_err e = {.text = ""};
    struct influx_lines it;
    struct influx_line line;
    struct influx_tag tag;

    influx_line_open(&it, data, len, 1);
    while (influx_line_next(&it, &line, &e) == 1) {
        require(line.stamp.at < line.stamp.end);
        while (influx_line_tag(&line.tags, &tag))
            require(!otlp_deny_has(deny, tag.key.at, (size_t)(tag.key.end - tag.key.at)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const entries[] = {"host", "a.*", "b c"};
    struct influx_redacted first = {.lines = 0}, second = {.lines = 0};
    struct otlp_deny *deny = NULL;
    struct gf_err e = {.text = ""};
    struct gf_buf once, twice;

    if (size == 0)
        return 0;
    require(otlp_deny_new(entries, 3, &deny, &e) == 0);
    struct influx_rule rule = {deny, data[0] % 2 == 0 ? 1 : 1000, 1700000000000000000};
    data++;
    size--;
    gf_buf_init(&once, INFLUX_REDACT_ROOM(size));
    int rc = influx_redact(data, size, &rule, &once, &first, &e);
    require(rc != -1 && (rc == 1 || once.len == 0));
    const uint8_t *left = rc == 1 ? (const uint8_t *)once.data : data;
    const size_t len = rc == 1 ? once.len : size;

    if (len > 0) {
        look_at(left, len, deny);
        gf_buf_init(&twice, INFLUX_REDACT_ROOM(len));
        rule.unit = 1;
        require(influx_redact(left, len, &rule, &twice, &second, &e) == 0);
        require(second.broken == 0 && second.emptied == 0 && second.gone.total == 0);
        gf_buf_free(&twice);
    }
    require(second.lines == first.lines);
    require(second.facts.points == first.facts.points);
    require(second.facts.earliest == first.facts.earliest);
    require(second.facts.latest == first.facts.latest);
    gf_buf_free(&once);
    otlp_deny_free(deny);
    return 0;
}
