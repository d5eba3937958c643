/* batch_limit_read.c: Smallest batch limit of topics, read from their settings; see batch_limit.h. */
#include "kafka/topics/batch_limit.h"
#include "kafka/topics/topic_settings.h"

struct smallest {
	size_t bytes; /* 0: none was found */
};

static void setting_seen(void *context, size_t topic, const char *name, const char *value)
{
	(void)topic;
	struct smallest *smallest = context;
	size_t bytes;
	if (topic_setting_record_bytes(name, value, &bytes) && (smallest->bytes == 0 || bytes < smallest->bytes))
		smallest->bytes = bytes;
}

bool batch_limit_read(struct batch_limit *limit, const char *brokers, struct properties properties, const char *const *topics,
		      size_t count, struct error *error)
{
	struct smallest smallest = {0};
	if (!topic_settings_read(brokers, properties, topics, count, setting_seen, &smallest, error))
		return false;
	if (smallest.bytes > 0) /* otherwise the limit that producers have learned is the best known */
		atomic_store(&limit->bytes, smallest.bytes);
	return true;
}

bool batch_limit_add(struct batch_limit *limit, const char *brokers, struct properties properties, const char *const *topics,
		     size_t count, struct error *error)
{
	struct smallest smallest = {0};
	if (count > 0 && !topic_settings_read(brokers, properties, topics, count, setting_seen, &smallest, error))
		return false;
	size_t now = atomic_load(&limit->bytes);
	while (smallest.bytes > 0 && (now == 0 || smallest.bytes < now))
		if (atomic_compare_exchange_weak(&limit->bytes, &now, smallest.bytes))
			break;
	return true;
}
