/* drift_estimates.c: see drift_estimates.h. */
#include "steps/drift/drift_estimates.h"
#include "base/quote.h"

#include <math.h>
#include <string.h>

/* The probabilities of a row are 1 together, but for rounding: of each to 3 decimals, and of the sum. */
#define ESTIMATE_ROUNDED 5e-4
#define ESTIMATE_ROUNDED_MAX 1e-2 /* of many classes: the errors cancel out */
#define ESTIMATE_SUM_ERROR 1e-6	  /* as of FP32 */

#define OUTCOME_HELP                                                                                                               \
	.help = "How long after a window feedback with the truth is waited for: a later record of the same window then has the "   \
		"realised numbers beside the estimates of the same rows (`settled`). Without it there is no such record. "         \
		"It comes with the next message or feedback after that time; on a stream that stops, some seconds later, by a "    \
		"record that the engine writes to the topic of the observers. At most 65536 rows wait, of 32 bytes: beyond that "  \
		"the oldest window has its record before its time. "                                                               \
		"If 73728 rows wait, or a row has more than 65535 classes, the next ones do not: the record of their window "      \
		"has their number (`unkept`), and that of rows whose feedback cannot be compared (`unfit`). "                      \
		"At most 65536 truths wait, and 8 MiB of them, each of 64 bytes and 8 for each of its rows: beyond that the "      \
		"oldest are forgotten."

const struct option drift_estimate_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct drift_estimate_options, here)},
	ROW("probabilities", NAME, struct drift_estimate_options, probabilities, .required = true, .short_form = true,
	    .help = "The tensor of calibrated probabilities: of the positive class for each row, or of each class. Those "
		    "of the classes of a row may be rounded to 3 decimals: they are divided by their sum. A row whose sum is "
		    "further from 1 than that explains (0.0005 for each class, at most 0.01) does not count."),
	ROW("threshold", NUMBER, struct drift_estimate_options, threshold, .least = 0, .most = 1, .fallback = "0.5",
	    .help = "The least probability with which the positive class is predicted. With more than two classes, the likeliest "
		    "class is predicted."),
	ROW("outcomeWindow", DURATION, struct drift_estimate_options, outcome_ns, OUTCOME_HELP),
	{.type = OPTION_END},
};

const struct option drift_error_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct drift_error_options, here)},
	ROW("expected", NAME, struct drift_error_options, expected, .required = true, .short_form = true,
	    .help = "The tensor of expected absolute errors, one for each row: what a second model of the pipeline makes, which "
		    "was trained on the absolute errors of the first. What is above 1e100 does not count."),
	ROW("prediction", NAME, struct drift_error_options, prediction,
	    .help = "The tensor of the regressor's predictions, one for each row, with which feedback is compared."),
	ROW("outcomeWindow", DURATION, struct drift_error_options, outcome_ns, OUTCOME_HELP),
	{.type = OPTION_END},
};

bool drift_estimates_check(const struct drift_estimate_options *options, struct error *error)
{
	const struct drift_error_options *of_errors = &options->error;
	if (options->here.line && of_errors->here.line)
		return error_set(
			error, ERROR_CONFIG, of_errors->here,
			"`estimate` is of a classifier and `estimateError` of a regressor; leave one out, and give it to a step "
			"`drift` of its own");
	return !of_errors->here.line || of_errors->outcome_ns == 0 || of_errors->prediction.text ||
	       error_set(error, ERROR_CONFIG, of_errors->here,
			 "`outcomeWindow` waits for feedback, which is compared with the predictions, and `estimateError` does not "
			 "name them; give it their tensor, as `prediction: y`");
}

bool drift_estimates_any(const struct drift_estimate_options *options)
{
	return options->here.line > 0 || options->error.here.line > 0;
}

int64_t drift_outcome_ns(const struct drift_estimate_options *options)
{
	return options->error.here.line > 0 ? options->error.outcome_ns : options->here.line > 0 ? options->outcome_ns : 0;
}

/* NULL: it is missing, or its numbers are not so many for each row. */
static const struct tensor *numbers_find(const struct payload *payload, const char *name, size_t rows)
{
	const struct tensor *tensor = name ? tensors_find(payload->tensors, text_of(name)) : NULL;
	const bool good = tensor && tensor->datatype != DATATYPE_BYTES && tensor->count > 0 && tensor->count % rows == 0;
	return good ? tensor : NULL;
}

