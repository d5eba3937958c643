/* expression_emit.c: Emitter of the instructions of an expression from its tree. Slots are
 * numbered by depth: an operand's value is in its own slot, the result in that of the first operand. */
#include "compiler/expression/expression_run.h"

struct expression_emitter {
	struct expression *expression;
	struct arena *arena;
	struct instruction *instructions;
	uint32_t capacity;
	bool failed;
};

static void emit_node(struct expression_emitter *emitter, const struct expression_node *node, uint32_t slot);

static uint32_t expression_compile_emit(struct expression_emitter *emitter, instruction_run *run,
					const struct expression_node *node, uint32_t slot)
{
	struct expression *expression = emitter->expression;
	if (expression->instructions_count == emitter->capacity) {
		uint32_t capacity = emitter->capacity ? emitter->capacity * 2 : 8;
		struct instruction *grown = ARENA_ARRAY(emitter->arena, struct instruction, capacity);
		if (!grown) {
			emitter->failed = true;
			return 0;
		}
		if (emitter->instructions)
			memcpy(grown, emitter->instructions, expression->instructions_count * sizeof *grown);
		emitter->instructions = grown;
		emitter->capacity = capacity;
	}
	emitter->instructions[expression->instructions_count] = (struct instruction){.run = run, .slot = slot, .node = node};
	if (slot >= expression->slots_count)
		expression->slots_count = slot + 1;
	return expression->instructions_count++;
}

/* What was emitted as number `at` governs all up to here. */
static void govern(struct expression_emitter *emitter, uint32_t at)
{
	if (!emitter->failed)
		emitter->instructions[at].end = emitter->expression->instructions_count;
}

/* A literal operand is used where it stands; anything else is brought to a slot. */
static const struct value *emit_operand(struct expression_emitter *emitter, const struct expression_node *node, uint32_t slot)
{
	if (node->kind == NODE_LITERAL) {
		if (slot >= emitter->expression->slots_count)
			emitter->expression->slots_count = slot + 1;
		return &node->literal;
	}
	emit_node(emitter, node, slot);
	return NULL;
}

static void emit_operation(struct expression_emitter *emitter, instruction_run *run, const struct expression_node *node,
			   uint32_t slot)
{
	const struct value *left = emit_operand(emitter, node->items[0], slot);
	const struct value *right = node->count > 1 ? emit_operand(emitter, node->items[1], slot + 1) : NULL;
	uint32_t at = expression_compile_emit(emitter, run, node, slot);
	if (emitter->failed)
		return;
	emitter->instructions[at].left = left;
	emitter->instructions[at].right = right;
}

static void emit_logic(struct expression_emitter *emitter, const struct expression_node *node, uint32_t slot)
{
	emit_node(emitter, node->items[0], slot);
	uint32_t right = expression_compile_emit(emitter, instruct_right, node, slot);
	emit_node(emitter, node->items[1], slot + 1);
	govern(emitter, right);
	expression_compile_emit(emitter, instruct_logic, node, slot);
}

/* a ?? b ?? c stands left-deep in the tree; each but the last is tried in turn. */
static void emit_coalesce(struct expression_emitter *emitter, const struct expression_node *node, uint32_t slot)
{
	size_t count = 1;
	const struct expression_node *spine = node;
	for (; spine->kind == NODE_BINARY && spine->operation == OPERATOR_COALESCE; spine = spine->items[0])
		count++;
	const struct expression_node **choices = ARENA_ARRAY(emitter->arena, const struct expression_node *, count);
	uint32_t *tries = ARENA_ARRAY(emitter->arena, uint32_t, count);
	if (!choices || !tries) {
		emitter->failed = true;
		return;
	}
	spine = node;
	for (size_t i = count - 1; i > 0; i--, spine = spine->items[0])
		choices[i] = spine->items[1];
	choices[0] = spine;
	for (size_t i = 0; i + 1 < count; i++) {
		tries[i] = expression_compile_emit(emitter, instruct_coalesce, node, slot);
		emit_node(emitter, choices[i], slot);
		govern(emitter, tries[i]);
	}
	emit_node(emitter, choices[count - 1], slot);
	for (size_t i = 0; i + 1 < count && !emitter->failed; i++)
		emitter->instructions[tries[i]].after = emitter->expression->instructions_count;
}

/* A literal cannot fail, so nothing needs to govern it. */
static const struct value *emit_branch(struct expression_emitter *emitter, instruction_run *run, const struct expression_node *node,
				       uint32_t slot, uint32_t choice)
{
	if (node->items[choice]->kind == NODE_LITERAL)
		return emit_operand(emitter, node->items[choice], slot + choice);
	uint32_t branch = expression_compile_emit(emitter, run, node, slot);
	emit_node(emitter, node->items[choice], slot + choice);
	govern(emitter, branch);
	return NULL;
}

