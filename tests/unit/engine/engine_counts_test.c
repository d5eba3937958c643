/* engine_counts_test.c: Counts of an engine for whole pipelines: in stages, joined, called, split, with windows,
 * without output. They run on the embedded broker, as under `sluice dev`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "kafka/embedded/embedded_broker.h"
#include "kafka/consume/reader.h"
#include "observe/status.h"
#include "engine/run/engine.h"
#include "engine/run/group_counts.h"
#include "monitor/metrics/status_publisher.h"
#include "steps/kinds.h"
#include "tests/unit/session.h"

#define HEAD(name) "---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: " name "}\nspec:\n"
#define REQUEST "{\"inputs\":[{\"name\":\"x\",\"shape\":[2,1],\"datatype\":\"FP64\",\"data\":[1,2]}]}"
#define ASKED 12
#define LATE_MS 5000
#define TICK_MS 10
#define WAIT_MS 20000 /* far more than anything takes */

static char file[] = "/tmp/sluice-counts-XXXXXX";

struct stand {
	struct embedded_broker *broker;
	struct loop *loop;
	struct loop_timer timer;
	struct engine_config config;
	struct engine *engine;
	struct arena *arena;
	struct session session;
	const char *pipeline; /* whose requests are counted */
	uint64_t until;	      /* so many have ended */
	uint64_t released;    /* and so many records have left its stages */
	int64_t end_ms;
	struct engine_counts counts;
	FILE *out;
};

static void on_tick(void *context)
{
	struct stand *stand = context;
	struct error error = {0};
	assert_true(engine_counts(stand->engine, stand->pipeline, &stand->counts));
	int64_t now_ms = loop_now_ms(stand->loop);
	const struct pipeline_counts *sums = &stand->counts.sums;
	if ((sums->ended >= stand->until && sums->released >= stand->released) || now_ms >= stand->end_ms)
		engine_stop(stand->engine);
	else
		assert_true(loop_timer_set(stand->loop, &stand->timer, now_ms + TICK_MS, &error));
}

static void stand_open(struct stand *stand, const char *text)
{
	struct error error = {0};
	const char *path = file;
	write_file(file, text);
	*stand = (struct stand){.arena = arena_open((size_t)16 << 20), .out = fopen("/dev/null", "w")};
	stand->session = (struct session){.out = stand->out, .err = stderr, .kinds = step_kinds, .arena = stand->arena};
	stand->broker = embedded_broker_open(&error);
	stand->loop = loop_open(&error);
	const struct revision_options files = {.paths = &path, .path_count = 1, .insecure = true};
	struct revision *revision = revision_open_in_workspace(command_workspace(&stand->session), &files, &error);
	assert_non_null(revision);
	for (size_t i = 0; i < revision->plan.count; i++)
		for (size_t j = 0; j < revision->plan.pipelines[i].topic_count; j++)
			assert_true(embedded_broker_topic(stand->broker, revision->plan.pipelines[i].topics[j].name, 1, &error));
	assert_true(embedded_broker_topic(stand->broker, "sluice.default.status", 1, &error));
	stand->config = (struct engine_config){.brokers = embedded_broker_brokers(stand->broker),
					       .instance = "one",
					       .consumer = embedded_consumer_settings,
					       .producer = embedded_producer_settings,
					       .kinds = step_kinds,
					       .workers = 1,
					       .memory_bytes = (size_t)64 << 20,
					       .state_bytes = (size_t)16 << 20,
					       .partitions = 1,
					       .at_least_once = true,
					       .drain_ms = 2000,
					       .loop = stand->loop};
	stand->engine = engine_open(revision, &stand->config, &error);
	if (!stand->engine)
		fail_msg("%s", error.text);
	stand->timer = (struct loop_timer){.due = on_tick, .context = stand};
}

static void stand_close(struct stand *stand)
{
	engine_close(stand->engine);
	loop_close(stand->loop);
	embedded_broker_close(stand->broker);
	arena_close(stand->arena);
	fclose(stand->out);
}

