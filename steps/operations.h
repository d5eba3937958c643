/* operations.h: what preprocess and postprocess run: a list of operations on tensors, made
 * into a program when the step is opened.
 *
 * An operation is a row of options (operation_rows.h) and a kind (below). A kind has one of
 * three forms. One that works on numbers changes them where they are: those that follow one
 * another on the same tensor are run on one copy of it, in double, which is rounded once to
 * what leaves (FP32 where FP32 or smaller came, else FP64). One that turns columns makes
 * other columns of them. One that works on the list of tensors does what it likes with it.
 * What no operation touches is passed on uncopied.
 *
 * The columns of a tensor are its last dimension; one of rank 0 has one. Lists of constants
 * have one number for all columns, or one for each.
 *
 * Nothing is taken from the heap by a message; a program belongs to its step.
 */
#ifndef SLUICE_STEPS_OPERATIONS_H
#define SLUICE_STEPS_OPERATIONS_H

#include "numeric/table.h"
#include "steps/operation_rows.h"
#include "steps/typing.h"

struct operation_kind;

struct texts {
	size_t count;
	const struct text *items;
};

/* One operation of a program. */
struct operation_instruction {
	const struct operation_kind *kind;
	const void *options; /* the struct of its rows; of a fitted one that of the file, on the step's tensors */
	struct place place;
	bool unknown;			/* its constants stand in a file that cannot be read here: types alone are asked for */
	struct operation_target target; /* zero for kinds on the list of tensors */
	struct text as;			/* empty: in place */
	struct texts tensors;		/* none: all numeric ones, or all of the datatypes that its kind takes */
	size_t chain;			/* how many instructions, this one included, work on one copy */
	void *made;			/* the kind's own */
};

struct program {
	size_t count;
	struct operation_instruction *items;
	size_t more; /* tensors that it may add, at most */
};

/* The tensors at one point of the program. */
struct work {
	struct arena *arena; /* the message's */
	struct scope scope;  /* its payload is that below */
	struct payload payload;
	const struct tensor **items; /* of the payload, with room for what the program may add */
	const struct tensor *texts;  /* what an operation on numbers has refused for its texts; NULL: nothing */
};

/* Columns as an operation gets them: all of a tensor, or those chosen. */
struct cells {
	const struct tensor *tensor; /* for words */
	struct table numbers;	     /* unless it is of BYTES: then values is NULL */
	const struct text *texts;    /* NULL: numbers */
	bool narrow;		     /* what is computed of them leaves as FP32 */
};

enum cell_class { CELLS_NUMBERS, CELLS_TEXTS, CELLS_BOTH };

/* What comes of turned columns. */
enum turned { TURNED_INTEGERS, TURNED_FLOATS, TURNED_NUMBERS, TURNED_TEXTS };

struct operation_kind {
	const char *name;
	bool on_columns; /* its options begin with a struct operation_target */
	bool is_file;	 /* all operations of a file stand for it */
	/* Beyond the rows. With a fitted file, whose constants are checked by themselves, only
	 * what stands beside it: `settings`. NULL: nothing. */
	bool (*settings)(const void *options, struct place place, struct error *error);
	bool (*check)(const void *options, struct place place, struct error *error);
	/* Fills in `made`, when the program is made. NULL: nothing is. */
	bool (*make)(const struct step *step, struct operation_instruction *instruction, struct arena *arena, struct error *error);
	/* How many constants it has for columns; 0 and 1 fit any number of them. NULL: 0. */
	size_t (*constants)(const struct operation_instruction *instruction);

	/* On numbers. */
	bool fills; /* it changes NaN alone, so that a tensor without one stays as it is */
	bool (*apply)(const struct operation_instruction *instruction, const struct table *table, struct arena *arena,
		      struct error *error);

	/* Turning columns. */
	enum cell_class takes;
	bool reduces;								/* the columns themselves go: [2,3] becomes [2] */
	size_t (*width)(const struct operation_instruction *instruction, size_t columns); /* 0: too many */
	enum turned (*form)(const struct operation_instruction *instruction);
	/* Writes rows * width elements: int64_t, float, double, struct text. */
	bool (*turn)(const struct operation_instruction *instruction, const struct cells *cells, void *elements,
		     struct arena *arena, struct error *error);

