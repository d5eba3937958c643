/* caller_config_test.c: Tests of what the YAML says of models, as the caller gets it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/planning.h"
#include "models/calls/caller_config.h"
#include "steps/kinds.h"

#define HEAD "apiVersion: mlops.seldon.io/v1alpha1\nkind: "
#define PIPELINE \
	HEAD "Pipeline\nmetadata: {name: p}\nspec:\n  onOutage: deadletter\n  steps:\n" \
	     "  - {name: a, inputs: [p], model: {name: m}}\n" \
	     "  - {name: b, inputs: [a], model: {name: m}}\n" \
	     "  - {name: c, inputs: [b], model: {storageUri: \"grpc://c:1/x\", cache: {ttl: 2s}}}\n" \
	     "  output: {steps: [c]}\n---\n"
#define MODEL \
	HEAD "Model\nmetadata: {name: m, annotations: {seldon.io/rest-timeout: \"700\"}}\nspec:\n" \
	     "  storageUri: \"http://h:1\"\n" \
	     "  modelSettings: {parameters: [{name: batch_size, value: \"32\", type: INT}]}\n" \
	     "  batchingConfig: {maxBatchSize: 16, maxLatency: 50ms, batchTimeout: 1s}\n" \
	     "  autoscaling: {minReplicas: 2, maxReplicas: 10}\n"
#define PERFORMANCE \
	"---\nkind: Performance\nperformance_optimizations:\n" \
	"  batching: {maxBatchSize: 64, maxLatency: 100ms, batchTimeout: 1s}\n" \
	"  caching: {enabled: true, backend: redis, ttl: 5m, address: \"cache:6379\"}\n" \
	"  connection_pooling: {enabled: true, maxConnections: 100, maxIdleTime: 30s}\n"

struct stand {
	struct planning planning;
	struct plan plan;
	struct caller_config config;
	struct arena *arena;
};

static void configure(struct stand *stand, const char *text)
{
	const struct plan_options options = {.kinds = step_kinds};
	struct error error = {0};
	stand->arena = arena_open((size_t)1 << 16);
	planning_read(&stand->planning, text, step_kinds);
	planning_plan(&stand->planning, &options, &stand->plan);
	assert_true(caller_configure(&stand->plan, &stand->plan.pipelines[0], stand->arena, &stand->config, &error));
}

static void tidy(struct stand *stand)
{
	planning_close(&stand->planning);
	arena_close(stand->arena);
}

static void a_model_is_called_as_its_resource_says(void **state)
{
	(void)state;
	struct stand stand;
	configure(&stand, PIPELINE MODEL);
	assert_true(stand.config.outage_deadletter);
	assert_int_equal(stand.config.model_count, 2); /* m once, though two steps call it */
	const struct model_config *model = &stand.config.models[0];
	assert_string_equal(model->name, "m");
	assert_string_equal(model->addresses.items[0].url, "http://h:1/v2/models/m/infer");
	assert_int_equal(model->timeout_ms, 700);
	assert_int_equal(model->parameters.count, 1);
	assert_int_equal(model->parameters.items[0].type, PARAMETER_INTEGER);
	assert_int_equal(model->parameters.items[0].value.integer, 32);
	assert_int_equal(model->batching.rows_most, 16);
	assert_int_equal(model->batching.latency_ms, 50);
	assert_int_equal(model->batching.timeout_ms, 1000);
	assert_int_equal(model->concurrency_least, 2);
	assert_int_equal(model->concurrency_most, 10);
	assert_int_equal(model->cache.backend, CACHE_NONE);
	tidy(&stand);
}

static int64_t kept_ms_of(const struct stand *stand, const char *step)
{
	const struct graph *graph = stand->plan.pipelines[0].graph;
	return graph->steps[graph_find(graph, step)].kept_ms;
}

static void a_step_may_say_where_its_model_is_and_how_long_replies_are_kept(void **state)
{
	(void)state;
	struct stand stand;
	configure(&stand, PIPELINE MODEL);
	const struct model_config *model = &stand.config.models[1];
	assert_string_equal(model->name, "c");
	assert_int_equal(model->addresses.items[0].protocol, PROTOCOL_OIP_GRPC);
	assert_string_equal(model->addresses.items[0].model, "x");
	assert_int_equal(model->cache.backend, CACHE_MEMORY);
	assert_int_equal(kept_ms_of(&stand, "c"), 2000);
	assert_int_equal(model->cache.ttl_ms, 0); /* other steps do not say it */
	tidy(&stand);
}

