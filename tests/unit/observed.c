/* observed.c: see observed.h. */
#include "tests/unit/observed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "message/records/carried.h"
#include "message/records/feed_record.h"
#include "message/records/truth_link.h"

#define ARENA_BYTES ((size_t)4 << 20)
#define TOLD_OF_DRIFT                                                                                                              \
	"{score: drift_score, flag: is_drift, state: drift_state, rate: messages_per_minute, age: newest_age_ms}, keep: [score, "  \
	"flag, state, rate, age]"

static char reference[64000];

static bool reference_read(void *context, const struct name *file, const char *digest, struct text *content, struct error *error)
{
	(void)context, (void)file, (void)digest, (void)error;
	*content = text_of(reference);
	return true;
}

static const struct file_source files = {.read = reference_read};

const struct file_source *observed_files(void)
{
	return &files;
}

static double usual(struct random *chance, double middle)
{
	double sum = middle;
	for (int i = 0; i < 6; i++)
		sum += (double)random_below(chance, 1000) / 1000 - 0.5;
	return sum;
}

/* Appends the times of rows that came each second. */
static size_t times_make(size_t length)
{
	for (int i = 0; i < REFERENCE_ROWS; i++)
		length += (size_t)snprintf(reference + length, sizeof reference - length, "%s%d", i ? ", " : "\"times_ms\": [",
					   i * 1000);
	for (int i = 0; i < 10; i++)
		length += (size_t)snprintf(reference + length, sizeof reference - length, "%s1000", i ? ", " : "], \"gaps_ms\": [");
	return length + (size_t)snprintf(reference + length, sizeof reference - length, "], ");
}

static void reference_make(bool timed)
{
	struct random chance = {3};
	size_t length =
		(size_t)snprintf(reference, sizeof reference, "{\"format\": \"sluice_drift/1\", \"rows\": %d, \"block\": %d, ",
				 REFERENCE_ROWS, REFERENCE_ROWS);
	length = timed ? times_make(length) : length;
	length += (size_t)snprintf(reference + length, sizeof reference - length, "\"features\": [");
	for (int feature = 0; feature < 2; feature++) {
		length += (size_t)snprintf(reference + length, sizeof reference - length,
					   "%s{\"name\": \"x.%s\", \"kind\": \"numbers\", \"missing\": 0, \"least\": -9, "
					   "\"greatest\": 9, \"values\": [",
					   feature ? ", " : "", feature ? "b" : "a");
		for (int i = 0; i < REFERENCE_ROWS; i++)
			length += (size_t)snprintf(reference + length, sizeof reference - length, "%s%.4f", i ? ", " : "",
						   usual(&chance, 0));
		length += (size_t)snprintf(reference + length, sizeof reference - length, "]}");
	}
	snprintf(reference + length, sizeof reference - length, "]}");
}

static void note_mark(struct observed *observed, const struct tensor *tensor)
{
	if (text_is(tensor->name, "score"))
		observed->score = *(const double *)tensor->data;
	else if (text_is(tensor->name, "rate"))
		observed->rate = *(const double *)tensor->data;
	else if (text_is(tensor->name, "age"))
		observed->age_ms = *(const double *)tensor->data;
	else if (text_is(tensor->name, "flag"))
		observed->flagged = *(const uint8_t *)tensor->data;
	else if (text_is(tensor->name, "state"))
		snprintf(observed->state, sizeof observed->state, TEXT_FORMAT, TEXT_ARGUMENTS(*(const struct text *)tensor->data));
}

