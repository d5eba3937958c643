/* blame_list.h: List of the records of a partition whose outputs Kafka refused after it had accepted them. Each is taken again,
 * with a replacement for what was refused, and no commit goes past it before. Private to the worker. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Outputs of a message that Kafka refused, and that must not be produced again. */
enum blame {
	BLAME_ANSWER = 1,    /* its answer, or a record produced with it */
	BLAME_LETTER = 2,    /* its dead letter with the request's bytes */
	BLAME_EXPOSURES = 4, /* its answer, which may have carried exposures */
};

struct blamed {
	int64_t offset;
	unsigned blame; /* enum blame, as bits */
	bool open;	/* the record must be taken again and has not left yet: no commit goes past it */
	unsigned replaced; /* likewise: those whose replacement has left */
	char reason[ERROR_TEXT_MAX / 2];
};

/* Starts as {0}. */
struct blame_list {
	struct blamed *items;
	size_t count;
};

void blame_list_close(struct blame_list *list);

/* The record at that offset; NULL: Kafka refused nothing of it. */
struct blamed *blame_list_find(const struct blame_list *list, int64_t offset);

/* Notes that Kafka refused an output of the record, with the reason as librdkafka gives it; `again`: the record is to be taken
 * again. SYSTEM: its replacement was refused too, or memory ran out. */
bool blame_list_note(struct blame_list *list, int64_t offset, enum blame blame, bool again, const char *reason,
		     struct error *error);

/* The replacement of these outputs of that record has left; it need not be on the list. */
void blame_list_left(struct blame_list *list, int64_t offset, unsigned blame);

/* The lowest offset that is to be taken again; -1: there is none. */
int64_t blame_list_first(const struct blame_list *list);

/* Removes records before that offset, which are committed and not taken again. */
void blame_list_forget(struct blame_list *list, int64_t committed);
