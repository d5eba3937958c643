/* model_switch.c: see model_switch.h. */
#include "flow/model_switch.h"

/* The model that the first element of the decision tensor selects, by its position in the list or by name. */
static const char *switch_choose(const struct model_switch *model_switch, const struct tensor *decision, struct error *error)
{
	const struct datatype_row *datatype = &datatype_rows[decision->datatype];
	bool text = datatype->class == CLASS_BYTES;
	bool integer = datatype->class == CLASS_SIGNED || datatype->class == CLASS_UNSIGNED;
	if (decision->count == 0 || (!text && !integer))
		return error_null(error_set_tensor(error, PLACE_NONE,
						   "no route: `" TEXT_FORMAT "` is %s of %zu elements, and an integer or a name "
						   "chooses a model",
						   TEXT_ARGUMENTS(model_switch->decision), datatype->name, decision->count));
	if (text) {
		struct text wanted = *(const struct text *)decision->data;
		for (size_t i = 0; i < model_switch->count; i++)
			if (text_is(wanted, model_switch->models[i].text))
				return model_switch->models[i].text;
		return error_null(error_set(error, ERROR_INPUT, PLACE_NONE,
					    "no route: `" TEXT_FORMAT "` names the model `" TEXT_FORMAT
					    "`, which is not in its list; add it, or send one that is",
					    TEXT_ARGUMENTS(model_switch->decision), TEXT_ARGUMENTS(wanted)));
	}
	double index = tensor_number(decision, 0);
	for (size_t i = 0; i < model_switch->count; i++)
		if (index == (double)i)
			return model_switch->models[i].text;
	return error_null(error_set(error, ERROR_INPUT, PLACE_NONE,
				    "no route: `" TEXT_FORMAT "` is %.17g, and its list has the routes 0 to %zu",
				    TEXT_ARGUMENTS(model_switch->decision), index, model_switch->count - 1));
}

bool model_switch_apply(const struct model_switch *model_switch, const struct step *step, const struct payload *input,
			struct arena *arena, const char **model, const struct payload **rest, struct error *error)
{
	assert(model_switch->decision.length > 0); /* the step has a switch */
	const struct tensor *decision = tensors_find(input->tensors, model_switch->decision);
	if (!decision)
		return error_set(error, ERROR_INPUT, step->place,
				 "no route: step `%s` chooses a model by the tensor `" TEXT_FORMAT "`, which did not come",
				 step->name, TEXT_ARGUMENTS(model_switch->decision));
	*model = switch_choose(model_switch, decision, error);
	if (!*model)
		return false;
	struct payload *made = ARENA_NEW(arena, struct payload);
	if (!made)
		return error_memory(error, ERROR_LIMIT, "choosing a model");
	*made = *input;
	struct tensors_builder tensors;
	tensors_begin(&tensors, arena, input->tensors.count);
	for (size_t i = 0; i < input->tensors.count; i++)
		if (input->tensors.items[i] != decision)
			tensors_add(&tensors, input->tensors.items[i]);
	made->tensors = tensors_end(&tensors);
	*rest = made;
	return true;
}
