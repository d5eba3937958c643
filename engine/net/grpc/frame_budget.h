/* frame_budget.h: Token bucket of one HTTP/2 connection: limits the frames with which its caller does not advance a request.
 *
 * Such frames are small, and each costs the server more than the caller: PING, SETTINGS, PRIORITY, WINDOW_UPDATE, RST_STREAM,
 * CONTINUATION, DATA without bytes, frames of unknown types, and HEADERS of a stream that has begun. Each takes a token. Tokens are
 * added by time, by each new request, by received DATA that has bytes, and by DATA that the server sends: well-behaved callers
 * answer it with PINGs (to measure the round trip) and WINDOW_UPDATEs. So only a caller that does little else runs out.
 *
 * A reset of a request that has just come takes more than the request has added, its message included: a caller that does nothing
 * but begin requests and reset them (rapid reset) runs out too. A request that was waited for is reset as any frame is sent. It is
 * the same if the caller makes the server reset them, by frames that the protocol forbids ("MadeYouReset", CVE-2025-8671).
 *
 * Headers that are short on the wire may be very long when they are decoded (an HPACK bomb), and each costs the server. Those
 * beyond the limit of a request take tokens by their decoded length.
 *
 * The budget reads the frame heads of the connection's bytes, in pieces of any length. It checks none of them: that is left to
 * the session. Pure: the clock is an argument. No memory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_BUDGET_BURST 1000	     /* tokens of a new connection, and the most that it can have */
#define FRAME_BUDGET_A_SECOND 100    /* tokens that each second adds: for connections that only keep themselves alive */
#define FRAME_BUDGET_REQUEST 8	     /* tokens that a new request adds */
#define FRAME_BUDGET_RESET 10	     /* tokens that a reset takes if its request has just come: */
#define FRAME_BUDGET_RESET_MS 100    /* less than so long ago; up to twice as long ago, if frames came all the time */
#define FRAME_BUDGET_DATA 1	     /* tokens that a received DATA frame with bytes adds */
#define FRAME_BUDGET_SENT 4	     /* tokens that a sent DATA frame adds, besides one for */
#define FRAME_BUDGET_SENT_BYTES 1024 /* so many bytes of it: Go's callers widen two windows for each 4 KiB that they have read */
#define FRAME_BUDGET_DECODED_BYTES 4096 /* of headers beyond the limit take a token */
#define FRAME_BUDGET_HEAD_BYTES 10   /* of a frame, and the length of its padding */

struct frame_budget {
	int64_t units;	     /* thousandths of a token; below 0: more resets were caused than may be */
	int64_t begun_units; /* at the beginning */
	int64_t filled_ms;
	size_t skipped;	 /* bytes of the preface or of a payload that are still to come */
	int32_t last_id; /* of the latest request */
	int32_t marked_id, waited_id; /* of the latest at `marked_ms`, and of the latest that was waited for */
	int64_t marked_ms;
	size_t have;	 /* bytes of the head */
	uint8_t head[FRAME_BUDGET_HEAD_BYTES];
};

/* Begins with `tokens`, at most FRAME_BUDGET_BURST, before the preface of the connection. */
void frame_budget_open(struct frame_budget *budget, int64_t tokens, int64_t now_ms);

/* Tokens that the connection has taken and not earned: those with which it began and that are gone. */
int64_t frame_budget_used(const struct frame_budget *budget);

/* Takes received bytes, and tokens for their frames. False: there are too few. The connection must be closed. */
bool frame_budget_take(struct frame_budget *budget, const uint8_t *bytes, size_t count, int64_t now_ms);

/* Takes tokens for decoded headers beyond the limit of a request. False: as above. */
bool frame_budget_head(struct frame_budget *budget, size_t bytes);

/* Takes tokens for the reset of a request that its caller has caused. If there are too few, the next bytes are refused. */
void frame_budget_caused_reset(struct frame_budget *budget, int32_t id);

/* Adds tokens for a sent DATA frame of `count` bytes. */
void frame_budget_sent(struct frame_budget *budget, size_t count);