static void emit_where(struct expression_emitter *emitter, const struct expression_node *node, uint32_t slot)
{
	emit_node(emitter, node->items[0], slot);
	const struct value *then = emit_branch(emitter, instruct_then, node, slot, 1);
	const struct value *otherwise = emit_branch(emitter, instruct_otherwise, node, slot, 2);
	uint32_t at = expression_compile_emit(emitter, instruct_where, node, slot);
	if (emitter->failed)
		return;
	emitter->instructions[at].left = then;
	emitter->instructions[at].right = otherwise;
}

/* It looks into texts, or sorts. */
static bool is_heavy(const struct function_rules *rules)
{
	return rules->sorts || strchr("atv", *rules->takes) != NULL;
}

static void emit_call(struct expression_emitter *emitter, const struct expression_node *node, uint32_t slot)
{
	if (node->trailing) {
		expression_compile_emit(emitter, instruct_trailing, node, slot);
		return;
	}
	if (strcmp(node->function->name, "where") == 0) {
		emit_where(emitter, node, slot);
		return;
	}
	if (strcmp(node->function->name, "has") == 0) {
		uint32_t has = expression_compile_emit(emitter, instruct_has, node, slot);
		emit_node(emitter, node->items[0], slot);
		govern(emitter, has);
		return;
	}
	for (uint32_t i = 0; i < node->count; i++)
		emit_node(emitter, node->items[i], slot + i);
	uint32_t call = expression_compile_emit(emitter, instruct_call, node, slot);
	if (emitter->failed)
		return;
	emitter->instructions[call].count = node->count;
	emitter->instructions[call].heavy = is_heavy(node->function->rules);
}

/* Each index has a slot, each slice two. */
static void emit_index(struct expression_emitter *emitter, const struct expression_node *node, uint32_t slot)
{
	emit_node(emitter, node->items[0], slot);
	uint32_t next = slot + 1;
	for (uint32_t i = 1; i < node->count; i++) {
		const struct expression_node *item = node->items[i];
		if (item->kind != NODE_SLICE) {
			emit_node(emitter, item, next++);
			continue;
		}
		for (uint32_t side = 0; side < 2; side++)
			if (item->items[side])
				emit_node(emitter, item->items[side], next + side);
		next += 2;
	}
	expression_compile_emit(emitter, instruct_index, node, slot);
}

static void emit_binary(struct expression_emitter *emitter, const struct expression_node *node, uint32_t slot)
{
	switch (node->operation) {
	case OPERATOR_COALESCE:
		emit_coalesce(emitter, node, slot);
		break;
	case OPERATOR_AND:
	case OPERATOR_OR:
		emit_logic(emitter, node, slot);
		break;
	case OPERATOR_IN:
		emit_operation(emitter, instruct_in, node, slot);
		break;
	case OPERATOR_ADD:
	case OPERATOR_SUBTRACT:
	case OPERATOR_MULTIPLY:
	case OPERATOR_DIVIDE:
	case OPERATOR_POWER:
		emit_operation(emitter, instruct_arithmetic, node, slot);
		break;
	default:
		emit_operation(emitter, instruct_comparison, node, slot);
		break;
	}
}

static void emit_name(struct expression_emitter *emitter, const struct expression_node *node, uint32_t slot)
{
	const struct expression_name *name = &emitter->expression->names[node->name];
	uint32_t at = expression_compile_emit(emitter, name->owner.length ? instruct_owned : instruct_name, node, slot);
	if (!emitter->failed)
		emitter->instructions[at].name = name->name;
}

static void emit_node(struct expression_emitter *emitter, const struct expression_node *node, uint32_t slot)
{
	if (emitter->failed)
		return;
	switch (node->kind) {
	case NODE_LITERAL:
		expression_compile_emit(emitter, instruct_literal, node, slot);
		break;
	case NODE_NAME:
		emit_name(emitter, node, slot);
		break;
	case NODE_HEADER:
		expression_compile_emit(emitter, instruct_header, node, slot);
		break;
	case NODE_UNARY:
		emit_operation(emitter, node->operation == OPERATOR_NOT ? instruct_not : instruct_negate, node, slot);
		break;
	case NODE_BINARY:
		emit_binary(emitter, node, slot);
		break;
	case NODE_CALL:
		emit_call(emitter, node, slot);
		break;
	case NODE_INDEX:
		emit_index(emitter, node, slot);
		break;
	case NODE_SLICE:
		break;
	}
}

