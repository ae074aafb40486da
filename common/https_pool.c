/*
 * https_pool.c -- many requests at once by libcurl's multi interface: we wait, and only those are
 * gone on with for which something has happened.
 */
#include "common/https_pool.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/https_attempt.h"

#define KEPT 256L /* connections that are kept, of all places */

/* One request, and the handle that it is made with; handles are used again. */
struct flight {
    struct https_attempt at;
    CURL *easy;
    struct https_options had; /* of the last request, if `warm` */
    char url[HTTPS_URL_MAX + 1];
    int warm;
    void *tag;
    struct flight *next, *before; /* under way; or `next` alone: idle */
};

struct https_pool {
    CURLM *multi;
    struct flight *flying;
    struct flight *idle;
    size_t n;              /* flying */
    struct pollfd *spot;   /* what libcurl waits for, and room behind it */
    size_t nspots, places; /* places: with the room */
};

/* ---- what is waited for ---- */

/* Room for so many more. */
static int make_room(struct https_pool *p, size_t more) {
    size_t places = p->places > 0 ? p->places : 64;

    while (places < p->nspots + more)
        places *= 2;
    if (places == p->places)
        return 0;
    struct pollfd *spot = realloc(p->spot, places * sizeof *spot);
    if (spot == NULL)
        return -1;
    p->spot = spot;
    p->places = places;
    return 0;
}

/* libcurl tells what it waits for on a socket from now on. There are few, and mostly the same. */
static int on_socket(CURL *easy, curl_socket_t s, int what, void *arg, void *unused) {
    struct https_pool *p = arg;
    size_t i = 0;
    (void)easy;
    (void)unused;

    while (i < p->nspots && p->spot[i].fd != s)
        i++;
    if (what == CURL_POLL_REMOVE) {
        if (i < p->nspots)
            p->spot[i] = p->spot[--p->nspots];
        return 0;
    }
    if (i == p->nspots && make_room(p, 1) == -1)
        return -1;
    p->nspots += i == p->nspots;
    p->spot[i] = (struct pollfd){.fd = s,
                                 .events = (short)((what & CURL_POLL_IN ? POLLIN : 0) |
                                                   (what & CURL_POLL_OUT ? POLLOUT : 0))};
    return 0;
}

int https_pool_new(struct https_pool **out, struct gf_err *e) {
    struct https_pool *p = calloc(1, sizeof *p);

    if (p == NULL)
        return gf_err_errno(e, "HTTPS client");
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(p);
        return gf_err_set(e, GF_E_SYSTEM, "libcurl does not start");
    }
    p->multi = curl_multi_init();
    if (p->multi == NULL ||
        curl_multi_setopt(p->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING) != CURLM_OK ||
        curl_multi_setopt(p->multi, CURLMOPT_MAXCONNECTS, KEPT) != CURLM_OK ||
        curl_multi_setopt(p->multi, CURLMOPT_SOCKETFUNCTION, on_socket) != CURLM_OK ||
        curl_multi_setopt(p->multi, CURLMOPT_SOCKETDATA, p) != CURLM_OK) {
        https_pool_free(p);
        return gf_err_set(e, GF_E_SYSTEM, "libcurl: out of memory");
    }
    *out = p;
    return 0;
}

/* ---- flights ---- */

static struct flight *take_idle(struct https_pool *p) {
    struct flight *f = p->idle;

    if (f != NULL) {
        p->idle = f->next;
        return f;
    }
    f = calloc(1, sizeof *f);
    if (f == NULL)
        return NULL;
    f->easy = curl_easy_init();
    if (f->easy == NULL) {
        free(f);
        return NULL;
    }
    return f;
}

/* 1 if the handle's last request differed from this one in what set_changing() sets only. */
static int is_alike(const struct flight *f, const struct https_options *o) {
    const struct https_options *had = &f->had;

    return f->warm && o->source == NULL && o->sink == NULL && o->stop == NULL && o->resume == 0 &&
           !o->connect_only && strcmp(f->url, o->url) == 0 && o->method == had->method &&
           o->ca_file == had->ca_file && o->cert_file == had->cert_file &&
           o->key_file == had->key_file && o->proxy == had->proxy && o->local == had->local &&
           o->site == had->site && o->once == had->once && o->connect_ms == had->connect_ms &&
           o->answer_max == had->answer_max && (o->pace > 0) == (had->pace > 0);
}

static int begin(struct flight *f, const struct https_options *o, struct gf_err *e) {
    if (is_alike(f, o))
        return https_attempt_again(&f->at, o, e);
    if (f->warm)
        curl_easy_reset(f->easy);
    f->warm = 0;
    if (https_attempt_begin(&f->at, o, f->easy, e) == -1)
        return -1;
    f->had = *o;
    (void)snprintf(f->url, sizeof f->url, "%s", o->url);
    f->warm = o->source == NULL && o->sink == NULL && o->stop == NULL && o->resume == 0;
    return 0;
}

static void put_idle(struct https_pool *p, struct flight *f) {
    f->next = p->idle;
    f->before = NULL;
    p->idle = f;
}

