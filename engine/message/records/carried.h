/* carried.h: Results that a message carries between stages of its pipeline: those of the steps that earlier
 * stages ran.
 *
 * A flow reads them when the message enters. When the message has finished, it replaces them with the results
 * of its own steps. All of it lives in the message's arena, or is borrowed from the graph.
 */
#pragma once

#include "message/message.h"

/* The numbers are part of the stage link record: append only. */
enum given_state {
	GIVEN_CAME,
	GIVEN_DEAD, /* will never come */
	GIVEN_FAILED
};

/* Why a step that ran had no output. The numbers are part of the record too. */
enum silence {
	SILENCE_NONE, /* it had an output, or did not run */
	SILENCE_EMPTY,
	SILENCE_WHEN,
	SILENCE_DROPPED
};

/* One point of a step: its inputs or its outputs. */
struct given {
	struct text step;
	bool inputs; /* its inputs, else its outputs */
	enum given_state state;
	const struct payload *payload; /* of GIVEN_CAME */
	struct text only_to;	       /* the only step that reads it; empty: all its readers */
	enum silence silence;	       /* of GIVEN_DEAD; in the record of GIVEN_FAILED its place has the error's cause */
	const struct error *error;     /* of GIVEN_FAILED */
	unsigned attempts;	       /* of the step that failed; 0: the error has another source */
	uint64_t next;		       /* on leaving a stage: the later stages that read it, as bits */
	bool left_out;		       /* likewise: the message is not in the share of the observer that reads it, but of another */
};

struct carried {
	size_t count;
	const struct given *items;
	bool answered; /* the answer was decided before; steps that still run do not affect it */
	/* Error of everything that did not come from an earlier stage; NULL: that never comes. */
	const struct error *missing;
	/* On leaving a stage: the stages to which it goes on (graph_part's `next`), as bits. `keys` are the
	 * partition keys of their topics; bytes NULL: that topic has no key of its own. */
	uint64_t next;
	const struct text *keys;
};
