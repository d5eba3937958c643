/* fault_codes.c: Table of all fault codes; `sluice help CODE` prints a row. */
#include "compiler/yaml/fault_codes.h"

#include "compiler/yaml/fault.h"

#define ERROR(name, of_kind, ...)                                                                                                  \
	{                                                                                                                          \
		.code = name, .kind = FAULT_##of_kind, .severity = SEVERITY_ERROR, __VA_ARGS__                                     \
	}
#define WARNING(name, of_kind, ...)                                                                                                \
	{                                                                                                                          \
		.code = name, .kind = FAULT_##of_kind, .severity = SEVERITY_WARNING, __VA_ARGS__                                   \
	}
#define NOTE(name, of_kind, ...)                                                                                                   \
	{                                                                                                                          \
		.code = name, .kind = FAULT_##of_kind, .severity = SEVERITY_NOTE, __VA_ARGS__                                      \
	}

const struct fault_code fault_codes[] = {
	/* ---- reading YAML ---- */
	ERROR(CODE_SYNTAX, SYNTAX, .title = "This is not YAML",
	      .help = "Correct the line shown, or the one above it: look for a wrong indent, or a missing quote, comma or bracket.",
	      .example = "metadata:\n  name: p\n labels: {}      # neither indent\n\nmetadata:\n  name: p\n  labels: {}\n"),
	ERROR(CODE_TAB, SYNTAX, .title = "A tab character where YAML needs spaces",
	      .help = "Indent with spaces; YAML allows no tabs there.",
	      .example = "metadata:\n\tname: p      # a tab\n\nmetadata:\n  name: p\n"),
	ERROR(CODE_UNKNOWN_ALIAS, SYNTAX, .title = "An alias without an anchor above it",
	      .help = "Put `&name` before the value that is meant, further up in the same document, or write the value out.",
	      .example = "inputs: *sources\n\nfirst: &sources [a, b]\ninputs: *sources\n"),
	ERROR(CODE_NOT_UTF8, ENCODING, .title = "The file is not UTF-8", .help = "Save the file as UTF-8.",
	      .example = "name: caf\\xe9      # Latin-1\n\nname: caf\\xc3\\xa9  # UTF-8\n"),
	ERROR(CODE_CONTROL_CHARACTER, ENCODING, .title = "A control character that YAML does not allow",
	      .help = "Remove it, or write it as an escape inside double quotes.", .example = "name: a\\x07\n\nname: a\n"),
	ERROR(CODE_EMPTY_FILE, EMPTY, .title = "The file has no document",
	      .help = "Write a resource into it; `sluice init` creates one to start with.",
	      .example = "# only a comment\n\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\n"),
	ERROR(CODE_TOO_LARGE, LIMIT, .title = "A file beyond a limit",
	      .help = "Split the file, or write it flatter: limits are 4 MiB, 4,096 documents, a depth of 64, 10,000 entries of a "
		      "list of maps, and a million values with every alias counted each time it is used.",
	      .example = "a: &a [x, x, x, x]\nb: &b [*a, *a, *a, *a]      # and so on: it multiplies\n\na: [x, x, x, x]\n"),
	ERROR(CODE_DUPLICATE_KEY, DUPLICATE_KEY, .title = "A key that occurs twice in one map",
	      .help = "Remove one of the two; only one value can count.",
	      .example = "spec:\n  steps: [{name: a}]\n  steps: [{name: b}]\n\nspec:\n  steps: [{name: a}, {name: b}]\n"),
	ERROR(CODE_NUL_CHARACTER, BAD_VALUE, .title = "A text with a NUL character in it", .help = "Remove the \\0 from the text.",
	      .example = "name: \"a\\0b\"\n\nname: \"ab\"\n"),
	ERROR(CODE_UNKNOWN_TAG, SYNTAX, .title = "A YAML tag without a meaning here",
	      .help = "Remove the tag; only !!str, !!int, !!float, !!bool, !!null, !!map and !!seq are known.",
	      .example = "name: !secret abc\n\nname: abc\n"),
	ERROR(CODE_BAD_MERGE, SYNTAX, .title = "A merge key `<<` without a map",
	      .help = "Give `<<` an alias of a map, or a list of them.", .example = "<<: 5\n\n<<: *defaults\n"),
	WARNING(CODE_TOO_MANY_FAULTS, LIMIT, .title = "More faults than are shown", .help = "Correct the first ones and run again.",
		.example = "(the first 10,000 are shown)\n"),

	/* ---- resources ---- */
	ERROR(CODE_MISSING_KIND, MISSING_FIELD, .title = "A document without apiVersion or kind",
	      .help = "Write `apiVersion: mlops.seldon.io/v1alpha1` and a `kind`, or give --kind for a fragment.",
	      .example = "metadata: {name: p}\n\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"),
	ERROR(CODE_UNKNOWN_KIND, UNSUPPORTED, .title = "A kind that does not exist",
	      .help = "Kinds are Pipeline, Model, Experiment, SeldonRuntime, SeldonConfig, ServerConfig, Server, SeldonDeployment "
		      "and Silence.",
	      .example = "kind: Pipline\n\nkind: Pipeline\n"),
	ERROR(CODE_UNKNOWN_VERSION, UNSUPPORTED, .title = "An apiVersion that sluice does not know",
	      .help = "Known are mlops.seldon.io/v1alpha1 and, for a SeldonDeployment, machinelearning.seldon.io/v1.",
	      .example = "apiVersion: mlops.seldon.io/v2\n\napiVersion: mlops.seldon.io/v1alpha1\n"),
	NOTE(CODE_FOREIGN, UNSUPPORTED, .title = "A resource of another system", .help = "It is skipped; nothing needs to be done.",
	     .example = "apiVersion: apps/v1\nkind: Deployment\n"),
	WARNING(CODE_FOREIGN_MODEL, UNSUPPORTED, .title = "A model of another platform, which is not served",
		.help = "sluice does not read KServe's resources: write a Model whose storageUri is the address of the model.",
		.example = "apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\n\n"
			   "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\n"),
	ERROR(CODE_REPEATED_RESOURCE, REPEATED_NAME, .title = "Two resources of one kind and name",
	      .help = "Rename one of them, or remove it. `sluice run`, `dev` and `plan` look in all files together, `lint` in each "
		      "file (SL0208).",
	      .example = "kind: Model\nmetadata: {name: m}\n---\nkind: Model\nmetadata: {name: m}\n\nkind: Model\nmetadata: {name: "
			 "m}\n"
			 "---\nkind: Model\nmetadata: {name: n}\n"),
	WARNING(CODE_SHARED_NAME, REPEATED_NAME, .title = "A name that resources of two namespaces have",
		.help = "Resources that are given to one engine refer to each other by name, whatever their namespaces are: the "
			"first one of the name counts. Rename one of them, or give an engine the files of one namespace. A "
			"control plane keeps namespaces apart.",
		.example = "kind: Model\nmetadata: {name: m, namespace: a}\n---\nkind: Model\nmetadata: {name: m, namespace: b}\n\n"
			   "kind: Model\nmetadata: {name: m-a, namespace: a}\n---\nkind: Model\nmetadata: {name: m-b, namespace: "
			   "b}\n"),
	ERROR(CODE_BAD_NAME, BAD_VALUE, .title = "A name that no resource may have",
	      .help = "Use lower-case letters, digits and inner dashes; dots separate the parts of references and topics.",
	      .example = "name: My.Pipe\n\nname: my-pipe\n"),
	WARNING(CODE_UNDERSCORE_NAME, BAD_VALUE, .title = "A name with an underscore",
		.help = "sluice accepts it, Kubernetes and Seldon refuse it; a dash works everywhere.",
		.example = "name: my_pipe\n\nname: my-pipe\n"),
	WARNING(CODE_REPEATED_ACROSS_FILES, REPEATED_NAME, .title = "One resource in two files",
		.help = "Give an engine only one of the two files. `sluice run`, `dev` and `plan` refuse both together (SL0205); "
			"an engine that reads its files again goes on with those before. `sluice apply` accepts neither two of "
			"one name, nor two Experiments with one default (SL0402).",
		.example = "sluice lint base/model.yaml overlay/model.yaml\n\nsluice lint overlay/model.yaml\n"),
	NOTE(CODE_OLD_VERSION, UNSUPPORTED, .title = "An old version of a resource",
	     .help = "It is read as the current version, which has all of its fields; nothing needs to be done.",
	     .example = "apiVersion: machinelearning.seldon.io/v1alpha2\nkind: SeldonDeployment\n\n"
			"apiVersion: machinelearning.seldon.io/v1\nkind: SeldonDeployment\n"),
	ERROR(CODE_BAD_TOPIC, BAD_VALUE, .title = "A name that no topic may have",
	      .help = "Kafka accepts letters, digits, `.`, `_` and `-`, at most 249 of them.",
	      .example = "input: {topic: market ticks}\n\ninput: {topic: market.ticks}\n"),

	/* ---- fields ---- */
	ERROR(CODE_UNKNOWN_FIELD, UNKNOWN_FIELD, .title = "A field that does not exist here",
	      .help = "Correct its name, or remove it; `sluice schema KIND` lists all fields.",
	      .example = "spec:\n  storageURL: s3://b/m\n\nspec:\n  storageUri: s3://b/m\n"),
	ERROR(CODE_MISSING_FIELD, MISSING_FIELD, .title = "A required field is missing", .help = "Add the field.",
	      .example = "steps:\n- inputs: [p]\n\nsteps:\n- name: a\n  inputs: [p]\n"),
	ERROR(CODE_WRONG_TYPE, WRONG_TYPE, .title = "A value of another type than the field's",
	      .help = "Write a value of the field's type; a text that looks like a number or a flag needs quotes.",
	      .example = "name: 12\ninputs: a\n\nname: \"12\"\ninputs: [a]\n"),
	ERROR(CODE_OUT_OF_RANGE, BAD_VALUE, .title = "A number outside its range",
	      .help = "Write a number within the range that the message states.", .example = "epsilon: 1.5\n\nepsilon: 0.1\n"),
	ERROR(CODE_NO_CHOICE, BAD_VALUE, .title = "A word that is not one of the choices",
	      .help = "Write one of the words that the message lists.",
	      .example = "inputsJoinType: left\n\ninputsJoinType: inner\n"),
	ERROR(CODE_BAD_DURATION, BAD_VALUE, .title = "A duration or a time that cannot be read",
	      .help = "Write a duration as numbers with units and no spaces (ms, s, m, h or d), and a time as 2026-11-30T18:00Z.",
	      .example = "updateInterval: 5 minutos\n\nupdateInterval: 5m\n"),
	ERROR(CODE_BAD_QUANTITY, BAD_VALUE, .title = "A quantity that cannot be read",
	      .help = "Write it as Kubernetes does: 100Ki, 2Gi, 500m or 1.5.", .example = "memory: 100 KB\n\nmemory: 100Ki\n"),
	ERROR(CODE_BAD_THRESHOLD, BAD_VALUE, .title = "A threshold that cannot be read",
	      .help = "Write a comparison, a number and perhaps a unit, in quotes: \"<100ms\", \"<0.01\", \">99.9%\".",
	      .example = "latency: 100\n\nlatency: \"<100ms\"\n"),
	ERROR(CODE_BAD_EXPRESSION, BAD_VALUE, .title = "An expression that cannot be read",
	      .help = "Correct the expression at the caret; `sluice help expressions` describes the language on one page.",
	      .example = "when: vol-0.3\n\nwhen: vol > 0.3\n"),
	ERROR(CODE_EMPTY_VALUE, BAD_VALUE, .title = "An empty value where one is required",
	      .help = "Write a value, or remove the field.", .example = "steps: []\n\nsteps: [{name: a}]\n"),
	ERROR(CODE_TWO_KINDS, BAD_VALUE, .title = "A step of two kinds",
	      .help = "Make two steps of it, each with one kind; the second reads the first.",
	      .example = "- name: a\n  filter: x > 0\n  expression: {set: {y: x}}\n\n- name: a\n  filter: x > 0\n- name: b\n  "
			 "inputs: [a]\n"
			 "  expression: {set: {y: x}}\n"),
	ERROR(CODE_STEP_OPTIONS, BAD_VALUE, .title = "Options of a step that do not fit together",
	      .help = "Change the options as the message says.", .example = "combine: {by: median}\n\ncombine: {by: average}\n"),
	NOTE(CODE_NULL_VALUE, MISSING_FIELD, .title = "A field without a value",
	     .help = "It counts as absent; remove it, or write its value.", .example = "replicas:\n\nreplicas: 2\n"),

	/* ---- what one resource says in itself ---- */
	ERROR(CODE_REPEATED_STEP, REPEATED_NAME, .title = "Two steps of one name, or a step named like its pipeline",
	      .help = "Give each step a name of its own; references could not tell them apart.",
	      .example = "steps: [{name: a}, {name: a}]\n\nsteps: [{name: a}, {name: b}]\n"),
	ERROR(CODE_REPEATED_NAME, REPEATED_NAME, .title = "A name that occurs twice in a list",
	      .help = "Remove one of the two, or rename it.",
	      .example = "candidates: [{name: a, weight: 1}, {name: a, weight: 2}]\n\ncandidates: [{name: a, weight: 3}]\n"),
	ERROR(CODE_NO_CANDIDATE, BAD_REFERENCE, .title = "A default that is not a candidate",
	      .help = "Name one of the candidates, or add it to them.",
	      .example = "default: c\ncandidates: [{name: a, weight: 1}]\n\ndefault: a\ncandidates: [{name: a, weight: 1}]\n"),
	ERROR(CODE_NO_WEIGHT, BAD_VALUE, .title = "Weights that leave no candidate to choose",
	      .help = "Give at least one candidate a weight above 0; only bandits choose without weights.",
	      .example = "candidates: [{name: a, weight: 0}]\n\ncandidates: [{name: a, weight: 1}]\n"),
	ERROR(CODE_TRAFFIC_SUM, BAD_VALUE, .title = "Traffic that does not add up to 100",
	      .help = "Change the traffic of the predictors, without the shadow, so that it adds up to 100.",
	      .example = "predictors: [{name: a, traffic: 50}, {name: b, traffic: 40}]\n\n"
			 "predictors: [{name: a, traffic: 60}, {name: b, traffic: 40}]\n"),
	ERROR(CODE_SHADOW, BAD_VALUE, .title = "A shadow without a predictor, or more than one",
	      .help = "Keep one shadow, and at least one predictor that answers.",
	      .example = "predictors: [{name: a, shadow: true}]\n\npredictors: [{name: b}, {name: a, shadow: true}]\n"),
	ERROR(CODE_CONTRADICTION, BAD_VALUE, .title = "Fields that exclude each other", .help = "Change or remove one of them.",
	      .example = "minReplicas: 5\nmaxReplicas: 2\n\nminReplicas: 2\nmaxReplicas: 5\n"),
	ERROR(CODE_BAD_SCHEDULE, BAD_VALUE, .title = "A schedule that cannot be read",
	      .help = "Write five fields, in UTC: minute, hour, day of the month, month, day of the week.",
	      .example = "schedule: \"2am\"\n\nschedule: \"0 2 * * *\"\n"),
	ERROR(CODE_BAD_CONDITION, BAD_VALUE, .title = "A condition that cannot be read",
	      .help = "Write `name operator number` with spaces between; operators are > >= < <= == and !=; && and || join two.",
	      .example = "condition: \"drift_score => 0.05\"\n\ncondition: \"drift_score >= 0.05\"\n"),
	ERROR(CODE_BAD_PARAMETER, BAD_VALUE, .title = "A parameter whose value is not of its type",
	      .help = "Change the value, or the type.",
	      .example = "{name: batch_size, value: \"many\", type: INT}\n\n{name: batch_size, value: \"32\", type: INT}\n"),
	ERROR(CODE_BAD_REQUIREMENT, BAD_VALUE, .title = "A requirement that cannot be read",
	      .help = "Write a capability, or a package and its version: sklearn, mlflow==2.8.1.",
	      .example = "requirements: [\"==2.8.1\"]\n\nrequirements: [\"mlflow==2.8.1\"]\n"),
	ERROR(CODE_BAD_ADDRESS, BAD_VALUE, .title = "An address that cannot be read",
	      .help = "Write it as the message says: of a model server as grpc://mlserver:8081, of a webhook as "
		      "https://alerts.example.com/sluice, of a mailbox as team@example.com.",
	      .example = "endpoints: [mlserver]\n\nendpoints: [\"grpc://mlserver:8081\"]\n"),
	WARNING(CODE_IGNORED_SETTING, BAD_VALUE, .title = "A setting that sluice interprets differently",
		.help = "The message describes the effect; change the setting to make it explicit.",
		.example = "replicas: 0      # of seldon-dataflow-engine\n\nreplicas: 1\n"),
	ERROR(CODE_SETTING_RUNS_CODE, BAD_VALUE, .title = "A Kafka setting that loads code or runs a command",
	      .help = "Remove it. The operator may give it as `--kafka-setting NAME=VALUE`; `sluice help kafka-settings` lists "
		      "what a file may set.",
	      .example = "consumer: {plugin.library.paths: /tmp/x.so}\n\nsluice run --kafka-setting "
			 "plugin.library.paths=/opt/x.so\n"),
	WARNING(CODE_SETTING_NOT_PASSED, BAD_VALUE, .title = "A Kafka setting that is not passed on",
		.help = "Remove it, or give it as `--kafka-setting NAME=VALUE` to the command that needs it; `sluice help "
			"kafka-settings` lists what a file may set.",
		.example = "consumer: {isolation.level: read_uncommitted}\n\nsluice run --kafka-setting "
			   "isolation.level=read_uncommitted\n"),
	ERROR(CODE_MANY_CANDIDATES, LIMIT, .title = "More candidates than an experiment may have",
	      .help = "Leave candidates out: an experiment has at most 64, with a default outside the list.",
	      .example = "candidates: [{name: a1, weight: 1}, ...]      # up to a65\n\n"
			 "candidates: [{name: a1, weight: 1}, {name: a2, weight: 1}]\n"),
	ERROR(CODE_BANDITS, BAD_VALUE, .title = "Bandits that could not learn",
	      .help = "Bandits learn from exposures, so `exposures` must not leave them out. linucb needs contextFeatures, at "
		      "most 32.",
	      .example = "bandits: {algorithm: linucb}\n\nbandits: {algorithm: linucb, contextFeatures: [age]}\n"),
	ERROR(CODE_ROLLOUT, BAD_VALUE, .title = "A rollout that could not run",
	      .help = "A rollout has at least one candidate beside the default, and `stages` or a `schedule` whose weights rise. "
		      "Its criteria are of error_rate, latency_p95 or another percentile, accuracy and at most 4 other metrics of "
		      "feedback, none of which has `perUnit: sum`. A `promotionPolicy` alone needs a default among the candidates.",
	      .example = "progressiveDeployment: {schedule: [5, 50, 25]}\n\nprogressiveDeployment: {schedule: [5, 25, 50]}\n"),

	ERROR(CODE_LAYER, BAD_VALUE, .title = "A part of a layer that an experiment cannot have",
	      .help = "The parts of two experiments of one layer must not overlap, and end at 100%: let one begin where the other "
		      "ends.",
	      .example = "layer: {name: search, from: 80%, share: 30%}\n\nlayer: {name: search, from: 70%, share: 30%}\n"),
	ERROR(CODE_SETTING_REFUSED, BAD_VALUE, .title = "A Kafka setting whose value librdkafka refuses",
	      .help = "Write a value of librdkafka's: times are numbers of milliseconds, sizes numbers of bytes.",
	      .example = "consumer: {session.timeout.ms: 10s}\n\nconsumer: {session.timeout.ms: 10000}\n"),
	NOTE(CODE_OVERRIDES_FIRST, BAD_VALUE, .title = "Overrides beside a layer or a holdout",
	     .help = "It may stay: `overrides` come first, for tests of a candidate by a few known units. Such a unit also gets "
		     "what another experiment of the layer gives it. They count in no statistics.",
	     .example = "holdout: 5%\noverrides: {tester: new}\n"),
	WARNING(CODE_ANNOTATION, BAD_VALUE, .title = "An annotation that is not supported there",
		.help = "Write what the message names, or leave the annotation out. `sluice explain pipeline` has the annotations "
			"of seldon.io/ and sluice.io/ that have a meaning, under `metadata`. Annotations that begin otherwise are "
			"free.",
		.example = "kind: SeldonDeployment\nmetadata: {name: d, annotations: {seldon.io/success-criteria: "
			   "\"accuracy>0.6\"}}\n\nkind: Experiment\nmetadata: {name: e, annotations: "
			   "{seldon.io/success-criteria: \"accuracy>0.6\"}}\n"),

	/* ---- references and graphs ---- */
	ERROR(CODE_UNKNOWN_REFERENCE, BAD_REFERENCE, .title = "A reference to a step that does not exist",
	      .help = "Name a step of this pipeline, or the pipeline itself.", .example = "inputs: [frist]\n\ninputs: [first]\n"),
	ERROR(CODE_BAD_REFERENCE, BAD_REFERENCE, .title = "A reference that cannot be read",
	      .help = "Write STEP, STEP.outputs, STEP.outputs.TENSOR, or the same with inputs.",
	      .example = "inputs: [a.output.x]\n\ninputs: [a.outputs.x]\n"),
	ERROR(CODE_EMPTY_REFERENCE, BAD_REFERENCE, .title = "An empty reference",
	      .help = "Write the name of a step, or remove the item.", .example = "inputs:\n-\n\ninputs:\n- a\n"),
	ERROR(CODE_CYCLE, CYCLE, .title = "Steps that wait for each other",
	      .help = "Remove one of the references, or set `allowCycles: true` and `maxStepRevisits` if the cycle is meant.",
	      .example = "steps:\n- {name: a, inputs: [b]}\n- {name: b, inputs: [a]}\n\nsteps:\n- {name: a}\n- {name: b, inputs: "
			 "[a]}\n"),
	ERROR(CODE_SELF_REFERENCE, CYCLE, .title = "A step that reads itself",
	      .help = "Name another one, or set `allowCycles: true` and `maxStepRevisits` if the cycle is meant.",
	      .example = "- name: a\n  inputs: [a.outputs.x]\n\n- name: b\n  inputs: [a.outputs.x]\n"),
	WARNING(CODE_UNREACHABLE, BAD_REFERENCE, .title = "A step on a cycle that can never run",
		.help = "Let it start with the inputs that exist at first: `inputsJoinType: any` on the step where the cycle "
			"is entered.",
		.example = "allowCycles: true\nsteps:\n- {name: a, inputs: [p.inputs, b]}\n- {name: b, inputs: [a]}\n\n"
			   "allowCycles: true\nsteps:\n- {name: a, inputs: [p.inputs, b], inputsJoinType: any}\n- {name: b, "
			   "inputs: [a]}\n"),
	WARNING(CODE_INPUT_IS_TRIGGER, BAD_VALUE, .title = "An input that is also a trigger",
		.help = "Remove it from the triggers: a step waits for its inputs anyway.",
		.example = "inputs: [a]\ntriggers: [a]\n\ninputs: [a]\n"),
	ERROR(CODE_MANY_REFERENCES, LIMIT, .title = "A list of more references than a join may have",
	      .help = "Insert steps between, or name a step instead of each of its tensors: a list has at most 1024 references.",
	      .example = "inputs: [a.outputs.t1, a.outputs.t2]      # and so on, to t2000\n\ninputs: [a]\n"),
	ERROR(CODE_BAD_SWITCH, BAD_REFERENCE, .title = "A choice among models that cannot be made",
	      .help = "Write one list of models for the tensor that decides, and that tensor into the inputs of the step.",
	      .example = "inputs: [request]\ntensorMap:\n  decision: [m1, m2]\n\ninputs: [request, decision]\ntensorMap:\n  "
			 "decision: [m1, m2]\n"),
	WARNING(CODE_IDLE_MAPPING, BAD_REFERENCE, .title = "A new name for a tensor that is not read here",
		.help = "Name one of the tensors that are read, STEP.outputs.TENSOR, or remove the entry.",
		.example = "inputs: [b]\ntensorMap: {a.outputs.x: y}\n\ninputs: [a]\ntensorMap: {a.outputs.x: y}\n"),
	ERROR(CODE_NO_READER, BAD_REFERENCE, .title = "A route to a step that does not read it",
	      .help = "Add the routing step to the inputs of that step.",
	      .example = "- name: way\n  route: {cases: [{when: x > 0, to: b}]}\n- name: b\n\n"
			 "- name: way\n  route: {cases: [{when: x > 0, to: b}]}\n- name: b\n  inputs: [way]\n"),
	ERROR(CODE_MANY_STAGES, LIMIT, .title = "A pipeline with too many stages",
	      .help = "Isolate fewer steps, or use fewer different keys: a pipeline has at most 64 stages.",
	      .example = "- {name: a, isolate: true}      # and so on, 64 times\n\n- {name: a}\n"),
	ERROR(CODE_BAD_MAPPING, BAD_VALUE, .title = "A field of mapped records that cannot be selected",
	      .help = "Write paths as a.b, a[0] or bids[*].px, and a `pad` or `default` that is of the datatype.",
	      .example = "tensors: {price: quote..mid}\n\ntensors: {price: quote.mid}\n"),

	ERROR(CODE_OFFSPRING, BAD_REFERENCE, .title = "Parts of split messages that cannot be joined",
	      .help = "A step can read the parts of one splitting step only. Combine them by a step `aggregate: {parts: STEP}` "
		      "before you join them with the parts of another.",
	      .example = "- {name: rows, split: {by: rows}}\n- {name: whole, inputs: [other], aggregate: {parts: rows}}\n\n"
			 "- {name: rows, split: {by: rows}}\n- {name: whole, inputs: [rows], aggregate: {parts: rows}}\n"),
	WARNING(CODE_TWO_READERS, BAD_REFERENCE, .title = "Two pipelines that would take records from each other",
		.help = "Pipelines of one group share the records of a topic. A pipeline that reads another's inputs by "
			"`externalInputs` has a group of its own; so has one with another namespace or delivery.",
		.example = "spec: {input: {topic: prices}}      # in pipeline a and in pipeline b\n\n"
			   "spec: {input: {externalInputs: [a.inputs]}}      # in pipeline b\n"),
	WARNING(CODE_CALL_CIRCLE, CYCLE, .title = "Pipelines that call each other in a cycle",
		.help = "Call another pipeline, or a model. Set `allowCycles: true` if a condition ends the cycle.",
		.example = "metadata: {name: p}\nspec:\n  steps: [{name: a, traffic: {shares: [{weight: 1, call: p}]}}]\n\n"
			   "metadata: {name: p}\nspec:\n  steps: [{name: a, traffic: {shares: [{weight: 1, call: other}]}}]\n"),
	WARNING(CODE_ANSWERS_READ, BAD_REFERENCE, .title = "A pipeline that reads answers as requests",
		.help = "The topic has answers of another pipeline, which are not valid requests. `input.tensors` may map "
			"their fields as those of any event.",
		.example = "spec: {output: {steps: [s], topic: scores}}      # in pipeline a\nspec: {input: {topic: scores}}      "
			   "# in pipeline b\n\nspec: {input: {externalInputs: [a.outputs]}}      # in pipeline b\n"),
	WARNING(CODE_TWO_MEANINGS, REPEATED_NAME, .title = "A name that means two resources",
		.help = "If a step calls by name only, a Model takes precedence over a Pipeline, and both over an Experiment. "
			"Give them different names.",
		.example = "metadata: {name: scorer}      # a Model, and a Pipeline too\n\n"
			   "steps: [{name: a, traffic: {shares: [{weight: 1, call: scorer}]}}]\n"),
	ERROR(CODE_MANY_TENSORS, LIMIT, .title = "More tensors of one request than a step may receive",
	      .help = "Let an earlier step pass on only the tensors that are needed (`keep`), or read single tensors "
		      "(`step.outputs.NAME`). `run` and `dev` leave this pipeline out and run the others.",
	      .example = "steps:      # each reads the five before it, and passes on all that it reads\n"
			 "- {name: s49, inputs: [s44, s45, s46, s47, s48], expression: {set: {y: \"1\"}}}\n\n"
			 "steps:\n- {name: s49, inputs: [s48.outputs.y], expression: {set: {y: \"1\"}}}\n"),
	WARNING(CODE_ORDER_LOST, UNSUPPORTED, .title = "An order of answers that cannot be kept",
		.help = "Remove `order` if you do not need it. Otherwise read one pipeline instead of joining several, and "
			"remove the `key` of the step.",
		.example = "spec: {order: partition, input: {externalInputs: [a.outputs, b.outputs]}}\n\n"
			   "spec: {order: partition, input: {externalInputs: [a.outputs]}}\n"),
	NOTE(CODE_ORDER_PARTED, UNSUPPORTED, .title = "Answers that keep less order than usual",
	     .help = "This is fine if no consumer relies on the order of a key; `plan` shows which order is kept.",
	     .example = "steps: [{name: a, features: {key: user, set: {n: count(x over 1h)}}}]\n"),
	ERROR(CODE_CALLED_REMEMBERS, BAD_REFERENCE, .title = "A call of a pipeline with state",
	      .help = "Its state belongs to the partitions of its own topic, and a call does not use that topic: send requests "
		      "to its topic, and read its answers by externalInputs.",
	      .example = "route: {cases: [{when: \"true\", call: averages}]}      # its step `features` remembers\n\n"
			 "input: {externalInputs: [averages]}\n"),
	WARNING(CODE_UNKNOWN_CHOICE, BAD_REFERENCE, .title = "A choice of a model that does not exist",
		.help = "Correct the name, or add a Model or a Server that has it. Without it, requests that choose it fail.",
		.example = "tensorMap: {decision: [modle-a, model-b]}\n\ntensorMap: {decision: [model-a, model-b]}\n"),
	NOTE(CODE_SOURCE_UNSEEN, BAD_REFERENCE, .title = "A joined pipeline that is not among the files",
	     .help = "Give its file too, or a `joinWindowMs` longer than its outages: the engine does not know the consumer "
		     "group of a pipeline in other files.",
	     .example = "input: {externalInputs: [near.outputs, far.outputs]}      # far is in other files\n"),

	WARNING(CODE_ABSENT_PIPELINE, BAD_REFERENCE, .title = "An alert on the absence of a pipeline that is not among the files",
		.help = "Correct the name, or give that pipeline's file to the same engine: each engine counts the requests that "
			"it runs itself.",
		.example = "alerts: [{name: quiet, absent: tradign for 5m}]\n\nalerts: [{name: quiet, absent: trading for 5m}]\n"),
	WARNING(CODE_IDLE_SILENCE, BAD_REFERENCE, .title = "A silence of an alert that is not among the files",
		.help = "Correct the name of the alert or of its pipeline; `sluice alerts list` lists them.",
		.example = "kind: Silence\nspec: {alert: slwo, until: 2099-11-30T18:00Z, reason: moving}\n\n"
			   "kind: Silence\nspec: {alert: slow, until: 2099-11-30T18:00Z, reason: moving}\n"),
	WARNING(CODE_ENDED_SILENCE, BAD_VALUE, .title = "A silence that has ended",
		.help = "It silences nothing any more. Delete the Silence (of a control plane: `sluice delete silence/NAME`), or "
			"give a later `until`.",
		.example = "kind: Silence\nspec: {alert: slow, until: 2026-01-31T18:00Z, reason: moving}\n\n"
			   "kind: Silence\nspec: {alert: slow, until: 2099-11-30T18:00Z, reason: moving}\n"),
	ERROR(CODE_DIRECT, UNSUPPORTED, .title = "Direct ingress of a pipeline that needs Kafka first",
	      .help = "Remove `ingress: direct`: requests then come in through Kafka. Or let the pipeline be one stage without "
		      "state, at least once, whose answer depends on the request alone.",
	      .example = "spec: {ingress: direct, delivery: exactly-once}\n\n"
			 "spec: {ingress: direct}\n"),
	WARNING(CODE_IDLE_METRIC, BAD_REFERENCE, .title = "A custom metric that nothing fills",
		.help = "Give a pipeline a metric of that name under `metrics`, with a `value`; or let its answers have a "
			"tensor of that name.",
		.example = "customMetrics: [{name: size, type: histogram, buckets: [1, 10]}]\n\n"
			   "metrics: [{name: size, type: histogram, value: answer.size}]     # of a pipeline\n"),
	WARNING(CODE_IDLE_GROUPS, BAD_REFERENCE, .title = "Groups of an alert that its condition does not have",
		.help = "Remove `groupBy`; or use values of messages in the condition, or figures of a step `drift` that has the "
			"same `groupBy`.",
		.example = "{name: slow, condition: latency_p95 > 200, groupBy: key}\n\n"
			   "{name: large, condition: price > 1000, groupBy: key}\n"),
	WARNING(CODE_IDLE_ROLLBACK, BAD_REFERENCE, .title = "An alert that can roll nothing back",
		.help = "Name an Experiment that a step of this pipeline calls. It needs a `default`, and `progressiveDeployment` "
			"or `promotionPolicy`. An alert in `rollback.alerts` is one of a pipeline that has the experiment.",
		.example = "actions: [{type: rollback, experiment: chekcout}]\n\n"
			   "actions: [{type: rollback, experiment: checkout}]\n"),
	WARNING(CODE_GONE_CANDIDATE, BAD_REFERENCE, .title = "A candidate of an experiment that is gone",
		.help = "Add its Model or Pipeline, take it out of the experiment, or correct the experiment's resourceType.",
		.example = "candidates: [{name: score, weight: 90}, {name: scroe-v2, weight: 10}]\n\n"
			   "candidates: [{name: score, weight: 90}, {name: score-v2, weight: 10}]\n"),
	WARNING(CODE_UNOFFERED_REQUIREMENT, BAD_REFERENCE, .title = "A requirement that no Server offers",
		.help = "Correct it, or add the capability to a Server; or name the model's server in `server`, or by --server.",
		.example = "requirements: [sklern]      # beside a Server with `capabilities: [sklearn]`\n\n"
			   "requirements: [sklearn]\n"),
	ERROR(CODE_MISSING_VERSION, BAD_REFERENCE, .title = "A version of a Model that is not there",
	      .help = "Name one that was in force, in files for `sluice apply`: `sluice history model/NAME` lists them, with those "
		      "that failed. Or write that version as a Model of another name. Only Models have versions that can be named.",
	      .example = "candidates: [{name: score, weight: 90}, {name: score@70, weight: 10}]\n\n"
			 "candidates: [{name: score, weight: 90}, {name: score@7, weight: 10}]\n"),
	WARNING(CODE_IDLE_ALERT, BAD_REFERENCE, .title = "An alert whose condition is never judged",
		.help = "Use a figure, a mark or a tensor that the pipeline has; `sluice help alerts` lists the figures, and what "
			"they need.",
		.example = "alerts: [{name: odd, condition: outlier_rate > 5%}]      # without a step `outlier`\n\n"
			   "steps: [{name: odd, outlier: {tensor: x, reference: usual.json}}]\n"
			   "alerts: [{name: odd, condition: outlier_rate > 5%}]\n"),
	ERROR(CODE_ABSENT_CALLEE, BAD_REFERENCE, .title = "A pipeline of an experiment that is not among the files",
	      .help = "Give its file too, as in `sluice plan experiment.yaml pipelines/`; or take it out of the experiment. A "
		      "pipeline that is called runs in the worker of its caller.",
	      .example = "sluice plan experiment.yaml      # resourceType: pipeline\n\n"
			 "sluice plan experiment.yaml pipeline-a.yaml pipeline-b.yaml\n"),
	WARNING(CODE_NAMED_VERSION, BAD_REFERENCE, .title = "A version of a Model, which files do not have",
		.help = "Deploy the files by `sluice apply`. A candidate NAME@VERSION is a version that the control plane keeps; "
			"`sluice history` lists them. `sluice run -f` refuses it.",
		.example = "candidates: [{name: score, weight: 90}, {name: score@7, weight: 10}]      # sluice run -f\n\n"
			   "candidates: [{name: score, weight: 90}, {name: score@7, weight: 10}]      # sluice apply\n"),

	WARNING(CODE_FIXED_COMPARISON, BAD_VALUE, .title = "A comparison that is always true, or never",
		.help = "Compare with a value that the figure can have: shares are from 0 to 1 (5%, or 0.05), flags are 0 or 1, "
			"and no figure is below 0. `sluice help alerts` lists the figures.",
		.example = "alerts: [{name: failing, condition: error_rate > 5}]\n\n"
			   "alerts: [{name: failing, condition: error_rate > 5%}]\n"),

	WARNING(CODE_ABSENT_MODEL, BAD_REFERENCE, .title = "A model of a step that is not among the files",
		.help = "Correct the name, or give the file of its Model too. It may stay if `run` gets the model's address by "
			"--server, or a control plane has the Model. Files with nothing of what a pipeline calls are not warned "
			"of.",
		.example = "steps: [{name: clean}, {name: scroe, inputs: [clean]}]      # beside the Models clean and score\n\n"
			   "steps: [{name: clean}, {name: score, inputs: [clean]}]\n"),
	WARNING(CODE_ABSENT_EXPERIMENT, BAD_REFERENCE, .title = "An experiment of a step that is not among the files",
		.help = "Correct the name, or give the file of the Experiment too. It may stay if a control plane has the "
			"Experiment; `run -f` refuses the pipeline without it. An Experiment that has only a mirror answers no "
			"request: give it a `default`.",
		.example = "steps: [{name: choose, experiment: {name: chekcout}}]      # beside the Experiment checkout\n\n"
			   "steps: [{name: choose, experiment: {name: checkout}}]\n"),
	WARNING(CODE_IDLE_POLICY, BAD_REFERENCE, .title = "A policy that allows nothing of these files",
		.help = "Correct the name. It may stay if what it names is deployed later. `sluice help policies` lists resources "
			"and verbs.",
		.example = "- {subject: anyone, resource: pipeline/farud, verb: infer}      # lint --policies\n\n"
			   "- {subject: anyone, resource: pipeline/fraud, verb: infer}      # lint --policies\n"),
	ERROR(CODE_UNKNOWN_PLACEHOLDER, BAD_REFERENCE, .title = "A name in the template of a notice that no notice has",
	      .help = "A template may have {{id}}, {{notice}}, {{status}}, {{namespace}}, {{pipeline}}, {{alert}}, {{group}}, "
		      "{{engine}}, {{condition}}, {{fired_at}}, {{at}}, {{values}}, {{reason}} and {{drift}}. `sluice help alerts` "
		      "explains them.",
	      .example = "template: '{\"text\": \"{{alrt}} is {{status}}\"}'\n\n"
			 "template: '{\"text\": \"{{alert}} is {{status}}\"}'\n"),
	ERROR(CODE_BAD_SECRET, BAD_REFERENCE, .title = "A secret that is not a reference, or a reference that YAML may not have",
	      .help = "Put the secret into an environment variable or a file of the machine that uses it. The variable's name "
		      "begins with SLUICE_SECRET_, and the file is in the folder of --secrets: env:SLUICE_SECRET_NAME or "
		      "file:NAME.",
	      .example = "secret: env:NOTICE_KEY\n\nsecret: env:SLUICE_SECRET_NOTICE_KEY\n"),
	ERROR(CODE_UNKNOWN_ALERT, BAD_REFERENCE, .title = "An alert that inhibits another one, and does not exist",
	      .help = "Name another alert of the same pipeline.",
	      .example = "alerts:\n- {name: down, condition: error_rate > 0.5}\n"
			 "- {name: slow, condition: latency_p95 > 1s, inhibitedBy: [donw]}\n\n"
			 "alerts:\n- {name: down, condition: error_rate > 0.5}\n"
			 "- {name: slow, condition: latency_p95 > 1s, inhibitedBy: [down]}\n"),
	ERROR(CODE_METRIC_OWNER, BAD_REFERENCE, .title = "A metric of what is not in the answer",
	      .help = "Write answer.TENSOR, request.TENSOR, truth.TENSOR or params.NAME. What a step gave is in the answer if the "
		      "step is in `output.steps`.",
	      .example = "steps: [{name: score, expression: {set: {y: x * 2}}}]\noutput: {steps: [score]}\n"
			 "metrics: [{name: m, type: gauge, value: score.y}]\n\n"
			 "steps: [{name: score, expression: {set: {y: x * 2}}}]\noutput: {steps: [score]}\n"
			 "metrics: [{name: m, type: gauge, value: answer.y}]\n"),
	WARNING(CODE_UNJUDGED_EXPERIMENT, UNSUPPORTED, .title = "An experiment that cannot be judged by the answers",
		.help = "Let its step be in the stage that answers, or in one that single stages follow, one after another: "
			"`sluice plan` shows them.",
		.example = "steps:\n- {name: m, experiment: {name: e}}\n"
			   "- {name: n, inputs: [m, p.inputs.a], features: {key: a, set: {x: 'count(a over 10)'}}}\n"
			   "- {name: o, inputs: [m, p.inputs.b], features: {key: b, set: {y: 'count(b over 10)'}}}\n"
			   "output: {steps: [n, o]}\n\n"
			   "steps:\n- {name: m, experiment: {name: e}}\n"
			   "- {name: n, inputs: [m, p.inputs.a], features: {key: a, set: {x: 'count(a over 10)'}}}\n"
			   "output: {steps: [n]}\n"),
	ERROR(CODE_SPLIT_MODELS, BAD_REFERENCE, .title = "One model of an experiment that steps locate differently",
	      .help = "An experiment splits the calls of a model by its name, so that name must mean one model: give the steps "
		      "one storageUri, or one of the models another name.",
	      .example = "kind: Experiment      # splits the calls of m\n"
			 "spec: {default: m, candidates: [{name: m, weight: 1}, {name: n, weight: 1}]}\n---\n"
			 "steps: [{name: m, model: {storageUri: s3://a}}]      # of one pipeline\n---\n"
			 "steps: [{name: m, model: {storageUri: s3://b}}]      # of another\n\n"
			 "steps: [{name: m, model: {storageUri: s3://a}}]\n---\n"
			 "steps: [{name: m, model: {storageUri: s3://a}}]\n"),

	/* ---- known, and not done yet ---- */
	WARNING(CODE_FIELD_LATER, UNSUPPORTED, .title = "A field that is checked but not supported yet",
		.help = "It may stay; this version ignores it.", .example = "llm: {modelRef: m}\n"),
	NOTE(CODE_NO_EFFECT, UNSUPPORTED, .title = "A field without effect here",
	     .help = "It would have an effect only in Kubernetes, or another field says the same; it may stay.",
	     .example = "replicas: 3\n"),
	WARNING(CODE_PROTECTION_LATER, UNSUPPORTED, .title = "A protection that is not supported yet",
		.help = "Servers that would listen beyond this machine refuse to start, unless --insecure-ignore-security is "
			"given.",
		.example = "securityConfig:\n  authentication: {enabled: true}\n"),
	WARNING(CODE_STEP_KIND_LATER, UNSUPPORTED, .title = "A kind of step, or a form of it, that is checked but not run yet",
		.help = "`lint` and `plan` accept it; `run`, `dev` and `test` refuse the pipeline in this version.",
		.example = "- name: watch\n  drift: {window: 500}\n"),
	NOTE(CODE_PROTECTION_OF_GATEWAY, UNSUPPORTED, .title = "A protection that the gateway puts in force",
	     .help = "`sluice gateway` does, with the files that its options name, or does not listen. `sluice run` without a "
		     "gateway of its own starts only with --insecure-ignore-security.",
	     .example = "securityConfig:\n  authentication: {enabled: true, type: jwt, jwksUri: https://auth.example/keys}\n"),
	NOTE(CODE_PRIVATE_RECEIVER, UNSUPPORTED, .title = "A receiver of alerts that is not public",
	     .help = "It may stay. An engine sends notices to loopback, private and link-local addresses only if its operator "
		     "lists them: --alert-allow 10.0.0.0/8.",
	     .example = "actions: [{type: webhook, url: \"http://127.0.0.1:9000/x\"}]\n\n"
			"sluice run -f pipelines --alert-allow 127.0.0.1\n"),

	NOTE(CODE_OF_KEEPER, UNSUPPORTED, .title = "A rollout, which the keeper carries out",
	     .help = "Run the engines with --control, and apply the Experiment: `sluice experiments status` shows how far it is. "
		     "Engines that run files have no keeper, and keep the weights of the first stage, or of the candidates.",
	     .example = "progressiveDeployment: {enabled: true, schedule: [5, 25, 100]}\n\n"
			"sluice run --control\nsluice apply -f experiment.yaml\n"),

	/* ---- tensor types ---- */
	WARNING(CODE_MISSING_TENSOR, BAD_REFERENCE, .title = "A tensor that never exists",
		.help = "Name a tensor that exists, or rename one with tensorMap. Without it, this input stays empty.",
		.example = "- name: a      # gives OUTPUT\n- name: b\n  inputs: [a.outputs.output]\n\n"
			   "- name: a\n- name: b\n  inputs: [a.outputs.OUTPUT]\n"),
	ERROR(CODE_WRONG_TENSOR, BAD_VALUE, .title = "A tensor of another type or shape than the model accepts",
	      .help = "Convert it in a step before (expression: cast, reshape), or read another tensor.",
	      .example = "inputs: [a]      # x is FP64[4], and the model takes FP32[-1,4]\n\n"
			 "- name: fit\n  inputs: [a]\n  expression: {set: {x: \"cast(reshape(x, [1, 4]), FP32)\"}}\n"),
	ERROR(CODE_WRONG_EXPRESSION, BAD_VALUE, .title = "An expression that does not fit its tensors",
	      .help = "Use tensors that exist, with their types and shapes.",
	      .example = "when: pirce > 3      # the tensor is called price\n\nwhen: price > 3\n"),
	ERROR(CODE_BAD_FILE, BAD_VALUE, .title = "A file that cannot be read, or that its step does not accept",
	      .help = "Correct the name (a relative one is relative to the YAML's own folder), or make the file again.",
	      .example = "model: {local: model.json}      # it stands in models/\n\nmodel: {local: models/model.json}\n"),
	WARNING(CODE_ABSENT_FILE, BAD_VALUE, .title = "A file that does not exist yet",
		.help = "Create it (`sluice fit`, a training script), or correct the path; `plan` and `run` need it.",
		.example = "preprocess: [{fitted: perp.json}]      # it is called prep.json\n\npreprocess: [{fitted: "
			   "prep.json}]\n"),
	WARNING(CODE_IDLE_EXPRESSION, BAD_VALUE, .title = "An expression without a purpose",
		.help = "Compare a number or a duration with something that the message has; combine members by `members`.",
		.example = "filter: {keep: 2d}\n\nfilter: {keep: ts - t < 2d}\n"),
	WARNING(CODE_NOT_AWAITED, BAD_REFERENCE, .title = "A tensor of a step that this step does not wait for",
		.help = "Parallel steps run in no fixed order: until the other step has run, its tensor is missing. Add that "
			"step to the `triggers`: then this step waits for it, without its tensors as inputs.",
		.example = "steps:\n- {name: a}\n- {name: b, expression: {set: {z: a.y * 2}}}\n\n"
			   "steps:\n- {name: a}\n- {name: b, triggers: [a], expression: {set: {z: a.y * 2}}}\n"),
	WARNING(CODE_LARGE_PIPELINE, LIMIT, .title = "A pipeline too large for all checks",
		.help = "Its fields are checked, but not the tensors between its steps, nor, by `lint`, its relations to other "
			"pipelines. `plan` checks more of it.",
		.example = "steps: [...]      # a thousand of them\n"),
	WARNING(CODE_LARGE_STATE, LIMIT, .title = "A state that may need much memory",
		.help = "The state of a step is in the memory of the engine that runs it, and in its changelog topic. The message "
			"says how much it may come to be. Make the window smaller, or use a `groupBy` with few values.",
		.example = "drift: {tensors: [x], reference: r.json, window: 100000, groupBy: key}\n\n"
			   "drift: {tensors: [x], reference: r.json, window: 1000, groupBy: header(\"venue\")}\n"),
	NOTE(CODE_UNDECLARED_ALARMS, BAD_VALUE, .title = "Alarms that `falseAlarms` does not count",
	     .help = "The reference has too few runs of missing values to know how long such a run becomes, so the loss of the "
		     "feature is found by a rule without a rate. This is fine if an outage may raise an alarm. If not, learn "
		     "the reference from a longer time.",
	     .example = "drift: {tensors: [x], reference: r.json}      # r.json has an outage of x\n"),
	NOTE(CODE_CONSTANT_FEATURES, BAD_VALUE, .title = "A reference with features that do not vary, or have few values",
	     .help = "Such a feature is judged by how many of a window's values are another one, and not by how far they are from "
		     "it. This is fine if another value is a sign of trouble. If not, learn the reference from rows in which the "
		     "feature varies, or leave it out of `tensors`. Of a feature with fewer than 50 values, only the missing "
		     "values are judged.",
	     .example = "drift: {tensors: [x], reference: r.json}      # in r.json, all values of x are 5\n"),
	WARNING(CODE_ABSENT_MARK, BAD_REFERENCE, .title = "A mark that no step before gives",
		.help = "Marks travel with a message from the step that makes them: `outlier`, or `drift`. Without such a step "
			"before it the expression fails for each message, unless the message has a tensor of that name. Add the "
			"step, or say what counts without the mark: `is_outlier ?? false`.",
		.example = "steps:\n- {name: rest, filter: {keep: not is_outlier}}\n\n"
			   "steps:\n- {name: odd, outlier: {tensor: x, by: mahalanobis, past: 1h}}\n"
			   "- {name: rest, inputs: [odd], filter: {keep: not is_outlier}}\n"),
	WARNING(CODE_UNWATCHABLE_FEATURES, BAD_VALUE, .title = "A reference with features in which no drift can be found",
		.help = "Limits are wider where values follow from those before. If a feature rises or falls over the reference, "
			"or has states that last long, they can be wider than any change of a window: the feature never raises an "
			"alarm. The message says why, and what to do: a shorter reference, over which the feature is steady, the "
			"change from one message to the next instead of the feature, or larger windows.",
		.example = "drift: {tensors: [x], reference: r.json, window: 100}      # in r.json, x rises all the time\n\n"
			   "- {name: change, features: {key: venue, set: {dx: \"x - lag(x, 1)\"}}}\n"
			   "- {name: watch, inputs: [change], drift: {tensors: [dx], reference: r.json, window: 100}}\n"),
	NOTE(CODE_RENAMED_OUTPUT, BAD_REFERENCE, .title = "An output that renames a tensor and requests none",
	     .help = "A single name in a step's `outputs` renames the only tensor of the reply. It may stay. To request "
		     "tensors of the model by name, use `outputs` of the step's `model`.",
	     .example = "- {name: a, outputs: [predict_proba]}      # a rename\n\n"
			"- {name: a, model: {outputs: [predict_proba]}}\n"),
	{0},
};
