/*
 * httpd_internal.h -- what the files of the server share.
 */
#ifndef COMMON_HTTPD_INTERNAL_H
#define COMMON_HTTPD_INTERNAL_H

#include <microhttpd.h>

#include "common/httpd.h"
#include "common/httpd_head.h"

enum httpd_phase { PHASE_HEAD, PHASE_BODY, PHASE_HELD, PHASE_REPLY };

/* One connection, from accept to close. */
struct httpd_connection {
    struct httpd_connection *next, **at;
    struct httpd *h;
    int fd;
    int broken;                    /* 1: it was shut down */
    struct httpd_request *request; /* NULL: none */
    struct httpd_head head;        /* of the request at hand */
    enum httpd_phase phase;
    int64_t since; /* ms: when the phase began */
    int64_t moved; /* bytes since then */
};

struct httpd_request {
    struct httpd *h;
    struct httpd_connection *c;
    struct MHD_Connection *mhd;
    const char *method;
    char *path;
    int64_t body_size, body_got; /* body_size -1: chunked */
    int held;
    int deferred; /* 1: its reply is to come soon */
    int ended;    /* 1: end() was called */
    int queued;   /* 1: libmicrohttpd has the reply */
    int last;     /* 1: the connection ends with the reply */
    unsigned status;
    struct MHD_Response *reply; /* until it is queued, and after */
    void *mine;
};

struct httpd {
    struct MHD_Daemon *daemon;
    struct httpd_calls calls;
    void *arg;
    int epoll;
    int64_t head_ms, rate_min;
    struct httpd_head_rules rules;
    struct httpd_connection *connections;
    size_t requests;
    int64_t looked; /* ms: when deadlines were looked at */
    int again;      /* 1: libmicrohttpd has to run twice in this step */
};

#endif
