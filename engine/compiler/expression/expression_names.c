/* expression_names.c: Resolution of names in an expression: a tensor, a mark, a parameter, a header, or a predefined
 * name; and the error for a missing one. */
#include "base/suggest.h"
#include "message/provenance.h"
#include "compiler/expression/expression_run.h"

static bool single(struct evaluation *evaluation, enum datatype storage, const void *element, struct value *result)
{
	static const int64_t no_shape[1];
	size_t size = datatype_stride(storage);
	void *kept = arena_take_raw(evaluation->arena, size);
	if (!kept)
		return evaluation_full(evaluation);
	memcpy(kept, element, size);
	*result = (struct value){.data = kept, .shape = no_shape, .count = 1, .storage = (uint8_t)storage};
	return true;
}

static bool single_text(struct evaluation *evaluation, struct text text, struct value *result)
{
	return single(evaluation, DATATYPE_BYTES, &text, result);
}

static const char *special_text(const struct scope *scope, enum special_name special)
{
	switch (special) {
	case SPECIAL_PIPELINE:
		return scope->pipeline;
	case SPECIAL_STEP:
		return scope->step;
	case SPECIAL_VARIANT:
		return scope->variant;
	case SPECIAL_MODEL:
		return scope->model;
	case SPECIAL_VERSION:
		return scope->version;
	default:
		return NULL;
	}
}

static bool load_special(struct evaluation *evaluation, enum special_name special, struct value *result)
{
	const struct scope *scope = evaluation->scope;
	const struct message *message = scope->message;
	if (message && special == SPECIAL_TIME)
		return single(evaluation, DATATYPE_INT64, &message->time_ms, result);
	if (message && special == SPECIAL_ID)
		return single_text(evaluation, message->id, result);
	if (message && special == SPECIAL_KEY && message->key.bytes)
		return single_text(evaluation, message->key, result);
	const char *text = special_text(scope, special);
	return text ? single_text(evaluation, text_of(text), result)
		    : evaluation_fail_of_name(evaluation, "this message has no `%s`; write %s ?? otherwise", special_names[special],
					      special_names[special]);
}

/* A model's reply lacks it: a REMOTE error, where words are made. True: so it is. */
static bool miss_reply(struct evaluation *evaluation, const struct payload *payload, struct text name)
{
	struct error lacks = {0};
	struct place place = expression_place_at(evaluation->expression, evaluation->instruction->node->at);
	if (evaluation->quiet || evaluation->missing_expected || !reply_lacks(payload, name, place, "an expression", &lacks))
		return false;
	evaluation->missing = true;
	error_set(evaluation->error, lacks.kind, lacks.place, "%s, or write `" TEXT_FORMAT " ?? otherwise`", lacks.text,
		  TEXT_ARGUMENTS(name));
	return true;
}

/* An error that names what is missing, and the nearest that is there. */
static bool miss_tensor(struct evaluation *evaluation, const struct expression_name *name)
{
	const struct scope *scope = evaluation->scope;
	if (miss_reply(evaluation, scope->payload, name->name))
		return false;
	struct suggestion suggestion = suggest_begin(name->name);
	const struct tensors *lists[] = {scope->made, scope->payload ? &scope->payload->tensors : NULL,
					 scope->payload ? &scope->payload->marks : NULL};
	for (size_t i = 0; i < sizeof lists / sizeof *lists && !evaluation->quiet && !evaluation->missing_expected; i++)
		for (size_t j = 0; lists[i] && j < lists[i]->count; j++)
			suggest_offer(&suggestion, lists[i]->items[j]->name);
	if (suggestion.nearest.bytes)
		return evaluation_fail_of_name(
			evaluation, "tensor `" TEXT_FORMAT "` is missing; send it, or write `" TEXT_FORMAT "`, which is there",
			TEXT_ARGUMENTS(name->name), TEXT_ARGUMENTS(suggestion.nearest));
	return evaluation_fail_of_name(evaluation,
				       "tensor `" TEXT_FORMAT "` is missing; send it, or write `" TEXT_FORMAT " ?? otherwise`",
				       TEXT_ARGUMENTS(name->name), TEXT_ARGUMENTS(name->name));
}

