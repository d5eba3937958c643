/* explain_other.c: Family `explain_other`: anchors, integrated gradients, permutation importance, and explanations by
 * linear models. */
#include <math.h>
#include <string.h>

#include "comparison/explain/explanations.h"
#include "compute/models.h"
#include "compute/values.h"
#include "methods/explain/anchors.h"
#include "methods/explain/gradients.h"
#include "methods/explain/importance.h"
#include "methods/explain/local.h"
#include "methods/numeric/legendre.h"
#include "methods/numeric/moments.h"

/* ---- integrated gradients ---- */

static const struct {
	const char *key;
	enum gradient_rule rule;
	size_t steps;
} lines[] = {
	{"riemann_left_20", GRADIENT_LEFT, 20},	     {"riemann_right_20", GRADIENT_RIGHT, 20},
	{"riemann_middle_50", GRADIENT_MIDDLE, 50},  {"riemann_trapezoid_50", GRADIENT_TRAPEZOID, 50},
	{"gausslegendre_50", GRADIENT_LEGENDRE, 50}, {"limit", GRADIENT_MIDDLE, 20001},
};

/* What has no layers is differentiated by differences of the fourth order. */
#define DIFFERENCE 1e-3
#define DIFFERENCES 4
#define FORMULA_POINTS 50 /* of a Gauss-Legendre rule: exact for formulas of degree 100 */

static const double offsets[DIFFERENCES] = {-2, -1, 1, 2}, factors[DIFFERENCES] = {1, -8, 8, -1};

static bool formula_gradient(const struct compute_case *one, const struct compute_example *model, const double *row, size_t width,
			     double *rows, double *gradient, struct error *error)
{
	double *answers = rows + DIFFERENCES * width * width;
	for (size_t i = 0; i < DIFFERENCES * width; i++) {
		memcpy(rows + i * width, row, width * sizeof *row);
		rows[i * width + i / DIFFERENCES] += offsets[i % DIFFERENCES] * DIFFERENCE;
	}
	if (!compute_example_answer(model, one, rows, width, DIFFERENCES * width, answers, error))
		return false;
	memset(gradient, 0, width * sizeof *gradient);
	for (size_t i = 0; i < DIFFERENCES * width; i++)
		gradient[i / DIFFERENCES] += factors[i % DIFFERENCES] * answers[i] / (12 * DIFFERENCE);
	return true;
}

static json_t *formula_integrate(const struct compute_case *one, const struct compute_example *model, const struct compute_row *row,
				 const struct compute_row *baseline, struct error *error)
{
	const size_t width = row->count;
	double at[FORMULA_POINTS], weights[FORMULA_POINTS];
	double *point = ARENA_ARRAY(one->arena, double, width), *gradient = ARENA_ARRAY(one->arena, double, width);
	double *sums = ARENA_ARRAY(one->arena, double, width);
	double *rows = ARENA_ARRAY(one->arena, double, DIFFERENCES * width * (width + 1));
	if (!point || !gradient || !sums || !rows) {
		error_memory(error, ERROR_LIMIT, "integrating gradients");
		return NULL;
	}
	legendre_rule(FORMULA_POINTS, at, weights);
	for (size_t q = 0; q < FORMULA_POINTS; q++) {
		for (size_t i = 0; i < width; i++)
			point[i] = baseline->items[i] + at[q] * (row->items[i] - baseline->items[i]);
		if (!formula_gradient(one, model, point, width, rows, gradient, error))
			return NULL;
		for (size_t i = 0; i < width; i++)
			sums[i] += weights[q] * gradient[i] * (row->items[i] - baseline->items[i]);
	}
	json_t *result = json_object();
	compute_put(result, "limit", compute_write_row(sums, width), error);
	return compute_made(result, error);
}

