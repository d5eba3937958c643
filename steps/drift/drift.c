/* drift.c: Step that measures how far live data have moved from the training data. The step itself passes messages on, with
 * the verdict that is known last; its observer (steps/drift/drift_observer.c) compares them, beside the answer. `sluice fit drift`
 * learns its reference, and `sluice drift report` compares messages that have come already. */
#include <float.h>
#include <stddef.h>

#include "message/json/json_write.h"
#include "observe/verdict_board.h"
#include "steps/drift/drift_comparison.h"
#include "steps/drift/drift_methods.h"
#include "steps/drift/drift_observer.h"
#include "steps/drift/drift_rebase.h"
#include "steps/drift/drift_reference.h"
#include "steps/drift/drift_remarks.h"
#include "steps/drift/drift_review.h"
#include "steps/drift/drift_types.h"
#include "steps/kinds.h"
#include "steps/marks.h"
#include "steps/prepare/typing.h"

#define METHODS "auto ks psi wasserstein jensen-shannon chi-square mmd page-hinkley adwin cusum change"

static const struct option method_rows[] = {
	ROW(NULL, NAME, struct drift_method, name, .short_form = true, .choices = METHODS),
	{.type = OPTION_END},
};

static const struct option set_rows[] = {
	ROW("name", NAME, struct monitor_set, name, .required = true, .help = "Its name in records, after `*/`."),
	ROW("features", NAMES, struct monitor_set, features, .required = true, .least = 1,
	    .help = "Its features: a tensor with all its columns or directions, or one of them as TENSOR.COLUMN."),
	{.type = OPTION_END},
};

#define PAST_NS_LEAST 1000000000

static bool past_check(const struct drift *self, struct error *error)
{
	const int64_t past_ns = self->reference.past_ns;
	if (past_ns && past_ns < PAST_NS_LEAST)
		return error_set(error, ERROR_CONFIG, self->reference.here,
				 "a past shorter than a second has too few rows to know what is usual; give a longer `past`");
	if (past_ns && self->group)
		return error_set(error, ERROR_CONFIG, self->reference.here,
				 "segments of `groupBy` have no past of their own; learn a file by `sluice fit drift`, or leave "
				 "`groupBy` out");
	return !past_ns || past_ns / 2 >= self->window.duration_ns ||
	       error_set(error, ERROR_CONFIG, self->reference.here,
			 "a past shorter than two windows has no window to compare with; give a longer `past`, or a shorter "
			 "`window`");
}

/* A tensor that is watched twice would count twice. */
static bool tensors_check(const struct drift *self, struct error *error)
{
	const struct name *names = self->tensors.items;
	for (size_t i = 0; i < self->tensors.count; i++)
		for (size_t j = 0; j < i; j++)
			if (names[i].text && names[j].text && strcmp(names[i].text, names[j].text) == 0)
				return error_set(error, ERROR_CONFIG, names[i].place,
						 "`%s` is among the tensors already; leave it out here", names[i].text);
	return true;
}

static bool drift_check(const void *options, struct place place, struct error *error)
{
	const struct drift *self = options;
	struct monitor_settings settings;
	(void)place;
	return reference_check(&self->reference, error) && drift_settings_read(self, &settings, error) && past_check(self, error) &&
	       tensors_check(self, error) && drift_sets_check(self, error) && drift_estimates_check(&self->estimate, error);
}

/* ---- learning ---- */

#define LEARNT_BYTES ((size_t)256 << 20)

/* CONFIG: all values of the reference are missing. */
static bool values_check(const struct drift_reference *reference, struct place place, struct error *error)
{
	for (size_t i = 0; i < reference->feature_count; i++)
		if (reference->features[i].missing < reference->all_rows)
			return true;
	return error_set(error, ERROR_CONFIG, place,
			 "all values of the reference are missing, so nothing can be compared with it; learn it from rows with "
			 "values");
}

