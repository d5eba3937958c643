/* keeper_rollout_moves.c: Records of a rollout: its state with each look, and with each move the bucket table, and the move with
 * its evidence. All of a move are one transaction. */
#include <math.h>

#include "base/number/duration.h"
#include "control/keeper/keeper_rollouts.h"
#include "control/keeper/rollout_changes.h"
#include "message/json/json_write.h"
#include "message/rows.h"

#define STATE_BYTES_MAX ((size_t)256 << 10)
#define EVIDENCE_BYTES_MAX ((size_t)256 << 10)

static struct text key_of_rollout(struct keeper *keeper, struct text experiment)
{
	struct buffer key;
	buffer_open(&key, CONTROL_RECORD_BYTES_MAX);
	rollout_key(experiment, &key);
	return buffer_kept(keeper->arena, &key);
}

static struct text key_of_move(struct keeper *keeper, struct text experiment, int64_t number)
{
	struct buffer key;
	buffer_open(&key, CONTROL_RECORD_BYTES_MAX);
	move_key(experiment, number, &key);
	return buffer_kept(keeper->arena, &key);
}

/* ---- tables ---- */

/* Makes the table of the present weights out of the one in force, and begins to count for it. */
static bool table_move(struct keeper *keeper, struct kept_rollout *rollout, int64_t *moved, int64_t now_ms, struct error *error)
{
	struct control_table record;
	if (!rollout_table_make(&keeper->ledger, rollout->name, &rollout->document, &rollout->state, keeper->arena, &record, error))
		return false;
	record.change = rollout->change;
	if (!keeper_table_write(keeper, record, now_ms, error))
		return false;
	const struct ledger_choice *choice = ledger_choice_find(&keeper->ledger, text_of(rollout->name));
	rollout->table = choice->tables[choice->count - 1]->record.version;
	rollout->epoch = rollout->state.epoch;
	*moved = record.moved;
	rollout_tallies_close(rollout);
	rollout_truths_renew(rollout, now_ms);
	return true;
}

/* ---- moves ---- */

static bool moves_collect(struct keeper *keeper, struct ledger_rollout *rollout, size_t keep, int64_t now_ms, struct error *error)
{
	while (rollout && rollout->count > keep) {
		const bool is_last = rollout->count == 1 && !rollout->has_record;
		const struct text key = key_of_move(keeper, rollout->name, rollout->moves[0]->record.number);
		if (!keeper_write(keeper, NULL, NULL, key, now_ms, error))
			return false;
		if (is_last)
			return true;
	}
	return true;
}

static const char **candidate_names(const struct rollout_document *document, const char *names[ROLLOUT_CANDIDATES_MAX])
{
	for (size_t i = 0; i < document->plan.candidates; i++)
		names[i] = document->names[document->candidates[i]];
	return names;
}

static void record_describe_json(const struct control_rollout *record, struct buffer *out)
{
	buffer_print(out, "{\"version\": %lld, \"stage\": %lld, \"percent\": ", (long long)record->version,
		     (long long)record->stage);
	json_write_double(out, rollout_record_percent(record));
	json_write_member(out, ", ", "phase", record->phase);
	buffer_byte(out, '}');
}

/* A rollout that starts in place of one that was in a stage: its weights end, and nobody has decided about its candidates. */
static void replaced_describe(struct keeper *keeper, const struct kept_rollout *rollout, const struct rollout_move *move,
			      struct buffer *sentence, struct buffer *evidence)
{
	const struct ledger_rollout *recorded = ledger_rollout_find(&keeper->ledger, text_of(rollout->name));
	if (move->reason != REASON_STARTED || buffer_failed(evidence) || !rollout_record_replaced(recorded, sentence))
		return;
	evidence->length--;
	buffer_string(evidence, ", \"replaces\": ");
	record_describe_json(&recorded->record, evidence);
	buffer_byte(evidence, '}');
}

/* The host and the port of an address: what comes after them may be secret, and so may a login. */
static struct text url_host(const char *url)
{
	const char *scheme = strstr(url, "://");
	struct text host = text_of(scheme ? scheme + strlen("://") : url);
	host.length = strcspn(host.bytes, "/?#");
	const char *login = memrchr(host.bytes, '@', host.length);
	return login ? text_from(host, (size_t)(login + 1 - host.bytes)) : host;
}

