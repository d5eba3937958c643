/* rollout_changes.c: see rollout_changes.h. */
#include "control/keeper/rollout_changes.h"

#include "message/rows.h"

#define SENTENCE_BYTES_MAX ((size_t)64 << 10)
#define CHANGES_AT_FIRST 4

/* ---- whether it goes on ---- */

/* Whether the recorded table has the choices of the document, in its order. */
static bool table_fits(const struct ledger *ledger, const char *name, const struct rollout_document *document, int64_t version)
{
	const struct ledger_choice *choice = ledger_choice_find(ledger, text_of(name));
	const struct ledger_table *table = choice ? control_table_at(ledger, choice, CONTROL_IN_FORCE) : NULL;
	const struct table_share *shares = table ? table->record.shares.items : NULL;
	if (!table || table->record.version != version || table->record.shares.count != document->count)
		return false;
	for (size_t i = 0; i < document->count; i++)
		if (!text_is(shares[i].name, document->names[i]))
			return false;
	return true;
}

bool rollout_goes_on(const struct ledger *ledger, const char *name, const struct rollout_document *document, int64_t version,
		     const struct control_rollout *record, struct rollout_state *state)
{
	struct error other = {0};
	return rollout_state_read(&document->plan, record->state, state, &other) &&
	       table_fits(ledger, name, document, record->table) &&
	       (state->phase != ROLLOUT_ROLLED_BACK || record->version == version);
}

bool rollout_record_is_in_stage(const struct control_rollout *record)
{
	return text_is(record->phase, rollout_phase_names[ROLLOUT_RUNNING]) ||
	       text_is(record->phase, rollout_phase_names[ROLLOUT_PAUSED]) ||
	       text_is(record->phase, rollout_phase_names[ROLLOUT_INCONCLUSIVE]);
}

double rollout_record_percent(const struct control_rollout *record)
{
	return 100.0 * (double)record->buckets / ASSIGNMENT_BUCKETS;
}

void rollout_record_describe(const struct control_rollout *record, struct buffer *out)
{
	buffer_print(out, TEXT_FORMAT " in stage %lld, with %g%% for its candidates", TEXT_ARGUMENTS(record->phase),
		     (long long)record->stage, rollout_record_percent(record));
}

bool rollout_record_replaced(const struct ledger_rollout *recorded, struct buffer *out)
{
	if (!recorded || !recorded->has_record || !rollout_record_is_in_stage(&recorded->record))
		return false;
	buffer_print(out, " It replaces the rollout of version %lld, which was ", (long long)recorded->record.version);
	rollout_record_describe(&recorded->record, out);
	buffer_byte(out, '.');
	return true;
}

/* ---- what one that runs refuses ---- */

/* A rollout in a stage. */
struct running_rollout {
	const char *name;
	struct rollout_document document;
	struct rollout_state state;
};

static bool item_is_of(const struct proposal_item *item, const struct control_version *version)
{
	return item->action == PROPOSAL_APPLY && text_equal(item->kind, version->kind) && text_equal(item->name, version->name);
}

/* Reads a rollout of the version in force. `*is_running` is false if it is in no stage. False: SYSTEM. */
static bool running_read(const struct keeper_rollout_reader *reader, const struct ledger_rollout *recorded,
			 const struct control_version *version, struct arena *arena, struct running_rollout *running,
			 bool *is_running, struct error *error)
{
	struct error reason = {0};
	bool is_rollout = false;
	*is_running = false;
	running->name = arena_copy(arena, recorded->name.bytes, recorded->name.length);
	if (!running->name ||
	    !reader->read(reader->context, version->document, running->name, arena, &running->document, &is_rollout, &reason))
		return error_memory(error, ERROR_SYSTEM, "reading a rollout");
	*is_running = is_rollout && rollout_state_read(&running->document.plan, recorded->record.state, &running->state, &reason) &&
		      running->state.phase != ROLLOUT_PENDING && running->state.phase < ROLLOUT_PROMOTED;
	return true;
}

static bool rollout_has_choice(const struct rollout_document *document, const char *name)
{
	for (size_t i = 0; i < document->count; i++)
		if (strcmp(document->names[i], name) == 0)
			return true;
	return false;
}

/* A new default would have all the traffic that the candidates do not have: nobody has seen an answer of one from outside, and a
 * candidate has not shown what its rollout is for. NULL: memory ran out. */
static const char *default_fault(const struct running_rollout *running, const char *name, struct arena *arena)
{
	const struct rollout_state *state = &running->state;
	const struct rollout_document *document = &running->document;
	const char *given = document->names[document->control];
	if (!rollout_has_choice(document, name))
		return arena_print(arena,
				   "the new default `%s` of Experiment `%s` is no choice of its rollout, which is at stage %u: end "
				   "the rollout first, by `sluice experiments promote %s` or `rollback`; or name `%s`, its default",
				   name, running->name, (unsigned)state->stage + 1, running->name, given);
	return arena_print(
		arena,
		"the default of Experiment `%s` cannot become `%s` while its rollout is %s at stage %u, with %g%% for the "
		"candidates: `%s` would get the traffic of `%s` at once; end the rollout first, by `sluice experiments "
		"promote %s` or `rollback`, and apply this again; or leave `%s` as the default",
		running->name, name, rollout_phase_names[state->phase], (unsigned)state->stage + 1,
		rollout_percent(&document->plan, state), name, given, running->name, given);
}

