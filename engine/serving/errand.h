/* errand.h: one call on its way, and lists of them. Private to serving.
 *
 * An errand has one state and stands in at most one list. A carrier is an errand that
 * takes the rows of several others along: its members.
 */
#ifndef SLUICE_SERVING_ERRAND_H
#define SLUICE_SERVING_ERRAND_H

#include "serving/attempts.h"

enum errand_state {
	ERRAND_FREE,
	ERRAND_WAITS,  /* in line */
	ERRAND_PAUSED, /* until `at_us`, then in line again */
	ERRAND_SENT,   /* since `at_us` */
	ERRAND_MERGED, /* a member of a carrier, which is sent */
	ERRAND_OVER,   /* to be answered in the loop's next turn */
};

/* What a carrier has beside: the call that stands for those of its members. */
struct carriage {
	struct arena *arena;
	struct message message;
	struct call call;
	struct payload payload;
};

struct dispatch;

struct errand {
	struct dispatch *dispatch; /* whose it is */
	enum errand_state state;
	struct errand *next, *previous;
	struct attempts attempts; /* its call; NULL: forgotten while it was merged */
	int64_t at_us;
	int64_t paused_us;	/* ERRAND_SENT: so much is left out of the time since `at_us` */
	size_t replica;		/* to which it was sent last */
	uint64_t answers_seen;	/* of the model, at its last end */
	bool probe;		/* sent to see whether the model is back */
	bool hasty;		/* ERRAND_SENT: its deadline left it little time (rush.h) */
	bool alone;		/* not to be merged (again) */
	bool turned;		/* ERRAND_SENT: anew, by its server's other protocol (way.h) */
	unsigned recalls;	/* of its call */
	struct errand *members; /* of a carrier, by next_member; NULL: it is none */
	struct errand *next_member;
	struct errand *carrier; /* ERRAND_MERGED: whose member it is */
	size_t rows;		/* of its request, when it was merged; of a carrier, all */
	struct carriage *carriage;
	void *sending; /* the transport's, kept from call to call */
};

struct errands {
	struct errand *first, *last;
	size_t count;
};

void errands_add(struct errands *list, struct errand *errand);
void errands_add_first(struct errands *list, struct errand *errand);
void errands_add_by_time(struct errands *list, struct errand *errand); /* sorted by at_us */
void errands_remove(struct errands *list, struct errand *errand);
struct errand *errands_take(struct errands *list); /* the first; NULL: none */

#define LOOKED_THROUGH_MAX 256 /* of a line, for errands of some kind */

/* One that has not failed yet goes to the front, to be a probe: it says more of the model,
 * and less is lost by it. */
void errands_prefer_untried(struct errands *line);

/* What makes any server hang that gets it goes to so many others at most. */
#define RECALLS_MOST 2

/* Its call is taken from its server, to be given to another. The last time it goes alone: it may be what its
 * server did not answer. */
void errand_recalled(struct errand *errand);

/* It is not known what came of it in the `pause_us` up to now, for we ourselves stood still: they are left out of its
 * time, which is then the least that it can have taken. */
void errand_paused(struct errand *errand, int64_t pause_us, int64_t now_us);

/* Whether that is most of its time: having no answer then says nothing of its server. */
bool errand_lay_still(const struct errand *errand, int64_t now_us);

/* How long its next attempt may take: its own time, or what its deadline leaves of it. */
int64_t errand_timeout_ms(const struct errand *errand, int64_t now_us);

#endif
