/* receiver_lines.c: see receiver_lines.h. */
#include "monitor/alerts/receiver_lines.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/number/duration.h"
#include "base/number/moment.h"

/* Whether it may have one more line. */
static bool line_take(const struct log_sink *log, struct known_receiver *known, int64_t now_ms)
{
	const enum receiver_line line = known_receiver_line(known, now_ms);
	if (line == RECEIVER_LINE_BEGINS)
		log_say(log, LOG_LEVEL_WARN, NULL,
			"more than %d lines on %s in %" PRId64 " minutes: further ones are counted, and written with --log-level "
			"debug only; `sluice alerts list` has its state",
			RECEIVER_LINES_MAX, known->name, RECEIVER_REMIND_MS / (60 * MS_PER_S));
	return line == RECEIVER_LINE_SAYS;
}

enum log_level receiver_line_level(const struct log_sink *log, struct known_receiver *known, enum log_level level, int64_t now_ms)
{
	return !known || line_take(log, known, now_ms) ? LOG_LEVEL_WARN : level;
}

void receiver_line_back(const struct log_sink *log, struct known_receiver *known, int64_t lasted_ms, int64_t now_ms)
{
	char lasted[DURATION_TEXT_MAX];
	duration_print(lasted_ms / MS_PER_S * NS_PER_S, lasted);
	log_say(log, line_take(log, known, now_ms) ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, NULL, "%s takes notices again, after %s",
		known->name, lasted_ms < MS_PER_S ? "less than a second" : lasted);
}

static void sum_say(const struct log_sink *log, const struct known_receiver *known, const struct receiver_sum *sum, int64_t now_ms)
{
	char since[MOMENT_BYTES];
	moment_print(time_of_day_ms() - (now_ms - sum->since_ms), since);
	log_say(log, LOG_LEVEL_WARN, NULL,
		"%s: %" PRIu64 " further lines were not written; since %s %" PRIu64 " attempts failed, and %" PRIu64
		" notices were delivered; the last failure: %s",
		known->name, sum->unsaid, since, sum->failures, sum->deliveries, known->why);
}

void receiver_lines_sum(const struct log_sink *log, struct receiver_board *board, int64_t now_ms, bool ends)
{
	for (size_t i = 0; i < board->count; i++) {
		struct receiver_sum sum;
		if (known_receiver_sum(&board->items[i], now_ms, ends, &sum))
			sum_say(log, &board->items[i], &sum, now_ms);
	}
}
