/* control_stand.c: see control_stand.h. */
#include "tests/unit/control_stand.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "message/rows.h"
#include "base/table.h"

#define STAND_BYTES_MAX ((size_t)1 << 30)
#define START_MS 1700000000000

void control_open(struct control_stand *stand)
{
	*stand = (struct control_stand){.arena = arena_open(STAND_BYTES_MAX), .now_ms = START_MS};
	stand->control = ARENA_ARRAY(stand->arena, struct keeper_record, STAND_RECORDS_MAX);
	stand->proposals = ARENA_ARRAY(stand->arena, struct text, STAND_RECORDS_MAX);
	stand->options = (struct keeper_options){.namespace = "default", .engine = "engine-1"};
	assert_true(stand->control && stand->proposals);
}

void control_close(struct control_stand *stand)
{
	keeper_close(stand->keeper);
	arena_close(stand->arena);
}

void control_append(struct control_stand *stand, struct text key, struct text value)
{
	assert_true(stand->control_count < STAND_RECORDS_MAX);
	stand->control[stand->control_count++] =
		(struct keeper_record){text_copied(stand->arena, key), text_copied(stand->arena, value)};
}

void control_commit(struct control_stand *stand)
{
	const struct keeper_record *records;
	size_t count = keeper_records(stand->keeper, &records);
	for (size_t i = 0; i < count; i++)
		control_append(stand, records[i].key, records[i].value);
}

void control_keeper_start(struct control_stand *stand)
{
	struct error error = {0};
	keeper_close(stand->keeper);
	stand->keeper = keeper_open(&stand->options, &error);
	assert_non_null(stand->keeper);
	for (size_t i = 0; i < stand->control_count; i++)
		assert_true(keeper_restore(stand->keeper, stand->control[i].key, stand->control[i].value, (int64_t)i, &error));
	assert_true(keeper_begin(stand->keeper, stand->now_ms, &error));
	control_commit(stand);
	stand->taken = (size_t)keeper_resume(stand->keeper);
}

void control_compact(struct control_stand *stand)
{
	struct state_table *last = table_open();
	size_t count = 0;
	for (size_t i = 0; i < stand->control_count; i++)
		assert_true(table_put(last, stand->control[i].key, (struct text){(const char *)&i, sizeof i}, false));
	for (size_t i = 0; i < stand->control_count; i++) {
		struct text value;
		size_t newest;
		assert_true(table_read(last, stand->control[i].key, &value));
		memcpy(&newest, value.bytes, sizeof newest);
		if (newest == i && stand->control[i].value.bytes)
			stand->control[count++] = stand->control[i];
	}
	stand->control_count = count;
	table_close(last);
}

struct text control_encode(struct control_stand *stand, const struct record_form *form, const void *record)
{
	struct buffer out;
	struct error error = {0};
	buffer_open(&out, (size_t)4 << 20);
	assert_true(record_encode(form, record, &out, &error));
	struct text bytes = text_copied(stand->arena, buffer_view(&out));
	buffer_close(&out);
	return bytes;
}

void control_send(struct control_stand *stand, struct proposal proposal)
{
	if (!proposal.id.bytes)
		proposal.id = text_of(arena_print(stand->arena, "p%zu", stand->proposal_count));
	if (!proposal.namespace.bytes)
		proposal.namespace = text_of(stand->options.namespace);
	if (!proposal.author.bytes)
		proposal.author = TEXT("ada");
	if (proposal.time_ms == 0)
		proposal.time_ms = stand->now_ms;
	assert_true(stand->proposal_count < STAND_RECORDS_MAX);
	stand->proposals[stand->proposal_count++] = control_encode(stand, &proposal_form, &proposal);
}

void control_read(struct control_stand *stand)
{
	struct error error = {0};
	while (stand->taken < stand->proposal_count) {
		size_t offset = stand->taken++;
		if (!keeper_propose(stand->keeper, (int64_t)offset, stand->proposals[offset], stand->now_ms, &error))
			fail_msg("%s", error.text);
		control_commit(stand);
	}
}

