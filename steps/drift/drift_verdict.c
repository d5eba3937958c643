/* drift_verdict.c: Verdicts on windows as the observer of a step `drift` lists them with a message: on windows that have closed,
 * early ones, and beginnings; and the realised numbers of windows that have settled. Part of the observer
 * (steps/drift/drift_observer.h). */
#include <math.h>
#include <string.h>

#include "message/records/drift_score.h"
#include "steps/drift/drift_observer.h"
#include "steps/drift/drift_estimates.h"

#define UNUSABLE_USUAL 500 /* messages that do not fit, of a window by time */

/* Names live longer than a past's monitor. */
static struct text name_copy(struct text name, struct arena *arena)
{
	return (struct text){arena_copy(arena, name.bytes, name.length), name.length};
}

static struct drift_statistic statistic_of(const struct monitor_test *test, struct text name)
{
	return (struct drift_statistic){.feature = name,
					.method = monitor_method_names[test->method],
					.effect = test->effect,
					.limit = test->level,
					.statistic = test->statistic,
					.p = test->p,
					.established = test->established};
}

static struct drift_times verdict_times(const struct monitor_verdict *verdict)
{
	const struct monitor_times *times = &verdict->times;
	return (struct drift_times){.unjudged = times->unjudged,
				    .rate = times->rate,
				    .rate_low = times->rate_low,
				    .rate_high = times->rate_high,
				    .age_ms = times->age_ms,
				    .age_most_ms = times->age_most_ms,
				    .rate_alarm = times->rate_alarm,
				    .age_alarm = times->age_alarm};
}

static bool verdict_lists(struct drift_score *score, const struct monitor_verdict *verdict, struct arena *arena)
{
	size_t tests = 0;
	for (size_t i = 0; i < verdict->feature_count; i++)
		tests += verdict->features[i].test_count;
	tests += verdict->joint_count;
	struct drift_statistic *statistics = ARENA_ARRAY(arena, struct drift_statistic, tests + 1);
	struct drift_quality *quality = ARENA_ARRAY(arena, struct drift_quality, verdict->feature_count + 1);
	if (!statistics || !quality)
		return false;
	for (size_t i = 0; i < verdict->feature_count; i++) {
		const struct monitor_feature *feature = &verdict->features[i];
		const struct monitor_quality *found = &feature->quality;
		const struct text name = name_copy(feature->name, arena);
		if (!name.bytes)
			return false;
		const struct drift_quality made = {.feature = name,
						   .values = feature->count,
						   .missing = found->missing,
						   .mistyped = found->mistyped,
						   .outside = found->outside,
						   .unseen = found->unseen,
						   .still = found->still,
						   .alarm = monitor_quality_alarm(found),
						   .missing_alarm = found->missing_alarm,
						   .mistyped_alarm = found->mistyped_alarm,
						   .outside_alarm = found->outside_alarm,
						   .unseen_alarm = found->unseen_alarm,
						   .still_alarm = found->still_alarm};
		if (!score->early)
			quality[score->quality_count++] = made;
		for (size_t j = 0; j < feature->test_count; j++)
			statistics[score->statistic_count++] = statistic_of(&feature->tests[j], name);
	}
	for (size_t i = 0; i < verdict->joint_count; i++) {
		const struct text name = name_copy(verdict->joints[i].name, arena);
		if (!name.bytes)
			return false;
		statistics[score->statistic_count++] = statistic_of(&verdict->joints[i].test, name);
	}
	score->statistics = statistics;
	score->quality = quality;
	return true;
}

static bool verdict_lacking(struct drift_score *score, const struct drift_comparison *comparison, struct arena *arena)
{
	const size_t all = comparison->lacking_count, count = all < DRIFT_LACKING_NAMED ? all : DRIFT_LACKING_NAMED;
	struct text *names = ARENA_ARRAY(arena, struct text, count + 1);
	for (size_t i = 0; names && i < count; i++)
		names[i] = name_copy(comparison->lacking[i], arena);
	score->lacking_count = names ? count : 0;
	score->lacking = names;
	return names && !arena_failed(arena);
}

static double share_of(uint64_t some, uint64_t all)
{
	return all ? (double)some / (double)all : (double)NAN;
}

