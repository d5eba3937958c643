/* explained_seldon.c: see explained_seldon.h. */
#include "message/formats/explained_seldon.h"

#include <math.h>
#include <stdlib.h>

#include "message/json/json_write.h"

/* What alibi calls the explainer of a method, and the settings of its that say how this one explains. */
struct seldon_explainer {
	const char *name, *type, *params;
};

#define TREE_PARAMS(algorithm)                                                                                               \
	"{\"model_output\":\"raw\",\"algorithm\":\"" algorithm "\",\"approximate\":false,"                                         \
	"\"interactions\":false,\"explain_loss\":false,\"summarise_background\":false,"                                            \
	"\"summarise_result\":false,\"kwargs\":{}}"
#define KERNEL_PARAMS(link)                                                                                                        \
	"{\"link\":\"" link "\",\"group_names\":null,\"grouped\":false,\"groups\":null,"                                           \
	"\"weights\":null,\"summarise_background\":false,\"summarise_result\":false,"                                              \
	"\"transpose\":false,\"kwargs\":{}}"
#define GRADIENTS_PARAMS "{\"method\":\"gausslegendre\",\"n_steps\":50,\"target_fn\":null,\"layer\":null}"
#define ANCHOR_PARAMS "{\"threshold\":0.95,\"delta\":0.05,\"batch_size\":100,\"max_anchor_size\":8,\"disc_perc\":[25,50,75]}"
#define PERMUTATION_PARAMS "{\"method\":\"estimate\",\"kind\":\"difference\",\"n_repeats\":1,\"sample_weight\":null}"

static const struct seldon_explainer seldon_explainers[] = {
	[EXPLANATION_PATHS] = {"TreeShap", "whitebox", TREE_PARAMS("tree_path_dependent")},
	[EXPLANATION_INTERVENTION] = {"TreeShap", "whitebox", TREE_PARAMS("interventional")},
	[EXPLANATION_LINEAR] = {"KernelShap", "blackbox", KERNEL_PARAMS("identity")},
	[EXPLANATION_GRADIENTS] = {"IntegratedGradients", "whitebox", GRADIENTS_PARAMS},
	[EXPLANATION_EXACT] = {"KernelShap", "blackbox", KERNEL_PARAMS("identity")},
	[EXPLANATION_SAMPLED] = {"KernelShap", "blackbox", KERNEL_PARAMS("identity")},
	[EXPLANATION_ANCHORS] = {"AnchorTabular", "blackbox", ANCHOR_PARAMS},
	[EXPLANATION_PERMUTATION] = {"PermutationImportance", "blackbox", PERMUTATION_PARAMS},
};

/* Of a linear model with its log-odds: alibi's `link` says whether the values are of the answer or of its log-odds. */
static const struct seldon_explainer seldon_logit = {"KernelShap", "blackbox", KERNEL_PARAMS("logit")};

static const struct seldon_explainer *explainer_of(const struct explanation *data)
{
	const bool logit = data->method == EXPLANATION_LINEAR && data->scale == SCALE_LOG_ODDS;
	return logit ? &seldon_logit : &seldon_explainers[data->method];
}

/* The explanation of a row; NULL: there is none. */
static const struct explained *row_find(const struct explained *first, const struct explained *like, size_t row)
{
	for (const struct explained *one = first; one; one = one->next)
		if (!one->failure && strcmp(one->step, like->step) == 0 && one->row == row)
			return one;
	return NULL;
}

static void numbers_write(struct buffer *out, const double *numbers, size_t count)
{
	buffer_byte(out, '[');
	for (size_t i = 0; i < count; i++) {
		if (i)
			buffer_byte(out, ',');
		json_write_finite(out, numbers[i]);
	}
	buffer_byte(out, ']');
}

/* The output with the greatest answer. */
static size_t class_of(const struct explanation *data)
{
	size_t greatest = 0;
	for (size_t i = 1; i < data->outputs; i++)
		if (data->prediction[i] > data->prediction[greatest])
			greatest = i;
	return greatest;
}

