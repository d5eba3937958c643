/* keeper.c: Steps of the keeper, and the records that they return; see keeper.h. */
#include "control/keeper/keeper.h"

#include <assert.h>
#include <inttypes.h>

#include "base/memory.h"
#include "control/keeper/keeper_parts.h"
#include "message/rows.h"
#include "base/table.h"

#define STEP_BYTES_MAX ((size_t)256 << 20) /* the largest proposal, its versions, and the checker's memory */
#define DECODED_BYTES_MAX ((size_t)128 << 20) /* all parts of a proposal, twice */

struct keeper *keeper_open(const struct keeper_options *options, struct error *error)
{
	struct keeper *keeper = memory_take(1, sizeof *keeper);
	if (!keeper || !ledger_open(&keeper->ledger, options->namespace, error) || !(keeper->unknown = table_open()) ||
	    !(keeper->arena = arena_open(STEP_BYTES_MAX))) {
		keeper_close(keeper);
		error_memory(error, ERROR_SYSTEM, "starting the keeper");
		return NULL;
	}
	keeper->options = *options;
	keeper->skipped = keeper->read_offset = -1;
	buffer_open(&keeper->bytes, CONTROL_RECORD_BYTES_MAX);
	return keeper;
}

void keeper_close(struct keeper *keeper)
{
	if (!keeper)
		return;
	keeper_waiting_close(keeper);
	keeper_engines_close(keeper);
	keeper_rollouts_close(keeper);
	ledger_close(&keeper->ledger);
	table_close(keeper->unknown);
	arena_close(keeper->arena);
	buffer_close(&keeper->bytes);
	memory_give(keeper);
}

/* ---- records of a step ---- */

static void step_begin(struct keeper *keeper)
{
	arena_reset(keeper->arena);
	keeper->records = NULL;
	keeper->count = keeper->room = 0;
}

/* ---- steps ---- */

static bool step_end(struct keeper *keeper, int64_t now_ms, struct error *error)
{
	return keeper_converge(keeper, now_ms, error) && keeper_rollouts_look(keeper, now_ms, error);
}

/* A later record of the same key takes the place of an unknown one. */
static bool unknown_note(struct keeper *keeper, struct text key, bool is_unknown, int64_t offset, struct error *error)
{
	struct text former;
	if (key.length == 0 || (!is_unknown && !table_read(keeper->unknown, key, &former)))
		return true;
	const struct text kept = {(const char *)&offset, sizeof offset};
	return table_put(keeper->unknown, key, is_unknown ? kept : (struct text){0}, false) ||
	       error_memory(error, ERROR_SYSTEM, "reading the control topic");
}

struct unknown_record {
	struct text key;
	int64_t offset;
};

static void unknown_earliest(void *context, struct text key, struct text value)
{
	struct unknown_record *first = context;
	int64_t offset;
	assert(value.length == sizeof offset);
	memcpy(&offset, value.bytes, sizeof offset);
	if (!first->key.bytes || offset < first->offset)
		*first = (struct unknown_record){key, offset};
}

/* Names the first of the unknown records. Its key may have any length, and so it is the last word. */
static bool unknown_fail(const struct keeper *keeper, struct error *error)
{
	struct unknown_record first = {0};
	for (size_t bucket = 0; bucket < table_buckets(keeper->unknown); bucket++)
		table_show(keeper->unknown, bucket, unknown_earliest, &first);
	return error_set(
		error, ERROR_CONFIG, PLACE_NONE,
		"the control topic has records (%zu) of a schema that this version of sluice does not know, the first one in "
		"partition 0 at offset %" PRId64
		". Use the newer version of sluice that wrote it; if none did, write a record without a value to the topic "
		"with its key: `" TEXT_FORMAT "`",
		table_count(keeper->unknown), first.offset, TEXT_ARGUMENTS(first.key));
}

