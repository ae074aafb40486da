/*
 * discreet.h -- reasons as they travel to a site: what an endpoint answered, without the addresses
 * of the relay's network. The ledger keeps them whole, for the operator.
 */
#ifndef RELAY_DISCREET_H
#define RELAY_DISCREET_H

#include "gapferry/limits.h"

#define DISCREET_ADDRESS "(address)"

/*
 * In the place of each of these stands DISCREET_ADDRESS:
 *
 *   10.0.0.1  10.0.0.1:8428  [fd00::1]:8428  fd00::1     addresses, with the port or without
 *   https://HOST:PORT/path                               the host of a URL; the rest stays
 *   HOST port 8428  sink.example:8428  localhost:8428    as our own words and libraries name places
 *   no DNS: HOST: ...                                    what follows the stage of a failure
 *
 * text is UTF-8; so is out, cut to GF_REASON_MAX bytes. Equal reasons of two requests, which
 * differed by a port, are equal then.
 */
void discreet_words(const char *text, char out[GF_REASON_MAX + 1]);

#endif
