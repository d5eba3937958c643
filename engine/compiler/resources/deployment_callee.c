/* deployment_callee.c: see deployment_callee.h. */
#include "compiler/resources/deployment_callee.h"

#include "compiler/resources/inline_models.h"

/* ---- names ---- */

static bool has_node(const struct graph_node *node, const char *fallback, const char *name)
{
	const struct graph_node *children = node->children.items;
	const char *own = node->name.text ? node->name.text : fallback;
	if (own && strcmp(own, name) == 0)
		return true;
	for (size_t i = 0; i < node->children.count; i++)
		if (has_node(&children[i], NULL, name))
			return true;
	return false;
}

bool callee_is_repeated(const struct resource *deployment, const struct deployment_predictor *predictor, const char *name)
{
	const struct deployment_spec *spec = deployment->spec;
	const struct deployment_predictor *predictors = spec->predictors.items;
	for (size_t i = 0; i < spec->predictors.count; i++)
		if (&predictors[i] != predictor && has_node(&predictors[i].graph, predictors[i].name.text, name))
			return true;
	return false;
}

static const char *const method_words[] = {[CALL_PREDICT] = "predict",
					   [CALL_TRANSFORM_INPUT] = "transform-input",
					   [CALL_TRANSFORM_OUTPUT] = "transform-output",
					   [CALL_ROUTE] = "route",
					   [CALL_AGGREGATE] = "aggregate"};

/* The methods of one node are in the order in which they are called. */
static bool is_further(const struct graph_node *node, enum call_method method)
{
	static const unsigned before[] = {
		[CALL_PREDICT] = 0,
		[CALL_TRANSFORM_INPUT] = 0,
		[CALL_ROUTE] = ACT_PREDICT | ACT_TRANSFORM_INPUT,
		[CALL_AGGREGATE] = ACT_PREDICT | ACT_TRANSFORM_INPUT | ACT_ROUTE,
		[CALL_TRANSFORM_OUTPUT] = ACT_PREDICT | ACT_TRANSFORM_INPUT | ACT_ROUTE | ACT_AGGREGATE,
	};
	return (node_acts(node) & before[method]) != 0;
}

const char *callee_name(const struct callee_scope *scope, const struct graph_node *node, enum call_method method)
{
	const char *name = node->name.text ? node->name.text : scope->predictor->name.text;
	const char *part = callee_is_repeated(scope->deployment, scope->predictor, name) ? scope->predictor->name.text : NULL;
	const char *further = is_further(node, method) ? method_words[method] : NULL;
	return arena_print(scope->arena, "%s%s%s%s%s/%s", scope->deployment->name.text, part ? "." : "", part ? part : "",
			   further ? "." : "", further ? further : "", name);
}

/* ---- places ---- */

static const struct node *deployment_field(const struct resource *deployment, const char *key)
{
	return node_get(node_get(deployment->node, "spec"), key);
}

/* Where the endpoint says that it is; NULL: it does not. Of gRPC only the Open Inference
 * Protocol is spoken. */
static const char *endpoint_uri(const struct callee_scope *scope, const struct graph_node *node)
{
	const struct graph_endpoint *endpoint = &node->endpoint;
	const struct deployment_spec *spec = scope->deployment->spec;
	bool grpc = (endpoint->type && strcmp(endpoint->type, "GRPC") == 0) ||
		    node_is(deployment_field(scope->deployment, "transport"), "grpc");
	grpc = grpc && deployment_protocol(spec) == CALL_BY_V2;
	int64_t port = grpc ? endpoint->grpc_port : endpoint->http_port;
	port = port ? port : endpoint->port;
	if (!endpoint->host.text || port == 0)
		return NULL;
	return arena_print(scope->arena, "%s://%s:%lld", grpc ? "grpc" : "http", endpoint->host.text, (long long)port);
}

/* What a packaged server is able to: SKLEARN_SERVER has the capability sklearn. */
static const char *capability(const struct callee_scope *scope, const struct graph_node *node)
{
	const struct text end = TEXT("_SERVER"), whole = text_of(node->implementation.text);
	if (whole.length <= end.length || !text_ends_with(whole, end))
		return NULL;
	char *word = arena_copy(scope->arena, whole.bytes, whole.length - end.length);
	for (char *c = word; c && *c; c++)
		*c = letter_lowered(*c);
	return word;
}

void callee_put(const struct callee_scope *scope, const struct graph_node *node, enum call_method method, struct growing *options)
{
	static const char *const protocols[] = {
		[CALL_BY_V2] = "v2", [CALL_BY_SELDON] = "seldon", [CALL_BY_TENSORFLOW] = "tensorflow"};
	enum call_protocol protocol = deployment_protocol(scope->deployment->spec);
	const char *stub =
		node->model_uri.text && strncmp(node->model_uri.text, "stub:", 5) == 0 ? node->model_uri.text : NULL;
	const char *uri = stub ? stub : endpoint_uri(scope, node);
	const char *needs = capability(scope, node);
	struct growing list = list_begin(scope->arena, node->here, 1);
	if (!uri)
		uri = node->model_uri.text;
	map_put(options, "storageUri",
		node_scalar(scope->arena, uri == node->model_uri.text ? node->model_uri.place : node->here, uri, true));
	list_put(&list, node_scalar(scope->arena, node->implementation.place, needs, true));
	if (needs && !model_uri_is_address(uri))
		map_put(options, "requirements", list.node);
	map_put(options, "protocol", node_scalar(scope->arena, node->here, protocols[protocol], true));
	if (protocol == CALL_BY_SELDON)
		map_put(options, "method", node_scalar(scope->arena, node->here, method_words[method], true));
}

/* ---- Kafka ---- */

const struct node *callee_topic(const struct resource *deployment, const char *name)
{
	const struct node *predictors = deployment_field(deployment, "predictors");
	const struct node *first = predictors && predictors->type == NODE_LIST && predictors->count ? predictors->items[0] : NULL;
	const struct node *environment = node_get(node_get(first, "svcOrchSpec"), "env");
	if (!node_is(deployment_field(deployment, "serverType"), "kafka") || !environment || environment->type != NODE_LIST)
		return NULL;
	for (size_t i = 0; i < environment->count; i++)
		if (node_is(node_get(environment->items[i], "name"), name))
			return node_get(environment->items[i], "value");
	return NULL;
}
