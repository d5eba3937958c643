/* deployment_check.c: Checks of a SeldonDeployment beyond its rows: traffic, shadows, names, and graphs whose nodes
 * can be called. */
#include "base/number/number.h"
#include "base/suggest.h"
#include "compiler/resources/deployment_pipeline.h"
#include "compiler/yaml/fault_codes.h"
#include "compiler/resources/rows.h"

static bool same_name(const struct name *a, const struct name *b)
{
	return a->text && b->text && strcmp(a->text, b->text) == 0;
}

static void check_names(const struct deployment_spec *deployment, struct faults *faults)
{
	const struct deployment_predictor *predictors = deployment->predictors.items;
	for (size_t i = 0; i < deployment->predictors.count; i++)
		for (size_t j = 0; j < i; j++)
			if (same_name(&predictors[i].name, &predictors[j].name)) {
				fault_add(faults, CODE_REPEATED_NAME, predictors[i].name.place, NULL,
					  "the predictor `%s` is already in line %u", predictors[i].name.text,
					  predictors[j].name.place.line);
				break;
			}
}

static void check_traffic(const struct deployment_spec *deployment, struct faults *faults)
{
	const struct deployment_predictor *predictors = deployment->predictors.items, *first = NULL;
	struct place place = {0};
	size_t answering = 0;
	int64_t sum = 0;
	for (size_t i = 0; i < deployment->predictors.count; i++) {
		if (predictors[i].shadow)
			continue;
		answering++;
		sum += predictors[i].traffic;
		first = first ? first : &predictors[i];
		if (place.line == 0)
			place = predictors[i].traffic_place;
	}
	bool has_place = place.line > 0;
	if (answering == 0 || sum == 100 || (answering == 1 && !has_place))
		return;
	for (size_t i = 0; i < deployment->predictors.count; i++)
		if (predictors[i].traffic_place.line > 0 && faults_refused(faults, predictors[i].traffic_place))
			return;
	fault_add(faults, CODE_TRAFFIC_SUM, has_place ? place : first->here, NULL, "the traffic of %s adds up to %lld, not 100",
		  answering == 1 ? "the only predictor" : "the predictors", (long long)sum);
}

static void check_shadows(const struct deployment_spec *deployment, struct faults *faults)
{
	const struct deployment_predictor *predictors = deployment->predictors.items, *shadow = NULL;
	size_t shadows = 0;
	for (size_t i = 0; i < deployment->predictors.count; i++) {
		if (!predictors[i].shadow)
			continue;
		shadow = shadow ? shadow : &predictors[i];
		if (shadows++ > 0)
			fault_add(faults, CODE_SHADOW, predictors[i].shadow_place, NULL,
				  "a second shadow; only one is allowed, and it is in line %u", shadow->shadow_place.line);
	}
	if (shadows > 0 && shadows == deployment->predictors.count)
		fault_add(faults, CODE_SHADOW, shadow->shadow_place, NULL, "only a shadow: no predictor answers");
}

/* ---- graphs ---- */

/* As in Seldon: HUGGINGFACE_SERVER fetches a public model that its parameters name. */
static bool needs_model_uri(const char *implementation)
{
	const struct text end = TEXT("_SERVER"), whole = text_of(implementation);
	return whole.length > end.length && text_ends_with(whole, end) && !text_is(whole, "HUGGINGFACE_SERVER");
}

/* Other servers than these can be set up, so only what nearly is one of them is a slip. */
static void check_implementation(const struct graph_node *node, struct faults *faults)
{
	static const char *const known[] = {
		"SIMPLE_MODEL",		  "SIMPLE_ROUTER",  "RANDOM_ABTEST",  "AVERAGE_COMBINER",
		"UNKNOWN_IMPLEMENTATION", "SKLEARN_SERVER", "XGBOOST_SERVER", "TENSORFLOW_SERVER",
		"MLFLOW_SERVER",	  "TRITON_SERVER",  "TEMPO_SERVER",   "HUGGINGFACE_SERVER",
	};
	const struct name *implementation = &node->implementation;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strcmp(implementation->text, known[i]) == 0)
			return;
	const char *nearest = suggest_nearest(implementation->text, known, sizeof known / sizeof *known);
	if (nearest)
		fault_add(faults, CODE_NO_CHOICE, implementation->place, nearest, "there is no implementation `%s`",
			  implementation->text);
}

static bool has_parameter(const struct graph_node *node, const char *name)
{
	const struct graph_parameter *parameters = node->parameters.items;
	for (size_t i = 0; i < node->parameters.count; i++)
		if (parameters[i].name.text && strcmp(parameters[i].name.text, name) == 0)
			return true;
	return false;
}

