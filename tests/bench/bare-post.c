/*
 * bare-post.c -- what libcurl itself can do: POSTs of 500 bytes over 16 kept HTTP/1.1 connections.
 *
 *   bare-post URL REQUESTS     prints requests, seconds, and seconds of processor time
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { AT_ONCE = 16 };

static size_t drop(char *data, size_t size, size_t n, void *arg) {
    (void)data;
    (void)arg;
    return size * n;
}

static double seconds(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    static char body[500];
    struct curl_slist *headers = NULL;
    struct rusage used;
    long begun = 0, over = 0;

    long n = argc == 3 ? atol(argv[2]) : 0;
    if (n <= 0)
        return 64;
    memset(body, 'a', sizeof body);
    CURLM *multi = curl_multi_init();
    headers = curl_slist_append(headers, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Idempotency-Key: 0123456789abcdef0123456789abcdef");
    headers = curl_slist_append(headers, "Gapferry-Agent: 0123456789abcdef0123456789abcdef");
    headers = curl_slist_append(headers, "Gapferry-Record: 01234567-89ab-7cde-8123-456789abcdef");
    headers = curl_slist_append(headers, "Expect:");
    double from = seconds();
    for (; begun < AT_ONCE && begun < n; begun++) {
        CURL *easy = curl_easy_init();
        (void)curl_easy_setopt(easy, CURLOPT_URL, argv[1]);
        (void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
        (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
        (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)sizeof body);
        (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
        (void)curl_multi_add_handle(multi, easy);
    }
    while (over < n) {
        int running, left;
        CURLMsg *m;
        (void)curl_multi_perform(multi, &running);
        while ((m = curl_multi_info_read(multi, &left)) != NULL) {
            CURL *easy = m->easy_handle;
            long status = 0;
            (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
            if (m->msg != CURLMSG_DONE || m->data.result != CURLE_OK || status != 200) {
                (void)fprintf(stderr, "bare-post: %s\n", curl_easy_strerror(m->data.result));
                return 74;
            }
            over++;
            (void)curl_multi_remove_handle(multi, easy);
            if (begun++ < n)
                (void)curl_multi_add_handle(multi, easy);
        }
        if (over < n)
            (void)curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
    double took = seconds() - from;
    (void)getrusage(RUSAGE_SELF, &used);
    double cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                 (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    (void)printf("%ld %.3f %.3f\n", over, took, cpu);
    return 0;
}