/* Requests whose records are of five seconds ago. */
static void ask(const struct stand *stand, const char *pipeline, int count)
{
	char text[256], topic[128];
	rd_kafka_conf_t *configuration = rd_kafka_conf_new();
	assert_int_equal(rd_kafka_conf_set(configuration, "bootstrap.servers", stand->config.brokers, text, sizeof text), 0);
	rd_kafka_t *writer = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, text, sizeof text);
	assert_non_null(writer);
	snprintf(topic, sizeof topic, "sluice.default.pipeline.%s.inputs", pipeline);
	for (int i = 0; i < count; i++)
		assert_int_equal(rd_kafka_producev(writer, RD_KAFKA_V_TOPIC(topic),
						   RD_KAFKA_V_VALUE((void *)REQUEST, strlen(REQUEST)),
						   RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
						   RD_KAFKA_V_TIMESTAMP(time_of_day_ms() - LATE_MS), RD_KAFKA_V_END),
				 0);
	assert_int_equal(rd_kafka_flush(writer, WAIT_MS), 0);
	rd_kafka_destroy(writer);
}

/* Until so many requests of the pipeline have ended; then the counts are what the engine ends with. */
static void run_until(struct stand *stand, const char *pipeline, uint64_t until)
{
	struct error error = {0};
	stand->pipeline = pipeline;
	stand->until = until;
	stand->end_ms = loop_now_ms(stand->loop) + WAIT_MS;
	assert_true(loop_timer_set(stand->loop, &stand->timer, loop_now_ms(stand->loop), &error));
	if (!engine_run(stand->engine, &error))
		fail_msg("%s", error.text);
}

struct expected {
	uint64_t taken, ended, succeeded, answered, failed, dropped, dead_letters;
};

static void expect_counts(const struct stand *stand, const char *pipeline, struct expected expected)
{
	struct engine_counts counts;
	assert_true(engine_counts(stand->engine, pipeline, &counts));
	assert_int_equal(counts.sums.taken, expected.taken);
	assert_int_equal(counts.sums.ended, expected.ended);
	assert_int_equal(counts.sums.succeeded, expected.succeeded);
	assert_int_equal(counts.sums.answered, expected.answered);
	assert_int_equal(counts.sums.failed, expected.failed);
	assert_int_equal(counts.sums.dropped, expected.dropped);
	assert_int_equal(counts.sums.dead_letters, expected.dead_letters);
	assert_int_equal(counts.sums.in_flight, 0);
	assert_int_equal(counts.latency.count, expected.ended);
	uint64_t errors = 0, timed = 0;
	for (size_t i = 0; i < COUNTED_ERROR_KINDS; i++)
		errors += counts.sums.errors[i];
	for (size_t i = 0; i <= DURATION_LIMITS; i++)
		timed += counts.sums.duration.buckets[i];
	assert_int_equal(errors, expected.failed);
	assert_int_equal(timed, expected.ended);
}

/* `asked` requests to the pipeline, of which all are to end, and what is then counted of it. */
static void expect_of(const char *text, const char *pipeline, struct expected expected)
{
	struct stand stand;
	stand_open(&stand, text);
	ask(&stand, pipeline, ASKED);
	run_until(&stand, pipeline, expected.ended);
	expect_counts(&stand, pipeline, expected);
	assert_true(histogram_quantile(&stand.counts.latency, 0.5) >= (uint64_t)LATE_MS * 1000 * 9 / 10);
	stand_close(&stand);
}

#define TWO_STAGES(last)                                                                                                           \
	"  steps:\n  - {name: a, expression: {set: {y: x * 2}}}\n"                                                                 \
	"  - {name: b, inputs: [a], isolate: true, expression: {set: {z: '" last "'}}}\n"

static void what_leaves_the_last_stage_is_counted_from_when_it_was_asked(void **state)
{
	(void)state;
	const struct expected all = {.taken = ASKED, .ended = ASKED, .succeeded = ASKED, .answered = ASKED};
	expect_of(HEAD("p") TWO_STAGES("y + 1") "  output: {steps: [b]}\n", "p", all);
}

static void what_fails_in_a_later_stage_is_counted(void **state)
{
	(void)state;
	const struct expected failures = {
		.taken = ASKED, .ended = ASKED, .answered = ASKED, .failed = ASKED, .dead_letters = ASKED};
	expect_of(HEAD("p") TWO_STAGES("y + missing") "  output: {steps: [b]}\n", "p", failures);
}

static void without_output_a_request_ends_in_its_last_stage(void **state)
{
	(void)state;
	expect_of(HEAD("p") TWO_STAGES("y + 1"), "p", (struct expected){.taken = ASKED, .ended = ASKED, .succeeded = ASKED});
	expect_of(HEAD("p") TWO_STAGES("y + missing"), "p",
		  (struct expected){.taken = ASKED, .ended = ASKED, .failed = ASKED, .dead_letters = ASKED});
}

