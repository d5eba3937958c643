/* pipeline_rows.c: Option rows of a Pipeline. */
#include "compiler/conditions/notice_format.h"
#include "message/avro/mapped.h"
#include "compiler/resources/rows.h"

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
	    .help = "The number of rows that are collected before the step is called."),
	ROW("windowMs", INTEGER, struct step_batch, window_ms, UINT32_RANGE, .fallback = "1000",
	    .help = "The time in milliseconds after which a batch continues with the rows that it has; 0 is the default."),
	ROW("rolling", FLAG, struct step_batch, rolling, .effect = EFFECT_NONE, .help = "It has no meaning in Seldon or here."),
	{.type = OPTION_END},
};

static const struct option step_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct step_spec, here)},
	ROW("name", NAME, struct step_spec, name, .required = true,
	    .help = "The step's name; without the key of a kind, it is also the name of its model."),
	ROW("inputs", REFERENCES, struct step_spec, inputs,
	    .help = "What the step reads: STEP, STEP.outputs.TENSOR; default: the request."),
	ROW("inputsJoinType", CHOICE, struct step_spec, inputs_join_type, .choices = JOIN_CHOICES, .fallback = "inner",
	    .help = "Which of the inputs must have arrived."),
	ROW("joinWindowMs", INTEGER, struct step_spec, join_window_ms, UINT32_RANGE, .fallback = "60000", .help = JOIN_WINDOW_HELP),
	ROW("tensorMap", TABLE, struct step_spec, tensor_map, .rows = tensor_map_rows, .item_size = sizeof(struct tensor_mapping),
	    .help = "New names of tensors: STEP.outputs.TENSOR to a name; a list of models is a switch."),
	ROW("triggers", REFERENCES, struct step_spec, triggers,
	    .help = "Steps that must have run before; their data is not passed."),
	ROW("triggersJoinType", CHOICE, struct step_spec, triggers_join_type, .choices = JOIN_CHOICES, .fallback = "inner",
	    .help = "Which of the triggers must have arrived."),
	ROW("batch", MAP, struct step_spec, batch, .rows = batch_rows, .help = "Combines several requests into one call."),
	ROW("outputs", NAMES, struct step_spec, outputs,
	    .help = "Names of the tensors that the step makes; names without a step in inputs then mean tensors."),
	ROW("when", EXPRESSION, struct step_spec, when, .help = "A condition; if it is false, the step gives no output."),
	ROW("timeout", DURATION, struct step_spec, timeout_ns,
	    .help = "The timeout of each attempt of a call; default: the pipeline's."),
	ROW("isolate", FLAG, struct step_spec, isolate, .help = "Runs the step in a stage of its own."),
	ROW("lineage", CHOICE, struct step_spec, lineage, .choices = "none sampled full",
	    .help = "Whether its inputs and outputs are copied to topics; default: the pipeline's."),
	{.type = OPTION_KIND,
	 .offset = offsetof(struct step_spec, kind),
	 .help = "What the step does; without such a key it calls the model of the same name."},
	{.type = OPTION_END},
};

static const struct option input_tensor_rows[] = {
	{.type = OPTION_KEY, .offset = offsetof(struct input_tensor, name)},
	{.type = OPTION_HERE, .offset = offsetof(struct input_tensor, here)},
	ROW("path", TEXT, struct input_tensor, path, .short_form = true,
	    .help = "The path of the value in the record: quote.mid, bids[*].px."),
	ROW("paths", NAMES, struct input_tensor, paths, .least = 1, .help = "Several paths, one column each."),
	ROW("datatype", TEXT, struct input_tensor, datatype, .choices = DATATYPE_WORDS,
	    .help = "Datatype of the tensor; default: the schema's, FP64 for JSON."),
	ROW("shape", NUMBERS, struct input_tensor, shape, .whole = true, .least = 0, .most = 4294967295.0,
	    .help = "Shape of the tensor; default [1]."),
	ROW("pad", NODE, struct input_tensor, fill,
	    .help = "The value that fills the shape if the record has fewer values. Of more values, the first are taken; without "
		    "`pad`, another number of values than the shape's is an error of the request."),
	ROW("default", NODE, struct input_tensor, fallback,
	    .help = "The value if the record has none; without a default that is an error of the request."),
	{.type = OPTION_END},
};

static const struct option input_time_rows[] = {
	ROW("field", TEXT, struct input_time, field, .short_form = true, .required = true,
	    .help = "Path of the time in the record."),
	ROW("unit", CHOICE, struct input_time, unit, .choices = TIME_UNITS, .fallback = "ms",
	    .help = "Its unit, since 1970; `iso8601`: a text such as 2026-01-31T09:30:00Z, UTC if it has no offset."),
	{.type = OPTION_END},
};

