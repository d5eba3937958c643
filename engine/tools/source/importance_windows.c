/* importance_windows.c: see importance_windows.h. */
#include "tools/source/importance_windows.h"

#include <math.h>
#include <stdlib.h>

#include "kafka/consume/reader.h"
#include "compiler/plan/plan.h"

#define LIST_FIRST 64

static bool out_of_memory(struct error *error)
{
	return error_memory(error, ERROR_SYSTEM, "reading the importance of features");
}

/* ---- reading ---- */

static bool list_grow(struct importance_list *list)
{
	struct importance_report *grown =
		arena_grow(list->arena, list->reports, list->count, &list->room, LIST_FIRST, sizeof *grown);
	list->reports = grown ? grown : list->reports;
	return grown;
}

/* Adds a record of the topic. One that cannot be read is counted. SYSTEM: memory ran out. */
static bool importance_list_add(struct importance_list *list, struct text record, struct error *error)
{
	struct error wrong = {0};
	const char *copy = arena_copy(list->arena, record.bytes ? record.bytes : "", record.length);
	if (!copy || !list_grow(list))
		return out_of_memory(error);
	if (importance_report_decode((struct text){copy, record.length}, list->arena, &list->reports[list->count], &wrong))
		list->count++;
	else if (wrong.kind == ERROR_SYSTEM)
		return out_of_memory(error);
	else if (list->unreadable++ == 0)
		list->unreadable_why = wrong;
	return true;
}

static bool record_take(void *context, const struct record *record, struct error *error)
{
	return importance_list_add(context, record->value, error);
}

bool importance_list_read(struct importance_list *list, const struct kafka *kafka, const char *topic, struct error *error)
{
	const struct reader_config config = {
		.brokers = kafka->brokers, .topic = topic, .from_beginning = true, .properties = kafka->consumer};
	if (!config.topic)
		return out_of_memory(error);
	return topic_give_all(&config, record_take, list, error) && importance_list_end(list, error);
}

/* ---- windows together ---- */

static bool same_features(const struct importance_report *report, const struct importance_subject *subject)
{
	if (report->feature_count != subject->feature_count)
		return false;
	for (size_t i = 0; i < report->feature_count; i++)
		if (!text_equal(report->features[i].name, subject->features[i].name))
			return false;
	return true;
}

static bool same_subject(const struct importance_report *report, const struct importance_subject *subject)
{
	return text_equal(report->step, subject->step) && text_equal(report->output, subject->output) &&
	       same_features(report, subject);
}

static bool windows_add(struct importance_windows *windows, const struct importance_report *report, struct arena *arena)
{
	const size_t features = report->feature_count;
	struct importance *one = arena_take(arena, 1, importance_size(features));
	if (!windows->importance)
		windows->importance = arena_take(arena, 1, importance_size(features));
	if (!one || !windows->importance)
		return false;
	*one = (struct importance){report->explanations, report->total};
	for (size_t i = 0; i < features; i++)
		importance_means(one)[i] = report->features[i].mean;
	importance_merge(windows->importance, one, features);
	windows->begin_ms = windows->windows && windows->begin_ms < report->begin_ms ? windows->begin_ms : report->begin_ms;
	windows->end_ms = windows->windows && windows->end_ms > report->end_ms ? windows->end_ms : report->end_ms;
	windows->late += report->late;
	windows->left_out += report->left_out;
	windows->windows++;
	return true;
}

/* What a subject has of a slice: its first and its last window. */
struct importance_slice {
	uint64_t slice;
	const struct importance_report *first, *last;
};

static void slice_add(struct importance_slice *slices, size_t *count, const struct importance_report *report)
{
	size_t at = 0;
	while (at < *count && slices[at].slice != report->slice)
		at++;
	if (at == *count)
		slices[(*count)++] = (struct importance_slice){report->slice, report, report};
	slices[at].first = report->window < slices[at].first->window ? report : slices[at].first;
	slices[at].last = report->window > slices[at].last->window ? report : slices[at].last;
}

static bool subject_fill(struct importance_list *list, struct importance_subject *subject, struct importance_slice *slices)
{
	size_t count = 0;
	for (size_t i = 0; i < list->count; i++)
		if (same_subject(&list->reports[i], subject))
			slice_add(slices, &count, &list->reports[i]);
	for (size_t i = 0; i < count; i++)
		if (!windows_add(&subject->first, slices[i].first, list->arena) ||
		    !windows_add(&subject->last, slices[i].last, list->arena))
			return false;
	return true;
}