static void names_write(struct buffer *out, const struct text *names, size_t count)
{
	buffer_byte(out, '[');
	for (size_t i = 0; i < count; i++)
		json_write_string_after(out, i ? TEXT(",") : TEXT(""), names[i]);
	buffer_byte(out, ']');
}

/* ---- rows of all that was explained ---- */

struct seldon_rows {
	const struct explained *first, *like; /* `like`: one of the step */
};

enum row_part { ROW_VALUES, ROW_PREDICTIONS, ROW_CONTRIBUTIONS };

#define OUTPUT_OF_CLASS SIZE_MAX /* of each row the output of its class */

/* [rows][...]: of one output, where the part has outputs. */
static void rows_write(struct buffer *out, const struct seldon_rows *rows, enum row_part part, size_t output)
{
	bool any = false;
	buffer_byte(out, '[');
	for (size_t row = 0; row < rows->like->rows; row++) {
		const struct explained *one = row_find(rows->first, rows->like, row);
		if (!one)
			continue;
		const struct explanation *data = &one->data;
		if (any)
			buffer_byte(out, ',');
		any = true;
		if (part == ROW_VALUES)
			numbers_write(out, data->row, data->rule ? data->rule->width : data->features);
		else if (part == ROW_PREDICTIONS)
			numbers_write(out, data->prediction, data->outputs);
		else
			numbers_write(out,
				      data->contributions + (output == OUTPUT_OF_CLASS ? class_of(data) : output) * data->features,
				      data->features);
	}
	buffer_byte(out, ']');
}

/* A list with one item for each output: [outputs][rows][features]. */
static void contributions_write(struct buffer *out, const struct seldon_rows *rows)
{
	buffer_byte(out, '[');
	for (size_t output = 0; output < rows->like->data.outputs; output++) {
		if (output)
			buffer_byte(out, ',');
		rows_write(out, rows, ROW_CONTRIBUTIONS, output);
	}
	buffer_byte(out, ']');
}

/* ---- one form for each kind of method ---- */

static void anchor_write(struct buffer *out, const struct seldon_rows *rows)
{
	const struct explained *one = row_find(rows->first, rows->like, 0);
	const struct explanation *data = one ? &one->data : &rows->like->data;
	const struct explanation_rule *rule = data->rule;
	buffer_string(out, "{\"anchor\":");
	names_write(out, rule->conditions, rule->count);
	buffer_string(out, ",\"precision\":");
	json_write_finite(out, rule->precision);
	buffer_string(out, ",\"coverage\":");
	json_write_finite(out, rule->coverage);
	buffer_string(out, ",\"raw\":{\"feature\":[");
	for (size_t i = 0; i < rule->count; i++)
		buffer_print(out, "%s%u", i ? "," : "", rule->features[i]);
	buffer_string(out, "],\"names\":");
	names_write(out, rule->conditions, rule->count);
	buffer_string(out, ",\"prediction\":");
	numbers_write(out, data->prediction, data->outputs);
	buffer_string(out, ",\"instance\":");
	numbers_write(out, data->row, rule->width);
	buffer_string(out, ",\"instances\":");
	rows_write(out, rows, ROW_VALUES, 0);
	buffer_print(out, ",\"num_preds\":%zu,\"success\":%s}}", rule->perturbations, rule->holds ? "true" : "false");
}

/* The class of each row. One output is no class. */
static void classes_write(struct buffer *out, const struct seldon_rows *rows)
{
	bool any = false;
	buffer_byte(out, '[');
	for (size_t row = 0; rows->like->data.outputs > 1 && row < rows->like->rows; row++) {
		const struct explained *one = row_find(rows->first, rows->like, row);
		if (one)
			buffer_print(out, "%s%zu", any ? "," : "", class_of(&one->data));
		any = any || one;
	}
	buffer_byte(out, ']');
}

