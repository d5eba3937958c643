/* recommendation.c: Recommendation of a report: one plain sentence, its reasons, and what would change it. See report.h. */
#include "experiments/analysis/report.h"

#include <math.h>

#include "base/number/moment.h"

#define PERCENT 100.0
#define EFFECTS_MOST 6 /* epochs whose differences a reason has */
#define MS_PER_DAY 86400000.0

struct recommending {
	const struct report *report;
	struct arena *arena;
	struct recommendation *made;
};

double report_days(const struct joined *joined, double units)
{
	double met = 0;
	for (size_t arm = 0; arm < joined->arms; arm++)
		met += (double)joined->arm_units[arm];
	const double days = (double)(joined->last_ms - joined->first_ms) / MS_PER_DAY;
	return met > 0 && days > 0 ? units / met * days : NAN;
}

/* ---- lines ---- */

#define REASON(self, ...) recommending_reason((self), arena_print((self)->arena, __VA_ARGS__))
#define CHANGE(self, ...) recommending_change((self), arena_print((self)->arena, __VA_ARGS__))

static void recommending_reason(struct recommending *self, const char *line)
{
	if (line && self->made->reason_count < REPORT_LINES_MAX)
		self->made->reasons[self->made->reason_count++] = line;
}

static void recommending_change(struct recommending *self, const char *line)
{
	if (line && self->made->change_count < REPORT_LINES_MAX)
		self->made->changes[self->made->change_count++] = line;
}

static struct text arm_name(const struct recommending *self, size_t arm)
{
	return self->report->joined->arm_names[arm];
}

/* "7.3% better", or by a number where a share is not defined. */
static const char *gain_print(const struct recommending *self, const struct report_metric *metric, const struct pair_analysis *pair)
{
	const double turned = metric->lower_is_better ? -1 : 1;
	const double gain = turned * pair->estimate;
	const char *word = gain >= 0 ? "better" : "worse";
	const double percent = fabs(pair->improvement.estimate) * PERCENT;
	if (pair->improvement.defined)
		return arena_print(self->arena, percent < PERCENT ? "%.2g%% %s" : "%.0f%% %s", percent, word);
	return arena_print(self->arena, "%s by %.4g", word, fabs(gain));
}

static const char *range_print(const struct recommending *self, const struct pair_analysis *pair)
{
	const struct interval interval = pair->sequence.interval;
	return arena_print(self->arena, "%+.4g to %+.4g", interval.low, interval.high);
}

/* ": +1.5 in epoch 1, -1.4 in epoch 2"; of many epochs the last ones. */
static const char *effects_print(const struct recommending *self, const struct pair_analysis *pair)
{
	const size_t epochs = self->report->joined->epoch_count;
	const char *line = "";
	for (size_t i = epochs > EFFECTS_MOST ? epochs - EFFECTS_MOST : 0; pair->epochs && line && i < epochs; i++)
		if (pair->epochs[i].counts)
			line = arena_print(self->arena, "%s%s%+.4g in epoch %zu", line, *line ? ", " : ": ",
					   pair->epochs[i].difference, i + 1);
	return line ? line : "";
}

/* ---- what is known of a pair ---- */

/* A policy's choices are weighed, so their rates have a normal approximation alone. */
static const char *burn_in_words(const struct recommending *self, const struct report_metric *metric)
{
	return metric->analysis.rates && self->report->joined->adaptive ? ", and 20 of either outcome" : "";
}

