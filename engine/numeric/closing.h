/* closing.h: which windows an event falls into, and when they close.
 *
 * The rules are those of Kafka Streams. Stream time is the greatest time seen. Tumbling
 * and hopping windows are [start, end), and start at multiples of `every`, rounded down
 * also before 1970; one is over when end + grace <= stream time. A session's start and end
 * are the times of its first and last event; an event within `gap` of it (the gap itself
 * among them) joins it, and so may make one session of several; it is over when end + gap +
 * grace < stream time. A window of a count is over when it has that many events, whatever
 * their times. What is over takes no event any more.
 *
 * An event is late when every window that it falls into is over; for a session: when one
 * of it alone would be.
 *
 * Times are any unit; sums beyond the range of 64 bits stay at its end. Pure; any
 * thread may call.
 */
#ifndef SLUICE_NUMERIC_CLOSING_H
#define SLUICE_NUMERIC_CLOSING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Into so many windows may one event fall. */
#define CLOSING_WINDOWS_MAX 1000

enum closing_kind { CLOSING_HOPPING, CLOSING_SESSION, CLOSING_COUNT };

struct closing {
	enum closing_kind kind;
	int64_t size;  /* CLOSING_HOPPING; CLOSING_SESSION: the gap; CLOSING_COUNT: how many */
	int64_t every; /* CLOSING_HOPPING: at most the size, which makes it tumbling */
	int64_t grace;
};

struct span {
	int64_t start, end;
};

/* Whether windows may be of that form: sizes above 0, no gaps between them, not too many at
 * once. */
bool closing_is_sound(const struct closing *form);

/* The windows that hold a time, the one with the latest start first: the n-th, until it returns
 * false. Of CLOSING_HOPPING. */
bool closing_window(const struct closing *form, int64_t time, size_t nth, struct span *window);

/* Of CLOSING_HOPPING and CLOSING_SESSION. */
bool closing_is_over(const struct closing *form, const struct span *window, int64_t stream_time);

/* What a session becomes that an event at `time` joins; false: it is too far away. */
bool closing_session_join(const struct closing *form, const struct span *session, int64_t time, struct span *joined);

/* The order in which windows leave: by end, then start. Negative: `left` is first. */
int closing_order(const struct span *left, const struct span *right);

#endif