/* What was learnt is read as the step would read it: a reference with which it can compare nothing is not learnt. */
static bool learnt_check(const struct step *step, struct text file, struct drift_remarks *remarks, struct error *error)
{
	const struct drift *self = step->options;
	const struct name name = {.text = "what was learnt", .place = step->place};
	struct drift_reference reference;
	struct monitor_settings settings;
	struct arena *arena = arena_open(LEARNT_BYTES);
	const bool good = (arena || error_memory(error, ERROR_SYSTEM, "learning a reference")) &&
			  drift_settings_read(self, &settings, error) &&
			  drift_reference_read(&name, file, arena, &reference, error) &&
			  values_check(&reference, step->place, error) && monitor_reference_check(&reference, &settings, error);
	if (good)
		*remarks = drift_remarks_of(&reference, &settings, NULL, step->arena);
	arena_close(arena);
	return good;
}

static bool drift_fit(struct step *step, const struct fit_source *source, struct buffer *file, struct error *error)
{
	const struct drift *self = step->options;
	struct drift_remarks remarks = {0};
	const bool good = drift_reference_learn(step, &self->tensors, source, file, error) &&
			  learnt_check(step, buffer_view(file), &remarks, error);
	drift_remarks_say(&remarks, source);
	if (!good && !error->place.line)
		error->place = step->place;
	return good;
}

/* ---- the step in the path ---- */

enum {
	VALUE_SCORE,
	VALUE_FLAG,
	VALUE_STATE,
	VALUE_QUALITY,
	VALUE_MESSAGES,
	VALUE_AGE,
	VALUE_ACCURACY,
	VALUE_PRECISION,
	VALUE_RECALL,
	VALUE_AUC,
	VALUE_ERROR,
	VALUES
};

/* The last verdict as values of a message. */
struct drift_values {
	struct payload payload;
	struct tensor tensors[VALUES];
	struct last_verdict last;
	uint8_t flagged, alarmed;
	struct text state;
};

/* What a message gets, as marks or as tensors. */
static const struct {
	struct text name;
	enum datatype datatype;
	size_t at; /* its data, in struct drift_values */
	enum { IN_BOTH, IN_MARKS, IN_MARKS_OF_ESTIMATES } when; /* the last: of a step that has it */
} values[VALUES] = {
#define AT(field) offsetof(struct drift_values, field)
	[VALUE_SCORE] = {{"drift_score", 11}, DATATYPE_FP64, AT(last.score), IN_BOTH},
	[VALUE_FLAG] = {{"is_drift", 8}, DATATYPE_BOOL, AT(flagged), IN_BOTH},
	[VALUE_STATE] = {{"drift_state", 11}, DATATYPE_BYTES, AT(state), IN_BOTH},
	[VALUE_QUALITY] = {{"quality_alarm", 13}, DATATYPE_BOOL, AT(alarmed), IN_MARKS},
	[VALUE_MESSAGES] = {{"messages_per_minute", 19}, DATATYPE_FP64, AT(last.messages_per_minute), IN_MARKS},
	[VALUE_AGE] = {{"newest_age_ms", 13}, DATATYPE_FP64, AT(last.newest_age_ms), IN_MARKS},
	[VALUE_ACCURACY] = {{"estimated_accuracy", 18}, DATATYPE_FP64, AT(last.accuracy), IN_MARKS_OF_ESTIMATES},
	[VALUE_PRECISION] = {{"estimated_precision", 19}, DATATYPE_FP64, AT(last.precision), IN_MARKS_OF_ESTIMATES},
	[VALUE_RECALL] = {{"estimated_recall", 16}, DATATYPE_FP64, AT(last.recall), IN_MARKS_OF_ESTIMATES},
	[VALUE_AUC] = {{"estimated_auc", 13}, DATATYPE_FP64, AT(last.auc), IN_MARKS_OF_ESTIMATES},
	[VALUE_ERROR] = {{"estimated_error", 15}, DATATYPE_FP64, AT(last.error), IN_MARKS_OF_ESTIMATES},
#undef AT
};

static bool drift_marks(const struct step *step)
{
	return ((const struct drift *)step->options)->as == MARKS_AS_MARKS;
}

/* What an opened step knows verdicts by. */
struct drift_knowledge {
	struct verdict_entry *entry;
	uint64_t identity;
};

static bool drift_open(struct step *step, struct error *error)
{
	if (!step->board)
		return true;
	struct drift_knowledge *self = ARENA_NEW(step->arena, struct drift_knowledge);
	step->state = self;
	if (self && !drift_identity(step, &self->identity, error))
		return false;
	if (self)
		self->entry = verdict_board_entry(step->board, step->pipeline, step->name);
	return (self && self->entry) || error_memory(error, ERROR_SYSTEM, "opening a step");
}

