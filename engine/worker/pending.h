/* pending.h: at least once, what a gathering has gone on with and may have to go on with
 * again: meetings whose last record is not committed. The gathering's own.
 *
 * An answer and what stands in the changelog reach Kafka one by one, and Kafka may refuse the
 * answer; then, or after a crash before the commit, the record that opened the meeting is taken
 * again, and needs the parts that were there. So they are forgotten only when its offset is
 * committed, which it is when all that left for it is acknowledged.
 */
#ifndef SLUICE_WORKER_PENDING_H
#define SLUICE_WORKER_PENDING_H

#include "flow/meeting.h"
#include "worker/keepsakes.h"

struct pending {
	struct pending *next;
	int64_t offset;		 /* of the record that opened the meeting or closed its window */
	struct meeting *meeting; /* it is held; NULL: there is none, the record came too late */
	struct keepsake *own;	 /* the part of that record, which was never written; NULL: it brought none */
	size_t bytes;		 /* that it is counted for */
	size_t part_count;
	struct keepsake *parts[]; /* to be forgotten */
};

/* In the order in which they came. */
struct pendings {
	struct pending *first, **end;
	size_t *bytes; /* where they are counted */
};

void pendings_open(struct pendings *pendings, size_t *bytes);
void pendings_close(struct pendings *pendings); /* one that was never opened is fine */

/* One more, with room for so many parts, which are the caller's to fill in. NULL: memory. */
struct pending *pending_add(struct pendings *pendings, int64_t offset, size_t part_count, size_t part_bytes);

struct pending *pending_find(const struct pendings *pendings, int64_t offset); /* NULL: there is none */

/* Takes out the first of which that is committed, for the caller to give back. NULL: none is. */
struct pending *pendings_committed(struct pendings *pendings, int64_t committed);
void pending_give(struct pending *pending);

#endif
