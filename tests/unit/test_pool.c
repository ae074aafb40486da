/* test_pool.c -- jobs are run once each, by whoever has time. */
#include "base/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define JOBS 200

struct sum {
    struct gf_job job;
    int runs;
    uint64_t value;
};

static void add(struct gf_job *job) {
    struct sum *s = (struct sum *)job;
    s->runs++;
    for (uint64_t i = 0; i < 1000; i++)
        s->value += i;
}

static void run_all(int threads) {
    static struct sum jobs[JOBS];
    struct gf_pool *p = NULL;
    struct gf_err e;

    assert_int_equal(gf_pool_new(threads, &p, &e), 0);
    for (int round = 1; round <= 3; round++) {
        for (int i = 0; i < JOBS; i++) {
            if (round == 1)
                jobs[i] = (struct sum){.job = {.run = add}};
            gf_pool_submit(p, &jobs[i].job);
        }
        /* Waiting out of order is allowed. */
        for (int i = JOBS - 1; i >= 0; i--) {
            gf_pool_wait(p, &jobs[i].job);
            assert_int_equal(jobs[i].runs, round);
            assert_int_equal(jobs[i].value, 499500 * (uint64_t)round);
        }
    }
    gf_pool_free(p);
}

static void every_job_runs_exactly_once(void **state) {
    (void)state;
    run_all(4);
    run_all(2);
}

static void one_thread_is_the_owner_alone(void **state) {
    (void)state;
    run_all(1);
}

static void waiting_for_an_idle_job_returns_at_once(void **state) {
    struct sum s = {.job = {.run = add}};
    struct gf_pool *p = NULL;
    struct gf_err e;

    (void)state;
    assert_int_equal(gf_pool_new(2, &p, &e), 0);
    gf_pool_wait(p, &s.job);
    assert_int_equal(s.runs, 0);
    gf_pool_free(p);
    gf_pool_free(NULL);
}

static void more_threads_than_useful_are_cut_to_four(void **state) {
    struct gf_pool *p = NULL;
    struct gf_err e;

    (void)state;
    assert_int_equal(gf_pool_new(1000, &p, &e), 0);
    assert_int_equal(gf_pool_threads(p), 4);
    gf_pool_free(p);
    assert_int_equal(gf_pool_new(0, &p, &e), 0);
    assert_in_range(gf_pool_threads(p), 1, 4);
    gf_pool_free(p);
}

static void queued_jobs_may_be_dropped(void **state) {
    static struct sum jobs[JOBS];
    struct gf_pool *p = NULL;
    struct gf_err e;

    (void)state;
    assert_int_equal(gf_pool_new(2, &p, &e), 0);
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (struct sum){.job = {.run = add}};
        gf_pool_submit(p, &jobs[i].job);
    }
    gf_pool_free(p);
    for (int i = 0; i < JOBS; i++)
        assert_in_range(jobs[i].runs, 0, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_runs_exactly_once),
        cmocka_unit_test(one_thread_is_the_owner_alone),
        cmocka_unit_test(waiting_for_an_idle_job_returns_at_once),
        cmocka_unit_test(more_threads_than_useful_are_cut_to_four),
        cmocka_unit_test(queued_jobs_may_be_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
