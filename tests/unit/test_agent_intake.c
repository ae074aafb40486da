/*
 * test_agent_intake.c -- spool files into the queue: each entry once, and only what may come in.
 */
#include "configured_testing.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "agent/store/store_local.h"
#include "common/spool.h"
#include "gapferry/digest.h"

static char intake[600];

static int setup(void **state) {
    (void)agent_setup(state);
    (void)snprintf(intake, sizeof intake, "%s/intake", s.a.state);
    assert_int_equal(mkdir(intake, 0700), 0);
    return 0;
}

/* A record's line, as another program writes it. */
static struct gf_record record(const char *channel, const char *body) {
    struct gf_record r = {.channel = channel,
                          .origin = kit_site.card.agent,
                          .created = SITE_NOW - 60,
                          .type = "application/json",
                          .body = {GF_BODY_TEXT, body, strlen(body)}};
    uint8_t random[10];

    gf_digest_random(random, sizeof random);
    gf_text_uuid7(SITE_NOW * 1000, random, &r.id);
    return r;
}

static void put_record(struct spool *w, const struct gf_record *r) {
    struct gf_buf line;

    gf_buf_init(&line, GF_LINE_MAX);
    assert_int_equal(gf_record_write(r, &line, &e), 0);
    assert_int_equal(spool_put(w, line.data, line.len, &e), 0);
    gf_buf_free(&line);
}

static struct spool *writer(void) {
    struct spool *w;

    assert_int_equal(spool_open(intake, SPOOL_FILE_MAX, &w, &e), 0);
    return w;
}

/* Spool one record in a file of its own. */
static struct gf_id bring(const char *channel, const char *body) {
    struct spool *w = writer();
    struct gf_record r = record(channel, body);

    put_record(w, &r);
    assert_int_equal(spool_sync(w, &e), 0);
    spool_close(w);
    return r.id;
}

static struct intake_result take(void) {
    struct intake_result r;

    if (agent_intake(&s.a, &r, &e) == -1)
        fail_msg("%s", e.text);
    return r;
}

static size_t files(void) {
    char(*names)[SPOOL_NAME];
    size_t n;

    int dir = open(intake, O_RDONLY | O_DIRECTORY);
    assert_int_equal(spool_list(dir, &names, &n, &e), 0);
    free(names);
    (void)close(dir);
    return n;
}

static int count_one(void *arg, const struct store_record *r, struct gf_err *err) {
    (void)r, (void)err;
    ++*(size_t *)arg;
    return 0;
}

static size_t queued(void) {
    size_t n = 0;

    assert_int_equal(store_walk(s.a.store, -1, NULL, count_one, &n, &e), 0);
    return n;
}

/* What was refused, and how often, for a channel. */
static void check_refused(const char *channel, const char *reason, int64_t records) {
    struct store_refused *all;
    int64_t found = 0;
    size_t n;

    assert_int_equal(store_all_refused(s.a.store, &all, &n, &e), 0);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(all[i].channel, channel) == 0 && strstr(all[i].reason, reason))
            found += all[i].records;
    }
    free(all);
    assert_int_equal(found, records);
}

static int keep_line(void *arg, const struct store_record *r, struct gf_err *err) {
    (void)err;
    gf_buf_add(arg, r->line, r->line_len);
    return 0;
}

static void copy_line(struct gf_buf *out, const struct gf_id *id) {
    gf_buf_init(out, GF_LINE_MAX);
    assert_int_equal(store_find(s.a.store, id, keep_line, out, &e), 1);
}

static void records_come_into_the_queue_and_the_file_goes(void **state) {
    struct spool *w = writer();
    struct gf_record one = record("metrics", "{\"n\": 1}"), two = record("metrics", "{\"n\": 2}");
    struct gf_buf had, want;
    (void)state;

    put_record(w, &one);
    put_record(w, &two);
    assert_int_equal(spool_sync(w, &e), 0);
    struct intake_result r = take();
    assert_int_equal(r.taken, 2);
    assert_int_equal(r.removed, 1);
    assert_int_equal(r.seen + r.refused + r.damaged + r.waiting + r.busy, 0);
    assert_int_equal(files(), 0);
    assert_int_equal(site_state(&s, &one.id), STORE_QUEUED);
    assert_int_equal(site_state(&s, &two.id), STORE_QUEUED);

    /* Byte for byte what was spooled. */
    copy_line(&had, &one.id);
    gf_buf_init(&want, GF_LINE_MAX);
    assert_int_equal(gf_record_write(&one, &want, &e), 0);
    assert_int_equal(had.len, want.len);
    assert_memory_equal(had.data, want.data, want.len);
    gf_buf_free(&had);
    gf_buf_free(&want);

    /* The writer goes on, and is read on. */
    two = record("metrics", "{\"n\": 3}");
    put_record(w, &two);
    assert_int_equal(spool_sync(w, &e), 0);
    assert_int_equal(take().taken, 1);
    assert_int_equal(take().taken, 0);
    assert_int_equal(queued(), 3);
    spool_close(w);
}

