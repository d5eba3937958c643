/* simulation_observer.c: see simulation_observer.h. */
#include "simulation/simulation_observer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "message/records/feed_record.h"
#include "message/records/drift_score.h"
#include "message/records/stage_link.h"
#include "message/records/truth_link.h"
#include "compiler/plan/plan.h"
#include "simulation/simulated_faults.h"
#include "simulation/simulation_parts.h"

#define MS SIMULATION_MS
#define SECOND SIMULATION_SECOND
#define WINDOW_LEAST 20 /* the least that the step accepts */
#define WINDOW_MOST 30
#define REPETITIONS 20	 /* of a request, at least once: more than any run has */
#define RECORDS_MOST 6	 /* of a turn of a reader */
#define FAILS_IN_THOUSAND 150
#define RESTARTS_IN_THOUSAND 60
#define READS_US_MOST (400 * MS)
#define OUTCOME_MS_LEAST 1000
#define OUTCOME_MS_MOST 20000
#define SCORE_BYTES_MAX ((size_t)1 << 20)

/* Of small numbers, while those of the run grow: each window is further away than the one before. */
#define TEN "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
#define FIFTY TEN ", " TEN ", " TEN ", " TEN ", " TEN
static const char reference[] = "{\"format\": \"sluice_drift/1\", \"rows\": 100, \"block\": 100, \"features\": [{\"name\": \"x\", "
				"\"kind\": \"numbers\", \"missing\": 0, \"least\": 0, \"greatest\": 9, \"values\": [" FIFTY
				", " FIFTY "]}]}";

static bool reference_read(void *context, const struct name *file, const char *digest, struct text *content, struct error *error)
{
	(void)context, (void)file, (void)digest, (void)error;
	*content = (struct text){reference, sizeof reference - 1};
	return true;
}

static size_t observers_series(const struct simulation_observers *observers)
{
	return observers->segment_count * observers->watch_count;
}

static size_t watch_of(const struct simulation_observers *observers, size_t series)
{
	return series / observers->segment_count;
}

static size_t segment_of(const struct simulation_observers *observers, size_t series)
{
	return series % observers->segment_count;
}

static size_t window_of(const struct simulation_observers *observers, size_t series)
{
	return observers->window + watch_of(observers, series);
}

static void observers_fail(const struct simulation_observers *observers, const char *what, size_t series, size_t window)
{
	simulation_fails(observers->simulation->result->why, "%s: window %zu of segment %zu of step `%s` of %s", what, window,
			 segment_of(observers, series), simulation_watch_name(watch_of(observers, series)), observers->line->name);
}

/* The number of the segment of that name. False: there is none. */
static bool segment_number(const struct simulation_observers *observers, struct text name, size_t *number)
{
	*number = 0;
	if (observers->segment_count == 1)
		return name.length == 0;
	if (name.length == 1)
		*number = (size_t)(name.bytes[0] - '0');
	return name.length == 1 && *number < observers->segment_count;
}

/* The number of the series of that step and segment. False: there is none. */
static bool series_number(const struct simulation_observers *observers, struct text step, struct text segment, size_t *series)
{
	size_t watch = 0, number;
	*series = 0;
	while (watch < observers->watch_count && !text_is(step, simulation_watch_name(watch)))
		watch++;
	if (watch == observers->watch_count || !segment_number(observers, segment, &number))
		return false;
	*series = watch * observers->segment_count + number;
	return true;
}

/* ---- opening ---- */

