/* keeper_days_test.c: keepers under random appliers, engines and faults, one day a seed. Keepers die before and after
 * they commit, the topic is compacted, a keeper that was replaced goes on for a while; reports are late, doubled and
 * in another order. A model of registers with compare-and-set, in the order of commits, judges each verdict: so the
 * histories are linearizable. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/number/random.h"
#include "tests/unit/control_stand.h"

#define RESOURCES 4
#define APPLIERS 5
#define ENGINES 3
#define ITEMS_MOST 3
#define VERSIONS_MOST 1000
#define CHANGES_MOST 2000
#define MAIL_MOST 512
#define REQUESTS_MOST 2000
#define DAY_STEPS 1500
#define DAYS UNIT_REPETITIONS(24)
#define REPORT_EVERY_MS 1000
#define NONE SIZE_MAX

static const char *const names[RESOURCES] = {"p", "q", "r", "s"};

/* What an applier asked. */
struct request {
	struct proposal proposal;
	struct proposal_item items[ITEMS_MOST];
	bool is_cut; /* its last part is never sent */
	bool decided;
};

struct applier {
	struct control_reader reader;
	size_t read;	/* records of `control` */
	size_t request; /* the open one; NONE: none */
};

/* A report as it was sent. */
struct mail {
	size_t engine;
	struct engine_report report;
	int64_t due_ms;
};

struct day_engine {
	struct control_reader reader;
	size_t read;
	bool is_frozen;
	int64_t started_ms, sequence, due_ms;
	bool prepared[CHANGES_MOST];
	struct engine_report known; /* the newest report that reached the keeper of this term */
	int64_t heard_ms;	    /* 0: none did */
};

/* One register of the model. */
struct register_model {
	int64_t newest;
	struct text documents[VERSIONS_MOST]; /* by version; empty: it deletes */
	int64_t changes[VERSIONS_MOST];	      /* to which a version belongs */
	bool written[VERSIONS_MOST];
	int64_t in_force;
};

struct day {
	struct random random;
	struct control_stand stand;
	bool is_calm;	      /* its end: nothing fails any more */
	bool is_compacted;    /* else a keeper that was replaced gets its records through, once */
	struct request requests[REQUESTS_MOST];
	size_t request_count;
	struct applier appliers[APPLIERS];
	struct day_engine engines[ENGINES];
	struct mail mail[MAIL_MOST];
	size_t mail_count;
	struct register_model model[RESOURCES];
	int64_t changes;
	int phases[CHANGES_MOST]; /* 0: not there; else one more than the phase */
	struct control_reader judge;
	struct keeper *former; /* was replaced, and does not know it; NULL: none */
	size_t former_taken;
	int64_t tenure_ms;
	size_t restarts, accepted, conflicts, active, failed;
};

static bool chance(struct day *day, unsigned in_thousand)
{
	return random_in_thousand(&day->random, in_thousand);
}

static size_t resource_index(struct text name)
{
	size_t i = 0;
	while (i < RESOURCES && !text_is(name, names[i]))
		i++;
	assert_true(i < RESOURCES);
	return i;
}

/* ---- the model ---- */

static struct register_model *model_of(struct day *day, const struct proposal_item *item)
{
	return &day->model[resource_index(item->name)];
}

/* A deletion that failed deletes nothing: what was accepted before it is still there. */
static bool model_is_gone(const struct day *day, const struct register_model *model)
{
	int64_t version = model->newest;
	if (version > 0 && model->documents[version].length > 0)
		return false;
	while (version > 0 && day->phases[model->changes[version]] == CHANGE_FAILED + 1)
		version--;
	return version == 0 || model->documents[version].length == 0;
}

static bool model_expects(struct day *day, const struct proposal_item *item)
{
	const struct register_model *model = model_of(day, item);
	if (item->action == PROPOSAL_COLLECT || item->expected == PROPOSAL_EXPECTS_ANY)
		return true;
	return item->expected == 0 ? model_is_gone(day, model) : model->newest == item->expected;
}

/* Whether an item is impossible: nothing is there to be deleted, or the version to return to is not kept. */
static bool model_refuses(struct day *day, const struct proposal_item *item)
{
	const struct ledger_resource *kept = ledger_resource_find(&day->judge.ledger, item->kind, item->name);
	if (item->action == PROPOSAL_DELETE)
		return model_is_gone(day, model_of(day, item));
	return item->action == PROPOSAL_ROLLBACK && (!kept || !ledger_version_find(kept, item->to));
}

