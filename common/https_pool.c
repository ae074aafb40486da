/*
 * https_pool.c -- many requests at once by libcurl's multi interface.
 */
#include "common/https_pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/https_attempt.h"

#define KEPT    256L /* connections that are kept, of all places */
#define FDS_MAX 1536 /* descriptors of others that are waited for */

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
    size_t n; /* flying */
};

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
        curl_multi_setopt(p->multi, CURLMOPT_MAXCONNECTS, KEPT) != CURLM_OK) {
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
           o->key_file == had->key_file && o->proxy == had->proxy && o->once == had->once &&
           o->connect_ms == had->connect_ms && o->answer_max == had->answer_max;
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

void https_pool_free(struct https_pool *p) {
    struct flight *f;

    if (p == NULL)
        return;
    while ((f = p->flying) != NULL) {
        https_answer_free(&f->at.answer);
        land(p, f);
    }
    while ((f = p->idle) != NULL) {
        p->idle = f->next;
        curl_easy_cleanup(f->easy);
        free(f);
    }
    (void)curl_multi_cleanup(p->multi);
    curl_global_cleanup();
    free(p);
}

/* ---- going on ---- */

static CURLMsg *next_message(CURLM *multi) {
    CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(multi, &left)) != NULL && m->msg != CURLMSG_DONE)
        continue;
    return m;
}

int https_pool_next(struct https_pool *p, void **tag, struct https_answer *out, struct gf_err *e) {
    void *private = NULL;
    int running;

    *tag = NULL;
    CURLMsg *m = next_message(p->multi);
    if (m == NULL) {
        CURLMcode rc = curl_multi_perform(p->multi, &running);
        if (rc != CURLM_OK)
            return gf_err_set(e, GF_E_SYSTEM, "libcurl: %s", curl_multi_strerror(rc));
        m = next_message(p->multi);
    }
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

int https_pool_wait(struct https_pool *p, const int *fds, size_t n, int ms, struct gf_err *e) {
    struct curl_waitfd others[FDS_MAX];

    if (n > FDS_MAX)
        return gf_err_set(e, GF_E_LIMIT, "more than %d descriptors to wait for", FDS_MAX);
    for (size_t i = 0; i < n; i++)
        others[i] = (struct curl_waitfd){.fd = fds[i], .events = CURL_WAIT_POLLIN};
    CURLMcode rc = curl_multi_poll(p->multi, others, (unsigned)n, ms, NULL);
    if (rc != CURLM_OK)
        return gf_err_set(e, GF_E_SYSTEM, "libcurl: %s", curl_multi_strerror(rc));
    return 0;
}
