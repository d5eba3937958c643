/* options.h: Parser of a YAML map by option rows.
 *
 * All checks that rows can express are made here: the field's name (with a suggestion), its type, its range, whether
 * it is required, its default, and whether sluice supports it. All faults of a map are found in one pass.
 *
 * `into` is filled with the valid part of the map; it must be zeroed. NULL: the map is only checked.
 */
#pragma once

#include "base/option.h"
#include "compiler/yaml/fault.h"
#include "compiler/yaml/node.h"
#include "compiler/step/step.h"

struct reading;

/* Parser of the kind of a step, whose options have rows of their own (step_kinds.h). */
struct kind_parser {
	/* Reads the kind key of a step: a map entry that no row names. True: it was read. */
	bool (*read)(struct reading *reading, const struct node_entry *entry, void *step);
	/* Gives a step without a kind key the default kind. */
	void (*fall_back)(struct reading *reading, void *step);
};

struct reading {
	struct arena *arena;
	struct faults *faults;
	const struct step_kind *const *kinds; /* NULL: no kinds */
	const struct kind_parser *kind_parser; /* NULL: there are no steps */
	const char *field;		      /* the key being read, for messages */
	struct text text;		      /* of the file, for the spelling of a scalar */
	struct name_list *headers;	      /* those that its expressions read are added; NULL: they are not needed */
};

/* Sets the defaults first, then the values of `node`. If memory runs out, the arena has failed. */
void options_read(struct reading *reading, const struct node *node, const struct option *rows, void *into);

/* Sets the defaults only, for an absent map. */
void options_fall_back(struct reading *reading, const struct option *rows, void *into);

/* Parses a value other than a map, list or table of rows into the C type of the row's type. */
void value_read(struct reading *reading, const struct option *row, const struct node *node, void *at);

/* The row of that name; NULL: there is none. */
const struct option *option_named(const struct option *rows, struct text name);

/* "a whole number", for messages and documentation. */
const char *option_type_name(const struct option *row);

/* Adds a fault: `node` has another type than the field takes. */
void value_wrong_type(struct reading *reading, const struct option *row, const struct node *node);
/* Adds a fault: it is not a map. `suggest`: the probable intention, or NULL. */
void value_no_map(struct reading *reading, const struct node *node, const char *suggest);

enum scalar_class { SCALAR_TEXT, SCALAR_INTEGER, SCALAR_FLOAT, SCALAR_FLAG };

/* The type of a scalar by the rules of YAML; a quoted scalar is always a text. */
enum scalar_class scalar_classify(const struct node *node);

/* Parses a number as YAML writes it: also +1, .5, 1., .inf and .nan. */
bool scalar_number(struct text text, double *number);

/* Parse "<100ms" and "100Ki". False: not valid. */
bool threshold_read(struct text text, struct threshold *threshold);
bool quantity_read(struct text text, double *quantity);

/* The operator that corresponds to one of another language; NULL: none. */
const char *operator_meant(struct text sign);

/* Checks the operators of an alert's condition. True: a fault was added, for an operator of another language (=>, =,
 * <>), or one without blanks around it. */
bool condition_fault(struct reading *reading, const struct node *node);
