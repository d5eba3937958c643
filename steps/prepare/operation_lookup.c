/* operation_lookup.c: Lookups of operations: the kind of a row, and tensors and their types by name; see operations.h. */
#include <assert.h>

#include "message/provenance.h"
#include "steps/prepare/operations.h"

#define NAMES_SHOWN_MAX 8 /* of the tensors that are there instead, in an error */

const struct operation_kind *operation_kind_find(const char *name)
{
	static const struct operation_kind *const lists[] = {operations_on_numbers, operations_on_answers, operations_turning,
							     operations_on_tensors, operations_on_shapes};
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		for (const struct operation_kind *kind = lists[i]; kind->name; kind++)
			if (strcmp(kind->name, name) == 0)
				return kind;
	assert(false); /* each row of operation_rows.c has its kind */
	return NULL;
}

void work_put(struct work *work, const struct tensor *tensor)
{
	size_t at = 0;
	while (at < work->payload.tensors.count && !text_equal_short(work->items[at]->name, tensor->name))
		at++;
	work->items[at] = tensor;
	work->payload.tensors.count += at == work->payload.tensors.count;
}

const struct tensor *work_find(const struct work *work, const struct operation_instruction *instruction, struct text name,
			       struct error *error)
{
	const struct tensor *found = tensors_find(work->payload.tensors, name);
	if (found || reply_lacks(&work->payload, name, instruction->place, instruction->kind->name, error))
		return found;
	const char *names = "";
	for (size_t i = 0; i < work->payload.tensors.count && names; i++)
		names = i < NAMES_SHOWN_MAX    ? arena_print(work->arena, "%s%s`" TEXT_FORMAT "`", names, i ? ", " : "",
							     TEXT_ARGUMENTS(work->items[i]->name))
			: i == NAMES_SHOWN_MAX ? arena_print(work->arena, "%s, ...", names)
					       : names;
	return error_null(error_set(error, ERROR_INPUT, instruction->place,
				    "`%s` needs the tensor `" TEXT_FORMAT "`, and what is there is %s; send it",
				    instruction->kind->name, TEXT_ARGUMENTS(name), names && *names ? names : "nothing"));
}

const struct value_type *typing_expect(const struct typing *typing, const struct operation_instruction *instruction,
				       struct text name, struct error *error)
{
	static const struct value_type unknown = {0};
	const struct tensor_type *found = typing_find(typing, name);
	if (found)
		return &found->type;
	if (!typing->types.complete)
		return &unknown;
	const char *names = "";
	for (size_t i = 0; i < typing->types.count && i < NAMES_SHOWN_MAX && names; i++)
		names = arena_print(typing->arena, "%s%s`" TEXT_FORMAT "`", names, i ? ", " : "",
				    TEXT_ARGUMENTS(typing->types.items[i].name));
	return error_null(error_set(error, ERROR_CONFIG, instruction->place,
				    "`%s` needs the tensor `" TEXT_FORMAT "`, and what is there is %s", instruction->kind->name,
				    TEXT_ARGUMENTS(name), names && *names ? names : "nothing"));
}

bool typing_expect_tensor(const struct typing *typing, const struct operation_instruction *instruction, struct text name,
			  struct tensor_type *tensor, struct error *error)
{
	const struct value_type *type = typing_expect(typing, instruction, name, error);
	const struct tensor_type *found = typing_find(typing, name);
	if (type)
		*tensor = (struct tensor_type){name, *type, found ? found->parameters : NULL};
	return type;
}