/* Parts of a split request would be several rows, or none, of one answer. */
void simulation_observers_draw(struct simulation *simulation)
{
	struct simulation_observers *observers = &simulation->observers;
	struct simulation_line *line = &simulation->lines[0];
	if (line->variants[0].parts > 1)
		return;
	*observers = (struct simulation_observers){
		.is_there = true, .simulation = simulation, .line = line, .random = &simulation->wide[SIMULATION_OBSERVED]};
	struct random apart = *observers->random; /* what is drawn of the others stays as it was */
	observers->segment_count = (size_t)random_between(&apart, 1, SIMULATION_SEGMENTS_MAX);
	observers->watch_count = (size_t)random_between(&apart, 1, SIMULATION_WATCHES_MAX);
	observers->outcome_ms = random_below(&apart, 2) ? (unsigned)random_between(&apart, OUTCOME_MS_LEAST, OUTCOME_MS_MOST) : 0;
	observers->window = (size_t)random_between(observers->random, WINDOW_LEAST, WINDOW_MOST);
	for (size_t i = 0; i < line->variant_count; i++) {
		line->variants[i].window = observers->window;
		line->variants[i].outcome_ms = observers->outcome_ms;
		line->variants[i].watches = (unsigned)observers->watch_count;
		line->variants[i].segments = (unsigned)observers->segment_count;
	}
	simulation->observer_count = SIMULATION_OBSERVERS;
}

static bool reader_begin(struct simulation_feed_reader *reader)
{
	verdict_board_close(reader->board.verdicts);
	reader->board = (struct feed_board){.verdicts = verdict_board_open()};
	reader->read = 0;
	memset(reader->known, 0, sizeof reader->known);
	return reader->board.verdicts;
}

/* Finds the topic that the stage of the observers reads. */
static void observed_find(struct simulation_observers *observers)
{
	const struct pipeline_plan *plan = simulation_scheme_pipeline(&observers->simulation->scheme, 0, observers->line->name);
	size_t stage = 0;
	while (!plan_stage_observes(plan, stage))
		stage++;
	const char *topic = plan->topics[plan->stages[stage].topic].name;
	observers->observed = (struct simulation_reading){
		.topic = topic, .partitions = simulated_topic_partitions(simulated_find(observers->simulation->kafka, topic))};
}

bool simulation_observers_open(struct simulation *simulation, struct error *error)
{
	struct simulation_observers *observers = &simulation->observers;
	struct arena *arena = simulation->arena;
	if (!observers->is_there)
		return true;
	const struct simulation_line *line = observers->line;
	observers->files = (struct file_source){.read = reference_read};
	observers->most = line->count * REPETITIONS / observers->window + 1;
	bool good = true;
	for (size_t i = 0; i < observers_series(observers); i++) {
		struct simulation_windows *windows = &observers->series[i];
		windows->scores = ARENA_ARRAY(arena, double, observers->most);
		windows->fed_scores = ARENA_ARRAY(arena, double, observers->most);
		good = good && windows->scores && windows->fed_scores;
	}
	observers->verdicts.topic = topic_own_name(arena, PREFIX_DEFAULT, NAMESPACE_DEFAULT, line->name, "drift");
	observers->verdicts.partitions = line->partitions;
	observers->feed = (struct simulation_reading){.topic = SIMULATION_FEED_TOPIC, .partitions = 1};
	good = good && observers->verdicts.topic && simulated_topic(simulation->kafka, SIMULATION_FEED_TOPIC, 1);
	observers->feed_topic = simulated_find(simulation->kafka, SIMULATION_FEED_TOPIC);
	observed_find(observers);
	for (size_t i = 0; good && i < SIMULATION_FEED_READERS; i++) {
		(void)snprintf(observers->readers[i].name, sizeof observers->readers[i].name, "engine %zu", i);
		good = reader_begin(&observers->readers[i]);
	}
	return good || error_memory(error, ERROR_SYSTEM, "simulating observers");
}

void simulation_observers_close(struct simulation_observers *observers)
{
	for (size_t i = 0; i < SIMULATION_FEED_READERS; i++)
		verdict_board_close(observers->readers[i].board.verdicts);
}

/* ---- verdicts ---- */

/* Both are written in one transaction, which ends at one of the topics before the other. */
static void feed_compare(const struct simulation_observers *observers, size_t series, size_t window)
{
	const struct simulation_windows *windows = &observers->series[series];
	if (window < windows->closed && window < windows->fed && windows->scores[window] != windows->fed_scores[window])
		observers_fail(observers, "the feed has another verdict in its place", series, window);
}