static void without_consent_nothing_is_recorded(void **state) {
    (void)state;

    site_consent(&s, "audit", STORE_DENIED);
    (void)bring("audit", "{\"secret\": 1}");
    (void)bring("never-asked", "{\"secret\": 1}");
    struct gf_id id = bring("metrics", "{\"n\": 1}");
    struct intake_result r = take();
    assert_int_equal(r.refused, 2);
    assert_int_equal(r.taken, 1);
    assert_int_equal(queued(), 1);
    assert_true(site_has(&s, &id));
    assert_int_equal(files(), 0); /* and nothing of it lies on */
    check_refused("audit", "denied", 1);
    check_refused("never-asked", "not given", 1);
    (void)bring("audit", "{\"secret\": 1}");
    (void)take();
    check_refused("audit", "denied", 2);
}

static void consent_withdrawn_after_spooling_counts(void **state) {
    (void)state;

    (void)bring("metrics", "{\"n\": 1}");
    site_consent(&s, "metrics", STORE_DENIED);
    assert_int_equal(take().taken, 0);
    assert_int_equal(queued(), 0);
    assert_int_equal(files(), 0);
}

static void license_and_updates_do_not_come_in_this_way(void **state) {
    (void)state;

    (void)bring("license", "{\"key\": \"stolen\"}");
    (void)bring("updates", "{}");
    assert_int_equal(take().refused, 2);
    assert_int_equal(queued(), 0);
    check_refused("license", "its own command", 1);
}

static void the_rule_is_applied_once_more(void **state) {
    struct gf_buf line;
    (void)state;

    configure("[channel \"metrics\"]\nallow = users\n");
    struct gf_id id = bring("metrics", "{\"users\": 42, \"host\": \"secret\"}");
    (void)bring("metrics", "no JSON at all");
    (void)bring("metrics", "{\"host\": \"secret\"}");
    struct intake_result r = take();
    assert_int_equal(r.taken, 1);
    assert_int_equal(r.refused, 2);
    copy_line(&line, &id);
    assert_non_null(strstr(line.data, "{\\\"users\\\": 42}"));
    assert_null(strstr(line.data, "secret"));
    gf_buf_free(&line);
    check_refused("metrics", "no JSON object", 1);
    check_refused("metrics", "leaves nothing", 1);
}

static void the_deny_list_is_applied_once_more(void **state) {
    static const char around[] = "{\"resourceMetrics\":[{\"resource\":{\"attributes\":[%s]},"
                                 "\"scopeMetrics\":[{\"metrics\":[{\"gauge\":{\"dataPoints\":[{}]"
                                 "}}]}]}]}";
    char body[256];
    struct gf_record r;
    struct gf_buf line;
    (void)state;

    (void)snprintf(body, sizeof body, around, "{\"key\":\"host.name\"}");
    struct gf_id id = bring("metrics", body);
    (void)bring("metrics", "{\"resourceMetrics\":5}");
    struct intake_result sum = take();
    assert_int_equal(10 * sum.taken + sum.refused, 11);
    copy_line(&line, &id);
    assert_int_equal(gf_record_parse(line.data, line.len, &r, &e), 0);
    (void)snprintf(body, sizeof body, around, "");
    assert_string_equal(r.body.data, body);
    assert_string_equal(r.ext, "{\"metrics\":{\"points\":1,\"delta\":false}}");
    gf_record_free(&r);
    gf_buf_free(&line);
    check_refused("metrics", "holds no metrics", 1);
}

