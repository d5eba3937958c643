/* expression_functions.c: Functions of the language, one row each. Help pages,
 * completion, checks and the evaluator read the same rows. */
#include <math.h>

#include "base/suggest.h"
#include "compiler/expression/expression_foreign.h"
#include "compiler/expression/expression_kernels.h"
#include "compiler/expression/expression_tree.h"

#define EVERYWHERE (USE_MESSAGE | USE_TRAILING | USE_WINDOW | USE_FEEDBACK | USE_OPERATION)
#define MANY 64 /* arguments of functions that take any number */

#define RULES(...) (&(const struct function_rules){__VA_ARGS__})
#define EACH(letters, class, ...)                                                                                                  \
	RULES(.least = 1, .most = 1, .takes = (letters), .gives = (class), .shape = SHAPE_SAME, __VA_ARGS__)
#define JOINT(count, letters, class, function)                                                                                     \
	RULES(.least = (count), .most = (count), .takes = (letters), .gives = (class), .shape = SHAPE_JOINT, .run = (function))
#define REDUCE(letters, class, ...)                                                                                                \
	RULES(.least = 1, .most = 1, .takes = (letters), .gives = (class), .shape = SHAPE_REDUCED, .takes_along = true, __VA_ARGS__)
/* Of `count` series, and behind them parameters that are written out. */
#define TRAILING(function, count, from, to, letters, class, ...)                                                                   \
	RULES(.least = (from), .most = (to), .takes = (letters), .gives = (class), .shape = SHAPE_FREE, .series = (count),         \
	      .feature = (function), __VA_ARGS__)
/* Of one series over a window's messages. */
#define OVER_WINDOW(function, parameters, letters, class)                                                                          \
	TRAILING(function, 1, 1 + (parameters), 1 + (parameters), letters, class, .over_window = true)
#define TRAILING_OVER(function, count, parameters, letters, class)                                                                 \
	TRAILING(function, count, (count) + (parameters), (count) + (parameters), letters, class, .takes_over = true)

static double sign_of(double x)
{
	return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : x;
}

static double sigmoid(double x)
{
	if (x >= 0.0)
		return 1.0 / (1.0 + exp(-x));
	double e = exp(x); /* would be infinite on the other side */
	return e / (1.0 + e);
}