/* Also of a document that would end the rollout, since it has none or one that cannot run. */
static bool item_fault(const struct keeper_rollout_reader *reader, const struct running_rollout *running,
		       const struct proposal_item *item, struct arena *arena, const char **why, struct error *error)
{
	struct error ignored = {0}; /* the checker has its words */
	const char *name;
	if (!reader->read_default(reader->context, item->document, running->name, arena, &name, &ignored))
		return error_memory(error, ERROR_SYSTEM, "deciding a proposal");
	if (name && strcmp(name, running->document.names[running->document.control]) != 0)
		*why = default_fault(running, name, arena);
	return true;
}

bool rollout_changes_fault(const struct ledger *ledger, const struct keeper_rollout_reader *reader, const struct record_list *items,
			   struct arena *arena, const char **why, struct error *error)
{
	const struct proposal_item *proposed = items->items;
	for (struct list_node *node = ledger->rollouts.first; node; node = node->next) {
		const struct ledger_rollout *recorded = LIST_OWNER(node, const struct ledger_rollout, node);
		const struct control_version *version = control_choice_version(ledger, recorded->name);
		struct running_rollout running;
		bool is_running;
		for (size_t i = 0; version && recorded->has_record && !*why && i < items->count; i++)
			if (item_is_of(&proposed[i], version) &&
			    (!running_read(reader, recorded, version, arena, &running, &is_running, error) ||
			     (is_running && !item_fault(reader, &running, &proposed[i], arena, why, error))))
				return false;
	}
	return true;
}

/* ---- what becomes of them ---- */

struct changes_finding {
	const struct ledger *ledger;
	const struct keeper_rollout_reader *reader;
	int64_t now_ms;
	struct arena *arena;
	struct rollout_change *items;
	size_t count, room;
};

static bool change_begins(const struct changes_finding *finding, const struct ledger_rollout *recorded,
			  const struct rollout_document *document, struct rollout_change *change, struct buffer *sentence,
			  struct error *error)
{
	const char *names[ROLLOUT_CANDIDATES_MAX];
	struct rollout_state state = rollout_begin(&document->plan);
	const struct rollout_look look = {.time_ms = finding->now_ms, .epoch = state.epoch};
	struct rollout_move move;
	change->begins = true;
	for (size_t i = 0; i < document->plan.candidates; i++)
		names[i] = document->names[document->candidates[i]];
	if (!rollout_look(&document->plan, &state, &look, &move, error))
		return false;
	rollout_move_sentence(&document->plan, &move, names, sentence);
	(void)rollout_record_replaced(recorded, sentence);
	return rollout_table_make(finding->ledger, change->experiment, document, &state, finding->arena, &change->table, error);
}

static void change_goes_on(const struct control_rollout *record, const struct rollout_state *state, struct buffer *sentence)
{
	if (state->phase == ROLLOUT_PROMOTED) {
		buffer_print(sentence, "No rollout begins: stages and choices are those of version %lld, which is promoted.",
			     (long long)record->version);
		return;
	}
	buffer_print(sentence, "The rollout of version %lld goes on, ", (long long)record->version);
	rollout_record_describe(record, sentence);
	buffer_byte(sentence, '.');
}

static bool change_find(struct changes_finding *finding, const struct proposal_item *item, const char *experiment,
			struct error *error)
{
	const struct ledger_rollout *recorded = ledger_rollout_find(finding->ledger, text_of(experiment));
	struct rollout_change change = {.kind = item->kind, .name = item->name, .experiment = experiment};
	struct rollout_document document;
	struct rollout_state state;
	struct error reason = {0};
	struct buffer sentence;
	bool is_rollout = false;
	if (!finding->reader->read(finding->reader->context, item->document, experiment, finding->arena, &document, &is_rollout,
				   &reason))
		return error_memory(error, ERROR_SYSTEM, "reading a rollout");
	if (!is_rollout)
		return true;
	buffer_open(&sentence, SENTENCE_BYTES_MAX);
	/* The new version has a number that no record has. */
	if (recorded && recorded->has_record &&
	    rollout_goes_on(finding->ledger, experiment, &document, 0, &recorded->record, &state))
		change_goes_on(&recorded->record, &state, &sentence);
	else if (!change_begins(finding, recorded, &document, &change, &sentence, error)) {
		buffer_close(&sentence);
		return false;
	}
	change.sentence = buffer_kept(finding->arena, &sentence);
	struct rollout_change *items =
		arena_grow(finding->arena, finding->items, finding->count, &finding->room, CHANGES_AT_FIRST, sizeof *items);
	if (!items || !change.sentence.bytes)
		return error_memory(error, ERROR_SYSTEM, "comparing rollouts");
	finding->items = items;
	items[finding->count++] = change;
	return true;
}

bool rollout_changes_find(const struct ledger *ledger, const struct keeper_rollout_reader *reader, const struct record_list *items,
			  int64_t now_ms, struct arena *arena, struct record_list *changes, struct error *error)
{
	struct changes_finding finding = {.ledger = ledger, .reader = reader, .now_ms = now_ms, .arena = arena};
	const struct proposal_item *proposed = items->items;
	struct name_list names;
	for (size_t i = 0; i < items->count; i++) {
		if (proposed[i].action != PROPOSAL_APPLY)
			continue;
		if (!reader->list(reader->context, proposed[i].document, arena, &names, error))
			return false;
		for (size_t j = 0; j < names.count; j++)
			if (control_choice_is_valid(text_of(names.items[j].text)) &&
			    !change_find(&finding, &proposed[i], names.items[j].text, error))
				return false;
	}
	*changes = (struct record_list){finding.count, finding.items};
	return true;
}