static json_t *layers_integrate(const struct compute_case *one, const struct dense *layers, const struct compute_row *row,
				const struct compute_row *baseline, struct error *error)
{
	double *numbers = ARENA_ARRAY(one->arena, double, row->count), residual;
	double *scratch = ARENA_ARRAY(one->arena, double, gradient_scratch(layers));
	json_t *result = json_object();
	bool good = (numbers && scratch) || error_memory(error, ERROR_LIMIT, "integrating gradients");
	for (size_t i = 0; good && i < sizeof lines / sizeof *lines; i++) {
		const struct gradient_line line = {row->items, baseline->items, 0, lines[i].rule, lines[i].steps};
		good = gradient_integrate(layers, &line, numbers, &residual, one->arena, error);
		if (good)
			compute_put(result, lines[i].key, compute_write_row(numbers, row->count), error);
	}
	if (good) {
		compute_put(result, "f_baseline", compute_write(gradient_evaluate(layers, baseline->items, 0, numbers, scratch)),
			    error);
		compute_put(result, "fx", compute_write(gradient_evaluate(layers, row->items, 0, numbers, scratch)), error);
		compute_put(result, "gradient_at_x", compute_write_row(numbers, row->count), error);
	}
	return compute_made(result, error);
}

static json_t *integrate(const struct compute_case *one, struct error *error)
{
	struct compute_row row, baseline;
	const struct compute_example *model = compute_example(one, json_object_get(one->input, "model"), error);
	if (!model || !compute_row(one, one->input, "x", &row, error) ||
	    !compute_row(one, one->input, "baseline", &baseline, error))
		return NULL;
	const struct dense *layers = compute_example_layers(model);
	if (row.count != baseline.count || (layers && layers->layers[0].inputs != row.count)) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "`x` has %zu numbers, `baseline` has %zu, and the model may take others",
			  row.count, baseline.count);
		return NULL;
	}
	return layers ? layers_integrate(one, layers, &row, &baseline, error)
		      : formula_integrate(one, model, &row, &baseline, error);
}

/* ---- anchors ---- */

struct anchor_work {
	const struct compute_case *one;
	struct compute_row sizes; /* cardinalities */
	struct compute_table rows;
	size_t count; /* rows of the full factorial */
	double *grid, *answers;
	bool *matches, *agrees;
	double threshold;
};

#define GRID_MAX ((size_t)1 << 20)

static bool anchor_grid_make(struct anchor_work *work, struct error *error)
{
	const size_t features = work->sizes.count;
	work->count = 1;
	for (size_t i = 0; i < features; i++) {
		const double size = work->sizes.items[i];
		if (!(size >= 1 && size == floor(size) && size * (double)work->count <= (double)GRID_MAX))
			return error_set(error, ERROR_INPUT, PLACE_NONE,
					 "`cardinalities` are not numbers from 1 up, or make more than %zu rows", GRID_MAX);
		work->count *= (size_t)size;
	}
	work->grid = ARENA_ARRAY(work->one->arena, double, work->count *features);
	work->answers = ARENA_ARRAY(work->one->arena, double, work->count);
	work->matches = ARENA_ARRAY(work->one->arena, bool, work->count *features);
	work->agrees = ARENA_ARRAY(work->one->arena, bool, work->count);
	if (arena_failed(work->one->arena))
		return error_memory(error, ERROR_LIMIT, "seeking an anchor");
	for (size_t row = 0; row < work->count; row++)
		for (size_t i = features, rest = row; i-- > 0; rest /= (size_t)work->sizes.items[i])
			work->grid[row * features + i] = (double)(rest % (size_t)work->sizes.items[i]);
	return true;
}

static json_t *rule_written(const struct anchor_rule *rule)
{
	json_t *list = json_array();
	for (size_t i = 0; i < rule->count; i++)
		json_array_append_new(list, json_integer(rule->features[i]));
	return list;
}