static void settled_take(struct simulation_observers *observers, const struct drift_score *settled)
{
	size_t series;
	if (!series_number(observers, text_of(settled->step), settled->segment, &series)) {
		observers_fail(observers, "the later record is of no step", 0, 0);
		return;
	}
	struct simulation_windows *windows = &observers->series[series];
	if (settled->window < windows->settled)
		observers_fail(observers, "it settles twice", series, (size_t)settled->window);
	else if (settled->window > windows->settled)
		observers_fail(observers, "it does not settle before the next one", series, windows->settled);
	else if (settled->messages != window_of(observers, series))
		observers_fail(observers, "its later record has too few messages, or too many", series, windows->settled);
	windows->settled = (size_t)settled->window + 1;
	simulation_tell(observers->simulation, observers->verdicts.topic, "window %" PRIu64 " of segment %zu of step %s settles",
			settled->window, segment_of(observers, series), simulation_watch_name(watch_of(observers, series)));
}

static void verdict_take(struct simulation_observers *observers, const struct drift_score *verdict)
{
	size_t series;
	if (!series_number(observers, text_of(verdict->step), verdict->segment, &series)) {
		observers_fail(observers, "the verdict is of no step", 0, 0);
		return;
	}
	struct simulation_windows *windows = &observers->series[series];
	if (verdict->window < windows->closed)
		observers_fail(observers, "it is closed twice", series, (size_t)verdict->window);
	else if (verdict->window > windows->closed)
		observers_fail(observers, "it has no verdict", series, windows->closed);
	else if (verdict->messages != window_of(observers, series))
		observers_fail(observers, "it has too few messages, or too many", series, windows->closed);
	else if (windows->closed < observers->most)
		windows->scores[windows->closed++] = verdict->score;
	feed_compare(observers, series, (size_t)verdict->window);
	simulation_tell(observers->simulation, observers->verdicts.topic,
			"window %" PRIu64 " of segment %zu of step %s has %" PRIu64 " messages, score %g", verdict->window,
			segment_of(observers, series), simulation_watch_name(watch_of(observers, series)), verdict->messages,
			verdict->score);
}

static void score_take(struct simulation_observers *observers, const struct record *record)
{
	struct drift_score score;
	struct arena *scratch = arena_open(SCORE_BYTES_MAX);
	if (!scratch || !drift_score_decode(record->value, scratch, &score))
		observers_fail(observers, "the record cannot be read", 0, 0);
	else
		(score.settled ? settled_take : verdict_take)(observers, &score);
	arena_close(scratch);
}

static void observed_take(struct simulation_observers *observers, const struct record *record)
{
	struct stage_link_head head;
	struct error error = {0};
	observers->times += stage_link_peek(record->value, &head, &error) && text_is(head.from, SENDER_TIME);
}

static void feed_take(struct simulation_observers *observers, const struct record *record)
{
	struct feed_score score = {0};
	struct error error = {0};
	size_t series = 0;
	if (!feed_key_is_score(record->key))
		return;
	if (!feed_score_decode(record->key, record->value, &score, &error) ||
	    !series_number(observers, text_of(score.step), score.segment, &series)) {
		observers_fail(observers, "a verdict on the feed cannot be read", 0, 0);
		return;
	}
	struct simulation_windows *windows = &observers->series[series];
	uint64_t *identity = &observers->identity[watch_of(observers, series)];
	const size_t window = windows->fed;
	if (score.verdict == DRIFT_LEARNING && window > 0)
		observers_fail(observers, "its state begins anew", series, window);
	else if (score.verdict != DRIFT_LEARNING && window < observers->most)
		windows->fed_scores[windows->fed++] = score.score;
	feed_compare(observers, series, window);
	*identity = score.identity ? score.identity : *identity;
}

