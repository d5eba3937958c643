/* alert_own.c: Notices that an engine sends by itself: of all alerts that it judges, without a control plane; else of alerts that
 * begin to fire while no keeper beats, and these end when a keeper does. */
#include <stdio.h>

#include "base/memory.h"
#include "monitor/alerts/alert_parts.h"

#define DEFINITIONS_BYTES ((size_t)16 << 20)

/* ---- alerts in force ---- */

/* False: memory ran out. */
static bool silences_read(struct alert_own *own, const struct spec *spec)
{
	const struct resource *resource;
	size_t count = 0;
	for (size_t at = 0; spec_next(spec, RESOURCE_SILENCE, &at);)
		count++;
	struct group_silence *silences = ARENA_ARRAY(own->arena, struct group_silence, count + 1);
	for (size_t at = 0; silences && (resource = spec_next(spec, RESOURCE_SILENCE, &at));)
		own->definitions.silence_count += alert_silence_fill(&silences[own->definitions.silence_count], resource);
	own->definitions.silences = silences;
	return silences;
}

static bool definitions_read(struct alert_watch *watch)
{
	const struct plan *plan = &engine_revision(watch->engine)->plan;
	struct alert_own *own = &watch->own;
	struct alert_definition *items;
	size_t count = 0;
	for (size_t i = 0; i < plan->count; i++)
		count += plan->pipelines[i].graph->spec->alerts.count;
	arena_reset(own->arena);
	own->definitions = (struct alert_definitions){0};
	items = ARENA_ARRAY(own->arena, struct alert_definition, count + 1);
	for (size_t i = 0; i < plan->count && items; i++) {
		const struct pipeline_plan *pipeline = &plan->pipelines[i];
		const struct alert_spec *specs = pipeline->graph->spec->alerts.items;
		for (size_t j = 0; j < pipeline->graph->spec->alerts.count && j < ALERTS_MAX; j++) {
			const struct judged_alert *alert = alert_named(watch, pipeline->graph->name, specs[j].name.text);
			struct alert_definition *made = &items[own->definitions.count++];
			alert_definition_fill(made, pipeline->namespace, pipeline->graph->name,
					      plan_topic_of(pipeline, TOPIC_ALERTS), &specs[j]);
			made->group_by = alert ? alert->group_by : 0;
		}
	}
	own->definitions.items = items;
	return items && silences_read(own, plan->spec);
}

/* ---- following ---- */

static void failure_log(struct alert_watch *watch, const struct error *error)
{
	if (!watch->has_failed)
		log_say(watch->config->log, LOG_LEVEL_ERROR, NULL, "notices of alerts are not made: %s", error->text);
	watch->has_failed = true;
}

void alert_own_follow(struct alert_watch *watch, struct alert_time time)
{
	struct alert_own *own = &watch->own;
	struct error error = {0};
	const int64_t silent_ms = alert_is_shared(watch) ? watch->outlet.silent_ms(watch->outlet.context) : 0;
	const bool is_alone = !alert_is_shared(watch) || silent_ms >= ALERT_ALONE_MS;
	if (is_alone && !own->is_alone)
		own->alone_ms = time.now_ms - silent_ms;
	if (!is_alone && own->is_alone && !alert_states_end(own->states, time, &error))
		failure_log(watch, &error);
	own->is_alone = is_alone;
	if (own->revision == watch->followed)
		return;
	if ((definitions_read(watch) || error_memory(&error, ERROR_SYSTEM, "reading alerts")) &&
	    alert_states_define(own->states, &own->definitions, time, &error))
		own->revision = watch->followed;
	else
		failure_log(watch, &error);
}

bool alert_own_has(const struct alert_watch *watch, const struct alert_group *group)
{
	const struct alert_own *own = &watch->own;
	return own->is_alone &&
	       (!alert_is_shared(watch) || group->alert.phase != ALERT_FIRING || group->alert.since_ms >= own->alone_ms);
}

