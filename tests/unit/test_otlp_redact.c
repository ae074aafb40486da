/*
 * test_otlp_redact.c -- common/otlp_redact.c, common/otlp_deny.c.
 */
#include "otlp_testing.h"

#include "common/otlp_redact.h"

static struct gf_buf b, out, want;
static struct gf_err e;
static struct otlp_redacted gone;
static struct otlp_deny *deny;

static int setup(void **state) {
    (void)state;
    static const char *const entries[] = {"secret", "host.*", "z"};
    gf_buf_init(&b, 1 << 20);
    gf_buf_init(&out, 1 << 20);
    gf_buf_init(&want, 1 << 20);
    memset(&gone, 0, sizeof gone);
    return otlp_deny_new(entries, 3, &deny, &e);
}

static int teardown(void **state) {
    (void)state;
    gf_buf_free(&b);
    gf_buf_free(&out);
    gf_buf_free(&want);
    otlp_deny_free(deny);
    deny = NULL;
    return 0;
}

static int redact(void) {
    gf_buf_clear(&out);
    return otlp_redact(b.data, b.len, deny, &out, &gone, NULL, &e);
}

static void becomes_wanted(void) {
    assert_int_equal(redact(), 1);
    assert_int_equal(out.len, want.len);
    assert_memory_equal(out.data, want.data, want.len);
}

/* The same request with and without an attribute at every place where one may stand. */
static void everywhere(struct gf_buf *to, int secrets) {
    const char *key = secrets ? "secret" : NULL;
    size_t rm = otlp_put_open(to, 1), at = otlp_put_open(to, OTLP_CONTEXT);
    make_attribute(to, 1, "kept", "resource");
    if (key)
        make_attribute(to, 1, key, "resource");
    otlp_put_close(to, at);
    size_t sm = otlp_put_open(to, OTLP_CHILDREN);
    at = otlp_put_open(to, OTLP_CONTEXT);
    if (key)
        make_attribute(to, 3, key, "scope");
    otlp_put_close(to, at);
    for (uint32_t kind = OTLP_METRIC_GAUGE; kind <= OTLP_METRIC_SUMMARY; kind++) {
        const struct otlp_field *field = &otlp_schema[OTLP_METRIC].field[kind];
        if (field->kind == OTLP_NONE)
            continue;
        const struct otlp_field *points = &otlp_schema[field->type].field[OTLP_POINTS];
        const struct otlp_message *m = &otlp_schema[points->type];
        size_t metric = otlp_put_open(to, OTLP_CHILDREN);
        if (key)
            make_attribute(to, 12, key, "metadata");
        size_t data = otlp_put_open(to, kind);
        size_t point = otlp_put_open(to, OTLP_POINTS);
        otlp_put_eight(to, OTLP_POINT_TIME, 5);
        if (key)
            make_attribute(to, m->attributes, key, "point");
        make_attribute(to, m->attributes, "kept", "point");
        for (uint32_t n = 1; n < OTLP_NUMBERS; n++) {
            if (m->field[n].type != OTLP_EXEMPLAR)
                continue;
            size_t exemplar = otlp_put_open(to, n);
            make_attribute(to, 7, "kept", "exemplar");
            if (key)
                make_attribute(to, 7, key, "exemplar");
            otlp_put_close(to, exemplar);
        }
        otlp_put_close(to, point);
        otlp_put_close(to, data);
        otlp_put_close(to, metric);
    }
    otlp_put_close(to, sm);
    otlp_put_close(to, rm);
}

static void a_denied_attribute_goes_from_every_place(void **state) {
    (void)state;
    everywhere(&b, 1);
    everywhere(&want, 0);
    becomes_wanted();
    assert_int_equal(gone.total, 2 + 5 + 5 + 4);
    assert_int_equal(gone.nkeys, 1);
    assert_string_equal(gone.keys[0].key, "secret");
    assert_int_equal(gone.keys[0].times, gone.total);
}

static void where_nothing_is_denied_the_request_is_the_result(void **state) {
    (void)state;
    everywhere(&b, 0);
    gf_buf_text(&out, "before");
    assert_int_equal(otlp_redact(b.data, b.len, deny, &out, &gone, NULL, &e), 0);
    assert_string_equal(out.data, "before");
    assert_int_equal(gone.total, 0);
}

