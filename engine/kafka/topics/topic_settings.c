/* topic_settings.c: see topic_settings.h. */
#include "kafka/topics/topic_settings.h"

#include <assert.h>

#include "base/memory.h"
#include "base/number/number.h"
#include "kafka/admin_client.h"
#include "kafka/kafka_wait.h"

#define POLL_MS 200 /* of an answer, between two looks whether the wait was ended */

struct settings_question {
	rd_kafka_t *client;
	int32_t broker; /* any broker: by itself librdkafka waits for the controller, which a mock broker lacks */
	const char *const *names; /* of the topics in one query */
	size_t first, count;	  /* their positions in the whole list */
	topic_setting_seen *seen;
	void *context;
	struct settings_wait *wait; /* NULL: nothing ends it */
};

static bool wait_is_over(const struct settings_wait *wait)
{
	return (wait && atomic_load(wait->stopping)) || kafka_wait_is_over();
}

static void settings_show(const struct settings_question *question, const rd_kafka_ConfigResource_t *resource)
{
	size_t count, at = 0;
	const char *name = rd_kafka_ConfigResource_name(resource);
	if (rd_kafka_ConfigResource_error(resource) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	while (at < question->count && strcmp(question->names[at], name) != 0)
		at++;
	if (at == question->count)
		return;
	const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &count);
	for (size_t i = 0; i < count; i++)
		question->seen(question->context, question->first + at, rd_kafka_ConfigEntry_name(entries[i]),
			       rd_kafka_ConfigEntry_value(entries[i]));
}

/* NULL: there was no answer. */
static rd_kafka_event_t *answer_await(rd_kafka_queue_t *queue, const struct settings_wait *wait)
{
	rd_kafka_event_t *event = NULL;
	for (int waited_ms = 0; !event && !wait_is_over(wait) && waited_ms < 2 * TOPIC_SETTINGS_WAIT_MS; waited_ms += POLL_MS)
		event = rd_kafka_queue_poll(queue, POLL_MS);
	return event;
}

static void answer_note(struct settings_wait *wait, const rd_kafka_event_t *event)
{
	if (wait && (!event || rd_kafka_event_error((rd_kafka_event_t *)event) == RD_KAFKA_RESP_ERR__TIMED_OUT))
		wait->is_unanswered = true;
}

/* False: there was no answer, and further ones are not waited for. */
static bool settings_ask(const struct settings_question *question, rd_kafka_ConfigResource_t **resources)
{
	char words[LIBRARY_TEXT_MAX];
	size_t count;
	rd_kafka_queue_t *queue = rd_kafka_queue_new(question->client);
	rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(question->client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
	(void)rd_kafka_AdminOptions_set_request_timeout(options, TOPIC_SETTINGS_WAIT_MS, words, sizeof words);
	(void)rd_kafka_AdminOptions_set_broker(options, question->broker, words, sizeof words);
	rd_kafka_DescribeConfigs(question->client, resources, question->count, options, queue);
	rd_kafka_event_t *event = answer_await(queue, question->wait);
	answer_note(question->wait, event);
	bool answered = event && rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR;
	if (answered) {
		const rd_kafka_ConfigResource_t **answers =
			rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &count);
		for (size_t i = 0; i < count; i++)
			settings_show(question, answers[i]);
	}
	if (event)
		rd_kafka_event_destroy(event);
	rd_kafka_AdminOptions_destroy(options);
	rd_kafka_queue_destroy(queue);
	return answered;
}

static bool settings_read_some(struct settings_question *question, struct error *error)
{
	rd_kafka_ConfigResource_t *resources[TOPIC_SETTINGS_AT_ONCE];
	size_t made = 0;
	while (made < question->count &&
	       (resources[made] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, question->names[made])))
		made++;
	bool whole = made == question->count;
	if (whole && !settings_ask(question, resources))
		question->count = 0;
	rd_kafka_ConfigResource_destroy_array(resources, made);
	return whole || error_memory(error, ERROR_SYSTEM, "reading settings of topics");
}

const struct rd_kafka_metadata *topic_metadata_await(rd_kafka_t *client, bool all, struct settings_wait *wait)
{
	const struct rd_kafka_metadata *metadata;
	const int slice_ms =
		kafka_wait_left_ms(wait || kafka_wait_is_bounded() ? TOPIC_SETTINGS_STOP_MS : TOPIC_SETTINGS_WAIT_MS);
	for (int waited_ms = 0; waited_ms < TOPIC_SETTINGS_WAIT_MS && !wait_is_over(wait); waited_ms += slice_ms)
		if (rd_kafka_metadata(client, all, NULL, &metadata, slice_ms) == RD_KAFKA_RESP_ERR_NO_ERROR)
			return metadata;
	if (wait)
		wait->is_unanswered = true;
	return NULL;
}

static bool broker_find(struct settings_question *question)
{
	const struct rd_kafka_metadata *metadata = topic_metadata_await(question->client, false, question->wait);
	if (!metadata)
		return false;
	bool any = metadata->broker_cnt > 0;
	if (any)
		question->broker = metadata->brokers[0].id;
	rd_kafka_metadata_destroy(metadata);
	return any;
}

bool topic_settings_await(rd_kafka_t *client, const char *const *names, size_t count, topic_setting_seen *seen, void *context,
			  struct settings_wait *wait, struct error *error)
{
	assert(seen && (count == 0 || names));
	struct settings_question question = {.client = client, .seen = seen, .context = context, .wait = wait};
	kafka_wait_note("the settings of topics");
	bool good = true, found = count > 0 && broker_find(&question);
	for (size_t at = 0; found && good && at < count; at += TOPIC_SETTINGS_AT_ONCE) {
		question.names = names + at;
		question.first = at;
		question.count = count - at < TOPIC_SETTINGS_AT_ONCE ? count - at : TOPIC_SETTINGS_AT_ONCE;
		good = settings_read_some(&question, error);
		if (question.count == 0)
			break;
	}
	return good;
}

bool topic_settings_read(const char *brokers, struct properties properties, const char *const *names, size_t count,
			 topic_setting_seen *seen, void *context, struct error *error)
{
	struct admin_client *admin = admin_client_open(brokers, properties, ADMIN_LOGS, error);
	if (!admin)
		return false;
	bool good = topic_settings_await(admin->client, names, count, seen, context, NULL, error);
	admin_client_close(admin, ADMIN_CLOSE_WAIT_S);
	return good;
}

bool topic_setting_record_bytes(const char *name, const char *value, size_t *bytes)
{
	uint64_t number;
	if (strcmp(name, "max.message.bytes") != 0 || !value || !number_read_uint64(text_of(value), &number))
		return false;
	*bytes = (size_t)number;
	return number > 0;
}
