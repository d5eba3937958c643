/* topic_records_fuzz.c: hostile bytes on topics of experiments and observers: policies with what is stored in them, exposures,
 * feedback, importance of features, settled windows, explanations, outcomes. Nothing crashes, and what is read is written and read
 * again as the same. The first byte chooses. What is stored gets its hash here, so that what is behind that is reached.
 *
 * seeds: tests/data/fuzz/topic-*.bin
 */
#include <math.h>
#include <stdlib.h>

#include "methods/bandits/policy.h"
#include "base/hash.h"
#include "base/number/little_endian.h"
#include "bodies.h"
#include "message/records/explained.h"
#include "message/records/exposure.h"
#include "message/records/feedback.h"
#include "message/records/importance_report.h"
#include "message/records/outcome.h"
#include "message/json/json_scan.h"
#include "message/records/policy_record.h"
#include "message/avro/schemas.h"
#include "message/records/drift_score.h"
#include "mutate.h"

#define NOW_MS 1700000000000
#define OUT_BYTES ((size_t)64 << 20)

enum kind {
	OF_POLICY,
	OF_EXPOSURE,
	OF_FEEDBACK,
	OF_IMPORTANCE,
	OF_SCORE,
	OF_EXPLANATION,
	OF_JSON, /* exposures, feedback, and that of Seldon */
	OF_BANDIT = OF_JSON + 3,
	OF_STORED_POLICY,
	OF_OUTCOME,
	KINDS
};

static const char *const schemas[KINDS] = {
	"policy", "exposure", "feedback", "importance", "drift_score", "explanation", [OF_OUTCOME] = "outcome"};

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* Whether the bytes were read; else the error is theirs. */
static bool was_read(bool good, const struct error *error)
{
	must(good == (error->kind == ERROR_NONE));
	must(good || error->kind == ERROR_INPUT || error->kind == ERROR_LIMIT || arena_failed(fuzz_arena()));
	return good;
}

/* Moves what was written into the arena; a longer encoding of the same has been shortened. */
static struct text written(struct buffer *out, struct text from, bool is_former)
{
	const struct text text = {arena_copy(fuzz_arena(), out->bytes, out->length), out->length};
	must(is_former || text.length < from.length || text_equal(text, from));
	buffer_clear(out);
	return text;
}

static void policy_run(struct text bytes)
{
	struct policy_record record, again;
	struct error error = {0};
	struct buffer out;
	if (!was_read(policy_record_decode(bytes, fuzz_arena(), &record, &error), &error))
		return;
	must(!policy_record_is_foreign(bytes));
	(void)policy_candidates_of(record.candidates, record.candidates_count, record.version);
	buffer_open(&out, OUT_BYTES);
	must(policy_record_encode(&record, &out, &error));
	const struct text first = written(&out, bytes, record.candidates_count == 0);
	must(arena_failed(fuzz_arena()) || policy_record_decode(first, fuzz_arena(), &again, &error));
	must(arena_failed(fuzz_arena()) || (policy_record_encode(&again, &out, &error) && text_equal(buffer_view(&out), first)));
	buffer_close(&out);
}

static struct assigned assigned_of(const struct exposure *exposure)
{
	struct text table = exposure->table;
	struct assigned assigned = {.experiment = exposure->experiment,
				    .variant = exposure->variant,
				    .unit = exposure->unit,
				    .probability = exposure->probability,
				    .reason = exposure->reason,
				    .feature_count = exposure->feature_count,
				    .features = exposure->features,
				    .text_count = exposure->text_count,
				    .texts = exposure->texts,
				    .layer = exposure->layer,
				    .stage = (uint32_t)exposure->stage};
	for (; table.length > 0; table = text_from(table, 1))
		assigned.table = assigned.table << 4 | (uint64_t)(table.bytes[0] & 15);
	return assigned;
}