/* Writes what the feed gets, and reads it. */
static void others_read(struct verdict_entry *others, const struct drift_score *score)
{
	struct buffer key, value;
	struct feed_score read;
	struct error error = {0};
	if (!feed_score_is_due(score))
		return;
	buffer_open(&key, FEED_KEY_BYTES_MAX);
	buffer_open(&value, FEED_KEY_BYTES_MAX);
	assert_true(feed_score_encode(score, &key, &value, &error));
	const struct text record = value.length ? buffer_view(&value) : (struct text){0};
	assert_true(feed_score_decode(buffer_view(&key), record, &read, &error));
	verdict_entry_feed(others, read.identity, read.segment, verdict_of(read.verdict, read.score));
	buffer_close(&key);
	buffer_close(&value);
}

/* The same of what was learnt of outliers. */
static void learnt_read(struct verdict_entry *others, const struct outlier_learnt *learnt)
{
	struct arena *arena = arena_open(ARENA_BYTES);
	struct buffer key, value;
	struct feed_outliers read;
	struct error error = {0};
	buffer_open(&key, FEED_KEY_BYTES_MAX);
	buffer_open(&value, (size_t)1 << 20);
	assert_true(feed_outliers_encode(learnt, &key, &value, &error));
	assert_true(feed_outliers_decode(buffer_view(&key), buffer_view(&value), arena, &read, &error));
	assert_true(verdict_entry_feed_outliers(others, read.of.identity, &read.covariance));
	buffer_close(&key);
	buffer_close(&value);
	arena_close(arena);
}

static void learnt_note(struct observed *observed, const struct outlier_learnt *learnt)
{
	const struct covariance *covariance = &learnt->covariance;
	observed->learnt_count++;
	observed->learnt = (struct learnt){learnt->identity, covariance->rows, covariance->columns, {0}, {0}};
	memcpy(observed->learnt.mean, covariance->mean, 2 * sizeof(double));
	for (size_t i = 0; i < 3; i++)
		observed->learnt.covariance[i] = covariance_of(covariance, i > 0, i > 1, 1);
	if (observed->others)
		learnt_read(observed->others, learnt);
}

static void settled_note(struct observed *observed, const struct drift_score *score)
{
	assert_true(observed->settled_count < SCORES_MAX);
	assert_int_equal(score->verdict, DRIFT_LEARNING);
	assert_false(feed_score_is_due(score));
	struct settled *settled = &observed->settled[observed->settled_count++];
	*settled = (struct settled){.window = score->window,
				    .messages = score->messages,
				    .truths = score->truths,
				    .unkept = score->unkept,
				    .unfit = score->unfit,
				    .begin_ms = score->begin_ms,
				    .end_ms = score->end_ms,
				    .realised = score->realised_count};
	snprintf(settled->segment, sizeof settled->segment, TEXT_FORMAT, TEXT_ARGUMENTS(score->segment));
	if (score->realised_count) {
		settled->first = score->realised[0];
		settled->last = score->realised[score->realised_count - 1];
	}
}