struct seldon_rank {
	double effect; /* mean absolute contribution over the rows */
	size_t feature;
};

static int ranks_compare(const void *left, const void *right)
{
	const struct seldon_rank *a = left, *b = right;
	if (a->effect != b->effect)
		return a->effect < b->effect ? 1 : -1;
	return a->feature < b->feature ? -1 : 1;
}

/* Adds the mean absolute contributions to an output. */
static void ranks_add(struct seldon_rank *ranks, const struct seldon_rows *rows, size_t output)
{
	const struct explanation *like = &rows->like->data;
	size_t count = 0;
	for (size_t row = 0; row < rows->like->rows; row++)
		count += row_find(rows->first, rows->like, row) != NULL;
	for (size_t row = 0; row < rows->like->rows; row++) {
		const struct explained *one = row_find(rows->first, rows->like, row);
		for (size_t i = 0; one && i < like->features; i++)
			ranks[i].effect += fabs(one->data.contributions[output * like->features + i]) / (double)count;
	}
}

static void ranks_write(struct buffer *out, struct seldon_rank *ranks, const struct explanation *data)
{
	qsort(ranks, data->features, sizeof *ranks, ranks_compare);
	buffer_string(out, "{\"ranked_effect\":[");
	for (size_t i = 0; i < data->features; i++) {
		if (i)
			buffer_byte(out, ',');
		json_write_finite(out, ranks[i].effect);
	}
	buffer_string(out, "],\"names\":[");
	for (size_t i = 0; i < data->features; i++)
		json_write_string_after(out, i ? TEXT(",") : TEXT(""), data->names[ranks[i].feature]);
	buffer_string(out, "]}");
}

/* Features by their mean absolute contributions, for each output and for all. False: memory ran out. */
static bool importances_write(struct buffer *out, const struct seldon_rows *rows, struct arena *arena)
{
	const struct explanation *data = &rows->like->data;
	struct seldon_rank *ranks = ARENA_ARRAY(arena, struct seldon_rank, data->features);
	buffer_byte(out, '{');
	for (size_t output = 0; ranks && output <= data->outputs; output++) {
		const bool all = output == data->outputs;
		for (size_t i = 0; i < data->features; i++)
			ranks[i] = (struct seldon_rank){0, i};
		for (size_t i = all ? 0 : output; i < data->outputs && (all || i == output); i++)
			ranks_add(ranks, rows, i);
		if (all)
			buffer_string(out, "\"aggregated\":");
		else
			buffer_print(out, "\"%zu\":", output);
		ranks_write(out, ranks, data);
		if (!all)
			buffer_byte(out, ',');
	}
	buffer_byte(out, '}');
	return ranks != NULL;
}

static bool shap_write(struct buffer *out, const struct seldon_rows *rows, struct arena *arena)
{
	const struct explanation *data = &rows->like->data;
	const bool trees = data->method == EXPLANATION_PATHS || data->method == EXPLANATION_INTERVENTION;
	buffer_string(out, "{\"shap_values\":");
	contributions_write(out, rows);
	buffer_string(out, ",\"expected_value\":");
	numbers_write(out, data->base, data->outputs);
	buffer_string(out, ",\"categorical_names\":{},\"feature_names\":");
	names_write(out, data->names, data->features);
	buffer_string(out, ",\"raw\":{\"raw_prediction\":");
	rows_write(out, rows, ROW_PREDICTIONS, 0);
	buffer_string(out, ",\"prediction\":");
	classes_write(out, rows);
	buffer_string(out, ",\"instances\":");
	rows_write(out, rows, ROW_VALUES, 0);
	buffer_string(out, trees ? ",\"loss\":null,\"labels\":null,\"importances\":" : ",\"importances\":");
	const bool good = importances_write(out, rows, arena);
	buffer_string(out, "}}");
	return good;
}

