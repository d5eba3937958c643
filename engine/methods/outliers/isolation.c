/* isolation.c: Learns isolation forests; see isolation.h. */
#include "methods/outliers/isolation.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>

#include "base/number/number.h"
#include "base/number/random.h"
#include "methods/predictors/predictor.h"
#include "methods/numeric/quantile.h"

#define WORKING_BYTES ((size_t)4 << 30) /* the rows as floats, one tree, and the forest once more to score them */

struct isolation_node {
	int64_t feature; /* -2: a leaf, as in scikit-learn */
	double threshold;
	int64_t left, right;
	size_t rows;
};

/* One tree as it grows. */
struct isolation_tree {
	const struct table *rows; /* rounded to float */
	struct random *chance;
	uint32_t *features; /* in any order */
	struct isolation_node *nodes;
	size_t count;
	unsigned levels;
};

/* ---- one tree ---- */

/* At least 0, below 1, of 53 bits. */
static double even_draw(struct random *chance)
{
	return (double)(random_next(chance) >> 11) * 0x1p-53;
}

/* The ends of a column among some rows; false: it does not vary. */
static bool column_ends(const struct isolation_tree *tree, const uint32_t *rows, size_t count, size_t feature, double *least,
			double *most)
{
	*least = INFINITY;
	*most = -INFINITY;
	for (size_t i = 0; i < count; i++) {
		const double number = tree->rows->values[rows[i] * tree->rows->columns + feature];
		*least = number < *least ? number : *least;
		*most = number > *most ? number : *most;
	}
	return *least < *most;
}

/* Draws features until one varies. False: none does. */
static bool split_draw(struct isolation_tree *tree, const uint32_t *rows, size_t count, struct isolation_node *node)
{
	for (size_t i = 0; i < tree->rows->columns; i++) {
		const size_t drawn = i + random_below(tree->chance, tree->rows->columns - i);
		const uint32_t feature = tree->features[drawn];
		double least, most;
		tree->features[drawn] = tree->features[i];
		tree->features[i] = feature;
		if (!column_ends(tree, rows, count, feature, &least, &most))
			continue;
		const double beyond = even_draw(tree->chance) * (most - least); /* apart, or a compiler may round both at once */
		node->feature = feature;
		node->threshold = least + beyond;
		if (!(node->threshold < most))
			node->threshold = least; /* rounded up to the end, it would part nothing */
		return true;
	}
	return false;
}

/* Moves rows that go left to the front; how many. */
static size_t rows_part(const struct isolation_tree *tree, uint32_t *rows, size_t count, const struct isolation_node *node)
{
	size_t left = 0;
	for (size_t i = 0; i < count; i++) {
		const uint32_t row = rows[i];
		if (!(tree->rows->values[row * tree->rows->columns + (size_t)node->feature] <= node->threshold))
			continue;
		rows[i] = rows[left];
		rows[left++] = row;
	}
	return left;
}

static int64_t node_grow(struct isolation_tree *tree, uint32_t *rows, size_t count, unsigned level)
{
	struct isolation_node *node = &tree->nodes[tree->count];
	const int64_t place = (int64_t)tree->count++;
	*node = (struct isolation_node){-2, -2, -1, -1, count};
	if (count < 2 || level == tree->levels || !split_draw(tree, rows, count, node))
		return place;
	const size_t left = rows_part(tree, rows, count, node);
	node->left = node_grow(tree, rows, left, level + 1);
	node->right = node_grow(tree, rows + left, count - left, level + 1);
	return place;
}

/* ---- the file ---- */

static void number_put(struct buffer *file, double number)
{
	char text[NUMBER_TEXT_MAX];
	const size_t length = number_write_double(text, number);
	buffer_append(file, text, length);
}