static const struct tensor *column_find(const struct payload *payload, const char *name, size_t rows)
{
	const struct tensor *tensor = numbers_find(payload, name, rows);
	return tensor && tensor->count == rows ? tensor : NULL;
}

struct drift_chances drift_chances_of(const struct drift_estimate_options *options, const struct payload *payload, size_t rows)
{
	struct drift_chances chances = {.options = options};
	if (rows == 0)
		return chances;
	chances.tensor = numbers_find(payload, options->probabilities.text, rows);
	chances.classes = chances.tensor ? chances.tensor->count / rows : 0;
	chances.errors = column_find(payload, options->error.expected.text, rows);
	chances.predictions = column_find(payload, options->error.prediction.text, rows);
	return chances;
}

/* A probability as a part of the row's sum. NaN: the sum is not 1, but for rounding. */
static double part_of(double chance, double sum, size_t classes)
{
	const double rounded = fmin((double)classes * ESTIMATE_ROUNDED, ESTIMATE_ROUNDED_MAX) + ESTIMATE_SUM_ERROR;
	return fabs(sum - 1) <= rounded ? chance / sum : (double)NAN;
}

/* The largest probability of a row of several classes. NaN: they are none. */
static double largest_of(const struct drift_chances *chances, size_t row)
{
	double largest = 0, sum = 0;
	for (size_t i = 0; i < chances->classes; i++) {
		const double chance = tensor_number(chances->tensor, row * chances->classes + i);
		if (!(chance >= 0 && chance <= 1))
			return (double)NAN;
		largest = fmax(largest, chance);
		sum += chance;
	}
	return part_of(largest, sum, chances->classes);
}

/* The probability of the positive class; NaN: the row is of more classes, or has none. */
static double chances_positive(const struct drift_chances *chances, size_t row)
{
	if (!chances->tensor || chances->classes > 2)
		return (double)NAN;
	const double positive = tensor_number(chances->tensor, row * chances->classes + chances->classes - 1);
	return chances->classes == 2 ? part_of(positive, positive + tensor_number(chances->tensor, row * 2), 2) : positive;
}

/* The class that is predicted for a row of probabilities: of those that are equally likely the first. */
static size_t chances_class(const struct drift_chances *chances, size_t row)
{
	const size_t first = row * chances->classes;
	size_t likeliest = 0;
	if (chances->classes <= 2)
		return tensor_number(chances->tensor, first + chances->classes - 1) >= chances->options->threshold;
	for (size_t i = 1; i < chances->classes; i++)
		if (tensor_number(chances->tensor, first + i) > tensor_number(chances->tensor, first + likeliest))
			likeliest = i;
	return likeliest;
}

struct drift_prediction drift_prediction_of(const struct drift_chances *chances, size_t row)
{
	struct drift_prediction made = {.chance = (double)NAN, .expected = (double)NAN, .predicted = (double)NAN};
	if (chances->errors) {
		made.expected = tensor_number(chances->errors, row);
		made.predicted = chances->predictions ? tensor_number(chances->predictions, row) : (double)NAN;
	} else if (chances->tensor) {
		made.classes = chances->classes > 2 ? chances->classes : 2;
		made.class = chances_class(chances, row);
		made.chance = chances->classes > 2 ? largest_of(chances, row) : chances_positive(chances, row);
	}
	return made;
}

/* Adds it to the sums of an accuracy. */
static void prediction_judge(const struct drift_prediction *prediction, double threshold, struct performance *performance)
{
	if (prediction->classes <= 2)
		performance_add(performance, prediction->chance, prediction->chance >= threshold);
	else if (!isnan(prediction->chance))
		performance_add_class(performance, prediction->chance);
}

bool drift_prediction_counts(const struct drift_prediction *prediction)
{
	struct performance performance = {0};
	struct expected_errors errors = {0};
	if (prediction->classes > 0)
		prediction_judge(prediction, 0, &performance);
	else
		expected_errors_add(&errors, prediction->expected);
	return performance.rows + errors.rows > 0;
}

/* Adds a row to the sums of its window's accuracy. */
static void chances_judge(const struct drift_chances *chances, size_t row, struct performance *performance)
{
	const struct drift_prediction prediction = drift_prediction_of(chances, row);
	prediction_judge(&prediction, chances->options->threshold, performance);
}

void drift_chances_add(const struct drift_chances *chances, size_t row, struct performance *performance, struct drift_sums *sums)
{
	const double positive = chances_positive(chances, row);
	chances_judge(chances, row, performance);
	auc_add(&sums->auc, positive, positive);
	if (chances->errors)
		expected_errors_add(&sums->errors, tensor_number(chances->errors, row));
}