/* All rules of at most two features. */
static json_t *candidates_written(const struct anchor_work *work, const struct anchor_rows *rows, struct error *error)
{
	json_t *list = json_array();
	for (size_t size = 0; size <= 2 && size <= rows->features; size++) {
		struct anchor_rule rule = {.count = size, .features = {0, 1}};
		do {
			const struct anchor_measure measure = anchor_measure(rows, work->agrees, &rule);
			json_t *one = json_object();
			compute_put(one, "features", rule_written(&rule), error);
			compute_put(one, "precision", compute_write(measure.precision), error);
			compute_put(one, "coverage", compute_write(measure.coverage), error);
			json_array_append_new(list, one);
		} while (anchor_rule_next(&rule, rows->features));
	}
	return list;
}

static json_t *anchor_written(const struct anchor_work *work, size_t row, struct error *error)
{
	const size_t features = work->sizes.count;
	const double *mine = work->rows.items + row * features;
	double prediction = NAN;
	for (size_t i = 0; i < work->count; i++) {
		bool same = true;
		for (size_t j = 0; j < features; j++)
			same &= work->matches[i * features + j] = work->grid[i * features + j] == mine[j];
		prediction = same ? work->answers[i] : prediction;
	}
	for (size_t i = 0; i < work->count; i++)
		work->agrees[i] = work->answers[i] == prediction;
	const struct anchor_rows rows = {work->count, features, work->matches, NULL};
	struct anchor_measure measure;
	const struct anchor_rule best = anchor_best(&rows, work->agrees, work->threshold, features, &measure);
	json_t *result = json_object();
	json_t *numbers = json_array();
	for (size_t i = 0; i < features; i++)
		json_array_append_new(numbers, json_integer((json_int_t)mine[i]));
	compute_put(result, "x", numbers, error);
	compute_put(result, "prediction", json_integer((json_int_t)prediction), error);
	compute_put(result, "anchor_features", rule_written(&best), error);
	compute_put(result, "precision", compute_write(measure.precision), error);
	compute_put(result, "coverage", compute_write(measure.coverage), error);
	compute_put(result, "candidates", candidates_written(work, &rows, error), error);
	return result;
}

static json_t *anchors(const struct compute_case *one, struct error *error)
{
	struct anchor_work work = {.one = one};
	const char *rule;
	work.threshold = compute_number_or(one->params, "threshold", 0.95, error);
	if (!compute_row(one, one->input, "cardinalities", &work.sizes, error) ||
	    !compute_table(one, one->input, "x", &work.rows, error) || !compute_text(one->input, "rule", &rule, error) ||
	    !anchor_grid_make(&work, error))
		return NULL;
	if (work.rows.rows && work.rows.columns != work.sizes.count) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "`x` has %zu columns, and there are %zu cardinalities; give one for each",
			  work.rows.columns, work.sizes.count);
		return NULL;
	}
	if (!compute_formula(one, rule, work.grid, work.sizes.count, work.count, work.answers, error))
		return NULL;
	json_t *list = json_array();
	for (size_t i = 0; i < work.rows.rows; i++)
		json_array_append_new(list, anchor_written(&work, i, error));
	json_t *result = json_object();
	compute_put(result, "results", list, error);
	return compute_made(result, error);
}

static json_t *bounds(const struct compute_case *one, struct error *error)
{
	double share, count, bound;
	if (!compute_number(one->input, "p", &share, error) || !compute_number(one->input, "n", &count, error) ||
	    !compute_number(one->input, "beta", &bound, error))
		return NULL;
	json_t *result = json_object();
	compute_put(result, "lower", compute_write(anchor_lower(share, count, bound)), error);
	compute_put(result, "upper", compute_write(anchor_upper(share, count, bound)), error);
	return compute_made(result, error);
}

/* ---- permutation importance ---- */

struct permutation_work {
	const struct compute_case *one;
	const struct compute_example *model;
	struct compute_table rows, orders;
	struct compute_row truth;
	double *permuted, *answers;
	size_t *order;
};

static bool permutation_loss(struct permutation_work *work, const double *rows, double *loss, struct error *error)
{
	if (!compute_example_answer(work->model, work->one, rows, work->rows.columns, work->rows.rows, work->answers, error))
		return false;
	*loss = importance_squared_loss(work->answers, work->truth.items, work->rows.rows);
	return true;
}

