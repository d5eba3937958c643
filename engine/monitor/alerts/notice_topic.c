/* notice_topic.c: see notice_topic.h. */
#include "monitor/alerts/notice_topic.h"

#include "kafka/produce/record_delivery.h"

struct notice_rejection {
	bool is_rejected;
	struct error *error;
};

static void notice_on_rejection(void *context, size_t index, const char *reason)
{
	struct notice_rejection *rejection = context;
	(void)index;
	rejection->is_rejected = true;
	*rejection->error = (struct error){0};
	error_set(rejection->error, ERROR_LIMIT, PLACE_NONE, "%s", reason);
}

enum post_outcome notice_topic_write(const struct notice_topic_config *config, const char *topic, struct text key,
				     struct text value, const atomic_bool *given_up, struct error *error)
{
	struct notice_rejection rejection = {.error = error};
	const struct record_delivery delivery = {.brokers = config->brokers,
						 .topic = topic,
						 .timeout_ms = POST_MS,
						 .properties = config->producer,
						 .stopping = given_up,
						 .rejected = notice_on_rejection,
						 .context = &rejection};
	const struct outgoing record = {.key = key, .value = value};
	if (!records_deliver(&delivery, &record, 1, error))
		return POST_UNREACHABLE;
	return rejection.is_rejected ? POST_REFUSED : POST_DELIVERED;
}
