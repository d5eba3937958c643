/* web_receiver.h: Receiver of webhooks on a loopback port, for tests: it keeps what it hears, and answers in its manner. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#define WEB_RECEIVER_REQUESTS 64
#define WEB_RECEIVER_BYTES 8192

/* 200; 503 to the first request; 404; no answer to the first request until it is released, and then a closed connection; 302 to
 * itself to the first request; what is not HTTP to the first request; 302 to another protocol; 200 with a body that breaks
 * off, each time; 429; 408; 100 before what is not HTTP; a closed connection. */
enum receiver_manner {
	ANSWERS,
	IS_BUSY_ONCE,
	REFUSES,
	HANGS_ONCE,
	REDIRECTS_ONCE,
	GARBLES_ONCE,
	REDIRECTS_AWAY,
	BREAKS_OFF,
	LIMITS,
	TIMES_OUT,
	GARBLES_LATER,
	CLOSES
};

struct web_receiver {
	int listener, port;
	enum receiver_manner manner;
	pthread_t thread;
	atomic_bool released; /* it hangs no longer */
	_Atomic size_t count;
	char heard[WEB_RECEIVER_REQUESTS][WEB_RECEIVER_BYTES]; /* heads and bodies */
};

struct web_receiver *web_receiver_open(enum receiver_manner manner);
void web_receiver_close(struct web_receiver *receiver);

/* Waits until it has heard so many requests, or fails the test. */
void web_receiver_await(struct web_receiver *receiver, size_t count);

/* The line of a header of a request; lasts until the next but one call. */
const char *web_receiver_header(const struct web_receiver *receiver, size_t number, const char *name);

/* That of the id. */
static inline const char *web_receiver_id(const struct web_receiver *receiver, size_t number)
{
	return web_receiver_header(receiver, number, "Idempotency-Key: ");
}
