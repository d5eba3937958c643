/* drift_review.c: see drift_review.h. */
#include "steps/drift/drift_review.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/number/moment.h"
#include "base/quote.h"
#include "message/records/drift_score.h"
#include "message/json/json_write.h"
#include "steps/drift/drift_comparison.h"
#include "steps/drift/drift_examples.h"
#include "steps/drift/drift_line.h"
#include "steps/drift/state/drift_open_rows.h"
#include "steps/drift/drift_reference.h"
#include "steps/drift/drift_remarks.h"
#include "steps/drift/state/drift_settling.h"

#define MESSAGE_BYTES_MAX ((size_t)1 << 30)
#define UNESTIMATED_BYTES_MAX 4096 /* a sentence with the name of a tensor three times */

/* How good the model is in a window. */
struct review_quality {
	struct performance performance;
	struct drift_sums sums;
	struct drift_realised realised;
	struct drift_unestimated unestimated;
};

/* The open window of a segment while the monitor has that of another. */
struct review_segment {
	struct text name;
	struct drift_open_rows open;
	struct review_quality *quality;
	struct auc_rows ranked; /* of the open window */
	uint64_t reported; /* rows of its windows that have closed */
};

struct drift_review {
	struct drift_comparison comparison;
	const struct expression *group; /* NULL: there is one segment */
	const struct drift_estimate_options *estimate;
	const struct fit_source *source;
	bool json;
	const struct drift_picture *pictures; /* of JSON: one a feature */
	struct drift_examples examples;
	bool again;    /* the messages are read once more, for examples */
	uint64_t read; /* messages of this reading */
	uint64_t windows, drifted, quality, alarmed;
	uint64_t lost; /* windows whose only alarm is that features are lost, which is in no declared rate */
	double false_alarms;		       /* declared, of all windows */
	struct drift_unestimated unestimated;  /* of all rows */
	uint64_t messages, informed, unusable; /* those with feedback, and of these the ones that it does not fit */
	uint64_t bands[FIGURES][BAND_STATES];  /* windows */
	uint64_t settled;		       /* windows with a settled record */
	uint64_t unkept, unfit; /* rows of them that did not wait for feedback, or whose feedback cannot be compared */
	uint64_t compared;		       /* rows */
	uint64_t beyond, nameless;	       /* rows of segments beyond the limit; messages without a segment */
	size_t segment_count;
	struct review_segment *segments; /* DRIFT_SEGMENTS_MAX */
	struct review_segment *segment;	 /* whose window the monitor has */
	bool filled;			 /* the monitor has the rows of that window */
	struct buffer *report;
	struct error why; /* the first message without a segment has none */
};

/* ---- the report ---- */

/* What became of the window: by the feedback that was read, else by its settled record. False: neither was read. */
static bool window_find(const struct drift_review *review, const struct settled_score *settled,
			struct drift_finding findings[FIGURES])
{
	if (review->source->truth) {
		drift_realised_end(&review->segment->quality->realised);
		drift_findings_of_realised(&review->segment->quality->realised, findings);
	} else
		drift_findings_of_settled(settled, findings);
	return review->source->truth || review->source->settled;
}

static void verdict_report(struct drift_review *review, const struct monitor_verdict *verdict)
{
	review->windows++;
	review->drifted += verdict->drifted;
	review->quality += verdict->quality_alarm;
	review->alarmed += verdict->drifted || verdict->quality_alarm;
	review->lost += !verdict->drifted && verdict->quality_alarm && !verdict->quality_declared;
	review->false_alarms += verdict->false_alarms;
	drift_examples_see(&review->examples, review->segment->name, review->segment->reported, verdict);
	review->segment->reported += verdict->rows;
	const struct fit_source *source = review->source;
	const struct settled_score *settled = source->settled ? source->settled(source->settlements, review->segment->name,
										verdict->least_ms, verdict->most_ms, verdict->rows)
							      : NULL;
	struct drift_finding findings[FIGURES];
	const bool known = window_find(review, settled, findings);
	review->settled += settled != NULL;
	review->unkept += settled ? settled->unkept : 0;
	review->unfit += settled ? settled->unfit : 0;
	const struct drift_line line = {.comparison = &review->comparison,
					.source = source,
					.estimate = review->estimate,
					.pictures = review->pictures,
					.segment = review->group ? &review->segment->name : NULL,
					.performance = &review->segment->quality->performance,
					.sums = &review->segment->quality->sums,
					.unestimated = &review->segment->quality->unestimated,
					.findings = known ? findings : NULL,
					.settled = settled};
	(review->json ? drift_line_put : drift_line_say)(&line, verdict, review->report);
	for (enum drift_figure figure = 0; figure < FIGURES; figure++)
		review->bands[figure][findings[figure].band] += findings[figure].rows > 0;
	*review->segment->quality = (struct review_quality){0};
}

