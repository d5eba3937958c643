/* drift_examples.h: Example requests of a report of a step `drift`: those of the window with the largest drift_score whose values
 * of its feature are the most unusual.
 *
 * The messages are read once more for them, since which window that is is known only at the end. Rows of a segment are counted
 * in the order in which they come, and so are those of its windows.
 */
#pragma once

#include "compiler/step/step.h"
#include "steps/drift/drift_picture.h"

#define DRIFT_EXAMPLES 10

struct drift_example {
	uint64_t message; /* from 1; of a CSV, the row below the header */
	size_t row;	  /* of its batch, from 0 */
	struct text id, origin; /* empty: unknown */
	double value, strangeness;
};

struct drift_examples {
	double score; /* 0: no window has drift */
	struct text segment;
	uint64_t window, from, until; /* from, until: its rows among those of its segment */
	size_t feature;
	uint64_t at; /* rows of that segment so far */
	size_t count;
	struct drift_example items[DRIFT_EXAMPLES]; /* the most unusual first; of equal ones, the first that came */
};

/* Takes the window, whose segment had so many rows before it, if its score is the largest yet. */
void drift_examples_see(struct drift_examples *examples, struct text segment, uint64_t before,
			const struct monitor_verdict *verdict);

/* Takes a row of the second reading. `made` has the position and the value; the name is asked of the source. False: memory ran
 * out. */
bool drift_examples_add(struct drift_examples *examples, struct text segment, struct drift_example made,
			const struct drift_picture *picture, const struct fit_source *source, struct arena *arena);

/* Writes them as a JSON object. */
void drift_examples_put(const struct drift_examples *examples, const struct drift_picture *picture, struct buffer *out);
