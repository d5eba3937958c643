/* operations.h: Operations on tensors, for preprocess and postprocess: a list of operations, compiled to a program
 * when the step is opened.
 *
 * An operation is a row of options (operation_rows.h) and a kind (below). A kind has one of three forms. One on
 * numbers changes them in place: consecutive ones on the same tensor run on one copy of it, in double, which is
 * rounded once for the output (FP32 if FP32 or smaller came in, else FP64). One that turns columns makes other
 * columns from them. One on the list of tensors may change the list in any way. A tensor that no operation touches is
 * passed on without a copy.
 *
 * The columns of a tensor are its last dimension; one of rank 0 has one column. Lists of constants have one number
 * for all columns, or one for each.
 *
 * Messages allocate no heap memory; a program belongs to its step.
 */
#pragma once

#include "methods/numeric/table.h"
#include "steps/prepare/operation_rows.h"
#include "steps/prepare/typing.h"

struct operation_kind;

struct texts {
	size_t count;
	const struct text *items;
};

/* One operation of a program. */
struct operation_instruction {
	const struct operation_kind *kind;
	const void *options; /* the struct of its rows; for a fitted one that of the file, with the step's tensors */
	struct place place;
	bool unknown;			/* its constants are in a file that cannot be read here: only types are inferred */
	struct operation_target target; /* zero for kinds that work on the list of tensors */
	struct text as;			/* empty: in place */
	struct texts tensors;		/* none: all numeric ones, or all with datatypes that its kind takes */
	size_t chain;			/* number of instructions, including this one, that work on one copy */
	void *made;			/* data of the kind */
};

struct program {
	size_t count;
	struct operation_instruction *items;
	size_t more; /* the most tensors that it can add */
};

/* State of one message at one point of the program. */
struct work {
	struct arena *arena; /* arena of the message */
	struct scope scope;  /* its payload is the member below */
	struct payload payload;
	const struct tensor **items; /* of the payload, with space for the tensors that the program can add */
	const struct tensor *texts;  /* tensor that an operation on numbers rejected because it has texts; NULL: none */
};

/* Columns that an operation gets: all of a tensor, or a selection. */
struct cells {
	const struct tensor *tensor; /* for error texts */
	struct table numbers;	     /* unless the tensor is of BYTES: then values is NULL */
	const struct text *texts;    /* NULL: numbers */
	bool narrow;		     /* results computed from them are output as FP32 */
};

enum cell_class { CELLS_NUMBERS, CELLS_TEXTS, CELLS_BOTH };

/* Element type of turned columns. */
enum turned { TURNED_INTEGERS, TURNED_FLOATS, TURNED_NUMBERS, TURNED_TEXTS };

/* An operation that turns the columns of a message. */
struct operation_run {
	const struct operation_instruction *instruction;
	struct arena *arena;
	struct error *error;
};

struct operation_kind {
	const char *name;
	bool on_columns; /* its options begin with a struct operation_target */
	bool is_file;	 /* it is replaced by all operations of a file */
	/* Checks beyond the rows. `settings` replaces `check` for an operation with a fitted file, whose constants
	 * are checked separately. NULL: no check. */
	bool (*settings)(const void *options, struct place place, struct error *error);
	bool (*check)(const void *options, struct place place, struct error *error);
	/* Sets `made`, when the program is made. NULL: there is none. */
	bool (*make)(const struct step *step, struct operation_instruction *instruction, struct arena *arena, struct error *error);
	/* The number of its constants for columns; 0 and 1 fit any number of columns. NULL: 0. */
	size_t (*constants)(const struct operation_instruction *instruction);

	/* For kinds on numbers. */
	bool fills; /* it changes only NaN, so a tensor without NaN stays unchanged */
	void (*apply)(const struct operation_instruction *instruction, const struct table *table);

