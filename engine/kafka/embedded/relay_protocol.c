/* relay_protocol.c: Parser and writer of the relay's Kafka messages; see relay_protocol.h. Tagged fields are written only
 * by ApiVersions, whose later versions have them. */
#include "kafka/embedded/relay_protocol.h"

#include <string.h>

#include "kafka/kafka_wire.h"

#define MOCK_METADATA 2		/* the version of Metadata that the mock answers */
#define API_VERSIONS_FLEXIBLE 3 /* from there on lists are compact, with tagged fields */
#define TOPIC_NAME_MAX 249	/* Kafka's own */

enum kafka_error { NO_ERROR = 0, UNKNOWN_TOPIC = 3, INVALID_TOPIC = 17, UNSUPPORTED_VERSION = 35, INVALID_PARTITIONS = 37 };

/* Versions offered to clients: those that the mock of librdkafka 2.0.2 answers correctly, without tagged fields. */
static const struct offered {
	int16_t api, least, most;
} offers[] = {
	{RELAY_PRODUCE, 3, 7},
	{1, 4, 11},	 /* Fetch */
	{2, 1, 5},	 /* ListOffsets */
	{RELAY_METADATA, 0, 4},
	{8, 2, 7},	 /* OffsetCommit */
	{9, 1, 5},	 /* OffsetFetch */
	{RELAY_FIND_COORDINATOR, 0, 2},
	{11, 0, 5},	 /* JoinGroup */
	{12, 0, 3},	 /* Heartbeat */
	{13, 0, 1},	 /* LeaveGroup */
	{14, 0, 3},	 /* SyncGroup */
	{RELAY_API_VERSIONS, 0, 4},
	{RELAY_CREATE_TOPICS, 2, 4},
	{22, 0, 1},	 /* InitProducerId */
	{24, 0, 1},	 /* AddPartitionsToTxn */
	{25, 0, 1},	 /* AddOffsetsToTxn */
	{26, 0, 1},	 /* EndTxn */
	{28, 0, 2},	 /* TxnOffsetCommit */
	{RELAY_DESCRIBE_CONFIGS, 1, 2},
};

#define OFFERS (sizeof offers / sizeof *offers)

/* ---- requests ---- */

struct relay_request relay_request_read(struct text frame)
{
	struct kafka_reading reading = kafka_reading_of(frame);
	struct relay_request request = {0};
	request.api = kafka_take_int16(&reading);
	request.version = kafka_take_int16(&reading);
	request.correlation = kafka_take_int32(&reading);
	(void)kafka_take_string(&reading); /* the client's name */
	if (reading.bad)
		return request;
	request.body = kafka_rest_of(&reading);
	request.header = (struct text){frame.bytes, frame.length - request.body.length};
	return request;
}

bool relay_is_silent(const struct relay_request *request)
{
	struct kafka_reading reading = kafka_reading_of(request->body);
	if (request->api != RELAY_PRODUCE)
		return false;
	if (request->version >= 3)
		(void)kafka_take_string(&reading); /* the transaction's id */
	return kafka_take_int16(&reading) == 0 && !reading.bad;
}

/* ---- what is answered here ---- */

/* A client that asks by a later version is answered by the first, as brokers do. */
static void answer_versions(const struct relay_request *request, struct buffer *out)
{
	bool known = request->version >= 0 && request->version <= 4;
	int16_t version = known ? request->version : 0;
	bool flexible = version >= API_VERSIONS_FLEXIBLE;
	kafka_put_int16(out, known ? NO_ERROR : UNSUPPORTED_VERSION);
	if (flexible)
		kafka_put_number(out, (uint32_t)OFFERS + 1, 1); /* a varint, of one byte below 128 */
	else
		kafka_put_int32(out, (int32_t)OFFERS);
	for (size_t i = 0; i < OFFERS; i++) {
		kafka_put_int16(out, offers[i].api);
		kafka_put_int16(out, offers[i].least);
		kafka_put_int16(out, offers[i].most);
		if (flexible)
			kafka_put_number(out, 0, 1);
	}
	if (version >= 1)
		kafka_put_int32(out, 0); /* throttled for */
	if (flexible)
		kafka_put_number(out, 0, 1);
}