/* A window that began before the AUC was estimated has it of some of its rows, and a window has rows of more classes. */
static struct performance_estimate auc_of(const struct performance *performance, const struct auc *auc)
{
	if (auc->rows == performance->rows)
		return auc_estimate(auc, ESTIMATE_BAND);
	return (struct performance_estimate){(double)NAN, (double)NAN, (double)NAN};
}

struct drift_estimates drift_estimates_of(const struct performance *performance, const struct drift_sums *sums)
{
	return (struct drift_estimates){performance_accuracy(performance, ESTIMATE_BAND),
					performance_precision(performance, ESTIMATE_BAND),
					performance_recall(performance, ESTIMATE_BAND), auc_of(performance, &sums->auc),
					expected_errors_mean(&sums->errors, ESTIMATE_BAND)};
}

bool drift_estimates_list(const struct performance *performance, const struct drift_sums *sums, struct drift_score *score,
			  struct arena *arena)
{
	const struct drift_estimates known = drift_estimates_of(performance, sums);
	const struct performance_estimate *const items[DRIFT_METRICS] = {&known.accuracy, &known.precision, &known.recall,
									 &known.auc, &known.error};
	struct drift_estimate *list = ARENA_ARRAY(arena, struct drift_estimate, DRIFT_METRICS);
	if (!list)
		return false;
	score->estimated_rows = performance->rows + sums->errors.rows;
	score->estimates = list;
	for (size_t i = 0; i < DRIFT_METRICS; i++)
		if (!isnan(items[i]->value))
			list[score->estimate_count++] =
				(struct drift_estimate){drift_metric_names[i], items[i]->value, items[i]->low, items[i]->high};
	return true;
}

/* ---- rows that are in no estimate ---- */

static bool is_within(double number, double most)
{
	return number >= 0 && number <= most;
}

/* The reason why a row of probabilities is not in the estimate; UNESTIMATED_REASONS: it is. */
static enum unestimated_reason chances_reason(const struct drift_chances *chances, size_t row)
{
	struct performance performance = {0};
	if (!chances->tensor)
		return UNESTIMATED_LACKING;
	for (size_t i = 0; i < chances->classes; i++)
		if (!is_within(tensor_number(chances->tensor, row * chances->classes + i), 1))
			return UNESTIMATED_OUTSIDE;
	chances_judge(chances, row, &performance);
	return performance.rows > 0 ? UNESTIMATED_REASONS : UNESTIMATED_SUM;
}

static enum unestimated_reason errors_reason(const struct drift_chances *chances, size_t row)
{
	if (!chances->errors)
		return UNESTIMATED_LACKING;
	return is_within(tensor_number(chances->errors, row), EXPECTED_ERROR_MAX) ? UNESTIMATED_REASONS : UNESTIMATED_OUTSIDE;
}

void drift_unestimated_add(struct drift_unestimated *sums, const struct drift_chances *chances, size_t row)
{
	const bool regressor = chances->options->error.here.line > 0;
	const enum unestimated_reason reason = (regressor ? errors_reason : chances_reason)(chances, row);
	sums->rows++;
	if (reason < UNESTIMATED_REASONS)
		sums->unused[reason]++;
}

uint64_t drift_unestimated_count(const struct drift_unestimated *sums)
{
	uint64_t count = 0;
	for (size_t i = 0; i < UNESTIMATED_REASONS; i++)
		count += sums->unused[i];
	return count;
}

static const char *tensor_of(const struct drift_estimate_options *options)
{
	return options->error.here.line > 0 ? options->error.expected.text : options->probabilities.text;
}

void drift_unestimated_say(const struct drift_unestimated *sums, const struct drift_estimate_options *options, struct buffer *out)
{
	const bool regressor = options->error.here.line > 0;
	const char *const words[UNESTIMATED_REASONS] = {[UNESTIMATED_LACKING] = "lack the tensor",
							[UNESTIMATED_OUTSIDE] = regressor ? "have no error from 0 to 1e100 in"
											  : "have no probability from 0 to 1 in",
							[UNESTIMATED_SUM] = "have probabilities that are not 1 together in"};
	const char *before = ":";
	buffer_print(out, "%llu of %llu rows are in the estimate", (unsigned long long)(sums->rows - drift_unestimated_count(sums)),
		     (unsigned long long)sums->rows);
	for (size_t i = 0; i < UNESTIMATED_REASONS; i++) {
		if (sums->unused[i] == 0)
			continue;
		buffer_print(out, "%s %llu %s `", before, (unsigned long long)sums->unused[i], words[i]);
		buffer_shown(out, text_of(tensor_of(options)));
		buffer_byte(out, '`');
		before = ",";
	}
}

