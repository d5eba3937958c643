/* model_survey_test.c: Tests of a change whose models are asked before it takes effect. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "engine/setup/revision.h"
#include "steps/kinds.h"

#define API "apiVersion: mlops.seldon.io/v1alpha1\nkind: "
/* Nobody listens on port 1. */
#define AWAY(name) "---\n" API "Model\nmetadata: {name: " name "}\nspec: {storageUri: 'http://127.0.0.1:1/" name "'}\n"
#define CALLS(name)                                                                                                                \
	"---\n" API "Pipeline\nmetadata: {name: calls-" name "}\nspec:\n  steps: [{name: " name "}]\n"                             \
	"  output: {steps: [" name "]}\n"
#define CALLED CALLS("a") CALLS("b") AWAY("a") AWAY("b")
#define MIRRORED                                                                                                                   \
	CALLED "---\n" API "Experiment\nmetadata: {name: e}\nspec:\n  default: a\n"                                                \
	       "  candidates: [{name: a, weight: 1}, {name: b, weight: 1}]\n"                                                      \
	       "  mirror: {name: copied, percent: 100}\n" AWAY("copied")

static char failures[4096];

static void on_faults(void *context, const struct faults *faults)
{
	(void)context;
	(void)faults;
}

static void on_note(void *context, const char *line)
{
	(void)context;
	(void)line;
}

static void on_failure(void *context, const struct error *error)
{
	(void)context;
	(void)snprintf(failures + strlen(failures), sizeof failures - strlen(failures), "%s\n", error->text);
}

/* Opens it as an engine that prepares a change does, and keeps what is said. Returns what is wrong. */
static struct error prepare(const char *text, const char *text_before)
{
	struct arena *names = arena_open((size_t)1 << 20);
	const struct spec_document documents[] = {{.file = "x", .text = text_of(text)}};
	const struct spec_document documents_before[] = {{.file = "x", .text = text_of(text_before ? text_before : "")}};
	struct revision_options options = {.kinds = step_kinds,
					   .names = names,
					   .report = {.faults = on_faults, .note = on_note, .failure = on_failure},
					   .documents = documents_before,
					   .document_count = 1,
					   .may_be_empty = true};
	struct error error = {0};
	struct revision *before = text_before ? revision_open(&options, &error) : NULL;
	assert_string_equal(error.text, "");
	failures[0] = '\0';
	options.documents = documents;
	options.survey = options.models_must_answer = true;
	options.before = before ? &before->plan : NULL;
	struct revision *revision = revision_open(&options, &error);
	assert_true((revision != NULL) == (error.kind == ERROR_NONE));
	revision_close(revision);
	revision_close(before);
	arena_close(names);
	return error;
}

static void a_change_waits_for_models_that_answer_and_not_for_mirrors(void **state)
{
	(void)state;
	assert_string_equal(prepare(MIRRORED, CALLED).text, "");
	assert_non_null(strstr(failures, "model `copied` is not ready: http://127.0.0.1:1/"));
	assert_non_null(strstr(failures, "it is only a mirror"));
	assert_null(strstr(failures, "model `a`"));
	assert_int_equal(prepare(MIRRORED, NULL).kind, ERROR_REMOTE);
	assert_non_null(strstr(prepare(CALLED, NULL).text, "model `a` is not ready"));
	assert_string_equal(failures, "");
	assert_int_equal(prepare(AWAY("copied"), NULL).kind, ERROR_REMOTE);
}

#define PIPELINE_OF(name, called)                                                                                                  \
	"---\n" API "Pipeline\nmetadata: {name: " name "}\nspec:\n  steps: [{name: s, route: {cases: [{when: x > 0, call: " called \
	"}], default: {call: " called "}}}]\n"                                                                                     \
	"  output: {steps: [s]}\n"
#define MIRRORED_PIPELINE(more)                                                                                                    \
	CALLED "---\n" API "Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n  - name: s\n"                                         \
	       "    experiment: {resourceType: pipeline, candidates: [{name: calls-a, weight: 1}, {name: calls-b, weight: 1}],\n"  \
	       "                 mirror: {name: shadow, percent: 100}}\n  output: {steps: [s]}\n" PIPELINE_OF("shadow", "deeper")  \
		       PIPELINE_OF("deeper", "deep") more AWAY("deep")

/* A pipeline that gets copies alone needs no model, nor does one that it calls. */
static void a_mirror_that_is_a_pipeline_is_not_waited_for(void **state)
{
	(void)state;
	assert_string_equal(prepare(MIRRORED_PIPELINE(""), CALLED).text, "");
	assert_non_null(strstr(failures, "model `deep` is not ready: http://127.0.0.1:1/"));
	assert_non_null(strstr(failures, "it is only a mirror"));
	const struct error error = prepare(MIRRORED_PIPELINE(PIPELINE_OF("asks", "deeper")), CALLED);
	assert_non_null(strstr(error.text, "model `deep` is not ready"));
}

/* What is a copy in one place answers in another. */
static void a_mirror_that_answers_elsewhere_is_waited_for(void **state)
{
	(void)state;
	const struct error error = prepare(MIRRORED CALLS("copied"), MIRRORED);
	assert_int_equal(error.kind, ERROR_REMOTE);
	assert_non_null(strstr(error.text, "model `copied` is not ready"));
	assert_int_equal(prepare(MIRRORED CALLS("copied"), MIRRORED CALLS("copied")).kind, ERROR_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_change_waits_for_models_that_answer_and_not_for_mirrors),
		cmocka_unit_test(a_mirror_that_is_a_pipeline_is_not_waited_for),
		cmocka_unit_test(a_mirror_that_answers_elsewhere_is_waited_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
