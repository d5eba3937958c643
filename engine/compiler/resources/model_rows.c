/* model_rows.c: Option rows of a Model, as in Seldon's CRD and the reference dialect. Replicas and memory concern
 * only a cluster. */
#include "compiler/resources/rows.h"

const struct option environment_rows[] = {
	ROW("name", NAME, struct environment_variable, name, .required = true, .help = "The variable's name."),
	ROW("value", TEXT, struct environment_variable, value, .help = "Its value."),
	CHECKED("valueFrom", NODE, .effect = EFFECT_NONE, .help = "A value that Kubernetes would look up."),
	{.type = OPTION_END},
};

static const struct option setting_rows[] = {
	ROW("name", NAME, struct model_parameter, name, .required = true, .help = "The parameter's name."),
	ROW("value", NAME, struct model_parameter, value, .required = true, .help = "Its value, as a text."),
	ROW("type", CHOICE, struct model_parameter, type, .choices = MODEL_PARAMETER_CHOICES, .fallback = "STRING",
	    .help = "The type of the text."),
	{.type = OPTION_END},
};

static const struct option settings_rows[] = {
	{.name = "parameters",
	 .type = OPTION_LIST,
	 .offset = 0,
	 .rows = setting_rows,
	 .item_size = sizeof(struct model_parameter),
	 .help = "Parameters sent with each call."},
	{.type = OPTION_END},
};

static const struct option parameter_rows[] = {
	CHECKED("name", NAME, .required = true, .help = "The parameter's name."),
	CHECKED("value", TEXT, .required = true, .help = "Its value."),
	{.type = OPTION_END},
};

static const struct option server_settings_rows[] = {
	CHECKED("resources", NODE, .effect = EFFECT_NONE, .help = "The resources that a container would request from Kubernetes."),
	{.name = "env",
	 .type = OPTION_LIST,
	 .offset = 0,
	 .rows = environment_rows,
	 .item_size = sizeof(struct environment_variable),
	 .help = "MLSERVER_HTTP_PORT and MLSERVER_GRPC_PORT give the endpoint's ports; the rest has no effect."},
	{.type = OPTION_END},
};

static const struct option reference_rows[] = {
	{.name = "name",
	 .type = OPTION_NAME,
	 .offset = 0,
	 .required = true,
	 .help = "The SeldonRuntime to which the model belongs."},
	{.type = OPTION_END},
};

static const struct option batching_config_rows[] = {
	ROW("maxBatchSize", INTEGER, struct model_spec, batch_size_max, POSITIVE_RANGE,
	    .help = "The largest number of rows that are merged into one call."),
	ROW("maxLatency", DURATION, struct model_spec, batch_latency_ns,
	    .help = "The time after which a merged call is sent with the rows that it has."),
	ROW("batchTimeout", DURATION, struct model_spec, batch_timeout_ns, .help = "The deadline of a merged call."),
	{.type = OPTION_END},
};

static const struct option autoscaling_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct model_spec, autoscaling_here)},
	ROW("minReplicas", INTEGER, struct model_spec, replicas_min, INT32_RANGE, .help = "The least number of parallel calls."),
	ROW("maxReplicas", INTEGER, struct model_spec, replicas_max, INT32_RANGE, .help = "The largest number of parallel calls."),
	CHECKED("targetCPUUtilization", INTEGER, .effect = EFFECT_NONE, PERCENT_RANGE,
		.help = "A target of Kubernetes, in percent."),
	CHECKED("targetMemoryUtilization", INTEGER, .effect = EFFECT_NONE, PERCENT_RANGE,
		.help = "A target of Kubernetes, in percent."),
	{.type = OPTION_END},
};

static const struct option logger_rows[] = {
	ROW("percent", INTEGER, struct model_spec, logger_percent, PERCENT_RANGE,
	    .help = "The share of calls whose requests and answers are copied to topics of the model, in percent."),
	{.type = OPTION_END},
};

static const struct option explainer_rows[] = {
	CHECKED("type", TEXT, .help = "The kind of explainer."),
	CHECKED("modelRef", TEXT, .help = "The model that is explained."),
	CHECKED("pipelineRef", TEXT, .help = "The pipeline that is explained."),
	{.type = OPTION_END},
};