static void verdict_last(struct last_verdict *last, const struct monitor_verdict *verdict, const struct drift_estimates *estimates)
{
	last->quality_alarm = verdict->quality_alarm;
	last->missing_share = last->mistyped_share = last->outside_share = last->unseen_share = (double)NAN;
	for (size_t i = 0; i < verdict->feature_count; i++) {
		const struct monitor_feature *feature = &verdict->features[i];
		const struct monitor_quality *quality = &feature->quality;
		const uint64_t all = feature->count + quality->missing + quality->mistyped;
		last->missing_share = fmax(last->missing_share, share_of(quality->missing, all));
		last->mistyped_share = fmax(last->mistyped_share, share_of(quality->mistyped, all));
		last->outside_share = fmax(last->outside_share, share_of(quality->outside, feature->count));
		last->unseen_share = fmax(last->unseen_share, share_of(quality->unseen, feature->count));
	}
	last->accuracy = estimates->accuracy.value;
	last->accuracy_low = estimates->accuracy.low;
	last->accuracy_high = estimates->accuracy.high;
	last->precision = estimates->precision.value;
	last->recall = estimates->recall.value;
	last->messages_per_minute = verdict->times.rate;
	last->newest_age_ms = verdict->times.age_ms;
	last->auc = estimates->auc.value;
	last->error = estimates->error.value;
}

/* ---- pictures of distributions ---- */

static struct text name_cut(struct text name, struct arena *arena)
{
	size_t length = name.length < SPREAD_NAME_BYTES ? name.length : SPREAD_NAME_BYTES;
	while (length < name.length && length > 0 && ((unsigned char)name.bytes[length] & 0xC0) == 0x80)
		length--;
	return (struct text){arena_copy(arena, name.bytes, length), length};
}

static void numbers_spread(const struct monitor_picture *picture, struct arena *arena, struct drift_spread *into)
{
	const size_t bins = picture->bins;
	double *copies = ARENA_ARRAY(arena, double, 3 * bins);
	if (!copies)
		return;
	memcpy(copies, picture->reference, bins * sizeof *copies);
	memcpy(copies + bins, picture->current, bins * sizeof *copies);
	memcpy(copies + 2 * bins, picture->edges, (bins - 1) * sizeof *copies);
	into->bins = bins;
	into->reference = copies;
	into->current = copies + bins;
	into->edge_count = bins - 1;
	into->edges = copies + 2 * bins;
}

/* The category that is the commonest of the reference beside those that are taken. */
static size_t commonest_of(const struct monitor_picture *picture, size_t known, const bool *taken)
{
	size_t most = 0;
	while (taken[most])
		most++;
	for (size_t i = most + 1; i < known; i++)
		most = !taken[i] && picture->reference[i] > picture->reference[most] ? i : most;
	return most;
}

static void categories_spread(const struct monitor_picture *picture, struct arena *arena, struct drift_spread *into)
{
	const size_t known = picture->bins - 1, own = known < SPREAD_NAMES ? known : SPREAD_NAMES, bins = own + 2;
	bool taken[DRIFT_CATEGORIES_MAX] = {false};
	double *counts = ARENA_ARRAY(arena, double, 2 * bins);
	struct text *names = ARENA_ARRAY(arena, struct text, own + 1);
	if (!counts || !names)
		return;
	double *reference = counts, *current = counts + bins;
	for (size_t i = 0; i < own; i++) {
		const size_t at = commonest_of(picture, known, taken);
		taken[at] = true;
		names[i] = name_cut(picture->categories[at], arena);
		reference[i] = picture->reference[at];
		current[i] = picture->current[at];
	}
	for (size_t i = 0; i < known; i++) {
		reference[own] += taken[i] ? 0 : picture->reference[i];
		current[own] += taken[i] ? 0 : picture->current[i];
	}
	current[own + 1] = picture->current[known];
	into->bins = bins;
	into->reference = reference;
	into->current = current;
	into->name_count = own;
	into->names = names;
}

