/* topic_watch.c: see topic_watch.h. A look copies what it needs of the plan, because a reload may close the revision while
 * Kafka is asked. */
#include "engine/run/topic_watch.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "net/loop_task.h"
#include "engine/setup/topic_difference.h"
#include "base/table.h"

#define TICK_MAX_MS 1000
#define LOOK_BYTES ((size_t)256 << 20) /* half a million topics */

/* A topic of a pipeline. Two pipelines may have the same one, which is asked for once. */
struct watched_topic {
	size_t pipeline;
	size_t facts;
	size_t input; /* facts about the topic whose changelog it is; TOPIC_NONE: it is no changelog */
	struct planned_topic planned;
};

/* One look: what it compares, and in the end what it found. */
struct topic_look {
	struct arena *arena;
	const char **pipelines;
	const char **words; /* for each; NULL: all is as planned */
	size_t pipeline_count;
	struct watched_topic *topics;
	struct topic_facts *facts;
	size_t topic_count, facts_count, room;
	struct state_table *by_name; /* from a topic's name to its facts */
	const struct state_table *seen; /* of the watch, which does not change it meanwhile; NULL: no look was before */
	bool is_answered;
	struct error error;
};

struct topic_watch {
	const struct topic_watch_config *config;
	struct engine *engine;
	struct loop_timer timer;
	struct loop_task task;
	atomic_bool stopping;
	uint64_t revision; /* its number, at the last tick */
	int64_t due_ms;
	struct topic_look look; /* of the task */
	struct state_table *found; /* of the last look: from a pipeline to the words about it, with their NUL */
	struct state_table *seen;  /* names of topics that a look found; NULL: none */
};

/* ---- what is compared ---- */

static void look_close(struct topic_look *look)
{
	table_close(look->by_name);
	arena_close(look->arena);
	*look = (struct topic_look){0};
}

/* The position of the facts about a topic, which are listed when it is named first. TOPIC_NONE: memory ran out. */
static size_t facts_of(struct topic_look *look, const char *name, bool is_own)
{
	struct text value;
	size_t at = look->facts_count;
	if (table_read(look->by_name, text_of(name), &value)) {
		memcpy(&at, value.bytes, sizeof at);
	} else {
		const char *copy = arena_copy(look->arena, name, strlen(name));
		if (!copy || !table_put(look->by_name, text_of(name), (struct text){(const char *)&at, sizeof at}, false))
			return TOPIC_NONE;
		look->facts[look->facts_count++] = (struct topic_facts){.name = copy};
	}
	look->facts[at].is_own |= is_own;
	return at;
}

static bool pipeline_list(struct topic_look *look, const struct pipeline_plan *plan, struct properties settings)
{
	look->pipelines[look->pipeline_count] = arena_copy(look->arena, plan->graph->name, strlen(plan->graph->name));
	for (size_t i = 0; i < plan->topic_count; i++) {
		const struct topic *topic = &plan->topics[i];
		const char *input = plan_changelog_input(plan, topic);
		if (topic->bound)
			continue;
		struct watched_topic *watched = &look->topics[look->topic_count++];
		*watched = (struct watched_topic){
			.pipeline = look->pipeline_count,
			.facts = facts_of(look, topic->name, true),
			.input = input ? facts_of(look, input, false) : TOPIC_NONE,
			.planned = planned_topic_of(topic, settings),
		};
		if (watched->facts == TOPIC_NONE || (input && watched->input == TOPIC_NONE))
			return false;
	}
	look->pipeline_count++;
	return true;
}

/* A topic and the input of a changelog. */
static size_t room_for(const struct plan *plan)
{
	size_t room = 0;
	for (size_t i = 0; i < plan->count; i++)
		room += 2 * plan->pipelines[i].topic_count;
	return room;
}

