/*
 * fuzz_prom_text.c -- prom_text_next and collect_scrape_body: whatever an endpoint says, what is
 * made of it is a request that otlp_check() takes, with a point for each sample and two more. The
 * first byte says whether it is OpenMetrics.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/collect/collect_scrape_body.h"
#include "common/otlp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gf_err e = {.text = ""};
    struct otlp_facts facts;
    struct gf_buf out;
    int64_t samples = 0;

    if (size == 0)
        return 0;
    /* Of its own size, so that reading beyond it is seen. */
    char *text = malloc(size);
    require(text != NULL);
    memcpy(text, data + 1, size - 1);
    const struct collect_scraped s = {.job = "job",
                                      .name = "name",
                                      .text = text,
                                      .len = size - 1,
                                      .openmetrics = data[0] == 'o',
                                      .began = 1,
                                      .seconds = 1};
    gf_buf_init(&out, 1 << 24);
    if (collect_scrape_body(&s, &out, &samples, &e) == 0) {
        require(otlp_check(out.data, out.len, &facts, &e) == 0);
        require(facts.points == (uint64_t)samples + 2);
    } else {
        require((e.code == GF_E_RECORD || e.code == GF_E_LIMIT) && e.text[0] != '\0');
    }
    gf_buf_free(&out);
    free(text);
    return 0;
}
