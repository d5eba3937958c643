/* topic_list.c: see topic_list.h. */
#include "kafka/topics/topic_list.h"

#include <stdlib.h>
#include <string.h>

#include "kafka/admin_client.h"

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
	struct admin_client *admin = admin_client_open(brokers, properties, ADMIN_IS_QUIET, error);
	if (!admin)
		return false;
	const struct rd_kafka_metadata *metadata = admin_client_look(admin, NULL, error);
	bool good = metadata != NULL;
	if (good) {
		good = list_fill(list, metadata, prefix, arena) || error_memory(error, ERROR_SYSTEM, "listing topics");
		rd_kafka_metadata_destroy(metadata);
	}
	admin_client_close(admin, ADMIN_CLOSE_WAIT_S);
	return good;
}