/* Nothing is configured. */
static bool answer_configs(const struct relay_request *request, struct buffer *out)
{
	struct kafka_reading reading = kafka_reading_of(request->body);
	int32_t count = kafka_take_int32(&reading);
	kafka_put_int32(out, 0); /* throttled for */
	kafka_put_int32(out, count);
	for (int32_t i = 0; i < count && !reading.bad; i++) {
		uint32_t type = kafka_take_number(&reading, 1);
		struct text name = kafka_take_string(&reading);
		int32_t names = kafka_take_int32(&reading);
		for (int32_t j = 0; j < names && !reading.bad; j++)
			(void)kafka_take_string(&reading);
		kafka_put_int16(out, NO_ERROR);
		kafka_put_string(out, (struct text){0});
		kafka_put_number(out, type, 1);
		kafka_put_string(out, name);
		kafka_put_int32(out, 0);
	}
	return !reading.bad;
}

static bool is_topic_name(struct text name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	for (size_t i = 0; i < name.length; i++)
		if (!name.bytes[i] || !strchr(letters, name.bytes[i]))
			return false;
	return name.length > 0 && name.length <= TOPIC_NAME_MAX && !text_is(name, ".") && !text_is(name, "..");
}

struct asked_topic {
	struct text name;
	int32_t partitions;
};

static struct asked_topic take_asked_topic(struct kafka_reading *reading)
{
	struct asked_topic topic = {0};
	topic.name = kafka_take_string(reading);
	topic.partitions = kafka_take_int32(reading);
	(void)kafka_take_int16(reading); /* replicas: there is one broker */
	int32_t assigned = kafka_take_int32(reading);
	for (int32_t i = 0; i < assigned && !reading->bad; i++) {
		(void)kafka_take_int32(reading);
		kafka_skip_int32s(reading);
	}
	int32_t configs = kafka_take_int32(reading);
	for (int32_t i = 0; i < configs && !reading->bad; i++) {
		(void)kafka_take_string(reading);
		(void)kafka_take_string(reading);
	}
	if (topic.partitions == -1)
		topic.partitions = assigned > 0 ? assigned : 1;
	return topic;
}

static int16_t topic_make(const struct asked_topic *topic, const struct relay_topics *topics, bool check_only)
{
	if (!is_topic_name(topic->name))
		return INVALID_TOPIC;
	if (topic->partitions < 1 || topic->partitions > RELAY_PARTITIONS_MAX)
		return INVALID_PARTITIONS;
	return check_only ? NO_ERROR : topics->make(topics->context, topic->name, topic->partitions);
}

/* After its topics, a request has its timeout, and whether it is only a check. */
static bool answer_topics(const struct relay_request *request, const struct relay_topics *topics, struct buffer *out)
{
	struct kafka_reading reading = kafka_reading_of(request->body), again = reading;
	int32_t count = kafka_take_int32(&reading);
	for (int32_t i = 0; i < count && !reading.bad; i++)
		(void)take_asked_topic(&reading);
	(void)kafka_take_int32(&reading);
	bool check_only = kafka_take_number(&reading, 1) != 0;
	if (reading.bad)
		return false;
	kafka_put_int32(out, 0); /* throttled for */
	kafka_put_int32(out, kafka_take_int32(&again));
	for (int32_t i = 0; i < count; i++) {
		struct asked_topic topic = take_asked_topic(&again);
		kafka_put_string(out, topic.name);
		kafka_put_int16(out, topic_make(&topic, topics, check_only));
		kafka_put_string(out, (struct text){0});
	}
	return true;
}

bool relay_answer(const struct relay_request *request, const struct relay_topics *topics, struct buffer *out)
{
	size_t before = out->length, at = kafka_frame_begin(out);
	bool good = true;
	kafka_put_int32(out, request->correlation);
	switch (request->api) {
	case RELAY_API_VERSIONS:
		answer_versions(request, out);
		break;
	case RELAY_DESCRIBE_CONFIGS:
		good = answer_configs(request, out);
		break;
	case RELAY_CREATE_TOPICS:
		good = answer_topics(request, topics, out);
		break;
	default:
		good = false;
	}
	if (good)
		kafka_frame_end(out, at);
	else
		out->length = before;
	return good;
}

/* ---- Metadata, as the mock is asked ---- */

void relay_ask(const struct relay_request *request, bool *all, struct buffer *out)
{
	size_t at = kafka_frame_begin(out);
	struct text body = request->body;
	bool later = request->api == RELAY_METADATA && request->version > MOCK_METADATA;
	*all = false;
	if (later && request->version >= 4 && body.length > 0) {
		struct kafka_reading reading = kafka_reading_of(body);
		*all = kafka_take_int32(&reading) > 0 && body.bytes[body.length - 1] == 0;
		body.length--; /* whether topics may be made by asking for them */
	}
	kafka_put_int16(out, request->api);
	kafka_put_int16(out, later ? MOCK_METADATA : request->version);
	buffer_append(out, request->header.bytes + 4, request->header.length - 4);
	if (*all)
		kafka_put_int32(out, -1);
	else
		buffer_text(out, body);
	kafka_frame_end(out, at);
}

