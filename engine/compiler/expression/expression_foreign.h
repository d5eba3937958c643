/* expression_foreign.h: Spellings of other languages that people try in an expression, each with its replacement
 * here.
 *
 * Used only after an expression was rejected, so nothing here is part of the language. The replacements end a
 * sentence of an error: "write mean(x)".
 */
#pragma once

#include "base/text.h"

/* For a call of an unknown function, as `avg`. NULL: not a known function of another language. */
const char *foreign_function(struct text name);

/* For a word at the place of an operator, a value or the end, as `if` or `AND`. NULL: none. */
const char *foreign_word(struct text word);

/* For a name that no tensor has, as `None` or `pi`; NULL: none. */
const char *foreign_constant(struct text name);

/* Whether it is a module whose functions have names of their own here, as `np`. */
bool foreign_is_module(struct text name);

/* Splits `value if condition else otherwise`; `at` is the byte of its `if`. False: it has no `else`. */
struct foreign_choice {
	struct text value, condition, otherwise;
};
bool foreign_choice_split(struct text source, size_t at, struct foreign_choice *choice);
