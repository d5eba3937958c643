/* lag_watch.c: see lag_watch.h. The thread copies one pipeline after the other from the list, queries Kafka without
 * holding the lock, and stores the result under the lock. */
#include "monitor/lag_watch.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/memory.h"

#define ASK_MS 1000
#define LIST_BYTES ((size_t)64 << 20)
#define NAMES_BYTES ((size_t)1 << 20)

struct lag_entry {
	const char *pipeline, *group, *topics;
	bool observes, explains;
	struct group_lag_state state;
	int64_t seen_ms; /* 0: not yet */
};

struct lag_list {
	struct arena *arena;
	size_t count;
	struct lag_entry *items;
};

/* State of one group. It is kept, because known partitions make the next query cheap. */
struct lag_group {
	char *name;
	struct group_lag *backlog;
	struct lag_group *next;
};

struct lag_watch {
	const struct engine_config *config;
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock; /* protects the rest */
	pthread_cond_t bell;
	bool stopping;
	struct lag_list *list; /* NULL: nothing to watch yet */
	uint64_t version;      /* of the list */
	struct lag_group *groups; /* used by the thread only */
};

/* ---- lists ---- */

void pipeline_reads(const struct pipeline_plan *plan, const char *group, struct buffer *names)
{
	const char *gap = "";
	for (size_t i = 0; i < plan->topic_count; i++) {
		bool read = false;
		for (size_t stage = 0; stage < plan->stage_count; stage++)
			read = read || (plan->topics[i].role != TOPIC_STATE && stage_reads_topic(plan, stage, i));
		if (!read || strcmp(plan_topic_group(plan, &plan->topics[i]), group) != 0)
			continue;
		buffer_print(names, "%s%s", gap, plan->topics[i].name);
		gap = " ";
	}
}

static void list_close(struct lag_list *list)
{
	if (list)
		arena_close(list->arena);
	memory_give(list);
}

static void list_add(struct lag_list *list, const struct pipeline_plan *pipeline, const struct plan_group *group,
		     struct buffer *names)
{
	buffer_clear(names);
	pipeline_reads(pipeline, group->name, names);
	list->items[list->count++] = (struct lag_entry){
		.pipeline = arena_copy(list->arena, pipeline->graph->name, strlen(pipeline->graph->name)),
		.group = arena_copy(list->arena, group->name, strlen(group->name)),
		.topics = buffer_failed(names) ? NULL : arena_copy(list->arena, names->bytes, names->length),
		.observes = group->observes,
		.explains = group->explains,
	};
}

static bool list_fill(struct lag_list *list, const struct plan *plan)
{
	struct buffer names;
	struct plan_group groups[PLAN_GROUPS_MAX];
	list->items = ARENA_ARRAY(list->arena, struct lag_entry, plan->count * PLAN_GROUPS_MAX + 1);
	buffer_open(&names, NAMES_BYTES);
	for (size_t i = 0; list->items && i < plan->count; i++)
		for (size_t j = 0; j < plan_pipeline_groups(&plan->pipelines[i], groups); j++)
			list_add(list, &plan->pipelines[i], &groups[j], &names);
	bool good = !arena_failed(list->arena) && !buffer_failed(&names);
	buffer_close(&names);
	return good;
}

bool lag_watch_follow(struct lag_watch *watch, const struct plan *plan)
{
	struct lag_list *list = memory_take(1, sizeof *list);
	if (list)
		list->arena = arena_open(LIST_BYTES);
	if (!list || !list->arena || !list_fill(list, plan)) {
		list_close(list);
		return false;
	}
	pthread_mutex_lock(&watch->lock);
	struct lag_list *before = watch->list;
	watch->list = list;
	watch->version++;
	pthread_cond_signal(&watch->bell);
	pthread_mutex_unlock(&watch->lock);
	list_close(before); /* the thread uses no part of the list without the lock */
	return true;
}

/* Adds the lag of another group of a pipeline. */
static void lag_add(struct group_lag_state *sum, const struct group_lag_state *state)
{
	sum->records += state->records;
	sum->ends += state->ends;
	sum->busy += state->busy;
	sum->age_ms = state->age_ms > sum->age_ms ? state->age_ms : sum->age_ms;
}

static bool entry_is_of(const struct lag_entry *entry, enum lag_of of)
{
	return of == LAG_EXPLAINS ? entry->explains : entry->observes == (of == LAG_OBSERVES);
}

bool lag_watch_read(struct lag_watch *watch, const char *pipeline, enum lag_of of, struct group_lag_state *state)
{
	bool found = false, known = true;
	*state = (struct group_lag_state){.age_ms = LAG_AGE_NONE};
	pthread_mutex_lock(&watch->lock);
	for (size_t i = 0; watch->list && i < watch->list->count; i++) {
		const struct lag_entry *entry = &watch->list->items[i];
		if (!entry_is_of(entry, of) || strcmp(entry->pipeline, pipeline) != 0)
			continue;
		found = true;
		known = known && entry->seen_ms > 0 && clock_ms() - entry->seen_ms < LAG_FORGOTTEN_MS;
		lag_add(state, &entry->state);
	}
	found = found && known;
	pthread_mutex_unlock(&watch->lock);
	return found;
}

