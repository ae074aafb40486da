/*
 * fuzz_httpd_head.c -- common/httpd_head: which heads are taken. The input is lines: method,
 * target, then NAME:VALUE for each field (a line without a colon is a field without a value). No
 * head is taken that could end in two places.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/httpd_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BODY_MAX 1000000

static void require(int fact) {
    if (!fact)
        abort();
}

/* What a reader in front may have understood of the same fields. */
struct seen {
    size_t lengths, encodings, origins;
    unsigned long long length;
    int plain; /* 1: the length is digits only */
};

static void see(struct seen *s, const char *name, const char *value) {
    if (strcasecmp(name, "transfer-encoding") == 0)
        s->encodings++;
    if (strcasecmp(name, "origin") == 0)
        s->origins++;
    if (strcasecmp(name, "content-length") != 0)
        return;
    s->lengths++;
    s->plain = value != NULL && value[0] != '\0' && value[strspn(value, "0123456789")] == '\0';
    s->length = s->plain ? strtoull(value, NULL, 10) : 0;
}

static void check_taken(const struct seen *s, const char *method, const char *target) {
    require(s->encodings == 0 && s->lengths <= 1 && s->origins == 0);
    require(s->lengths == 0 || (s->plain && s->length <= BODY_MAX));
    require(s->lengths == 1 || strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0);
    require(strstr(target, "%00") == NULL);
}

/* Cut the next line off. */
static char *line(char **at) {
    char *begin = *at, *lf = strchr(begin, '\n');

    if (lf != NULL)
        *lf = '\0';
    *at = lf != NULL ? lf + 1 : begin + strlen(begin);
    return begin;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct seen s = {0};
    struct httpd_head h;
    char *text = malloc(size + 1), *at = text;

    require(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    const char *method = line(&at), *target = line(&at);
    httpd_head_begin(&h, target);
    while (*at != '\0') {
        char *name = line(&at), *colon = strchr(name, ':');
        if (colon != NULL)
            *colon++ = '\0';
        httpd_head_field(&h, name, colon);
        see(&s, name, colon);
        if (strpbrk(name, " \t\r\"(),/;<=>?@[\\]{}") != NULL || *name == '\0')
            require(h.odd);
    }
    const struct httpd_head_refusal r = httpd_head_judge(&h, method, BODY_MAX);
    if (r.status == 0) {
        check_taken(&s, method, target);
    } else {
        require(r.status >= 400 && r.status <= 413 && r.text != NULL &&
                r.text[strlen(r.text) - 1] == '\n');
        /* Where the end of the request is not certain nothing behind it may be read. */
        require(r.close || (s.encodings == 0 && s.lengths <= 1));
    }
    free(text);
    return 0;
}
