/* simulation_observer.c: see simulation_observer.h. */
#include "simulation/simulation_observer.h"

#include <inttypes.h>
#include <stdio.h>

#include "message/avro.h"
#include "message/avro_wire.h"
#include "message/feed_record.h"
#include "plan/plan.h"
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
#define STEP "watch"

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

static void observers_fail(const struct simulation_observers *observers, const char *what, size_t window)
{
	simulation_fails(observers->simulation->result->why, "%s: window %zu of step `%s` of %s", what, window, STEP,
			 observers->line->name);
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
	observers->window = (size_t)random_between(observers->random, WINDOW_LEAST, WINDOW_MOST);
	for (size_t i = 0; i < line->variant_count; i++)
		line->variants[i].window = observers->window;
	simulation->observer_count = SIMULATION_OBSERVERS;
}

static bool reader_begin(struct simulation_feed_reader *reader)
{
	verdict_board_close(reader->board.verdicts);
	reader->board = (struct feed_board){.verdicts = verdict_board_open()};
	reader->read = 0;
	reader->known = 0;
	return reader->board.verdicts;
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
	observers->scores = ARENA_ARRAY(arena, double, observers->most);
	observers->fed_scores = ARENA_ARRAY(arena, double, observers->most);
	observers->verdicts.topic = topic_own_name(arena, PREFIX_DEFAULT, NAMESPACE_DEFAULT, line->name, "drift");
	observers->verdicts.partitions = line->partitions;
	observers->feed = (struct simulation_reading){.topic = SIMULATION_FEED_TOPIC, .partitions = 1};
	bool good = observers->scores && observers->fed_scores && observers->verdicts.topic &&
		    simulated_topic(simulation->kafka, SIMULATION_FEED_TOPIC, 1);
	observers->feed_topic = simulated_find(simulation->kafka, SIMULATION_FEED_TOPIC);
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

struct window_verdict {
	int64_t messages, number;
	double score;
};

/* As drift_score_encode() writes it, up to the number of the window. */
static bool verdict_read(const struct record *record, struct window_verdict *made)
{
	if (!avro_is_single_object(record->value, avro_drift_score_fingerprint()))
		return false;
	struct avro_cursor cursor = avro_cursor_of(avro_single_object_body(record->value));
	const struct text pipeline = avro_read_bytes(&cursor), step = avro_read_bytes(&cursor);
	(void)avro_read_long(&cursor), (void)avro_read_long(&cursor); /* its begin and its end */
	made->messages = avro_read_long(&cursor);
	(void)avro_read_long(&cursor); /* messages that cannot be used */
	made->score = avro_read_double(&cursor);
	(void)avro_read_raw(&cursor, 1);
	(void)avro_read_bytes(&cursor);
	for (size_t left; (left = avro_read_block(&cursor)) > 0;)
		for (; left > 0; left--) {
			(void)avro_read_bytes(&cursor), (void)avro_read_bytes(&cursor);
			(void)avro_read_raw(&cursor, 3 * sizeof(double) + 1 + sizeof(double) + 1);
		}
	(void)avro_read_block(&cursor); /* versions: there are none */
	made->number = avro_read_long(&cursor);
	return !avro_failed(&cursor) && pipeline.length > 0 && text_is(step, STEP);
}

/* Both are written in one transaction, which ends at one of the topics before the other. */
static void feed_compare(const struct simulation_observers *observers, size_t window)
{
	if (window < observers->closed && window < observers->fed && observers->scores[window] != observers->fed_scores[window])
		observers_fail(observers, "the feed has another verdict in its place", window);
}

static void verdict_take(struct simulation_observers *observers, const struct record *record)
{
	struct window_verdict verdict = {0};
	if (!verdict_read(record, &verdict))
		observers_fail(observers, "the verdict cannot be read", observers->closed);
	else if (verdict.number >= 0 && (size_t)verdict.number < observers->closed)
		observers_fail(observers, "it is closed twice", (size_t)verdict.number);
	else if ((size_t)verdict.number > observers->closed)
		observers_fail(observers, "it has no verdict", observers->closed);
	else if ((size_t)verdict.messages != observers->window)
		observers_fail(observers, "it has too few messages, or too many", observers->closed);
	else if (observers->closed < observers->most)
		observers->scores[observers->closed++] = verdict.score;
	feed_compare(observers, (size_t)verdict.number);
	simulation_tell(observers->simulation, observers->verdicts.topic, "window %" PRId64 " has %" PRId64 " messages, score %g",
			verdict.number, verdict.messages, verdict.score);
}

static void feed_take(struct simulation_observers *observers, const struct record *record)
{
	struct feed_score score;
	struct error error = {0};
	if (!feed_key_is_score(record->key))
		return;
	const size_t number = observers->fed;
	if (!feed_score_decode(record->key, record->value, &score, &error))
		observers_fail(observers, "its verdict on the feed cannot be read", number);
	else if (score.verdict == DRIFT_LEARNING && number > 0)
		observers_fail(observers, "its state begins anew", number);
	else if (score.verdict != DRIFT_LEARNING && number < observers->most)
		observers->fed_scores[observers->fed++] = score.score;
	feed_compare(observers, number);
	observers->identity = score.identity ? score.identity : observers->identity;
}

void simulation_observers_read(struct simulation_observers *observers)
{
	struct record record;
	if (!observers->is_there)
		return;
	while (simulation_reading_next(&observers->verdicts, observers->simulation->kafka, &record))
		verdict_take(observers, &record);
	while (simulation_reading_next(&observers->feed, observers->simulation->kafka, &record))
		feed_take(observers, &record);
	observers->simulation->result->counts.windows = observers->closed;
}

/* ---- engines that read the feed ---- */

static bool reader_next(const struct simulation_observers *observers, const struct simulation_feed_reader *reader,
			struct record *record)
{
	return simulated_read(observers->feed_topic, 0, reader->read, record);
}

/* What it knows is the verdict that it knew, or of a later window. Scores that are the same are those of the earliest. */
static void reader_judge(struct simulation_observers *observers, struct simulation_feed_reader *reader)
{
	struct verdict_entry *entry = verdict_board_entry(reader->board.verdicts, observers->line->name, STEP);
	if (!entry)
		return;
	const struct last_verdict known = verdict_entry_known(entry, observers->identity, TEXT(""));
	size_t number = reader->known > 0 ? reader->known : 1;
	if (known.verdict == DRIFT_LEARNING)
		return;
	while (number <= observers->fed && observers->fed_scores[number - 1] != known.score)
		number++;
	if (number > observers->fed)
		simulation_fails(observers->simulation->result->why,
				 "%s takes an older verdict from the feed: score %g after that of window %zu", reader->name,
				 known.score, reader->known);
	reader->known = number;
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
 * it was deleted. */
static bool row_is_due(const struct simulation_observers *observers, const struct simulation_request *request)
{
	return request->good && !request->failed && (observers->line->judge.exactly_once || !request->skipped);
}

/* Windows that the answers make. */
static size_t windows_due(const struct simulation_observers *observers)
{
	size_t rows = 0;
	for (size_t i = 0; i < observers->line->count; i++)
		rows += row_is_due(observers, &observers->line->requests[i]);
	return rows / observers->window;
}

bool simulation_observers_settled(const struct simulation_observers *observers)
{
	struct record record;
	if (!observers->is_there)
		return true;
	for (size_t i = 0; i < SIMULATION_FEED_READERS; i++)
		if (reader_next(observers, &observers->readers[i], &record))
			return false;
	return observers->closed >= windows_due(observers);
}

/* At least once, a row may be observed again with its request. */
void simulation_observers_end(struct simulation_observers *observers)
{
	if (!observers->is_there)
		return;
	const size_t due = windows_due(observers);
	if (observers->closed < due)
		observers_fail(observers, "it is not closed in time", observers->closed);
	if (observers->line->judge.exactly_once && observers->closed > due)
		observers_fail(observers, "it is closed, though too few messages came", observers->closed);
	if (observers->fed != observers->closed)
		observers_fail(observers, "it is not on the feed", observers->fed);
}
