/* registry.h: Client of a schema registry (Confluent's HTTP API), which requests each schema once.
 *
 * A record may name its schema by an id. When an id is first met, the schema source refuses it, and the registry is
 * asked without waiting. The decoder keeps the record, is notified when news has come, and decodes it again. A schema
 * is cached for ever, since an id never changes its schema. The answer that an id is unknown is cached for a minute.
 * A registry that is unreachable, or refuses the login, is asked again at growing intervals; the records that need it
 * wait.
 *
 * The schema of our own answers is announced: it is registered under the subjects of their topics. The id that it
 * gets is written before each answer.
 *
 * A registry belongs to its loop's thread.
 */
#pragma once

#include "message/formats/format.h"
#include "net/http/http.h"
#include "net/tls.h"

#define REGISTRY_SCHEMAS_MAX 10000 /* of one engine: more would mean a topic of garbage */

struct registry;

struct registry_config {
	const char *url;   /* http(s)://host:port, with a path where it has one */
	const char *login; /* user:password; NULL: none */
	const struct tls_files *files;
	/* Called by the loop when schemas have come, or are known to be missing. */
	void (*news)(void *context);
	void *context;
};

/* Everything in the configuration is borrowed as long as the registry lives. */
struct registry *registry_open(struct loop *loop, const struct registry_config *config, struct error *error);
void registry_close(struct registry *registry); /* NULL is fine */

/* Schema source for decoders and encoders; one for the registry's life. */
const struct schema_source *registry_source(const struct registry *registry);

/* Whether the last decoding failed only because its schema is still being requested. Then the record is to be
 * decoded again at the next news. The call resets this. */
bool registry_was_missed(struct registry *registry);

/* Announces our schema for a topic of answers; a topic that was announced is left alone. registry_is_ready() is
 * false until the schema has its id there. False: SYSTEM. */
bool registry_announce(struct registry *registry, const char *topic, struct error *error);

/* Whether our own schema has its id; before that, no answer may be written. */
bool registry_is_ready(const struct registry *registry);

/* Reason why it is not ready, or why a schema does not come; empty: no error. */
const char *registry_trouble(const struct registry *registry);
