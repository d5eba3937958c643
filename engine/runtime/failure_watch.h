/* failure_watch.h: Watch over the failed requests of one pipeline, and over whether Kafka acknowledges: when there is a line to
 * log. Pure: it is handed counts and the time.
 */
#ifndef SLUICE_RUNTIME_FAILURE_WATCH_H
#define SLUICE_RUNTIME_FAILURE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#define FAILURE_WINDOW_MS 30000 /* between two lines about failed requests of a pipeline */
#define OUTAGE_MS 3000		/* without an acknowledgement, before it is an outage */

/* Starts as {.since_ms = now, .is_quiet = true}. */
struct failure_watch {
	uint64_t failed, succeeded; /* when the window began */
	int64_t since_ms;
	bool is_quiet; /* no request failed in the window before */
};

struct failure_window {
	uint64_t failed, of; /* requests that ended in it */
	int64_t lasted_ms;
};

/* The first failures after a quiet window are due at once, later ones each FAILURE_WINDOW_MS, and all `at_end`. True: the window
 * is to be told, and another one begins. */
bool failure_watch_look(struct failure_watch *watch, uint64_t failed, uint64_t succeeded, int64_t now_ms, bool at_end,
			struct failure_window *window);

enum outage_news { OUTAGE_NONE, OUTAGE_BEGAN, OUTAGE_ENDED };

/* Starts as {0}. */
struct outage_watch {
	uint64_t acknowledged;
	int64_t last_ms; /* when an acknowledgement was seen last; 0: none was */
	bool is_away;
};

/* Whoever looks has sent something each second. Nothing is an outage before the first acknowledgement. `lasted_ms`: how long there
 * has been none. */
enum outage_news outage_watch_look(struct outage_watch *watch, uint64_t acknowledged, int64_t now_ms, int64_t *lasted_ms);

#endif
