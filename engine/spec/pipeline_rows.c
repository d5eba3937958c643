/* pipeline_rows.c: Option rows of a Pipeline. */
#include "message/mapped.h"
#include "spec/rows.h"

static const struct option tensor_map_rows[] = {
	{.type = OPTION_KEY, .offset = offsetof(struct tensor_mapping, from)},
	{.type = OPTION_NAME, .short_form = true, .required = true, .offset = offsetof(struct tensor_mapping, to)},
	{.type = OPTION_NAMES, .short_form = true, .offset = offsetof(struct tensor_mapping, choices)},
	{.type = OPTION_END},
};

#define JOIN_WINDOW_HELP                                                                                                           \
	"How long a join waits from the first source on, in milliseconds; 0 is the default. An inner join's window stands still "  \
	"while a source waits for a model that is unreachable."

static const struct option batch_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct step_batch, here)},
	ROW("size", INTEGER, struct step_batch, size, .least = 1, .most = 4294967295.0,
	    .help = "Rows that are gathered before the step is called."),
	ROW("windowMs", INTEGER, struct step_batch, window_ms, UINT32_RANGE, .fallback = "1000",
	    .help = "After so many milliseconds a batch goes on with what there is; 0 is the default."),
	ROW("rolling", FLAG, struct step_batch, rolling, .effect = EFFECT_NONE, .help = "Of no meaning, in Seldon as here."),
	{.type = OPTION_END},
};

static const struct option step_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct step_spec, here)},
	ROW("name", NAME, struct step_spec, name, .required = true,
	    .help = "The step's name; without a kind key also that of its model."),
	ROW("inputs", REFERENCES, struct step_spec, inputs,
	    .help = "What the step reads: STEP, STEP.outputs.TENSOR; default: the request."),
	ROW("inputsJoinType", CHOICE, struct step_spec, inputs_join_type, .choices = JOIN_CHOICES, .fallback = "inner",
	    .help = "Which of the inputs must be there."),
	ROW("joinWindowMs", INTEGER, struct step_spec, join_window_ms, UINT32_RANGE, .fallback = "60000", .help = JOIN_WINDOW_HELP),
	ROW("tensorMap", TABLE, struct step_spec, tensor_map, .rows = tensor_map_rows, .item_size = sizeof(struct tensor_mapping),
	    .help = "New names of tensors: STEP.outputs.TENSOR to a name; a list of models is a switch."),
	ROW("triggers", REFERENCES, struct step_spec, triggers,
	    .help = "What must have come before the step runs; its data is not passed."),
	ROW("triggersJoinType", CHOICE, struct step_spec, triggers_join_type, .choices = JOIN_CHOICES, .fallback = "inner",
	    .help = "Which of the triggers must be there."),
	ROW("batch", MAP, struct step_spec, batch, .rows = batch_rows, .help = "Gathers several requests into one call."),
	ROW("outputs", NAMES, struct step_spec, outputs,
	    .help = "Names of the tensors that the step makes; bare names in inputs then mean tensors."),
	ROW("when", EXPRESSION, struct step_spec, when, .help = "A condition; while it does not hold, the step yields nothing."),
	ROW("timeout", DURATION, struct step_spec, timeout_ns, .help = "Of each attempt of a call; default: the pipeline's."),
	ROW("isolate", FLAG, struct step_spec, isolate, .help = "Puts the step into a stage of its own."),
	ROW("lineage", CHOICE, struct step_spec, lineage, .choices = "none sampled full",
	    .help = "Whether its inputs and outputs are copied to topics; default: the pipeline's."),
	{.type = OPTION_KIND,
	 .offset = offsetof(struct step_spec, kind),
	 .help = "What the step does; without such a key it calls the model of its own name."},
	{.type = OPTION_END},
};

static const struct option input_tensor_rows[] = {
	{.type = OPTION_KEY, .offset = offsetof(struct input_tensor, name)},
	{.type = OPTION_HERE, .offset = offsetof(struct input_tensor, here)},
	ROW("path", TEXT, struct input_tensor, path, .short_form = true,
	    .help = "Where the value stands in the record: quote.mid, bids[*].px."),
	ROW("paths", NAMES, struct input_tensor, paths, .least = 1, .help = "Several paths, one column each."),
	ROW("datatype", TEXT, struct input_tensor, datatype, .choices = DATATYPE_WORDS,
	    .help = "Datatype of the tensor; default: the schema's, FP64 for JSON."),
	ROW("shape", NUMBERS, struct input_tensor, shape, .whole = true, .least = 0, .most = 4294967295.0,
	    .help = "Shape of the tensor; default [1]."),
	ROW("pad", NODE, struct input_tensor, fill, .help = "What fills the shape up where the record has fewer values."),
	ROW("default", NODE, struct input_tensor, fallback,
	    .help = "The value where the record has none; without it that is an error of the request."),
	{.type = OPTION_END},
};

