/* pool.c -- a few threads that run jobs while their owner goes on. */
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

/* More workers than this would need more buffers than the memory promise allows. */
#define THREADS_MAX 4

enum job_state { JOB_IDLE, JOB_QUEUED, JOB_RUNNING, JOB_DONE };

struct gf_pool {
    int threads; /* the owner included */
    int started; /* threads that run beside the owner */
    int ending;
    pthread_mutex_t lock;
    pthread_cond_t work;     /* a job was queued, or the end has come */
    pthread_cond_t finished; /* a job is done */
    struct gf_job *first;
    struct gf_job *last;
    pthread_t ids[THREADS_MAX];
};

/* Cores this process may use. */
static int cores(void) {
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n > THREADS_MAX ? THREADS_MAX : n;
}

int gf_pool_new(int threads, struct gf_pool **out, struct gf_err *e) {
    struct gf_pool *p = calloc(1, sizeof *p);
    if (p == NULL)
        return gf_err_errno(e, "no memory for worker threads");
    p->threads = threads <= 0 ? cores() : threads > THREADS_MAX ? THREADS_MAX : threads;
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->work, NULL);
    (void)pthread_cond_init(&p->finished, NULL);
    *out = p;
    return 0;
}

int gf_pool_threads(const struct gf_pool *p) {
    return p->threads;
}

/* Take the oldest queued job; NULL if there is none. The lock is held. */
static struct gf_job *take(struct gf_pool *p) {
    struct gf_job *job = p->first;
    if (job != NULL) {
        p->first = job->next;
        if (p->first == NULL)
            p->last = NULL;
        job->state = JOB_RUNNING;
    }
    return job;
}

/* Run a job with the lock released, and tell whoever waits. */
static void run(struct gf_pool *p, struct gf_job *job) {
    (void)pthread_mutex_unlock(&p->lock);
    job->run(job);
    (void)pthread_mutex_lock(&p->lock);
    job->state = JOB_DONE;
    (void)pthread_cond_broadcast(&p->finished);
}

static void *worker(void *arg) {
    struct gf_pool *p = arg;

    (void)pthread_mutex_lock(&p->lock);
    while (!p->ending) {
        struct gf_job *job = take(p);
        if (job != NULL)
            run(p, job);
        else
            (void)pthread_cond_wait(&p->work, &p->lock);
    }
    (void)pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* Start one more thread if there is work for it. Failing is no harm: the owner does the work. The
 * new thread takes no signals; they are the program's. */
static void start(struct gf_pool *p) {
    sigset_t all;
    sigset_t before;

    if (p->started >= p->threads - 1)
        return;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&p->ids[p->started], NULL, worker, p) == 0)
        p->started++;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void gf_pool_submit(struct gf_pool *p, struct gf_job *job) {
    (void)pthread_mutex_lock(&p->lock);
    job->next = NULL;
    job->state = JOB_QUEUED;
    if (p->last != NULL)
        p->last->next = job;
    else
        p->first = job;
    p->last = job;
    start(p);
    (void)pthread_cond_signal(&p->work);
    (void)pthread_mutex_unlock(&p->lock);
}

void gf_pool_wait(struct gf_pool *p, struct gf_job *job) {
    (void)pthread_mutex_lock(&p->lock);
    while (job->state == JOB_QUEUED || job->state == JOB_RUNNING) {
        struct gf_job *other = take(p);
        if (other != NULL)
            run(p, other);
        else
            (void)pthread_cond_wait(&p->finished, &p->lock);
    }
    job->state = JOB_IDLE;
    (void)pthread_mutex_unlock(&p->lock);
}

void gf_pool_free(struct gf_pool *p) {
    if (p == NULL)
        return;
    (void)pthread_mutex_lock(&p->lock);
    p->ending = 1;
    p->first = NULL;
    p->last = NULL;
    (void)pthread_cond_broadcast(&p->work);
    (void)pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->started; i++)
        (void)pthread_join(p->ids[i], NULL);
    (void)pthread_cond_destroy(&p->finished);
    (void)pthread_cond_destroy(&p->work);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
}
