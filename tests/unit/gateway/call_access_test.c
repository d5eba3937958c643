/* call_access_test.c: Tests of access checks: what a call's headers and its target become when it is checked, whatever
 * its protocol. */
#include "gateway/access/call_access.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <stdio.h>

#include "tests/unit/planning.h"

struct line {
	const char *name, *value;
};

static struct text line_of(const void *context, struct text name, size_t place)
{
	for (const struct line *line = context; line->name; line++)
		if (text_equal_caseless(text_of(line->name), name) && place-- == 0)
			return text_of(line->value);
	return (struct text){0};
}

static struct text header_of(const void *context, enum header_name name, size_t place)
{
	return line_of(context, header_name_text(name), place);
}

static struct text first_header_of(const void *context, enum header_name name)
{
	return header_of(context, name, 0);
}

static struct text line_named(const void *context, const char *name, size_t place)
{
	return line_of(context, text_of(name), place);
}

static struct sockaddr_storage peer_of(const char *address)
{
	struct sockaddr_storage peer = {.ss_family = AF_INET};
	inet_pton(AF_INET, address, &((struct sockaddr_in *)&peer)->sin_addr);
	return peer;
}

static struct access_answer check(struct access *access, const struct line *lines)
{
	struct access_answer answer;
	const struct sockaddr_storage peer = peer_of("10.0.0.1");
	const struct call_credentials credentials = {.header = header_of, .context = lines, .peer = &peer};
	struct arena *arena = arena_open((size_t)1 << 16);
	call_access_check(access, &credentials, ACCESS_INFER, (struct access_resource){.kind = ACCESS_PIPELINE}, arena, &answer);
	arena_close(arena);
	return answer;
}

/* One call is let through for each address, so that the second shows whether it is the same. */
static struct access *access_of_one_call_each(struct loop *loop)
{
	static struct network proxies[1];
	struct error error = {0};
	assert_true(network_read(TEXT("10.0.0.0/8"), &proxies[0]));
	const struct access_settings settings = {.rate_per_second = 0.001, .rate_burst = 1, .proxies = proxies, .proxy_count = 1};
	struct access *access = access_open(loop, &settings, &error);
	assert_non_null(access);
	return access;
}

static void a_credential_that_is_sent_twice_is_refused(void **state)
{
	(void)state;
	static const struct line rows[][4] = {
		{{"authorization", "a"}, {"authorization", "a"}},
		{{"authorization", "a"}, {"x-api-key", "b"}, {"authorization", "c"}},
		{{"x-api-key", "a"}, {"x-api-key", "a"}},
	};
	struct error error = {0};
	struct loop *loop = loop_open_virtual(0, &error);
	struct access *access = access_of_one_call_each(loop);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct access_answer answer = check(access, rows[i]);
		assert_int_equal(answer.status, 400);
		assert_non_null(strstr(answer.words, "twice"));
		assert_int_equal(check(NULL, rows[i]).status, 200); /* where nobody asks for them */
	}
	assert_int_equal(check(access, (const struct line[]){{"authorization", "a"}, {"x-api-key", "b"}, {0}}).status, 200);
	access_close(access);
	loop_close(loop);
}

/* The subject of all workloads may be one, as of SPIFFE's server: their URIs tell them apart. */
static void workloads_are_told_apart_by_their_uris(void **state)
{
	(void)state;
	struct error error = {0};
	struct loop *loop = loop_open_virtual(0, &error);
	struct access *access = access_open(loop, &(struct access_settings){.certificates = true}, &error);
	const struct sockaddr_storage peer = peer_of("10.0.0.1");
	const struct line none[] = {{0}};
	struct access_identity identities[4];
	static const struct tls_peer peers[4] = {{.uri = {"spiffe://example/a", 18}},
						 {.subject = {"O=SPIRE", 7}, .uri = {"spiffe://example/a", 18}},
						 {.subject = {"O=SPIRE", 7}, .uri = {"spiffe://example/b", 18}},
						 {.subject = {"O=SPIRE", 7}}};
	assert_non_null(access);
	for (size_t i = 0; i < 4; i++) {
		const struct call_credentials credentials = {
			.header = header_of, .context = none, .peer = &peer, .certificate = peers[i]};
		assert_true(call_access_identify(access, &credentials, &identities[i]));
	}
	assert_memory_equal(&identities[0], &identities[1], sizeof *identities);
	assert_memory_not_equal(&identities[1], &identities[2], sizeof *identities);
	assert_memory_not_equal(&identities[2], &identities[3], sizeof *identities);
	access_close(access);
	loop_close(loop);
}

