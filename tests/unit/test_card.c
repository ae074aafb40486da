/*
 * test_card.c -- cards: what they say, who vouches for it, and what people compare.
 */
#include "crypto_tools.h"

#include "format_testing.h"
#include "gapferry/card.h"

/* One agent's card and its keys, made once. */
static struct gf_sign_key *own;
static struct gf_seal_key *own_seal;
static struct gf_card card;
static char json[GF_CARD_MAX]; /* the card without its signature */

static int begin(void **state) {
    struct gf_err e;
    struct gf_buf b;
    size_t n;

    if (tools_begin(state) != 0 || gf_key_sign_new(&own, &e) != 0 ||
        gf_key_seal_new(&own_seal, &e) != 0)
        return -1;
    card.role = GF_ROLE_AGENT;
    card.has_agent = 1;
    memset(&card.agent, 0xab, sizeof card.agent);
    (void)snprintf(card.name, sizeof card.name, "site \"a\" \xe2\x82\xac");
    card.sign = *gf_key_sign_public(own);
    card.seal = *gf_key_seal_public(own_seal);
    card.created = 1700000000;
    card.has_expires = 1;
    card.expires = 1800000000;
    card.has_replaces = 1;
    memset(&card.replaces, 0xcd, sizeof card.replaces);
    gf_key_identity(&card.sign, &card.seal, &card.identity);

    gf_buf_init(&b, GF_CARD_FILE_MAX);
    if (gf_card_write(&card, 1, own, &b, &e) != 0)
        return -1;
    n = (size_t)(strstr(b.data, "untrusted comment: ") - b.data);
    memcpy(json, b.data, n);
    gf_buf_free(&b);
    return 0;
}

static int end(void **state) {
    gf_key_sign_free(own);
    gf_key_seal_free(own_seal);
    return tools_end(state);
}

/* Parse the text signed by the card's key, as gf_card_write() would have signed it. */
static enum gf_code signed_code(const char *text, size_t len, struct gf_err *e) {
    struct gf_card c;
    struct gf_buf b;
    int rc;

    gf_buf_init(&b, 65536);
    gf_buf_add(&b, text, len);
    assert_int_equal(gf_minisig_sign(own, text, len, "u", "gapferry-card/1", &b, e), 0);
    rc = gf_card_parse(b.data, b.len, "a/card", &c, e);
    if (rc == -1)
        assert_non_null(strstr(e->text, "a/card"));
    gf_buf_free(&b);
    return rc == 0 ? GF_OK : e->code;
}

static void a_card_comes_back_as_it_was_written(void **state) {
    struct gf_card back;
    struct gf_err e;
    struct gf_buf b;
    (void)state;

    for (int with_name = 0; with_name < 2; with_name++) {
        gf_buf_init(&b, GF_CARD_FILE_MAX);
        assert_int_equal(gf_card_write(&card, with_name, own, &b, &e), 0);
        assert_int_equal(gf_card_parse(b.data, b.len, "card", &back, &e), 0);
        assert_string_equal(back.name, with_name ? card.name : "");
        assert_int_equal(back.role, GF_ROLE_AGENT);
        assert_memory_equal(&back.agent, &card.agent, sizeof card.agent);
        assert_memory_equal(&back.sign, &card.sign, sizeof card.sign);
        assert_memory_equal(&back.seal, &card.seal, sizeof card.seal);
        assert_int_equal(back.created, card.created);
        assert_int_equal(back.has_expires && back.expires == card.expires, 1);
        assert_int_equal(back.has_replaces, 1);
        assert_memory_equal(&back.replaces, &card.replaces, sizeof card.replaces);
        assert_memory_equal(&back.identity, &card.identity, sizeof card.identity);
        gf_buf_free(&b);
    }
}

