/* option.h: Option row: one option of a resource, a step or a command.
 *
 * The rows of a resource kind, a step kind or a command parse the YAML (or the command line), check it, and
 * fill in a struct. They also print the reference page, the completion and the JSON Schema. So each fact about
 * an option is written once.
 *
 * Each row contains the place of its value (`offset` into the struct that the rows describe) and, by its type,
 * the C type there. Rows end with OPTION_END. Values live as long as the spec from which they were read.
 */
#pragma once

#include <string.h>

#include "base/error.h"

/* A text with its place in the user's files. `text` is NULL if it is absent. */
struct name {
	const char *text;
	struct place place;
};

struct name_list {
	size_t count;
	const struct name *items;
};

static inline bool name_list_has(struct name_list list, const char *name)
{
	for (size_t i = 0; i < list.count; i++)
		if (list.items[i].text && strcmp(list.items[i].text, name) == 0)
			return true;
	return false;
}

struct number_list {
	size_t count;
	const double *items;
};

/* Values of OPTION_LIST and OPTION_TABLE: `count` structs of the row's `item_size`, one after the other, in the
 * order of the file. */
struct item_list {
	size_t count;
	const void *items;
};

enum comparison { COMPARE_LESS, COMPARE_LESS_EQUAL, COMPARE_GREATER, COMPARE_GREATER_EQUAL, COMPARE_EQUAL, COMPARE_NOT_EQUAL };

struct threshold {
	enum comparison comparison;
	double value;
	bool percent; /* it is written with a % */
	bool time;    /* as a duration; the value is in ms */
};

/* A number of messages or a duration: `500` or `7d`. */
struct extent {
	int64_t count;	     /* 0 when it is a time */
	int64_t duration_ns; /* 0 when it is a count */
};

struct operation {
	const struct option *row; /* the row of this operation */
	const void *options;	  /* a struct of row->item_size, filled in by row->rows */
	struct place place;
};

enum option_type {
	OPTION_END,	   /* ends the rows */
	OPTION_TEXT,	   /* const char *, NULL when absent */
	OPTION_NAME,	   /* struct name: a text with its place */
	OPTION_FLAG,	   /* bool; with `choices` an int: 0, 1, or OPTION_FLAG_CHOICE and the index of one of its words */
	OPTION_INTEGER,	   /* int64_t, within `least` and `most` */
	OPTION_NUMBER,	   /* double, within `least` and `most`; `5%` is 0.05 */
	OPTION_NUMBERS,	   /* struct number_list; nan and inf are allowed */
	OPTION_SCALAR,	   /* const char *: a text, number or flag, as written */
	OPTION_NAMES,	   /* struct name_list */
	OPTION_REFERENCES, /* struct name_list: of a pipeline; an empty item has the text "", which the graph reports */
	OPTION_DURATION,   /* int64_t, nanoseconds, above 0: 250ms, 1h30m */
	OPTION_QUANTITY,   /* double: a Kubernetes quantity, 100Ki or 250m */
	OPTION_CHOICE,	   /* int: index into the words of `choices` */
	OPTION_THRESHOLD,  /* struct threshold: "<100ms" (in ms), ">99.9%" */
	OPTION_EXTENT,	   /* struct extent */
	OPTION_EXPRESSION, /* const struct expression *, NULL when absent */
	OPTION_MAP,	   /* `rows` fill in the struct at `offset` */
	OPTION_LIST,	   /* struct item_list; each item is a map by `rows` */
	OPTION_TABLE,	   /* struct item_list; free keys, each to an OPTION_KEY row, its value by the other rows.
			    * Without name and short form: keys that no other row names */
	OPTION_OPERATIONS, /* struct item_list of struct operation: a list of maps with one key each, one of `rows` */
	OPTION_NODE,	   /* const struct node *: any YAML, as written */
	OPTION_HERE,	   /* struct place: of this map; line 0: it is absent. Has no name */
	OPTION_KEY,	   /* struct name: the entry's key, in the rows of an OPTION_TABLE. Has no name */
	OPTION_KIND,	   /* any key of the table of step kinds, only in the rows of a step. Has no name */
};

