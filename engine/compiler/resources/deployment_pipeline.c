/* deployment_pipeline.c: Conversion of predictors and their graphs to steps; see deployment_pipeline.h. */
#include "compiler/resources/deployment_pipeline.h"

#include "base/number/number.h"
#include "compiler/resources/deployment_callee.h"

/* What an explainer of each type becomes. */
struct explainer_type {
	const char *names[2];  /* as Seldon Core writes it now, and as it did before */
	const char *by;	       /* of a model on a server; NULL: none can be */
	const char *by_file;   /* of a model in a file; NULL: as of one on a server */
	const char *otherwise; /* what to do if `by` is NULL */
};

#define NOT_BUILT_IN "is not built in, and is not run: "
#define OF_IMAGES_AND_TEXTS NOT_BUILT_IN "call a server that has it, as a step of kind `model` in a Pipeline"

static const struct explainer_type explainer_types[] = {
	{{"AnchorTabular", "anchor_tabular"}, "anchors", NULL, NULL},
	{{"KernelShap", "kernel_shap"}, "auto", NULL, NULL},
	{{"TreeShap", "tree_shap"}, "auto", "tree", NULL},
	{{"IntegratedGradients", "integrated_gradients"},
	 NULL,
	 "gradients",
	 "needs the weights of the network, and is not run: name its file with the explainer's `modelUri`, as "
	 "file:///models/net.json, or write KernelShap"},
	{{"AnchorImages", "anchor_images"}, NULL, NULL, OF_IMAGES_AND_TEXTS},
	{{"AnchorText", "anchor_text"}, NULL, NULL, OF_IMAGES_AND_TEXTS},
	{{"ALE", "ale"},
	 NULL,
	 NULL,
	 NOT_BUILT_IN "it explains a model, not an answer; call a server that has it, or write KernelShap"},
	{{"Counterfactuals", "counterfactuals"}, NULL, NULL, NOT_BUILT_IN "call a server that has it, or write AnchorTabular"},
	{{"Contrastive", "contrastive"}, NULL, NULL, NOT_BUILT_IN "call a server that has it, or write AnchorTabular"},
};

static const struct explainer_type *explainer_type_find(const struct deployment_explainer *explainer)
{
	for (size_t i = 0; explainer->type && i < sizeof explainer_types / sizeof *explainer_types; i++)
		for (size_t j = 0; j < 2; j++)
			if (strcmp(explainer_types[i].names[j], explainer->type) == 0)
				return &explainer_types[i];
	return NULL;
}

/* The file of the explained model, where the explainer names one that is on this machine; NULL: its answers come from a server. */
static const char *explainer_file(const struct deployment_explainer *explainer)
{
	static const char scheme[] = "file://";
	const struct explainer_type *type = explainer_type_find(explainer);
	const char *uri = explainer->model_uri.text;
	if (!type || !type->by_file || !uri || strncmp(uri, scheme, sizeof scheme - 1) != 0)
		return NULL;
	return uri + sizeof scheme - 1;
}

/* Whether the root of the graph is one model, whose answer leaves. */
static bool explains_one_model(const struct deployment_predictor *predictor)
{
	const struct graph_node *root = &predictor->graph;
	return root->children.count == 0 && node_acts(root) == ACT_PREDICT && node_built_in(root) == BUILT_IN_NONE;
}

const char *explainer_refusal(const struct deployment_spec *deployment, const struct deployment_predictor *predictor)
{
	const struct deployment_explainer *explainer = &predictor->explainer;
	const struct explainer_type *type = explainer_type_find(explainer);
	if (!type) /* none, or an unknown one, which is an error of its own */
		return NULL;
	if (!type->by && !explainer_file(explainer))
		return type->otherwise;
	if (deployment->predictors.count > 1)
		return "is not run: explained are deployments with one predictor so far; write the others as a SeldonDeployment of "
		       "their own";
	if (!explains_one_model(predictor))
		return "is not run: explained are graphs of one model so far; write the graph as a Pipeline, with a step of kind "
		       "`explain`";
	return NULL;
}

/* Adds the options of the step that explains the step of that name. */
static void explainer_put(const struct deployment_explainer *explainer, const char *step, struct arena *arena,
			  struct growing *options)
{
	const struct explainer_type *type = explainer_type_find(explainer);
	if (!type)
		return;
	const char *by = explainer_file(explainer) ? type->by_file : type->by;
	map_put(options, "step", node_scalar(arena, explainer->here, step, true));
	map_put(options, "by", node_scalar(arena, explainer->here, by, true));
	map_put(options, "deliver", node_scalar(arena, explainer->here, "on-request", true));
}

