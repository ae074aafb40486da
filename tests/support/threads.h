/*
 * threads.h -- for tests of what happens where no thread can be started.
 */
#ifndef TESTS_SUPPORT_THREADS_H
#define TESTS_SUPPORT_THREADS_H

#include <pthread.h>
#include <stddef.h>

/* From now on pthread_create() without attributes fails with EAGAIN, since no address space has
 * room for a stack of that size; or, 0, does what it did. *size is its memory. */
static inline int threads_forbid(int forbid, size_t *size) {
    pthread_attr_t attr;

    if (pthread_getattr_default_np(&attr) != 0)
        return -1;
    if (forbid)
        (void)pthread_attr_getstacksize(&attr, size);
    int rc = pthread_attr_setstacksize(&attr, forbid ? (size_t)1 << 50 : *size);
    if (rc == 0)
        rc = pthread_setattr_default_np(&attr);
    (void)pthread_attr_destroy(&attr);
    return rc == 0 ? 0 : -1;
}

#endif
