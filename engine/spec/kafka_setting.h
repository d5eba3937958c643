/* kafka_setting.h: Settings of librdkafka that YAML may set: one table, by name.
 *
 * What is not in the table never reaches librdkafka from a file: a later version of the
 * library may have settings that load code, and nobody has looked at those. The command
 * line (`--kafka-setting`) is the operator's and may set any.
 *
 * `sluice help kafka-settings` and engine/spec/KAFKA_SETTINGS.md are printed from the table.
 */
#ifndef SLUICE_SPEC_KAFKA_SETTING_H
#define SLUICE_SPEC_KAFKA_SETTING_H

#include "base/option.h"
#include "spec/fault.h"

enum kafka_client { KAFKA_CONSUMER = 1, KAFKA_PRODUCER = 2, KAFKA_BOTH = 3 };

enum kafka_setting_kind {
	KAFKA_SETTING_PASSED,	 /* goes to librdkafka as it is written */
	KAFKA_SETTING_FILE,	 /* names a file: from a SeldonRuntime alone */
	KAFKA_SETTING_PRINCIPAL, /* goes into the command by which librdkafka gets a Kerberos ticket: plain characters only */
	KAFKA_SETTING_ENGINE,	 /* the engine sets it, and its promises depend on it: not passed on */
	KAFKA_SETTING_CODE,	 /* loads code or runs a command: an error */
};

struct kafka_setting {
	const char *name;
	enum kafka_client clients; /* a set: whose it is */
	enum kafka_setting_kind kind;
	const char *help; /* one sentence */
};

extern const struct kafka_setting kafka_settings[]; /* ends with a row without a name */

/* NULL: the table has none of that name. Letter case counts, as librdkafka has it. */
const struct kafka_setting *kafka_setting_find(const char *name);

/* Whether a SeldonRuntime's setting goes to a client of that kind; `value` as it is written. */
bool kafka_setting_passes(const char *name, const char *value, enum kafka_client client);

/* Says what is wrong with the settings that stand under `consumer` or `producer` (items: struct client_setting); `runtime`: of a
 * SeldonRuntime. An error for what runs code, a warning for all that is not passed on. */
void kafka_settings_check(const struct item_list *settings, enum kafka_client client, bool runtime, struct faults *faults);

/* "consumer", "producer" or "both", for pages and messages. */
const char *kafka_client_name(enum kafka_client clients);

#endif