static void a_card_of_another_role_has_no_agent(void **state) {
    struct gf_card c = card, back;
    struct gf_err e;
    struct gf_buf b;
    (void)state;

    gf_buf_init(&b, GF_CARD_FILE_MAX);
    for (int role = GF_ROLE_RELAY; role <= GF_ROLE_READER; role++) {
        c.role = (enum gf_role)role;
        c.has_agent = 1;
        assert_int_equal(gf_card_write(&c, 1, own, &b, &e), -1);
        assert_int_equal(e.code, GF_E_CARD);
        c.has_agent = c.has_expires = c.has_replaces = 0;
        assert_int_equal(gf_card_write(&c, 1, own, &b, &e), 0);
        assert_int_equal(gf_card_parse(b.data, b.len, "card", &back, &e), 0);
        assert_int_equal(back.role, role);
        assert_int_equal(back.has_agent + back.has_expires + back.has_replaces, 0);
        gf_buf_clear(&b);
    }
    c.role = GF_ROLE_AGENT;
    assert_int_equal(gf_card_write(&c, 1, own, &b, &e), -1);
    gf_buf_free(&b);
}

static void a_card_is_signed_by_its_own_key_or_not_at_all(void **state) {
    struct gf_sign_key *other = NULL;
    struct gf_err e;
    struct gf_buf b;
    (void)state;

    gf_buf_init(&b, GF_CARD_FILE_MAX);
    assert_int_equal(gf_key_sign_new(&other, &e), 0);
    assert_int_equal(gf_card_write(&card, 1, other, &b, &e), -1);
    assert_int_equal(e.code, GF_E_BUG);
    assert_int_equal(b.len, 0);
    gf_key_sign_free(other);
}

static void each_changed_field_breaks_the_signature(void **state) {
    static const struct edit edits[] = {
        {"\"role\":\"agent\"", "\"role\":\"relay\"", GF_E_CARD}, /* has an agent id */
        {"site", "Site", GF_E_SIGNATURE},
        {"\"agent\":\"abab", "\"agent\":\"abac", GF_E_SIGNATURE},
        {"2023-11-14T22:13:20Z", "2023-11-14T22:13:21Z", GF_E_SIGNATURE},
        {"2027-01-15T08:00:00Z", "2028-01-15T08:00:00Z", GF_E_SIGNATURE},
        {"\"replaces\":\"cdcd", "\"replaces\":\"cdce", GF_E_SIGNATURE},
        {"\"ext\":{}", "\"ext\":{\"a\":1}", GF_E_SIGNATURE},
        {"\"ext\":{}", "\"ext\": {}", GF_E_SIGNATURE},
    };
    char sign[GF_SIGN_PUBLIC_TEXT], seal[GF_SEAL_PUBLIC_TEXT];
    struct gf_sign_key *other = NULL;
    struct gf_seal_key *other_seal = NULL;
    struct gf_card c;
    struct gf_err e;
    struct gf_buf b;
    (void)state;

    assert_int_equal(gf_key_sign_new(&other, &e), 0);
    assert_int_equal(gf_key_seal_new(&other_seal, &e), 0);
    gf_key_sign_public_line(gf_key_sign_public(other), sign);
    gf_key_seal_public_line(gf_key_seal_public(other_seal), seal);
    for (size_t i = 0; i < sizeof edits / sizeof *edits + 2; i++) {
        char mine[GF_SEAL_PUBLIC_TEXT];
        char *text;

        gf_buf_init(&b, 65536);
        assert_int_equal(gf_card_write(&card, 1, own, &b, &e), 0);
        if (i < sizeof edits / sizeof *edits) {
            text = edited(b.data, edits[i].from, edits[i].to);
        } else if (i == sizeof edits / sizeof *edits) {
            gf_key_sign_public_line(&card.sign, mine);
            text = edited(b.data, mine, sign);
        } else {
            gf_key_seal_public_line(&card.seal, mine);
            text = edited(b.data, mine, seal);
        }
        assert_int_equal(gf_card_parse(text, strlen(text), "card", &c, &e), -1);
        assert_int_equal(e.code, i < sizeof edits / sizeof *edits ? edits[i].want : GF_E_SIGNATURE);
        free(text);
        gf_buf_free(&b);
    }
    gf_key_sign_free(other);
    gf_key_seal_free(other_seal);
}