/* A stage that waits for an approval says whom the keeper asks for it meanwhile. */
static void question_describe(const struct kept_rollout *rollout, const struct rollout_move *move, struct buffer *sentence,
			      struct buffer *evidence)
{
	const struct stage_question *question = &rollout->document.questions[move->to_stage];
	char timeout[DURATION_TEXT_MAX];
	if (move->reason != REASON_APPROVAL || !question->url || buffer_failed(evidence))
		return;
	const struct text host = url_host(question->url);
	duration_print(question->timeout_ms * NS_PER_MS, timeout);
	buffer_print(sentence, " Its webhook at " TEXT_FORMAT " is asked for it, for at most %s.", TEXT_ARGUMENTS(host), timeout);
	evidence->length--;
	json_write_member(evidence, ", ", ROLLOUT_MOVE_ASKS, host);
	json_write_member(evidence, ", ", ROLLOUT_MOVE_ASKS_FOR, text_of(timeout));
	buffer_byte(evidence, '}');
}

static void counts_describe(const struct rollout_plan *plan, const char *name, const struct rollout_counts *counts,
			    struct buffer *out)
{
	json_write_member(out, "{", "name", text_of(name));
	buffer_print(out, ", \"calls\": %llu, \"errors\": %llu, \"truths\": %llu", (unsigned long long)counts->requests,
		     (unsigned long long)counts->errors, (unsigned long long)counts->accuracy.count);
	json_write_finite_member(out, ", ", "accuracy", counts->accuracy.count > 0 ? counts->accuracy.mean : (double)NAN);
	buffer_string(out, ", \"metrics\": {");
	for (size_t i = 0; i < plan->metric_count; i++) {
		buffer_string(out, i > 0 ? ", " : "");
		json_write_string(out, text_of(plan->metrics[i]));
		buffer_print(out, ": {\"units\": %llu", (unsigned long long)counts->metrics[i].count);
		json_write_finite_member(out, ", ", "mean", counts->metrics[i].count > 0 ? counts->metrics[i].mean : (double)NAN);
		buffer_byte(out, '}');
	}
	buffer_string(out, "}}");
}

/* What was counted under the weights that a move ends: what is counted later is of those that it sets. */
static void counted_describe(const struct kept_rollout *rollout, struct buffer *out)
{
	const struct rollout_document *document = &rollout->document;
	struct rollout_look counted = {0};
	rollout_tallies_sum(rollout, &counted);
	rollout_truths_sum(rollout, &counted);
	buffer_string(out, ", \"" ROLLOUT_MOVE_COUNTED "\": [");
	counts_describe(&document->plan, document->names[document->control], &counted.control, out);
	for (size_t i = 0; i < document->plan.candidates; i++) {
		buffer_string(out, ", ");
		counts_describe(&document->plan, document->names[document->candidates[i]], &counted.candidates[i], out);
	}
	buffer_byte(out, ']');
}

static bool move_keep(struct keeper *keeper, struct control_move *record, struct buffer *sentence, struct buffer *evidence,
		      int64_t now_ms, struct error *error)
{
	record->namespace = text_of(keeper->options.namespace);
	record->sentence = buffer_kept(keeper->arena, sentence);
	record->evidence = buffer_kept(keeper->arena, evidence);
	record->time_ms = now_ms;
	record->keeper = text_of(keeper->options.engine);
	record->epoch = keeper->ledger.epoch;
	const struct text key = key_of_move(keeper, record->experiment, record->number);
	if (!record->sentence.bytes || !record->evidence.bytes)
		return error_memory(error, ERROR_SYSTEM, "moving a rollout");
	return keeper_write(keeper, &move_form, record, key, now_ms, error) &&
	       moves_collect(keeper, ledger_rollout_find(&keeper->ledger, record->experiment), KEEPER_MOVES, now_ms, error);
}

static bool move_write(struct keeper *keeper, const struct kept_rollout *rollout, const struct rollout_move *move,
		       struct control_move *record, struct text counted, int64_t now_ms, struct error *error)
{
	const char *names[ROLLOUT_CANDIDATES_MAX];
	const struct rollout_plan *plan = &rollout->document.plan;
	struct buffer sentence, evidence;
	buffer_open(&sentence, EVIDENCE_BYTES_MAX);
	buffer_open(&evidence, EVIDENCE_BYTES_MAX);
	rollout_move_sentence(plan, move, candidate_names(&rollout->document, names), &sentence);
	rollout_move_write(plan, move, candidate_names(&rollout->document, names), &evidence);
	replaced_describe(keeper, rollout, move, &sentence, &evidence);
	question_describe(rollout, move, &sentence, &evidence);
	if (counted.length > 0 && !buffer_failed(&evidence)) {
		evidence.length--;
		buffer_text(&evidence, counted);
		buffer_byte(&evidence, '}');
	}
	record->experiment = text_of(rollout->name);
	record->number = (int64_t)move->number;
	record->version = rollout->version;
	record->table = rollout->table;
	return move_keep(keeper, record, &sentence, &evidence, now_ms, error);
}