/* Of the first row, as the mean over the rows of the background, with its standard error. */
static void importance_write(struct buffer *out, const struct seldon_rows *rows)
{
	const struct explained *one = row_find(rows->first, rows->like, 0);
	const struct explanation *data = one ? &one->data : &rows->like->data;
	buffer_string(out, "{\"feature_names\":");
	names_write(out, data->names, data->features);
	buffer_string(out, ",\"metric_names\":[");
	for (size_t output = 0; output < data->outputs; output++)
		buffer_string(out, output ? ",\"loss_mse\"" : "\"loss_mse\"");
	buffer_string(out, "],\"feature_importance\":[");
	for (size_t output = 0; output < data->outputs; output++) {
		buffer_string(out, output ? ",[" : "[");
		for (size_t i = 0; i < data->features; i++) {
			buffer_string(out, i ? ",{\"mean\":" : "{\"mean\":");
			json_write_finite(out, data->contributions[output * data->features + i]);
			buffer_string(out, ",\"std\":");
			json_write_finite(out, data->errors[output * data->features + i]);
			buffer_byte(out, '}');
		}
		buffer_byte(out, ']');
	}
	buffer_string(out, "]}");
}

/* The target of each row is its class, as Seldon's runtime asks alibi for it; of a regression there is none. */
static void gradients_write(struct buffer *out, const struct seldon_rows *rows)
{
	bool any = false;
	buffer_string(out, "{\"attributions\":[");
	rows_write(out, rows, ROW_CONTRIBUTIONS, OUTPUT_OF_CLASS);
	buffer_string(out, "],\"X\":");
	rows_write(out, rows, ROW_VALUES, 0);
	buffer_string(out, ",\"predictions\":");
	rows_write(out, rows, ROW_PREDICTIONS, 0);
	buffer_string(out, ",\"target\":");
	if (rows->like->data.outputs > 1)
		classes_write(out, rows);
	else
		buffer_string(out, "null");
	buffer_string(out, ",\"deltas\":[");
	for (size_t row = 0; row < rows->like->rows; row++) {
		const struct explained *one = row_find(rows->first, rows->like, row);
		if (one && any)
			buffer_byte(out, ',');
		if (one)
			json_write_finite(out, -one->data.residual[class_of(&one->data)]);
		any = any || one;
	}
	buffer_string(out, "]}");
}

bool explained_write_seldon(const struct explained *first, const struct message *message, const char *pipeline, struct buffer *out,
			    struct error *error)
{
	const struct explained *like = explained_any(first);
	if (!like)
		return explained_write_json(first, message, pipeline, out, error);
	const struct seldon_rows rows = {first, like};
	const struct seldon_explainer *explainer = explainer_of(&like->data);
	buffer_print(out,
		     "{\"meta\":{\"name\":\"%s\",\"type\":[\"%s\"],\"explanations\":[\"local\"],\"params\":%s,\"version\":null},"
		     "\"data\":",
		     explainer->name, explainer->type, explainer->params);
	if (like->data.rule)
		anchor_write(out, &rows);
	else if (like->data.method == EXPLANATION_PERMUTATION)
		importance_write(out, &rows);
	else if (like->data.method == EXPLANATION_GRADIENTS)
		gradients_write(out, &rows);
	else if (!shap_write(out, &rows, message->arena))
		return error_memory(error, ERROR_LIMIT, "writing explanations");
	buffer_byte(out, ',');
	return explained_write_fields(first, message, pipeline, out, error);
}

bool explained_write_reply(const struct explained *first, const struct message *message, const char *pipeline, struct buffer *out,
			   struct error *error)
{
	const struct header *header = message_header(message, HEADER_REPLY_EXPLANATION);
	if (header && text_is(header->value, EXPLAIN_REPLY_SELDON))
		return explained_write_seldon(first, message, pipeline, out, error);
	return explained_write_json(first, message, pipeline, out, error);
}
