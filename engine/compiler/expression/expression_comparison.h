/* expression_comparison.h: Comparison of a plain name with a number, at a node of an expression. Private to
 * engine/compiler/expression/expression_*.c. */
#ifndef SLUICE_COMPILER_EXPRESSION_EXPRESSION_COMPARISON_H
#define SLUICE_COMPILER_EXPRESSION_EXPRESSION_COMPARISON_H

#include "compiler/expression/expression_tree.h"

/* False: the node is none. */
bool comparison_of(const struct expression *expression, const struct expression_node *node,
		   struct expression_comparison *comparison);

#endif