static void on_finished(void *context, struct message *message, enum flow_outcome outcome, const struct answer *answer)
{
	struct observed *observed = context;
	struct error error = {0};
	assert_int_equal(outcome, FLOW_ANSWER);
	assert_string_equal(answer->error ? answer->error->text : "", "");
	for (size_t i = 0; i < answer->payload->tensors.count; i++)
		note_mark(observed, answer->payload->tensors.items[i]);
	for (const struct listed_record *record = message->listed; record; record = record->next) {
		const struct drift_score *score = (const void *)record;
		if (record->kind == LISTED_LEARNT)
			learnt_note(observed, (const void *)record);
		if (record->kind != LISTED_VERDICT)
			continue;
		if (observed->others)
			others_read(observed->others, score);
		observed->begun += score->begins;
		if (score->settled)
			settled_note(observed, score);
		if (score->begins || score->settled)
			continue;
		size_t *count = score->early ? &observed->early_count : &observed->count;
		assert_true(*count < SCORES_MAX);
		observed->identity = score->identity;
		struct seen *seen = &(score->early ? observed->early : observed->seen)[(*count)++];
		*seen = (struct seen){score->window,	     score->messages,	  score->unusable, score->late,
				      score->reference_rows, score->begin_ms,	  score->end_ms,   score->verdict,
				      score->score,	     .step = score->step, .segment = ""};
		snprintf(seen->segment, sizeof seen->segment, TEXT_FORMAT, TEXT_ARGUMENTS(score->segment));
		seen->unusable_alarm = score->unusable_alarm;
		seen->beyond = score->beyond;
		seen->estimated_rows = score->estimated_rows;
		seen->estimates = score->estimate_count;
		if (score->estimate_count) {
			seen->estimate = score->estimates[0];
			seen->last_estimate = score->estimates[score->estimate_count - 1];
		}
		seen->times = score->times;
		seen->alarm_row = score->alarm_row;
		seen->alarm_ms = score->alarm_ms;
		snprintf(seen->uncompared, sizeof seen->uncompared, "%s", score->uncompared ? score->uncompared : "");
		snprintf(seen->reference, sizeof seen->reference, "%s", score->reference ? score->reference : "");
		seen->statistics = score->statistic_count;
		seen->quality = score->quality_count;
		for (size_t i = 0; i < score->statistic_count; i++)
			seen->sum += score->statistics[i].statistic + score->statistics[i].limit;
		for (size_t i = 0; i < score->quality_count; i++) {
			seen->missing += score->quality[i].missing;
			seen->mistyped += score->quality[i].mistyped;
			seen->missing_alarms += score->quality[i].missing_alarm;
			seen->mistyped_alarms += score->quality[i].mistyped_alarm;
		}
		for (size_t i = 0; i < score->quality_count; i++)
			seen->unseen += score->quality[i].unseen;
		for (size_t i = 0; i < score->spread_count && !seen->shown[0]; i++)
			if (score->spreads[i].name_count > 0)
				snprintf(seen->shown, sizeof seen->shown, TEXT_FORMAT, TEXT_ARGUMENTS(score->spreads[i].names[0]));
	}
	assert_true(store_release(observed->store, message->writes, &error));
}

static struct flow_environment environment_of(struct observed *observed)
{
	return (struct flow_environment){.context = observed, .finished = on_finished, .board = observed->board, .files = &files};
}

void observed_engine_open(struct observed *observed)
{
	struct error error = {0};
	const struct flow_environment environment = environment_of(observed);
	observed->flow = flow_open(observed->planning.graph, &environment, &error);
	assert_string_equal(error.text, "");
	if (!observed->store)
		observed->store = store_open(flow_scopes(observed->flow), STORE_BYTES);
	observed->line = line_open(observed->flow, observed->store, &error);
	assert_non_null(observed->line);
}

void observed_engine_close(struct observed *observed)
{
	flow_close(observed->flow);
	line_close(observed->line);
}

void observed_steps(struct observed *observed, const char *options)
{
	char steps[2048], watch[1024];
	snprintf(watch, sizeof watch, "drift: {tensors: [x], reference: %s, %s}",
		 observed->reference ? observed->reference : "r.json", options);
	snprintf(steps, sizeof steps,
		 "  - {name: watch, %s}\n"
		 "  - name: out\n    inputs: [watch]\n    expression: {set: %s}\n"
		 "  output: {steps: [out]}\n",
		 observed->watch ? observed->watch : watch, observed->told ? observed->told : TOLD_OF_DRIFT);
	planning_open_steps(&observed->planning, steps);
	assert_int_equal(planning_errors(&observed->planning), 0);
}

static void open_with(struct observed *observed, const char *options)
{
	reference_make(observed->timed);
	observed_steps(observed, options);
	observed->board = verdict_board_open();
	observed->arena = arena_open(ARENA_BYTES);
	observed_engine_open(observed);
}

void observed_open(struct observed *observed, const char *options)
{
	*observed = (struct observed){.chance = {7}, .time_ms = 100 * DAY_MS};
	open_with(observed, options);
}

