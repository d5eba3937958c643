/* simulation_follower.c: Followers in a simulation run: each reads `control` in the process of a worker, late and in pieces,
 * prepares changes, and reports. See simulation_control.h. */
#include "control/keeper/change_order.h"
#include "message/rows.h"
#include "simulation/simulated_faults.h"
#include "simulation/simulation_parts.h"

#define MS SIMULATION_MS
#define SECOND SIMULATION_SECOND
#define RECORDS_MOST 12 /* of a turn */
#define LATE_IN_THOUSAND 40
#define LATE_US_MOST (8 * SECOND)
#define PREPARES_US_MOST (1500 * MS)
#define FAILS_IN_THOUSAND 40
#define SLOW_IN_THOUSAND 4 /* longer than the keeper waits */
#define REPORT_LOST_IN_THOUSAND 30
#define REPORT_LATE_IN_THOUSAND 60

static int64_t follower_now_us(const struct simulation_follower *follower)
{
	return follower->control->simulation->now_us;
}

/* ---- what is in force ---- */

/* Neither a record that comes late nor a restart brings back an earlier version. */
static void in_force_judge(struct simulation_follower *follower)
{
	struct simulation_control *control = follower->control;
	const struct ledger *ledger = &follower->reader.ledger;
	for (size_t i = 0; i < control->resource_count; i++) {
		const struct simulation_resource *named = &control->resources[i];
		const struct ledger_resource *resource = ledger_resource_find(ledger, text_of(named->kind), text_of(named->name));
		const struct ledger_version *current = resource ? ledger_in_force(ledger, resource) : NULL;
		const int64_t version = current ? current->record.version : 0;
		if (version < follower->in_force[i])
			simulation_fails(control->simulation->result->why,
					 "%s had version %lld of %s in force, and has version %lld again", follower->name,
					 (long long)follower->in_force[i], named->name, (long long)version);
		follower->in_force[i] = version;
	}
}

/* The last deployment whose change is active here. */
static void deployment_find(struct simulation_follower *follower)
{
	const struct simulation_control *control = follower->control;
	const size_t count = control->simulation->scheme.count;
	while (follower->deployment + 1 < count && control->deployed_by[follower->deployment + 1] > 0) {
		const struct ledger_change *change =
			ledger_change_find(&follower->reader.ledger, control->deployed_by[follower->deployment + 1]);
		if (!change || change->record.phase != CHANGE_ACTIVE)
			return;
		follower->deployment++;
	}
}

/* ---- reading ---- */

static bool records_take(struct simulation_follower *follower, int64_t most, struct error *error)
{
	struct simulation_control *control = follower->control;
	const uint64_t generation = control_reader_generation(&follower->reader);
	struct record record;
	for (; most > 0 && simulated_read(control->topic, 0, follower->read, &record); most--) {
		follower->read = record.offset + 1;
		if (!control_reader_take(&follower->reader, record.key, record.value,
					 simulation_control_ms(follower_now_us(follower)), error))
			return false;
	}
	if (control_reader_generation(&follower->reader) == generation)
		return true;
	in_force_judge(follower);
	deployment_find(follower);
	return true;
}

static bool has_more(const struct simulation_follower *follower)
{
	struct record record;
	return simulated_read(follower->control->topic, 0, follower->read, &record);
}

static bool follower_read(struct simulation_follower *follower, struct error *error)
{
	struct simulation_control *control = follower->control;
	const int64_t now_us = follower_now_us(follower), hidden_us = simulated_hidden_until_us(control->topic);
	if (follower->turn_us > now_us || !has_more(follower))
		return true;
	if (hidden_us > now_us) {
		follower->turn_us = hidden_us;
		return true;
	}
	const bool is_late = simulation_control_chance(control, LATE_IN_THOUSAND);
	follower->turn_us = now_us + (is_late ? random_between(control->random, 0, LATE_US_MOST)
					      : random_between(control->random, 1 * MS, 100 * MS));
	return is_late || records_take(follower, random_between(control->random, 1, RECORDS_MOST), error);
}

/* ---- changes ---- */

static struct simulation_prepared *prepared_find(struct simulation_follower *follower, int64_t change)
{
	for (size_t i = 0; i < follower->prepared_count; i++)
		if (follower->prepared[i].change == change)
			return &follower->prepared[i];
	return NULL;
}

static void prepared_sweep(struct simulation_follower *follower)
{
	size_t count = 0;
	for (size_t i = 0; i < follower->prepared_count; i++) {
		const struct ledger_change *change = ledger_change_find(&follower->reader.ledger, follower->prepared[i].change);
		if (change && change->record.phase == CHANGE_ACCEPTED)
			follower->prepared[count++] = follower->prepared[i];
	}
	follower->prepared_count = count;
}