/* ---- its reading ---- */

static bool truth_check(const struct drift_estimate_options *estimate, const struct step *step, struct error *error)
{
	if (!drift_estimates_any(estimate))
		return error_set(error, ERROR_CONFIG, step->place,
				 "feedback is compared with the estimated accuracy, and step `%s` has no `estimate`; give it the "
				 "tensor of probabilities, as `estimate: {probabilities: p}`, or that of expected errors, as "
				 "`estimateError: {expected: e, prediction: y}`",
				 step->name);
	return !estimate->error.here.line || estimate->error.prediction.text ||
	       error_set(error, ERROR_CONFIG, estimate->error.here,
			 "feedback is compared with the predictions, and `estimateError` does not name them; give it their tensor, "
			 "as `prediction: y`");
}

/* The reference is its file, or the past that was read. */
static bool comparison_open(struct drift_review *review, const struct step *step, struct error *error)
{
	const struct rebase_result *past = review->source->past;
	if (past ? !drift_comparison_begin(&review->comparison, step, error) ||
			    !drift_comparison_learn(&review->comparison, past->file, error)
		 : !drift_comparison_open(&review->comparison, step, error))
		return false;
	review->comparison.complete = review->source->retype != NULL; /* the rows of a CSV */
	review->comparison.lenient = review->comparison.complete || review->source->name;
	return true;
}

/* CONFIG: the window or the rate is by a time, which the rows of most files have not. */
static bool times_unneeded(const struct monitor_settings *settings, const struct step *step, struct error *error)
{
	const bool window = settings->window_ms > 0, rate = settings->rate.duration_ms > 0;
	const char *what = window && rate ? "`window` and `falseAlarms` are" : window ? "`window` is" : "`falseAlarms` is";
	return (!window && !rate) ||
	       error_set(error, ERROR_CONFIG, step->place,
			 "the rows of a file have no times, unless they are events or a CSV with the field of `input.time`, and "
			 "%s by a time; give%s%s%s, or read a topic",
			 what, window ? " --window 500" : "", window && rate ? " and" : "",
			 rate ? " --false-alarms \"0.5 per 1000\"" : "");
}

static bool review_open(struct drift_review *review, const struct step *step, struct error *error)
{
	if (!comparison_open(review, step, error))
		return false;
	review->segments = ARENA_ARRAY(step->arena, struct review_segment, DRIFT_SEGMENTS_MAX);
	if (!review->segments)
		return error_memory(error, ERROR_SYSTEM, "comparing messages");
	const struct monitor_settings *settings = &review->comparison.settings;
	review->pictures = review->json ? drift_pictures_learn(&review->comparison.reference, step->arena) : NULL;
	if (review->json && !review->pictures)
		return error_memory(error, ERROR_SYSTEM, "comparing messages");
	if (!review->source->time_ms && !times_unneeded(settings, step, error))
		return false;
	if (review->source->truth && !truth_check(review->estimate, step, error))
		return false;
	if (review->source->truth && !review->source->name)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "the rows of a CSV have no ids that feedback could name; read requests in lines, or topic:NAME");
	return true;
}

/* ---- segments ---- */