static void land(struct https_pool *p, struct flight *f) {
    (void)curl_multi_remove_handle(p->multi, f->easy);
    if (f->before != NULL)
        f->before->next = f->next;
    else
        p->flying = f->next;
    if (f->next != NULL)
        f->next->before = f->before;
    https_attempt_end(&f->at, f->warm);
    p->n--;
    put_idle(p, f);
}

int https_pool_begin(struct https_pool *p, const struct https_options *o, void *tag,
                     struct gf_err *e) {
    struct flight *f = take_idle(p);

    if (f == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "libcurl: out of memory");
    if (begin(f, o, e) == -1) {
        put_idle(p, f);
        return -1;
    }
    if (curl_easy_setopt(f->easy, CURLOPT_PRIVATE, f) != CURLE_OK ||
        curl_multi_add_handle(p->multi, f->easy) != CURLM_OK) {
        https_attempt_end(&f->at, f->warm);
        https_answer_free(&f->at.answer);
        put_idle(p, f);
        return gf_err_set(e, GF_E_SYSTEM, "libcurl: out of memory");
    }
    f->tag = tag;
    f->before = NULL;
    f->next = p->flying;
    if (p->flying != NULL)
        p->flying->before = f;
    p->flying = f;
    p->n++;
    return 0;
}

void https_pool_drop(struct https_pool *p, const void *tag) {
    struct flight *f = p->flying;

    while (f != NULL && f->tag != tag)
        f = f->next;
    if (f == NULL)
        return;
    https_answer_free(&f->at.answer);
    land(p, f);
}

size_t https_pool_count(const struct https_pool *p) {
    return p->n;
}

static void free_all(struct flight *f) {
    while (f != NULL) {
        struct flight *next = f->next;
        curl_easy_cleanup(f->easy);
        free(f);
        f = next;
    }
}

void https_pool_free(struct https_pool *p) {
    if (p == NULL)
        return;
    for (struct flight *f = p->flying; f != NULL; f = f->next) {
        (void)curl_multi_remove_handle(p->multi, f->easy);
        https_attempt_end(&f->at, 0);
        https_answer_free(&f->at.answer);
    }
    free_all(p->flying);
    free_all(p->idle);
    (void)curl_multi_cleanup(p->multi);
    curl_global_cleanup();
    free(p->spot);
    free(p);
}

/* ---- going on ---- */

/* What happened at a socket, or (CURL_SOCKET_TIMEOUT) that time has passed, which new requests wait
 * for, too. */
static int tell(struct https_pool *p, curl_socket_t s, int events, int *running, struct gf_err *e) {
    CURLMcode rc = curl_multi_socket_action(p->multi, s, events, running);

    return rc == CURLM_OK ? 0 : gf_err_set(e, GF_E_SYSTEM, "libcurl: %s", curl_multi_strerror(rc));
}

/* Milliseconds until libcurl wants to be told of the time; at most ms. */
static int next_time(struct https_pool *p, int ms) {
    long due = -1;

    (void)curl_multi_timeout(p->multi, &due);
    return due >= 0 && due < ms ? (int)due : ms;
}

/* Go on where something has happened. libcurl may change the spots underway: a new one comes behind
 * the others, and the last one takes the place of one that goes; from the end on none is missed. */
static int tell_all(struct https_pool *p, int *running, struct gf_err *e) {
    for (size_t i = p->nspots; i-- > 0;) {
        short is = i < p->nspots ? p->spot[i].revents : 0;
        if (is == 0)
            continue;
        p->spot[i].revents = 0;
        int events = (is & (POLLIN | POLLHUP) ? CURL_CSELECT_IN : 0) |
                     (is & POLLOUT ? CURL_CSELECT_OUT : 0) |
                     (is & (POLLERR | POLLNVAL) ? CURL_CSELECT_ERR : 0);
        if (tell(p, p->spot[i].fd, events, running, e) == -1)
            return -1;
    }
    return 0;
}

int https_pool_go(struct https_pool *p, const int *fds, size_t n, int ms, struct gf_err *e) {
    int running = (int)p->n;

    if (next_time(p, 1) == 0 && tell(p, CURL_SOCKET_TIMEOUT, 0, &running, e) == -1)
        return -1;
    if (make_room(p, n) == -1)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for connections");
    for (size_t i = 0; i < n; i++)
        p->spot[p->nspots + i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    /* Where one is over already nobody waits. */
    ms = running < (int)p->n ? 0 : next_time(p, ms);
    int found = poll(p->spot, p->nspots + n, ms);
    if (found == -1 && errno != EINTR)
        return gf_err_errno(e, "cannot wait for connections");
    return found > 0 ? tell_all(p, &running, e) : 0;
}

int https_pool_next(struct https_pool *p, void **tag, struct https_answer *out, struct gf_err *e) {
    void *private = NULL;
    CURLMsg *m;
    int left;

    *tag = NULL;
    while ((m = curl_multi_info_read(p->multi, &left)) != NULL && m->msg != CURLMSG_DONE)
        continue;
    if (m == NULL)
        return 0;
    CURLcode said = m->data.result; /* the message goes with its handle */
    (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &private);
    struct flight *f = private;
    *tag = f->tag;
    int rc = https_verdict(&f->at, said, e);
    if (rc == 0)
        *out = f->at.answer;
    else
        https_answer_free(&f->at.answer);
    land(p, f);
    return rc == 0 ? 1 : -1;
}
