/*
 * record.c -- the lines of records.jsonl.
 */
#include "gapferry/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/body.h"
#include "format/line.h"
#include "format/put.h"
#include "gapferry/digest.h"
#include "gapferry/json.h"

const char *const gf_record_clocks[] = {"ok", "behind", "unknown", NULL};

/* type "/" subtype, then perhaps parameters (RFC 9110, 8.3.1): it becomes an HTTP header. */
static int is_media_type(const char *text) {
    size_t n = strlen(text);
    size_t type = gf_text_token(text, n);
    size_t subtype;

    if (n > GF_TYPE_MAX || type == 0 || text[type] != '/')
        return 0;
    subtype = gf_text_token(text + type + 1, n - type - 1);
    if (subtype == 0)
        return 0;
    text += type + 1 + subtype;
    if (*text == '\0')
        return 1;
    while (*text == ' ')
        text++;
    if (*text != ';')
        return 0;
    for (; *text != '\0'; text++)
        if (*text < 0x20 || *text > 0x7e)
            return 0;
    return 1;
}

/* The rules of the fields, whether they were parsed or are to be written. */
static int check(const struct gf_record *r, struct gf_err *e) {
    if (gf_line_is_uuid(&r->id, "record: id", e) == -1 ||
        gf_line_is_word(r->channel, "record: channel", e) == -1)
        return -1;
    if (r->product != NULL &&
        gf_line_is_plain(r->product, 1, GF_WORD_MAX, "record: product", e) == -1)
        return -1;
    if (gf_line_is_time(r->created, "record: created", e) == -1)
        return -1;
    if (r->has_expires && gf_line_is_time(r->expires, "record: expires", e) == -1)
        return -1;
    if (r->clock != GF_CLOCK_OK && r->clock != GF_CLOCK_BEHIND && r->clock != GF_CLOCK_UNKNOWN)
        return gf_err_set(e, GF_E_RECORD, "record: clock must be ok, behind or unknown");
    if (r->type == NULL || !is_media_type(r->type))
        return gf_err_set(e, GF_E_RECORD,
                          "record: type must be a media type such as application/json, of at most "
                          "%d bytes",
                          GF_TYPE_MAX);
    return gf_body_check(&r->body, "record", e);
}

/* What the parser sees checked with the whole line, a writer hands over unchecked: an object that
 * is one in its place in the line, too. */
static int check_ext(const char *ext, struct gf_err *e) {
    char placed[GF_EXT_MAX + 16];
    struct gf_err why;

    if (ext == NULL)
        return 0;
    size_t n = strlen(ext);
    if (n < 2 || n > GF_EXT_MAX || ext[0] != '{' || ext[n - 1] != '}' || strchr(ext, '\n') != NULL)
        return gf_err_set(e, GF_E_RECORD,
                          "record: ext must be an object of at most %d bytes on one line",
                          GF_EXT_MAX);
    int len = snprintf(placed, sizeof placed, "{\"ext\":%s}", ext);
    /* By itself one value, and in its place no deeper than a line may be. */
    if (gf_json_check(ext, n, "ext", &why) == -1 ||
        gf_json_check(placed, (size_t)len, "ext", &why) == -1)
        return gf_err_set(e, GF_E_RECORD, "record: %s", why.text);
    return 0;
}

/* As it stands; {} says nothing. */
static void parse_ext(struct gf_line *l, const char **out) {
    const char *text;
    size_t len;

    if (gf_line_obj(l, "ext", &text, &len) != 1 || len == 2)
        return;
    if (len > GF_EXT_MAX)
        gf_line_fail(l, GF_E_RECORD, "\"ext\" must be at most %d bytes", GF_EXT_MAX);
    else
        *out = gf_line_keep(l, text, len);
}

int gf_record_parse(const char *line, size_t len, struct gf_record *out, struct gf_err *e) {
    struct gf_record r;
    struct gf_line l;
    int clock = 0;

    memset(&r, 0, sizeof r);
    memset(out, 0, sizeof *out);
    if (gf_line_open(line, len, "record", &l, e) == -1)
        return -1;

    gf_line_uuid(&l, "id", &r.id);
    gf_line_str(&l, "channel", 1, GF_WORD_MAX, &r.channel);
    gf_line_str_opt(&l, "product", 1, GF_WORD_MAX, &r.product);
    gf_line_hex(&l, "origin", r.origin.b, sizeof r.origin.b);
    gf_line_time(&l, "created", &r.created);
    r.has_expires = gf_line_time_opt(&l, "expires", &r.expires) == 1;
    gf_line_enum(&l, "clock", gf_record_clocks, &clock);
    gf_line_str(&l, "type", 1, GF_TYPE_MAX, &r.type);
    gf_line_bool(&l, "answer", &r.answer);
    parse_ext(&l, &r.ext);
    r.clock = (enum gf_clock)clock;
    gf_body_parse(&l, &r.body);

    if (gf_line_close(&l, &r.owned, e) == -1)
        return -1;
    if (check(&r, e) == -1) {
        gf_record_free(&r);
        return -1;
    }
    *out = r;
    return 0;
}

int gf_record_write(const struct gf_record *r, struct gf_buf *out, struct gf_err *e) {
    size_t start = out->len;

    if (check(r, e) == -1 || check_ext(r->ext, e) == -1)
        return -1;
    gf_buf_byte(out, '{');
    gf_put_uuid(out, "id", &r->id);
    gf_put_str(out, "channel", r->channel);
    gf_put_str(out, "product", r->product);
    gf_put_hex(out, "origin", r->origin.b, sizeof r->origin.b);
    gf_put_time(out, "created", 1, r->created);
    gf_put_time(out, "expires", r->has_expires, r->expires);
    gf_put_str(out, "clock", gf_record_clocks[r->clock]);
    gf_put_str(out, "type", r->type);
    gf_put_name(out, "answer");
    gf_buf_text(out, r->answer ? "true" : "false");
    gf_body_write(&r->body, out);
    gf_put_name(out, "ext");
    gf_buf_text(out, r->ext != NULL ? r->ext : "{}");
    gf_buf_text(out, "}\n");
    return gf_line_check(out, start, "record", e);
}

void gf_record_derive(const struct gf_id *agent, const struct gf_id *record, struct gf_id *out) {
    static const char label[] = "gapferry-hop/1";
    uint8_t named[sizeof label - 1 + 2 * sizeof agent->b];

    memcpy(named, label, sizeof label - 1);
    memcpy(named + sizeof label - 1, agent->b, sizeof agent->b);
    memcpy(named + sizeof label - 1 + sizeof agent->b, record->b, sizeof record->b);
    gf_digest_128(named, sizeof named, out);
    out->b[6] = (uint8_t)((out->b[6] & 0x0f) | 0x80);
    out->b[8] = (uint8_t)((out->b[8] & 0x3f) | 0x80);
}

void gf_record_free(struct gf_record *r) {
    if (r == NULL)
        return;
    free(r->owned);
    memset(r, 0, sizeof *r);
}