/* NULL: it is beyond the limit. */
static struct review_segment *segment_of(struct drift_review *review, struct text name)
{
	for (size_t i = 0; i < review->segment_count; i++)
		if (text_equal(review->segments[i].name, name))
			return &review->segments[i];
	if (review->segment_count == DRIFT_SEGMENTS_MAX)
		return NULL;
	struct review_segment *made = &review->segments[review->segment_count];
	struct arena *arena = review->comparison.step->arena;
	char *copy = arena_take_raw(arena, name.length + 1);
	struct review_quality *quality = ARENA_NEW(arena, struct review_quality);
	if (!copy || !quality)
		return NULL;
	memcpy(copy, name.bytes, name.length);
	*made = (struct review_segment){.name = {copy, name.length}, .open = {.position = monitor_start()}, .quality = quality};
	review->segment_count++;
	return made;
}

/* Brings the monitor to the segment's window, with its rows only if a row of that time closes it: so a change of segment costs
 * the same however long the window is. */
static void segment_enter(struct drift_review *review, struct review_segment *segment, int64_t time_ms)
{
	struct monitor *monitor = review->comparison.monitor;
	if (review->segment == segment && review->filled)
		return;
	review->segment = segment;
	monitor_resume(monitor, &segment->open.position);
	review->filled = segment->open.position.rows == 0 || monitor_closes(monitor, 1, time_ms);
	open_rows_enter(&segment->open, monitor, review->comparison.reference.feature_count, review->filled);
}

/* A row of a message. */
struct review_row {
	struct text segment;
	const double *values;
	int64_t time_ms;
	const struct drift_chances *chances;
	const struct drift_truth *truth; /* NULL: unknown */
	size_t number;
};

static bool row_estimate(struct drift_review *review, const struct review_row *row, struct review_segment *segment,
			 struct error *error)
{
	struct drift_realised *realised = &segment->quality->realised;
	if (drift_estimates_any(review->estimate)) {
		drift_unestimated_add(&segment->quality->unestimated, row->chances, row->number);
		drift_unestimated_add(&review->unestimated, row->chances, row->number);
	}
	drift_chances_add(row->chances, row->number, &segment->quality->performance, &segment->quality->sums);
	if (!row->truth)
		return true;
	realised->ranked = &segment->ranked;
	drift_realised_add(realised, row->chances, row->number, row->truth);
	return !segment->ranked.failed || error_memory(error, ERROR_SYSTEM, "keeping rows for the realised AUC");
}

/* In the second reading. */
static bool row_exemplify(struct drift_review *review, const struct review_row *row, struct error *error)
{
	const size_t feature = review->examples.feature;
	const struct drift_example made = {.message = review->read, .row = row->number, .value = row->values[feature]};
	return drift_examples_add(&review->examples, row->segment, made, &review->pictures[feature], review->source,
				  review->comparison.step->arena) ||
	       error_memory(error, ERROR_SYSTEM, "choosing examples");
}

static bool row_review(struct drift_review *review, const struct review_row *row, struct error *error)
{
	if (review->again)
		return row_exemplify(review, row, error);
	const bool by_count = review->comparison.settings.window_ms == 0; /* the row that closes such a window is in it */
	struct review_segment *segment = segment_of(review, row->segment);
	if (!segment) {
		review->beyond++;
		return true;
	}
	review->compared++;
	segment_enter(review, segment, row->time_ms);
	monitor_share(review->comparison.monitor, review->segment_count);
	const struct monitor_verdict *verdict = monitor_add(review->comparison.monitor, row->values, row->time_ms);
	if (by_count && !row_estimate(review, row, segment, error))
		return false;
	if (verdict)
		verdict_report(review, verdict);
	if (!by_count && !row_estimate(review, row, segment, error))
		return false;
	return !review->group || open_rows_add(&segment->open, review->comparison.monitor, row->values,
						   review->comparison.reference.feature_count, row->time_ms, verdict, error);
}

/* ---- messages ---- */