/* Why the version has no rollout of that name: it deleted the experiment, none is written, or it is switched off, or it cannot
 * run. */
static bool withdrawal_describe(struct keeper *keeper, const struct control_version *version, struct text name,
				struct buffer *sentence, struct error *error)
{
	const char *experiment = arena_copy(keeper->arena, name.bytes, name.length);
	const struct keeper_rollout_reader *reader = &keeper->options.rollouts;
	struct rollout_document document;
	struct error reason = {0};
	const char *kind = text_is(version->kind, "Pipeline") ? "pipeline" : "experiment";
	bool is_rollout;
	if (version->action == CONTROL_DELETE) {
		buffer_print(sentence, "Ended: version %lld deleted the %s.", (long long)version->version, kind);
		return true;
	}
	if (!experiment ||
	    !reader->read(reader->context, version->document, experiment, keeper->arena, &document, &is_rollout, &reason))
		return error_memory(error, ERROR_SYSTEM, "ending a rollout");
	buffer_print(sentence, "Ended: version %lld of the %s has ", (long long)version->version, kind);
	if (reason.kind != ERROR_NONE)
		buffer_print(sentence, "a rollout that cannot run (%s), and its own weights are in force.", reason.text);
	else
		buffer_string(sentence, "no rollout, and its own weights are in force.");
	return true;
}

/* As of any other move; what nobody knows of the new weights is null. */
static void withdrawal_write(const struct control_rollout *ended, const struct control_move *record, int64_t now_ms,
			     struct buffer *evidence)
{
	buffer_print(evidence, "{\"move\": %lld, \"time_ms\": %lld", (long long)record->number, (long long)now_ms);
	json_write_member(evidence, ", ", "from", ended->phase);
	buffer_print(evidence, ", \"to\": \"withdrawn\", \"fromStage\": %lld, \"stage\": %lld", (long long)ended->stage,
		     (long long)ended->stage);
	buffer_string(evidence, ", \"epoch\": null, \"percent\": null, \"reason\": \"withdrawn\", \"ends\": ");
	record_describe_json(ended, evidence);
	buffer_string(evidence, ", \"evidence\": []}");
}

bool rollout_withdraw(struct keeper *keeper, const struct ledger_rollout *rollout, const struct control_version *version,
		      int64_t now_ms, struct error *error)
{
	const struct control_rollout *ended = &rollout->record;
	const struct ledger_choice *choice = ledger_choice_find(&keeper->ledger, rollout->name);
	const struct ledger_table *table = choice ? control_table_at(&keeper->ledger, choice, CONTROL_IN_FORCE) : NULL;
	struct control_move record = {.experiment = rollout->name,
				      .number = rollout->count > 0 ? rollout->moves[rollout->count - 1]->record.number + 1 : 1,
				      .version = version->version,
				      .table = table ? table->record.version : 0,
				      .author = version->author,
				      .reason = version->reason};
	struct buffer sentence, evidence;
	if (!rollout->has_record || !rollout_record_is_in_stage(ended))
		return true;
	buffer_open(&sentence, EVIDENCE_BYTES_MAX);
	buffer_open(&evidence, EVIDENCE_BYTES_MAX);
	if (!withdrawal_describe(keeper, version, rollout->name, &sentence, error)) {
		buffer_close(&sentence);
		buffer_close(&evidence);
		return false;
	}
	buffer_string(&sentence, " The rollout was ");
	rollout_record_describe(ended, &sentence);
	buffer_byte(&sentence, '.');
	withdrawal_write(ended, &record, now_ms, &evidence);
	return move_keep(keeper, &record, &sentence, &evidence, now_ms, error);
}

/* ---- states ---- */

