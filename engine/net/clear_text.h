/* clear_text.h: Refusal of a caller that sends HTTP in clear text to a port with TLS: the answer 400, with the reason. Any thread
 * may call. */
#ifndef SLUICE_NET_CLEAR_TEXT_H
#define SLUICE_NET_CLEAR_TEXT_H

#include <stdbool.h>

#define CLEAR_TEXT_BYTES 5 /* that OpenSSL reads before it knows that they begin no record of TLS */

/* Whether these are the first bytes of a request: a method in upper case, as all registered ones are. No record of TLS begins so.
 * Nor is it the line PROXY of a load balancer, which is no request; other protocols that begin with five capitals are taken for
 * one. */
bool clear_text_begins(const char first[CLEAR_TEXT_BYTES]);

/* Sends the refusal, and ends the sending direction. The socket stays open. */
void clear_text_refuse(int socket);

#endif