static json_t *permutation_column(struct permutation_work *work, size_t column, double base, struct error *error)
{
	const size_t count = work->rows.rows;
	struct moments moments = {0};
	for (size_t i = 0; i < work->orders.rows; i++) {
		double loss;
		for (size_t row = 0; row < count; row++)
			work->order[row] = (size_t)work->orders.items[i * count + row];
		importance_permute(work->rows.items, count, work->rows.columns, column, work->order, work->permuted);
		if (!permutation_loss(work, work->permuted, &loss, error))
			return NULL;
		moments_add(&moments, loss - base);
	}
	json_t *result = json_object();
	compute_put(result, "mean", compute_write(moments.mean), error);
	compute_put(result, "std_ddof0", compute_write(sqrt(moments_variance(&moments, 0))), error);
	return result;
}

static bool permutation_check(const struct permutation_work *work, struct error *error)
{
	const size_t count = work->rows.rows;
	const char *loss = compute_text_or(work->one->params, "loss", "mse", error);
	if (strcmp(loss, "mse") != 0)
		return error_set(error, ERROR_INPUT, PLACE_NONE, "`loss` is `%.64s`; known is mse", loss);
	if (work->truth.count != count || (work->orders.rows && work->orders.columns != count))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "`y` and each of `permutations` have %zu numbers: one for each row of `X`", count);
	for (size_t i = 0; i < work->orders.rows * count; i++)
		if (!(work->orders.items[i] >= 0 && work->orders.items[i] < (double)count))
			return error_set(error, ERROR_INPUT, PLACE_NONE, "`permutations` name row %g, and there are %zu, from 0",
					 work->orders.items[i], count);
	return true;
}

static json_t *permutation(const struct compute_case *one, struct error *error)
{
	struct permutation_work work = {.one = one, .model = compute_example(one, json_object_get(one->input, "model"), error)};
	double base;
	if (!work.model || !compute_table(one, one->input, "X", &work.rows, error) ||
	    !compute_row(one, one->input, "y", &work.truth, error) ||
	    !compute_table(one, one->input, "permutations", &work.orders, error) || !permutation_check(&work, error))
		return NULL;
	work.permuted = ARENA_ARRAY(one->arena, double, work.rows.rows *work.rows.columns);
	work.answers = ARENA_ARRAY(one->arena, double, work.rows.rows);
	work.order = ARENA_ARRAY(one->arena, size_t, work.rows.rows);
	if (arena_failed(one->arena)) {
		error_memory(error, ERROR_LIMIT, "permuting rows");
		return NULL;
	}
	if (!permutation_loss(&work, work.rows.items, &base, error))
		return NULL;
	json_t *result = json_object(), *list = json_array();
	for (size_t column = 0; column < work.rows.columns; column++)
		json_array_append_new(list, permutation_column(&work, column, base, error));
	compute_put(result, "base_loss", compute_write(base), error);
	compute_put(result, "importance", list, error);
	return compute_made(result, error);
}

/* ---- linear models ---- */

static json_t *counterfactual(const struct compute_case *one, struct error *error)
{
	const json_t *model = json_object_get(one->input, "model");
	struct compute_row row, weights;
	double bias, probability;
	if (!compute_row(one, one->input, "x", &row, error) || !compute_row(one, model, "w", &weights, error) ||
	    !compute_number(model, "b", &bias, error) || !compute_number(one->params, "target_probability", &probability, error))
		return NULL;
	double *nearest = ARENA_ARRAY(one->arena, double, row.count);
	if (!nearest || row.count != weights.count) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "`x` has %zu numbers, and `w` has %zu; give it the same", row.count,
			  weights.count);
		return NULL;
	}
	const double distance = linear_counterfactual(weights.items, bias, row.items, row.count, probability, nearest);
	json_t *result = json_object();
	compute_put(result, "counterfactual", compute_write_row(nearest, row.count), error);
	compute_put(result, "distance", compute_write(distance), error);
	return compute_made(result, error);
}

