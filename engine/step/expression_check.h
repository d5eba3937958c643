/* expression_check.h: what the files of the check share; private to
 * engine/step/expression_*.c. */
#ifndef SLUICE_STEP_EXPRESSION_CHECK_H
#define SLUICE_STEP_EXPRESSION_CHECK_H

#include "step/expression_tree.h"

/* A type on its way through the tree. */
struct inferred {
	struct value_type type;
	unsigned width;	  /* of the float tensors that went in; see expression_value.h */
	bool width_known; /* all their datatypes are known */
	bool fits_any;	  /* an integer literal that goes with its partner's sign */
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

bool inference_node(struct expression_inference *inference, const struct expression_node *node, struct inferred *result);
bool inference_call(struct expression_inference *inference, const struct expression_node *node, struct inferred *result);
bool inference_trailing(struct expression_inference *inference, const struct expression_node *node,
			const struct inferred *arguments, struct inferred *result);
bool inference_index(struct expression_inference *inference, const struct expression_node *node, struct inferred *result);

/* The shape that two have together, by numpy's rules. */
bool inference_join(struct expression_inference *inference, const struct expression_node *node, const struct inferred *a,
		    const struct inferred *b, struct value_type *joint);
/* Of all of them, one at least. */
bool inference_join_all(struct expression_inference *inference, const struct expression_node *node,
			const struct inferred *arguments, uint32_t count, struct inferred *result);

/* The class of what a function of that letter gives; see function_rules. */
enum value_class class_given(char gives, const struct inferred *arguments, size_t count);

/* The class of a result of these operands, and its datatype by the rule of the language. */
void inferred_set_class(struct inferred *result, enum value_class class, const struct inferred *operands, size_t count);
void inferred_set_datatype(struct inferred *result, enum datatype datatype);
void inferred_set_scalar(struct inferred *result);

/* Whether it may have just one element: then it decides alone, and what it makes
 * unneeded may be left out. */
bool may_be_single(const struct value_type *type);

/* Forgets the shape of `type` when the other's is not the same. */
void keep_alike(struct value_type *type, const struct value_type *other);

bool classes_alike(enum value_class left, enum value_class right); /* may be compared, or chosen between */
enum value_class class_of_datatype(enum datatype datatype);

#endif
