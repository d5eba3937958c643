/* topic_list.c: see topic_list.h. */
#include "kafka/topics/topic_list.h"

#include <stdlib.h>
#include <string.h>

#include "kafka/client.h"

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
	const struct property own[] = {{"bootstrap.servers", brokers}, {"log_level", "0"}};
	struct error locked_out = {0};
	rd_kafka_t *client =
		client_open_to_ask((struct properties){sizeof own / sizeof own[0], own}, properties, &locked_out, error);
	if (!client)
		return false;
	const struct rd_kafka_metadata *metadata = client_look(client, NULL, brokers, &locked_out, NULL, error);
	bool good = metadata != NULL;
	if (good) {
		good = list_fill(list, metadata, prefix, arena) || error_memory(error, ERROR_SYSTEM, "listing topics");
		rd_kafka_metadata_destroy(metadata);
	}
	rd_kafka_destroy(client);
	return good;
}
