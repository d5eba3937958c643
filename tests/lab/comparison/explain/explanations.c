/* explanations.c: see explanations.h. */
#include "comparison/explain/explanations.h"

#include <math.h>
#include <string.h>

#include "methods/numeric/cholesky.h"
#include "methods/numeric/moments.h"

/* ---- anchors ---- */

bool anchor_rule_next(struct anchor_rule *rule, size_t features)
{
	for (size_t i = rule->count; i-- > 0;) {
		if (rule->features[i] + (rule->count - i) >= features)
			continue;
		rule->features[i]++;
		for (size_t j = i + 1; j < rule->count; j++)
			rule->features[j] = rule->features[j - 1] + 1;
		return true;
	}
	return false;
}

struct anchor_rule anchor_best(const struct anchor_rows *rows, const bool *agrees, double threshold, size_t most,
			       struct anchor_measure *measure)
{
	struct anchor_rule best = {0};
	*measure = anchor_measure(rows, agrees, &best);
	for (size_t size = 1; size <= most && size <= rows->features && size <= ANCHOR_SIZE_MAX; size++) {
		struct anchor_rule rule = {.count = size};
		for (size_t i = 0; i < size; i++)
			rule.features[i] = (uint32_t)i;
		do {
			const struct anchor_measure mine = anchor_measure(rows, agrees, &rule);
			if (anchor_better(&rule, &mine, &best, measure, threshold)) {
				best = rule;
				*measure = mine;
			}
		} while (anchor_rule_next(&rule, rows->features));
	}
	return best;
}

/* ---- importance ---- */

void importance_permute(const double *rows, size_t count, size_t features, size_t column, const size_t *order, double *permuted)
{
	memcpy(permuted, rows, count * features * sizeof *rows);
	for (size_t i = 0; i < count; i++)
		permuted[i * features + column] = rows[order[i] * features + column];
}

double importance_squared_loss(const double *answers, const double *truth, size_t count)
{
	struct sum sum = {0};
	for (size_t i = 0; i < count; i++)
		sum_add(&sum, (answers[i] - truth[i]) * (answers[i] - truth[i]));
	return sum_value(&sum) / (double)count;
}

/* ---- linear models ---- */

double linear_counterfactual(const double *weights, double bias, const double *row, size_t features, double probability,
			     double *nearest)
{
	double margin = bias, squares = 0;
	for (size_t i = 0; i < features; i++) {
		margin += weights[i] * row[i];
		squares += weights[i] * weights[i];
	}
	const double steps = (log(probability / (1 - probability)) - margin) / squares;
	for (size_t i = 0; i < features; i++)
		nearest[i] = row[i] + steps * weights[i];
	return squares > 0 ? fabs(steps) * sqrt(squares) : (double)NAN;
}

/* Weighted means of the columns; returns that of what is wanted. */
static double linear_ridge_centre(const struct linear_ridge *ridge, double *means)
{
	double total = 0, wanted = 0;
	memset(means, 0, ridge->features * sizeof *means);
	for (size_t i = 0; i < ridge->count; i++) {
		total += ridge->weights[i];
		wanted += ridge->weights[i] * ridge->wanted[i];
		for (size_t j = 0; j < ridge->features; j++)
			means[j] += ridge->weights[i] * ridge->rows[i * ridge->features + j];
	}
	for (size_t j = 0; j < ridge->features; j++)
		means[j] /= total;
	return wanted / total;
}

bool linear_ridge_fit(const struct linear_ridge *ridge, double *coefficients, double *intercept, struct arena *working,
		      struct error *error)
{
	const size_t features = ridge->features;
	double *means = ARENA_ARRAY(working, double, features), *normal = ARENA_ARRAY(working, double, cholesky_size(features));
	if (!means || !normal)
		return error_memory(error, ERROR_LIMIT, "fitting a local model");
	const double mean = linear_ridge_centre(ridge, means);
	memset(coefficients, 0, features * sizeof *coefficients);
	for (size_t i = 0; i < ridge->count; i++) {
		const double *row = ridge->rows + i * features;
		for (size_t j = 0; j < features; j++) {
			const double weighted = ridge->weights[i] * (row[j] - means[j]);
			coefficients[j] += weighted * (ridge->wanted[i] - mean);
			for (size_t k = 0; k <= j; k++)
				normal[cholesky_size(j) + k] += weighted * (row[k] - means[k]);
		}
	}
	for (size_t j = 0; j < features; j++)
		normal[cholesky_size(j) + j] += ridge->penalty;
	if (!cholesky_factor(normal, features))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "%zu rows do not settle %zu coefficients; give more rows, or a penalty above 0", ridge->count,
				 features);
	cholesky_forward(normal, features, coefficients);
	cholesky_backward(normal, features, coefficients);
	*intercept = mean;
	for (size_t j = 0; j < features; j++)
		*intercept -= coefficients[j] * means[j];
	return true;
}

/* ---- coalitions ---- */

#define NO_PLAYER UINT32_MAX

bool coalition_group(const size_t *const *groups, const size_t *sizes, size_t players, size_t features, uint32_t *player_of,
		     struct error *error)
{
	for (size_t i = 0; i < features; i++)
		player_of[i] = NO_PLAYER;
	for (size_t i = 0; i < players; i++)
		for (size_t j = 0; j < sizes[i]; j++) {
			const size_t feature = groups[i][j];
			if (feature >= features)
				return error_set(error, ERROR_CONFIG, PLACE_NONE,
						 "group %zu names feature %zu, and there are %zu, counted from 0", i, feature,
						 features);
			if (player_of[feature] != NO_PLAYER)
				return error_set(error, ERROR_CONFIG, PLACE_NONE,
						 "feature %zu is named by two groups; name it once", feature);
			player_of[feature] = (uint32_t)i;
		}
	for (size_t i = 0; i < features; i++)
		if (player_of[i] == NO_PLAYER)
			return error_set(error, ERROR_CONFIG, PLACE_NONE, "feature %zu is in no group; put it into one", i);
	return true;
}

/* One over the number of coalitions of a size. */
static double coalition_rarity(size_t players, size_t size)
{
	double rarity = 1;
	for (size_t i = 1; i <= size; i++)
		rarity *= (double)i / (double)(players - size + i);
	return rarity;
}

double coalition_kernel_weight(size_t players, size_t size)
{
	const double others = (double)(players - size);
	return (double)(players - 1) * coalition_rarity(players, size) / ((double)size * others);
}

double coalition_leverage(size_t players, size_t size)
{
	return coalition_rarity(players, size);
}
