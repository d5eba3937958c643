/* outlier.c: Step that marks messages that differ from the training data. */
#include <float.h>
#include <math.h>

#include "message/columns.h"
#include "message/provenance.h"
#include "message/row_numbers.h"
#include "steps/kinds.h"
#include "steps/marks.h"
#include "steps/outlier_reference.h"
#include "steps/reference_rows.h"
#include "steps/references.h"
#include "steps/typing.h"

struct outlier {
	struct name tensor;
	int by; /* enum outlier_by */
	struct step_reference reference;
	double limit;
	struct place limit_here; /* line 0: not given */
	int as;			 /* enum marks_as */
};

/* What open() prepares. */
struct outlier_state {
	struct outlier_reference reference;
	struct text tensor;
	double limit;
	const char *whose; /* for errors: "step `odd`" */
	struct text names; /* the reference's columns, joined by commas as most tensors name theirs; NULL: not known */
};

static const struct verdict_names verdict_names = {{"outlier_score", 13}, {"is_outlier", 10}};

static bool outlier_check(const void *options, struct place place, struct error *error)
{
	const struct outlier *self = options;
	(void)place;
	if (self->by == OUTLIER_FOREST && self->limit_here.line && self->limit >= 1)
		return error_set(error, ERROR_CONFIG, self->limit_here,
				 "scores of an isolation forest are from 0 to 1, and none is above %g; write a `limit` below 1, or "
				 "leave it out",
				 self->limit);
	return reference_check(&self->reference, error);
}

static bool outlier_marks(const struct step *step)
{
	return ((const struct outlier *)step->options)->as == MARKS_AS_MARKS;
}

/* ---- the reference ---- */

static bool reference_load(const struct step *step, struct arena *arena, struct outlier_reference *reference, struct error *error)
{
	const struct outlier *self = step->options;
	struct text content;
	if (!self->reference.file.text)
		return error_set(error, ERROR_CONFIG, self->reference.here,
				 "step `%s` cannot run with the past or a topic as its reference yet; learn a file by `sluice fit "
				 "outlier`, and name it here",
				 step->name);
	return step_file(step, &self->reference.file, NULL, &content, error) &&
	       outlier_reference_read(&self->reference.file, content, (enum outlier_by)self->by, arena, reference, error);
}

static bool outlier_open(struct step *step, struct error *error)
{
	const struct outlier *self = step->options;
	struct outlier_state *state = ARENA_NEW(step->arena, struct outlier_state);
	if (!state)
		return error_memory(error, ERROR_SYSTEM, "opening a step");
	if (!reference_load(step, step->arena, &state->reference, error))
		return false;
	state->tensor = text_of(self->tensor.text);
	state->limit = self->limit_here.line ? self->limit : state->reference.limit;
	state->whose = arena_print(step->arena, "step `%s`", step->name);
	if (state->reference.columns.count)
		state->names = text_of(column_names_shown(state->reference.columns, step->arena));
	step->state = state;
	return state->whose || error_memory(error, ERROR_SYSTEM, "opening a step");
}

/* ---- visits ---- */

static bool width_fits(const struct outlier_reference *reference, size_t width)
{
	return width == reference->width || (reference->wider && width > reference->width);
}

/* The usual names are those of the reference, as it writes them. */
static bool names_fit(const struct outlier_state *state, const struct tensor *tensor, struct arena *arena)
{
	if (!state->names.bytes || tensor->parameters.count == 0)
		return true;
	const struct parameters named = columns_parameters(tensor->parameters);
	return named.count == 0 || text_equal(named.items->value.text, state->names) ||
	       column_names_agree(named, state->reference.columns, arena);
}

