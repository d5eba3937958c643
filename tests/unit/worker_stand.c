/* worker_stand.c: see worker_stand.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "kafka/client.h"
#include "tests/unit/worker_stand.h"

static const uint32_t topic_numbers[STAND_STAGES] = {0, 1};
static const char *const topics_in[] = {"in", "also"};
static struct position assigned[] = {{0, 0, OFFSET_NONE}, {1, 0, OFFSET_NONE}};

int stand_open(void **state)
{
	static struct stand stand;
	stand = (struct stand){0};
	mock_open(&stand.mock);
	*state = &stand;
	return 0;
}

static void plannings_close(struct stand *stand)
{
	while (stand->planned > 0)
		planning_close(&stand->planning[--stand->planned]);
}

/* A test that failed has left its worker running. */
int stand_close(void **state)
{
	struct stand *stand = *state;
	(void)running_end(&stand->running);
	plannings_close(stand);
	mock_close(&stand->mock);
	return 0;
}

static void add_stage(struct stand *stand, const char *name, const char *steps)
{
	size_t number = stand->planned++;
	planning_open_steps(&stand->planning[number], steps);
	assert_int_equal(planning_errors(&stand->planning[number]), 0);
	stand->stages[number] = (struct stage_config){.name = name,
						      .mark = name,
						      .graph = stand->planning[number].graph,
						      .caller = &stand->caller,
						      .topic_count = 1,
						      .topics = &topic_numbers[number],
						      .dead_letters = TOPIC_NOWHERE};
}

void stand_configure(struct stand *stand, const char *steps)
{
	stand->caller = (struct caller_config){.request_bytes = 1 << 20, .reply_bytes = 1 << 20};
	add_stage(stand, "p", steps);
	stand->config = (struct worker_config){
		.consumer = {.brokers = stand->mock.brokers, .group = "test", .assigned = {1, assigned}, .properties = mock_quick},
		.transaction = {.brokers = stand->mock.brokers, .id = "test", .properties = mock_quick},
		.setup = {.reads = {1, topics_in}, .writes = {1, mock_out}, .stage_count = 1, .stages = stand->stages},
		.limits = worker_limits_usual,
	};
}

void stand_configure_also(struct stand *stand, const char *steps)
{
	add_stage(stand, "q", steps);
	rd_kafka_mock_topic_create(stand->mock.cluster, "also", 1, 1);
	stand->config.setup.reads.count = stand->config.setup.stage_count = 2;
	stand->config.consumer.assigned.count = 2;
}

void stand_start(struct stand *stand)
{
	running_start(&stand->running, &stand->config);
}

struct worker_counts stand_stop(struct stand *stand)
{
	return running_stop(&stand->running);
}

static void write_request(char *request, size_t size, const char *id, int number)
{
	snprintf(request, size, "{\"id\":\"%s\",\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"INT32\",\"data\":[%d]}]}",
		 id, number);
}

void stand_ask(struct stand *stand, const char *id, int number, const char *header, const char *header_value)
{
	char request[200];
	write_request(request, sizeof request, id, number);
	mock_write(&stand->mock, "key", request, header, header_value);
}

void stand_ask_at(struct stand *stand, const char *topic, const char *key, const char *id, int number)
{
	char request[200];
	write_request(request, sizeof request, id, number);
	rd_kafka_resp_err_t code = rd_kafka_producev(
		stand->mock.writer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
		RD_KAFKA_V_KEY(key, key ? strlen(key) : 0), RD_KAFKA_V_VALUE(request, strlen(request)), RD_KAFKA_V_END);
	assert_int_equal(code, RD_KAFKA_RESP_ERR_NO_ERROR);
	assert_int_equal(rd_kafka_flush(stand->mock.writer, MOCK_WAIT_MS), 0);
}

bool record_says(const rd_kafka_message_t *record, const char *words)
{
	return memmem(record->payload, record->len, words, strlen(words)) != NULL;
}

const char *record_header(const rd_kafka_message_t *record, const char *name)
{
	rd_kafka_headers_t *headers;
	const void *value;
	size_t length;
	if (rd_kafka_message_headers(record, &headers) || rd_kafka_header_get_last(headers, name, &value, &length))
		return NULL;
	return value;
}

int64_t stand_committed(struct stand *stand)
{
	struct error error = {0};
	struct consumer_config config = stand->config.consumer;
	config.topics = topics_in;
	config.topic_count = 1;
	struct consumer *asker = consumer_open(&config, &error);
	assert_non_null(asker);
	rd_kafka_topic_partition_list_t *list = consumer_list(asker, (struct positions){1, assigned});
	assert_int_equal(rd_kafka_committed(consumer_client(asker), list, MOCK_WAIT_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
	int64_t offset = list->elems[0].offset;
	rd_kafka_topic_partition_list_destroy(list);
	consumer_close(asker);
	return offset;
}
