/* worker_metrics.c: see worker_metrics.h. */
#include "monitor/metrics/worker_metrics.h"

#include "base/clock.h"
#include "monitor/subject_list.h"
#include "engine/run/worker_threads.h"

struct worker_subject {
	struct worker_counts counts;
	struct worker_state state;
};

static void write_workers(const struct group *groups, int64_t now_ms, struct arena *arena, struct exposition *exposition)
{
	struct subject_list counts, states;
	size_t count = 0;
	for (const struct group *group = groups; group; group = group->next)
		count += group->worker_count;
	if (!subject_list_open(&counts, count, arena) || !subject_list_open(&states, count, arena))
		return;
	for (const struct group *group = groups; group; group = group->next)
		for (size_t i = 0; i < group->worker_count; i++) {
			const struct worker *worker = worker_threads_worker(group, i);
			struct worker_subject *subject = ARENA_NEW(arena, struct worker_subject);
			const char *number = arena_print(arena, "%zu", i);
			if (!subject || !number)
				return;
			int64_t turned_ms = worker_turned_ms(worker);
			subject->counts = worker_counts(worker);
			double age_ms = turned_ms > 0 && now_ms > turned_ms ? (double)(now_ms - turned_ms) : 0;
			subject->state.turn_age_seconds = age_ms / MS_PER_S;
			struct metric_subject of = {{text_of(group->name), text_of(number)}, &subject->counts};
			subject_list_add(&counts, of);
			of.values = &subject->state;
			subject_list_add(&states, of);
		}
	exposition_write(exposition, SCOPE_WORKER, counts.items, counts.count);
	exposition_write(exposition, SCOPE_WORKER_NOW, states.items, states.count);
}

struct client_subject {
	struct client_counts counts;
	struct client_state state;
};

static void list_clients(const struct group *group, size_t number, struct arena *arena, struct subject_list *counts,
			 struct subject_list *states)
{
	static const char *const clients[] = {"consumer", "producer"};
	const struct worker *worker = worker_threads_worker(group, number);
	for (size_t i = 0; i < 2; i++) {
		struct client_subject *subject = ARENA_NEW(arena, struct client_subject);
		const char *text = arena_print(arena, "%zu", number);
		if (!subject || !text)
			return;
		subject->counts = worker_client_counts(worker, i == 1);
		subject->state = client_state_of(&subject->counts);
		struct metric_subject of = {{text_of(group->name), text_of(text), text_of(clients[i])}, &subject->counts};
		subject_list_add(counts, of);
		of.values = &subject->state;
		subject_list_add(states, of);
	}
}

static void write_clients(const struct group *groups, struct arena *arena, struct exposition *exposition)
{
	struct subject_list counts, states;
	size_t count = 0;
	for (const struct group *group = groups; group; group = group->next)
		count += 2 * group->worker_count;
	if (!subject_list_open(&counts, count, arena) || !subject_list_open(&states, count, arena))
		return;
	for (const struct group *group = groups; group; group = group->next)
		for (size_t i = 0; i < group->worker_count; i++)
			list_clients(group, i, arena, &counts, &states);
	exposition_write(exposition, SCOPE_CLIENT, counts.items, counts.count);
	exposition_write(exposition, SCOPE_CLIENT_NOW, states.items, states.count);
}

void worker_metrics_write(const struct group *groups, int64_t now_ms, struct arena *arena, struct exposition *exposition)
{
	write_workers(groups, now_ms, arena, exposition);
	write_clients(groups, arena, exposition);
}
