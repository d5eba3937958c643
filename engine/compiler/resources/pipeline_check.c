/* pipeline_check.c: Checks of a Pipeline beyond its rows. References, cycles and other checks that need the graph are
 * made where the graph is built. */
#include "base/suggest.h"
#include "message/formats/format.h"
#include "message/tensor.h"
#include "compiler/yaml/fault_codes.h"
#include "compiler/resources/rows.h"

static void check_step_names(const struct resource *resource, const struct pipeline_spec *pipeline, struct faults *faults)
{
	const struct step_spec *steps = pipeline->steps.items;
	for (size_t i = 0; i < pipeline->steps.count; i++) {
		if (!steps[i].name.text)
			continue;
		name_check(steps[i].name, "the step's name", faults);
		if (resource->name.text && strcmp(steps[i].name.text, resource->name.text) == 0)
			fault_add(faults, CODE_REPEATED_STEP, steps[i].name.place, NULL,
				  "the step `%s` has the same name as its pipeline", steps[i].name.text);
		for (size_t j = 0; j < i; j++)
			if (steps[j].name.text && strcmp(steps[j].name.text, steps[i].name.text) == 0) {
				fault_add(faults, CODE_REPEATED_STEP, steps[i].name.place, NULL,
					  "the step `%s` is already in line %u", steps[i].name.text, steps[j].name.place.line);
				break;
			}
	}
}

static void check_input_tensors(const struct pipeline_input *input, struct faults *faults)
{
	const struct input_tensor *tensors = input->tensors.items;
	for (size_t i = 0; i < input->tensors.count; i++) {
		bool path = tensors[i].path != NULL, paths = tensors[i].paths.count > 0;
		if (path && paths)
			fault_add(faults, CODE_CONTRADICTION, tensors[i].here, NULL, "`%s` has both `path` and `paths`",
				  tensors[i].name.text);
		else if (!path && !paths)
			fault_add(faults, CODE_MISSING_FIELD, tensors[i].here, NULL,
				  "`path` is missing in `%s`: the place of the value in the record", tensors[i].name.text);
		if (tensors[i].shape.count > TENSOR_RANK_MAX)
			fault_add(faults, CODE_OUT_OF_RANGE, tensors[i].here, NULL,
				  "`shape` of `%s` has %zu dimensions, more than %d", tensors[i].name.text, tensors[i].shape.count,
				  TENSOR_RANK_MAX);
	}
}

static void check_format(const struct pipeline_output *output, struct faults *faults)
{
	struct suggestion suggestion = suggest_begin(text_of(output->format ? output->format : ""));
	if (!output->format || format_named(suggestion.word))
		return;
	for (const struct format *const *format = format_table; (*format)->name; format++)
		suggest_offer(&suggestion, text_of((*format)->name));
	fault_add(faults, CODE_NO_CHOICE, output->here, suggestion.nearest.bytes,
		  "output.format `%s` is not a format; `sluice help formats` lists them", output->format);
}

/* The graph takes each source once. */
static void check_references(const struct name_list *references, struct faults *faults)
{
	for (size_t i = 1; i < references->count; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(references->items[i].text, references->items[j].text) == 0) {
				fault_add(faults, CODE_IGNORED_SETTING, references->items[i].place, NULL,
					  "`%s` is named twice, and counts once; leave one out", references->items[i].text);
				break;
			}
}

/* Requests that are not mapped have the timestamp of their record. */
static void check_time(const struct pipeline_input *input, const struct node *node, struct faults *faults)
{
	if (input->time.field && input->tensors.count == 0)
		fault_add(faults, CODE_IGNORED_SETTING, node_get(node, "time")->place, NULL,
			  "`time` is a path in mapped records, and has no effect without `tensors`: the record's timestamp counts");
}

void pipeline_check(const struct resource *resource, struct faults *faults)
{
	const struct pipeline_spec *pipeline = resource->spec;
	const struct step_spec *steps = pipeline->steps.items;
	check_step_names(resource, pipeline, faults);
	for (size_t i = 0; i < pipeline->steps.count; i++) {
		check_references(&steps[i].inputs, faults);
		check_references(&steps[i].triggers, faults);
	}
	check_references(&pipeline->output.steps, faults);
	check_input_tensors(&pipeline->input, faults);
	alerts_check(pipeline, faults);
	metrics_check(&pipeline->metrics, false, faults);
	check_format(&pipeline->output, faults);
	const struct pipeline_input *input = &pipeline->input;
	topic_check(input->topic, input->topic_place, faults);
	topic_check(pipeline->output.topic, pipeline->output.topic_place, faults);
	const struct node *node = node_get(node_get(resource->node, "spec"), "input");
	bool bound = input->topic || input->key || input->time.field || input->tensors.count > 0;
	check_time(input, node, faults);
	if (input->here.line > 0 && !bound && node->type == NODE_MAP && !node_get(node, "externalInputs"))
		fault_add(faults, CODE_MISSING_FIELD, input->here, NULL,
			  "`externalInputs` is missing in `input`: the pipelines that feed this one");
}
