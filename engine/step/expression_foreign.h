/* expression_foreign.h: Spellings of other languages that people try in an expression, each with what is written here.
 *
 * Asked only where an expression is refused, so that nothing here is part of the language. The
 * answers end a sentence of an error: "write mean(x)".
 */
#ifndef SLUICE_STEP_EXPRESSION_FOREIGN_H
#define SLUICE_STEP_EXPRESSION_FOREIGN_H

#include "base/text.h"

/* For a call of a function that does not exist, as `avg`; NULL: it is none of another language's. */
const char *foreign_function(struct text name);

/* For a word where the expression should have ended or a value should stand, as `if` or `AND`; NULL: none. */
const char *foreign_word(struct text word);

/* For a name that no tensor has, as `None` or `pi`; NULL: none. */
const char *foreign_constant(struct text name);

/* Whether it is a module whose functions have their own names here, as `np`. */
bool foreign_is_module(struct text name);

/* `value if condition else otherwise`, whose `if` stands at that byte. False: it has no `else`. */
struct foreign_choice {
	struct text value, condition, otherwise;
};
bool foreign_choice_split(struct text source, size_t at, struct foreign_choice *choice);

#endif
