/*
 * config_print.c -- what `config show` and `config check` print.
 */
#include "common/config_print.h"

#include <stdarg.h>
#include <stdio.h>

#define SHOW_MAX ((size_t)4 << 20)

static void put(void *arg, const struct config_setting *s) {
    struct out *t = arg;

    out_open(t, NULL, '{');
    out_str(t, "section", s->section);
    out_str(t, "name", s->name);
    out_str(t, "key", s->key);
    out_str(t, "value", s->value);
    out_str(t, "from", s->value != NULL || s->emptied == NULL ? s->origin : s->emptied);
    out_close(t, '}');
}

int config_print_settings(const struct config *c, const struct options *o, struct gf_err *e) {
    struct gf_buf text;
    struct out t;

    out_begin(&t, o);
    if (t.json) {
        out_open(&t, "settings", '[');
        config_each(c, put, &t);
        out_close(&t, ']');
        return out_end(&t, e);
    }
    out_free(&t);
    gf_buf_init(&text, SHOW_MAX);
    config_show(c, &text);
    int rc = gf_buf_check(&text, "the configuration", e);
    if (rc == 0 && text.len > 0)
        (void)fwrite(text.data, 1, text.len, stdout);
    gf_buf_free(&text);
    return rc;
}

void config_print_begin(struct config_print *p, const char *program, const char *path,
                        const struct options *o) {
    p->program = program;
    out_begin(&p->out, o);
    out_str(&p->out, "file", path);
    out_open(&p->out, "warnings", '[');
    out_text(&p->out, "%s: no mistake was found\n", path);
}

void config_print_warning(struct config_print *p, const char *fmt, ...) {
    char text[2048];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    out_str(&p->out, NULL, text);
    if (!p->out.json)
        (void)fprintf(stderr, "%s: warning: %s\n", p->program, text);
}

int config_print_end(struct config_print *p, struct gf_err *e) {
    out_close(&p->out, ']');
    return out_end(&p->out, e);
}