static void exposures_compare(const struct exposure *a, const struct exposure *b)
{
	must(text_equal(a->id, b->id) && a->time_ms == b->time_ms && text_equal(a->origin.topic, b->origin.topic));
	must(text_equal(a->experiment, b->experiment) && text_equal(a->variant, b->variant) && a->reason == b->reason);
	must(a->probability == b->probability && text_equal(a->unit, b->unit) && text_equal(a->prediction, b->prediction));
	must(a->stage == b->stage && text_equal(a->layer, b->layer) && text_equal(a->error, b->error));
	must(a->latency_ms == b->latency_ms || (isnan(a->latency_ms) && isnan(b->latency_ms)));
	must(a->feature_count == b->feature_count && a->text_count == b->text_count);
	for (size_t i = 0; i < a->feature_count; i++)
		must(text_equal(a->features[i].name, b->features[i].name));
	for (size_t i = 0; i < a->text_count; i++)
		must(text_equal(a->texts[i].value, b->texts[i].value));
}

static void exposure_run(struct text bytes)
{
	struct exposure exposure, again;
	struct error error = {0};
	struct buffer out;
	if (!was_read(exposure_decode(bytes, fuzz_arena(), &exposure, &error), &error))
		return;
	const struct assigned assigned = assigned_of(&exposure);
	const struct message message = {.id = exposure.id, .origin = exposure.origin, .time_ms = exposure.time_ms};
	const struct exposure_outcome outcome = {exposure.prediction, exposure.latency_ms, exposure.error};
	buffer_open(&out, OUT_BYTES);
	must(exposure_encode(&message, &assigned, &outcome, &out, &error));
	if (exposure_decode(buffer_view(&out), fuzz_arena(), &again, &error))
		exposures_compare(&exposure, &again);
	else
		must(arena_failed(fuzz_arena()));
	buffer_close(&out);
}

static void feedback_written(const struct feedback *feedback, struct text bytes, bool is_avro)
{
	struct feedback again;
	struct error error = {0};
	struct buffer out;
	(void)feedback_check(feedback, NOW_MS, &error);
	(void)feedback_key(feedback, fuzz_arena());
	error = (struct error){0};
	buffer_open(&out, OUT_BYTES);
	must(feedback_encode(feedback, &out, &error));
	const struct text first = written(&out, bytes, !is_avro);
	must(arena_failed(fuzz_arena()) || feedback_decode(first, fuzz_arena(), &again, &error) || arena_failed(fuzz_arena()));
	must(arena_failed(fuzz_arena()) || (feedback_encode(&again, &out, &error) && text_equal(buffer_view(&out), first)));
	buffer_close(&out);
}

static void feedback_run(struct text bytes)
{
	struct feedback feedback;
	struct error error = {0};
	if (was_read(feedback_decode(bytes, fuzz_arena(), &feedback, &error), &error))
		feedback_written(&feedback, bytes, bytes.bytes[0] == (char)0xC3);
}

static void seldon_run(struct text bytes)
{
	struct feedback feedback;
	struct error error = {0};
	if (was_read(feedback_read_seldon(bytes, fuzz_arena(), &feedback, &error), &error))
		feedback_written(&feedback, bytes, false);
}

/* Bytes behind the record are left to later versions. */
static void importance_run(struct text bytes)
{
	struct importance_report report, again;
	struct error error = {0};
	struct buffer out;
	if (!was_read(importance_report_decode(bytes, fuzz_arena(), &report, &error), &error))
		return;
	buffer_open(&out, OUT_BYTES);
	must(importance_report_encode(&report, &out, &error));
	const struct text first = written(&out, bytes, false);
	must(arena_failed(fuzz_arena()) || importance_report_decode(first, fuzz_arena(), &again, &error));
	must(arena_failed(fuzz_arena()) ||
	     (importance_report_encode(&again, &out, &error) && text_equal(buffer_view(&out), first)));
	buffer_close(&out);
}

