/*
 * listener_guard.h -- does a browser really mean us? Pure functions on what it sent.
 *
 * A page of somebody else can make a browser send requests here. One whose name was made to lead to
 * this machine (DNS rebinding) may even read the replies: it comes with that name as Host. Others
 * cannot read, but can post (cross-site request forgery): they come with their own Origin.
 */
#ifndef RELAY_LISTENER_GUARD_H
#define RELAY_LISTENER_GUARD_H

/* 1 if Host (RFC 9110, 7.2) is an IP address, "localhost" or one of `names` (separated by commas or
 * spaces; NULL: none), with or without a port. 0 if it is missing. */
int listener_guard_host(const char *host, const char *names);

/*
 * 1 if a form was sent from a page of ours: what came as Origin is SCHEME://HOST, or it is missing,
 * or "null" (what a page without referrers sends) and Sec-Fetch-Site says same-origin, as every
 * browser of today does where it trusts the address. tls: 1 for https.
 */
int listener_guard_form(const char *origin, const char *fetch_site, const char *host, int tls);

/* 1 if this Authorization (RFC 6750) carries the token; how long it takes says nothing of it. */
int listener_guard_bearer(const char *authorization, const char *token);

#endif
