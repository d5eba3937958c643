/* resource_choice_test.c: Tests of the choice of resources by kind, name and labels, and of the count of deletions. */
#include "tools/client/control/resource_choice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

/* A resource with one version, in force unless it is deleted. */
struct scene {
	struct ledger_version version;
	struct ledger_version *versions[1];
	struct ledger_resource resource;
};

static const struct control_label team[] = {{{"team", sizeof "team" - 1}, {"risk", sizeof "risk" - 1}},
					    {{"tier", sizeof "tier" - 1}, {"1", sizeof "1" - 1}}};

static struct resource_view view_of(struct scene *scene, const char *kind, const char *name, bool deleted, int64_t time_ms)
{
	*scene = (struct scene){.resource = {.kind = text_of(kind), .name = text_of(name), .count = 1}};
	scene->version.record = (struct control_version){.kind = text_of(kind),
							 .name = text_of(name),
							 .version = 1,
							 .action = deleted ? CONTROL_DELETE : CONTROL_APPLY,
							 .time_ms = time_ms,
							 .labels = {2, (void *)team}};
	scene->versions[0] = &scene->version;
	scene->resource.versions = scene->versions;
	return (struct resource_view){.resource = &scene->resource,
				      .newest = &scene->version.record,
				      .in_force = deleted ? NULL : &scene->version.record,
				      .phase = CHANGE_ACTIVE};
}

static bool is_chosen(struct resource_choice choice, const char *kind, const char *name, bool deleted)
{
	struct scene scene;
	const struct resource_view view = view_of(&scene, kind, name, deleted, 0);
	return resource_choice_is_due(&choice, NULL, &view);
}

static void kind_and_name_choose_and_without_them_all_are_chosen(void **state)
{
	(void)state;
	const struct resource_choice all = {0}, pipelines = {.wanted = {"Pipeline", NULL}}, p = {.wanted = {"Pipeline", "p"}};
	assert_true(is_chosen(all, "Pipeline", "p", false));
	assert_true(is_chosen(all, "Model", "m", false));
	assert_true(is_chosen(pipelines, "Pipeline", "q", false));
	assert_false(is_chosen(pipelines, "Model", "p", false));
	assert_true(is_chosen(p, "Pipeline", "p", false));
	assert_false(is_chosen(p, "Pipeline", "q", false));
}

/* Whether a pipeline with the labels of `team` is chosen by that selector. */
static bool is_selected(const char *selector)
{
	struct arena *arena = arena_open(65536);
	const struct name text = {.text = selector};
	struct resource_choice choice = {0};
	struct error error = {0};
	assert_true(label_selector_read(&(struct name_list){1, &text}, arena, &choice.labels, &error));
	const bool chosen = is_chosen(choice, "Pipeline", "p", false);
	arena_close(arena);
	return chosen;
}

static void a_resource_needs_every_label_that_is_asked_for(void **state)
{
	(void)state;
	assert_true(is_selected("team=risk,tier=1"));
	assert_false(is_selected("team=risk,tier=2"));
	assert_false(is_selected("team=risk,zone=1"));
}

static void a_deleted_resource_is_not_chosen_but_counted_with_the_last_deletion(void **state)
{
	(void)state;
	struct scene early, late, other, alive;
	struct resource_choice choice = {.wanted = {"Pipeline", NULL}};
	const struct resource_view views[] = {
		view_of(&early, "Pipeline", "early", true, 1000), view_of(&late, "Pipeline", "late", true, 3000),
		view_of(&other, "Model", "m", true, 9000), view_of(&alive, "Pipeline", "p", false, 9000)};
	assert_false(is_chosen(choice, "Pipeline", "early", true));
	resource_choice_count(&choice, &views[1]);
	resource_choice_count(&choice, &views[0]);
	resource_choice_count(&choice, &views[2]);
	resource_choice_count(&choice, &views[3]);
	assert_int_equal(choice.deleted, 2);
	assert_ptr_equal(choice.deleted_last, &late.resource);
	struct arena *arena = arena_open(65536);
	const struct name label = {.text = "team=risk"};
	struct resource_choice labelled = {0};
	struct error error = {0};
	assert_true(label_selector_read(&(struct name_list){1, &label}, arena, &labelled.labels, &error));
	resource_choice_count(&labelled, &views[0]);
	arena_close(arena);
	assert_int_equal(labelled.deleted, 0); /* who looks by label does not look for what is gone */
}

/* Nobody has deleted it: `get` shows why it does not run. */
static void a_resource_whose_first_version_failed_is_chosen(void **state)
{
	(void)state;
	struct scene scene;
	struct resource_choice choice = {0};
	struct resource_view view = view_of(&scene, "Pipeline", "p", false, 1000);
	view.in_force = NULL;
	view.phase = CHANGE_FAILED;
	assert_true(resource_choice_is_due(&choice, NULL, &view));
	resource_choice_count(&choice, &view);
	assert_int_equal(choice.deleted, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kind_and_name_choose_and_without_them_all_are_chosen),
		cmocka_unit_test(a_resource_needs_every_label_that_is_asked_for),
		cmocka_unit_test(a_deleted_resource_is_not_chosen_but_counted_with_the_last_deletion),
		cmocka_unit_test(a_resource_whose_first_version_failed_is_chosen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