enum option_effect {
	EFFECT_HONOURED,
	EFFECT_LATER,	 /* known and checked, but not supported yet: lint warns */
	EFFECT_REFUSED,	 /* known and checked, but what it asks for cannot run yet: lint warns, a run refuses */
	EFFECT_NONE,	 /* only Kubernetes can support it: `plan` notes "no effect here" */
	EFFECT_PROTECTS, /* not supported yet, but a protection: a listener refuses to start, lint warns */
	EFFECT_KEEPER,	 /* what only the keeper of a control plane carries out: lint notes it */
	EFFECT_GATEWAY,	 /* a protection that only a gateway enforces: lint notes it, an engine without a gateway refuses */
};

#define OPTION_FLAG_CHOICE 2

/* An offset: the value is checked but not stored, and so is all that it contains. */
#define OPTION_UNSTORED ((size_t)-1)

#define NUMBER_UNBOUNDED 1e300 /* a `least` or `most` beyond it is no bound, and is not printed */

struct option {
	const char *name;
	enum option_type type;
	enum option_effect effect;
	size_t offset;		   /* into the struct that these rows fill in */
	size_t place_offset;	   /* offset of a struct place for the value's place; 0: none */
	const char *fallback;	   /* as the user would write it; NULL: zero or absent */
	const char *choices;	   /* OPTION_CHOICE, and an OPTION_TEXT with few values: words separated by one space */
	const struct option *rows; /* OPTION_MAP, _LIST, _TABLE, _OPERATIONS */
	size_t item_size;	   /* OPTION_LIST, _TABLE: of one item; OPTION_MAP inside OPTION_OPERATIONS: of its struct */
	double least, most;	   /* OPTION_INTEGER, _NUMBER; both 0: no bounds but the type's. OPTION_TEXT: at least 1 is not
				    * empty */
	bool required;
	bool whole;     /* OPTION_NUMBERS: only whole numbers; OPTION_DURATION: only whole milliseconds */
	bool secret;    /* its value is never shown */
	bool file;      /* OPTION_NAME: names a file that engines read; `sluice apply` sends it with the document */
	bool or_none;   /* OPTION_DURATION: 0s is allowed too */
	bool condition; /* OPTION_EXPRESSION: one element, not text */
	bool quotable;  /* OPTION_INTEGER: "4" is the same as 4 (Kubernetes' int-or-string) */
	/* A value that is not a map is read by the first row with this flag that accepts it: `otherwise: drop`.
	 * Without a name the row has no other form, and if it is an OPTION_TABLE or OPTION_NODE it accepts maps
	 * too. */
	bool short_form;
	unsigned uses;	  /* OPTION_EXPRESSION: what it may use besides the message, a set of expression_use */
	char letter;	  /* of a command's option: -f */
	bool argument;	  /* of a command's OPTION_NAMES: its values are arguments, as if written without the option */
	const char *word; /* of a command's option: placeholder of the value in its help; NULL: the option's name */
	/* Of a command's OPTION_TEXT or OPTION_NAMES: the environment variable that may replace it; so may a
	 * line of the settings file (tools/cli/settings.h). "": only the settings file; NULL: neither. */
	const char *variable;
	size_t ambient_offset; /* offset of a value from there; 0: `offset` */
	const char *help; /* one sentence */
};

/* A row in one line: ROW("size", INTEGER, struct step_batch, size, .help = "..."); CHECKED("replicas", INTEGER,
 * .help = "...") does not store its value. */
#define ROW(key, kind, struct_type, member, ...)                                                                                   \
	{                                                                                                                          \
		.name = key, .type = OPTION_##kind, .offset = offsetof(struct_type, member), __VA_ARGS__                           \
	}
#define CHECKED(key, kind, ...)                                                                                                    \
	{                                                                                                                          \
		.name = key, .type = OPTION_##kind, .offset = OPTION_UNSTORED, __VA_ARGS__                                         \
	}