/* An attribute whose value is a list, in an array, of attributes. */
static void deep(struct gf_buf *to, int secrets) {
    size_t marks[16], m = 0;
    marks[m++] = otlp_put_open(to, 1);
    marks[m++] = otlp_put_open(to, OTLP_CONTEXT);
    marks[m++] = otlp_put_open(to, 1);
    make_text(to, OTLP_KEY, "list");
    marks[m++] = otlp_put_open(to, OTLP_VALUE);
    marks[m++] = otlp_put_open(to, 5);
    marks[m++] = otlp_put_open(to, 1);
    marks[m++] = otlp_put_open(to, 6);
    make_attribute(to, 1, "a", "1");
    if (secrets)
        make_attribute(to, 1, "host.name", "2");
    make_attribute(to, 1, "b", "3");
    while (m > 0)
        otlp_put_close(to, marks[--m]);
}

static void lists_within_values_are_looked_through(void **state) {
    (void)state;
    deep(&b, 1);
    deep(&want, 0);
    becomes_wanted();
    assert_string_equal(gone.keys[0].key, "host.name");
}

static void unknown_fields_go_and_odd_spellings_around_a_removal_stay(void **state) {
    (void)state;
    for (int with = 0; with <= 1; with++) {
        struct gf_buf *to = with ? &b : &want;
        size_t rm = otlp_put_open(to, 1);
        if (with)
            otlp_put_eight(to, 999, 7);
        size_t at = otlp_put_open(to, OTLP_CONTEXT);
        /* A length of three bytes where one would do, on a message that does not change. */
        gf_buf_add(to, "\x0a\x83\x80\x00\x0a\x01k", 7);
        if (with)
            make_attribute(to, 1, "secret", "x");
        if (with)
            make_text(to, 777, "unknown");
        otlp_put_close(to, at);
        make_text(to, 3, "url");
        otlp_put_close(to, rm);
        if (with)
            make_text(to, 500, "at the end");
    }
    becomes_wanted();
    assert_int_equal(gone.total, 4);
    assert_string_equal(gone.keys[0].key, "unknown field 999");
    assert_string_equal(gone.keys[1].key, "secret");
    assert_string_equal(gone.keys[2].key, "unknown field 777");

    /* Where there is no list nobody looks, nor where it names nothing. */
    otlp_deny_free(deny);
    deny = NULL;
    assert_int_equal(redact(), 0);
    assert_int_equal(otlp_deny_new(NULL, 0, &deny, &e), 0);
    assert_int_equal(redact(), 0);
}

static void a_length_that_grew_shorter_is_canonical(void **state) {
    (void)state;
    /* The resource's length is spelled with two bytes more than it needs. */
    static const char long_form[] = "\x0a\x0e\x0a\x8a\x80\x00\x0a\x08\x0a\x06secret";
    static const char canonical[] = "\x0a\x02\x0a\x00";
    gf_buf_add(&b, long_form, sizeof long_form - 1);
    gf_buf_add(&want, canonical, sizeof canonical - 1);
    becomes_wanted();
}

static void lengths_shrink_across_the_size_of_a_varint(void **state) {
    (void)state;
    char filler[256];
    memset(filler, 'x', sizeof filler);
    for (size_t n = 90; n < 140; n++) {
        gf_buf_clear(&b);
        gf_buf_clear(&want);
        filler[n] = '\0';
        for (int with = 0; with <= 1; with++) {
            struct gf_buf *to = with ? &b : &want;
            size_t rm = otlp_put_open(to, 1), at = otlp_put_open(to, OTLP_CONTEXT);
            make_attribute(to, 1, "kept", filler);
            if (with)
                make_attribute(to, 1, "host.id", "0123456789");
            otlp_put_close(to, at);
            otlp_put_close(to, rm);
        }
        filler[n] = 'x';
        becomes_wanted();
    }
}

static void a_key_behind_its_value_counts(void **state) {
    (void)state;
    size_t rm = otlp_put_open(&b, 1), at = otlp_put_open(&b, OTLP_CONTEXT);
    size_t kv = otlp_put_open(&b, 1);
    otlp_put_bytes(&b, OTLP_VALUE, "", 0);
    make_text(&b, OTLP_KEY, "secret");
    otlp_put_close(&b, kv);
    otlp_put_close(&b, at);
    otlp_put_close(&b, rm);
    gf_buf_add(&want, "\x0a\x02\x0a\x00", 4);
    becomes_wanted();
}