static bool load_parameter(struct evaluation *evaluation, const struct expression_name *name, struct value *result)
{
	const struct message *message = evaluation->scope->message;
	const struct parameter *parameter = message ? parameters_find(message->payload.parameters, name->name) : NULL;
	if (!parameter)
		return evaluation_fail_of_name(evaluation,
					       "the request has no parameter `" TEXT_FORMAT
					       "`; send it, or write params." TEXT_FORMAT " ?? otherwise",
					       TEXT_ARGUMENTS(name->name), TEXT_ARGUMENTS(name->name));
	uint8_t flag = parameter->type == PARAMETER_FLAG && parameter->value.flag;
	switch (parameter->type) {
	case PARAMETER_FLAG:
		return single(evaluation, DATATYPE_BOOL, &flag, result);
	case PARAMETER_INTEGER:
		return single(evaluation, DATATYPE_INT64, &parameter->value.integer, result);
	case PARAMETER_UNSIGNED:
		return single(evaluation, DATATYPE_UINT64, &parameter->value.natural, result);
	case PARAMETER_NUMBER:
		return single(evaluation, DATATYPE_FP64, &parameter->value.number, result);
	case PARAMETER_TEXT:
		break;
	}
	return single_text(evaluation, parameter->value.text, result);
}

static bool load_owned(struct evaluation *evaluation, const struct expression_name *name, struct value *result)
{
	const struct scope *scope = evaluation->scope;
	const struct tensor *tensor = NULL;
	bool known = scope->step_tensor && scope->step_tensor(scope->context, name->owner, name->name, &tensor);
	if (!known && text_is(name->owner, "params"))
		return load_parameter(evaluation, name, result);
	if (!known && text_is(name->owner, "request") && scope->message) {
		tensor = tensors_find(scope->message->payload.tensors, name->name);
		known = true;
	}
	if (tensor) {
		value_of_tensor(result, tensor);
		return true;
	}
	const struct payload *gave = scope->step_gave ? scope->step_gave(scope->context, name->owner) : NULL;
	if (miss_reply(evaluation, gave, name->name))
		return false;
	return evaluation_fail_of_name(
		evaluation,
		known ? "`" TEXT_FORMAT "." TEXT_FORMAT "` is missing; send it, or write `?? otherwise` after it"
		      : "`" TEXT_FORMAT "." TEXT_FORMAT "` is missing, and no such step is known here; name a step before this one",
		TEXT_ARGUMENTS(name->owner), TEXT_ARGUMENTS(name->name));
}

bool instruct_owned(struct evaluation *evaluation, const struct instruction *instruction)
{
	return load_owned(evaluation, &evaluation->expression->names[instruction->node->name],
			  &evaluation->slots[instruction->slot]);
}

/* Not among the tensors: a mark, one of the names that every message has, or missing.
 * Kept out of line, so that the usual way stays short. */
static __attribute__((noinline)) bool load_elsewhere(struct evaluation *evaluation, const struct instruction *instruction)
{
	const struct payload *payload = evaluation->scope->payload;
	const struct tensor *mark = payload ? tensors_find(payload->marks, instruction->name) : NULL;
	if (mark) {
		value_of_tensor(&evaluation->slots[instruction->slot], mark);
		return true;
	}
	if (instruction->node->special != SPECIAL_NONE)
		return load_special(evaluation, instruction->node->special, &evaluation->slots[instruction->slot]);
	return miss_tensor(evaluation, &evaluation->expression->names[instruction->node->name]);
}

bool instruct_name(struct evaluation *evaluation, const struct instruction *instruction)
{
	const struct tensor *tensor = scope_find(evaluation->scope, instruction->name);
	if (__builtin_expect(!tensor, 0))
		return load_elsewhere(evaluation, instruction);
	value_of_tensor(&evaluation->slots[instruction->slot], tensor);
	return true;
}

bool instruct_header(struct evaluation *evaluation, const struct instruction *instruction)
{
	const struct message *message = evaluation->scope->message;
	struct text name = instruction->node->text;
	const struct header *header = message ? headers_find(message->headers, name) : NULL;
	if (!header)
		return evaluation_fail_of_name(evaluation,
					       "the message has no header `" TEXT_FORMAT
					       "`; send it, or write header(\"" TEXT_FORMAT "\") ?? \"\"",
					       TEXT_ARGUMENTS(name), TEXT_ARGUMENTS(name));
	return single_text(evaluation, header->value, &evaluation->slots[instruction->slot]);
}