bool keeper_restore(struct keeper *keeper, struct text key, struct text value, int64_t offset, struct error *error)
{
	struct error reason = {0};
	uint64_t before = keeper->ledger.refused[LEDGER_REFUSED_UNKNOWN];
	if (ledger_fold(&keeper->ledger, key, value, INT64_MAX, &reason) || reason.kind == ERROR_INPUT)
		return unknown_note(keeper, key, keeper->ledger.refused[LEDGER_REFUSED_UNKNOWN] > before, offset, error);
	*error = reason;
	return false;
}

bool keeper_begin(struct keeper *keeper, int64_t now_ms, struct error *error)
{
	step_begin(keeper);
	if (table_count(keeper->unknown) > 0)
		return unknown_fail(keeper, error);
	const struct control_keeper record = {.namespace = text_of(keeper->options.namespace),
					      .epoch = keeper->ledger.epoch + 1,
					      .keeper = text_of(keeper->options.engine),
					      .time_ms = now_ms};
	keeper->begun = true;
	keeper->listens_ms = now_ms;
	keeper->next_offset = keeper->ledger.resume;
	return keeper_write(keeper, &keeper_form, &record, KEEPER_KEY, now_ms, error);
}

void keeper_rewind(struct keeper *keeper, int64_t offset)
{
	keeper->next_offset = offset;
}

void keeper_skip(struct keeper *keeper, int64_t offset)
{
	keeper->skipped = offset;
}

/* The fault of one record, whatever the ledger contains; NULL: none. */
static const char *proposal_fault(const struct keeper *keeper, const struct proposal *proposal, size_t bytes, int64_t now_ms)
{
	if (bytes > PROPOSAL_BYTES_MAX)
		return arena_print(keeper->arena, "the proposal's record has %zu bytes, and %zu are the most; send it in parts",
				   bytes, PROPOSAL_BYTES_MAX);
	if (proposal->author.length > CONTROL_NAME_BYTES_MAX || proposal->reason.length > PROPOSAL_REASON_BYTES_MAX)
		return arena_print(keeper->arena, "an author has %d bytes at most, and a reason %d", CONTROL_NAME_BYTES_MAX,
				   PROPOSAL_REASON_BYTES_MAX);
	if (!text_is(proposal->namespace, keeper->options.namespace))
		return arena_print(keeper->arena, "the proposal is for the namespace `" TEXT_FORMAT "`, and this topic is of `%s`",
				   TEXT_ARGUMENTS(proposal->namespace), keeper->options.namespace);
	if (proposal->time_ms > now_ms && proposal->time_ms - now_ms > CONTROL_FUTURE_MS)
		return arena_print(keeper->arena,
				   "the proposal is %lld s from the future; set the clock of the machine that sent it",
				   (long long)((proposal->time_ms - now_ms) / 1000));
	if (proposal->parts < 0 || proposal->parts > KEEPER_PARTS_MAX || proposal->part < 0 ||
	    (proposal->part > 0 && proposal->part >= proposal->parts))
		return arena_print(keeper->arena, "there is no part %lld of %lld parts; they count from 0, and %d are the most",
				   (long long)proposal->part, (long long)proposal->parts, KEEPER_PARTS_MAX);
	return NULL;
}

static bool proposal_take(struct keeper *keeper, int64_t offset, struct text value, int64_t now_ms, struct error *error)
{
	struct proposal proposal, whole;
	struct error reason = {0};
	struct arena *decoded = arena_open(DECODED_BYTES_MAX);
	if (!decoded)
		return error_memory(error, ERROR_SYSTEM, "reading a proposal");
	bool good = true, is_whole = true;
	if (!record_decode(&proposal_form, value, decoded, &proposal, &reason)) {
		good = reason.kind == ERROR_SYSTEM ? error_memory(error, ERROR_SYSTEM, "reading a proposal")
						   : keeper_ignore(keeper, reason.text);
	} else if (!control_name_is_valid(proposal.id)) {
		good = keeper_ignore(keeper, "the proposal has no id that can be answered");
	} else if (!ledger_verdict_find(&keeper->ledger, proposal.id)) {
		const char *fault = proposal_fault(keeper, &proposal, value.length, now_ms);
		if (offset == keeper->skipped)
			fault = "the keeper failed twice when it decided this proposal; its log has the reason";
		whole = proposal;
		if (fault || proposal.parts <= 1)
			keeper_waiting_drop(keeper, proposal.id);
		if (!fault && proposal.parts > 1)
			good = keeper_part_take(keeper, offset, value, &proposal, decoded, now_ms, &whole, &is_whole, error);
		if (good && fault)
			good = keeper_refuse(keeper, proposal.id, fault, now_ms, error);
		else if (good && is_whole && keeper_commands_rollout(&whole))
			good = keeper_rollout_command(keeper, &whole, now_ms, error);
		else if (good && is_whole)
			good = keeper_decide(keeper, &whole, now_ms, error);
	}
	arena_close(decoded);
	return good;
}

