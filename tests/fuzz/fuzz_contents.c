/*
 * fuzz_contents.c -- format/contents: what is taken obeys the rules and is written the same each
 * time.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gapferry/contents.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

static void check_members(const struct gf_contents *c) {
    for (size_t i = 0; i < c->nmembers; i++) {
        const struct gf_contents_member *m = &c->members[i];
        int is = gf_contents_member_of(m->member);

        require(is >= GF_MEMBER_RECORDS && is <= GF_MEMBER_FILE);
        require((is == GF_MEMBER_FILE) == (m->name != NULL));
        require(m->name == NULL || (strlen(m->name) >= 1 && strlen(m->name) <= GF_NAME_MAX));
        require(m->size >= 0 && m->size <= GF_ARCHIVE_MAX);
        for (size_t k = 0; k < i; k++)
            require(strcmp(m->member, c->members[k].member) != 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gf_contents c, again;
    struct gf_buf first, second;
    struct gf_err e = {.text = ""};

    if (gf_contents_parse((const char *)data, size, &c, &e) == -1) {
        require(e.code == GF_E_JSON || e.code == GF_E_CONTENTS || e.code == GF_E_LIMIT);
        require(strlen(e.text) > 0);
        return 0;
    }
    check_members(&c);
    require(c.kind == GF_KIND_REQUEST || c.nhave + c.nwant == 0);

    gf_buf_init(&first, GF_CONTENTS_MAX);
    gf_buf_init(&second, GF_CONTENTS_MAX);
    gf_contents_write(&c, &first);
    require(first.failed == 0 && first.len <= size);
    require(gf_contents_parse(first.data, first.len, &again, &e) == 0);
    gf_contents_write(&again, &second);
    require(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    gf_buf_free(&first);
    gf_buf_free(&second);
    gf_contents_free(&again);
    gf_contents_free(&c);
    return 0;
}