static void pair_reason(struct recommending *self, const struct report_metric *metric, const struct pair_analysis *pair)
{
	const struct text treatment = arm_name(self, pair->treatment), control = arm_name(self, self->report->control);
	const double sure = PERCENT - pair->alpha * PERCENT;
	switch (pair->state) {
	case PAIR_EARLY:
		if (report_obstacle(metric, pair)) {
			REASON(self, "`" TEXT_FORMAT "` of `" TEXT_FORMAT "`: %s, so the difference has no interval",
			       TEXT_ARGUMENTS(metric->shown), TEXT_ARGUMENTS(treatment), report_obstacle(metric, pair));
			return;
		}
		REASON(self, "`" TEXT_FORMAT "` of `" TEXT_FORMAT "`: too few units yet; each variant needs %d with this metric%s",
		       TEXT_ARGUMENTS(metric->shown), TEXT_ARGUMENTS(treatment), BURN_IN_UNITS, burn_in_words(self, metric));
		return;
	case PAIR_CHANGED:
		REASON(self,
		       "`" TEXT_FORMAT "` of `" TEXT_FORMAT "`: the difference has changed over time; no single one fits "
		       "all epochs%s",
		       TEXT_ARGUMENTS(metric->shown), TEXT_ARGUMENTS(treatment), effects_print(self, pair));
		return;
	default:
		REASON(self,
		       "`" TEXT_FORMAT "` of `" TEXT_FORMAT "` differs from `" TEXT_FORMAT
		       "` by %+.4g (%s, %.4g%% at every look); p %.2g",
		       TEXT_ARGUMENTS(metric->shown), TEXT_ARGUMENTS(treatment), TEXT_ARGUMENTS(control), pair->estimate,
		       range_print(self, pair), sure, pair->sequence.p);
		if (report_units_skewed(pair) > 0)
			REASON(self, "`" TEXT_FORMAT "` of `" TEXT_FORMAT "` is skewed: %s", TEXT_ARGUMENTS(metric->shown),
			       TEXT_ARGUMENTS(treatment), report_skewness(pair, self->arena));
	}
}

static void units_change(struct recommending *self, const struct pair_analysis *pair)
{
	const double more = pair->units_needed - pair->units_now;
	const double days = report_days(self->report->joined, more);
	if (!(pair->units_needed > 0) || !(more > 0))
		return;
	if (days >= 0.1)
		CHANGE(self, "about %.0f more units (%.1f days) decide a difference of the practical threshold, %.4g", more, days,
		       pair->threshold);
	else
		CHANGE(self, "about %.0f more units decide a difference of the practical threshold, %.4g", more, pair->threshold);
}

/* ---- guardrails ---- */

/* How those of a treatment stand: by the worst one. */
struct guarding {
	enum guardrail_state state;
	const struct report_metric *metric;
	const struct pair_analysis *pair; /* of the metric; NULL: all are kept */
};

static struct guarding guarding_of(const struct report *report, size_t treatment)
{
	struct guarding worst = {.state = GUARDRAIL_KEPT};
	for (size_t i = 0; i < report->metric_count; i++) {
		const struct report_metric *metric = &report->metrics[i];
		for (size_t j = 0; metric->role == ROLE_GUARDRAIL && j < metric->analysis.pair_count; j++) {
			const struct pair_analysis *pair = &metric->analysis.pairs[j];
			const enum guardrail_state state = pair_guardrail(pair, metric->lower_is_better);
			if (pair->treatment != treatment || state == GUARDRAIL_KEPT ||
			    (state == GUARDRAIL_OPEN && worst.state != GUARDRAIL_KEPT))
				continue;
			worst = (struct guarding){state, metric, pair};
		}
	}
	return worst;
}

static void guarding_reason(struct recommending *self, const struct guarding *guarding)
{
	if (!guarding->pair)
		return;
	const struct text name = guarding->metric->shown, treatment = arm_name(self, guarding->pair->treatment);
	if (guarding->state == GUARDRAIL_BROKEN)
		REASON(self,
		       "`" TEXT_FORMAT "` breaks the guardrail `" TEXT_FORMAT "`: it is worse by more than the threshold, %.4g",
		       TEXT_ARGUMENTS(treatment), TEXT_ARGUMENTS(name), guarding->pair->threshold);
	else
		REASON(self, "the guardrail `" TEXT_FORMAT "` of `" TEXT_FORMAT "` is not shown to be kept yet",
		       TEXT_ARGUMENTS(name), TEXT_ARGUMENTS(treatment));
	if (guarding->state == GUARDRAIL_OPEN && guarding->pair->threshold == 0) /* an interval has a width */
		REASON(self,
		       "the margin of `" TEXT_FORMAT "` is a share of the mean of `" TEXT_FORMAT
		       "`, which is 0: no difference is within it; only a better value keeps the guardrail",
		       TEXT_ARGUMENTS(name), TEXT_ARGUMENTS(arm_name(self, self->report->control)));
	pair_reason(self, guarding->metric, guarding->pair);
}