static void model_accept(struct day *day, const struct request *request, const struct control_verdict *verdict)
{
	const struct resource_version *made = verdict->versions.items;
	size_t count = 0;
	for (size_t i = 0; i < request->proposal.items.count; i++) {
		const struct proposal_item *item = &request->items[i];
		struct register_model *model = model_of(day, item);
		if (item->action == PROPOSAL_COLLECT)
			continue;
		struct text document = item->action == PROPOSAL_ROLLBACK ? model->documents[item->to] : item->document;
		assert_true(count < verdict->versions.count && model->newest + 1 < VERSIONS_MOST);
		assert_true(text_equal(made[count].name, item->name));
		assert_int_equal(made[count++].version, ++model->newest);
		model->documents[model->newest] = document;
		model->changes[model->newest] = day->changes + 1;
	}
	assert_int_equal(verdict->versions.count, count);
	day->changes += count > 0;
	assert_int_equal(verdict->change, count > 0 ? day->changes : 0);
}

static struct request *request_named(struct day *day, struct text id)
{
	size_t i = 0;
	while (i < day->request_count && !text_equal(day->requests[i].proposal.id, id))
		i++;
	assert_true(i < day->request_count);
	return &day->requests[i];
}

static void verdict_judge(struct day *day, const struct control_verdict *verdict)
{
	struct request *request = request_named(day, verdict->id);
	const struct proposal_item *conflict = NULL;
	bool is_impossible = request->is_cut;
	assert_false(request->decided);
	request->decided = true;
	for (size_t i = 0; i < request->proposal.items.count; i++) {
		if (!conflict && !model_expects(day, &request->items[i]))
			conflict = &request->items[i];
		is_impossible = is_impossible || model_refuses(day, &request->items[i]);
	}
	if (verdict->outcome == VERDICT_CONFLICT) {
		const struct resource_version *there = verdict->versions.items;
		assert_true(conflict && !request->is_cut && text_equal(there->name, conflict->name));
		assert_int_equal(there->version, model_of(day, conflict)->newest);
		day->conflicts++;
	} else if (verdict->outcome == VERDICT_REFUSED) {
		assert_true(is_impossible && (!conflict || request->is_cut));
	} else {
		assert_true(!conflict && !is_impossible);
		model_accept(day, request, verdict);
		day->accepted++;
	}
}

/* ---- what is committed ---- */

/* The model has accepted it already, as a verdict is judged first. */
static void version_judge(struct day *day, const struct control_version *version)
{
	struct register_model *model = &day->model[resource_index(version->name)];
	assert_true(version->version <= model->newest && !model->written[version->version]);
	model->written[version->version] = true;
	assert_true(text_equal(version->document, model->documents[version->version]));
	assert_int_equal(version->action, version->document.length == 0 ? CONTROL_DELETE : CONTROL_APPLY);
}

static bool report_has(const struct engine_report *report, int64_t change)
{
	const int64_t *prepared = report->prepared.items;
	for (size_t i = 0; i < report->prepared.count; i++)
		if (prepared[i] == change)
			return true;
	return false;
}

static void activation_judge(struct day *day, const struct control_change *change)
{
	const struct resource_version *versions = change->versions.items;
	assert_true(day->stand.now_ms - day->tenure_ms >= KEEPER_SILENT_MS);
	for (size_t i = 0; i < ENGINES; i++) {
		const struct day_engine *engine = &day->engines[i];
		bool is_live = engine->heard_ms > 0 && day->stand.now_ms - engine->heard_ms < KEEPER_SILENT_MS;
		assert_true(!is_live || engine->known.stopped || report_has(&engine->known, change->number));
	}
	for (size_t i = 0; i < change->versions.count; i++) {
		const struct ledger_resource *resource =
			ledger_resource_find(&day->judge.ledger, versions[i].kind, versions[i].name);
		assert_non_null(resource);
		const struct ledger_version *current = ledger_in_force(&day->judge.ledger, resource);
		assert_true(!current || current->record.version < versions[i].version); /* it only goes on */
		day->model[resource_index(versions[i].name)].in_force = versions[i].version;
	}
}

