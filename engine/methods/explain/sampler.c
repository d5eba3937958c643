/* sampler.c: see sampler.h. */
#include "methods/explain/sampler.h"

#include <math.h>

#include "base/number/random.h"
#include "methods/explain/coalition.h"
#include "methods/explain/surrogate.h"

struct sampler {
	size_t players, words, pairs;
	uint64_t *coalitions;		   /* of pairs: one, then its rest */
	bool exact;			   /* all coalitions are asked */
	struct surrogate_points points;	   /* the coalition of all, then the first of each pair */
	const struct surrogate_grid *grid; /* NULL when it is exact */
};

/* ---- a design ---- */

/* The pairs of one size, which is at most half of the players. */
struct sampler_stratum {
	size_t size;
	double pairs;  /* there are */
	double wanted; /* by leverage; its whole part is taken, and the rest with that probability */
	size_t taken;
};

static double sampler_pairs_of(size_t players, size_t size)
{
	double ways = 1;
	for (size_t i = 1; i <= size; i++)
		ways *= (double)(players - size + i) / (double)i;
	return 2 * size == players ? ways / 2 : ways;
}

/* What all strata give when each size of coalition is asked equally often. */
static double sampler_wanted(struct sampler_stratum *strata, size_t count, size_t players, double each)
{
	double sum = 0;
	for (size_t i = 0; i < count; i++) {
		const double share = 2 * strata[i].size == players ? each / 2 : each;
		strata[i].wanted = share < strata[i].pairs ? share : strata[i].pairs;
		sum += strata[i].wanted;
	}
	return sum;
}

#define HALVINGS 200 /* more than double can tell apart */

static double sampler_chance(struct random *random)
{
	return (double)(random_next(random) >> 11) * 0x1p-53;
}

/* Which stratum gets one of the pairs that whole parts leave over: by the parts that were cut off. */
static size_t sampler_stratum_draw(const struct sampler_stratum *strata, size_t count, struct random *random)
{
	double sum = 0;
	size_t last = 0;
	for (size_t i = 0; i < count; i++)
		sum += (double)strata[i].taken < strata[i].pairs ? fmax(strata[i].wanted - (double)strata[i].taken, 1e-9) : 0;
	double left = sampler_chance(random) * sum;
	for (size_t i = 0; i < count; i++) {
		if (!((double)strata[i].taken < strata[i].pairs))
			continue;
		last = i;
		left -= fmax(strata[i].wanted - (double)strata[i].taken, 1e-9);
		if (left < 0)
			break;
	}
	return last;
}

static void sampler_strata_fill(struct sampler_stratum *strata, size_t count, size_t players, size_t pairs, struct random *random)
{
	double least = 0, most = (double)pairs * 2 + 2;
	size_t taken = 0;
	for (size_t i = 0; i < count; i++)
		strata[i] = (struct sampler_stratum){.size = i + 1, .pairs = sampler_pairs_of(players, i + 1)};
	for (int i = 0; i < HALVINGS; i++) {
		const double middle = (least + most) / 2;
		if (sampler_wanted(strata, count, players, middle) < (double)pairs)
			least = middle;
		else
			most = middle;
	}
	(void)sampler_wanted(strata, count, players, most);
	for (size_t i = 0; i < count; i++)
		taken += strata[i].taken = (size_t)(strata[i].wanted + 1e-9);
	for (; taken < pairs; taken++)
		strata[sampler_stratum_draw(strata, count, random)].taken++;
}

static void sampler_coalition_draw(uint64_t *coalition, size_t players, size_t size, struct random *random)
{
	memset(coalition, 0, coalition_words(players) * sizeof *coalition);
	for (size_t left = players, i = 0; i < size; i++, left--) {
		/* The free player that so many free ones stand before. */
		size_t place = (size_t)random_below(random, left), player = 0;
		for (;; player++)
			if (!coalition_has(coalition, player) && place-- == 0)
				break;
		coalition[player / 64] |= UINT64_C(1) << player % 64;
	}
}

static void sampler_rest(const struct sampler *sampler, const uint64_t *coalition, uint64_t *rest)
{
	for (size_t i = 0; i < sampler->words; i++) {
		const size_t players = sampler->players - i * 64;
		rest[i] = ~coalition[i] & (players < 64 ? (UINT64_C(1) << players) - 1 : UINT64_MAX);
	}
}