static void an_attribute_is_found_however_it_is_spelled(void **state) {
    (void)state;
    static const struct {
        const char *kv;
        size_t len;
        int rc; /* of otlp_redact() */
    } cases[] = {
        {"\x0a\x01z\x12\x03\x0a\x01v", 8, 1},            /* as nearly all of them are */
        {"\x0a\x01z\x12\x00", 5, 1},                     /* an empty value */
        {"\x0a\x01z", 3, 1},                             /* none */
        {"\x0a\x01z\x12\x02\x10\x01", 7, 1},             /* a bool */
        {"\x0a\x81\x00z\x12\x03\x0a\x01v", 9, 1},        /* a longer length */
        {"\x8a\x00\x01z\x12\x03\x0a\x01v", 9, 1},        /* a longer tag */
        {"\x0a\x01z\x12\x03\x0a\x01v\x18\x01", 10, 1},   /* an unknown field behind */
        {"\x0a\x01z\x12\x05\x0a\x01v\x40\x01", 10, 1},   /* one in the value */
        {"\x0a\x01y\x12\x03\x0a\x01v", 8, 0},            /* another key */
        {"\x0a\x01z\x12\x03\x0a\x01\xff", 8, -1},        /* no UTF-8 */
        {"\x0a\x01\xff\x12\x03\x0a\x01v", 8, -1},        /* no UTF-8 */
        {"\x0a\x01z\x12\x03\x0a\x02v", 8, -1},           /* a length beyond the end */
        {"\x0a\x01z\x12\x04\x0a\x01v", 8, -1},           /* the same outside */
        {"\x0a\x01z\x10\x03\x0a\x01v", 8, -1},           /* the wrong type */
        {"\x0a\x01z\x12\x06\x0a\x01v\x0a\x01w", 11, -1}, /* two values */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gf_buf_clear(&b);
        size_t rm = otlp_put_open(&b, 1), at = otlp_put_open(&b, OTLP_CONTEXT);
        otlp_put_bytes(&b, 1, cases[i].kv, cases[i].len);
        otlp_put_close(&b, at);
        otlp_put_close(&b, rm);
        assert_int_equal(redact(), cases[i].rc);
        assert_int_equal(otlp_check(b.data, b.len, NULL, &e), cases[i].rc == -1 ? -1 : 0);
        if (cases[i].rc == 1)
            assert_memory_equal(out.data, "\x0a\x02\x0a\x00", 4);
    }
}

static void what_goes_must_be_well_formed_too(void **state) {
    (void)state;
    size_t rm = otlp_put_open(&b, 1), at = otlp_put_open(&b, OTLP_CONTEXT);
    make_attribute(&b, 1, "secret", "one");
    size_t kv = otlp_put_open(&b, 1);
    make_text(&b, OTLP_KEY, "secret");
    make_text(&b, OTLP_KEY, "secret");
    otlp_put_close(&b, kv);
    otlp_put_close(&b, at);
    otlp_put_close(&b, rm);
    assert_int_equal(redact(), -1);
    assert_string_equal(e.text, "resourceMetrics[0].resource.attributes[1].key: it stands twice, "
                                "and may stand once");
    assert_int_equal(out.len, 0);
    assert_int_equal(gone.total, 0);
}

static void keys_match_whole_or_by_prefix(void **state) {
    (void)state;
    static const struct {
        const char *key;
        int denied;
    } cases[] = {{"secret", 1},    {"secrets", 0}, {"secre", 0},    {"Secret", 0},
                 {"host.name", 1}, {"host.", 1},   {"host", 0},     {"hosts.a", 0},
                 {"", 0},          {"z", 1},       {"host.a.b", 1}, {"my.host.name", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(otlp_deny_has(deny, (const uint8_t *)cases[i].key, strlen(cases[i].key)),
                         cases[i].denied);
}

static void entries_that_match_nothing_sensible_are_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {"", "*", ".*", "host*", "ho*st", "*.name", "a.*.*", "a.*b"};
    struct otlp_deny *d = NULL;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(otlp_deny_new(&wrong[i], 1, &d, &e), -1);
        assert_int_equal(e.code, GF_E_CONFIG);
        assert_null(d);
    }
}

static void the_default_list_is_sorted_and_holds_the_known_names(void **state) {
    (void)state;
    static const char *const known[] = {"host.name",
                                        "host.id",
                                        "host.ip",
                                        "host.mac",
                                        "user.name",
                                        "enduser.id",
                                        "client.address",
                                        "source.address",
                                        "server.address",
                                        "net.peer.ip",
                                        "net.host.name",
                                        "network.peer.address",
                                        "process.owner",
                                        "process.command_line",
                                        "process.command_args",
                                        "service.instance.id",
                                        "host",
                                        "hostname",
                                        "server",
                                        "source",
                                        "url",
                                        "user",
                                        "ip"};
    static const char *const kept[] = {
        "service.name", "http.method", "process.pid", "server.port", "telemetry.sdk.name",
        "cpu",          "device",      "path",        "interface"};
    struct otlp_deny *d = NULL;
    size_t n = 0;
    for (; otlp_deny_default[n] != NULL; n++)
        if (n > 0)
            assert_true(strcmp(otlp_deny_default[n - 1], otlp_deny_default[n]) < 0);
    assert_int_equal(otlp_deny_new(otlp_deny_default, n, &d, &e), 0);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_true(otlp_deny_has(d, (const uint8_t *)known[i], strlen(known[i])));
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        assert_false(otlp_deny_has(d, (const uint8_t *)kept[i], strlen(kept[i])));
    otlp_deny_free(d);
}

