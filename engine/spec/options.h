/* options.h: a map of the user's YAML, read by rows.
 *
 * Everything that rows can say about a field is said here once: its name (with a
 * did-you-mean), its type, its range, whether it must be there, what it is when it
 * is not, and whether sluice honours it. All faults of a map are found in one go.
 *
 * `into` is filled in as far as the map could be read; it must be zeroed. With NULL
 * the map is checked and kept nowhere.
 */
#ifndef SLUICE_SPEC_OPTIONS_H
#define SLUICE_SPEC_OPTIONS_H

#include "base/option.h"
#include "spec/fault.h"
#include "spec/node.h"
#include "step/step.h"

struct reading {
	struct arena *arena;
	struct faults *faults;
	const struct step_kind *const *kinds; /* NULL: none are known */
	const char *field;		      /* the key being read, for messages */
	struct text text;		      /* of the file, to see how a scalar was written */
};

/* Fallbacks first, then what `node` says. Running out of memory is seen in the arena. */
void options_read(struct reading *reading, const struct node *node, const struct option *rows, void *into);

/* The fallbacks alone, for a map that is absent. */
void options_fall_back(struct reading *reading, const struct option *rows, void *into);

/* A value that is no map, list or table of rows: into the C type of the row's type. */
void value_read(struct reading *reading, const struct option *row, const struct node *node, void *at);

/* The row of that name; NULL: there is none. */
const struct option *option_named(const struct option *rows, struct text name);

/* "a whole number", for messages and documentation. */
const char *option_type_name(const struct option *row);

/* Says that `node` is of another type than the field takes. */
void value_wrong_type(struct reading *reading, const struct option *row, const struct node *node);
/* That it is no map; `suggest`: what was probably meant, or NULL. */
void value_no_map(struct reading *reading, const struct node *node, const char *suggest);

enum scalar_class { SCALAR_TEXT, SCALAR_INTEGER, SCALAR_FLOAT, SCALAR_FLAG };

/* What a scalar is by the rules of YAML: quotes make a text of anything. */
enum scalar_class scalar_classify(const struct node *node);

/* A number as YAML writes it: also +1, .5, 1., .inf and .nan. */
bool scalar_number(struct text text, double *number);

/* "<100ms" and "100Ki"; false when they are none. */
bool threshold_read(struct text text, struct threshold *threshold);
bool quantity_read(struct text text, double *quantity);

/* The operator that was meant by one of another language; NULL: it is none of them. */
const char *operator_meant(struct text sign);

/* An alert's condition: true after saying what is wrong with an operator that people
 * bring along from elsewhere (=>, =, <>), or that has no blanks around it. */
bool condition_fault(struct reading *reading, const struct node *node);

/* A step: its kind key, when the map has an entry that no row names (true: taken). */
bool step_kind_read(struct reading *reading, const struct node_entry *entry, void *step);
void step_kind_fall_back(struct reading *reading, void *into);

#endif