void alert_own_report(struct alert_watch *watch, struct text record, struct alert_time time)
{
	struct error error = {0};
	if (!alert_states_report(watch->own.states, record, time, &error))
		failure_log(watch, &error);
}

/* ---- handing over ---- */

static bool notice_take(void *context, const struct due_notice *due, struct error *error)
{
	struct alert_watch *watch = context;
	struct notice_counts *counts = notifier_counts(watch->notifier, due->message->pipeline, due->message->alert);
	struct notice_receipt receipt = {.owner = &watch->own};
	(void)snprintf(receipt.key, sizeof receipt.key, "%s", due->key);
	return counts ? notifier_notify(watch->notifier, due->action, due->message, counts, &receipt, error)
		      : error_memory(error, ERROR_SYSTEM, "making a notice");
}

void alert_own_turn(struct alert_watch *watch, struct alert_time time)
{
	struct alert_own *own = &watch->own;
	struct error error = {0};
	char key[NOTICE_RECEIPT_BYTES];
	bool good = true;
	while (good && notifier_settled(watch->notifier, own, key))
		good = alert_states_settle(own->states, key, &error);
	if (!good || !alert_states_tick(own->states, time, &error) ||
	    !alert_states_hand(own->states, notice_take, watch, time, &error))
		failure_log(watch, &error);
}

bool alert_own_open(struct alert_watch *watch, struct error *error)
{
	watch->own = (struct alert_own){.config = {.engine = watch->config->instance, .log = watch->config->log},
					.arena = arena_open(DEFINITIONS_BYTES)};
	if (!watch->own.arena)
		return error_memory(error, ERROR_SYSTEM, "watching alerts");
	return (watch->own.states = alert_states_open(&watch->own.config, error));
}

void alert_own_close(struct alert_own *own)
{
	alert_states_close(own->states);
	arena_close(own->arena);
}

/* ---- firings of before this engine started ---- */

/* What the keys of a group's firings have in common. */
static size_t group_key(const struct judged_alert *alert, struct text group, char key[ALERT_KEY_BYTES])
{
	const struct alert_message names = {.namespace = text_of(alert->watched.namespace),
					    .pipeline = text_of(alert->watched.pipeline),
					    .alert = text_of(alert->watched.name),
					    .group = group};
	alert_firing_key(&names, key);
	return (size_t)(strrchr(key, '/') - key);
}

static struct former_firing **former_place(struct alert_watch *watch, struct text key)
{
	struct former_firing **at = &watch->formers;
	while (*at && !text_starts_with(text_of((*at)->key), key))
		at = &(*at)->next;
	return at;
}

static void former_remove(struct former_firing **at)
{
	struct former_firing *former = *at;
	*at = former->next;
	memory_give(former);
}

void alert_formers_clear(struct alert_watch *watch)
{
	while (watch->formers)
		former_remove(&watch->formers);
}

void alert_watch_take_firing(struct alert_watch *watch, struct text key, struct text record, bool is_former)
{
	struct former_firing **at = former_place(watch, key);
	struct error damaged = {0};
	struct alert_read read;
	if (!record.bytes && *at)
		former_remove(at);
	else if (!*at && is_former && record.bytes && alert_record_decode(record, &read, &damaged) && read.fires) {
		struct former_firing *made = memory_take(1, sizeof *made);
		if (!made) /* it fires after its `for` */
			return;
		*made = (struct former_firing){.next = watch->formers, .fired_at_ms = read.fired_at_ms};
		memcpy(made->key, key.bytes, key.length);
		watch->formers = made;
	}
}

void alert_resume_former(struct alert_watch *watch, struct judged_alert *alert, struct alert_time time)
{
	char key[ALERT_KEY_BYTES];
	for (struct alert_group *group = watch->formers ? alert->groups.first : NULL; group; group = group->next) {
		if (group->alert.phase != ALERT_PENDING)
			continue;
		const size_t length = group_key(alert, group->name, key);
		const struct former_firing *former = *former_place(watch, (struct text){key, length});
		if (former)
			alert_resume(&group->alert, former->fired_at_ms, time);
	}
}
