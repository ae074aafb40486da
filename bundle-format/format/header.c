/*
 * header.c -- bundle.json: parse, write, digest.
 */
#include "gapferry/header.h"

#include <string.h>

#include "crypto/age.h"
#include "format/put.h"
#include "gapferry/digest.h"
#include "gapferry/json.h"

const char *const gf_header_kinds[] = {"request", "response", NULL};

#define FORMAT_FAMILY "gapferry-bundle/"

/* Decide whether this program may judge the rest. It comes before every other field, so that a
 * header with new members is reported as newer and not as malformed. */
static void read_version(struct gf_json_obj *o, struct gf_header *h) {
    const char *format = "";
    const char *need = "";

    if (gf_json_str(o, "format", 1, GF_WORD_MAX, &format) != 1)
        return;
    if (strcmp(format, GF_HEADER_FORMAT) != 0) {
        if (strncmp(format, FORMAT_FAMILY, strlen(FORMAT_FAMILY)) == 0)
            gf_json_fail(o, GF_E_VERSION,
                         "made by a newer version: its format is '%s', this program "
                         "knows %s; update this program",
                         format, GF_HEADER_FORMAT);
        else
            gf_json_fail(o, GF_E_HEADER, "format must be %s", GF_HEADER_FORMAT);
        return;
    }

    if (gf_json_array(o, "needs", GF_NEEDS_MAX, &h->nneeds) != 1)
        return;
    for (size_t i = 0; i < h->nneeds; i++) {
        if (gf_json_item_str(o, "needs", i, 1, GF_NEED_NAME_MAX, &need) != 1)
            return;
        if (!gf_text_is_word(need, strlen(need), GF_NEED_NAME_MAX)) {
            gf_json_fail(o, GF_E_HEADER, "needs[%zu] must be a word of [a-z0-9.-]", i);
            return;
        }
        memcpy(h->needs[i], need, strlen(need) + 1);
    }

    /* This version has no optional features, so whatever is needed is unknown here. */
    if (h->nneeds > 0)
        gf_json_fail(o, GF_E_VERSION, "made by a newer version: it needs '%s'; update this program",
                     h->needs[0]);
}

/* Who sent it to whom, and who else may open it. */
static void read_parties(struct gf_json_obj *o, struct gf_header *h) {
    gf_json_hex(o, "from", h->from.b, sizeof h->from.b);
    gf_json_hex(o, "to", h->to.b, sizeof h->to.b);
    if (gf_json_array(o, "readers", GF_READERS_MAX, &h->nreaders) != 1)
        return;

    for (size_t i = 0; i < h->nreaders; i++) {
        if (gf_json_item_hex(o, "readers", i, h->readers[i].b, sizeof h->readers[i].b) != 1)
            return;
        if (memcmp(&h->readers[i], &h->to, sizeof h->to) == 0)
            gf_json_fail(o, GF_E_HEADER, "readers[%zu] is the addressee, who reads it anyway", i);
        for (size_t k = 0; k < i; k++)
            if (memcmp(&h->readers[i], &h->readers[k], sizeof h->readers[i]) == 0)
                gf_json_fail(o, GF_E_HEADER, "readers[%zu] repeats readers[%zu]", i, k);
    }
}

/* Where it stands in its stream, and how long it is good. */
static void read_order(struct gf_json_obj *o, struct gf_header *h) {
    gf_json_hex(o, "stream", h->stream.b, sizeof h->stream.b);
    gf_json_int(o, "seq", 1, GF_JSON_INT_MAX, &h->seq);
    h->has_prev = gf_json_hex_opt(o, "prev", h->prev.b, sizeof h->prev.b) == 1;
    h->has_created = gf_json_time_opt(o, "created", &h->created) == 1;
    h->has_expires = gf_json_time_opt(o, "expires", &h->expires) == 1;

    if (h->seq == 1 && h->has_prev)
        gf_json_fail(o, GF_E_HEADER, "seq 1 begins a stream, so prev must be null");
    if (h->has_created && h->has_expires && h->expires < h->created)
        gf_json_fail(o, GF_E_HEADER, "expires is before created");
}

static void read_payload(struct gf_json_obj *o, struct gf_header *h, struct gf_json_obj *payload) {
    int64_t least = (int64_t)gf_age_head_size(1 + h->nreaders) + gf_age_body_size(0);

    gf_json_obj(o, "payload", payload);
    gf_json_int(payload, "size", least, GF_BUNDLE_MAX, &h->payload_size);
    gf_json_hex(payload, "blake2b", h->payload_digest.b, sizeof h->payload_digest.b);
}

/* What else may stand in `ext`, in whatever form, is for other readers. */
static int says_no_records(struct gf_json_obj *o) {
    struct gf_json_obj ext;
    int says = 0;

    if (gf_json_any_obj(o, "ext") == 1 && gf_json_obj(o, "ext", &ext) == 1 &&
        gf_json_has(&ext, "no_records"))
        gf_json_bool(&ext, "no_records", &says);
    return says;
}

/* Read every field of the object; GF_E_JSON is behind us. */
static int read_object(const struct gf_json *j, struct gf_header *h, struct gf_err *e) {
    struct gf_json_obj o;
    struct gf_json_obj payload;
    int kind = 0;

    gf_json_root(j, &o);
    read_version(&o, h);
    if (o.err.code != GF_OK)
        return gf_json_end(&o, e);

    gf_json_hex(&o, "id", h->id.b, sizeof h->id.b);
    gf_json_enum(&o, "kind", gf_header_kinds, &kind);
    h->kind = (enum gf_kind)kind;
    read_parties(&o, h);
    read_order(&o, h);
    h->no_records = says_no_records(&o);
    read_payload(&o, h, &payload);
    if (gf_json_end(&o, e) == -1)
        return -1;
    return gf_json_end(&payload, e);
}

