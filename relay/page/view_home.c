/*
 * view_home.c -- what a courier sees first.
 */
#include "relay/page/view_internal.h"

#include <inttypes.h>
#include <string.h>

/* Of a whole bundle. */
static const struct view_word *bundle_word(const struct view_bundle *x) {
    static const struct view_word words[] = {
        {"looking", "", "being looked into"},
        {"ready", "warn", "to be confirmed"},
        {"stranger", "warn", "unknown sender; to be confirmed"},
        {"refused", "bad", "refused"},
        {"handed", "", "handed in"},
        {"pending", "warn", "waits for its sender to be approved"},
        {"taken", "good", "taken in"},
        {"lost", "bad", "not here any more"},
        {NULL, "", "?"},
    };
    int looked = x->state != NULL && strcmp(x->state, "looked") == 0;

    return view_find_word(words, looked && x->look != NULL ? x->look
                                 : x->state != NULL        ? x->state
                                                           : "");
}

static void put_upload(struct gf_buf *b, const char *csrf) {
    gf_buf_printf(
        b,
        "<section aria-labelledby=\"bring\"><h2 id=\"bring\">Bring bundles</h2>\n"
        "<form method=\"post\" action=\"/upload\" enctype=\"multipart/form-data\">"
        "<input type=\"hidden\" name=\"csrf\" value=\"%s\">"
        "<label for=\"file\">Files of the drive</label>\n"
        "<p class=\"hint\" id=\"which\">All <code>.gfb</code> files in "
        "<code>GAPFERRY/to-relay</code>. When a site comes for the first time, also its "
        "<code>.card</code> file in <code>GAPFERRY/cards</code>. A bundle takes effect only when "
        "you have seen what is in it and confirmed.</p>\n"
        "<input type=\"file\" id=\"file\" name=\"file\" multiple required accept=\".gfb,.card\" "
        "aria-describedby=\"which\">"
        "<button>Upload</button></form></section>\n",
        csrf);
}

static void put_brought(struct gf_buf *b, struct view_facts *f) {
    gf_buf_text(b, "<section aria-labelledby=\"brought\"><h2 id=\"brought\">What you brought</h2>\n"
                   "<div class=\"wide\"><table><thead><tr><th scope=\"col\">From</th>"
                   "<th scope=\"col\">Uploaded</th><th scope=\"col\" class=\"n\">Size</th>"
                   "<th scope=\"col\">State</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < f->nbundles; i++) {
        struct view_bundle x;
        view_read_bundle(f, i, &x);
        gf_buf_printf(b, "<tr><th scope=\"row\"><a href=\"/bundle/%" PRId64 "\">", x.row);
        view_sender(b, x.name, x.name != NULL ? NULL : x.fingerprint, x.identity);
        gf_buf_text(b, "</a></th><td data-name=\"Uploaded\">");
        html_time(b, x.at);
        gf_buf_text(b, "</td><td class=\"n\" data-name=\"Size\">");
        html_size(b, x.size);
        gf_buf_text(b, "</td><td>");
        view_put_word(b, bundle_word(&x));
        gf_buf_text(b, "</td></tr>\n");
    }
    gf_buf_text(b, "</tbody></table></div><p><a href=\"/\">Refresh</a></p></section>\n");
}

int view_home(struct gf_buf *b, const char *text, size_t len, const char *csrf, struct gf_err *e) {
    struct view_facts f;

    if (view_open(text, len, &f, e) == -1)
        return -1;
    const struct html_page page = {
        .title = "Bring and take back", .relay = f.relay, .courier = f.courier, .csrf = csrf};
    html_begin(b, &page);
    put_upload(b, csrf);
    if (f.nresponses > 0)
        view_responses(b, &f);
    if (f.nbundles > 0)
        put_brought(b, &f);
    gf_buf_text(b, "<section aria-labelledby=\"relay\"><h2 id=\"relay\">This relay</h2>\n<dl>"
                   "<dt>Fingerprint</dt><dd class=\"print\">");
    html_text(b, f.fingerprint);
    gf_buf_text(b, "</dd><dt>Card</dt><dd><a href=\"/relay.card\">Download relay.card</a>, for a "
                   "site that does not know this relay yet: into <code>GAPFERRY/cards</code> of "
                   "the drive</dd></dl></section>\n");
    html_end(b);
    return view_close(&f, e);
}
