/* status_writer.c: see status_writer.h. */
#include "control/engine/status_writer.h"

#include "control/engine/change_results.h"
#include "kafka/produce/best_effort.h"

#define QUEUE_BYTES ((size_t)8 << 20)  /* records of conditions that wait for Kafka */
#define STATUS_BYTES ((size_t)1 << 20) /* a record of `status` */
#define LISTS_BYTES ((size_t)16 << 20)

static void record_produce(struct status_writer *writer)
{
	const struct outgoing outgoing = {.key = buffer_view(&writer->key), .value = buffer_view(&writer->value)};
	(void)best_effort_produce(writer->side, &outgoing);
}

static void record_send(struct status_writer *writer, const struct record_form *form, const void *record)
{
	struct error error = {0};
	buffer_clear(&writer->value);
	if (!record_encode(form, record, &writer->value, &error)) {
		log_say(writer->config->log, LOG_LEVEL_WARN, NULL, "a record of %s was not written: %s", writer->config->topic,
			error.text);
		return;
	}
	record_produce(writer);
}

void status_writer_report(struct status_writer *writer, struct engine_report report, const struct list *results)
{
	const size_t count = list_length(results);
	arena_reset(writer->lists);
	int64_t *prepared = ARENA_ARRAY(writer->lists, int64_t, count);
	struct failed_change *failed = ARENA_ARRAY(writer->lists, struct failed_change, count);
	if (!prepared || !failed)
		return;
	report.prepared = (struct record_list){0, prepared};
	report.failed = (struct record_list){0, failed};
	for (const struct list_node *node = results->first; node; node = node->next) {
		const struct change_result *result = LIST_OWNER(node, const struct change_result, node);
		if (result->state == CHANGE_IS_PREPARED)
			prepared[report.prepared.count++] = result->change;
		else if (result->state == CHANGE_CANNOT_RUN)
			failed[report.failed.count++] = (struct failed_change){result->change, text_of(result->why)};
	}
	buffer_clear(&writer->key);
	report_key(report.engine, &writer->key);
	record_send(writer, &report_form, &report);
}

void status_writer_conditions(struct status_writer *writer, const struct engine_conditions *conditions)
{
	buffer_clear(&writer->key);
	conditions_key(conditions->engine, &writer->key);
	record_send(writer, &conditions_form, conditions);
}

void status_writer_tally(struct status_writer *writer, struct rollout_relay *relay, struct rollout_board *rollouts,
			 struct engine_tallies tally)
{
	if (rollout_relay_tally(relay, rollouts, tally, &writer->key, &writer->value))
		record_produce(writer);
}

bool status_writer_open(struct status_writer *writer, const struct status_writer_config *config, struct error *error)
{
	assert(config->brokers && config->topic);
	const char *const names[] = {config->topic};
	const struct best_effort_config side = {.brokers = config->brokers,
						.queue_bytes = QUEUE_BYTES,
						.at_once = true,
						.batches = config->batches,
						.properties = config->producer};
	*writer = (struct status_writer){.config = config, .lists = arena_open(LISTS_BYTES)};
	buffer_open(&writer->key, STATUS_BYTES);
	buffer_open(&writer->value, STATUS_BYTES);
	if (!writer->lists)
		return error_memory(error, ERROR_SYSTEM, "writing the status");
	return (writer->side = best_effort_open(&side, error)) && best_effort_topics(writer->side, names, 1, error);
}

void status_writer_close(struct status_writer *writer)
{
	best_effort_close(writer->side);
	buffer_close(&writer->key);
	buffer_close(&writer->value);
	arena_close(writer->lists);
}
