/* step_kinds.c: Parser of the kind key of a step, by the rows of that kind. The table of kinds is passed in; this
 * file names no kind. */
#include "compiler/resources/step_kinds.h"

#include "compiler/resources/annotations.h"
#include "compiler/resources/rows.h"
#include "compiler/yaml/fault_codes.h"

static const struct option no_options[] = {{.type = OPTION_END}};

static const struct option *rows_of(const struct step_kind *kind)
{
	return kind->options ? kind->options : no_options;
}

static void *options_new(struct reading *reading, const struct step_kind *kind)
{
	return arena_take(reading->arena, 1, kind->options_size > 0 ? kind->options_size : 1);
}

const struct experiment_spec *step_experiment_written(const struct step_spec *step)
{
	const struct step self = {.kind = step->kind, .options = step->options};
	return step_facts(&self).experiment;
}

/* A step that calls a model may say where it is. */
static void check_storage(struct reading *reading, const struct step_spec *step, const struct node *options)
{
	const struct step self = {.kind = step->kind, .options = step->options, .place = step->options_here};
	const struct node *written = node_get(options, "storageUri");
	storage_check((struct name){step_facts(&self).storage, written ? written->place : step->options_here}, reading->faults);
}

static void check_options(struct reading *reading, const struct step_spec *step)
{
	struct error error = {0};
	assert(step->kind && step->options);
	const struct experiment_spec *experiment = step_experiment_written(step);
	if (experiment)
		experiment_say(experiment, CRITERIA_FIELD, reading->faults);
	if (!step->kind->check || step->kind->check(step->options, step->options_here, &error))
		return;
	struct place place = error.place.line > 0 ? error.place : step->options_here;
	fault_add(reading->faults, CODE_STEP_OPTIONS, place, NULL, "`%s`: %s", step->kind->name, error.text);
}

static bool step_kind_read(struct reading *reading, const struct node_entry *entry, void *into)
{
	struct step_spec *step = into;
	const struct step_kind *kind = step_kind_find(reading->kinds, entry->key->scalar.bytes);
	if (!kind)
		return false;
	bool second = step->options_here.line > 0;
	if (second)
		fault_add(reading->faults, CODE_TWO_KINDS, entry->key->place, NULL,
			  "this step is already of the kind `%s` and cannot be a `%s` too", step->kind->name, kind->name);
	void *options = options_new(reading, kind);
	if (!options)
		return true;
	struct node nothing = {.type = NODE_MAP, .place = entry->value->place};
	size_t faults_before = faults_count(reading->faults, SEVERITY_ERROR);
	options_read(reading, entry->value->type == NODE_NULL ? &nothing : entry->value, rows_of(kind), options);
	if (second)
		return true;
	step->kind = kind;
	step->options = options;
	step->options_here = entry->key->place;
	if (faults_count(reading->faults, SEVERITY_ERROR) == faults_before && !node_is_broken(entry->value)) {
		check_storage(reading, step, entry->value);
		check_options(reading, step);
	}
	return true;
}

static void step_kind_fall_back(struct reading *reading, void *into)
{
	struct step_spec *step = into;
	step->lineage = LINEAGE_OF_PIPELINE;
	step->kind = step_kind_find(reading->kinds, STEP_KIND_DEFAULT);
	if (!step->kind)
		return;
	void *options = options_new(reading, step->kind);
	if (options)
		options_fall_back(reading, rows_of(step->kind), options);
	step->options = options;
}

const struct kind_parser step_kind_parser = {step_kind_read, step_kind_fall_back};