/* Whether it is known what became of the last message. */
static bool truth_of(struct drift_review *review, const struct drift_chances *chances, size_t rows, struct drift_truth *truth)
{
	const struct fit_source *source = review->source;
	if (!source->truth || review->again)
		return false;
	const struct fit_name name = source->name(source->context);
	const struct fit_truth *feedback = source->truth(source->truths, &name);
	review->messages++;
	review->informed += feedback != NULL;
	if (!feedback || (!chances->tensor && !chances->errors))
		return false;
	const bool usable = drift_truth_read(feedback, chances, rows, truth);
	review->unusable += !usable;
	return usable;
}

static bool message_review(struct drift_review *review, const struct payload *payload, struct arena *arena,
			   const struct tensor **texts, struct error *error)
{
	const double *rows;
	size_t count;
	if (!drift_comparison_rows(&review->comparison, payload, arena, &rows, &count, texts, error))
		return false;
	const int64_t time_ms = review->source->time_ms ? review->source->time_ms(review->source->context) : 0;
	const struct fit_source *source = review->source;
	const struct scope scope = {.message = source->message ? source->message(source->context) : NULL,
				    .payload = payload,
				    .pipeline = review->comparison.step->pipeline,
				    .step = review->comparison.step->name};
	struct text *segments;
	if (!drift_segments_of(review->group, &scope, count, arena, &segments, error)) {
		if (error->kind != ERROR_INPUT)
			return false;
		if (review->again) {
			*error = (struct error){0};
			return true;
		}
		if (review->nameless++ == 0)
			review->why = *error;
		*error = (struct error){0};
		return true;
	}
	const struct drift_chances chances = drift_chances_of(review->estimate, payload, count);
	struct drift_truth truth;
	const struct drift_truth *known = truth_of(review, &chances, count, &truth) ? &truth : NULL;
	for (size_t i = 0; i < count; i++) {
		const double *values = rows + i * review->comparison.reference.feature_count;
		if (!row_review(review, &(struct review_row){segments[i], values, time_ms, &chances, known, i}, error))
			return false;
	}
	return true;
}

static void ends_review(struct drift_review *review)
{
	for (size_t i = 0; i < review->segment_count; i++) {
		if (review->segment != &review->segments[i] || !review->filled)
			open_rows_enter(&review->segments[i].open, review->comparison.monitor,
					   review->comparison.reference.feature_count, true);
		review->filled = true;
		review->segment = &review->segments[i];
		const struct monitor_verdict *last = monitor_end(review->comparison.monitor);
		if (last)
			verdict_report(review, last);
	}
}

/* The columns of messages that the reference lacks. */
static void lacking_say(const struct drift_review *review)
{
	const struct drift_comparison *comparison = &review->comparison;
	if (comparison->lacking_count == 0)
		return;
	buffer_string(review->report, "columns that the reference lacks were not compared:");
	for (size_t i = 0; i < comparison->lacking_count && i < DRIFT_LACKING_NAMED; i++) {
		buffer_string(review->report, i ? ", `" : " `");
		buffer_shown(review->report, comparison->lacking[i]);
		buffer_byte(review->report, '`');
	}
	if (comparison->lacking_count > DRIFT_LACKING_NAMED)
		buffer_print(review->report, " and %zu more", comparison->lacking_count - DRIFT_LACKING_NAMED);
	buffer_string(review->report, "; learn the reference again to compare them\n");
}

static void lacking_put(const struct drift_review *review)
{
	buffer_string(review->report, ", \"columns_not_compared\": [");
	for (size_t i = 0; i < review->comparison.lacking_count; i++) {
		buffer_string(review->report, i ? ", " : "");
		json_write_string(review->report, review->comparison.lacking[i]);
	}
	buffer_byte(review->report, ']');
}

/* ---- the past that is the reference ---- */

