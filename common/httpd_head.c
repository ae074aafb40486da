/*
 * httpd_head.c -- judging heads of HTTP requests.
 */
#include "common/httpd_head.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gapferry/text.h"

/* Digits only; -1 if it is anything else. */
static int64_t read_length(const char *text) {
    size_t n = text != NULL ? strspn(text, "0123456789") : 0;

    return n > 0 && n <= 18 && text[n] == '\0' ? strtoll(text, NULL, 10) : -1;
}

/* 1 if a Host (RFC 9110, 7.2: a name or address, perhaps with a port) is one of these. */
static int is_known(const char *host, const char *const *names) {
    size_t n = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");

    if (strlen(host) < n || (host[n] != '\0' && (host[n] != ':' || read_length(host + n + 1) < 0)))
        return 0;
    for (; *names != NULL; names++) {
        if (strlen(*names) == n && strncasecmp(host, *names, n) == 0)
            return 1;
    }
    return 0;
}

void httpd_head_field(struct httpd_head *h, const char *name, const char *value) {
    size_t n = gf_text_token(name, strlen(name));

    if (n == 0 || name[n] != '\0')
        h->odd = 1;
    if (strcasecmp(name, "Content-Length") == 0) {
        h->lengths++;
        h->length = read_length(value);
    } else if (strcasecmp(name, "Transfer-Encoding") == 0) {
        h->encoded++;
        h->chunked = value != NULL && strcasecmp(value, "chunked") == 0;
    } else if (strcasecmp(name, "Host") == 0) {
        h->hosts++;
        h->host_known =
            h->rules->hosts == NULL || (value != NULL && is_known(value, h->rules->hosts));
    } else if (strcasecmp(name, "Origin") == 0) {
        h->origin = 1;
    }
}

void httpd_head_begin(struct httpd_head *h, const struct httpd_head_rules *rules,
                      const char *target) {
    *h = (struct httpd_head){.rules = rules, .nul = strstr(target, "%00") != NULL};
}

static int is_method(const char *method) {
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 || strcmp(method, "POST") == 0;
}

#define REFUSAL(...) ((struct httpd_head_refusal){__VA_ARGS__})

/* Where the body ends: certain, or nothing behind the head may be read. */
static struct httpd_head_refusal judge_length(const struct httpd_head *h, const char *version) {
    if (h->encoded > 0 && !h->rules->chunked)
        return REFUSAL(411, "a body needs a Content-Length, and no Transfer-Encoding\n", 1);
    if (h->encoded > 0 && h->lengths > 0)
        return REFUSAL(400, "a body has a Content-Length or a Transfer-Encoding, not both\n", 1);
    if (h->encoded > 0 && (h->encoded > 1 || !h->chunked || strcmp(version, "HTTP/1.1") != 0))
        return REFUSAL(400, "the one Transfer-Encoding is chunked, in HTTP/1.1\n", 1);
    if (h->lengths > 1)
        return REFUSAL(400, "Content-Length occurs more than once\n", 1);
    if (h->length < 0)
        return REFUSAL(400, "Content-Length is no number\n", 1);
    return REFUSAL(0);
}

struct httpd_head_refusal httpd_head_judge(const struct httpd_head *h, const char *method,
                                           const char *version) {
    if (h->odd)
        return REFUSAL(400, "the name of a header is no token\n", 1);
    struct httpd_head_refusal no = judge_length(h, version);
    if (no.status != 0)
        return no;
    if (!is_method(method))
        return REFUSAL(405, "this method is not served here\n", h->encoded > 0);
    int has_body = strcmp(method, "POST") == 0;
    if (h->lengths + h->encoded == 0 && has_body)
        return REFUSAL(411, "a body needs a Content-Length\n", 1);
    if ((h->length > 0 || h->encoded > 0) && !has_body)
        return REFUSAL(413, "this method has no body\n", 1);
    if (h->length > h->rules->body_max)
        return REFUSAL(413, "the body is larger than this server takes\n", 1);
    if (h->nul)
        return REFUSAL(400, "a path has no %00\n", 0);
    if (h->rules->hosts != NULL && (h->hosts != 1 || !h->host_known))
        return REFUSAL(403, "this server has another name: the Host is not served here\n", 0);
    if (h->origin && !h->rules->pages)
        return REFUSAL(403, "pages of other sites may not ask here\n", 0);
    return REFUSAL(0);
}