bool keeper_propose(struct keeper *keeper, int64_t offset, struct text value, int64_t now_ms, struct error *error)
{
	step_begin(keeper);
	if (offset <= keeper->read_offset)
		return error_set(error, ERROR_SYSTEM, PLACE_NONE,
				 "offset %lld of the proposals came after %lld: the topic was deleted and created again",
				 (long long)offset, (long long)keeper->read_offset);
	keeper->read_offset = offset;
	if (offset < keeper->next_offset)
		return true;
	keeper->next_offset = offset + 1;
	return proposal_take(keeper, offset, value, now_ms, error) && keeper_waiting_expire(keeper, now_ms, error) &&
	       step_end(keeper, now_ms, error);
}

bool keeper_report(struct keeper *keeper, struct text value, int64_t now_ms, struct error *error)
{
	step_begin(keeper);
	return keeper_engine_take(keeper, value, now_ms, error) && step_end(keeper, now_ms, error);
}

bool keeper_tally(struct keeper *keeper, struct text value, int64_t now_ms, struct error *error)
{
	step_begin(keeper);
	return keeper_rollouts_find(keeper, now_ms, error) && keeper_tally_take(keeper, value, now_ms, error) &&
	       keeper_rollouts_look(keeper, now_ms, error);
}

bool keeper_tick(struct keeper *keeper, int64_t now_ms, struct error *error)
{
	step_begin(keeper);
	return keeper_waiting_expire(keeper, now_ms, error) && step_end(keeper, now_ms, error);
}

bool keeper_answer(struct keeper *keeper, struct text experiment, int64_t move, bool yes, struct text reason, int64_t now_ms,
		   struct error *error)
{
	step_begin(keeper);
	return keeper_rollouts_find(keeper, now_ms, error) &&
	       keeper_answer_take(keeper, experiment, move, yes, reason, now_ms, error) && step_end(keeper, now_ms, error);
}

void keeper_shift(struct keeper *keeper, int64_t by_ms)
{
	keeper->listens_ms += by_ms;
	keeper->looked_ms += by_ms;
	keeper_waiting_shift(keeper, by_ms);
	keeper_converge_shift(keeper, by_ms);
	keeper_rollouts_shift(keeper, by_ms);
}

/* ---- state of the keeper ---- */

size_t keeper_records(const struct keeper *keeper, const struct keeper_record **records)
{
	*records = keeper->records;
	return keeper->count;
}

const struct ledger *keeper_ledger(const struct keeper *keeper)
{
	return &keeper->ledger;
}

uint64_t keeper_refused(const struct keeper *keeper, const char **why)
{
	*why = keeper->last_refused.text;
	return keeper->refused;
}

bool keeper_remark_take(struct keeper *keeper, const char **words)
{
	const bool is_new = keeper->remark.kind != ERROR_NONE;
	*words = keeper->remark.text;
	keeper->remark.kind = ERROR_NONE;
	return is_new;
}

int64_t keeper_due(const struct keeper *keeper)
{
	int64_t converge = keeper_converge_due(keeper), waiting = keeper_waiting_due(keeper);
	int64_t rollouts = keeper_rollouts_due(keeper), due = converge < waiting ? converge : waiting;
	return rollouts < due ? rollouts : due;
}
