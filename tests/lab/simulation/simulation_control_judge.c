/* simulation_control_judge.c: Judge of the control plane in a simulation run: reads each committed record of `control`, and checks
 * what must hold. See simulation_control.h. */
#include <inttypes.h>

#include "control/records/control_tables.h"
#include "simulation/simulation_parts.h"

static char *why_of(struct simulation_control *control)
{
	return control->simulation->result->why;
}

/* ---- bucket tables ---- */

static size_t buckets_owned(const unsigned char *ways, unsigned char way)
{
	size_t owned = 0;
	for (size_t i = 0; i < ASSIGNMENT_BUCKETS; i++)
		owned += ways[i] == way;
	return owned;
}

static size_t buckets_moved(const unsigned char *before, const unsigned char *now)
{
	size_t moved = 0;
	for (size_t i = 0; i < ASSIGNMENT_BUCKETS; i++)
		moved += before[i] != now[i];
	return moved;
}

/* Of two candidates exactly those buckets move by which the number of the first differs. */
static void split_judge(struct simulation_control *control)
{
	const struct ledger *ledger = &control->judge.ledger;
	const struct ledger_choice *choice = ledger_choice_find(ledger, TEXT(SIMULATION_SPLIT "/by"));
	const struct ledger_table *table = choice ? control_table_at(ledger, choice, CONTROL_IN_FORCE) : NULL;
	const struct ledger_resource *split = ledger_resource_find(ledger, TEXT("Pipeline"), TEXT(SIMULATION_SPLIT));
	const struct ledger_version *version = split ? ledger_in_force(ledger, split) : NULL;
	const bool is_there = version && version->record.action == CONTROL_APPLY;
	const struct table_share *shares = table ? table->record.shares.items : NULL;
	if (is_there != (table && table->record.shares.count == 2)) {
		simulation_fails(why_of(control), "the split has version %" PRId64 " in force, and its table is not there",
				 version ? version->record.version : 0);
	} else if (!is_there) {
		control->has_ways = false;
	} else if (!assignment_unpack(table->record.buckets, 2, control->ways)) {
		simulation_fails(why_of(control), "the table of the split in force cannot be read");
	} else {
		const size_t has = buckets_owned(control->ways, 0), had = buckets_owned(control->ways_before, 0);
		const size_t moved = buckets_moved(control->ways_before, control->ways);
		if ((int64_t)has != shares[0].buckets)
			simulation_fails(why_of(control), "the table of the split has %zu buckets of %" PRId64, has,
					 shares[0].buckets);
		if (control->has_ways && moved != (has > had ? has - had : had - has))
			simulation_fails(why_of(control), "the split moves %zu buckets, from %zu to %zu", moved, had, has);
		memcpy(control->ways_before, control->ways, ASSIGNMENT_BUCKETS);
		control->has_ways = true;
	}
}

/* ---- versions ---- */

static void versions_judge(struct simulation_control *control)
{
	const struct ledger *ledger = &control->judge.ledger;
	for (size_t i = 0; i < control->resource_count; i++) {
		struct simulation_resource *named = &control->resources[i];
		const struct ledger_resource *resource = ledger_resource_find(ledger, text_of(named->kind), text_of(named->name));
		const struct ledger_version *current = resource ? ledger_in_force(ledger, resource) : NULL;
		const int64_t version = current ? current->record.version : 0;
		if (version < named->in_force)
			simulation_fails(why_of(control),
					 "version %" PRId64 " of %s was in force, and version %" PRId64 " is again",
					 named->in_force, named->name, version);
		named->in_force = version;
	}
}

/* The run has its next deployment when the change is active. */
static void deployments_judge(struct simulation_control *control)
{
	struct simulation *simulation = control->simulation;
	while (simulation->deployment + 1 < simulation->scheme.count && control->deployed_by[simulation->deployment + 1] > 0) {
		const struct ledger_change *change =
			ledger_change_find(&control->judge.ledger, control->deployed_by[simulation->deployment + 1]);
		if (!change || change->record.phase != CHANGE_ACTIVE)
			return;
		simulation->deploy_us[++simulation->deployment] = simulation->now_us;
		simulation->result->counts.deployments++;
		simulation_tell(simulation, "the run", "deployment %zu is in force", simulation->deployment);
	}
}

/* ---- records ---- */