/* That of the message's segment. */
static struct last_verdict last_of(const struct step *step, struct visit *visit)
{
	const struct drift *self = step->options;
	const struct drift_knowledge *known = step->state;
	if (!known)
		return verdict_unknown();
	if (!self->group)
		return verdict_entry_known(known->entry, known->identity, TEXT(""));
	const struct scope scope = visit_scope(visit, NULL);
	return verdict_entry_known(known->entry, known->identity, drift_segment_first(self->group, &scope, visit_arena(visit)));
}

static bool value_is_of(const struct step *step, size_t value)
{
	const struct drift_estimate_options *estimate = &((const struct drift *)step->options)->estimate;
	const bool estimated = value == VALUE_ERROR ? estimate->error.here.line > 0 : estimate->here.line > 0;
	return values[value].when == IN_BOTH || (drift_marks(step) && (values[value].when == IN_MARKS || estimated));
}

/* Adds the values to the list, in place of any of their names that the message has already. */
static void values_add(const struct step *step, struct drift_values *made, struct tensors_builder *list)
{
	static const int64_t one_row[] = {1};
	const bool marks = drift_marks(step), alone = list->count == 0;
	made->flagged = made->last.verdict == DRIFT_FOUND;
	made->alarmed = made->last.quality_alarm > 0;
	made->state = text_of(drift_verdict_names[made->last.verdict]);
	for (size_t i = 0; i < VALUES; i++) {
		if (!value_is_of(step, i))
			continue;
		made->tensors[i] = (struct tensor){.name = values[i].name,
						   .datatype = values[i].datatype,
						   .shape = one_row,
						   .rank = marks ? 0 : 1,
						   .count = 1,
						   .data = (const char *)made + values[i].at};
		if (alone)
			tensors_add(list, &made->tensors[i]);
		else
			tensors_put(list, &made->tensors[i]);
	}
}

static enum step_verdict drift_run(struct step *step, struct visit *visit, struct error *error)
{
	struct arena *arena = visit_arena(visit);
	const struct payload *in = visit_input(visit);
	const bool marks = drift_marks(step);
	const struct tensors before = marks ? in->marks : in->tensors;
	struct drift_values *made = arena_take_raw(arena, sizeof *made);
	struct tensors_builder list;
	tensors_begin(&list, arena, before.count + VALUES);
	if (!made || arena_failed(arena)) {
		error_memory(error, ERROR_LIMIT, "marking a message");
		return STEP_FAIL;
	}
	made->payload = *in;
	made->last = last_of(step, visit);
	for (size_t i = 0; i < before.count; i++)
		tensors_add(&list, before.items[i]);
	values_add(step, made, &list);
	if (arena_failed(arena)) {
		error_memory(error, ERROR_LIMIT, "marking a message");
		return STEP_FAIL;
	}
	*(marks ? &made->payload.marks : &made->payload.tensors) = tensors_end(&list);
	visit_emit(visit, &made->payload);
	return STEP_DONE;
}

/* ---- types ---- */

static bool tensors_type(struct typing *typing)
{
	for (size_t i = 0; i < VALUES; i++) {
		struct value_type type = type_of_datatype(values[i].datatype);
		if (values[i].when != IN_BOTH)
			continue;
		type.shape_known = true;
		type.rank = 1;
		type.shape[0] = 1;
		if (!typing_put(typing, values[i].name, &type))
			return false;
	}
	return true;
}

/* CONFIG: the tensor never comes, or has no numbers. */
static bool estimate_type_check(const struct name *name, const char *wanted, const struct typing *typing, bool complete,
				struct error *error)
{
	const struct tensor_type *tensor = name->text ? typing_find(typing, text_of(name->text)) : NULL;
	if (!name->text || (!tensor && !complete))
		return true;
	if (!tensor)
		return error_set(error, ERROR_CONFIG, name->place, "it estimates from the tensor `%s`, which never comes",
				 name->text);
	return tensor->type.class != VALUE_TEXT ||
	       error_set(error, ERROR_CONFIG, name->place, "it estimates from `%s`, which has texts; name a tensor of %s",
			 name->text, wanted);
}

