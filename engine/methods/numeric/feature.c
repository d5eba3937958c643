/* feature.c: Features by name; see feature.h. */
#include "methods/numeric/feature.h"

#include <math.h>

uint32_t feature_values(enum feature_function function)
{
	return function == FEATURE_MACD || function == FEATURE_BOLLINGER ? 3 : 1;
}

/* ---- forms ---- */

/* What is tracked of the window that a function reads. */
static unsigned tracks_of(enum feature_function function)
{
	switch (function) {
	case FEATURE_SUM:
	case FEATURE_MEAN:
	case FEATURE_RATE:
	case FEATURE_VWAP:
		return TRACK_SUM;
	case FEATURE_STD:
	case FEATURE_VAR:
	case FEATURE_ZSCORE:
	case FEATURE_BOLLINGER:
		return TRACK_SPREAD;
	case FEATURE_MIN:
		return TRACK_LEAST;
	case FEATURE_MAX:
		return TRACK_GREATEST;
	case FEATURE_MEDIAN:
	case FEATURE_QUANTILE:
	case FEATURE_DISTINCT:
		return TRACK_ORDER;
	default:
		return 0;
	}
}

static enum feature_texts texts_of(enum feature_function function)
{
	switch (function) {
	case FEATURE_FIRST:
	case FEATURE_LAST:
	case FEATURE_LAG:
		return TEXTS_KEPT;
	case FEATURE_COUNT:
	case FEATURE_DISTINCT:
		return TEXTS_NUMBERED;
	default:
		return TEXTS_NONE;
	}
}

static enum feature_kept kept_of(enum feature_function function)
{
	switch (function) {
	case FEATURE_EMA:
		return KEPT_EMA;
	case FEATURE_MACD:
		return KEPT_MACD;
	case FEATURE_RSI:
		return KEPT_RSI;
	case FEATURE_ATR:
		return KEPT_ATR;
	default:
		return KEPT_WINDOW;
	}
}

/* How many messages back a function without an extent looks, itself included. */
static uint32_t messages_of(const struct feature_call *call)
{
	switch (call->function) {
	case FEATURE_LAG:
	case FEATURE_DELTA:
	case FEATURE_LOG_RETURN:
		return call->messages + 1;
	default:
		return call->messages;
	}
}

size_t feature_forms(const struct feature_call *call, struct feature_form forms[FEATURE_FORMS_MAX])
{
	forms[0] = (struct feature_form){.kept = kept_of(call->function), .texts = texts_of(call->function)};
	switch (forms[0].kept) {
	case KEPT_WINDOW:
		forms[0].window = (struct trailing){messages_of(call), call->duration_ms, tracks_of(call->function)};
		break;
	case KEPT_MACD:
		forms[0].spans = call->spans;
		forms[0].seed = call->seed;
		break;
	case KEPT_EMA:
		forms[0].seed = call->seed;
		forms[0].spans.fast = call->messages;
		break;
	case KEPT_ATR:
		forms[0].input = INPUT_ALL;
		forms[0].spans.fast = call->messages;
		break;
	case KEPT_RSI:
		forms[0].spans.fast = call->messages;
		break;
	}
	if (call->function != FEATURE_VWAP)
		return 1;
	forms[1] = forms[0];
	forms[0].input = INPUT_PRODUCT;
	forms[1].input = INPUT_WEIGHT;
	return 2;
}

bool feature_forms_join(struct feature_form *form, const struct feature_form *other)
{
	bool alike = form->kept == other->kept && form->input == other->input && form->seed == other->seed &&
		     form->window.messages == other->window.messages && form->window.duration_ms == other->window.duration_ms &&
		     form->spans.fast == other->spans.fast && form->spans.slow == other->spans.slow &&
		     form->spans.signal == other->spans.signal &&
		     (form->texts == other->texts || form->texts == TEXTS_NONE || other->texts == TEXTS_NONE);
	if (alike) {
		form->window.tracks |= other->window.tracks;
		form->texts = form->texts == TEXTS_NONE ? other->texts : form->texts;
	}
	return alike;
}

size_t feature_bytes(const struct feature_form *form, uint32_t capacity)
{
	static const size_t sizes[] = {[KEPT_EMA] = sizeof(struct ema),
				       [KEPT_MACD] = sizeof(struct macd),
				       [KEPT_RSI] = sizeof(struct rsi),
				       [KEPT_ATR] = sizeof(struct atr)};
	return form->kept == KEPT_WINDOW ? trailing_bytes(&form->window, capacity) : sizes[form->kept];
}