static void lines_of_forwarded_addresses_are_one_list(void **state)
{
	(void)state;
	static const struct {
		struct line lines[4];
		const char *same; /* the address by which it is known */
	} rows[] = {
		{{{"x-forwarded-for", "192.0.2.1"}}, "192.0.2.1"},
		{{{"x-forwarded-for", "203.0.113.9"}, {"x-forwarded-for", "192.0.2.2"}}, "192.0.2.2"},
		{{{"x-forwarded-for", "203.0.113.9, 192.0.2.3"}, {"x-forwarded-for", "10.1.1.1"}, {"x-forwarded-for", "10.2.2.2"}},
		 "192.0.2.3"},
		{{{"x-forwarded-for", "192.0.2.4"}, {"x-forwarded-for", ""}}, "10.0.0.1"},
	};
	struct error error = {0};
	struct loop *loop = loop_open_virtual(0, &error);
	struct access *access = access_of_one_call_each(loop);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct line plain[] = {{"x-forwarded-for", rows[i].same}, {0}};
		assert_int_equal(check(access, rows[i].lines).status, 200);
		assert_int_equal(check(access, plain).status, 429);
	}
	access_close(access);
	loop_close(loop);
}

static void a_call_asks_for_what_its_name_leads_to(void **state)
{
	(void)state;
	struct planning planning;
	struct plan plan;
	struct gateway_targets targets;
	struct error error = {0};
	planning_open_steps(&planning, "  - {name: a, expression: {set: {x: x}}}\n  output: {steps: [a]}\n");
	planning_plan(&planning, NULL, &plan);
	assert_true(gateway_targets_make(&plan, NULL, planning.arena, &targets, &error));
	struct line lines[] = {{"seldon-model", "p.pipeline"}, {0}};
	struct call_source source = {.targets = &targets, .context = lines + 1, .header = first_header_of};
	struct call_name name = {.name = TEXT("p")};
	struct access_resource found = call_resource(&source, &name);
	assert_int_equal(found.kind, ACCESS_PIPELINE); /* though it is asked as a model */
	assert_true(text_is(found.name, "p"));
	assert_true(text_is(found.namespace, "default"));
	name.name = TEXT("q");
	found = call_resource(&source, &name);
	assert_int_equal(found.kind, ACCESS_MODEL);
	assert_true(text_is(found.name, "q"));
	assert_true(text_is(found.namespace, "default"));
	source.context = lines;
	assert_int_equal(call_resource(&source, &name).kind, ACCESS_PIPELINE); /* the header goes before the name */
	name = (struct call_name){.namespace = TEXT("elsewhere"), .name = TEXT("p"), .pipeline_only = true};
	found = call_resource(&source, &name);
	assert_int_equal(found.kind, ACCESS_PIPELINE);
	assert_true(text_is(found.namespace, "elsewhere"));
	name = (struct call_name){0};
	assert_true(text_is(call_resource(&source, &name).name, "p"));
	source.context = lines + 1;
	assert_true(text_is(call_resource(&source, &name).name, "p")); /* the only one needs no name */
	planning_close(&planning);
}

/* A policy for model/NAME or deployment/NAME is about what the files have, not about the pipeline that is made of it. */
static void a_pipeline_that_was_made_of_something_is_asked_for_as_that(void **state)
{
	(void)state;
	struct planning planning;
	struct plan plan;
	struct gateway_targets targets;
	struct error error = {0};
	struct call_source source = {.targets = &targets, .context = &(const struct line){0}, .header = first_header_of};
	const struct call_name name = {.name = TEXT("d")};
	planning_open(&planning, "apiVersion: machinelearning.seldon.io/v1\nkind: SeldonDeployment\nmetadata: {name: d}\nspec:\n"
				 "  predictors:\n  - name: main\n    graph: {name: m, type: MODEL, endpoint: {type: REST}}\n");
	planning_plan(&planning, NULL, &plan);
	assert_true(gateway_targets_make(&plan, NULL, planning.arena, &targets, &error));
	assert_int_equal(call_resource(&source, &name).kind, ACCESS_DEPLOYMENT);
	planning_close(&planning);
	planning_open_steps(&planning, "  - {name: a, expression: {set: {x: x}}}\n  output: {steps: [a]}\n");
	planning_plan(&planning, NULL, &plan);
	assert_true(gateway_targets_make(&plan, NULL, planning.arena, &targets, &error));
	const struct resource_kind model = {.type = RESOURCE_MODEL};
	const struct resource made_of = {.kind = &model};
	struct resource pipeline = *targets.items[0].plan->graph->resource;
	struct graph graph = *targets.items[0].plan->graph;
	struct pipeline_plan planned = *targets.items[0].plan;
	pipeline.made_of = &made_of;
	graph.resource = &pipeline;
	planned.graph = &graph;
	targets.items[0].plan = &planned;
	assert_int_equal(call_resource(&source, &(struct call_name){.name = TEXT("p")}).kind, ACCESS_MODEL);
	planning_close(&planning);
}

