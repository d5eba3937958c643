/* client.c: settings, and the forms that librdkafka wants; see client.h. */
#include "log/client.h"

#include "base/secret.h"

#define SECRET_ARENA_BYTES ((size_t)1 << 20) /* for one at a time */

static bool set_secret(rd_kafka_conf_t *configuration, const struct property *property, char *words, struct error *error)
{
	struct arena *arena = arena_open(SECRET_ARENA_BYTES);
	if (!arena)
		return error_memory(error, ERROR_SYSTEM, "reading a secret");
	const char *value = secret_fetch(property->value, property->name, PLACE_NONE, arena, error);
	bool set = value && rd_kafka_conf_set(configuration, property->name, value, words, LIBRARY_TEXT_MAX) == RD_KAFKA_CONF_OK;
	arena_close(arena);
	return set;
}

static bool set_all(rd_kafka_conf_t *configuration, struct properties properties, struct error *error)
{
	char words[LIBRARY_TEXT_MAX];
	for (size_t i = 0; i < properties.count; i++) {
		const struct property *property = &properties.items[i];
		if (!property->value)
			continue;
		bool fetched = secret_is_reference(property->value);
		if (fetched ? set_secret(configuration, property, words, error)
			    : rd_kafka_conf_set(configuration, property->name, property->value, words, sizeof words) ==
				      RD_KAFKA_CONF_OK)
			continue;
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "librdkafka %s refuses %s: %s; correct it in kafkaConfig",
				 rd_kafka_version_str(), property->name,
				 fetched || secret_is_named(property->name) ? "its value, which is not shown, does not do" : words);
	}
	return true;
}

rd_kafka_conf_t *client_configuration(struct properties own, struct properties users, struct error *error)
{
	rd_kafka_conf_t *configuration = rd_kafka_conf_new();
	if (!configuration) {
		error_memory(error, ERROR_SYSTEM, "configuring a Kafka client");
		return NULL;
	}
	if (set_all(configuration, own, error) && set_all(configuration, users, error))
		return configuration;
	rd_kafka_conf_destroy(configuration);
	return NULL;
}

rd_kafka_t *client_open(rd_kafka_type_t type, rd_kafka_conf_t *configuration, struct error *error)
{
	char words[LIBRARY_TEXT_MAX];
	rd_kafka_t *client = rd_kafka_new(type, configuration, words, sizeof words);
	if (client)
		return client;
	rd_kafka_conf_destroy(configuration);
	error_set(error, ERROR_CONFIG, PLACE_NONE, "librdkafka %s cannot start a client: %s; correct kafkaConfig",
		  rd_kafka_version_str(), words);
	return NULL;
}

/* Before it, librdkafka's SCRAM repeats a part of the server's first message in its proof,
 * which brokers since 3.9 and 3.8.1 take for a wrong password. */
#define SCRAM_RIGHT_SINCE 0x020601ff

bool client_is_let_in(int code, const char *words, struct error *error)
{
	if (code != RD_KAFKA_RESP_ERR__AUTHENTICATION && code != RD_KAFKA_RESP_ERR__SSL)
		return true;
	bool old = rd_kafka_version() < SCRAM_RIGHT_SINCE && strstr(words, "SCRAM");
	return error_set(error, ERROR_SYSTEM, PLACE_NONE, "Kafka does not let us in: %s; %s%s%s", words,
			 old ? "librdkafka before 2.6.1, and this is " : "see to the sasl and ssl settings of kafkaConfig",
			 old ? rd_kafka_version_str() : "", old ? ", cannot log in by SCRAM to a Kafka of today" : "");
}

/* ---- producing ---- */

bool client_has_topic(const rd_kafka_message_t *record, struct error *error)
{
	switch (record->err) {
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
	case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
	case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
		return error_set(
			error, ERROR_SYSTEM, PLACE_NONE,
			"Kafka refuses records for %s: %s; no offset of theirs is committed. See to the topic, and start again",
			rd_kafka_topic_name(record->rkt), rd_kafka_err2str(record->err));
	default:
		return true;
	}
}

/* What librdkafka says of one record: is it this record's fault, or the producer's end? */
static enum produce_verdict verdict_of(rd_kafka_resp_err_t code, const struct outgoing *record, struct error *error)
{
	switch (code) {
	case RD_KAFKA_RESP_ERR_NO_ERROR:
		return PRODUCED;
	case RD_KAFKA_RESP_ERR__QUEUE_FULL:
		return PRODUCE_FULL;
	case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
		error_set(error, ERROR_LIMIT, PLACE_NONE,
			  "an answer has %zu bytes, more than message.max.bytes allows; raise it in kafkaConfig and at the topic",
			  record->value.length);
		return PRODUCE_REFUSED;
	default:
		error_set(error, ERROR_SYSTEM, PLACE_NONE, "Kafka's producer takes nothing more: %s", rd_kafka_err2str(code));
		return PRODUCE_SPOILT;
	}
}

static rd_kafka_resp_err_t produce_with_headers(rd_kafka_t *client, rd_kafka_topic_t *topic, const struct outgoing *record,
						void *opaque)
{
	rd_kafka_headers_t *headers = rd_kafka_headers_new(record->headers.count);
	for (size_t i = 0; i < record->headers.count; i++) {
		const struct header *header = &record->headers.items[i];
		rd_kafka_header_add(headers, header->name.bytes, (ssize_t)header->name.length, header->value.bytes,
				    (ssize_t)header->value.length);
	}
	rd_kafka_resp_err_t code =
		rd_kafka_producev(client, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(record->partition),
				  RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(record->key.bytes, record->key.length),
				  RD_KAFKA_V_VALUE((void *)(uintptr_t)record->value.bytes, record->value.length),
				  RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(opaque), RD_KAFKA_V_END);
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		rd_kafka_headers_destroy(headers); /* taken only by success */
	return code;
}

enum produce_verdict client_produce(rd_kafka_t *client, rd_kafka_topic_t *topic, const struct outgoing *record, void *opaque,
				    struct error *error)
{
	if (record->headers.count > 0)
		return verdict_of(produce_with_headers(client, topic, record, opaque), record, error);
	if (rd_kafka_produce(topic, record->partition, RD_KAFKA_MSG_F_COPY, (void *)(uintptr_t)record->value.bytes,
			     record->value.length, record->key.bytes, record->key.length, opaque) == 0)
		return PRODUCED;
	return verdict_of(rd_kafka_last_error(), record, error);
}
