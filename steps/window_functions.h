/* window_functions.h: what a call over a window's messages is answered from, by name. */
#ifndef SLUICE_STEPS_WINDOW_FUNCTIONS_H
#define SLUICE_STEPS_WINDOW_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* One element of a series, at the window's end. */
struct window_element {
	unsigned tracks;
	const void *summary;
	const double *sorted; /* of a series whose numbers are kept; NaN left out */
	size_t count;
	double q;
};

enum window_answer {
	ANSWER_FLOAT,
	ANSWER_WHOLE,
	ANSWER_ALIKE, /* whole where the series is */
	ANSWER_GIVEN, /* likewise, and a text where it is given one */
	ANSWER_SUM,   /* whole likewise, and exact beyond what a double holds */
};

struct window_function {
	const char *name;
	double (*answer)(const struct window_element *element);
	unsigned tracks; /* of enum summary_track */
	enum window_answer type;
	bool keeps; /* the numbers themselves */
};

/* There is one for each row of the group `windows` of the expression language. */
const struct window_function *window_function_find(const char *name);

#endif
