/* perturbation.c: see perturbation.h. Answers are kept as they come, so that a batch may
 * begin and end anywhere. */
#include "methods/explain/perturbation.h"

#include <math.h>

#include "methods/numeric/moments.h"

#define HALF 0.5 /* of a coalition's weight: with less its value would be more of a guess than the sampler's own */

/* Row 0 is the explained one; then the background under each coalition, the first of which has no player. */
struct perturbation_run {
	const struct coalition_game *game;
	const struct sampler *sampler;
	size_t outputs, rows, next;
	bool row_taken;	 /* the model has replied to row 0, be it with a number or not */
	double *answers; /* [rows][outputs]; NaN: not answered */
};

/* Coalitions beside that of no player. */
static size_t perturbation_coalitions(const struct perturbation_run *run)
{
	return run->sampler ? sampler_count(run->sampler) : run->game->players;
}

struct perturbation_run *perturbation_open(struct arena *arena, const struct coalition_game *game, const struct sampler *sampler,
					   size_t outputs, struct error *error)
{
	if (!coalition_check(game, error))
		return NULL;
	const size_t rows = 1 + (1 + (sampler ? sampler_count(sampler) : game->players)) * game->background_rows;
	if (outputs > EXPLANATION_CELLS_MAX / game->players)
		return error_null(error_set_limit(error, LIMIT_OF_ENGINE,
						  "an explanation of %zu outputs by %zu features has more than %zu numbers; "
						  "explain fewer outputs", outputs, game->players, EXPLANATION_CELLS_MAX));
	struct perturbation_run *run = ARENA_NEW(arena, struct perturbation_run);
	double *answers = ARENA_ARRAY(arena, double, rows *outputs);
	if (!run || !answers)
		return error_null(error_memory(error, ERROR_LIMIT, "perturbing a record"));
	for (size_t i = 0; i < rows * outputs; i++)
		answers[i] = (double)NAN;
	*run = (struct perturbation_run){.game = game, .sampler = sampler, .outputs = outputs, .rows = rows, .answers = answers};
	return run;
}

/* ---- batches ---- */

struct perturbation_batch perturbation_next(struct perturbation_run *run, size_t most)
{
	const size_t first = run->next, left = run->rows - first;
	run->next = first + (left < most ? left : most);
	return (struct perturbation_batch){first, run->next - first};
}

/* Without a sampler: all players but one. */
static void player_leave_out(const struct coalition_game *game, size_t player, uint64_t members[COALITION_PLAYERS_MAX / 64])
{
	memset(members, 0, COALITION_PLAYERS_MAX / 8);
	for (size_t i = 0; i < game->players; i++)
		if (i != player)
			members[i / 64] |= (uint64_t)1 << i % 64;
}

static void perturbation_row_fill(const struct perturbation_run *run, size_t row, double *numbers)
{
	const struct coalition_game *game = run->game;
	if (row == 0) {
		memcpy(numbers, game->row, game->features * sizeof *numbers);
		return;
	}
	const size_t coalition = (row - 1) / game->background_rows, which = (row - 1) % game->background_rows;
	const double *background = game->background + which * game->features;
	struct coalition_game alone = *game;
	uint64_t members[COALITION_PLAYERS_MAX / 64] = {0};
	if (coalition && !run->sampler)
		player_leave_out(game, coalition - 1, members);
	alone.background = background;
	alone.background_rows = 1;
	coalition_rows(&alone, coalition && run->sampler ? sampler_coalition(run->sampler, coalition - 1) : members, numbers);
}

void perturbation_fill(const struct perturbation_run *run, struct perturbation_batch batch, double *rows)
{
	for (size_t i = 0; i < batch.rows; i++)
		perturbation_row_fill(run, batch.first + i, rows + i * run->game->features);
}

void perturbation_take(struct perturbation_run *run, struct perturbation_batch batch, const double *answers)
{
	memcpy(run->answers + batch.first * run->outputs, answers, batch.rows * run->outputs * sizeof *answers);
	run->row_taken = run->row_taken || (batch.first == 0 && batch.rows > 0);
}

/* ---- explaining ---- */

static const double *perturbation_answers(const struct perturbation_run *run, size_t coalition, size_t output)
{
	return run->answers + (1 + coalition * run->game->background_rows) * run->outputs + output;
}