static void change_judge(struct day *day, const struct control_change *change)
{
	assert_true(change->number < CHANGES_MOST && change->number <= day->changes);
	assert_int_equal(day->phases[change->number], change->phase == CHANGE_ACCEPTED ? 0 : CHANGE_ACCEPTED + 1);
	day->phases[change->number] = change->phase + 1;
	day->active += change->phase == CHANGE_ACTIVE;
	day->failed += change->phase == CHANGE_FAILED;
	assert_int_equal(change->why.length > 0, change->phase == CHANGE_FAILED);
	if (change->phase == CHANGE_ACTIVE)
		activation_judge(day, change);
}

/* What is in force stays until a change replaces it, whatever is collected. */
static void in_force_judge(struct day *day)
{
	for (size_t i = 0; i < RESOURCES; i++) {
		const struct ledger_resource *resource =
			ledger_resource_find(&day->judge.ledger, TEXT("Pipeline"), text_of(names[i]));
		const struct ledger_version *current = resource ? ledger_in_force(&day->judge.ledger, resource) : NULL;
		assert_int_equal(current ? current->record.version : 0, day->model[i].in_force);
	}
}

static void records_judge(struct day *day, const struct keeper_record *records, size_t count, struct arena *arena)
{
	struct error error = {0};
	for (size_t i = 0; i < count; i++) {
		struct control_verdict verdict;
		if (record_schema(records[i].value) != record_fingerprint(&verdict_form))
			continue;
		assert_true(record_decode(&verdict_form, records[i].value, arena, &verdict, &error));
		verdict_judge(day, &verdict);
	}
	for (size_t i = 0; i < count; i++) {
		struct control_version version;
		struct control_change change;
		if (record_decode(&version_form, records[i].value, arena, &version, &(struct error){0}))
			version_judge(day, &version);
		if (record_decode(&change_form, records[i].value, arena, &change, &(struct error){0}))
			change_judge(day, &change);
		assert_true(control_reader_take(&day->judge, records[i].key, records[i].value, day->stand.now_ms, &error));
	}
	assert_true(control_reader_is_whole(&day->judge, &error));
	in_force_judge(day);
}

static void day_commit(struct day *day)
{
	const struct keeper_record *records;
	size_t count = keeper_records(day->stand.keeper, &records);
	struct arena *arena = arena_open((size_t)16 << 20);
	records_judge(day, records, count, arena);
	control_commit(&day->stand);
	arena_close(arena);
}

/* ---- keepers ---- */

static void same_ledgers(const struct ledger *one, const struct ledger *other)
{
	struct buffer a, b;
	buffer_open(&a, (size_t)64 << 20);
	buffer_open(&b, (size_t)64 << 20);
	ledger_print(one, &a);
	ledger_print(other, &b);
	if (!text_equal(buffer_view(&a), buffer_view(&b)))
		fail_msg("%.*s\nis not\n%.*s", TEXT_ARGUMENTS(buffer_view(&a)), TEXT_ARGUMENTS(buffer_view(&b)));
	buffer_close(&a);
	buffer_close(&b);
}

static void reader_begin(struct day *day, struct control_reader *reader, size_t *read)
{
	struct error error = {0};
	control_reader_close(reader);
	assert_true(control_reader_open(reader, day->stand.options.namespace, day->stand.now_ms, &error));
	*read = 0;
}

/* Another keeper; the one before may go on for a while. */
static void keeper_replace(struct day *day)
{
	struct control_stand *stand = &day->stand;
	if (chance(day, 500) && stand->keeper) {
		keeper_close(day->former);
		day->former = stand->keeper;
		day->former_taken = stand->taken;
		stand->keeper = NULL;
	}
	if (day->is_compacted && chance(day, 500)) {
		control_compact(stand);
		for (size_t i = 0; i < APPLIERS + ENGINES; i++) { /* they read from the start */
			bool is_applier = i < APPLIERS;
			reader_begin(day, is_applier ? &day->appliers[i].reader : &day->engines[i - APPLIERS].reader,
				     is_applier ? &day->appliers[i].read : &day->engines[i - APPLIERS].read);
		}
	}
	control_keeper_start(stand);
	const struct keeper_record *begin = &stand->control[stand->control_count - 1];
	struct error error = {0};
	assert_true(control_reader_take(&day->judge, begin->key, begin->value, stand->now_ms, &error));
	same_ledgers(keeper_ledger(stand->keeper), &day->judge.ledger);
	day->tenure_ms = stand->now_ms;
	for (size_t i = 0; i < ENGINES; i++)
		day->engines[i].heard_ms = 0;
	day->restarts++;
}

