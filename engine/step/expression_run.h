/* expression_run.h: what the instructions do; private to
 * engine/step/expression_*.c. The compiler writes them, the evaluator runs them. */
#ifndef SLUICE_STEP_EXPRESSION_RUN_H
#define SLUICE_STEP_EXPRESSION_RUN_H

#include "step/expression_tree.h"

instruction_run instruct_literal; /* slot = the node's literal */
instruction_run instruct_name;	  /* slot = what the name stands for */
instruction_run instruct_owned;	  /* the same for owner.name */
instruction_run instruct_header;
instruction_run instruct_arithmetic; /* slot = slot op slot+1 */
instruction_run instruct_comparison;
instruction_run instruct_in;
instruction_run instruct_logic;
instruction_run instruct_not;
instruction_run instruct_negate;
instruction_run instruct_call;	/* slot = function(slot, ... slot+count-1) */
instruction_run instruct_index; /* slot = slot[...], the indices behind it */
instruction_run instruct_trailing; /* slot = what the trailing call came to */
instruction_run instruct_where; /* slot = where(slot, slot+1, slot+2) */

/* Those that govern the instructions up to `end`. */
instruction_run instruct_coalesce; /* when they succeed, goes on at `after`; when something is missing, behind them */
instruction_run instruct_has;	   /* slot = whether nothing was missing */
instruction_run instruct_right;	   /* the right side of and, or: forgiven when the left one decides */
instruction_run instruct_then;	   /* a branch of where: forgiven when the other one is chosen */
instruction_run instruct_otherwise;

/* A name set above in the same step, else a tensor of the message. */
static inline const struct tensor *scope_find(const struct scope *scope, struct text name)
{
	const struct tensor *tensor = scope->made ? tensors_find(*scope->made, name) : NULL;
	return tensor || !scope->payload ? tensor : tensors_find(scope->payload->tensors, name);
}

/* A tensor from a model's reply that what stands in the tree of the node is made of, where all of its tensors came in
 * replies; else NULL. */
const struct tensor *expression_model(const struct expression *expression, const struct expression_node *node,
				      const struct scope *scope);

/* Runs an expression: its value, before it is brought to its datatype. NULL and an error. */
const struct value *expression_run(struct evaluation *evaluation);

/* Whether the arguments of the call fit the letters of its function; an error where not. */
bool arguments_fit(struct evaluation *evaluation, const struct expression_node *node, const struct value *arguments,
		   uint32_t count);

/* What an expression's brief form does; see struct brief. */
brief_run brief_with_number, brief_sum, brief_mean, brief_count;

#endif
