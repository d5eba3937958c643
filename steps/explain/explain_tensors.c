/* explain_tensors.c: see explain_tensors.h. */
#include "steps/explain/explain_tensors.h"

struct explain_tensor {
	const char *name;
	size_t part; /* offset of its numbers in struct explanation */
	bool by_output, by_feature;
};

#define PART(member) offsetof(struct explanation, member)
static const struct explain_tensor explain_numbers[] = {
	{"explanation", PART(contributions), true, true},	{"explanation_error", PART(errors), true, true},
	{"explanation_base", PART(base), true, false},		{"explanation_answer", PART(prediction), true, false},
	{"explanation_residual", PART(residual), true, false},	{"explanation_data", PART(row), false, true},
};

static const double *numbers_of(const struct explain_tensor *kind, const struct explanation *explanation)
{
	const double *numbers;
	memcpy(&numbers, (const char *)explanation + kind->part, sizeof numbers);
	return numbers;
}

static const struct tensor *numbers_make(const struct explain_tensor *kind, const struct explained *made, size_t rows,
					 struct arena *arena, struct error *error)
{
	const struct explanation *first = &made->data;
	int64_t shape[3] = {(int64_t)rows};
	size_t rank = 1, each = 1;
	if (kind->by_output && first->outputs > 1)
		shape[rank++] = (int64_t)first->outputs;
	if (kind->by_feature)
		shape[rank++] = (int64_t)first->features;
	for (size_t i = 1; i < rank; i++)
		each *= (size_t)shape[i];
	void *elements;
	const struct tensor *tensor = tensor_make(arena, text_of(kind->name), DATATYPE_FP64, shape, rank, &elements, error);
	for (size_t i = 0; tensor && made; made = made->next, i++)
		memcpy((double *)elements + i * each, numbers_of(kind, &made->data), each * sizeof(double));
	return tensor;
}

static const struct tensor *texts_make(struct text name, const struct text *texts, size_t count, struct arena *arena,
				       struct error *error)
{
	const int64_t shape[1] = {(int64_t)count};
	void *elements;
	const struct tensor *tensor = tensor_make(arena, name, DATATYPE_BYTES, shape, 1, &elements, error);
	if (tensor)
		memcpy(elements, texts, count * sizeof *texts);
	return tensor;
}

static bool rows_agree(const struct explained *made, struct error *error)
{
	const struct explanation *first = &made->data;
	for (; made; made = made->next)
		if (made->data.outputs != first->outputs || made->data.features != first->features)
			return error_set(error, ERROR_REMOTE, PLACE_NONE,
					 "the model of step `%s` answers %zu numbers to row 0 and %zu to row %zu; explanations of "
					 "one request need as many to each",
					 made->step, first->outputs, made->data.outputs, made->row);
	return true;
}

/* ---- anchors ---- */

static struct text rule_text(const struct explanation_rule *rule, struct arena *arena)
{
	struct text text = {"", 0};
	for (size_t i = 0; i < rule->count; i++) {
		const char *joined = arena_print(arena, TEXT_FORMAT "%s" TEXT_FORMAT, TEXT_ARGUMENTS(text), i ? " and " : "",
						 TEXT_ARGUMENTS(rule->conditions[i]));
		text = joined ? text_of(joined) : text;
	}
	return text;
}

static const struct explain_tensor rule_numbers[] = {
	{"explanation_answer", PART(prediction), true, false},
	{"explanation_base", PART(base), true, false},
};