	/* For kinds that turn columns. */
	enum cell_class takes;
	bool reduces;								/* drops the columns: [2,3] becomes [2] */
	size_t (*width)(const struct operation_instruction *instruction, size_t columns); /* 0: too many */
	enum turned (*form)(const struct operation_instruction *instruction);
	/* Writes rows * width elements: int64_t, float, double or struct text. */
	bool (*turn)(const struct operation_run *run, const struct cells *cells, void *elements);

	/* For kinds on the list of tensors. `infer` has only types. */
	bool (*run)(const struct operation_instruction *instruction, struct work *work, struct error *error);
	bool (*infer)(const struct operation_instruction *instruction, struct typing *typing, struct error *error);
	size_t (*adds)(const void *options); /* the most tensors that it adds. NULL: none */

	/* Learns the constants of `options`, which is a copy of its own, from the columns. NULL: it has nothing to learn. */
	bool (*fit)(void *options, const struct cells *cells, struct arena *arena, struct error *error);
	/* A remark on the learnt constants. NULL, as hook or text: none. */
	const char *(*remark)(const void *options, const struct cells *cells, struct arena *arena);
};

/* Each ends with a kind without a name. */
extern const struct operation_kind operations_on_numbers[]; /* operation_numbers.c */
extern const struct operation_kind operations_on_answers[]; /* operation_answers.c */
extern const struct operation_kind operations_turning[];    /* operation_turns.c */
extern const struct operation_kind operations_on_tensors[]; /* operation_tensors.c */
extern const struct operation_kind operations_on_shapes[];  /* operation_shapes.c */

/* For checks: whether numbers are in ascending order. */
bool numbers_rise(const struct number_list *list);

/* Checks that a constant learnt from a column is finite. If not, the INPUT error gives the reason: the column has no
 * number, or numbers whose constants exceed the range of a double. */
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

/* The tensors named in the options of an operation on columns. */
struct texts target_tensors(const struct operation_target *target, struct arena *arena);

/* Makes a program of the step's operations. Files are read through the step; without a file source their contents are
 * unknown. */
bool program_make(const struct step *step, const struct item_list *list, const struct option *rows, struct arena *arena,
		  struct program *program, struct error *error);

bool work_begin(struct work *work, const struct program *program, const struct payload *input, const struct scope *scope,
		struct arena *arena, struct error *error);
bool program_run(const struct program *program, struct work *work, struct error *error);

/* Runs `chain` instructions from this one on over columns of tensors (operation_columns.c). */
bool instruction_run_columns(const struct operation_instruction *instruction, struct work *work, struct error *error);
bool instruction_infer_columns(const struct operation_instruction *instruction, struct typing *typing, struct error *error);

/* The columns that an instruction works on, from the single tensor that it names. Columns of texts only if its kind
 * takes texts. */
bool instruction_cells(const struct operation_instruction *instruction, struct work *work, struct cells *cells,
		       struct error *error);

/* ---- lookups (operation_lookup.c) ---- */

/* Finds the kind of a row; there is one for every row. */
const struct operation_kind *operation_kind_find(const char *name);

/* Puts a tensor in place of the first one of its name, else at the end; work has the space. */
void work_put(struct work *work, const struct tensor *tensor);

/* The tensor of that name. NULL: an INPUT error that lists the tensors present. */
const struct tensor *work_find(const struct work *work, const struct operation_instruction *instruction, struct text name,
			       struct error *error);

/* The type of the tensor of that name. NULL and a CONFIG error when it cannot exist; an unknown type when it may. */
const struct value_type *typing_expect(const struct typing *typing, const struct operation_instruction *instruction,
				       struct text name, struct error *error);

/* The same, with its known columns. False: an error. */
bool typing_expect_tensor(const struct typing *typing, const struct operation_instruction *instruction, struct text name,
			  struct tensor_type *tensor, struct error *error);

/* ---- fitted files (operation_files.c) ---- */

/* Reads the operations of a fitted file: struct operation, by the rows of a step. */
bool operations_read(const struct step *step, const struct name *file, const struct option *rows, struct arena *arena,
		     struct item_list *operations, struct error *error);

/* Writes operations in that format. */
void operations_write(const struct item_list *list, struct buffer *out);