bool drift_spreads_list(struct drift_score *score, const struct monitor_verdict *verdict, struct arena *arena)
{
	struct drift_spread *spreads = ARENA_ARRAY(arena, struct drift_spread, verdict->feature_count + 1);
	for (size_t i = 0; spreads && i < verdict->feature_count; i++) {
		const struct monitor_feature *feature = &verdict->features[i];
		if (feature->picture.bins == 0)
			continue;
		struct drift_spread *into = &spreads[score->spread_count++];
		into->feature = (struct text){arena_copy(arena, feature->name.bytes, feature->name.length), feature->name.length};
		(feature->picture.categories ? categories_spread : numbers_spread)(&feature->picture, arena, into);
	}
	score->spreads = spreads;
	return !arena_failed(arena);
}

/* ---- records ---- */

/* Why no window can be judged by the reference; NULL: it can, or is not known yet. */
static const char *unfit_of(const struct drift_observer *self)
{
	const char *unfit = self->past ? self->past->uncompared : self->topic ? self->topic->unfit : NULL;
	return unfit || self->comparison.reference.rows == 0 ? unfit : self->comparison.unjudged;
}

void drift_watching_note(const struct drift_observer *self)
{
	const char *unfit = unfit_of(self);
	if (!self->entry)
		return;
	if (self->comparison.reference.rows > 0 && !unfit && self->unestimated)
		return;
	if (self->comparison.reference.rows > 0 && !unfit)
		verdict_entry_note_watching(self->entry, WATCHING_COMPARES, "");
	else
		verdict_entry_note_watching(self->entry, unfit ? WATCHING_UNFIT : WATCHING_LEARNING,
					    unfit ? unfit : self->reference);
}

bool drift_is_found(const struct drift *options, const struct monitor_verdict *verdict)
{
	return verdict->drifted && (options->score_limit == 0 || verdict->score > options->score_limit);
}

bool drift_record_beginning(const struct drift_visit *at, struct text segment)
{
	struct drift_score *score = ARENA_NEW(visit_arena(at->visit), struct drift_score);
	if (!score)
		return error_memory(at->error, ERROR_LIMIT, "beginning a window");
	*score = (struct drift_score){.listed.kind = LISTED_VERDICT,
				      .pipeline = at->step->pipeline,
				      .step = at->self->watched,
				      .segment = segment,
				      .begins = true};
	visit_list(at->visit, &score->listed);
	return true;
}

/* The name of the reference, which the next window may change where it is the past. NULL: memory ran out. */
static const char *reference_name(const struct drift_visit *at)
{
	return arena_copy(visit_arena(at->visit), at->self->reference, strlen(at->self->reference));
}

/* What all records of the step have. NULL: memory ran out. */
static struct drift_score *score_begin(const struct drift_visit *at, struct text segment, const struct drift_window_state *state)
{
	const struct drift_observer *self = at->self;
	const int64_t time_ms = drift_row_time_ms(at, at->message);
	const char *why = unfit_of(self); /* which the next message may change */
	const char *uncompared = why ? arena_copy(visit_arena(at->visit), why, strlen(why)) : NULL;
	const char *reference = reference_name(at);
	struct drift_score *score =
		reference && (!why || uncompared) ? ARENA_NEW(visit_arena(at->visit), struct drift_score) : NULL;
	if (score)
		*score = (struct drift_score){.listed.kind = LISTED_VERDICT,
					      .pipeline = at->step->pipeline,
					      .step = self->watched,
					      .segment = segment,
					      .identity = self->verdict_identity,
					      .window = state->position.window,
					      .begin_ms = time_ms,
					      .end_ms = time_ms,
					      .verdict = DRIFT_LEARNING,
					      .score = (double)NAN,
					      .reference = reference,
					      .reference_rows = self->comparison.reference.all_rows,
					      .times = drift_times_unknown(),
					      .uncompared = uncompared};
	return score;
}

/* What is known of a window. */
static bool score_fill(const struct drift_visit *at, const struct monitor_verdict *verdict, struct drift_score *score)
{
	const struct drift *options = at->step->options;
	score->window = verdict->window;
	score->begin_ms = verdict->least_ms;
	score->end_ms = verdict->most_ms;
	score->messages = verdict->rows;
	score->late = verdict->late;
	if (verdict->judged) {
		score->verdict = drift_is_found(options, verdict) ? DRIFT_FOUND : DRIFT_STEADY;
		score->score = verdict->score;
	}
	score->times = verdict_times(verdict);
	score->alarm_row = verdict->alarm_row;
	score->alarm_ms = verdict->alarm_ms;
	return verdict_lists(score, verdict, visit_arena(at->visit)) &&
	       drift_spreads_list(score, verdict, visit_arena(at->visit));
}

