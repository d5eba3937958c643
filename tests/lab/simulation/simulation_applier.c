/* simulation_applier.c: Appliers of a simulation run: one proposes its deployments, another moves the weights of a split; each
 * sometimes at once with a rival, and each sends proposals again. See simulation_control.h. */
#include <inttypes.h>

#include "message/rows.h"
#include "simulation/simulation_parts.h"

#define MS SIMULATION_MS
#define SECOND SIMULATION_SECOND
#define RIVAL_IN_THOUSAND 350
#define TWICE_IN_THOUSAND 250
#define AGAIN_US (4 * SECOND) /* without a verdict it is sent again */
#define RETRY_US (1 * SECOND)
#define DELETED_IN_THOUSAND 150
#define RETURNED_IN_THOUSAND 200
#define DOCUMENT_BYTES ((size_t)64 << 10)
#define SEED_MS 60000 /* before the run */

/* ---- documents ---- */

static const int weights[][2] = {{90, 10}, {75, 25}, {50, 50}, {10, 90}, {99, 1}};

static struct text split_write(size_t nth, struct arena *arena)
{
	const int *drawn = weights[nth % (sizeof weights / sizeof *weights)];
	const char *yaml =
		arena_print(arena,
			    "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: " SIMULATION_SPLIT "}\nspec:\n"
			    "  steps: [{name: by, traffic: {shares: [{weight: %d, call: a}, {weight: %d, call: b}]}}]\n"
			    "  output: {steps: [by]}\n",
			    drawn[0], drawn[1]);
	return text_of(yaml);
}

static struct text line_write(const struct simulation_line *line, size_t deployment, struct arena *arena)
{
	struct buffer yaml;
	struct text text = {0};
	buffer_open(&yaml, DOCUMENT_BYTES);
	if (line->deployed[deployment] != SIMULATION_ABSENT) {
		simulation_pipeline_write(&line->variants[line->deployed[deployment]], &yaml);
		text = text_copied(arena, buffer_view(&yaml));
	}
	buffer_close(&yaml);
	return text;
}

/* ---- items ---- */

static const struct ledger_resource *resource_find(const struct simulation_control *control, size_t nth)
{
	return ledger_resource_find(&control->judge.ledger, text_of(control->resources[nth].kind),
				    text_of(control->resources[nth].name));
}

/* Applies the document, or without one deletes the resource. False: it is so already. */
static bool item_make(const struct simulation_control *control, size_t nth, struct text document, struct proposal_item *item)
{
	const struct ledger_resource *resource = resource_find(control, nth);
	const struct ledger_version *accepted = resource ? ledger_accepted(&control->judge.ledger, resource) : NULL;
	const bool is_there = accepted && accepted->record.action == CONTROL_APPLY;
	*item = (struct proposal_item){.kind = text_of(control->resources[nth].kind),
				       .name = text_of(control->resources[nth].name),
				       .action = document.bytes ? PROPOSAL_APPLY : PROPOSAL_DELETE,
				       .document = document,
				       .expected = resource ? ledger_newest(resource)->record.version : 0};
	return document.bytes ? !is_there || !text_equal(accepted->record.document, document) : is_there;
}

/* Those of the next deployment, whose number is a document too: so there is always one. */
static size_t deployment_items(struct simulation_control *control, size_t deployment, struct proposal_item *items)
{
	struct simulation *simulation = control->simulation;
	size_t count = 0;
	for (size_t i = 0; i < simulation->line_count; i++)
		count += item_make(control, i, line_write(&simulation->lines[i], deployment, control->scratch), &items[count]);
	const char *marker =
		arena_print(control->scratch,
			    "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: " SIMULATION_MARKER "}\n"
			    "spec: {storageUri: \"gs://simulation/%zu\"}\n",
			    deployment);
	return count + item_make(control, simulation->line_count, text_of(marker), &items[count]);
}

