/*
 * fuzz_json_members.c -- base/json_members and format/line: what is read without building it is
 * what cJSON's tree says.
 */
#include <stdint.h>
#include <stdlib.h>

#include "support/json_agree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;

    if (agree_members(text, size) != NULL || agree_line(text, size) != NULL)
        abort();
    return 0;
}
