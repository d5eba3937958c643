/* deployment_explainer.c: see deployment_explainer.h. */
#include "compiler/resources/deployment_explainer.h"

#include "base/text.h"
#include "compiler/resources/deployment_pipeline.h"

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

const char *explainer_file(const struct deployment_explainer *explainer)
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

void explainer_put(const struct deployment_explainer *explainer, const char *step, struct arena *arena, struct growing *options)
{
	const struct explainer_type *type = explainer_type_find(explainer);
	if (!type)
		return;
	const char *by = explainer_file(explainer) ? type->by_file : type->by;
	map_put(options, "step", node_scalar(arena, explainer->here, step, true));
	map_put(options, "by", node_scalar(arena, explainer->here, by, true));
	map_put(options, "deliver", node_scalar(arena, explainer->here, "on-request", true));
}
