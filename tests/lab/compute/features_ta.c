/* features_ta.c: Technical indicators on bars, one value per bar. The code is that of a features step, which runs
 * from bar to bar. */
#include <math.h>
#include <string.h>

#include "compute/family.h"
#include "compute/values.h"
#include "methods/numeric/feature.h"
#include "methods/numeric/moments.h"

/* ---- indicators of volume, which no pipeline has ---- */

/* On-balance volume: volume is added while the close rises, and subtracted while it falls. The first bar's volume is added. */
struct obv {
	double previous; /* close */
	double balance;
	uint64_t seen;
};

static double obv_update(struct obv *obv, double close, double volume)
{
	if (!isfinite(close) || !isfinite(volume))
		return obv->seen ? obv->balance : NAN;
	if (!obv->seen++ || close > obv->previous)
		obv->balance += volume;
	else if (close < obv->previous)
		obv->balance -= volume;
	obv->previous = close;
	return obv->balance;
}

/* Volume-weighted average price of all values so far; NaN while all volume is 0. */
struct vwap {
	struct sum products, volumes;
};

static double vwap_update(struct vwap *vwap, double price, double volume)
{
	if (isfinite(price) && isfinite(volume)) {
		sum_add(&vwap->products, price * volume);
		sum_add(&vwap->volumes, volume);
	}
	double volumes = sum_value(&vwap->volumes);
	return volumes == 0 ? NAN : sum_value(&vwap->products) / volumes;
}

struct bars {
	size_t count;
	const double *high, *low, *close, *volume, *typical; /* NULL: not given */
};

/* What is kept for one form. */
struct indicator_keeper {
	struct feature_form form;
	void *kept;
	uint32_t capacity;
};

static bool keeper_take(struct indicator_keeper *keeper, const double inputs[FEATURE_INPUTS_MAX], struct arena *arena)
{
	uint32_t capacity = feature_capacity(&keeper->form, keeper->kept, keeper->capacity, 0);
	if (!keeper->kept || capacity != keeper->capacity) {
		void *kept = arena_take(arena, 1, feature_bytes(&keeper->form, capacity));
		if (!kept)
			return false;
		if (keeper->kept)
			feature_move(&keeper->form, keeper->kept, keeper->capacity, kept, capacity);
		keeper->kept = kept;
		keeper->capacity = capacity;
	}
	feature_update(&keeper->form, keeper->kept, capacity, 0, 0, inputs);
	return true;
}

/* One column for each of the call's values. NULL: memory ran out. */
static double *feature_columns(const struct feature_call *call, const double *const series[FEATURE_INPUTS_MAX], size_t count,
			       struct arena *arena)
{
	struct feature_form forms[FEATURE_FORMS_MAX];
	struct indicator_keeper keepers[FEATURE_FORMS_MAX];
	size_t kept = feature_forms(call, forms), values = feature_values(call->function);
	double *columns = ARENA_ARRAY(arena, double, values *count);
	for (size_t i = 0; i < kept; i++)
		keepers[i] = (struct indicator_keeper){.form = forms[i]};
	for (size_t bar = 0; columns && bar < count; bar++) {
		double inputs[FEATURE_INPUTS_MAX] = {NAN, NAN, NAN}, one[FEATURE_VALUES_MAX];
		struct feature_piece pieces[FEATURE_FORMS_MAX];
		for (size_t i = 0; i < FEATURE_INPUTS_MAX && series[i]; i++)
			inputs[i] = series[i][bar];
		for (size_t i = 0; i < kept; i++) {
			if (!keeper_take(&keepers[i], inputs, arena))
				return NULL;
			pieces[i] = (struct feature_piece){&keepers[i].form, keepers[i].kept, keepers[i].capacity};
		}
		feature_value(call, pieces, inputs, false, one);
		for (size_t i = 0; i < values; i++)
			columns[i * count + bar] = one[i];
	}
	return columns;
}

/* ---- a result ---- */

