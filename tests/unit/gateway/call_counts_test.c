/* call_counts_test.c: Tests of the counts of a gateway's calls: the metrics of pipelines, labels as Seldon Core 1 and 2 have them,
 * and the limit of series. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "gateway/calls/call_counts.h"
#include "net/grpc/grpc_wire.h"
#include "monitor/metrics/engine_metrics.h"
#include "tests/unit/planning.h"

#define PIPELINE \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
#define DEPLOYMENT \
	"apiVersion: machinelearning.seldon.io/v1\nkind: SeldonDeployment\nmetadata: {name: d}\nspec:\n" \
	"  predictors:\n"

struct counted {
	struct planning planning;
	struct plan plan;
	struct gateway_targets targets;
	struct call_counts *counts;
	struct target_counts *target;
	struct buffer out;
};

static void counted_open(struct counted *counted, const char *yaml)
{
	struct error error = {0};
	planning_open(&counted->planning, yaml);
	planning_plan(&counted->planning, NULL, &counted->plan);
	assert_true(gateway_targets_make(&counted->plan, NULL, counted->planning.arena, &counted->targets, &error));
	counted->counts = call_counts_open();
	assert_non_null(counted->counts);
	counted->target = call_counts_of(counted->counts, &counted->targets.items[0]);
	assert_non_null(counted->target);
	buffer_open(&counted->out, (size_t)1 << 22);
}

static void counted_close(struct counted *counted)
{
	buffer_close(&counted->out);
	call_counts_close(counted->counts);
	planning_close(&counted->planning);
}

typedef void counts_write(const struct call_counts *counts, struct exposition *exposition);

static const char *counted_text(struct counted *counted, counts_write *write)
{
	buffer_clear(&counted->out);
	write(counted->counts, &(struct exposition){.out = &counted->out});
	buffer_byte(&counted->out, '\0');
	assert_false(buffer_failed(&counted->out));
	return counted->out.bytes;
}

static size_t lines_with(const char *text, const char *word)
{
	size_t count = 0;
	for (; (text = strstr(text, word)) != NULL; text++)
		count++;
	return count;
}

static void a_pipeline_has_the_labels_of_core_2(void **state)
{
	(void)state;
	struct counted counted;
	counted_open(&counted, PIPELINE "  - {name: a, expression: {set: {x: x}}}\n  output: {steps: [a]}\n");
	call_counts_add(counted.target, COUNTED_REST, SERVICE_PREDICTIONS, 200, 6000);
	call_counts_add(counted.target, COUNTED_REST, SERVICE_EXPLANATIONS, 200, 5000);
	call_counts_add(counted.target, COUNTED_REST, SERVICE_FEEDBACK, 202, 5000);
	call_counts_add(counted.target, COUNTED_GRPC, SERVICE_PREDICTIONS, GRPC_INVALID_ARGUMENT, 80000);
	const char *text = counted_text(&counted, call_counts_write_seldon);
	assert_non_null(strstr(text, "\nseldon_pipeline_infer_total{server=\"pipeline-gateway\",pipeline=\"p\","
				     "method_type=\"rest\",code=\"200\"} 2\n"));
	assert_non_null(strstr(text, "\nseldon_pipeline_infer_seconds_total{server=\"pipeline-gateway\",pipeline=\"p\","
				     "method_type=\"rest\",code=\"200\"} 0.011\n"));
	assert_non_null(strstr(text, "\nseldon_pipeline_infer_api_seconds_bucket{server=\"pipeline-gateway\",pipeline=\"p\","
				     "method=\"rest\",code=\"200\",le=\"0.005\"} 1\n"));
	assert_non_null(strstr(text, "method=\"grpc\",code=\"InvalidArgument\",le=\"0.075\"} 0\n"));
	assert_non_null(strstr(text, "method=\"grpc\",code=\"InvalidArgument\",le=\"0.1\"} 1\n"));
	assert_non_null(strstr(text, "\nseldon_pipeline_aggregate_infer_total{server=\"pipeline-gateway\","
				     "method_type=\"rest\"} 2\n"));
	assert_null(strstr(text, "202")); /* feedback is no inference */
	assert_null(strstr(text, "executor"));
	counted_close(&counted);
}