static bool estimate_types_check(const struct drift_estimate_options *estimate, const struct typing *typing, bool complete,
				 struct error *error)
{
	return estimate_type_check(&estimate->probabilities, "probabilities", typing, complete, error) &&
	       estimate_type_check(&estimate->error.expected, "expected errors", typing, complete, error) &&
	       estimate_type_check(&estimate->error.prediction, "predictions", typing, complete, error);
}

/* CONFIG: the reference has not what the sets of `joint` name. */
static bool sets_fit(const struct drift *self, const struct drift_reference *reference, struct error *error)
{
	struct monitor_settings settings;
	return self->joint.count == 0 ||
	       (drift_settings_read(self, &settings, error) && monitor_reference_check(reference, &settings, error));
}

/* CONFIG: all numeric tensors are watched, and none ever comes. */
static bool any_numbers_check(const struct tensor_types *in, struct place place, struct error *error)
{
	for (size_t i = 0; i < in->count; i++)
		if (in->items[i].type.class != VALUE_TEXT)
			return true;
	return !in->complete || error_set(error, ERROR_CONFIG, place,
					  "without `tensors` all numeric ones are watched, and no message has one; list the "
					  "tensors that are watched in `tensors`");
}

static bool drift_infer(const struct step *step, const struct tensor_types *in, struct arena *arena, struct tensor_types *out,
			struct error *error)
{
	const struct drift *self = step->options;
	struct typing typing = {.types = *in, .arena = arena};
	struct drift_reference reference;
	struct text content;
	const bool known = step->files && self->reference.file.text;
	if (known && (!drift_reference_load(step, arena, &reference, &content, error) ||
		      !values_check(&reference, self->reference.here, error) || !sets_fit(self, &reference, error)))
		return false;
	const struct drift_kinds kinds = drift_kinds_of(self, known ? &reference : NULL, in);
	const struct expression_types types = {&typing, typing_of_name};
	struct value_type type;
	if (!drift_methods_check(self, &kinds, error))
		return false;
	if (self->group && !expression_check(self->group, &types, arena, &type, error))
		return false;
	for (size_t i = 0; i < self->tensors.count; i++) {
		const struct name *name = &self->tensors.items[i];
		const struct tensor_type *tensor = typing_find(&typing, text_of(name->text));
		if (!tensor && in->complete)
			return error_set(error, ERROR_CONFIG, name->place, "it watches the tensor `%s`, which never comes",
					 name->text);
		if (!known && tensor && !drift_set_type_check(self, tensor, error))
			return false;
		if (known && tensor && !drift_type_check(&reference, tensor, self->reference.here, arena, error))
			return false;
	}
	if (known && !drift_names_check(&reference, &self->tensors, self->reference.here, error))
		return false;
	if (self->tensors.count == 0 && !any_numbers_check(in, step->place, error))
		return false;
	if (!drift_features_check(&self->tensors, in, self->tensors.count > 0 ? self->tensors.items[0].place : step->place, error))
		return false;
	if (known && self->tensors.count == 0 && !drift_types_check(&reference, in, self->reference.here, arena, error))
		return false;
	if (!estimate_types_check(&self->estimate, &typing, in->complete, error))
		return false;
	if (self->as == MARKS_AS_TENSORS && !tensors_type(&typing))
		return error_memory(error, ERROR_SYSTEM, "inferring types");
	*out = typing.types;
	return true;
}

/* ---- facts ---- */

static void drift_describe(const struct step *step, struct step_facts *facts)
{
	const struct drift *self = step->options;
	facts->marks = drift_marks(step);
	facts->observer = &step_drift_observer;
	facts->segments = self->group;
	facts->estimates = self->estimate.here.line > 0;
	facts->estimates_error = self->estimate.error.here.line > 0;
	facts->learns_from = self->reference.topic;
	facts->reviews_past = self->reference.past_ns > 0;
}

