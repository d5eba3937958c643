/* receiver_lines.h: Lines of the log on receivers of notices, of which there are RECEIVER_LINES_MAX in RECEIVER_REMIND_MS for each;
 * the others have the level debug, and are counted in a line (monitor/alerts/receiver_board.h). Of the notifier, which calls with
  * its lock.
 */
#ifndef SLUICE_MONITOR_ALERTS_RECEIVER_LINES_H
#define SLUICE_MONITOR_ALERTS_RECEIVER_LINES_H

#include "monitor/alerts/receiver_board.h"
#include "observe/log_sink.h"

/* That of a line on an attempt that failed: LOG_LEVEL_WARN, if the receiver may have one more, else `level`. Says that further ones
 * are counted, when they begin to be. `known` NULL: it may have one. */
enum log_level receiver_line_level(const struct log_sink *log, struct known_receiver *known, enum log_level level, int64_t now_ms);

/* The line of a receiver that takes notices again, after such a time. */
void receiver_line_back(const struct log_sink *log, struct known_receiver *known, int64_t lasted_ms, int64_t now_ms);

/* A line for each receiver on what was counted, when its time is over, or if the notifier `ends`. */
void receiver_lines_sum(const struct log_sink *log, struct receiver_board *board, int64_t now_ms, bool ends);

#endif