static void what_is_said_for_all_models_goes_behind_what_one_says(void **state)
{
	(void)state;
	struct stand stand;
	configure(&stand, PIPELINE MODEL PERFORMANCE);
	const struct model_config *own = &stand.config.models[0], *other = &stand.config.models[1];
	assert_int_equal(own->batching.rows_most, 16);
	assert_int_equal(other->batching.rows_most, 64);
	assert_int_equal(other->batching.latency_ms, 100);
	assert_int_equal(own->cache.backend, CACHE_REDIS);
	assert_string_equal(own->cache.redis, "cache:6379");
	assert_int_equal(own->cache.ttl_ms, 300000);
	assert_int_equal(other->cache.backend, CACHE_REDIS);
	assert_int_equal(kept_ms_of(&stand, "c"), 2000); /* of its calls: it goes before that */
	assert_int_equal(own->pool.connections, 100);
	assert_int_equal(own->pool.idle_ms, 30000);
	tidy(&stand);
}

static void a_server_says_how_it_is_trusted(void **state)
{
	(void)state;
	struct stand stand;
	configure(&stand, PIPELINE HEAD "Model\nmetadata: {name: m}\nspec: {storageUri: \"s3://b/m\", server: s}\n---\n" HEAD
					"Server\nmetadata: {name: s}\nspec: {serverConfig: c, endpoints: [\"grpcs://s:1\"],"
					" tls: {authorities: ca.pem}}\n");
	assert_true(stand.config.models[0].addresses.items[0].tls);
	assert_string_equal(stand.config.models[0].tls->authorities, "ca.pem");
	assert_null(stand.config.models[0].tls->certificate);
	assert_null(stand.config.models[1].tls);
	tidy(&stand);
}

/* The version of what has the address: of the pipeline that it is written in, of the Model, of the Server. */
static void a_model_has_the_version_of_the_resource_with_its_addresses(void **state)
{
	static const char in_pipeline[] = HEAD "Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
					       "  - {name: a, model: {storageUri: \"http://a:1\"}}\n"
					       "  - {name: b, inputs: [a], model: {name: m}}\n"
					       "  - {name: c, inputs: [b], model: {name: n}}\n"
					       "  output: {steps: [c]}\n",
			  own[] = HEAD "Model\nmetadata: {name: m}\nspec: {storageUri: \"http://m:1\"}\n",
			  served[] = HEAD "Model\nmetadata: {name: n}\nspec: {storageUri: \"s3://b/n\", server: s}\n",
			  server[] = HEAD "Server\nmetadata: {name: s}\nspec: {serverConfig: c, endpoints: [\"http://s:1\"]}\n";
	const struct spec_document documents[] = {{.file = "Pipeline/p@4", .text = TEXT(in_pipeline), .version = 4},
						  {.file = "Model/m@3", .text = TEXT(own), .version = 3},
						  {.file = "Model/n@7", .text = TEXT(served), .version = 7},
						  {.file = "Server/s@2", .text = TEXT(server), .version = 2}};
	const struct spec_options reading = {.kinds = step_kinds};
	const struct plan_options options = {.kinds = step_kinds};
	struct stand stand = {.arena = arena_open((size_t)1 << 16)};
	struct error error = {0};
	(void)state;
	stand.planning.arena = arena_open((size_t)1 << 20);
	assert_true(spec_open(&stand.planning.spec, &error));
	assert_true(spec_read_documents(&stand.planning.spec, documents, 4, &reading, &error));
	planning_plan(&stand.planning, &options, &stand.plan);
	assert_true(caller_configure(&stand.plan, &stand.plan.pipelines[0], stand.arena, &stand.config, &error));
	assert_int_equal(stand.config.model_count, 3);
	assert_string_equal(stand.config.models[0].version, "version 4 of Pipeline `p`");
	assert_string_equal(stand.config.models[1].version, "version 3");
	assert_string_equal(stand.config.models[2].version, "version 2 of Server `s`");
	tidy(&stand);
	configure(&stand, PIPELINE MODEL);
	assert_null(stand.config.models[0].version);
	tidy(&stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_model_is_called_as_its_resource_says),
		cmocka_unit_test(a_step_may_say_where_its_model_is_and_how_long_replies_are_kept),
		cmocka_unit_test(a_server_says_how_it_is_trusted),
		cmocka_unit_test(what_is_said_for_all_models_goes_behind_what_one_says),
		cmocka_unit_test(a_model_has_the_version_of_the_resource_with_its_addresses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
