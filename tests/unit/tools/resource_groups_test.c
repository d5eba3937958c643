/* resource_groups_test.c: `sluice describe` shows the consumer groups of a pipeline in force, and the lag of each. */
#include "tools/client/control/resource_groups.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "steps/kinds.h"
#include "tests/unit/table_stand.h"

#define PIPELINE(name, explain)                                                                                                    \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: " name "}\nspec:\n  steps:\n"                     \
	"  - {name: w, drift: {reference: {topic: before}}}\n"                                                                     \
	"  - {name: a, inputs: [w], model: {name: m}}\n" explain "  output: {steps: [a]}\n"
#define EXPLAIN "  - {name: e, inputs: [a], explain: {background: {rows: 2}}}\n"
#define MODEL "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: m}\nspec: {storageUri: 'builtin:echo'}\n"

static struct arena *arena;
static struct control_reader reader;

static int groups_open(void **state)
{
	arena = arena_open((size_t)4 << 20);
	return !arena || table_stand_open(state);
}

static int groups_close(void **state)
{
	control_reader_close(&reader);
	arena_close(arena);
	return table_stand_close(state);
}

static struct resource_groups groups_of(const char *pipeline)
{
	struct resource_groups groups;
	struct error error = {0};
	const struct resource_groups_config config = {
		.kinds = step_kinds, .prefix = "sluice", .namespace = "default", .arena = arena};
	control_reader(&table_stand, &reader);
	if (!resource_groups_find(&config, &reader.ledger, pipeline, &groups, &error))
		fail_msg("%s", error.text);
	return groups;
}

static void explainers_are_a_group_with_topics_of_its_own(void **state)
{
	(void)state;
	table_propose("Model", "m", MODEL);
	table_propose("Pipeline", "p", PIPELINE("p", EXPLAIN));
	const struct resource_groups groups = groups_of("p");
	assert_int_equal(groups.count, 3);
	assert_string_equal(groups.items[0].name, "sluice.default.at-least-once");
	assert_string_equal(groups.items[0].purpose, "answers");
	assert_non_null(strstr(groups.items[0].reads, "sluice.default.pipeline.p.inputs"));
	assert_string_equal(groups.items[1].name, "sluice.default.observers");
	assert_string_equal(groups.items[1].purpose, "observes");
	assert_string_equal(groups.items[1].reads, "sluice.default.pipeline.p.stage.w.observer");
	assert_string_equal(groups.items[2].name, "sluice.default.explainers");
	assert_string_equal(groups.items[2].purpose, "explains");
	assert_string_equal(groups.items[2].reads, "sluice.default.pipeline.p.stage.e");
	for (size_t i = 0; i < groups.count; i++)
		assert_int_equal(groups.items[i].lag, -1);
}

static void a_pipeline_without_explanations_has_no_such_group(void **state)
{
	(void)state;
	table_propose("Model", "m", MODEL);
	table_propose("Pipeline", "q", PIPELINE("q", ""));
	assert_int_equal(groups_of("q").count, 2);
	control_reader_close(&reader);
	assert_int_equal(groups_of("of-nobody").count, 0);
}

/* ---- as it is shown ---- */

static char *description_of(bool json)
{
	static char shown[8192];
	const struct resource_group groups[] = {{"sluice.default.at-least-once", "a", "answers", 0},
						{"sluice.default.explainers", "b", "explains", 12},
						{"sluice.default.observers", "c", "observes", -1}};
	struct ledger_version version = {.record = {.kind = TEXT("Pipeline"), .name = TEXT("p"), .version = 1}};
	struct ledger_version *versions[] = {&version};
	const struct ledger_resource resource = {.kind = TEXT("Pipeline"), .name = TEXT("p"), .count = 1, .versions = versions};
	const struct resource_view view = {&resource, &version.record, &version.record, CHANGE_ACTIVE, {0}};
	const struct ledger ledger = {0};
	const struct condition_table conditions = {0};
	struct buffer out;
	buffer_open(&out, sizeof shown - 1);
	struct resource_description description = {.view = &view,
						   .ledger = &ledger,
						   .conditions = &conditions,
						   .group_count = 3,
						   .groups = groups,
						   .arena = arena,
						   .json = json,
						   .out = &out};
	resource_description_print(&description);
	memcpy(shown, out.bytes, out.length);
	shown[out.length] = '\0';
	buffer_close(&out);
	return shown;
}

static void each_group_is_shown_with_its_lag(void **state)
{
	(void)state;
	control_reader(&table_stand, &reader);
	const char *shown = description_of(false);
	assert_non_null(strstr(shown, "\nGROUP                                    PURPOSE   LAG\n"));
	assert_non_null(strstr(shown, "sluice.default.at-least-once             answers   0\n"));
	assert_non_null(strstr(shown, "sluice.default.explainers                explains  12\n"));
	assert_non_null(strstr(shown, "sluice.default.observers                 observes  not known\n"));
	shown = description_of(true);
	assert_non_null(strstr(shown, "{\"name\": \"sluice.default.explainers\", \"purpose\": \"explains\", \"lag\": 12}"));
	assert_non_null(strstr(shown, "\"purpose\": \"observes\", \"lag\": null}]"));
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, groups_open, groups_close)
	const struct CMUnitTest tests[] = {
		STORY(explainers_are_a_group_with_topics_of_its_own),
		STORY(a_pipeline_without_explanations_has_no_such_group),
		STORY(each_group_is_shown_with_its_lag),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