#define STEPS_OF_A_NODE 5 /* what it does before its children, a way to them, what it does behind them */
#define FIELDS_MOST 12	  /* of a map that is made here */
#define BACKGROUND_ANNOTATION "sluice.io/explainer-background" /* a file of rows */
#define EXPOSURES_ANNOTATION "sluice.io/exposures" /* thin or full */

struct translation {
	struct arena *arena;
	const struct resource *deployment;
	const struct deployment_predictor *predictor; /* whose graph it is */
	const char *name;		   /* of the pipeline */
	struct growing steps;
};

/* ---- names ---- */

static bool is_taken(const struct translation *own, const char *name)
{
	for (size_t i = 0; i < own->steps.node->count; i++)
		if (text_is(node_get(own->steps.items[i], "name")->scalar, name))
			return true;
	return strcmp(name, own->name) == 0;
}

/* Letters that a step's name may have. */
static const char *plain_name(struct arena *arena, const char *name)
{
	char *copy = arena_copy(arena, name, strlen(name));
	for (char *c = copy; c && *c; c++) {
		const char small = letter_lowered(*c);
		bool plain = (small >= 'a' && small <= 'z') || (small >= '0' && small <= '9');
		*c = plain ? small : '-';
	}
	return copy;
}

static const char *step_name(const struct translation *own, const char *wanted, const char *suffix)
{
	const char *scope = callee_is_repeated(own->deployment, own->predictor, wanted) ? own->predictor->name.text : NULL;
	const char *whole = arena_print(own->arena, "%s%s%s%s", scope ? scope : "", scope ? "-" : "", wanted, suffix);
	const char *name = whole ? plain_name(own->arena, whole) : NULL, *numbered = name;
	for (unsigned i = 2; numbered && is_taken(own, numbered); i++)
		numbered = arena_print(own->arena, "%s-%u", name, i);
	return numbered;
}

static const char *node_name(const struct translation *own, const struct graph_node *node)
{
	return node->name.text ? node->name.text : own->predictor->name.text;
}

/* ---- steps ---- */

static const struct node *word(const struct translation *own, struct place place, const char *text)
{
	return node_scalar(own->arena, place, text, true);
}

/* NULL among `from` is the request. */
static const struct node *references(const struct translation *own, struct place place, const char *const *from, size_t count)
{
	struct growing list = list_begin(own->arena, place, count);
	for (size_t i = 0; i < count; i++)
		list_put(&list, word(own, place, from[i] ? from[i] : own->name));
	return list.node;
}

/* A step of that kind, whose options may still grow. Returns its name. */
static const char *add_step(struct translation *own, const struct graph_node *node, const char *suffix, const char *const *from,
			    size_t count, const char *kind, const struct node *options)
{
	const char *name = own->steps.node ? step_name(own, node_name(own, node), suffix) : NULL;
	struct growing step = map_begin(own->arena, node->here, FIELDS_MOST);
	map_put(&step, "name", word(own, node->here, name));
	if (count > 1 || from[0])
		map_put(&step, "inputs", references(own, node->here, from, count));
	map_put(&step, kind, options);
	if (!arena_failed(own->arena))
		list_put(&own->steps, step.node);
	return name;
}

static const char *add_call(struct translation *own, const struct graph_node *node, const char *suffix, enum call_method method,
			    const char *const *from, size_t count)
{
	struct growing options = map_begin(own->arena, node->here, FIELDS_MOST);
	const struct callee_scope scope = {own->deployment, own->predictor, own->arena};
	map_put(&options, "name", word(own, node->here, callee_name(&scope, node, method)));
	callee_put(&scope, node, method, &options);
	return add_step(own, node, suffix, from, count, "model", options.node);
}

/* Nothing is done to the message: a place that others can read, and be sent to. */
static const char *add_passage(struct translation *own, const struct graph_node *node, const char *from)
{
	struct growing options = map_begin(own->arena, node->here, 1);
	map_put(&options, "keep", word(own, node->here, "true"));
	return add_step(own, node, "-in", &from, 1, "filter", options.node);
}

/* SIMPLE_MODEL always says the same. */
static const char *add_fixed(struct translation *own, const struct graph_node *node, const char *from)
{
	struct growing options = map_begin(own->arena, node->here, 2), set = map_begin(own->arena, node->here, 1);
	const char *kept = "data";
	map_put(&set, kept, word(own, node->here, "reshape([0.1, 0.9, 0.5], [1, 3])"));
	map_put(&options, "set", set.node);
	struct growing keep = list_begin(own->arena, node->here, 1);
	list_put(&keep, word(own, node->here, kept));
	map_put(&options, "keep", keep.node);
	return add_step(own, node, "", &from, 1, "expression", options.node);
}

