/* receiver_board.h: Board of the receivers of notices: since when each takes none, why, and how many attempts failed. Pure.
 *
 * A receiver is known by the text by which notices wait for it (monitor/alerts/notice_queue.h), and by a name without secrets,
 * which two webhooks of one host share: reports may tell them apart by the actions that have them. After RECEIVERS_KNOWN_MAX - 1
 * receivers, all others are the last one, RECEIVER_OTHERS. Some of these may take notices while others take none, so what is
 * known of it is no outage that begins and ends.
 *
 * The log has RECEIVER_LINES_MAX lines on a receiver in RECEIVER_REMIND_MS. One that refuses a thousand notices, or that takes one
 * and refuses the next, would fill it: further lines are counted, and become one line at the end of that time.
 */
#pragma once

#include "base/arena.h"
#include "monitor/alerts/notice_queue.h"
#include "observe/log_sink.h"

#define RECEIVERS_KNOWN_MAX 100
#define RECEIVER_NAME_BYTES 256
#define RECEIVER_WHY_BYTES 512
#define RECEIVER_REMIND_MS ((int64_t)300 * 1000) /* between two log lines on a receiver that stays unreachable */
#define RECEIVER_LINES_MAX 10			 /* as many as an alert has for its groups (ALERT_LINES_MAX) */
#define RECEIVER_OTHERS "other receivers"

struct known_receiver {
	uint64_t key;						 /* receiver_key() of its text */
	char name[RECEIVER_NAME_BYTES], why[RECEIVER_WHY_BYTES]; /* of the last failure; either may be cut off */
	uint64_t failures, deliveries;
	int64_t failing_ms; /* of the first attempt that failed since the last delivery; 0: there is none */
	int64_t told_ms;    /* when the log last had that */
	bool refuses;	    /* the last attempt was refused, so that it is not repeated */
	bool is_shared;	    /* RECEIVER_OTHERS */
	size_t waiting;	    /* as of receiver_board_count() */
	int64_t oldest_ms;  /* when the oldest of these was queued */
	struct receiver_lines {
		int64_t since_ms;	       /* begin of RECEIVER_REMIND_MS; 0: there is none */
		uint64_t said, unsaid;	       /* lines since then: written, and only counted */
		uint64_t failures, deliveries; /* before it */
	} lines;
};

struct receiver_board { /* starts as `{0}` */
	struct known_receiver items[RECEIVERS_KNOWN_MAX];
	size_t count;
};

uint64_t receiver_key(struct text receiver);

/* The receiver, which is noted if it is new. */
struct known_receiver *receiver_board_note(struct receiver_board *board, struct text receiver, const char *name);

/* NULL: it is not noted. */
struct known_receiver *receiver_board_find(struct receiver_board *board, struct text receiver);

/* An attempt failed: `refuses`: for good. */
void known_receiver_fail(struct known_receiver *known, bool refuses, const char *why, int64_t now_ms);

/* A notice was delivered. Returns for how long the receiver had taken none; 0: the attempt before was delivered, too, or it is
 * shared. */
int64_t known_receiver_reach(struct known_receiver *known, int64_t now_ms);

/* Whether it is time to say again that it cannot be reached. Never of a shared one. */
bool known_receiver_is_due(const struct known_receiver *known, int64_t now_ms);

/* Whether the log may have a line on it: `says`: yes; `counts`: no, it is counted; `begins`: likewise, and it is the first such. */
enum receiver_line { RECEIVER_LINE_SAYS, RECEIVER_LINE_BEGINS, RECEIVER_LINE_COUNTS };
enum receiver_line known_receiver_line(struct known_receiver *known, int64_t now_ms);

/* Lines that were counted, and what became of all attempts since `since_ms`, when the first lines were written. */
struct receiver_sum {
	int64_t since_ms;
	uint64_t unsaid, failures, deliveries;
};

/* Takes them when their time is over, or if it `ends`. False: there are none, or it is not over. */
bool known_receiver_sum(struct known_receiver *known, int64_t now_ms, bool ends, struct receiver_sum *sum);

/* Counts the notices of the queues that wait for each. */
void receiver_board_count(struct receiver_board *board, const struct notice_queue *const *queues, size_t count);

/* Another process sends the notices from now on: those for which none waits here, after receiver_board_count(), are not known to
 * fail any more, since nobody here will see them take one. */
void receiver_board_leave(struct receiver_board *board);

/* What is known of one receiver, or of those that receiver_reports_join() has joined. */
struct receiver_report {
	uint64_t key; /* of the first of them */
	const char *name, *why;
	const char *action; /* one that has it, as the caller names it; "" until then */
	size_t waiting;
	int64_t oldest_ms, failing_ms; /* how long ago; 0: none waits, or it takes notices */
	uint64_t failures;
	bool refuses, is_shared;
};

struct receiver_reports {
	size_t count;
	struct receiver_report *items;
};

/* Of each, after receiver_board_count(). Copies, in the arena; none if memory ran out. */
struct receiver_reports receiver_board_report(const struct receiver_board *board, int64_t now_ms, struct arena *arena);

/* Makes one report of those whose name and action are equal: the sums, and the cause of the one that has failed longest. */
void receiver_reports_join(struct receiver_reports *reports);

/* Likewise of each one that takes no notices. */
struct receiver_reports receiver_board_failing(const struct receiver_board *board, int64_t now_ms, struct arena *arena);

/* ---- lines of the log, of which there are RECEIVER_LINES_MAX in RECEIVER_REMIND_MS for each; others have the level debug ---- */

/* That of a line on an attempt that failed: LOG_LEVEL_WARN, if the receiver may have one more, else `level`. Says that further ones
 * are counted, when they begin to be. `known` NULL: it may have one. */
enum log_level receiver_line_level(const struct log_sink *log, struct known_receiver *known, enum log_level level, int64_t now_ms);

/* The line of a receiver that takes notices again, after such a time. */
void receiver_line_back(const struct log_sink *log, struct known_receiver *known, int64_t lasted_ms, int64_t now_ms);

/* A line for each receiver on what was counted, when its time is over, or if the notifier `ends`. */
void receiver_lines_sum(const struct log_sink *log, struct receiver_board *board, int64_t now_ms, bool ends);

/* The line on the notices of that fate that still wait when the notifier closes, by receivers; none if none does. */
void receiver_lines_left(const struct log_sink *log, struct receiver_board *board, const struct notice_queue *const *queues,
			 size_t count, enum notice_fate fate);