static void keys_beyond_those_told_are_counted(void **state) {
    (void)state;
    char key[128];
    for (unsigned i = 0; i < OTLP_REDACTED_KEYS + 5; i++) {
        int n = snprintf(key, sizeof key, "host.%02u", i);
        otlp_redacted_note(&gone, (const uint8_t *)key, (size_t)n);
        otlp_redacted_note(&gone, (const uint8_t *)key, (size_t)n);
    }
    assert_int_equal(gone.nkeys, OTLP_REDACTED_KEYS);
    assert_int_equal(gone.keys[OTLP_REDACTED_KEYS - 1].times, 2);
    assert_int_equal(gone.others, 10);
    assert_int_equal(gone.total, 2 * (OTLP_REDACTED_KEYS + 5));
}

static void a_long_key_is_cut_between_characters(void **state) {
    (void)state;
    char key[128];
    memset(key, 'k', sizeof key);
    memcpy(key + OTLP_REDACTED_KEY - 2, "\xe2\x82\xac", 3);
    otlp_redacted_note(&gone, (const uint8_t *)key, sizeof key);
    otlp_redacted_note(&gone, (const uint8_t *)key, sizeof key);
    assert_int_equal(strlen(gone.keys[0].key), OTLP_REDACTED_KEY - 2);
    assert_int_equal(gone.keys[0].times, 2);
}

static void a_full_buffer_is_an_error_and_stays_as_it_was(void **state) {
    (void)state;
    everywhere(&b, 1);
    struct gf_buf small;
    gf_buf_init(&small, 100);
    gf_buf_text(&small, "x");
    assert_int_equal(otlp_redact(b.data, b.len, deny, &small, &gone, NULL, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);
    assert_int_equal(small.len, 1);
    assert_int_equal(gone.total, 0);
    gf_buf_free(&small);
}

static void a_real_clients_request_loses_what_the_default_names(void **state) {
    (void)state;
    struct otlp_deny *d = NULL;
    struct otlp_facts before, after;
    size_t n = 0;
    while (otlp_deny_default[n] != NULL)
        n++;
    assert_int_equal(make_load("otlp/js-all-kinds", &b), 0);
    assert_int_equal(otlp_deny_new(otlp_deny_default, n, &d, &e), 0);
    assert_int_equal(otlp_redact(b.data, b.len, d, &out, &gone, &before, &e), 1);
    assert_int_equal(gone.nkeys, 4);
    assert_string_equal(gone.keys[0].key, "host.name");
    assert_string_equal(gone.keys[1].key, "service.instance.id");
    assert_string_equal(gone.keys[2].key, "user.id");
    assert_string_equal(gone.keys[3].key, "client.address");
    assert_null(memmem(out.data, out.len, "node-17", 7));
    assert_null(memmem(out.data, out.len, "192.0.2.7", 9));
    assert_non_null(memmem(out.data, out.len, "requests \xc3\xbc", 11));
    assert_int_equal(otlp_check(out.data, out.len, &after, &e), 0);
    assert_true(make_same_facts(&before, &after));
    otlp_deny_free(d);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_denied_attribute_goes_from_every_place),
        TEST(where_nothing_is_denied_the_request_is_the_result),
        TEST(lists_within_values_are_looked_through),
        TEST(unknown_fields_go_and_odd_spellings_around_a_removal_stay),
        TEST(a_length_that_grew_shorter_is_canonical),
        TEST(lengths_shrink_across_the_size_of_a_varint),
        TEST(a_key_behind_its_value_counts),
        TEST(an_attribute_is_found_however_it_is_spelled),
        TEST(what_goes_must_be_well_formed_too),
        TEST(keys_match_whole_or_by_prefix),
        TEST(entries_that_match_nothing_sensible_are_refused),
        TEST(the_default_list_is_sorted_and_holds_the_known_names),
        TEST(keys_beyond_those_told_are_counted),
        TEST(a_long_key_is_cut_between_characters),
        TEST(a_full_buffer_is_an_error_and_stays_as_it_was),
        TEST(a_real_clients_request_loses_what_the_default_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