static const struct option input_time_rows[] = {
	ROW("field", TEXT, struct input_time, field, .short_form = true, .required = true,
	    .help = "Path of the time in the record."),
	ROW("unit", CHOICE, struct input_time, unit, .choices = TIME_UNITS, .fallback = "ms",
	    .help = "What it counts since 1970; `iso8601`: a text such as 2026-01-31T09:30:00Z, UTC where it has no offset."),
	{.type = OPTION_END},
};

static const struct option input_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct pipeline_input, here)},
	ROW("externalInputs", REFERENCES, struct pipeline_input, external_inputs, .least = 1,
	    .help = "Other pipelines whose inputs, outputs or steps feed this one."),
	ROW("externalTriggers", REFERENCES, struct pipeline_input, external_triggers,
	    .help = "Other pipelines' topics that must have come first."),
	ROW("joinWindowMs", INTEGER, struct pipeline_input, join_window_ms, UINT32_RANGE, .fallback = "60000",
	    .help = JOIN_WINDOW_HELP),
	ROW("joinType", CHOICE, struct pipeline_input, join_type, .choices = JOIN_CHOICES, .fallback = "inner",
	    .help = "Which of the inputs must be there."),
	ROW("triggersJoinType", CHOICE, struct pipeline_input, triggers_join_type, .choices = JOIN_CHOICES, .fallback = "inner",
	    .help = "Which of the triggers must be there."),
	ROW("tensorMap", TABLE, struct pipeline_input, tensor_map, .rows = tensor_map_rows,
	    .item_size = sizeof(struct tensor_mapping), .help = "New names of tensors: P.outputs.TENSOR to a name."),
	ROW("topic", TEXT, struct pipeline_input, topic, .place_offset = offsetof(struct pipeline_input, topic_place),
	    .help = "An existing topic to read from; default: the pipeline's own."),
	ROW("key", TEXT, struct pipeline_input, key, .help = "Path of the key in the record; default: the record's key."),
	ROW("time", MAP, struct pipeline_input, time, .rows = input_time_rows,
	    .help = "Where the record has its time, in ms when it is a path alone; default: the record's timestamp."),
	ROW("tensors", TABLE, struct pipeline_input, tensors, .rows = input_tensor_rows, .item_size = sizeof(struct input_tensor),
	    .help = "How fields of the record become tensors."),
	{.type = OPTION_END},
};

static const struct option output_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct pipeline_output, here)},
	ROW("steps", REFERENCES, struct pipeline_output, steps, .least = 1, .required = true,
	    .help = "The steps whose outputs are the answer."),
	ROW("stepsJoin", CHOICE, struct pipeline_output, steps_join, .choices = JOIN_CHOICES, .fallback = "inner",
	    .help = "Which of the steps must have answered."),
	ROW("joinWindowMs", INTEGER, struct pipeline_output, join_window_ms, UINT32_RANGE, .fallback = "60000",
	    .help = JOIN_WINDOW_HELP),
	ROW("tensorMap", TABLE, struct pipeline_output, tensor_map, .rows = tensor_map_rows,
	    .item_size = sizeof(struct tensor_mapping), .help = "New names of tensors: STEP.outputs.TENSOR to a name."),
	ROW("topic", TEXT, struct pipeline_output, topic, .place_offset = offsetof(struct pipeline_output, topic_place),
	    .help = "An existing topic to write to; default: the pipeline's own."),
	ROW("format", TEXT, struct pipeline_output, format,
	    .help = "The format in which answers leave, of those that `sluice help formats` lists; default: that of the request."),
	ROW("errors", FLAG, struct pipeline_output, errors, .fallback = "true", .choices = "keep",
	    .help = "Whether error answers go to the outputs topic too; `keep`: they do, and a failed request whose caller "
		    "waits at a gateway is kept as a dead letter, as others are."),
	{.type = OPTION_END},
};

struct metric_spec {
	struct name name;
	struct place here;
};

static const struct option label_rows[] = {
	{.type = OPTION_EXPRESSION, .short_form = true, .offset = OPTION_UNSTORED, .uses = USE_FEEDBACK},
	{.type = OPTION_END},
};

