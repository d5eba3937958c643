/* last_verdict.c: see last_verdict.h. */
#include "observe/last_verdict.h"

#include <math.h>

struct last_verdict verdict_of(enum drift_verdict verdict, double score)
{
	const double unknown = (double)NAN;
	return (struct last_verdict){verdict, score,   unknown, unknown, unknown, unknown, unknown, unknown, unknown,
				     unknown, unknown, unknown, unknown, unknown, unknown, unknown, {.feature = ""}};
}

struct last_verdict verdict_unknown(void)
{
	return verdict_of(DRIFT_LEARNING, 0);
}

void verdict_fold(struct last_verdict *into, const struct last_verdict *more)
{
	if (more->cause.feature[0] && (!into->cause.feature[0] || more->score > into->score))
		into->cause = more->cause;
	into->verdict = more->verdict > into->verdict ? more->verdict : into->verdict;
	into->score = fmax(into->score, more->score);
	into->quality_alarm = fmax(into->quality_alarm, more->quality_alarm);
	into->missing_share = fmax(into->missing_share, more->missing_share);
	into->outside_share = fmax(into->outside_share, more->outside_share);
	into->unseen_share = fmax(into->unseen_share, more->unseen_share);
	if (isnan(into->accuracy) || more->accuracy < into->accuracy) {
		into->accuracy = more->accuracy;
		into->accuracy_low = more->accuracy_low;
		into->accuracy_high = more->accuracy_high;
	}
	into->precision = fmin(into->precision, more->precision);
	into->recall = fmin(into->recall, more->recall);
	into->messages_per_minute = fmin(into->messages_per_minute, more->messages_per_minute);
	into->newest_age_ms = fmax(into->newest_age_ms, more->newest_age_ms);
	into->auc = fmin(into->auc, more->auc);
	into->error = fmax(into->error, more->error);
	into->mistyped_share = fmax(into->mistyped_share, more->mistyped_share);
}
