/* indicator.c: Smoothed indicators; see indicator.h. */
#include "methods/numeric/indicator.h"

#include <math.h>

/* ---- exponential averages ---- */

double ema_value(const struct ema *ema, uint32_t span, enum seed seed)
{
	return ema->seen >= (seed == SEED_MEAN ? span : 1) ? ema->value : NAN;
}

/* Nearer to the value by 2 / (span + 1), also where their distance overflows. */
static double nearer(double average, uint32_t span, double value)
{
	double next = average + (value - average) * 2 / (span + 1.0), weight = 2 / (span + 1.0);
	return isfinite(next) ? next : average * (1 - weight) + value * weight;
}

double ema_update(struct ema *ema, uint32_t span, enum seed seed, double value)
{
	if (!isfinite(value))
		return ema_value(ema, span, seed);
	const uint64_t warm = seed == SEED_MEAN ? span : 1, seen = ema->seen + 1;
	double next = seen > warm ? nearer(ema->value, span, value) : ema->value + value;
	if (seen == warm)
		next = isfinite(next) ? next / (double)warm : ema->value / (double)warm + value / (double)warm;
	if (isfinite(next)) {
		ema->value = next;
		ema->seen = seen;
	}
	return ema_value(ema, span, seed);
}

/* ---- macd ---- */

void macd_value(const struct macd *macd, const struct macd_spans *spans, enum seed seed, double out[3])
{
	double line = ema_value(&macd->fast, spans->fast, seed) - ema_value(&macd->slow, spans->slow, seed);
	double signal = ema_value(&macd->signal, spans->signal, seed);
	out[0] = isnan(signal) ? NAN : line;
	out[1] = signal;
	out[2] = line - signal;
}

void macd_update(struct macd *macd, const struct macd_spans *spans, enum seed seed, double value, double out[3])
{
	if (isfinite(value)) {
		double slow = ema_update(&macd->slow, spans->slow, seed, value), fast = NAN;
		if (seed == SEED_FIRST || macd->slow.seen > spans->slow - spans->fast)
			fast = ema_update(&macd->fast, spans->fast, seed, value);
		(void)ema_update(&macd->signal, spans->signal, seed, fast - slow);
	}
	macd_value(macd, spans, seed, out);
}

/* ---- Wilder's ---- */

/* The mean of the first `span` changes, then 1 / span of the newest. `seen`: values so
 * far, of which the first is no change. */
static double wilder(double average, uint32_t span, uint64_t seen, double change)
{
	if (seen - 1 < span)
		return average + change;
	if (seen - 1 == span)
		return (average + change) / span;
	return average + (change - average) / span;
}

double rsi_value(const struct rsi *rsi, uint32_t span)
{
	if (rsi->seen <= span)
		return NAN;
	const double smaller = fmax(rsi->gain, rsi->loss) < 1e300 ? 1 : 0x1p-10; /* so that the hundredfold has room */
	double both = rsi->gain * smaller + rsi->loss * smaller;
	return both == 0 ? 50 : 100 * (rsi->gain * smaller) / both;
}

double rsi_update(struct rsi *rsi, uint32_t span, double value)
{
	if (!isfinite(value))
		return rsi_value(rsi, span);
	struct rsi next = {.previous = value, .seen = rsi->seen + 1};
	if (next.seen > 1) {
		double change = value - rsi->previous;
		next.gain = wilder(rsi->gain, span, next.seen, fmax(change, 0));
		next.loss = wilder(rsi->loss, span, next.seen, fmax(-change, 0));
	}
	if (isfinite(next.gain) && isfinite(next.loss))
		*rsi = next;
	return rsi_value(rsi, span);
}

double atr_value(const struct atr *atr, uint32_t span)
{
	return atr->seen > span ? atr->range : NAN;
}

double atr_update(struct atr *atr, uint32_t span, double high, double low, double close)
{
	if (!isfinite(high) || !isfinite(low) || !isfinite(close))
		return atr_value(atr, span);
	double range = fmax(high - low, fmax(fabs(high - atr->previous), fabs(low - atr->previous)));
	struct atr next = {.previous = close, .seen = atr->seen + 1};
	if (next.seen > 1)
		next.range = wilder(atr->range, span, next.seen, range);
	if (isfinite(next.range))
		*atr = next;
	return atr_value(atr, span);
}

/* ---- of volume ---- */
