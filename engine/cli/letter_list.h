/* letter_list.h: List of dead letters, gathered whole, then sorted by time, marked where they were replayed, and counted by reason.
 */
#ifndef SLUICE_CLI_LETTER_LIST_H
#define SLUICE_CLI_LETTER_LIST_H

#include "cli/letters.h"

/* All texts live in the list's arena. */
struct listed_letter {
	int32_t partition;
	int64_t offset;
	int64_t failed_ms;
	int64_t replayed_ms; /* when it was asked again last; 0: never */
	const char *kind;
	const char *step; /* "": none */
	const char *id;
	const char *text;
	const char *json; /* an object with its braces, without its line's end; NULL: nobody wants it */
};

/* Letters that failed at the same step for the same reason: their texts differ in digits at most. */
struct letter_count {
	size_t count, replayed;
	const struct listed_letter *last; /* the newest */
};

struct letter_mark {
	int32_t partition;
	int64_t offset, time_ms;
};

/* Starts as {.arena = an arena of its own}; all of it is gone with the arena. */
struct letter_list {
	struct arena *arena;
	struct listed_letter *items;
	size_t count, room;
	struct letter_mark *marks;
	size_t mark_count, mark_room;
};

/* Copies one. `json` is copied too; empty: none. False: LIMIT, there are more than memory has room for. */
bool letter_list_add(struct letter_list *list, const struct found_letter *found, struct text json, struct error *error);

/* Notes that the letter at that place was replayed then. False: LIMIT. */
bool letter_list_mark(struct letter_list *list, int32_t partition, int64_t offset, int64_t time_ms, struct error *error);

/* When all are there: by when they failed, the oldest first, and each knows whether it was replayed. */
void letter_list_sort(struct letter_list *list);

/* By reason, the most frequent first; in the arena. NULL: memory ran out. */
struct letter_count *letter_list_count(const struct letter_list *list, size_t *count);

#endif
