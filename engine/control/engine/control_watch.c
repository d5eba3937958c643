/* control_watch.c: see control_watch.h. */
#include "control/engine/control_watch.h"

#include <stdio.h>

#include "base/memory.h"
#include "net/loop_task.h"

#define SETTING_COMMAND "kafka-configs.sh --alter --entity-type topics --entity-name %s --add-config "

/* In the order of struct control_facts. */
enum { AT_CONTROL, AT_PROPOSALS, AT_STATUS, AT_FEED, AT_ARTIFACTS };

struct control_watch {
	struct control_watch_config config;
	struct loop *loop;
	struct loop_timer timer;
	struct loop_task task;
	atomic_bool stopping;
	struct control_facts facts; /* of the task, while it runs */
	bool is_answered;
	struct error error;
	bool is_suspected; /* to be lost: a broker that has just started may not know its topics for a moment */
	bool is_lost;
	char difference[ERROR_TEXT_MAX];
};

/* ---- comparing ---- */

void control_facts_name(struct control_facts *facts, const struct control_topics *topics)
{
	const char *const names[CONTROL_WATCHED] = {topics->control, topics->proposals, topics->status, topics->feed,
						    topics->artifacts};
	for (size_t i = 0; i < CONTROL_WATCHED; i++)
		facts->topics[i] = (struct topic_facts){.name = names[i], .is_own = true};
}

static bool control_is_lost(const struct control_facts *facts)
{
	return facts->topics[AT_CONTROL].partitions == 0 || facts->topics[AT_PROPOSALS].partitions == 0;
}

/* The pair was created together, and an engine does not create one of them again: control_topics_ensure(). */
static void lost_explain(const struct control_facts *facts, char *words, size_t size)
{
	const bool has_control = facts->topics[AT_CONTROL].partitions > 0,
		   has_proposals = facts->topics[AT_PROPOSALS].partitions > 0;
	const char *lost = facts->topics[has_control ? AT_PROPOSALS : AT_CONTROL].name;
	const char *other = facts->topics[has_control ? AT_CONTROL : AT_PROPOSALS].name;
	int used = snprintf(words, size, "topic %s was deleted, or this login may not see it any more: no change can be applied. ",
			    lost);
	if (used < 0 || (size_t)used >= size)
		return;
	words += used;
	size -= (size_t)used;
	if (has_control)
		(void)snprintf(words, size, "Restart one engine, which creates it again");
	else
		(void)snprintf(words, size,
			       "What it contained is lost. To begin again%s%s%s, restart one engine, and apply all files of the "
			       "namespace in one `sluice apply`",
			       has_proposals ? ", delete the other one too (kafka-topics.sh --delete --topic " : "",
			       has_proposals ? other : "", has_proposals ? ")" : "");
}

static bool is_kept(size_t at)
{
	return at == AT_CONTROL || at == AT_FEED || at == AT_ARTIFACTS;
}

/* Puts what is wrong with one topic into `words`. False: nothing is. */
static bool topic_explain(const struct control_facts *facts, size_t at, char *words, size_t size)
{
	const struct topic_facts *topic = &facts->topics[at];
	if (topic->partitions == 0 && facts->were_seen[at])
		(void)snprintf(
			words, size,
			"topic %s was deleted, or this login may not see it any more; restart one engine, which creates it again",
			topic->name);
	else if (topic->partitions > 0 && is_kept(at) && strstr(topic->policy, "delete"))
		(void)snprintf(
			words, size,
			"topic %s has cleanup.policy=%s: Kafka deletes records that sluice must keep. Set it: " SETTING_COMMAND
			"cleanup.policy=compact",
			topic->name, topic->policy, topic->name);
	else if (topic->partitions > 0 && !is_kept(at) && topic->policy[0] && !strstr(topic->policy, "delete"))
		(void)snprintf(words, size,
			       "topic %s has cleanup.policy=%s, and grows without end. Set it: " SETTING_COMMAND
			       "cleanup.policy=delete",
			       topic->name, topic->policy, topic->name);
	else if (topic->partitions > 1)
		(void)snprintf(
			words, size,
			"topic %s has %d partitions, and must have one, because its records have one order; the others are not "
			"read. Write to partition 0 only, or delete it when all engines of the namespace have stopped",
			topic->name, topic->partitions);
	else
		return false;
	return true;
}

