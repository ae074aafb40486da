/*
 * html.h -- HTML by hand: what is ours is written as it is, all else through html_text().
 */
#ifndef RELAY_PAGE_HTML_H
#define RELAY_PAGE_HTML_H

#include <stdint.h>

#include "gapferry/buf.h"

/* Text between tags or within a quoted attribute: made safe (gf_text_safe), then & < > " ' escaped.
 * NULL: nothing. */
void html_text(struct gf_buf *b, const char *text);
/* "12.3 MiB"; "2026-11-22 09:06 UTC" of an RFC 3339 time, within <time>. */
void html_size(struct gf_buf *b, int64_t bytes);
void html_time(struct gf_buf *b, const char *rfc3339);

struct html_page {
    const char *title;   /* also the heading; foreign text */
    const char *relay;   /* its name; NULL: not to be told */
    const char *courier; /* logged in; NULL: nobody is */
    const char *csrf;    /* for the form that logs out */
    int refresh_s;       /* load by itself what is at refresh_to (ours, unescaped); 0: no */
    const char *refresh_to;
};
/* Up to the heading; from the footer on. */
void html_begin(struct gf_buf *b, const struct html_page *p);
void html_end(struct gf_buf *b);

/* <form method=post action=...> with the hidden field that proves it is ours. Ours, unescaped. */
void html_form(struct gf_buf *b, const char *action, const char *csrf);
/* A form that is one button. */
void html_button(struct gf_buf *b, const char *action, const char *csrf, const char *kind,
                 const char *label);

/* The style sheet. */
extern const char html_style[];

#endif
