/* predictor_lightgbm.c: Reader of LightGBM's text: lines of `key=value`, first for the model, then for each tree
 * after a line `Tree=N`, up to `end of trees`.
 *
 * A split's decision_type has bit 0 for categories and bit 1 for the direction of missing numbers (left). Bits 2 and
 * 3 define what is missing: nothing, zero, NaN. A child below 0 is a leaf, the complement of its index.
 */
#include <math.h>

#include "base/number/number.h"
#include "methods/predictors/predictor_parts.h"

#define LEAVES_MAX ((size_t)1 << 24) /* of a tree */

enum { DECISION_CATEGORY = 1, DECISION_LEFT = 2, DECISION_MISSING_SHIFT = 2 };
enum { MISSING_NONE, MISSING_ZERO, MISSING_NAN };

/* ---- lines ---- */

struct lightgbm_lines {
	struct text rest;
	struct text key, value; /* of the line that was read */
};

/* The next line that is not empty; one without `=` is a key without a value. */
static bool line_next(struct lightgbm_lines *lines)
{
	struct text line = {0};
	while (lines->rest.length > 0 && line.length == 0) {
		line = text_take_until(&lines->rest, '\n');
		if (line.length && line.bytes[line.length - 1] == '\r')
			line.length--;
	}
	bool found = line.length > 0;
	lines->key = text_take_until(&line, '=');
	lines->value = line;
	return found;
}

/* The next word of a line; empty at its end. */
static struct text word_next(struct text *line)
{
	while (line->length && line->bytes[0] == ' ')
		*line = (struct text){line->bytes + 1, line->length - 1};
	if (line->length == 0)
		return (struct text){0};
	const char *blank = memchr(line->bytes, ' ', line->length);
	struct text word = {line->bytes, blank ? (size_t)(blank - line->bytes) : line->length};
	*line = (struct text){line->bytes + word.length, line->length - word.length};
	return word;
}

/* A threshold may be infinite: all that is there goes one way, and what is missing another. */
static bool number_take(struct text word, double *number)
{
	bool below = text_is(word, "-inf");
	*number = below ? -INFINITY : INFINITY;
	return below || text_is(word, "inf") || number_read_double(word, number);
}

/* `count` numbers, no more and no fewer. */
static bool numbers_take(struct text line, double *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!number_take(word_next(&line), &numbers[i]))
			return false;
	return word_next(&line).length == 0;
}

static bool integers_take(struct text line, int64_t *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!number_read_int64(word_next(&line), &numbers[i]))
			return false;
	return word_next(&line).length == 0;
}

/* ---- the model's own lines ---- */

struct lightgbm_header {
	uint64_t classes;      /* num_class */
	uint64_t per_round;    /* num_tree_per_iteration: trees of a round, one for each class */
	uint64_t last_feature; /* max_feature_idx */
	struct text objective;
	bool average;
};

static bool header_take(struct lightgbm_lines *lines, struct lightgbm_header *header, struct error *error)
{
	bool features = false;
	*header = (struct lightgbm_header){.classes = 1, .per_round = 1};
	while (line_next(lines) && !text_is(lines->key, "Tree") && !text_is(lines->key, "end of trees")) {
		bool good = true;
		if (text_is(lines->key, "num_class"))
			good = number_read_uint64(lines->value, &header->classes);
		else if (text_is(lines->key, "num_tree_per_iteration"))
			good = number_read_uint64(lines->value, &header->per_round);
		else if (text_is(lines->key, "max_feature_idx"))
			good = features = number_read_uint64(lines->value, &header->last_feature);
		else if (text_is(lines->key, "objective"))
			header->objective = lines->value;
		else if (text_is(lines->key, "average_output"))
			header->average = true;
		if (!good)
			return predictor_refuse(error, "its line `" TEXT_FORMAT "` has no number", TEXT_ARGUMENTS(lines->key));
	}
	return features || predictor_refuse(error, "it does not say how many features it takes (max_feature_idx)");
}

/* ---- objectives ---- */

struct lightgbm_objective {
	const char *name;
	enum predictor_link link;
	size_t classes; /* 1: as num_class says */
};

