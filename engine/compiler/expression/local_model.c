/* local_model.c: see local_model.h. */
#include "compiler/expression/local_model.h"

#include "message/columns.h"
#include "message/provenance.h"

/* ---- rows of a tensor ---- */

static const struct tensor *tensor_chosen(const struct local_model *model, const struct payload *request, struct error *error)
{
	const struct tensor *chosen = NULL;
	const struct tensors tensors = request->tensors;
	if (model->input.length) {
		chosen = tensors_find(tensors, model->input);
		if (!chosen && !reply_lacks(request, model->input, PLACE_NONE, model->whose, error))
			error_set(error, ERROR_INPUT, PLACE_NONE, "%s takes the tensor `" TEXT_FORMAT "`, which did not come",
				  model->whose, TEXT_ARGUMENTS(model->input));
		return chosen;
	}
	size_t numeric = 0;
	for (size_t i = 0; i < tensors.count; i++)
		if (tensors.items[i]->datatype != DATATYPE_BYTES && ++numeric == 1)
			chosen = tensors.items[i];
	if (numeric == 1)
		return chosen;
	error_set(error, ERROR_INPUT, PLACE_NONE, "%s takes one numeric tensor, and %zu came; name one with `input`", model->whose,
		  numeric);
	error->of_tensor = numeric == 0 && tensors.count > 0;
	return error_null(reply_blamed(error, tensors.count == 1 ? tensors.items[0] : NULL));
}

static bool width_fits(const struct predictor_traits *traits, int64_t width)
{
	return width == (int64_t)traits->features || (traits->wider && width > (int64_t)traits->features);
}

static bool rows_of(const struct local_model *model, const struct tensor *tensor, struct arena *arena, struct row_shape *shape,
		    struct error *error)
{
	const struct predictor_traits *traits = predictor_traits(model->predictor);
	if (tensor->datatype == DATATYPE_BYTES)
		return error_set_tensor(error, PLACE_NONE, "%s takes numbers, and `" TEXT_FORMAT "` is %s", model->whose,
					TEXT_ARGUMENTS(tensor->name), tensor_type_text(arena, tensor));
	if (!row_shape_of(tensor, traits->features == 1 && !traits->wider, shape) || !width_fits(traits, (int64_t)shape->columns))
		return error_set_tensor(error, PLACE_NONE, "%s takes %s%zu numbers a row, and `" TEXT_FORMAT "` is %s",
					model->whose, traits->wider ? "at least " : "", traits->features,
					TEXT_ARGUMENTS(tensor->name), tensor_type_text(arena, tensor));
	return true;
}

/* ---- answers ---- */

static const struct tensor *labels_made(const struct local_model *model, const double *answers, size_t rows, struct arena *arena,
					struct error *error)
{
	size_t width = predictor_traits(model->predictor)->outputs;
	const int64_t shape[] = {(int64_t)rows};
	void *elements;
	struct tensor *tensor = tensor_make(arena, TEXT(LOCAL_MODEL_LABEL), DATATYPE_BYTES, shape, 1, &elements, error);
	for (size_t i = 0; tensor && i < rows; i++)
		((struct text *)elements)[i] = model->labels[predictor_class(model->predictor, answers + i * width)];
	if (tensor)
		tensor->model = model->marked;
	return tensor;
}

bool local_model_answer(const struct local_model *model, const struct payload *request, struct arena *arena, struct tensors *answer,
			struct error *error)
{
	const struct predictor_traits *traits = predictor_traits(model->predictor);
	const struct tensor *tensor = tensor_chosen(model, request, error);
	struct row_shape shape_in = {0};
	if (!tensor || !rows_of(model, tensor, arena, &shape_in, error))
		return tensor && tensor->datatype == DATATYPE_BYTES && reply_blamed(error, tensor);
	const size_t rows = shape_in.rows;
	const int64_t shape[] = {(int64_t)rows, (int64_t)traits->outputs};
	const double *numbers = tensor_doubles(tensor, arena);
	double *margins = arena_take_raw(arena, rows * traits->margins * sizeof *margins);
	double *scratch = arena_take_raw(arena, predictor_scratch(model->predictor, rows) * sizeof *scratch);
	void *answers;
	struct tensor *given =
		tensor_make(arena, model->output, DATATYPE_FP64, shape, traits->outputs == 1 ? 1 : 2, &answers, error);
	if (!numbers || !margins || !scratch || !given)
		return error_memory(error, ERROR_LIMIT, "asking a model");
	given->model = model->marked;
	predictor_margins(model->predictor, numbers, shape_in.columns, rows, margins, scratch);
	predictor_answers(model->predictor, margins, rows, answers);
	arena->work += rows * traits->steps;
	struct tensors_builder tensors;
	tensors_begin(&tensors, arena, 2);
	tensors_add(&tensors, given);
	if (model->label_count) {
		const struct tensor *labels = labels_made(model, answers, rows, arena, error);
		if (!labels)
			return error_memory(error, ERROR_LIMIT, "naming the classes of a model's answer");
		tensors_put(&tensors, labels);
	}
	*answer = tensors_end(&tensors);
	return !arena_failed(arena) || error_memory(error, ERROR_LIMIT, "asking a model");
}

