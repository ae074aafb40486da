/*
 * view_bundle.c -- one bundle: what it contains, and where it is.
 */
#include "relay/page/view_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Of records: what ledger_states[] means to somebody who has never heard of it. */
static const struct view_word *record_word(const char *state) {
    static const struct view_word words[] = {
        {"received", "", "waits its turn"},
        {"sending", "", "on its way"},
        {"later", "warn", "tried again later"},
        {"held", "warn", "held for the operator"},
        {"onward", "", "passed on"},
        {"delivered", "good", "delivered"},
        {"rejected", "bad", "rejected"},
        {"expired", "bad", "expired"},
        {NULL, "", "?"},
    };

    return view_find_word(words, state != NULL ? state : "");
}

static void put_contents(struct gf_buf *b, struct view_bundle *x) {
    const char *id = NULL, *created = NULL, *expires = NULL;
    int64_t records = 0, files = 0;
    size_t n = 0;

    (void)gf_json_str_opt(&x->facts, "id", 1, VIEW_TEXT, &id);
    (void)gf_json_str_opt(&x->facts, "created", 1, VIEW_TEXT, &created);
    (void)gf_json_str_opt(&x->facts, "expires", 1, VIEW_TEXT, &expires);
    (void)gf_json_int(&x->facts, "records", 0, INT64_MAX, &records);
    (void)gf_json_int(&x->facts, "files", 0, INT64_MAX, &files);
    (void)gf_json_array(&x->facts, "channels", GF_JSON_ELEMENTS_MAX, &n);
    gf_buf_text(b, "<section aria-labelledby=\"facts\"><h2 id=\"facts\">What it is</h2>\n<dl>"
                   "<dt>From</dt><dd>");
    view_sender(b, x->name, x->fingerprint, x->identity);
    if (x->sender != NULL && strcmp(x->sender, "enrolled") == 0)
        gf_buf_text(b, " <span class=\"is good\">enrolled</span>");
    else
        gf_buf_text(b, " <span class=\"is warn\">not enrolled</span>");
    gf_buf_text(b, "</dd>");
    if (created != NULL) {
        gf_buf_text(b, "<dt>Made</dt><dd>");
        html_time(b, created);
        gf_buf_text(b, "</dd>");
    }
    if (expires != NULL) {
        gf_buf_text(b, "<dt>Good until</dt><dd>");
        html_time(b, expires);
        gf_buf_text(b, "</dd>");
    }
    gf_buf_text(b, "<dt>Size</dt><dd>");
    html_size(b, x->size);
    gf_buf_text(b, "</dd><dt>Number</dt><dd><code>");
    html_text(b, id);
    gf_buf_text(b, "</code></dd>");
    if (x->look != NULL && strcmp(x->look, "ready") == 0 && !x->seen) {
        gf_buf_printf(b, "<dt>Contains</dt><dd>%" PRId64 " record%s", records,
                      records == 1 ? "" : "s");
        if (files > 0)
            gf_buf_printf(b, ", %" PRId64 " file%s", files, files == 1 ? "" : "s");
        gf_buf_text(b, "</dd>");
    }
    gf_buf_text(b, "</dl>\n");
    if (n > 0)
        gf_buf_text(b, "<div class=\"wide\"><table><thead><tr><th scope=\"col\">Channel</th><th "
                       "scope=\"col\" class=\"n\">Records</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < n; i++) {
        struct gf_json_obj o;
        const char *channel = "";
        int64_t count = 0;
        (void)gf_json_item_obj(&x->facts, "channels", i, &o);
        (void)gf_json_str(&o, "channel", 0, VIEW_TEXT, &channel);
        (void)gf_json_int(&o, "records", 0, INT64_MAX, &count);
        gf_buf_text(b, "<tr><th scope=\"row\">");
        html_text(b, channel[0] != '\0' ? channel : "all others");
        gf_buf_printf(b, "</th><td class=\"n\" data-name=\"Records\">%" PRId64 "</td></tr>\n",
                      count);
    }
    gf_buf_text(b, n > 0 ? "</tbody></table></div></section>\n" : "</section>\n");
}

static void put_note(struct gf_buf *b, const char *kind, const char *before, const char *foreign,
                     const char *behind) {
    gf_buf_printf(b, "<div class=\"note %s\" role=\"status\"><p>%s", kind, before);
    html_text(b, foreign);
    gf_buf_printf(b, "%s</p></div>\n", behind);
}