struct indicator_work {
	const struct compute_case *one;
	struct bars bars;
	json_t *result;
	struct error *error;
};

/* Puts the call's values of those bars under the names; one that is NULL is left out. The
 * first `from` bars have none. */
static void put_feature(struct indicator_work *work, const struct feature_call *call,
			const double *const series[FEATURE_INPUTS_MAX], size_t from, const char *const names[FEATURE_VALUES_MAX])
{
	size_t count = work->bars.count, later = count > from ? count - from : 0;
	const double *shifted[FEATURE_INPUTS_MAX] = {0};
	for (size_t i = 0; i < FEATURE_INPUTS_MAX && series[i]; i++)
		shifted[i] = series[i] + (count - later);
	const double *columns = feature_columns(call, shifted, later, work->one->arena);
	double *row = ARENA_ARRAY(work->one->arena, double, count);
	if (!columns || !row) {
		error_memory(work->error, ERROR_LIMIT, "computing features");
		return;
	}
	for (size_t value = 0; value < feature_values(call->function); value++) {
		if (!names[value])
			continue;
		for (size_t bar = 0; bar < count; bar++)
			row[bar] = bar < count - later ? NAN : columns[value * later + bar - (count - later)];
		compute_put(work->result, names[value], compute_write_row(row, count), work->error);
	}
}

static void put_one(struct indicator_work *work, struct feature_call call, const double *series, const char *name)
{
	const double *const inputs[FEATURE_INPUTS_MAX] = {series};
	const char *const names[FEATURE_VALUES_MAX] = {name};
	put_feature(work, &call, inputs, 0, names);
}

static bool is_span(double number)
{
	return number >= 1 && number <= TRAILING_VALUES_MAX && number == floor(number);
}

/* A number of bars; 0: the case does not ask for it. */
static bool span_of(struct indicator_work *work, const char *name, uint32_t *span)
{
	double number = 0;
	*span = 0;
	if (!compute_has(work->one->params, name))
		return true;
	if (!compute_number(work->one->params, name, &number, work->error))
		return false;
	if (!is_span(number))
		return error_set(work->error, ERROR_INPUT, PLACE_NONE, "`%s` is a number of bars, from 1 to %d", name,
				 TRAILING_VALUES_MAX);
	*span = (uint32_t)number;
	return true;
}

/* ---- families of indicators ---- */

static bool put_averages(struct indicator_work *work)
{
	uint32_t sma, ema, rsi, atr;
	const struct bars *bars = &work->bars;
	if (!span_of(work, "sma", &sma) || !span_of(work, "ema", &ema) || !span_of(work, "rsi", &rsi) ||
	    !span_of(work, "atr", &atr))
		return false;
	if (sma)
		put_one(work, (struct feature_call){.function = FEATURE_MEAN, .messages = sma}, bars->close, "sma");
	if (ema) {
		put_one(work, (struct feature_call){.function = FEATURE_EMA, .messages = ema, .seed = SEED_FIRST}, bars->close,
			"ema_first");
		put_one(work, (struct feature_call){.function = FEATURE_EMA, .messages = ema}, bars->close, "ema_sma");
	}
	if (rsi)
		put_one(work, (struct feature_call){.function = FEATURE_RSI, .messages = rsi}, bars->close, "rsi");
	if (atr && bars->high && bars->low)
		put_feature(work, &(struct feature_call){.function = FEATURE_ATR, .messages = atr},
			    (const double *const[]){bars->high, bars->low, bars->close}, 0, (const char *const[3]){"atr"});
	return true;
}