static void check_ratio(const struct graph_node *node, struct faults *faults)
{
	const struct graph_parameter *parameters = node->parameters.items;
	double ratio = 0;
	for (size_t i = 0; i < node->parameters.count; i++) {
		const struct name *value = &parameters[i].value;
		if (!parameters[i].name.text || strcmp(parameters[i].name.text, "ratioA") != 0 || !value->text)
			continue;
		if (!number_read_double(text_of(value->text), &ratio) || !(ratio >= 0 && ratio <= 1))
			fault_add(faults, CODE_OUT_OF_RANGE, value->place, NULL,
				  "`ratioA` is the share of the first child, a number from 0 to 1, not `%s`", value->text);
	}
}

/* As Seldon has it: one ratio says how two are shared out. */
static void check_test(const struct graph_node *node, struct faults *faults)
{
	if (node_built_in(node) != BUILT_IN_RANDOM)
		return;
	if (!has_parameter(node, "ratioA"))
		fault_add(faults, CODE_MISSING_FIELD, node->here, NULL,
			  "the parameter `ratioA` is missing: the share of the first child, from 0 to 1");
	check_ratio(node, faults);
	if (node->children.count != 2)
		fault_add(faults, CODE_OUT_OF_RANGE, node->here, NULL,
			  "RANDOM_ABTEST divides requests between two children, not %zu",
			  node->children.count);
}

/* Components read `1` and `0` as flags too. */
static bool value_fits(const struct graph_parameter *parameter)
{
	const char *value = parameter->value.text;
	bool digit = strcmp(value, "0") == 0 || strcmp(value, "1") == 0;
	return parameter_fits(value, parameter->type) || (parameter->type == MODEL_PARAMETER_BOOL && digit);
}

static void check_node(const struct graph_node *node, bool root, struct faults *faults)
{
	const struct graph_node *children = node->children.items;
	const struct graph_parameter *parameters = node->parameters.items;
	if (!root && !node->name.text && node->here.line > 0)
		fault_add(faults, CODE_MISSING_FIELD, node->here, NULL, "`name` is missing in this child: the node's name");
	if (node->implementation.text) {
		check_implementation(node, faults);
		if (needs_model_uri(node->implementation.text) && !node->model_uri.text)
			fault_add(faults, CODE_MISSING_FIELD, node->here, NULL,
				  "`modelUri` is missing: %s needs the model to serve", node->implementation.text);
	}
	check_test(node, faults);
	for (size_t i = 0; i < node->parameters.count; i++)
		if (parameters[i].name.text && parameters[i].value.text && !value_fits(&parameters[i]))
			fault_add(faults, CODE_BAD_PARAMETER, parameters[i].value.place, NULL,
				  "the parameter `%s` is of type %s, and `%s` is not", parameters[i].name.text,
				  parameter_type_name(parameters[i].type), parameters[i].value.text);
	for (size_t i = 0; i < node->children.count; i++)
		check_node(&children[i], false, faults);
}

/* ---- what is not acted on ---- */

/* A container would find parameters in its environment: the share of a test is all that the graph itself reads. */
static void node_parameters_say(const struct graph_node *node, struct faults *faults)
{
	const struct graph_node *children = node->children.items;
	const struct graph_parameter *parameters = node->parameters.items;
	for (size_t i = 0; i < node->parameters.count; i++) {
		const struct name *name = &parameters[i].name;
		bool ratio = node_built_in(node) == BUILT_IN_RANDOM && name->text && strcmp(name->text, "ratioA") == 0;
		if (name->text && !ratio)
			fault_add(faults, CODE_NO_EFFECT, name->place, NULL,
				  "the parameter `%s` has no effect here: sluice calls a node at its address and does not start it",
				  name->text);
	}
	for (size_t i = 0; i < node->children.count; i++)
		node_parameters_say(&children[i], faults);
}

/* Topics are those of the first predictor, where the deployment is served through Kafka. */
static bool topic_is_read(const struct node *spec, bool first, const struct node *name)
{
	return first && node_is(node_get(spec, "serverType"), "kafka") &&
	       (node_is(name, "KAFKA_INPUT_TOPIC") || node_is(name, "KAFKA_OUTPUT_TOPIC"));
}

static void variable_say(const struct node *name, struct faults *faults)
{
	const bool broker = node_is(name, "KAFKA_BROKER");
	if (broker || node_is(name, "KAFKA_INPUT_TOPIC") || node_is(name, "KAFKA_OUTPUT_TOPIC"))
		fault_add(faults, CODE_IGNORED_SETTING, name->place, NULL, "sluice does not support `%s` here: %s",
			  name->scalar.bytes,
			  broker ? "set the brokers in a SeldonRuntime, or by --brokers"
				 : "with `serverType: kafka`, it reads the topics of the first predictor only");
	else
		fault_add(faults, CODE_NO_EFFECT, name->place, NULL,
			  "the variable `%s` has no effect here: sluice starts no orchestrator", name->scalar.bytes);
}