static bool tensor_check(const struct outlier_state *state, const struct tensor *tensor, struct arena *arena,
			 struct row_shape *shape, struct error *error)
{
	const struct outlier_reference *reference = &state->reference;
	if (tensor->datatype == DATATYPE_BYTES) {
		error_set_tensor(error, PLACE_NONE, "%s takes numbers, and `" TEXT_FORMAT "` is %s", state->whose,
				 TEXT_ARGUMENTS(tensor->name), tensor_type_text(arena, tensor));
		return reply_blamed(error, tensor);
	}
	if (!row_shape_of(tensor, reference->width == 1 && !reference->wider, shape) || !width_fits(reference, shape->columns)) {
		error_set_tensor(error, PLACE_NONE,
				 "the reference of %s has %s%zu columns, and `" TEXT_FORMAT "` is %s; send such rows, or learn the "
				 "reference again",
				 state->whose, reference->wider ? "at least " : "", reference->width, TEXT_ARGUMENTS(tensor->name),
				 tensor_type_text(arena, tensor));
		return reply_blamed(error, tensor);
	}
	if (!names_fit(state, tensor, arena)) {
		error_set(error, ERROR_INPUT, PLACE_NONE,
			  "the columns of the reference of %s are " TEXT_FORMAT ", and `" TEXT_FORMAT
			  "` has others, or another order; send these, or learn the reference again",
			  state->whose, TEXT_ARGUMENTS(state->names), TEXT_ARGUMENTS(tensor->name));
		return reply_blamed(error, tensor);
	}
	return true;
}

static bool outlier_score(const struct outlier_state *state, struct visit *visit, const double **scores, size_t *count,
			  struct error *error)
{
	struct arena *arena = visit_arena(visit);
	const struct payload *in = visit_input(visit);
	const struct tensor *tensor = tensors_find(in->tensors, state->tensor);
	struct row_shape shape;
	if (!tensor)
		return reply_lacks(in, state->tensor, PLACE_NONE, state->whose, error)
			       ? false
			       : error_set(error, ERROR_INPUT, PLACE_NONE,
					   "%s takes the tensor `" TEXT_FORMAT "`, which did not come; send it", state->whose,
					   TEXT_ARGUMENTS(state->tensor));
	if (!tensor_check(state, tensor, arena, &shape, error))
		return false;
	const double *values = tensor_doubles(tensor, arena);
	double *made = arena_take_raw(arena, (shape.rows + 1) * sizeof *made);
	if (!values || !made || !outlier_reference_score(&state->reference, values, shape.columns, shape.rows, arena, made))
		return error_memory(error, ERROR_LIMIT, "scoring a message");
	*scores = made;
	*count = shape.rows;
	return true;
}

static enum step_verdict outlier_run(struct step *step, struct visit *visit, struct error *error)
{
	const struct outlier *self = step->options;
	const struct outlier_state *state = step->state;
	const double *scores = NULL;
	size_t count = 0;
	return outlier_score(state, visit, &scores, &count, error) &&
			       marks_emit(visit, &verdict_names, (enum marks_as)self->as, scores, count, state->limit, error)
		       ? STEP_DONE
		       : STEP_FAIL;
}

/* ---- types ---- */

/* CONFIG: the tensor can never fit the reference. */
static bool type_check(const struct outlier_reference *reference, const struct tensor_type *tensor, struct place place,
		       struct arena *arena, struct error *error)
{
	const struct value_type *type = &tensor->type;
	if (type->shape_known && (type->rank > 1 || (type->rank == 1 && reference->width > 1))) {
		const int64_t last = type->shape[type->rank - 1];
		if (type->rank > 2 || (last >= 0 && !width_fits(reference, (size_t)last)))
			return error_set(error, ERROR_CONFIG, place,
					 "the reference has %s%zu columns, and `" TEXT_FORMAT "` has %lld in the last of its %lu "
					 "dimensions; learn the reference again",
					 reference->wider ? "at least " : "", reference->width, TEXT_ARGUMENTS(tensor->name),
					 (long long)last, (unsigned long)type->rank);
	}
	if (tensor->parameters && !column_names_agree(*tensor->parameters, reference->columns, arena))
		return error_set(error, ERROR_CONFIG, place,
				 "the columns of the reference are %s, and `" TEXT_FORMAT
				 "` has others, or another order; learn the reference again",
				 column_names_shown(reference->columns, arena), TEXT_ARGUMENTS(tensor->name));
	return true;
}

static bool tensors_type(const struct outlier_reference *reference, const struct tensor_type *tensor, struct typing *typing)
{
	const struct value_type *type = tensor ? &tensor->type : NULL;
	int64_t rows = -1;
	if (type && type->shape_known && type->rank == 2)
		rows = type->shape[0];
	else if (type && type->shape_known && reference && reference->width > 1)
		rows = 1;
	const struct value_type score = {.class = VALUE_FLOAT,
					 .datatype_known = true,
					 .datatype = DATATYPE_FP64,
					 .shape_known = true,
					 .rank = 1,
					 .shape = {rows}};
	struct value_type flag = score;
	flag.class = VALUE_BOOL;
	flag.datatype = DATATYPE_BOOL;
	return typing_put(typing, verdict_names.score, &score) && typing_put(typing, verdict_names.flag, &flag);
}

