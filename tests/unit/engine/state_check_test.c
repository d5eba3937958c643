/* state_check_test.c: files that are read again and would leave a step without its state are refused. */
#include "engine/setup/state_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/planning.h"

#define COUNT(name) "  - {name: " name ", features: {set: {n_" name ": count(x over 5)}}}\n"
#define NEXT(name, from) "  - {name: " name ", inputs: [" from "], features: {set: {n_" name ": count(x over 5)}}}\n"
#define OUTPUT(name) "  output: {steps: [" name "]}\n"

/* A pipeline of that name, whose steps read a topic of the user's and count. */
#define PIPELINE(name, input, delivery)                                                                                            \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: " name "}\nspec:\n  delivery: " delivery "\n"      \
	"  input: {topic: " input "}\n  steps:\n" COUNT("a") OUTPUT("a")

static const struct state_history nothing_left = {0};
static bool versioned; /* as with a control plane */

static struct error ask_of(struct planning first, struct planning second, struct name_list new_state)
{
	struct plan old, new;
	struct error error = {0};
	planning_plan(&first, NULL, &old);
	planning_plan(&second, NULL, &new);
	assert_true(state_check_reload(&old, &new, &nothing_left, new_state, versioned, &error) == (error.kind == ERROR_NONE));
	planning_close(&first);
	planning_close(&second);
	return error;
}

static struct error ask(const char *before, const char *now, struct name_list new_state)
{
	struct planning first, second;
	planning_open_steps(&first, before);
	planning_open_steps(&second, now);
	return ask_of(first, second, new_state);
}

static struct error ask_files(const char *before, const char *now, struct name_list new_state)
{
	struct planning first, second;
	planning_open(&first, before);
	planning_open(&second, now);
	return ask_of(first, second, new_state);
}

static void a_step_with_state_that_is_renamed_is_refused(void **state)
{
	(void)state;
	static const struct name names[] = {{.text = "p"}};
	struct error error = ask(COUNT("a") OUTPUT("a"), COUNT("b") OUTPUT("b"), (struct name_list){0});
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_non_null(strstr(error.text, "holds state of step `a`, and the stage would have `b` instead"));
	error = ask(COUNT("a") OUTPUT("a"), COUNT("b") OUTPUT("b"), (struct name_list){1, names});
	assert_int_equal(error.kind, ERROR_NONE);
}

static void steps_may_come_or_go(void **state)
{
	(void)state;
	static const char one[] = COUNT("a") OUTPUT("a"), two[] = COUNT("a") NEXT("b", "a") OUTPUT("b");
	assert_int_equal(ask(one, one, (struct name_list){0}).kind, ERROR_NONE);
	assert_int_equal(ask(one, two, (struct name_list){0}).kind, ERROR_NONE);
	assert_int_equal(ask(two, one, (struct name_list){0}).kind, ERROR_NONE);
}

#define WATCH(name) "  - {name: " name ", drift: {reference: {topic: before}}}\n"

static void observers_of_a_stage_may_be_renamed(void **state)
{
	(void)state;
	static const char before[] = WATCH("a") WATCH("b") OUTPUT("a");
	assert_int_equal(ask(before, WATCH("a") WATCH("c") OUTPUT("a"), (struct name_list){0}).kind, ERROR_NONE);
	assert_int_equal(ask(before, WATCH("c") WATCH("b") OUTPUT("b"), (struct name_list){0}).kind, ERROR_NONE);
	assert_int_equal(ask(before, WATCH("b") WATCH("a") OUTPUT("b"), (struct name_list){0}).kind, ERROR_NONE);
}

/* What it reads was committed with the changelog of the other name. */
static void a_pipeline_with_state_that_is_renamed_is_refused(void **state)
{
	(void)state;
	static const char p[] = PIPELINE("p", "t", "exactly-once"), q[] = PIPELINE("q", "t", "exactly-once");
	static const char both[] = PIPELINE("p", "t", "exactly-once") "---\n" PIPELINE("q", "u", "exactly-once");
	static const struct name names[] = {{.text = "q"}}, others[] = {{.text = "p"}};
	struct error error = ask_files(p, q, (struct name_list){0});
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_non_null(strstr(error.text, "pipeline q would read t with no state: its state is in changelog "));
	assert_non_null(strstr(error.text, ", of pipeline p;"));
	assert_int_equal(ask_files(p, q, (struct name_list){1, others}).kind, ERROR_CONFIG);
	assert_int_equal(ask_files(p, q, (struct name_list){1, names}).kind, ERROR_NONE);
	assert_int_equal(ask_files(p, both, (struct name_list){0}).kind, ERROR_NONE);
	assert_int_equal(ask_files(both, p, (struct name_list){0}).kind, ERROR_NONE);
}

static void one_that_reads_another_topic_or_by_another_group_begins_anew(void **state)
{
	(void)state;
	static const char p[] = PIPELINE("p", "t", "exactly-once");
	assert_int_equal(ask_files(p, PIPELINE("q", "u", "exactly-once"), (struct name_list){0}).kind, ERROR_NONE);
	assert_int_equal(ask_files(p, PIPELINE("q", "t", "at-least-once"), (struct name_list){0}).kind, ERROR_NONE);
}

/* ---- pipelines that go, and come back ---- */

#define OTHER PIPELINE("other", "u", "exactly-once")
#define WITH(steps) OTHER "---\n" "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"          \
			  "  delivery: exactly-once\n  input: {topic: t}\n  steps:\n" steps

