/* meeting.h: what comes of one request by several ways, matched by a name, until it is
 * enough to go on. Pure: it keeps whatever parts it is given and looks into none.
 *
 * Each part tells of some of the sources that a rule names: it came, or it will
 * not. Sources are joined as a step's are: inner needs all, any the first, outer what
 * has come when all are settled or the window has passed. Names need not be unique: a
 * part belongs to the oldest meeting of its name that still lacks what it brings, and
 * what comes twice is another meeting.
 *
 * A window is of record time, from the first part on: it closes when every party has
 * been heard of past it, or, lest a silent party keep things for ever, when as much time
 * has passed here. Then it opens with what there is, if that is enough, or is over, and
 * is remembered for another window, or 10 s, so that what comes too late is known as that.
 *
 * A table belongs to one thread; it keeps nothing over a crash: whoever does gives it the
 * same parts again, in their order.
 */
#ifndef SLUICE_FLOW_MEETING_H
#define SLUICE_FLOW_MEETING_H

#include "base/error.h"
#include "base/text.h"
#include "spec/resource.h"

struct meetings;
struct meeting;

struct meeting_gate {
	enum join_type type;
	size_t count; /* of its sources; 0: it is always open */
};

/* Sources are numbered through: the inputs, then the triggers. */
struct meeting_rule {
	struct meeting_gate inputs;
	struct meeting_gate triggers;
	int64_t window_ms;
	size_t parties; /* from which parts come */
	bool always;	/* when the window closes it goes on, whatever is missing */
	/* Whoever closes windows asks first whether something may still come: so a part that is later than the window by its
	 * record's time is no other request's. */
	bool patient;
};

enum meeting_told { TOLD_NOTHING, TOLD_CAME, TOLD_DEAD };

struct meeting_part {
	struct text name;	   /* by which it is matched */
	size_t party;		   /* from which it comes */
	const unsigned char *told; /* enum meeting_told, of each source */
	int64_t time_ms;	   /* of its record; negative: it has none */
	int64_t deadline_ms;	   /* of its request, by the caller's clock; 0: none */
	bool again;		   /* it was kept before, elsewhere: it is kept, though it may be enough */
	void *part;		   /* the caller's */
};

enum meeting_verdict {
	MEETING_WAITS,	 /* more must come: the part is kept */
	MEETING_OPENS,	 /* it is enough: this part and those kept before go on now */
	MEETING_IGNORES, /* what it brings is of no use any more: it is not kept */
	MEETING_LATE,	 /* it would have been enough, but for the window: not kept. Told once */
};

/* Whether one part that tells this of all sources is enough by itself. */
bool meeting_is_enough(const struct meeting_rule *rule, const unsigned char *told);

/* NULL: memory ran out. Borrows the rule. */
struct meetings *meetings_open(const struct meeting_rule *rule);
void meetings_close(struct meetings *meetings); /* NULL is fine; parts and marks stay the caller's */

/* *meeting: whose part it is, where the verdict is WAITS or OPENS; else the one that went on or is over for
 * which it comes, NULL: there is none. False: memory (SYSTEM). */
bool meetings_take(struct meetings *meetings, const struct meeting_part *part, int64_t now_ms, enum meeting_verdict *verdict,
		   struct meeting **meeting, struct error *error);

/* When meetings_expire() has something to do at the latest; INT64_MAX: never. */
int64_t meetings_due_ms(const struct meetings *meetings);

/* A meeting whose window has closed: it opens with what there is, or else is over, and
 * its parts go on nowhere. NULL: there is none any more. To be called until then. */
struct meeting *meetings_expire(struct meetings *meetings, int64_t now_ms, bool *opens);

/* ---- for whoever keeps parts elsewhere too, and closes windows by another's word ---- */

/* A meeting whose window has closed; it stays as it is until meetings_conclude(), and is
 * told until meeting_acknowledge(). NULL: there is none. */
struct meeting *meetings_overdue(struct meetings *meetings, int64_t now_ms);
void meeting_acknowledge(struct meeting *meeting);

/* When its window has passed by the caller's clock, and whether it would go on then as it is. */
int64_t meeting_due_ms(const struct meetings *meetings, const struct meeting *meeting);
bool meeting_would_open(const struct meetings *meetings, const struct meeting *meeting);

/* As meetings_overdue(), whichever it is of those whose request's deadline has passed too. */
struct meeting *meetings_past_deadline(struct meetings *meetings, int64_t now_ms);

/* The open meetings of that name, the oldest first; `previous` begins as NULL. */
struct meeting *meetings_next_open(const struct meetings *meetings, struct text name, const struct meeting *previous);

/* The window of an open meeting has closed: whether it goes on with what there is. */
bool meetings_conclude(struct meetings *meetings, struct meeting *meeting);

/* What stands elsewhere for a meeting that went on or is over. When it is forgotten, the
 * mark is told, each once, by meetings_forgotten(). */
void meeting_mark(struct meeting *meeting, void *mark);
void *meetings_forgotten(struct meetings *meetings);	       /* NULL: no more for now */
void meetings_tidy(struct meetings *meetings, int64_t now_ms); /* forgets those whose time has come */

/* Such a meeting as it was, until the next call above unless it is held. NULL: memory (SYSTEM). */
struct meeting *meetings_recall(struct meetings *meetings, struct text name, const unsigned char *told, bool went_on, void *mark,
				int64_t now_ms, struct error *error);

/* One that went on or is over stays, with what it kept, for whoever may have to go on with it again: until it is let
 * go as often as it was held. Nothing that comes is matched with it if nothing more can come to it. */
void meeting_hold(struct meeting *meeting);
void meetings_let_go(struct meetings *meetings, struct meeting *meeting);

bool meeting_is_settled(const struct meetings *meetings, const struct meeting *meeting); /* nothing more can come to it */
bool meeting_went_on(const struct meeting *meeting);
struct text meeting_name(const struct meeting *meeting);
const unsigned char *meeting_told(const struct meeting *meeting); /* of each source */

/* ---- of a meeting that waits, opens or is over; until the next call above ---- */

void *meeting_part_of(const struct meeting *meeting, size_t source); /* NULL: it did not come */

/* The parts that it keeps, each once, in the order in which they came; *next begins as 0.
 * NULL: no more. */
void *meeting_next_part(const struct meeting *meeting, size_t *next);

#endif
