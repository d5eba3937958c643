/* window_functions.h: Table of the functions over a window's messages, with the summaries that each needs, by name. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* State of one element of a series at the window's end. */
struct window_element {
	unsigned tracks;
	const void *summary;
	const double *sorted; /* for a series whose numbers are kept; without NaN */
	size_t count;
	double q;
};

enum window_answer {
	ANSWER_FLOAT,
	ANSWER_WHOLE,
	ANSWER_ALIKE, /* an integer if the series is of integers */
	ANSWER_GIVEN, /* likewise, and a text for a text */
	ANSWER_SUM,   /* an integer likewise, and exact beyond the precision of a double */
};

struct window_function {
	const char *name;
	double (*answer)(const struct window_element *element);
	unsigned tracks; /* of enum summary_track */
	enum window_answer type;
	bool keeps; /* it needs the numbers themselves */
};

/* Finds a function; there is one for each row of the group `windows` of the expression language. */
const struct window_function *window_function_find(const char *name);
