/* status_watch.c: see status_watch.h. */
#include "client/status_watch.h"

#include "base/clock.h"
#include "log/sender.h"
#include "log/topic_facts.h"
#include "message/feed_record.h"
#include "observe/status.h"
#include "plan/topic_roles.h"

#define SAY_EVERY_MS (STATUS_WATCH_MS / 3)
#define SEND_MS 2000 /* a record that is not acknowledged by then is dropped: the next one says the same */

struct status_watch {
	struct sender *sender;
	struct sender_config config;
	int64_t said_ms; /* 0: not yet */
};

static bool feed_exists(const struct kafka *kafka, const char *topic)
{
	struct topic_facts facts = {.name = topic};
	const atomic_bool stopping = false;
	struct error error = {0};
	return topic_facts_read(kafka->brokers, kafka->consumer, &facts, 1, &stopping, &error) && facts.partitions > 0;
}

static void status_watch_on_refused(void *context, uint64_t number, const char *reason)
{
	(void)context, (void)number, (void)reason;
}

struct status_watch *status_watch_open(const struct kafka *kafka, const char *prefix, const char *namespace, struct arena *arena)
{
	struct status_watch *watch = ARENA_NEW(arena, struct status_watch);
	struct error error = {0};
	const char *topic = topic_namespace_name(arena, prefix, namespace, "feed");
	if (!watch || !topic || !feed_exists(kafka, topic))
		return NULL;
	*watch = (struct status_watch){.config = {.brokers = kafka->brokers,
						  .topic = topic,
						  .timeout_ms = SEND_MS,
						  .properties = kafka->producer,
						  .refused = status_watch_on_refused}};
	watch->sender = sender_open(&watch->config, &error);
	return watch->sender ? watch : NULL;
}

void status_watch_say(struct status_watch *watch)
{
	const struct outgoing record = {.key = TEXT(FEED_WATCH_KEY), .value = TEXT("top")};
	struct error error = {0};
	const int64_t now_ms = clock_ms();
	if (!watch)
		return;
	if (watch->said_ms == 0 || now_ms - watch->said_ms >= SAY_EVERY_MS) {
		(void)sender_send(watch->sender, &record, 0, &error);
		watch->said_ms = now_ms;
	}
	(void)sender_settled(watch->sender, 0);
}

void status_watch_close(struct status_watch *watch)
{
	if (watch)
		sender_close(watch->sender);
}
