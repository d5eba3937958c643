/* topic_list.c: see topic_list.h. */
#include "log/topic_list.h"

#include <stdlib.h>
#include <string.h>

#include "log/client.h"

static int name_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* False: memory ran out. */
static bool list_fill(struct topic_names *list, const struct rd_kafka_metadata *metadata, const char *prefix, struct arena *arena)
{
	const size_t length = strlen(prefix), most = (size_t)metadata->topic_cnt;
	*list = (struct topic_names){.names = ARENA_ARRAY(arena, const char *, most + 1)};
	for (size_t i = 0; list->names && i < most; i++) {
		const char *name = metadata->topics[i].topic;
		if (strncmp(name, prefix, length) == 0)
			list->names[list->count++] = arena_copy(arena, name, strlen(name));
	}
	if (!list->names || arena_failed(arena))
		return false;
	qsort(list->names, list->count, sizeof *list->names, name_compare);
	return true;
}

bool topic_list_read(const char *brokers, struct properties properties, const char *prefix, struct arena *arena,
		     struct topic_names *list, struct error *error)
{
	const struct property own[] = {{"bootstrap.servers", brokers}};
	rd_kafka_conf_t *configuration = client_configuration((struct properties){1, own}, properties, error);
	rd_kafka_t *client = configuration ? client_open(RD_KAFKA_PRODUCER, configuration, error) : NULL;
	const struct rd_kafka_metadata *metadata;
	if (!client)
		return false;
	rd_kafka_resp_err_t code = rd_kafka_metadata(client, 1, NULL, &metadata, TOPIC_LIST_WAIT_MS);
	bool good = !code || error_set(error, ERROR_SYSTEM, PLACE_NONE, "Kafka at %s does not list its topics: %s; does a broker "
				       "run there, and can it be reached from here?", brokers, rd_kafka_err2str(code));
	if (good) {
		good = list_fill(list, metadata, prefix, arena) || error_memory(error, ERROR_SYSTEM, "listing topics");
		rd_kafka_metadata_destroy(metadata);
	}
	rd_kafka_destroy(client);
	return good;
}