static void a_card_obeys_its_rules_even_if_well_signed(void **state) {
    static const struct edit edits[] = {
        {"gapferry-card/1", "gapferry-card/2", GF_E_VERSION},
        {"\"format\":\"gapferry-card/1\",\"role\"", "\"format\":\"gapferry-card/2\",\"new\"",
         GF_E_VERSION},
        {"gapferry-card/1", "gapferry-bundle/1", GF_E_CARD},
        {"\"format\":\"gapferry-card/1\",", "", GF_E_CARD},
        {"\"role\":\"agent\"", "\"role\":\"admin\"", GF_E_CARD},
        {"\"role\":\"agent\",", "", GF_E_CARD},
        {"\"name\":\"site \\\"a\\\" \xe2\x82\xac\"", "\"name\":null", GF_OK},
        {"\"name\":\"site \\\"a\\\" \xe2\x82\xac\"", "\"name\":\"\"", GF_E_CARD},
        {"\"name\":\"site \\\"a\\\" \xe2\x82\xac\"", "\"name\":\"" H64 "\"", GF_OK},
        {"\"name\":\"site \\\"a\\\" \xe2\x82\xac\"", "\"name\":\"" H64 "a\"", GF_E_CARD},
        {"\"name\":\"site", "\"name\":\"\\u001b[2J", GF_E_CARD},
        {"\"name\":\"site", "\"name\":\"\\u009b", GF_E_CARD},
        {"\"agent\":\"abababababababababababababababab\"", "\"agent\":null", GF_E_CARD},
        {"\"agent\":\"abababababababababababababababab\"",
         "\"agent\":\"ABABABABABABABABABABABABABABABAB\"", GF_E_CARD},
        {"\"sign\":\"", "\"sign\":\"A", GF_E_CARD},
        {"\"sign\":\"RW", "\"sign\":\"AA", GF_E_CARD}, /* no "Ed" */
        {"\"seal\":\"age1", "\"seal\":\"age2", GF_E_CARD},
        {"\"seal\":\"age1", "\"seal\":\"AGE1", GF_E_CARD},
        {"2023-11-14T22:13:20Z", "2027-01-15T08:00:00Z", GF_OK},
        {"2023-11-14T22:13:20Z", "2027-01-15T08:00:01Z", GF_E_CARD}, /* expires before it */
        {"\"2023-11-14T22:13:20Z\"", "null", GF_E_CARD},
        {"\"2027-01-15T08:00:00Z\"", "null", GF_OK},
        {",\"ext\":{}", "", GF_E_CARD},
        {",\"ext\":{}", ",\"ext\":{\"token_mac\":\"" H64 "\"}", GF_OK},
        {",\"ext\":{}", ",\"ext\":1", GF_E_CARD},
        {",\"ext\":{}", ",\"ext\":{},\"x\":1", GF_E_CARD},
        {",\"ext\":{}", ",\"ext\":{},\"ext\":{}", GF_E_JSON},
    };
    (void)state;
    check_edit(signed_code, json, "{\"format\"", " {\"format\"", GF_OK);
    CHECK_EDITS(signed_code, json, edits);
}

static void the_own_signature_carries_the_format_as_its_comment(void **state) {
    struct gf_card c;
    struct gf_err e;
    struct gf_buf b;
    (void)state;

    gf_buf_init(&b, 65536);
    gf_buf_text(&b, json);
    assert_int_equal(gf_minisig_sign(own, json, strlen(json), "u", "timestamp:1", &b, &e), 0);
    assert_int_equal(gf_card_parse(b.data, b.len, "card", &c, &e), -1);
    assert_int_equal(e.code, GF_E_CARD);
    gf_buf_free(&b);
}