static void past_say(const struct drift_review *review)
{
	const struct rebase_result *past = review->source->past;
	char first[MOMENT_BYTES], last[MOMENT_BYTES];
	if (!past)
		return;
	moment_print(past->made.first_ms, first);
	moment_print(past->made.last_ms, last);
	buffer_print(review->report, "the reference: %llu window%s of the past with %llu row%s, from %s to %s",
		     (unsigned long long)past->made.windows, past->made.windows == 1 ? "" : "s",
		     (unsigned long long)past->made.rows, past->made.rows == 1 ? "" : "s", first, last);
	if (past->made.left_windows > 0)
		buffer_print(review->report, "; %llu window%s in alarm %s left out, and `--alarms keep` takes them too",
			     (unsigned long long)past->made.left_windows, past->made.left_windows == 1 ? "" : "s",
			     past->made.left_windows == 1 ? "was" : "were");
	buffer_byte(review->report, '\n');
}

static void past_put(const struct drift_review *review)
{
	const struct rebase_result *past = review->source->past;
	if (!past)
		return;
	buffer_print(review->report, ", \"past\": {\"windows\": %llu", (unsigned long long)past->made.windows);
	drift_count_put(review->report, "rows", past->made.rows);
	drift_count_put(review->report, "values", past->made.values);
	buffer_print(review->report, ", \"first_ms\": %lld, \"last_ms\": %lld", (long long)past->made.first_ms,
		     (long long)past->made.last_ms);
	drift_count_put(review->report, "windows_left_out", past->made.left_windows);
	buffer_byte(review->report, '}');
}

static void segments_say(const struct drift_review *review)
{
	if (review->beyond)
		buffer_print(review->report, "%llu %s of segments beyond the first %d, and %s not compared\n",
			     (unsigned long long)review->beyond, review->beyond == 1 ? "row is" : "rows are", DRIFT_SEGMENTS_MAX,
			     review->beyond == 1 ? "was" : "were");
	if (review->nameless)
		buffer_print(review->report, "%llu %s no segment, and %s not compared. Of the first: %s\n",
			     (unsigned long long)review->nameless, review->nameless == 1 ? "message has" : "messages have",
			     review->nameless == 1 ? "was" : "were", review->why.text);
}

/* Nothing, if all rows are in it. */
static void unestimated_say(const struct drift_review *review)
{
	if (drift_unestimated_count(&review->unestimated) == 0)
		return;
	drift_unestimated_say(&review->unestimated, review->estimate, review->report);
	buffer_byte(review->report, '\n');
}

static void unestimated_put(const struct drift_review *review)
{
	struct buffer words;
	if (drift_unestimated_count(&review->unestimated) == 0)
		return;
	buffer_open(&words, UNESTIMATED_BYTES_MAX);
	drift_unestimated_say(&review->unestimated, review->estimate, &words);
	buffer_string(review->report, ", \"not_estimated\": ");
	json_write_string(review->report, buffer_view(&words));
	buffer_close(&words);
}

/* Where realised numbers are from, which are never those of both. */
static void realised_put(const struct drift_review *review)
{
	const struct fit_source *source = review->source;
	if (source->truth || source->settled)
		buffer_print(review->report, ", \"realised_from\": \"%s\"", source->truth ? "feedback" : "settled records");
	if (!source->settled)
		return;
	drift_count_put(review->report, "windows_settled", review->settled);
	drift_count_put(review->report, "windows_not_settled", review->windows - review->settled);
	drift_count_put(review->report, "settled_unkept", review->unkept);
	drift_count_put(review->report, "settled_unfit", review->unfit);
}

/* The last line of JSON: the whole report. */
static void report_json(const struct drift_review *review)
{
	struct buffer *out = review->report;
	buffer_print(out, "{\"windows\": %llu", (unsigned long long)review->windows);
	drift_count_put(out, "windows_with_drift", review->drifted);
	drift_count_put(out, "windows_with_quality_alarm", review->quality);
	drift_count_put(out, "alarms", review->alarmed);
	drift_number_put(out, "false_alarms_declared", review->false_alarms);
	drift_count_put(out, "alarms_not_declared", review->lost);
	realised_put(review);
	drift_count_put(out, "rows_compared", review->compared);
	drift_count_put(out, "rows_beyond_segments", review->beyond);
	drift_count_put(out, "messages_without_segment", review->nameless);
	if (review->nameless) {
		buffer_string(out, ", \"without_segment_since\": ");
		json_write_string(out, text_of(review->why.text));
	}
	unestimated_put(review);
	lacking_put(review);
	past_put(review);
	buffer_string(out, ", \"reference\": [");
	for (size_t i = 0; i < review->comparison.reference.feature_count; i++) {
		buffer_string(out, i ? ", " : "");
		drift_picture_put_reference(&review->pictures[i], out);
	}
	buffer_byte(out, ']');
	if (review->examples.score > 0) {
		buffer_string(out, ", \"examples\": ");
		drift_examples_put(&review->examples, &review->pictures[review->examples.feature], out);
	}
	buffer_string(out, "}\n");
}

