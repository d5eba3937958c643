/* registry.h: a schema registry (Confluent's HTTP API), asked once for each schema.
 *
 * A record may name its schema by a number. The first time a number is met, the source
 * refuses it and the registry is asked, without a wait; whoever decodes keeps the record,
 * is told when news has come, and decodes it again. What the registry gave is kept for
 * good, for a number never changes its schema; that it knows no such number is kept for a
 * minute. A registry that is away, or refuses the login, is asked again, less and less
 * often: the records that need it wait.
 *
 * Our own answers are announced: their schema is registered under the subjects of the
 * topics they go to, and the number it gets is written before each.
 *
 * A registry belongs to its loop's thread.
 */
#ifndef SLUICE_LOG_REGISTRY_H
#define SLUICE_LOG_REGISTRY_H

#include "message/format.h"
#include "net/http.h"
#include "net/tls.h"

#define REGISTRY_SCHEMAS_MAX 10000 /* of one engine: more would be a topic of garbage */

struct registry;

struct registry_config {
	const char *url;   /* http(s)://host:port, with a path where it has one */
	const char *login; /* user:password; NULL: none */
	const struct tls_files *files;
	/* Schemas have come, or are known not to be there; entered by the loop. */
	void (*news)(void *context);
	void *context;
};

/* Everything in the configuration is borrowed as long as the registry lives. */
struct registry *registry_open(struct loop *loop, const struct registry_config *config, struct error *error);
void registry_close(struct registry *registry); /* NULL is fine */

/* To be handed to those who decode and encode; one for the registry's life. */
const struct schema_source *registry_source(const struct registry *registry);

/* Whether the error that decoding has just met is only that a schema is being asked for:
 * then the record is to be decoded again at the next news. Asking forgets it. */
bool registry_was_missed(struct registry *registry);

/* Announces our schema for a topic of answers; one that is known is left alone. Until
 * it has its number there, registry_is_ready() is false. False: SYSTEM. */
bool registry_announce(struct registry *registry, const char *topic, struct error *error);

/* Whether our own schema has its number: before that nothing is to be answered. */
bool registry_is_ready(const struct registry *registry);

/* Why it is not, or why a schema does not come; empty: nothing is wrong. */
const char *registry_trouble(const struct registry *registry);

#endif
