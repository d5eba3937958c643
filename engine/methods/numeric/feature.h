/* feature.h: Features computed from earlier values: functions over a trailing window, and indicators, by name.
 *
 * A call is a function, its extent and its parameters, as the user writes it. Its state is one or two forms
 * (feature_forms()). Calls with equal forms share their state (feature_forms_join()). A form keeps one piece of plain
 * bytes for each element of a series, aligned to 8, without pointers. The piece of a window grows and shrinks by
 * `capacity`, which is 0 for one of fixed size.
 *
 * A series may be of texts. A function that returns one of them (first, last, lag) has a window of texts
 * (trailing_texts.h) instead, for all elements. One that counts them gets numbers that are equal where the texts are.
 *
 * For each message call feature_capacity(), feature_move() if the capacity has changed, then feature_update() with
 * the inputs of the call; then feature_value() for each call.
 *
 * Pure. Any thread may call.
 */
#pragma once

#include "methods/numeric/indicator.h"
#include "methods/numeric/trailing_texts.h"

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

#define FEATURE_INPUTS_MAX 3 /* most input series of a call: high, low, close */
#define FEATURE_FORMS_MAX 2
#define FEATURE_VALUES_MAX 3 /* most values of a call for each element */

struct feature_call {
	enum feature_function function;
	uint32_t messages; /* extent: this or duration_ms */
	int64_t duration_ms;
	double number;		 /* quantile: q; bollinger: the number of deviations */
	struct macd_spans spans; /* macd */
	enum seed seed;		 /* ema, macd */
};

/* The part of the call's inputs that a form uses. The numbers are stored in the state. */
enum feature_input {
	INPUT_VALUE = 0,   /* the first */
	INPUT_PRODUCT = 2, /* product of the first two, if both are present */
	INPUT_WEIGHT = 3,  /* the second, if the first is present too */
	INPUT_ALL = 4,
};

/* Treatment of texts: a window of texts, or numbers in their place. */
enum feature_texts { TEXTS_NONE, TEXTS_KEPT, TEXTS_NUMBERED };

enum feature_kept { KEPT_WINDOW, KEPT_EMA, KEPT_MACD, KEPT_RSI, KEPT_ATR };

struct feature_form {
	enum feature_kept kept;
	enum feature_input input;
	enum feature_texts texts;
	struct trailing window;	 /* KEPT_WINDOW */
	struct macd_spans spans; /* KEPT_MACD; the others use `fast` */
	enum seed seed;
};

/* The number of values for each element: 3 for macd (difference, signal, their distance) and bollinger (lower,
 * middle, upper), else 1. */
uint32_t feature_values(enum feature_function function);

/* The forms of state that a call needs; returns their number. */
size_t feature_forms(const struct feature_call *call, struct feature_form forms[FEATURE_FORMS_MAX]);

/* Whether one form can serve both, for the same series; then `form` is changed to it. */
bool feature_forms_join(struct feature_form *form, const struct feature_form *other);

size_t feature_bytes(const struct feature_form *form, uint32_t capacity); /* of one element; a multiple of 8 */

/* As trailing_capacity(): above TRAILING_VALUES_MAX no more can be kept. `kept` NULL: there is no state yet. */
uint32_t feature_capacity(const struct feature_form *form, const void *kept, uint32_t capacity, int64_t newest_ms);

/* Whether no kept value counts at that time any more. Always false for state that is no window. */
bool feature_spent(const struct feature_form *form, const void *kept, uint32_t capacity, int64_t newest_ms);
void feature_move(const struct feature_form *form, const void *from, uint32_t from_capacity, void *to, uint32_t to_capacity);

/* Adds the values of the next message. */
void feature_update(const struct feature_form *form, void *kept, uint32_t capacity, int64_t time_ms, int64_t newest_ms,
		    const double inputs[FEATURE_INPUTS_MAX]);

/* The state of one form for one element. */
struct feature_piece {
	const struct feature_form *form; /* possibly joined with others */
	const void *kept;
	uint32_t capacity;
};

/* The call's values, from the state of its forms. With `truths`, values of 0 are not counted. */
void feature_value(const struct feature_call *call, const struct feature_piece pieces[FEATURE_FORMS_MAX],
		   const double inputs[FEATURE_INPUTS_MAX], bool truths, double values[FEATURE_VALUES_MAX]);

/* Whether a function returns integers unchanged, so that it needs their rests (trailing.h); and whether it accepts
 * any integer: those functions, and those that only count. */
bool feature_gives_back(enum feature_function function);
bool feature_takes_any(enum feature_function function);

/* The rest of the value of such a function; `rests` are those of the piece. */
double feature_rest(const struct feature_call *call, const struct feature_piece *piece, const void *rests);

/* The results of a call on texts, for that many series, borrowed from their window. A missing one is empty. */
void feature_texts(const struct feature_call *call, const struct feature_form *form, const void *window, size_t series,
		   struct text *texts);