/* ---- the thread ---- */

static struct group_lag *group_lag_of(struct lag_watch *watch, const char *name)
{
	struct error error = {0};
	struct lag_group *group = watch->groups;
	while (group && strcmp(group->name, name) != 0)
		group = group->next;
	if (group)
		return group->backlog;
	size_t size = strlen(name) + 1;
	group = memory_take(1, sizeof *group);
	if (group)
		group->name = memory_take_raw(size);
	if (group && group->name)
		group->backlog = group_lag_open(watch->groups ? watch->groups->backlog : NULL, watch->config->brokers,
						watch->config->consumer, memcpy(group->name, name, size), &error);
	if (!group || !group->backlog) {
		memory_give(group ? group->name : NULL);
		memory_give(group);
		return NULL;
	}
	group->next = watch->groups;
	watch->groups = group;
	return group->backlog;
}

/* Queries one entry, of which it has copies: a reload may replace the list meanwhile. */
static void entry_look(struct lag_watch *watch, size_t index, struct arena *arena)
{
	const struct lag_entry *entry = &watch->list->items[index];
	uint64_t version = watch->version;
	const char *group = arena_copy(arena, entry->group, strlen(entry->group));
	const char *topics = arena_copy(arena, entry->topics, strlen(entry->topics));
	struct group_lag_state state = {0};
	if (!group || !topics)
		return;
	pthread_mutex_unlock(&watch->lock);
	struct group_lag *backlog = group_lag_of(watch, group);
	bool seen = backlog && group_lag_survey(backlog, text_of(topics), ASK_MS, &state);
	pthread_mutex_lock(&watch->lock);
	if (!seen || watch->version != version)
		return;
	watch->list->items[index].state = state;
	watch->list->items[index].seen_ms = clock_ms();
}

static void wait_for_next(struct lag_watch *watch)
{
	const int64_t until_ms = time_of_day_ms() + LAG_EVERY_MS;
	const struct timespec until = {.tv_sec = until_ms / MS_PER_S, .tv_nsec = until_ms % MS_PER_S * NS_PER_MS};
	uint64_t version = watch->version;
	while (!watch->stopping && watch->version == version &&
	       pthread_cond_timedwait(&watch->bell, &watch->lock, &until) == 0)
		;
}

static void *lag_watch_run(void *context)
{
	struct lag_watch *watch = context;
	struct arena *arena = arena_open(LIST_BYTES);
	pthread_mutex_lock(&watch->lock);
	while (!watch->stopping && arena) {
		uint64_t version = watch->version;
		for (size_t i = 0; !watch->stopping && watch->version == version && watch->list && i < watch->list->count; i++) {
			arena_reset(arena);
			entry_look(watch, i, arena);
		}
		if (watch->version == version)
			wait_for_next(watch);
	}
	pthread_mutex_unlock(&watch->lock);
	arena_close(arena);
	return NULL;
}

/* ---- opening and closing ---- */

struct lag_watch *lag_watch_open(const struct engine_config *config, struct error *error)
{
	struct lag_watch *watch = memory_take(1, sizeof *watch);
	if (!watch) {
		error_memory(error, ERROR_SYSTEM, "watching the lag of pipelines");
		return NULL;
	}
	*watch = (struct lag_watch){.config = config};
	pthread_mutex_init(&watch->lock, NULL);
	pthread_cond_init(&watch->bell, NULL);
	watch->has_thread = pthread_create(&watch->thread, NULL, lag_watch_run, watch) == 0;
	if (watch->has_thread)
		return watch;
	error_set(error, ERROR_SYSTEM, PLACE_NONE, "no thread can be started to watch the lag of pipelines; allow more threads");
	lag_watch_close(watch);
	return NULL;
}

void lag_watch_close(struct lag_watch *watch)
{
	if (!watch)
		return;
	pthread_mutex_lock(&watch->lock);
	watch->stopping = true;
	pthread_cond_signal(&watch->bell);
	pthread_mutex_unlock(&watch->lock);
	if (watch->has_thread)
		pthread_join(watch->thread, NULL);
	while (watch->groups) {
		struct lag_group *group = watch->groups;
		watch->groups = group->next;
		group_lag_close(group->backlog);
		memory_give(group->name);
		memory_give(group);
	}
	list_close(watch->list);
	pthread_cond_destroy(&watch->bell);
	pthread_mutex_destroy(&watch->lock);
	memory_give(watch);
}
