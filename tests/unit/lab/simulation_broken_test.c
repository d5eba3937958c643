/* The simulator has teeth: where the engine is broken on purpose some run does not hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "message/records/stage_link.h"
#include "simulation/simulation.h"
#include "steps/kinds.h"

#define DAYS 300 /* a broken engine is found well before */

/* The first run that does not hold; fails the test when all do. */
static struct simulation_result bad_simulation(struct simulation_config config)
{
	struct simulation_result result;
	config.kinds = step_kinds;
	for (config.seed = 1; config.seed <= DAYS; config.seed++) {
		struct error error = {0};
		assert_true(simulation_run(&config, &result, &error));
		if (!result.held)
			return result;
	}
	fail_msg("%d runs held", DAYS);
	return result;
}

/* ---- an output that stands before the simulated Kafka's ---- */

struct broken {
	struct output output; /* first: the table of operations */
	struct output *behind;
	struct position positions[64];
	int64_t taken[64]; /* by partition: behind the last record that was taken */
	bool held;	   /* a record that waits for the next to overtake it */
	struct outgoing record;
	struct header id; /* x-request-id, which each has */
	char key[8], name[16], number[16], value[512];
};

static void broken_close(struct output *self)
{
	struct broken *broken = (struct broken *)self;
	output_close(broken->behind);
	memory_give(broken);
}

static int broken_bell(const struct output *self)
{
	return output_bell(((const struct broken *)self)->behind);
}

static enum transaction_news broken_news(struct output *self, struct positions *committed, struct error *error)
{
	return output_news(((struct broken *)self)->behind, committed, error);
}

static bool broken_is_open(const struct output *self)
{
	return output_is_open(((const struct broken *)self)->behind);
}

static bool broken_may_end(const struct output *self)
{
	return output_may_end(((const struct broken *)self)->behind);
}

static enum produce_verdict broken_produce(struct output *self, const struct outgoing *record, struct error *error)
{
	return output_produce(((struct broken *)self)->behind, record, error);
}

static bool broken_end(struct output *self, struct positions positions, struct error *error)
{
	return output_end(((struct broken *)self)->behind, positions, error);
}

static uint64_t broken_resets(const struct output *self, const char **reason)
{
	return output_resets(((const struct broken *)self)->behind, reason);
}

static int64_t broken_commit_us(const struct output *self)
{
	return output_commit_us(((const struct broken *)self)->behind);
}

static bool broken_topics(struct output *self, const char *const *names, size_t count, struct error *error)
{
	return output_topics(((struct broken *)self)->behind, names, count, error);
}

static bool broken_refused(struct output *self, struct refusal *refusal)
{
	return output_refused(((struct broken *)self)->behind, refusal);
}

static const struct output_operations passes_on = {
	.close = broken_close,
	.bell = broken_bell,
	.news = broken_news,
	.is_open = broken_is_open,
	.may_end = broken_may_end,
	.produce = broken_produce,
	.end = broken_end,
	.resets = broken_resets,
	.commit_us = broken_commit_us,
	.topics = broken_topics,
	.refused = broken_refused,
};

static struct output *broken_open(struct output_operations *operations, struct simulated_host *host, struct loop *loop,
				  const struct transaction_config *config, const struct consumer *consumer, struct error *error)
{
	struct broken *broken = memory_take(1, sizeof *broken);
	assert_non_null(broken);
	broken->output.operations = operations;
	broken->behind = simulated_output_open(host, loop, config, consumer, error);
	return &broken->output;
}

/* ---- the order of commits ---- */

/* Offsets first, in a transaction or load of their own; their results with the next. */
static bool end_before_its_results(struct output *self, struct positions positions, struct error *error)
{
	struct broken *broken = (struct broken *)self;
	for (size_t i = 0; i < positions.count; i++) {
		broken->positions[i] = positions.items[i];
		if (positions.items[i].offset != OFFSET_NONE)
			broken->positions[i].offset++;
	}
	return output_end(broken->behind, (struct positions){positions.count, broken->positions}, error);
}

static struct output *open_that_commits_too_much(struct simulated_host *host, struct loop *loop,
						 const struct transaction_config *config, const struct consumer *consumer,
						 struct error *error)
{
	static struct output_operations operations;
	operations = passes_on;
	operations.end = end_before_its_results;
	return broken_open(&operations, host, loop, config, consumer, error);
}

