/*
 * test_returns_files.c -- the relay of a grid's manager: artifacts and long answers that its own
 * agent hands over beside the returns.
 */
#include "returns_testing.h"

#include "artifacts_testing.h"

static struct spool *spool; /* one file, so that what is said keeps its order */

static int make(void **state) {
    make_manager(state,
                 "[endpoint \"u\"]\nchannel = updates\nprofile = agent\nartifact_max = 1M\n");
    struct site *s = *state;
    return spool_open(returns, SPOOL_FILE_MAX, &spool, &s->e);
}

static int unmake(void **state) {
    spool_close(spool);
    return tear_down(state);
}

static void say(const struct grid_return *r) {
    struct gf_buf b;
    struct gf_err e;

    gf_buf_init(&b, (size_t)2 * GF_LINE_MAX);
    assert_ok(grid_return_write(r, &b, &e), e);
    assert_ok(spool_put(spool, b.data, b.len, &e), e);
    assert_ok(spool_sync(spool, &e), e);
    gf_buf_free(&b);
}

static void say_update(const struct gf_id *node, int64_t serial, struct update_artifact *a,
                       size_t n) {
    struct grid_return r = {.word = GRID_UPDATE,
                            .node = *node,
                            .update = {.product = "demo",
                                       .channel = "stable",
                                       .platform = "any",
                                       .version = "1.3",
                                       .serial = serial,
                                       .issued = NOW - 1,
                                       .expires = NOW + YEAR,
                                       .nartifacts = n,
                                       .artifacts = a}};
    say(&r);
}

static void path_of(const struct update_artifact *a, char out[300]) {
    char hex[GRID_FILE];

    gf_text_hex(a->blake2b.b, sizeof a->blake2b.b, hex);
    (void)snprintf(out, 300, "%s/%s", returns, hex);
}