static const struct option drift_reference_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct step_reference, here)},
	ROW("file", NAME, struct step_reference, file, .file = true, .short_form = true, .help = "A file made by `sluice fit`."),
	ROW("past", DURATION, struct step_reference, past_ns,
	    .help = "The length of the stream's own past that is the reference: the windows that closed before, by their event "
		    "times. The state of the observer has a sample of 4000 rows at most, which survives a restart. While it has "
		    "fewer than 1000 rows, the verdict is `learning`; windows of less than 20 rows are not in it. It is renewed "
		    "when a quarter of it is new, or too old by the last two windows. Windows in alarm (`drift`, or of quality) "
		    "are "
		    "remembered, and are not part of it: a change that stays is an alarm until no 1000 rows of before are left "
		    "in the past; then the verdict is `learning`, and what comes is learnt. The `reference` of the records says "
		    "how many windows are left out. To accept a change at once, make a file of it by `sluice drift rebase "
		    "--alarms keep`. Changes that come and go, such as nights, are learnt when an alarm of two windows or more "
		    "ends for the third time, if such windows have a quarter of the other rows. The features are those of the "
		    "first message. A "
		    "column of texts is two: the commonest texts, at most 50 of at most 64 bytes, are a category each and all "
		    "others one, and `length(NAME)` has their lengths. If no others came, a new text is a category never seen. The "
		    "past is learned again after as many consecutive messages as a window has (500 for a window by time) of which "
		    "none fits, or each has more tensors. Not with `groupBy`."),
	ROW("topic", TEXT, struct step_reference, topic,
	    .help = "A Kafka topic, by its whole name: each engine that starts learns from its records, as `sluice fit drift "
		    "topic:NAME` does, from the oldest 20000 rows; with `input.time` by the times of the events. The verdict is "
		    "`learning` until they are read and are 100 or more; rows that come meanwhile are counted as unusable. If "
		    "the topic cannot be read, the engine logs a warning, and tries again every 10 s. Records that cannot be "
		    "read are left out. If an engine that starts finds other records, the windows begin again: a topic that "
		    "keeps its records gives the same reference each time. `sluice test` reads no topic, so the verdict stays "
		    "`learning` there."),
	{.type = OPTION_END},
};

