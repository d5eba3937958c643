/* client_setting.h: Value of one setting of librdkafka: whether the library takes it, and as what.
 *
 * librdkafka reads a number as far as its digits go: `10s` would be 10 ms. Such values are refused.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"

#define LIBRARY_TEXT_MAX 256 /* of a text about a setting */

struct rd_kafka_conf_s;

/* Sets it. False: `words` has the reason; is_unknown (NULL: not asked) says whether this librdkafka has no such setting. */
bool client_setting_set(struct rd_kafka_conf_s *configuration, const char *name, const char *value, char words[LIBRARY_TEXT_MAX],
			bool *is_unknown);

/* The number that it has; SIZE_MAX: it has none. */
size_t client_setting_size(const struct rd_kafka_conf_s *configuration, const char *name);

/* Whether a client can have that setting. True also for a setting that this librdkafka does not have, as another version may,
 * and for a reference to a secret. False: a CONFIG error that names it. Opens no client. */
bool client_setting_fits(const char *name, const char *value, struct error *error);