static void guarding_change(struct recommending *self, const struct guarding *guarding)
{
	const struct text name = guarding->metric->shown, treatment = arm_name(self, guarding->pair->treatment);
	if (guarding->state == GUARDRAIL_BROKEN)
		CHANGE(self, "a version of `" TEXT_FORMAT "` that keeps `" TEXT_FORMAT "`", TEXT_ARGUMENTS(treatment),
		       TEXT_ARGUMENTS(name));
	else
		CHANGE(self, "more units, until the interval of `" TEXT_FORMAT "` is on one side of its threshold",
		       TEXT_ARGUMENTS(name));
}

/* Of a declared guardrail without values nothing is known of any treatment. */
static void unmet_reasons(struct recommending *self)
{
	const uint64_t unjudged = self->report->options->unjudged;
	for (size_t i = 0; i < self->report->unmet_count; i++) {
		const struct text name = self->report->unmet[i];
		REASON(self, "no feedback that joined an exposure has the guardrail `" TEXT_FORMAT "`, or what it is computed from",
		       TEXT_ARGUMENTS(name));
		CHANGE(self, "values of `" TEXT_FORMAT "`, or another `role` of it", TEXT_ARGUMENTS(name));
	}
	if (self->report->unmet_count > 0 && unjudged > 0)
		REASON(self, "%llu times feedback was not judged by a declared metric, since something that it reads is missing",
		       (unsigned long long)unjudged);
}

/* ---- what is to be done with each treatment ---- */

/* In the order in which they decide. */
enum outlook {
	OUTLOOK_SHIP,
	OUTLOOK_GUARD,	/* better, but a guardrail is open, or has no values */
	OUTLOOK_WAIT,	/* it is open whether it is better */
	OUTLOOK_BROKEN, /* a guardrail is, so it does not matter whether it is better */
	OUTLOOK_SLIGHT, /* better by less than the practical threshold */
	OUTLOOK_NO,
	OUTLOOKS
};

struct outlooks {
	size_t counts[OUTLOOKS];
	const struct pair_analysis *best[OUTLOOKS]; /* that gains most */
};

static double gain_of(const struct report_metric *metric, const struct pair_analysis *pair)
{
	return metric->lower_is_better ? -pair->estimate : pair->estimate;
}

static enum outlook outlook_of(const struct report *report, const struct pair_analysis *pair)
{
	if (pair->state == PAIR_WORSE || pair->state == PAIR_EQUAL)
		return OUTLOOK_NO;
	if (pair->state == PAIR_BETTER_SLIGHTLY)
		return OUTLOOK_SLIGHT;
	const struct guarding guarding = guarding_of(report, pair->treatment);
	if (guarding.state == GUARDRAIL_BROKEN)
		return OUTLOOK_BROKEN;
	if (pair->state != PAIR_BETTER)
		return OUTLOOK_WAIT;
	return guarding.state == GUARDRAIL_OPEN || report->unmet_count > 0 ? OUTLOOK_GUARD : OUTLOOK_SHIP;
}

/* It cannot be chosen any more. */
static bool arm_is_former(const struct report *report, size_t arm)
{
	return report->joined->adaptive && !(report->joined->candidates >> arm & 1);
}

/* Any treatment may be chosen, since all share alpha. */
static struct outlooks outlooks_of(const struct report *report)
{
	const struct report_metric *metric = report->metrics;
	struct outlooks made = {0};
	for (size_t i = 0; i < metric->analysis.pair_count; i++) {
		const struct pair_analysis *pair = &metric->analysis.pairs[i];
		if (arm_is_former(report, pair->treatment))
			continue;
		const enum outlook outlook = outlook_of(report, pair);
		const struct pair_analysis **best = &made.best[outlook];
		made.counts[outlook]++;
		if (!*best || isnan((*best)->estimate) || gain_of(metric, pair) > gain_of(metric, *best))
			*best = pair;
	}
	return made;
}

static bool recommend(struct recommending *self, enum report_decision decision, size_t arm, const char *sentence)
{
	self->made->decision = decision;
	if (arm != SIZE_MAX)
		self->made->variant = arm_name(self, arm);
	self->made->sentence = sentence;
	return sentence != NULL;
}

/* ---- the cases, in the order in which they count ---- */

