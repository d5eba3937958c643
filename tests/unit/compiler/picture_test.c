/* picture_test.c: pictures of plans: nothing overlaps, arrows lead to the right, and any name is a label. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/print/picture.h"
#include "tests/unit/planning.h"

#define HEAD "apiVersion: mlops.seldon.io/v1alpha1\nkind: "
#define MODEL(name) "---\n" HEAD "Model\nmetadata: {name: " name "}\nspec: {storageUri: \"stub://sum\"}\n"

static const char *const stories[] = {
	/* a diamond, and an edge that skips two columns */
	"  - {name: a, expression: {set: {y: x}}}\n  - {name: b, inputs: [a], expression: {set: {y: x}}}\n"
	"  - {name: c, inputs: [a], expression: {set: {z: x}}}\n  - {name: d, inputs: [b, c], expression: {set: {y: 1}}}\n"
	"  - {name: e, inputs: [a, d], triggers: [c], expression: {set: {y: 1}}}\n  output: {steps: [e, a]}\n",
	/* three stages, one of which calls a model under another name twice */
	"  - {name: a, expression: {set: {y: x}}}\n  - {name: b, inputs: [a], isolate: true, model: {name: m}}\n"
	"  - {name: c, inputs: [a], isolate: true, model: {name: m}}\n  output: {steps: [a, b, c]}\n" MODEL("m"),
	/* a cycle */
	"  - {name: a, inputs: [p, b.outputs.again], inputsJoinType: any, expression: {set: {y: 1}}}\n"
	"  - {name: b, inputs: [a], expression: {set: {again: 1}}}\n"
	"  allowCycles: true\n  maxStepRevisits: 3\n  output: {steps: [b]}\n",
	"  - {name: alone, expression: {set: {y: x}}}\n",
};

#define STORIES (sizeof stories / sizeof *stories)

static double top_of(const struct picture_node *node)
{
	return node->y - node->height / 2;
}

static bool overlap(const struct picture *picture, const struct picture_node *a, const struct picture_node *b)
{
	/* a bend is as wide as its column: the line passes all of it */
	const double a_width = a->shape == SHAPE_BEND ? picture->column_width[a->column] : a->width;
	const double b_width = b->shape == SHAPE_BEND ? picture->column_width[b->column] : b->width;
	return a->x < b->x + b_width && b->x < a->x + a_width && top_of(a) < top_of(b) + b->height &&
	       top_of(b) < top_of(a) + a->height;
}

static void see_picture(const char *steps, void (*see)(const struct picture *picture, const char *steps))
{
	struct planning planning;
	struct plan plan;
	struct picture picture;
	planning_open_steps(&planning, steps);
	planning_plan(&planning, NULL, &plan);
	assert_true(pipeline_picture_make(&plan.pipelines[0], planning.arena, &picture));
	see(&picture, steps);
	planning_close(&planning);
}

static void nodes_do_not_overlap(const struct picture *picture, const char *steps)
{
	for (size_t i = 0; i < picture->node_count; i++) {
		const struct picture_node *node = &picture->nodes[i];
		if (node->x < 0 || top_of(node) < 0 || node->x + node->width > picture->width ||
		    top_of(node) + node->height > picture->height)
			fail_msg("`%s` is outside of the picture of\n%s", node->label, steps);
		for (size_t j = 0; j < i; j++)
			if (overlap(picture, node, &picture->nodes[j]))
				fail_msg("`%s` and `%s` overlap in\n%s", node->label, picture->nodes[j].label, steps);
	}
}

static void bands_do_not_overlap(const struct picture *picture, const char *steps)
{
	for (size_t i = 0; i < picture->node_count; i++) {
		const struct picture_node *node = &picture->nodes[i];
		const double begin = picture->band_y[node->band], end = begin + picture->band_height[node->band];
		if (top_of(node) < begin - 0.01 || top_of(node) + node->height > end + 0.01)
			fail_msg("`%s` is outside of its band in\n%s", node->label, steps);
	}
	for (size_t band = 1; band < picture->bands; band++)
		assert_true(picture->band_y[band - 1] + picture->band_height[band - 1] + 30 < picture->band_y[band]);
}