/* Messages are marked by it: an unknown score is 0 there. */
static void last_keep(const struct drift_score *score, struct drift_window_state *state)
{
	state->last.verdict = score->verdict;
	state->last.score = score->verdict == DRIFT_LEARNING ? 0 : score->score;
	state->last.cause = drift_cause_of(score);
}

/* Alerts judge each window, also if the same rows close several. */
static void window_show(const struct drift_visit *at, struct text segment, const struct drift_window_state *state)
{
	if (at->self->entry)
		verdict_entry_add_window(at->self->entry, segment, state->last);
}

uint64_t drift_unusable_most(const struct drift_observer *self)
{
	const int64_t rows = self->comparison.settings.window_rows;
	return rows > 0 ? (uint64_t)rows : UNUSABLE_USUAL;
}

/* Messages cannot be used: an alarm, if they are as many as a window has and came where the reference was known. With `groupBy`
 * they are of no segment. */
static void unusable_record(const struct drift_visit *at, struct text segment, struct drift_score *score,
			    struct drift_window_state *state)
{
	if (at->self->entry)
		verdict_entry_note_watching(at->self->entry, WATCHING_MISFIT, at->misfit);
	if (at->self->comparison.reference.rows == 0 && !score->uncompared)
		score->uncompared = arena_copy(visit_arena(at->visit), at->misfit, strlen(at->misfit));
	score->unusable_alarm =
		at->tally.unusable >= drift_unusable_most(at->self) && at->self->comparison.reference.rows > 0 && !at->self->group;
	if (!score->unusable_alarm)
		return;
	state->last.quality_alarm = 1;
	window_show(at, segment, state);
}

/* Notes what the observer can do, by the window that has closed: one of whose rows none is in the estimate says why. A segment is
 * not the whole step: where another one had an estimate, its records alone say so. False: memory ran out. */
static bool window_note(const struct drift_visit *at, struct drift_score *score)
{
	const struct drift_estimate_options *estimate = &((const struct drift *)at->step->options)->estimate;
	struct drift_observer *self = at->self;
	const bool unestimated = drift_estimates_any(estimate) && score->estimated_rows == 0 && !score->uncompared;
	self->estimated = self->estimated || score->estimated_rows > 0;
	self->unestimated = unestimated && !(self->group && self->estimated);
	if (unestimated)
		score->uncompared = drift_unestimated_why(estimate, visit_arena(at->visit));
	if (!self->unestimated)
		drift_watching_note(self);
	else if (score->uncompared && self->entry)
		verdict_entry_note_watching(self->entry, WATCHING_UNESTIMATED, score->uncompared);
	return !unestimated || score->uncompared;
}

bool drift_record_verdict(struct drift_visit *at, struct text segment, const struct monitor_verdict *verdict,
			  struct drift_window_state *state)
{
	const struct drift *options = at->step->options;
	struct arena *arena = visit_arena(at->visit);
	struct drift_score *score = score_begin(at, segment, state);
	if (!score)
		return error_memory(at->error, ERROR_LIMIT, "judging a window");
	score->unusable = at->tally.unusable + at->tally.awaited;
	score->beyond = at->tally.beyond;
	if (verdict) {
		const struct drift_estimates estimates = drift_estimates_of(&state->performance, &at->sums);
		if (!score_fill(at, verdict, score) || !verdict_lacking(score, &at->self->comparison, arena) ||
		    (drift_estimates_any(&options->estimate) &&
		     !drift_estimates_list(&state->performance, &at->sums, score, arena)) ||
		    !window_note(at, score))
			return error_memory(at->error, ERROR_LIMIT, "judging a window");
		verdict_last(&state->last, verdict, &estimates);
		state->performance = (struct performance){0};
		at->sums = (struct drift_sums){0};
		if (!drift_settling_close(&at->settling, at->visit, score, at->error))
			return false;
	} else if (at->misfit) {
		unusable_record(at, segment, score, state);
	}
	at->tally.unusable = at->tally.awaited = at->tally.beyond = 0;
	const bool forgets = /* its past */
		verdict && at->self->comparison.reference.rows == 0 && state->last.verdict != DRIFT_LEARNING;
	if (score->verdict != DRIFT_LEARNING || forgets)
		last_keep(score, state);
	if (verdict)
		window_show(at, segment, state);
	visit_list(at->visit, &score->listed);
	return !forgets || drift_record_beginning(at, segment);
}