static bool recommend_stop(struct recommending *self)
{
	const struct report_split *split = &self->report->split;
	char moment[MOMENT_BYTES];
	moment_print(split->worst_ms, moment);
	REASON(self, "units did not come to the variants by their shares (p %.2g at every look; chi-square %.4g, p %.2g)", split->p,
	       split->chi_square.statistic, split->chi_square.p);
	if (!split->chi_square.mismatch)
		REASON(self,
		       "units came by their shares on the whole, but not at first: the split was worst after %llu units, at %s",
		       (unsigned long long)split->worst_units, moment);
	for (size_t arm = 0; arm < self->report->joined->arms; arm++)
		if (isnan(split->expected[arm]))
			REASON(self, "`" TEXT_FORMAT "` has %.0f units", TEXT_ARGUMENTS(arm_name(self, arm)), split->counts[arm]);
		else
			REASON(self, "`" TEXT_FORMAT "` has %.0f units, and %.1f were to come",
			       TEXT_ARGUMENTS(arm_name(self, arm)), split->counts[arm], split->expected[arm]);
	CHANGE(self, "a split that is right: look for fallbacks in one variant, units in two variants, exposures that are lost or "
		     "late, and then start the experiment again");
	return recommend(self, DECISION_STOP, SIZE_MAX,
			 "Do not decide: the split of units is not the planned one, so the variants cannot be compared.");
}

/* What is lost may be what is bad. */
static bool recommend_stop_feedback(struct recommending *self)
{
	const struct report_split *split = &self->report->split;
	const struct joined *joined = self->report->joined;
	const char *epoch = joined->epoch_count > 1 ? arena_print(self->arena, " in epoch %zu", split->feedback_epoch + 1) : "";
	REASON(self, "variants differ in the share of units that have `" TEXT_FORMAT "` (p %.2g at every look)",
	       TEXT_ARGUMENTS(self->report->metrics[0].shown), split->feedback_p);
	for (size_t arm = 0; arm < joined->arms; arm++)
		if (split->due[arm] > 0)
			REASON(self, "%.4g%% of %.0f units of `" TEXT_FORMAT "` have it%s",
			       PERCENT * split->heard[arm] / split->due[arm], split->due[arm], TEXT_ARGUMENTS(arm_name(self, arm)),
			       epoch ? epoch : "");
	CHANGE(self,
	       "feedback of all variants alike: look for feedback that one of them loses or delays (--window), and send values "
	       "of 0 too");
	return recommend(self, DECISION_STOP, SIZE_MAX,
			 "Do not decide: the share of units with feedback differs between variants, so they cannot be compared.");
}

/* Feedback may have come, and none of it counts. */
static bool recommend_nothing(struct recommending *self)
{
	const struct join_counts *counts = &self->report->joined->counts;
	REASON(self, "no feedback has joined an exposure");
	if (counts->feedback_left_out > 0)
		REASON(self,
		       "%llu times feedback was of a request that chance did not choose, or of a unit that met two variants: these "
		       "are left out",
		       (unsigned long long)counts->feedback_left_out);
	CHANGE(self, "feedback by request id, origin or unit, with a reward or metrics");
	return recommend(self, DECISION_WAIT, SIZE_MAX,
			 counts->feedback > 0 ? "Wait: no feedback counts yet." : "Wait: there is no feedback yet.");
}

/* Another metric may say the opposite of the one that is to decide. */
static bool recommend_of_absent(struct recommending *self)
{
	const struct text absent = self->report->absent;
	const uint64_t unjudged = self->report->options->unjudged;
	if (unjudged > 0)
		REASON(self, "%llu times feedback was not judged by a declared metric, since something that it reads is missing",
		       (unsigned long long)unjudged);
	else
		REASON(self, "no feedback that joined an exposure has `" TEXT_FORMAT "`, or what it is computed from",
		       TEXT_ARGUMENTS(absent));
	CHANGE(self, "values of `" TEXT_FORMAT "`, or another metric that decides (--metric)", TEXT_ARGUMENTS(absent));
	return recommend(
		self, DECISION_WAIT, SIZE_MAX,
		arena_print(self->arena, "Wait: the primary metric `" TEXT_FORMAT "` has no values.", TEXT_ARGUMENTS(absent)));
}

