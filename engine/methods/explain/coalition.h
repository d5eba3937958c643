/* coalition.h: Coalitions of features, the value of a coalition, and exact Shapley values.
 *
 * A player is a feature, or a group of features that are left out together. A coalition is
 * a set of players; its value is what the model answers on average when the players in it
 * have the values of the row that is explained, and all others those of a background row.
 * Whoever owns the model fills in rows of a coalition, has them answered, and works out the
 * value of the answers; so the rows of many coalitions can travel in one batch.
 *
 * NaN in a background is a missing number, which the model sees as such.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"

#define COALITION_EXACT_MAX 16	  /* players: 65,536 coalitions, each of as many model calls as there are background rows */
#define COALITION_PLAYERS_MAX 512 /* of a sampler: with more its surrogate would see fewer than two pairs a player */
#define COALITION_BACKGROUND_MAX ((size_t)1 << 16) /* rows */

/* What is applied to the mean answer. */
enum coalition_link { COALITION_IDENTITY, COALITION_LOGIT };

struct coalition_game {
	size_t features;
	const double *row;	  /* `features` numbers: what is explained */
	size_t background_rows;	  /* at least 1 */
	const double *background; /* row-major, `features` numbers each */
	const double *weights;	  /* of background rows, at least 0; NULL: all alike */
	size_t players;
	const uint32_t *player_of; /* of each feature; NULL: each feature is its own */
	enum coalition_link link;
};

/* False: CONFIG or LIMIT, which names what is wrong: no background row, a weight below 0 or none above, a player
 * beyond `players`, too many players or rows. */
bool coalition_check(const struct coalition_game *game, struct error *error);

/* Bits of a coalition: player i is bit i % 64 of word i / 64. */
size_t coalition_words(size_t players);
static inline bool coalition_has(const uint64_t *coalition, size_t player)
{
	return coalition[player / 64] >> player % 64 & 1;
}

/* Fills the rows, as many as the background has, that are to be answered for a coalition. */
void coalition_rows(const struct coalition_game *game, const uint64_t *coalition, double *rows);

/* The value of what was answered to those rows: one number of each answer, `stride` numbers apart. */
double coalition_value(const struct coalition_game *game, const double *answers, size_t stride);

/* Exact Shapley values of `values`, by coalition as a number, for up to COALITION_EXACT_MAX players. */
void coalition_shapley(const double *values, size_t players, double *contributions);