static bool outlier_infer(const struct step *step, const struct tensor_types *in, struct arena *arena, struct tensor_types *out,
			  struct error *error)
{
	const struct outlier *self = step->options;
	struct typing typing = {.types = *in, .arena = arena};
	struct outlier_reference reference;
	const struct tensor_type *tensor = typing_find(&typing, text_of(self->tensor.text));
	const bool known = step->files && self->reference.file.text;
	if (!tensor && in->complete)
		return error_set(error, ERROR_CONFIG, self->tensor.place, "it takes the tensor `%s`, which never comes",
				 self->tensor.text);
	if (tensor && tensor->type.class == VALUE_TEXT)
		return error_set(error, ERROR_CONFIG, self->tensor.place, "it takes numbers, and `%s` is text", self->tensor.text);
	if (known && !reference_load(step, arena, &reference, error))
		return false;
	if (known && tensor && !type_check(&reference, tensor, self->reference.here, arena, error))
		return false;
	if (self->as == MARKS_AS_TENSORS && !tensors_type(known ? &reference : NULL, tensor, &typing))
		return error_memory(error, ERROR_SYSTEM, "inferring types");
	*out = typing.types;
	return true;
}

/* ---- learning ---- */

static bool outlier_fit(struct step *step, const struct fit_source *source, struct buffer *file, struct error *error)
{
	const struct outlier *self = step->options;
	struct reference_rows rows;
	const char *remark = NULL;
	bool good = reference_rows_open(&rows, step, &self->tensor, source, error) &&
		    outlier_reference_learn((enum outlier_by)self->by, &(struct outlier_rows){rows.table, rows.columns},
					    step->arena, file, &remark, error);
	if (good && remark && source->remarked)
		source->remarked(source->listener, remark);
	reference_rows_close(&rows);
	if (!good && !error->place.line)
		error->place = step->place;
	return good;
}

static const struct option options[] = {
	ROW("tensor", NAME, struct outlier, tensor, .required = true,
	    .help = "The tensor that is judged: [rows, columns], or one row."),
	ROW("by", CHOICE, struct outlier, by, .choices = OUTLIER_BY_NAMES, .fallback = "mahalanobis",
	    .help = "The score of a row. `modified-z`: the largest over its columns of 0.6745 |x - median| / MAD. `mahalanobis`: "
		    "the squared Mahalanobis distance. `isolation-forest`: the score of the forest, from 0 to 1."),
	ROW("reference", MAP, struct outlier, reference, .rows = reference_rows, .required = true,
	    .help = "The reference: a file of `sluice fit outlier`, or of an isolation forest."),
	ROW("limit", NUMBER, struct outlier, limit, .place_offset = offsetof(struct outlier, limit_here), .least = 0,
	    .most = DBL_MAX,
	    .help = "A row above this score is an outlier. Default: 3.5 for `modified-z`; for `mahalanobis` the distance that 1 of "
		    "1000 rows like a normal reference exceeds; for `isolation-forest` the limit in the file, or 0.5."),
	ROW("as", CHOICE, struct outlier, as, .choices = MARKS_AS_NAMES, .fallback = "marks",
	    .help = "`marks`: `outlier_score` is the largest score of the rows, and `is_outlier` is whether a row is an outlier. "
		    "`tensors`: both have a value for each row, and later models get them."),
	{.type = OPTION_END},
};

const struct step_kind step_outlier = {
	.name = "outlier",
	.summary = "Marks messages that differ from a reference: outlier_score, is_outlier.",
	.example = "- name: odd\n"
		   "  inputs: [sane]\n"
		   "  outlier: {tensor: features, reference: refs/features.json}\n",
	.options = options,
	.options_size = sizeof(struct outlier),
	.shape = SHAPE_ADDS,
	.marks = outlier_marks,
	.monitors = &(const struct monitor_rules){.flag = "is_outlier"},
	.check = outlier_check,
	.infer = outlier_infer,
	.fit = outlier_fit,
	.open = outlier_open,
	.run = outlier_run,
};
