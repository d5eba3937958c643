/* drift_truths.c: see drift_truths.h. */
#include "steps/drift/drift_truths.h"

#include <math.h>
#include <string.h>

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
	drift_prediction_judge(prediction, threshold, &realised->estimated);
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
	drift_prediction_judge(prediction, threshold, &realised->known);
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

/* Of a window that a former build began to count, not all rows are kept: it has the area of bins. */
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
