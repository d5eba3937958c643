/* avro_writers.c: see avro_writers.h. */
#include "message/avro/avro_writers.h"

#include "base/memory.h"
#include "message/avro/avro.h"
#include "message/avro/avro_foreign.h"
#include "message/avro/schemas.h"

#define CACHE_SLOTS 256 /* a topic has some versions of some schemas; a power of two */
#define CACHE_KEPT_MAX (CACHE_SLOTS / 4 * 3)

struct avro_cache {
	size_t count;
	struct avro_writer *slots[CACHE_SLOTS];
};

struct avro_cache *avro_cache_open(void)
{
	return memory_take(1, sizeof(struct avro_cache));
}

static void writer_free(struct avro_writer *writer)
{
	if (!writer)
		return;
	avro_resolution_free(writer->request);
	avro_resolution_free(writer->answer);
	avro_schema_decref(writer->schema);
	memory_give(writer);
}

static void cache_empty(struct avro_cache *cache)
{
	for (size_t i = 0; i < CACHE_SLOTS; i++) {
		writer_free(cache->slots[i]);
		cache->slots[i] = NULL;
	}
	cache->count = 0;
}

void avro_cache_close(struct avro_cache *cache)
{
	if (!cache)
		return;
	cache_empty(cache);
	memory_give(cache);
}

/* Where the name stands, or the free slot where it would. There always is one. */
static struct avro_writer **slot_of(struct avro_cache *cache, struct avro_name name)
{
	size_t slot = (size_t)((name.value + name.by_id) * UINT64_C(0x9E3779B97F4A7C15) >> 56);
	for (;; slot = (slot + 1) % CACHE_SLOTS) {
		struct avro_writer *writer = cache->slots[slot];
		if (!writer || (writer->name.value == name.value && writer->name.by_id == name.by_id))
			return &cache->slots[slot];
	}
}

static const char *schema_of(const struct schema_source *schemas, struct avro_name name, struct error *error)
{
	const char *json = NULL;
	if (!name.by_id && name.value == avro_request_fingerprint())
		return schema_json("request");
	if (!name.by_id && name.value == avro_answer_fingerprint())
		return schema_json("response");
	if (schemas && name.by_id && schemas->by_id)
		json = schemas->by_id(schemas->context, (uint32_t)name.value, error);
	else if (schemas && !name.by_id && schemas->by_fingerprint)
		json = schemas->by_fingerprint(schemas->context, name.value, error);
	if (json)
		return json;
	if (name.by_id)
		error_set(error, ERROR_INPUT, PLACE_NONE,
			  "the record names schema id %llu, and no schema registry knows it; configure the "
			  "registry it was written with",
			  (unsigned long long)name.value);
	else
		error_set(error, ERROR_INPUT, PLACE_NONE,
			  "the record names a schema with the fingerprint %016llx, which is unknown; write it with "
			  "schemas/request.avsc, or through a schema registry",
			  (unsigned long long)name.value);
	return NULL;
}

static struct avro_writer *writer_make(const char *json, struct avro_name name, struct error *error)
{
	uint64_t fingerprint;
	if (!schema_fingerprint(json, &fingerprint, error))
		return NULL;
	struct avro_writer *writer = memory_take(1, sizeof *writer);
	if (!writer)
		return error_null(error_memory(error, ERROR_SYSTEM, "reading a schema"));
	writer->name = name;
	writer->owner = fingerprint == avro_request_fingerprint()  ? AVRO_OWN_REQUEST
			: fingerprint == avro_answer_fingerprint() ? AVRO_OWN_ANSWER
								   : AVRO_FOREIGN;
	if (avro_schema_from_json_length(json, strlen(json), &writer->schema) == 0)
		return writer;
	error_set(error, ERROR_INPUT, PLACE_NONE, "the schema that the record names does not parse: %s; register one that does",
		  avro_strerror());
	memory_give(writer);
	return NULL;
}

struct avro_writer *avro_writer_find(const struct schema_source *schemas, struct avro_name name, struct error *error)
{
	struct avro_cache *cache = schemas ? schemas->cache : NULL;
	if (cache && *slot_of(cache, name))
		return *slot_of(cache, name);
	const char *json = schema_of(schemas, name, error);
	struct avro_writer *writer = json ? writer_make(json, name, error) : NULL;
	if (!writer || !cache)
		return writer;
	if (cache->count == CACHE_KEPT_MAX)
		cache_empty(cache);
	*slot_of(cache, name) = writer;
	cache->count++;
	return writer;
}

void avro_writer_return(const struct schema_source *schemas, struct avro_writer *writer)
{
	if (!schemas || !schemas->cache)
		writer_free(writer);
}
