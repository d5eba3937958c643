/* expression_run.c: Evaluator: runs the instructions of an expression over a message's scope, and converts the result
 * to its datatype. */
#include "compiler/expression/expression_run.h"

#include "compiler/expression/expression_index.h"
#include "compiler/expression/expression_operators.h"

/* ---- running ---- */

static bool run_until(struct evaluation *evaluation, const struct instruction *instruction, const struct instruction *end)
{
	while (instruction < end) {
		evaluation->instruction = instruction;
		evaluation->next = instruction + 1;
		if (__builtin_expect(!instruction->run(evaluation, instruction), 0))
			return false;
		instruction = evaluation->next;
	}
	return true;
}

static const struct instruction *instruction_at(const struct evaluation *evaluation, uint32_t index)
{
	return evaluation->expression->instructions + index;
}

/* What an instruction governs, with failures forgiven or not. *ran says whether it
 * succeeded; false only for what can't be forgiven: no memory is left. */
static bool run_forgiving(struct evaluation *evaluation, const struct instruction *instruction, bool forgiven, bool *ran)
{
	bool quiet = evaluation->quiet;
	evaluation->quiet = quiet || forgiven;
	const struct instruction *end = instruction_at(evaluation, instruction->end);
	*ran = run_until(evaluation, instruction + 1, end);
	evaluation->quiet = quiet;
	evaluation->next = end;
	evaluation->instruction = instruction;
	if (*ran)
		return true;
	if (!forgiven || arena_failed(evaluation->arena) || evaluation->work > EVALUATION_WORK_MAX)
		return false;
	evaluation->missing = false;
	return true;
}

/* *present: nothing was missing. False for every other failure. */
static bool run_missing(struct evaluation *evaluation, const struct instruction *instruction, bool *present)
{
	bool expected = evaluation->missing_expected;
	evaluation->missing_expected = true;
	const struct instruction *end = instruction_at(evaluation, instruction->end);
	*present = run_until(evaluation, instruction + 1, end);
	evaluation->missing_expected = expected;
	evaluation->next = end;
	evaluation->instruction = instruction;
	bool missing = evaluation->missing;
	evaluation->missing = false;
	return *present ||
	       (missing && !arena_failed(evaluation->arena) && evaluation->work <= EVALUATION_WORK_MAX);
}

static bool one_truth(struct evaluation *evaluation, uint8_t truth, struct value *result)
{
	static const int64_t no_shape[1];
	static const uint8_t truths[2] = {0, 1};
	(void)evaluation;
	*result = (struct value){.data = &truths[truth], .shape = no_shape, .count = 1, .storage = DATATYPE_BOOL};
	return true;
}

bool instruct_literal(struct evaluation *evaluation, const struct instruction *instruction)
{
	evaluation->slots[instruction->slot] = instruction->node->literal;
	return true;
}

static inline const struct value *left_of(const struct evaluation *evaluation, const struct instruction *instruction)
{
	return instruction->left ? instruction->left : &evaluation->slots[instruction->slot];
}

static inline const struct value *right_of(const struct evaluation *evaluation, const struct instruction *instruction)
{
	return instruction->right ? instruction->right : &evaluation->slots[instruction->slot + 1];
}

bool instruct_arithmetic(struct evaluation *evaluation, const struct instruction *instruction)
{
	return operate_arithmetic(evaluation, instruction->node->operation, left_of(evaluation, instruction),
				  right_of(evaluation, instruction), instruction->last, &evaluation->slots[instruction->slot]);
}

bool instruct_comparison(struct evaluation *evaluation, const struct instruction *instruction)
{
	return operate_comparison(evaluation, instruction->node->operation, left_of(evaluation, instruction),
				  right_of(evaluation, instruction), &evaluation->slots[instruction->slot]);
}

bool instruct_in(struct evaluation *evaluation, const struct instruction *instruction)
{
	return operate_in(evaluation, left_of(evaluation, instruction), right_of(evaluation, instruction),
			  &evaluation->slots[instruction->slot]);
}

bool instruct_not(struct evaluation *evaluation, const struct instruction *instruction)
{
	return operate_not(evaluation, left_of(evaluation, instruction), &evaluation->slots[instruction->slot]);
}

bool instruct_negate(struct evaluation *evaluation, const struct instruction *instruction)
{
	return operate_negate(evaluation, left_of(evaluation, instruction), &evaluation->slots[instruction->slot]);
}

/* ---- what governs others ---- */

bool instruct_coalesce(struct evaluation *evaluation, const struct instruction *instruction)
{
	bool present;
	if (!run_missing(evaluation, instruction, &present))
		return false;
	if (present)
		evaluation->next = instruction_at(evaluation, instruction->after);
	return true;
}