/* All of a decision is visible together. */
static void verdict_judge(struct simulation_control *control, struct text key, struct text value)
{
	struct control_verdict verdict;
	struct error broken = {0};
	struct simulation_applier *applier = NULL;
	if (!record_decode(&verdict_form, value, control->scratch, &verdict, &broken))
		return;
	if (ledger_verdict_find(&control->judge.ledger, verdict.id))
		simulation_fails(why_of(control), "%.*s has a second verdict", TEXT_ARGUMENTS(key));
	if (verdict.outcome != VERDICT_ACCEPTED)
		return;
	const struct ledger_change *change = ledger_change_find(&control->judge.ledger, verdict.change);
	if (!change || ledger_missing(&control->judge.ledger))
		simulation_fails(why_of(control), "%.*s is accepted, and its change is not there", TEXT_ARGUMENTS(key));
	for (size_t i = 0; i < SIMULATION_APPLIERS; i++)
		for (size_t j = 0; j < control->appliers[i].asked; j++)
			if (text_is(verdict.id, control->appliers[i].ids[j]))
				applier = &control->appliers[i];
	if (applier && applier->deploys)
		control->deployed_by[applier->done + 1] = verdict.change;
}

static bool record_judge(struct simulation_control *control, const struct record *record, struct error *error)
{
	const uint64_t refused = control_reader_refused(&control->judge);
	arena_reset(control->scratch);
	verdict_judge(control, record->key, record->value);
	if (!control_reader_take(&control->judge, record->key, record->value, simulation_control_ms(control->simulation->now_us),
				 error))
		return false;
	if (control_reader_refused(&control->judge) > refused)
		simulation_fails(why_of(control), "a record of the control topic is refused: %s", control->judge.last_refused.text);
	return true;
}

static void activations_judge(struct simulation_control *control)
{
	if (control_reader_generation(&control->judge) == control->activations)
		return;
	control->activations = control_reader_generation(&control->judge);
	control->simulation->result->counts.activations++;
	versions_judge(control);
	split_judge(control);
}

bool simulation_control_judge(struct simulation_control *control, struct error *error)
{
	struct record record;
	for (; simulated_read(control->topic, 0, control->judged, &record); control->judged = record.offset + 1) {
		if (!record_judge(control, &record, error))
			return false;
		activations_judge(control);
		deployments_judge(control);
	}
	return true;
}

/* ---- the end ---- */

static bool tables_are_equal(struct simulation_control *control, const struct ledger *ledger)
{
	struct assignment_tables mine, theirs;
	arena_reset(control->scratch);
	return control_tables_open(&mine, &control->judge.ledger, CONTROL_IN_FORCE, control->scratch) &&
	       control_tables_open(&theirs, ledger, CONTROL_IN_FORCE, control->scratch) && assignment_tables_equal(&mine, &theirs);
}

static void follower_end(struct simulation_control *control, const struct simulation_follower *follower)
{
	const struct ledger *ledger = &follower->reader.ledger;
	for (size_t i = 0; i < control->resource_count; i++)
		if (follower->in_force[i] != control->resources[i].in_force)
			simulation_fails(why_of(control),
					 "%s has version %" PRId64 " of %s in force at the end, and %" PRId64 " is", follower->name,
					 follower->in_force[i], control->resources[i].name, control->resources[i].in_force);
	if (follower->deployment != control->simulation->deployment)
		simulation_fails(why_of(control), "%s has deployment %zu in force at the end, and %zu is", follower->name,
				 follower->deployment, control->simulation->deployment);
	if (!tables_are_equal(control, ledger))
		simulation_fails(why_of(control), "%s has other bucket tables in force at the end", follower->name);
}

void simulation_control_end(struct simulation_control *control)
{
	if (!control->is_there)
		return;
	for (size_t i = 0; i < SIMULATION_APPLIERS; i++)
		if (control->appliers[i].work != SIMULATION_WORK_DONE)
			simulation_fails(why_of(control), "only %zu of %zu changes of an applier are in force in time",
					 control->appliers[i].done, control->appliers[i].count);
	if (control->judge.ledger.accepted > 0)
		simulation_fails(why_of(control), "%zu changes are not decided in time", control->judge.ledger.accepted);
	for (size_t i = 0; i < control->follower_count; i++)
		if (control->followers[i]->host)
			follower_end(control, control->followers[i]);
}