static const struct option input_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct pipeline_input, here)},
	ROW("externalInputs", REFERENCES, struct pipeline_input, external_inputs, .least = 1,
	    .help = "Other pipelines whose inputs, outputs or steps feed this one."),
	ROW("externalTriggers", REFERENCES, struct pipeline_input, external_triggers,
	    .help = "Topics of other pipelines that must have a record of the request first; their data is not passed."),
	ROW("joinWindowMs", INTEGER, struct pipeline_input, join_window_ms, UINT32_RANGE, .fallback = "60000",
	    .help = JOIN_WINDOW_HELP),
	ROW("joinType", CHOICE, struct pipeline_input, join_type, .choices = JOIN_CHOICES, .fallback = "inner",
	    .help = "Which of the inputs must have arrived."),
	ROW("triggersJoinType", CHOICE, struct pipeline_input, triggers_join_type, .choices = JOIN_CHOICES, .fallback = "inner",
	    .help = "Which of the triggers must have arrived."),
	ROW("tensorMap", TABLE, struct pipeline_input, tensor_map, .rows = tensor_map_rows,
	    .item_size = sizeof(struct tensor_mapping), .help = "New names of tensors: P.outputs.TENSOR to a name."),
	ROW("topic", TEXT, struct pipeline_input, topic, .place_offset = offsetof(struct pipeline_input, topic_place),
	    .help = "An existing topic to read from; default: the pipeline's own."),
	ROW("key", TEXT, struct pipeline_input, key, .help = "Path of the key in the record; default: the record's key."),
	ROW("time", MAP, struct pipeline_input, time, .rows = input_time_rows,
	    .help = "The place of the event time in the record; a path alone means milliseconds. Default: the record's timestamp."),
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
	    .help = "The format of answers, one of those that `sluice help formats` lists; default: that of the request."),
	ROW("errors", FLAG, struct pipeline_output, errors, .fallback = "true", .choices = "keep",
	    .help = "Whether error answers are written to the outputs topic. `keep`: they are, and a failed request whose "
		    "caller waits at a gateway is kept as a dead letter too."),
	{.type = OPTION_END},
};

static const struct option action_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct alert_action, here)},
	ROW("type", CHOICE, struct alert_action, type, .choices = "webhook email topic rollback", .required = true,
	    .help = "The receiver. `topic`: a record of the pipeline's topic `alerts`. `rollback`: when the alert fires, it ends "
		    "the rollout of an `experiment`."),
	ROW("url", TEXT, struct alert_action, url, .help = "The address to which a webhook posts."),
	ROW("format", CHOICE, struct alert_action, format, .choices = NOTICE_FORMATS, .fallback = "json",
	    .help = "The body that a webhook posts: json, or that of an incoming webhook of Slack, of the Events API v2 of "
		    "PagerDuty, or of /api/v2/alerts of Alertmanager."),
	ROW("template", TEXT, struct alert_action, body, .place_offset = offsetof(struct alert_action, body_place),
	    .help = "The body that a webhook posts, with {{name}} where a value goes; default: all values, as JSON. `sluice help "
		    "alerts` lists the names. Texts are escaped as in JSON and have no quotes, so write \"{{alert}}\"; numbers and "
		    "lists are as in JSON. Its Content-Type is application/json."),
	ROW("secret", TEXT, struct alert_action, secret, .secret = true,
	    .help = "env:SLUICE_SECRET_NAME or file:NAME: the key of the header X-Sluice-Signature, an HMAC of the body. With "
		    "`format: pagerduty`: the routing key, which PagerDuty shows as the Integration Key of an integration Events "
		    "API V2 of a service. The engine that sends reads it from its own environment or its folder of --secrets, at "
		    "each notice."),
	ROW("recipients", NAMES, struct alert_action, recipients,
	    .help = "The recipients of the mail: addresses of 254 bytes at most, 64 before the @. The mail server is a setting of "
		    "the engine (--smtp)."),
	ROW("experiment", NAME, struct alert_action, experiment,
	    .help = "The Experiment whose rollout a `rollback` ends: its default gets all the traffic. It needs engines that run "
		    "with --control. With `groupBy: variant`, the group of the default rolls back nothing."),
	{.type = OPTION_END},
};

static const struct option silence_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct alert_silence, here)},
	ROW("until", NAME, struct alert_silence, until, .required = true, .help = "The end: a time of day, ISO 8601."),
	ROW("reason", TEXT, struct alert_silence, reason, .help = "Why, for readers of the file."),
	{.type = OPTION_END},
};