/* Observers beside the path, which ends in the first stage: two of the request, and one of the last step. */
#define WATCHED(last)                                                                                                              \
	HEAD("p")                                                                                                                  \
	"  steps:\n  - {name: u, drift: {tensors: [x], reference: {past: 1d}, window: 40}}\n"                                      \
	"  - {name: v, drift: {tensors: [x], reference: {past: 1d}, window: 40}}\n"                                                \
	"  - {name: s, inputs: [u], " last "}\n"                                                                                   \
	"  - {name: w, inputs: [s], drift: {tensors: [x], reference: {past: 1d}, window: 40}}\n"

static void without_output_a_request_ends_on_its_path_and_not_in_observers(void **state)
{
	(void)state;
	const struct {
		const char *text;
		struct expected expected;
	} rows[] = {
		{WATCHED("expression: {set: {y: x * 2}}"), {.taken = ASKED, .ended = ASKED, .succeeded = ASKED}},
		{WATCHED("filter: {keep: 'x[0, 0] > 5', otherwise: drop}"),
		 {.taken = ASKED, .ended = ASKED, .succeeded = ASKED}}, /* without an output, no answer is dropped */
		{WATCHED("expression: {set: {y: missing}}"),
		 {.taken = ASKED, .ended = ASKED, .failed = ASKED, .dead_letters = ASKED}},
		{HEAD("p") "  steps: [{name: u, drift: {tensors: [x], reference: {past: 1d}, window: 40}}]\n",
		 {.taken = ASKED, .ended = ASKED, .succeeded = ASKED}},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct stand stand;
		stand_open(&stand, rows[i].text);
		ask(&stand, "p", ASKED);
		stand.released = ASKED + 1;
		run_until(&stand, "p", ASKED);
		assert_true(stand.counts.sums.released > ASKED);
		expect_counts(&stand, "p", rows[i].expected);
		stand_close(&stand);
	}
}

static void joined_stages_end_a_request_once(void **state)
{
	(void)state;
	static const char joined[] = HEAD("p") "  steps:\n  - {name: a, isolate: true, expression: {set: {y: x * 2}}}\n"
					       "  - {name: b, isolate: true, expression: {set: {z: x + 1}}}\n"
					       "  - {name: c, inputs: [a, b], expression: {set: {w: y + z}, drop: [x, y, z]}}\n"
					       "  output: {steps: [c]}\n";
	const struct expected all = {.taken = ASKED, .ended = ASKED, .succeeded = ASKED, .answered = ASKED};
	expect_of(joined, "p", all);
}

static void drops_windows_and_splits_are_what_they_are(void **state)
{
	(void)state;
	static const char drops[] = HEAD("p") "  steps:\n  - {name: f, filter: {keep: 'x[0, 0] > 5', otherwise: drop}}\n"
					      "  output: {steps: [f]}\n";
	static const char splits[] = HEAD("p") "  steps:\n  - {name: rows, split: {tensors: [x]}}\n"
					       "  - {name: one, inputs: [rows], expression: {set: {y: x * 2}}}\n"
					       "  output: {steps: [one]}\n";
	static const char windows[] = HEAD("p") "  steps:\n  - name: w\n    aggregate: {window: {count: 3}, set: {n: count(x)}}\n"
						"  output: {steps: [w]}\n";
	expect_of(windows, "p",
		  (struct expected){
			  .taken = ASKED, .ended = ASKED, .succeeded = ASKED, .answered = ASKED / 3, .dropped = ASKED - ASKED / 3});
	expect_of(drops, "p", (struct expected){.taken = ASKED, .ended = ASKED, .succeeded = ASKED, .dropped = ASKED});
	expect_of(splits, "p", (struct expected){.taken = ASKED, .ended = ASKED, .succeeded = 2 * ASKED, .answered = 2 * ASKED});
}

#define READS_ANOTHER                                                                                                              \
	HEAD("first")                                                                                                              \
	TWO_STAGES("y + 1") "  output: {steps: [b]}\n" HEAD(                                                                       \
		"second") "  input: {externalInputs: [first.outputs]}\n"                                                           \
			  "  steps: [{name: s, expression: {set: {w: z + missing}}}]\n  output: {steps: [s]}\n"