void observed_open_timed(struct observed *observed, const char *options)
{
	*observed = (struct observed){.chance = {7}, .time_ms = 100 * DAY_MS, .timed = true};
	open_with(observed, options);
}

void observed_open_now(struct observed *observed, const char *options)
{
	observed_open(observed, options);
	observed->passed_ms = observed->time_ms;
}

void observed_open_watch(struct observed *observed, const char *watch)
{
	*observed = (struct observed){.chance = {7}, .time_ms = 100 * DAY_MS, .watch = watch};
	open_with(observed, "");
	observed->watch = NULL;
}

void observed_open_outliers(struct observed *observed, const char *options)
{
	char watch[256];
	snprintf(watch, sizeof watch, "outlier: {tensor: x, %s}", options);
	*observed = (struct observed){.chance = {7}, .time_ms = 100 * DAY_MS, .watch = watch, .told = TOLD_OF_OUTLIERS};
	open_with(observed, "");
	observed->watch = NULL;
}

void observed_open_past(struct observed *observed, const char *past, const char *options)
{
	char reference_text[64];
	*observed = (struct observed){.chance = {7}, .time_ms = 100 * DAY_MS, .reference = reference_text};
	snprintf(reference_text, sizeof reference_text, "{past: %s}", past);
	open_with(observed, options);
	observed->reference = NULL;
}

void observed_open_topic(struct observed *observed, const char *options)
{
	*observed = (struct observed){.chance = {7}, .time_ms = 100 * DAY_MS, .reference = "{topic: before}"};
	open_with(observed, options);
}

void observed_learn(struct observed *observed, bool other)
{
	struct verdict_entry *entry = verdict_board_entry(observed->board, observed->planning.graph->name, "watch");
	char *digit = strstr(reference, "[0.");
	digit = digit ? digit : strstr(reference, ", 0.");
	assert_non_null(digit);
	digit = strchr(digit, '.') + 1;
	const char before = *digit;
	*digit = other ? (char)('0' + (before - '0' + 1) % 10) : before;
	assert_true(verdict_entry_learn(entry, "before", text_of(reference)));
	*digit = before;
}

void observed_close(struct observed *observed)
{
	observed_engine_close(observed);
	store_close(observed->store);
	verdict_board_close(observed->board);
	arena_close(observed->arena);
	planning_close(&observed->planning);
}

static void send(struct observed *observed, const struct tensor *tensor, const struct carried *carried, int64_t time_ms)
{
	const struct tensor *items[] = {tensor, observed->also};
	struct error error = {0};
	char id[24];
	snprintf(id, sizeof id, "%lld", (long long)time_ms);
	struct message message = {.arena = observed->arena,
				  .id = text_of(id),
				  .origin = {TEXT("in"), observed->partition, time_ms},
				  .time_ms = time_ms,
				  .carried = carried,
				  .key = observed->key,
				  .sender_reads = text_of(observed->reads ? observed->reads : ""),
				  .passed_ms = observed->passed_ms,
				  .payload = {.tensors = {observed->also ? 2 : 1, items}},
				  .line = observed->line};
	assert_true(flow_enter(observed->flow, &message, 0, &error));
	arena_reset(observed->arena);
}

void observed_truth(struct observed *observed, int64_t time_ms, const double *numbers, size_t count, double accuracy)
{
	char id[24];
	const int64_t shape[] = {count ? (int64_t)count : 1};
	const struct tensor tensor = {.name = TEXT("truth"),
				      .datatype = DATATYPE_FP64,
				      .shape = shape,
				      .rank = 1,
				      .data = count ? numbers : &accuracy,
				      .count = count ? count : 1};
	const struct tensor *items[] = {&tensor};
	const struct feedback_metric metric = {TEXT("accuracy"), accuracy};
	snprintf(id, sizeof id, "%lld", (long long)time_ms);
	const struct feedback feedback = {
		.id = text_of(id), .truth = {count > 0, items}, .metric_count = count == 0, .metrics = &metric};
	struct truth_link truth;
	struct given given[2];
	assert_true(truth_link_make(&feedback, observed->arena, &truth));
	truth_link_give(&truth, TEXT("watch"), TEXT("watch.observer"), 1, observed->arena, given);
	const struct carried carried = {.count = 2, .items = given};
	send(observed, &tensor, &carried, observed->time_ms);
}

