/* simulation_keeper.c: Candidates for the keeper in a simulation run: the terms of control/keeper/keeper_service.c, on the
 * simulated Kafka. See simulation_control.h. */
#include "simulation/simulation_parts.h"
#include "simulation/simulated_faults.h"

#include <inttypes.h>

#define MS SIMULATION_MS
#define KEEPER_ID "sluice.default.keeper"
#define SPREAD_US (300 * MS)
#define AGAIN_US (500 * MS) /* after a term that failed */
#define STEPS_A_TURN 1000

static int64_t keeper_now_ms(const struct simulation_keeper *keeper)
{
	return simulation_control_ms(keeper->control->simulation->now_us) + keeper->ahead_ms;
}

bool simulation_keeper_rules(const struct simulation_keeper *keeper)
{
	return keeper->keeper != NULL;
}

static void term_end(struct simulation_keeper *keeper, const char *why)
{
	struct simulation *simulation = keeper->control->simulation;
	if (keeper->keeper)
		simulation_tell(simulation, keeper->name, "is no longer the keeper: %s", why);
	simulated_fenced_writer_close(keeper->writer);
	keeper_close(keeper->keeper);
	keeper->writer = NULL;
	keeper->keeper = NULL;
	keeper->heard_us = simulation->now_us;
}

void simulation_keeper_kill(struct simulation_keeper *keeper, int64_t start_us)
{
	if (!keeper->host)
		return;
	simulated_host_kill(keeper->host);
	term_end(keeper, "it is killed");
	keeper->host = NULL;
	keeper->start_us = start_us;
}

/* ---- what is read ---- */

/* NULL bytes of its value and key: there is nothing now. */
static bool status_next(struct simulation_keeper *keeper, struct record *record)
{
	bool found = simulated_read(keeper->control->status, 0, keeper->status_read, record);
	if (found)
		keeper->status_read = record->offset + 1;
	return found;
}

static void beat_take(struct simulation_keeper *keeper, struct text value)
{
	struct simulation *simulation = keeper->control->simulation;
	struct control_keeper beat;
	struct error broken = {0};
	arena_reset(keeper->control->scratch);
	if (record_decode(&keeper_form, value, keeper->control->scratch, &beat, &broken) && beat.epoch >= keeper->heard_epoch) {
		keeper->heard_epoch = beat.epoch;
		keeper->heard_us = simulation->now_us;
	}
}

/* ---- a term ---- */

static void step_commit(struct simulation_keeper *keeper)
{
	const struct keeper_record *records;
	size_t count = keeper_records(keeper->keeper, &records);
	for (size_t i = 0; i < count; i++)
		simulated_fenced_writer_add(keeper->writer, records[i].key, records[i].value);
	if (count > 0)
		simulated_fenced_writer_commit(keeper->writer);
}

/* The id is taken: so nothing is added to what is read now. */
static bool term_begin(struct simulation_keeper *keeper, struct error *error)
{
	struct simulation_control *control = keeper->control;
	struct simulation *simulation = control->simulation;
	struct record record;
	control->options.engine = keeper->name;
	keeper->keeper = keeper_open(&control->options, error);
	bool good = keeper->keeper != NULL;
	for (int64_t at = 0; good && simulated_read(control->topic, 0, at, &record); at = record.offset + 1)
		good = keeper_restore(keeper->keeper, record.key, record.value, record.offset, error);
	if (!good || !keeper_begin(keeper->keeper, keeper_now_ms(keeper), error))
		return false;
	keeper->proposals_read = keeper_resume(keeper->keeper);
	keeper->heard_epoch = keeper_ledger(keeper->keeper)->epoch;
	keeper->beat_us = keeper->seen_us = simulation->now_us;
	simulation->result->counts.terms++;
	simulation_tell(simulation, keeper->name, "is the keeper, epoch %" PRId64, keeper->heard_epoch);
	step_commit(keeper);
	return true;
}

/* NULL: no other keeper took over, as far as that is known without a transaction. */
static const char *term_ends(struct simulation_keeper *keeper)
{
	const int64_t now_us = keeper->control->simulation->now_us, paused_us = now_us - keeper->seen_us;
	keeper->seen_us = now_us;
	if (keeper->heard_epoch > keeper_ledger(keeper->keeper)->epoch)
		return "another one took over";
	return paused_us >= KEEPER_ABSENT_MS * MS ? "it was stopped, or waited for Kafka" : NULL;
}

static bool status_step(struct simulation_keeper *keeper, bool *found, struct error *error)
{
	struct record record;
	if (!status_next(keeper, &record))
		return true;
	*found = true;
	if (text_equal(record.key, KEEPER_KEY)) {
		beat_take(keeper, record.value);
		return true;
	}
	if (!keeper_report(keeper->keeper, record.value, keeper_now_ms(keeper), error))
		return false;
	step_commit(keeper);
	return true;
}

static bool proposals_step(struct simulation_keeper *keeper, bool *found, struct error *error)
{
	struct record record;
	if (!simulated_read(keeper->control->proposals, 0, keeper->proposals_read, &record))
		return true;
	*found = true;
	keeper->proposals_read = record.offset + 1;
	if (!keeper_propose(keeper->keeper, record.offset, record.value, keeper_now_ms(keeper), error))
		return false;
	step_commit(keeper);
	return true;
}

