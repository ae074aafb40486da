/*
 * files.c -- the vendor's repository: files with validators and ranges, and faults within them.
 */
#include <fcntl.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "vendor.h"

/* A file on its way. */
struct file {
    int fd;
    int64_t size; /* bytes */
    int64_t from; /* of these, so many are there already */
    char etag[64];
    char modified[64];
    enum fault fault;
    int number;
};

static void name_it(struct file *f, const struct stat *st) {
    struct tm tm;

    (void)snprintf(f->etag, sizeof f->etag, "\"%llx-%llx-%llx\"", (unsigned long long)st->st_ino,
                   (unsigned long long)st->st_mtim.tv_sec * 1000000000ULL +
                       (unsigned long long)st->st_mtim.tv_nsec,
                   (unsigned long long)st->st_size);
    (void)gmtime_r(&st->st_mtim.tv_sec, &tm);
    (void)strftime(f->modified, sizeof f->modified, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

static int is_header(struct MHD_Connection *c, const char *name, const char *value) {
    const char *is = MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
    return is != NULL && strcmp(is, value) == 0;
}

/* The status, once ranges and conditions are looked at. */
static int status_of(struct file *f, struct MHD_Connection *c) {
    const char *range = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Range");
    const char *if_range = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "If-Range");
    char *end = NULL;

    if (is_header(c, "If-None-Match", f->etag) || is_header(c, "If-Modified-Since", f->modified))
        return 304;
    if (range == NULL || strncmp(range, "bytes=", 6) != 0 || f->fault == FAULT_NO_RANGE ||
        (if_range != NULL && strcmp(if_range, f->etag) != 0))
        return 200;
    f->from = strtoll(range + 6, &end, 10);
    if (f->from >= 0 && f->from < f->size && strcmp(end, "-") == 0)
        return 206;
    f->from = 0;
    return 416;
}

/* The bytes behind `at`: of the file, then what the fault adds. */
static ssize_t give(void *arg, uint64_t at, char *out, size_t max) {
    const struct file *f = arg;
    int64_t left = f->size - f->from - (int64_t)at;

    if (f->fault == FAULT_HALF && (int64_t)at >= (f->size - f->from) / 2)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (f->fault == FAULT_HALF && (int64_t)max > (f->size - f->from) / 2 - (int64_t)at)
        max = (size_t)((f->size - f->from) / 2 - (int64_t)at);
    if (left > 0)
        return pread(f->fd, out, (int64_t)max < left ? max : (size_t)left, f->from + (int64_t)at);
    if (f->fault != FAULT_ENDLESS && f->fault != FAULT_LONGER)
        return MHD_CONTENT_READER_END_OF_STREAM;
    memset(out, 0, max);
    return (ssize_t)max;
}

static void done(void *arg) {
    struct file *f = arg;

    (void)close(f->fd);
    free(f);
}

static void note(struct vendor *v, const char *path, int status, int64_t from) {
    int fd = openat(v->dir, "files.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    if (fd == -1)
        return;
    (void)dprintf(fd, "%s %d %lld\n", path, status, (long long)from);
    (void)close(fd);
}

static int queue(struct MHD_Connection *c, int status, struct MHD_Response *r,
                 const struct file *f) {
    char range[96];

    if (r == NULL)
        return 0;
    if (f != NULL) {
        (void)MHD_add_response_header(r, "ETag", f->etag);
        (void)MHD_add_response_header(r, "Last-Modified", f->modified);
        (void)MHD_add_response_header(r, "Accept-Ranges", "bytes");
    }
    if (f != NULL && status == 206) {
        (void)snprintf(range, sizeof range, "bytes %lld-%lld/%lld", (long long)f->from,
                       (long long)f->size - 1, (long long)f->size);
        (void)MHD_add_response_header(r, "Content-Range", range);
    }
    enum MHD_Result rc = MHD_queue_response(c, (unsigned)status, r);
    MHD_destroy_response(r);
    return rc == MHD_YES;
}

static struct MHD_Response *empty(void) {
    return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
}

int files_answer(struct vendor *v, struct MHD_Connection *connection, const char *path,
                 enum fault fault, int number) {
    struct stat st;
    int fd = strstr(path, "/../") != NULL
                 ? -1
                 : openat(v->files, path + strlen("/files/"), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    struct file *f = calloc(1, sizeof *f);
    if (fd == -1 || f == NULL || fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
        if (fd != -1)
            (void)close(fd);
        free(f);
        note(v, path, 404, 0);
        return queue(connection, 404, empty(), NULL);
    }
    *f = (struct file){.fd = fd, .size = st.st_size, .fault = fault, .number = number};
    name_it(f, &st);
    int status = status_of(f, connection);
    note(v, path, status, f->from);
    if (status == 304 || status == 416) {
        int rc = queue(connection, status, empty(), f);
        done(f);
        return rc;
    }
    uint64_t length = (uint64_t)(f->size - f->from);
    if (fault == FAULT_LONGER)
        length += (uint64_t)number;
    else if (fault == FAULT_ENDLESS)
        length = MHD_SIZE_UNKNOWN;
    struct MHD_Response *r = MHD_create_response_from_callback(length, 65536, give, f, done);
    if (r == NULL) {
        done(f);
        return 0;
    }
    return queue(connection, status, r, f);
}