static const struct lightgbm_objective objectives[] = {
	{"regression", LINK_IDENTITY, 0},
	{"regression_l2", LINK_IDENTITY, 0},
	{"regression_l1", LINK_IDENTITY, 0},
	{"huber", LINK_IDENTITY, 0},
	{"fair", LINK_IDENTITY, 0},
	{"quantile", LINK_IDENTITY, 0},
	{"mape", LINK_IDENTITY, 0},
	{"poisson", LINK_EXP, 0},
	{"gamma", LINK_EXP, 0},
	{"tweedie", LINK_EXP, 0},
	{"binary", LINK_LOGISTIC, 2},
	{"multiclass", LINK_SOFTMAX, 1},
	{"multiclassova", LINK_LOGISTIC, 1},
	{"cross_entropy", LINK_LOGISTIC, 0},
	{"cross_entropy_lambda", LINK_LOG_EXP, 0},
	{"lambdarank", LINK_IDENTITY, 0},
	{"rank_xendcg", LINK_IDENTITY, 0},
	{"custom", LINK_IDENTITY, 0},
	{"none", LINK_IDENTITY, 0},
};

static const struct lightgbm_objective *objective_find(struct text name)
{
	if (name.length == 0)
		name = TEXT("none");
	for (size_t i = 0; i < sizeof objectives / sizeof *objectives; i++)
		if (text_is(name, objectives[i].name))
			return &objectives[i];
	return NULL;
}

/* What stands behind the objective's name: `sigmoid:1`, `sqrt`. */
static bool settings_take(struct predictor *predictor, struct text settings, struct error *error)
{
	for (struct text word = word_next(&settings); word.length; word = word_next(&settings)) {
		const struct text sigmoid = TEXT("sigmoid:");
		if (text_starts_with(word, sigmoid) &&
		    !number_read_double(text_from(word, sigmoid.length),
					&predictor->factor))
			return predictor_refuse(error, "its objective has a sigmoid that is no number");
		if (text_is(word, "sqrt"))
			predictor->link = LINK_SQUARE;
	}
	return true;
}

static bool traits_take(struct predictor *predictor, const struct lightgbm_header *header, struct arena *arena, struct error *error)
{
	struct text settings = header->objective, name = word_next(&settings);
	const struct lightgbm_objective *objective = objective_find(name);
	if (!objective)
		return predictor_refuse(error, "its objective `" TEXT_FORMAT "` is not known here", TEXT_ARGUMENTS(name));
	if (header->per_round == 0 || header->per_round > TREE_OUTPUTS_MAX || header->last_feature >= TREE_FEATURES_MAX)
		return predictor_refuse(error, "it has %llu classes and %llu features, and a model at most %zu and %zu",
					(unsigned long long)header->per_round, (unsigned long long)header->last_feature + 1,
					TREE_OUTPUTS_MAX, TREE_FEATURES_MAX);
	if (objective->classes == 1 && (header->classes != header->per_round || header->classes < 2))
		return predictor_refuse(error, "its num_class and num_tree_per_iteration do not go with `%s`", objective->name);
	predictor->link = objective->link;
	predictor->factor = predictor->share = 1;
	size_t width = (size_t)header->per_round;
	predictor->traits = (struct predictor_traits){
		.format = "lightgbm_text",
		.objective = arena_copy(arena, header->objective.bytes ? header->objective.bytes : "", header->objective.length),
		.features = (size_t)header->last_feature + 1,
		.margins = width,
		.outputs = width,
		.classes = objective->classes == 1 ? width
			   : width == 1		   ? objective->classes
						   : 0,
	};
	return settings_take(predictor, settings, error);
}

/* ---- trees ---- */

/* The lines of a tree that count, unread. */
struct tree_lines {
	uint64_t leaves, categories;
	struct text features, thresholds, decisions, left, right, values;
	struct text category_boundaries, category_words;
	struct text split_covers, leaf_covers;
	bool linear;
};

/* Up to the next tree, or the end. */
static bool tree_lines_take(struct lightgbm_lines *lines, struct tree_lines *tree)
{
	*tree = (struct tree_lines){0};
	bool good = true;
	while (line_next(lines) && !text_is(lines->key, "Tree") && !text_is(lines->key, "end of trees")) {
		const struct {
			const char *key;
			struct text *value;
		} kept[] = {
			{"split_feature", &tree->features},
			{"threshold", &tree->thresholds},
			{"decision_type", &tree->decisions},
			{"left_child", &tree->left},
			{"right_child", &tree->right},
			{"leaf_value", &tree->values},
			{"cat_boundaries", &tree->category_boundaries},
			{"cat_threshold", &tree->category_words},
			{"internal_count", &tree->split_covers},
			{"leaf_count", &tree->leaf_covers},
		};
		for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
			if (text_is(lines->key, kept[i].key))
				*kept[i].value = lines->value;
		if (text_is(lines->key, "num_leaves"))
			good = good && number_read_uint64(lines->value, &tree->leaves);
		else if (text_is(lines->key, "num_cat"))
			good = good && number_read_uint64(lines->value, &tree->categories);
		else if (text_is(lines->key, "is_linear"))
			tree->linear = !text_is(lines->value, "0");
	}
	return good;
}

