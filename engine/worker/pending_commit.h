/* pending_commit.h: Joins whose last record is not committed yet, under at-least-once delivery. Private to the
 * join state.
 *
 * An answer and a changelog record reach Kafka one by one, and Kafka may refuse the answer. Then, or after a crash
 * before the commit, the record that completed the join is read again and needs the parts. So parts are deleted
 * only when the offset of that record is committed, which requires that everything it produced is acknowledged.
 * The same holds for the tombstone of a join that ignored a later record: without the tombstone that record would
 * start a new request.
 */
#ifndef SLUICE_WORKER_PENDING_COMMIT_H
#define SLUICE_WORKER_PENDING_COMMIT_H

#include "flow/join_matcher.h"
#include "worker/parked_parts.h"

struct pending_commit {
	struct pending_commit *next;
	int64_t offset;			   /* of the record that opened the join, closed its window, or came behind that */
	enum join_verdict verdict;	   /* on that record; what is taken again goes the same way */
	struct pending_join *pending_join; /* it is held; NULL: there is none */
	struct parked_part *own;	   /* the part of that record, which was never written; NULL: it brought none */
	size_t bytes;			   /* that it is counted for */
	size_t part_count;
	struct parked_part *parts[]; /* to be forgotten */
};

/* In the order of their offsets. */
struct pending_commit_list {
	struct pending_commit *first, *last;
	size_t *bytes; /* where they are counted */
};

void pending_commit_open(struct pending_commit_list *list, size_t *bytes);
void pending_commit_close(struct pending_commit_list *list); /* one that was never opened is fine */

/* One more, behind those of its offset and below, with room for so many parts, which are the caller's to fill in.
 * NULL: memory. */
struct pending_commit *pending_commit_add(struct pending_commit_list *list, int64_t offset, size_t part_count, size_t part_bytes);

/* The first from there on whose offset is not below; `from` may be NULL. NULL: there is none. */
struct pending_commit *pending_commit_reach(struct pending_commit *from, int64_t offset);
struct pending_commit *pending_commit_find(const struct pending_commit_list *list, int64_t offset); /* NULL: there is none */

/* Takes out the first of which that is committed, for the caller to give back. NULL: none is. */
struct pending_commit *pending_commit_take(struct pending_commit_list *list, int64_t committed);
void pending_commit_give(struct pending_commit *pending_commit);

#endif