static void the_own_signature_may_stand_behind_others(void **state) {
    struct gf_sign_key *vendor = NULL;
    struct gf_document d;
    struct gf_card c;
    struct gf_err e;
    struct gf_buf b;
    size_t which = 99, alone;
    (void)state;

    assert_int_equal(gf_key_sign_new(&vendor, &e), 0);
    gf_buf_init(&b, 65536);
    gf_buf_text(&b, json);
    assert_int_equal(gf_minisig_sign(vendor, json, strlen(json), "u", "vouched", &b, &e), 0);
    alone = b.len;
    assert_int_equal(gf_document_sign(own, json, strlen(json), "gapferry-card/1", &b, &e), 0);
    assert_int_equal(gf_card_parse(b.data, b.len, "card", &c, &e), 0);
    assert_int_equal(gf_document_split(b.data, b.len, GF_CARD_MAX, "card", &d, &e), 0);
    assert_int_equal(gf_document_verify(&d, gf_key_sign_public(vendor), &which, &e), 0);
    assert_int_equal(which, 0);

    /* A vendor's word alone does not show that the holder has the key. */
    assert_int_equal(gf_card_parse(b.data, alone, "card", &c, &e), -1);
    assert_int_equal(e.code, GF_E_SIGNATURE);
    gf_buf_free(&b);
    gf_key_sign_free(vendor);
}

