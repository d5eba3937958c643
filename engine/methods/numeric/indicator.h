/* indicator.h: Smoothed indicators of a series, with a few numbers of state each.
 *
 * A struct is the state from value to value: plain bytes, all zero before the first. An update takes the next value
 * and returns the indicator, NaN while it warms up. NaN and infinite values are ignored, because they would stay in
 * the state for ever: the previous result is returned again. Finite values are also ignored if their change, or their
 * sum with the first ones, would exceed the range of a double.
 *
 * Exponential averages weigh the newest value by 2 / (n + 1). They begin with the mean of the first n values
 * (SEED_MEAN, as TA-Lib), NaN before that; or with the first value (SEED_FIRST, as pandas with adjust=False). RSI and
 * ATR are Wilder's: they begin with the mean of the first n changes, then the newest weighs 1 / n.
 *
 * Pure. Any thread may use structs of its own.
 */
#pragma once

#include "methods/numeric/moments.h"

enum seed { SEED_MEAN, SEED_FIRST };

struct ema {
	double value; /* while it warms up: the sum */
	uint64_t seen;
};

double ema_update(struct ema *ema, uint32_t span, enum seed seed, double value);
double ema_value(const struct ema *ema, uint32_t span, enum seed seed);

/* MACD: the difference of a fast and a slow average, and an average of that. With SEED_MEAN the fast one begins where
 * the slow one does, with the mean of the last `fast` values; and all three are NaN until the average exists. */
struct macd {
	struct ema fast, slow, signal;
};

struct macd_spans {
	uint32_t fast, slow, signal; /* fast below slow */
};

/* out: the difference, its average, and the difference between these two. */
void macd_update(struct macd *macd, const struct macd_spans *spans, enum seed seed, double value, double out[3]);
void macd_value(const struct macd *macd, const struct macd_spans *spans, enum seed seed, double out[3]);

/* Relative strength index: 100 gain / (gain + loss); 50 if nothing changed. It exists from the (n + 1)th value on. */
struct rsi {
	double previous;
	double gain, loss; /* while it warms up: sums */
	uint64_t seen;
};

double rsi_update(struct rsi *rsi, uint32_t span, double value);
double rsi_value(const struct rsi *rsi, uint32_t span);

/* Average true range; it exists from the (n + 1)th bar on. */
struct atr {
	double previous; /* close */
	double range;	 /* while it warms up: the sum */
	uint64_t seen;
};

double atr_update(struct atr *atr, uint32_t span, double high, double low, double close);
double atr_value(const struct atr *atr, uint32_t span);