static bool put_macd(struct indicator_work *work)
{
	struct compute_row spans;
	if (!compute_has(work->one->params, "macd"))
		return true;
	if (!compute_row(work->one, work->one->params, "macd", &spans, work->error))
		return false;
	if (spans.count != 3 || !is_span(spans.items[0]) || !is_span(spans.items[1]) || !is_span(spans.items[2]) ||
	    spans.items[0] >= spans.items[1])
		return error_set(work->error, ERROR_INPUT, PLACE_NONE,
				 "`macd` is three numbers of bars, the first below the second, such as [12, 26, 9]");
	struct feature_call call = {.function = FEATURE_MACD,
				    .spans = {(uint32_t)spans.items[0], (uint32_t)spans.items[1], (uint32_t)spans.items[2]}};
	const double *const series[FEATURE_INPUTS_MAX] = {work->bars.close};
	put_feature(work, &call, series, 0, (const char *const[]){"macd_talib", "macd_signal_talib", "macd_hist_talib"});
	call.seed = SEED_FIRST;
	put_feature(work, &call, series, 0, (const char *const[]){"macd_first", "macd_signal_first", "macd_hist_first"});
	return true;
}

static bool put_bollinger(struct indicator_work *work)
{
	struct compute_row bands;
	if (!compute_has(work->one->params, "bollinger"))
		return true;
	if (!compute_row(work->one, work->one->params, "bollinger", &bands, work->error))
		return false;
	if (bands.count != 2 || !is_span(bands.items[0]))
		return error_set(work->error, ERROR_INPUT, PLACE_NONE,
				 "`bollinger` is a number of bars and one of deviations, such as [20, 2]");
	put_feature(work,
		    &(struct feature_call){
			    .function = FEATURE_BOLLINGER, .messages = (uint32_t)bands.items[0], .number = bands.items[1]},
		    (const double *const[FEATURE_INPUTS_MAX]){work->bars.close}, 0,
		    (const char *const[]){"bb_lower", "bb_mid", "bb_upper"});
	return true;
}

static bool put_rolling(struct indicator_work *work)
{
	static const struct {
		enum feature_function function;
		const char *name;
	} rows[] = {{FEATURE_ZSCORE, "rolling_zscore"},
		    {FEATURE_MIN, "rolling_min"},
		    {FEATURE_MAX, "rolling_max"},
		    {FEATURE_MEDIAN, "rolling_median"}};
	const struct bars *bars = &work->bars;
	uint32_t roll;
	if (!span_of(work, "roll", &roll))
		return false;
	for (size_t i = 0; roll && i < sizeof rows / sizeof *rows; i++)
		put_one(work, (struct feature_call){.function = rows[i].function, .messages = roll}, bars->close, rows[i].name);
	if (roll && bars->typical && bars->volume)
		put_feature(work, &(struct feature_call){.function = FEATURE_VWAP, .messages = roll},
			    (const double *const[FEATURE_INPUTS_MAX]){bars->typical, bars->volume}, 0,
			    (const char *const[3]){"vwap_rolling"});
	return true;
}

/* The first bar has no return, so their spread begins with the second. */
static bool put_returns(struct indicator_work *work)
{
	const struct feature_call call = {.function = FEATURE_LOG_RETURN, .messages = 1};
	const double *const close[FEATURE_INPUTS_MAX] = {work->bars.close};
	const double *returns = feature_columns(&call, close, work->bars.count, work->one->arena);
	uint32_t roll;
	if (!returns)
		return error_memory(work->error, ERROR_LIMIT, "computing features");
	if (!span_of(work, "roll", &roll))
		return false;
	compute_put(work->result, "log_return", compute_write_row(returns, work->bars.count), work->error);
	if (roll)
		put_feature(work, &(struct feature_call){.function = FEATURE_STD, .messages = roll},
			    (const double *const[FEATURE_INPUTS_MAX]){returns}, 1, (const char *const[3]){"rolling_volatility"});
	return true;
}

