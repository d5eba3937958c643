/* condition_type.c: see condition_type.h. */
#include "compiler/graph/condition_type.h"

#include "base/number/number.h"
#include "compiler/graph/type_list.h"
#include "compiler/yaml/fault_codes.h"

static bool is_number(const struct expression *expression)
{
	double number;
	return number_read_double(expression_source(expression), &number);
}

void condition_type_check(const struct expression *condition, const struct value_type *type, struct arena *arena,
			  struct faults *faults)
{
	const struct text source = expression_source(condition);
	const struct place place = expression_place(condition);
	if (type->class == VALUE_TEXT)
		fault_add(faults, CODE_WRONG_EXPRESSION, place, NULL,
			  "the condition `" TEXT_FORMAT "` is a text; compare it with something", TEXT_ARGUMENTS(source));
	else if (type_has_elements(type))
		fault_add(faults, CODE_WRONG_EXPRESSION, place, NULL,
			  "the condition `" TEXT_FORMAT "` has more than one element, %s; write any(..) or all(..)",
			  TEXT_ARGUMENTS(source), type_text(type, arena));
	else if (type->class == VALUE_DURATION || is_number(condition))
		fault_add(faults, CODE_IDLE_EXPRESSION, place, NULL,
			  "the condition `" TEXT_FORMAT "` is %s and compares nothing: it is true for every value but 0; "
			  "compare it with something",
			  TEXT_ARGUMENTS(source), type->class == VALUE_DURATION ? "a duration" : "a number");
}