static void a_full_channel_keeps_its_file_until_there_is_room(void **state) {
    struct spool *w = writer();
    (void)state;

    configure("[channel \"metrics\"]\nmax_records = 2\n");
    site_consent(&s, "audit", STORE_GRANTED);
    for (int i = 0; i < 3; i++) {
        struct gf_record r = record("metrics", "{\"n\": 1}");
        put_record(w, &r);
    }
    assert_int_equal(spool_sync(w, &e), 0);
    spool_close(w);
    struct gf_id audit = bring("audit", "{}");
    struct intake_result r = take();
    assert_int_equal(r.taken, 3); /* two, and the other channel's */
    assert_int_equal(r.waiting, 1);
    assert_int_equal(r.refused, 0);
    assert_true(site_has(&s, &audit));
    assert_int_equal(files(), 1);
    assert_int_equal(take().taken, 0);
    configure("[channel \"metrics\"]\nmax_records = 3\n");
    r = take();
    assert_int_equal(r.taken, 1);
    assert_int_equal(r.waiting, 0);
    assert_int_equal(files(), 0);
    assert_int_equal(queued(), 4);
}

static void another_agents_records_are_refused(void **state) {
    struct spool *w = writer();
    struct gf_record r = record("metrics", "{}");
    (void)state;

    r.origin = kit_other.card.agent;
    put_record(w, &r);
    assert_int_equal(spool_sync(w, &e), 0);
    spool_close(w);
    assert_int_equal(take().refused, 1);
    check_refused("metrics", "another agent", 1);
}

static void a_record_that_is_there_already_is_not_doubled(void **state) {
    struct spool *w = writer();
    struct gf_record r = record("metrics", "{}");
    (void)state;

    put_record(w, &r);
    put_record(w, &r);
    assert_int_equal(spool_sync(w, &e), 0);
    spool_close(w);
    struct intake_result got = take();
    assert_int_equal(got.taken, 1);
    assert_int_equal(got.seen, 1);
    assert_int_equal(queued(), 1);
}

#define MADE "01890a5d-ac96-774b-bcce-b302099a8057.spool"

static void make(const struct gf_buf *b) {
    char path[700];

    (void)snprintf(path, sizeof path, "%s/" MADE, intake);
    assert_int_equal(gf_file_save_new(AT_FDCWD, path, b->data, b->len, 0600, &e), 0);
}

static void add_entry(struct gf_buf *b, const struct gf_record *r) {
    struct gf_buf line;

    gf_buf_init(&line, GF_LINE_MAX);
    assert_int_equal(gf_record_write(r, &line, &e), 0);
    spool_entry(b, line.data, line.len);
    gf_buf_free(&line);
}

static void damage_is_quarantined_with_its_reason_and_the_rest_is_taken(void **state) {
    struct gf_record one = record("metrics", "{\"n\": 1}"), two = record("metrics", "{\"n\": 2}");
    char path[700];
    struct gf_buf b, kept;
    (void)state;

    gf_buf_init(&b, 8192);
    add_entry(&b, &one);
    size_t first = b.len;
    b.data[40] ^= 1;
    spool_entry(&b, "{\"no\": \"record\"}\n", 17);
    add_entry(&b, &two);
    gf_buf_text(&b, "00000010 torn");
    make(&b);
    struct intake_result r = take();
    assert_int_equal(r.taken, 1);
    assert_int_equal(r.damaged, 1);
    assert_int_equal(r.refused, 1);
    assert_true(site_has(&s, &two.id));
    assert_int_equal(files(), 0);
    check_refused("", "no record", 1);

    (void)snprintf(path, sizeof path, "%s/quarantine/" MADE, s.a.state);
    assert_int_equal(gf_file_load(AT_FDCWD, path, 8192, &kept, &e), 0);
    assert_int_equal(kept.len, first + 17);
    assert_memory_equal(kept.data, b.data, first);
    gf_buf_free(&kept);
    (void)snprintf(path, sizeof path, "%s/quarantine/" MADE ".why", s.a.state);
    assert_int_equal(gf_file_load(AT_FDCWD, path, 8192, &kept, &e), 0);
    gf_buf_text(&kept, "");
    assert_non_null(strstr(kept.data, "intake/" MADE ", byte 0, "));
    assert_non_null(strstr(kept.data, "record"));
    gf_buf_free(&kept);
    gf_buf_free(&b);
}

static void what_is_no_spool_file_holds_nobody_up(void **state) {
    char path[700];
    (void)state;

    (void)snprintf(path, sizeof path, "%s/" MADE, intake);
    assert_int_equal(mkfifo(path, 0600), 0);
    (void)bring("metrics", "{}");
    struct intake_result r = take();
    assert_int_equal(r.taken, 1);
    assert_int_equal(r.busy, 1);
    assert_int_equal(files(), 1);
}

static void the_cursor_of_a_file_that_is_gone_is_forgotten(void **state) {
    int64_t at;
    (void)state;

    assert_int_equal(store_set_cursor(s.a.store, MADE, 77, &e), 0);
    (void)take();
    assert_int_equal(store_cursor(s.a.store, MADE, &at, &e), 0);
    assert_int_equal(at, 0);
}