/* One reading of files after the other. */
struct readings {
	struct planning planning;
	struct plan plan;
	struct state_history history;
};

static void readings_begin(struct readings *readings, const char *files)
{
	*readings = (struct readings){0};
	planning_open(&readings->planning, files);
	planning_plan(&readings->planning, NULL, &readings->plan);
}

/* They are followed, unless they are refused. */
static struct error readings_go_on(struct readings *readings, const char *files, struct name_list new_state)
{
	struct planning planning;
	struct plan plan;
	struct error error = {0};
	planning_open(&planning, files);
	planning_plan(&planning, NULL, &plan);
	if (!state_check_reload(&readings->plan, &plan, &readings->history, new_state, false, &error)) {
		planning_close(&planning);
		return error;
	}
	assert_true(state_history_note(&readings->history, &readings->plan, &plan, &error));
	planning_close(&readings->planning);
	readings->planning = planning;
	readings->plan = plan;
	return error;
}

static void readings_end(struct readings *readings)
{
	planning_close(&readings->planning);
	state_history_close(&readings->history);
}

static void one_that_comes_back_with_a_step_renamed_is_refused(void **state)
{
	(void)state;
	static const struct name names[] = {{.text = "p"}};
	struct readings readings;
	readings_begin(&readings, WITH(COUNT("a") OUTPUT("a")));
	assert_int_equal(readings_go_on(&readings, OTHER, (struct name_list){0}).kind, ERROR_NONE);
	assert_int_equal(readings_go_on(&readings, PIPELINE("other", "u", "exactly-once") "\n", (struct name_list){0}).kind,
			 ERROR_NONE); /* once more without it */
	struct error error = readings_go_on(&readings, WITH(COUNT("b") OUTPUT("b")), (struct name_list){0});
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_non_null(strstr(error.text, "pipeline p: its changelog "));
	assert_non_null(strstr(error.text, "holds state of step `a`, and the stage would have `b` instead"));
	assert_non_null(strstr(error.text, "undo the renaming, or start an engine with --new-state p"));
	assert_int_equal(readings_go_on(&readings, WITH(COUNT("a") NEXT("b", "a") OUTPUT("b")), (struct name_list){0}).kind,
			 ERROR_NONE);
	assert_int_equal(readings_go_on(&readings, OTHER, (struct name_list){0}).kind, ERROR_NONE);
	error = readings_go_on(&readings, WITH(COUNT("a") NEXT("c", "a") OUTPUT("c")), (struct name_list){0});
	assert_non_null(strstr(error.text, "holds state of step `b`, and the stage would have `c` instead"));
	assert_int_equal(readings_go_on(&readings, WITH(COUNT("c") OUTPUT("c")), (struct name_list){1, names}).kind, ERROR_NONE);
	readings_end(&readings);
}

static void one_that_comes_back_as_it_was_or_accepted_is_forgotten(void **state)
{
	(void)state;
	struct readings readings;
	readings_begin(&readings, WITH(COUNT("a") OUTPUT("a")));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(readings_go_on(&readings, OTHER, (struct name_list){0}).kind, ERROR_NONE);
		assert_non_null(readings.history.changelogs.first);
		assert_null(readings.history.changelogs.first->next);
		assert_int_equal(readings_go_on(&readings, WITH(COUNT("a") OUTPUT("a")), (struct name_list){0}).kind, ERROR_NONE);
		assert_null(readings.history.changelogs.first);
	}
	readings_end(&readings);
}

static void a_control_plane_gives_no_pipeline_the_place_of_another(void **state)
{
	(void)state;
	static const char before[] = PIPELINE("p", "t", "exactly-once"), now[] = PIPELINE("q", "t", "exactly-once");
	versioned = true;
	struct error error = ask_files(before, now, (struct name_list){0});
	versioned = false;
	assert_int_equal(error.kind, ERROR_CONFIG); /* the state of another pipeline */
	assert_non_null(strstr(error.text, "would read t with no state"));
}

/* Its changelog also has parts of requests. */
static void a_stage_that_joins_keeps_its_state_with_a_control_plane_too(void **state)
{
	(void)state;
#define SIDES                                                                                                                      \
	"  - {name: l, isolate: true, expression: {set: {x: x}}}\n  - {name: r, isolate: true, expression: {set: {y: x}}}\n"
#define JOINED(name)                                                                                                               \
	SIDES "  - {name: j, inputs: [l, r], expression: {set: {x: x}}}\n  - {name: " name                                         \
	      ", inputs: [j], features: {set: {c: count(x over 1h)}}}\n" OUTPUT(name)
	versioned = true;
	struct error error = ask(JOINED("a"), JOINED("b"), (struct name_list){0});
	versioned = false;
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_non_null(strstr(error.text, "stage.j.state holds state of step `a`, and the stage would have `b` instead"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_step_with_state_that_is_renamed_is_refused),
		cmocka_unit_test(steps_may_come_or_go),
		cmocka_unit_test(observers_of_a_stage_may_be_renamed),
		cmocka_unit_test(a_stage_that_joins_keeps_its_state_with_a_control_plane_too),
		cmocka_unit_test(a_control_plane_gives_no_pipeline_the_place_of_another),
		cmocka_unit_test(a_pipeline_with_state_that_is_renamed_is_refused),
		cmocka_unit_test(one_that_reads_another_topic_or_by_another_group_begins_anew),
		cmocka_unit_test(one_that_comes_back_with_a_step_renamed_is_refused),
		cmocka_unit_test(one_that_comes_back_as_it_was_or_accepted_is_forgotten),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