const struct option drift_options[] = {
	ROW("tensors", NAMES, struct drift, tensors, .least = 1,
	    .help = "The tensors that are watched; default: all numeric ones. Each column is a feature, and there are at most 256. "
		    "A tensor of more than 256 columns of numbers, at most 65536, such as an embedding, is projected onto 64 "
		    "random directions of length 1, which are its features: `embedding.direction0` to `embedding.direction63`. "
		    "They are orthogonal, and the same in every engine, command and file, since they follow from the tensor's name "
		    "and width alone. mmd also compares them together (feature `*/embedding`), whatever `methods` are, if `window` "
		    "has 50 rows or more and the reference 200. Its numbers count by their order. A vector that lacks a number, or "
		    "has NaN, is missing in each direction; one with an infinite number is beyond the range of each. One of zeros "
		    "is a value. Texts are categories, if there are at most 1000 different ones and no more than one value in ten "
		    "came once. Other texts are free: the feature with the tensor's name has the commonest texts, at most 50, as "
		    "categories, and one category for all others; the feature `length(NAME)` has their lengths in characters. A "
		    "text that is new is then no sign of bad quality. A text without characters is a missing value, as an empty "
		    "cell of a CSV is. Values of a tensor that a message lacks are missing, and "
		    "texts where the reference has numbers, or numbers where it has texts, are of another type: both are figures "
		    "of quality, and the other features are compared. A message that has none of the tensors, or one with other "
		    "columns, is in no window, and is counted in the records as `missing`. As many of these as a window has (500 "
		    "for a window by time) before one closes are an alarm of quality, but with `groupBy`."),
	ROW("reference", MAP, struct drift, reference, .rows = drift_reference_rows, .required = true,
	    .help = "The reference: a file of `sluice fit drift`, {past: 7d}, or {topic: T}. It also shows how rows follow from "
		    "others, which the tests take into account. If the stream has states that last, such as calm and busy "
		    "hours, about twenty of them are needed in it: with 400 rows of 8 states, a test raised 282 false alarms of "
		    "180 declared, and with 1000 rows of 20 states 37 of 120. A feature that rises or falls all the time, or whose "
		    "states last long, has so wide limits that it may never have drift: `sluice fit drift`, `lint` and `sluice "
		    "drift report` name such features, with the cause and the next step."),
	ROW("window", EXTENT, struct drift, window, .place_offset = offsetof(struct drift, window_here), .least = MONITOR_ROWS_MIN,
	    .most = MONITOR_ROWS_MAX, .fallback = "500",
	    .help = "The length of a window: a number of messages, or a time. Rows of a batch count as messages. Messages of one "
		    "partition come to it in their order, also where a step behind a model watches its answers: those that end "
		    "before an earlier one wait for it, and their answers do not. Up to 16 MiB of a worker wait; beyond that the "
		    "first go on. Requests that bypass Kafka come as they end. The time is always that of the request. Messages of "
		    "several partitions come to it in the order of their times: those of a partition whose backlog is being "
		    "read hold younger ones, until it is read, or nothing of it has come for 10 s. By time, a window ends "
		    "when every partition has passed its end, or another is a second past it. On a "
		    "stream that stops, rows that are held go on after 10 s (8192, then as many every second or two), by a record "
		    "that "
		    "the engine writes to the topic of "
		    "the observers. Such a record also closes the last window by time, some seconds after its end; if its rows "
		    "came late, after as much time as it had left. A window by count that is not full waits for its next message. "
		    "Up to 65536 rows, or 16 MiB, wait. Rows that come when their window has ended are in the next (`late`); a "
		    "window "
		    "with more than a "
		    "tenth of them is not judged by messages_per_minute and newest_age_ms. A clock that goes back: after 100 "
		    "rows in a row of a partition that are older than its window (by count, by a minute), the engine logs "
		    "that its clock was set back. When no partition is left in the open window by time, that one ends, and "
		    "windows begin anew; neither of both is judged by these two figures."),
	ROW("methods", LIST, struct drift, methods, .rows = method_rows, .item_size = sizeof(struct drift_method), .least = 1,
	    .help = "The tests; default: by datatype. A reference of more than 1024 values is represented to ks and wasserstein by "
		    "1024 that stand for equal parts of it. psi, jensen-shannon and chi-square are one test, with the statistic of "
		    "each: chi-square over the same bins or categories decides, and p_value is that of chi-square, by a law that "
		    "is drawn from the reference, so it holds where categories are rare. Their `effect` is the Jensen-Shannon "
		    "distance, and its `limit` what that would be if the same difference of shares were as small as chance "
		    "allows: it differs from window to window. page-hinkley, cusum and adwin are online methods: they follow the "
		    "numbers of a feature from window to window, in the order of the rows' times, then of partitions. They look "
		    "at each 8 rows that came, so an alarm is a record before the window ends (`early`, with its row and time), "
		    "once a window; with `groupBy` at 8, 16, 32, 64 and so on of a segment's rows in its window, if "
		    "`falseAlarms` is by messages, and otherwise when the window closes. Their state survives a restart. cusum "
		    "detects a mean that differs from the reference's, in each window while that lasts. page-hinkley and adwin "
		    "detect a mean that differs from the stream's own since their last alarm, once. Their `effect` is the shift "
		    "of the mean in standard deviations, of an alarm over the rows since the change began, otherwise over those "
		    "of the window at least; that of adwin is the shift of the mean rank, as a share of the reference. "
		    "mmd compares all numeric features together, as one vector, so it also detects a change of their dependence; "
		    "for several vectors, such as embeddings, see `joint`. Records of mmd have the feature `*`. It needs a "
		    "`window` of 50 rows or more, and a reference of 200 or more. change tests the rows of a closed window in "
		    "their order: from one of them on, the level, spread or shape of a numeric feature, the level of all together, "
		    "or how two go together is no longer that of the reference, over 3 to 256 rows. In a reference whose rows "
		    "follow from those before, it learns how. It has one verdict, of the features that changed: `x.a`, `x.a, x.b` "
		    "of how two go together, or `*`. Its `effect` is how far the mean score of these last rows is off, in standard "
		    "deviations, and `statistic` the same of their sum; without an alarm all are 0. It needs a `window` of 100 "
		    "messages or more, and `falseAlarms` by messages. `falseAlarms` is shared in equal parts by "
		    "the features, the online methods of each, and the joint tests. The other tests of a feature have its part "
		    "together: the least of their p_value exceeds it so rarely."),
	ROW("joint", LIST, struct drift, joint, .rows = set_rows, .item_size = sizeof(struct monitor_set), .least = 1,
	    .help = "Sets of features, at most 16, each of which mmd compares as one vector, beside the tests of `methods`: "
		    "[{name: text, features: [embedding]}, {name: prices, features: [x.bid, x.ask]}]. A feature may be in several. "
		    "A tensor of more than 256 columns has such a set without being named, unless one here has it. Records have "
		    "the feature `*/text`."),
	ROW("falseAlarms", SCALAR, struct drift, false_alarms, .place_offset = offsetof(struct drift, false_alarms_here),
	    .fallback = "1 per 30d",
	    .help = "The rate of false alarms over all features, methods and looks: `1 per 30d`, or `0.5 per 1000` messages. One "
		    "rule has no part of it. If a feature is missing in runs, as during an outage, a few of them do not tell how "
		    "long the next will be. So that a feature that is lost is found, a window that lacks nine tenths of it has an "
		    "alarm of quality, if that is more than four times the longest run of the reference, of which at most a "
		    "quarter is missing. `lint` and `sluice fit` say how often that is to be expected without a loss, and `sluice "
		    "drift report` counts these alarms apart."),
	ROW("effect", NUMBER, struct drift, effect, .least = 0, .most = DBL_MAX,
	    .help = "The smallest change that raises an alarm."),
	ROW("share", NUMBER, struct drift, share, .place_offset = offsetof(struct drift, share_place), .least = 0, .most = 1,
	    .fallback = "1",
	    .help = "The share of messages that are watched: 10%; more than 0. Messages are drawn one by one, whatever their keys "
		    "are."),
	ROW("groupBy", EXPRESSION, struct drift, group,
	    .help = "One verdict for each of its values, such as `key` or `header(\"venue\")`: of one element, or of one for each "
		    "row. At most 1000 segments, the first that come; rows of others are not compared, and counted in "
		    "`beyond_segments` of the records. When the reference, the window or `groupBy` is changed, all segments are "
		    "former ones, and each message deletes four former segments that have not come again. All are compared with "
		    "the same reference, so a segment that always differs from the rest always drifts. `falseAlarms` is over all "
		    "segments; one in a duration is divided by their number. Marks are those of the segment of the message's first "
		    "row. Each segment has a window of its own in memory and in the changelog topic, of 8 bytes for each feature "
		    "and 16 more for each row: 1000 segments, a `window` of 500 and 100 features are 0.4 GB. `lint` warns from "
		    "0.25 GB on. The sums of `estimate` are up to 5.2 KB more for each segment, in its state and in each record "
		    "that a message of the segment adds to that topic; those of `estimateError` are 0.1 KB."),
	ROW("estimate", MAP, struct drift, estimate, .rows = drift_estimate_rows,
	    .help = "How good a classifier is in each window, estimated before any truth comes: accuracy, precision, recall and "
		    "the area under the ROC curve (AUC) with a band of 95 of 100 windows, from probabilities that it calibrated. "
		    "Of more than two classes, only the accuracy. That holds while only its inputs shift. If the same inputs come "
		    "to need other answers (concept drift), the estimate is wrong without a sign of it. Feedback shows it: with "
		    "`outcomeWindow` in a later record of each window, in /metrics and in `sluice drift report topic:`; and for "
		    "messages that came already in `sluice drift report --feedback`: the realised numbers beside the estimates. "
		    "The realised AUC is exact: of all pairs of a positive and a negative row, by their probabilities as they "
		    "are. The estimated one counts rows as equal whose log-odds are in the same eighth of a unit, which takes "
		    "at most .016 of it where the probabilities are right; its band has what their order may be. "
		    "There is no estimated AUC where in "
		    "more than 2 of 100 pairs of a positive and a negative row both probabilities are below 2.7e-9, or both above "
		    "1 less that: rows that near to 0 or 1 are not told apart, unless they are 0 or 1."),
	ROW("estimateError", MAP, struct drift, estimate.error, .rows = drift_error_rows,
	    .help = "How large the absolute error of a regressor is in each window on average, estimated before any truth comes, "
		    "from errors that a second model expects (direct loss estimation). The band of 95 of 100 windows supposes that "
		    "errors vary around what is expected as Laplace's law does: normal ones vary less, and are within it more "
		    "often. That holds while only the inputs shift, as with `estimate`. Feedback with the right numbers as truth "
		    "shows it, as with `estimate`. Not with `estimate`."),
	ROW("as", CHOICE, struct drift, as, .choices = MARKS_AS_NAMES, .fallback = "marks",
	    .help = "Whether drift_score, is_drift and drift_state (`learning`, `steady` or `drift`) travel as marks or as "
		    "tensors. They are those of the last window that was closed: with `sluice run --control` in any "
		    "engine of the namespace, else in the same one; until then 0, false and `learning`. As marks there are also, "
		    "of the same window, quality_alarm, messages_per_minute, newest_age_ms (the longest time without a newer "
		    "event), with `estimate` estimated_accuracy, estimated_precision, estimated_recall and estimated_auc, and with "
		    "`estimateError` estimated_error; until then false and nan. The first window has no messages_per_minute and no "
		    "newest_age_ms: they stay nan."),
	{.type = OPTION_END},
};