static const struct option alert_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct alert_spec, here)},
	ROW("name", NAME, struct alert_spec, name, .required = true, .help = "The alert's name, of 253 bytes at most."),
	ROW("condition", EXPRESSION, struct alert_spec, condition, .uses = USE_OPERATION, .condition = true,
	    .place_offset = offsetof(struct alert_spec, condition_place),
	    .help = "The condition of the alert: `name operator number`, or an expression. `sluice help alerts` lists the figures "
		    "that it can use."),
	ROW("absent", NAME, struct alert_spec, absent,
	    .help = "Instead of a condition, `PIPELINE for DURATION`: no request of that pipeline has ended for that time."),
	ROW("over", DURATION, struct alert_spec, over_ns, .place_offset = offsetof(struct alert_spec, over_place), .fallback = "1m",
	    .help = "The period that the figures of the condition cover, of a second at least. Figures of drift are of their "
		    "step's window, and gauges, `lag`, `model_` and `rollout_` figures are the latest values."),
	ROW("for", DURATION, struct alert_spec, for_ns, .place_offset = offsetof(struct alert_spec, for_place),
	    .help = "How long the condition must hold; default: once."),
	ROW("resolveAfter", DURATION, struct alert_spec, resolve_after_ns,
	    .place_offset = offsetof(struct alert_spec, resolve_after_place), .fallback = "5m",
	    .help = "The time without the condition after which the alert ends."),
	ROW("groupBy", EXPRESSION, struct alert_spec, group_by, .uses = USE_OPERATION,
	    .help = "One state for each value of this expression, such as `key` or `header(\"venue\")`; notices name the value. "
		    "For a condition on figures of drift: the `groupBy` of a step `drift`."),
	ROW("inhibitedBy", NAMES, struct alert_spec, inhibited_by,
	    .help = "Alerts of this pipeline: while one of them fires, this one sends no notice of a firing."),
	ROW("silence", MAP, struct alert_spec, silence, .rows = silence_rows,
	    .help = "No notice of a firing for some time. If the alert still fires then, the notice is sent."),
	ROW("actions", LIST, struct alert_spec, actions, .rows = action_rows, .item_size = sizeof(struct alert_action),
	    .help = "The receivers of notices; at most 16."),
	{.type = OPTION_END},
};

const struct option pipeline_rows[] = {
	ROW("steps", LIST, struct pipeline_spec, steps, .rows = step_rows, .item_size = sizeof(struct step_spec), .least = 1,
	    .required = true, .help = "The steps of the pipeline."),
	ROW("input", MAP, struct pipeline_spec, input, .rows = input_rows,
	    .help = "Sources of requests in addition to the pipeline's own topic."),
	ROW("output", MAP, struct pipeline_spec, output, .rows = output_rows,
	    .help = "The content of the answer; without it there is no answer."),
	ROW("dataflow", MAP, struct pipeline_spec, clean_topics_on_delete, .rows = dataflow_rows,
	    .help = "What happens to the topics."),
	ROW("allowCycles", FLAG, struct pipeline_spec, allow_cycles, .help = "Whether steps may wait for each other."),
	ROW("maxStepRevisits", INTEGER, struct pipeline_spec, max_step_revisits, UINT32_RANGE,
	    .help = "How often a step on a cycle may be entered again."),
	ROW("timeout", DURATION, struct pipeline_spec, timeout_ns,
	    .help = "The timeout of each attempt of a call; default: the runtime's, or 30s."),
	ROW("delivery", CHOICE, struct pipeline_spec, delivery, .choices = "default at-least-once exactly-once",
	    .fallback = "default", .help = "The delivery guarantee; default: by the state that the steps keep."),
	ROW("order", CHOICE, struct pipeline_spec, order, .choices = "key partition", .fallback = "key",
	    .help = "The scope in which answers keep their order."),
	ROW("ingress", CHOICE, struct pipeline_spec, ingress, .choices = "log direct", .fallback = "log",
	    .place_offset = offsetof(struct pipeline_spec, ingress_place),
	    .help = "How requests of a gateway in the engine's own process come in. log: as records. direct: they are answered "
		    "first, and logged beside; a crash between the two loses what was not logged."),
	ROW("reply", CHOICE, struct pipeline_spec, reply, .choices = "committed early", .fallback = "committed",
	    .help = "When a caller that waits at a gateway gets an answer of exactly-once. committed: after the commit, 10 to 100 "
		    "ms later. early: when the request is finished; if a crash prevents the commit, the answer is made anew, and "
		    "the caller may have another one."),
	ROW("lineage", CHOICE, struct pipeline_spec, lineage, .choices = "none sampled full", .fallback = "none",
	    .help = "Whether inputs and outputs of the steps are copied to topics."),
	ROW("onOutage", CHOICE, struct pipeline_spec, on_outage, .choices = "wait deadletter", .fallback = "wait",
	    .help = "What happens to requests while a model is unreachable, also if a called pipeline needs it."),
	ROW("onGap", CHOICE, struct pipeline_spec, on_gap, .choices = "continue stop", .fallback = "continue",
	    .help = "What an engine does when records were deleted before it read them, or their topic was replaced. Both are "
		    "reported and counted."),
	ROW("metrics", LIST, struct pipeline_spec, metrics, .rows = pipeline_metric_rows, .item_size = sizeof(struct metric_spec),
	    .help = "User-defined metrics, computed by expressions of each answer; `sluice help metrics` describes them."),
	ROW("alerts", LIST, struct pipeline_spec, alerts, .rows = alert_rows, .item_size = sizeof(struct alert_spec),
	    .help = "Conditions to watch, and the receivers of alerts; at most 32 alerts."),
	{.type = OPTION_END},
};