struct tree_numbers {
	size_t splits, leaves, sets;
	int64_t *features, *decisions, *left, *right;
	double *thresholds, *values;
	double *covers; /* of splits, then of leaves */
	struct tree_set *sets_of;
};

/* False: refused by the caller, or memory ran out. */
static bool sets_take(const struct tree_lines *lines, struct tree_numbers *tree, struct arena *working)
{
	/* Each set has a boundary in a line that was read whole, so their number is bounded by it. */
	tree->sets = (size_t)lines->categories;
	if (tree->sets == 0)
		return true;
	if (tree->sets > lines->category_boundaries.length)
		return false;
	int64_t *boundaries = ARENA_ARRAY(working, int64_t, tree->sets + 1);
	tree->sets_of = ARENA_ARRAY(working, struct tree_set, tree->sets);
	if (!boundaries || !tree->sets_of || !integers_take(lines->category_boundaries, boundaries, tree->sets + 1))
		return false;
	int64_t total = boundaries[tree->sets];
	if (total < 0 || (uint64_t)total > lines->category_words.length)
		return false;
	int64_t *numbers = ARENA_ARRAY(working, int64_t, (size_t)total);
	uint32_t *words = ARENA_ARRAY(working, uint32_t, (size_t)total);
	if (!numbers || !words || !integers_take(lines->category_words, numbers, (size_t)total))
		return false;
	for (size_t i = 0; i < (size_t)total; i++) {
		if (numbers[i] < 0 || numbers[i] > UINT32_MAX)
			return false;
		words[i] = (uint32_t)numbers[i];
	}
	for (size_t i = 0; i < tree->sets; i++) {
		if (boundaries[i] < 0 || boundaries[i] > boundaries[i + 1] || boundaries[i + 1] > total)
			return false;
		/* What is cut off to 0 is category 0, also from below. */
		tree->sets_of[i] = (struct tree_set){.words = words + boundaries[i],
						     .count = (size_t)(boundaries[i + 1] - boundaries[i]),
						     .inside_left = true,
						     .above = -1};
	}
	return true;
}

/* They say nothing of what the tree answers, so a file may lack them. */
static void covers_take(const struct tree_lines *lines, struct tree_numbers *tree)
{
	if (!tree->covers)
		return;
	if (!numbers_take(lines->split_covers, tree->covers, tree->splits) ||
	    !numbers_take(lines->leaf_covers, tree->covers + tree->splits, tree->leaves))
		for (size_t i = 0; i < tree->splits + tree->leaves; i++)
			tree->covers[i] = NAN;
}

static bool numbers_of_tree(const struct tree_lines *lines, struct tree_numbers *tree, struct arena *working)
{
	/* A number takes a byte at least, so nothing is made that the file does not fill. */
	if (lines->leaves == 0 || lines->leaves > LEAVES_MAX || lines->leaves > lines->values.length)
		return false;
	*tree = (struct tree_numbers){.leaves = (size_t)lines->leaves, .splits = (size_t)lines->leaves - 1};
	tree->features = ARENA_ARRAY(working, int64_t, tree->splits);
	tree->decisions = ARENA_ARRAY(working, int64_t, tree->splits);
	tree->left = ARENA_ARRAY(working, int64_t, tree->splits);
	tree->right = ARENA_ARRAY(working, int64_t, tree->splits);
	tree->thresholds = ARENA_ARRAY(working, double, tree->splits);
	tree->values = ARENA_ARRAY(working, double, tree->leaves);
	tree->covers = ARENA_ARRAY(working, double, tree->splits + tree->leaves);
	covers_take(lines, tree);
	return !arena_failed(working) && numbers_take(lines->values, tree->values, tree->leaves) &&
	       integers_take(lines->features, tree->features, tree->splits) &&
	       integers_take(lines->decisions, tree->decisions, tree->splits) &&
	       integers_take(lines->left, tree->left, tree->splits) && integers_take(lines->right, tree->right, tree->splits) &&
	       numbers_take(lines->thresholds, tree->thresholds, tree->splits) && sets_take(lines, tree, working);
}

/* A split's child as a place among the nodes: splits first, then leaves. -2: nowhere. */
static int64_t child_of(const struct tree_numbers *tree, int64_t child)
{
	if (child >= 0)
		return child < (int64_t)tree->splits ? child : -2;
	return ~child < (int64_t)tree->leaves ? (int64_t)tree->splits + ~child : -2;
}