static int64_t candidates_buckets(struct keeper *keeper, const struct kept_rollout *rollout)
{
	const struct ledger_choice *choice = ledger_choice_find(&keeper->ledger, text_of(rollout->name));
	const struct ledger_table *table = choice ? control_table_at(&keeper->ledger, choice, CONTROL_IN_FORCE) : NULL;
	const struct table_share *shares = table ? table->record.shares.items : NULL;
	int64_t buckets = 0;
	for (size_t i = 0; table && i < table->record.shares.count; i++)
		if (!text_is(shares[i].name, rollout->document.names[rollout->document.control]))
			buckets += shares[i].buckets;
	return buckets;
}

/* Notes for the log that cells do not fit: once, until all of them fit again. */
static void cells_note(struct keeper *keeper, struct kept_rollout *rollout, size_t left_out)
{
	if (left_out > 0 && !rollout->crowded)
		(void)error_set(
			&keeper->remark, ERROR_LIMIT, PLACE_NONE,
			"rollout of `%s`: its record has no room for %zu counts by groups of units, one of each choice of an "
			"engine; the next keeper knows less of how units are spread until the engines report again: name "
			"fewer candidates or latencies, or run fewer engines",
			rollout->name, left_out);
	rollout->crowded = left_out > 0;
}

static bool state_write(struct keeper *keeper, struct kept_rollout *rollout, int64_t now_ms, struct error *error)
{
	const struct rollout_state *state = &rollout->state;
	const struct rollout_document *document = &rollout->document;
	size_t left_out = 0;
	struct buffer bytes;
	buffer_open(&bytes, STATE_BYTES_MAX);
	rollout_state_write(&document->plan, state, &bytes);
	struct control_rollout record = {.experiment = text_of(rollout->name),
					 .namespace = text_of(keeper->options.namespace),
					 .version = rollout->version,
					 .table = rollout->table,
					 .phase = text_of(rollout_phase_names[state->phase]),
					 .stage = state->stage + 1,
					 .stages = (int64_t)document->plan.stage_count,
					 .buckets = candidates_buckets(keeper, rollout),
					 .waiting = state->waiting,
					 .moves = (int64_t)state->moves,
					 .began_ms = state->began_ms,
					 .looked_ms = state->looked_ms,
					 .state = buffer_kept(keeper->arena, &bytes),
					 .limits = {document->limit_count, document->limits_us},
					 .time_ms = now_ms,
					 .keeper = text_of(keeper->options.engine),
					 .epoch = keeper->ledger.epoch};
	if (!record.state.bytes || !rollout_tallies_list(rollout, keeper->arena, &record.engines, &left_out) ||
	    !rollout_truths_list(rollout, now_ms, keeper->arena, &record.truths))
		return error_memory(error, ERROR_SYSTEM, "moving a rollout");
	cells_note(keeper, rollout, left_out);
	return keeper_write(keeper, &rollout_form, &record, key_of_rollout(keeper, record.experiment), now_ms, error);
}

bool rollout_write(struct keeper *keeper, struct kept_rollout *rollout, const struct rollout_move *move, struct text author,
		   struct text reason, int64_t now_ms, struct error *error)
{
	struct control_move record = {.author = author, .reason = reason};
	const bool has_moved = move && move->number > 0, turns = rollout->epoch != rollout->state.epoch;
	struct buffer counted;
	buffer_open(&counted, EVIDENCE_BYTES_MAX);
	if (turns && has_moved && move->reason != REASON_STARTED)
		counted_describe(rollout, &counted);
	bool good = !turns || table_move(keeper, rollout, &record.moved, now_ms, error);
	good = good && (!has_moved || move_write(keeper, rollout, move, &record, buffer_view(&counted), now_ms, error));
	buffer_close(&counted);
	return good && state_write(keeper, rollout, now_ms, error);
}

bool rollout_remove(struct keeper *keeper, struct ledger_rollout *rollout, bool all, int64_t now_ms, struct error *error)
{
	const struct text key = key_of_rollout(keeper, rollout->name);
	const bool has_moves = rollout->count > 0;
	if (rollout->has_record && !keeper_write(keeper, NULL, NULL, key, now_ms, error))
		return false;
	return !all || !has_moves || moves_collect(keeper, rollout, 0, now_ms, error);
}

int64_t rollout_due_ms(const struct kept_rollout *rollout, int64_t now_ms)
{
	const struct rollout_state *state = &rollout->state;
	const int64_t every_ms = rollout->document.plan.check_every_ms;
	if (state->phase == ROLLOUT_PENDING)
		return now_ms;
	if (state->phase >= ROLLOUT_PROMOTED)
		return INT64_MAX;
	return state->began_ms + ((state->looked_ms - state->began_ms) / every_ms + 1) * every_ms;
}
