/* batch_limit.c: see batch_limit.h. */
#include "log/batch_limit.h"

#include "log/topic_settings.h"

struct smallest {
	size_t bytes; /* 0: none was seen */
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
	if (smallest.bytes > 0) /* else what producers have learned is the best that is known */
		atomic_store(&limit->bytes, smallest.bytes);
	return true;
}

size_t batch_limit_lower(struct batch_limit *limit, size_t refused_bytes, bool to_one_record)
{
	size_t lower = !to_one_record && refused_bytes / BATCH_LOWER_BY > 1 ? refused_bytes / BATCH_LOWER_BY : 1;
	size_t now = atomic_load(&limit->bytes);
	while (now == 0 || now >= refused_bytes || (to_one_record && now > 1))
		if (atomic_compare_exchange_weak(&limit->bytes, &now, lower))
			return lower;
	return now;
}