static void offsets_committed_before_their_results_are_found(void **state)
{
	(void)state;
	const struct simulation_platform platform = {simulated_consumer_open, open_that_commits_too_much, simulated_archive_open,
						     simulated_best_effort_open, simulated_fenced_writer_open};
	for (int i = 0; i < 2; i++) {
		struct simulation_result result =
			bad_simulation((struct simulation_config){.platform = &platform, .exactly_once = i});
		assert_true(strstr(result.why, "not answered") || strstr(result.why, "ought to be"));
	}
}

/* ---- the prefix rule: results leave in the order of their partition ---- */

static void header_keep(struct broken *broken, const struct outgoing *record)
{
	broken->id = record->headers.items[0];
	memcpy(broken->name, broken->id.name.bytes, broken->id.name.length);
	memcpy(broken->number, broken->id.value.bytes, broken->id.value.length);
	broken->id.name.bytes = broken->name;
	broken->id.value.bytes = broken->number;
	broken->record.headers = (struct headers){1, &broken->id};
}

static enum produce_verdict produce_overtaken(struct output *self, const struct outgoing *record, struct error *error)
{
	struct broken *broken = (struct broken *)self;
	if (!broken->held && record->headers.count == 1 && record->value.length <= sizeof broken->value) {
		broken->held = true;
		broken->record = *record;
		header_keep(broken, record);
		memcpy(broken->value, record->value.bytes, record->value.length);
		broken->record.value.bytes = broken->value;
		if (record->key.bytes) {
			memcpy(broken->key, record->key.bytes, record->key.length);
			broken->record.key.bytes = broken->key;
		}
		return PRODUCED;
	}
	enum produce_verdict verdict = output_produce(broken->behind, record, error);
	if (verdict == PRODUCED && broken->held)
		broken->held = output_produce(broken->behind, &broken->record, error) != PRODUCED;
	return verdict;
}

static bool end_with_what_is_held(struct output *self, struct positions positions, struct error *error)
{
	struct broken *broken = (struct broken *)self;
	if (broken->held)
		(void)output_produce(broken->behind, &broken->record, error);
	broken->held = false;
	return output_end(broken->behind, positions, error);
}

static struct output *open_that_lets_overtake(struct simulated_host *host, struct loop *loop,
					      const struct transaction_config *config, const struct consumer *consumer,
					      struct error *error)
{
	static struct output_operations operations;
	operations = passes_on;
	operations.produce = produce_overtaken;
	operations.end = end_with_what_is_held;
	return broken_open(&operations, host, loop, config, consumer, error);
}

static void results_out_of_order_are_found(void **state)
{
	(void)state;
	const struct simulation_platform platform = {simulated_consumer_open, open_that_lets_overtake, simulated_archive_open,
						     simulated_best_effort_open, simulated_fenced_writer_open};
	for (int i = 0; i < 2; i++) {
		struct simulation_result result =
			bad_simulation((struct simulation_config){.platform = &platform, .exactly_once = i});
		assert_non_null(strstr(result.why, "behind"));
	}
}

/* ---- the changelog's restore ---- */

struct forgetful {
	struct archive archive; /* first: the table of operations */
	struct archive *behind;
};

static void forgetful_close(struct archive *self)
{
	archive_close(((struct forgetful *)self)->behind);
	memory_give(self);
}

static int forgetful_bell(const struct archive *self)
{
	return archive_bell(((const struct forgetful *)self)->behind);
}

/* What was brought back is not there. */
static bool forgetful_news(struct archive *self, struct archive_news *news)
{
	if (!archive_news(((struct forgetful *)self)->behind, news))
		return false;
	if (news->kind == ARCHIVE_RESTORED) {
		struct store *empty = store_open(store_scopes(news->store), (size_t)1 << 20);
		assert_non_null(empty);
		store_close(news->store);
		news->store = empty;
	}
	return true;
}

static bool forgetful_restore(struct archive *self, uint64_t ticket, const struct archive_place *place, struct error *error)
{
	return archive_restore(((struct forgetful *)self)->behind, ticket, place, error);
}

static void forgetful_forget(struct archive *self, uint64_t ticket)
{
	archive_forget(((struct forgetful *)self)->behind, ticket);
}

static const struct archive_operations forgets = {
	.close = forgetful_close,
	.bell = forgetful_bell,
	.news = forgetful_news,
	.restore = forgetful_restore,
	.forget = forgetful_forget,
};

