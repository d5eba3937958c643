/* left_notices.c: see left_notices.h. */
#include "monitor/alerts/left_notices.h"

#define RECEIVERS_NAMED 10 /* in a line */
#define NAMES_BYTES ((size_t)3 << 10)

void left_notices_add(struct left_notices *left, struct receiver_board *board, const struct queued_notice *notice,
		      enum notice_fate fate)
{
	struct notices_of_fate *its = &left->fates[fate];
	its->count++;
	for (size_t i = 0; i < notice->receiver_count; i++) {
		const struct known_receiver *known = receiver_board_find(board, notice->receivers[i]);
		if (known)
			its->of[known - board->items]++;
	}
}

/* "3 for the webhook at a:1, 1 for the topic t". */
static void left_names(const struct receiver_board *board, const struct notices_of_fate *left, struct buffer *out)
{
	size_t named = 0, others = 0;
	for (size_t i = 0; i < board->count; i++) {
		if (left->of[i] > 0 && named < RECEIVERS_NAMED)
			buffer_print(out, "%s%zu for %s", named++ > 0 ? ", " : "", left->of[i], board->items[i].name);
		else
			others += left->of[i];
	}
	if (others > 0)
		buffer_print(out, ", %zu for others", others);
}

void left_notices_log(const struct left_notices *left, const struct receiver_board *board, const struct log_sink *log)
{
	static const struct left_words {
		enum log_level level;
		const char *words;
	} fates[NOTICE_FATES] = {
		[NOTICE_IS_LOST] = {LOG_LEVEL_WARN, "they are lost; an alert that still holds fires again in the next engine"},
		[NOTICE_IS_KEPT] = {LOG_LEVEL_INFO, "the namespace's feed has them, and the engine that sends next delivers them"},
		[NOTICE_MAY_BE_KEPT] = {LOG_LEVEL_WARN,
					"Kafka had not taken their records when they were queued: the engine that sends next "
					"delivers those that the feed has got since, and the others are lost"},
		[NOTICE_OF_MOVE] = {LOG_LEVEL_INFO, "the keeper that decides next sends the moves of the last day again"},
	};
	struct buffer names;
	buffer_open(&names, NAMES_BYTES);
	for (size_t i = 0; i < NOTICE_FATES; i++) {
		const struct notices_of_fate *its = &left->fates[i];
		if (its->count == 0)
			continue;
		buffer_clear(&names);
		left_names(board, its, &names);
		buffer_byte(&names, '\0');
		log_say(log, fates[i].level, NULL, "%zu notice%s not delivered (%s): %s", its->count,
			its->count == 1 ? " was" : "s were", buffer_failed(&names) ? "many receivers" : buffer_view(&names).bytes,
			fates[i].words);
	}
	buffer_close(&names);
}