static void tree_put(struct buffer *file, const struct isolation_tree *tree)
{
	buffer_string(file, "{\"feature\":[");
	for (size_t i = 0; i < tree->count; i++)
		buffer_print(file, "%s%" PRId64, i ? "," : "", tree->nodes[i].feature);
	buffer_string(file, "],\"threshold\":[");
	for (size_t i = 0; i < tree->count; i++) {
		buffer_string(file, i ? "," : "");
		number_put(file, tree->nodes[i].threshold);
	}
	buffer_string(file, "],\"left\":[");
	for (size_t i = 0; i < tree->count; i++)
		buffer_print(file, "%s%" PRId64, i ? "," : "", tree->nodes[i].left);
	buffer_string(file, "],\"right\":[");
	for (size_t i = 0; i < tree->count; i++)
		buffer_print(file, "%s%" PRId64, i ? "," : "", tree->nodes[i].right);
	buffer_string(file, "],\"n_samples\":[");
	for (size_t i = 0; i < tree->count; i++)
		buffer_print(file, "%s%zu", i ? "," : "", tree->nodes[i].rows);
	buffer_string(file, "]}");
}

/* Rounded to float, the largest one at the most. */
static double float_within(double number)
{
	const double most = FLT_MAX;
	const double within = number > most ? most : number < -most ? -most : number;
	return (double)(float)within;
}

static unsigned levels_of(size_t rows)
{
	unsigned levels = 0;
	while (((size_t)1 << levels) < rows)
		levels++;
	return levels;
}

static bool trees_grow(const struct table *rows, const struct isolation_settings *settings, size_t sample, struct arena *arena,
		       struct buffer *file, struct error *error)
{
	struct random chance = {settings->seed};
	uint32_t *order = ARENA_ARRAY(arena, uint32_t, rows->rows);
	struct isolation_tree tree = {.rows = rows,
				      .chance = &chance,
				      .features = ARENA_ARRAY(arena, uint32_t, rows->columns),
				      .nodes = ARENA_ARRAY(arena, struct isolation_node, 2 * sample),
				      .levels = levels_of(sample)};
	if (!order || !tree.features || !tree.nodes)
		return error_memory(error, ERROR_SYSTEM, "learning an isolation forest");
	for (size_t i = 0; i < rows->rows; i++)
		order[i] = (uint32_t)i;
	for (size_t i = 0; i < rows->columns; i++)
		tree.features[i] = (uint32_t)i;
	for (size_t t = 0; t < settings->trees; t++) {
		for (size_t i = 0; i < sample; i++) {
			const size_t drawn = i + random_below(&chance, rows->rows - i);
			const uint32_t row = order[drawn];
			order[drawn] = order[i];
			order[i] = row;
		}
		tree.count = 0;
		node_grow(&tree, order, sample, 0);
		buffer_string(file, t ? "," : "");
		tree_put(file, &tree);
	}
	return true;
}

/* The answers of the forest to the rows: scores with their sign turned. NULL: memory ran out. */
static double *scores_of(const struct table *rows, struct text forest, struct arena *arena, struct error *error)
{
	const struct predictor *predictor = predictor_read(arena, forest, ITERATIONS_BEST, error);
	if (!predictor)
		return NULL;
	double *margins = ARENA_ARRAY(arena, double, rows->rows), *scores = ARENA_ARRAY(arena, double, rows->rows);
	double *scratch = ARENA_ARRAY(arena, double, predictor_scratch(predictor, rows->rows));
	if (!margins || !scores || !scratch)
		return error_null(error_memory(error, ERROR_SYSTEM, "learning an isolation forest"));
	predictor_margins(predictor, rows->values, rows->columns, rows->rows, margins, scratch);
	predictor_answers(predictor, margins, rows->rows, scores);
	return scores;
}

/* The score that so many of the reference are above. */
static bool limit_find(const struct table *rows, double share, struct text forest, struct arena *arena, double *limit,
		       struct error *error)
{
	double *scores = scores_of(rows, forest, arena, error);
	if (scores)
		*limit = -quantile_sorted(scores, quantile_sort(scores, rows->rows), share, QUANTILE_LINEAR);
	return scores;
}