static bool beat_send(struct simulation_keeper *keeper, struct error *error)
{
	struct simulation_control *control = keeper->control;
	const struct control_keeper beat = {.namespace = text_of(control->options.namespace),
					    .epoch = keeper_ledger(keeper->keeper)->epoch,
					    .keeper = text_of(keeper->name),
					    .time_ms = keeper_now_ms(keeper)};
	const int64_t now_us = control->simulation->now_us;
	keeper->beat_us = now_us + KEEPER_BEAT_MS * MS;
	buffer_clear(&control->bytes);
	return simulated_host_free_us(keeper->host, true) > now_us ||
	       (record_encode(&keeper_form, &beat, &control->bytes, error) &&
		simulation_control_append(control, control->status, KEEPER_KEY, buffer_view(&control->bytes), error));
}

static bool is_ready(const struct simulation_keeper *keeper)
{
	return simulated_fenced_writer_state(keeper->writer) == SIMULATED_WRITER_READY;
}

/* One record of each topic, and what is due. `found`: there may be more. */
static bool term_step(struct simulation_keeper *keeper, bool *found, struct error *error)
{
	const char *why = term_ends(keeper);
	const bool reads = simulated_host_free_us(keeper->host, true) <= keeper->control->simulation->now_us;
	if (why) {
		term_end(keeper, why);
		return true;
	}
	if ((reads && !status_step(keeper, found, error)) || (is_ready(keeper) && reads && !proposals_step(keeper, found, error)))
		return false;
	if (is_ready(keeper) && keeper_now_ms(keeper) >= keeper_due(keeper->keeper)) {
		if (!keeper_tick(keeper->keeper, keeper_now_ms(keeper), error))
			return false;
		step_commit(keeper);
	}
	return keeper->beat_us > keeper->control->simulation->now_us || beat_send(keeper, error);
}

static bool term_live(struct simulation_keeper *keeper, struct error *error)
{
	bool found = true;
	for (int i = 0; i < STEPS_A_TURN && found && keeper->keeper && is_ready(keeper); i++) {
		found = false;
		if (!term_step(keeper, &found, error))
			return false;
	}
	if (keeper->keeper && simulated_fenced_writer_state(keeper->writer) == SIMULATED_WRITER_FAILED)
		term_end(keeper, "its transaction failed");
	return true;
}

/* ---- a candidate ---- */

static bool candidate_live(struct simulation_keeper *keeper, struct error *error)
{
	struct simulation_control *control = keeper->control;
	const int64_t now_us = control->simulation->now_us;
	struct record record;
	while (simulated_host_free_us(keeper->host, true) <= now_us && status_next(keeper, &record))
		if (text_equal(record.key, KEEPER_KEY))
			beat_take(keeper, record.value);
	if (now_us < keeper->heard_us + KEEPER_ABSENT_MS * MS + (keeper - control->keepers) * SPREAD_US)
		return true;
	keeper->writer = control->simulation->config->platform->fenced_writer_open(keeper->host, KEEPER_ID,
										   SIMULATION_CONTROL_TOPIC, &control->wakes);
	return keeper->writer || error_memory(error, ERROR_SYSTEM, "simulating a keeper");
}

static bool taking_live(struct simulation_keeper *keeper, struct error *error)
{
	struct simulation_control *control = keeper->control;
	const int64_t now_us = control->simulation->now_us;
	if (simulated_fenced_writer_state(keeper->writer) == SIMULATED_WRITER_FAILED) {
		term_end(keeper, "");
		return true;
	}
	return !is_ready(keeper) || simulated_host_free_us(keeper->host, true) > now_us ||
	       simulated_hidden_until_us(control->topic) > now_us || term_begin(keeper, error);
}

bool simulation_keeper_live(struct simulation_keeper *keeper, struct error *error)
{
	struct simulation *simulation = keeper->control->simulation;
	if (!keeper->host) {
		if (simulation->now_us < keeper->start_us)
			return true;
		keeper->host = simulated_host_open(simulation->kafka, keeper->name);
		if (!keeper->host)
			return error_memory(error, ERROR_SYSTEM, "simulating a keeper");
		keeper->heard_us = simulation->now_us;
	}
	if (simulated_host_free_us(keeper->host, false) > simulation->now_us)
		return true;
	if (!keeper->writer && !candidate_live(keeper, error))
		return false;
	if (keeper->writer && !keeper->keeper && !taking_live(keeper, error))
		return false;
	return !keeper->keeper || term_live(keeper, error);
}

/* Of what does not come by a topic or from the writer. */
int64_t simulation_keeper_due_us(const struct simulation_keeper *keeper)
{
	const struct simulation_control *control = keeper->control;
	const int64_t now_us = control->simulation->now_us;
	if (!keeper->host)
		return keeper->start_us;
	int64_t due_us = INT64_MAX;
	const int64_t connected_us = simulated_host_free_us(keeper->host, true);
	if (!keeper->writer) {
		due_us = keeper->heard_us + KEEPER_ABSENT_MS * MS + (keeper - control->keepers) * SPREAD_US;
	} else if (is_ready(keeper) && !keeper->keeper) {
		due_us = simulation_later(connected_us, simulated_hidden_until_us(control->topic));
	} else if (is_ready(keeper)) {
		const int64_t tick_ms = keeper_due(keeper->keeper);
		if (tick_ms != INT64_MAX)
			due_us = (tick_ms - keeper->ahead_ms - LOOP_VIRTUAL_EPOCH_MS) * MS;
		due_us = simulation_earlier(due_us, keeper->beat_us);
	}
	if (connected_us > now_us) /* it has not read what came meanwhile */
		due_us = simulation_earlier(due_us, connected_us);
	return simulation_later(due_us, simulated_host_free_us(keeper->host, false));
}