static void more_than_one_transaction_takes_is_taken(void **state) {
    struct spool *w = writer();
    (void)state;

    for (int i = 0; i < 2500; i++) {
        struct gf_record r = record(i % 5 ? "metrics" : "nobody-asked", "{\"n\": 1}");
        put_record(w, &r);
    }
    assert_int_equal(spool_sync(w, &e), 0);
    spool_close(w);
    struct intake_result r = take();
    assert_int_equal(r.taken, 2000);
    assert_int_equal(r.refused, 500);
    assert_int_equal(r.removed, 1);
    check_refused("nobody-asked", "not given", 500);
}

/* ---- kill -9 ---- */

static void write_on(int tell) {
    struct spool *w;

    if (spool_open(intake, 2000, &w, &e) == -1)
        _exit(1);
    for (;;) {
        struct gf_record group[3];
        for (int i = 0; i < 3; i++) {
            struct gf_buf line;
            group[i] = record("metrics", "{\"n\": 1}");
            gf_buf_init(&line, GF_LINE_MAX);
            if (gf_record_write(&group[i], &line, &e) == -1 ||
                spool_put(w, line.data, line.len, &e) == -1)
                _exit(1);
            gf_buf_free(&line);
        }
        if (spool_sync(w, &e) == -1)
            _exit(1);
        for (int i = 0; i < 3; i++)
            if (write(tell, group[i].id.b, 16) != 16)
                _exit(1);
    }
}

static void take_on(void) {
    struct intake_result r;

    site_reopen(&s);
    for (;;) {
        /* An entry that comes twice would be seen before: its id is in the queue. */
        if (agent_intake(&s.a, &r, &e) == -1 || r.seen > 0 || r.refused > 0 || r.damaged > 0)
            _exit(1);
    }
}

static void end(pid_t child) {
    int status;

    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status)); /* else it failed by itself */
}

static void killed_at_any_moment_each_entry_counts_once(void **state) {
    size_t told = 0;
    struct gf_id *ids = NULL, id;
    (void)state;

    srand(7);
    for (int round = 0; round < 60; round++) {
        int tell[2];

        store_close(s.a.store); /* a connection does not survive fork() */
        s.a.store = NULL;
        assert_int_equal(pipe(tell), 0);
        pid_t writing = fork();
        if (writing == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0)
            write_on(tell[1]);
        pid_t taking = fork();
        if (taking == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0)
            take_on();
        (void)close(tell[1]);
        struct timespec t = {.tv_nsec = (5 + rand() % 60) * 1000000L};
        (void)nanosleep(&t, NULL);
        end(round % 2 ? writing : taking);
        end(round % 2 ? taking : writing);
        while (read(tell[0], id.b, sizeof id.b) == (ssize_t)sizeof id.b) {
            ids = reallocarray(ids, told + 1, sizeof *ids);
            assert_non_null(ids);
            ids[told++] = id;
        }
        (void)close(tell[0]);
        site_reopen(&s);
    }
    struct intake_result r = take();
    assert_int_equal(r.seen + r.refused + r.damaged + r.waiting, 0);
    assert_int_equal(files(), 0);
    for (size_t i = 0; i < told; i++)
        assert_true(site_has(&s, &ids[i]));
    /* What was synced and not told yet: a group for each round. */
    assert_true(queued() >= told && queued() <= told + 3 * 60);
    assert_true(told > 60);
    print_message("%zu entries\n", told);
    free(ids);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, agent_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(records_come_into_the_queue_and_the_file_goes),
        TEST(without_consent_nothing_is_recorded),
        TEST(consent_withdrawn_after_spooling_counts),
        TEST(license_and_updates_do_not_come_in_this_way),
        TEST(the_rule_is_applied_once_more),
        TEST(the_deny_list_is_applied_once_more),
        TEST(a_full_channel_keeps_its_file_until_there_is_room),
        TEST(another_agents_records_are_refused),
        TEST(a_record_that_is_there_already_is_not_doubled),
        TEST(damage_is_quarantined_with_its_reason_and_the_rest_is_taken),
        TEST(what_is_no_spool_file_holds_nobody_up),
        TEST(the_cursor_of_a_file_that_is_gone_is_forgotten),
        TEST(more_than_one_transaction_takes_is_taken),
        TEST(killed_at_any_moment_each_entry_counts_once),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
