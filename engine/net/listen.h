/* listen.h: a socket that listens, for the doors that other programs call. */
#ifndef SLUICE_NET_LISTEN_H
#define SLUICE_NET_LISTEN_H

#include "base/error.h"

/* A socket that does not wait, listening at `*port` of `host` (NULL: loopback); a port of
 * 0 becomes the one that was free. The caller closes it. -1: CONFIG, says what is in the
 * way. */
int listen_open(const char *host, int *port, struct error *error);

/* Whether only this machine can call at that host (NULL: loopback); true too where the name is not known, for then
 * nobody can listen there. */
bool listen_is_local(const char *host);

#endif