static void strangers_bytes_are_limited_before_they_are_read(void **state) {
    char *large = malloc(GF_CARD_FILE_MAX + 1);
    struct gf_card c;
    struct gf_err e;
    struct gf_buf b;
    (void)state;

    assert_non_null(large);
    memset(large, ' ', GF_CARD_FILE_MAX + 1);
    assert_int_equal(gf_card_parse(large, GF_CARD_FILE_MAX + 1, "card", &c, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);

    /* JSON of one byte more than a card may have. */
    memcpy(large, json, strlen(json) - 1);
    large[GF_CARD_MAX] = '\n';
    gf_buf_init(&b, 65536);
    gf_buf_add(&b, large, GF_CARD_MAX + 1);
    assert_int_equal(gf_minisig_sign(own, large, GF_CARD_MAX + 1, "u", "gapferry-card/1", &b, &e),
                     0);
    assert_int_equal(gf_card_parse(b.data, b.len, "card", &c, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);
    gf_buf_free(&b);
    free(large);
}

static void damage_never_makes_another_card(void **state) {
    struct gf_card c;
    struct gf_err e;
    struct gf_buf b;
    size_t comment, line;
    (void)state;

    gf_buf_init(&b, 65536);
    assert_int_equal(gf_card_write(&card, 1, own, &b, &e), 0);
    for (size_t n = 0; n < b.len; n++)
        assert_int_equal(gf_card_parse(b.data, n, "card", &c, &e), -1);

    /* Only the untrusted comment may change, which says so. */
    comment = strlen(json) + strlen("untrusted comment: ");
    line = (size_t)(strchr(b.data + comment, '\n') - b.data);
    for (size_t i = 0; i < b.len; i++) {
        b.data[i] ^= 1;
        if (gf_card_parse(b.data, b.len, "card", &c, &e) == 0)
            assert_in_range(i, comment, line - 1);
        b.data[i] ^= 1;
    }
    gf_buf_free(&b);
}

/* A card with keys of ones and twos, whose fingerprint was computed with b2sum and basenc:
 * { printf 'gapferry-fingerprint/1\nagent\nHEX\n'; bytes; } | b2sum -l 256 | cut -c1-26 |
 *   tr a-f A-F | basenc --base16 -d | basenc --base32 | cut -c1-20 */
static struct gf_card known(enum gf_role role) {
    struct gf_card c;

    memset(&c, 0, sizeof c);
    c.role = role;
    c.has_agent = role == GF_ROLE_AGENT;
    assert_int_equal(gf_text_unhex(H32, 32, c.agent.b, sizeof c.agent.b), 0);
    memset(c.sign.pk, 1, sizeof c.sign.pk);
    memset(c.sign.keynum, 9, sizeof c.sign.keynum);
    memset(c.seal.pk, 2, sizeof c.seal.pk);
    return c;
}

static void the_fingerprint_is_the_one_that_standard_tools_give(void **state) {
    struct gf_card agent = known(GF_ROLE_AGENT), relay = known(GF_ROLE_RELAY);
    char text[GF_FINGERPRINT_TEXT];
    (void)state;

    gf_card_fingerprint(&agent, text);
    assert_string_equal(text, "OIP5-OWI7-WJCO-ZOJS-SEAC");
    gf_card_fingerprint(&relay, text);
    assert_string_equal(text, "RG5H-5AJL-VAZI-PY64-RUJG");
}

static void the_fingerprint_covers_role_agent_and_keys_and_nothing_else(void **state) {
    struct gf_card a = known(GF_ROLE_AGENT), b;
    char text[GF_FINGERPRINT_TEXT];
    (void)state;

    gf_card_fingerprint(&a, text);
#define CHECK_COVERED(change, same)                                                                \
    do {                                                                                           \
        b = a;                                                                                     \
        change;                                                                                    \
        assert_int_equal(gf_card_fingerprint_is(&b, text), same);                                  \
    } while (0)
    CHECK_COVERED(b.role = GF_ROLE_READER, 0);
    CHECK_COVERED(b.agent.b[15] ^= 1, 0);
    CHECK_COVERED(b.has_agent = 0, 0);
    CHECK_COVERED(b.sign.pk[0] ^= 1, 0);
    CHECK_COVERED(b.seal.pk[31] ^= 1, 0);
    CHECK_COVERED(b.sign.keynum[0] ^= 1, 1);
    CHECK_COVERED(b.created = 5, 1);
    CHECK_COVERED(b.name[0] = 'x', 1);
}

static void a_fingerprint_may_be_typed_as_people_type(void **state) {
    struct gf_card agent = known(GF_ROLE_AGENT);
    static const char *const right[] = {
        "OIP5-OWI7-WJCO-ZOJS-SEAC",   "oip5-owi7-wjco-zojs-seac", "oip5owi7wjcozojsseac",
        " OIP5 OWI7 WJCO ZOJS SEAC ", "01P5-0W17-WJC0-Z0JS-SEAC", "O-I-P5OWI7WJCOZOJSSEAC-",
    };
    static const char *const wrong[] = {
        "",
        "OIP5",
        "OIP5-OWI7-WJCO-ZOJS-SEA",
        "OIP5-OWI7-WJCO-ZOJS-SEACA",
        "OIP5-OWI7-WJCO-ZOJS-SEAD",
        "0LP5-OWI7-WJCO-ZOJS-SEAC",
        "OIP5_OWI7_WJCO_ZOJS_SEAC",
        "OIP5-OWI7-WJCO-ZOJS-SEAC\n",
        "OIP5-OWI7-WJCO-ZOJS-SEAC OIP5",
        "--------------------------",
    };
    (void)state;

    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        if (!gf_card_fingerprint_is(&agent, right[i]))
            fail_msg("'%s' is refused", right[i]);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (gf_card_fingerprint_is(&agent, wrong[i]))
            fail_msg("'%s' is taken", wrong[i]);
}

static void the_token_mac_is_keyed_blake2b_of_what_the_fingerprint_covers(void **state) {
    struct gf_card agent = known(GF_ROLE_AGENT);
    uint8_t token[16];
    struct gf_hash mac;
    char text[GF_HASH_TEXT];
    (void)state;

    /* Computed with Python's hashlib.blake2b(data, digest_size=32, key=bytes(range(16))). */
    for (size_t i = 0; i < sizeof token; i++)
        token[i] = (uint8_t)i;
    gf_card_token_mac(&agent, token, &mac);
    gf_text_hex(mac.b, sizeof mac.b, text);
    assert_string_equal(text, "d1e78d1fbfaabd40a79554f809e18027c76cb0988553ab14df5b9679ef384eec");
}

static void a_token_mac_travels_in_ext_and_what_is_none_binds_nobody(void **state) {
    static const char *const none[] = {("\"" H32 "\""), "1", "null", "\"\"", "{}"};
    struct gf_card c = card, back;
    struct gf_err e;
    struct gf_buf b;
    (void)state;

    gf_buf_init(&b, GF_CARD_FILE_MAX);
    c.has_token_mac = 1;
    memset(&c.token_mac, 0x5a, sizeof c.token_mac);
    assert_int_equal(gf_card_write(&c, 0, own, &b, &e), 0);
    assert_int_equal(gf_card_parse(b.data, b.len, "card", &back, &e), 0);
    assert_int_equal(back.has_token_mac, 1);
    assert_memory_equal(&back.token_mac, &c.token_mac, sizeof c.token_mac);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        char with[200];
        (void)snprintf(with, sizeof with, "\"ext\":{\"token_mac\":%s,\"x\":1}", none[i]);
        char *text = edited(json, "\"ext\":{}", with);
        gf_buf_clear(&b);
        gf_buf_text(&b, text);
        assert_int_equal(gf_minisig_sign(own, text, strlen(text), "u", "gapferry-card/1", &b, &e),
                         0);
        assert_int_equal(gf_card_parse(b.data, b.len, "card", &back, &e), 0);
        assert_int_equal(back.has_token_mac, 0);
        free(text);
    }
    gf_buf_free(&b);
}

static void others_may_sign_a_card_and_are_known_by_their_keys(void **state) {
    struct gf_sign_key *vendor = NULL, *before = NULL, *stranger = NULL;
    struct gf_buf one, two, three, four;
    struct gf_card back;
    struct gf_err e;
    (void)state;

    gf_buf_init(&one, GF_CARD_FILE_MAX);
    gf_buf_init(&two, GF_CARD_FILE_MAX);
    gf_buf_init(&three, GF_CARD_FILE_MAX);
    gf_buf_init(&four, GF_CARD_FILE_MAX);
    assert_int_equal(gf_key_sign_new(&vendor, &e), 0);
    assert_int_equal(gf_key_sign_new(&before, &e), 0);
    assert_int_equal(gf_key_sign_new(&stranger, &e), 0);
    assert_int_equal(gf_card_write(&card, 0, own, &one, &e), 0);
    assert_int_equal(gf_card_cosign(one.data, one.len, vendor, &two, &e), 0);
    assert_int_equal(gf_card_cosign(two.data, two.len, before, &three, &e), 0);
    assert_int_equal(gf_card_cosign(three.data, three.len, stranger, &four, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);

    assert_int_equal(gf_card_parse(one.data, one.len, "card", &back, &e), 0);
    assert_int_equal(back.cosigned, 0);
    assert_int_equal(gf_card_parse(three.data, three.len, "card", &back, &e), 0);
    assert_int_equal(back.cosigned, 2);
    assert_int_equal(gf_card_signed_by(one.data, one.len, gf_key_sign_public(vendor)), 0);
    assert_int_equal(gf_card_signed_by(three.data, three.len, gf_key_sign_public(vendor)), 1);
    assert_int_equal(gf_card_signed_by(three.data, three.len, gf_key_sign_public(before)), 1);
    assert_int_equal(gf_card_signed_by(three.data, three.len, gf_key_sign_public(stranger)), 0);

    /* What is no card is not signed for anybody. */
    assert_int_equal(gf_card_cosign("{}\n", 3, vendor, &four, &e), -1);
    assert_int_equal(four.len, 0);
    gf_buf_free(&one);
    gf_buf_free(&two);
    gf_buf_free(&three);
    gf_buf_free(&four);
    gf_key_sign_free(vendor);
    gf_key_sign_free(before);
    gf_key_sign_free(stranger);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_card_comes_back_as_it_was_written),
        cmocka_unit_test(a_card_of_another_role_has_no_agent),
        cmocka_unit_test(a_card_is_signed_by_its_own_key_or_not_at_all),
        cmocka_unit_test(each_changed_field_breaks_the_signature),
        cmocka_unit_test(a_card_obeys_its_rules_even_if_well_signed),
        cmocka_unit_test(the_own_signature_carries_the_format_as_its_comment),
        cmocka_unit_test(the_own_signature_may_stand_behind_others),
        cmocka_unit_test(strangers_bytes_are_limited_before_they_are_read),
        cmocka_unit_test(damage_never_makes_another_card),
        cmocka_unit_test(the_fingerprint_is_the_one_that_standard_tools_give),
        cmocka_unit_test(the_fingerprint_covers_role_agent_and_keys_and_nothing_else),
        cmocka_unit_test(a_fingerprint_may_be_typed_as_people_type),
        cmocka_unit_test(a_token_mac_travels_in_ext_and_what_is_none_binds_nobody),
        cmocka_unit_test(others_may_sign_a_card_and_are_known_by_their_keys),
        cmocka_unit_test(the_token_mac_is_keyed_blake2b_of_what_the_fingerprint_covers),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
