/* drift_truths.c: see drift_truths.h. */
#include "steps/drift_truths.h"

#include <math.h>

static bool classes_are_of(const struct tensor *tensor, size_t rows, size_t classes)
{
	if (tensor->datatype == DATATYPE_BYTES || tensor->count != rows)
		return false;
	for (size_t i = 0; i < rows; i++) {
		const double number = tensor_number(tensor, i);
		if (!(number >= 0 && number < (double)classes && number == floor(number)))
			return false;
	}
	return true;
}

bool drift_truth_read(const struct fit_truth *feedback, const struct drift_chances *chances, size_t rows, struct drift_truth *truth)
{
	*truth = (struct drift_truth){.accuracy = feedback->accuracy};
	if (!isnan(feedback->accuracy))
		return feedback->accuracy >= 0 && feedback->accuracy <= 1;
	if (feedback->truth.count != 1)
		return false;
	truth->classes = feedback->truth.items[0];
	return classes_are_of(truth->classes, rows, chances->classes > 2 ? chances->classes : 2);
}

void drift_realised_add(struct drift_realised *realised, const struct drift_chances *chances, size_t row,
			const struct drift_truth *truth)
{
	const uint64_t before = realised->estimated.rows;
	drift_chances_add(chances, row, &realised->estimated);
	if (realised->estimated.rows == before)
		return;
	if (truth->classes)
		realised->right += tensor_number(truth->classes, row) == (double)drift_chances_class(chances, row);
	else
		realised->right += truth->accuracy;
}

double drift_realised_accuracy(const struct drift_realised *realised)
{
	return realised->estimated.rows ? realised->right / (double)realised->estimated.rows : (double)NAN;
}

enum band_state drift_realised_band(const struct drift_realised *realised)
{
	const struct performance_estimate estimate = performance_accuracy(&realised->estimated, ESTIMATE_BAND);
	const double accuracy = drift_realised_accuracy(realised);
	if (realised->estimated.rows < REALISED_ROWS_MIN)
		return BAND_OPEN;
	return accuracy >= estimate.low && accuracy <= estimate.high ? BAND_HELD : BAND_LEFT;
}