/* Why those that gain more are not shipped. */
static void better_ones_reason(struct recommending *self, const struct report_metric *metric, const struct pair_analysis *shipped)
{
	for (size_t i = 0; i < metric->analysis.pair_count; i++) {
		const struct pair_analysis *pair = &metric->analysis.pairs[i];
		const struct guarding guarding = guarding_of(self->report, pair->treatment);
		if (!(gain_of(metric, pair) > gain_of(metric, shipped)) || arm_is_former(self->report, pair->treatment))
			continue;
		pair_reason(self, metric, pair);
		guarding_reason(self, &guarding);
		if (guarding.pair)
			guarding_change(self, &guarding);
	}
}

/* That it is better is shown. What is not: that it is better by as much as the threshold; a later look may show that it is not. */
static bool recommend_ship(struct recommending *self, const struct report_metric *metric, const struct pair_analysis *pair)
{
	const struct text treatment = arm_name(self, pair->treatment), control = arm_name(self, self->report->control);
	const char *gain = gain_print(self, metric, pair);
	if (!gain)
		return false;
	pair_reason(self, metric, pair);
	better_ones_reason(self, metric, pair);
	CHANGE(self, "a mismatch of the split, or a guardrail that breaks");
	const char *shown = "";
	if (pair_gain(pair, metric->lower_is_better).low < pair->threshold) {
		CHANGE(self, "more units, if they show that the difference is less than the practical threshold, %.4g",
		       pair->threshold);
		shown = arena_print(self->arena, "; that this is as much as the practical threshold of %.3g%% is not shown",
				    metric->practical * PERCENT);
	}
	return recommend(self, DECISION_SHIP, pair->treatment,
			 arena_print(self->arena, "Ship `" TEXT_FORMAT "`: it is %s than `" TEXT_FORMAT "` in `" TEXT_FORMAT "`%s.",
				     TEXT_ARGUMENTS(treatment), gain, TEXT_ARGUMENTS(control), TEXT_ARGUMENTS(metric->shown),
				     shown ? shown : ""));
}

static bool recommend_guarded(struct recommending *self, const struct report_metric *metric, const struct pair_analysis *pair)
{
	const struct guarding guarding = guarding_of(self->report, pair->treatment);
	const char *gain = gain_print(self, metric, pair);
	if (!gain)
		return false;
	pair_reason(self, metric, pair);
	guarding_reason(self, &guarding);
	if (guarding.pair)
		guarding_change(self, &guarding);
	unmet_reasons(self);
	better_ones_reason(self, metric, pair);
	const bool is_unmet = self->report->unmet_count > 0;
	return recommend(self, DECISION_WAIT, SIZE_MAX,
			 arena_print(self->arena,
				     "Wait: `" TEXT_FORMAT "` is %s in `" TEXT_FORMAT "`, but the guardrail `" TEXT_FORMAT "` %s.",
				     TEXT_ARGUMENTS(arm_name(self, pair->treatment)), gain, TEXT_ARGUMENTS(metric->shown),
				     TEXT_ARGUMENTS(is_unmet ? self->report->unmet[0] : guarding.metric->shown),
				     is_unmet ? "has no values" : "is still open"));
}

/* "`b` is 20% better in `reward`, but breaks the guardrail `cost`", or that it breaks it. */
static bool recommend_of_broken(struct recommending *self, const struct report_metric *metric, const struct pair_analysis *pair)
{
	const struct guarding guarding = guarding_of(self->report, pair->treatment);
	const struct text treatment = arm_name(self, pair->treatment), control = arm_name(self, self->report->control);
	const char *gain = gain_print(self, metric, pair);
	const char *lead = pair->state == PAIR_BETTER && gain ? arena_print(self->arena, " is %s in `" TEXT_FORMAT "`, but", gain,
									    TEXT_ARGUMENTS(metric->shown))
							      : "";
	if (!gain || !lead)
		return false;
	for (size_t i = 0; i < metric->analysis.pair_count; i++) {
		const struct guarding own = guarding_of(self->report, metric->analysis.pairs[i].treatment);
		pair_reason(self, metric, &metric->analysis.pairs[i]);
		if (own.state == GUARDRAIL_BROKEN)
			guarding_reason(self, &own);
	}
	guarding_change(self, &guarding);
	return recommend(
		self, DECISION_KEEP, self->report->control,
		arena_print(self->arena, "Keep `" TEXT_FORMAT "`: `" TEXT_FORMAT "`%s breaks the guardrail `" TEXT_FORMAT "`.",
			    TEXT_ARGUMENTS(control), TEXT_ARGUMENTS(treatment), lead, TEXT_ARGUMENTS(guarding.metric->shown)));
}