bool instruct_has(struct evaluation *evaluation, const struct instruction *instruction)
{
	bool present;
	return run_missing(evaluation, instruction, &present) &&
	       one_truth(evaluation, present, &evaluation->slots[instruction->slot]);
}

/* A slot without elements of its own: what would stand here failed and was not
 * needed. */
static void leave_out(struct value *slot)
{
	slot->data = NULL;
}

/* Whether `value`, a single one, is `wanted`; false too when it has more elements. */
static bool expression_run_decides(struct evaluation *evaluation, const struct value *value, bool wanted, bool *decided)
{
	*decided = false;
	if (value->count != 1)
		return true;
	const uint8_t *truth = value_truths(evaluation, value);
	*decided = truth && (*truth != 0) == wanted;
	return truth;
}

static bool run_branch(struct evaluation *evaluation, const struct instruction *instruction, bool unneeded_when, uint32_t slot)
{
	bool decided, ran;
	if (!expression_run_decides(evaluation, &evaluation->slots[instruction->slot], unneeded_when, &decided) ||
	    !run_forgiving(evaluation, instruction, decided, &ran))
		return false;
	if (!ran)
		leave_out(&evaluation->slots[slot]);
	return true;
}

bool instruct_right(struct evaluation *evaluation, const struct instruction *instruction)
{
	return run_branch(evaluation, instruction, instruction->node->operation == OPERATOR_OR, instruction->slot + 1);
}

bool instruct_logic(struct evaluation *evaluation, const struct instruction *instruction)
{
	struct value *left = &evaluation->slots[instruction->slot];
	const struct value *right = left + 1;
	if (right->data)
		return operate_logic(evaluation, instruction->node->operation, left, right, left);
	struct value same = *left;
	return operate_logic(evaluation, instruction->node->operation, &same, &same, left);
}

bool instruct_then(struct evaluation *evaluation, const struct instruction *instruction)
{
	return run_branch(evaluation, instruction, false, instruction->slot + 1);
}

bool instruct_otherwise(struct evaluation *evaluation, const struct instruction *instruction)
{
	return run_branch(evaluation, instruction, true, instruction->slot + 2);
}

bool instruct_where(struct evaluation *evaluation, const struct instruction *instruction)
{
	struct value *condition = &evaluation->slots[instruction->slot];
	const struct value *then = instruction->left ? instruction->left : &condition[1];
	const struct value *otherwise = instruction->right ? instruction->right : &condition[2];
	return operate_where(evaluation, condition, then->data ? then : otherwise, otherwise->data ? otherwise : then, condition);
}

/* ---- functions ---- */

static __attribute__((noinline, cold)) bool argument_refuse(struct evaluation *evaluation, const struct expression_node *node,
							    uint32_t nth, char letter, const struct value *argument)
{
	return evaluation_fail_of_class(evaluation, node->trailing ? evaluation->expression->root : node->items[nth],
					"%s() takes %s, and this is %s; it is written %s", node->function->name,
					letter_words(letter), value_text(evaluation, argument), node->function->form);
}

/* *width: of all of them together. */
static inline bool arguments_take(struct evaluation *evaluation, const struct expression_node *node, const struct value *arguments,
				  uint32_t count, uint8_t *width)
{
	const char *letter = node->function->rules->takes;
	uint8_t widths = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (__builtin_expect(!letter_takes(*letter, value_class_of(&arguments[i])), 0))
			return argument_refuse(evaluation, node, i, *letter, &arguments[i]);
		widths |= arguments[i].width;
		letter += letter[1] != '\0';
	}
	*width = widths;
	return true;
}

bool arguments_fit(struct evaluation *evaluation, const struct expression_node *node, const struct value *arguments, uint32_t count)
{
	uint8_t width;
	return arguments_take(evaluation, node, arguments, count, &width);
}

/* Of functions that look into texts, or sort: heapsort compares 2 n log2 n times. */
static __attribute__((noinline)) bool heavy_works(struct evaluation *evaluation, const struct function_rules *rules,
						  const struct value *arguments, uint32_t count)
{
	uint64_t units = 0, rounds = 1;
	for (uint32_t i = 0; i < count; i++)
		units += value_work(&arguments[i]);
	for (size_t items = rules->sorts ? arguments->count : 0; items > 1; items /= 2)
		rounds += 2;
	return !__builtin_mul_overflow(units, rounds, &units) && evaluation_works(evaluation, units);
}

