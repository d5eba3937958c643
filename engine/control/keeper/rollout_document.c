/* rollout_document.c: see rollout_document.h. */
#include "control/keeper/rollout_document.h"

#include <math.h>

#include "base/number/duration.h"
#include "message/rows.h"
#include "compiler/resources/experiment_walk.h"

#define NAMES_AT_FIRST 4

static const char *const rollout_words[] = {"progressiveDeployment", "promotionPolicy"};

/* ---- limits ---- */

static int64_t limit_us_of(double limit_ms)
{
	return llround(limit_ms * US_PER_MS);
}

/* Inserts a limit in its order, unless it is there. False: there are too many. */
static bool limit_add(struct rollout_document *rollout, int64_t limit_us)
{
	size_t at = rollout->limit_count;
	while (at > 0 && rollout->limits_us[at - 1] > limit_us)
		at--;
	if (at > 0 && rollout->limits_us[at - 1] == limit_us)
		return true;
	if (rollout->limit_count == ROLLOUT_LIMITS_MAX)
		return false;
	memmove(&rollout->limits_us[at + 1], &rollout->limits_us[at], (rollout->limit_count - at) * sizeof *rollout->limits_us);
	rollout->limits_us[at] = limit_us;
	rollout->limit_count++;
	return true;
}

static bool limits_find(struct rollout_document *rollout, struct error *error)
{
	bool good = true;
	for (size_t i = 0; i < rollout->plan.stage_count; i++) {
		const struct planned_stage *stage = &rollout->plan.stages[i];
		for (size_t r = 0; r < stage->rule_count; r++)
			if (stage->rules[r].kind == RULE_LATENCY)
				good = limit_add(rollout, limit_us_of(stage->rules[r].limit)) && good;
	}
	return good || error_set(error, ERROR_LIMIT, PLACE_NONE,
				 "The rollout has more than %d different limits of latency. Use fewer different ones.",
				 ROLLOUT_LIMITS_MAX);
}

size_t rollout_document_limit(const struct rollout_document *rollout, double limit_ms)
{
	size_t i = 0;
	while (i < rollout->limit_count && rollout->limits_us[i] != limit_us_of(limit_ms))
		i++;
	return i;
}

/* ---- choices ---- */

static bool choices_read(const struct experiment_spec *spec, struct arena *arena, struct rollout_document *rollout)
{
	struct rollout_choices choices;
	if (!rollout_choices_find(spec, &rollout->plan, &choices))
		return false;
	rollout->count = choices.count;
	rollout->control = choices.control;
	for (size_t i = 0; i < choices.count; i++) {
		rollout->names[i] = arena_copy(arena, choices.shares[i].name, strlen(choices.shares[i].name));
		rollout->parts[i] = choices.shares[i].weight / 100;
	}
	for (size_t i = 0; i < rollout->plan.candidates; i++)
		rollout->candidates[i] = choices.candidates[i];
	return true;
}

void rollout_document_shares(const struct rollout_document *rollout, double percent, struct share shares[ROLLOUT_CHOICES_MAX])
{
	for (size_t i = 0; i < rollout->count; i++)
		shares[i] = (struct share){rollout->names[i], i == rollout->control ? 100 - percent : percent * rollout->parts[i]};
}

/* ---- webhooks ---- */

static void actions_copy(const struct experiment_spec *spec, struct arena *arena, struct rollout_document *rollout)
{
	const struct move_action *actions = spec->actions.items;
	struct move_action *copies = ARENA_ARRAY(arena, struct move_action, spec->actions.count + 1);
	for (size_t i = 0; copies && i < spec->actions.count; i++) {
		copies[i] = actions[i];
		copies[i].url = arena_copy_string(arena, actions[i].url);
		copies[i].secret = arena_copy_string(arena, actions[i].secret);
	}
	rollout->actions = copies;
	rollout->action_count = copies ? spec->actions.count : 0;
}

static struct stage_question question_of(const struct confirm_webhook *confirm, struct arena *arena)
{
	return (struct stage_question){arena_copy_string(arena, confirm->url), arena_copy_string(arena, confirm->secret),
				       confirm->timeout_ns / NS_PER_MS};
}

/* A stage's own webhook is asked before that of the policy. */
static void questions_copy(const struct experiment_spec *spec, struct arena *arena, struct rollout_document *rollout)
{
	const struct rollout_stage *stages = spec->progressive.stages.items;
	const size_t last = rollout->plan.stage_count - 1;
	for (size_t i = 0; i < spec->progressive.stages.count && i <= last && !experiment_keeps_weights(spec); i++)
		rollout->questions[i] = question_of(&stages[i].confirm, arena);
	if (!rollout->questions[last].url && spec->promotion.here.line > 0)
		rollout->questions[last] = question_of(&spec->promotion.confirm, arena);
}

