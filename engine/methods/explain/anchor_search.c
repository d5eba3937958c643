/* anchor_search.c: The search for an anchor among perturbations that are answered in
 * batches; see anchors.h.
 *
 * Rules of one size compete: each that may still be among the best is asked about by equal
 * batches, until bounds tell the best from the others. These are extended by one feature, unless one of them
 * reaches the threshold. */
#include <math.h>

#include "methods/explain/anchors.h"

#define BOUND_FACTOR 405.5 /* of Kaufmann and Kalyanakrishnan (2013), as is their exponent 1.1 */
#define BOUND_EXPONENT 1.1
#define BEAM_MAX ((size_t)16)

struct anchor_candidate {
	struct anchor_rule rule;
	double coverage, lower, upper;
	size_t tried, asked, agreed; /* tried: answered or failed */
	bool out;		     /* not among the best of its size */
};

struct anchor_search {
	struct anchor_options options;
	const struct anchor_rows *rows;
	struct anchor_candidate *candidates; /* of one size */
	size_t count;
	struct anchor_rule beam[BEAM_MAX]; /* of the size before */
	size_t beam_count;
	size_t next, within; /* the next question is of this candidate, within its batch */
	size_t rounds, questions;
	struct anchor_candidate best;
	struct random random;
	struct random before; /* of the questions that wait for their answers */
	bool over;
};

/* ---- opening ---- */

static bool anchor_options_check(const struct anchor_rows *rows, const struct anchor_options *options, struct error *error)
{
	if (rows->count == 0 || rows->features == 0)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "anchors need rows to draw from, and the background has %zu of %zu columns; give it some",
				 rows->count, rows->features);
	if (rows->features > ANCHOR_FEATURES_MAX)
		return error_set_limit(error, LIMIT_OF_ENGINE, "%zu features are more than the %d among which an anchor is sought",
				       rows->features, ANCHOR_FEATURES_MAX);
	if (!(options->threshold > 0 && options->threshold <= 1 && options->confidence > 0 && options->confidence < 1))
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "a threshold of %g and a confidence of %g are no shares; give numbers above 0 and below 1",
				 options->threshold, options->confidence);
	if (options->most == 0 || options->most > ANCHOR_SIZE_MAX || options->beam == 0 || options->beam > BEAM_MAX ||
	    options->batch == 0 || options->patience < options->batch)
		return error_set(
			error, ERROR_CONFIG, PLACE_NONE,
			"anchors of %zu features, a beam of %zu, batches of %zu and a patience of %zu cannot be; give 1 to "
			"%d features, a beam of 1 to %zu, and a patience of at least a batch",
			options->most, options->beam, options->batch, options->patience, ANCHOR_SIZE_MAX, BEAM_MAX);
	return true;
}

static void anchor_candidate_add(struct anchor_search *search, const struct anchor_rule *rule)
{
	for (size_t i = 0; i < search->count; i++)
		if (memcmp(&search->candidates[i].rule, rule, sizeof *rule) == 0)
			return;
	const double coverage = anchor_coverage(search->rows, rule);
	search->candidates[search->count++] = (struct anchor_candidate){.rule = *rule, .coverage = coverage, .upper = 1};
}

struct anchor_search *anchor_search_open(struct arena *arena, const struct anchor_rows *rows, const struct anchor_options *options,
					 struct error *error)
{
	if (!anchor_options_check(rows, options, error))
		return NULL;
	struct anchor_search *search = ARENA_NEW(arena, struct anchor_search);
	struct anchor_candidate *candidates = ARENA_ARRAY(arena, struct anchor_candidate, options->beam * rows->features + 1);
	if (!search || !candidates)
		return error_null(error_memory(error, ERROR_SYSTEM, "seeking an anchor"));
	*search = (struct anchor_search){
		.options = *options,
		.rows = rows,
		.candidates = candidates,
		.random = {options->seed},
		.before = {options->seed},
	};
	anchor_candidate_add(search, &(struct anchor_rule){0});
	return search;
}

/* ---- one size ---- */

static double anchor_share(const struct anchor_candidate *candidate)
{
	return candidate->asked ? (double)candidate->agreed / (double)candidate->asked : 0;
}

/* How far bounds reach after so many rounds of so many rules. */
static double anchor_reach(const struct anchor_search *search)
{
	const double rounds = pow((double)search->rounds, BOUND_EXPONENT);
	const double logarithm = log(BOUND_FACTOR * (double)search->count * rounds / (1 - search->options.confidence));
	return logarithm + log(logarithm);
}

static bool anchor_reached(const struct anchor_search *search, const struct anchor_candidate *candidate)
{
	const bool tired = candidate->tried >= search->options.patience;
	return candidate->asked && (tired ? anchor_share(candidate) : candidate->lower) >= search->options.threshold;
}

/* Whether it has been asked about long enough to say on which side of the threshold it is. */
static bool anchor_decided(const struct anchor_search *search, const struct anchor_candidate *candidate)
{
	return candidate->out || candidate->tried >= search->options.patience || candidate->lower >= search->options.threshold ||
	       candidate->upper < search->options.threshold;
}

/* The lower bound that `beam` rules have: who cannot reach it is out. */
static double anchor_beam_bound(const struct anchor_search *search)
{
	double lowers[BEAM_MAX] = {0};
	size_t count = 0;
	for (size_t i = 0; i < search->count; i++) {
		size_t place = count;
		while (place > 0 && lowers[place - 1] < search->candidates[i].lower)
			place--;
		if (place >= search->options.beam)
			continue;
		count += count < search->options.beam;
		memmove(lowers + place + 1, lowers + place, (count - place - 1) * sizeof *lowers);
		lowers[place] = search->candidates[i].lower;
	}
	return count < search->options.beam ? -1 : lowers[count - 1];
}