static bool rule_tensors_put(struct tensors_builder *tensors, const struct explained *made, size_t rows, struct arena *arena,
			     struct error *error)
{
	const int64_t shape[1] = {(int64_t)rows};
	void *precision, *coverage;
	struct text *texts = ARENA_ARRAY(arena, struct text, rows);
	const struct tensor *tensor[5] = {NULL};
	tensor[0] = tensor_make(arena, TEXT("explanation_precision"), DATATYPE_FP64, shape, 1, &precision, error);
	tensor[1] = tensor_make(arena, TEXT("explanation_coverage"), DATATYPE_FP64, shape, 1, &coverage, error);
	if (!texts || !tensor[0] || !tensor[1])
		return false;
	for (size_t i = 0; i < 2; i++)
		tensor[2 + i] = numbers_make(&rule_numbers[i], made, rows, arena, error);
	for (size_t i = 0; made; made = made->next, i++) {
		texts[i] = rule_text(made->data.rule, arena);
		((double *)precision)[i] = made->data.rule->precision;
		((double *)coverage)[i] = made->data.rule->coverage;
	}
	tensor[4] = texts_make(TEXT("explanation_rule"), texts, rows, arena, error);
	for (size_t i = 0; i < sizeof tensor / sizeof *tensor; i++) {
		if (!tensor[i])
			return false;
		tensors_put(tensors, tensor[i]);
	}
	return true;
}

/* ---- all ---- */

static bool number_tensors_put(struct tensors_builder *tensors, const struct explained *made, size_t rows, struct arena *arena,
			       struct error *error)
{
	for (size_t i = 0; i < sizeof explain_numbers / sizeof *explain_numbers; i++) {
		const bool permuted = made->data.method == EXPLANATION_PERMUTATION;
		if (explain_numbers[i].part == PART(errors) && made->data.method != EXPLANATION_SAMPLED && !permuted)
			continue;
		if (explain_numbers[i].part == PART(residual) && permuted) /* nothing adds up */
			continue;
		const struct tensor *tensor = numbers_make(&explain_numbers[i], made, rows, arena, error);
		if (!tensor)
			return false;
		tensors_put(tensors, tensor);
	}
	const struct tensor *names =
		texts_make(TEXT("explanation_features"), made->data.names, made->data.features, arena, error);
	if (names)
		tensors_put(tensors, names);
	return names != NULL;
}

const struct payload *explain_tensors(const struct explained *made, size_t rows, const struct payload *others, bool alone,
				      struct arena *arena, struct error *error)
{
	const struct text method = text_of(explained_method(&made->data));
	struct payload *payload = ARENA_NEW(arena, struct payload);
	struct tensors_builder tensors;
	if (!rows_agree(made, error))
		return NULL;
	tensors_begin(&tensors, arena, others->tensors.count + sizeof explain_numbers / sizeof *explain_numbers + 3);
	for (size_t i = 0; !alone && i < others->tensors.count; i++)
		tensors_put(&tensors, others->tensors.items[i]);
	if (made->data.rule ? !rule_tensors_put(&tensors, made, rows, arena, error)
			    : !number_tensors_put(&tensors, made, rows, arena, error)) {
		if (error->kind == ERROR_NONE)
			error_memory(error, ERROR_LIMIT, "explaining a message");
		return NULL;
	}
	const struct tensor *methods = texts_make(TEXT("explanation_method"), &method, 1, arena, error);
	const struct text scale = text_of(explained_scale(&made->data));
	const struct tensor *scales = scale.length ? texts_make(TEXT("explanation_scale"), &scale, 1, arena, error) : methods;
	if (!payload || !methods || !scales)
		return error_null(error_memory(error, ERROR_LIMIT, "explaining a message"));
	tensors_put(&tensors, methods);
	if (scales != methods)
		tensors_put(&tensors, scales);
	*payload = *others;
	payload->tensors = tensors_end(&tensors);
	return payload;
}

const struct payload *explain_no_tensors(const struct payload *others, struct arena *arena, struct error *error)
{
	const struct text method = TEXT("none");
	struct payload *payload = ARENA_NEW(arena, struct payload);
	const struct tensor **items = arena_take_raw(arena, sizeof *items);
	if (!payload || !items || !(*items = texts_make(TEXT("explanation_method"), &method, 1, arena, error)))
		return error_null(error_memory(error, ERROR_LIMIT, "explaining a message"));
	*payload = *others;
	payload->tensors = (struct tensors){1, items};
	return payload;
}
