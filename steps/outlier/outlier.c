/* outlier.c: Step that marks messages that differ from the training data. */
#include <float.h>
#include <math.h>

#include "message/columns.h"
#include "message/provenance.h"
#include "observe/verdict_board.h"
#include "steps/kinds.h"
#include "steps/marks.h"
#include "steps/outlier/outlier_observer.h"
#include "steps/outlier/outlier_past.h"
#include "steps/outlier/outlier_reference.h"
#include "steps/reference_rows.h"
#include "steps/prepare/typing.h"

/* What open() prepares. */
struct outlier_state {
	struct outlier_reference reference;
	struct text tensor;
	double limit;
	const char *whose; /* for errors: "step `odd`" */
	struct text names; /* the reference's columns, joined by commas as most tensors name theirs; NULL: not known */
	/* Of a step whose observer learns the reference: */
	struct verdict_entry *entry; /* NULL: there is no board here, so nothing is learnt */
	uint64_t identity;
};

static const struct verdict_names verdict_names = {{"outlier_score", 13}, {"is_outlier", 10}, {"outlier_state", 13}};

/* Whether an observer learns a past, and what it has learnt can be used: the mark `outlier_state`. */
static const char *const knowledge_names[] = {
	[OUTLIER_LEARNING] = "learning", [OUTLIER_KNOWN] = "known", [OUTLIER_UNFIT] = "unfit"};

#define PAST_MS_LEAST 60000

static bool past_check(const struct outlier *self, struct error *error)
{
	return outlier_past_ms(self) >= PAST_MS_LEAST ||
	       error_set(error, ERROR_CONFIG, self->reference.here,
			 "a past shorter than a minute has too few rows to know what is usual; give a longer `past`");
}

/* A covariance can be learnt row by row; a median and a forest cannot. */
static void outlier_describe(const struct step *step, struct step_facts *facts)
{
	const struct outlier *self = step->options;
	if (self->reference.past_ns && self->by != OUTLIER_MAHALANOBIS)
		facts->later = "`past` is learnt for `by: mahalanobis` alone; sluice does not run steps of another method with it "
			       "yet: learn a file by `sluice fit outlier`";
	facts->later_place = self->reference.here;
	facts->marks = self->as == MARKS_AS_MARKS;
	facts->observer = outlier_is_learnt(self) ? &step_outlier_observer : NULL;
}

static bool outlier_check(const void *options, struct place place, struct error *error)
{
	const struct outlier *self = options;
	(void)place;
	if (self->by == OUTLIER_FOREST && self->limit_here.line && self->limit >= 1)
		return error_set(error, ERROR_CONFIG, self->limit_here,
				 "scores of an isolation forest are from 0 to 1, and none is above %g; write a `limit` below 1, or "
				 "leave it out",
				 self->limit);
	return reference_check(&self->reference, error) && (!self->reference.past_ns || past_check(self, error));
}

/* ---- the reference ---- */

