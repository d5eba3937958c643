/* group_counts.c: see group_counts.h. */
#include "engine/run/group_counts.h"

#include <inttypes.h>
#include <stdio.h>

#include "engine/setup/model_clients.h"

static void add_counts(struct engine_counts *sum, const struct stage_counts *counts, enum served_kind kind)
{
	struct pipeline_counts seen = {0};
	counts_add(&seen, &counts->sums, COUNT_WORDS(struct pipeline_counts));
	sum->called += kind == SERVED_CALLS ? seen.taken : 0;
	sum->entered += seen.taken;
	seen.taken = kind == SERVED_LATER ? 0 : seen.taken;
	seen.resets = 0; /* add_resets() */
	counts_add(&sum->sums, &seen, COUNT_WORDS(struct pipeline_counts));
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t count = count_read(&counts->latency[i]);
		sum->latency.buckets[i] += (uint32_t)count;
		sum->latency.count += count;
	}
}

/* Adds the state of the version that new messages enter. */
static void add_present(struct engine_counts *sum, const struct group *group, const struct stage_config *stage)
{
	sum->version = stage->version;
	size_t away = model_news_count(group->news, stage);
	if (away > sum->models_away) /* its stages call the same models; explainers call some of them, other observers none */
		sum->models_away = away;
}

/* Adds the resets of workers. A worker counts a reset in each of its stages, so the largest count is taken. */
static void add_resets(struct engine_counts *sum, const struct group *group, const char *pipeline)
{
	for (size_t i = 0; i < group->worker_count; i++) {
		uint64_t most = 0;
		for (const struct served *served = served_first(group, pipeline); served; served = served_next(served))
			if (count_read(&served->counts[i].sums.resets) > most)
				most = count_read(&served->counts[i].sums.resets);
		sum->sums.resets += most;
	}
}

bool groups_counts(const struct group *groups, const char *pipeline, struct engine_counts *counts)
{
	bool found = false;
	*counts = (struct engine_counts){0};
	for (const struct group *group = groups; group; group = group->next) {
		for (const struct served *served = served_first(group, pipeline); served; served = served_next(served)) {
			found = true;
			if (served->present)
				add_present(counts, group, served->present);
			for (size_t i = 0; i < group->worker_count; i++) {
				add_counts(counts, &served->counts[i], served->kind);
				topic_absence_take(group->observes ? &counts->observers_absent : &counts->absent,
						   &served->counts[i]);
				*(group->observes ? &counts->observers_former : &counts->former) +=
					count_read(&served->counts[i].former);
				if (served->counts[i].waits_for && !group->observes) /* no answer waits for an observer */
					counts->waits_for = served->counts[i].waits_for;
			}
		}
		add_resets(counts, group, pipeline);
	}
	return found;
}

bool groups_last_failure(const struct group *groups, const char *pipeline, struct last_failure *failure)
{
	struct last_failure one;
	bool found = false;
	for (const struct group *group = groups; group; group = group->next)
		for (const struct served *served = served_first(group, pipeline); served; served = served_next(served))
			for (size_t i = 0; i < group->worker_count; i++) {
				if (!last_failure_read(&served->counts[i].last_failure, &one) ||
				    (found && one.number < failure->number))
					continue;
				*failure = one;
				found = true;
			}
	return found;
}

void groups_away_model(const struct group *groups, const char *pipeline, char *words, size_t size)
{
	words[0] = '\0';
	for (const struct group *group = groups; group; group = group->next)
		for (const struct served *served = served_first(group, pipeline); served; served = served_next(served))
			if (served->present && model_news_away(group->news, served->present, words, size))
				return;
}

static uint64_t served_former(const struct group *group, const struct served *served, uint64_t before, char *words, size_t size)
{
	struct last_failure why;
	uint64_t waits = before;
	for (size_t i = 0; i < group->worker_count; i++) {
		const uint64_t former = count_read(&served->counts[i].former);
		waits += former;
		if (former > 0 && last_failure_read(&served->counts[i].former_why, &why))
			(void)snprintf(words, size, "%" PRIu64 " %s for %s", waits,
				       waits == 1 ? "request waits" : "requests wait", why.text);
	}
	return waits;
}

uint64_t groups_former(const struct group *groups, const char *pipeline, bool of_observers, char *words, size_t size)
{
	uint64_t waits = 0;
	for (const struct group *group = groups; group; group = group->next)
		for (const struct served *served = served_first(group, pipeline); served; served = served_next(served))
			waits = group->observes == of_observers ? served_former(group, served, waits, words, size) : waits;
	return waits;
}

bool groups_model_is_away(const struct group *groups, const char *model, char *words, size_t size)
{
	for (const struct group *group = groups; group; group = group->next)
		if (model_news_is_away(group->news, model, words, size))
			return true;
	return false;
}