/* ---- reading ---- */

static bool rollout_find(const struct experiment_spec *experiment, struct faults *faults, struct arena *arena,
			 struct rollout_document *rollout, bool *is_rollout, struct error *error)
{
	*rollout = (struct rollout_document){0};
	if (!experiment || !experiment_is_rolled_out(experiment) || faults_count(faults, SEVERITY_ERROR) > 0 ||
	    !rollout_plan_make(experiment, &rollout->plan, error) || !limits_find(rollout, error))
		return true;
	*is_rollout = choices_read(experiment, arena, rollout);
	rollout->counts_truths = experiment_exposures_of(experiment) == EXPOSURES_FULL;
	actions_copy(experiment, arena, rollout);
	questions_copy(experiment, arena, rollout);
	return !arena_failed(arena) || error_memory(error, ERROR_SYSTEM, "reading a rollout");
}

bool rollout_document_is_written(struct text document)
{
	for (size_t i = 0; i < sizeof rollout_words / sizeof *rollout_words; i++)
		if (memmem(document.bytes, document.length, rollout_words[i], strlen(rollout_words[i])))
			return true;
	return false;
}

static bool document_open(const struct document_checker *checker, struct text document, struct spec *spec, struct error *error)
{
	const struct spec_options options = {.kinds = checker->kinds, .namespace = checker->namespace};
	return spec_open(spec, error) && spec_read_text(spec, "experiment", document, &options, error);
}

static bool names_find(const struct spec *spec, struct arena *arena, struct name_list *names)
{
	struct experiment_walk walk = experiment_walk_begin(spec);
	struct experiment_found found;
	struct name *items = NULL;
	size_t room = 0;
	while (experiment_walk_next(&walk, spec->arena, &found)) {
		if (!experiment_is_rolled_out(found.spec))
			continue;
		items = arena_grow(arena, items, names->count, &room, NAMES_AT_FIRST, sizeof *items);
		if (!items)
			return false;
		items[names->count++].text = arena_copy_string(arena, found.name);
	}
	names->items = items;
	return !arena_failed(arena) && !arena_failed(spec->arena);
}

static bool rollout_document_list(void *context, struct text document, struct arena *arena, struct name_list *names,
				  struct error *error)
{
	struct spec spec;
	struct error unread = {0};
	*names = (struct name_list){0};
	/* Reading all documents after each change would take long. */
	if (!rollout_document_is_written(document))
		return true;
	if (document_open(context, document, &spec, &unread) && !names_find(&spec, arena, names))
		(void)error_memory(&unread, ERROR_SYSTEM, "reading a rollout");
	spec_close(&spec);
	if (unread.kind == ERROR_SYSTEM)
		*error = unread;
	return unread.kind != ERROR_SYSTEM;
}

/* Reads the rollout of an experiment in a document. `*is_rollout` is false if there is none; or if it cannot run, and
 * `error` then has the reason. Names are in the arena. False: SYSTEM. */
static bool rollout_document_read(void *context, struct text document, const char *experiment, struct arena *arena,
				  struct rollout_document *rollout, bool *is_rollout, struct error *error)
{
	struct spec spec;
	*is_rollout = false;
	if (!rollout_document_is_written(document))
		return true;
	bool good = document_open(context, document, &spec, error) &&
		    rollout_find(experiment_named(&spec, experiment, spec.arena), spec.faults, arena, rollout, is_rollout, error);
	spec_close(&spec);
	return good || error->kind != ERROR_SYSTEM;
}

static bool rollout_document_default(void *context, struct text document, const char *experiment, struct arena *arena,
				     const char **name, struct error *error)
{
	struct spec spec;
	*name = NULL;
	bool good = document_open(context, document, &spec, error);
	const struct experiment_spec *found = good ? experiment_named(&spec, experiment, spec.arena) : NULL;
	if (found && found->default_name.text) {
		*name = arena_copy_string(arena, found->default_name.text);
		good = *name || error_memory(error, ERROR_SYSTEM, "reading an experiment");
	}
	spec_close(&spec);
	return good || error->kind != ERROR_SYSTEM;
}

struct keeper_rollout_reader rollout_document_of(struct document_checker *checker)
{
	return (struct keeper_rollout_reader){rollout_document_list, rollout_document_read, rollout_document_default, checker};
}