static const char *add_combination(struct translation *own, const struct graph_node *node, const char *suffix, const char *by,
				   bool one_is_enough, const char *const *from, size_t count)
{
	struct growing options = map_begin(own->arena, node->here, 2);
	map_put(&options, "by", word(own, node->here, by));
	if (one_is_enough)
		map_put(&options, "need", node_scalar(own->arena, node->here, "1", false));
	return add_step(own, node, suffix, from, count, "combine", options.node);
}

/* ---- ways ---- */

/* `as`: its name in the experiment of the deployment; NULL: it has none. */
static void add_share(const struct translation *own, struct growing *shares, struct place place, double weight, const char *to,
		      const char *as)
{
	struct growing share = map_begin(own->arena, place, 3);
	map_put(&share, "weight", node_scalar(own->arena, place, arena_print(own->arena, "%.17g", weight), false));
	map_put(&share, "to", word(own, place, to));
	map_put(&share, "as", word(own, place, as));
	list_put(shares, share.node);
}

static const char *translate(struct translation *own, const struct graph_node *node, const char *from);

/* Whether all that the node is sent goes to one step first. */
static bool begins_alone(const struct graph_node *node)
{
	unsigned first = ACT_PREDICT | ACT_TRANSFORM_INPUT;
	first |= node->children.count > 0 ? ACT_ROUTE : ACT_TRANSFORM_OUTPUT;
	return (node_acts(node) & first) != 0;
}

/* A node that only some messages are sent to; *entry: by that step. */
static const char *translate_way(struct translation *own, const struct graph_node *node, const char *from, const char **entry)
{
	size_t first = own->steps.node ? own->steps.node->count : 0;
	const char *result = translate(own, node, begins_alone(node) ? from : add_passage(own, node, from));
	*entry = arena_failed(own->arena) ? NULL : node_get(own->steps.items[first], "name")->scalar.bytes;
	return result;
}

/* The share that a built-in router gives to a child. */
static double share_of_child(const struct graph_node *node, size_t child)
{
	double ratio = 1;
	const char *ratio_text = node_built_in(node) == BUILT_IN_RANDOM ? node_parameter(node, "ratioA") : NULL;
	if (ratio_text)
		(void)number_read_double(text_of(ratio_text), &ratio);
	return child == 0 ? ratio : child == 1 ? 1 - ratio : 0;
}

static const char *translate_routed(struct translation *own, const struct graph_node *node, const char *from, const char **results)
{
	const struct graph_node *children = node->children.items;
	const struct callee_scope scope = {own->deployment, own->predictor, own->arena};
	bool built_in = node_built_in(node) != BUILT_IN_NONE;
	struct growing options = map_begin(own->arena, node->here, FIELDS_MOST);
	struct growing ways = list_begin(own->arena, node->here, node->children.count);
	if (!built_in) {
		map_put(&options, "model", word(own, node->here, callee_name(&scope, node, CALL_ROUTE)));
		callee_put(&scope, node, CALL_ROUTE, &options);
	}
	map_put(&options, built_in ? "shares" : "ways", ways.node);
	bool named = (node_acts(node) & (ACT_PREDICT | ACT_TRANSFORM_INPUT)) != 0;
	const char *router = add_step(own, node, named ? "-route" : "", &from, 1, built_in ? "traffic" : "router", options.node);
	for (size_t i = 0; i < node->children.count; i++) {
		const char *entry;
		results[i] = translate_way(own, &children[i], router, &entry);
		if (built_in)
			add_share(own, &ways, node->here, share_of_child(node, i), entry, NULL);
		else
			list_put(&ways, word(own, node->here, entry));
	}
	results[node->children.count] = router; /* whose message leaves as it is, when it goes no way */
	const char *answer = add_combination(own, node, "-answer", "first", true, results, node->children.count + !built_in);
	if (!built_in)
		map_put(&options, "none", word(own, node->here, answer));
	return answer;
}

