/*
 * progress.c -- a progress bar on standard error, where that is a terminal.
 */
#include "common/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define REDRAW_MS   100
#define BAR_MAX     40 /* cells */
#define BAR_MIN     8
#define COLUMNS_MAX 256

struct progress {
    const char *label;
    int64_t total;
    int64_t base;
    int64_t begun; /* milliseconds */
    int64_t drawn; /* milliseconds; when it was last drawn */
    int shown;     /* 1: something stands on the terminal */
    int colour;
};

static int64_t now_ms(void) {
    struct timespec t;

    if (clock_gettime(CLOCK_MONOTONIC, &t) == -1)
        return 0;
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int terminal_width(void) {
    struct winsize w;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == -1 || w.ws_col == 0)
        return 80;
    return w.ws_col < COLUMNS_MAX - 1 ? w.ws_col : COLUMNS_MAX - 1;
}

struct progress *progress_new(const char *label, int64_t total) {
    const char *term = getenv("TERM");
    const char *no_colour = getenv("NO_COLOR");

    if (!isatty(STDERR_FILENO) || !term || strcmp(term, "dumb") == 0)
        return NULL;
    struct progress *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->label = label;
    p->total = total;
    p->begun = now_ms();
    p->drawn = p->begun;
    p->colour = !no_colour || no_colour[0] == '\0';
    return p;
}

void progress_bytes(int64_t bytes, char out[PROGRESS_BYTES_TEXT]) {
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    size_t u = 0;
    double n = (double)bytes / 1024;

    if (bytes < 1024) {
        (void)snprintf(out, PROGRESS_BYTES_TEXT, "%d byte%s", (int)bytes, bytes == 1 ? "" : "s");
        return;
    }
    while (n >= 1023.95 && u + 1 < sizeof units / sizeof *units) {
        n /= 1024;
        u++;
    }
    (void)snprintf(out, PROGRESS_BYTES_TEXT, "%.1f %s", n, units[u]);
}

/* "2:05 left", "1:02:05 left"; nothing before there is a rate to judge by. */
static void time_left(const struct progress *p, int64_t done, int64_t spent, char *out,
                      size_t size) {
    out[0] = '\0';
    if (p->total <= 0 || done <= 0 || spent < 500)
        return;
    double s = (double)spent / 1000 * ((double)(p->total - done) / (double)done);
    if (s < 0 || s > 359999)
        return;
    int left = (int)(s + 0.5);
    if (left >= 3600)
        (void)snprintf(out, size, "  %d:%02d:%02d left", left / 3600, left / 60 % 60, left % 60);
    else
        (void)snprintf(out, size, "  %d:%02d left", left / 60, left % 60);
}

static void draw(const struct progress *p, int64_t done, int64_t spent) {
    char bytes[PROGRESS_BYTES_TEXT];
    char rate[PROGRESS_BYTES_TEXT];
    char left[32];
    char tail[96];
    char bar[BAR_MAX + 1];
    int width = terminal_width();

    progress_bytes(done, bytes);
    progress_bytes(spent > 0 ? done * 1000 / spent : 0, rate);
    time_left(p, done, spent, left, sizeof left);
    (void)snprintf(tail, sizeof tail, "%s  %s/s%s", bytes, rate, left);

    /* The bar takes what the words leave; on a narrow terminal there is none. */
    int cells = width - 1 - (int)(strlen(p->label) + strlen(tail)) - 10;
    if (cells > BAR_MAX)
        cells = BAR_MAX;
    int64_t part = p->total > 0 && done < p->total ? done : p->total;
    if (p->total <= 0 || cells < BAR_MIN) {
        char line[COLUMNS_MAX];
        (void)snprintf(line, sizeof line, "%s %s", p->label, tail);
        (void)fprintf(stderr, "\r\033[K%.*s", width - 1, line);
    } else {
        int full = (int)((double)cells * (double)part / (double)p->total);
        for (int i = 0; i < cells; i++)
            bar[i] = i < full ? '#' : '.';
        bar[cells] = '\0';
        (void)fprintf(stderr, "\r\033[K%s %3d%% %s[%s]%s %s", p->label,
                      (int)(100.0 * (double)part / (double)p->total), p->colour ? "\033[36m" : "",
                      bar, p->colour ? "\033[0m" : "", tail);
    }
    (void)fflush(stderr);
}

void progress_at(void *bar, int64_t done) {
    struct progress *p = bar;

    if (!p)
        return;
    int64_t now = now_ms();
    if (now - p->drawn < REDRAW_MS)
        return;
    p->drawn = now;
    p->shown = 1;
    draw(p, p->base + done, now - p->begun);
}

void progress_base(struct progress *p, int64_t base) {
    if (p)
        p->base = base;
}

void progress_free(struct progress *p) {
    if (p && p->shown) {
        (void)fputs("\r\033[K", stderr);
        (void)fflush(stderr);
    }
    free(p);
}