static const struct option llm_rows[] = {
	CHECKED("modelRef", TEXT, .help = "The model that is called."),
	CHECKED("pipelineRef", TEXT, .help = "The pipeline that is called."),
	{.type = OPTION_END},
};

const struct option dataflow_rows[] = {
	{.name = "cleanTopicsOnDelete", .type = OPTION_FLAG, .offset = 0, .help = "Whether its topics are removed with it."},
	{.type = OPTION_END},
};

const struct option model_rows[] = {
	ROW("storageUri", NAME, struct model_spec, storage_uri, .required = true,
	    .help = "The artifact, or the address of the model: grpc://host:port/model, http://host:port, stub://name."),
	CHECKED("modelType", TEXT, .effect = EFFECT_NONE, .help = "The kind of model, for a server that loads it."),
	CHECKED("schemaUri", TEXT, .effect = EFFECT_NONE, .help = "The model's schema, for a server that loads it."),
	CHECKED("secretName", TEXT, .effect = EFFECT_NONE, .help = "The secret that a server needs to fetch the artifact."),
	CHECKED("artifactVersion", INTEGER, .effect = EFFECT_NONE, UINT32_RANGE,
		.help = "The numbered folder that a server loads."),
	ROW("requirements", NAMES, struct model_spec, requirements,
	    .help = "Capabilities that a server must have: sklearn, mlflow==2.8.1."),
	CHECKED("memory", QUANTITY, .effect = EFFECT_NONE, .help = "The resources that the model needs on its server."),
	CHECKED("replicas", INTEGER, .effect = EFFECT_NONE, INT32_RANGE, .help = "The number of copies that a cluster would run."),
	CHECKED("minReplicas", INTEGER, .effect = EFFECT_NONE, INT32_RANGE,
		.help = "The least number of copies that a cluster would run."),
	CHECKED("maxReplicas", INTEGER, .effect = EFFECT_NONE, INT32_RANGE,
		.help = "The largest number of copies that a cluster would run; 0: no scaling."),
	ROW("server", NAME, struct model_spec, server, .help = "The Server that has it; default: any that is suitable."),
	CHECKED("preloaded", FLAG, .effect = EFFECT_NONE, .help = "Whether a server has it already."),
	CHECKED("dedicated", FLAG, .effect = EFFECT_NONE, .help = "Whether it has a server of its own."),
	ROW("standalone", FLAG, struct model_spec, standalone,
	    .help = "Whether callers may ask it by its name although pipelines call it. It has topics of its own then; one that no "
		    "pipeline names, or that is the default of an Experiment, has them anyway. If a pipeline has its name, it is "
		    "asked as NAME-model."),
	{.name = "logger",
	 .type = OPTION_MAP,
	 .offset = 0,
	 .rows = logger_rows,
	 .help = "Topics to which its requests and answers are copied."},
	CHECKED("explainer", MAP, .effect = EFFECT_LATER, .rows = explainer_rows, .help = "What it explains, for an explainer."),
	CHECKED("parameters", LIST, .effect = EFFECT_NONE, .rows = parameter_rows,
		.help = "Parameters with which a server loads it."),
	CHECKED("llm", MAP, .effect = EFFECT_LATER, .rows = llm_rows, .help = "What it calls, for a language model."),
	CHECKED("dataflow", MAP, .effect = EFFECT_NONE, .rows = dataflow_rows,
		.help = "What happens to the topics; used in a pipeline only."),
	ROW("serverConfig", MAP, struct model_spec, environment, .rows = server_settings_rows,
	    .help = "Settings of the model's own server."),
	ROW("modelSettings", MAP, struct model_spec, settings, .rows = settings_rows, .help = "Data that is sent with each call."),
	CHECKED("runtime", MAP, .effect = EFFECT_NONE, .rows = reference_rows, .help = "The SeldonRuntime to which it belongs."),
	{.name = "batchingConfig", .type = OPTION_MAP, .offset = 0, .rows = batching_config_rows, .help = "Merging of calls."},
	{.name = "autoscaling", .type = OPTION_MAP, .offset = 0, .rows = autoscaling_rows, .help = "The number of parallel calls."},
	{.type = OPTION_END},
};