static const char *translate_children(struct translation *own, const struct graph_node *node, const char *from)
{
	const struct graph_node *children = node->children.items;
	size_t count = node->children.count;
	const char **results = ARENA_ARRAY(own->arena, const char *, count + 1);
	unsigned acts = node_acts(node);
	if (!results)
		return NULL;
	if (acts & ACT_ROUTE) {
		results[0] = translate_routed(own, node, from, results);
		count = 1;
	}
	for (size_t i = 0; i < count && !(acts & ACT_ROUTE); i++)
		results[i] = translate(own, &children[i], from);
	const char *suffix = acts == ACT_AGGREGATE ? "" : "-aggregate";
	if (node_built_in(node) == BUILT_IN_AVERAGE)
		return add_combination(own, node, suffix, "average", false, results, count);
	if (acts & ACT_AGGREGATE)
		return add_call(own, node, suffix, CALL_AGGREGATE, results, count);
	return count == 1 ? results[0] : add_combination(own, node, "-answer", "first", false, results, count);
}

/* The node and all behind it; `from` NULL is the request. Returns what has its result. */
static const char *translate(struct translation *own, const struct graph_node *node, const char *from)
{
	unsigned acts = node_acts(node);
	const char *result = from;
	if (node_built_in(node) == BUILT_IN_MODEL)
		result = add_fixed(own, node, from);
	else if (acts & ACT_PREDICT)
		result = add_call(own, node, "", CALL_PREDICT, &from, 1);
	else if (acts & ACT_TRANSFORM_INPUT)
		result = add_call(own, node, "", CALL_TRANSFORM_INPUT, &from, 1);
	if (node->children.count > 0)
		result = translate_children(own, node, result);
	if (acts & ACT_TRANSFORM_OUTPUT)
		result = add_call(own, node, acts == ACT_TRANSFORM_OUTPUT ? "" : "-output", CALL_TRANSFORM_OUTPUT, &result, 1);
	return result;
}

/* ---- documents ---- */

static size_t count_nodes(const struct graph_node *node)
{
	const struct graph_node *children = node->children.items;
	size_t count = 1;
	for (size_t i = 0; i < node->children.count; i++)
		count += count_nodes(&children[i]);
	return count;
}

static const struct node *deployment_part(const struct resource *deployment, const char *part, const char *key)
{
	return node_get(node_get(deployment->node, part), key);
}

/* Those of `metadata` and of `spec`; NULL: there are none. */
static const struct node *deployment_annotations(const struct translation *own)
{
	const struct node *annotations = deployment_part(own->deployment, "metadata", "annotations"),
			  *more = deployment_part(own->deployment, "spec", "annotations");
	return annotations && more ? node_merged(own->arena, annotations, more) : annotations ? annotations : more;
}

static const struct node *made_metadata(const struct translation *own)
{
	const struct resource *deployment = own->deployment;
	struct growing metadata = map_begin(own->arena, deployment->place, 3);
	map_put(&metadata, "name", word(own, deployment->name.place, own->name));
	map_put(&metadata, "namespace", word(own, deployment->place, deployment->namespace));
	map_put(&metadata, "annotations", deployment_annotations(own));
	return metadata.node;
}

static const struct node *document(const struct translation *own, const char *const *results, size_t count)
{
	struct place place = own->deployment->place;
	struct growing root = map_begin(own->arena, place, 4), spec = map_begin(own->arena, place, 3);
	struct growing input = map_begin(own->arena, place, 1), output = map_begin(own->arena, place, 3);
	const struct node *in = callee_topic(own->deployment, "KAFKA_INPUT_TOPIC"),
			  *out = callee_topic(own->deployment, "KAFKA_OUTPUT_TOPIC");
	map_put(&root, "apiVersion", word(own, place, PIPELINE_VERSION));
	map_put(&root, "kind", word(own, place, "Pipeline"));
	map_put(&root, "metadata", made_metadata(own));
	map_put(&root, "spec", spec.node);
	map_put(&spec, "steps", own->steps.node);
	map_put(&input, "topic", in);
	if (in && strcmp(own->name, own->deployment->name.text) == 0)
		map_put(&spec, "input", input.node);
	map_put(&output, "steps", references(own, place, results, count));
	if (count > 1)
		map_put(&output, "stepsJoin", word(own, place, "any"));
	if (strcmp(own->name, own->deployment->name.text) == 0)
		map_put(&output, "topic", out);
	map_put(&spec, "output", output.node);
	return root.node;
}

static void translation_begin(struct translation *own, const char *name, const struct deployment_predictor *predictors,
			      size_t count)
{
	size_t nodes = 1;
	for (size_t i = 0; i < count; i++)
		nodes += count_nodes(&predictors[i].graph);
	own->name = name;
	own->steps = list_begin(own->arena, own->deployment->place, STEPS_OF_A_NODE * nodes);
}