	/* On the list of tensors. `infer` has types alone. */
	bool (*run)(const struct operation_instruction *instruction, struct work *work, struct error *error);
	bool (*infer)(const struct operation_instruction *instruction, struct typing *typing, struct error *error);
	size_t (*adds)(const void *options); /* tensors, at most. NULL: none */

	/* Learns the constants of `options`, a copy that is its own, of the columns. NULL: it has
	 * nothing to learn. */
	bool (*fit)(void *options, const struct cells *cells, struct arena *arena, struct error *error);
	/* What is to be known of what was learnt of them; the hook and its text may be NULL: nothing. */
	const char *(*remark)(const void *options, const struct cells *cells, struct arena *arena);
};

/* Each ends with a kind without a name. */
extern const struct operation_kind operations_on_numbers[]; /* operation_numbers.c */
extern const struct operation_kind operations_on_answers[]; /* operation_answers.c */
extern const struct operation_kind operations_turning[];    /* operation_turns.c */
extern const struct operation_kind operations_on_tensors[]; /* operation_tensors.c */
extern const struct operation_kind operations_on_shapes[];  /* operation_shapes.c */

/* There is one for every row. */
const struct operation_kind *operation_kind_find(const char *name);

/* For checks: whether numbers rise, and CONFIG errors of a kind at a place. */
bool numbers_rise(const struct number_list *list);

/* A constant learnt of a column is finite; else an INPUT error that says why it is not: the column has no number, or
 * numbers whose constants pass the range of a double. */
bool constant_learnt(double constant, const char *kind, const struct table *table, size_t column, struct error *error);

/* ---- a step of operations ---- */

/* For struct step_kind: options are struct operations. */
bool operations_check(const void *options, struct place place, struct error *error);
bool operations_infer(const struct step *step, const struct tensor_types *in, struct arena *arena, struct tensor_types *out,
		      struct error *error);
bool operations_open(struct step *step, struct error *error);
enum step_verdict operations_run(struct step *step, struct visit *visit, struct error *error);
bool operations_fit(struct step *step, const struct fit_source *source, struct buffer *file, struct error *error);

/* ---- the parts of it ---- */

/* The tensors that are named in the options of an operation on columns. */
struct texts target_tensors(const struct operation_target *target, struct arena *arena);

/* Makes a program of the step's operations. Files are read through the step; where it has
 * none, what stands in them is unknown. */
bool program_make(const struct step *step, const struct item_list *list, const struct option *rows, struct arena *arena,
		  struct program *program, struct error *error);

bool work_begin(struct work *work, const struct program *program, const struct payload *input, const struct scope *scope,
		struct arena *arena, struct error *error);
bool program_run(const struct program *program, struct work *work, struct error *error);

/* Columns of tensors, by `chain` instructions from this one on (operation_columns.c). */
bool instruction_run_columns(const struct operation_instruction *instruction, struct work *work, struct error *error);
bool instruction_infer_columns(const struct operation_instruction *instruction, struct typing *typing, struct error *error);

/* The columns that an instruction works on, of the only tensor that it names. Of texts only where its kind takes them. */
bool instruction_cells(const struct operation_instruction *instruction, struct work *work, struct cells *cells,
		       struct error *error);

/* In the place of the first of its name, else behind all; work has the room. */
void work_put(struct work *work, const struct tensor *tensor);

/* The tensor of that name; NULL and an INPUT error that says what is there. */
const struct tensor *work_find(const struct work *work, const struct operation_instruction *instruction, struct text name,
			       struct error *error);

/* Types of the tensor of that name: NULL and a CONFIG error when it cannot be there; an
 * unknown one where it may. */
const struct value_type *typing_expect(const struct typing *typing, const struct operation_instruction *instruction,
				       struct text name, struct error *error);

/* The same, with what is known of its columns. False: an error. */
bool typing_expect_tensor(const struct typing *typing, const struct operation_instruction *instruction, struct text name,
			  struct tensor_type *tensor, struct error *error);

/* ---- fitted files (operation_files.c) ---- */

/* The operations of a fitted file: struct operation, by the rows of a step. */
bool operations_read(const struct step *step, const struct name *file, const struct option *rows, struct arena *arena,
		     struct item_list *operations, struct error *error);

/* The same, written. */
void operations_write(const struct item_list *list, struct buffer *out);

#endif
