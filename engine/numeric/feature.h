/* feature.h: features of the values that came before: what is computed of a trailing
 * window, or of an indicator, by one name.
 *
 * A call is what a user writes: a function, its extent, its parameters. It is answered
 * from what one or two forms keep (feature_forms()); calls whose forms are alike share
 * what is kept (feature_forms_join()). A form keeps, for each element of a series, one
 * piece of plain bytes, aligned to 8, without pointers; a window's grows and shrinks, by
 * `capacity`, which is 0 for what never does.
 *
 * A series may be of texts: what gives one of them back (first, last, lag) has a window of texts
 * (trailing_texts.h) instead, for all elements, and what counts them is given numbers that are
 * equal where the texts are.
 *
 * For a message: feature_capacity(), feature_move() where that has changed, then
 * feature_update() with what the call was given; then feature_value() for each call.
 *
 * Pure. Any thread may call.
 */
#ifndef SLUICE_NUMERIC_FEATURE_H
#define SLUICE_NUMERIC_FEATURE_H

#include "numeric/indicator.h"
#include "numeric/trailing_texts.h"

enum feature_function {
	FEATURE_SUM,
	FEATURE_MEAN,
	FEATURE_STD,
	FEATURE_VAR,
	FEATURE_MIN,
	FEATURE_MAX,
	FEATURE_COUNT,
	FEATURE_FIRST,
	FEATURE_LAST,
	FEATURE_MEDIAN,
	FEATURE_QUANTILE,
	FEATURE_DISTINCT,
	FEATURE_RATE,
	FEATURE_EMA,
	FEATURE_ZSCORE,
	FEATURE_LAG,
	FEATURE_DELTA,
	FEATURE_LOG_RETURN,
	FEATURE_RSI,
	FEATURE_MACD,
	FEATURE_ATR,
	FEATURE_BOLLINGER,
	FEATURE_VWAP,
};

#define FEATURE_INPUTS_MAX 3 /* series that a call is given: high, low, close */
#define FEATURE_FORMS_MAX 2
#define FEATURE_VALUES_MAX 3 /* that a call has for each element */

struct feature_call {
	enum feature_function function;
	uint32_t messages; /* its extent: one of the two */
	int64_t duration_ms;
	double number;		 /* quantile: q; bollinger: how many deviations */
	struct macd_spans spans; /* macd */
	enum seed seed;		 /* ema, macd */
};

/* What a form takes of what its call is given. The numbers are part of what a deployment finds again. */
enum feature_input {
	INPUT_VALUE = 0,   /* the first */
	INPUT_PRODUCT = 2, /* of the first two, both of them there */
	INPUT_WEIGHT = 3,  /* the second, where the first is there too */
	INPUT_ALL = 4,
};

/* What becomes of texts: a window of them, or numbers for them. */
enum feature_texts { TEXTS_NONE, TEXTS_KEPT, TEXTS_NUMBERED };

enum feature_kept { KEPT_WINDOW, KEPT_EMA, KEPT_MACD, KEPT_RSI, KEPT_ATR };

struct feature_form {
	enum feature_kept kept;
	enum feature_input input;
	enum feature_texts texts;
	struct trailing window;	 /* KEPT_WINDOW */
	struct macd_spans spans; /* KEPT_MACD; of the others `fast` */
	enum seed seed;
};

/* How many values it has for each element: 3 for macd (difference, signal, their
 * distance) and bollinger (lower, middle, upper), else 1. */
uint32_t feature_values(enum feature_function function);

/* What must be kept to answer it; how many forms. */
size_t feature_forms(const struct feature_call *call, struct feature_form forms[FEATURE_FORMS_MAX]);

/* Whether one may stand for both, of the same series; then `form` is made to. */
bool feature_forms_join(struct feature_form *form, const struct feature_form *other);

size_t feature_bytes(const struct feature_form *form, uint32_t capacity); /* of one element; a multiple of 8 */

/* As trailing_capacity() says: above TRAILING_VALUES_MAX no more can be kept. `kept` NULL: nothing is. */
uint32_t feature_capacity(const struct feature_form *form, const void *kept, uint32_t capacity, int64_t newest_ms);

/* Whether nothing that is kept counts at that time; what is no window always does. */
bool feature_spent(const struct feature_form *form, const void *kept, uint32_t capacity, int64_t newest_ms);
void feature_move(const struct feature_form *form, const void *from, uint32_t from_capacity, void *to, uint32_t to_capacity);

/* Takes the next message's values in. */
void feature_update(const struct feature_form *form, void *kept, uint32_t capacity, int64_t time_ms, int64_t newest_ms,
		    const double inputs[FEATURE_INPUTS_MAX]);

/* What one form keeps of an element. */
struct feature_piece {
	const struct feature_form *form; /* joined, perhaps, with others */
	const void *kept;
	uint32_t capacity;
};

/* The call's values, from what its forms keep. Of `truths` those that are 0 are not counted. */
void feature_value(const struct feature_call *call, const struct feature_piece pieces[FEATURE_FORMS_MAX],
		   const double inputs[FEATURE_INPUTS_MAX], bool truths, double values[FEATURE_VALUES_MAX]);

/* Whether a function gives integers back as they came, so that it needs rests of them (trailing.h); and whether it may be
 * given any integer: those functions, and what only counts. */
bool feature_gives_back(enum feature_function function);
bool feature_takes_any(enum feature_function function);

/* The rest that belongs to the value of such a function; `rests` are those of the piece. */
double feature_rest(const struct feature_call *call, const struct feature_piece *piece, const void *rests);

/* Those of texts, of so many series; borrowed from their window. What there is none of is empty. */
void feature_texts(const struct feature_call *call, const struct feature_form *form, const void *window, size_t series,
		   struct text *texts);

#endif
