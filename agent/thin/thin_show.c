/*
 * thin_show.c -- what was thinned so far, for people.
 */
#include "agent/thin/thin_show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/store/store_thin.h"
#include "agent/thin/thin_steps.h"

static void show_one(const struct store_thinned *x, struct out *t, const char *label) {
    char from[GF_TIME_TEXT], to[GF_TIME_TEXT], every[THIN_STEPS_WORDS];

    gf_text_time(x->first, from);
    gf_text_time(x->last, to);
    thin_steps_words(x->every, every);
    out_open(t, NULL, '{');
    out_str(t, "channel", x->channel);
    out_int(t, "every_s", x->every);
    out_int(t, "records", x->records);
    out_int(t, "points", x->points);
    out_str(t, "from", from);
    out_str(t, "to", to);
    out_close(t, '}');
    out_text(t,
             "%s%s: %" PRId64 " point%s of %s to %s left out of %" PRId64
             " records, one of each series stays in %s (thin)\n",
             label, x->channel, x->points, x->points == 1 ? "" : "s", from, to, x->records, every);
}

int thin_show(struct agent *a, const char *channel, struct out *t, const char *label,
              struct gf_err *e) {
    struct store_thinned *list = NULL;
    size_t n = 0;

    if (store_thinned(a->store, &list, &n, e) == -1)
        return -1;
    out_open(t, "thinned", '[');
    for (size_t i = 0; i < n; i++) {
        if (channel == NULL || strcmp(list[i].channel, channel) == 0)
            show_one(&list[i], t, label);
    }
    out_close(t, ']');
    free(list);
    return 0;
}