static void a_deployment_has_the_labels_of_core_1(void **state)
{
	(void)state;
	struct counted counted;
	counted_open(&counted, DEPLOYMENT "  - {name: default, graph: {name: c, modelUri: 'stub://echo'}}\n");
	call_counts_add(counted.target, COUNTED_REST, SERVICE_PREDICTIONS, 200, 1000);
	call_counts_add(counted.target, COUNTED_GRPC, SERVICE_PREDICTIONS, GRPC_OK, 1000);
	call_counts_add(counted.target, COUNTED_REST, SERVICE_PREDICTIONS, 504, 1000);
	call_counts_add(counted.target, COUNTED_REST, SERVICE_FEEDBACK, 200, 1000);
	const char *text = counted_text(&counted, call_counts_write_seldon);
	assert_non_null(strstr(text, "\nseldon_api_executor_server_requests_seconds_count{deployment_name=\"d\","
				     "predictor_name=\"default\",predictor_version=\"\",service=\"predictions\",method=\"post\","
				     "code=\"200\"} 1\n"));
	assert_non_null(strstr(text, "service=\"predictions\",method=\"unary\",code=\"OK\"} 1\n"));
	assert_non_null(strstr(text, "service=\"feedback\",method=\"post\",code=\"200\"} 1\n"));
	assert_non_null(strstr(text, "# TYPE seldon_deployment_prediction_count untyped\n"
				     "seldon_deployment_prediction_count{deployment_name=\"d\"} 2\n"));
	counted_close(&counted);
	counted_open(&counted, DEPLOYMENT "  - {name: a, traffic: 50, graph: {name: c, modelUri: 'stub://echo'}}\n"
					  "  - {name: b, traffic: 50, graph: {name: c, modelUri: 'stub://echo'}}\n");
	call_counts_add(counted.target, COUNTED_REST, SERVICE_PREDICTIONS, 200, 1000);
	assert_non_null(strstr(counted_text(&counted, call_counts_write_seldon), "deployment_name=\"d\",predictor_name=\"\""));
	counted_close(&counted);
}

/* Seldon's names of pipelines have no service. */
static void statuses_beyond_the_limit_are_one_series_of_their_protocol_and_service(void **state)
{
	(void)state;
	struct counted counted;
	counted_open(&counted, PIPELINE "  - {name: a, expression: {set: {x: x}}}\n  output: {steps: [a]}\n");
	for (size_t i = 0; i < CALL_COUNTS_MAX; i++)
		call_counts_add(counted.target, COUNTED_REST, SERVICE_PREDICTIONS, 400 + (int)i, 0);
	assert_null(strstr(counted_text(&counted, call_counts_write), "code=\"other\""));
	for (int i = 0; i < 50; i++)
		call_counts_add(counted.target, COUNTED_GRPC, SERVICE_PREDICTIONS, i % 5, 0);
	for (int i = 0; i < 3; i++)
		call_counts_add(counted.target, COUNTED_REST, SERVICE_EXPLANATIONS, 500 + i, 0);
	call_counts_add(counted.target, COUNTED_GRPC, SERVICE_FEEDBACK, GRPC_OK, 0);
	call_counts_add(counted.target, COUNTED_REST, SERVICE_PREDICTIONS, 400, 0);
	const char *text = counted_text(&counted, call_counts_write);
	assert_non_null(strstr(text, "pipeline=\"p\",protocol=\"grpc\",verb=\"infer\",code=\"other\"} 50\n"));
	assert_non_null(strstr(text, "pipeline=\"p\",protocol=\"rest\",verb=\"explain\",code=\"other\"} 3\n"));
	assert_non_null(strstr(text, "pipeline=\"p\",protocol=\"grpc\",verb=\"feedback\",code=\"other\"} 1\n"));
	assert_non_null(strstr(text, "pipeline=\"p\",protocol=\"rest\",verb=\"infer\",code=\"400\"} 2\n"));
	assert_int_equal(lines_with(text, "\nsluice_gateway_pipeline_calls_total{"), CALL_COUNTS_MAX + 3);
	text = counted_text(&counted, call_counts_write_seldon);
	assert_non_null(strstr(text, "pipeline=\"p\",method_type=\"grpc\",code=\"other\"} 50\n"));
	assert_non_null(strstr(text, "pipeline=\"p\",method_type=\"rest\",code=\"other\"} 3\n"));
	counted_close(&counted);
}

static void refusals_beyond_the_limit_are_one_series_of_their_protocol(void **state)
{
	(void)state;
	struct counted counted;
	counted_open(&counted, PIPELINE "  - {name: a, expression: {set: {x: x}}}\n  output: {steps: [a]}\n");
	for (size_t i = 0; i < REFUSAL_COUNTS_MAX + 2; i++)
		call_counts_refusal(counted.counts, COUNTED_REST, 400 + (int)i);
	call_counts_refusal(counted.counts, COUNTED_GRPC, GRPC_INVALID_ARGUMENT);
	const char *text = counted_text(&counted, call_counts_write);
	assert_non_null(strstr(text, "{protocol=\"rest\",code=\"other\"} 2\n"));
	assert_non_null(strstr(text, "{protocol=\"grpc\",code=\"other\"} 1\n"));
	counted_close(&counted);
}

