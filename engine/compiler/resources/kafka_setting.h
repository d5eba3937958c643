/* kafka_setting.h: Settings of librdkafka that YAML may set: one table, by name.
 *
 * A setting that is not in the table is never passed from a file to librdkafka. A later version of the library may
 * have settings that load code, which nobody has reviewed. The command line (`--kafka-setting`) belongs to the
 * operator and may set any.
 *
 * `sluice help kafka-settings` and engine/compiler/resources/KAFKA_SETTINGS.md are printed from the table.
 */
#pragma once

#include "base/option.h"
#include "compiler/yaml/fault.h"

enum kafka_client { KAFKA_CONSUMER = 1, KAFKA_PRODUCER = 2, KAFKA_BOTH = 3 };

enum kafka_setting_kind {
	KAFKA_SETTING_PASSED,	 /* passed to librdkafka as it is written */
	KAFKA_SETTING_FILE,	 /* names a file: only from a SeldonRuntime */
	KAFKA_SETTING_PRINCIPAL, /* part of the command by which librdkafka gets a Kerberos ticket: plain characters only */
	KAFKA_SETTING_ENGINE,	 /* set by the engine, whose guarantees depend on it: not passed on */
	KAFKA_SETTING_CODE,	 /* loads code or runs a command: an error */
};

struct kafka_setting {
	const char *name;
	enum kafka_client clients; /* the clients that have it, a set */
	enum kafka_setting_kind kind;
	const char *help; /* one sentence */
};

extern const struct kafka_setting kafka_settings[]; /* ends with a row without a name */

/* NULL: the table has no such name. Case-sensitive, as in librdkafka. */
const struct kafka_setting *kafka_setting_find(const char *name);

/* Whether a SeldonRuntime's setting is passed to a client of that kind; `value` as it is written. */
bool kafka_setting_passes(const char *name, const char *value, enum kafka_client client);

/* Adds faults for the settings under `consumer` or `producer` (items: struct client_setting). `runtime`: they belong
 * to a SeldonRuntime. An error for a setting that runs code, a warning for each other that is not passed on. */
void kafka_settings_check(const struct item_list *settings, enum kafka_client client, bool runtime, struct faults *faults);

/* "consumer", "producer" or "both", for pages and messages. */
const char *kafka_client_name(enum kafka_client clients);