/* Over all bars so far. */
static bool put_running(struct indicator_work *work)
{
	const struct bars *bars = &work->bars;
	struct obv obv = {0};
	struct vwap vwap = {0};
	double *balances = ARENA_ARRAY(work->one->arena, double, bars->count);
	double *prices = ARENA_ARRAY(work->one->arena, double, bars->count);
	if (!balances || !prices)
		return error_memory(work->error, ERROR_LIMIT, "computing features");
	for (size_t bar = 0; bars->volume && bar < bars->count; bar++) {
		balances[bar] = obv_update(&obv, bars->close[bar], bars->volume[bar]);
		if (bars->typical)
			prices[bar] = vwap_update(&vwap, bars->typical[bar], bars->volume[bar]);
	}
	if (bars->volume)
		compute_put(work->result, "obv", compute_write_row(balances, bars->count), work->error);
	if (bars->volume && bars->typical)
		compute_put(work->result, "vwap_cumulative", compute_write_row(prices, bars->count), work->error);
	return true;
}

/* ---- the bars ---- */

static bool read_series(struct indicator_work *work, const char *name, const double **series)
{
	struct compute_row row;
	*series = NULL;
	if (!compute_has(work->one->input, name))
		return true;
	if (!compute_row(work->one, work->one->input, name, &row, work->error))
		return false;
	if (row.count != work->bars.count)
		return error_set(work->error, ERROR_INPUT, PLACE_NONE, "`%s` has %zu bars, and `close` has %zu; they must agree",
				 name, row.count, work->bars.count);
	*series = row.items;
	return true;
}

static bool read_bars(struct indicator_work *work)
{
	struct bars *bars = &work->bars;
	struct compute_row close;
	if (!compute_row(work->one, work->one->input, "close", &close, work->error))
		return false;
	bars->count = close.count;
	bars->close = close.items;
	if (!read_series(work, "high", &bars->high) || !read_series(work, "low", &bars->low) ||
	    !read_series(work, "volume", &bars->volume))
		return false;
	if (!bars->high || !bars->low)
		return true;
	double *typical = ARENA_ARRAY(work->one->arena, double, bars->count);
	for (size_t bar = 0; typical && bar < bars->count; bar++)
		typical[bar] = (bars->high[bar] + bars->low[bar] + bars->close[bar]) / 3;
	bars->typical = typical;
	return typical || error_memory(work->error, ERROR_LIMIT, "computing features");
}

static json_t *features_ta_run(const struct compute_case *one, struct error *error)
{
	struct indicator_work work = {.one = one, .error = error};
	if (!read_bars(&work))
		return NULL;
	work.result = json_object();
	bool put = work.result && put_averages(&work) && put_macd(&work) && put_bollinger(&work) && put_rolling(&work) &&
		   put_returns(&work) && put_running(&work);
	if (!put && error->kind == ERROR_NONE)
		error_memory(error, ERROR_SYSTEM, "computing features");
	return compute_made(work.result, error);
}

static const struct compute_method methods[] = {
	{"sma", "Mean of the last `sma` closes; NaN before there are so many."},
	{"ema", "Weight 2/(n+1) for the newest; `ema_first` begins with the first close, `ema_sma` with the mean of the first n."},
	{"rsi", "Wilder's, from the mean of the first n changes on; 50 where nothing changed."},
	{"macd",
	 "EMA(fast) - EMA(slow), its EMA(signal), and their distance; `_talib`: begun with means, `_first`: with the first."},
	{"bollinger", "Mean of n closes, and k standard deviations (of a population) below and above."},
	{"atr", "Wilder's mean of the true range, from the mean of the first n on, the first bar left out."},
	{"vwap", "Typical price (h+l+c)/3 weighted by volume, over all bars and over `roll`; NaN where the volume is 0."},
	{"log_return", "log(close / the close before); `rolling_volatility`: their sample deviation over `roll`."},
	{"rolling", "Over `roll` closes: zscore (sample deviation; 0 where that is 0), min, max, median."},
	{"obv", "Volume, counted up while the close rises and down while it falls."},
	{NULL, NULL},
};

const struct compute_family compute_features_ta = {
	.name = "features_ta",
	.summary = "Technical indicators on bars, one value a bar.",
	.methods = methods,
	.parameters = "atr bollinger ema macd roll rsi sma",
	.run = features_ta_run,
};
