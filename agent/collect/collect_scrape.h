/*
 * collect_scrape.h -- endpoints of Prometheus are asked, each at its interval, and what they say
 * becomes records as if it had been posted to /v1/metrics: consent, rule and room are looked at in
 * the same place, and the same flush makes them durable.
 *
 * All of it happens in the loop that serves requests and waits for none: an endpoint that is slow
 * or hangs holds up nobody. One that fails is asked again at its next time, no sooner; the points
 * `up` and `scrape_duration_seconds` are recorded for it nevertheless. Where the site has not
 * consented nobody is asked.
 *
 * Nothing goes through a proxy, no redirect is followed, no name is looked up.
 */
#ifndef COLLECT_COLLECT_SCRAPE_H
#define COLLECT_COLLECT_SCRAPE_H

#include "agent/collect/collect.h"
#include "agent/collect/collect_scrape_settings.h"

struct collect_scraper;

/* c and list are borrowed until the end; list has one at least. GF_E_CONFIG for a URL that cannot
 * be asked, GF_E_SYSTEM. Free with _free, which accepts NULL; what is under way is given up. */
GF_MUST_CHECK int collect_scrape_new(struct collect *c, const struct collect_scrapes *list,
                                     struct collect_scraper **out, struct gf_err *e);
void collect_scrape_free(struct collect_scraper *s);

/* 0 if each URL is one that collect_scrape_new() takes. */
GF_MUST_CHECK int collect_scrape_check(const struct collect_scrapes *list, struct gf_err *e);

/* Wait until one of these n descriptors (-1: none) can be read, an endpoint is due, or something
 * has come from one; at most ms, -1: any time. -1: for want of memory nothing was waited for. */
GF_MUST_CHECK int collect_scrape_poll(struct collect_scraper *s, const int *fds, size_t n, int ms);

/* Ask who is due, and take one answer that has come: it is in the group then, as a request is. */
void collect_scrape_step(struct collect_scraper *s);

/* What `status` shows, one for each endpoint in the order of the list; borrowed. */
const struct collect_scrape_state *collect_scrape_states(const struct collect_scraper *s,
                                                         size_t *n);

/* ---- for collect_reply.c: what became of the body of an endpoint ---- */

void collect_scrape_kept(struct collect_call *call);
void collect_scrape_refused(struct collect_call *call, const char *why);

#endif