static bool reference_load(const struct step *step, struct arena *arena, struct outlier_reference *reference, struct error *error)
{
	const struct outlier *self = step->options;
	struct text content;
	if (!self->reference.file.text)
		return error_set(error, ERROR_CONFIG, self->reference.here,
				 "step `%s` cannot run with such a reference yet; name a file of `sluice fit outlier`",
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
	state->tensor = text_of(self->tensor.text);
	state->whose = arena_print(step->arena, "step `%s`", step->name);
	step->state = state;
	if (outlier_is_learnt(self)) {
		state->entry = verdict_board_entry(step->board, step->pipeline, step->name);
		state->identity = outlier_past_identity(self);
		return (state->whose && (state->entry || !step->board)) || error_memory(error, ERROR_SYSTEM, "opening a step");
	}
	if (!reference_load(step, step->arena, &state->reference, error))
		return false;
	state->limit = self->limit_here.line ? self->limit : state->reference.limit;
	if (state->reference.columns.count)
		state->names = text_of(column_names_shown(state->reference.columns, step->arena));
	return state->whose || error_memory(error, ERROR_SYSTEM, "opening a step");
}

/* ---- the tensor ---- */

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

/* The tensor, which must have come. */
static const struct tensor *tensor_find(const struct outlier_state *state, struct visit *visit, struct error *error)
{
	const struct payload *in = visit_input(visit);
	const struct tensor *tensor = tensors_find(in->tensors, state->tensor);
	if (!tensor && !reply_lacks(in, state->tensor, PLACE_NONE, state->whose, error))
		error_set(error, ERROR_INPUT, PLACE_NONE, "%s takes the tensor `" TEXT_FORMAT "`, which did not come; send it",
			  state->whose, TEXT_ARGUMENTS(state->tensor));
	return tensor;
}

static bool outlier_score(const struct outlier_reference *reference, struct visit *visit, const struct tensor *tensor,
			  struct row_shape shape, struct marks_verdict *verdict, struct error *error)
{
	struct arena *arena = visit_arena(visit);
	const double *values = tensor_doubles(tensor, arena);
	double *made = arena_take_raw(arena, (shape.rows + 1) * sizeof *made);
	if (!values || !made || !outlier_reference_score(reference, values, shape.columns, shape.rows, arena, made))
		return error_memory(error, ERROR_LIMIT, "scoring a message");
	verdict->scores = made;
	verdict->count = shape.rows;
	return true;
}

/* ---- visits by what an observer has learnt ---- */

/* No row has a score. */
static bool scores_miss(struct visit *visit, size_t rows, struct marks_verdict *verdict, struct error *error)
{
	double *made = arena_take_raw(visit_arena(visit), (rows + 1) * sizeof *made);
	if (!made)
		return error_memory(error, ERROR_LIMIT, "scoring a message");
	for (size_t i = 0; i < rows; i++)
		made[i] = NAN;
	verdict->scores = made;
	verdict->count = rows;
	return true;
}

static bool learnt_check(const struct outlier_state *state, const struct tensor *tensor, struct arena *arena,
			 struct row_shape *shape, struct error *error)
{
	if (outlier_past_fits(tensor, shape))
		return true;
	error_set_tensor(error, PLACE_NONE,
			 "%s takes rows of 1 to %d numbers, and `" TEXT_FORMAT "` is %s; send [columns] or [rows, columns]",
			 state->whose, OUTLIER_LEARNT_COLUMNS_MAX, TEXT_ARGUMENTS(tensor->name), tensor_type_text(arena, tensor));
	return reply_blamed(error, tensor);
}

/* `force`: what is in force; NULL: nothing is yet. */
static enum outlier_knowledge learnt_knowledge(const struct outlier_state *state, const struct outlier_in_force *force,
					       size_t columns)
{
	if (!force || force->identity != state->identity || force->columns != columns)
		return OUTLIER_LEARNING;
	return force->is_unfit ? OUTLIER_UNFIT : OUTLIER_KNOWN;
}

static bool learnt_judge(const struct step *step, struct visit *visit, struct marks_verdict *verdict, struct error *error)
{
	const struct outlier *options = step->options;
	const struct outlier_state *state = step->state;
	const struct tensor *tensor = tensor_find(state, visit, error);
	struct row_shape shape;
	if (!tensor || !learnt_check(state, tensor, visit_arena(visit), &shape, error))
		return false;
	const struct outlier_in_force *force = state->entry ? verdict_entry_hold_outliers(state->entry) : NULL;
	bool good;
	const enum outlier_knowledge knowledge = learnt_knowledge(state, force, shape.columns);
	verdict->state = knowledge_names[knowledge];
	if (knowledge == OUTLIER_KNOWN) {
		const struct outlier_reference reference = {.by = OUTLIER_MAHALANOBIS,
							    .width = force->columns,
							    .distance = force->distance,
							    .cost = outlier_distance_cost(force->columns)};
		verdict->limit = options->limit_here.line ? options->limit : force->limit;
		good = outlier_score(&reference, visit, tensor, shape, verdict, error);
	} else {
		good = scores_miss(visit, shape.rows, verdict, error);
	}
	if (state->entry) {
		verdict_entry_release_outliers(state->entry);
		verdict_entry_note_knowledge(state->entry, knowledge);
	}
	return good;
}

/* ---- visits ---- */

static bool outlier_judge(const struct step *step, struct visit *visit, struct marks_verdict *verdict, struct error *error)
{
	const struct outlier_state *state = step->state;
	const struct tensor *tensor = tensor_find(state, visit, error);
	struct row_shape shape;
	verdict->limit = state->limit;
	return tensor && tensor_check(state, tensor, visit_arena(visit), &shape, error) &&
	       outlier_score(&state->reference, visit, tensor, shape, verdict, error);
}

static enum step_verdict outlier_run(struct step *step, struct visit *visit, struct error *error)
{
	const struct outlier *self = step->options;
	struct marks_verdict verdict = {0};
	return (outlier_is_learnt(self) ? learnt_judge : outlier_judge)(step, visit, &verdict, error) &&
			       marks_emit(visit, &verdict_names, (enum marks_as)self->as, &verdict, error)
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

/* CONFIG: no past of such rows can be learnt. */
static bool past_type_check(const struct tensor_type *tensor, struct place place, struct error *error)
{
	const struct value_type *type = &tensor->type;
	const int64_t last = type->shape_known && type->rank > 0 ? type->shape[type->rank - 1] : 1;
	if (type->shape_known && type->rank > 2)
		return error_set(error, ERROR_CONFIG, place,
				 "it takes rows, [columns] or [rows, columns], and `" TEXT_FORMAT "` has %lu dimensions",
				 TEXT_ARGUMENTS(tensor->name), (unsigned long)type->rank);
	return last <= OUTLIER_LEARNT_COLUMNS_MAX ||
	       error_set(error, ERROR_CONFIG, place,
			 "a past is learnt of at most %d columns, and `" TEXT_FORMAT
			 "` has %lld; learn a file by `sluice fit outlier`, or choose columns by a step before",
			 OUTLIER_LEARNT_COLUMNS_MAX, TEXT_ARGUMENTS(tensor->name), (long long)last);
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
	if (outlier_is_learnt(self) && tensor && !past_type_check(tensor, self->tensor.place, error))
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
	bool good =
		reference_rows_open(&rows, step, &self->tensor, source, error) &&
		outlier_reference_learn((enum outlier_by)self->by,
					&(struct outlier_rows){rows.table, rows.columns, self->limit_here.line ? self->limit : 0},
					step->arena, file, &remark, error);
	if (good)
		fit_source_remark(source, remark);
	reference_rows_close(&rows);
	if (!good && !error->place.line)
		error->place = step->place;
	return good;
}

static const struct option outlier_reference_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct step_reference, here)},
	ROW("file", NAME, struct step_reference, file, .file = true, .short_form = true,
	    .help = "A file of `sluice fit outlier`, or of an isolation forest."),
	ROW("past", DURATION, struct step_reference, past_ns,
	    .help = "The length of the stream's own past whose mean and covariance are the reference, a minute or more, by event "
		    "times; for `by: mahalanobis` and at most 128 columns. An observer beside the path learns them, so the step "
		    "itself stores nothing. While there are fewer than 200 rows, or 10 for each column, `outlier_state` is "
		    "`learning`. The reference is renewed each time that the rows have doubled, and 32 times in the length of the "
		    "past. Rows with a missing number are not learnt. Outliers are learnt too: a few with very large numbers hide "
		    "others until they are older than the past. The columns are those of the first row; after 200 consecutive rows "
		    "with another number of columns the past begins again. With `sluice run --control` all engines of the "
		    "namespace judge by it, else the engine whose observer has learnt it."),
	ROW("topic", TEXT, struct step_reference, topic, .effect = EFFECT_REFUSED, .help = "A topic with the data."),
	{.type = OPTION_END},
};