static struct archive *open_that_forgets(struct simulated_host *host, struct loop *loop, const struct consumer *consumer,
					 struct error *error)
{
	struct forgetful *forgetful = memory_take(1, sizeof *forgetful);
	assert_non_null(forgetful);
	forgetful->archive.operations = &forgets;
	forgetful->behind = simulated_archive_open(host, loop, consumer, error);
	return &forgetful->archive;
}

/* A worker that finds its state gone stops, and so does each that follows it: nothing wrong is answered, and what is not in force
 * in time in some runs, since the engines have ended, is not answered in time in others. */
static void state_that_is_not_brought_back_is_found(void **state)
{
	(void)state;
	const struct simulation_platform platform = {simulated_consumer_open, simulated_output_open, open_that_forgets,
						     simulated_best_effort_open, simulated_fenced_writer_open};
	struct simulation_config config = {.kinds = step_kinds, .platform = &platform, .exactly_once = true};
	size_t unanswered = 0;
	for (config.seed = 1; config.seed <= DAYS && unanswered == 0; config.seed++) {
		struct simulation_result result;
		struct error error = {0};
		assert_true(simulation_run(&config, &result, &error));
		unanswered += strstr(result.why, "is not answered in time") != NULL;
		assert_true(result.held || unanswered > 0 || strstr(result.why, "are in force in time"));
	}
	assert_true(unanswered > 0);
}

/* ---- the guard ---- */

static void a_transaction_that_ends_over_a_lost_connection_unseen_is_found(void **state)
{
	(void)state;
	struct simulation_result result = bad_simulation(
		(struct simulation_config){.platform = &simulation_platform_kafka, .exactly_once = true, .misses_closes = true});
	assert_true(strstr(result.why, "twice") || strstr(result.why, "not answered") || strstr(result.why, "behind") ||
		    strstr(result.why, "ought to be")); /* counted twice */
}

/* ---- what a run may have beside its faults ---- */

static struct simulation_result bad_simulation_of(enum simulation_break broken, unsigned traits, bool exactly_once)
{
	return bad_simulation((struct simulation_config){.platform = &simulation_platform_kafka,
							 .exactly_once = exactly_once,
							 .broken = broken,
							 .traits_given = true,
							 .traits = traits});
}

static void a_changed_pipeline_that_goes_on_as_it_was_is_found(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		assert_non_null(
			strstr(bad_simulation_of(SIMULATION_KEEPS_STAGES, 1U << SIMULATION_RELOADED, i).why, "ought to be"));
}

static void a_request_that_begins_in_one_version_and_ends_in_the_next_is_found(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct simulation_result result =
			bad_simulation_of(SIMULATION_MIXES_STAGES, 1U << SIMULATION_RELOADED | 1U << SIMULATION_STAGED, i);
		assert_non_null(strstr(result.why, "ought to be"));
	}
}

static void members_of_a_batch_that_get_what_is_anothers_are_found(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct simulation_result result = bad_simulation_of(SIMULATION_MIXES_BATCHES, 1U << SIMULATION_BATCHED, i);
		assert_true(strstr(result.why, "ought to be") || strstr(result.why, "drops it"));
	}
}

/* The first run in which something is wrong may show it by another sign. */
static void records_that_are_blamed_for_their_batch_are_found(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct simulation_config config = {.platform = &simulation_platform_kafka,
						   .kinds = step_kinds,
						   .exactly_once = i,
						   .broken = SIMULATION_BLAMES_RECORDS,
						   .traits_given = true,
						   .traits = 1U << SIMULATION_BOUNDED};
		struct simulation_result result = {.held = true};
		for (config.seed = 1; config.seed <= DAYS && !strstr(result.why, "is answered by an error"); config.seed++)
			assert_true(simulation_run(&config, &result, &(struct error){0}));
		assert_non_null(strstr(result.why, "is answered by an error"));
	}
}

static void results_that_are_sorted_by_the_partitions_of_another_topic_are_found(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct simulation_result result =
			bad_simulation_of(SIMULATION_MIXES_TOPICS, 1U << SIMULATION_PARCELLED | 1U << SIMULATION_JOINED, i);
		assert_non_null(strstr(result.why, "is answered behind request"));
	}
}

/* A consumer that goes on behind deleted records, and reports nothing. */
static struct consumer *open_that_hides_gaps(struct simulated_host *host, struct loop *loop, const struct consumer_config *config,
					     struct error *error)
{
	static struct consumer_operations operations;
	struct consumer *consumer = simulated_consumer_open(host, loop, config, error);
	assert_non_null(consumer);
	operations = *consumer->operations;
	operations.gap = NULL;
	consumer->operations = &operations;
	return consumer;
}