/* ---- types ---- */

static bool is_text(const struct value_type *type)
{
	return type->class == VALUE_TEXT || (type->datatype_known && type->datatype == DATATYPE_BYTES);
}

/* The tensor that will be taken, as far as that is known; NULL: it is not. */
static const struct tensor_type *type_chosen(const struct local_model *model, const struct tensor_types *in)
{
	const struct tensor_type *chosen = NULL;
	size_t numeric = 0;
	for (size_t i = 0; i < in->count; i++) {
		if (model->input.length && text_equal(in->items[i].name, model->input))
			return &in->items[i];
		if (!is_text(&in->items[i].type) && ++numeric == 1)
			chosen = &in->items[i];
	}
	return !model->input.length && in->complete && numeric == 1 ? chosen : NULL;
}

static bool type_check(const struct local_model *model, const struct tensor_types *in, const struct tensor_type *chosen,
		       struct error *error)
{
	const struct predictor_traits *traits = predictor_traits(model->predictor);
	if (!chosen && in->complete && model->input.length)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "it takes the tensor `" TEXT_FORMAT "`, which never comes",
				 TEXT_ARGUMENTS(model->input));
	if (!chosen)
		return true;
	if (is_text(&chosen->type))
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "it takes numbers, and `" TEXT_FORMAT "` is text",
				 TEXT_ARGUMENTS(chosen->name));
	if (!chosen->type.shape_known || (chosen->type.rank < 2 && traits->features == 1))
		return true;
	int64_t last = chosen->type.rank ? chosen->type.shape[chosen->type.rank - 1] : 1;
	if (chosen->type.rank > 2 || (last >= 0 && !width_fits(traits, last)))
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "its model takes %s%zu numbers a row, and `" TEXT_FORMAT
				 "` has %lld in the last of its %lu dimensions",
				 traits->wider ? "at least " : "", traits->features, TEXT_ARGUMENTS(chosen->name), (long long)last,
				 (unsigned long)chosen->type.rank);
	return true;
}

bool local_model_types(const struct local_model *model, const struct tensor_types *in, struct arena *arena,
		       struct tensor_types *out, struct error *error)
{
	const struct predictor_traits *traits = predictor_traits(model->predictor);
	const struct tensor_type *chosen = type_chosen(model, in);
	if (!type_check(model, in, chosen, error))
		return false;
	struct tensor_type *items = ARENA_ARRAY(arena, struct tensor_type, 2);
	if (!items)
		return error_memory(error, ERROR_SYSTEM, "inferring types");
	int64_t rows = -1;
	if (chosen && chosen->type.shape_known && traits->features > 1)
		rows = chosen->type.rank == 2 ? chosen->type.shape[0] : 1;
	items[0] = (struct tensor_type){.name = model->output,
					.type = {.class = VALUE_FLOAT,
					 .datatype_known = true,
					 .datatype = DATATYPE_FP64,
					 .shape_known = true,
					 .rank = traits->outputs == 1 ? 1 : 2,
					 .shape = {rows, (int64_t)traits->outputs}}};
	items[1] = (struct tensor_type){.name = TEXT(LOCAL_MODEL_LABEL),
					.type = {.class = VALUE_TEXT,
					 .datatype_known = true,
					 .datatype = DATATYPE_BYTES,
					 .shape_known = true,
					 .rank = 1,
					 .shape = {rows}}};
	*out = (struct tensor_types){.complete = true, .count = model->label_count ? 2 : 1, .items = items};
	return true;
}
