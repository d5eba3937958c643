/* carried.h: what a message carries from stage to stage of its pipeline, beside the
 * request: what became of the steps that earlier stages ran.
 *
 * A flow takes it in when the message enters, and leaves what came of its own steps in
 * its place when the message has finished. All of it lives in the message's arena, or is
 * borrowed from the graph.
 */
#ifndef SLUICE_MESSAGE_CARRIED_H
#define SLUICE_MESSAGE_CARRIED_H

#include "message/message.h"

/* Numbers stand in the crossing record: append only. */
enum given_state {
	GIVEN_CAME,
	GIVEN_DEAD, /* it will never come */
	GIVEN_FAILED
};

/* Why a step that ran gave nothing. Numbers as above. */
enum silence {
	SILENCE_NONE, /* it gave something, or never ran */
	SILENCE_EMPTY,
	SILENCE_WHEN,
	SILENCE_DROPPED
};

/* One point of a step: what it was sent, or what it gave. */
struct given {
	struct text step;
	bool inputs; /* what it was sent */
	enum given_state state;
	const struct payload *payload; /* of GIVEN_CAME */
	struct text only_to;	       /* the one step for which it is; empty: for all that read it */
	enum silence silence;	       /* of GIVEN_DEAD; in the record of GIVEN_FAILED its place is the error's `limit` */
	const struct error *error;     /* of GIVEN_FAILED */
	unsigned attempts;	       /* of the step that failed; 0: the error came from elsewhere */
	uint64_t next;		       /* when it leaves a stage: which of those behind read it, as bits */
};

struct carried {
	size_t count;
	const struct given *items;
	bool answered; /* the answer was decided before; what still runs is beside it */
	/* What has not come from a stage before has failed with this; NULL: it never comes. */
	const struct error *missing;
	/* When it leaves a stage: which of the stages behind it (graph_part's `next`) it goes
	 * on to, as bits; and the keys by which their topics are partitioned, where they have
	 * one of their own: bytes NULL, it has none. */
	uint64_t next;
	const struct text *keys;
};

#endif
