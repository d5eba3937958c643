/* failure_watch.h: Rules for log lines about failed requests of a pipeline, and about missing acknowledgements of
 * Kafka. Pure: counts and the time are arguments. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define FAILURE_WINDOW_MS 30000 /* between two lines about failed requests of a pipeline */
#define OUTAGE_MS 3000		/* without an acknowledgement; then it counts as an outage */

/* Starts as {.since_ms = now, .is_quiet = true}. */
struct failure_watch {
	uint64_t failed, succeeded; /* at the start of the window */
	int64_t since_ms;
	bool is_quiet; /* no request failed in the window before */
};

struct failure_window {
	uint64_t failed, of; /* failed requests, and all that ended in it */
	int64_t lasted_ms;
};

/* The first failures after a quiet window are due at once, later ones every FAILURE_WINDOW_MS, and all `at_end`.
 * True: the caller logs the window, and another one begins. */
bool failure_watch_look(struct failure_watch *watch, uint64_t failed, uint64_t succeeded, int64_t now_ms, bool at_end,
			struct failure_window *window);

enum outage_news { OUTAGE_NONE, OUTAGE_BEGAN, OUTAGE_ENDED };

/* Starts as {0}. */
struct outage_watch {
	uint64_t acknowledged;
	int64_t last_ms; /* of the last acknowledgement seen; 0: there was none */
	bool is_away;
};

/* The caller must have sent something every second. Before the first acknowledgement nothing counts as an outage.
 * `lasted_ms`: time since the last acknowledgement. */
enum outage_news outage_watch_look(struct outage_watch *watch, uint64_t acknowledged, int64_t now_ms, int64_t *lasted_ms);