const struct expression_function_row expression_functions[] = {
	{"each", "abs", "abs(x)", "Without its sign.", EVERYWHERE, EACH("n", '=', .run = run_abs, .each = fabs)},
	{"each", "sign", "sign(x)", "-1, 0 or 1.", EVERYWHERE, EACH("n", '=', .run = run_sign, .each = sign_of)},
	{"each", "sqrt", "sqrt(x)", "Square root; nan below 0.", EVERYWHERE, EACH("n", 'f', .run = run_each_float, .each = sqrt)},
	{"each", "exp", "exp(x)", "e to the power of x.", EVERYWHERE, EACH("n", 'f', .run = run_each_float, .each = exp)},
	{"each", "log", "log(x)", "Natural logarithm.", EVERYWHERE, EACH("n", 'f', .run = run_each_float, .each = log)},
	{"each", "log1p", "log1p(x)", "log(1 + x), exact near 0.", EVERYWHERE,
	 EACH("n", 'f', .run = run_each_float, .each = log1p)},
	{"each", "log10", "log10(x)", "Logarithm to the base 10.", EVERYWHERE,
	 EACH("n", 'f', .run = run_each_float, .each = log10)},
	{"each", "floor", "floor(x)", "Rounded down.", EVERYWHERE, EACH("n", '=', .run = run_rounded, .each = floor)},
	{"each", "ceil", "ceil(x)", "Rounded up.", EVERYWHERE, EACH("n", '=', .run = run_rounded, .each = ceil)},
	{"each", "round", "round(x)", "Rounded to the nearest integer, halves to the even one.", EVERYWHERE,
	 EACH("n", '=', .run = run_rounded, .each = rint)},
	{"each", "sigmoid", "sigmoid(x)", "1 / (1 + exp(-x)).", EVERYWHERE, EACH("n", 'f', .run = run_each_float, .each = sigmoid)},
	{"each", "tanh", "tanh(x)", "Hyperbolic tangent.", EVERYWHERE, EACH("n", 'f', .run = run_each_float, .each = tanh)},
	{"each", "relu", "relu(x)", "x if it is above 0, else 0.", EVERYWHERE, EACH("n", '=', .run = run_relu)},
	{"each", "clip", "clip(x, lo, hi)", "x, but not below lo nor above hi.", EVERYWHERE, JOINT(3, "n", 'n', run_clip)},
	{"each", "min", "min(a, b)", "The lesser of the two.", EVERYWHERE,
	 RULES(.least = 2, .most = MANY, .takes = "n", .gives = 'n', .shape = SHAPE_JOINT, .run = run_least)},
	{"each", "max", "max(a, b)", "The greater of the two.", EVERYWHERE,
	 RULES(.least = 2, .most = MANY, .takes = "n", .gives = 'n', .shape = SHAPE_JOINT, .run = run_greatest)},
	{"each", "where", "where(c, a, b)", "a where c is true, else b; if c is one element, only the chosen side is needed.",
	 EVERYWHERE, RULES(.least = 3, .most = 3, .takes = "baa", .gives = 'n', .shape = SHAPE_JOINT)},
	{"each", "has", "has(x)", "Whether nothing in x is missing.", EVERYWHERE,
	 RULES(.least = 1, .most = 1, .takes = "a", .gives = 'b', .shape = SHAPE_SCALAR)},
	{"each", "isnan", "isnan(x)", "Whether it is nan.", EVERYWHERE, EACH("n", 'b', .run = run_isnan)},
	{"each", "isfinite", "isfinite(x)", "Whether it is neither nan nor infinite.", EVERYWHERE,
	 EACH("n", 'b', .run = run_isfinite)},
	{"each", "div", "div(a, b)", "The quotient rounded down; by 0 an error.", EVERYWHERE, JOINT(2, "n", 'n', run_div)},
	{"each", "mod", "mod(a, b)", "The remainder of div; it has the sign of b.", EVERYWHERE, JOINT(2, "n", 'n', run_mod)},
	{"each", "cast", "cast(x, INT32)", "x in that datatype, rounded to even; what does not fit is an error.", EVERYWHERE,
	 EACH("b", 'c', .run = run_cast)},

	{"reduce", "sum", "sum(x)", "The sum; of bools, how many are true.", EVERYWHERE,
	 REDUCE("b", 's', .run = run_sum, .reduce = sum_doubles)},
	{"reduce", "mean", "mean(x)", "The mean; mean(x along 0) for each lane of an axis.", EVERYWHERE,
	 REDUCE("b", 'f', .run = run_reduce, .reduce = reduce_mean)},
	{"reduce", "std", "std(x)", "Standard deviation of a sample (n - 1).", EVERYWHERE,
	 REDUCE("n", 'f', .run = run_reduce, .reduce = reduce_std)},
	{"reduce", "var", "var(x)", "Variance of a sample (n - 1).", EVERYWHERE,
	 REDUCE("n", 'f', .run = run_reduce, .reduce = reduce_var)},
	{"reduce", "pstd", "pstd(x)", "Standard deviation of a population (n).", EVERYWHERE,
	 REDUCE("n", 'f', .run = run_reduce, .reduce = reduce_pstd)},
	{"reduce", "pvar", "pvar(x)", "Variance of a population (n).", EVERYWHERE,
	 REDUCE("n", 'f', .run = run_reduce, .reduce = reduce_pvar)},
	{"reduce", "min", "min(x)", "The least.", EVERYWHERE, REDUCE("n", '=', .run = run_extreme)},
	{"reduce", "max", "max(x)", "The greatest.", EVERYWHERE, REDUCE("n", '=', .run = run_extreme, .greatest = true)},
	{"reduce", "median", "median(x)", "The middle one, or the mean of the two in the middle.", EVERYWHERE,
	 REDUCE("n", 'f', .run = run_quantile)},
	{"reduce", "quantile", "quantile(x, q)", "Linear between order statistics (type 7); q from 0 to 1.", EVERYWHERE,
	 RULES(.least = 2, .most = 2, .takes = "n", .gives = 'f', .shape = SHAPE_REDUCED, .takes_along = true,
	       .run = run_quantile)},
	{"reduce", "argmin", "argmin(x)", "The index of the least, from 0; of equal ones the first.", EVERYWHERE,
	 REDUCE("n", 'i', .run = run_arg_extreme)},
	{"reduce", "argmax", "argmax(x)", "The index of the greatest, from 0; of equal ones the first.", EVERYWHERE,
	 REDUCE("n", 'i', .run = run_arg_extreme, .greatest = true)},
	{"reduce", "any", "any(x)", "Whether one is true.", EVERYWHERE, REDUCE("b", 'b', .run = run_any)},
	{"reduce", "all", "all(x)", "Whether all are true.", EVERYWHERE, REDUCE("b", 'b', .run = run_all)},
	{"reduce", "count", "count(x)", "How many elements; of bools, how many are true.", EVERYWHERE,
	 REDUCE("a", 'i', .run = run_count)},
	{"reduce", "norm", "norm(x)", "The root of the sum of squares.", EVERYWHERE,
	 REDUCE("n", 'f', .run = run_reduce, .reduce = reduce_norm)},
	{"reduce", "dot", "dot(a, b)", "The sum of a * b along the last axis.", EVERYWHERE,
	 RULES(.least = 2, .most = 2, .takes = "n", .gives = 'n', .shape = SHAPE_FREE, .takes_along = true, .run = run_dot,
	       .reduce = sum_doubles)},

	{"shape", "shape", "shape(x)", "Its dimensions.", EVERYWHERE,
	 RULES(.least = 1, .most = 1, .takes = "a", .gives = 'i', .shape = SHAPE_VECTOR, .run = run_shape)},
	{"shape", "size", "size(x)", "How many elements.", EVERYWHERE,
	 RULES(.least = 1, .most = 1, .takes = "a", .gives = 'i', .shape = SHAPE_SCALAR, .run = run_size)},
	{"shape", "reshape", "reshape(x, [1, 3])", "The same elements in another shape; -1 for what is left.", EVERYWHERE,
	 RULES(.least = 2, .most = 2, .takes = "ai", .gives = '=', .shape = SHAPE_WANTED, .run = run_reshape)},
	{"shape", "flatten", "flatten(x)", "In one dimension.", EVERYWHERE,
	 RULES(.least = 1, .most = 1, .takes = "a", .gives = '=', .shape = SHAPE_VECTOR, .run = run_flatten)},
	{"shape", "concat", "concat(a, b along 0)", "The arguments joined along an axis, by default 0.", EVERYWHERE,
	 RULES(.least = 1, .most = MANY, .takes = "a", .gives = 'n', .shape = SHAPE_FREE, .takes_along = true, .run = run_concat)},
	{"shape", "stack", "stack(a, b along 0)", "The arguments joined along a new axis, by default 0.", EVERYWHERE,
	 RULES(.least = 1, .most = MANY, .takes = "a", .gives = 'n', .shape = SHAPE_FREE, .takes_along = true, .run = run_stack)},
	{"shape", "sort", "sort(x)", "Ascending along the last axis, or another; nan last.", EVERYWHERE,
	 RULES(.least = 1, .most = 1, .takes = "a", .gives = '=', .shape = SHAPE_SAME, .takes_along = true, .run = run_sort,
	       .sorts = true)},
	{"shape", "reverse", "reverse(x)", "Reversed along the last axis, or another.", EVERYWHERE,
	 RULES(.least = 1, .most = 1, .takes = "a", .gives = '=', .shape = SHAPE_SAME, .takes_along = true, .run = run_reverse)},
	{"shape", "softmax", "softmax(x)", "exp(x) as shares of their sum, along the last axis or another.", EVERYWHERE,
	 RULES(.least = 1, .most = 1, .takes = "n", .gives = 'f', .shape = SHAPE_SAME, .takes_along = true, .run = run_softmax)},
	{"shape", "valid", "valid(x)", "What is not nan, in one dimension.", EVERYWHERE,
	 RULES(.least = 1, .most = 1, .takes = "a", .gives = '=', .shape = SHAPE_VECTOR, .run = run_valid)},

	{"text", "header", "header(\"x-user\")", "A header of the message, its name without regard to case.", EVERYWHERE,
	 RULES(.least = 1, .most = 1, .takes = "t", .gives = 't', .shape = SHAPE_SCALAR)},
	{"text", "lower", "lower(x)", "A to Z in lower case.", EVERYWHERE, EACH("t", 't', .run = run_lower)},
	{"text", "upper", "upper(x)", "a to z in upper case.", EVERYWHERE, EACH("t", 't', .run = run_upper)},
	{"text", "trim", "trim(x)", "Without spaces at both ends.", EVERYWHERE, EACH("t", 't', .run = run_trim)},
	{"text", "len", "len(x)", "How many characters; bytes, where it is not UTF-8.", EVERYWHERE, EACH("t", 'i', .run = run_len)},
	{"text", "contains", "contains(x, \"a\")", "Whether it contains the other text.", EVERYWHERE,
	 JOINT(2, "t", 'b', run_contains)},
	{"text", "starts_with", "starts_with(x, \"a\")", "Whether it begins with the other text.", EVERYWHERE,
	 JOINT(2, "t", 'b', run_starts_with)},
	{"text", "ends_with", "ends_with(x, \"a\")", "Whether it ends with the other text.", EVERYWHERE,
	 JOINT(2, "t", 'b', run_ends_with)},
	{"text", "like", "like(x, \"eu-*\")", "Whether the whole text matches: * is any characters, ? is one.", EVERYWHERE,
	 JOINT(2, "t", 'b', run_like)},
	{"text", "text", "text(x)", "As a text, with the fewest digits that read back the same.", EVERYWHERE,
	 EACH("a", 't', .run = run_text)},
	{"text", "number", "number(x)", "The number in a text, as FP64.", EVERYWHERE, EACH("t", 'f', .run = run_number)},
	{"text", "hash", "hash(x)", "XXH64 of a text, or of a number's 8 bytes, as UINT64; it never changes.", EVERYWHERE,
	 EACH("a", 'u', .run = run_hash)},

	{"time", "hour", "hour(ts)", "0 to 23, UTC.", EVERYWHERE, EACH("i", 'i', .run = run_hour)},
	{"time", "minute", "minute(ts)", "0 to 59.", EVERYWHERE, EACH("i", 'i', .run = run_minute)},
	{"time", "weekday", "weekday(ts)", "1 (Monday) to 7, UTC.", EVERYWHERE, EACH("i", 'i', .run = run_weekday)},
	{"time", "day", "day(ts)", "Of the month, 1 to 31, UTC.", EVERYWHERE, EACH("i", 'i', .run = run_day)},
	{"time", "timestamp", "timestamp(x)",
	 "Milliseconds since 1970 of a text in ISO 8601, as INT64: a date, or a date and a time; UTC if it has no offset.",
	 EVERYWHERE, EACH("t", 'i', .run = run_timestamp)},
	{"time", "now", "now()", "The time of the evaluation, in milliseconds since 1970.", USE_OPERATION,
	 RULES(.least = 0, .most = 0, .takes = "a", .gives = 'i', .shape = SHAPE_SCALAR, .run = run_now)},

	{"trailing", "sum", "sum(x over 20)", "The sum over the last messages of the key, or over a duration.", USE_TRAILING,
	 TRAILING_OVER(FEATURE_SUM, 1, 0, "b", 'f')},
	{"trailing", "mean", "mean(x over 1h)", "Their mean.", USE_TRAILING, TRAILING_OVER(FEATURE_MEAN, 1, 0, "b", 'f')},
	{"trailing", "std", "std(x over 20)", "Their sample standard deviation.", USE_TRAILING,
	 TRAILING_OVER(FEATURE_STD, 1, 0, "n", 'f')},
	{"trailing", "var", "var(x over 20)", "Their sample variance.", USE_TRAILING, TRAILING_OVER(FEATURE_VAR, 1, 0, "n", 'f')},
	{"trailing", "min", "min(x over 20)", "The least of them.", USE_TRAILING, TRAILING_OVER(FEATURE_MIN, 1, 0, "n", '=')},
	{"trailing", "max", "max(x over 20)", "The greatest of them.", USE_TRAILING, TRAILING_OVER(FEATURE_MAX, 1, 0, "n", '=')},
	{"trailing", "count", "count(x over 1m)", "How many there were that are not nan; of bools, how many are true.",
	 USE_TRAILING, TRAILING_OVER(FEATURE_COUNT, 1, 0, "a", 'i')},
	{"trailing", "first", "first(x over 1h)", "The first of them that is not nan.", USE_TRAILING,
	 TRAILING_OVER(FEATURE_FIRST, 1, 0, "v", '=')},
	{"trailing", "last", "last(x over 1h)", "The last of them that is not nan.", USE_TRAILING,
	 TRAILING_OVER(FEATURE_LAST, 1, 0, "v", '=')},
	{"trailing", "median", "median(x over 20)", "Their median.", USE_TRAILING, TRAILING_OVER(FEATURE_MEDIAN, 1, 0, "n", 'f')},
	{"trailing", "quantile", "quantile(x over 1h, 0.9)", "Their quantile.", USE_TRAILING,
	 TRAILING_OVER(FEATURE_QUANTILE, 1, 1, "n", 'f')},
	{"trailing", "distinct", "distinct(x over 1d)", "How many different ones.", USE_TRAILING,
	 TRAILING_OVER(FEATURE_DISTINCT, 1, 0, "a", 'i')},
	{"trailing", "rate", "rate(x over 1m)", "The sum per second.", USE_TRAILING,
	 TRAILING(FEATURE_RATE, 1, 1, 1, "b", 'f', .takes_over = true, .extent = EXTENT_DURATION)},
	{"trailing", "ema", "ema(x over 20)",
	 "Exponential moving average. It starts with a mean, or with the first value: ema(x over 20, \"first\").", USE_TRAILING,
	 TRAILING(FEATURE_EMA, 1, 1, 2, "nt", 'f', .takes_over = true, .extent = EXTENT_MESSAGES)},
	{"trailing", "zscore", "zscore(x over 20)", "Distance from their mean in standard deviations.", USE_TRAILING,
	 TRAILING_OVER(FEATURE_ZSCORE, 1, 0, "n", 'f')},
	{"trailing", "rsi", "rsi(x over 14)", "Relative strength index.", USE_TRAILING,
	 TRAILING(FEATURE_RSI, 1, 1, 1, "n", 'f', .takes_over = true, .extent = EXTENT_MESSAGES)},
	{"trailing", "atr", "atr(high, low, close over 14)", "Average true range.", USE_TRAILING,
	 TRAILING(FEATURE_ATR, 3, 3, 3, "n", 'f', .takes_over = true, .extent = EXTENT_MESSAGES)},
	{"trailing", "bollinger", "bollinger(x over 20, 2)", "Lower, middle and upper band, along a new last axis.", USE_TRAILING,
	 TRAILING_OVER(FEATURE_BOLLINGER, 1, 1, "n", 'f')},
	{"trailing", "vwap", "vwap(price, volume over 20)", "Price weighted by volume.", USE_TRAILING,
	 TRAILING_OVER(FEATURE_VWAP, 2, 0, "n", 'f')},
	{"trailing", "lag", "lag(x, 1)", "The value that many messages ago.", USE_TRAILING,
	 TRAILING(FEATURE_LAG, 1, 2, 2, "vi", '=', .extent = EXTENT_MESSAGES)},
	{"trailing", "delta", "delta(x, 1)", "The change since that many messages ago.", USE_TRAILING,
	 TRAILING(FEATURE_DELTA, 1, 2, 2, "ni", 'f', .extent = EXTENT_MESSAGES)},
	{"trailing", "log_return", "log_return(x)", "log(x / the one before).", USE_TRAILING,
	 TRAILING(FEATURE_LOG_RETURN, 1, 1, 1, "n", 'f', .extent = EXTENT_MESSAGES)},
	{"trailing", "macd", "macd(x, 12, 26, 9)",
	 "EMA minus slower EMA, the EMA of that, and their difference, along a new last axis; it starts as ema() does.",
	 USE_TRAILING, TRAILING(FEATURE_MACD, 1, 4, 5, "niiit", 'f', .extent = EXTENT_MESSAGES)},

	{"windows", "count", "count()", "How many messages the window has.", USE_WINDOW,
	 RULES(.least = 0, .most = 0, .takes = "a", .gives = 'i', .shape = SHAPE_SCALAR, .over_window = true)},
	{"windows", "count", "count(x)", "How many of them are not nan; of bools, how many are true.", USE_WINDOW,
	 OVER_WINDOW(FEATURE_COUNT, 0, "a", 'i')},
	{"windows", "sum", "sum(x)", "Their sum, element by element, as with all functions below.", USE_WINDOW,
	 OVER_WINDOW(FEATURE_SUM, 0, "b", 's')},
	{"windows", "mean", "mean(x)", "Their mean.", USE_WINDOW, OVER_WINDOW(FEATURE_MEAN, 0, "b", 'f')},
	{"windows", "std", "std(x)", "Their sample standard deviation.", USE_WINDOW, OVER_WINDOW(FEATURE_STD, 0, "n", 'f')},
	{"windows", "var", "var(x)", "Their sample variance.", USE_WINDOW, OVER_WINDOW(FEATURE_VAR, 0, "n", 'f')},
	{"windows", "pstd", "pstd(x)", "Their standard deviation, divided by n.", USE_WINDOW,
	 OVER_WINDOW(FEATURE_STD, 0, "n", 'f')},
	{"windows", "pvar", "pvar(x)", "Their variance, divided by n.", USE_WINDOW, OVER_WINDOW(FEATURE_VAR, 0, "n", 'f')},
	{"windows", "min", "min(x)", "The least of them.", USE_WINDOW, OVER_WINDOW(FEATURE_MIN, 0, "n", '=')},
	{"windows", "max", "max(x)", "The greatest of them.", USE_WINDOW, OVER_WINDOW(FEATURE_MAX, 0, "n", '=')},
	{"windows", "norm", "norm(x)", "The root of the sum of their squares.", USE_WINDOW, OVER_WINDOW(FEATURE_SUM, 0, "n", 'f')},
	{"windows", "median", "median(x)", "Their median.", USE_WINDOW, OVER_WINDOW(FEATURE_MEDIAN, 0, "n", 'f')},
	{"windows", "quantile", "quantile(x, 0.9)", "Their quantile.", USE_WINDOW, OVER_WINDOW(FEATURE_QUANTILE, 1, "n", 'f')},
	{"windows", "first", "first(x)", "That of the first message by time, of those that are not nan.", USE_WINDOW,
	 OVER_WINDOW(FEATURE_FIRST, 0, "v", '=')},
	{"windows", "last", "last(x)", "That of the last message by time, likewise.", USE_WINDOW,
	 OVER_WINDOW(FEATURE_LAST, 0, "v", '=')},
	{"windows", "distinct", "distinct(x)", "How many different ones, of those that are not nan.", USE_WINDOW,
	 OVER_WINDOW(FEATURE_DISTINCT, 0, "a", 'i')},
	{"windows", "approx_quantile", "approx_quantile(x, 0.9)",
	 "Their quantile, within 1 % of the number of rank floor(0.9 (n - 1)); where that is less than a 7e8th of the largest "
	 "absolute value of its sign, within that. For each element a DDSketch of 8 KiB is kept in place of the numbers.",
	 USE_WINDOW, OVER_WINDOW(FEATURE_QUANTILE, 1, "n", 'f')},
	{"windows", "approx_distinct", "approx_distinct(x)",
	 "How many different ones, with a standard error of 1.6 %. For each element a HyperLogLog of 4 KiB is kept in place of the "
	 "numbers.",
	 USE_WINDOW, OVER_WINDOW(FEATURE_DISTINCT, 0, "a", 'i')},
	{NULL, NULL, NULL, NULL, 0, NULL},
};