static void keeper_turn(struct day *day)
{
	struct control_stand *stand = &day->stand;
	struct error error = {0};
	bool good = true;
	if (stand->taken < stand->proposal_count && chance(day, 700)) {
		size_t offset = stand->taken++;
		good = keeper_propose(stand->keeper, (int64_t)offset, stand->proposals[offset], stand->now_ms, &error);
	} else if (stand->now_ms >= keeper_due(stand->keeper)) {
		good = keeper_tick(stand->keeper, stand->now_ms, &error);
	} else {
		return;
	}
	if (!good)
		fail_msg("%s", error.text);
	if (day->is_calm || !chance(day, 15)) /* else it dies before it commits */
		day_commit(day);
	else
		keeper_replace(day);
}

/* What it decides is not written; or, where nothing fences it, refused by everyone who reads it. */
static void former_turn(struct day *day)
{
	struct control_stand *stand = &day->stand;
	const struct keeper_record *records;
	struct error error = {0};
	if (!day->former || day->former_taken >= stand->proposal_count)
		return;
	size_t offset = day->former_taken++;
	assert_true(keeper_propose(day->former, (int64_t)offset, stand->proposals[offset], stand->now_ms, &error));
	size_t count = keeper_records(day->former, &records);
	for (size_t i = 0; i < count && !day->is_compacted; i++)
		if (records[i].value.bytes) {
			control_append(stand, records[i].key, records[i].value);
			assert_true(control_reader_take(&day->judge, records[i].key, records[i].value, stand->now_ms, &error));
		}
	if (count > 0 && chance(day, 300)) {
		keeper_close(day->former);
		day->former = NULL;
	}
}

/* ---- engines ---- */

static void reader_go_on(struct day *day, struct control_reader *reader, size_t *read, size_t most)
{
	struct error error = {0};
	for (; *read < day->stand.control_count && most > 0; most--, (*read)++) {
		const struct keeper_record *record = &day->stand.control[*read];
		assert_true(control_reader_take(reader, record->key, record->value, day->stand.now_ms, &error));
	}
}

static void engine_start(struct day *day, struct day_engine *engine)
{
	struct error error = {0};
	int64_t heard_ms = engine->heard_ms;
	struct engine_report known = engine->known;
	control_reader_close(&engine->reader);
	*engine = (struct day_engine){.started_ms = day->stand.now_ms, .heard_ms = heard_ms, .known = known};
	assert_true(control_reader_open(&engine->reader, day->stand.options.namespace, day->stand.now_ms, &error));
}

/* Of twenty changes an engine fails one, and never gets one done. */
static void engine_report_send(struct day *day, size_t index)
{
	struct day_engine *engine = &day->engines[index];
	struct control_stand *stand = &day->stand;
	int64_t *prepared = ARENA_ARRAY(stand->arena, int64_t, engine->reader.ledger.accepted);
	struct failed_change *failed = ARENA_ARRAY(stand->arena, struct failed_change, engine->reader.ledger.accepted);
	struct engine_report report = {.namespace = text_of(stand->options.namespace),
				       .engine = text_of(names[index]),
				       .started_ms = engine->started_ms,
				       .sequence = engine->sequence++};
	const struct ledger_change *change;
	LIST_EACH_CHANGE(&engine->reader.ledger, change)
	{
		int64_t number = change->record.number;
		if (change->record.phase != CHANGE_ACCEPTED || (number + (int64_t)index) % 20 == 1)
			continue;
		if ((number + (int64_t)index) % 20 == 0)
			failed[report.failed.count++] = (struct failed_change){number, TEXT("it does not fit here")};
		else if (engine->prepared[number] || (engine->prepared[number] = day->is_calm || chance(day, 600)))
			prepared[report.prepared.count++] = number;
	}
	report.prepared.items = prepared;
	report.failed.items = failed;
	for (int copy = 0; copy < 2 && day->mail_count < MAIL_MOST; copy++) {
		int64_t delay_ms = day->is_calm ? 0 : random_between(&day->random, 0, 3000);
		if (copy == 0 ? day->is_calm || !chance(day, 50) : chance(day, 200))
			day->mail[day->mail_count++] = (struct mail){index, report, stand->now_ms + delay_ms};
	}
}