static size_t split_items(struct simulation_control *control, struct proposal_item *item)
{
	const size_t nth = control->simulation->line_count + 1;
	const struct ledger_resource *resource = resource_find(control, nth);
	const struct ledger_version *present = resource ? ledger_present(&control->judge.ledger, resource) : NULL;
	const bool deletes =
		present && present->record.action == CONTROL_APPLY && simulation_control_chance(control, DELETED_IN_THOUSAND);
	struct text document = {0};
	if (!deletes)
		document = split_write(random_below(control->random, 100), control->scratch);
	(void)item_make(control, nth, document, item);
	if (!deletes && resource && resource->count > 1 && simulation_control_chance(control, RETURNED_IN_THOUSAND)) {
		const struct ledger_version *to = resource->versions[random_below(control->random, resource->count)];
		if (to->record.action == CONTROL_APPLY) {
			item->action = PROPOSAL_ROLLBACK;
			item->to = to->record.version;
			item->document = (struct text){0};
		}
	}
	return 1;
}

/* ---- proposals ---- */

static bool proposal_append(struct simulation_control *control, struct text bytes, struct error *error)
{
	return simulation_control_append(control, control->proposals, (struct text){0}, bytes, error);
}

static bool proposal_send(struct simulation_applier *applier, struct simulation_control *control, const struct proposal_item *items,
			  size_t count, bool is_rival, struct error *error)
{
	struct arena *arena = control->simulation->arena;
	const char *id = arena_print(arena, "proposal-%" PRIu64, control->proposed++);
	const struct proposal proposal = {.id = text_of(id),
					  .namespace = text_of(control->options.namespace),
					  .author = is_rival ? TEXT("rival") : TEXT("ada"),
					  .reason = TEXT("the next"),
					  .time_ms = simulation_control_ms(control->simulation->now_us),
					  .items = {count, items}};
	buffer_clear(&control->bytes);
	if (!id || !record_encode(&proposal_form, &proposal, &control->bytes, error))
		return false;
	applier->ids[applier->asked] = id;
	applier->sent[applier->asked] = text_copied(arena, buffer_view(&control->bytes));
	control->simulation->result->counts.proposals++;
	return proposal_append(control, applier->sent[applier->asked++], error);
}

static bool change_propose(struct simulation_applier *applier, struct simulation_control *control, struct error *error)
{
	struct proposal_item items[SIMULATION_RESOURCES_MAX];
	const bool has_rival = simulation_control_chance(control, RIVAL_IN_THOUSAND);
	arena_reset(control->scratch);
	const size_t count = applier->deploys ? deployment_items(control, applier->done + 1, items) : split_items(control, items);
	applier->asked = 0;
	for (size_t i = 0; i < 1U + has_rival; i++)
		if (!proposal_send(applier, control, items, count, i > 0, error))
			return false;
	for (size_t i = 0; i < applier->asked; i++)
		if (simulation_control_chance(control, TWICE_IN_THOUSAND) && !proposal_append(control, applier->sent[i], error))
			return false;
	simulation_tell(control->simulation, "an applier", "proposes %s, %s%s", applier->deploys ? "a deployment" : "a split",
			applier->ids[0], has_rival ? ", and so does a rival" : "");
	applier->work = SIMULATION_WORK_ASKED;
	applier->due_us = control->simulation->now_us + AGAIN_US;
	return true;
}

/* ---- what comes of them ---- */

/* Of proposals that expect the same version, exactly one is accepted; the others get a conflict. */
static bool verdicts_read(struct simulation_applier *applier, struct simulation_control *control)
{
	size_t accepted = 0;
	int64_t change = 0;
	for (size_t i = 0; i < applier->asked; i++) {
		const struct ledger_verdict *verdict = ledger_verdict_find(&control->judge.ledger, text_of(applier->ids[i]));
		if (!verdict)
			return false;
		accepted += verdict->record.outcome == VERDICT_ACCEPTED;
		change = verdict->record.outcome == VERDICT_ACCEPTED ? verdict->record.change : change;
		if (verdict->record.outcome == VERDICT_REFUSED)
			simulation_fails(control->simulation->result->why, "%s is refused: " TEXT_FORMAT, applier->ids[i],
					 TEXT_ARGUMENTS(verdict->record.why));
	}
	if (accepted != 1)
		simulation_fails(control->simulation->result->why, "of %zu proposals that expect the same version %zu are accepted",
				 applier->asked, accepted);
	applier->change = change;
	return true;
}

