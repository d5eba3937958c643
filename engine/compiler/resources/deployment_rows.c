/* deployment_rows.c: Option rows of a SeldonDeployment (v1), including old names. */
#include "compiler/resources/rows.h"

#define NODE_TYPES "MODEL ROUTER COMBINER TRANSFORMER OUTPUT_TRANSFORMER UNKNOWN_TYPE"
#define BUILT_IN "SIMPLE_MODEL SIMPLE_ROUTER RANDOM_ABTEST AVERAGE_COMBINER UNKNOWN_IMPLEMENTATION"
#define KUBERNETES(key, kind, text) CHECKED(key, kind, .effect = EFFECT_NONE, .help = text)

static const struct option endpoint_rows[] = {
	ROW("service_host", NAME, struct graph_endpoint, host, .help = "The host of the node's server."),
	ROW("service_port", INTEGER, struct graph_endpoint, port, .least = 0, .most = 65535, .help = "Its port."),
	ROW("type", TEXT, struct graph_endpoint, type, .choices = "REST GRPC", .help = "The protocol of calls; an old field."),
	ROW("httpPort", INTEGER, struct graph_endpoint, http_port, .least = 0, .most = 65535, .help = "Its port for REST."),
	ROW("grpcPort", INTEGER, struct graph_endpoint, grpc_port, .least = 0, .most = 65535, .help = "Its port for gRPC."),
	{.type = OPTION_END},
};

static const struct option parameter_rows[] = {
	ROW("name", NAME, struct graph_parameter, name, .required = true, .help = "The parameter's name."),
	ROW("value", NAME, struct graph_parameter, value, .required = true, .help = "Its value, as a text."),
	ROW("type", CHOICE, struct graph_parameter, type, .choices = MODEL_PARAMETER_CHOICES, .fallback = "STRING",
	    .required = true, .help = "The type of the text."),
	{.type = OPTION_END},
};

static const struct option logger_rows[] = {
	CHECKED("url", TEXT, .help = "The address to which payloads are sent."),
	CHECKED("mode", TEXT, .choices = "all request response", .required = true, .help = "all, request or response."),
	{.type = OPTION_END},
};

#define GRAPH_ROW_COUNT 14
static const struct option graph_rows[GRAPH_ROW_COUNT];

static const struct option graph_rows[GRAPH_ROW_COUNT] = {
	{.type = OPTION_HERE, .offset = offsetof(struct graph_node, here)},
	ROW("name", NAME, struct graph_node, name, .help = "The node's name; that of the root may be left out."),
	ROW("children", LIST, struct graph_node, children, .rows = graph_rows, .item_size = sizeof(struct graph_node),
	    .help = "The nodes after it."),
	ROW("type", TEXT, struct graph_node, type, .choices = NODE_TYPES " " BUILT_IN, .help = "What it does; default: MODEL."),
	ROW("implementation", NAME, struct graph_node, implementation,
	    .help = "A built-in node, or the server that runs the model."),
	ROW("methods", NAMES, struct graph_node, methods, .help = "The methods that it has, in addition to that of its type."),
	ROW("endpoint", MAP, struct graph_node, endpoint, .rows = endpoint_rows, .help = "Where it answers."),
	ROW("parameters", LIST, struct graph_node, parameters, .rows = parameter_rows, .item_size = sizeof(struct graph_parameter),
	    .help = "Parameters of the node."),
	ROW("modelUri", NAME, struct graph_node, model_uri, .help = "The artifact."),
	KUBERNETES("serviceAccountName", TEXT, "The account that fetches the artifact."),
	KUBERNETES("envSecretRefName", TEXT, "The secret that is needed to fetch it."),
	KUBERNETES("storageInitializerImage", TEXT, "The image that fetches it."),
	CHECKED("logger", MAP, .effect = EFFECT_LATER, .rows = logger_rows,
		.help = "The address to which its payloads are logged."),
	{.type = OPTION_END},
};

static const struct option explainer_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct deployment_explainer, here)},
	ROW("type", TEXT, struct deployment_explainer, type,
		.choices = "AnchorTabular AnchorImages AnchorText KernelShap IntegratedGradients ALE TreeShap Counterfactuals "
			   "Contrastive anchor_tabular anchor_images anchor_text kernel_shap integrated_gradients ale tree_shap "
			   "counterfactuals contrastive",
		.help = "The method; without it there is no explainer. Built in are AnchorTabular, KernelShap, TreeShap and "
			"IntegratedGradients, with the defaults of a step of kind `explain`."),
	ROW("modelUri", NAME, struct deployment_explainer, model_uri,
	    .help = "The explainer's artifact; for TreeShap and IntegratedGradients the file of the model, as "
		    "file:///models/x.json."),
	KUBERNETES("containerSpec", NODE, "Its container."),
	CHECKED("config", TABLE, .effect = EFFECT_NONE, .rows = text_value_rows, .help = "Its settings."),
	CHECKED("endpoint", MAP, .effect = EFFECT_NONE, .rows = endpoint_rows, .help = "Where it answers."),
	KUBERNETES("envSecretRefName", TEXT, "The secret that is needed to fetch its artifact."),
	KUBERNETES("replicas", INTEGER, "The number of copies that a cluster would run."),
	CHECKED("initParameters", TEXT, .effect = EFFECT_NONE, .help = "Parameters of its construction."),
	KUBERNETES("serviceAccountName", TEXT, "The account that fetches its artifact."),
	KUBERNETES("storageInitializerImage", TEXT, "The image that fetches it."),
	{.type = OPTION_END},
};