void observed_time(struct observed *observed)
{
	const struct truth_link time = truth_link_of_time();
	const int64_t shape[] = {1};
	const double nothing = 0;
	const struct tensor tensor = {
		.name = TEXT("nothing"), .datatype = DATATYPE_FP64, .shape = shape, .rank = 1, .data = &nothing, .count = 1};
	struct given given[2];
	truth_link_give(&time, TEXT("watch"), TEXT("watch.observer"), 1, observed->arena, given);
	const struct carried carried = {.count = 2, .items = given};
	send(observed, &tensor, &carried, observed->time_ms);
}

bool observed_awaits(const struct observed *observed, int64_t *left_ms)
{
	struct awaited_time awaited;
	const bool awaits = flow_awaits_time(observed->flow, observed->line, &awaited);
	*left_ms = awaits ? awaited.due_ms - awaited.clock_ms : 0;
	return awaits;
}

void observed_outcomes(struct observed *observed, int64_t from_ms, int messages, int positives)
{
	for (int i = 0; i < messages; i++) {
		const double class = i % 5 < positives;
		observed_truth(observed, from_ms + 1000 * i, &class, 1, 0);
	}
}

struct realised_figures observed_realised(const struct observed *observed)
{
	struct realised_figures figures;
	verdict_entry_realised(verdict_board_entry(observed->board, observed->planning.graph->name, "watch"), &figures);
	return figures;
}

struct entries {
	struct text prefix;
	size_t count;
};

static void entry_count(void *context, const struct change *kept)
{
	struct entries *entries = context;
	entries->count += text_starts_with(kept->key, entries->prefix);
}

size_t observed_entries(const struct observed *observed, const char *prefix)
{
	struct store_walk walk = {0};
	struct entries entries = {text_of(prefix), 0};
	while (store_show(observed->store, &walk, 1000, entry_count, &entries))
		;
	return entries.count;
}

void observed_send(struct observed *observed, const struct tensor *tensor)
{
	send(observed, tensor, NULL, observed->time_ms);
	observed->time_ms += 1000;
}

void observed_slice(struct observed *observed, const struct tensor *tensor, int64_t *times_ms, int32_t *partitions, int rows)
{
	const int64_t shape[] = {rows, 1};
	const struct tensor of_times = {.name = TEXT("times"),
					.datatype = DATATYPE_INT64,
					.shape = shape,
					.rank = 2,
					.data = times_ms,
					.count = (size_t)rows};
	const struct tensor of_partitions = {.name = TEXT("partitions"),
					     .datatype = DATATYPE_INT32,
					     .shape = shape,
					     .rank = 2,
					     .data = partitions,
					     .count = (size_t)rows};
	uint64_t requests[256];
	const struct tensor of_requests = {.name = TEXT("requests"),
					   .datatype = DATATYPE_UINT64,
					   .shape = shape,
					   .rank = 2,
					   .data = requests,
					   .count = (size_t)rows};
	for (int i = 0; i < rows; i++) {
		char id[24];
		snprintf(id, sizeof id, "%lld", (long long)times_ms[i]);
		requests[i] = request_hash(text_of(id));
	}
	const struct tensor *items[3] = {&of_times};
	size_t count = 1;
	if (partitions)
		items[count++] = &of_partitions;
	if (observed->with_requests)
		items[count++] = &of_requests;
	const struct payload payload = {.tensors = {count, items}};
	const struct given given = {.step = TEXT("watch.observer"), .inputs = true, .state = GIVEN_CAME, .payload = &payload};
	const struct carried carried = {.count = 1, .items = &given};
	send(observed, tensor, &carried, times_ms[rows - 1]);
}

