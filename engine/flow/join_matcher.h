/* join_matcher.h: Join matcher: groups the parts of one request, which arrive from several sources, by name until
 * they are enough to go on. Pure: it stores the caller's parts and does not look into them.
 *
 * Each part says of some sources of the rule that they came, or that they will not come. Joins have the types of a
 * step's inputs: inner needs all sources, any the first one, outer those that have come when all are settled or
 * the window has passed. Names need not be unique: a part belongs to the oldest join of its name that lacks it,
 * and a source that comes twice starts another join.
 *
 * A window starts with the first part and is measured in record time. It closes when every party has sent a later
 * record, or, because a party may be silent, when as much time has passed on this clock. A closed join goes on
 * with its parts if they are enough, or ends. It is remembered for another window, at least 10 s, so that late
 * parts are recognised.
 *
 * A matcher belongs to one thread and does not survive a crash: its owner gives it the same parts again, in order.
 */
#ifndef SLUICE_FLOW_JOIN_MATCHER_H
#define SLUICE_FLOW_JOIN_MATCHER_H

#include "base/error.h"
#include "base/text.h"
#include "spec/resource.h"

struct matcher;
struct pending_join;

struct join_gate {
	enum join_type type;
	size_t count; /* of its sources; 0: it is always open */
};

/* Sources are numbered through: the inputs, then the triggers. */
struct join_rule {
	struct join_gate inputs;
	struct join_gate triggers;
	int64_t window_ms;
	size_t parties; /* from which parts come */
	bool always;	/* when the window closes it goes on, whatever is missing */
	/* Whoever closes windows asks first whether something may still come: so a part that is later than the window by its
	 * record's time is no other request's. */
	bool patient;
};

enum join_told { TOLD_NOTHING, TOLD_CAME, TOLD_DEAD };

struct join_part {
	struct text name;	   /* by which it is matched */
	size_t party;		   /* from which it comes */
	const unsigned char *told; /* enum join_told, of each source */
	int64_t time_ms;	   /* of its record; negative: it has none */
	int64_t deadline_ms;	   /* of its request, by the caller's clock; 0: none */
	bool again;		   /* it was kept before, elsewhere: it is kept, though it may be enough */
	void *part;		   /* the caller's */
};

enum join_verdict {
	JOIN_WAITS,   /* more must come: the part is kept */
	JOIN_OPENS,   /* it is enough: this part and those kept before go on now */
	JOIN_IGNORES, /* what it brings is of no use any more: it is not kept */
	JOIN_LATE,    /* it would have been enough, but for the window: not kept. Told once */
};

/* Whether one part that tells this of all sources is enough by itself. */
bool pending_join_is_enough(const struct join_rule *rule, const unsigned char *told);

/* NULL: memory ran out. Borrows the rule. */
struct matcher *join_matcher_open(const struct join_rule *rule);
void join_matcher_close(struct matcher *matcher); /* NULL is fine; parts and marks stay the caller's */

/* *join: whose part it is, where the verdict is WAITS or OPENS; else the one that went on or is over for
 * which it comes, NULL: there is none. False: memory (SYSTEM). */
bool join_matcher_take(struct matcher *matcher, const struct join_part *part, int64_t now_ms, enum join_verdict *verdict,
		       struct pending_join **pending_join, struct error *error);

/* When join_matcher_expire() has something to do at the latest; INT64_MAX: never. */
int64_t join_matcher_due_ms(const struct matcher *matcher);

/* A join whose window has closed: it opens with what there is, or else is over, and
 * its parts go on nowhere. NULL: there is none any more. To be called until then. */
struct pending_join *join_matcher_expire(struct matcher *matcher, int64_t now_ms, bool *opens);

/* ---- for whoever keeps parts elsewhere too, and closes windows by another's word ---- */

/* A join whose window has closed; it stays as it is until join_matcher_conclude(), and is
 * told until pending_join_acknowledge(). NULL: there is none. */
struct pending_join *join_matcher_overdue(struct matcher *matcher, int64_t now_ms);
void pending_join_acknowledge(struct pending_join *pending_join);

/* When its window has passed by the caller's clock, and whether it would go on then as it is. */
int64_t pending_join_due_ms(const struct matcher *matcher, const struct pending_join *pending_join);
bool pending_join_would_open(const struct matcher *matcher, const struct pending_join *pending_join);

/* As join_matcher_overdue(), whichever it is of those whose request's deadline has passed too. */
struct pending_join *join_matcher_past_deadline(struct matcher *matcher, int64_t now_ms);

/* The open joins of that name, the oldest first; `previous` begins as NULL. */
struct pending_join *join_matcher_next_open(const struct matcher *matcher, struct text name, const struct pending_join *previous);

/* The window of an open join has closed: whether it goes on with what there is. */
bool join_matcher_conclude(struct matcher *matcher, struct pending_join *pending_join);

/* What stands elsewhere for a join that went on or is over. When it is forgotten, the
 * mark is told, each once, by join_matcher_forgotten(). */
void pending_join_mark(struct pending_join *pending_join, void *mark);
void *join_matcher_forgotten(struct matcher *matcher);		 /* NULL: no more for now */
void join_matcher_tidy(struct matcher *matcher, int64_t now_ms); /* forgets those whose time has come */

/* Such a join as it was, until the next call above unless it is held. NULL: memory (SYSTEM). */
struct pending_join *join_matcher_recall(struct matcher *matcher, struct text name, const unsigned char *told, bool went_on,
					 void *mark, int64_t now_ms, struct error *error);

/* One that went on or is over stays, with what it kept, for whoever may have to go on with it again: until it is let
 * go as often as it was held. Nothing that comes is matched with it if nothing more can come to it. */
void pending_join_hold(struct pending_join *pending_join);
void join_matcher_let_go(struct matcher *matcher, struct pending_join *pending_join);

bool pending_join_is_settled(const struct matcher *matcher,
			     const struct pending_join *pending_join); /* nothing more can come to it */
bool pending_join_went_on(const struct pending_join *pending_join);
struct text pending_join_name(const struct pending_join *pending_join);
const unsigned char *join_told(const struct pending_join *pending_join); /* of each source */

/* ---- of a join that waits, opens or is over; until the next call above ---- */

void *join_part_of(const struct pending_join *pending_join, size_t source); /* NULL: it did not come */

/* The parts that it keeps, each once, in the order in which they came; *next begins as 0.
 * NULL: no more. */
void *pending_join_next_part(const struct pending_join *pending_join, size_t *next);

#endif