static bool sampler_is_new(const struct sampler *sampler, size_t first, size_t place)
{
	const size_t bytes = sampler->words * sizeof *sampler->coalitions;
	const uint64_t *mine = sampler->coalitions + 2 * place * sampler->words;
	for (size_t i = first; i < place; i++)
		if (memcmp(sampler->coalitions + 2 * i * sampler->words, mine, bytes) == 0)
			return false;
	return true;
}

/* Of two halves the one with player 0 is taken, so that a pair is not drawn twice. */
static void sampler_pair_draw(struct sampler *sampler, size_t first, size_t place, size_t size, struct random *random)
{
	uint64_t *coalition = sampler->coalitions + 2 * place * sampler->words, *rest = coalition + sampler->words;
	do {
		sampler_coalition_draw(coalition, sampler->players, size, random);
		if (2 * size == sampler->players && !coalition_has(coalition, 0)) {
			sampler_rest(sampler, coalition, rest);
			memcpy(coalition, rest, sampler->words * sizeof *rest);
		}
	} while (!sampler_is_new(sampler, first, place));
	sampler_rest(sampler, coalition, rest);
}

/* A random order, in which each beginning has all sizes. */
static void sampler_shuffle(struct sampler *sampler, uint64_t *room, struct random *random)
{
	const size_t words = 2 * sampler->words, bytes = words * sizeof *room;
	for (size_t i = sampler->pairs; i-- > 1;) {
		uint64_t *mine = sampler->coalitions + i * words;
		uint64_t *other = sampler->coalitions + (size_t)random_below(random, i + 1) * words;
		memcpy(room, mine, bytes);
		memmove(mine, other, bytes);
		memcpy(other, room, bytes);
	}
}

static bool sampler_design(struct sampler *sampler, struct arena *arena, struct random *random)
{
	const size_t count = sampler->players / 2, words = sampler->words;
	struct sampler_stratum *strata = ARENA_ARRAY(arena, struct sampler_stratum, count);
	uint64_t *points = ARENA_ARRAY(arena, uint64_t, (sampler->pairs + 1) * words);
	uint64_t *room = ARENA_ARRAY(arena, uint64_t, 2 * words);
	sampler->coalitions = ARENA_ARRAY(arena, uint64_t, 2 * sampler->pairs * words);
	if (!strata || !points || !room || !sampler->coalitions)
		return false;
	sampler_strata_fill(strata, count, sampler->players, sampler->pairs, random);
	for (size_t i = 0, place = 0; i < count; i++)
		for (size_t first = place; place < first + strata[i].taken; place++)
			sampler_pair_draw(sampler, first, place, strata[i].size, random);
	sampler_shuffle(sampler, room, random);
	sampler_rest(sampler, points, points); /* of none: all */
	for (size_t i = 0; i < sampler->pairs; i++)
		memcpy(points + (i + 1) * words, sampler->coalitions + 2 * i * words, words * sizeof *points);
	sampler->points = (struct surrogate_points){sampler->pairs + 1, sampler->players, points};
	return true;
}

static bool sampler_check(size_t players, size_t budget, struct error *error)
{
	if (players == 0)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "there is no feature to explain; give the row at least one");
	if (players > COALITION_PLAYERS_MAX)
		return error_set_limit(error, LIMIT_OF_ENGINE,
				       "%zu features are more than the %d that can be explained by calls of a model; put them "
				       "into groups, or explain a local model",
				       players, COALITION_PLAYERS_MAX);
	if (budget < 2)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "a budget of %zu coalitions explains nothing; give at least 2, better 2 for each of %zu features",
				 budget, players);
	if (budget > SAMPLER_BUDGET_MAX)
		return error_set_limit(error, LIMIT_OF_ENGINE, "a budget of %zu coalitions is more than %d; lower it", budget,
				       SAMPLER_BUDGET_MAX);
	return true;
}

const struct sampler *sampler_open(struct arena *arena, size_t players, size_t budget, uint64_t seed, struct error *error)
{
	struct random random = {seed};
	if (!sampler_check(players, budget, error))
		return NULL;
	struct sampler *sampler = ARENA_NEW(arena, struct sampler);
	if (sampler) {
		*sampler = (struct sampler){.players = players, .words = coalition_words(players), .pairs = budget / 2};
		const size_t all = players <= COALITION_EXACT_MAX ? ((size_t)1 << (players - 1)) - 1 : SIZE_MAX;
		sampler->exact = sampler->pairs >= all;
		sampler->pairs = sampler->exact ? all : sampler->pairs;
	}
	bool good = sampler && sampler_design(sampler, arena, &random);
	if (good && sampler->pairs) {
		sampler->grid = surrogate_prepare(&sampler->points, arena);
		good = sampler->grid != NULL;
	}
	if (!good)
		error_memory(error, ERROR_SYSTEM, "preparing a sampler");
	return good ? sampler : NULL;
}