/* INPUT: nothing was compared, which must not look as if nothing was found. */
static bool anything_compared(const struct drift_review *review, const struct step *step, struct error *error)
{
	if (review->compared > 0)
		return true;
	if (review->nameless > 0)
		return error_set(error, ERROR_INPUT, expression_place(review->group),
				 "no row was compared: all %llu messages have no segment. Of the first: %s. Leave `groupBy` out of "
				 "the file that the report reads, or let it use %s",
				 (unsigned long long)review->nameless, review->why.text,
				 review->source->message ? "what the messages have"
							 : "tensors, which are all that a CSV has; requests have keys and headers");
	return error_set(error, ERROR_INPUT, step->place,
			 "no row was compared, since no message came that fits step `%s`; name a source that has some", step->name);
}

/* How often the realised number was within its band. */
static void bands_say(const struct drift_review *review, enum drift_figure figure)
{
	const uint64_t *bands = review->bands[figure];
	const unsigned long long held = bands[BAND_HELD], judged = held + bands[BAND_LEFT];
	buffer_print(review->report, "\nrealised %s: within the band of %g%% in %llu of %llu windows", drift_figure_names[figure],
		     100 * ESTIMATE_BAND, held, judged);
	if (bands[BAND_OPEN] == 0)
		return;
	buffer_print(review->report, "; %llu more %s fewer than %d rows with feedback", (unsigned long long)bands[BAND_OPEN],
		     bands[BAND_OPEN] == 1 ? "has" : "have", REALISED_ROWS_MIN);
	if (figure == FIGURE_AUC)
		buffer_print(review->report, ", or %d of a class, or too many probabilities within 2.7e-9 of 0 or 1",
			     REALISED_CLASS_MIN);
	else if (figure == FIGURE_PRECISION || figure == FIGURE_RECALL)
		buffer_print(review->report, ", or %d that %s", REALISED_CLASS_MIN,
			     figure == FIGURE_RECALL ? "are positive" : "were predicted to be positive");
}

/* Of each metric that is known, and always of the first. */
static void figures_say(const struct drift_review *review)
{
	static const enum drift_figure of_classes[] = {FIGURE_PRECISION, FIGURE_RECALL, FIGURE_AUC};
	bands_say(review, review->estimate->error.here.line > 0 ? FIGURE_ERROR : FIGURE_ACCURACY);
	for (size_t i = 0; i < sizeof of_classes / sizeof *of_classes; i++) {
		const uint64_t *bands = review->bands[of_classes[i]];
		if (bands[BAND_OPEN] + bands[BAND_HELD] + bands[BAND_LEFT] > 0)
			bands_say(review, of_classes[i]);
	}
	buffer_byte(review->report, '\n');
}

/* What feedback must have to be compared. */
static const char *feedback_needed(const struct drift_review *review)
{
	return review->estimate->error.here.line > 0
		       ? "as truth one tensor with a number for each row"
		       : "the metric `accuracy` from 0 to 1, or as truth one tensor with the number of each row's class";
}