bool drift_record_early(const struct drift_visit *at, struct text segment, const struct monitor_verdict *early,
			struct drift_window_state *state)
{
	if (!drift_is_found(at->step->options, early))
		return true;
	struct drift_score *score = score_begin(at, segment, state);
	if (!score)
		return error_memory(at->error, ERROR_LIMIT, "judging a window");
	score->early = true;
	if (!score_fill(at, early, score))
		return error_memory(at->error, ERROR_LIMIT, "judging a window");
	last_keep(score, state);
	window_show(at, segment, state);
	visit_list(at->visit, &score->listed);
	return true;
}

/* ---- windows that settle ---- */

static const char *band_of(enum band_state band)
{
	static const char *const names[BAND_STATES] = {[BAND_OPEN] = "", [BAND_HELD] = "held", [BAND_LEFT] = "left"};
	return names[band];
}

/* Lists in the score what is known of the window. False: memory ran out. */
static bool realised_list(const struct drift_visit *at, const struct settled_window *settled, struct drift_score *score)
{
	struct drift_realisation *list = ARENA_ARRAY(visit_arena(at->visit), struct drift_realisation, FIGURES);
	if (!list)
		return false;
	score->realised = list;
	for (enum drift_figure figure = 0; figure < FIGURES; figure++) {
		const struct drift_finding found = drift_realised_find(&settled->realised, figure);
		if (found.rows == 0 || isnan(found.realised))
			continue;
		list[score->realised_count++] = (struct drift_realisation){
			drift_metric_names[figure], found.rows,		 found.realised,     found.estimate.value,
			found.estimate.low,	    found.estimate.high, band_of(found.band)};
	}
	return true;
}

static bool record_settled(const struct drift_visit *at, const struct settled_window *settled)
{
	struct drift_score *score = ARENA_NEW(visit_arena(at->visit), struct drift_score);
	const char *reference = reference_name(at);
	if (!score || !reference)
		return error_memory(at->error, ERROR_LIMIT, "settling a window");
	*score = (struct drift_score){.listed.kind = LISTED_VERDICT,
				      .pipeline = at->step->pipeline,
				      .step = at->self->watched,
				      .segment = settled->segment,
				      .identity = settled->identity,
				      .window = settled->window,
				      .begin_ms = settled->begin_ms,
				      .end_ms = settled->end_ms,
				      .messages = settled->messages,
				      .verdict = DRIFT_LEARNING,
				      .score = (double)NAN,
				      .reference = reference,
				      .times = drift_times_unknown(),
				      .settled = true,
				      .truths = settled->truths,
				      .unkept = settled->unkept,
				      .unfit = settled->unfit};
	if (!realised_list(at, settled, score))
		return error_memory(at->error, ERROR_LIMIT, "settling a window");
	visit_list(at->visit, &score->listed);
	if (at->self->entry)
		verdict_entry_add_realised(at->self->entry, score);
	return true;
}

bool drift_windows_settle(struct drift_visit *at)
{
	size_t budget = drift_settling_budget(&at->settling);
	struct error error = {0};
	for (const struct settled_window *settled; (settled = drift_settling_next(&at->settling, at->visit, &budget, &error));)
		if (!record_settled(at, settled))
			return false;
	if (error.kind != ERROR_NONE)
		*at->error = error;
	const bool good = error.kind == ERROR_NONE && drift_settling_end(&at->settling, at->visit, at->error);
	if (good && at->settling.forgotten + at->settling.cut_short > 0 && at->self->entry)
		verdict_entry_add_hurried(at->self->entry, at->settling.forgotten, at->settling.cut_short);
	return good;
}