static bool look_open(struct topic_look *look, const struct plan *plan, struct properties settings, struct error *error)
{
	size_t room = room_for(plan);
	*look = (struct topic_look){.arena = arena_open(LOOK_BYTES), .by_name = table_open()};
	bool good = look->arena && look->by_name && (look->pipelines = ARENA_ARRAY(look->arena, const char *, plan->count + 1)) &&
		    (look->words = ARENA_ARRAY(look->arena, const char *, plan->count + 1)) &&
		    (look->topics = ARENA_ARRAY(look->arena, struct watched_topic, room + 1)) &&
		    (look->facts = ARENA_ARRAY(look->arena, struct topic_facts, room + 1));
	for (size_t i = 0; good && i < plan->count; i++)
		good = pipeline_list(look, &plan->pipelines[i], settings);
	if (good && !arena_failed(look->arena))
		return true;
	look_close(look);
	return error_memory(error, ERROR_SYSTEM, "listing topics");
}

/* ---- the task ---- */

static bool is_seen(const struct state_table *seen, const char *topic)
{
	struct text value;
	return seen && table_read(seen, text_of(topic), &value);
}

/* Whether Kafka has listed any: a login that may list none learns nothing. */
static bool look_lists(const struct topic_look *look)
{
	for (size_t i = 0; i < look->facts_count; i++)
		if (look->facts[i].partitions > 0)
			return true;
	return false;
}

/* A topic that no look found may be hidden from the login, or new: brokers show it later than they have it. */
static enum topic_difference topic_compare(const struct topic_look *look, const struct watched_topic *topic, bool is_listed,
					   const char **words)
{
	const struct topic_facts *input = topic->input == TOPIC_NONE ? NULL : &look->facts[topic->input];
	const struct topic_facts *facts = &look->facts[topic->facts];
	if (!is_listed || facts->partitions > 0 || !is_seen(look->seen, facts->name))
		return topic_difference_find(&topic->planned, facts, input, look->arena, words);
	*words = topic_gone_words(facts, look->arena);
	return TOPIC_IS_GONE;
}

static void look_compare(struct topic_look *look)
{
	const bool is_listed = look_lists(look);
	enum topic_difference *worst = ARENA_ARRAY(look->arena, enum topic_difference, look->pipeline_count + 1);
	for (size_t i = 0; worst && i < look->topic_count; i++) {
		const struct watched_topic *topic = &look->topics[i];
		const char *words = NULL;
		const enum topic_difference found = topic_compare(look, topic, is_listed, &words);
		if (found <= worst[topic->pipeline])
			continue;
		worst[topic->pipeline] = found;
		look->words[topic->pipeline] = words;
	}
	look->is_answered = !arena_failed(look->arena) || error_memory(&look->error, ERROR_SYSTEM, "comparing topics");
}

static void look_run(void *context)
{
	struct topic_watch *watch = context;
	struct topic_look *look = &watch->look;
	if (topic_facts_read(watch->config->brokers, watch->config->properties, look->facts, look->facts_count, &watch->stopping,
			     &look->error))
		look_compare(look);
}

/* ---- the loop ---- */

const char *topic_watch_difference(const struct topic_watch *watch, const char *pipeline)
{
	struct text words;
	return watch && watch->found && table_read(watch->found, text_of(pipeline), &words) ? words.bytes : NULL;
}

static void difference_log(const struct topic_watch *watch, const char *pipeline, const char *words)
{
	const struct log_fields fields = {.pipeline = pipeline};
	const char *before = topic_watch_difference(watch, pipeline);
	if (words && (!before || strcmp(before, words) != 0))
		log_say(watch->config->log, LOG_LEVEL_WARN, &fields, "%s: %s", pipeline, words);
	else if (!words && before)
		log_say(watch->config->log, LOG_LEVEL_INFO, &fields, "%s: its topics are as planned again", pipeline);
}

/* Takes over what a look found. */
static void found_take(struct topic_watch *watch, const struct topic_look *look)
{
	struct state_table *found = table_open();
	bool good = found;
	for (size_t i = 0; good && i < look->pipeline_count; i++) {
		const char *words = look->words[i];
		difference_log(watch, look->pipelines[i], words);
		if (words)
			good = table_put(found, text_of(look->pipelines[i]), (struct text){words, strlen(words) + 1}, false);
	}
	if (!good) {
		table_close(found);
		return;
	}
	table_close(watch->found);
	watch->found = found;
}