/* A request of these lines. */
static struct call_source source_of(const struct gateway_config *config, const struct gateway_targets *targets,
				    const struct line *given)
{
	return (struct call_source){.config = config,
				    .targets = targets,
				    .context = given,
				    .header = first_header_of,
				    .header_at = header_of,
				    .header_named = line_named};
}

/* Lines of one name are one list, but for those that have one value. */
static void all_lines_of_a_header_are_passed_on(void **state)
{
	static const struct line given[] = {{"tracestate", "a=1,b=2"},
					    {"x-tags", "red"},
					    {"Tracestate", "c=3"},
					    {"X-Tags", "blue"},
					    {"x-color", "green"},
					    {"x-color", "green"},
					    {"x-request-id", "one"},
					    {"x-request-id", "one"},
					    {"seldon", "iris"},
					    {"seldon", "iris"},
					    {0}};
	const struct name more[] = {{.text = "x-tags"}, {.text = "x-color"}, {.text = "x-request-id"}, {.text = "seldon"}};
	const struct name read = {.text = "X-Color"};
	const struct gateway_config config = {.passed = {4, more}};
	const struct gateway_targets targets = {.read = {1, &read}};
	const struct call_source source = source_of(&config, &targets, given);
	struct arena *arena = arena_open((size_t)1 << 16);
	(void)state;
	const struct headers passed = call_headers_passed(&source, arena);
	assert_int_equal(passed.count, 5);
	assert_true(text_is(headers_find(passed, TEXT("tracestate"))->value, "a=1,b=2,c=3"));
	assert_true(text_is(headers_find(passed, TEXT("x-tags"))->value, "red,blue"));
	assert_true(text_is(headers_find(passed, TEXT("x-color"))->value, "green"));
	assert_true(text_is(headers_find(passed, TEXT("x-request-id"))->value, "one"));
	assert_true(text_is(headers_find(passed, TEXT("seldon"))->value, "iris"));
	static const struct line alike[] = {{"tracestate", "a=1"}, {"tracestate", "a=1"}, {0}};
	const struct name read_state = {.text = "tracestate"};
	const struct gateway_targets readers = {.read = {1, &read_state}};
	const struct call_source of_readers = source_of(&config, &readers, alike);
	assert_true(text_is(headers_find(call_headers_passed(&of_readers, arena), TEXT("tracestate"))->value, "a=1"));
	arena_close(arena);
}

/* As W3C Trace Context has it of a traceparent that is not valid, and Seldon of routes. */
static void a_request_is_in_one_trace_and_has_one_route(void **state)
{
	static const struct line two[] = {
		{"traceparent", "00-a"},   {"tracestate", "a=1"},     {"Traceparent", "00-b"}, {"x-mine", "m"},
		{"seldon-route", ":a_1:"}, {"Seldon-Route", ":b_2:"}, {"tracestate", "b=1"},   {0}};
	static const struct line alike[] = {{"traceparent", "00-a"}, {"tracestate", "a=1"}, {"traceparent", "00-a"}, {0}};
	const struct name more[] = {{.text = "x-mine"}, {.text = "Traceparent"}, {.text = "tracestate"}};
	const struct gateway_config config = {.passed = {3, more}};
	const struct gateway_targets targets = {0};
	struct call_source source = source_of(&config, &targets, two);
	struct arena *arena = arena_open((size_t)1 << 16);
	uint64_t dropped = 0;
	(void)state;
	source.dropped_traces = &dropped;
	struct headers passed = call_headers_passed(&source, arena);
	assert_int_equal(passed.count, 2);
	assert_true(text_is(headers_find(passed, TEXT("x-mine"))->value, "m"));
	assert_true(text_is(headers_find(passed, TEXT("seldon-route"))->value, ":a_1::b_2:"));
	assert_int_equal(dropped, 1);
	source.context = alike;
	passed = call_headers_passed(&source, arena);
	assert_int_equal(passed.count, 2);
	assert_true(text_is(headers_find(passed, TEXT("traceparent"))->value, "00-a"));
	assert_true(text_is(headers_find(passed, TEXT("tracestate"))->value, "a=1"));
	assert_int_equal(dropped, 1);
	arena_close(arena);
}