bool instruct_call(struct evaluation *evaluation, const struct instruction *instruction)
{
	const struct expression_node *node = instruction->node;
	const struct function_rules *rules = node->function->rules;
	const struct value *arguments = &evaluation->slots[instruction->slot];
	if (!rules->run)
		return evaluation_fail(evaluation, "%s() works over what came before, and here is only one message",
				       node->function->name);
	uint8_t width = 0;
	if (!arguments_take(evaluation, node, arguments, instruction->count, &width))
		return false;
	evaluation->work += instruction->count > 0 ? arguments->count : 0; /* of several, what is made of them counts too */
	if (__builtin_expect(instruction->heavy ? !heavy_works(evaluation, rules, arguments, instruction->count)
						: evaluation->work > EVALUATION_WORK_MAX,
			     0))
		return evaluation_spent(evaluation);
	struct value result;
	if (!rules->run(evaluation, &(const struct function_call){node, arguments, instruction->count}, &result))
		return false;
	if (!result.keeps_datatype)
		result.width = width;
	evaluation->slots[instruction->slot] = result;
	return true;
}

bool instruct_trailing(struct evaluation *evaluation, const struct instruction *instruction)
{
	const struct expression_node *node = instruction->node;
	if (!evaluation->scope->trailing)
		return evaluation_fail(evaluation, "%s() works over what came before, and here is only one message",
				       node->function->name);
	const struct trailing_result *result = &evaluation->scope->trailing[node->trailing - 1];
	if (result->missing)
		return evaluation_fail_of_name(
			evaluation, "%s() of these integers has no value yet; write `?? otherwise` after it, or cast them to FP64",
			node->function->name);
	evaluation->slots[instruction->slot] = (struct value){.data = result->elements,
							      .shape = result->shape,
							      .count = result->count,
							      .rank = result->rank,
							      .storage = (uint8_t)result->storage,
							      .width = result->width};
	return true;
}

bool instruct_index(struct evaluation *evaluation, const struct instruction *instruction)
{
	struct value *base = &evaluation->slots[instruction->slot];
	return value_index(evaluation, instruction->node, base, base + 1, base);
}

/* ---- the answer ---- */

static inline enum datatype answer_datatype(const struct value *value)
{
	if (value->keeps_datatype)
		return (enum datatype)value->storage;
	switch (value_class_of(value)) {
	case CLASS_FLOAT:
		return value->width == WIDTH_NARROW ? DATATYPE_FP32 : DATATYPE_FP64;
	case CLASS_SIGNED:
		return DATATYPE_INT64;
	case CLASS_UNSIGNED:
		return DATATYPE_UINT64;
	default:
		return (enum datatype)value->storage;
	}
}

/* Rounds, or widens, to the datatype in which the value leaves. */
static const void *answer_elements(struct evaluation *evaluation, const struct value *value, enum datatype datatype)
{
	if (datatype == DATATYPE_FP32) {
		const double *numbers = value_doubles(evaluation, value);
		float *out = arena_take_raw(evaluation->arena, value->count * sizeof *out);
		if (!out)
			evaluation_full(evaluation);
		if (numbers && out)
			doubles_narrow(out, numbers, value->count);
		return numbers ? out : NULL;
	}
	return datatype == DATATYPE_FP64 ? (const void *)value_doubles(evaluation, value)
					 : (const void *)value_signed(evaluation, value);
}

static const struct tensor *answer_untouched(struct evaluation *evaluation, const struct tensor *tensor, struct text name)
{
	const struct tensor *renamed = name.length ? tensor_renamed(evaluation->arena, tensor, name) : tensor;
	if (!renamed)
		evaluation_full(evaluation);
	return renamed;
}

/* What is made of replies alone is of their model. */
static __attribute__((noinline)) void answer_mark(const struct evaluation *evaluation, struct tensor *tensor)
{
	const struct expression *expression = evaluation->expression;
	const struct tensor *replied = expression_model(expression, expression->root, evaluation->scope);
	tensor->model = replied ? replied->model : NULL;
}

static const struct tensor *answer_of(struct evaluation *evaluation, const struct value *value, struct text name)
{
	if (value->tensor && evaluation->expression->root->kind == NODE_NAME)
		return answer_untouched(evaluation, value->tensor, name);
	enum datatype datatype = answer_datatype(value);
	const void *elements = value->storage == datatype ? value->data : answer_elements(evaluation, value, datatype);
	struct tensor *tensor = arena_take_raw(evaluation->arena, sizeof *tensor);
	if (!elements || !tensor)
		return error_null(evaluation_full(evaluation));
	*tensor = (struct tensor){.name = name,
				  .shape = value->shape,
				  .data = elements,
				  .count = value->count,
				  .datatype = datatype,
				  .rank = value->rank};
	if (evaluation->scope->payload && evaluation->scope->payload->replier)
		answer_mark(evaluation, tensor);
	return tensor;
}

static inline bool evaluate(struct evaluation *evaluation)
{
	const struct expression *expression = evaluation->expression;
	evaluation->slots = arena_take_raw(evaluation->arena, expression->slots_count * sizeof *evaluation->slots);
	if (!evaluation->slots)
		return evaluation_full(evaluation);
	bool good = run_until(evaluation, expression->instructions, expression->instructions + expression->instructions_count);
	evaluation->arena->work += evaluation->work;
	return good && (__builtin_expect(evaluation->work <= EVALUATION_WORK_MAX, 1) || evaluation_spent(evaluation));
}

