/*
 * httpd_head.h -- which heads of HTTP requests are taken (RFC 9110, RFC 9112).
 *
 * A head that two readers could understand differently is refused: what a proxy in front takes for
 * the body of one request would be the next request here.
 */
#ifndef COMMON_HTTPD_HEAD_H
#define COMMON_HTTPD_HEAD_H

#include <stdint.h>

/* What a server takes. */
struct httpd_head_rules {
    int64_t body_max;         /* bytes */
    int chunked;              /* 1: a body may be chunked (RFC 9112, 7.1) */
    int pages;                /* 1: an Origin is the program's to judge */
    const char *const *hosts; /* names that a Host may have, without its port; NULL-ended. NULL: any
                               */
};

/* What was seen of a head. */
struct httpd_head {
    const struct httpd_head_rules *rules; /* borrowed */
    int lengths;                          /* how often Content-Length occurs */
    int64_t length;                       /* bytes; -1: it is no number; 0: none was named */
    int encoded;                          /* how often Transfer-Encoding occurs */
    int chunked;                          /* 1: its value is "chunked" and nothing else */
    int hosts;                            /* how often Host occurs */
    int host_known;                       /* 1: it is one of the rules' */
    int origin;                           /* 1: Origin: a browser's page */
    int odd;                              /* 1: a name that is no token (RFC 9110, 5.6.2) */
    int nul;                              /* 1: %00 in the target */
};

/* A refusal. */
struct httpd_head_refusal {
    unsigned status;  /* 0: the head is taken */
    const char *text; /* static */
    int close;        /* 1: where the request ends is not certain: nothing behind it may be read */
};

/* A new head, by its target as it came, before anything in it is decoded. */
void httpd_head_begin(struct httpd_head *h, const struct httpd_head_rules *rules,
                      const char *target);

/* Another field; `value` may be NULL. */
void httpd_head_field(struct httpd_head *h, const char *name, const char *value);

/* version: "HTTP/1.1". */
struct httpd_head_refusal httpd_head_judge(const struct httpd_head *h, const char *method,
                                           const char *version);

#endif
