/* surrogate.h: Gaussian process that stands for the odd part of a game between a few
 * observed pairs of coalitions; its Shapley values are known in closed form.
 *
 * Shapley values depend on o(S) = (v(S) - v(rest)) / 2 alone, which changes its sign with S.
 * With s_j = 1 for a player in S and -1 for one outside, o is a linear function, which costs
 * nothing, and a process with the covariance (prod(1 + r_j s_j t_j) - prod(1 - r_j s_j t_j)) / 2,
 * which has interactions of odd order alone, and fewer of them the smaller the reaches r_j are.
 * Reaches and jitter are those of the greatest restricted likelihood: first of one reach for all
 * players, by a grid, then of reaches that grow with the root of a player's contribution.
 *
 * Point 0 is the coalition of all players, the others are one of each pair.
 */
#pragma once

#include "base/arena.h"

struct surrogate_points {
	size_t count; /* the coalition of all among them */
	size_t players;
	const uint64_t *coalitions; /* coalition_words() each */
};

/* Factors for the points of a design, which are the same for all that is explained by it. */
struct surrogate_grid;

/* NULL: memory ran out. */
const struct surrogate_grid *surrogate_prepare(const struct surrogate_points *points, struct arena *arena);

/* Contributions of the players, and their standard errors, of what was observed at the points. `grid` is that of a
 * design that begins with these points; NULL: there is none. `working` is room that is not given back. False: memory ran out. */
bool surrogate_explain(const struct surrogate_points *points, const struct surrogate_grid *grid, const double *observed,
		       double *contributions, double *errors, struct arena *working);
