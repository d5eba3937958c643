/* feed_fuzz.c: hostile bytes on the feed of a namespace: verdicts, figures, what was learnt of outliers, and alerts. Nothing
 * crashes; what is read is written and read again as the same, and of an alert each form of notice can be made. The first byte
 * chooses; of an alert, the second one chooses the kind of its key.
 */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "bodies.h"
#include "compiler/conditions/alert_feed.h"
#include "compiler/conditions/notice_services.h"
#include "control/engine/feed_relay.h"
#include "message/avro/avro_wire.h"
#include "message/avro/schemas.h"
#include "message/records/feed_record.h"
#include "mutate.h"

#define OUT_BYTES ((size_t)64 << 20)
#define ACTION 0xff

enum kind { OF_VERDICT, OF_FIGURES, OF_OUTLIERS, OF_ALERT, OF_ANY, KINDS };

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* ---- verdicts ---- */

/* The key of a record: the kind, and the names with which the record begins. */
static struct text key_of(const char *kind, struct text value)
{
	const bool has_body = value.length >= AVRO_SINGLE_OBJECT_BYTES;
	struct avro_cursor cursor = avro_cursor_of(has_body ? avro_single_object_body(value) : value);
	const struct text pipeline = avro_read_bytes(&cursor), step = avro_read_bytes(&cursor), segment = avro_read_bytes(&cursor);
	return text_of(arena_print(fuzz_arena(), "%s/" TEXT_FORMAT "/" TEXT_FORMAT "%s" TEXT_FORMAT, kind, TEXT_ARGUMENTS(pipeline),
				   TEXT_ARGUMENTS(step), segment.length > 0 ? "/" : "", TEXT_ARGUMENTS(segment)));
}

static void score_check(struct text key, struct text value)
{
	struct feed_score read, again;
	struct error error = {0};
	struct buffer key_again, value_again;
	if (!feed_score_decode(key, value, &read, &error) || !value.bytes)
		return;
	const struct drift_score score = {.pipeline = read.pipeline,
					  .step = read.step,
					  .segment = read.segment,
					  .identity = read.identity,
					  .verdict = read.verdict,
					  .score = read.score};
	buffer_open(&key_again, FEED_KEY_BYTES_MAX);
	buffer_open(&value_again, OUT_BYTES);
	must(feed_score_encode(&score, &key_again, &value_again, &error) && text_equal(buffer_view(&key_again), key));
	must(feed_score_decode(buffer_view(&key_again), buffer_view(&value_again), &again, &error));
	must(again.identity == read.identity && again.verdict == read.verdict && again.score == read.score);
	buffer_close(&key_again);
	buffer_close(&value_again);
}

static void outliers_check(struct text key, struct text value)
{
	struct feed_outliers read, again;
	struct error error = {0};
	struct buffer key_again, value_again;
	if (!feed_outliers_decode(key, value, fuzz_arena(), &read, &error))
		return;
	const struct outlier_learnt learnt = {
		.pipeline = read.of.pipeline, .step = read.of.step, .identity = read.of.identity, .covariance = read.covariance};
	buffer_open(&key_again, FEED_KEY_BYTES_MAX);
	buffer_open(&value_again, OUT_BYTES);
	must(feed_outliers_encode(&learnt, &key_again, &value_again, &error));
	if (feed_outliers_decode(buffer_view(&key_again), buffer_view(&value_again), fuzz_arena(), &again, &error))
		must(again.of.identity == read.of.identity && again.covariance.rows == read.covariance.rows &&
		     again.covariance.columns == read.covariance.columns);
	else
		must(arena_failed(fuzz_arena()));
	buffer_close(&key_again);
	buffer_close(&value_again);
}

static void board_run(struct text key, struct text value)
{
	struct feed_board board = {.verdicts = verdict_board_open()};
	struct feed_figures figures;
	must(board.verdicts);
	for (int64_t offset = 0; offset < 3; offset++) {
		struct error error = {0};
		const struct record record = {.offset = offset, .key = key, .value = offset < 2 ? value : (struct text){0}};
		if (!feed_board_take(&board, &record, &error))
			must(error.kind == ERROR_INPUT || error.kind == ERROR_SYSTEM);
	}
	struct error error = {0};
	if (feed_key_is_score(key))
		score_check(key, value);
	if (feed_key_is_figures(key))
		(void)feed_figures_decode(key, value, &figures, &error);
	if (feed_key_is_outliers(key))
		outliers_check(key, value);
	verdict_board_close(board.verdicts);
}

/* ---- alerts ---- */

static struct alert_message message_of(const struct alert_read *read)
{
	return (struct alert_message){.status = read->fires ? "firing" : "resolved",
				      .namespace = read->namespace,
				      .pipeline = read->pipeline,
				      .alert = read->alert,
				      .condition = read->condition,
				      .engine = read->engine,
				      .group = read->group,
				      .reason = read->reason,
				      .is_shared = true,
				      .fired_at_ms = read->fired_at_ms,
				      .at_ms = read->at_ms,
				      .values = read->values};
}