/* ---- responses ---- */

/* Nodes with their addresses; gives the id of the last, which is the only one. */
static int32_t change_nodes(struct kafka_reading *reading, int16_t version, const char *host, int32_t port, struct buffer *out)
{
	int32_t count = kafka_take_int32(reading), node = -1;
	kafka_put_int32(out, count);
	for (int32_t i = 0; i < count && !reading->bad; i++) {
		node = kafka_take_int32(reading);
		kafka_put_int32(out, node);
		(void)kafka_take_string(reading);
		(void)kafka_take_int32(reading);
		kafka_put_string(out, text_of(host));
		kafka_put_int32(out, port);
		if (version >= 1)
			kafka_put_string(out, kafka_take_string(reading)); /* rack */
	}
	return node;
}

/* One topic of version 2; its name. */
static struct text pass_topic(struct kafka_reading *reading)
{
	(void)kafka_take_int16(reading);
	struct text name = kafka_take_string(reading);
	(void)kafka_take_number(reading, 1);
	int32_t count = kafka_take_int32(reading);
	for (int32_t i = 0; i < count && !reading->bad; i++) {
		(void)kafka_take_int16(reading);
		(void)kafka_take_int32(reading);
		(void)kafka_take_int32(reading);
		kafka_skip_int32s(reading);
		kafka_skip_int32s(reading);
	}
	return name;
}

static void put_topic_named(struct kafka_reading reading, struct text wanted, struct buffer *out)
{
	int32_t count = kafka_take_int32(&reading);
	for (int32_t i = 0; i < count && !reading.bad; i++) {
		const unsigned char *begin = reading.at;
		if (text_equal(pass_topic(&reading), wanted) && !reading.bad) {
			buffer_text(out, kafka_since(&reading, begin));
			return;
		}
	}
	kafka_put_int16(out, UNKNOWN_TOPIC);
	kafka_put_string(out, wanted);
	kafka_put_number(out, 0, 1);
	kafka_put_int32(out, 0);
}

static bool change_metadata(const struct relay_request *request, bool all, struct kafka_reading *reading, const char *host,
			    int32_t port, struct buffer *out)
{
	int16_t version = request->version > MOCK_METADATA ? MOCK_METADATA : request->version;
	if (request->version > MOCK_METADATA)
		kafka_put_int32(out, 0); /* throttled for */
	int32_t node = change_nodes(reading, version, host, port, out);
	if (version >= 2)
		kafka_put_string(out, kafka_take_string(reading)); /* the cluster's id */
	if (version >= 1) {
		(void)kafka_take_int32(reading); /* the controller: the mock names one that is not there */
		kafka_put_int32(out, node);
	}
	if (!all) {
		buffer_text(out, kafka_rest_of(reading));
		return !reading->bad;
	}
	struct kafka_reading asked = kafka_reading_of(request->body);
	int32_t count = kafka_take_int32(&asked);
	kafka_put_int32(out, count);
	for (int32_t i = 0; i < count && !asked.bad; i++)
		put_topic_named(*reading, kafka_take_string(&asked), out);
	return !reading->bad && !asked.bad;
}

static bool change_coordinator(int16_t version, struct kafka_reading *reading, const char *host, int32_t port, struct buffer *out)
{
	if (version >= 1)
		kafka_put_int32(out, kafka_take_int32(reading));
	int16_t code = kafka_take_int16(reading);
	kafka_put_int16(out, code);
	if (version >= 1)
		kafka_put_string(out, kafka_take_string(reading)); /* the error's words */
	kafka_put_int32(out, kafka_take_int32(reading));
	(void)kafka_take_string(reading);
	(void)kafka_take_int32(reading);
	kafka_put_string(out, code == NO_ERROR ? text_of(host) : TEXT(""));
	kafka_put_int32(out, code == NO_ERROR ? port : -1);
	return !reading->bad;
}

bool relay_change(const struct relay_request *request, bool all, struct text response, const char *host, int32_t port,
		  struct buffer *out)
{
	struct kafka_reading reading = kafka_reading_of(response);
	size_t at = kafka_frame_begin(out);
	bool good = true;
	kafka_put_int32(out, kafka_take_int32(&reading));
	if (request->api == RELAY_METADATA)
		good = change_metadata(request, all, &reading, host, port, out);
	else if (request->api == RELAY_FIND_COORDINATOR)
		good = change_coordinator(request->version, &reading, host, port, out);
	else
		buffer_text(out, kafka_rest_of(&reading));
	kafka_frame_end(out, at);
	return good && !reading.bad;
}