static void change_end(struct simulation_applier *applier, struct simulation_control *control, bool good)
{
	const bool is_over = good && ++applier->done == applier->count;
	applier->work = is_over ? SIMULATION_WORK_DONE : SIMULATION_WORK_IDLE;
	applier->due_us = control->simulation->now_us + RETRY_US;
	if (good && !is_over && applier->deploys)
		applier->due_us = simulation_later(control->deploy_due_us[applier->done + 1], applier->due_us);
	else if (good)
		applier->due_us += random_between(control->random, 0, 5 * SECOND);
}

bool simulation_applier_live(struct simulation_applier *applier, struct simulation_control *control, struct error *error)
{
	const int64_t now_us = control->simulation->now_us;
	if (applier->work == SIMULATION_WORK_IDLE && applier->due_us <= now_us)
		return change_propose(applier, control, error);
	if (applier->work == SIMULATION_WORK_ASKED && verdicts_read(applier, control)) {
		applier->work = SIMULATION_WORK_ACCEPTED;
		applier->due_us = INT64_MAX;
	} else if (applier->work == SIMULATION_WORK_ASKED && applier->due_us <= now_us) {
		applier->due_us = now_us + AGAIN_US;
		for (size_t i = 0; i < applier->asked; i++)
			if (!proposal_append(control, applier->sent[i], error))
				return false;
	}
	const struct ledger_change *change =
		applier->work == SIMULATION_WORK_ACCEPTED ? ledger_change_find(&control->judge.ledger, applier->change) : NULL;
	if (change && change->record.phase != CHANGE_ACCEPTED)
		change_end(applier, control, change->record.phase == CHANGE_ACTIVE);
	return true;
}

/* ---- what is in force at first ---- */

static bool step_append(struct simulation_control *control, struct keeper *keeper, struct error *error)
{
	const struct keeper_record *records;
	const size_t count = keeper_records(keeper, &records);
	for (size_t i = 0; i < count; i++)
		if (!simulation_control_append(control, control->topic, records[i].key, records[i].value, error))
			return false;
	return true;
}

static bool seed_propose(struct simulation_control *control, struct keeper *keeper, int64_t now_ms, struct error *error)
{
	struct proposal_item items[SIMULATION_RESOURCES_MAX];
	bool good = true;
	for (int64_t i = 0; good && i < SIMULATION_APPLIERS; i++) {
		arena_reset(control->scratch);
		size_t count = 1;
		if (i == 0)
			count = deployment_items(control, 0, items);
		else
			(void)item_make(control, control->simulation->line_count + 1, split_write(0, control->scratch), items);
		const struct proposal proposal = {.id = i == 0 ? TEXT("seed-0") : TEXT("seed-1"),
						  .namespace = text_of(control->options.namespace),
						  .author = TEXT("ada"),
						  .time_ms = now_ms,
						  .items = {count, items}};
		buffer_clear(&control->bytes);
		good = record_encode(&proposal_form, &proposal, &control->bytes, error) &&
		       proposal_append(control, buffer_view(&control->bytes), error) &&
		       keeper_propose(keeper, i, buffer_view(&control->bytes), now_ms, error) &&
		       step_append(control, keeper, error);
	}
	return good;
}

/* By a keeper of long ago, when there was no engine that its changes had to wait for. */
bool simulation_applier_seed(struct simulation_control *control, struct error *error)
{
	const int64_t then_ms = simulation_control_ms(0) - SEED_MS;
	control->options.engine = "former";
	struct keeper *keeper = keeper_open(&control->options, error);
	bool good = keeper && keeper_begin(keeper, then_ms, error) && step_append(control, keeper, error) &&
		    seed_propose(control, keeper, then_ms, error) && keeper_tick(keeper, then_ms + KEEPER_SILENT_MS, error) &&
		    step_append(control, keeper, error);
	keeper_close(keeper);
	return good;
}