static void orchestrator_say(const struct node *spec, const struct node *predictor, bool first, struct faults *faults)
{
	const struct node *environment = node_get(node_get(predictor, "svcOrchSpec"), "env");
	for (size_t i = 0; environment && environment->type == NODE_LIST && i < environment->count; i++) {
		const struct node *name = node_get(environment->items[i], "name");
		if (name && name->type == NODE_SCALAR && !topic_is_read(spec, first, name))
			variable_say(name, faults);
	}
}

static void endpoints_say(const struct graph_node *node, struct faults *faults)
{
	const struct graph_node *children = node->children.items;
	if (node->endpoint.type && strcmp(node->endpoint.type, "GRPC") == 0)
		fault_add(faults, CODE_IGNORED_SETTING, node->here, NULL,
			  "this node is called by REST all the same: gRPC is supported only with `protocol: v2`");
	for (size_t i = 0; i < node->children.count; i++)
		endpoints_say(&children[i], faults);
}

/* Of gRPC only the Open Inference Protocol is spoken. */
static void transport_say(const struct deployment_spec *deployment, const struct node *spec, struct faults *faults)
{
	const struct node *transport = node_get(spec, "transport");
	const struct deployment_predictor *predictors = deployment->predictors.items;
	if (deployment_protocol(deployment) == CALL_BY_V2)
		return;
	for (size_t i = 0; i < deployment->predictors.count; i++)
		endpoints_say(&predictors[i].graph, faults);
	if (node_is(transport, "grpc"))
		fault_add(faults, CODE_IGNORED_SETTING, transport->place, NULL,
			  "nodes are called by REST all the same: gRPC is supported only with `protocol: v2`");
}

/* Where the field is named; else where it begins. */
static struct place explainer_place(const struct node *predictor, const struct deployment_explainer *explainer)
{
	for (size_t i = 0; predictor && predictor->type == NODE_MAP && i < predictor->count; i++)
		if (predictor->entries[i].value->place.line == explainer->here.line &&
		    predictor->entries[i].value->place.column == explainer->here.column)
			return predictor->entries[i].key->place;
	return explainer->here;
}

/* Whether the explainer of a predictor names a type, if only one that there is not: that has its own fault. */
static bool has_type(const struct node *predictor)
{
	return node_get(node_get(predictor, "explainer"), "type") != NULL;
}

/* An explainer that is not run is named. */
static void explainers_say(const struct deployment_spec *deployment, const struct node *nodes, struct faults *faults)
{
	const bool listed = nodes && nodes->type == NODE_LIST && nodes->count == deployment->predictors.count;
	const struct deployment_predictor *predictors = deployment->predictors.items;
	for (size_t i = 0; i < deployment->predictors.count; i++) {
		const struct deployment_explainer *explainer = &predictors[i].explainer;
		const char *words = explainer_refusal(deployment, &predictors[i]);
		const struct place place = explainer_place(listed ? nodes->items[i] : NULL, explainer);
		if (words)
			fault_add(faults, CODE_FIELD_LATER, place, NULL, "the explainer %s %s", explainer->type, words);
		else if (explainer->here.line > 0 && !explainer->type && !has_type(listed ? nodes->items[i] : NULL))
			fault_add(faults, CODE_NO_EFFECT, place, NULL, "an explainer without `type` has no effect, as in Seldon");
	}
}

void deployment_check(const struct resource *resource, struct faults *faults)
{
	const struct node *spec = node_get(resource->node, "spec"), *nodes = node_get(spec, "predictors");
	const struct deployment_spec *deployment = resource->spec;
	const struct deployment_predictor *predictors = deployment->predictors.items;
	check_names(deployment, faults);
	check_traffic(deployment, faults);
	check_shadows(deployment, faults);
	for (size_t i = 0; i < deployment->predictors.count; i++)
		check_node(&predictors[i].graph, true, faults);
	for (size_t i = 0; i < deployment->predictors.count; i++)
		node_parameters_say(&predictors[i].graph, faults);
	for (size_t i = 0; nodes && nodes->type == NODE_LIST && i < nodes->count; i++)
		orchestrator_say(spec, nodes->items[i], i == 0, faults);
	transport_say(deployment, spec, faults);
	explainers_say(deployment, nodes, faults);
}