static void pipelines_that_read_others_have_their_own_counts(void **state)
{
	(void)state;
	struct stand stand;
	stand_open(&stand, READS_ANOTHER);
	ask(&stand, "first", ASKED);
	run_until(&stand, "second", ASKED);
	expect_counts(&stand, "first", (struct expected){.taken = ASKED, .ended = ASKED, .succeeded = ASKED, .answered = ASKED});
	expect_counts(&stand, "second",
		      (struct expected){.taken = ASKED, .ended = ASKED, .answered = ASKED, .failed = ASKED, .dead_letters = ASKED});
	stand_close(&stand);
}

/* A pipeline that calls one and copies to another, which fails. */
#define CALLS                                                                                                                      \
	HEAD("good")                                                                                                               \
	"  steps: [{name: g, expression: {set: {y: x}}}]\n  output: {steps: [g]}\n" HEAD("shade") "  steps: [{name: s, "           \
												  "expression: {set: {y: "         \
												  "missing}}}]\n  output: "        \
												  "{steps: [s]}\n" HEAD(           \
													  "p") "  steps: [{name: " \
													       "t, traffic: "      \
													       "{shares: "         \
													       "[{weight: 1, "     \
													       "call: good}], "    \
													       "copies: [{call: "  \
													       "shade}]}}]\n"      \
													       "  output: "        \
													       "{steps: [t]}\n"

static void called_pipelines_and_shadows_count_their_calls(void **state)
{
	(void)state;
	struct stand stand;
	stand_open(&stand, CALLS);
	ask(&stand, "p", ASKED);
	run_until(&stand, "p", ASKED);
	const struct expected all = {.taken = ASKED, .ended = ASKED, .succeeded = ASKED, .answered = ASKED};
	expect_counts(&stand, "p", all);
	expect_counts(&stand, "good", all);
	expect_counts(&stand, "shade", (struct expected){.taken = ASKED, .ended = ASKED, .answered = ASKED, .failed = ASKED});
	stand_close(&stand);
}

/* ---- what is said of it ---- */

static void a_pipeline_waits_for_a_model_while_requests_do(void **state)
{
	(void)state;
	const struct engine_counts asks = {.models_away = 1, .sums.in_flight = 1}, idle = {.models_away = 1},
				   works = {.sums.in_flight = 1}, held = {.waits_for = "its partitions"},
				   absent = {.absent.topic = "t"};
	assert_true(engine_counts_wait_for_model(&asks) && engine_counts_wait(&asks));
	assert_false(engine_counts_wait(&idle));
	assert_false(engine_counts_wait(&works));
	assert_true(engine_counts_wait(&held) && !engine_counts_wait_for_model(&held));
	assert_true(engine_counts_wait(&absent) && !engine_counts_wait_for_model(&absent));
}

/* No answer waits for observers, so what waits in them is counted apart. */
static void requests_of_observers_in_replaced_versions_are_counted_apart(void **state)
{
	static struct stage_counts counts = {.former = 3};
	struct served served = {.name = "p", .pipeline = "p", .counts = &counts};
	static struct group group = {.observes = true, .worker_count = 1};
	struct engine_counts sums;
	struct error why = {0};
	char words[ERROR_TEXT_MAX];
	(void)state;
	(void)error_set(&why, ERROR_REMOTE, PLACE_NONE, "model `m` at h:1 of version 3");
	last_failure_note(&counts.former_why, &why, NULL);
	for (size_t i = 0; i < SERVED_LISTS; i++)
		group.served_lists[i] = &served;
	assert_true(groups_counts(&group, "p", &sums));
	assert_int_equal(sums.former, 0);
	assert_int_equal(sums.observers_former, 3);
	assert_false(engine_counts_wait(&sums));
	assert_int_equal(groups_former(&group, "p", false, words, sizeof words), 0);
	assert_int_equal(groups_former(&group, "p", true, words, sizeof words), 3);
	assert_string_equal(words, "3 requests wait for model `m` at h:1 of version 3");
	group.observes = false;
	assert_true(groups_counts(&group, "p", &sums));
	assert_int_equal(sums.former, 3);
	assert_int_equal(sums.observers_former, 0);
	assert_true(engine_counts_wait(&sums));
}