void simulation_observers_read(struct simulation_observers *observers)
{
	struct record record;
	if (!observers->is_there)
		return;
	while (simulation_reading_next(&observers->verdicts, observers->simulation->kafka, &record))
		score_take(observers, &record);
	while (simulation_reading_next(&observers->feed, observers->simulation->kafka, &record))
		feed_take(observers, &record);
	while (simulation_reading_next(&observers->observed, observers->simulation->kafka, &record))
		observed_take(observers, &record);
	observers->simulation->result->counts.windows = 0;
	for (size_t i = 0; i < observers_series(observers); i++)
		observers->simulation->result->counts.windows += observers->series[i].closed;
}

/* ---- engines that read the feed ---- */

static bool reader_next(const struct simulation_observers *observers, const struct simulation_feed_reader *reader,
			struct record *record)
{
	return simulated_read(observers->feed_topic, 0, reader->read, record);
}

/* What it knows is the verdict that it knew, or of a later window. Scores that are the same are those of the earliest. */
static void reader_judge_series(struct simulation_observers *observers, struct simulation_feed_reader *reader,
				struct verdict_entry *entry, size_t series)
{
	const size_t watch = watch_of(observers, series), segment = segment_of(observers, series);
	const char name[] = {(char)('0' + segment)};
	const struct text named = {name, observers->segment_count > 1 ? sizeof name : 0};
	const struct last_verdict known = verdict_entry_known(entry, observers->identity[watch], named);
	const struct simulation_windows *of = &observers->series[series];
	size_t number = reader->known[series] > 0 ? reader->known[series] : 1;
	if (known.verdict == DRIFT_LEARNING)
		return;
	while (number <= of->fed && of->fed_scores[number - 1] != known.score)
		number++;
	if (number > of->fed)
		simulation_fails(
			observers->simulation->result->why,
			"%s takes an older verdict from the feed: score %g after that of window %zu of segment %zu of step "
			"`%s`",
			reader->name, known.score, reader->known[series], segment, simulation_watch_name(watch));
	reader->known[series] = number;
}

static void reader_judge(struct simulation_observers *observers, struct simulation_feed_reader *reader)
{
	for (size_t i = 0; i < observers_series(observers); i++) {
		const char *step = simulation_watch_name(watch_of(observers, i));
		struct verdict_entry *entry = verdict_board_entry(reader->board.verdicts, observers->line->name, step);
		if (entry)
			reader_judge_series(observers, reader, entry, i);
	}
}

static void reader_live(struct simulation_observers *observers, struct simulation_feed_reader *reader)
{
	struct simulation *simulation = observers->simulation;
	struct record record;
	struct error error = {0};
	const bool calm = simulation->control.is_calm;
	reader->turn_us = simulation->now_us + random_between(observers->random, 1 * MS, READS_US_MOST);
	if (!calm && random_in_thousand(observers->random, RESTARTS_IN_THOUSAND) && !reader_begin(reader)) {
		simulation_fails(simulation->result->why, "memory ran out");
		return;
	}
	if (!calm && random_in_thousand(observers->random, FAILS_IN_THOUSAND)) {
		reader->read = 0;
		reader->board.next = simulation->config->broken == SIMULATION_FORGETS_FEED ? 0 : reader->board.next;
	}
	for (int64_t most = random_between(observers->random, 1, RECORDS_MOST);
	     most > 0 && reader_next(observers, reader, &record); most--) {
		reader->read = record.offset + 1;
		if (!feed_board_take(&reader->board, &record, &error))
			simulation_fails(simulation->result->why, "a record of the feed cannot be read: %s", error.text);
		reader_judge(observers, reader);
	}
}

