/* expression_check.h: Type inference of expressions: the functions that its files share. Private to
 * engine/compiler/expression/expression_*.c. */
#pragma once

#include "compiler/expression/expression_tree.h"

/* The inferred type of a node. */
struct inferred {
	struct value_type type;
	unsigned width;	  /* of the float tensors that it depends on; see expression_value.h */
	bool width_known; /* all their datatypes are known */
	bool fits_any;	  /* an integer literal: signed or unsigned, as the other operand is */
};

struct expression_inference {
	const struct expression *expression;
	const struct expression_types *types; /* NULL: nothing is known */
	struct arena *arena;
	struct error *error;
};

/* A CONFIG error at the node; always false. */
bool inference_refuse(struct expression_inference *inference, const struct expression_node *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* "FP32[1,16]", "a text[3]", "a float". */
const char *inference_words(struct expression_inference *inference, const struct value_type *type);

/* The type of a call, from those of its arguments. */
bool inference_call(struct expression_inference *inference, const struct expression_node *node, const struct inferred *arguments,
		    struct inferred *result);
bool inference_trailing(struct expression_inference *inference, const struct expression_node *node,
			const struct inferred *arguments, struct inferred *result);

/* The type of what is indexed by integers, slices or the name of a column. */
bool inference_index(struct expression_inference *inference, const struct expression_node *node, const struct inferred *indexed,
		     struct inferred *result);

/* The joint shape of two types, by numpy's broadcasting rules. */
bool inference_join(struct expression_inference *inference, const struct expression_node *node, const struct inferred *a,
		    const struct inferred *b, struct value_type *joint);
/* The joint shape of all arguments; there is at least one. */
bool inference_join_all(struct expression_inference *inference, const struct expression_node *node,
			const struct inferred *arguments, uint32_t count, struct inferred *result);

/* The result class of a function with that letter in `gives`; see function_rules. */
enum value_class class_given(char gives, const struct inferred *arguments, size_t count);

/* Sets the class of a result of these operands, and its datatype by the rule of the language. */
void inferred_set_class(struct inferred *result, enum value_class class, const struct inferred *operands, size_t count);
void inferred_set_datatype(struct inferred *result, enum datatype datatype);
void inferred_set_scalar(struct inferred *result);

/* Whether a value of the type may have exactly one element. Then it decides alone, and the other side need not be evaluated. */
bool may_be_single(const struct value_type *type);

/* Sets the shape of `type` to unknown when the other's is not the same. */
void keep_alike(struct value_type *type, const struct value_type *other);

bool classes_alike(enum value_class left, enum value_class right); /* may be compared, or be the two branches of where() */
enum value_class class_of_datatype(enum datatype datatype);
bool class_is_integer(enum value_class class);
bool class_may_be_number(enum value_class class);