/* Of rows of zeros and ones, by how far they are from the row of ones. */
static void lime_weigh(const struct compute_table *rows, double width, double *weights)
{
	for (size_t i = 0; i < rows->rows; i++) {
		double squares = 0;
		for (size_t j = 0; j < rows->columns; j++) {
			const double gap = rows->items[i * rows->columns + j] - 1;
			squares += gap * gap;
		}
		weights[i] = sqrt(exp(-squares / (width * width)));
	}
}

static json_t *lime(const struct compute_case *one, struct error *error)
{
	struct compute_table rows;
	struct compute_row wanted;
	double width, penalty, intercept;
	if (!compute_table(one, one->input, "z", &rows, error) || !compute_row(one, one->input, "y", &wanted, error) ||
	    !compute_number(one->params, "kernel_width", &width, error) ||
	    !compute_number(one->params, "ridge_alpha", &penalty, error))
		return NULL;
	double *weights = ARENA_ARRAY(one->arena, double, rows.rows), *coefficients = ARENA_ARRAY(one->arena, double, rows.columns);
	if (!weights || !coefficients || wanted.count != rows.rows) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "`y` has %zu numbers for %zu rows of `z`; give one for each",
			  wanted.count, rows.rows);
		return NULL;
	}
	lime_weigh(&rows, width, weights);
	const struct linear_ridge ridge = {rows.items, wanted.items, weights, rows.rows, rows.columns, penalty};
	if (!linear_ridge_fit(&ridge, coefficients, &intercept, one->arena, error))
		return NULL;
	json_t *result = json_object();
	compute_put(result, "weights", compute_write_row(weights, rows.rows), error);
	compute_put(result, "coefficients", compute_write_row(coefficients, rows.columns), error);
	compute_put(result, "intercept", compute_write(intercept), error);
	return compute_made(result, error);
}

/* ---- the family ---- */

/* Which method a case asks for follows from what it gives. */
static const struct {
	const char *key;
	json_t *(*run)(const struct compute_case *one, struct error *error);
} asked[] = {
	{"baseline", integrate}, {"cardinalities", anchors}, {"beta", bounds}, {"permutations", permutation}, {"z", lime},
};

static json_t *explain_other_run(const struct compute_case *one, struct error *error)
{
	for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
		if (compute_has(one->input, asked[i].key))
			return asked[i].run(one, error);
	if (compute_has(one->params, "target_probability"))
		return counterfactual(one, error);
	error_set(error, ERROR_INPUT, PLACE_NONE,
		  "nothing in it says which method is asked for; give `baseline`, `cardinalities`, `beta`, `permutations`, `z`, or "
		  "`target_probability`");
	return NULL;
}

static const struct compute_method methods[] = {
	{"integrated gradients",
	 "(x - baseline) times the mean gradient along the line between them, by Riemann's sums or Gauss and "
	 "Legendre; `limit` by 20,001 middles"},
	{"anchors", "precision P(f(z) = f(x) | z_i = x_i for i in A) and coverage P(z_i = x_i for i in A), over all rows of "
		    "`cardinalities`; best: precision of at least the threshold, then coverage, then fewest features"},
	{"bounds", "least and greatest q with n KL(p, q) <= beta"},
	{"permutation importance", "loss with a column permuted, minus the loss as it is; mean and deviation over `permutations`"},
	{"counterfactual", "x plus (logit(p) - w x - b) w / |w|^2"},
	{"lime", "weights sqrt(exp(-d^2 / width^2)), ridge regression without a penalty on the intercept"},
	{NULL, NULL},
};

const struct compute_family compute_explain_other = {
	.name = "explain_other",
	.summary = "gradients, anchors, permutation importance, linear and local models",
	.methods = methods,
	.parameters = "kernel kernel_width loss ridge_alpha target_probability threshold",
	.run = explain_other_run,
};
