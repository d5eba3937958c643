/* queued_call.h: Queued call of a model, and lists of them. Private to serving.
 *
 * A queued call has one state and is in at most one list. A call batch is a queued call that carries the rows of
 * several others, its members.
 */
#ifndef SLUICE_SERVING_QUEUED_CALL_H
#define SLUICE_SERVING_QUEUED_CALL_H

#include "serving/attempts.h"

enum queued_call_state {
	QUEUED_CALL_FREE,
	QUEUED_CALL_WAITS,  /* in line */
	QUEUED_CALL_PAUSED, /* until `at_us`, then in line again */
	QUEUED_CALL_SENT,   /* since `at_us` */
	QUEUED_CALL_MERGED, /* a member of a batch, which is sent */
	QUEUED_CALL_OVER,   /* to be answered in the loop's next turn */
};

/* What a batch has beside: the call that stands for those of its members. */
struct batch_call {
	struct arena *arena;
	struct message message;
	struct call call;
	struct payload payload;
};

struct dispatch;

struct queued_call {
	struct dispatch *dispatch; /* whose it is */
	enum queued_call_state state;
	struct queued_call *next, *previous;
	struct attempts attempts; /* its call; NULL: forgotten while it was merged */
	int64_t at_us;
	int64_t paused_us;	     /* QUEUED_CALL_SENT: so much is left out of the time since `at_us` */
	size_t replica;		     /* to which it was sent last */
	uint64_t answers_seen;	     /* of the model, at its last end */
	bool probe;		     /* sent to see whether the model is back */
	bool hurried;		     /* QUEUED_CALL_SENT: its deadline left it little time (overload.h) */
	bool alone;		     /* not to be merged (again) */
	bool turned;		     /* QUEUED_CALL_SENT: anew, by its server's other protocol (protocol_fallback.h) */
	unsigned recalls;	     /* of its call */
	struct queued_call *members; /* of a batch, by next_member; NULL: it is none */
	struct queued_call *next_member;
	struct queued_call *call_batch; /* QUEUED_CALL_MERGED: whose member it is */
	size_t rows;			/* of its request, when it was merged; of a batch, all */
	struct batch_call *batch_call;
	void *sending; /* the transport's, kept from call to call */
};

struct queued_calls {
	struct queued_call *first, *last;
	size_t count;
};

void queued_calls_add(struct queued_calls *list, struct queued_call *queued_call);
void queued_calls_add_first(struct queued_calls *list, struct queued_call *queued_call);
void queued_calls_add_by_time(struct queued_calls *list, struct queued_call *queued_call); /* sorted by at_us */
void queued_calls_remove(struct queued_calls *list, struct queued_call *queued_call);
struct queued_call *queued_calls_take(struct queued_calls *list); /* the first; NULL: none */

#define LOOKED_THROUGH_MAX 256 /* of a line, for queued calls of some kind */

/* One that has not failed yet goes to the front, to be a probe: it says more of the model,
 * and less is lost by it. */
void queued_calls_prefer_untried(struct queued_calls *line);

/* What makes any server hang that gets it goes to so many others at most. */
#define RECALLS_MOST 2

/* Its call is taken from its server, to be given to another. The last time it goes alone: it may be what its
 * server did not answer. */
void queued_call_recalled(struct queued_call *queued_call);

/* It is not known what came of it in the `pause_us` up to now, for we ourselves stood still: they are left out of its
 * time, which is then the least that it can have taken. */
void queued_call_paused(struct queued_call *queued_call, int64_t pause_us, int64_t now_us);

/* Whether that is most of its time: having no answer then says nothing of its server. */
bool queued_call_lay_still(const struct queued_call *queued_call, int64_t now_us);

/* How long its next attempt may take: its own time, or what its deadline leaves of it. */
int64_t queued_call_timeout_ms(const struct queued_call *queued_call, int64_t now_us);

#endif