/* The step that explains what the only model answers; or what its file answers, which is then evaluated beside it. */
static void deployment_pipeline_explain(struct translation *own, const char *result)
{
	const struct deployment_predictor *predictor = own->predictor;
	const struct deployment_explainer *explainer = &predictor->explainer;
	const char *file = explainer_file(explainer), *request = NULL;
	struct graph_node node = {.here = explainer->here, .name = {node_name(own, &predictor->graph), explainer->here}};
	if (!explainer->type || explainer_refusal(own->deployment->spec, predictor))
		return;
	if (file) {
		struct growing local = map_begin(own->arena, explainer->here, 1);
		map_put(&local, "local", node_scalar(own->arena, explainer->model_uri.place, file, true));
		result = add_step(own, &node, "-explained", &request, 1, "model", local.node);
	}
	struct growing options = map_begin(own->arena, explainer->here, FIELDS_MOST);
	if (result)
		explainer_put(explainer, result, own->arena, &options);
	map_put(&options, "background", node_get(deployment_annotations(own), BACKGROUND_ANNOTATION));
	(void)add_step(own, &node, "-explainer", &result, 1, "explain", options.node);
}

/* One predictor by itself. */
static const struct node *whole(struct translation *own, const struct deployment_predictor *predictor, const char *name)
{
	translation_begin(own, name, predictor, 1);
	own->predictor = predictor;
	const char *result = translate(own, &predictor->graph, NULL);
	deployment_pipeline_explain(own, result);
	if (!result && !arena_failed(own->arena))
		result = add_passage(own, &predictor->graph, NULL);
	return document(own, &result, 1);
}

static const char *shadow_name(const struct translation *own, const struct deployment_predictor *shadow)
{
	return arena_print(own->arena, "%s-%s", own->deployment->name.text, shadow->name.text);
}

/* Predictors that share requests are the candidates of an experiment of the deployment's name, and a shadow is its mirror. */
static void experiment_put(const struct translation *own, struct growing *options)
{
	const struct resource *deployment = own->deployment;
	map_put(options, "experiment", word(own, deployment->name.place, deployment->name.text));
	map_put(options, "exposures", node_get(deployment_annotations(own), EXPOSURES_ANNOTATION));
}

/* Predictors among which requests are shared out, and those that get copies. */
static const struct node *shared(struct translation *own, const struct deployment_predictor *predictors, size_t count)
{
	struct place place = own->deployment->place;
	struct growing options = map_begin(own->arena, place, 4), shares = list_begin(own->arena, place, count);
	struct growing copies = list_begin(own->arena, place, count);
	const char **results = ARENA_ARRAY(own->arena, const char *, count), *request = NULL, *entry;
	const struct graph_node front = {.here = place, .name = {DEPLOYMENT_SPLIT_STEP, place}};
	size_t answering = 0, alone = 0;
	translation_begin(own, own->deployment->name.text, predictors, count);
	map_put(&options, "shares", shares.node);
	for (size_t i = 0; i < count; i++)
		alone += !predictors[i].shadow;
	experiment_put(own, &options);
	own->predictor = &predictors[0];
	const char *traffic = add_step(own, &front, "", &request, 1, "traffic", options.node);
	for (size_t i = 0; results && i < count; i++) {
		own->predictor = &predictors[i];
		if (predictors[i].shadow) {
			struct growing copy = map_begin(own->arena, predictors[i].here, 2);
			map_put(&copy, "call", word(own, predictors[i].here, shadow_name(own, &predictors[i])));
			map_put(&copy, "mirror", node_scalar(own->arena, predictors[i].here, "true", false));
			list_put(&copies, copy.node);
			continue;
		}
		results[answering++] = translate_way(own, &predictors[i].graph, traffic, &entry);
		add_share(own, &shares, predictors[i].here, alone > 1 ? (double)predictors[i].traffic : 1, entry,
			  predictors[i].name.text);
	}
	if (answering < count)
		map_put(&options, "copies", copies.node);
	return document(own, results, answering);
}

size_t deployment_pipelines(const struct resource *deployment, struct arena *arena, const struct node **documents, size_t most)
{
	const struct deployment_spec *spec = deployment->spec;
	const struct deployment_predictor *predictors = spec->predictors.items;
	size_t count = spec->predictors.count, made = 0;
	struct translation own = {.arena = arena, .deployment = deployment};
	if (count == 0 || most == 0)
		return 0;
	documents[made++] = count == 1 ? whole(&own, predictors, deployment->name.text) : shared(&own, predictors, count);
	for (size_t i = 0; i < count && count > 1 && made < most; i++)
		if (predictors[i].shadow)
			documents[made++] = whole(&own, &predictors[i], shadow_name(&own, &predictors[i]));
	return arena_failed(arena) ? 0 : made;
}
