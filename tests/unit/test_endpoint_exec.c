/*
 * test_endpoint_exec.c -- profile exec: what a program is given, what its end means, and that
 * nothing of it stays.
 */
#include "forward_testing.h"

/* Endpoint "e" for channel "c": a shell script of these lines. */
static void configure_script(struct site *s, const char *script, const char *more) {
    char path[128], text[512];

    (void)snprintf(path, sizeof path, "%s/script", s->path);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fprintf(f, "cd %s\n%s\n", s->path, script) > 0);
    assert_int_equal(fclose(f), 0);
    (void)snprintf(text, sizeof text,
                   "[endpoint \"e\"]\nchannel = c\nprofile = exec\nprogram = /bin/sh %s\n%s", path,
                   more);
    config_free(s->r.config);
    s->r.config = endpoint_config(s->path, text);
}

static void load(struct site *s, const char *name, char *out, size_t size) {
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", s->path, name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    out[fread(out, 1, size - 1, f)] = '\0';
    (void)fclose(f);
}

static int see_answer(void *arg, int64_t row, const struct gf_receipt *r, const struct gf_answer *a,
                      struct gf_err *e) {
    (void)row;
    (void)e;
    assert_int_equal(r->state, GF_STATE_DELIVERED);
    assert_non_null(a);
    assert_int_equal(a->status, 0);
    assert_int_equal(a->body.len, 12);
    assert_memory_equal(a->body.data, "the\nlicence\n", 12);
    ++*(int *)arg;
    return 0;
}

static void a_program_is_given_body_and_facts_and_its_output_is_the_answer(void **state) {
    struct site *s = *state;
    char text[4096], want[128], key[33], uuid[GF_UUID_TEXT], agent[GF_ID_TEXT];
    int seen = 0;

    arrive_many(s, "c", 1, 1);
    configure_script(s, "cat >body; env >facts; echo the; echo licence", "");
    forward(s, 10);
    assert_int_equal(s->t.delivered, 1);
    load(s, "body", text, sizeof text);
    assert_string_equal(text, "1");
    endpoint_key(&kit_site.card.agent, &s->id, key);
    gf_text_uuid(&s->id, uuid);
    gf_text_hex(kit_site.card.agent.b, sizeof kit_site.card.agent.b, agent);
    const char *const facts[][2] = {
        {"AGENT", agent}, {"RECORD", uuid}, {"CHANNEL", "c"}, {"KEY", key}};
    load(s, "facts", text, sizeof text);
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        (void)snprintf(want, sizeof want, "GAPFERRY_%s=%s\n", facts[i][0], facts[i][1]);
        if (strstr(text, want) == NULL)
            fail_msg("no %s in %s", want, text);
    }
    assert_non_null(strstr(text, "GAPFERRY_PRODUCT="));
    assert_non_null(strstr(text, "GAPFERRY_TYPE="));
    assert_null(strstr(text, "HOME="));
    assert_ok(ledger_news(s->r.ledger, &kit_site.card.agent, see_answer, &seen, &s->e), s->e);
    assert_int_equal(seen, 1);
}

static void its_status_says_what_becomes_of_the_record(void **state) {
    static const struct {
        const char *script, *reason;
        enum ledger_state state;
        int doubt;
    } cases[] = {
        {"exit 0", NULL, LEDGER_DELIVERED, 0},
        {"echo no such >&2; echo thing >&2; exit 65",
         "the program ended with status 65: no such thing", LEDGER_REJECTED, 0},
        {"exit 65", "status 65: without words", LEDGER_REJECTED, 0},
        {"echo busy >&2; exit 75", "status 75: busy", LEDGER_LATER, 0},
        {"exit 1", "status 1", LEDGER_LATER, 0},
        {"kill -9 $$", "ended by signal 9", LEDGER_LATER, 1},
        {"head -c 5000 /dev/zero | tr '\\0' x >&2; exit 65", "xxxx", LEDGER_REJECTED, 0},
    };
    struct site *s = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        arrive_many(s, "c", 1, 0);
        configure_script(s, cases[i].script, "");
        forward(s, 10);
        struct rows rows = rows_of(s);
        const struct row *row = &rows.row[rows.n - 1];
        if (row->state != cases[i].state || (row->doubt > 0) != cases[i].doubt)
            fail_msg("%s: %s", cases[i].script, ledger_states[row->state]);
        if (cases[i].reason != NULL && strstr(row->reason, cases[i].reason) == NULL)
            fail_msg("%s: %s", cases[i].script, row->reason);
        assert_true(strlen(row->reason) <= GF_REASON_MAX);
    }
}