/* The traceparent that is passed on; bytes NULL: none is. */
static struct text parent_passed(const struct line *lines, struct arena *arena)
{
	const struct gateway_config config = {0};
	const struct gateway_targets targets = {0};
	const struct call_source source = source_of(&config, &targets, lines);
	const struct header *parent = headers_find(call_headers_passed(&source, arena), TEXT("traceparent"));
	return parent ? parent->value : (struct text){0};
}

static void a_request_that_has_only_headers_of_b3_gets_a_traceparent(void **state)
{
	static const char trace[] = "4bf92f3577b34da6a3ce929d0e0e4736", span[] = "00f067aa0ba902b7";
	static const char parent[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
	const struct line several[] = {{"X-B3-TraceId", trace}, {"X-B3-SpanId", span}, {"X-B3-Sampled", "1"}, {0}},
			  single[] = {{"b3", "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1"}, {0}},
			  both[] = {{"b3", "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1"}, {"traceparent", "00-a"}, {0}},
			  refused[] = {{"b3", "0"}, {0}}, odd[] = {{"X-B3-TraceId", trace}, {"X-B3-SpanId", "none"}, {0}},
			  none[] = {{0}};
	struct arena *arena = arena_open((size_t)1 << 16);
	(void)state;
	assert_true(text_is(parent_passed(several, arena), parent));
	assert_true(text_is(parent_passed(single, arena), parent));
	assert_true(text_is(parent_passed(both, arena), "00-a"));
	assert_null(parent_passed(refused, arena).bytes);
	assert_null(parent_passed(odd, arena).bytes);
	assert_null(parent_passed(none, arena).bytes);
	arena_close(arena);
}

static void listed_headers_alone_are_passed_on(void **state)
{
	static const struct line given[] = {{"content-type", "application/json"},
					    {"Inference-Header-Content-Length", "7"},
					    {"traceparent", "t"},
					    {"authorization", "secret"},
					    {"sluice-assigned", "forged"},
					    {"x-mine", "m"},
					    {"x-seldon-route", ":a_1:"},
					    {"X-Seldon-Route", ":p.pipeline:"},
					    {"X-Model-Version", "base"},
					    {0}};
	const struct name more = {.text = "x-mine"};
	const struct name read[] = {{"X-Model-Version", PLACE_NONE}, {"X-Mine", PLACE_NONE}, {"Content-Type", PLACE_NONE}};
	const struct gateway_config config = {.passed = {1, &more}};
	const struct gateway_targets targets = {.read = {3, read}};
	struct call_source source = source_of(&config, &targets, given);
	struct arena *arena = arena_open((size_t)1 << 16);
	(void)state;
	struct headers passed = call_headers_passed(&source, arena);
	assert_int_equal(passed.count, 6);
	assert_true(text_is(headers_find(passed, TEXT("x-mine"))->value, "m"));
	assert_true(gateway_header_is_secret(TEXT("Sluice-Assigned"))); /* no option passes it on either */
	assert_true(text_is(headers_find(passed, TEXT("x-seldon-route"))->value, ":a_1::p.pipeline:"));
	assert_true(text_is(headers_find(passed, TEXT("X-Model-Version"))->value, "base"));
	assert_true(text_is(headers_find(passed, TEXT("content-type"))->value, "application/json"));
	source.content_type = "application/x-protobuf"; /* by gRPC: there is nothing behind the message */
	passed = call_headers_passed(&source, arena);
	assert_int_equal(passed.count, 5);
	assert_true(text_is(headers_find(passed, TEXT("content-type"))->value, "application/x-protobuf"));
	assert_null(headers_find(passed, TEXT("Inference-Header-Content-Length")));
	arena_close(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_credential_that_is_sent_twice_is_refused),
		cmocka_unit_test(workloads_are_told_apart_by_their_uris),
		cmocka_unit_test(lines_of_forwarded_addresses_are_one_list),
		cmocka_unit_test(a_call_asks_for_what_its_name_leads_to),
		cmocka_unit_test(a_pipeline_that_was_made_of_something_is_asked_for_as_that),
		cmocka_unit_test(all_lines_of_a_header_are_passed_on),
		cmocka_unit_test(a_request_is_in_one_trace_and_has_one_route),
		cmocka_unit_test(a_request_that_has_only_headers_of_b3_gets_a_traceparent),
		cmocka_unit_test(listed_headers_alone_are_passed_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