static void a_deployment_has_580_series_at_most(void **state)
{
	(void)state;
	struct counted counted;
	counted_open(&counted, DEPLOYMENT "  - {name: default, graph: {name: c, modelUri: 'stub://echo'}}\n");
	for (size_t i = 0; i < CALL_COUNTS_MAX; i++) /* codes that pipelines have apart */
		call_counts_add(counted.target, COUNTED_REST, SERVICE_PREDICTIONS, 400 + (int)i, 0);
	for (int status = 0; status < 100; status++)
		for (enum counted_protocol protocol = 0; protocol < COUNTED_PROTOCOLS; protocol++)
			for (enum call_service service = 0; service < CALL_SERVICES; service++)
				call_counts_add(counted.target, protocol, service,
						protocol == COUNTED_REST ? 200 + status : status % 17, 0);
	const char *text = counted_text(&counted, call_counts_write_seldon);
	assert_in_range(lines_with(text, "pipeline=\"d\"") + lines_with(text, "deployment_name=\"d\""), 550, 580);
	counted_close(&counted);
}

static void a_pipeline_keeps_its_counts_when_the_files_change(void **state)
{
	(void)state;
	struct counted counted;
	counted_open(&counted, PIPELINE "  - {name: a, expression: {set: {x: x}}}\n  output: {steps: [a]}\n");
	const struct gateway_target again = counted.targets.items[0];
	assert_ptr_equal(call_counts_of(counted.counts, &again), counted.target);
	call_counts_add(NULL, COUNTED_REST, SERVICE_PREDICTIONS, 200, 0); /* nobody's */
	assert_null(strstr(counted_text(&counted, call_counts_write_seldon), "code="));
	counted_close(&counted);
}

static void a_pipeline_has_its_codes_and_its_durations(void **state)
{
	(void)state;
	struct counted counted;
	counted_open(&counted, PIPELINE "  - {name: a, expression: {set: {x: x}}}\n  output: {steps: [a]}\n");
	call_counts_add(counted.target, COUNTED_REST, SERVICE_PREDICTIONS, 200, 6000);
	call_counts_add(counted.target, COUNTED_GRPC, SERVICE_PREDICTIONS, GRPC_INVALID_ARGUMENT, 80000);
	call_counts_add(counted.target, COUNTED_REST, SERVICE_FEEDBACK, 202, 5000);
	call_counts_refuse(counted.target, COUNTED_REST, SERVICE_EXPLANATIONS, 413);
	call_counts_refusal(counted.counts, COUNTED_REST, 401);
	call_counts_refusal(counted.counts, COUNTED_REST, 401);
	call_counts_refusal(counted.counts, COUNTED_GRPC, GRPC_UNAUTHENTICATED);
	const char *text = counted_text(&counted, call_counts_write);
	assert_non_null(strstr(text, "\nsluice_gateway_refusals_total{protocol=\"rest\",code=\"401\"} 2\n"));
	assert_non_null(strstr(text, "\nsluice_gateway_refusals_total{protocol=\"grpc\",code=\"Unauthenticated\"} 1\n"));
	assert_non_null(strstr(text, "\nsluice_gateway_pipeline_calls_total{namespace=\"default\",pipeline=\"p\",protocol=\"rest\","
				     "verb=\"infer\",code=\"200\"} 1\n"));
	assert_non_null(strstr(text, "protocol=\"grpc\",verb=\"infer\",code=\"InvalidArgument\"} 1\n"));
	assert_non_null(strstr(text, "protocol=\"rest\",verb=\"feedback\",code=\"202\"} 1\n"));
	assert_non_null(strstr(text, "protocol=\"rest\",verb=\"explain\",code=\"413\"} 1\n"));
	assert_non_null(strstr(text, "\nsluice_gateway_pipeline_call_duration_seconds_bucket{namespace=\"default\","
				     "pipeline=\"p\",le=\"0.01\"} 1\n"));
	assert_non_null(strstr(text, "le=\"0.1\"} 2\n"));
	assert_non_null(strstr(text, "duration_seconds_sum{namespace=\"default\",pipeline=\"p\"} 0.086\n"));
	assert_non_null(strstr(text, "duration_seconds_count{namespace=\"default\",pipeline=\"p\"} 2\n"));
	assert_null(strstr(text, "seldon"));
	assert_in_range(metric_series_count(SCOPE_GATEWAY_PIPELINE) +
				(CALL_COUNTS_MAX + CALL_COUNTS_OTHERS) * metric_series_count(SCOPE_GATEWAY_CODE),
			1, PIPELINE_GATEWAY_SERIES);
	counted_close(&counted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pipeline_has_its_codes_and_its_durations),
		cmocka_unit_test(a_pipeline_has_the_labels_of_core_2),
		cmocka_unit_test(a_deployment_has_the_labels_of_core_1),
		cmocka_unit_test(statuses_beyond_the_limit_are_one_series_of_their_protocol_and_service),
		cmocka_unit_test(refusals_beyond_the_limit_are_one_series_of_their_protocol),
		cmocka_unit_test(a_deployment_has_580_series_at_most),
		cmocka_unit_test(a_pipeline_keeps_its_counts_when_the_files_change),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