static void settled_say(const struct drift_review *review)
{
	const unsigned long long settled = review->settled, waiting = review->windows - review->settled;
	if (!review->source->settled)
		return;
	buffer_print(review->report, "%llu of %llu windows have settled; %llu %s no settled record yet", settled,
		     (unsigned long long)review->windows, waiting, waiting == 1 ? "has" : "have");
	if (review->source->truth) {
		buffer_string(review->report, ". Their records are not shown, since the realised numbers are from --feedback\n");
		return;
	}
	figures_say(review);
	if (review->unkept > 0)
		buffer_print(review->report,
			     "%llu of their rows did not wait for feedback, since %d rows waited, or they have more than %d "
			     "classes; choose a shorter window or outcomeWindow, or a smaller share\n",
			     (unsigned long long)review->unkept, SETTLING_ROWS_MOST, SETTLING_CLASSES_MAX);
	if (review->unfit > 0)
		buffer_print(review->report, "feedback of %llu of their rows cannot be compared: it needs %s\n",
			     (unsigned long long)review->unfit, feedback_needed(review));
}

static void truths_say(const struct drift_review *review)
{
	if (!review->source->truth)
		return;
	buffer_print(review->report, "%llu of %llu messages have feedback", (unsigned long long)review->informed,
		     (unsigned long long)review->messages);
	if (review->unusable)
		buffer_print(review->report, "; that of %llu cannot be compared: it needs %s", (unsigned long long)review->unusable,
			     feedback_needed(review));
	figures_say(review);
}

/* All messages of the source, from its beginning. */
static bool messages_read(struct drift_review *review, struct arena *arena, struct error *error)
{
	const struct fit_source *source = review->source;
	struct payload payload;
	review->read = 0;
	source->rewind(source->context);
	for (; source->next(source->context, arena, &payload, error); arena_reset(arena)) {
		const struct tensor *texts = NULL;
		review->read++;
		if (drift_comparison_retype(&review->comparison, source, &payload, arena, error) &&
		    message_review(review, &payload, arena, &texts, error))
			continue;
		if (error->kind != ERROR_INPUT || !source->refused(source->context, texts, error))
			break;
		*error = (struct error){0};
	}
	return error->kind == ERROR_NONE;
}

static void reference_remark(const struct drift_review *review, struct arena *arena)
{
	const struct drift_comparison *comparison = &review->comparison;
	const struct drift_remarks remarks =
		drift_remarks_of(&comparison->reference, &comparison->settings, comparison->monitor, arena);
	drift_remarks_say(&remarks, review->source);
}

bool drift_review(struct step *step, const struct fit_source *source, bool json, struct buffer *report, struct error *error)
{
	const struct drift *options = step->options;
	struct drift_review review = {
		.group = options->group, .estimate = &options->estimate, .source = source, .json = json, .report = report};
	struct arena *arena = arena_open(MESSAGE_BYTES_MAX);
	bool good = (arena || error_memory(error, ERROR_SYSTEM, "comparing messages")) && review_open(&review, step, error);
	const bool opened = good;
	if (opened)
		reference_remark(&review, step->arena);
	good = good && messages_read(&review, arena, error);
	if (good)
		ends_review(&review);
	if (good && json && review.examples.score > 0) {
		review.again = true;
		good = messages_read(&review, arena, error);
	}
	arena_close(arena);
	if (!opened && !error->place.line)
		error->place = step->place;
	for (size_t i = 0; i < review.segment_count; i++) {
		open_rows_close(&review.segments[i].open);
		auc_rows_close(&review.segments[i].ranked);
	}
	if (!json) {
		past_say(&review);
		lacking_say(&review);
		segments_say(&review);
		unestimated_say(&review);
		truths_say(&review);
		settled_say(&review);
		buffer_print(report, "%llu window%s: %llu with drift, %llu with data out of the bounds of quality",
			     (unsigned long long)review.windows, review.windows == 1 ? "" : "s", (unsigned long long)review.drifted,
			     (unsigned long long)review.quality);
		if (review.lost > 0)
			buffer_print(report,
				     "; of %llu the only alarm is that nearly all values of a feature are missing, beyond "
				     "`falseAlarms`",
				     (unsigned long long)review.lost);
		buffer_byte(report, '\n');
	}
	if (json && good)
		report_json(&review);
	return good && anything_compared(&review, step, error);
}
