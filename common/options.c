/*
 * options.c -- command lines, driven by a table.
 */
#include "common/options.h"

#include <stdlib.h>
#include <string.h>

#include "common/nearest.h"

#define HELP_COLUMN 26 /* where an option's text begins */
#define HELP_WIDTH  80

/* Longer words are cut in messages: they are no slip of a key. */
#define WORD_MAX 40

static int fail_unknown(const struct option_spec *specs, const char *typed, struct gf_err *e) {
    const char *near = NULL;
    size_t best = (size_t)-1;

    for (const struct option_spec *s = specs; s->name; s++) {
        if (nearest_is(typed, s->name, &best))
            near = s->name;
    }
    if (near)
        return gf_err_set(e, GF_E_USAGE, "unknown option --%s; did you mean --%s?", typed, near);
    return gf_err_set(e, GF_E_USAGE, "unknown option --%s; --help lists them all", typed);
}

static int add(struct options *o, const struct option_spec *spec, const char *value,
               struct gf_err *e) {
    int many = spec && spec->arg && strstr(spec->arg, "...");

    if (spec && spec->arg && !many) {
        for (size_t i = 0; i < o->nitems; i++) {
            if (o->items[i].spec == spec)
                return gf_err_set(e, GF_E_USAGE, "--%s is given twice; give it once", spec->name);
        }
    }
    o->items[o->nitems++] = (struct options_item){.spec = spec, .value = value};
    o->nargs += spec == NULL;
    return 0;
}

/* `--name`, `--name VALUE`, `--name=VALUE`; *i moves on where the value is a word of its own. */
static int add_long(struct options *o, int argc, char **argv, int *i, struct gf_err *e) {
    const char *word = argv[*i] + 2;
    size_t len = strcspn(word, "=");
    const char *value = word[len] == '=' ? word + len + 1 : NULL;
    const struct option_spec *s = o->specs;

    while (s->name && (strlen(s->name) != len || memcmp(s->name, word, len) != 0))
        s++;
    if (!s->name) {
        char typed[WORD_MAX + 1];
        (void)snprintf(typed, sizeof typed, "%.*s", (int)(len > WORD_MAX ? WORD_MAX : len), word);
        return fail_unknown(o->specs, typed, e);
    }
    if (!s->arg && value)
        return gf_err_set(e, GF_E_USAGE, "--%s takes no value; leave \"=%s\" out", s->name, value);
    if (s->arg && !value) {
        if (*i + 1 >= argc)
            return gf_err_set(e, GF_E_USAGE, "--%s needs a value: --%s %s", s->name, s->name,
                              s->arg);
        value = argv[++*i];
    }
    return add(o, s, value, e);
}

/* `-f`, `-fv`, `-o VALUE`, `-oVALUE`. */
static int add_short(struct options *o, int argc, char **argv, int *i, struct gf_err *e) {
    for (const char *c = argv[*i] + 1; *c; c++) {
        const struct option_spec *s = o->specs;
        while (s->name && s->letter != *c)
            s++;
        if (!s->name)
            return gf_err_set(e, GF_E_USAGE,
                              "unknown option -%c; --help lists them all (a file whose name begins "
                              "with a dash comes after --)",
                              *c);
        if (!s->arg) {
            if (add(o, s, NULL, e) == -1)
                return -1;
            continue;
        }
        const char *value = c[1] ? c + 1 : NULL;
        if (!value && *i + 1 < argc)
            value = argv[++*i];
        if (!value)
            return gf_err_set(e, GF_E_USAGE, "-%c needs a value: -%c %s", *c, *c, s->arg);
        return add(o, s, value, e);
    }
    return 0;
}

int options_parse(int argc, char **argv, const struct option_spec *specs, struct options *out,
                  struct gf_err *e) {
    struct options o = {.specs = specs};
    size_t letters = 1;
    int only_args = 0;
    int rc = 0;

    /* Every item takes at least one letter of the command line, or a word of its own. */
    *out = o;
    for (int i = 0; i < argc; i++)
        letters += strlen(argv[i]) + 1;
    o.items = calloc(letters, sizeof *o.items);
    if (!o.items)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for the command line");

    for (int i = 0; i < argc && rc == 0; i++) {
        const char *word = argv[i];
        if (only_args || word[0] != '-' || word[1] == '\0')
            rc = add(&o, NULL, word, e);
        else if (strcmp(word, "--") == 0)
            only_args = 1;
        else if (word[1] == '-')
            rc = add_long(&o, argc, argv, &i, e);
        else
            rc = add_short(&o, argc, argv, &i, e);
    }
    if (rc == -1)
        options_free(&o);
    else
        *out = o;
    return rc;
}

void options_free(struct options *o) {
    free(o->items);
    *o = (struct options){.specs = o->specs};
}

static const struct option_spec *spec_of(const struct options *o, const char *name) {
    for (const struct option_spec *s = o->specs; s->name; s++) {
        if (strcmp(s->name, name) == 0)
            return s;
    }
    abort();
}

size_t options_count(const struct options *o, const char *name) {
    const struct option_spec *spec = spec_of(o, name);
    size_t n = 0;

    for (size_t i = 0; i < o->nitems; i++)
        n += o->items[i].spec == spec;
    return n;
}

const char *options_nth(const struct options *o, const char *name, size_t nth) {
    const struct option_spec *spec = spec_of(o, name);

    for (size_t i = 0; i < o->nitems; i++) {
        if (o->items[i].spec == spec && nth-- == 0)
            return o->items[i].value;
    }
    return NULL;
}

const char *options_value(const struct options *o, const char *name) {
    return options_nth(o, name, 0);
}

const char *options_arg(const struct options *o, size_t nth) {
    for (size_t i = 0; i < o->nitems; i++) {
        if (!o->items[i].spec && nth-- == 0)
            return o->items[i].value;
    }
    return NULL;
}

/* Words of text, broken at HELP_WIDTH, further lines indented by `indent`. */
static void put_wrapped(const char *text, size_t column, size_t indent, FILE *out) {
    int first = 1;

    while (*text) {
        size_t len = strcspn(text, " ");
        if (!first && column + 1 + len > HELP_WIDTH) {
            (void)fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!first) {
            (void)fputc(' ', out);
            column++;
        }
        (void)fwrite(text, 1, len, out);
        column += len;
        first = 0;
        text += len + strspn(text + len, " ");
    }
    (void)fputc('\n', out);
}

void options_help(const struct option_page *page, FILE *out) {
    (void)fprintf(out, "usage: %s %s\n\n", page->program, page->args);
    put_wrapped(page->about, 0, 0, out);
    if (page->specs[0].name)
        (void)fputc('\n', out);
    for (const struct option_spec *s = page->specs; s->name; s++) {
        char left[64];
        char letter[8] = "   ";
        if (s->letter)
            (void)snprintf(letter, sizeof letter, "-%c,", s->letter);
        int n = snprintf(left, sizeof left, "  %s --%s%s%s", letter, s->name, s->arg ? " " : "",
                         s->arg ? s->arg : "");
        if (n < HELP_COLUMN - 1)
            (void)fprintf(out, "%-*s", HELP_COLUMN, left);
        else
            (void)fprintf(out, "%s\n%*s", left, HELP_COLUMN, "");
        put_wrapped(s->help, HELP_COLUMN, HELP_COLUMN, out);
    }
    if (page->more)
        (void)fprintf(out, "\n%s", page->more);
}
