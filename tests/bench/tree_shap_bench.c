/* tree_shap_bench.c: contributions of single rows to what TREES trees of depth DEPTH over 30 features answer, beside
 * libxgboost's own by its C API, with one thread.
 *
 *   tree_shap_bench ROWS TREES DEPTH
 *
 * First the contributions of each row are compared, and ours are added up. Then both explain the rows in turn, and the program
 * prints how many times faster ours are, by the best turn of each, and the microseconds that a row takes here and there. The trees
 * are drawn from a seed; boosted.h has more. */
#include <math.h>

#include "boosted.h"
#include "clock.h"
#include "methods/explain/tree_shap.h"

#define ROWS_MAX 1000
#define TURNS 3
#define ARENA_BYTES ((size_t)1 << 30)
#define CLOSE 1e-5
#define RESIDUAL_MAX 1e-9

static float rows[ROWS_MAX][FEATURES];

/* ---- ours ---- */

static struct {
	const struct predictor *predictor;
	const struct tree_shap *shap;
	double *scratch;
	double contributions[FEATURES];
} ours;

static bool open_ours(struct text text)
{
	struct error error = {0};
	struct arena *arena = arena_open(ARENA_BYTES);
	ours.predictor = arena ? predictor_read(arena, text, ITERATIONS_BEST, &error) : NULL;
	ours.shap = ours.predictor ? tree_shap_open(arena, ours.predictor, NULL, 0, 0, &error) : NULL;
	if (ours.shap)
		ours.scratch = ARENA_ARRAY(arena, double, tree_shap_size(ours.shap).scratch);
	if (!ours.scratch)
		fprintf(stderr, "tree_shap_bench: %s\n", error.text);
	return ours.scratch != NULL;
}

static const double *ask_ours(const float *row)
{
	double numbers[FEATURES];
	for (size_t i = 0; i < FEATURES; i++)
		numbers[i] = (double)row[i];
	tree_shap_explain(ours.shap, numbers, ours.contributions, ours.scratch);
	return ours.contributions;
}

/* ---- libxgboost ---- */

static struct {
	int (*create)(const float *rows, uint64_t count, uint64_t columns, float missing, void **matrix);
	int (*predict)(void *booster, void *matrix, const char *config, const uint64_t **shape, uint64_t *rank,
		       const float **results);
	int (*free)(void *matrix);
} matrices;

static bool open_matrices(struct text text)
{
	return open_theirs(text) && symbol_find(theirs.library, "XGDMatrixCreateFromMat", &matrices.create) &&
	       symbol_find(theirs.library, "XGBoosterPredictFromDMatrix", &matrices.predict) &&
	       symbol_find(theirs.library, "XGDMatrixFree", &matrices.free);
}

/* A contribution for each feature, and their base value. */
static const float *contributions_of_theirs(const float *row)
{
	static const char config[] =
		"{\"type\":2,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,\"strict_shape\":false}";
	const uint64_t *shape;
	uint64_t rank;
	const float *results;
	void *matrix;
	if (matrices.create(row, 1, FEATURES, NAN, &matrix) != 0 ||
	    matrices.predict(theirs.booster, matrix, config, &shape, &rank, &results) != 0) {
		fprintf(stderr, "tree_shap_bench: %s\n", theirs.why());
		exit(1);
	}
	(void)matrices.free(matrix); /* the results are the booster's */
	return results;
}

/* ---- both ---- */

static bool explain_alike(const float *row)
{
	const double *our = ask_ours(row);
	const float *their = contributions_of_theirs(row);
	double numbers[FEATURES], margin, sum = *tree_shap_base(ours.shap), scratch[4 * FEATURES + 1];
	for (size_t i = 0; i < FEATURES; i++) {
		numbers[i] = (double)row[i];
		sum += our[i];
		if (!(fabs(our[i] - (double)their[i]) < CLOSE)) {
			fprintf(stderr, "tree_shap_bench: feature %zu: %.9g is not %.9g\n", i, our[i], (double)their[i]);
			return false;
		}
	}
	predictor_margins(ours.predictor, numbers, FEATURES, 1, &margin, scratch);
	if (!(fabs(sum - margin) < RESIDUAL_MAX * (1 + fabs(margin)))) {
		fprintf(stderr, "tree_shap_bench: they add up to %.17g, not %.17g\n", sum, margin);
		return false;
	}
	return true;
}

/* ---- times ---- */

static void ask_ours_alone(const float *row)
{
	(void)ask_ours(row);
}

static void ask_theirs_alone(const float *row)
{
	(void)contributions_of_theirs(row);
}

/* Processor time of one turn over the rows, if it is less than `least`. */
static double turn_take(void (*ask)(const float *row), size_t count, double least)
{
	const double began = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	for (size_t i = 0; i < count; i++)
		ask(rows[i]);
	return fmin(least, clock_ns(CLOCK_PROCESS_CPUTIME_ID) - began);
}

int main(int argc, char **argv)
{
	const bool good_call = argc == 4;
	const long count = good_call ? strtol(argv[1], NULL, 10) : 0;
	trees_of_model = good_call ? (int)strtol(argv[2], NULL, 10) : 0;
	depth_of_model = good_call ? (int)strtol(argv[3], NULL, 10) : 0;
	if (count <= 0 || count > ROWS_MAX || trees_of_model <= 0 || depth_of_model <= 0 || depth_of_model > 12) {
		fprintf(stderr, "usage: tree_shap_bench ROWS TREES DEPTH\n");
		return 2;
	}
	struct buffer text;
	write_model(&text);
	for (size_t i = 0; i < (size_t)count * FEATURES; i++)
		rows[i / FEATURES][i % FEATURES] = random_below(&chance, 20) ? (float)drawn(2) : NAN;
	if (buffer_failed(&text) || !open_ours(buffer_view(&text)) || !open_matrices(buffer_view(&text)))
		return 1;
	for (long i = 0; i < count; i++)
		if (!explain_alike(rows[i]))
			return 1;
	double mine = INFINITY, other = INFINITY;
	for (int turn = 0; turn < TURNS; turn++) {
		mine = turn_take(ask_ours_alone, (size_t)count, mine);
		other = turn_take(ask_theirs_alone, (size_t)count, other);
	}
	printf("%.2f times: %.1f us a row, and %.1f us\n", other / mine, mine / 1e3 / (double)count, other / 1e3 / (double)count);
	return 0;
}
