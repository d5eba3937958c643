/* learner_stand.h: Stand of tests of the learner service: a mock broker, a pipeline with bandits, another one that calls it, and
 * what the service logs. */
#ifndef SLUICE_UNIT_LEARNER_STAND_H
#define SLUICE_UNIT_LEARNER_STAND_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/number/duration.h"
#include "mock_broker.h"
#include "planning.h"
#include "engine/learn/learner_parts.h"

#include <cmocka.h>

#define YAML YAML_OF("100ms")
#define YAML_OF(interval)                                                                                                          \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"                                     \
	"  candidates: [{name: old, weight: 0}, {name: new, weight: 0}]\n"                                                         \
	"  bandits: {algorithm: epsilon-greedy, updateInterval: " interval ", outcomeWindow: 1m}\n"                                \
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"                                         \
	"spec:\n  output: {steps: [s]}\n  steps: [{name: s, experiment: {name: e}}]\n"
#define CALLER                                                                                                                     \
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: caller}\n"                                    \
	"spec:\n  output: {steps: [c]}\n  steps: [{name: c, route: {cases: [{when: x > 0, call: p}], default: {call: p}}}]\n"
#define LINE_BYTES 512

/* ---- the log ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char said[1 << 16];

static inline void said_write(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	pthread_mutex_lock(&lock);
	const size_t length = strlen(said);
	(void)snprintf(said + length, sizeof said - length, "%s\n", line->message);
	pthread_mutex_unlock(&lock);
}

static const struct log_sink sink = {said_write};

static inline size_t said_times(const char *words)
{
	size_t times = 0;
	pthread_mutex_lock(&lock);
	for (const char *at = said; (at = strstr(at, words)); at++)
		times++;
	pthread_mutex_unlock(&lock);
	return times;
}

/* ---- the stand ---- */

static struct mock mock;
static struct planning planning;
static struct policy_board *board;
static struct policy_entry *entry;
static struct learner_service *service;

static inline int stand_open(void **state)
{
	(void)state;
	mock_open(&mock);
	rd_kafka_mock_topic_create(mock.cluster, "exposures", 2, 1);
	rd_kafka_mock_topic_create(mock.cluster, "feedback", 2, 1);
	rd_kafka_mock_topic_create(mock.cluster, "policy", 1, 1);
	planning_open(&planning, YAML CALLER);
	board = policy_board_open();
	entry = policy_board_entry(board, "p", "e");
	said[0] = '\0';
	return entry && planning.graph ? 0 : -1;
}

static inline int stand_close(void **state)
{
	(void)state;
	policy_board_close(board);
	planning_close(&planning);
	mock_close(&mock);
	return 0;
}

static inline void service_start_holding(int64_t hold_ms)
{
	struct error error = {0};
	const struct learner_service_config config = {.brokers = mock.brokers,
						      .consumer = mock_quick,
						      .producer = mock_quick,
						      .id = "learner",
						      .alone = true,
						      .exposures = "exposures",
						      .feedback = "feedback",
						      .policy = "policy",
						      .graph = planning.graph,
						      .board = board,
						      .log = &sink,
						      .hold_ms = hold_ms};
	service = learner_service_open(&config, &error);
	if (!service)
		fail_msg("%s", error.text);
}

static inline void service_start(void)
{
	service_start_holding(0);
}

static inline void put(const char *topic, int32_t partition, int64_t time_ms, const char *value)
{
	assert_int_equal(rd_kafka_producev(mock.writer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
					   RD_KAFKA_V_VALUE((void *)(uintptr_t)value, strlen(value)),
					   RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_TIMESTAMP(time_ms), RD_KAFKA_V_END),
			 RD_KAFKA_RESP_ERR_NO_ERROR);
}

static inline void append(const char *topic, int32_t partition, int64_t time_ms, const char *value)
{
	put(topic, partition, time_ms, value);
	assert_int_equal(rd_kafka_flush(mock.writer, MOCK_WAIT_MS), 0);
}

static inline void expose(const char *id, int32_t partition, int64_t time_ms)
{
	char line[LINE_BYTES];
	(void)snprintf(line, sizeof line,
		       "{\"id\":\"%s\",\"time_ms\":%lld,\"experiment\":\"e\",\"variant\":\"new\",\"probability\":0.5}", id,
		       (long long)time_ms);
	append("exposures", partition, time_of_day_ms(), line);
}

static inline void reward(const char *id, int64_t time_ms)
{
	char line[LINE_BYTES];
	(void)snprintf(line, sizeof line, "{\"id\":\"%s\",\"reward\":1}", id);
	append("feedback", 0, time_ms, line);
}

static inline void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 20 * NS_PER_MS}, NULL);
}

static inline void expect_rewards(int64_t rewards)
{
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; policy_entry_state(entry).rewards < rewards; nap())
		if (clock_ms() > until_ms)
			fail_msg("not %lld rewards; %s", (long long)rewards, said);
	assert_int_equal(policy_entry_state(entry).rewards, rewards);
}

/* A choice with its reward, after which so many are learnt. */
static inline void earn(const char *id, int64_t rewards)
{
	expose(id, 0, time_of_day_ms());
	reward(id, time_of_day_ms());
	expect_rewards(rewards);
}

#endif
