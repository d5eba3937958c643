/* version_wait.c: see version_wait.h. */
#include "tools/client/control/version_wait.h"

#include <stdio.h>

#include "message/json/json_write.h"
#include "tools/view/resource_view.h"

#define FOLLOW_MS 50

#define SETTLE_MS 1500 /* an engine reports each second */

const char *const version_state_names[] = {"ready", "active", "gone"};

/* Whether a live engine is where it is to be, by its condition of the resource: that of the engine itself, whose version is 0, if
 * it does not run the resource. */
static bool engine_is_there(const struct version_wait *waiting, const struct engine_condition *condition)
{
	if (waiting->state == VERSION_GONE)
		return !condition || condition->version == 0;
	return condition && condition->ready && condition->version >= waiting->version;
}

/* Whether all live engines run that version and are ready, or run none. `missing` is set if not. */
static bool engines_are_there(struct version_wait *waiting)
{
	const struct condition_source *source;
	size_t live = 0;
	(void)snprintf(waiting->missing, sizeof waiting->missing, "no engine of namespace `%s` reports",
		       waiting->control->config.namespace);
	LIST_EACH_SOURCE(&waiting->table, source)
	{
		if (!condition_source_is_live(&waiting->table, source))
			continue;
		live++;
		const struct engine_condition *condition =
			condition_of(source, text_of(waiting->reference.kind), text_of(waiting->reference.name));
		if (engine_is_there(waiting, condition))
			continue;
		(void)snprintf(waiting->missing, sizeof waiting->missing,
			       "engine `" TEXT_FORMAT "` runs version %lld: " TEXT_FORMAT " " TEXT_FORMAT,
			       TEXT_ARGUMENTS(source->engine), condition ? (long long)condition->version : 0,
			       TEXT_ARGUMENTS(condition ? condition->what : TEXT("")),
			       TEXT_ARGUMENTS(condition ? condition->why : TEXT("")));
		return false;
	}
	return live > 0 || waiting->state == VERSION_GONE;
}

/* Sets `missing` while engines prepare the version: to the reason of one that waits, if its condition is known. */
static void preparation_tell(struct version_wait *waiting)
{
	const struct condition_source *source;
	(void)snprintf(waiting->missing, sizeof waiting->missing, "engines are preparing it");
	LIST_EACH_SOURCE(&waiting->table, source)
	{
		const struct engine_condition *own = condition_of(source, CONDITION_OF_ENGINE, source->engine);
		if (!own || text_is(own->what, "Ready") || !condition_source_is_live(&waiting->table, source))
			continue;
		(void)snprintf(waiting->missing, sizeof waiting->missing, "engine `" TEXT_FORMAT "`: " TEXT_FORMAT ": " TEXT_FORMAT,
			       TEXT_ARGUMENTS(source->engine), TEXT_ARGUMENTS(own->what), TEXT_ARGUMENTS(own->why));
		return;
	}
}

/* Sets `done` when the state is reached. False: it will not be. */
static bool state_look(struct version_wait *waiting, const struct ledger_resource *resource, bool *done, struct error *error)
{
	const struct ledger *ledger = applier_ledger(waiting->control->applier);
	const struct ledger_version *version = ledger_version_find(resource, waiting->version);
	struct text why = {0};
	enum change_phase phase = version ? version_phase(ledger, version, &why) : CHANGE_FAILED;
	if (phase == CHANGE_FAILED)
		return error_set(error, ERROR_REMOTE, PLACE_NONE, "version %lld of `%s/%s` failed: " TEXT_FORMAT,
				 (long long)waiting->version, waiting->reference.kind, waiting->reference.name,
				 TEXT_ARGUMENTS(why.length > 0 ? why : TEXT("`sluice history` has the reason")));
	preparation_tell(waiting);
	*done = phase == CHANGE_ACTIVE && (waiting->state == VERSION_ACTIVE || engines_are_there(waiting));
	return true;
}

/* Reads what has arrived, or waits a moment for more. All conditions that have arrived are read: a namespace of many
 * pipelines writes hundreds of records a second. */
