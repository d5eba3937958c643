/* feature_part.h: Parts of the state of a features step's key: one for each state form, which one message changes.
 *
 * Usually a message fits into what is remembered without a change of size: then the value is stored first, and the parts are
 * changed in place. Otherwise each part is copied and resized when its form is updated, so that it can take the message, and all
 * parts are stored again at the end.
 */
#pragma once

#include <math.h>

#include "methods/numeric/feature_state.h"
#include "steps/features/feature_program.h"

/* A form's part of the state, to be changed. */
struct feature_part {
	struct feature_slot slot;
	char *bytes;	   /* of the slot; NULL: not taken out of the state yet */
	size_t lane_bytes; /* of one element, but for its rests; 0 of texts */
	bool updated;
	bool exact; /* rests of integers stand behind */
};

/* All parts of one key, for one message. */
struct feature_parts {
	const struct feature_program *program;
	struct arena *arena;
	struct error *error;
	struct feature_state before;
	struct feature_part *items; /* of each form of the program */
	int64_t time_ms, newest_ms;
	bool counts;   /* the message is not later than may be */
	bool in_place; /* the parts are of what is remembered already */
};

/* Takes the message into the part of that form, once for all calls that share the form. False: INPUT or LIMIT. */
bool feature_parts_update(struct feature_parts *parts, size_t form, const struct trailing_input *input);

/* Whether it is numbers that the form keeps, of one element at least: then the part has the slot, how many bytes there are
 * of an element, and whether rests of integers stand behind them all. */
bool feature_part_measure(const struct feature_program_form *row, const struct feature_slot *slot, struct feature_part *part);

/* A lane's rests in what a part keeps. */
char *feature_part_rests(const struct feature_program_form *row, const struct feature_part *part, size_t lane);

static inline const void *feature_part_lane(const void *bytes, size_t lane, size_t lane_bytes)
{
	return (const char *)bytes + lane * lane_bytes;
}

/* The values of one element of each series; NaN where a call has fewer. */
static inline void feature_part_inputs(const struct trailing_input *input, size_t element, double inputs[FEATURE_INPUTS_MAX])
{
	for (size_t i = 0; i < FEATURE_INPUTS_MAX; i++)
		inputs[i] = input->numbers[i] ? input->numbers[i][element] : (double)NAN;
}