uint32_t feature_capacity(const struct feature_form *form, const void *kept, uint32_t capacity, int64_t newest_ms)
{
	return form->kept == KEPT_WINDOW ? trailing_capacity(&form->window, kept, capacity, newest_ms) : 0;
}

bool feature_spent(const struct feature_form *form, const void *kept, uint32_t capacity, int64_t newest_ms)
{
	return form->kept == KEPT_WINDOW && trailing_spent(&form->window, kept, capacity, newest_ms);
}

void feature_move(const struct feature_form *form, const void *from, uint32_t from_capacity, void *to, uint32_t to_capacity)
{
	if (form->kept == KEPT_WINDOW)
		trailing_move(&form->window, from, from_capacity, to, to_capacity);
	else
		memcpy(to, from, feature_bytes(form, 0));
}

/* ---- from message to message ---- */

static double input_of(enum feature_input input, const double inputs[FEATURE_INPUTS_MAX])
{
	switch (input) {
	case INPUT_PRODUCT:
		return inputs[0] * inputs[1];
	case INPUT_WEIGHT:
		return isnan(inputs[0]) ? NAN : inputs[1];
	default:
		return inputs[0];
	}
}

void feature_update(const struct feature_form *form, void *kept, uint32_t capacity, int64_t time_ms, int64_t newest_ms,
		    const double inputs[FEATURE_INPUTS_MAX])
{
	double values[FEATURE_VALUES_MAX];
	switch (form->kept) {
	case KEPT_WINDOW:
		trailing_add(&form->window, kept, capacity, time_ms, newest_ms, input_of(form->input, inputs));
		break;
	case KEPT_EMA:
		(void)ema_update(kept, form->spans.fast, form->seed, inputs[0]);
		break;
	case KEPT_MACD:
		macd_update(kept, &form->spans, form->seed, inputs[0], values);
		break;
	case KEPT_RSI:
		(void)rsi_update(kept, form->spans.fast, inputs[0]);
		break;
	case KEPT_ATR:
		(void)atr_update(kept, form->spans.fast, inputs[0], inputs[1], inputs[2]);
		break;
	}
}

/* ---- values ---- */

static double zscore(double above_mean, double scale)
{
	return scale == 0 && !isnan(above_mean) ? 0 : above_mean / scale;
}

static void spread_value(const struct feature_call *call, const struct feature_piece *piece, double input, double *values)
{
	const struct trailing *form = &piece->form->window;
	const void *window = piece->kept;
	const uint32_t count = trailing_values(window);
	double middle, width;
	switch (call->function) {
	case FEATURE_STD:
		values[0] = trailing_deviation(form, window, piece->capacity, 1);
		break;
	case FEATURE_VAR:
		values[0] = count > 1 ? trailing_squares(form, window, piece->capacity, &middle) / (count - 1) : NAN;
		break;
	case FEATURE_ZSCORE:
		values[0] = zscore(trailing_above_mean(form, window, piece->capacity, input),
				   trailing_deviation(form, window, piece->capacity, 1));
		break;
	default: /* bollinger, of a population */
		(void)trailing_squares(form, window, piece->capacity, &middle);
		width = call->number * trailing_deviation(form, window, piece->capacity, 0);
		values[0] = middle - width;
		values[1] = middle;
		values[2] = middle + width;
		break;
	}
}

static double vwap_of(const struct feature_piece pieces[2])
{
	uint32_t weighed = trailing_values(pieces[1].kept) - trailing_zeros(pieces[1].kept);
	return weighed ? trailing_sum(&pieces[0].form->window, pieces[0].kept, pieces[0].capacity) /
				 trailing_sum(&pieces[1].form->window, pieces[1].kept, pieces[1].capacity)
		       : NAN;
}

