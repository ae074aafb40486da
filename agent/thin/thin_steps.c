/*
 * thin_steps.c -- `[channel "NAME"] thin`: the steps.
 */
#include "agent/thin/thin_steps.h"

#include <stdio.h>
#include <string.h>

#include "common/config.h"

#define BLANK  " \t"
#define POLICY "thin-"

const char *thin_steps_read(const char *value, struct thin_steps *out) {
    static const char *const rule =
        "must be one to four time spans from 1s to 30d, each longer than the one before, such as "
        "15m, or 5m 1h";
    struct thin_steps s = {.n = 0};

    for (const char *at = value + strspn(value, BLANK); *at != '\0'; at += strspn(at, BLANK)) {
        const size_t len = strcspn(at, BLANK);
        char word[THIN_STEPS_WORDS];
        int64_t every;

        if (s.n == THIN_STEPS_MAX || len >= sizeof word)
            return rule;
        memcpy(word, at, len);
        word[len] = '\0';
        if (config_span_text(word, &every) == -1 || every < 1 || every > THIN_STEPS_SPAN ||
            (s.n > 0 && every <= s.every[s.n - 1]))
            return rule;
        s.every[s.n++] = every;
        at += len;
    }
    if (s.n == 0)
        return rule;
    *out = s;
    return NULL;
}

void thin_steps_words(int64_t every, char out[THIN_STEPS_WORDS]) {
    static const struct {
        int64_t seconds;
        char unit;
    } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    size_t i = 0;

    while (every % units[i].seconds != 0)
        i++;
    (void)snprintf(out, THIN_STEPS_WORDS, "%lld%c", (long long)(every / units[i].seconds),
                   units[i].unit);
}

void thin_steps_policy(int64_t every, char out[THIN_STEPS_WORDS]) {
    char words[THIN_STEPS_WORDS];

    thin_steps_words(every, words);
    (void)snprintf(out, THIN_STEPS_WORDS, POLICY "%.*s", (int)(THIN_STEPS_WORDS - sizeof POLICY),
                   words);
}

int thin_steps_is_policy(const char *policy) {
    return strncmp(policy, POLICY, sizeof POLICY - 1) == 0;
}
