/* repeated_lines.h: Suppression of the log lines by which librdkafka repeats itself. Every client, and every handle of a broker,
 * reports the same outage. Of the lines that report the same fact, one is logged in REPEATED_LINE_MS, and the others are counted.
 *
 * Lines report the same fact if they differ only in numbers, in the handle of the broker (`127.0.0.1:9092/1`, `/bootstrap`,
 * `GroupCoordinator: 127.0.0.1:9092`), and in what is in parentheses at their end, as "(after 9005ms in state UP)". Pure; the
 * caller has a lock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define REPEATED_LINE_MS 30000
#define REPEATED_LINES 32 /* that are remembered at a time; of more, the one that was logged first is forgotten */

struct repeated_line {
	uint64_t hash; /* 0: empty */
	int64_t logged_ms;
	uint64_t more; /* lines since then */
};

/* Starts as `{0}`. */
struct repeated_lines {
	struct repeated_line items[REPEATED_LINES];
	uint64_t unlogged; /* lines of facts that were forgotten, or lately reported by nothing but their count */
};

/* Whether the line is logged. Then `more` is the number of lines that were not, of the same fact, since it was logged last. */
bool repeated_lines_admit(struct repeated_lines *lines, const char *line, int64_t now_ms, uint64_t *more);

/* Forgets all facts. The number of lines that were not logged, and that no later line has counted. */
uint64_t repeated_lines_end(struct repeated_lines *lines);