static void a_body_that_is_a_file_is_read_whole(void **state) {
    struct site *s = *state;
    struct gf_buf b;
    uint8_t random[10];
    char text[64];

    gf_digest_random(random, sizeof random);
    gf_text_uuid7((int64_t)NOW * 1000, random, &s->id);
    gf_buf_init(&b, GF_LINE_MAX);
    testing_line(&b, &s->id, "c", GF_BODY_FILE, "files/body.bin", 0);
    arrive(s, b.data, "the whole file");
    gf_buf_free(&b);
    configure_script(s, "cat >body", "");
    forward(s, 10);
    assert_int_equal(s->t.delivered, 1);
    load(s, "body", text, sizeof text);
    assert_string_equal(text, "the whole file");
}

static void one_that_takes_too_long_is_ended_with_its_group(void **state) {
    struct site *s = *state;
    char text[64], stat[512] = "";

    arrive_many(s, "c", 1, 0);
    configure_script(s, "sleep 300 & echo $! >pid; sleep 300", "timeout = 1s\n");
    time_t before = time(NULL);
    forward(s, 60);
    assert_true(time(NULL) - before < 20);
    assert_int_equal(rows_of(s).row[0].state, LEDGER_LATER);
    assert_non_null(strstr(rows_of(s).row[0].reason, "took longer than its time"));
    assert_true(rows_of(s).row[0].doubt > 0);
    load(s, "pid", text, sizeof text);
    int gone = 0;
    for (int i = 0; i < 100 && !gone; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)strtol(text, NULL, 10));
        FILE *f = fopen(path, "r");
        gone = f == NULL;
        if (f != NULL) {
            stat[fread(stat, 1, sizeof stat - 1, f)] = '\0';
            (void)fclose(f);
            const char *name = strrchr(stat, ')');
            gone = name != NULL && name[1] == ' ' && (name[2] == 'Z' || name[2] == 'X');
        }
        (void)usleep(20000);
    }
    assert_true(gone);
}

static void it_inherits_nothing(void **state) {
    struct site *s = *state;
    char text[256];

    int fd = open("/dev/null", O_RDONLY); /* NOLINT: one that is not to be inherited by mistake */
    assert_int_not_equal(fd, -1);
    arrive_many(s, "c", 1, 0);
    /* The shell itself has its script open, from 10 on. */
    configure_script(s,
                     "for f in 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$f ] && echo $f; done >open; "
                     "[ -t 0 ] || exit 0",
                     "");
    forward(s, 10);
    (void)close(fd);
    assert_int_equal(s->t.delivered, 1);
    load(s, "open", text, sizeof text);
    assert_string_equal(text, "");
}

static void too_long_an_output_matters_only_where_it_is_wanted(void **state) {
    struct site *s = *state;

    configure_script(s, "head -c 3000000 /dev/zero", "");
    for (int answer = 0; answer <= 1; answer++) {
        arrive_many(s, "c", 1, answer);
        forward(s, 10);
        struct rows rows = rows_of(s);
        assert_int_equal(rows.row[rows.n - 1].state, answer ? LEDGER_HELD : LEDGER_DELIVERED);
        assert_int_equal(rows.row[rows.n - 1].doubt > 0, answer); /* it was delivered, too */
    }
}

static void many_run_beside_each_other(void **state) {
    struct site *s = *state;
    struct timespec a, b;

    arrive_many(s, "c", 31, 0);
    configure_script(s, "sleep 0.2", "connections = 16\n");
    (void)clock_gettime(CLOCK_MONOTONIC, &a);
    forward(s, 60);
    (void)clock_gettime(CLOCK_MONOTONIC, &b);
    assert_int_equal(s->t.delivered, 31);
    /* One behind another they would take 6.2 s. */
    assert_true(b.tv_sec - a.tv_sec < 5);
}

static void a_section_of_another_profile_or_without_program_is_refused(void **state) {
    static const char *const bad[][2] = {
        {"url = https://a.example/\nprogram = /bin/true\n", "profile exec has no such setting"},
        {"", "has no program"},
        {"program = true\n", "absolute path"},
        {"program = /nonexistent/x\n", "cannot be run"},
    };
    struct site *s = *state;
    char text[256];

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        (void)snprintf(text, sizeof text, "[endpoint \"e\"]\nchannel = c\nprofile = exec\n%s",
                       bad[i][0]);
        struct config *c = endpoint_config(s->path, text);
        assert_fails(endpoint_check(c, &s->e), s->e, GF_E_CONFIG);
        if (strstr(s->e.text, bad[i][1]) == NULL)
            fail_msg("%s", s->e.text);
        config_free(c);
    }
}

#define EXEC_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        EXEC_TEST(a_program_is_given_body_and_facts_and_its_output_is_the_answer),
        EXEC_TEST(its_status_says_what_becomes_of_the_record),
        EXEC_TEST(a_body_that_is_a_file_is_read_whole),
        EXEC_TEST(one_that_takes_too_long_is_ended_with_its_group),
        EXEC_TEST(it_inherits_nothing),
        EXEC_TEST(too_long_an_output_matters_only_where_it_is_wanted),
        EXEC_TEST(many_run_beside_each_other),
        EXEC_TEST(a_section_of_another_profile_or_without_program_is_refused),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