/* Who it is, and what the operator has to do; nobody else can. */
static void put_stranger(struct gf_buf *b, const struct view_bundle *x) {
    gf_buf_text(b, "<div class=\"note warn\" role=\"status\"><p><strong>Its sender is not enrolled "
                   "here.</strong> Nothing that it says of itself is verified yet.</p>");
    if (x->sender != NULL && strcmp(x->sender, "declined") == 0) {
        gf_buf_text(b, "<p>The operator of this relay has declined this sender.</p></div>\n");
        return;
    }
    if (x->fingerprint == NULL) {
        gf_buf_text(b, "<p>Its card was never seen here: upload also the <code>.card</code> file "
                       "in <code>GAPFERRY/cards</code> of the same drive.</p></div>\n");
        return;
    }
    gf_buf_text(b, "<p>The operator of this relay compares the fingerprint <span class=\"print\">");
    html_text(b, x->fingerprint);
    gf_buf_text(b, "</span> with the one that <code>gapferry-agent card</code> shows at the site, "
                   "and then runs, on the relay:</p><p><code>");
    html_text(b, x->called);
    gf_buf_text(b, " approve ");
    html_text(b, x->fingerprint);
    gf_buf_text(b, "</code></p></div>\n");
}

static void put_choice(struct gf_buf *b, const struct view_bundle *x, const char *csrf,
                       const char *confirm) {
    char action[64];

    gf_buf_text(b, "<div class=\"choice\">\n");
    if (confirm != NULL) {
        (void)snprintf(action, sizeof action, "/bundle/%" PRId64 "/confirm", x->row);
        html_button(b, action, csrf, "go", confirm);
    }
    (void)snprintf(action, sizeof action, "/bundle/%" PRId64 "/discard", x->row);
    html_button(b, action, csrf, "plain", "Discard");
    gf_buf_text(b, "</div>\n");
}

/* Before it was handed in. */
static void put_looked(struct gf_buf *b, struct view_bundle *x, const char *csrf) {
    const char *confirm = "Confirm: hand it in";

    if (x->look == NULL)
        return;
    if (strcmp(x->look, "stranger") == 0) {
        put_stranger(b, x);
        confirm = "Confirm: leave it here until its sender is approved";
    } else if (strcmp(x->look, "refused") == 0) {
        put_note(b, "bad", "<strong>Refused:</strong> ", x->look_why,
                 x->told ? ".</p><p>Handed in anyway it has no effect, but the site is told why "
                           "with the next response."
                         : ".</p><p>Copy it from the drive again, for it may have been damaged on "
                           "the way. If that does not help, let the site run <code>gapferry-agent "
                           "sync</code> again.");
        confirm = x->told ? "Hand it in, so that the site is told" : NULL;
    } else if (x->seen) {
        put_note(b, "good",
                 "This relay has taken this bundle before. To hand it in again does no harm, and "
                 "shows what waits for its sender.",
                 NULL, "");
    } else {
        put_note(b, "good",
                 "Its signature is that of an enrolled sender, and it is whole. Nothing has taken "
                 "effect yet: see what it is, then confirm.",
                 NULL, "");
    }
    put_contents(b, x);
    put_choice(b, x, csrf, confirm);
}

static void put_delivery(struct gf_buf *b, struct view_facts *f, size_t i) {
    const char *endpoint = NULL, *channel = "", *reason = NULL, *due = NULL, *state = "";
    struct gf_json_obj o;
    int64_t records = 0;

    (void)gf_json_item_obj(&f->root, "deliveries", i, &o);
    (void)gf_json_str_opt(&o, "endpoint", 1, VIEW_TEXT, &endpoint);
    (void)gf_json_str(&o, "channel", 1, VIEW_TEXT, &channel);
    (void)gf_json_str_opt(&o, "reason", 1, VIEW_TEXT, &reason);
    (void)gf_json_str_opt(&o, "due", 1, VIEW_TEXT, &due);
    (void)gf_json_str(&o, "state", 1, VIEW_TEXT, &state);
    (void)gf_json_int(&o, "records", 0, INT64_MAX, &records);
    gf_buf_text(b, "<tr><th scope=\"row\">");
    html_text(b, channel);
    gf_buf_text(b, "</th><td data-name=\"Endpoint\">");
    html_text(b, endpoint != NULL ? endpoint : "none yet");
    gf_buf_printf(b, "</td><td class=\"n\" data-name=\"Records\">%" PRId64 "</td><td>", records);
    view_put_word(b, record_word(state));
    if (due != NULL) {
        gf_buf_text(b, ", at ");
        html_time(b, due);
    }
    if (reason != NULL && strcmp(state, "delivered") != 0) {
        gf_buf_text(b, "<br>");
        html_text(b, reason);
    }
    gf_buf_text(b, "</td></tr>\n");
}