static struct status last_status(struct stand *stand)
{
	struct error error = {0};
	struct status status = {0};
	const struct reader_config config = {
		.brokers = stand->config.brokers, .topic = "sluice.default.status", .from_beginning = true};
	struct reader *reader = reader_open(&config, &error);
	assert_non_null(reader);
	for (bool found = false, more = true; more;) {
		struct record record;
		assert_true(reader_next(reader, found ? 500 : WAIT_MS, &record, &error));
		more = record.held;
		if (!more)
			continue;
		found = true;
		const char *kept = arena_copy(stand->arena, record.value.bytes, record.value.length);
		assert_true(status_read((struct text){kept, record.value.length}, stand->arena, &status, &error));
		record_release(&record);
	}
	reader_close(reader);
	return status;
}

static struct status status_after(int asked, struct stand *stand)
{
	struct error error = {0};
	stand_open(stand, HEAD("p") TWO_STAGES("y + missing") "  output: {steps: [b]}\n");
	struct status_publisher *status_publisher = status_publisher_open(stand->engine, &stand->config, &error);
	assert_non_null(status_publisher);
	ask(stand, "p", asked);
	stand->until = UINT64_MAX;
	stand->pipeline = "p";
	stand->end_ms = loop_now_ms(stand->loop) + 2 * STATUS_EVERY_MS + STATUS_EVERY_MS / 2;
	assert_true(loop_timer_set(stand->loop, &stand->timer, stand->end_ms, &error));
	assert_true(engine_run(stand->engine, &error));
	status_publisher_close(status_publisher);
	return last_status(stand);
}

static void ten_errors_in_a_row_are_a_pipeline_that_fails(void **state)
{
	(void)state;
	struct stand stand;
	struct status status = status_after(STATUS_FAILING_LEAST, &stand);
	assert_true(text_is(status.state, "failing"));
	assert_true(text_is(status.why, "the last 10 results are errors; `sluice errors list p` shows the reasons"));
	assert_true(status.ready);
	assert_int_equal(status.sums.taken, STATUS_FAILING_LEAST);
	assert_int_equal(status.sums.ended, STATUS_FAILING_LEAST);
	assert_int_equal(status.sums.failed, STATUS_FAILING_LEAST);
	stand_close(&stand);
	status = status_after(STATUS_FAILING_LEAST - 1, &stand);
	assert_true(text_is(status.state, "running"));
	assert_int_equal(status.why.length, 0);
	assert_int_equal(status.sums.failed, STATUS_FAILING_LEAST - 1);
	stand_close(&stand);
}

#define IN_TURN 20 /* pipelines, two of which report in a second */

/* How many pipelines the engine has reported on in the second in which they were the fewest. */
static size_t quietest_second_of(struct stand *stand)
{
	struct error error = {0};
	const struct reader_config config = {
		.brokers = stand->config.brokers, .topic = "sluice.default.status", .from_beginning = true};
	struct reader *reader = reader_open(&config, &error);
	int64_t at_ms = 0;
	size_t count = 0, fewest = SIZE_MAX;
	assert_non_null(reader);
	for (bool found = false, more = true; more;) {
		struct record record;
		struct status status;
		assert_true(reader_next(reader, found ? 500 : WAIT_MS, &record, &error));
		more = record.held;
		if (!more)
			continue;
		found = true;
		assert_true(status_read(record.value, stand->arena, &status, &error));
		assert_int_equal(status.pipelines, IN_TURN);
		record_release(&record);
		if (status.at_ms != at_ms && at_ms != 0)
			fewest = count < fewest ? count : fewest;
		count = status.at_ms == at_ms ? count + 1 : 1;
		at_ms = status.at_ms;
	}
	reader_close(reader);
	return count < fewest ? count : fewest;
}

/* The reports of a second in which nothing has changed: their states change while they begin. */
static size_t reports_of_a_second(const struct control_state *control)
{
	struct buffer text;
	struct stand stand;
	struct error error = {0};
	buffer_open(&text, (size_t)1 << 20);
	for (int i = 0; i < IN_TURN; i++) {
		buffer_print(&text, HEAD("p%d"), i);
		buffer_string(&text, TWO_STAGES("y + 1") "  output: {steps: [b]}\n");
	}
	buffer_byte(&text, '\0');
	stand_open(&stand, text.bytes);
	stand.config.control = control;
	struct status_publisher *publisher = status_publisher_open(stand.engine, &stand.config, &error);
	assert_non_null(publisher);
	stand.until = UINT64_MAX;
	stand.pipeline = "p0";
	stand.end_ms = loop_now_ms(stand.loop) + 4 * STATUS_EVERY_MS + STATUS_EVERY_MS / 2;
	assert_true(loop_timer_set(stand.loop, &stand.timer, stand.end_ms, &error));
	assert_true(engine_run(stand.engine, &error));
	const size_t count = quietest_second_of(&stand);
	status_publisher_close(publisher);
	stand_close(&stand);
	buffer_close(&text);
	return count;
}