static void mail_deliver(struct day *day, const struct mail *mail)
{
	struct day_engine *engine = &day->engines[mail->engine];
	struct control_stand *stand = &day->stand;
	struct error error = {0};
	bool is_silent = engine->heard_ms == 0 || stand->now_ms - engine->heard_ms >= KEEPER_SILENT_MS;
	if (is_silent || mail->report.started_ms > engine->known.started_ms ||
	    (mail->report.started_ms == engine->known.started_ms && mail->report.sequence > engine->known.sequence)) {
		engine->known = mail->report;
		engine->heard_ms = stand->now_ms;
	}
	struct text bytes = control_encode(stand, &report_form, &mail->report);
	assert_true(keeper_report(stand->keeper, bytes, stand->now_ms, &error));
	if (day->is_calm || !chance(day, 5))
		day_commit(day);
	else
		keeper_replace(day);
}

static void engines_turn(struct day *day)
{
	for (size_t i = 0; i < ENGINES; i++) {
		struct day_engine *engine = &day->engines[i];
		if (!day->is_calm && chance(day, 3))
			engine_start(day, engine);
		if (chance(day, engine->is_frozen ? 30 : 3))
			engine->is_frozen = !engine->is_frozen;
		if (engine->is_frozen && !day->is_calm)
			continue;
		reader_go_on(day, &engine->reader, &engine->read, day->is_calm ? NONE : (size_t)random_below(&day->random, 12));
		if (day->stand.now_ms < engine->due_ms)
			continue;
		engine->due_ms = day->stand.now_ms + REPORT_EVERY_MS;
		engine_report_send(day, i);
	}
	for (size_t i = 0; i < day->mail_count;) {
		struct mail mail = day->mail[i];
		if (mail.due_ms > day->stand.now_ms) {
			i++;
			continue;
		}
		day->mail[i] = day->mail[--day->mail_count];
		mail_deliver(day, &mail);
	}
}

/* ---- appliers ---- */

static struct proposal_item item_draw(struct day *day, const struct applier *applier, size_t resource)
{
	struct proposal_item item = {.kind = TEXT("Pipeline"), .name = text_of(names[resource])};
	const struct ledger_resource *known = ledger_resource_find(&applier->reader.ledger, item.kind, item.name);
	int64_t newest = known ? ledger_newest(known)->record.version : 0;
	item.expected = chance(day, 100) ? PROPOSAL_EXPECTS_ANY : newest;
	if (newest > 0 && ledger_newest(known)->record.action == CONTROL_DELETE && chance(day, 500))
		item.expected = 0;
	item.document = text_of(arena_print(day->stand.arena, "yaml %zu of %zu", resource, day->request_count));
	if (chance(day, 100)) {
		item.action = PROPOSAL_DELETE;
		item.document = (struct text){0};
	} else if (newest > 0 && chance(day, 150)) {
		item.action = PROPOSAL_ROLLBACK;
		item.to = random_between(&day->random, newest > 4 ? newest - 4 : 1, newest);
	} else if (chance(day, 50)) {
		item.action = PROPOSAL_COLLECT;
		item.to = random_between(&day->random, 1, 3);
	}
	return item;
}

static void request_send(struct day *day, struct applier *applier)
{
	assert_true(day->request_count < REQUESTS_MOST);
	struct request *request = &day->requests[day->request_count];
	size_t first = random_below(&day->random, RESOURCES), count = 1 + random_below(&day->random, ITEMS_MOST);
	for (size_t i = 0; i < count; i++)
		request->items[i] = item_draw(day, applier, (first + i) % RESOURCES);
	request->proposal = (struct proposal){.id = text_of(arena_print(day->stand.arena, "request-%zu", day->request_count)),
					      .items = {count, request->items}};
	applier->request = day->request_count++;
	if (count < 2 || chance(day, 700)) {
		control_send(&day->stand, request->proposal);
		return;
	}
	struct proposal part = request->proposal;
	part.parts = (int64_t)count;
	request->is_cut = chance(day, 100);
	for (size_t i = 0; i < count - request->is_cut; i++) {
		part.part = (int64_t)i;
		part.items = (struct record_list){1, &request->items[i]};
		control_send(&day->stand, part);
	}
}

