/* client_setting.c: see client_setting.h. */
#include "kafka/client_setting.h"

#include <librdkafka/rdkafka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/number/number.h"
#include "base/secret.h"

#define NUMBER_ROOM 64
#define ROUNDED 1e-5 /* librdkafka prints fractions with six digits */

static bool begins_a_number(const char *value)
{
	value += strspn(value, " \t+-.");
	return *value >= '0' && *value <= '9';
}

/* Whether a number that librdkafka has read is the one that is written. A word (`acks: all`) may be a number to it, and a text may
 * have any digits. */
static bool number_is_kept(const rd_kafka_conf_t *configuration, const char *name, const char *value, char words[LIBRARY_TEXT_MAX])
{
	char taken[NUMBER_ROOM];
	size_t room = sizeof taken;
	double number, written;
	if (!begins_a_number(value) || rd_kafka_conf_get(configuration, name, taken, &room) != RD_KAFKA_CONF_OK ||
	    strcmp(taken, value) == 0 || !number_read_double(text_of(taken), &number))
		return true;
	if (number_read_double(text_trimmed(text_of(value), " \t"), &written) && fabs(number - written) <= ROUNDED * fabs(written))
		return true;
	(void)snprintf(words, LIBRARY_TEXT_MAX, "it would be taken as %s; write a number alone, without a unit", taken);
	return false;
}

bool client_setting_set(struct rd_kafka_conf_s *configuration, const char *name, const char *value, char words[LIBRARY_TEXT_MAX],
			bool *is_unknown)
{
	const rd_kafka_conf_res_t result = rd_kafka_conf_set(configuration, name, value, words, LIBRARY_TEXT_MAX);
	if (is_unknown)
		*is_unknown = result == RD_KAFKA_CONF_UNKNOWN;
	return result == RD_KAFKA_CONF_OK && number_is_kept(configuration, name, value, words);
}

size_t client_setting_size(const struct rd_kafka_conf_s *configuration, const char *name)
{
	char value[NUMBER_ROOM];
	size_t room = sizeof value;
	uint64_t number;
	if (rd_kafka_conf_get(configuration, name, value, &room) != RD_KAFKA_CONF_OK ||
	    !number_read_uint64(text_of(value), &number))
		return SIZE_MAX;
	return (size_t)number;
}

bool client_setting_fits(const char *name, const char *value, struct error *error)
{
	char words[LIBRARY_TEXT_MAX];
	bool is_unknown;
	if (secret_is_reference(value))
		return true;
	rd_kafka_conf_t *configuration = rd_kafka_conf_new();
	if (!configuration)
		return error_memory(error, ERROR_SYSTEM, "checking a setting of Kafka");
	const bool good = client_setting_set(configuration, name, value, words, &is_unknown) || is_unknown;
	rd_kafka_conf_destroy(configuration);
	return good || error_set(error, ERROR_CONFIG, PLACE_NONE, "librdkafka %s refuses `%s`: %s", rd_kafka_version_str(), name,
				 secret_is_named(name) ? "its value (not shown) is not valid" : words);
}