/* Of those that reach the threshold coverage decides, for how far above it they were seen is chance; no other is as good. */
static struct anchor_measure anchor_standing(const struct anchor_search *search, const struct anchor_candidate *candidate)
{
	return (struct anchor_measure){anchor_reached(search, candidate) ? 1 : anchor_share(candidate) / 2, candidate->coverage};
}

static void anchor_candidate_keep(struct anchor_search *search, const struct anchor_candidate *candidate)
{
	const struct anchor_measure mine = anchor_standing(search, candidate), best = anchor_standing(search, &search->best);
	const bool same = memcmp(&candidate->rule, &search->best.rule, sizeof candidate->rule) == 0;
	if (search->best.asked == 0 || same || anchor_better(&candidate->rule, &mine, &search->best.rule, &best, 1))
		search->best = *candidate;
}

/* The best rules of the size that is over, in their order. */
static void anchor_beam_take(struct anchor_search *search)
{
	search->beam_count = 0;
	while (search->beam_count < search->options.beam) {
		struct anchor_candidate *best = NULL;
		for (size_t i = 0; i < search->count; i++) {
			struct anchor_candidate *one = &search->candidates[i];
			if (!one->out && (!best || anchor_share(one) > anchor_share(best)))
				best = one;
		}
		if (!best)
			break;
		best->out = true;
		search->beam[search->beam_count++] = best->rule;
	}
}

static bool anchor_extend(const struct anchor_rule *rule, uint32_t feature, struct anchor_rule *extended)
{
	size_t place = rule->count;
	for (size_t i = 0; i < rule->count; i++)
		if (rule->features[i] == feature)
			return false;
	*extended = *rule;
	for (; place > 0 && extended->features[place - 1] > feature; place--)
		extended->features[place] = extended->features[place - 1];
	extended->features[place] = feature;
	extended->count++;
	return true;
}

/* A rule that covers less than the best that reaches the threshold is no better, whatever its precision. */
static void anchor_size_begin(struct anchor_search *search)
{
	struct anchor_rule extended;
	const bool reached = anchor_reached(search, &search->best);
	anchor_beam_take(search);
	search->count = search->rounds = search->next = search->within = 0;
	for (size_t i = 0; i < search->beam_count && search->beam[i].count < search->options.most; i++)
		for (uint32_t feature = 0; feature < search->rows->features; feature++)
			if (anchor_extend(&search->beam[i], feature, &extended) &&
			    !(reached && anchor_coverage(search->rows, &extended) <= search->best.coverage))
				anchor_candidate_add(search, &extended);
	search->over = search->count == 0;
}

static void anchor_round_end(struct anchor_search *search)
{
	search->rounds++;
	search->next = 0;
	const double reach = anchor_reach(search);
	bool decided = true;
	for (size_t i = 0; i < search->count; i++) {
		struct anchor_candidate *one = &search->candidates[i];
		one->lower = one->asked ? anchor_lower(anchor_share(one), (double)one->asked, reach) : 0;
		one->upper = one->asked ? anchor_upper(anchor_share(one), (double)one->asked, reach) : 1;
	}
	const double bound = anchor_beam_bound(search);
	for (size_t i = 0; i < search->count; i++) {
		struct anchor_candidate *one = &search->candidates[i];
		one->out = one->out || one->upper < bound;
		decided = decided && anchor_decided(search, one);
		anchor_candidate_keep(search, one);
	}
	if (decided)
		anchor_size_begin(search);
}

/* ---- questions ---- */

/* The candidate of the next question; NULL: the round is over. */
static struct anchor_candidate *anchor_turn(struct anchor_search *search)
{
	if (search->within == search->options.batch) {
		search->within = 0;
		search->next++;
	}
	while (search->next < search->count && anchor_decided(search, &search->candidates[search->next]))
		search->next++;
	return search->next < search->count ? &search->candidates[search->next] : NULL;
}

size_t anchor_search_ask(struct anchor_search *search, struct anchor_question *questions, size_t most)
{
	size_t count = 0;
	const size_t next = search->next, within = search->within;
	search->random = search->before;
	while (!search->over && count < most) {
		struct anchor_candidate *candidate = anchor_turn(search);
		if (!candidate)
			break;
		questions[count++] = (struct anchor_question){&candidate->rule, random_below(&search->random, search->rows->count)};
		search->within++;
	}
	search->next = next;
	search->within = within;
	return count;
}

void anchor_search_answer(struct anchor_search *search, const bool *agrees, const bool *known, size_t count)
{
	for (size_t i = 0; i < count && !search->over; i++) {
		struct anchor_candidate *candidate = anchor_turn(search);
		if (!candidate)
			break;
		(void)random_next(&search->before);
		search->within++;
		search->questions++;
		candidate->tried++;
		if (known && !known[i])
			continue;
		candidate->asked++;
		candidate->agreed += agrees[i];
	}
	while (!search->over && !anchor_turn(search))
		anchor_round_end(search);
}

struct anchor_found anchor_search_found(const struct anchor_search *search)
{
	struct anchor_candidate best = search->best;
	for (size_t i = 0; best.asked == 0 && i < search->count; i++)
		best = search->candidates[i];
	return (struct anchor_found){
		.rule = best.rule,
		.measure = {best.asked ? anchor_share(&best) : (double)NAN, best.coverage},
		.lower = best.lower,
		.questions = search->questions,
		.settled = anchor_reached(search, &best),
	};
}
