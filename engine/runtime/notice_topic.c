/* notice_topic.c: see notice_topic.h. */
#include "runtime/notice_topic.h"

#include "base/clock.h"
#include "log/sender.h"

#define LOOK_MS 100

static void note_refusal(void *context, uint64_t number, const char *reason)
{
	(void)number;
	error_set(context, ERROR_REMOTE, PLACE_NONE, "Kafka refuses it: %s", reason);
}

/* Waits for the record's report. False: there is none in time. */
static bool notice_topic_settle(struct sender *sender, const atomic_bool *given_up)
{
	const int64_t until_ms = clock_ms() + POST_MS;
	bool settled = sender_settled(sender, LOOK_MS);
	while (!settled && clock_ms() < until_ms && !(given_up && atomic_load(given_up)))
		settled = sender_settled(sender, LOOK_MS);
	return settled;
}

enum post_outcome notice_topic_write(const struct notice_topic_config *config, const char *topic, struct text key,
				     struct text value, const atomic_bool *given_up, struct error *error)
{
	const struct sender_config settings = {.brokers = config->brokers,
					       .topic = topic,
					       .timeout_ms = POST_MS,
					       .properties = config->producer,
					       .refused = note_refusal,
					       .context = error};
	const struct outgoing record = {.key = key, .value = value};
	struct sender *sender = sender_open(&settings, error);
	const bool sent = sender && sender_send(sender, &record, 1, error);
	const bool settled = sent && notice_topic_settle(sender, given_up);
	const bool delivered = settled && sender_acknowledged(sender) == 1;
	if (sent && !settled)
		error_set(error, ERROR_REMOTE, PLACE_NONE, "Kafka does not acknowledge it");
	sender_close(sender);
	return delivered ? POST_DELIVERED : POST_UNREACHABLE;
}
