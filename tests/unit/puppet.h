/* A server of HTTP/2, or a caller of one, that says what a test makes it say, frame by frame
 * or byte by byte, on the loop of the one it talks to. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "net/loop.h"

#define PUPPET_LINES 16
#define PUPPET_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define PUPPET_STREAMS 512

enum { FRAME_DATA, FRAME_HEADERS, FRAME_PRIORITY, FRAME_RESET, FRAME_SETTINGS, FRAME_PUSH, FRAME_PING, FRAME_GOAWAY, FRAME_WINDOW,
       FRAME_CONTINUATION };
enum { FLAG_END_STREAM = 1, FLAG_ACK = 1, FLAG_END_HEADERS = 4 };

struct puppet;

struct puppet_line {
	struct watch watch; /* its descriptor is -1 once the line is closed */
	struct puppet *puppet;
	unsigned char *bytes; /* that came and are no whole frame yet */
	size_t length, capacity;
	int greeted;			      /* the preface has come */
	struct nghttp2_hd_inflater *inflater; /* of a line that was dialled */
};

struct puppet {
	struct loop *loop;
	struct watch listener;
	struct puppet_line lines[PUPPET_LINES];
	size_t line_count;
	/* What the test decides: */
	uint32_t streams;				     /* that it allows */
	int mute;					     /* says nothing by itself: no SETTINGS, no answers to PING */
	int stingy;					     /* does not widen the connection's window by what has come */
	void (*asked)(struct puppet_line *line, int32_t id); /* a request is whole; NULL: silence */
	/* What has come: */
	size_t asked_count;
	int32_t ids[PUPPET_STREAMS]; /* of whole requests, in their order */
	int64_t data_bytes;
	size_t head_bytes; /* of the last HEADERS */
	size_t resets, pings, goaways;
	size_t widened_bytes; /* by which the windows of streams were widened */
	uint32_t last_reset_code;
	/* By lines that were dialled, a line each: `ID NAME: VALUE`, `ID data BYTES`, `ID end`,
	 * `ID reset CODE`, `goaway LAST CODE`, `closed`. */
	char heard[65536];
};

int puppet_open(struct puppet *puppet, struct loop *loop); /* the port; what the test decides is set before */
void puppet_close(struct puppet *puppet);

/* A line to a server, on which it has sent the preface and its settings. Its puppet needs no more
 * than a loop; lines are closed by puppet_hang_up_all(). */
struct puppet_line *puppet_dial(struct puppet *puppet, int port);
void puppet_hang_up_all(struct puppet *puppet);

void puppet_hold(const struct puppet_line *line, bool held); /* what is said while it is held leaves at once afterwards */
void puppet_say(struct puppet_line *line, const void *bytes, size_t length);
void puppet_frame(struct puppet_line *line, int type, int flags, int32_t id, const void *payload, size_t length);
void puppet_number(struct puppet_line *line, int type, int32_t id, uint32_t number); /* RESET, WINDOW */
void puppet_settings(struct puppet_line *line, uint32_t streams);
void puppet_goaway(struct puppet_line *line, int32_t last_id, uint32_t code, const char *words);

/* Names and values in turn, NULL at the end. */
void puppet_headers(struct puppet_line *line, int32_t id, int flags, ...);

/* The first headers of a good answer, a message with its prefix, and the trailers. */
void puppet_begin_answer(struct puppet_line *line, int32_t id);
void puppet_message(struct puppet_line *line, int32_t id, const char *message);
void puppet_trailers(struct puppet_line *line, int32_t id, const char *status, const char *words);
void puppet_answer(struct puppet_line *line, int32_t id, const char *message); /* all three */

void puppet_hang_up(struct puppet_line *line);