const struct value *expression_run(struct evaluation *evaluation)
{
	return evaluate(evaluation) ? evaluation->slots : NULL;
}

/* ---- the shortest expressions ---- */

/* A tensor of `operand`'s shape with room for its elements behind it. */
static inline struct tensor *brief_answer(const struct brief *brief, const struct tensor *operand, struct text name,
					  struct arena *arena)
{
	struct tensor *answer = arena_take_raw(arena, sizeof *answer + operand->count * brief->element_bytes);
	if (__builtin_expect(!answer, 0))
		return NULL;
	*answer = (struct tensor){.name = name,
				  .shape = operand->shape,
				  .data = answer + 1,
				  .count = operand->count,
				  .datatype = brief->datatype,
				  .rank = operand->rank};
	return answer;
}

static inline void brief_compute(const struct brief *brief, void *out, const struct tensor *operand)
{
	if (brief->turned)
		brief->kernel(out, brief->number, operand->data, operand->count);
	else
		brief->kernel(out, operand->data, brief->number, operand->count);
}

const struct tensor *brief_with_number(const struct brief *brief, const struct tensor *operand, struct text name,
				       struct arena *arena)
{
	struct tensor *answer = brief_answer(brief, operand, name, arena);
	if (answer)
		brief_compute(brief, answer + 1, operand);
	return answer;
}

static const int64_t no_shape[1];
static const struct tensor single_element = {.shape = no_shape, .count = 1};

const struct tensor *brief_sum(const struct brief *brief, const struct tensor *operand, struct text name, struct arena *arena)
{
	struct tensor *answer = brief_answer(brief, &single_element, name, arena);
	if (answer)
		*(float *)(void *)(answer + 1) = (float)sum_floats(operand->data, operand->count);
	return answer;
}

const struct tensor *brief_mean(const struct brief *brief, const struct tensor *operand, struct text name, struct arena *arena)
{
	struct tensor *answer = brief_answer(brief, &single_element, name, arena);
	if (answer)
		*(float *)(void *)(answer + 1) = (float)(sum_floats(operand->data, operand->count) / (double)operand->count);
	return answer;
}

const struct tensor *brief_count(const struct brief *brief, const struct tensor *operand, struct text name, struct arena *arena)
{
	struct tensor *answer = brief_answer(brief, &single_element, name, arena);
	uint8_t *truths = arena_take_raw(arena, operand->count);
	if (!answer || !truths)
		return NULL;
	brief_compute(brief, truths, operand);
	*(int64_t *)(void *)(answer + 1) = (int64_t)truths_count(truths, operand->count);
	return answer;
}

/* `x * 0.5`, `x > 0.5`, `mean(x)`, `sum(x > 0.5)` over a tensor of floats, without slots and
 * instructions: steps are full of them. NULL: the general way must be gone. */
static inline const struct tensor *evaluate_briefly(const struct brief *brief, const struct tensor *tensor, struct text name,
						    struct arena *arena)
{
	bool floats = tensor && tensor->datatype == DATATYPE_FP32 && tensor->count > 0;
	arena->work += floats ? tensor->count : 0;
	return floats ? brief->run(brief, tensor, name, arena) : NULL;
}

const struct tensor *expression_evaluate_briefly(const struct expression *expression, struct text name, struct tensors tensors,
						 struct arena *arena)
{
	const struct brief *brief = &expression->brief;
	return brief->run ? evaluate_briefly(brief, tensors_find(tensors, brief->name), name, arena) : NULL;
}

static __attribute__((noinline)) const struct tensor *evaluate_at_length(const struct expression *expression, struct text name,
									 const struct scope *scope, struct arena *arena,
									 struct error *error)
{
	struct evaluation evaluation = {.expression = expression, .scope = scope, .arena = arena, .error = error};
	return evaluate(&evaluation) ? answer_of(&evaluation, &evaluation.slots[0], name) : NULL;
}

const struct tensor *expression_evaluate_as(const struct expression *expression, struct text name, const struct scope *scope,
					    struct arena *arena, struct error *error)
{
	const struct brief *brief = &expression->brief;
	const struct tensor *answer = brief->run ? evaluate_briefly(brief, scope_find(scope, brief->name), name, arena) : NULL;
	return answer ? answer : evaluate_at_length(expression, name, scope, arena, error);
}

bool expression_judge(const struct expression *expression, const struct scope *scope, struct arena *arena, bool *holds,
		      struct error *error)
{
	struct evaluation evaluation = {.expression = expression, .scope = scope, .arena = arena, .error = error};
	return evaluate(&evaluation) && value_holds(&evaluation, &evaluation.slots[0], holds);
}