int64_t simulation_observers_due_us(struct simulation_observers *observers)
{
	int64_t due_us = INT64_MAX;
	struct record record;
	if (!observers->is_there)
		return INT64_MAX;
	if (observers->due_us > 0 && observers->changes == simulated_topic_changes(observers->feed_topic))
		return observers->due_us;
	observers->changes = simulated_topic_changes(observers->feed_topic);
	for (size_t i = 0; i < SIMULATION_FEED_READERS; i++)
		if (reader_next(observers, &observers->readers[i], &record))
			due_us = simulation_earlier(due_us, observers->readers[i].turn_us);
	observers->due_us = simulation_later(due_us, 1);
	return observers->due_us;
}

void simulation_observers_live(struct simulation_observers *observers)
{
	struct record record;
	if (!observers->is_there || simulation_observers_due_us(observers) > observers->simulation->now_us)
		return;
	simulation_observers_read(observers);
	observers->due_us = 0;
	for (size_t i = 0; i < SIMULATION_FEED_READERS; i++) {
		struct simulation_feed_reader *reader = &observers->readers[i];
		if (reader->turn_us <= observers->simulation->now_us && reader_next(observers, reader, &record))
			reader_live(observers, reader);
	}
}

/* ---- the end ---- */

/* At least once, a worker that ends between the answer and its row leaves both to its successor, which finds no request where
 * it was deleted, and may run another deployment, which drops it. */
static bool row_is_due(const struct simulation_observers *observers, const struct simulation_request *request)
{
	const bool comes_again = request->wanted && !request->skipped;
	return request->good && !request->failed && (observers->line->judge.exactly_once || comes_again);
}

/* Windows that the answers make of a segment of a step. */
static size_t windows_due(const struct simulation_observers *observers, size_t series)
{
	size_t rows = 0;
	for (size_t i = segment_of(observers, series); i < observers->line->count; i += observers->segment_count)
		rows += row_is_due(observers, &observers->line->requests[i]);
	return rows / window_of(observers, series);
}

/* Windows of the series that are to have a later record at the end: one of rows that were observed again may close too late. */
static size_t settled_due(const struct simulation_observers *observers, size_t series)
{
	return observers->outcome_ms > 0 ? windows_due(observers, series) : 0;
}

bool simulation_observers_settled(const struct simulation_observers *observers)
{
	struct record record;
	if (!observers->is_there)
		return true;
	for (size_t i = 0; i < SIMULATION_FEED_READERS; i++)
		if (reader_next(observers, &observers->readers[i], &record))
			return false;
	for (size_t i = 0; i < observers_series(observers) && !observers->simulation->loss.is_observed; i++)
		if (observers->series[i].closed < windows_due(observers, i) ||
		    observers->series[i].settled < settled_due(observers, i))
			return false;
	return true;
}

/* At least once, a row may be observed again with its request. Where topics were emptied, a window that time was sent for is lost
 * with the state. */
void simulation_observers_end(struct simulation_observers *observers)
{
	size_t settled = 0, under_way = 0; /* windows, and series with one that may have been sent its time at last */
	if (!observers->is_there)
		return;
	for (size_t i = 0; i < observers_series(observers); i++) {
		const struct simulation_windows *windows = &observers->series[i];
		const size_t due = windows_due(observers, i);
		if (windows->closed < due && !observers->simulation->loss.is_observed)
			observers_fail(observers, "it is not closed in time", i, windows->closed);
		if (windows->settled < settled_due(observers, i) && !observers->simulation->loss.is_observed)
			observers_fail(observers, "it has no later record in time", i, windows->settled);
		if (observers->line->judge.exactly_once && windows->closed > due)
			observers_fail(observers, "it is closed, though too few messages came", i, windows->closed);
		if (windows->fed != windows->closed)
			observers_fail(observers, "it is not on the feed", i, windows->fed);
		settled += windows->settled;
		under_way += windows->settled < windows->closed;
	}
	if (observers->times > settled + under_way && !observers->simulation->loss.is_observed)
		simulation_fails(observers->simulation->result->why,
				 "%zu records of time alone were written to the observers of %s, and %zu windows settled",
				 observers->times, observers->line->name, settled);
}
