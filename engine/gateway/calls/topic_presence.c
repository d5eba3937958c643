/* topic_presence.c: see topic_presence.h. */
#include "gateway/calls/topic_presence.h"

#include <stdio.h>

#include "base/memory.h"
#include "kafka/kafka_log.h"
#include "kafka/topics/topic_finder.h"
#include "net/loop_task.h"
#include "base/table.h"

#define LOOK_WAIT_MS 1000 /* for which closing may wait, too */
#define TOPICS_AT_FIRST 16
#define WORDS_BYTES (ERROR_TEXT_MAX + 64)
#define LINE_BYTES (WORDS_BYTES + 256 + 32) /* a topic's name has at most 249 bytes */

struct present_topic {
	char *name;
	bool is_wanted, was_wanted; /* by the present targets; by the former ones */
	bool is_ensured;	    /* it existed a moment before it was wanted */
	bool was_shown;
	bool is_absent;
	int64_t absent_ms; /* since when looks say so, by the loop's clock; 0: they do not */
};

/* Positions of topics begin with the gateway's own. */
struct own_topic {
	bool must_create, was_created; /* of the task */
	struct error create_error;
	char create_failed[ERROR_TEXT_MAX]; /* the last reason logged; "": creation has not failed */
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
	bool is_answered;
	struct own_topic own[GATEWAY_TOPICS];
	bool may_lack; /* topics: the last look said so of one */
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

/* What was seen of a topic before it is wanted again is old: an engine may just have created it. */
static void topic_want_again(struct present_topic *topic, bool is_ensured)
{
	if (!topic->is_wanted && !topic->was_wanted)
		*topic = (struct present_topic){.name = topic->name};
	topic->is_wanted = true;
	topic->is_ensured = topic->is_ensured || is_ensured;
}

/* Notes a topic that is looked at. NULL name: there is none. */
static bool topic_want(struct topic_presence *presence, const char *name, bool is_ensured)
{
	struct present_topic *known = name ? topic_find(presence, name) : NULL;
	const size_t at = presence->count;
	if (known)
		topic_want_again(known, is_ensured);
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
	topics[presence->count++] = (struct present_topic){.name = copy, .is_wanted = true, .is_ensured = is_ensured};
	return true;
}

bool topic_presence_follow(struct topic_presence *presence, const struct gateway_targets *targets)
{
	bool good = true;
	for (size_t i = 0; i < presence->count; i++) {
		presence->topics[i].was_wanted = presence->topics[i].is_wanted;
		presence->topics[i].is_wanted = false;
	}
	for (size_t i = 0; good && i < GATEWAY_TOPICS; i++)
		good = topic_want(presence, presence->config->own[i], true);
	for (size_t i = 0; good && i < targets->count; i++)
		good = topic_want(presence, targets->topics[targets->items[i].topic], true) &&
		       topic_want(presence, targets->items[i].outputs, presence->config->has_engine);
	return good;
}

static const char *absence_words(const struct present_topic *topic)
{
	return topic->was_shown || topic->is_ensured ? "is gone" : "does not exist";
}

const char *topic_presence_absence(const struct topic_presence *presence, const char *topic)
{
	const struct present_topic *known = topic && presence->may_lack ? topic_find(presence, topic) : NULL;
	return known && known->is_wanted && known->is_absent ? absence_words(known) : NULL;
}

/* ---- the task ---- */

static void own_topic_create(struct topic_presence *presence, enum gateway_topic which)
{
	const struct topic_presence_config *config = presence->config;
	struct own_topic *own = &presence->own[which];
	struct wanted_topic topic = config->creates[which];
	size_t made = 0;
	topic.name = config->own[which];
	own->was_created = topics_ensure(config->brokers, config->properties, (struct wanted_topics){1, &topic}, true, &made,
					 &own->create_error) &&
			   made > 0; /* else another process was first */
}

static void look_run(void *context)
{
	struct topic_presence *presence = context;
	const struct topic_presence_config *config = presence->config;
	struct error error = {0};
	if (!presence->finder)
		presence->finder = topic_finder_open(config->brokers, config->properties, &error);
	presence->is_answered = presence->finder && topic_finder_look(presence->finder, presence->asked, presence->asked_count,
								      presence->sights, LOOK_WAIT_MS, &error);
	for (enum gateway_topic i = 0; presence->is_answered && i < GATEWAY_TOPICS; i++)
		if (presence->own[i].must_create && presence->sights[i] == TOPIC_ABSENT)
			own_topic_create(presence, i);
}

/* ---- the loop ---- */

static void line_say(enum log_level level, const char *topic, const char *words)
{
	char line[LINE_BYTES];
	(void)snprintf(line, sizeof line, "Kafka: topic %s %s", topic, words);
	kafka_log_say(level, line);
}

/* What is lost without one of the gateway's own topics, and what was lost when it is created again. */
static const struct {
	const char *without, *again;
} own_words[GATEWAY_TOPICS] = {
	[GATEWAY_REPLIES] = {"calls get no answer, and the gateway is not ready",
			     "Calls that were open may have lost their answers"},
	[GATEWAY_CLAIMS] =
		{"calls with a new idempotency key are refused (503)",
		 "Gateways remember the keys that they have read; one that starts later does not know them, and may send "
		 "a request with such a key again"},
	[GATEWAY_CANCELS] = {"requests cannot be cancelled", "Cancellations that no engine had read are lost"},
};

static void absence_say(const struct topic_presence *presence, size_t at)
{
	const struct present_topic *topic = &presence->topics[at];
	char words[WORDS_BYTES];
	if (at < GATEWAY_TOPICS)
		(void)snprintf(words, sizeof words, "is gone: %s. %s", own_words[at].without,
			       presence->config->creates ? "The gateway creates it again"
							 : "Create it, or start a gateway or an engine with `--topics create`");
	else
		(void)snprintf(words, sizeof words, "%s: calls of its pipeline fail, and the others continue; " TOPIC_GONE_STEP,
			       absence_words(topic));
	line_say(LOG_LEVEL_WARN, topic->name, words);
}

/* Whether a topic that the last looks did not show may still appear. */
static bool topic_may_be_new(const struct topic_presence *presence, const struct present_topic *topic)
{
	const int64_t new_ms = presence->config->new_ms > 0 ? presence->config->new_ms : TOPIC_NEW_MS;
	return !topic->was_shown &&
	       loop_now_ms(presence->loop) - topic->absent_ms < (topic->is_ensured ? TOPICS_APPEAR_MS : new_ms);
}

static void sight_take(struct topic_presence *presence, size_t at)
{
	struct present_topic *topic = &presence->topics[at];
	const enum topic_sight sight = presence->sights[at];
	const bool was_absent = topic->is_absent;
	if (sight == TOPIC_SHOWN) {
		if (was_absent && topic->is_wanted)
			line_say(LOG_LEVEL_INFO, topic->name,
				 topic->was_shown || topic->is_ensured ? "exists again" : "exists now");
		topic->was_shown = true;
		topic->is_absent = false;
		topic->absent_ms = 0;
	} else if (sight == TOPIC_ABSENT) {
		if (topic->absent_ms == 0)
			topic->absent_ms = loop_now_ms(presence->loop);
		topic->is_absent = !topic_may_be_new(presence, topic);
		if (topic->is_absent && !was_absent && topic->is_wanted)
			absence_say(presence, at);
	}
}

static void creation_report(struct topic_presence *presence, enum gateway_topic which)
{
	struct own_topic *own = &presence->own[which];
	const char *name = presence->config->own[which];
	char words[WORDS_BYTES];
	if (own->was_created) {
		(void)snprintf(words, sizeof words, "was created again by this gateway, because it was gone. %s",
			       own_words[which].again);
		line_say(LOG_LEVEL_WARN, name, words);
		own->create_failed[0] = '\0';
	} else if (own->create_error.kind != ERROR_NONE && strcmp(own->create_failed, own->create_error.text) != 0) {
		memcpy(own->create_failed, own->create_error.text, sizeof own->create_failed);
		(void)snprintf(words, sizeof words, "could not be created again: %s", own->create_error.text);
		line_say(LOG_LEVEL_WARN, name, words);
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
	presence->may_lack = false;
	for (size_t i = 0; i < presence->count; i++)
		presence->may_lack = presence->may_lack || presence->topics[i].is_absent;
	for (enum gateway_topic i = 0; i < GATEWAY_TOPICS; i++)
		creation_report(presence, i);
	look_end(presence);
}

/* Kafka is asked by names that do not move, because targets may come meanwhile. */
static void look_begin(struct topic_presence *presence)
{
	struct error error = {0};
	presence->asked_count = presence->count;
	presence->asked = memory_take(presence->count, sizeof *presence->asked);
	presence->sights = memory_take(presence->count, sizeof *presence->sights);
	presence->is_answered = false;
	for (size_t i = 0; i < GATEWAY_TOPICS; i++) {
		presence->own[i].was_created = false;
		presence->own[i].create_error = (struct error){0};
		presence->own[i].must_create =
			presence->config->creates && (presence->topics[i].was_shown || presence->topics[i].is_absent);
	}
	for (size_t i = 0; presence->asked && i < presence->count; i++)
		presence->asked[i] = presence->topics[i].name;
	presence->task = (struct loop_task){.run = look_run, .done = presence_on_looked, .context = presence};
	if (!presence->asked || !presence->sights || !loop_task_start(&presence->task, presence->loop, "looks at topics", &error))
		look_end(presence); /* the next tick tries again */
}

static bool any_is_absent(const struct topic_presence *presence)
{
	for (size_t i = 0; i < presence->count; i++)
		if (presence->topics[i].is_wanted && presence->topics[i].absent_ms > 0)
			return true;
	return false;
}

static void presence_on_tick(void *context)
{
	struct topic_presence *presence = context;
	struct error error = {0};
	const int64_t wait_ms = any_is_absent(presence) ? TOPIC_ABSENT_MS : TOPIC_PRESENCE_MS;
	if (!loop_task_is_running(&presence->task))
		look_begin(presence);
	(void)loop_timer_set(presence->loop, &presence->timer, loop_now_ms(presence->loop) + wait_ms, &error);
}

/* ---- opening and closing ---- */

struct topic_presence *topic_presence_open(struct loop *loop, const struct topic_presence_config *config,
					   const struct gateway_targets *targets, struct error *error)
{
	assert(config->brokers && config->own[GATEWAY_REPLIES] && config->own[GATEWAY_CLAIMS] && config->own[GATEWAY_CANCELS]);
	struct topic_presence *presence = memory_take(1, sizeof *presence);
	if (!presence)
		return error_null(error_memory(error, ERROR_SYSTEM, "looking at topics"));
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