static bool state_follow(struct version_wait *waiting, struct error *error)
{
	bool needs_conditions = waiting->state != VERSION_ACTIVE;
	return applier_follow(waiting->control->applier, needs_conditions ? 0 : FOLLOW_MS, error) &&
	       (!needs_conditions || condition_table_follow(&waiting->table, FOLLOW_MS, error));
}

static bool state_wait(struct version_wait *waiting, struct error *error)
{
	for (bool done = false; !done;) {
		const struct ledger_resource *resource = control_session_find(waiting->control, waiting->reference, error);
		if (!resource || !state_look(waiting, resource, &done, error))
			return false;
		if (!done && clock_ms() >= waiting->until_ms)
			return error_set(error, ERROR_LIMIT, PLACE_NONE, "version %lld of `%s/%s` is not %s after %lld s: %s",
					 (long long)waiting->version, waiting->reference.kind, waiting->reference.name,
					 version_state_names[waiting->state], (long long)(waiting->timeout_ns / NS_PER_S),
					 waiting->missing);
		if (!done && !state_follow(waiting, error))
			return false;
	}
	return true;
}

static bool conditions_open(struct version_wait *waiting, struct error *error)
{
	const struct control_session *control = waiting->control;
	return condition_table_open(&waiting->table, control->kafka.brokers, control->kafka.consumer, control->config.topics.status,
				    control->config.namespace, error);
}

static bool wait_begin(struct version_wait *waiting, const struct workspace *workspace, const struct pipeline_target_asked *asked,
		       const char *word, struct error *error)
{
	waiting->control = &waiting->own;
	const struct ledger_resource *resource =
		control_session_open_at(workspace, asked, word, &waiting->own, &waiting->reference, error);
	if (!resource)
		return false;
	const struct control_version *newest = &ledger_newest(resource)->record;
	waiting->version = newest->version;
	waiting->until_ms = clock_ms() + waiting->timeout_ns / NS_PER_MS;
	if (newest->action == CONTROL_DELETE && waiting->state == VERSION_READY)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "`%s/%s` is deleted by version %lld; `--for active` waits until that is in force",
				 waiting->reference.kind, waiting->reference.name, (long long)newest->version);
	return waiting->state == VERSION_ACTIVE || conditions_open(waiting, error);
}

bool version_wait_run(struct version_wait *waiting, const struct workspace *workspace, const struct pipeline_target_asked *asked,
		      const char *word, struct error *error)
{
	return wait_begin(waiting, workspace, asked, word, error) && state_wait(waiting, error);
}

bool version_wait_open(struct version_wait *waiting, struct control_session *control, struct error *error)
{
	waiting->control = control;
	waiting->until_ms = clock_ms() + waiting->timeout_ns / NS_PER_MS;
	return conditions_open(waiting, error) && condition_table_settle(&waiting->table, SETTLE_MS, error);
}

bool version_wait_next(struct version_wait *waiting, struct resource_reference reference, struct error *error)
{
	const struct ledger_resource *resource = control_session_find(waiting->control, reference, error);
	if (!resource)
		return false;
	const struct control_version *newest = &ledger_newest(resource)->record;
	waiting->reference = reference;
	waiting->version = newest->version;
	waiting->state = newest->action == CONTROL_DELETE ? VERSION_GONE : VERSION_READY;
	return state_wait(waiting, error);
}

void version_wait_close(struct version_wait *waiting)
{
	condition_table_close(&waiting->table);
	control_session_close(&waiting->own);
}

void version_wait_print(const struct version_wait *waiting, bool json, struct buffer *out)
{
	const char *kind = waiting->reference.kind, *name = waiting->reference.name, *state = version_state_names[waiting->state];
	if (!json) {
		buffer_print(out, "%s/%s version %lld is %s\n", kind, name, (long long)waiting->version, state);
		return;
	}
	json_write_member(out, "{", "kind", text_of(kind));
	json_write_member(out, ", ", "name", text_of(name));
	buffer_print(out, ", \"version\": %lld, \"state\": \"%s\"}\n", (long long)waiting->version, state);
}