static const struct option metric_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct metric_spec, here)},
	ROW("name", NAME, struct metric_spec, name, .required = true, .help = "The metric's name."),
	CHECKED("type", CHOICE, .choices = "gauge counter histogram summary", .required = true,
		.help = "gauge, counter, histogram or summary."),
	CHECKED("help", TEXT, .help = "What the metric tells."),
	CHECKED("value", EXPRESSION, .uses = USE_FEEDBACK, .required = true,
		.help = "What is counted; with truth or reward, when feedback comes."),
	CHECKED("labels", TABLE, .rows = label_rows, .help = "Labels, each an expression."),
	CHECKED("buckets", NUMBERS, .least = -1e308, .most = 1e308, .help = "Upper bounds of a histogram's buckets, rising."),
	{.type = OPTION_END},
};

static const struct option action_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct alert_action, here)},
	ROW("type", CHOICE, struct alert_action, type, .choices = "webhook email", .required = true, .help = "webhook or email."),
	ROW("url", TEXT, struct alert_action, url, .help = "Where a webhook posts to."),
	ROW("recipients", NAMES, struct alert_action, recipients, .help = "Who gets the mail."),
	{.type = OPTION_END},
};

static const struct option alert_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct alert_spec, here)},
	ROW("name", NAME, struct alert_spec, name, .required = true, .help = "The alert's name."),
	ROW("condition", EXPRESSION, struct alert_spec, condition, .uses = USE_OPERATION, .required = true,
	    .help = "When it rises: `name operator number`, or an expression."),
	ROW("over", DURATION, struct alert_spec, over_ns, .help = "The stretch of time that is judged."),
	ROW("for", DURATION, struct alert_spec, for_ns, .help = "How long the condition must hold."),
	ROW("resolveAfter", DURATION, struct alert_spec, resolve_after_ns, .fallback = "5m",
	    .help = "It ends when the condition did not hold for so long."),
	ROW("groupBy", TEXT, struct alert_spec, group_by, .help = "`key`: one state for each key."),
	ROW("actions", LIST, struct alert_spec, actions, .rows = action_rows, .item_size = sizeof(struct alert_action),
	    .help = "Who is told."),
	{.type = OPTION_END},
};

const struct option pipeline_rows[] = {
	ROW("steps", LIST, struct pipeline_spec, steps, .rows = step_rows, .item_size = sizeof(struct step_spec), .least = 1,
	    .required = true, .help = "The steps of the pipeline."),
	ROW("input", MAP, struct pipeline_spec, input, .rows = input_rows,
	    .help = "Where requests come from, besides the pipeline's own topic."),
	ROW("output", MAP, struct pipeline_spec, output, .rows = output_rows,
	    .help = "What the answer is made of; without it there is none."),
	ROW("dataflow", MAP, struct pipeline_spec, clean_topics_on_delete, .rows = dataflow_rows,
	    .help = "What becomes of the topics."),
	ROW("allowCycles", FLAG, struct pipeline_spec, allow_cycles, .help = "Whether steps may wait for each other."),
	ROW("maxStepRevisits", INTEGER, struct pipeline_spec, max_step_revisits, UINT32_RANGE,
	    .help = "How often a step on a cycle may be entered again."),
	ROW("timeout", DURATION, struct pipeline_spec, timeout_ns,
	    .help = "Of each attempt of a call; default: the runtime's, else 30s."),
	ROW("delivery", CHOICE, struct pipeline_spec, delivery, .choices = "default at-least-once exactly-once",
	    .fallback = "default", .help = "What is promised when something crashes; default: by the state that the steps keep."),
	ROW("order", CHOICE, struct pipeline_spec, order, .choices = "key partition", .fallback = "key",
	    .help = "Within what results keep their order."),
	ROW("lineage", CHOICE, struct pipeline_spec, lineage, .choices = "none sampled full", .fallback = "none",
	    .help = "Whether inputs and outputs of the steps are copied to topics."),
	ROW("onOutage", CHOICE, struct pipeline_spec, on_outage, .choices = "wait deadletter", .fallback = "wait",
	    .help = "What becomes of requests while a model cannot be reached, also by a pipeline that it calls."),
	ROW("onGap", CHOICE, struct pipeline_spec, on_gap, .choices = "continue stop", .fallback = "continue",
	    .help = "What an engine does when records were deleted before it read them, or their topic was replaced: either is "
		    "said and counted."),
	ROW("metrics", LIST, struct pipeline_spec, metrics, .effect = EFFECT_LATER, .rows = metric_rows,
	    .item_size = sizeof(struct metric_spec), .help = "Metrics of one's own, made by expressions."),
	ROW("alerts", LIST, struct pipeline_spec, alerts, .effect = EFFECT_LATER, .rows = alert_rows,
	    .item_size = sizeof(struct alert_spec), .help = "Conditions that are watched, and who is told."),
	{.type = OPTION_END},
};
