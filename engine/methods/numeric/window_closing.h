/* window_closing.h: Assignment of events to windows, and the closing of windows.
 *
 * The rules are those of Kafka Streams. Stream time is the greatest time seen. Tumbling and hopping windows are
 * [start, end), and start at multiples of `every`, rounded down also before 1970. One is over when end + grace <=
 * stream time. A session's start and end are the times of its first and last event. An event within `gap` of it
 * (including the gap itself) joins it, and may so merge several sessions into one. A session is over when end + gap +
 * grace < stream time. A count window is over when it has that many events, whatever their times. A window that is
 * over accepts no events.
 *
 * An event is late when every window that it falls into is over; for a session: when a session of that event alone
 * would be.
 *
 * Times are in any unit; sums beyond the range of 64 bits saturate. Pure; any thread may call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most windows into which one event may fall. */
#define CLOSING_WINDOWS_MAX 1000

enum closing_kind { CLOSING_HOPPING, CLOSING_SESSION, CLOSING_COUNT };

struct closing {
	enum closing_kind kind;
	int64_t size;  /* CLOSING_HOPPING: the size; CLOSING_SESSION: the gap; CLOSING_COUNT: the number of events */
	int64_t every; /* CLOSING_HOPPING: at most the size; equal to it: tumbling */
	int64_t grace;
};

struct span {
	int64_t start, end;
};

/* Whether the form is valid: sizes above 0, no gaps between windows, not too many at once. */
bool closing_is_sound(const struct closing *form);

/* The windows that contain a time, the one with the latest start first: the n-th, until it returns false. For
 * CLOSING_HOPPING. */
bool closing_window(const struct closing *form, int64_t time, size_t nth, struct span *window);

/* For CLOSING_HOPPING and CLOSING_SESSION. */
bool closing_is_over(const struct closing *form, const struct span *window, int64_t stream_time);

/* The session after an event at `time` joins it. False: the event is too far from it. */
bool closing_session_join(const struct closing *form, const struct span *session, int64_t time, struct span *joined);

/* The order in which windows are emitted: by end, then start. Negative: `left` is first. */
int closing_order(const struct span *left, const struct span *right);
