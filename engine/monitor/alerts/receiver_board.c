/* receiver_board.c: see receiver_board.h. */
#include "monitor/alerts/receiver_board.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/number/duration.h"
#include "base/number/moment.h"

#define LEFT_NAMED 10 /* in a line */
#define NAMES_BYTES ((size_t)3 << 10)

uint64_t receiver_key(struct text receiver)
{
	return hash_text(receiver, 0);
}

struct known_receiver *receiver_board_find(struct receiver_board *board, struct text receiver)
{
	const uint64_t key = receiver_key(receiver);
	for (size_t i = 0; i < board->count; i++)
		if (board->items[i].key == key)
			return &board->items[i];
	return board->count == RECEIVERS_KNOWN_MAX ? &board->items[RECEIVERS_KNOWN_MAX - 1] : NULL;
}

struct known_receiver *receiver_board_note(struct receiver_board *board, struct text receiver, const char *name)
{
	struct known_receiver *known = receiver_board_find(board, receiver);
	if (known)
		return known;
	known = &board->items[board->count++];
	*known = (struct known_receiver){.key = receiver_key(receiver), .is_shared = board->count == RECEIVERS_KNOWN_MAX};
	(void)snprintf(known->name, sizeof known->name, "%s", known->is_shared ? RECEIVER_OTHERS : name);
	return known;
}

/* Begins a time of lines, unless one is not over, or its sum has not been taken. */
static void lines_begin(struct known_receiver *known, int64_t now_ms)
{
	struct receiver_lines *lines = &known->lines;
	if (lines->since_ms > 0 && (lines->unsaid > 0 || now_ms - lines->since_ms < RECEIVER_REMIND_MS))
		return;
	*lines = (struct receiver_lines){.since_ms = now_ms, .failures = known->failures, .deliveries = known->deliveries};
}

void known_receiver_fail(struct known_receiver *known, bool refuses, const char *why, int64_t now_ms)
{
	lines_begin(known, now_ms);
	known->failures++;
	known->refuses = refuses;
	(void)snprintf(known->why, sizeof known->why, "%s", why);
	if (known->failing_ms == 0)
		known->failing_ms = now_ms;
}

static void failing_end(struct known_receiver *known)
{
	known->failing_ms = known->told_ms = 0;
	known->refuses = false;
}

int64_t known_receiver_reach(struct known_receiver *known, int64_t now_ms)
{
	const int64_t since_ms = known->failing_ms;
	lines_begin(known, now_ms);
	known->deliveries++;
	failing_end(known);
	return since_ms > 0 && !known->is_shared ? now_ms - since_ms : 0;
}

bool known_receiver_is_due(const struct known_receiver *known, int64_t now_ms)
{
	return known->failing_ms > 0 && !known->is_shared && (known->told_ms == 0 || now_ms - known->told_ms >= RECEIVER_REMIND_MS);
}

enum receiver_line known_receiver_line(struct known_receiver *known, int64_t now_ms)
{
	struct receiver_lines *lines = &known->lines;
	lines_begin(known, now_ms);
	if (lines->said < RECEIVER_LINES_MAX) {
		lines->said++;
		return RECEIVER_LINE_SAYS;
	}
	return lines->unsaid++ == 0 ? RECEIVER_LINE_BEGINS : RECEIVER_LINE_COUNTS;
}

bool known_receiver_sum(struct known_receiver *known, int64_t now_ms, bool ends, struct receiver_sum *sum)
{
	struct receiver_lines *lines = &known->lines;
	if (lines->unsaid == 0 || (!ends && now_ms - lines->since_ms < RECEIVER_REMIND_MS))
		return false;
	*sum = (struct receiver_sum){.since_ms = lines->since_ms,
				     .unsaid = lines->unsaid,
				     .failures = known->failures - lines->failures,
				     .deliveries = known->deliveries - lines->deliveries};
	*lines = (struct receiver_lines){0};
	return true;
}

static void notice_count(struct receiver_board *board, const struct queued_notice *notice)
{
	for (size_t i = 0; i < notice->receiver_count; i++) {
		struct known_receiver *known = receiver_board_find(board, notice->receivers[i]);
		if (!known)
			continue;
		if (known->waiting == 0 || notice->added_ms < known->oldest_ms)
			known->oldest_ms = notice->added_ms;
		known->waiting++;
	}
}

/* Counts those of that fate; of NOTICE_FATES: all. Returns their number. */
static size_t waiting_count(struct receiver_board *board, const struct notice_queue *const *queues, size_t count,
			    enum notice_fate fate)
{
	size_t waiting = 0;
	for (size_t i = 0; i < board->count; i++)
		board->items[i].waiting = 0;
	for (size_t i = 0; i < count; i++)
		for (const struct list_node *node = queues[i]->notices.first; node; node = node->next) {
			const struct queued_notice *notice = LIST_OWNER(node, struct queued_notice, node);
			if (fate != NOTICE_FATES && notice->fate != fate)
				continue;
			notice_count(board, notice);
			waiting++;
		}
	return waiting;
}

