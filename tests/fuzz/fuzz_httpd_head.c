/*
 * fuzz_httpd_head.c -- common/httpd_head: which heads are taken. The input is lines: method,
 * target, then NAME:VALUE for each field (a line without a colon is a field without a value). No
 * head is taken that could end in two places, by a server with and without chunked bodies; one with
 * names of its own takes no other Host.
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
    size_t lengths, encodings, origins, hosts, others;
    unsigned long long length;
    int plain; /* 1: the length is digits only */
};

static void see(struct seen *s, const char *name, const char *value) {
    if (strcasecmp(name, "transfer-encoding") == 0)
        s->encodings++;
    if (strcasecmp(name, "transfer-encoding") == 0 &&
        (value == NULL || strcasecmp(value, "chunked") != 0))
        s->others++;
    if (strcasecmp(name, "origin") == 0)
        s->origins++;
    if (strcasecmp(name, "host") == 0 && value != NULL &&
        (strncasecmp(value, "a.b", 3) == 0 || strncmp(value, "[::1]", 5) == 0))
        s->hosts++;
    if (strcasecmp(name, "content-length") != 0)
        return;
    s->lengths++;
    s->plain = value != NULL && value[0] != '\0' && value[strspn(value, "0123456789")] == '\0';
    s->length = s->plain ? strtoull(value, NULL, 10) : 0;
}

static void check_taken(const struct seen *s, const struct httpd_head_rules *rules,
                        const char *method, const char *target) {
    require(s->encodings + s->lengths <= 1 && s->origins == 0);
    require(s->encodings == 0 || (rules->chunked && s->others == 0));
    require(s->lengths == 0 || (s->plain && s->length <= BODY_MAX));
    require(s->lengths + s->encodings == 1 || strcmp(method, "GET") == 0 ||
            strcmp(method, "HEAD") == 0);
    require(rules->hosts == NULL || s->hosts == 1);
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

static void look(char *text, const struct httpd_head_rules *rules) {
    struct seen s = {0};
    struct httpd_head h;
    char *at = text;

    const char *method = line(&at), *target = line(&at);
    httpd_head_begin(&h, rules, target);
    while (*at != '\0') {
        char *name = line(&at), *colon = strchr(name, ':');
        if (colon != NULL)
            *colon++ = '\0';
        httpd_head_field(&h, name, colon);
        see(&s, name, colon);
        if (strpbrk(name, " \t\r\"(),/;<=>?@[\\]{}") != NULL || *name == '\0')
            require(h.odd);
    }
    const struct httpd_head_refusal r = httpd_head_judge(&h, method, "HTTP/1.1");
    if (r.status == 0) {
        check_taken(&s, rules, method, target);
    } else {
        require(r.status >= 400 && r.status <= 413 && r.text != NULL &&
                r.text[strlen(r.text) - 1] == '\n');
        /* Where the end of the request is not certain nothing behind it may be read. */
        require(r.close || (s.encodings == 0 && s.lengths <= 1) ||
                (rules->chunked && s.encodings == 1 && s.others == 0 && s.lengths == 0));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[] = {"a.b", "[::1]", NULL};
    static const struct httpd_head_rules rules[] = {
        {.body_max = BODY_MAX}, {.body_max = BODY_MAX, .chunked = 1, .hosts = names}};
    char *text = malloc(size + 1);

    require(text != NULL);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        memcpy(text, data, size);
        text[size] = '\0';
        look(text, &rules[i]);
    }
    free(text);
    return 0;
}
