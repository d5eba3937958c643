/* schema_asker.h: the schema registry of kafkaConfig, for commands that read records and may
 * wait for what it says.
 */
#ifndef SLUICE_CLI_SCHEMA_ASKER_H
#define SLUICE_CLI_SCHEMA_ASKER_H

#include "cli/kafka.h"
#include "log/registry.h"
#include "net/loop.h"

struct schema_asker {
	struct registry_config config;
	struct loop *loop; /* NULL: there is no registry */
	struct registry *registry;
	int64_t until_ms; /* of the record that waits; 0: none does */
};

/* Where Kafka has no registry, nothing is opened. Borrows; to be closed, also when it fails. */
bool schema_asker_open(struct schema_asker *asker, const struct kafka *kafka, struct error *error);
void schema_asker_close(struct schema_asker *asker);

/* NULL: there is no registry. */
static inline const struct schema_source *schema_asker_source(const struct schema_asker *asker)
{
	return asker->registry ? registry_source(asker->registry) : NULL;
}

/* To be asked behind each try to decode a record: true when it is to be tried once more, for
 * its schema may have come meanwhile. False with an `error` of kind SYSTEM: the registry does
 * not answer. */
bool schema_asker_again(struct schema_asker *asker, struct error *error);

#endif