static enum tree_missing missing_of(int64_t decision)
{
	bool left = decision & DECISION_LEFT;
	switch (decision >> DECISION_MISSING_SHIFT) {
	case MISSING_ZERO:
		return left ? TREE_ZERO_LEFT : TREE_ZERO_RIGHT;
	case MISSING_NAN:
		return left ? TREE_NAN_LEFT : TREE_NAN_RIGHT;
	default:
		return TREE_NAN_IS_ZERO;
	}
}

static bool split_take(const struct tree_numbers *tree, size_t index, struct tree_node *node)
{
	int64_t decision = tree->decisions[index];
	if (tree->features[index] < 0 || tree->features[index] > UINT32_MAX || decision < 0 ||
	    decision >> DECISION_MISSING_SHIFT > MISSING_NAN)
		return false;
	*node = (struct tree_node){.left = child_of(tree, tree->left[index]),
				   .right = child_of(tree, tree->right[index]),
				   .feature = (uint32_t)tree->features[index],
				   .cover = tree->covers[index]};
	if (node->left < 0 || node->right < 0)
		return false;
	if (!(decision & DECISION_CATEGORY)) {
		node->missing = missing_of(decision);
		node->value = tree_at_most(tree->thresholds[index]);
		return true;
	}
	double set = tree->thresholds[index];
	node->missing = TREE_CATEGORY;
	if (!(set >= 0 && set < (double)tree->sets))
		return false;
	node->set = &tree->sets_of[(size_t)set];
	return true;
}

static bool tree_take(struct trees_builder *builder, const struct tree_lines *lines, size_t number, size_t output,
		      struct arena *working, struct error *error)
{
	struct tree_numbers tree;
	if (lines->linear)
		return predictor_refuse(error, "its trees have linear models in their leaves (linear_tree), which are not read");
	bool whole = numbers_of_tree(lines, &tree, working);
	struct tree_node *nodes = whole ? ARENA_ARRAY(working, struct tree_node, tree.splits + tree.leaves) : NULL;
	for (size_t i = 0; nodes && whole && i < tree.splits; i++)
		whole = split_take(&tree, i, &nodes[i]);
	if (arena_failed(working))
		return error_memory(error, ERROR_SYSTEM, "reading a model");
	if (!whole)
		return predictor_refuse(error, "tree %zu is not whole: a line is missing, or has numbers out of range", number);
	for (size_t i = 0; i < tree.leaves; i++)
		nodes[tree.splits + i] =
			(struct tree_node){.left = TREE_LEAF, .value = tree.values[i], .cover = tree.covers[tree.splits + i]};
	return trees_add(builder, nodes, tree.splits + tree.leaves, output, error);
}

#define WORKING_BYTES ((size_t)4 << 30) /* of one tree taken apart */

static bool trees_take(struct trees_builder *builder, struct lightgbm_lines *lines, size_t per_round, size_t *count,
		       struct error *error)
{
	struct arena *working = arena_open(WORKING_BYTES);
	bool good = working || error_memory(error, ERROR_SYSTEM, "reading a model");
	for (*count = 0; good && text_is(lines->key, "Tree"); ++*count) {
		struct tree_lines tree;
		arena_reset(working);
		good = tree_lines_take(lines, &tree) ||
		       predictor_refuse(error, "tree %zu does not say how many leaves it has", *count);
		good = good && tree_take(builder, &tree, *count, *count % per_round, working, error);
	}
	arena_close(working);
	if (good && (!text_is(lines->key, "end of trees") || *count % per_round != 0))
		good = predictor_refuse(error,
					"it breaks off after %zu trees: its line `end of trees` is missing, or a class has fewer "
					"trees than others",
					*count);
	return good;
}

struct predictor *predictor_read_lightgbm(struct arena *arena, struct text content, struct error *error)
{
	struct lightgbm_lines lines = {.rest = content};
	struct lightgbm_header header;
	struct predictor *predictor = ARENA_NEW(arena, struct predictor);
	if (!predictor)
		return error_null(error_memory(error, ERROR_SYSTEM, "reading a model"));
	if (!header_take(&lines, &header, error) || !traits_take(predictor, &header, arena, error))
		return NULL;
	const struct trees_form form = {.features = predictor->traits.features, .outputs = predictor->traits.margins};
	struct trees_builder *builder = trees_begin(arena, &form, error);
	size_t count;
	if (!builder || !trees_take(builder, &lines, form.outputs, &count, error)) {
		trees_abandon(builder);
		return NULL;
	}
	predictor->trees = trees_end(builder, error);
	if (header.average && count)
		predictor->share = (double)form.outputs / (double)count;
	return predictor->trees ? predictor : NULL;
}
