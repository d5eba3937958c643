/* lag_watch.c: see lag_watch.h. The task writes only the answers in the list, which nobody else reads until it ends. */
#include "monitor/lag_watch.h"

#include "base/clock.h"
#include "base/memory.h"
#include "net/loop_task.h"

#define ASK_MS 1000
#define LIST_BYTES ((size_t)64 << 20)
#define NAMES_BYTES ((size_t)1 << 20)

struct lag_entry {
	const char *pipeline, *group, *topics;
	bool observes, explains;
	struct group_lag_state state;
	int64_t seen_ms; /* 0: not yet */
	struct group_lag_state answer; /* of the task, like the next */
	int64_t answered_ms;	       /* 0: Kafka has not answered */
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
	struct loop *loop;
	struct loop_timer timer;
	struct loop_task task;
	atomic_bool is_cut;    /* the look ends with the question that is under way */
	struct lag_list *list; /* NULL: nothing to watch yet */
	struct lag_list *next; /* replaces the list after the look; NULL: nothing does */
	struct lag_group *groups; /* of the task */
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

bool lag_watch_read(const struct lag_watch *watch, const char *pipeline, enum lag_of of, struct group_lag_state *state)
{
	bool found = false, known = true;
	*state = (struct group_lag_state){.age_ms = LAG_AGE_NONE};
	for (size_t i = 0; watch->list && i < watch->list->count; i++) {
		const struct lag_entry *entry = &watch->list->items[i];
		if (!entry_is_of(entry, of) || strcmp(entry->pipeline, pipeline) != 0)
			continue;
		found = true;
		known = known && entry->seen_ms > 0 && clock_ms() - entry->seen_ms < LAG_FORGOTTEN_MS;
		lag_add(state, &entry->state);
	}
	return found && known;
}

/* ---- looks ---- */

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

static void look_run(void *context)
{
	struct lag_watch *watch = context;
	for (size_t i = 0; i < watch->list->count && !atomic_load(&watch->is_cut); i++) {
		struct lag_entry *entry = &watch->list->items[i];
		struct group_lag *backlog = group_lag_of(watch, entry->group);
		const bool is_seen = backlog && group_lag_survey(backlog, text_of(entry->topics), ASK_MS, &entry->answer);
		entry->answered_ms = is_seen ? clock_ms() : 0;
	}
}

static void look_wait(struct lag_watch *watch)
{
	struct error error = {0};
	(void)loop_timer_set(watch->loop, &watch->timer, loop_now_ms(watch->loop) + LAG_EVERY_MS, &error);
}

static void look_start(struct lag_watch *watch);

static void lag_watch_on_look(void *context)
{
	struct lag_watch *watch = context;
	for (size_t i = 0; i < watch->list->count; i++) {
		struct lag_entry *entry = &watch->list->items[i];
		if (entry->answered_ms == 0)
			continue;
		entry->state = entry->answer;
		entry->seen_ms = entry->answered_ms;
		entry->answered_ms = 0;
	}
	if (watch->next)
		look_start(watch);
	else
		look_wait(watch);
}

/* Begins a look, with the next list if there is one. */
static void look_start(struct lag_watch *watch)
{
	struct error error = {0};
	if (watch->next) {
		list_close(watch->list);
		watch->list = watch->next;
		watch->next = NULL;
	}
	atomic_store(&watch->is_cut, false);
	watch->task = (struct loop_task){.run = look_run, .done = lag_watch_on_look, .context = watch};
	if (!loop_task_start(&watch->task, watch->loop, "reads the lag of pipelines", &error))
		look_wait(watch);
}

static void lag_watch_on_due(void *context)
{
	struct lag_watch *watch = context;
	if (!loop_task_is_running(&watch->task))
		look_start(watch);
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
	list_close(watch->next);
	watch->next = list;
	if (loop_task_is_running(&watch->task))
		atomic_store(&watch->is_cut, true);
	else
		look_start(watch);
	return true;
}

/* ---- opening and closing ---- */

struct lag_watch *lag_watch_open(const struct engine_config *config, struct loop *loop, struct error *error)
{
	struct lag_watch *watch = memory_take(1, sizeof *watch);
	if (!watch)
		return error_null(error_memory(error, ERROR_SYSTEM, "watching the lag of pipelines"));
	*watch = (struct lag_watch){.config = config, .loop = loop};
	watch->timer = (struct loop_timer){.due = lag_watch_on_due, .context = watch};
	return watch;
}

void lag_watch_close(struct lag_watch *watch)
{
	if (!watch)
		return;
	loop_timer_stop(watch->loop, &watch->timer);
	atomic_store(&watch->is_cut, true);
	loop_task_end(&watch->task);
	while (watch->groups) {
		struct lag_group *group = watch->groups;
		watch->groups = group->next;
		group_lag_close(group->backlog);
		memory_give(group->name);
		memory_give(group);
	}
	list_close(watch->list);
	list_close(watch->next);
	memory_give(watch);
}