const char *drift_unestimated_why(const struct drift_estimate_options *options, struct arena *arena)
{
	const bool regressor = options->error.here.line > 0;
	return arena_print(
		arena, "no row is in the estimate, since messages lack the tensor `%s`, or it has no %s", tensor_of(options),
		regressor ? "errors from 0 to 1e100" : "probabilities: numbers from 0 to 1, of several classes 1 together");
}

/* ---- realised quality ---- */

const char *const drift_figure_names[FIGURES] = {[FIGURE_ACCURACY] = "accuracy",
						 [FIGURE_PRECISION] = "precision",
						 [FIGURE_RECALL] = "recall",
						 [FIGURE_AUC] = "AUC",
						 [FIGURE_ERROR] = "absolute error"};

/* ---- feedback ---- */

static bool is_class(double number, size_t classes)
{
	return number >= 0 && number < (double)classes && number == floor(number);
}

/* Whether each row has a class, of so many; of 0 classes, a number. */
static bool numbers_are_of(const struct tensor *tensor, size_t rows, size_t classes)
{
	if (tensor->datatype == DATATYPE_BYTES || tensor->count != rows)
		return false;
	for (size_t i = 0; i < rows; i++) {
		const double number = tensor_number(tensor, i);
		if (classes ? !is_class(number, classes) : !isfinite(number))
			return false;
	}
	return true;
}

bool drift_truth_read(const struct fit_truth *feedback, const struct drift_chances *chances, size_t rows, struct drift_truth *truth)
{
	const bool regressor = chances->errors != NULL;
	*truth = (struct drift_truth){.accuracy = regressor ? (double)NAN : feedback->accuracy};
	if (!isnan(truth->accuracy))
		return truth->accuracy >= 0 && truth->accuracy <= 1;
	if (feedback->truth.count != 1 || (regressor && !chances->predictions))
		return false;
	truth->numbers = feedback->truth.items[0];
	return numbers_are_of(truth->numbers, rows, regressor ? 0 : chances->classes > 2 ? chances->classes : 2);
}

/* ---- sums ---- */

static void class_add(struct drift_realised *realised, const struct drift_prediction *prediction, double threshold, double accuracy,
		      double class)
{
	const uint64_t before = realised->estimated.rows;
	const double positive = prediction->classes > 2 ? (double)NAN : prediction->chance;
	prediction_judge(prediction, threshold, &realised->estimated);
	if (realised->estimated.rows == before)
		return;
	if (!isnan(accuracy)) {
		realised->right += accuracy;
		return;
	}
	realised->right += class == (double)prediction->class;
	auc_add(&realised->chances, positive, positive);
	auc_add(&realised->classes, positive, class);
	if (isnan(positive))
		return;
	if (realised->ranked)
		auc_rows_add(realised->ranked, positive, class == 1);
	const uint64_t predicted = realised->known.predicted;
	prediction_judge(prediction, threshold, &realised->known);
	realised->positives += class == 1;
	realised->found += class == 1 && realised->known.predicted > predicted;
}

static void error_add(struct drift_realised *realised, const struct drift_prediction *prediction, double number)
{
	const double error = fabs(prediction->predicted - number);
	const uint64_t before = realised->expected.rows;
	if (!isfinite(error))
		return;
	expected_errors_add(&realised->expected, prediction->expected);
	if (realised->expected.rows > before)
		realised->error += error;
}

static uint64_t rows_of(const struct drift_realised *realised)
{
	return realised->estimated.rows + realised->expected.rows;
}

bool drift_realised_add_prediction(struct drift_realised *realised, const struct drift_prediction *prediction, double threshold,
				   double accuracy, double number)
{
	const uint64_t before = rows_of(realised);
	const bool by_accuracy = accuracy >= 0 && accuracy <= 1;
	if (prediction->classes == 0)
		error_add(realised, prediction, number);
	else if (by_accuracy || (isnan(accuracy) && is_class(number, prediction->classes)))
		class_add(realised, prediction, threshold, accuracy, number);
	return rows_of(realised) > before;
}