void receiver_board_count(struct receiver_board *board, const struct notice_queue *const *queues, size_t count)
{
	(void)waiting_count(board, queues, count, NOTICE_FATES);
}

void receiver_board_leave(struct receiver_board *board)
{
	for (size_t i = 0; i < board->count; i++)
		if (board->items[i].waiting == 0)
			failing_end(&board->items[i]);
}

/* NULL: memory ran out. */
static struct receiver_report *report_make(struct receiver_reports *reports, const struct known_receiver *known, int64_t now_ms,
					   struct arena *arena)
{
	struct receiver_report *made = &reports->items[reports->count++];
	*made = (struct receiver_report){.key = known->key,
					 .is_shared = known->is_shared,
					 .name = arena_copy(arena, known->name, strlen(known->name)),
					 .why = "",
					 .action = "",
					 .waiting = known->waiting,
					 .failures = known->failures,
					 .oldest_ms = known->waiting > 0 ? now_ms - known->oldest_ms : 0};
	if (known->failing_ms > 0) {
		made->failing_ms = now_ms > known->failing_ms ? now_ms - known->failing_ms : 1;
		made->refuses = known->refuses;
		made->why = arena_copy(arena, known->why, strlen(known->why));
	}
	return made->name && made->why ? made : NULL;
}

static struct receiver_reports reports_make(const struct receiver_board *board, bool failing, int64_t now_ms, struct arena *arena)
{
	struct receiver_reports reports = {.items = ARENA_ARRAY(arena, struct receiver_report, board->count + 1)};
	for (size_t i = 0; reports.items && i < board->count; i++)
		if ((!failing || board->items[i].failing_ms > 0) && !report_make(&reports, &board->items[i], now_ms, arena))
			return (struct receiver_reports){0};
	return reports;
}

struct receiver_reports receiver_board_report(const struct receiver_board *board, int64_t now_ms, struct arena *arena)
{
	return reports_make(board, false, now_ms, arena);
}

struct receiver_reports receiver_board_failing(const struct receiver_board *board, int64_t now_ms, struct arena *arena)
{
	return reports_make(board, true, now_ms, arena);
}

/* ---- reports that are one ---- */

/* Among the first so many; NULL: there is none. */
static struct receiver_report *report_like(const struct receiver_reports *reports, size_t count, const struct receiver_report *one)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(reports->items[i].name, one->name) == 0 && strcmp(reports->items[i].action, one->action) == 0)
			return &reports->items[i];
	return NULL;
}

static void report_add(struct receiver_report *report, const struct receiver_report *more)
{
	report->waiting += more->waiting;
	report->failures += more->failures;
	report->oldest_ms = more->oldest_ms > report->oldest_ms ? more->oldest_ms : report->oldest_ms;
	if (more->failing_ms <= report->failing_ms)
		return;
	report->failing_ms = more->failing_ms;
	report->refuses = more->refuses;
	report->why = more->why;
}

void receiver_reports_join(struct receiver_reports *reports)
{
	size_t count = 0;
	for (size_t i = 0; i < reports->count; i++) {
		const struct receiver_report one = reports->items[i];
		struct receiver_report *same = report_like(reports, count, &one);
		if (same)
			report_add(same, &one);
		else
			reports->items[count++] = one;
	}
	reports->count = count;
}

/* ---- lines of the log ---- */

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

/* "3 for the webhook at a:1, 1 for the topic t". */
static void waiting_names(const struct receiver_board *board, struct buffer *out)
{
	size_t named = 0, others = 0;
	for (size_t i = 0; i < board->count; i++) {
		if (board->items[i].waiting > 0 && named < LEFT_NAMED)
			buffer_print(out, "%s%zu for %s", named++ > 0 ? ", " : "", board->items[i].waiting, board->items[i].name);
		else
			others += board->items[i].waiting;
	}
	if (others > 0)
		buffer_print(out, ", %zu for others", others);
}

void receiver_lines_left(const struct log_sink *log, struct receiver_board *board, const struct notice_queue *const *queues,
			 size_t count, enum notice_fate fate)
{
	static const struct left_words {
		enum log_level level;
		const char *words;
	} fates[NOTICE_FATES] = {
		[NOTICE_IS_LOST] = {LOG_LEVEL_WARN, "they are lost; an alert that still holds fires again in the next engine"},
		[NOTICE_IS_KEPT] = {LOG_LEVEL_INFO, "the namespace's feed has them, and the engine that sends next delivers them"},
		[NOTICE_OF_MOVE] = {LOG_LEVEL_INFO, "the keeper that decides next sends the moves of the last day again"},
	};
	const size_t left = waiting_count(board, queues, count, fate);
	struct buffer names;
	if (left == 0)
		return;
	buffer_open(&names, NAMES_BYTES);
	waiting_names(board, &names);
	buffer_byte(&names, '\0');
	log_say(log, fates[fate].level, NULL, "%zu notice%s not delivered (%s): %s", left, left == 1 ? " was" : "s were",
		buffer_failed(&names) ? "many receivers" : buffer_view(&names).bytes, fates[fate].words);
	buffer_close(&names);
}
