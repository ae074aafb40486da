/*
 * worker_say.c -- answers on their way to the listener.
 */
#include <string.h>

#include "common/log.h"
#include "relay/listener/worker.h"

void worker_say(struct worker *w, const struct wire_say *s, const void *data, int fd) {
    struct gf_err why;

    if (w->sock != -1 && wire_say_send(w->sock, s, data, fd, &why) == -1) {
        log_write(LOG_LEVEL_WARNING, "listener-deaf", {"why", why.text, 0});
        worker_part(w);
    }
}

void worker_say_plain(struct worker *w, uint64_t tag, enum wire_answer answer) {
    const struct wire_say s = {.answer = answer, .tag = tag};
    worker_say(w, &s, NULL, -1);
}

void worker_say_error(struct worker *w, uint64_t tag, enum wire_answer answer,
                      const struct gf_err *why, int64_t seconds) {
    const struct wire_say s = {.answer = answer,
                               .code = (uint32_t)why->code,
                               .tag = tag,
                               .size = seconds,
                               .len = (uint32_t)strlen(why->text)};
    worker_say(w, &s, why->text, -1);
}

void worker_say_trouble(struct worker *w, uint64_t tag, const struct gf_err *why) {
    struct gf_err told;

    log_write(LOG_LEVEL_ERROR, "listener-trouble", {"why", why->text, 0});
    (void)gf_err_set(&told, why->code, "the relay has trouble of its own; its log says which");
    worker_say_error(w, tag, WIRE_LATER, &told, 30);
}