static const struct option orchestrator_rows[] = {
	KUBERNETES("resources", NODE, "The resources that it would request from Kubernetes."),
	CHECKED("env", LIST, .rows = environment_rows,
		.help = "KAFKA_BROKER, KAFKA_INPUT_TOPIC and KAFKA_OUTPUT_TOPIC, for serverType kafka."),
	KUBERNETES("replicas", INTEGER, "The number of copies that a cluster would run."),
	{.type = OPTION_END},
};

static const struct option ssl_rows[] = {
	CHECKED("certSecretName", TEXT, .required = true, .help = "The secret with the certificate."),
	{.type = OPTION_END},
};

static const struct option predictor_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct deployment_predictor, here)},
	ROW("name", NAME, struct deployment_predictor, name, .required = true, .help = "The predictor's name."),
	ROW("graph", MAP, struct deployment_predictor, graph, .rows = graph_rows, .required = true,
	    .help = "Its nodes, beginning with the one that receives the request."),
	KUBERNETES("componentSpecs", NODE, "The containers of its nodes."),
	KUBERNETES("componentSpec", NODE, "The old name of componentSpecs, of one pod."),
	KUBERNETES("replicas", INTEGER, "The number of copies that a cluster would run."),
	CHECKED("annotations", TABLE, .effect = EFFECT_NONE, .rows = text_value_rows,
		.help = "Any keys and texts; those of the deployment are used."),
	KUBERNETES("engineResources", NODE, "The old name of svcOrchSpec.resources."),
	CHECKED("labels", TABLE, .effect = EFFECT_NONE, .rows = text_value_rows, .help = "Any keys and texts."),
	CHECKED("svcOrchSpec", MAP, .rows = orchestrator_rows, .help = "The component that runs its graph."),
	ROW("traffic", INTEGER, struct deployment_predictor, traffic,
	    .place_offset = offsetof(struct deployment_predictor, traffic_place), PERCENT_RANGE,
	    .help = "Its share of the requests, in percent."),
	ROW("explainer", MAP, struct deployment_predictor, explainer, .rows = explainer_rows,
	    .help = "The explainer of its answers, which the gateway asks for at /api/v1.0/explanations."),
	ROW("shadow", FLAG, struct deployment_predictor, shadow,
	    .place_offset = offsetof(struct deployment_predictor, shadow_place),
	    .help = "Whether it receives copies of requests: no request gets its answers, which are compared with those of the "
		    "others, as the replies of an Experiment's `mirror`."),
	CHECKED("ssl", MAP, .effect = EFFECT_PROTECTS, .rows = ssl_rows, .help = "Its certificate."),
	KUBERNETES("protocol", TEXT, "This field belongs under `spec`; it is not read here."),
	KUBERNETES("transport", TEXT, "This field belongs under `spec`; it is not read here."),
	KUBERNETES("progressDeadlineSeconds", INTEGER, "How long a cluster would wait for it."),
	{.type = OPTION_END},
};

const struct option deployment_rows[] = {
	ROW("predictors", LIST, struct deployment_spec, predictors, .rows = predictor_rows,
	    .item_size = sizeof(struct deployment_predictor), .least = 1, .required = true,
	    .place_offset = offsetof(struct deployment_spec, predictors_place),
	    .help = "The graphs among which requests are split."),
	KUBERNETES("name", NAME, "The name; the one in metadata is used."),
	CHECKED("annotations", TABLE, .rows = text_value_rows, .help = "Any keys and texts, as those of metadata."),
	ROW("protocol", CHOICE, struct deployment_spec, protocol, .choices = "seldon tensorflow kfserving v2", .fallback = "seldon",
	    .help = "The protocol of requests and answers; kfserving is the old name of v2."),
	CHECKED("transport", CHOICE, .choices = "rest grpc", .help = "The protocol of calls to nodes."),
	KUBERNETES("replicas", INTEGER, "The number of copies of each predictor that a cluster would run."),
	CHECKED("serverType", CHOICE, .choices = "rpc kafka", .help = "Whether requests arrive by calls or through Kafka."),
	CHECKED("oauth_key", TEXT, .effect = EFFECT_PROTECTS, .help = "An old form of authentication."),
	CHECKED("oauth_secret", TEXT, .effect = EFFECT_PROTECTS, .help = "An old form of authentication."),
	{.type = OPTION_END},
};
