/* pending_commit.h: Joins whose last record is not committed yet, under at-least-once delivery. Private to the
 * join state.
 *
 * An answer and a changelog record reach Kafka one by one, and Kafka may refuse the answer. Then, or after a crash
 * before the commit, the record that completed the join is read again and needs the parts. So parts are deleted
 * only when the offset of that record is committed, which requires that everything it produced is acknowledged.
 * The same holds for the tombstone of a join that ignored a later record: without the tombstone that record would
 * start a new request.
 */
#pragma once

#include "flow/join_matcher.h"
#include "engine/joins/parked_parts.h"

struct pending_commit {
	struct pending_commit *next;
	int64_t offset;			   /* of the record that completed the join, closed its window, or came after that */
	enum join_verdict verdict;	   /* on that record; if the record is taken again, its verdict is the same */
	struct pending_join *pending_join; /* kept alive by a hold; NULL: none */
	struct parked_part *own;	   /* part of that record, never written; NULL: the record brought none */
	size_t bytes;			   /* that it adds to `*bytes` of the list */
	size_t part_count;
	struct parked_part *parts[]; /* to be deleted */
};

/* List in the order of offsets. */
struct pending_commit_list {
	struct pending_commit *first, *last;
	size_t *bytes; /* sum of all bytes, in the caller's counter */
};

void pending_commit_open(struct pending_commit_list *list, size_t *bytes);
void pending_commit_close(struct pending_commit_list *list); /* one that was never opened is fine */

/* Adds an entry after those with the same or a lower offset, with space for so many parts; the caller fills them in.
 * NULL: memory. */
struct pending_commit *pending_commit_add(struct pending_commit_list *list, int64_t offset, size_t part_count, size_t part_bytes);

/* First entry from `from` on whose offset is at least `offset`; `from` may be NULL. NULL: there is none. */
struct pending_commit *pending_commit_reach(struct pending_commit *from, int64_t offset);
struct pending_commit *pending_commit_find(const struct pending_commit_list *list, int64_t offset); /* NULL: there is none */

/* Takes out the first entry if its offset is committed; the caller frees it. NULL: it is not, or there is none. */
struct pending_commit *pending_commit_take(struct pending_commit_list *list, int64_t committed);
void pending_commit_give(struct pending_commit *pending_commit);
