/* process_kafka.c: Kafka of `sluice run`: its settings, its topics, and the offsets at which the engine starts. */
#include <stdlib.h>

#include "tools/process/process_parts.h"
#include "tools/client/kafka.h"
#include "engine/run/group_migration.h"
#include "engine/run/log_writer.h"
#include "engine/setup/revision_topics.h"

/* Copies settings. Files may change them at a reload, but clients keep the settings with which they were opened. */
static struct properties properties_kept(struct properties properties, struct arena *arena)
{
	struct property *items = ARENA_ARRAY(arena, struct property, properties.count);
	for (size_t i = 0; items && i < properties.count; i++) {
		const struct property *from = &properties.items[i];
		items[i].name = arena_copy(arena, from->name, strlen(from->name));
		items[i].value = from->value ? arena_copy(arena, from->value, strlen(from->value)) : NULL;
	}
	return (struct properties){items ? properties.count : 0, items};
}

static const char *text_kept(const char *text, struct arena *arena)
{
	return text ? arena_copy(arena, text, strlen(text)) : NULL;
}

static struct registry_config registry_kept(const struct registry_access *access, struct arena *arena)
{
	struct tls_files *files = ARENA_NEW(arena, struct tls_files);
	if (files)
		*files = (struct tls_files){.authorities = text_kept(access->files.authorities, arena),
					    .certificate = text_kept(access->files.certificate, arena),
					    .key = text_kept(access->files.key, arena)};
	return (struct registry_config){
		.url = text_kept(access->url, arena), .login = text_kept(access->login, arena), .files = files};
}

bool process_kafka_configure(struct engine_process *running, const struct runtime_spec *runtime, struct error *error)
{
	const struct run_asked *self = running->asked;
	struct arena *arena = running->arena;
	struct kafka kafka;
	if (!kafka_find(runtime, &self->kafka, arena, &kafka, error))
		return false;
	running->engine.batches = &running->batches;
	running->engine.brokers = arena_copy(arena, kafka.brokers, strlen(kafka.brokers));
	running->engine.consumer = properties_kept(kafka.consumer, arena);
	running->engine.producer = properties_kept(kafka.producer, arena);
	running->engine.registry = registry_kept(&kafka.registry, arena);
	running->topic_settings = properties_kept(kafka.topics, arena);
	running->engine.instance = engine_name(self->instance, arena, error);
	if (!running->engine.instance)
		return false;
	const char *name = running->engine.instance;
	if (self->namespaces)
		name = arena_print(arena, "%s/%s", name, self->namespace);
	log_writer_name(running->config.log, name ? name : running->engine.instance);
	return !arena_failed(arena) || error_memory(error, ERROR_SYSTEM, "reading kafkaConfig");
}

static int names_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of the topics of a plan, sorted, `count` of them; NULL: no memory. */
static const char **plan_topics_sorted(const struct plan *plan, struct arena *arena, size_t *count)
{
	size_t room = 0;
	for (size_t i = 0; i < plan->count; i++)
		room += plan->pipelines[i].topic_count;
	const char **names = ARENA_ARRAY(arena, const char *, room + 1);
	*count = 0;
	for (size_t i = 0; names && i < plan->count; i++)
		for (size_t j = 0; j < plan->pipelines[i].topic_count; j++)
			names[(*count)++] = plan->pipelines[i].topics[j].name;
	if (names)
		qsort(names, *count, sizeof *names, names_compare);
	return names;
}

/* The topics that are written, except those of the plan `before`; NULL: no memory. */
static const char **written_topics(struct wanted_topics wanted, const struct plan *before, struct arena *arena, size_t *count)
{
	const struct plan none = {0};
	size_t known_count;
	const char **known = plan_topics_sorted(before ? before : &none, arena, &known_count);
	const char **names = ARENA_ARRAY(arena, const char *, wanted.count + 1);
	*count = 0;
	for (size_t i = 0; known && names && i < wanted.count; i++)
		if (wanted.items[i].written &&
		    !bsearch(&wanted.items[i].name, known, known_count, sizeof *known, names_compare))
			names[(*count)++] = wanted.items[i].name;
	return known ? names : NULL;
}

/* Limits batches of records to the smallest limit of the topics that are written. With a control plane the limits of topics
 * that were written before are known: a change of one pipeline of a thousand does not read those of all. */
static bool limit_batches(struct engine_process *running, const struct revision *revision, struct wanted_topics wanted,
			  const struct plan *before, struct error *error)
{
	const bool adds = running->engine.control && before && before->count > 0;
	size_t count, was = atomic_load(&running->batches.bytes);
	const char **names = written_topics(wanted, adds ? before : NULL, revision->arena, &count);
	if (!names)
		return error_memory(error, ERROR_SYSTEM, "listing topics");
	if (!batch_limit_read(&running->batches, running->engine.brokers, running->engine.producer, names, count, adds, error))
		return false;
	size_t bytes = atomic_load(&running->batches.bytes);
	if (bytes != was && bytes > 0 && bytes < BATCH_USUAL_BYTES)
		log_say(running->engine.log, LOG_LEVEL_INFO, NULL,
			"batches of records have at most %zu bytes, the smallest max.message.bytes of the topics", bytes);
	return true;
}

static bool ensure_gateway_topics(const struct engine_process *running, const struct revision *revision, struct error *error)
{
	size_t made = 0;
	struct wanted_topic own[GATEWAY_TOPICS];
	if (!process_gateway_is_wanted(running) || revision->plan.count == 0)
		return true;
	gateway_own_topics(revision, running->topic_settings, own);
	return ((own[0].name && own[1].name && own[2].name) || error_memory(error, ERROR_SYSTEM, "listing topics")) &&
	       topics_ensure(running->engine.brokers, running->engine.producer, (struct wanted_topics){GATEWAY_TOPICS, own},
			     running->asked->topics == TOPICS_CREATE, &made, error);
}

bool process_kafka_topics(struct engine_process *running, const struct revision *revision, const struct plan *before,
			   struct error *error)
{
	size_t made = 0;
	bool create = running->asked->topics == TOPICS_CREATE;
	struct wanted_topics wanted;
	if (!revision_topics(revision, running->topic_settings, create, running->asked->new_state,
			     running->engine.control != NULL, &wanted, error) ||
	    (before && !state_check_changelogs(&running->engine, before, wanted, error)) ||
	    !topics_ensure(running->engine.brokers, running->engine.producer, wanted, create, &made, error))
		return false;
	if (made > 0)
		log_say(running->engine.log, LOG_LEVEL_INFO, NULL, "%zu of %zu topics created", made, wanted.count);
	return limit_batches(running, revision, wanted, before, error) && ensure_gateway_topics(running, revision, error);
}

bool process_kafka_prepare(struct engine_process *running, const struct revision *revision, const struct plan *before,
			    struct error *error)
{
	return process_kafka_topics(running, revision, before, error) &&
	       group_migration_carry_out(&running->engine, &revision->plan, before == NULL, error);
}