/* By time. */
static int reports_compare(const void *left, const void *right)
{
	const struct importance_report *a = left, *b = right;
	if (a->end_ms != b->end_ms)
		return a->end_ms < b->end_ms ? -1 : 1;
	if (a->slice != b->slice)
		return a->slice < b->slice ? -1 : 1;
	return (a->window > b->window) - (a->window < b->window);
}

/* The subject of that step and output; NULL: there is none yet. */
static struct importance_subject *subject_find(const struct importance_list *list, const struct importance_report *report)
{
	for (size_t i = 0; i < list->subject_count; i++)
		if (text_equal(list->subjects[i].step, report->step) && text_equal(list->subjects[i].output, report->output))
			return &list->subjects[i];
	return NULL;
}

bool importance_list_end(struct importance_list *list, struct error *error)
{
	struct importance_slice *slices = ARENA_ARRAY(list->arena, struct importance_slice, list->count + 1);
	list->subjects = ARENA_ARRAY(list->arena, struct importance_subject, list->count + 1);
	if (!list->subjects || !slices)
		return out_of_memory(error);
	if (list->count > 0)
		qsort(list->reports, list->count, sizeof *list->reports, reports_compare);
	for (size_t i = 0; i < list->count; i++) {
		const struct importance_report *report = &list->reports[i];
		struct importance_subject *subject = subject_find(list, report);
		if (!subject)
			subject = &list->subjects[list->subject_count++];
		*subject = (struct importance_subject){.step = report->step, /* as the newest has it */
						       .explained = report->explained,
						       .method = report->method,
						       .output = report->output,
						       .feature_count = report->feature_count,
						       .features = report->features};
	}
	for (size_t i = 0; i < list->subject_count; i++)
		if (!subject_fill(list, &list->subjects[i], slices))
			return out_of_memory(error);
	return true;
}

/* ---- shares ---- */

double importance_share(const struct importance_windows *windows, size_t feature)
{
	if (!windows->windows || !(windows->importance->total > 0))
		return (double)NAN;
	return importance_means(windows->importance)[feature] / windows->importance->total;
}

double importance_subject_shift(const struct importance_subject *subject)
{
	if (!subject->first.windows || !subject->last.windows)
		return (double)NAN;
	return importance_shift(subject->first.importance, subject->last.importance, subject->feature_count);
}

/* `x.a` is `x[a]`. */
static bool is_feature(struct text drifts, struct text explains)
{
	if (text_equal(drifts, explains))
		return true;
	if (explains.length != drifts.length + 1 || explains.bytes[explains.length - 1] != ']')
		return false;
	for (size_t i = 0; i < drifts.length; i++)
		if (drifts.bytes[i] != explains.bytes[i] && !(drifts.bytes[i] == '.' && explains.bytes[i] == '['))
			return false;
	return memchr(explains.bytes, '[', explains.length) != NULL;
}

/* That of a subject, by its windows of that time. */
static double subject_feature_shift(const struct importance_list *list, const struct importance_subject *subject, size_t feature,
				    int64_t begin_ms, int64_t end_ms)
{
	double sum = 0, total = 0;
	for (size_t i = 0; i < list->count; i++) {
		const struct importance_report *report = &list->reports[i];
		if (!same_subject(report, subject) || report->end_ms < begin_ms || report->begin_ms > end_ms)
			continue;
		sum += (double)report->explanations * report->features[feature].mean;
		total += (double)report->explanations * report->total;
	}
	return total > 0 ? sum / total - importance_share(&subject->first, feature) : (double)NAN;
}

double importance_feature_shift(const struct importance_list *list, struct text feature, int64_t begin_ms, int64_t end_ms)
{
	double most = (double)NAN;
	for (size_t i = 0; i < list->subject_count; i++) {
		const struct importance_subject *subject = &list->subjects[i];
		for (size_t j = 0; j < subject->feature_count; j++) {
			if (!is_feature(feature, subject->features[j].name))
				continue;
			const double shift = subject_feature_shift(list, subject, j, begin_ms, end_ms);
			if (!isnan(shift) && !(fabs(most) >= fabs(shift)))
				most = shift;
		}
	}
	return most;
}