static void gaps_that_are_not_reported_are_found(void **state)
{
	(void)state;
	const struct simulation_platform platform = {open_that_hides_gaps, simulated_output_open, simulated_archive_open,
						     simulated_best_effort_open, simulated_fenced_writer_open};
	for (int i = 0; i < 2; i++) {
		struct simulation_result result = bad_simulation((struct simulation_config){
			.platform = &platform, .exactly_once = i, .traits_given = true, .traits = 1U << SIMULATION_GAPPED});
		assert_non_null(strstr(result.why, "is not answered in time"));
	}
}

static void parts_that_are_not_brought_back_are_found(void **state)
{
	(void)state;
	const struct simulation_platform platform = {simulated_consumer_open, simulated_output_open, open_that_forgets,
						     simulated_best_effort_open, simulated_fenced_writer_open};
	for (int i = 0; i < 2; i++) {
		struct simulation_result result = bad_simulation((struct simulation_config){
			.platform = &platform, .exactly_once = i, .traits_given = true, .traits = 1U << SIMULATION_FED});
		assert_true(strstr(result.why, "by reader") || strstr(result.why, "is not answered in time"));
	}
}

/* ---- what comes by several ways, joined in any order ---- */

#define ID_BYTES 64

/* The parts of one request meet, and those of a key go to any partition: as if by its id. */
static enum produce_verdict produce_by_request(struct output *self, const struct outgoing *record, struct error *error)
{
	struct stage_link_head head;
	struct error ignored = {0};
	struct outgoing changed = *record;
	char id[ID_BYTES];
	if (!record->beside_origin && stage_link_peek(record->value, &head, &ignored)) {
		int length = snprintf(id, sizeof id, "%d/%lld", (int)head.origin.partition, (long long)head.origin.offset);
		changed.key = (struct text){id, (size_t)length};
	}
	return broken_produce(self, &changed, error);
}

static struct output *open_by_request(struct simulated_host *host, struct loop *loop, const struct transaction_config *config,
				      const struct consumer *consumer, struct error *error)
{
	static struct output_operations operations;
	operations = passes_on;
	operations.produce = produce_by_request;
	return broken_open(&operations, host, loop, config, consumer, error);
}

static void stages_whose_records_are_partitioned_by_their_requests_are_found(void **state)
{
	(void)state;
	const struct simulation_platform platform = {simulated_consumer_open, open_by_request, simulated_archive_open,
						     simulated_best_effort_open, simulated_fenced_writer_open};
	for (int i = 0; i < 2; i++) {
		const struct simulation_config config = {
			.platform = &platform, .exactly_once = i, .traits_given = true, .traits = 1U << SIMULATION_JOINED};
		struct simulation_result result = bad_simulation(config);
		assert_true(strstr(result.why, "is answered behind request") || strstr(result.why, "ought to be"));
	}
}

static const struct best_effort_operations *best_effort_of_simulated;

static bool produce_every_other(struct best_effort *side, const struct outgoing *record)
{
	static unsigned produced;
	return ++produced % 2 == 0 || best_effort_of_simulated->produce(side, record);
}

static struct best_effort *open_that_loses_taps(struct simulated_host *host, struct error *error)
{
	static struct best_effort_operations operations;
	struct best_effort *side = simulated_best_effort_open(host, error);
	assert_non_null(side);
	best_effort_of_simulated = side->operations;
	operations = *best_effort_of_simulated;
	operations.produce = produce_every_other;
	side->operations = &operations;
	return side;
}

static void taps_that_are_lost_are_found(void **state)
{
	(void)state;
	const struct simulation_platform platform = {simulated_consumer_open, simulated_output_open, simulated_archive_open,
						     open_that_loses_taps, simulated_fenced_writer_open};
	for (int i = 0; i < 2; i++) {
		const struct simulation_config config = {
			.platform = &platform, .exactly_once = i, .traits_given = true, .traits = 1U << SIMULATION_TAPPED};
		assert_non_null(strstr(bad_simulation(config).why, "does not stand in"));
	}
}

static const struct output_operations *output_of_simulated;
static bool told_twice; /* what steps gave; else it is not told at all */

/* The topics of each output, by its address: the last that was opened there. */
static struct {
	const struct output *output;
	const char *const *topics;
} writers[64];

static const char *const **topics_of(const struct output *output)
{
	size_t i = 0;
	while (writers[i].output && writers[i].output != output)
		assert_in_range(++i, 0, sizeof writers / sizeof *writers - 1);
	writers[i].output = output;
	return &writers[i].topics;
}

