/* topic_presence.c: see topic_presence.h. */
#include "gateway/topic_presence.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "log/kafka_log.h"
#include "log/topic_finder.h"
#include "net/loop_task.h"
#include "state/table.h"

#define LOOK_WAIT_MS 1000 /* for which closing may wait, too */
#define TOPICS_AT_FIRST 16
#define REPLIES 0 /* its position */
#define LINE_BYTES (ERROR_TEXT_MAX + 512)

struct present_topic {
	char *name;
	bool is_wanted; /* by the present targets */
	bool was_shown;
	bool is_gone;
};

struct topic_presence {
	struct loop *loop;
	const struct topic_presence_config *config;
	struct loop_timer timer;
	struct loop_task task;
	struct topic_finder *finder; /* of the task */
	size_t count, capacity;
	struct present_topic *topics;
	struct state_table *by_name; /* from a topic to its position */
	/* Of the task: what it looks at, and what came. */
	size_t asked_count;
	const char **asked;
	enum topic_sight *sights;
	bool is_answered, must_create, was_created;
	struct error create_error;
	char create_failed[ERROR_TEXT_MAX]; /* the last reason logged; "": creation has not failed */
};

/* ---- topics ---- */

static struct present_topic *topic_find(const struct topic_presence *presence, const char *name)
{
	struct text value;
	size_t at;
	if (!table_read(presence->by_name, text_of(name), &value))
		return NULL;
	memcpy(&at, value.bytes, sizeof at);
	return &presence->topics[at];
}

/* Notes a topic that is looked at. NULL name: there is none. */
static bool topic_want(struct topic_presence *presence, const char *name)
{
	struct present_topic *known = name ? topic_find(presence, name) : NULL;
	const size_t at = presence->count;
	if (known)
		known->is_wanted = true;
	if (known || !name)
		return true;
	struct present_topic *topics =
		memory_grow(presence->topics, presence->count, &presence->capacity, TOPICS_AT_FIRST, sizeof *topics);
	if (!topics)
		return false;
	presence->topics = topics;
	char *copy = memory_take(1, strlen(name) + 1);
	if (!copy)
		return false;
	memcpy(copy, name, strlen(name) + 1);
	if (!table_put(presence->by_name, text_of(name), (struct text){(const char *)&at, sizeof at}, false)) {
		memory_give(copy);
		return false;
	}
	topics[presence->count++] = (struct present_topic){.name = copy, .is_wanted = true};
	return true;
}

bool topic_presence_follow(struct topic_presence *presence, const struct gateway_targets *targets)
{
	bool good = true;
	for (size_t i = 0; i < presence->count; i++)
		presence->topics[i].is_wanted = false;
	good = topic_want(presence, presence->config->replies);
	for (size_t i = 0; good && i < targets->count; i++)
		good = topic_want(presence, targets->topics[targets->items[i].topic]) &&
		       topic_want(presence, targets->items[i].outputs);
	return good;
}

bool topic_presence_lacks(const struct topic_presence *presence, const char *topic)
{
	const struct present_topic *known = topic ? topic_find(presence, topic) : NULL;
	return known && known->is_wanted && known->is_gone;
}

/* ---- the task ---- */

static void look_run(void *context)
{
	struct topic_presence *presence = context;
	const struct topic_presence_config *config = presence->config;
	struct error error = {0};
	struct wanted_topic replies = {0};
	size_t made = 0;
	if (!presence->finder)
		presence->finder = topic_finder_open(config->brokers, config->properties, &error);
	presence->is_answered = presence->finder && topic_finder_look(presence->finder, presence->asked, presence->asked_count,
								      presence->sights, LOOK_WAIT_MS, &error);
	if (!presence->is_answered || !presence->must_create || presence->sights[REPLIES] != TOPIC_ABSENT)
		return;
	replies = *config->creates;
	replies.name = config->replies;
	presence->was_created = topics_ensure(config->brokers, config->properties, (struct wanted_topics){1, &replies}, true, &made,
					      &presence->create_error) &&
				made > 0; /* else another process was first */
}

/* ---- the loop ---- */

static void line_say(enum log_level level, const char *topic, const char *words)
{
	char line[LINE_BYTES];
	(void)snprintf(line, sizeof line, "Kafka: topic %s %s", topic, words);
	kafka_log_say(level, line);
}

static const char *gone_words(const struct topic_presence *presence, size_t at)
{
	if (at != REPLIES)
		return "is gone: calls of its pipeline fail, and the others continue; " TOPIC_GONE_STEP;
	return presence->config->creates
		       ? "is gone: calls get no answer, and the gateway is not ready. The gateway creates it again"
		       : "is gone: calls get no answer, and the gateway is not ready. Create it, or start a gateway or an "
			 "engine with `--topics create`";
}