const struct option outlier_options[] = {
	ROW("tensor", NAME, struct outlier, tensor, .required = true,
	    .help = "The tensor that is judged: [rows, columns], or one row."),
	ROW("by", CHOICE, struct outlier, by, .choices = OUTLIER_BY_NAMES, .fallback = "mahalanobis",
	    .help = "The score of a row. `modified-z`: the largest over its columns of 0.6745 |x - median| / MAD. `mahalanobis`: "
		    "the squared Mahalanobis distance. `isolation-forest`: the score of the forest, from 0 to 1. A missing number "
		    "(NaN) leaves its column out of `modified-z`; with one the score of `mahalanobis` is NaN, and the row is no "
		    "outlier; the trees of a forest take it for a number above all."),
	ROW("reference", MAP, struct outlier, reference, .rows = outlier_reference_rows, .required = true,
	    .help = "The reference: a file of `sluice fit outlier` or of an isolation forest, or {past: 7d}."),
	ROW("limit", NUMBER, struct outlier, limit, .place_offset = offsetof(struct outlier, limit_here), .least = 0,
	    .most = DBL_MAX,
	    .help = "A row above this score is an outlier. Default: 3.5 for `modified-z`; for `mahalanobis` the distance that 1 of "
		    "1000 rows like a normal reference exceeds; for `isolation-forest` the limit in the file, or 0.5."),
	ROW("as", CHOICE, struct outlier, as, .choices = MARKS_AS_NAMES, .fallback = "marks",
	    .help = "`marks`: `outlier_score` is the largest score of the rows, and `is_outlier` is whether a row is an outlier. "
		    "With `past`, `outlier_state` is `learning` while too little is known, then `known`; or `unfit`, if columns of "
		    "the past do not vary or follow from one another. Only when it is `known` there is a score; else it is nan, "
		    "and `is_outlier` is false. `tensors`: both have a value for each row, and later models get them."),
	{.type = OPTION_END},
};

const struct step_kind step_outlier = {
	.name = "outlier",
	.summary = "Marks messages that differ from a reference: outlier_score, is_outlier.",
	.example = "- name: odd\n"
		   "  inputs: [sane]\n"
		   "  outlier: {tensor: features, reference: refs/features.json}\n",
	.options = outlier_options,
	.options_size = sizeof(struct outlier),
	.shape = SHAPE_ADDS,
	.monitors = &(const struct monitor_rules){.flag = "is_outlier", .score = "outlier_score"},
	.learns = &(const struct learning_rules){.fit = outlier_fit},
	.describe = outlier_describe,
	.check = outlier_check,
	.infer = outlier_infer,
	.open = outlier_open,
	.run = outlier_run,
};
