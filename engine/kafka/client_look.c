/* client_look.c: Requests of a client for Kafka's metadata and for offsets, and the rounds in which it asks; see client.h. */
#include <limits.h>
#include <stdio.h>

#include "base/clock.h"
#include "kafka/client.h"
#include "kafka/kafka_wait.h"
#include "kafka/topics/topic_setup.h"

#define LINE_BYTES 1024
#define LOOK_MS 5000	      /* between two checks whether Kafka accepts the login */
#define NOTICE_MS 3000	      /* until the first one, and the notice that no broker answers */
#define ROUND_FIRST_MS 250    /* far more than a broker usually takes */
#define ROUND_LONGEST_MS 4000 /* for which one that may be told to stop does not look */
#define LEADER_MS 1000	      /* for its name, after all the time that was waited for it */
#define REASON_SHOWN "%.200s" /* brokers can be many */
#define WARNING_LEVEL 4	      /* of syslog */

static void look_notice(rd_kafka_t *client, const char *brokers, const struct error *locked_out, int left_ms)
{
	char line[LINE_BYTES];
	(void)snprintf(line, sizeof line,
		       "no broker has answered at " REASON_SHOWN " for %d s%s" REASON_SHOWN, brokers, NOTICE_MS / MS_PER_S,
		       locked_out->text[0] ? ": " : "", locked_out->text);
	const size_t length = strlen(line);
	if (!kafka_wait_is_bounded()) /* a start waits without end */
		(void)snprintf(line + length, sizeof line - length, ". Trying for %d s more", (left_ms + MS_PER_S / 2) / MS_PER_S);
	client_on_log_line(client, WARNING_LEVEL, "WAIT", line);
}

int look_round_ms(struct look_limits *limits)
{
	const int left_ms = kafka_wait_left_ms(limits->until_ms - clock_ms());
	if (!limits->stopping && !kafka_wait_is_bounded())
		limits->round_ms = INT_MAX;
	else if (limits->round_ms == 0)
		limits->round_ms = limits->stopping ? ROUND_FIRST_MS : ROUND_LONGEST_MS / 2;
	else
		limits->round_ms = limits->round_ms < ROUND_LONGEST_MS / 2 ? 2 * limits->round_ms : ROUND_LONGEST_MS;
	return left_ms < limits->round_ms ? left_ms : limits->round_ms;
}

bool look_is_over(const struct look_limits *limits)
{
	return clock_ms() >= limits->until_ms || (limits->stopping && atomic_load(limits->stopping)) || kafka_wait_is_over();
}

const struct rd_kafka_metadata *client_look(rd_kafka_t *client, rd_kafka_topic_t *topic, const char *brokers,
					    const struct error *locked_out, struct look_limits *limits, struct error *error)
{
	const struct rd_kafka_metadata *metadata;
	int64_t notice_ms = clock_ms() + NOTICE_MS; /* then, or at the next look */
	struct look_limits usual = {.until_ms = clock_ms() + TOPICS_WAIT_MS};
	struct look_limits *within = limits ? limits : &usual;
	rd_kafka_resp_err_t code;
	kafka_wait_note(topic ? "the description of a topic" : "the list of its topics");
	for (;;) {
		const int64_t left_ms = notice_ms - clock_ms();
		const int longest_ms = notice_ms == INT64_MAX ? LOOK_MS : left_ms > 1 ? (int)left_ms : 1;
		const int round_ms = look_round_ms(within);
		code = rd_kafka_metadata(client, !topic, topic, &metadata, round_ms < longest_ms ? round_ms : longest_ms);
		(void)rd_kafka_poll(client, 0);
		if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
			return metadata;
		if (locked_out->kind != ERROR_NONE) {
			*error = *locked_out;
			return NULL;
		}
		if (clock_ms() >= notice_ms) {
			look_notice(client, brokers, locked_out, (int)(within->until_ms - clock_ms()));
			notice_ms = INT64_MAX;
		}
		if (look_is_over(within)) {
			const char *reason = locked_out->text[0] ? locked_out->text : rd_kafka_err2str(code);
			error_set(error, ERROR_REMOTE, PLACE_NONE,
				  "Kafka did not %s%s: " REASON_SHOWN
				  "; check that a broker runs at %s, and that it can be reached from here",
				  topic ? "describe topic " : "list its topics", topic ? rd_kafka_topic_name(topic) : "", reason,
				  brokers);
			return NULL;
		}
	}
}

rd_kafka_resp_err_t client_find_offset(rd_kafka_t *client, const char *topic, int32_t partition, int64_t time_ms, int64_t *offset,
				       int timeout_ms)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_t *item = rd_kafka_topic_partition_list_add(list, topic, partition);
	item->offset = time_ms;
	rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(client, list, timeout_ms);
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
		code = item->err;
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
		*offset = item->offset;
	rd_kafka_topic_partition_list_destroy(list);
	return code;
}

rd_kafka_resp_err_t client_find_extent(rd_kafka_t *client, const char *topic, int32_t partition, int64_t *begin, int64_t *end,
				       int timeout_ms)
{
	const int64_t until_ms = clock_ms() + timeout_ms;
	int64_t first = 0;
	rd_kafka_resp_err_t code = client_find_offset(client, topic, partition, RD_KAFKA_OFFSET_BEGINNING, &first, timeout_ms);
	const int64_t left_ms = until_ms - clock_ms();
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
		code = client_find_offset(client, topic, partition, RD_KAFKA_OFFSET_END, end, left_ms > 1 ? (int)left_ms : 1);
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
		*begin = first;
	return code;
}

static void leader_write(const struct rd_kafka_metadata *metadata, int32_t leader, char words[CLIENT_LEADER_BYTES])
{
	(void)snprintf(words, CLIENT_LEADER_BYTES, leader < 0 ? "no broker leads it" : "broker %d leads it", (int)leader);
	for (int i = 0; i < metadata->broker_cnt; i++)
		if (metadata->brokers[i].id == leader)
			(void)snprintf(words, CLIENT_LEADER_BYTES, "broker %d at %s:%d leads it", (int)leader,
				       metadata->brokers[i].host, metadata->brokers[i].port);
}

void client_leader_words(rd_kafka_t *client, rd_kafka_topic_t *topic, int32_t partition, char words[CLIENT_LEADER_BYTES])
{
	const struct rd_kafka_metadata *metadata;
	words[0] = '\0';
	if (rd_kafka_metadata(client, 0, topic, &metadata, LEADER_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	for (int i = 0; metadata->topic_cnt == 1 && i < metadata->topics[0].partition_cnt; i++)
		if (metadata->topics[0].partitions[i].id == partition)
			leader_write(metadata, metadata->topics[0].partitions[i].leader, words);
	rd_kafka_metadata_destroy(metadata);
}

const char *client_offset_words(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR__TIMED_OUT ? "the broker that leads it does not answer; check that it runs and is not "
						      "stopped (kafka-topics.sh --describe names it)"
						    : rd_kafka_err2str(code);
}