static void sight_take(struct topic_presence *presence, size_t at)
{
	struct present_topic *topic = &presence->topics[at];
	const enum topic_sight sight = presence->sights[at];
	const bool was_gone = topic->is_gone;
	if (sight == TOPIC_SHOWN)
		topic->was_shown = true;
	if (sight != TOPIC_NOT_TOLD)
		topic->is_gone = sight == TOPIC_ABSENT && topic->was_shown;
	if (topic->is_gone == was_gone || !topic->is_wanted)
		return;
	if (topic->is_gone)
		line_say(LOG_LEVEL_WARN, topic->name, gone_words(presence, at));
	else
		line_say(LOG_LEVEL_INFO, topic->name, "exists again");
}

static void creation_report(struct topic_presence *presence)
{
	char words[ERROR_TEXT_MAX + 64];
	if (presence->was_created) {
		line_say(
			LOG_LEVEL_WARN, presence->config->replies,
			"was created again by this gateway, because it was gone. Calls that were open may have lost their answers");
		presence->create_failed[0] = '\0';
	} else if (presence->create_error.kind != ERROR_NONE && strcmp(presence->create_failed, presence->create_error.text) != 0) {
		memcpy(presence->create_failed, presence->create_error.text, sizeof presence->create_failed);
		(void)snprintf(words, sizeof words, "could not be created again: %s", presence->create_error.text);
		line_say(LOG_LEVEL_WARN, presence->config->replies, words);
	}
}

static void look_end(struct topic_presence *presence)
{
	memory_give(presence->asked);
	memory_give(presence->sights);
	presence->asked = NULL;
	presence->sights = NULL;
}

static void presence_on_looked(void *context)
{
	struct topic_presence *presence = context;
	for (size_t i = 0; presence->is_answered && i < presence->asked_count; i++)
		sight_take(presence, i);
	creation_report(presence);
	look_end(presence);
}

/* Kafka is asked by names that do not move, because targets may come meanwhile. */
static void look_begin(struct topic_presence *presence)
{
	struct error error = {0};
	presence->asked_count = presence->count;
	presence->asked = memory_take(presence->count, sizeof *presence->asked);
	presence->sights = memory_take(presence->count, sizeof *presence->sights);
	presence->was_created = presence->is_answered = false;
	presence->create_error = (struct error){0};
	presence->must_create = presence->config->creates && presence->topics[REPLIES].was_shown;
	for (size_t i = 0; presence->asked && i < presence->count; i++)
		presence->asked[i] = presence->topics[i].name;
	presence->task = (struct loop_task){.run = look_run, .done = presence_on_looked, .context = presence};
	if (!presence->asked || !presence->sights || !loop_task_start(&presence->task, presence->loop, "looks at topics", &error))
		look_end(presence); /* the next tick tries again */
}

static void presence_on_tick(void *context)
{
	struct topic_presence *presence = context;
	struct error error = {0};
	if (!loop_task_is_running(&presence->task))
		look_begin(presence);
	(void)loop_timer_set(presence->loop, &presence->timer, loop_now_ms(presence->loop) + TOPIC_PRESENCE_MS, &error);
}

/* ---- opening and closing ---- */

struct topic_presence *topic_presence_open(struct loop *loop, const struct topic_presence_config *config,
					   const struct gateway_targets *targets, struct error *error)
{
	assert(config->brokers && config->replies);
	struct topic_presence *presence = memory_take(1, sizeof *presence);
	if (!presence) {
		error_memory(error, ERROR_SYSTEM, "looking at topics");
		return NULL;
	}
	presence->loop = loop;
	presence->config = config;
	presence->timer = (struct loop_timer){.due = presence_on_tick, .context = presence};
	presence->by_name = table_open();
	if ((presence->by_name && topic_presence_follow(presence, targets)) ||
	    error_memory(error, ERROR_SYSTEM, "looking at topics")) {
		presence_on_tick(presence);
		return presence;
	}
	topic_presence_close(presence);
	return NULL;
}

void topic_presence_close(struct topic_presence *presence)
{
	if (!presence)
		return;
	loop_timer_stop(presence->loop, &presence->timer);
	loop_task_end(&presence->task);
	look_end(presence);
	topic_finder_close(presence->finder);
	table_close(presence->by_name);
	for (size_t i = 0; i < presence->count; i++)
		memory_give(presence->topics[i].name);
	memory_give(presence->topics);
	memory_give(presence);
}