static void put_taken(struct gf_buf *b, struct view_facts *f, struct view_bundle *x) {
    gf_buf_text(b, "<section aria-labelledby=\"where\"><h2 id=\"where\">Where its records are</h2>"
                   "\n<div class=\"wide\"><table><thead><tr><th scope=\"col\">Channel</th>"
                   "<th scope=\"col\">Endpoint</th><th scope=\"col\" class=\"n\">Records</th>"
                   "<th scope=\"col\">State</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < f->ndeliveries; i++)
        put_delivery(b, f, i);
    gf_buf_printf(
        b, "</tbody></table></div>%s<p><a href=\"/bundle/%" PRId64 "\">Refresh</a></p></section>\n",
        f->ndeliveries == 0 ? "<p>It had no records that were new.</p>" : "", x->row);
}

/* After it was handed in. */
static void put_handed(struct gf_buf *b, struct view_facts *f, struct view_bundle *x) {
    if (strcmp(x->state, "taken") == 0) {
        if (f->nresponses > 0)
            view_responses(b, f);
        else if (x->news)
            put_note(b, "warn", "No response is ready yet; one is made within a moment.", NULL, "");
        else
            put_note(b, "good",
                     "There is nothing to take back: the site has it all already, or nothing that "
                     "it sent needs an answer yet.",
                     NULL, "");
        put_taken(b, f, x);
    } else if (strcmp(x->state, "pending") == 0) {
        put_stranger(b, x);
        put_note(b, "warn",
                 "The relay keeps it until then; you need not bring it again. Come back to this "
                 "page when its sender was approved.",
                 NULL, "");
    } else if (strcmp(x->state, "refused") == 0) {
        put_note(b, "bad", "<strong>Refused:</strong> ", x->why,
                 ".</p><p>It had no effect. Let the site run <code>gapferry-agent sync</code> "
                 "again.");
        if (f->nresponses > 0)
            view_responses(b, f);
    } else if (strcmp(x->state, "lost") == 0) {
        put_note(b, "bad",
                 "It is not here any more: its sender was declined, or somebody has removed it. "
                 "Upload it again if it is still wanted.",
                 NULL, "");
    }
    if (x->look != NULL)
        put_contents(b, x);
}

/* Seconds until something may have changed by itself; 0: nothing will. */
static int refresh_of(struct view_facts *f, const struct view_bundle *x) {
    int soon = 0;

    if (x->state == NULL)
        return 0;
    if (strcmp(x->state, "looking") == 0 || strcmp(x->state, "handed") == 0)
        return 2;
    if (strcmp(x->state, "taken") != 0)
        return strcmp(x->state, "pending") == 0 ? 30 : 0;
    for (size_t i = 0; i < f->ndeliveries; i++) {
        struct gf_json_obj o;
        const char *state = "";
        (void)gf_json_item_obj(&f->root, "deliveries", i, &o);
        (void)gf_json_str(&o, "state", 1, VIEW_TEXT, &state);
        soon |= strcmp(state, "received") == 0 || strcmp(state, "sending") == 0;
    }
    return soon || (f->nresponses == 0 && x->news) ? 3 : 0;
}

int view_bundle(struct gf_buf *b, const char *text, size_t len, const char *csrf,
                struct gf_err *e) {
    char title[400], again[64];
    struct view_bundle x;
    struct view_facts f;

    if (view_open(text, len, &f, e) == -1)
        return -1;
    view_read_bundle(&f, 0, &x);
    (void)snprintf(title, sizeof title, "Bundle from %.300s",
                   x.name != NULL          ? x.name
                   : x.fingerprint != NULL ? x.fingerprint
                                           : "an unknown sender");
    (void)snprintf(again, sizeof again, "/bundle/%" PRId64 "?" VIEW_AGAIN "=1", x.row);
    const struct html_page page = {.title = title,
                                   .relay = f.relay,
                                   .courier = f.courier,
                                   .csrf = csrf,
                                   .refresh_s = refresh_of(&f, &x),
                                   .refresh_to = again};
    html_begin(b, &page);
    if (x.state == NULL) {
        gf_json_fail(&f.root, GF_E_BUG, "a bundle without a state");
    } else if (strcmp(x.state, "looking") == 0 || strcmp(x.state, "handed") == 0) {
        put_note(b, "",
                 x.state[0] == 'l'
                     ? "The relay is looking into this bundle. The page reloads by itself."
                     : "Handed in; the relay is taking it in. The page reloads by itself.",
                 NULL, "");
        gf_buf_printf(b, "<p><a href=\"/bundle/%" PRId64 "\">Refresh</a></p>\n", x.row);
    } else if (strcmp(x.state, "looked") == 0) {
        put_looked(b, &x, csrf);
    } else {
        put_handed(b, &f, &x);
    }
    gf_buf_text(b, "<p><a href=\"/\">All that you brought</a></p>\n");
    html_end(b);
    return view_close(&f, e);
}