static double background_weight(const struct perturbation_run *run, size_t row)
{
	return run->game->weights ? run->game->weights[row] : 1;
}

/* Whether so much weight is enough of the background's. */
static bool weight_suffices(const struct perturbation_run *run, double weight)
{
	double all = 0;
	for (size_t i = 0; i < run->game->background_rows; i++)
		all += background_weight(run, i);
	return weight > 0 && weight >= HALF * all;
}

/* The value of a coalition over the rows that are kept; NULL: all. NaN where too little of it was answered. */
static double perturbation_value(const struct perturbation_run *run, size_t coalition, size_t output, const bool *kept)
{
	const double *answers = perturbation_answers(run, coalition, output);
	double sum = 0, answered = 0, mean_weight = 0;
	for (size_t i = 0; i < run->game->background_rows; i++) {
		const double weight = background_weight(run, i), answer = answers[i * run->outputs];
		if (!isfinite(answer))
			continue;
		answered += weight;
		if (kept && !kept[i])
			continue;
		mean_weight += weight;
		sum += weight * answer;
	}
	const struct coalition_game alone = {.background_rows = 1, .link = run->game->link};
	const double mean = sum / mean_weight;
	return weight_suffices(run, answered) ? coalition_value(&alone, &mean, 1) : (double)NAN;
}

/* The rows that were answered under each coalition that counts. False: too few. */
static bool background_keep(const struct perturbation_run *run, size_t output, bool *kept)
{
	const size_t rows = run->game->background_rows;
	double left = 0;
	for (size_t i = 0; i < rows; i++)
		kept[i] = true;
	for (size_t coalition = 0; coalition <= sampler_count(run->sampler); coalition++) {
		const double *answers = perturbation_answers(run, coalition, output);
		const bool counts = !isnan(perturbation_value(run, coalition, output, NULL));
		for (size_t i = 0; counts && i < rows; i++)
			kept[i] = kept[i] && isfinite(answers[i * run->outputs]);
	}
	for (size_t i = 0; i < rows; i++)
		left += kept[i] ? background_weight(run, i) : 0;
	return weight_suffices(run, left);
}

/* Whether leaving a player out changes no row: it has the row's values in all of the background. */
static bool perturbation_is_constant(const struct coalition_game *game, size_t player)
{
	for (size_t i = 0; i < game->features; i++) {
		if ((game->player_of ? game->player_of[i] : i) != player)
			continue;
		for (size_t row = 0; row < game->background_rows; row++) {
			const double mine = game->row[i], other = game->background[row * game->features + i];
			if (!(mine == other || (isnan(mine) && isnan(other))))
				return false;
		}
	}
	return true;
}

/* What is constant contributes nothing, whatever a surrogate makes of it. */
static void perturbation_constants_clear(const struct coalition_game *game, double sum, double *contributions, double *errors)
{
	bool cleared = false;
	for (size_t i = 0; i < game->players; i++) {
		if (!perturbation_is_constant(game, i))
			continue;
		cleared = cleared || contributions[i] != 0;
		contributions[i] = errors[i] = 0;
	}
	if (cleared)
		sampler_close(contributions, errors, game->players, sum);
}

/* Of one output; `exact` becomes false where its coalitions are means over other rows. */
static bool perturbation_output_explain(const struct perturbation_run *run, size_t output, double *values, bool *kept, bool *exact,
					struct explanation *explanation, struct arena *arena, struct error *error)
{
	if (!background_keep(run, output, kept)) {
		kept = NULL;
		*exact = false;
	}
	const struct coalition_game alone = {.background_rows = 1, .link = run->game->link};
	const size_t count = sampler_count(run->sampler), players = run->game->players;
	explanation->prediction[output] = coalition_value(&alone, run->answers + output, 1);
	explanation->base[output] = perturbation_value(run, 0, output, kept);
	explanation->answered = 0;
	for (size_t i = 0; i < count; i++) {
		values[i] = perturbation_value(run, i + 1, output, kept);
		explanation->answered += isfinite(values[i]) != 0;
	}
	double *contributions = explanation->contributions + output * players, *errors = explanation->errors + output * players;
	if (!sampler_estimate(run->sampler, values, explanation->base[output], explanation->prediction[output], contributions,
			      errors, arena, error))
		return false;
	perturbation_constants_clear(run->game, explanation->prediction[output] - explanation->base[output], contributions, errors);
	return true;
}