const char *letter_words(char letter)
{
	switch (letter) {
	case 'n':
		return "a number";
	case 't':
		return "a text";
	case 'v':
		return "a number or a text";
	case 'b':
		return "a bool or a number";
	case 'i':
		return "an integer";
	default:
		return "a value";
	}
}

/* How well a row fits a call that names it. */
static bool row_fits(const struct expression_function_row *row, const struct expression_node *call, unsigned uses)
{
	const struct function_rules *rules = row->rules;
	return (row->uses & uses) && call->count >= rules->least && call->count <= rules->most &&
	       rules->takes_over == call->has_over && (rules->takes_along || !call->has_along);
}

bool function_exists(struct text name)
{
	for (const struct expression_function_row *row = expression_functions; row->name; row++)
		if (text_is(name, row->name))
			return true;
	return false;
}

static bool refuse_unknown(const struct expression *expression, struct text name, const struct expression_node *call,
			   struct error *error)
{
	struct suggestion suggestion = suggest_begin(name);
	for (const struct expression_function_row *row = expression_functions; row->name; row++)
		if (row->uses & expression->uses)
			suggest_offer(&suggestion, text_of(row->name));
	struct place place = expression_place_at(expression, call->at);
	const char *foreign = foreign_function(name);
	if (foreign)
		return error_set(error, ERROR_CONFIG, place, "no function is called `" TEXT_FORMAT "`; %s", TEXT_ARGUMENTS(name),
				 foreign);
	if (suggestion.nearest.bytes)
		return error_set(error, ERROR_CONFIG, place, "no function is called `" TEXT_FORMAT "`; did you mean `%s`?",
				 TEXT_ARGUMENTS(name), suggestion.nearest.bytes);
	return error_set(error, ERROR_CONFIG, place, "no function is called `" TEXT_FORMAT "`; `sluice help functions` lists them",
			 TEXT_ARGUMENTS(name));
}