static void score_run(struct text bytes)
{
	struct settled_score score, again;
	struct error error = {0};
	struct buffer out;
	if (!settled_score_decode(bytes, fuzz_arena(), &score))
		return;
	const struct drift_score whole = {.pipeline = arena_copy(fuzz_arena(), score.pipeline.bytes, score.pipeline.length),
					  .step = arena_copy(fuzz_arena(), score.step.bytes, score.step.length),
					  .segment = score.segment,
					  .window = score.window,
					  .begin_ms = score.begin_ms,
					  .end_ms = score.end_ms,
					  .messages = score.messages,
					  .score = (double)NAN,
					  .reference = "",
					  .settled = true,
					  .truths = score.truths,
					  .unfit = score.unfit,
					  .unkept = score.unkept,
					  .realised_count = score.realised_count,
					  .realised = score.realised,
					  .times = drift_times_unknown()};
	buffer_open(&out, OUT_BYTES);
	must(arena_failed(fuzz_arena()) || drift_score_encode(&whole, &out, &error));
	if (arena_failed(fuzz_arena()) || !settled_score_decode(buffer_view(&out), fuzz_arena(), &again)) {
		must(arena_failed(fuzz_arena()));
		buffer_close(&out);
		return;
	}
	must(again.window == score.window && again.begin_ms == score.begin_ms && again.end_ms == score.end_ms);
	must(again.messages == score.messages && again.truths == score.truths && text_equal(again.segment, score.segment));
	must(again.unkept == score.unkept && again.unfit == score.unfit && again.realised_count == score.realised_count);
	for (size_t i = 0; i < score.realised_count; i++)
		must(again.realised[i].metric == score.realised[i].metric && again.realised[i].rows == score.realised[i].rows &&
		     again.realised[i].band == score.realised[i].band);
	buffer_close(&out);
}

/* Whatever it has is JSON then, if its texts are UTF-8. */
static void explanation_run(struct text bytes)
{
	struct explained_record read;
	struct json_scan scan;
	struct error error = {0};
	struct buffer out;
	buffer_open(&out, OUT_BYTES);
	if (explained_read(bytes, fuzz_arena(), &read)) {
		explained_record_write_json(&read, &out);
		json_begin(&scan, buffer_view(&out), "", fuzz_arena(), &error);
		must((json_peek(&scan) == JSON_OBJECT && json_skip(&scan) && json_end(&scan)) || arena_failed(fuzz_arena()) ||
		     buffer_failed(&out) || !text_is_utf8(buffer_view(&out)));
	}
	buffer_close(&out);
}

static void outcome_run(struct text bytes)
{
	struct outcome outcome, again;
	struct error error = {0};
	struct buffer out;
	if (!was_read(outcome_decode(bytes, fuzz_arena(), &outcome, &error), &error))
		return;
	buffer_open(&out, OUT_BYTES);
	if (outcome_encode(&outcome, fuzz_arena(), &out, &error)) {
		const struct text first = written(&out, bytes, true);
		must(outcome_decode(first, fuzz_arena(), &again, &error) || arena_failed(fuzz_arena()));
		must(arena_failed(fuzz_arena()) || (outcome_encode(&again, fuzz_arena(), &out, &error) &&
						     text_equal(buffer_view(&out), first)) || arena_failed(fuzz_arena()));
	} else {
		must(arena_failed(fuzz_arena()));
	}
	buffer_close(&out);
}

/* ---- what is stored in a policy's record ---- */

/* Whole numbers of 8 bytes, and their hash behind them. */
static struct text stored_make(struct text bytes, struct buffer *out)
{
	static const char zeros[LITTLE_BYTES];
	unsigned char hash[LITTLE_BYTES];
	buffer_text(out, bytes);
	if (bytes.length % LITTLE_BYTES > 0)
		buffer_append(out, zeros, LITTLE_BYTES - bytes.length % LITTLE_BYTES);
	little_write(hash, hash_bytes(out->bytes ? out->bytes : "", out->length, 0));
	buffer_append(out, hash, sizeof hash);
	return buffer_view(out);
}

static void bandit_run(struct text bytes)
{
	struct error error = {0};
	struct buffer out, again;
	buffer_open(&out, OUT_BYTES);
	buffer_open(&again, OUT_BYTES);
	const struct bandit *bandit = bandit_read(fuzz_arena(), stored_make(bytes, &out), &error);
	must(bandit || error.kind != ERROR_NONE);
	if (bandit) {
		buffer_clear(&out);
		bandit_write(bandit, &out);
		const struct bandit *second = bandit_read(fuzz_arena(), buffer_view(&out), &error);
		must(second || arena_failed(fuzz_arena()));
		if (second)
			bandit_write(second, &again);
		must(!second || text_equal(buffer_view(&again), buffer_view(&out)));
	}
	buffer_close(&out);
	buffer_close(&again);
}

