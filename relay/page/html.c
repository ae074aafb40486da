/*
 * html.c -- the frame of every page, and escaping.
 */
#include "relay/page/html.h"

#include <inttypes.h>
#include <string.h>

#include "gapferry/text.h"

#define TEXT_MAX 65536

void html_text(struct gf_buf *b, const char *text) {
    static const struct {
        char c;
        const char *as;
    } escapes[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
    struct gf_buf safe;

    if (text == NULL)
        return;
    gf_buf_init(&safe, TEXT_MAX);
    gf_text_safe(&safe, text, strlen(text));
    for (size_t i = 0; i < safe.len; i++) {
        size_t k = 0;
        while (k < 5 && escapes[k].c != safe.data[i])
            k++;
        if (k < 5)
            gf_buf_text(b, escapes[k].as);
        else
            gf_buf_byte(b, safe.data[i]);
    }
    gf_buf_free(&safe);
}

void html_size(struct gf_buf *b, int64_t bytes) {
    static const char *const units[] = {"KiB", "MiB", "GiB"};
    int64_t scale = 1024;
    int u = 0;

    if (bytes < 1024) {
        gf_buf_printf(b, "%" PRId64 " bytes", bytes);
        return;
    }
    while (u < 2 && bytes >= scale * 1024) {
        scale *= 1024;
        u++;
    }
    gf_buf_printf(b, "%" PRId64 ".%" PRId64 "&nbsp;%s", bytes / scale, bytes % scale * 10 / scale,
                  units[u]);
}

void html_time(struct gf_buf *b, const char *rfc3339) {
    int64_t ignored = 0;

    if (rfc3339 == NULL || gf_text_untime(rfc3339, strlen(rfc3339), &ignored) == -1)
        return;
    gf_buf_printf(b, "<time datetime=\"%s\">%.10s %.5s UTC</time>", rfc3339, rfc3339, rfc3339 + 11);
}

/* ---- forms ---- */

void html_form(struct gf_buf *b, const char *action, const char *csrf) {
    gf_buf_printf(b,
                  "<form method=\"post\" action=\"%s\">"
                  "<input type=\"hidden\" name=\"csrf\" value=\"%s\">",
                  action, csrf);
}

void html_button(struct gf_buf *b, const char *action, const char *csrf, const char *kind,
                 const char *label) {
    html_form(b, action, csrf);
    gf_buf_printf(b, "<button class=\"%s\">%s</button></form>\n", kind, label);
}

/* ---- the frame ---- */

void html_begin(struct gf_buf *b, const struct html_page *p) {
    gf_buf_text(b, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    if (p->refresh_s > 0)
        gf_buf_printf(b, "<meta http-equiv=\"refresh\" content=\"%d;url=%s\">\n", p->refresh_s,
                      p->refresh_to);
    gf_buf_text(b, "<link rel=\"stylesheet\" href=\"/style.css\">\n<title>");
    html_text(b, p->title);
    gf_buf_text(b, " &middot; Gapferry relay</title>\n</head>\n<body>\n"
                   "<a class=\"skip\" href=\"#main\">Skip to the content</a>\n<header><p>"
                   "<a href=\"/\">Gapferry relay");
    if (p->relay != NULL && p->relay[0] != '\0') {
        gf_buf_text(b, " <strong>");
        html_text(b, p->relay);
        gf_buf_text(b, "</strong>");
    }
    gf_buf_text(b, "</a></p>");
    if (p->courier != NULL) {
        gf_buf_text(b, "<div><span>courier <strong>");
        html_text(b, p->courier);
        gf_buf_text(b, "</strong></span>");
        html_button(b, "/logout", p->csrf, "plain", "Log out");
        gf_buf_text(b, "</div>");
    }
    gf_buf_text(b, "</header>\n<main id=\"main\">\n<h1>");
    html_text(b, p->title);
    gf_buf_text(b, "</h1>\n");
}

void html_end(struct gf_buf *b) {
    gf_buf_text(b, "</main>\n<footer><p>Nothing on this page comes from elsewhere, and it needs no "
                   "script. What is brought is encrypted for this relay, what is taken back for "
                   "the site.</p></footer>\n</body>\n</html>\n");
}

/* ---- the look ---- */

const char html_style[] =
    ":root{color-scheme:light dark;--ink:#1c2530;--soft:#526170;--paper:#fff;--back:#f2f4f7;"
    "--line:#cfd6de;--go:#0a5c8f;--go-ink:#fff;--good:#12633a;--bad:#a3231b;--warn:#7a4b00;"
    "--good-back:#e6f4ec;--bad-back:#fcebea;--warn-back:#fdf3e0}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6ebf1;--soft:#a7b4c2;--paper:#18202a;"
    "--back:#10161d;--line:#36424f;--go:#6fb9e8;--go-ink:#0c141b;--good:#86d6a8;--bad:#ff9d94;"
    "--warn:#f0c06a;--good-back:#15301f;--bad-back:#3a1a18;--warn-back:#33270f}}"
    "*{box-sizing:border-box}"
    "body{margin:0;font:1rem/1.5 system-ui,-apple-system,\"Segoe UI\",\"DejaVu Sans\",sans-serif;"
    "color:var(--ink);background:var(--back)}"
    "header,main,footer{max-width:56rem;margin:0 auto;padding:0 1rem}"
    "header{display:flex;flex-wrap:wrap;gap:.5rem 1rem;justify-content:space-between;"
    "align-items:center;padding-top:.75rem}"
    "header p{margin:0}header div{display:flex;gap:.75rem;align-items:center;flex-wrap:wrap}"
    "header form{margin:0}header a{color:inherit;text-decoration:none}"
    "h1{font-size:1.6rem;line-height:1.25;margin:1.25rem 0 1rem;overflow-wrap:anywhere}"
    "h2{font-size:1.15rem;margin:0 0 .5rem}"
    "a{color:var(--go)}"
    "section{background:var(--paper);border:1px solid var(--line);border-radius:.5rem;"
    "padding:1rem;margin:0 0 1rem}"
    "section>:last-child{margin-bottom:0}"
    "label{display:block;font-weight:600;margin:0 0 .25rem}"
    ".hint{color:var(--soft);margin:0 0 .75rem}"
    "input[type=file],input[type=password]{display:block;width:100%;font:inherit;padding:.6rem;"
    "margin:0 0 1rem;color:inherit;background:var(--back);border:1px solid var(--soft);"
    "border-radius:.375rem}"
    "button,.button{display:inline-block;font:inherit;font-weight:600;padding:.6rem 1.1rem;"
    "border-radius:.375rem;border:1px solid var(--go);background:var(--go);color:var(--go-ink);"
    "cursor:pointer;text-decoration:none;text-align:center}"
    "button.plain,.button.plain{background:transparent;color:var(--go)}"
    "header button{padding:.3rem .7rem;font-weight:400}"
    "button:hover,.button:hover{filter:brightness(1.1)}"
    ":focus-visible{outline:3px solid var(--warn);outline-offset:2px}"
    ".choice{display:flex;flex-wrap:wrap;gap:.75rem;margin:1rem 0 0}.choice form{margin:0}"
    ".note{border-left:.35rem solid var(--soft);padding:.75rem 1rem;margin:0 0 1rem;"
    "background:var(--paper);border-radius:.25rem;overflow-wrap:anywhere}"
    ".note.good{border-color:var(--good);background:var(--good-back)}"
    ".note.bad{border-color:var(--bad);background:var(--bad-back)}"
    ".note.warn{border-color:var(--warn);background:var(--warn-back)}"
    ".note p{margin:0 0 .5rem}.note>:last-child{margin-bottom:0}"
    "dl+.wide{margin-top:.75rem}dl{display:grid;grid-template-columns:minmax(7rem,max-content) "
    "1fr;gap:.35rem 1rem;margin:0}"
    "dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}"
    "code{font-family:ui-monospace,\"DejaVu Sans Mono\",monospace;font-size:.95em;"
    "overflow-wrap:anywhere}"
    ".print{font-family:ui-monospace,\"DejaVu Sans Mono\",monospace;font-weight:600;"
    "letter-spacing:.02em}"
    ".few{color:var(--soft);white-space:nowrap}"
    "@media(min-width:48rem){.print{white-space:nowrap}}"
    ".wide{overflow-x:auto}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;vertical-align:top;padding:.45rem .6rem .45rem 0;"
    "border-top:1px solid var(--line)}"
    "thead th{border-top:0;color:var(--soft);font-weight:600}"
    "td.n,th.n{text-align:right;padding-right:1.5rem;font-variant-numeric:tabular-nums}"
    ".is{font-weight:600}.is.good{color:var(--good)}.is.bad{color:var(--bad)}"
    ".is.warn{color:var(--warn)}.is.off{color:var(--soft)}"
    "ul{margin:0 0 .5rem;padding-left:1.25rem}"
    ".skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;background:var(--paper);"
    "padding:.5rem}"
    "footer{color:var(--soft);font-size:.9rem;padding-bottom:2rem}"
    "@media(max-width:34rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5rem}"
    "thead{position:absolute;left:-99rem}tr{display:block;border-top:1px solid var(--line);"
    "padding:.5rem 0}td,th[scope=row]{display:block;border:0;padding:.1rem 0}"
    "td.n{text-align:left;padding-right:0}td[data-name]::before{content:attr(data-name) \": "
    "\";color:var(--soft)}"
    ".choice>*,.choice button{width:100%}}\n";