/* Sends rows with a time for each, a second apart. */
static void slice_send(struct observed *observed, const struct tensor *tensor, int times)
{
	int64_t times_ms[256];
	for (int i = 0; i < times; i++)
		times_ms[i] = observed->time_ms + 1000 * i;
	observed_slice(observed, tensor, times_ms, NULL, times);
	observed->time_ms += 1000 * tensor->shape[0];
}

void observed_slices(struct observed *observed, int messages, int rows, double moved)
{
	double numbers[2000];
	for (int done = 0; done < messages; done += rows) {
		const int count = messages - done < rows ? messages - done : rows;
		const int64_t shape[] = {count, 2};
		const struct tensor tensor = {.name = TEXT("x"),
					      .datatype = DATATYPE_FP64,
					      .shape = shape,
					      .rank = 2,
					      .data = numbers,
					      .count = (size_t)count * 2};
		for (int row = 0; row < count; row++) {
			numbers[2 * row] = usual(&observed->chance, moved);
			numbers[2 * row + 1] = usual(&observed->chance, 0);
		}
		slice_send(observed, &tensor, count);
	}
}

void observed_misfits(struct observed *observed, int rows, int columns, int times)
{
	static const double numbers[600];
	const int64_t shape[] = {rows, columns};
	const struct tensor tensor = {.name = TEXT("x"),
				      .datatype = DATATYPE_FP64,
				      .shape = shape,
				      .rank = 2,
				      .data = numbers,
				      .count = (size_t)rows * (size_t)columns};
	slice_send(observed, &tensor, times);
}

void observed_rows(struct observed *observed, int messages, int rows, double moved)
{
	double numbers[2000];
	const int64_t shape[] = {rows, 2};
	const struct tensor tensor = {.name = TEXT("x"),
				      .datatype = DATATYPE_FP64,
				      .shape = shape,
				      .rank = 2,
				      .data = numbers,
				      .count = (size_t)rows * 2};
	for (int i = 0; i < messages; i++) {
		for (int row = 0; row < rows; row++) {
			numbers[2 * row] = usual(&observed->chance, moved);
			numbers[2 * row + 1] = usual(&observed->chance, 0);
		}
		observed_send(observed, &tensor);
	}
}

void observed_classes(struct observed *observed, int messages, size_t classes, const double *chances)
{
	const int64_t shape[] = {1, (int64_t)classes};
	const struct tensor tensor = {
		.name = TEXT("p"), .datatype = DATATYPE_FP64, .shape = shape, .rank = 2, .data = chances, .count = classes};
	observed->also = &tensor;
	observed_rows(observed, messages, 1, 0);
	observed->also = NULL;
}

void observed_positives(struct observed *observed, int messages, double positive)
{
	observed_classes(observed, messages, 1, &positive);
}

void observed_strangers(struct observed *observed, int messages)
{
	const struct text text = TEXT("n/a");
	const int64_t shape[] = {1};
	const struct tensor tensor = {
		.name = TEXT("stranger"), .datatype = DATATYPE_BYTES, .shape = shape, .rank = 1, .data = &text, .count = 1};
	for (int i = 0; i < messages; i++)
		observed_send(observed, &tensor);
}

void observed_texts(struct observed *observed, int messages)
{
	const struct text text = TEXT("n/a");
	const int64_t shape[] = {1};
	const struct tensor tensor = {
		.name = TEXT("x"), .datatype = DATATYPE_BYTES, .shape = shape, .rank = 1, .data = &text, .count = 1};
	for (int i = 0; i < messages; i++)
		observed_send(observed, &tensor);
}

bool scores_equal(double one, double other)
{
	return isnan(one) ? isnan(other) : one == other;
}