bool isolation_share(const struct table *rows, struct text forest, double limit, double *share, struct error *error)
{
	struct arena *arena = arena_open(WORKING_BYTES);
	const double *scores = arena ? scores_of(rows, forest, arena, error) : NULL;
	size_t above = 0;
	for (size_t i = 0; scores && i < rows->rows; i++)
		above += scores[i] < -limit;
	*share = (double)above / (double)rows->rows;
	const bool good = scores || error->kind != ERROR_NONE || error_memory(error, ERROR_SYSTEM, "learning an isolation forest");
	arena_close(arena);
	return good && scores;
}

/* ---- the whole ---- */

static bool settings_check(const struct table *reference, const struct isolation_settings *settings, struct error *error)
{
	if (settings->trees < 1 || settings->trees > ISOLATION_TREES_MAX || settings->sample < 2 ||
	    settings->sample > ISOLATION_SAMPLE_MAX)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "an isolation forest has 1 to %d trees of 2 to %d rows each; these are %zu trees of %zu rows",
				 ISOLATION_TREES_MAX, ISOLATION_SAMPLE_MAX, settings->trees, settings->sample);
	if (!(settings->share >= 0 && settings->share <= ISOLATION_SHARE_MAX))
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "the share of outliers is %g; give one from 0 to %g", settings->share, ISOLATION_SHARE_MAX);
	if (reference->rows < 2 || reference->rows > UINT32_MAX || reference->columns < 1)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "an isolation forest is learnt of 2 rows or more, of a column or more; these are %zu rows of %zu "
				 "columns",
				 reference->rows, reference->columns);
	return true;
}

static bool column_varies(const struct table *rows)
{
	for (size_t j = 0; j < rows->columns; j++) {
		double first = NAN;
		for (size_t i = 0; i < rows->rows; i++) {
			const double number = rows->values[i * rows->columns + j];
			if (!isnan(first) && !isnan(number) && number != first)
				return true;
			first = isnan(first) ? number : first;
		}
	}
	return false;
}

static bool forest_write(const struct table *rows, const struct isolation_settings *settings, struct arena *arena,
			 struct buffer *file, struct error *error)
{
	const size_t sample = settings->sample < rows->rows ? settings->sample : rows->rows, begin = file->length;
	double limit = ISOLATION_LIMIT_USUAL;
	if (!column_varies(rows))
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "no column of the reference varies, so no row is unlike the others; give another reference");
	buffer_print(file, "{\"format\":\"isolation_forest\",\"max_samples\":%zu,\"seed\":\"%" PRIu64 "\",\"trees\":[",
		     sample, settings->seed); /* a text, for JSON's integers end sooner */
	if (!trees_grow(rows, settings, sample, arena, file, error))
		return false;
	buffer_string(file, "]}");
	if (!buffer_failed(file) && settings->share > 0 &&
	    !limit_find(rows, settings->share, (struct text){file->bytes + begin, file->length - begin}, arena, &limit, error))
		return false;
	if (!buffer_failed(file))
		file->length--; /* opens the object again */
	buffer_string(file, ",\"limit\":");
	number_put(file, limit);
	buffer_byte(file, '}');
	return !buffer_failed(file) || error_set(error, ERROR_LIMIT, PLACE_NONE,
						 "the isolation forest is larger than its file may be (%zu bytes); learn "
						 "fewer trees, or of fewer rows",
						 file->ceiling_bytes);
}

bool isolation_fit(const struct table *reference, const struct isolation_settings *settings, struct buffer *file,
		   struct error *error)
{
	if (!settings_check(reference, settings, error))
		return false;
	struct arena *arena = arena_open(WORKING_BYTES);
	struct table rows = {reference->rows, reference->columns,
			     arena ? ARENA_ARRAY(arena, double, reference->rows *reference->columns) : NULL};
	if (!rows.values) {
		arena_close(arena);
		return error_memory(error, ERROR_SYSTEM, "learning an isolation forest");
	}
	for (size_t i = 0; i < rows.rows * rows.columns; i++)
		rows.values[i] = float_within(reference->values[i]);
	const bool good = forest_write(&rows, settings, arena, file, error);
	arena_close(arena);
	return good;
}