/* The first change that is not prepared, one at a time. */
static void changes_prepare(struct simulation_follower *follower)
{
	struct simulation_control *control = follower->control;
	const int64_t now_us = follower_now_us(follower);
	const struct ledger_change *change;
	prepared_sweep(follower);
	for (size_t i = 0; i < follower->prepared_count; i++)
		if (follower->prepared[i].due_us > now_us)
			return;
	LIST_EACH_CHANGE(&follower->reader.ledger, change)
	{
		if (change->record.phase != CHANGE_ACCEPTED || prepared_find(follower, change->record.number) ||
		    change_waits(&follower->reader.ledger, change))
			continue;
		if (follower->prepared_count == SIMULATION_PREPARED_MAX)
			return;
		const bool is_slow = simulation_control_chance(control, SLOW_IN_THOUSAND);
		const int64_t most_us = is_slow ? (KEEPER_DEADLINE_MS + 5000) * MS : PREPARES_US_MOST;
		follower->prepared[follower->prepared_count++] =
			(struct simulation_prepared){.change = change->record.number,
						     .due_us = now_us + random_between(control->random, most_us / 4, most_us),
						     .fails = simulation_control_chance(control, FAILS_IN_THOUSAND)};
		return;
	}
}

/* ---- reports ---- */

static bool report_write(struct simulation_follower *follower, struct error *error)
{
	struct simulation_control *control = follower->control;
	int64_t prepared[SIMULATION_PREPARED_MAX];
	struct failed_change failed[SIMULATION_PREPARED_MAX];
	struct engine_report report = {.namespace = text_of(control->options.namespace),
				       .engine = text_of(follower->name),
				       .started_ms = follower->started_ms,
				       .sequence = ++follower->sequence,
				       .prepared = {0, prepared},
				       .failed = {0, failed}};
	for (size_t i = 0; i < follower->prepared_count; i++) {
		const struct simulation_prepared *one = &follower->prepared[i];
		if (one->due_us > follower_now_us(follower))
			continue;
		if (one->fails)
			failed[report.failed.count++] = (struct failed_change){one->change, TEXT("it cannot run here")};
		else
			prepared[report.prepared.count++] = one->change;
	}
	buffer_clear(&control->bytes);
	buffer_clear(&control->key);
	report_key(report.engine, &control->key);
	return record_encode(&report_form, &report, &control->bytes, error);
}

/* The next report follows within a second, so a lost one does no harm; neither does one that comes after it. */
static bool report_send(struct simulation_follower *follower, struct error *error)
{
	struct simulation_control *control = follower->control;
	if (!report_write(follower, error))
		return false;
	if (simulation_control_chance(control, REPORT_LOST_IN_THOUSAND))
		return true;
	if (!follower->late.bytes && simulation_control_chance(control, REPORT_LATE_IN_THOUSAND)) {
		follower->late = text_copied(control->simulation->arena, buffer_view(&control->bytes));
		follower->late_us = follower_now_us(follower) + random_between(control->random, 0, 3 * SECOND);
		return true;
	}
	return simulation_control_append(control, control->status, buffer_view(&control->key), buffer_view(&control->bytes), error);
}

static bool late_send(struct simulation_follower *follower, struct error *error)
{
	struct simulation_control *control = follower->control;
	const struct text late = follower->late;
	if (!late.bytes || follower->late_us > follower_now_us(follower))
		return true;
	follower->late = (struct text){0};
	buffer_clear(&control->key);
	report_key(text_of(follower->name), &control->key);
	return simulation_control_append(control, control->status, buffer_view(&control->key), late, error);
}

/* When a preparation ends, or within a second. */
static int64_t report_due_us(const struct simulation_follower *follower)
{
	int64_t due_us = follower->report_us;
	const int64_t last_us = follower->report_us - SECOND;
	for (size_t i = 0; i < follower->prepared_count; i++)
		if (follower->prepared[i].due_us > last_us)
			due_us = simulation_earlier(due_us, follower->prepared[i].due_us);
	return due_us;
}

/* ---- the process ---- */

bool simulation_follower_start(struct simulation_follower *follower, struct simulated_host *host, struct error *error)
{
	struct simulation_control *control = follower->control;
	follower->host = host;
	follower->started_ms = simulation_control_ms(follower_now_us(follower));
	follower->read = follower->turn_us = follower->sequence = 0;
	follower->report_us = follower_now_us(follower);
	follower->deployment = follower->prepared_count = 0;
	follower->late = (struct text){0};
	follower->is_open = true;
	return control_reader_open(&follower->reader, control->options.namespace, follower->started_ms, error) &&
	       records_take(follower, INT64_MAX, error);
}

void simulation_follower_stop(struct simulation_follower *follower)
{
	if (follower->is_open)
		control_reader_close(&follower->reader);
	follower->is_open = false;
	follower->host = NULL;
}

bool simulation_follower_live(struct simulation_follower *follower, struct error *error)
{
	const int64_t now_us = follower_now_us(follower);
	if (!follower->host || simulated_host_free_us(follower->host, true) > now_us)
		return true;
	if (!late_send(follower, error) || !follower_read(follower, error))
		return false;
	changes_prepare(follower);
	if (report_due_us(follower) > now_us)
		return true;
	follower->report_us = now_us + SECOND;
	return report_send(follower, error);
}

int64_t simulation_follower_due_us(const struct simulation_follower *follower)
{
	if (!follower->host)
		return INT64_MAX;
	int64_t due_us = report_due_us(follower);
	if (has_more(follower))
		due_us = simulation_earlier(due_us, follower->turn_us);
	if (follower->late.bytes)
		due_us = simulation_earlier(due_us, follower->late_us);
	return simulation_later(due_us, simulated_host_free_us(follower->host, true));
}
