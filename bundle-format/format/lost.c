/*
 * lost.c -- `ext.lost` of contents.json: parse and write.
 */
#include "gapferry/lost.h"

#include <stdlib.h>
#include <string.h>

#include "format/put.h"
#include "gapferry/json.h"

void gf_lost_write(const struct gf_lost *list, size_t n, struct gf_buf *out) {
    gf_buf_text(out, "{\"lost\":[");
    for (size_t i = 0; i < n; i++) {
        gf_put_comma(out);
        gf_buf_byte(out, '{');
        gf_put_hex(out, "id", list[i].id.b, sizeof list[i].id.b);
        gf_put_str(out, "channel", list[i].channel);
        gf_put_str(out, "policy", list[i].policy);
        gf_put_int(out, "records", list[i].records);
        gf_put_time(out, "from", 1, list[i].from);
        gf_put_time(out, "to", 1, list[i].to);
        gf_buf_byte(out, '}');
    }
    gf_buf_text(out, "]}");
}

static void read_word(struct gf_json_obj *o, const char *name, char out[GF_WORD_MAX + 1]) {
    const char *text = NULL;

    if (gf_json_str(o, name, 1, GF_WORD_MAX, &text) != 1)
        return;
    if (!gf_text_is_word(text, strlen(text), GF_WORD_MAX))
        gf_json_fail(o, GF_E_CONTENTS, "%s must be a word of [a-z0-9.-]", name);
    else
        memcpy(out, text, strlen(text) + 1);
}

static int read_entry(struct gf_json_obj *o, struct gf_lost *x, struct gf_err *e) {
    gf_json_hex(o, "id", x->id.b, sizeof x->id.b);
    read_word(o, "channel", x->channel);
    read_word(o, "policy", x->policy);
    gf_json_int(o, "records", 1, GF_JSON_INT_MAX, &x->records);
    gf_json_time(o, "from", &x->from);
    gf_json_time(o, "to", &x->to);
    if (o->err.code == GF_OK && x->from > x->to)
        gf_json_fail(o, GF_E_CONTENTS, "from must not lie behind to");
    if (o->err.code == GF_OK)
        return 0;
    *e = o->err;
    return -1;
}

static int read_list(struct gf_json_obj *ext, struct gf_lost **out, size_t *n, struct gf_err *e) {
    struct gf_json_obj item;
    struct gf_lost *list;
    size_t len = 0;

    if (gf_json_array(ext, "lost", GF_LOST_MAX, &len) != 1) {
        *e = ext->err;
        return -1;
    }
    list = calloc(len > 0 ? len : 1, sizeof *list);
    if (list == NULL)
        return gf_err_errno(e, "no memory for a list of losses");
    for (size_t i = 0; i < len; i++) {
        if (gf_json_item_obj(ext, "lost", i, &item) != 1) {
            *e = ext->err;
            free(list);
            return -1;
        }
        if (read_entry(&item, &list[i], e) == -1) {
            free(list);
            return -1;
        }
    }
    *out = list;
    *n = len;
    return 0;
}

int gf_lost_parse(const char *contents, size_t len, struct gf_lost **out, size_t *n,
                  struct gf_err *e) {
    struct gf_json *j = NULL;
    struct gf_json_obj root, ext;
    int rc = 0;

    *out = NULL;
    *n = 0;
    if (gf_json_parse(contents, len, "contents.json", GF_E_CONTENTS, &j, e) == -1)
        return -1;
    gf_json_root(j, &root);
    if (gf_json_obj(&root, "ext", &ext) == 1 && gf_json_has(&ext, "lost"))
        rc = read_list(&ext, out, n, e);
    gf_json_free(j);
    return rc;
}
