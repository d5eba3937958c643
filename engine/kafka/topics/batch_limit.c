/* batch_limit.c: see batch_limit.h. */
#include "kafka/topics/batch_limit.h"

#include <assert.h>

#include "kafka/topics/topic_settings.h"

size_t batch_limit_lower(struct batch_limit *limit, size_t refused_bytes, bool to_one_record)
{
	assert(refused_bytes > 0);
	size_t lower = !to_one_record && refused_bytes / BATCH_LOWER_BY > 1 ? refused_bytes / BATCH_LOWER_BY : 1;
	size_t now = atomic_load(&limit->bytes);
	while (now == 0 || now >= refused_bytes || (to_one_record && now > 1))
		if (atomic_compare_exchange_weak(&limit->bytes, &now, lower))
			return lower;
	return now;
}

/* ---- limits of topics ---- */

/* `context` is the smallest limit so far; 0: none was found. */
static void setting_seen(void *context, size_t topic, const char *name, const char *value)
{
	size_t *smallest = context, bytes;
	(void)topic;
	if (topic_setting_record_bytes(name, value, &bytes) && (*smallest == 0 || bytes < *smallest))
		*smallest = bytes;
}

bool batch_limit_read(struct batch_limit *limit, const char *brokers, struct properties properties, const char *const *topics,
		      size_t count, bool adds, struct error *error)
{
	size_t smallest = 0, now = atomic_load(&limit->bytes);
	if (count > 0 && !topic_settings_read(brokers, properties, topics, count, setting_seen, &smallest, error))
		return false;
	/* Without a limit of a topic, the one that producers have learned is the best known. */
	while (smallest > 0 && (!adds || now == 0 || smallest < now))
		if (atomic_compare_exchange_weak(&limit->bytes, &now, smallest))
			break;
	return true;
}