static void stored_policy_run(struct text bytes)
{
	static const double x[BANDIT_FEATURES_MOST] = {1, -2};
	struct error error = {0};
	struct buffer out, again;
	buffer_open(&out, OUT_BYTES);
	buffer_open(&again, OUT_BYTES);
	const struct policy *policy = policy_read(fuzz_arena(), stored_make(bytes, &out), &error);
	must(policy || error.kind != ERROR_NONE);
	if (policy) {
		must(policy_choose(policy, TEXT("unit"), policy->features > 0 ? x : NULL).arm < policy->arms);
		policy_write(policy, &again);
		must(text_equal(buffer_view(&again), buffer_view(&out)));
	}
	buffer_close(&out);
	buffer_close(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const runs[KINDS])(struct text) = {policy_run,	  exposure_run, feedback_run, importance_run,
							 score_run,	  explanation_run, exposure_run, feedback_run,
							 seldon_run,	  bandit_run,	stored_policy_run, outcome_run};
	if (size == 0)
		return 0;
	fuzz_begin();
	runs[data[0] % KINDS]((struct text){(const char *)data + 1, size - 1});
	return 0;
}

#define HEAD_BYTES 11 /* the choice, and the fingerprint of the schema */

/* What a learner stores, or its policy, without the hash. Returns its size; 0: it is larger. */
static size_t stored_begin(struct dice *dice, bool is_policy, uint8_t *data, size_t max)
{
	const enum bandit_kind kind = (enum bandit_kind)dice_roll(dice, BANDIT_KINDS);
	const size_t features = kind == BANDIT_LINUCB ? 2 : 0;
	const struct bandit_options options = bandit_defaults(kind, 1 + dice_roll(dice, 3), features);
	struct error error = {0};
	struct buffer out;
	fuzz_begin();
	struct bandit *bandit = bandit_open(fuzz_arena(), &options, &error);
	struct policy *policy = policy_open(fuzz_arena(), &options, 7);
	must(bandit && policy);
	buffer_open(&out, OUT_BYTES);
	policy_learn(policy, bandit, 3);
	if (is_policy)
		policy_write(policy, &out);
	else
		bandit_write(bandit, &out);
	const size_t size = out.length - LITTLE_BYTES;
	if (size <= max)
		memcpy(data, out.bytes, size);
	buffer_close(&out);
	return size <= max ? size : 0;
}

/* What a record holds changes, behind its head, which is made where there is none. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	struct dice dice = dice_of(seed);
	struct error error = {0};
	uint64_t fingerprint;
	if (max <= HEAD_BYTES || dice_roll(&dice, 16) == 0)
		return LLVMFuzzerMutate(data, size, max);
	if (size == 0 || dice_roll(&dice, 64) == 0) {
		data[0] = (uint8_t)dice_roll(&dice, KINDS);
		size = 1;
	}
	const enum kind kind = data[0] % KINDS;
	const bool is_stored = kind == OF_BANDIT || kind == OF_STORED_POLICY;
	if (is_stored && size < HEAD_BYTES)
		return 1 + stored_begin(&dice, kind == OF_STORED_POLICY, data + 1, max - 1);
	if (is_stored)
		return 1 + LLVMFuzzerMutate(data + 1, size - 1, max - 1);
	if (!schemas[kind])
		return 1 + mutate_json(data + 1, size > 1 ? size - 1 : 0, max - 1, seed);
	if (size <= HEAD_BYTES) {
		must(schema_fingerprint(schema_json(schemas[kind]), &fingerprint, &error));
		memcpy(data + 1, "\xC3\x01", 2);
		memcpy(data + 3, &fingerprint, sizeof fingerprint);
		size = HEAD_BYTES;
	}
	return HEAD_BYTES + mutate_avro(schema_json(schemas[kind]), data + HEAD_BYTES, size - HEAD_BYTES, max - HEAD_BYTES, seed);
}