void control_facts_compare(struct control_facts *facts, char *words, size_t size)
{
	words[0] = '\0';
	if (control_is_lost(facts))
		lost_explain(facts, words, size);
	for (size_t i = 0; i < CONTROL_WATCHED; i++) {
		if (!words[0])
			(void)topic_explain(facts, i, words, size);
		facts->were_seen[i] |= facts->topics[i].partitions > 0;
	}
}

/* ---- the task ---- */

static void look_run(void *context)
{
	struct control_watch *watch = context;
	watch->is_answered = topic_facts_read(watch->config.brokers, watch->config.properties, watch->facts.topics, CONTROL_WATCHED,
					      &watch->stopping, &watch->error);
}

static int64_t watch_every_ms(const struct control_watch *watch)
{
	return watch->config.every_ms > 0 ? watch->config.every_ms : CONTROL_WATCH_EVERY_MS;
}

static void difference_note(struct control_watch *watch, const char *words)
{
	if (words[0] && !watch->is_lost && strcmp(words, watch->difference) != 0)
		log_say(watch->config.log, LOG_LEVEL_ERROR, NULL, "%s", words);
	else if (!words[0] && watch->difference[0])
		log_say(watch->config.log, LOG_LEVEL_INFO, NULL, "the topics of the control plane are as they must be again");
	(void)snprintf(watch->difference, sizeof watch->difference, "%s", words);
}

static void control_watch_on_read(void *context)
{
	struct control_watch *watch = context;
	char words[sizeof watch->difference];
	struct error error = {0};
	if (!watch->is_answered) {
		log_say(watch->config.log, LOG_LEVEL_DEBUG, NULL, "the topics of the control plane are not looked at: %s",
			watch->error.text);
		return;
	}
	control_facts_compare(&watch->facts, words, sizeof words);
	const bool was_suspected = watch->is_suspected;
	watch->is_suspected = control_is_lost(&watch->facts);
	if (watch->is_suspected && !was_suspected) {
		(void)loop_timer_set(watch->loop, &watch->timer,
				     loop_now_ms(watch->loop) + watch_every_ms(watch) / CONTROL_WATCH_AGAIN, &error);
		return;
	}
	watch->is_lost = watch->is_suspected;
	difference_note(watch, words);
}

static void control_watch_on_tick(void *context)
{
	struct control_watch *watch = context;
	struct error error = {0};
	if (!loop_task_is_running(&watch->task)) {
		control_facts_name(&watch->facts, watch->config.topics);
		watch->error = (struct error){0};
		watch->task = (struct loop_task){.run = look_run, .done = control_watch_on_read, .context = watch};
		if (!loop_task_start(&watch->task, watch->loop, "looks at topics", &error))
			log_say(watch->config.log, LOG_LEVEL_WARN, NULL, "the topics of the control plane are not looked at: %s",
				error.text);
	}
	(void)loop_timer_set(watch->loop, &watch->timer, loop_now_ms(watch->loop) + watch_every_ms(watch), &error);
}

/* ---- opening and closing ---- */

struct control_watch *control_watch_open(const struct control_watch_config *config, struct loop *loop, struct error *error)
{
	assert(config->brokers && config->topics);
	struct control_watch *watch = memory_take(1, sizeof *watch);
	if (!watch) {
		error_memory(error, ERROR_SYSTEM, "watching the topics of the control plane");
		return NULL;
	}
	watch->config = *config;
	watch->loop = loop;
	watch->timer = (struct loop_timer){.due = control_watch_on_tick, .context = watch};
	if (loop_timer_set(loop, &watch->timer, loop_now_ms(loop), error))
		return watch;
	memory_give(watch);
	return NULL;
}

void control_watch_close(struct control_watch *watch)
{
	if (!watch)
		return;
	loop_timer_stop(watch->loop, &watch->timer);
	atomic_store(&watch->stopping, true);
	loop_task_end(&watch->task);
	memory_give(watch);
}

const char *control_watch_difference(const struct control_watch *watch)
{
	return watch->difference;
}

bool control_watch_is_lost(const struct control_watch *watch)
{
	return watch->is_lost;
}