/* Names that are planned no more are forgotten. */
static void seen_take(struct topic_watch *watch, const struct topic_look *look)
{
	struct state_table *seen = table_open();
	bool good = seen;
	for (size_t i = 0; good && i < look->facts_count; i++) {
		const struct topic_facts *facts = &look->facts[i];
		if (facts->partitions > 0 || is_seen(watch->seen, facts->name))
			good = table_put(seen, text_of(facts->name), TEXT("1"), false);
	}
	if (!good) {
		table_close(seen);
		return;
	}
	table_close(watch->seen);
	watch->seen = seen;
}

static void topic_watch_on_read(void *context)
{
	struct topic_watch *watch = context;
	if (watch->look.is_answered) {
		found_take(watch, &watch->look);
		seen_take(watch, &watch->look);
	} else {
		log_say(watch->config->log, LOG_LEVEL_DEBUG, NULL, "topics are not compared with the plan: %s",
			watch->look.error.text);
	}
	look_close(&watch->look);
}

static void look_start(struct topic_watch *watch)
{
	struct error error = {0};
	watch->task = (struct loop_task){.run = look_run, .done = topic_watch_on_read, .context = watch};
	bool is_listed = look_open(&watch->look, &engine_revision(watch->engine)->plan, watch->config->settings, &error);
	watch->look.seen = watch->seen;
	if (is_listed && loop_task_start(&watch->task, engine_loop(watch->engine), "looks at topics", &error))
		return;
	log_say(watch->config->log, LOG_LEVEL_WARN, NULL, "topics are not compared with the plan: %s", error.text);
	if (is_listed)
		look_close(&watch->look);
}

static void topic_watch_on_tick(void *context)
{
	struct topic_watch *watch = context;
	struct error error = {0};
	struct loop *loop = engine_loop(watch->engine);
	const struct revision *revision = engine_revision(watch->engine);
	const int64_t now_ms = loop_now_ms(loop);
	const int64_t every_ms = watch->config->every_ms > 0 ? watch->config->every_ms : TOPIC_WATCH_EVERY_MS;
	const int64_t settling_ms = every_ms / TOPIC_WATCH_SETTLING;
	if (revision->number != watch->revision) {
		watch->revision = revision->number;
		watch->due_ms = now_ms + settling_ms;
	}
	if (now_ms >= watch->due_ms && !loop_task_is_running(&watch->task) && revision->plan.count > 0) {
		watch->due_ms = now_ms + every_ms;
		look_start(watch);
	}
	int64_t tick_ms = settling_ms < TICK_MAX_MS ? settling_ms : TICK_MAX_MS;
	(void)loop_timer_set(loop, &watch->timer, now_ms + (tick_ms > 0 ? tick_ms : 1), &error);
}

/* ---- opening and closing ---- */

struct topic_watch *topic_watch_open(const struct topic_watch_config *config, struct engine *engine, struct error *error)
{
	assert(config->brokers && engine);
	struct topic_watch *watch = memory_take(1, sizeof *watch);
	if (!watch)
		return error_null(error_memory(error, ERROR_SYSTEM, "watching topics"));
	*watch = (struct topic_watch){.config = config, .engine = engine};
	watch->timer = (struct loop_timer){.due = topic_watch_on_tick, .context = watch};
	if (loop_timer_set(engine_loop(engine), &watch->timer, loop_now_ms(engine_loop(engine)), error))
		return watch;
	memory_give(watch);
	return NULL;
}

void topic_watch_close(struct topic_watch *watch)
{
	if (!watch)
		return;
	loop_timer_stop(engine_loop(watch->engine), &watch->timer);
	atomic_store(&watch->stopping, true);
	if (loop_task_is_running(&watch->task)) {
		loop_task_end(&watch->task);
		look_close(&watch->look);
	}
	table_close(watch->found);
	table_close(watch->seen);
	memory_give(watch);
}