static void hand(const struct update_artifact *a, int64_t size) {
    char path[300];

    path_of(a, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_not_equal(fd, -1);
    put_bytes(fd, a, 0, size);
    (void)close(fd);
}

static int is_handed(const struct update_artifact *a) {
    char path[300];

    path_of(a, path);
    return access(path, F_OK) == 0;
}

static void hear(struct site *s) {
    testing_turn(s);
    relay_returns(&s->r, &s->t);
}

/* The returns are read, then what is awaited is fetched. */
static void go_round(struct site *s) {
    hear(s);
    forward(s, 10);
}

static int count(void *arg, const struct ledger_part *p, struct gf_err *e) {
    (void)e;
    *(int64_t *)arg += p->size;
    return 0;
}

/* Bytes of parts that are due for this agent, and can be read. */
static int64_t due(struct site *s, const struct gf_id *agent) {
    int64_t n = 0;

    assert_ok(ledger_parts(s->r.ledger, agent, count, &n, &s->e), s->e);
    return n;
}

static int64_t awaited(struct site *s) {
    int64_t n = 0;

    assert_ok(ledger_artifacts_awaited(s->r.ledger, &n, &s->e), s->e);
    return n;
}

static void an_artifact_is_taken_over_once_it_is_handed(void **state) {
    struct site *s = *state;
    struct update_artifact a[] = {artifact("a", 5000), artifact("b", 3)};
    const struct gf_id *node = &kit_site.card.agent;

    say_update(node, 7, a, 2);
    go_round(s);
    assert_int_equal(awaited(s), 2);
    assert_int_equal(due(s, node), 0);

    hand(&a[1], 3);
    go_round(s);
    assert_int_equal(awaited(s), 1);
    assert_int_equal(due(s, node), 3);
    assert_int_equal(is_handed(&a[1]), 0);

    hand(&a[0], 5000);
    go_round(s);
    assert_int_equal(awaited(s), 0);
    assert_int_equal(due(s, node), 5003);
    int fd = artifacts_open(&s->r, &a[0].blake2b, 5000, &s->e);
    assert_int_not_equal(fd, -1);
    (void)close(fd);

    /* Said and handed again it changes nothing, and nothing is left lying. */
    say_update(node, 7, a, 2);
    hand(&a[0], 5000);
    go_round(s);
    assert_int_equal(is_handed(&a[0]), 0);
    assert_int_equal(due(s, node), 5003);
}

static void another_file_than_the_one_named_is_not_taken(void **state) {
    struct site *s = *state;
    struct update_artifact a = artifact("a", 5000), b = artifact("b", 5000);
    char from[300], to[300];

    say_update(&kit_site.card.agent, 7, &a, 1);
    hand(&b, 5000);
    path_of(&b, from);
    path_of(&a, to);
    assert_int_equal(rename(from, to), 0);
    go_round(s);
    assert_int_equal(awaited(s), 1);
    assert_int_equal(is_handed(&a), 0);
    assert_non_null(strstr(s->t.people.data, "artifact \"a\""));

    /* A shorter one, and none at all but a link elsewhere. */
    s->r.now += 7200;
    hand(&a, 4999);
    go_round(s);
    assert_int_equal(awaited(s), 1);
    s->r.now += 7200;
    hand(&b, 5000);
    (void)unlink(to);
    assert_int_equal(symlink(from, to), 0);
    go_round(s);
    assert_int_equal(awaited(s), 1);
    assert_int_equal(unlink(to), 0);
    s->r.now += 7200;
    hand(&a, 5000);
    go_round(s);
    assert_int_equal(awaited(s), 0);
}

static void what_is_no_file_is_waited_for_by_nobody_and_holds_up_no_other(void **state) {
    struct site *s = *state;
    struct update_artifact a[] = {artifact("pipe", 5000), artifact("folder", 5000),
                                  artifact("whole", 7)};
    char path[300];

    say_update(&kit_site.card.agent, 7, a, 3);
    path_of(&a[0], path);
    assert_int_equal(mkfifo(path, 0600), 0);
    path_of(&a[1], path);
    assert_int_equal(mkdir(path, 0700), 0);
    hand(&a[2], 7);
    (void)alarm(60); /* a pipe that nobody writes to keeps no turn waiting */
    go_round(s);
    (void)alarm(0);
    assert_int_equal(awaited(s), 2);
    assert_int_equal(due(s, &kit_site.card.agent), 7);
    assert_int_equal(rmdir(path), 0);
    path_of(&a[0], path);
    assert_int_equal(unlink(path), 0);
}

static void what_is_too_large_older_or_nobody_s_is_not_awaited(void **state) {
    struct site *s = *state;
    struct update_artifact large = artifact("large", (1 << 20) + 1), a = artifact("a", 10);
    struct gf_id nobody = {{1}};

    say_update(&kit_site.card.agent, 7, &large, 1);
    say_update(&nobody, 7, &a, 1);
    say_update(&kit_site.card.agent, 6, &a, 1);
    go_round(s);
    assert_int_equal(awaited(s), 0);
}

static void what_contradicts_itself_holds_up_nothing_behind_it(void **state) {
    struct site *s = *state;
    struct update_artifact a = artifact("a", 10), b = artifact("b", 20);

    say_update(&kit_site.card.agent, 7, &a, 1);
    go_round(s);
    a.size = 11;
    say_update(&kit_site.card.agent, 8, &a, 1);
    say_update(&kit_site.card.agent, 9, &b, 1);
    hear(s);
    assert_non_null(strstr(s->t.people.data, "1 damaged"));
    assert_int_equal(awaited(s), 2);
}

/* ---- answers ---- */

/* The answer to the last record, of this length, by way of a file; its path in `path`. */
static void answer(struct site *s, size_t len, char path[300]) {
    struct grid_return r = {.word = GRID_ANSWER, .node = kit_site.card.agent};
    char *body = malloc(len), name[GRID_FILE], member[GRID_FILE + 8];
    struct gf_id derived;

    memset(body, 'x', len);
    gf_record_derive(&kit_site.card.agent, &s->id, &derived);
    grid_answer_name(&derived, body, len, name);
    (void)snprintf(path, 300, "%s/%s", returns, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_int_equal(write(fd, body, len), len);
    (void)close(fd);
    (void)snprintf(member, sizeof member, "files/%s", name);
    r.answer = (struct gf_answer){
        .record = s->id, .status = 200, .body = {GF_BODY_FILE, member, strlen(member)}};
    say(&r);
    free(body);
}

static void deliver(struct site *s) {
    struct grid_return r = {.word = GRID_RECEIPT, .node = kit_site.card.agent};

    r.receipt = (struct gf_receipt){
        .record = s->id, .state = GF_STATE_DELIVERED, .guarantee = GF_GUARANTEE_LEAST, .at = NOW};
    say(&r);
}

static int see(void *arg, int64_t row, const struct gf_receipt *r, const struct gf_answer *a,
               struct gf_err *e) {
    (void)row, (void)r, (void)e;
    *(size_t *)arg += a != NULL ? a->body.len : 0;
    return 0;
}

/* Bytes of all answers. */
static size_t told(struct site *s) {
    size_t len = 0;

    assert_ok(ledger_news(s->r.ledger, &kit_site.card.agent, see, &len, &s->e), s->e);
    return len;
}

static void a_long_answer_reaches_its_node_and_its_file_goes(void **state) {
    struct site *s = *state;
    const size_t len = (3 << 20) + 1;
    char path[300];

    arrive_many(s, "c", 1, 1);
    forward(s, 10);
    answer(s, len, path);
    deliver(s);
    go_round(s);
    assert_int_equal(told(s), len);
    assert_int_equal(access(path, F_OK), -1);
}

/* More than go at a time. */
static void each_of_many_long_answers_is_taken_and_its_file_goes(void **state) {
    enum { N = 70 };
    struct site *s = *state;
    struct gf_id ids[N];
    char path[300];

    for (int i = 0; i < N; i++) {
        arrive_many(s, "c", 1, 1);
        ids[i] = s->id;
    }
    forward(s, 10);
    for (int i = 0; i < N; i++) {
        s->id = ids[i];
        answer(s, 1000, path);
        deliver(s);
    }
    go_round(s);
    assert_int_equal(testing_records(s, LEDGER_DELIVERED), N);
    assert_int_equal(told(s), 1000 * N);
    DIR *d = opendir(returns);
    assert_non_null(d);
    for (struct dirent *x = NULL; (x = readdir(d)) != NULL;)
        assert_false(grid_file_name(x->d_name, NULL));
    (void)closedir(d);
}

static void an_answer_that_was_changed_is_told_as_damage(void **state) {
    struct site *s = *state;
    char path[300];

    arrive_many(s, "c", 1, 1);
    forward(s, 10);
    answer(s, 1000, path);
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "y", 1, 500), 1);
    (void)close(fd);
    deliver(s);
    hear(s);
    assert_non_null(strstr(s->t.people.data, "1 damaged"));
    assert_int_equal(told(s), 0);
}

