/* plan_many_test.c: Tests that the cost of a plan is linear in its pipelines: its memory strictly, its time nearly. Each pipeline
 * calls a model of its own, and every other one reads the one before. PLAN_MANY is the larger of two numbers, ten times the
 * other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/text.h"
#include "compiler/plan/plan.h"
#include "steps/kinds.h"

#define MANY_USUAL 20000
#define TIMES 10
#define IN_A_FILE 500 /* less than the limit of documents */
#define ARENA_BYTES ((size_t)1 << 30)
#define FILE_BYTES ((size_t)4 << 20)
#define PIPELINE_BYTES_MAX ((size_t)16 << 10) /* of a plan */
#define SLACK 1.3 /* of memory, above linear: blocks of an arena, numbers with more digits */
#define SLACK_TIME 4.0 /* another process may take the processor's caches; what is quadratic takes ten times as long */

struct cost {
	size_t bytes;
	double seconds;
};

static double cpu_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void pipelines_write(struct buffer *yaml, size_t first, size_t count)
{
	for (size_t i = first; i < first + count; i++) {
		buffer_print(yaml, "---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p%zu}\nspec:\n", i);
		if (i % 2)
			buffer_print(yaml, "  input: {externalInputs: [p%zu.outputs]}\n", i - 1);
		buffer_string(yaml, "  steps:\n  - {name: a, expression: {set: {x: x * 2 + 1}}}\n"
				    "  - {name: b, inputs: [a], isolate: true, expression: {set: {y: x + 1}}}\n");
		buffer_print(yaml, "  - {name: m%zu, inputs: [b]}\n  output: {steps: [m%zu]}\n", i, i);
		buffer_print(yaml, "---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: m%zu}\n", i);
		buffer_string(yaml, "spec: {storageUri: \"gs://models/m\", requirements: [sklearn]}\n");
	}
}

/* The only one that fits, so each model is at its address. */
static const char server_yaml[] = "apiVersion: mlops.seldon.io/v1alpha1\nkind: Server\nmetadata: {name: server}\n"
				  "spec: {extraCapabilities: [sklearn], endpoints: [\"http://127.0.0.1:9\"]}\n";

static void files_read(struct spec *spec, struct arena *arena, size_t many)
{
	const struct spec_options options = {.kinds = step_kinds};
	struct error error = {0};
	assert_true(spec_read_text(spec, "server.yaml", TEXT(server_yaml), &options, &error));
	for (size_t first = 0; first < many; first += IN_A_FILE) {
		struct buffer yaml;
		buffer_open(&yaml, FILE_BYTES);
		pipelines_write(&yaml, first, first + IN_A_FILE < many ? IN_A_FILE : many - first);
		assert_false(buffer_failed(&yaml));
		const char *kept = arena_copy(arena, yaml.bytes, yaml.length); /* a spec borrows its text */
		assert_true(spec_read_text(spec, arena_print(arena, "%zu.yaml", first), (struct text){kept, yaml.length}, &options,
					   &error));
		buffer_close(&yaml);
	}
}

static struct cost plan_cost(size_t many)
{
	const struct plan_options options = {.kinds = step_kinds};
	struct arena *texts = arena_open(ARENA_BYTES), *arena = arena_open(ARENA_BYTES);
	struct error error = {0};
	struct spec spec;
	struct plan plan;
	const double begin_s = cpu_s();
	assert_true(spec_open(&spec, &error));
	files_read(&spec, texts, many);
	assert_true(plan_make(&spec, &options, arena, &plan, &error));
	assert_int_equal(faults_count(spec.faults, SEVERITY_ERROR), 0);
	assert_int_equal(plan.count, many);
	const struct cost cost = {arena_taken(arena), cpu_s() - begin_s};
	printf("%zu pipelines: %zu bytes of a plan, %.3f s\n", many, cost.bytes, cost.seconds);
	spec_close(&spec);
	arena_close(arena);
	arena_close(texts);
	return cost;
}

static void a_plan_of_ten_times_as_many_pipelines_costs_ten_times_as_much(void **state)
{
	(void)state;
	const char *given = getenv("PLAN_MANY");
	const size_t many = given ? (size_t)strtoul(given, NULL, 10) : MANY_USUAL;
	assert_true(many >= 100);
	const struct cost few = plan_cost(many / TIMES), all = plan_cost(many);
	assert_true((double)all.bytes <= (double)few.bytes * TIMES * SLACK);
	assert_true(all.bytes <= many * PIPELINE_BYTES_MAX);
	assert_true(all.seconds <= few.seconds * TIMES * SLACK_TIME);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_of_ten_times_as_many_pipelines_costs_ten_times_as_much),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
