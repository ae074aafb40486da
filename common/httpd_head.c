/*
 * httpd_head.c -- judging heads of HTTP requests.
 */
#include "common/httpd_head.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TOKEN                                                                                      \
    "!#$%&'*+-.^_`|~0123456789"                                                                    \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* Digits only; -1 if it is anything else. */
static int64_t read_length(const char *text) {
    size_t n = text != NULL ? strspn(text, "0123456789") : 0;

    return n > 0 && n <= 18 && text[n] == '\0' ? strtoll(text, NULL, 10) : -1;
}

void httpd_head_field(struct httpd_head *h, const char *name, const char *value) {
    size_t n = strspn(name, TOKEN);

    if (n == 0 || name[n] != '\0')
        h->odd = 1;
    if (strcasecmp(name, "Content-Length") == 0) {
        h->lengths++;
        h->length = read_length(value);
    } else if (strcasecmp(name, "Transfer-Encoding") == 0) {
        h->encoded = 1;
    } else if (strcasecmp(name, "Origin") == 0) {
        h->origin = 1;
    }
}

void httpd_head_begin(struct httpd_head *h, const char *target) {
    *h = (struct httpd_head){.nul = strstr(target, "%00") != NULL};
}

static int is_method(const char *method) {
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 || strcmp(method, "POST") == 0;
}

struct httpd_head_refusal httpd_head_judge(const struct httpd_head *h, const char *method,
                                           int64_t body_max) {
    if (h->odd)
        return (struct httpd_head_refusal){400, "the name of a header is no token\n", 1};
    if (h->encoded)
        return (struct httpd_head_refusal){
            411, "a body needs a Content-Length, and no Transfer-Encoding\n", 1};
    if (h->lengths > 1)
        return (struct httpd_head_refusal){400, "Content-Length occurs more than once\n", 1};
    if (h->length < 0)
        return (struct httpd_head_refusal){400, "Content-Length is no number\n", 1};
    if (!is_method(method))
        return (struct httpd_head_refusal){405, "this method is not served here\n", 0};
    int has_body = strcmp(method, "POST") == 0;
    if (h->lengths == 0 && has_body)
        return (struct httpd_head_refusal){411, "a body needs a Content-Length\n", 1};
    if (h->length > 0 && !has_body)
        return (struct httpd_head_refusal){413, "this method has no body\n", 1};
    if (h->length > body_max)
        return (struct httpd_head_refusal){413, "the body is larger than this server takes\n", 1};
    if (h->nul)
        return (struct httpd_head_refusal){400, "a path has no %00\n", 0};
    if (h->origin)
        return (struct httpd_head_refusal){403, "pages of other sites may not ask here\n", 0};
    return (struct httpd_head_refusal){0};
}
