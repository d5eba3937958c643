/* client.c: settings, and the forms that librdkafka wants; see client.h. */
#include "log/client.h"

static bool set_all(rd_kafka_conf_t *configuration, struct properties properties, struct error *error)
{
	char words[LIBRARY_TEXT_MAX];
	for (size_t i = 0; i < properties.count; i++) {
		const struct property *property = &properties.items[i];
		if (!property->value)
			continue;
		if (rd_kafka_conf_set(configuration, property->name, property->value, words, sizeof words) != RD_KAFKA_CONF_OK)
			return error_set(error, ERROR_CONFIG, PLACE_NONE,
					 "librdkafka %s refuses %s: %s; correct it in kafkaConfig", rd_kafka_version_str(),
					 property->name, words);
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