static void notices_write(const struct alert_message *message)
{
	static const struct name mailbox = {.text = "ops@example.com"};
	struct buffer out;
	buffer_open(&out, OUT_BYTES);
	for (int format = NOTICE_JSON; format <= NOTICE_ALERTMANAGER; format++) {
		buffer_clear(&out);
		notice_write_format(message, (enum notice_format)format, "k", &out);
		must(!buffer_failed(&out) && buffer_view(&out).length > 0);
	}
	buffer_clear(&out);
	notice_write_mail(message, "sluice@example.com", (struct name_list){1, &mailbox}, &out);
	must(!buffer_failed(&out));
	buffer_close(&out);
}

static void alert_check(const struct alert_read *read)
{
	const struct alert_message message = message_of(read);
	struct alert_read again;
	struct error error = {0};
	struct buffer out;
	notices_write(&message);
	buffer_open(&out, OUT_BYTES);
	must(alert_record_encode(&message, &out, &error) && alert_record_is(buffer_view(&out)));
	must(alert_record_decode(buffer_view(&out), &again, &error));
	must(again.fires == read->fires && again.fired_at_ms == read->fired_at_ms && again.at_ms == read->at_ms);
	must(text_equal(again.namespace, read->namespace) && text_equal(again.pipeline, read->pipeline));
	must(text_equal(again.alert, read->alert) && text_equal(again.engine, read->engine));
	must(text_equal(again.condition, read->condition) && text_equal(again.group, read->group));
	must(text_equal(again.reason, read->reason));
	buffer_close(&out);
}

/* A record, its like, and its end: what is kept can be found, and ends. */
static void feed_run(const char *key, struct text value, bool is_its_own, bool fires)
{
	struct alert_feed *feed = alert_feed_open();
	must(feed);
	for (int i = 0; i < 2; i++)
		must(alert_feed_take(feed, text_of(key), value));
	const struct feed_alert *found = alert_feed_find(feed, key);
	must(!is_its_own || (found != NULL) == (alert_key_kind(text_of(key)) == ALERT_KEY_NOTICE || fires));
	must(alert_feed_take(feed, text_of(key), (struct text){0}));
	found = alert_feed_find(feed, key);
	must(!found || !found->record.bytes);
	alert_feed_close(feed);
}

static void alert_run(struct text value, unsigned choice)
{
	struct alert_read read;
	struct error error = {0};
	char key[ALERT_KEY_BYTES], id[NOTICE_ID_BYTES];
	if (!alert_record_is(value) || !alert_record_decode(value, &read, &error))
		return;
	alert_check(&read);
	const struct alert_message message = message_of(&read);
	notice_id(&message, id);
	if (choice % 4 == 0)
		alert_firing_key(&message, key);
	else if (choice % 4 == 1)
		alert_beginning_key(&message, key);
	else if (choice % 4 == 2)
		alert_notice_key(ACTION, id, key);
	else
		alert_receivers_key(&message, key);
	feed_run(key, value, choice % 4 != 3, read.fires);
}

/* ---- any key ---- */

/* The key is what stands before the first NUL. */
static void any_run(struct text bytes)
{
	const char *end = memchr(bytes.bytes, 0, bytes.length);
	const size_t length = end ? (size_t)(end - bytes.bytes) : bytes.length;
	const struct text key = {bytes.bytes, length};
	const struct text value = {end ? end + 1 : NULL, end ? bytes.length - length - 1 : 0};
	board_run(key, value);
	const char *copy = arena_copy(fuzz_arena(), key.bytes, key.length);
	must(copy);
	feed_run(copy, value, false, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const kinds[] = {"drift", "figures", "outlier"};
	if (size < 2)
		return 0;
	const enum kind kind = data[0] % KINDS;
	const struct text bytes = {(const char *)data + 2, size - 2};
	fuzz_begin();
	if (kind == OF_ALERT)
		alert_run(bytes, data[1]);
	else if (kind == OF_ANY)
		any_run(bytes);
	else
		board_run(key_of(kinds[kind], bytes), bytes);
	return 0;
}

#define HEAD_BYTES 12 /* both choices, and the fingerprint of the schema */

/* What a record holds changes, behind its head, which is made where there is none. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	static const char *const schemas[] = {"drift_verdict", "drift_figures", "outlier_reference", "alert"};
	struct dice dice = dice_of(seed);
	struct error error = {0};
	uint64_t fingerprint;
	if (max <= HEAD_BYTES || dice_roll(&dice, 16) == 0)
		return LLVMFuzzerMutate(data, size, max);
	if (size < 2 || dice_roll(&dice, 64) == 0) {
		data[0] = (uint8_t)dice_roll(&dice, KINDS);
		data[1] = (uint8_t)dice_roll(&dice, 4);
		size = 2;
	}
	const enum kind kind = data[0] % KINDS;
	if (kind == OF_ANY)
		return 2 + LLVMFuzzerMutate(data + 2, size - 2, max - 2);
	if (size <= HEAD_BYTES) {
		must(schema_fingerprint(schema_json(schemas[kind]), &fingerprint, &error));
		memcpy(data + 2, "\xC3\x01", 2);
		memcpy(data + 4, &fingerprint, sizeof fingerprint);
		size = HEAD_BYTES;
	}
	return HEAD_BYTES + mutate_avro(schema_json(schemas[kind]), data + HEAD_BYTES, size - HEAD_BYTES, max - HEAD_BYTES, seed);
}
