/* join_matcher.h: Join matcher: groups the parts of one request, which arrive from several sources, by name until
 * they are enough to go on. Pure: it stores the caller's parts and does not look into them.
 *
 * Each part reports for some sources of the rule that they came, or that they will not come. Joins have the types of
 * a step's inputs: inner needs all sources, any the first one. Outer takes those that have come when all are settled
 * or the window has passed. Names need not be unique: a part belongs to the oldest join of its name that lacks it. A
 * source that comes twice starts another join.
 *
 * A window starts with the first part and is measured in record time. It closes when every party has sent a later
 * record, or, because a party may send nothing, when as much time has passed on this clock. A closed join goes on
 * with its parts if they are enough, or ends. It is remembered for another window, at least 10 s, so that late parts
 * are recognised.
 *
 * A matcher belongs to one thread and does not survive a crash: its owner gives it the same parts again, in order.
 */
#pragma once

#include "compiler/resources/resource.h"

struct matcher;
struct pending_join;

struct join_gate {
	enum join_type type;
	size_t count; /* number of sources; 0: the gate is always open */
};

/* Rule of a join. Sources are numbered: first the inputs, then the triggers. */
struct join_rule {
	struct join_gate inputs;
	struct join_gate triggers;
	int64_t window_ms;
	size_t parties; /* number of senders of parts */
	bool always;	/* when the window closes, the join goes on with whatever came */
	/* Before it closes a window, the owner checks that the sources have passed it. So a part still belongs to the
	 * join if its record time is after the window. */
	bool patient;
};

enum source_state { SOURCE_UNKNOWN, SOURCE_CAME, SOURCE_DEAD };

struct join_part {
	struct text name;	   /* by which it is matched */
	size_t party;		   /* number of its sender */
	const unsigned char *states; /* enum source_state, of each source */
	int64_t time_ms;	   /* of its record; negative: it has none */
	int64_t deadline_ms;	   /* of its request, by the caller's clock; 0: none */
	bool again;		   /* it is restored: it is kept, even if the join is then complete */
	void *part;		   /* the caller's */
};

enum join_verdict {
	JOIN_WAITS,   /* more parts must come: the part is kept */
	JOIN_OPENS,   /* the join is complete: this part and those kept before go on now */
	JOIN_IGNORES, /* the part is of no use any more: it is not kept */
	JOIN_LATE,    /* the part would have completed the join, but came after the window: not kept. Returned once per join */
};

/* Whether one part with these values of enum source_state, one per source, is enough by itself. */
bool pending_join_is_enough(const struct join_rule *rule, const unsigned char *states);

/* NULL: memory ran out. Borrows the rule. */
struct matcher *join_matcher_open(const struct join_rule *rule);
void join_matcher_close(struct matcher *matcher); /* NULL is fine; parts and marks remain the caller's */

/* Whether a part that is taken may need memory of the owner: it must be kept, or begins a join that may have to be remembered. One
 * that completes a join frees the others, and one that is of no use or late needs none. Not for a part that is restored. */
bool join_matcher_needs_room(const struct matcher *matcher, const struct join_part *part);

/* Takes a part. For the verdicts WAITS and OPENS, `*pending_join` is the join of the part. Otherwise it is the
 * finished join that the part came for; NULL: there is none. False: memory (SYSTEM). */
bool join_matcher_take(struct matcher *matcher, const struct join_part *part, int64_t now_ms, enum join_verdict *verdict,
		       struct pending_join **pending_join, struct error *error);

/* The time at which a window ends or a join is forgotten next; INT64_MAX: never. */
int64_t join_matcher_due_ms(const struct matcher *matcher);

/* A join whose window has closed. It does not change until join_matcher_conclude(), and is returned again until
 * pending_join_acknowledge(). NULL: there is none. */
struct pending_join *join_matcher_overdue(struct matcher *matcher, int64_t now_ms);
void pending_join_acknowledge(struct pending_join *pending_join);

/* When its window ends by the caller's clock; and whether it would then go on with the parts that it has. */
int64_t pending_join_due_ms(const struct matcher *matcher, const struct pending_join *pending_join);
bool pending_join_would_open(const struct matcher *matcher, const struct pending_join *pending_join);

/* As join_matcher_overdue(), but any join whose request's deadline has passed, too. */
struct pending_join *join_matcher_past_deadline(struct matcher *matcher, int64_t now_ms);

/* Next open join of that name, the oldest first; `previous` begins as NULL. */
struct pending_join *join_matcher_next_open(const struct matcher *matcher, struct text name, const struct pending_join *previous);

/* Closes the window of an open join; returns whether it goes on with the parts that came. */
bool join_matcher_conclude(struct matcher *matcher, struct pending_join *pending_join);

/* Attaches the owner's record of a join that went on or is over. When the matcher forgets the join,
 * join_matcher_forgotten() returns the mark, each once. */
void pending_join_mark(struct pending_join *pending_join, void *mark);
void *join_matcher_forgotten(struct matcher *matcher);		 /* NULL: no more for now */
void join_matcher_tidy(struct matcher *matcher, int64_t now_ms); /* forgets joins that were remembered long enough */

/* Restores a join that went on or is over. Valid until the next call of a function above, unless it is held. NULL:
 * memory (SYSTEM). */
struct pending_join *join_matcher_recall(struct matcher *matcher, struct text name, const unsigned char *states, bool went_on,
					 void *mark, int64_t now_ms, struct error *error);

/* Keeps a join that went on or is over, with its parts, for a caller that may have to repeat it. It ends when it was
 * let go as often as it was held. If nothing more can come to it, new parts are not matched with it. */
void pending_join_hold(struct pending_join *pending_join);
void join_matcher_let_go(struct matcher *matcher, struct pending_join *pending_join);

bool pending_join_is_settled(const struct matcher *matcher,
			     const struct pending_join *pending_join); /* nothing more can come to it */
bool pending_join_went_on(const struct pending_join *pending_join);
struct text pending_join_name(const struct pending_join *pending_join);
const unsigned char *join_source_states(const struct pending_join *pending_join); /* of each source */

/* ---- of a join that waits, opens or is over; valid until the next call above ---- */

void *join_part_of(const struct pending_join *pending_join, size_t source); /* NULL: it did not come */

/* Next part that it keeps, each once, in the order in which they came; *next begins as 0. NULL: no more. */
void *pending_join_next_part(const struct pending_join *pending_join, size_t *next);