static enum produce_verdict produce_steps_wrongly(struct output *output, const struct outgoing *record, struct error *error)
{
	bool of_step = strstr((*topics_of(output))[record->topic], ".step.");
	if (of_step && !told_twice)
		return PRODUCED;
	enum produce_verdict verdict = output_of_simulated->produce(output, record, error);
	return verdict == PRODUCED && of_step ? output_of_simulated->produce(output, record, error) : verdict;
}

static struct output *open_that_tells_steps_wrongly(struct simulated_host *host, struct loop *loop,
						    const struct transaction_config *config, const struct consumer *consumer,
						    struct error *error)
{
	static struct output_operations operations;
	struct output *output = simulated_output_open(host, loop, config, consumer, error);
	assert_non_null(output);
	output_of_simulated = output->operations;
	operations = *output_of_simulated;
	operations.produce = produce_steps_wrongly;
	output->operations = &operations;
	*topics_of(output) = config->topics;
	return output;
}

static void records_of_steps_that_are_lost_or_doubled_are_found(void **state)
{
	(void)state;
	const struct simulation_platform platform = {simulated_consumer_open, open_that_tells_steps_wrongly, simulated_archive_open,
						     simulated_best_effort_open, simulated_fenced_writer_open};
	for (int i = 0; i < 2; i++) {
		told_twice = i > 0;
		const struct simulation_config config = {
			.platform = &platform, .exactly_once = true, .traits_given = true, .traits = 1U << SIMULATION_FED};
		struct simulation_result result = bad_simulation(config);
		assert_non_null(strstr(result.why, told_twice ? "stands twice" : "does not stand"));
	}
}

static const struct consumer_operations *consumer_of_simulated;

/* As if requests had no deadlines. */
static bool take_without_deadlines(struct consumer *consumer, struct record *records, size_t room, size_t *count,
				   struct error *error)
{
	if (!consumer_of_simulated->take(consumer, records, room, count, error))
		return false;
	for (size_t i = 0; i < *count; i++)
		if (headers_find(records[i].headers, TEXT("x-deadline-ms")))
			records[i].headers.count = 1; /* the id comes first */
	return true;
}

static struct consumer *open_that_forgets_deadlines(struct simulated_host *host, struct loop *loop,
						    const struct consumer_config *config, struct error *error)
{
	static struct consumer_operations operations;
	struct consumer *consumer = simulated_consumer_open(host, loop, config, error);
	assert_non_null(consumer);
	consumer_of_simulated = consumer->operations;
	operations = *consumer_of_simulated;
	operations.take = take_without_deadlines;
	consumer->operations = &operations;
	return consumer;
}

static void deadlines_that_are_forgotten_are_found(void **state)
{
	(void)state;
	const struct simulation_platform platform = {open_that_forgets_deadlines, simulated_output_open, simulated_archive_open,
						     simulated_best_effort_open, simulated_fenced_writer_open};
	for (int i = 0; i < 2; i++) {
		struct simulation_result result = bad_simulation((struct simulation_config){
			.platform = &platform, .exactly_once = i, .traits_given = true, .traits = 1U << SIMULATION_HURRIED});
		assert_non_null(strstr(result.why, "deadline had passed"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offsets_committed_before_their_results_are_found),
		cmocka_unit_test(results_out_of_order_are_found),
		cmocka_unit_test(state_that_is_not_brought_back_is_found),
		cmocka_unit_test(a_transaction_that_ends_over_a_lost_connection_unseen_is_found),
		cmocka_unit_test(a_changed_pipeline_that_goes_on_as_it_was_is_found),
		cmocka_unit_test(a_request_that_begins_in_one_version_and_ends_in_the_next_is_found),
		cmocka_unit_test(members_of_a_batch_that_get_what_is_anothers_are_found),
		cmocka_unit_test(records_that_are_blamed_for_their_batch_are_found),
		cmocka_unit_test(deadlines_that_are_forgotten_are_found),
		cmocka_unit_test(results_that_are_sorted_by_the_partitions_of_another_topic_are_found),
		cmocka_unit_test(gaps_that_are_not_reported_are_found),
		cmocka_unit_test(parts_that_are_not_brought_back_are_found),
		cmocka_unit_test(stages_whose_records_are_partitioned_by_their_requests_are_found),
		cmocka_unit_test(taps_that_are_lost_are_found),
		cmocka_unit_test(records_of_steps_that_are_lost_or_doubled_are_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