static double window_value(const struct feature_call *call, const struct feature_piece *piece, double input)
{
	const struct trailing *form = &piece->form->window;
	const void *window = piece->kept;
	switch (call->function) {
	case FEATURE_SUM:
		return trailing_sum(form, window, piece->capacity);
	case FEATURE_MEAN:
		return trailing_mean(form, window, piece->capacity);
	case FEATURE_RATE:
		return trailing_sum(form, window, piece->capacity) * 1000 / (double)call->duration_ms;
	case FEATURE_MIN:
		return trailing_least(form, window, piece->capacity);
	case FEATURE_MAX:
		return trailing_greatest(form, window, piece->capacity);
	case FEATURE_FIRST:
		return trailing_first(form, window, piece->capacity);
	case FEATURE_LAST:
		return trailing_last(form, window, piece->capacity);
	case FEATURE_MEDIAN:
		return trailing_quantile(form, window, piece->capacity, 0.5);
	case FEATURE_QUANTILE:
		return trailing_quantile(form, window, piece->capacity, call->number);
	case FEATURE_LAG:
		return trailing_oldest(form, window, piece->capacity);
	case FEATURE_DELTA:
		return input - trailing_oldest(form, window, piece->capacity);
	default: /* log_return */
		return log(input / trailing_oldest(form, window, piece->capacity));
	}
}

/* Whether the function says what there is while its window still fills. */
static bool never_warms_up(enum feature_function function)
{
	return function == FEATURE_COUNT || function == FEATURE_DISTINCT || function == FEATURE_LAST;
}

static void of_window(const struct feature_call *call, const struct feature_piece pieces[FEATURE_FORMS_MAX], double input,
		      bool truths, double values[FEATURE_VALUES_MAX])
{
	const void *window = pieces[0].kept;
	if (!never_warms_up(call->function) && !trailing_warm(&pieces[0].form->window, window)) {
		for (uint32_t i = 0; i < feature_values(call->function); i++)
			values[i] = NAN;
		return;
	}
	if (call->function == FEATURE_COUNT)
		values[0] = trailing_values(window) - (truths ? trailing_zeros(window) : 0);
	else if (call->function == FEATURE_DISTINCT)
		values[0] = trailing_distinct(window);
	else if (call->function == FEATURE_VWAP)
		values[0] = vwap_of(pieces);
	else if (tracks_of(call->function) == TRACK_SPREAD)
		spread_value(call, &pieces[0], input, values);
	else
		values[0] = window_value(call, &pieces[0], input);
}

void feature_value(const struct feature_call *call, const struct feature_piece pieces[FEATURE_FORMS_MAX],
		   const double inputs[FEATURE_INPUTS_MAX], bool truths, double values[FEATURE_VALUES_MAX])
{
	const struct feature_form *form = pieces[0].form;
	switch (form->kept) {
	case KEPT_WINDOW:
		of_window(call, pieces, inputs[0], truths, values);
		break;
	case KEPT_EMA:
		values[0] = ema_value(pieces[0].kept, form->spans.fast, form->seed);
		break;
	case KEPT_MACD:
		macd_value(pieces[0].kept, &form->spans, form->seed, values);
		break;
	case KEPT_RSI:
		values[0] = rsi_value(pieces[0].kept, form->spans.fast);
		break;
	case KEPT_ATR:
		values[0] = atr_value(pieces[0].kept, form->spans.fast);
		break;
	}
}

bool feature_gives_back(enum feature_function function)
{
	return function == FEATURE_LAG || function == FEATURE_FIRST || function == FEATURE_LAST || function == FEATURE_MIN ||
	       function == FEATURE_MAX;
}

bool feature_takes_any(enum feature_function function)
{
	return feature_gives_back(function) || function == FEATURE_COUNT;
}

double feature_rest(const struct feature_call *call, const struct feature_piece *piece, const void *rests)
{
	const struct trailing *form = &piece->form->window, rests_form = trailing_rests_form(form);
	switch (call->function) {
	case FEATURE_LAG:
		return trailing_oldest(&rests_form, rests, piece->capacity);
	case FEATURE_FIRST:
		return trailing_first(&rests_form, rests, piece->capacity);
	case FEATURE_LAST:
		return trailing_last(&rests_form, rests, piece->capacity);
	default:
		return trailing_rest_of_extreme(form, piece->kept, rests, piece->capacity, call->function == FEATURE_MAX);
	}
}

void feature_texts(const struct feature_call *call, const struct feature_form *form, const void *window, size_t series,
		   struct text *texts)
{
	bool there = false;
	if (call->function == FEATURE_LAST)
		there = trailing_texts_last(window, series, texts);
	else if (trailing_texts_warm(&form->window, window))
		there = trailing_texts_first(window, series, texts); /* of lag, too: its window begins where it looks */
	for (size_t i = 0; !there && i < series; i++)
		texts[i] = TEXT("");
}
