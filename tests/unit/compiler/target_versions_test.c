/* target_versions_test.c: Versions that callers of a gateway may name: that which is in force, by its number or as 1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "gateway/calls/call_setup.h"
#include "steps/kinds.h"
#include "tests/unit/planning.h"

#define DOCUMENT(kind, name, spec)                                                                                                 \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: " kind "\nmetadata: {name: " name "}\nspec: {" spec "}\n"
#define MODEL(name) DOCUMENT("Model", name, "storageUri: 'stub://x'")
#define SPLIT(name, candidates) DOCUMENT("Experiment", name, "resourceType: model, default: m, candidates: [" candidates "]")
#define MOST_BYTES ((size_t)64 << 20)

struct versions_stand {
	struct planning planning;
	struct plan plan;
	struct gateway_targets targets;
	struct call_refusal refusal;
};

static void targets_open(struct versions_stand *stand)
{
	struct error error = {0};
	planning_plan(&stand->planning, NULL, &stand->plan);
	if (!gateway_targets_make(&stand->plan, NULL, stand->planning.arena, &stand->targets, &error))
		fail_msg("%s", error.text);
}

static void documents_open(struct versions_stand *stand, const struct spec_document *documents, size_t count)
{
	const struct spec_options options = {.kinds = step_kinds, .model_pipelines = true};
	struct error error = {0};
	*stand = (struct versions_stand){.planning.arena = arena_open(MOST_BYTES)};
	if (!spec_open(&stand->planning.spec, &error) ||
	    !spec_read_documents(&stand->planning.spec, documents, count, &options, &error))
		fail_msg("%s", error.text);
	targets_open(stand);
}

static struct text no_header(const void *context, enum header_name name)
{
	(void)context, (void)name;
	return (struct text){0};
}

/* The status with which a version of the target is refused; 200: it is asked. */
static int asked(struct versions_stand *stand, const char *name, const char *version)
{
	const struct call_source source = {.targets = &stand->targets, .header = no_header};
	const struct call_name named = {.name = text_of(name), .version = text_of(version)};
	stand->refusal = (struct call_refusal){0};
	return call_target_find(&source, &named, &stand->refusal) ? 200 : stand->refusal.status;
}

static void files_have_the_version_1(void **state)
{
	static const char *const others[] = {"7", "0", "01", "1.0", "-1", "latest", "a longer one"};
	struct versions_stand stand = {0};
	(void)state;
	planning_open_steps(&stand.planning, "  - {name: a, expression: {set: {x: x}}}\n  output: {steps: [a]}\n");
	targets_open(&stand);
	assert_int_equal(asked(&stand, "p", ""), 200);
	assert_int_equal(asked(&stand, "p", "1"), 200);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		assert_int_equal(asked(&stand, "p", others[i]), 404);
	assert_int_equal(asked(&stand, "p", "7"), 404);
	assert_string_equal(stand.refusal.words, "there is no version `7` of `p` here; name version 1, or none");
	assert_int_equal(asked(&stand, "absent", "7"), 404); /* first the name is looked for */
	assert_non_null(strstr(stand.refusal.words, "there is no model or pipeline `absent`"));
	planning_close(&stand.planning);
}

static void a_control_plane_has_the_version_in_force(void **state)
{
	const struct spec_document documents[] = {
		{"pipeline", TEXT(DOCUMENT("Pipeline", "p", "steps: [{name: m}], output: {steps: [m]}")), 9, false},
		{"model", TEXT(MODEL("m")), 4, false},
		{"alone", TEXT(MODEL("alone")), 12, false}};
	struct versions_stand stand;
	(void)state;
	documents_open(&stand, documents, sizeof documents / sizeof *documents);
	assert_int_equal(asked(&stand, "p", "9"), 200);
	assert_int_equal(asked(&stand, "p", "1"), 200);
	assert_int_equal(asked(&stand, "p", ""), 200);
	assert_int_equal(asked(&stand, "p", "4"), 404);
	assert_string_equal(stand.refusal.words,
			    "there is no version `4` of `p` here; version 9 is in force, and is what 1 and no version mean");
	assert_int_equal(asked(&stand, "alone", "12"), 200); /* of the Model that its pipeline is made of */
	assert_int_equal(asked(&stand, "alone", "11"), 404);
	planning_close(&stand.planning);
}

/* What `sluice history` lists of either is a version of what is asked. */
static void an_experiment_that_answers_for_its_default_has_a_version_too(void **state)
{
	const struct spec_document documents[] = {
		{"a", TEXT(DOCUMENT("Pipeline", "a", "steps: [{name: s, expression: {set: {x: x}}}], output: {steps: [s]}")), 9,
		 false},
		{"b", TEXT(DOCUMENT("Pipeline", "b", "steps: [{name: s, expression: {set: {x: x}}}], output: {steps: [s]}")), 4,
		 false},
		{"e",
		 TEXT(DOCUMENT("Experiment", "e",
			       "resourceType: pipeline, default: a, candidates: [{name: a, weight: 1}, {name: b, weight: 1}]")),
		 2, false}};
	struct versions_stand stand;
	(void)state;
	documents_open(&stand, documents, sizeof documents / sizeof *documents);
	assert_int_equal(asked(&stand, "a", "9"), 200);
	assert_int_equal(asked(&stand, "a", "2"), 200);
	assert_int_equal(asked(&stand, "a", "4"), 404);
	assert_int_equal(asked(&stand, "b", "4"), 200);
	assert_int_equal(asked(&stand, "b", "2"), 404);
	planning_close(&stand.planning);
}

/* As `sluice history` numbers them: the experiment asks m@7, and callers ask the experiment. */
static void a_version_that_an_experiment_names_is_not_asked_by_callers(void **state)
{
	const struct spec_document documents[] = {
		{"model", TEXT(MODEL("m")), 9, false},
		{"model-7", TEXT(MODEL("m")), 7, true},
		{"experiment", TEXT(SPLIT("e", "{name: m, weight: 1}, {name: m@7, weight: 1}")), 2, false}};
	struct versions_stand stand;
	(void)state;
	documents_open(&stand, documents, sizeof documents / sizeof *documents);
	assert_int_equal(asked(&stand, "m", "9"), 200);
	assert_int_equal(asked(&stand, "m", "8"), 404);
	assert_null(strstr(stand.refusal.words, "experiment"));
	assert_int_equal(asked(&stand, "m", "7"), 404);
	assert_string_equal(stand.refusal.words,
			    "there is no version `7` of `m` here; version 9 is in force, and is what 1 and no version mean; m@7 is "
			    "called by the experiments that name it");
	planning_close(&stand.planning);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_have_the_version_1),
		cmocka_unit_test(a_control_plane_has_the_version_in_force),
		cmocka_unit_test(an_experiment_that_answers_for_its_default_has_a_version_too),
		cmocka_unit_test(a_version_that_an_experiment_names_is_not_asked_by_callers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