const struct control_verdict *control_ask(struct control_stand *stand, struct proposal proposal)
{
	char id[32];
	(void)snprintf(id, sizeof id, "p%zu", stand->proposal_count);
	control_send(stand, proposal);
	control_read(stand);
	const struct ledger_verdict *verdict =
		ledger_verdict_find(keeper_ledger(stand->keeper), proposal.id.bytes ? proposal.id : text_of(id));
	return verdict ? &verdict->record : NULL;
}

void control_report(struct control_stand *stand, struct engine_report report)
{
	struct error error = {0};
	if (!report.namespace.bytes)
		report.namespace = text_of(stand->options.namespace);
	assert_true(keeper_report(stand->keeper, control_encode(stand, &report_form, &report), stand->now_ms, &error));
	control_commit(stand);
}

void control_pass(struct control_stand *stand, int64_t ms)
{
	struct error error = {0};
	stand->now_ms += ms;
	assert_true(keeper_tick(stand->keeper, stand->now_ms, &error));
	control_commit(stand);
}

void control_reader(const struct control_stand *stand, struct control_reader *reader)
{
	struct error error = {0};
	assert_true(control_reader_open(reader, stand->options.namespace, stand->now_ms, &error));
	for (size_t i = 0; i < stand->control_count; i++)
		assert_true(control_reader_take(reader, stand->control[i].key, stand->control[i].value, stand->now_ms, &error));
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Resources are sorted: a compacted topic has their first records in another order. */
void ledger_print(const struct ledger *ledger, struct buffer *out)
{
	struct arena *arena = arena_open((size_t)256 << 20);
	char **lines = ARENA_ARRAY(arena, char *, STAND_RECORDS_MAX);
	const struct ledger_resource *resource;
	const struct ledger_change *change;
	size_t count = 0;
	LIST_EACH_RESOURCE(ledger, resource)
	for (size_t i = 0; i < resource->count; i++) {
		const struct control_version *version = &resource->versions[i]->record;
		lines[count++] = arena_print(arena,
					     TEXT_FORMAT "/" TEXT_FORMAT "@%" PRId64 " %d " TEXT_FORMAT " by " TEXT_FORMAT
							 " in %" PRId64 " %d%s\n",
					     TEXT_ARGUMENTS(resource->kind), TEXT_ARGUMENTS(resource->name), version->version,
					     version->action, TEXT_ARGUMENTS(version->document), TEXT_ARGUMENTS(version->author),
					     version->change, (int)ledger_phase(ledger, resource->versions[i]),
					     ledger_in_force(ledger, resource) == resource->versions[i] ? " in force" : "");
	}
	const struct ledger_choice *choice;
	LIST_EACH_CHOICE(ledger, choice)
	for (size_t i = 0; i < choice->count; i++)
		lines[count++] = arena_print(arena, "table of " TEXT_FORMAT " @%" PRId64 " " TEXT_FORMAT " in %" PRId64 "\n",
					     TEXT_ARGUMENTS(choice->name), choice->tables[i]->record.version,
					     TEXT_ARGUMENTS(choice->tables[i]->record.table), choice->tables[i]->record.change);
	qsort(lines, count, sizeof *lines, compare_lines);
	for (size_t i = 0; i < count; i++)
		buffer_string(out, lines[i]);
	LIST_EACH_CHANGE(ledger, change)
	buffer_print(out, "change %" PRId64 " %d " TEXT_FORMAT "\n", change->record.number, change->record.phase,
		     TEXT_ARGUMENTS(change->record.why));
	for (const struct list_node *node = ledger->verdicts.first; node; node = node->next) {
		const struct control_verdict *verdict = &LIST_OWNER(node, const struct ledger_verdict, node)->record;
		buffer_print(out, TEXT_FORMAT ": %d " TEXT_FORMAT "\n", TEXT_ARGUMENTS(verdict->id), verdict->outcome,
			     TEXT_ARGUMENTS(verdict->why));
	}
	buffer_print(out, "epoch %" PRId64 ", change %" PRId64 ", resume %" PRId64 ", accepted %zu\n", ledger->epoch,
		     ledger->last_change, ledger->resume, ledger->accepted);
	arena_close(arena);
}