/* ---- the brief form ---- */

static bool brief_name(struct expression *expression, const struct expression_node *node)
{
	if (node->kind != NODE_NAME || expression->names[node->name].owner.length > 0)
		return false;
	expression->brief.name = expression->names[node->name].name;
	return true;
}

/* Which kernel compares floats with a number, and whether the number stands left. */
static kernel *comparison_kernel(enum operator_kind operation, bool *turned)
{
	static const struct {
		enum order order;
		bool turned;
	} orders[] = {
		[OPERATOR_LESS] = {ORDER_LESS, false},	 [OPERATOR_LESS_EQUAL] = {ORDER_LESS_EQUAL, false},
		[OPERATOR_GREATER] = {ORDER_LESS, true}, [OPERATOR_GREATER_EQUAL] = {ORDER_LESS_EQUAL, true},
		[OPERATOR_EQUAL] = {ORDER_EQUAL, false}, [OPERATOR_NOT_EQUAL] = {ORDER_NOT_EQUAL, false},
	};
	*turned = orders[operation].turned;
	kernel *const(*table)[OPERAND_KINDS] = order_truths[orders[operation].order];
	return *turned ? table[OPERAND_DOUBLE][OPERAND_FLOATS] : table[OPERAND_FLOATS][OPERAND_DOUBLE];
}

/* A literal as a double that is exactly it; NULL when there is none. */
static const double *exact_number(const struct value *literal, struct arena *arena)
{
	if (literal->rank > 0)
		return NULL;
	if (literal->storage == DATATYPE_FP64)
		return literal->data;
	if (literal->storage != DATATYPE_INT64)
		return NULL;
	const int64_t integer = *(const int64_t *)literal->data, beyond = (int64_t)1 << 53;
	double *number = integer < beyond && integer > -beyond ? arena_take_raw(arena, sizeof *number) : NULL;
	if (number)
		*number = (double)integer;
	return number;
}

/* A name compared with a number, or computed with it. */
static bool brief_operation(struct expression *expression, const struct expression_node *node, struct arena *arena)
{
	struct brief *brief = &expression->brief;
	if (node->kind != NODE_BINARY || node->items[1]->kind != NODE_LITERAL || !brief_name(expression, node->items[0]))
		return false;
	brief->number = exact_number(&node->items[1]->literal, arena);
	if (!brief->number)
		return false;
	if (node->operation >= OPERATOR_LESS && node->operation <= OPERATOR_NOT_EQUAL) {
		brief->kernel = comparison_kernel(node->operation, &brief->turned);
		brief->datatype = DATATYPE_BOOL;
		brief->element_bytes = sizeof(uint8_t);
		return true;
	}
	if (node->operation < OPERATOR_ADD || node->operation > OPERATOR_DIVIDE)
		return false;
	brief->kernel = arithmetic_floats[node->operation - OPERATOR_ADD][OPERAND_FLOATS][OPERAND_DOUBLE];
	brief->datatype = DATATYPE_FP32;
	brief->element_bytes = sizeof(float);
	return true;
}

static void find_brief_form(struct expression *expression, struct arena *arena)
{
	const struct expression_node *node = expression->root;
	struct brief *brief = &expression->brief;
	if (brief_operation(expression, node, arena))
		brief->run = brief_with_number;
	if (node->kind != NODE_CALL || node->has_along || node->has_over)
		return;
	const struct function_rules *rules = node->function->rules;
	if (rules->run == run_sum && brief_operation(expression, node->items[0], arena) && brief->datatype == DATATYPE_BOOL) {
		brief->datatype = DATATYPE_INT64;
		brief->element_bytes = sizeof(int64_t);
		brief->run = brief_count;
	} else if ((rules->run == run_sum || rules->reduce == reduce_mean) && brief_name(expression, node->items[0])) {
		brief->datatype = DATATYPE_FP32;
		brief->element_bytes = sizeof(float);
		brief->run = rules->run == run_sum ? brief_sum : brief_mean;
	}
}

bool expression_emit(struct expression *expression, bool answers, struct arena *arena)
{
	struct expression_emitter emitter = {.expression = expression, .arena = arena};
	emit_node(&emitter, expression->root, 0);
	if (emitter.failed)
		return false;
	expression->instructions = emitter.instructions;
	if (!answers)
		return true;
	emitter.instructions[expression->instructions_count - 1].last = true;
	find_brief_form(expression, arena);
	return true;
}