void drift_realised_add(struct drift_realised *realised, const struct drift_chances *chances, size_t row,
			const struct drift_truth *truth)
{
	const struct drift_prediction prediction = drift_prediction_of(chances, row);
	const double number = truth->numbers ? tensor_number(truth->numbers, row) : (double)NAN;
	(void)drift_realised_add_prediction(realised, &prediction, chances->options->threshold, truth->accuracy, number);
}

void drift_realised_end(struct drift_realised *realised)
{
	if (realised->ranked)
		realised->area = auc_rows_area(realised->ranked);
	realised->ranked = NULL;
}

/* ---- findings ---- */

static double share_of(uint64_t some, uint64_t all)
{
	return all ? (double)some / (double)all : (double)NAN;
}

/* Where not all rows are kept, it is the area of bins. */
static double area_of(const struct drift_realised *realised)
{
	const bool is_exact = realised->area.rows > 0 && realised->area.rows == realised->classes.rows;
	return is_exact ? realised->area.value : auc_realised(&realised->classes);
}

/* The least number of rows of what a figure is a share of; others have all rows. */
static double class_least(const struct drift_realised *realised, enum drift_figure figure)
{
	switch (figure) {
	case FIGURE_PRECISION:
		return (double)realised->known.predicted;
	case FIGURE_RECALL:
		return (double)realised->positives;
	case FIGURE_AUC:
		return auc_rarer(&realised->classes);
	default:
		return REALISED_CLASS_MIN;
	}
}

struct drift_finding drift_realised_find(const struct drift_realised *realised, enum drift_figure figure)
{
	const struct drift_finding findings[FIGURES] = {
		[FIGURE_ACCURACY] = {.rows = realised->estimated.rows,
				     .realised = realised->right / (double)realised->estimated.rows,
				     .estimate = performance_accuracy(&realised->estimated, ESTIMATE_BAND)},
		[FIGURE_PRECISION] = {.rows = realised->known.rows,
				      .realised = share_of(realised->found, realised->known.predicted),
				      .estimate = performance_precision(&realised->known, ESTIMATE_BAND)},
		[FIGURE_RECALL] = {.rows = realised->known.rows,
				   .realised = share_of(realised->found, realised->positives),
				   .estimate = performance_recall(&realised->known, ESTIMATE_BAND)},
		[FIGURE_AUC] = {.rows = realised->chances.rows,
				.realised = area_of(realised),
				.estimate = auc_estimate(&realised->chances, ESTIMATE_BAND)},
		[FIGURE_ERROR] = {.rows = realised->expected.rows,
				  .realised = realised->error / (double)realised->expected.rows,
				  .estimate = expected_errors_mean(&realised->expected, ESTIMATE_BAND)}};
	struct drift_finding found = findings[figure];
	const double realises = found.realised, low = found.estimate.low, high = found.estimate.high;
	found.band = realises >= low && realises <= high ? BAND_HELD : BAND_LEFT;
	if (isnan(realises) || isnan(low) || found.rows < REALISED_ROWS_MIN || class_least(realised, figure) < REALISED_CLASS_MIN)
		found.band = BAND_OPEN;
	return found;
}

/* ---- findings about a window, for a report ---- */

void drift_findings_of_realised(const struct drift_realised *realised, struct drift_finding findings[FIGURES])
{
	for (enum drift_figure figure = 0; figure < FIGURES; figure++)
		findings[figure] = drift_realised_find(realised, figure);
}

static enum band_state band_of(const char *band)
{
	if (strcmp(band, "held") == 0)
		return BAND_HELD;
	return strcmp(band, "left") == 0 ? BAND_LEFT : BAND_OPEN;
}

void drift_findings_of_settled(const struct settled_score *settled, struct drift_finding findings[FIGURES])
{
	const double unknown = (double)NAN;
	for (enum drift_figure figure = 0; figure < FIGURES; figure++) {
		findings[figure] = (struct drift_finding){.realised = unknown, .estimate = {unknown, unknown, unknown}};
		for (size_t i = 0; settled && i < settled->realised_count; i++) {
			const struct drift_realisation *one = &settled->realised[i];
			if (strcmp(one->metric, drift_metric_names[figure]) != 0)
				continue;
			findings[figure] = (struct drift_finding){.rows = one->rows,
								  .realised = one->value,
								  .estimate = {one->estimate, one->low, one->high},
								  .band = band_of(one->band)};
		}
	}
}
