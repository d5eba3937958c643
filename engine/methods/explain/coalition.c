/* coalition.c: see coalition.h. */
#include "methods/explain/coalition.h"

#include <math.h>

/* ---- a game ---- */

static bool coalition_weights_check(const struct coalition_game *game, struct error *error)
{
	double sum = 0;
	for (size_t i = 0; game->weights && i < game->background_rows; i++) {
		if (!(game->weights[i] >= 0 && isfinite(game->weights[i])))
			return error_set(error, ERROR_CONFIG, PLACE_NONE,
					 "the weight of background row %zu is no number from 0 up; give each row a weight", i);
		sum += game->weights[i];
	}
	return !game->weights || (sum > 0 && isfinite(sum)) ||
	       error_set(error, ERROR_CONFIG, PLACE_NONE, "the weights of the background add up to %g; give one row a weight", sum);
}

bool coalition_check(const struct coalition_game *game, struct error *error)
{
	if (game->background_rows == 0)
		return error_set(
			error, ERROR_CONFIG, PLACE_NONE,
			"the background has no rows, so nothing can stand for a feature that is left out; give at least one");
	if (game->background_rows > COALITION_BACKGROUND_MAX)
		return error_set_limit(error, LIMIT_OF_ENGINE, "the background has %zu rows, more than %zu; give a sample of them",
				       game->background_rows, COALITION_BACKGROUND_MAX);
	if (game->players == 0)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "there is no feature to explain; give the row at least one");
	if (game->players > COALITION_PLAYERS_MAX)
		return error_set_limit(error, LIMIT_OF_ENGINE,
				       "%zu features are more than the %d that can be explained by calls of a model; put them "
				       "into groups, or explain a local model",
				       game->players, COALITION_PLAYERS_MAX);
	for (size_t i = 0; game->player_of && i < game->features; i++)
		if (game->player_of[i] >= game->players)
			return error_set(error, ERROR_CONFIG, PLACE_NONE, "feature %zu is in group %lu, and there are %zu", i,
					 (unsigned long)game->player_of[i], game->players);
	return coalition_weights_check(game, error);
}

/* ---- values ---- */

size_t coalition_words(size_t players)
{
	return (players + 63) / 64;
}

void coalition_rows(const struct coalition_game *game, const uint64_t *coalition, double *rows)
{
	for (size_t row = 0; row < game->background_rows; row++)
		for (size_t i = 0; i < game->features; i++) {
			const bool in = coalition_has(coalition, game->player_of ? game->player_of[i] : i);
			const size_t place = row * game->features + i;
			rows[place] = in ? game->row[i] : game->background[place];
		}
}

double coalition_value(const struct coalition_game *game, const double *answers, size_t stride)
{
	double sum = 0, weights = 0;
	for (size_t row = 0; row < game->background_rows; row++) {
		const double weight = game->weights ? game->weights[row] : 1;
		sum += weight * answers[row * stride];
		weights += weight;
	}
	const double mean = sum / weights;
	return game->link == COALITION_LOGIT ? log(mean / (1 - mean)) : mean;
}

/* ---- exact ---- */

/* (size-1)! (players-size)! / players!: the weight of what a player adds to a coalition that has `size` with it. */
static double coalition_share(size_t players, size_t size)
{
	double share = 1 / (double)players;
	for (size_t i = 1; i < size; i++)
		share *= (double)i / (double)(players - i);
	return share;
}

void coalition_shapley(const double *values, size_t players, double *contributions)
{
	double shares[COALITION_EXACT_MAX + 1] = {0};
	const size_t coalitions = (size_t)1 << players;
	for (size_t size = 1; size <= players; size++)
		shares[size] = coalition_share(players, size);
	for (size_t i = 0; i < players; i++) {
		const size_t bit = (size_t)1 << i;
		double sum = 0;
		for (size_t coalition = 0; coalition < coalitions; coalition++)
			if (coalition & bit)
				sum += shares[__builtin_popcountll(coalition)] * (values[coalition] - values[coalition ^ bit]);
		contributions[i] = sum;
	}
}
