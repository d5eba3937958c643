/* arrival_tally.c: see arrival_tally.h. */
#include "experiments/rollouts/arrival_tally.h"

#include "base/number/duration.h"

/* ---- numbers ---- */

static void arrival_count(struct arrival_tally *tally, size_t arm, size_t judged, int64_t joined, int64_t late)
{
	struct truth_counts *counts = &tally->counts[arm];
	struct metric_counts *metric = judged > 0 ? &counts->metrics[judged - 1] : NULL;
	*(metric ? &metric->joined : &counts->joined) += joined;
	*(metric ? &metric->late : &counts->late) += late;
	if (!metric)
		tally->last = (struct past_truth){tally->feedback_ms, arm, joined == 0};
}

static int64_t joined_of(const struct arrival_tally *tally, size_t arm, size_t judged)
{
	const struct truth_counts *counts = &tally->counts[arm];
	return judged > 0 ? counts->metrics[judged - 1].joined : counts->joined;
}

static int64_t late_of(const struct arrival_tally *tally, size_t arm, size_t judged)
{
	const struct truth_counts *counts = &tally->counts[arm];
	return judged > 0 ? counts->metrics[judged - 1].late : counts->late;
}

static int64_t sampled_estimate(const struct sampled_number *number)
{
	return number->count < TRUTH_SAMPLED_LEAST ? number->count : number->sum;
}

/* Adds one. Returns by how much the estimate rises. */
static int64_t sampled_add(struct sampled_number *number, uint64_t weight)
{
	const int64_t before = sampled_estimate(number);
	number->count++;
	number->sum += (int64_t)weight;
	return sampled_estimate(number) - before;
}

static void late_count(struct arrival_tally *tally, size_t arm, size_t judged, uint64_t weight)
{
	arrival_count(tally, arm, judged, 0, sampled_add(&tally->late[arm][judged], weight));
}

void arrival_tally_join(struct arrival_tally *tally, size_t arm, size_t judged)
{
	arrival_count(tally, arm, judged, 1, 0);
}

/* ---- earlier stages ---- */

static bool exposure_is_past(const struct arrival_tally *tally, const struct sampled_exposure *exposure)
{
	return exposure->turn != tally->turn;
}

/* An outcome for an exposure of an earlier stage says only that outcomes come, or that they are late, where this one has none in
 * time. One within its window counts as one, whatever it stands for: it is no outcome of this stage. So does one that came before
 * this stage. */
static void past_count(struct arrival_tally *tally, size_t arm, size_t judged, bool is_late, uint64_t weight)
{
	const bool was_counted =
		tally->feedback_ms < tally->since_ms && joined_of(tally, arm, judged) + late_of(tally, arm, judged) > 0;
	bool *has_past = &tally->has_past[arm][judged];
	if (joined_of(tally, arm, judged) > *has_past || was_counted)
		return;
	if (is_late)
		late_count(tally, arm, judged, tally->feedback_ms < tally->since_ms ? 1 : weight);
	else if (!*has_past)
		arrival_count(tally, arm, judged, 1, 0);
	*has_past |= !is_late;
}

void arrival_tally_add_past(struct arrival_tally *tally, const struct arrived_exposure *exposure)
{
	struct sampled_exposure past = {.key = exposure->request,
					.time_ms = exposure->time_ms,
					.arm = (uint8_t)exposure->arm,
					.lacks_label = !exposure->has_label,
					.turn = (uint8_t)(tally->turn - 1)};
	exposure_sample_add(tally->ended, &past);
	past.key = exposure->unit;
	if (exposure->unit != 0)
		exposure_sample_add(tally->seen_units, &past);
}

/* ---- exposures ---- */

void arrival_tally_end(struct arrival_tally *tally, const struct arrived_exposure *exposure)
{
	const struct sampled_exposure ended = {.key = exposure->request,
					       .time_ms = exposure->time_ms,
					       .arm = (uint8_t)exposure->arm,
					       .outcomes = (uint8_t)exposure->outcomes,
					       .lacks_label = !exposure->has_label,
					       .turn = tally->turn};
	exposure_sample_add(tally->ended, &ended);
}

/* A unit that comes again in a later stage may have another choice. */
void arrival_tally_see_unit(struct arrival_tally *tally, const struct arrived_exposure *exposure)
{
	const struct sampled_exposure seen = {
		.key = exposure->unit, .time_ms = exposure->time_ms, .arm = (uint8_t)exposure->arm, .turn = tally->turn};
	struct sampled_exposure *known = exposure_sample_find(tally->seen_units, exposure->unit);
	if (!known || !exposure_is_past(tally, known)) {
		exposure_sample_add(tally->seen_units, &seen);
		return;
	}
	const uint64_t key = known->key;
	*known = seen;
	known->key = key;
}

