/* schema_lookup.h: Client of kafkaConfig's schema registry for threads that read records and may wait for its replies: those of
 * commands, and of services of an engine.
 */
#pragma once

#include "kafka/topics/registry.h"
#include "net/loop.h"

struct schema_lookup {
	struct registry_config config;
	struct loop *loop; /* NULL: no registry */
	struct registry *registry;
	int64_t until_ms; /* time limit of the waiting record; 0: none waits */
};

/* Opens nothing if the registry has no url. Its callback is set here. Borrows what the configuration points to. It must be closed,
 * also when it fails. */
bool schema_lookup_open(struct schema_lookup *asker, struct registry_config registry, struct error *error);
void schema_lookup_close(struct schema_lookup *asker);

/* NULL: there is no registry. */
static inline const struct schema_source *schema_lookup_source(const struct schema_lookup *asker)
{
	return asker->registry ? registry_source(asker->registry) : NULL;
}

/* To be called after each attempt to decode a record. True: try again, because its schema may have come meanwhile.
 * False with an `error` of kind SYSTEM: the registry does not answer. */
bool schema_lookup_again(struct schema_lookup *asker, struct error *error);
