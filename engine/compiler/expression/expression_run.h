/* expression_run.h: Instructions of the expression bytecode. Private to engine/compiler/expression/expression_*.c. The compiler
 * emits them, and the evaluator runs them. */
#pragma once

#include "compiler/expression/expression_tree.h"

instruction_run instruct_literal; /* slot = the node's literal */
instruction_run instruct_name;	  /* slot = value of the name */
instruction_run instruct_owned;	  /* the same for owner.name */
instruction_run instruct_header;
instruction_run instruct_arithmetic; /* slot = slot op slot+1 */
instruction_run instruct_comparison;
instruction_run instruct_in;
instruction_run instruct_logic;
instruction_run instruct_not;
instruction_run instruct_negate;
instruction_run instruct_call;	/* slot = function(slot, ... slot+count-1) */
instruction_run instruct_index; /* slot = slot[...]; the indices are in the slots after it */
instruction_run instruct_trailing; /* slot = result of the trailing call */
instruction_run instruct_where; /* slot = where(slot, slot+1, slot+2) */

/* Control instructions: they govern the instructions up to `end`. */
instruction_run instruct_coalesce; /* success: continues at `after`; a missing name: at `end` */
instruction_run instruct_has;	   /* slot = whether no name was missing */
instruction_run instruct_right;	   /* the right side of and, or: its error is ignored when the left one decides */
instruction_run instruct_then;	   /* a branch of where: its error is ignored when the other one is chosen */
instruction_run instruct_otherwise;

/* Finds a name: one assigned earlier in the same step, else a tensor of the message. */
static inline const struct tensor *scope_find(const struct scope *scope, struct text name)
{
	const struct tensor *tensor = scope->made ? tensors_find(*scope->made, name) : NULL;
	return tensor || !scope->payload ? tensor : tensors_find(scope->payload->tensors, name);
}

/* A tensor of a model's reply that the node's tree uses, if all tensors in the tree came in replies; else NULL. */
const struct tensor *expression_model(const struct expression *expression, const struct expression_node *node,
				      const struct scope *scope);

/* The value of an expression, before conversion to its datatype. NULL and an error. */
const struct value *expression_run(struct evaluation *evaluation);

/* Whether the arguments of the call fit the letters of its function; sets an error if not. */
bool arguments_fit(struct evaluation *evaluation, const struct expression_node *node, const struct value *arguments,
		   uint32_t count);

/* The functions of brief forms; see struct brief. */
brief_run brief_with_number, brief_sum, brief_mean, brief_count;