/* ---- remarks ---- */

/* `features`: as many as the reference has; if it cannot be read yet, one for each tensor. */
static struct remark large_state(const struct drift *self, const struct monitor_settings *settings, size_t features,
				 struct arena *arena)
{
	const double bytes = self->group ? drift_segments_bytes(settings, features) : 0;
	if (bytes < DRIFT_LARGE_BYTES)
		return (struct remark){0};
	return (struct remark){arena_print(arena,
					   "with %d segments its state may need %.2f GB, in the engine that observes it and in its "
					   "changelog topic; make the window smaller, or use a `groupBy` with few values",
					   DRIFT_SEGMENTS_MAX, bytes / 1e9),
			       expression_place(self->group)};
}

static const char *constant_features(const struct drift_reference *reference, struct arena *arena)
{
	const char *blind = drift_reference_remark(reference, arena), *constants = drift_constants_remark(reference, arena);
	return blind && constants ? arena_print(arena, "%s; and %s", blind, constants) : blind ? blind : constants;
}

/* There are none on a file that cannot be read, which is an error. */
static void drift_remark(const struct step *step, const struct tensor_types *in, bool is_lint, struct arena *arena,
			 struct remark remarks[REMARK_SUBJECTS])
{
	const struct drift *self = step->options;
	struct drift_reference reference;
	struct monitor_settings settings;
	struct text content;
	struct error unread = {0}, unsound = {0};
	const bool known =
		step->files && self->reference.file.text && drift_reference_load(step, arena, &reference, &content, &unread);
	const bool sound = drift_settings_read(self, &settings, &unsound);
	const struct drift_kinds kinds = drift_kinds_of(self, known ? &reference : NULL, in);
	struct remark *idle = &remarks[REMARK_IDLE_OPTION];
	if (sound)
		remarks[REMARK_LARGE_STATE] = large_state(self, &settings,
							  known			    ? reference.feature_count
							  : self->tensors.count > 0 ? self->tensors.count
										    : 1,
							  arena);
	idle->place = step->place;
	idle->words = drift_methods_idle(self, &kinds, arena, &idle->place);
	if (!known)
		return;
	remarks[REMARK_CONSTANT_FEATURES] = (struct remark){constant_features(&reference, arena), self->reference.here};
	if (!sound)
		return;
	remarks[REMARK_UNDECLARED_ALARMS] =
		(struct remark){drift_lost_remark(&reference, &settings, arena), self->reference.here};
	if (is_lint)
		remarks[REMARK_UNWATCHABLE_FEATURES] =
			(struct remark){drift_unwatchable_remark(&reference, &settings, arena), self->reference.here};
}

const struct step_kind step_drift = {
	.name = "drift",
	.summary = "Watches how far live data has moved: drift_score, is_drift.",
	.example = "- name: watch\n"
		   "  inputs: [clean]\n"
		   "  drift: {tensors: [features], reference: refs/features.json, falseAlarms: 1 per 30d}\n",
	.options = drift_options,
	.options_size = sizeof(struct drift),
	.shape = SHAPE_ADDS,
	.monitors = &(const struct monitor_rules){.judges_windows = true, .only_marks = true},
	.learns = &(const struct learning_rules){.fit = drift_fit, .review = drift_review, .rebase = drift_rebase},
	.describe = drift_describe,
	.check = drift_check,
	.infer = drift_infer,
	.remark = drift_remark,
	.open = drift_open,
	.run = drift_run,
};
