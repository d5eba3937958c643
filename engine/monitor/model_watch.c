/* model_watch.c: see model_watch.h. */
#include "monitor/model_watch.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "engine/setup/group_setup.h"
#include "monitor/slow_model.h"
#include "models/calls/breaker.h"

struct watched_model {
	const char *name;
	struct model_load load;
	struct slow_model slow;
	struct watched_model *next;
};

struct model_watch {
	const struct engine *engine;
	const struct log_sink *log;
	struct arena *arena;
	struct watched_model *models;
};

struct model_watch *model_watch_open(const struct engine *engine, const struct log_sink *log, struct arena *arena)
{
	struct model_watch *watch = ARENA_NEW(arena, struct model_watch);
	if (watch)
		*watch = (struct model_watch){.engine = engine, .log = log, .arena = arena};
	return watch;
}

/* NULL: memory; the model is not watched. */
static struct watched_model *watched_model(struct model_watch *watch, const char *name, int64_t now_ms)
{
	struct watched_model *model = watch->models;
	while (model && strcmp(model->name, name) != 0)
		model = model->next;
	if (model)
		return model;
	model = ARENA_NEW(watch->arena, struct watched_model);
	const char *kept = arena_copy(watch->arena, name, strlen(name));
	if (!model || !kept)
		return NULL;
	*model = (struct watched_model){.name = kept, .slow = {.since_ms = now_ms}, .next = watch->models};
	return watch->models = model;
}

static void add_load(struct model_load *load, const struct model_counts *counts, size_t workers)
{
	for (size_t i = 0; i < workers; i++) {
		load->calls += count_read(&counts[i].calls);
		load->waiting += count_read(&counts[i].waiting);
		load->in_flight += count_read(&counts[i].in_flight);
		const uint64_t oldest_us = count_read(&counts[i].oldest_us);
		if (oldest_us > 0 && (load->oldest_us == 0 || oldest_us < load->oldest_us))
			load->oldest_us = oldest_us;
		for (size_t j = BREAKER_CLOSED + 1; j < BREAKER_STATES; j++)
			load->is_away |= count_read(&counts[i].breakers[j]) > 0;
		load->attempts_us += count_read(&counts[i].duration.sum_us);
		for (size_t j = 0; j <= DURATION_LIMITS; j++)
			load->attempts += count_read(&counts[i].duration.buckets[j]);
	}
}

static void log_news(const struct model_watch *watch, const struct watched_model *model, enum slow_news news, int64_t lasted_ms)
{
	const struct log_fields fields = {.model = model->name};
	char words[SLOW_WORDS_BYTES];
	if (news == SLOW_BEGAN) {
		slow_model_words(&model->slow, words, sizeof words);
		log_say(watch->log, LOG_LEVEL_WARN, &fields, "model %s is slow: %s", model->name, words);
	} else if (news == SLOW_ENDED) {
		log_say(watch->log, LOG_LEVEL_INFO, &fields, "model %s is no longer slow, after %" PRId64 " s", model->name,
			lasted_ms / MS_PER_S);
	}
}

void model_watch_look(struct model_watch *watch, int64_t now_ms)
{
	for (struct watched_model *model = watch->models; model; model = model->next)
		model->load = (struct model_load){0};
	for (const struct group *group = engine_groups(watch->engine); group; group = group->next)
		for (const struct counted *counted = group->models; counted; counted = counted->next) {
			struct watched_model *model = watched_model(watch, counted->name, now_ms);
			if (model)
				add_load(&model->load, counted->counts, group->worker_count);
		}
	for (struct watched_model *model = watch->models; model; model = model->next) {
		int64_t lasted_ms;
		enum slow_news news = slow_model_look(&model->slow, &model->load, now_ms, &lasted_ms);
		log_news(watch, model, news, lasted_ms);
	}
}

static bool calls_model(const struct pipeline_plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->callee_count; i++)
		if (plan->callees[i].target == CALL_MODEL && strcmp(plan->callees[i].name, name) == 0)
			return true;
	return false;
}

bool model_watch_is_slow(const struct model_watch *watch, const char *name, char *words, size_t size)
{
	const struct watched_model *model = watch->models;
	while (model && strcmp(model->name, name) != 0)
		model = model->next;
	if (!model || !model->slow.is_slow)
		return false;
	slow_model_words(&model->slow, words, size);
	return true;
}

bool model_watch_slow(const struct model_watch *watch, const struct pipeline_plan *plan, char *words, size_t size)
{
	const struct watched_model *found = NULL;
	for (const struct watched_model *model = watch->models; model; model = model->next)
		if (model->slow.is_slow && (!found || model->slow.last.waiting > found->slow.last.waiting) &&
		    calls_model(plan, model->name))
			found = model;
	if (!found)
		return false;
	char slow[SLOW_WORDS_BYTES];
	slow_model_words(&found->slow, slow, sizeof slow);
	(void)snprintf(words, size, "model %s: %s", found->name, slow);
	return true;
}