/* ---- feedback ---- */

static bool window_is_over(const struct arrival_tally *tally, const struct sampled_exposure *exposure)
{
	return tally->feedback_ms > exposure->time_ms + MS_PER_S + tally->window_ms;
}

/* Those outcomes of an exposure that were not counted before; they are now. */
static unsigned news_take(struct sampled_exposure *exposure, unsigned outcomes)
{
	const unsigned news = outcomes & ~(unsigned)exposure->outcomes;
	exposure->outcomes |= (uint8_t)news;
	return news;
}

/* Outcomes that the join does not have: their exposure is over, or of an earlier stage. */
static void missed_count(struct arrival_tally *tally, struct sampled_exposure *exposure, unsigned outcomes, uint64_t weight)
{
	const bool is_late = window_is_over(tally, exposure), is_past = exposure_is_past(tally, exposure);
	if (!is_late && !is_past)
		return;
	const unsigned news = news_take(exposure, outcomes);
	for (size_t i = 0; i < tally->judged_count; i++)
		if (news & 1U << i && is_past)
			past_count(tally, exposure->arm, i, is_late, weight);
		else if (news & 1U << i)
			late_count(tally, exposure->arm, i, weight);
}

void arrival_tally_request(struct arrival_tally *tally, uint64_t request, unsigned outcomes, bool has_label)
{
	struct sampled_exposure *exposure = exposure_sample_find(tally->ended, request);
	if (exposure)
		missed_count(tally, exposure, outcomes | (has_label && !exposure->lacks_label),
			     exposure_sample_weight(tally->ended));
}

/* It is late if the unit was seen before it, and no exposure of it is open any more. */
void arrival_tally_unit(struct arrival_tally *tally, uint64_t unit, unsigned outcomes, int64_t time_ms, bool waits, bool missed)
{
	const uint64_t weight = exposure_sample_weight(tally->seen_units);
	struct sampled_exposure *exposure = exposure_sample_find(tally->seen_units, unit);
	if (!exposure)
		return;
	const unsigned news = waits ? news_take(exposure, outcomes) : 0;
	for (size_t i = 0; i < tally->judged_count; i++)
		if (news & 1U << i)
			arrival_count(tally, exposure->arm, i, sampled_add(&tally->of_units[exposure->arm][i], weight), 0);
	if (missed && exposure->time_ms <= time_ms)
		missed_count(tally, exposure, outcomes, weight);
}

/* ---- opening ---- */

/* Whoever judges may not know of the last truth of the stage before. */
static void last_count(struct arrival_tally *tally, const struct past_truth *last)
{
	if (last->time_ms == 0 || last->time_ms < tally->since_ms - TRUTH_REPORTED_MS)
		return;
	arrival_count(tally, last->arm, 0, !last->is_late, last->is_late);
	tally->has_past[last->arm][0] = !last->is_late;
	tally->last = *last;
}

bool arrival_tally_open(struct arrival_tally *tally, const struct truth_tally_config *config, struct truth_counts *counts,
			struct error *error)
{
	*tally = (struct arrival_tally){.since_ms = config->since_ms,
					.window_ms = config->window_ms,
					.judged_count = 1 + config->metric_count,
					.counts = counts,
					.ended = config->past.requests ? config->past.requests : exposure_sample_open(),
					.seen_units = config->past.units ? config->past.units : exposure_sample_open(),
					.turn = (uint8_t)(config->past.turn + 1)};
	last_count(tally, &config->past.last);
	return (tally->ended && tally->seen_units) || error_memory(error, ERROR_SYSTEM, "counting the truths of a rollout");
}

struct truth_past arrival_tally_give_past(struct arrival_tally *tally)
{
	const struct truth_past past = {tally->ended, tally->seen_units, tally->turn, tally->last};
	tally->ended = tally->seen_units = NULL;
	return past;
}

void arrival_tally_close(struct arrival_tally *tally)
{
	exposure_sample_close(tally->ended);
	exposure_sample_close(tally->seen_units);
}

void truth_past_close(struct truth_past *past)
{
	exposure_sample_close(past->requests);
	exposure_sample_close(past->units);
	*past = (struct truth_past){0};
}