static void appliers_turn(struct day *day)
{
	for (size_t i = 0; i < APPLIERS; i++) {
		struct applier *applier = &day->appliers[i];
		reader_go_on(day, &applier->reader, &applier->read, (size_t)random_below(&day->random, 30));
		if (applier->request != NONE &&
		    ledger_verdict_find(&applier->reader.ledger, day->requests[applier->request].proposal.id)) {
			assert_true(day->requests[applier->request].decided);
			applier->request = NONE;
		}
		if (applier->request == NONE && chance(day, 80))
			request_send(day, applier);
	}
	if (day->stand.proposal_count > 0 && chance(day, 30)) { /* a client sends again what was lost on the way back */
		size_t again = random_below(&day->random, day->stand.proposal_count);
		day->stand.proposals[day->stand.proposal_count++] = day->stand.proposals[again];
	}
}

/* ---- days ---- */

static void day_open(struct day *day, uint64_t seed)
{
	struct error error = {0};
	*day = (struct day){.random = {seed}, .is_compacted = seed % 2 == 0};
	control_open(&day->stand);
	assert_true(control_reader_open(&day->judge, day->stand.options.namespace, day->stand.now_ms, &error));
	for (size_t i = 0; i < APPLIERS; i++) {
		day->appliers[i].request = NONE;
		assert_true(control_reader_open(&day->appliers[i].reader, day->stand.options.namespace, day->stand.now_ms, &error));
	}
	for (size_t i = 0; i < ENGINES; i++)
		engine_start(day, &day->engines[i]);
	keeper_replace(day);
}

static void day_close(struct day *day)
{
	control_reader_close(&day->judge);
	for (size_t i = 0; i < APPLIERS; i++)
		control_reader_close(&day->appliers[i].reader);
	for (size_t i = 0; i < ENGINES; i++)
		control_reader_close(&day->engines[i].reader);
	keeper_close(day->former);
	control_close(&day->stand);
}

/* Nothing fails any more, and nothing new is asked: all is decided, and everyone agrees. */
static void day_end(struct day *day)
{
	struct error error = {0};
	day->is_calm = true;
	for (int64_t until = day->stand.now_ms + 3 * KEEPER_DEADLINE_MS; day->stand.now_ms < until; day->stand.now_ms += 200) {
		keeper_turn(day);
		engines_turn(day);
	}
	assert_int_equal(keeper_ledger(day->stand.keeper)->accepted, 0);
	for (size_t i = 0; i < day->request_count; i++)
		assert_true(day->requests[i].decided);
	reader_go_on(day, &day->appliers[0].reader, &day->appliers[0].read, NONE);
	same_ledgers(&day->appliers[0].reader.ledger, &day->judge.ledger);
	same_ledgers(&day->appliers[0].reader.ledger, keeper_ledger(day->stand.keeper));
	assert_true(control_reader_is_whole(&day->appliers[0].reader, &error));
}

static void histories_are_linearizable(void **state)
{
	struct day *day = test_calloc(1, sizeof *day);
	size_t accepted = 0, conflicts = 0, active = 0, failed = 0, restarts = 0;
	(void)state;
	for (uint64_t seed = 1; seed <= DAYS; seed++) {
		day_open(day, seed);
		for (size_t step = 0; step < DAY_STEPS; step++) {
			day->stand.now_ms += random_between(&day->random, 0, 300);
			appliers_turn(day);
			keeper_turn(day);
			former_turn(day);
			engines_turn(day);
			if (chance(day, 5))
				keeper_replace(day);
		}
		day_end(day);
		accepted += day->accepted;
		conflicts += day->conflicts;
		active += day->active;
		failed += day->failed;
		restarts += day->restarts;
		day_close(day);
	}
	test_free(day);
	/* The days have what they are for. */
	assert_true(accepted > 60 * DAYS && conflicts > 20 * DAYS && restarts > 20 * DAYS);
	assert_true(active > 10 * DAYS && failed > 30 * DAYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(histories_are_linearizable)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