static bool recommend_of_slight(struct recommending *self, const struct report_metric *metric, const struct pair_analysis *pair)
{
	const struct text treatment = arm_name(self, pair->treatment), control = arm_name(self, self->report->control);
	const char *gain = gain_print(self, metric, pair);
	if (!gain)
		return false;
	pair_reason(self, metric, pair);
	CHANGE(self, "a smaller practical threshold (--practical), or another version of `" TEXT_FORMAT "`",
	       TEXT_ARGUMENTS(treatment));
	return recommend(self, DECISION_KEEP, self->report->control,
			 arena_print(self->arena,
				     "Keep `" TEXT_FORMAT "`: `" TEXT_FORMAT "` is %s in `" TEXT_FORMAT
				     "`, which is shown to be less than the practical threshold of %.3g%%.",
				     TEXT_ARGUMENTS(control), TEXT_ARGUMENTS(treatment), gain, TEXT_ARGUMENTS(metric->shown),
				     metric->practical * PERCENT));
}

static bool recommend_keep(struct recommending *self, const struct report_metric *metric, bool all_worse)
{
	const struct text control = arm_name(self, self->report->control);
	for (size_t i = 0; i < metric->analysis.pair_count; i++)
		pair_reason(self, metric, &metric->analysis.pairs[i]);
	CHANGE(self, all_worse ? "another version of a variant"
			       : "a smaller practical threshold (--practical), or another version of a variant");
	if (all_worse)
		return recommend(self, DECISION_KEEP, self->report->control,
				 arena_print(self->arena, "Keep `" TEXT_FORMAT "`: %s worse in `" TEXT_FORMAT "`.",
					     TEXT_ARGUMENTS(control),
					     metric->analysis.pair_count > 1 ? "the other variants are" : "the other variant is",
					     TEXT_ARGUMENTS(metric->shown)));
	return recommend(self, DECISION_KEEP, self->report->control,
			 arena_print(self->arena,
				     "Keep `" TEXT_FORMAT "`: no other variant differs in `" TEXT_FORMAT
				     "` for the better by the practical threshold of %.3g%%.",
				     TEXT_ARGUMENTS(control), TEXT_ARGUMENTS(metric->shown), metric->practical * PERCENT));
}

static bool recommend_wait(struct recommending *self, const struct report_metric *metric)
{
	bool changed = false, early = true, obstructed = false;
	for (size_t i = 0; i < metric->analysis.pair_count; i++) {
		const struct pair_analysis *pair = &metric->analysis.pairs[i];
		const struct guarding guarding = guarding_of(self->report, pair->treatment);
		if (arm_is_former(self->report, pair->treatment))
			continue;
		if (guarding.state == GUARDRAIL_BROKEN) {
			guarding_reason(self, &guarding);
			continue;
		}
		changed = changed || pair->state == PAIR_CHANGED;
		early = early && pair->state == PAIR_EARLY;
		obstructed = obstructed || (pair->state == PAIR_EARLY && report_obstacle(metric, pair));
		pair_reason(self, metric, pair);
		if (pair->state == PAIR_OPEN)
			units_change(self, pair);
	}
	if (self->made->change_count == 0)
		CHANGE(self, obstructed ? "values of the metric that differ from unit to unit, and can be squared"
			     : changed	? "an epoch of constant weights and versions in which the difference is the same"
					: "more units, until the interval is on one side of 0 or within the practical threshold");
	unmet_reasons(self);
	if (changed)
		return recommend(self, DECISION_WAIT, SIZE_MAX,
				 arena_print(self->arena, "Wait: the difference in `" TEXT_FORMAT "` has changed over time.",
					     TEXT_ARGUMENTS(metric->shown)));
	return recommend(self, DECISION_WAIT, SIZE_MAX,
			 arena_print(self->arena,
				     early && !obstructed ? "Wait: too few units have feedback in `" TEXT_FORMAT "`."
							  : "Wait: the data allow no decision in `" TEXT_FORMAT "` yet.",
				     TEXT_ARGUMENTS(metric->shown)));
}

