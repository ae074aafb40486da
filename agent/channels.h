/*
 * channels.h -- channels as people name them: one that is misspelt in agent.conf has its rule
 * there, and what leaves on the channel that was meant has none.
 */
#ifndef AGENT_CHANNELS_H
#define AGENT_CHANNELS_H

#include "agent/agent.h"

/* The section or channel with consent that was probably meant by `typed`; NULL: none is near, or it
 * is known itself. Borrowed from the configuration or static. */
const char *channels_near(struct agent *a, const char *typed);

/* All channels that anybody has spoken of, sorted: those with records, with a decision about
 * consent, with a section, and metrics, about which everybody asks. Free with free(). */
GF_MUST_CHECK int channels_all(struct agent *a, char (**out)[GF_WORD_MAX + 1], size_t *n,
                               struct gf_err *e);

/* 1 if no section of the configuration says what of this channel may leave. */
int channels_has_no_rule(const struct agent *a, const char *channel);

/* "channel C: no rule ...: every field leaves" to standard error, with the section that may have
 * been meant, if there is no rule. */
void channels_tell_no_rule(struct agent *a, const char *channel);

/* A section that nothing uses, while another channel has consent and no section: 1, with words for
 * people in out; 0: there is none. */
#define CHANNELS_WORDS 512
GF_MUST_CHECK int channels_suspect(struct agent *a, char out[CHANNELS_WORDS], struct gf_err *e);

#endif
