/*
 * view.c -- facts, read; and what the pages have in common.
 */
#include "relay/page/view_internal.h"

#include <stdio.h>
#include <string.h>

int view_open(const char *text, size_t len, struct view_facts *f, struct gf_err *e) {
    memset(f, 0, sizeof *f);
    if (gf_json_parse(text, len, "the facts", GF_E_BUG, &f->json, e) == -1)
        return -1;
    gf_json_root(f->json, &f->root);
    (void)gf_json_str(&f->root, "courier", 1, VIEW_TEXT, &f->courier);
    (void)gf_json_str_opt(&f->root, "relay", 1, VIEW_TEXT, &f->relay);
    (void)gf_json_str(&f->root, "fingerprint", 1, VIEW_TEXT, &f->fingerprint);
    (void)gf_json_array(&f->root, "bundles", GF_JSON_ELEMENTS_MAX, &f->nbundles);
    (void)gf_json_array(&f->root, "deliveries", GF_JSON_ELEMENTS_MAX, &f->ndeliveries);
    (void)gf_json_array(&f->root, "responses", GF_JSON_ELEMENTS_MAX, &f->nresponses);
    return 0;
}

int view_close(struct view_facts *f, struct gf_err *e) {
    int rc = gf_json_end(&f->root, e);

    gf_json_free(f->json);
    return rc;
}

void view_read_bundle(struct view_facts *f, size_t i, struct view_bundle *b) {
    struct gf_json_obj o;

    memset(b, 0, sizeof *b);
    (void)gf_json_item_obj(&f->root, "bundles", i, &o);
    (void)gf_json_int(&o, "row", 1, INT64_MAX, &b->row);
    (void)gf_json_int(&o, "size", 0, INT64_MAX, &b->size);
    (void)gf_json_str(&o, "state", 1, VIEW_TEXT, &b->state);
    (void)gf_json_bool(&o, "news", &b->news);
    (void)gf_json_str_opt(&o, "at", 1, VIEW_TEXT, &b->at);
    (void)gf_json_str_opt(&o, "why", 1, VIEW_TEXT, &b->why);
    (void)gf_json_str(&o, "sender", 1, VIEW_TEXT, &b->sender);
    (void)gf_json_str(&o, "identity", 1, VIEW_TEXT, &b->identity);
    (void)gf_json_str_opt(&o, "name", 1, VIEW_TEXT, &b->name);
    (void)gf_json_str_opt(&o, "fingerprint", 1, VIEW_TEXT, &b->fingerprint);
    (void)gf_json_str(&o, "called", 1, VIEW_TEXT, &b->called);
    if (gf_json_obj_opt(&o, "facts", &b->facts) == 1) {
        (void)gf_json_str(&b->facts, "state", 1, VIEW_TEXT, &b->look);
        (void)gf_json_str_opt(&b->facts, "why", 1, VIEW_TEXT, &b->look_why);
        (void)gf_json_bool(&b->facts, "told", &b->told);
        (void)gf_json_bool(&b->facts, "seen", &b->seen);
    }
    if (o.err.code != GF_OK)
        gf_json_fail(&f->root, GF_E_BUG, "%s", o.err.text);
}

/* ---- words ---- */

const struct view_word *view_find_word(const struct view_word *words, const char *state) {
    while (words->state != NULL && strcmp(words->state, state) != 0)
        words++;
    return words;
}

void view_put_word(struct gf_buf *b, const struct view_word *w) {
    gf_buf_printf(b, "<span class=\"is %s\">%s</span>", w->kind, w->text);
}

void view_sender(struct gf_buf *b, const char *name, const char *fingerprint,
                 const char *identity) {
    if (name != NULL)
        html_text(b, name);
    if (name != NULL && fingerprint != NULL)
        gf_buf_text(b, " ");
    if (fingerprint != NULL) {
        gf_buf_text(b, "<span class=\"print\">");
        html_text(b, fingerprint);
        gf_buf_text(b, "</span>");
    }
    if (name == NULL && fingerprint == NULL && identity != NULL) {
        char few[20];
        (void)snprintf(few, sizeof few, "%.16s", identity);
        gf_buf_text(b, "<code>");
        html_text(b, few);
        gf_buf_text(b, "&hellip;</code>");
    }
}

/* ---- what is to be taken back ---- */

void view_responses(struct gf_buf *b, struct view_facts *f) {
    gf_buf_text(
        b, "<section aria-labelledby=\"back\"><h2 id=\"back\">To take back</h2>\n"
           "<p class=\"hint\">Save these into the folder <code>GAPFERRY/to-site</code> of "
           "the drive. At the site, <code>gapferry-agent sync</code> takes them from "
           "there; <code>gapferry-agent import</code> takes single files. What you have downloaded "
           "since you logged in is marked when this page is loaded anew.</p>\n"
           "<div class=\"wide\"><table><thead><tr><th scope=\"col\">For</th>"
           "<th scope=\"col\">Made</th><th scope=\"col\" class=\"n\">Size</th>"
           "<th scope=\"col\">File</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < f->nresponses; i++) {
        const char *id = "", *name = NULL, *fingerprint = NULL, *created = NULL;
        struct gf_json_obj o;
        int64_t size = 0;
        int taken = 0;
        char few[9];
        (void)gf_json_item_obj(&f->root, "responses", i, &o);
        (void)gf_json_str(&o, "id", 1, VIEW_TEXT, &id);
        (void)gf_json_str_opt(&o, "name", 1, VIEW_TEXT, &name);
        (void)gf_json_str_opt(&o, "fingerprint", 1, VIEW_TEXT, &fingerprint);
        (void)gf_json_str_opt(&o, "created", 1, VIEW_TEXT, &created);
        (void)gf_json_int(&o, "size", 0, INT64_MAX, &size);
        (void)gf_json_bool(&o, "taken", &taken);
        gf_buf_text(b, "<tr><th scope=\"row\">");
        view_sender(b, name, name != NULL ? NULL : fingerprint, NULL);
        gf_buf_text(b, "</th><td data-name=\"Made\">");
        html_time(b, created);
        gf_buf_text(b, "</td><td class=\"n\" data-name=\"Size\">");
        html_size(b, size);
        gf_buf_text(b, "</td><td><a href=\"/response/");
        html_text(b, id);
        gf_buf_text(b, ".gfb\">Download<span class=\"skip\"> response ");
        html_text(b, id);
        /* One site may have several, made in the same minute. */
        (void)snprintf(few, sizeof few, "%.8s", id);
        gf_buf_text(b, "</span></a> <code class=\"few\">");
        html_text(b, few);
        gf_buf_text(b, "&hellip;</code>");
        if (taken)
            gf_buf_text(b, " <span class=\"is good\">downloaded</span>");
        gf_buf_text(b, "</td></tr>\n");
    }
    gf_buf_text(b, "</tbody></table></div></section>\n");
}
