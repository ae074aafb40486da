/*
 * fuzz_redact.c -- redact_json: whatever comes, letting what it lets pass pass again takes nothing
 * more out, and a rule that names no field lets nothing pass. redact_look: it finds a name exactly
 * where the rule of that name lets something pass.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

/* The first line is the rule, the rest the body. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *lf = size ? memchr(data, '\n', size) : NULL;
    struct gf_buf out, dropped, again, none;
    struct gf_err e = {.text = ""};
    char allow[256];

    if (!lf || (size_t)(lf - data) >= sizeof allow)
        return 0;
    size_t n = (size_t)(lf - data);
    memcpy(allow, data, n);
    allow[n] = '\0';
    gf_buf_init(&out, 1 << 22);
    gf_buf_init(&dropped, 1 << 22);
    gf_buf_init(&again, 1 << 22);
    gf_buf_init(&none, 1 << 22);
    if (redact_json((const char *)lf + 1, size - n - 1, allow, &out, &dropped, &e) == -1) {
        require(e.code == (redact_names_some(allow) ? GF_E_JSON : GF_E_CONFIG) &&
                e.text[0] != '\0' && out.len == 0 && dropped.len == 0);
    } else if (!redact_passes_all(allow)) {
        int has = -1;
        require(redact_names_some(allow));
        require(redact_look((const char *)lf + 1, size - n - 1, allow, &has, &e) == 0);
        require(has == (memchr(out.data, '"', out.len) != NULL));
        require(redact_json(out.data, out.len, allow, &again, &none, &e) == 0);
        require(none.len == 0 && again.len == out.len);
        require(memcmp(again.data, out.data, out.len) == 0);
    }
    gf_buf_free(&out);
    gf_buf_free(&dropped);
    gf_buf_free(&again);
    gf_buf_free(&none);
    return 0;
}
