/* listen.h: Listening socket of a server. */
#pragma once

#include "base/error.h"

/* Opens a non-blocking socket that listens at `*port` of `host` (NULL: loopback). A port of 0 is replaced by the
 * free one that was chosen. The caller closes the socket. -1: CONFIG, with the reason. */
int listen_open(const char *host, int *port, struct error *error);

/* Whether only this machine can connect to that host (NULL: loopback). True also if the name is unknown, since
 * then no server can listen there. */
bool listen_is_local(const char *host);

/* Whether accept() failed with that code for lack of a descriptor or of memory. The connection waits meanwhile, and its socket
 * stays readable, so the caller pauses before the next attempt. */
bool listen_is_exhausted(int code);