/* ---- permutation importance ---- */

/* The loss of a player left out. NaN: too little of it was answered. */
static void perturbation_loss(const struct perturbation_run *run, size_t player, size_t output, double *loss, double *wrong)
{
	const double *answers = perturbation_answers(run, player + 1, output), truth = run->answers[output];
	struct moments losses = {0};
	double answered = 0;
	for (size_t i = 0; i < run->game->background_rows; i++) {
		const double change = answers[i * run->outputs] - truth;
		if (!isfinite(change))
			continue;
		answered += background_weight(run, i);
		moments_add(&losses, change * change);
	}
	const bool counts = weight_suffices(run, answered);
	*loss = counts ? losses.mean : (double)NAN;
	*wrong = counts ? sqrt(moments_variance(&losses, 1) / (double)losses.count) : (double)NAN;
}

static bool perturbation_importance(const struct perturbation_run *run, struct explanation *explanation, struct error *error)
{
	const size_t players = run->game->players;
	size_t most = 0;
	for (size_t output = 0; output < run->outputs; output++) {
		size_t answered = 0;
		explanation->prediction[output] = run->answers[output];
		explanation->base[output] = perturbation_value(run, 0, output, NULL);
		explanation->residual[output] = (double)NAN; /* they do not add up */
		for (size_t i = 0; i < players; i++) {
			const size_t at = output * players + i;
			perturbation_loss(run, i, output, &explanation->contributions[at], &explanation->errors[at]);
			answered += isfinite(explanation->contributions[at]) != 0;
		}
		explanation->answered = output == 0 || answered < explanation->answered ? answered : explanation->answered;
		most = answered > most ? answered : most;
	}
	explanation->method = EXPLANATION_PERMUTATION;
	explanation->asked = players;
	return most > 0 || error_set_limit(error, LIMIT_OF_ENGINE,
					   "the row was not answered, or too few rows with another value of a feature");
}

/* Whether the model has a number for the row, as far as it was asked: for each output or, by permutation, for any, since the losses
 * of one do without the others. */
static bool perturbation_row_check(const struct perturbation_run *run, struct error *error)
{
	size_t known = 0;
	for (size_t i = 0; i < run->outputs; i++)
		known += isfinite(run->answers[i]) != 0;
	if (!run->row_taken || known == run->outputs || (!run->sampler && known > 0))
		return true;
	for (size_t i = 0; i < run->game->features; i++)
		if (!isfinite(run->game->row[i]))
			return error_set(error, ERROR_INPUT, PLACE_NONE,
					 "feature %zu of the row is %s, and the model gives no number for it; send a finite number",
					 i, isnan(run->game->row[i]) ? "NaN" : "infinite");
	return error_set(error, ERROR_REMOTE, PLACE_NONE, "the model gives no number for the row, so nothing can be explained");
}

bool perturbation_explain(const struct perturbation_run *run, struct explanation *explanation, struct arena *arena,
			  struct error *error)
{
	const size_t count = perturbation_coalitions(run);
	double *values = ARENA_ARRAY(arena, double, count);
	bool *kept = ARENA_ARRAY(arena, bool, run->game->background_rows);
	bool exact = run->sampler && sampler_is_exact(run->sampler);
	if (!values || !kept)
		return error_memory(error, ERROR_LIMIT, "explaining a record");
	if (!perturbation_row_check(run, error))
		return false;
	if (!explanation_open(explanation, run->game->players, run->outputs, arena, error))
		return false;
	explanation->row = run->game->player_of ? NULL : run->game->row;
	if (!run->sampler)
		return perturbation_importance(run, explanation, error);
	for (size_t output = 0; output < run->outputs; output++)
		if (!perturbation_output_explain(run, output, values, kept, &exact, explanation, arena, error))
			return false;
	explanation->method = exact && explanation->answered == count ? EXPLANATION_EXACT : EXPLANATION_SAMPLED;
	explanation->asked = count;
	explanation_settle(explanation);
	return true;
}
