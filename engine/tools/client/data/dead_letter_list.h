/* dead_letter_list.h: List of dead letters: collected completely, then sorted by time, marked if they were replayed, and
 * counted by reason. */
#pragma once

#include "tools/client/data/dead_letters.h"

/* All texts live in the list's arena. */
struct listed_letter {
	int32_t partition;
	int64_t offset;
	int64_t failed_ms;
	int64_t replayed_ms; /* time of the last replay; 0: never */
	const char *kind;
	const char *step; /* "": none */
	const char *id;
	const char *text;
	const char *json; /* an object with its braces, without a line end; NULL: not needed */
};

/* Count of letters that failed at one step for one reason: their texts differ at most in digits. */
struct letter_count {
	size_t count, replayed;
	const struct listed_letter *last; /* the newest */
};

struct letter_mark {
	int32_t partition;
	int64_t offset, time_ms;
};

/* Starts as {.arena = an arena of its own}; everything is freed with the arena. */
struct dead_letter_list {
	struct arena *arena;
	struct listed_letter *items;
	size_t count, room;
	struct letter_mark *marks;
	size_t mark_count, mark_room;
};

/* Copies a letter. `json` is copied too; empty: none. False: LIMIT, memory has no space for more. */
bool dead_letter_list_add(struct dead_letter_list *list, const struct found_letter *found, struct text json, struct error *error);

/* Marks the letter at that position as replayed at that time. False: LIMIT. */
bool dead_letter_list_mark(struct dead_letter_list *list, int32_t partition, int64_t offset, int64_t time_ms, struct error *error);

/* To be called when all are added: sorts by time of failure, the oldest first, and sets `replayed_ms`. */
void dead_letter_list_sort(struct dead_letter_list *list);

/* Counts by reason, the most frequent first; in the arena. NULL: memory ran out. */
struct letter_count *dead_letter_list_count(const struct dead_letter_list *list, size_t *count);