static bool recommend_of_mirror(struct recommending *self, const struct mirror_result *mirror)
{
	const double agreed = mirror->compared > 0 ? PERCENT * (double)mirror->agreed / (double)mirror->compared : 0;
	CHANGE(self, "exposures and feedback: a mirror alone shows whether results agree, not which are better");
	return recommend(self, DECISION_WAIT, SIZE_MAX,
			 arena_print(self->arena,
				     "The mirror `" TEXT_FORMAT "` agrees with the answers of %.4g%% of %llu compared requests.",
				     TEXT_ARGUMENTS(mirror->mirror), agreed, (unsigned long long)mirror->compared));
}

/* Of a policy: numbers of a variant are of the requests that it could have got. */
static void candidates_reason(struct recommending *self)
{
	const struct joined *joined = self->report->joined;
	char moment[MOMENT_BYTES];
	for (size_t arm = 0; arm < joined->arms; arm++) {
		moment_print(joined->came_ms[arm], moment);
		if (joined->came_ms[arm] > 0)
			REASON(self, "the candidates changed: `" TEXT_FORMAT "` came at %s, and is compared from then on",
			       TEXT_ARGUMENTS(arm_name(self, arm)), moment);
		moment_print(joined->left_ms[arm], moment);
		if (joined->left_ms[arm] > 0)
			REASON(self, "the candidates changed: `" TEXT_FORMAT "` left at %s, and is compared until then",
			       TEXT_ARGUMENTS(arm_name(self, arm)), moment);
	}
}

static bool recommend_of_treatments(struct recommending *self)
{
	const struct report_metric *metric = self->report->metrics;
	const struct outlooks outlooks = outlooks_of(self->report);
	size_t worse = 0;
	for (size_t i = 0; i < metric->analysis.pair_count; i++)
		worse += metric->analysis.pairs[i].state == PAIR_WORSE;
	if (outlooks.best[OUTLOOK_SHIP])
		return recommend_ship(self, metric, outlooks.best[OUTLOOK_SHIP]);
	if (outlooks.best[OUTLOOK_GUARD])
		return recommend_guarded(self, metric, outlooks.best[OUTLOOK_GUARD]);
	if (outlooks.counts[OUTLOOK_WAIT] > 0 || metric->analysis.pair_count == 0)
		return recommend_wait(self, metric);
	if (outlooks.best[OUTLOOK_BROKEN])
		return recommend_of_broken(self, metric, outlooks.best[OUTLOOK_BROKEN]);
	if (outlooks.best[OUTLOOK_SLIGHT])
		return recommend_of_slight(self, metric, outlooks.best[OUTLOOK_SLIGHT]);
	return recommend_keep(self, metric, worse == metric->analysis.pair_count);
}

bool report_recommend(struct report *report, struct arena *arena)
{
	struct recommending self = {report, arena, &report->recommendation};
	if (report->joined->arms == 0 && report->options->mirror)
		return recommend_of_mirror(&self, report->options->mirror) && !arena_failed(arena);
	if (report->split.mismatch)
		return recommend_stop(&self) && !arena_failed(arena);
	if (report->absent.length > 0 && (report->metric_count > 0 || report->options->unjudged > 0))
		return recommend_of_absent(&self) && !arena_failed(arena);
	if (report->metric_count == 0)
		return recommend_nothing(&self) && !arena_failed(arena);
	/* Of sums that some units have no value may be the effect itself. */
	if (report->split.feedback_differs && !report->joined->adaptive && report->metrics->analysis.per_unit != PER_UNIT_SUM)
		return recommend_stop_feedback(&self) && !arena_failed(arena);
	if (report->split.feedback_differs)
		CHANGE(&self, "feedback that one variant loses: its share differs between variants (p %.2g)",
		       report->split.feedback_p);
	const bool good = recommend_of_treatments(&self) && !arena_failed(arena);
	candidates_reason(&self);
	return good && !arena_failed(arena);
}