static void with_a_control_plane_pipelines_report_in_turn_until_somebody_watches(void **state)
{
	struct control_state control = {0};
	(void)state;
	assert_int_equal(reports_of_a_second(&control), IN_TURN / 10);
	control.watched_ms = clock_ms();
	assert_int_equal(reports_of_a_second(&control), IN_TURN);
}

static int make_file(void **state)
{
	(void)state;
	int descriptor = mkstemp(file);
	engine_block_signals(NULL);
	return descriptor < 0 || close(descriptor);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(file);
}

#define MANY 900 /* pipelines; a file has at most 1,000 documents */
#define MANY_TIMES 9
#define ROUNDS 20
#define SLACK 8 /* of times, above linear: the counts of many leave the caches. What looks at all for each takes 12 times as long */

static int64_t cpu_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* The time in which the counts of all of so many pipelines are added up. */
static int64_t counts_ns(int pipelines)
{
	struct buffer text;
	struct stand stand;
	struct engine_counts counts;
	int64_t best_ns = INT64_MAX;
	buffer_open(&text, (size_t)1 << 20);
	for (int i = 0; i < pipelines; i++) {
		buffer_print(&text, HEAD("p%d"), i);
		buffer_string(&text, TWO_STAGES("y + 1") "  output: {steps: [b]}\n");
	}
	buffer_byte(&text, '\0');
	assert_false(buffer_failed(&text));
	stand_open(&stand, text.bytes);
	const struct plan *plan = &engine_revision(stand.engine)->plan;
	assert_int_equal(plan->count, pipelines);
	for (int round = 0; round < ROUNDS; round++) {
		const int64_t begin_ns = cpu_ns();
		for (size_t i = 0; i < plan->count; i++) {
			assert_true(engine_counts(stand.engine, plan->pipelines[i].graph->name, &counts));
			assert_int_not_equal(counts.version, 0);
		}
		if (cpu_ns() - begin_ns < best_ns)
			best_ns = cpu_ns() - begin_ns;
	}
	stand_close(&stand);
	buffer_close(&text);
	return best_ns;
}

static void the_counts_of_many_pipelines_cost_a_time_for_each(void **state)
{
	(void)state;
	const int64_t few_ns = counts_ns(MANY / MANY_TIMES), all_ns = counts_ns(MANY);
	print_message("%d pipelines: %.3f ms, %d pipelines: %.3f ms\n", MANY / MANY_TIMES, (double)few_ns / 1e6, MANY,
		      (double)all_ns / 1e6);
	assert_true(all_ns <= few_ns * MANY_TIMES * SLACK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_counts_of_many_pipelines_cost_a_time_for_each),
		cmocka_unit_test(what_leaves_the_last_stage_is_counted_from_when_it_was_asked),
		cmocka_unit_test(what_fails_in_a_later_stage_is_counted),
		cmocka_unit_test(without_output_a_request_ends_in_its_last_stage),
		cmocka_unit_test(without_output_a_request_ends_on_its_path_and_not_in_observers),
		cmocka_unit_test(joined_stages_end_a_request_once),
		cmocka_unit_test(drops_windows_and_splits_are_what_they_are),
		cmocka_unit_test(pipelines_that_read_others_have_their_own_counts),
		cmocka_unit_test(called_pipelines_and_shadows_count_their_calls),
		cmocka_unit_test(a_pipeline_waits_for_a_model_while_requests_do),
		cmocka_unit_test(requests_of_observers_in_replaced_versions_are_counted_apart),
		cmocka_unit_test(ten_errors_in_a_row_are_a_pipeline_that_fails),
		cmocka_unit_test(with_a_control_plane_pipelines_report_in_turn_until_somebody_watches),
	};
	return cmocka_run_group_tests(tests, make_file, remove_file);
}
