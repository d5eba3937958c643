/* drift_settled.c: see drift_settled.h. */
#include "steps/drift/drift_settled.h"

#include <math.h>
#include <string.h>

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