size_t sampler_count(const struct sampler *sampler)
{
	return 2 * sampler->pairs;
}

bool sampler_is_exact(const struct sampler *sampler)
{
	return sampler->exact;
}

const uint64_t *sampler_coalition(const struct sampler *sampler, size_t index)
{
	return sampler->coalitions + index * sampler->words;
}

/* ---- an estimate ---- */

/* The pairs of which both were answered, as points and what was observed there. */
struct sampler_seen {
	struct surrogate_points points;
	double *observed;
	bool beginning; /* they are the first pairs of the design */
};

static bool sampler_see(const struct sampler *sampler, const double *values, double none, double all, struct sampler_seen *seen,
			struct arena *working)
{
	const size_t words = sampler->words;
	uint64_t *points = ARENA_ARRAY(working, uint64_t, (sampler->pairs + 1) * words);
	seen->observed = ARENA_ARRAY(working, double, sampler->pairs + 1);
	if (!points || !seen->observed)
		return false;
	memcpy(points, sampler->points.coalitions, words * sizeof *points);
	seen->observed[0] = (all - none) / 2;
	seen->beginning = true;
	size_t count = 1;
	for (size_t i = 0; i < sampler->pairs; i++) {
		if (!isfinite(values[2 * i]) || !isfinite(values[2 * i + 1]))
			continue;
		seen->beginning = seen->beginning && count == i + 1;
		memcpy(points + count * words, sampler->coalitions + 2 * i * words, words * sizeof *points);
		seen->observed[count++] = (values[2 * i] - values[2 * i + 1]) / 2;
	}
	seen->points = (struct surrogate_points){count, sampler->players, points};
	return true;
}

/* All coalitions were answered: their values by number. */
static bool sampler_enumerate(const struct sampler *sampler, const double *values, double none, double all, double *contributions,
			      struct arena *working)
{
	double *table = ARENA_ARRAY(working, double, (size_t)1 << sampler->players);
	if (!table)
		return false;
	table[0] = none;
	table[((size_t)1 << sampler->players) - 1] = all;
	for (size_t i = 0; i < 2 * sampler->pairs; i++)
		table[sampler->coalitions[i]] = values[i];
	coalition_shapley(table, sampler->players, contributions);
	return true;
}

void sampler_close(double *contributions, const double *errors, size_t players, double sum)
{
	double variance = 0;
	for (size_t i = 0; i < players; i++) {
		sum -= contributions[i];
		variance += errors[i] * errors[i];
	}
	for (size_t i = 0; i < players; i++)
		contributions[i] += sum * (variance > 0 ? errors[i] * errors[i] / variance : 1 / (double)players);
}

bool sampler_estimate(const struct sampler *sampler, const double *values, double none, double all, double *contributions,
		      double *errors, struct arena *working, struct error *error)
{
	const size_t players = sampler->players;
	struct sampler_seen seen;
	if (!isfinite(none) || !isfinite(all))
		return error_set_limit(error, LIMIT_OF_ENGINE, "the model gave no number for %s, so nothing can be explained",
				       isfinite(all) ? "the background" : "the row");
	if (!sampler_see(sampler, values, none, all, &seen, working))
		return error_memory(error, ERROR_LIMIT, "estimating contributions");
	if (players > 1 && seen.points.count == 1)
		return error_set_limit(
			error, LIMIT_OF_ENGINE,
			"no pair of perturbations was answered, so nothing can be explained; raise the budget or the time");
	memset(errors, 0, players * sizeof *errors);
	bool good = true;
	if (sampler->exact && seen.points.count == sampler->pairs + 1) {
		good = sampler_enumerate(sampler, values, none, all, contributions, working);
	} else {
		good = surrogate_explain(&seen.points, seen.beginning ? sampler->grid : NULL, seen.observed, contributions, errors,
					 working);
		if (good)
			sampler_close(contributions, errors, players, all - none);
	}
	return good || error_memory(error, ERROR_LIMIT, "estimating contributions");
}