static void edges_lead_to_the_right(const struct picture *picture, const char *steps)
{
	for (size_t i = 0; i < picture->edge_count; i++) {
		const struct picture_edge *edge = &picture->edges[i];
		const struct picture_node *from = &picture->nodes[edge->from], *to = &picture->nodes[edge->to];
		const bool is_back = strstr(steps, "again") && from->column >= to->column;
		const bool is_left = edge->is_call ? from->column != to->column && from->band == to->band
						   : !is_back && from->column >= to->column;
		if (is_left)
			fail_msg("the edge from `%s` to `%s` leads to the left in\n%s", from->label, to->label, steps);
		if (!edge->is_call && !is_back)
			assert_int_equal(edge->bend_count, to->column - from->column - 1);
	}
}

static void nothing_overlaps(void **state)
{
	(void)state;
	for (size_t i = 0; i < STORIES; i++) {
		see_picture(stories[i], nodes_do_not_overlap);
		see_picture(stories[i], bands_do_not_overlap);
	}
}

static void arrows_lead_to_the_right_and_pass_each_column(void **state)
{
	(void)state;
	for (size_t i = 0; i < STORIES; i++)
		see_picture(stories[i], edges_lead_to_the_right);
}

static void svg_of(const char *yaml, struct buffer *out)
{
	struct planning planning;
	struct plan plan;
	planning_open(&planning, yaml);
	planning_plan(&planning, NULL, &plan);
	buffer_open(out, (size_t)1 << 20);
	plan_print_svg(&plan, out);
	buffer_byte(out, '\0');
	assert_false(buffer_failed(out));
	planning_close(&planning);
}

#define PIPELINE(name) HEAD "Pipeline\nmetadata: {name: " name "}\nspec:\n"

static void any_name_is_a_label(void **state)
{
	(void)state;
	struct buffer out;
	svg_of(PIPELINE("p") "  steps: [{name: a}, {name: b, inputs: ['a.outputs.<x>&y'], triggers: [a]}]\n"
			     "  output: {steps: [b]}\n",
	       &out);
	assert_non_null(strstr(out.bytes, ">&#60;x&#62;&#38;y</text>\n"));
	assert_non_null(strstr(out.bytes, "<path class=\"trigger\""));
	buffer_close(&out);
}

/* XML has no such characters, also not as numbers. */
static void names_without_what_xml_cannot_have(void **state)
{
	(void)state;
	struct buffer out;
	svg_of(PIPELINE("p") "  steps: [{name: a}, {name: b, inputs: [\"a.outputs.x\\uFFFEy\\uFFFFz\"]}]\n"
			     "  output: {steps: [b]}\n",
	       &out);
	assert_non_null(strstr(out.bytes, ">xyz</text>\n"));
	buffer_close(&out);
}

static void pipelines_are_below_one_another(void **state)
{
	(void)state;
	struct buffer out;
	svg_of(PIPELINE("p") "  steps: [{name: a}]\n  output: {steps: [a]}\n---\n" PIPELINE("q") "  input: {topic: events}\n"
			     "  steps: [{name: b}]\n  output: {steps: [b]}\n", &out);
	const char *second = strstr(out.bytes, ">events</text>");
	const char *first = strstr(out.bytes, "translate(0 0.0)"), *next = first ? strstr(first + 1, "translate(0 ") : NULL;
	assert_non_null(next);
	assert_true(strtod(next + strlen("translate(0 "), NULL) > 60);
	assert_non_null(second);
	assert_non_null(strstr(second, ">b</text>"));
	assert_null(strstr(second, ">a</text>"));
	buffer_close(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_overlaps),
		cmocka_unit_test(arrows_lead_to_the_right_and_pass_each_column),
		cmocka_unit_test(any_name_is_a_label),
		cmocka_unit_test(names_without_what_xml_cannot_have),
		cmocka_unit_test(pipelines_are_below_one_another),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