int gf_header_parse(const char *text, size_t len, struct gf_header *out, struct gf_err *e) {
    struct gf_header h;
    struct gf_json *j = NULL;
    size_t n = len;
    int rc = -1;

    if (len > GF_HEADER_MAX)
        return gf_err_set(e, GF_E_LIMIT, "bundle.json: larger than %d bytes", GF_HEADER_MAX);

    /* Padding stands between the closing brace and the final LF and nowhere else, so that equal
     * headers differ by their length alone. */
    if (n == 0 || text[n - 1] != '\n')
        return gf_err_set(e, GF_E_HEADER, "bundle.json: must end in LF");
    n--;
    while (n > 0 && text[n - 1] == ' ')
        n--;
    if (n < 2 || text[0] != '{' || text[n - 1] != '}')
        return gf_err_set(e, GF_E_HEADER,
                          "bundle.json: must be one JSON object, then spaces, then one LF");

    memset(&h, 0, sizeof h);
    if (gf_json_parse(text, n, "bundle.json", GF_E_HEADER, &j, e) == -1)
        return -1;
    rc = read_object(j, &h, e);
    gf_json_free(j);
    if (rc == 0)
        *out = h;
    return rc;
}

/* ---- writing ---- */

/* The object without padding and LF. */
static void put_object(struct gf_buf *b, const struct gf_header *h) {
    char text[GF_HASH_TEXT];

    gf_buf_byte(b, '{');
    gf_put_str(b, "format", GF_HEADER_FORMAT);
    gf_put_name(b, "needs");
    gf_buf_byte(b, '[');
    for (size_t i = 0; i < h->nneeds; i++) {
        gf_put_comma(b);
        gf_json_put_str(b, h->needs[i], strlen(h->needs[i]));
    }
    gf_buf_byte(b, ']');
    gf_put_hex(b, "id", h->id.b, sizeof h->id.b);
    gf_put_str(b, "kind", gf_header_kinds[h->kind]);
    gf_put_hex(b, "from", h->from.b, sizeof h->from.b);
    gf_put_hex(b, "to", h->to.b, sizeof h->to.b);
    gf_put_name(b, "readers");
    gf_buf_byte(b, '[');
    for (size_t i = 0; i < h->nreaders; i++) {
        gf_text_hex(h->readers[i].b, sizeof h->readers[i].b, text);
        gf_put_comma(b);
        gf_json_put_str(b, text, strlen(text));
    }
    gf_buf_byte(b, ']');
    gf_put_hex(b, "stream", h->stream.b, sizeof h->stream.b);
    gf_put_int(b, "seq", h->seq);
    if (h->has_prev)
        gf_put_hex(b, "prev", h->prev.b, sizeof h->prev.b);
    else
        gf_put_str(b, "prev", NULL);
    gf_put_time(b, "created", h->has_created, h->created);
    gf_put_time(b, "expires", h->has_expires, h->expires);
    gf_put_name(b, "payload");
    gf_buf_byte(b, '{');
    gf_put_int(b, "size", h->payload_size);
    gf_put_hex(b, "blake2b", h->payload_digest.b, sizeof h->payload_digest.b);
    gf_buf_text(b, h->no_records ? "},\"ext\":{\"no_records\":true}}" : "},\"ext\":{}}");
}

int gf_header_write(const struct gf_header *h, size_t size, struct gf_buf *out, struct gf_err *e) {
    struct gf_buf b;
    int rc = -1;

    if (h->nneeds > GF_NEEDS_MAX || h->nreaders > GF_READERS_MAX)
        return gf_err_set(e, GF_E_BUG, "bundle.json: more needs or readers than it can hold");
    gf_buf_init(&b, GF_HEADER_MAX);
    put_object(&b, h);
    if (gf_buf_check(&b, "bundle.json", e) == -1)
        goto out;

    /* One byte of the size is the LF's. */
    if (size > GF_HEADER_MAX || b.len + 1 > (size != 0 ? size : GF_HEADER_MAX)) {
        gf_err_set(e, GF_E_LIMIT, "bundle.json: %zu bytes do not fit into %zu of at most %d",
                   b.len + 1, size, GF_HEADER_MAX);
        goto out;
    }
    while (b.len + 1 < size)
        gf_buf_byte(&b, ' ');
    gf_buf_byte(&b, '\n');
    if (gf_buf_check(&b, "bundle.json", e) == -1)
        goto out;

    gf_buf_add(out, b.data, b.len);
    rc = gf_buf_check(out, "bundle.json", e);
out:
    gf_buf_free(&b);
    return rc;
}

size_t gf_header_room(const struct gf_header *h) {
    struct gf_header longest = *h;
    struct gf_buf b;
    size_t room = GF_HEADER_MAX;

    longest.payload_size = GF_BUNDLE_MAX;
    gf_buf_init(&b, GF_HEADER_MAX);
    /* Without memory the largest size is still a right answer. */
    if (gf_header_write(&longest, 0, &b, NULL) == 0)
        room = b.len;
    gf_buf_free(&b);
    return room;
}

void gf_header_digest(const char *text, size_t len, struct gf_hash *out) {
    gf_digest_256(text, len, out);
}