static void what_nobody_asks_for_goes_after_a_while_and_other_names_stay(void **state) {
    struct site *s = *state;
    struct update_artifact a = artifact("a", 10);
    char other[300];

    hand(&a, 10);
    (void)snprintf(other, sizeof other, "%s/README", returns);
    (void)close(open(other, O_WRONLY | O_CREAT, 0600));
    s->r.now = time(NULL) + 59LL * 86400;
    go_round(s);
    assert_int_equal(is_handed(&a), 1);
    s->r.now = time(NULL) + 61LL * 86400;
    go_round(s);
    assert_int_equal(is_handed(&a), 0);
    assert_int_equal(access(other, F_OK), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_artifact_is_taken_over_once_it_is_handed, make, unmake),
        cmocka_unit_test_setup_teardown(another_file_than_the_one_named_is_not_taken, make, unmake),
        cmocka_unit_test_setup_teardown(
            what_is_no_file_is_waited_for_by_nobody_and_holds_up_no_other, make, unmake),
        cmocka_unit_test_setup_teardown(what_is_too_large_older_or_nobody_s_is_not_awaited, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(what_contradicts_itself_holds_up_nothing_behind_it, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(a_long_answer_reaches_its_node_and_its_file_goes, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(each_of_many_long_answers_is_taken_and_its_file_goes, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(an_answer_that_was_changed_is_told_as_damage, make, unmake),
        cmocka_unit_test_setup_teardown(
            what_nobody_asks_for_goes_after_a_while_and_other_names_stay, make, unmake),
    };

    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
