/* trees_test.c: sums of trees, of any depth and shape, held against a plain walk down each tree. */
#include "methods/predictors/trees.h"

#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "base/number/random.h"
#include "tests/unit/arena_fixture.h"

#define FEATURES_MAX 11
#define NODES_MAX 2048
#define TREES_MAX 24
#define ROWS 41
#define WIDTH (FEATURES_MAX + 2)

static struct error error;
static struct random chance;

/* Trees as they were given. */
static struct {
	struct tree_node nodes[NODES_MAX];
	size_t count;
} given[TREES_MAX];

static int set_up(void **state)
{
	(void)state;
	error = (struct error){0};
	chance = (struct random){11};
	arena = arena_open((size_t)64 << 20);
	return arena ? 0 : 1;
}

/* Numbers at which floats, their order and their ends could go wrong; thresholds are among them, and beside them. */
static double drawn(void)
{
	static const double odd[] = {
		0.0,  -0.0,  1,       -1,    0.1,    -0.1,     FLT_MIN,	  -FLT_MIN,	    FLT_MAX,
		1e300, -1e300, DBL_MAX, 1e-46, -1e-46, 16777217, -FLT_MAX, (double)INFINITY, (double)-INFINITY,
	};
	const double number = odd[random_below(&chance, sizeof odd / sizeof *odd)];
	switch (random_below(&chance, 4)) {
	case 0:
		return nextafter(number, (double)INFINITY);
	case 1:
		return (double)nextafterf((float)number, -INFINITY);
	default:
		return number;
	}
}

static size_t node_new(size_t tree)
{
	given[tree].nodes[given[tree].count] = (struct tree_node){
		.left = TREE_LEAF, .value = (double)random_between(&chance, -1000, 1000) / 7, .cover = (double)NAN};
	return given[tree].count++;
}

/* Splits a leaf, and what is made of it so long as the levels last. */
static void node_grow(size_t tree, size_t place, uint32_t levels, unsigned fullness, size_t features, unsigned ways)
{
	static const enum tree_missing all[] = {TREE_NAN_LEFT, TREE_NAN_RIGHT, TREE_NAN_IS_ZERO, TREE_ZERO_LEFT};
	if (levels == 0 || given[tree].count + 2 > NODES_MAX)
		return;
	const size_t left = node_new(tree), right = node_new(tree);
	struct tree_node *node = &given[tree].nodes[place];
	double value = drawn();
	while (value == (double)-INFINITY)
		value = drawn();
	*node = (struct tree_node){.left = (int64_t)left,
				   .right = (int64_t)right,
				   .value = value,
				   .feature = (uint32_t)random_below(&chance, features),
				   .missing = all[random_below(&chance, ways)],
				   .cover = (double)NAN};
	const bool first = random_below(&chance, 2) == 0;
	node_grow(tree, left, first || random_in_thousand(&chance, fullness) ? levels - 1 : 0, fullness, features, ways);
	node_grow(tree, right, !first || random_in_thousand(&chance, fullness) ? levels - 1 : 0, fullness, features, ways);
}

static bool goes_left(const struct tree_node *node, double number, bool single)
{
	number = single ? (double)(float)number : number;
	const bool nothing = isnan(number) || (node->missing == TREE_ZERO_LEFT && fabs(number) <= (double)1e-35F);
	if (!nothing)
		return number < node->value || node->value == (double)INFINITY;
	return node->missing == TREE_NAN_IS_ZERO ? 0 < node->value : node->missing != TREE_NAN_RIGHT;
}

static double walked(size_t trees, const double *row, bool single, const size_t *order)
{
	double sum = 0;
	for (size_t i = 0; i < trees; i++) {
		const struct tree_node *node = given[order[i]].nodes;
		while (node->left != TREE_LEAF)
			node = &given[order[i]].nodes[goes_left(node, row[node->feature], single) ? node->left : node->right];
		sum += node->value;
	}
	return sum;
}

/* What is laid out shallow first is added in that order. */
static uint32_t depth_of(size_t tree, size_t place)
{
	const struct tree_node *node = &given[tree].nodes[place];
	if (node->left == TREE_LEAF)
		return 0;
	const uint32_t left = depth_of(tree, (size_t)node->left), right = depth_of(tree, (size_t)node->right);
	return 1 + (left > right ? left : right);
}

static void order_make(size_t trees, size_t *order)
{
	size_t count = 0;
	for (uint32_t depth = 0; depth < 64; depth++)
		for (size_t i = 0; i < trees; i++)
			if (depth_of(i, 0) == depth)
				order[count++] = i;
	assert_int_equal(count, trees);
}

struct forest_shape {
	size_t features, trees;
	uint32_t depth_least, depth_most;
	unsigned fullness, ways; /* of a thousand nodes how many have two splits below them; in how many ways to be missing */
	bool single;
};

static void forest_hold(const struct forest_shape *shape)
{
	const struct trees_form form = {shape->features, 1, false, shape->single};
	struct trees_builder *builder = trees_begin(arena, &form, &error);
	double rows[ROWS * WIDTH], together[ROWS];
	size_t order[TREES_MAX];
	assert_non_null(builder);
	for (size_t i = 0; i < shape->trees; i++) {
		given[i].count = 0;
		node_grow(i, node_new(i), (uint32_t)random_between(&chance, shape->depth_least, shape->depth_most), shape->fullness,
			  shape->features, shape->ways);
		assert_true(trees_add(builder, given[i].nodes, given[i].count, 0, &error));
	}
	const struct trees *trees = trees_end(builder, &error);
	assert_non_null(trees);
	for (size_t i = 0; i < ROWS * WIDTH; i++)
		rows[i] = random_below(&chance, 8) ? drawn() : copysign((double)NAN, random_below(&chance, 2) ? 1.0 : -1.0);
	double *scratch = ARENA_ARRAY(arena, double, trees_scratch(trees, ROWS)), *least = ARENA_ARRAY(arena, double,
		trees_scratch(trees, 1));
	order_make(shape->trees, order);
	trees_sum(trees, rows, WIDTH, ROWS, together, scratch);
	for (size_t i = 0; i < ROWS; i++) {
		double alone, wanted = walked(shape->trees, rows + i * WIDTH, shape->single, order);
		trees_sum(trees, rows + i * WIDTH, WIDTH, 1, &alone, least);
		if (!(alone == wanted && together[i] == wanted))
			fail_msg("%zu features, %zu trees, row %zu: alone %.17g, together %.17g, and not %.17g", shape->features,
				 shape->trees, i, alone, together[i], wanted);
	}
}

static void trees_of_any_shape_are_summed_as_they_are_walked(void **state)
{
	(void)state;
	static const struct forest_shape shapes[] = {
		{1, 1, 0, 0, 1000, 1, true},	{1, 3, 1, 1, 1000, 1, true},	 {4, 24, 8, 8, 1000, 1, true},
		{7, 24, 0, 8, 900, 2, true},	{11, 23, 3, 10, 700, 3, true}, /* some too deep to be filled up */
		{11, 24, 9, 12, 600, 2, true},	{5, 21, 8, 8, 0, 3, true},	 /* chains */
		{8, 24, 0, 8, 900, 4, true}, /* zeros are missing too */
		{11, 22, 0, 10, 800, 3, false},
	};
	for (size_t round = 0; round < 20; round++)
		for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
			arena_reset(arena);
			forest_hold(&shapes[i]);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(trees_of_any_shape_are_summed_as_they_are_walked, set_up, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