/* The rows of that name are there, and none fits: says what is in the way. */
static bool refuse_form(const struct expression *expression, const struct expression_function_row *row,
			const struct expression_node *call, struct error *error)
{
	struct place place = expression_place_at(expression, call->at);
	if (call->has_over && !(expression->uses & USE_TRAILING))
		return expression_refuse(expression, call, error,
					 "`over` looks at earlier messages, which only a features step keeps; set it there");
	if (!(row->uses & expression->uses))
		return error_set(error, ERROR_CONFIG, place, "%s() has no meaning here; it belongs %s", row->name,
				 row->uses & USE_TRAILING ? "to a features step"
				 : row->uses & USE_WINDOW ? "to an aggregate step"
							  : "to alerts and criteria");
	if (call->has_along && !row->rules->takes_along)
		return error_set(error, ERROR_CONFIG, place, "%s() works on no axis; it is written %s", row->name, row->form);
	if (row->rules->takes_over && !call->has_over)
		return error_set(error, ERROR_CONFIG, place, "%s() needs `over` and how far back; it is written %s", row->name,
				 row->form);
	return error_set(error, ERROR_CONFIG, place, "%s() is called with %u argument%s; it is written %s", row->name, call->count,
			 call->count == 1 ? "" : "s", row->form);
}

const struct expression_function_row *function_over_window(const struct expression_node *call)
{
	for (const struct expression_function_row *row = expression_functions; row->name; row++)
		if (row->rules->over_window && strcmp(row->name, call->function->name) == 0 && row_fits(row, call, USE_WINDOW))
			return row;
	return NULL;
}

bool function_find(struct expression *expression, struct text name, struct expression_node *call, struct error *error)
{
	const struct expression_function_row *nearest = NULL;
	for (const struct expression_function_row *row = expression_functions; row->name; row++) {
		if (!text_is(name, row->name))
			continue;
		if (row_fits(row, call, expression->uses)) {
			call->function = row;
			call->trailing = row->rules->series ? ++expression->trailing_count : 0;
			return true;
		}
		if (!nearest || (row->uses & expression->uses && row->rules->takes_over == call->has_over))
			nearest = row;
	}
	return nearest ? refuse_form(expression, nearest, call, error) : refuse_unknown(expression, name, call, error);
}
