/* carrier.c: see carrier.h. */
#include "serving/carrier.h"

#include "serving/merge.h"

/* ---- going along ---- */

size_t carriers_rows_most(const struct carriers *carriers)
{
	return carriers->whole || carriers->batching->rows_most == 0 ? 1 : carriers->batching->rows_most;
}

static bool may_merge(const struct carriers *carriers, const struct errand *errand)
{
	return carriers_rows_most(carriers) > 1 && merge_rows(errand) > 0;
}

/* The rows that could go with the first in line, at most as many as go into a call. */
static size_t rows_at_hand(const struct carriers *carriers)
{
	const struct errand *first = carriers->roster->line.first;
	size_t rows = merge_rows(first), most = carriers->batching->rows_most, looked = 0;
	for (const struct errand *other = first->next; other && rows < most && looked < LOOKED_THROUGH_MAX; other = other->next) {
		looked++;
		if (merge_rows(other) > 0 && merge_fits(first, other))
			rows += merge_rows(other);
	}
	return rows < most ? rows : most;
}

int64_t carriers_due_us(const struct carriers *carriers, int64_t now_us)
{
	const struct errand *first = carriers->roster->line.first;
	if (!may_merge(carriers, first))
		return 0;
	int64_t due_us = window_due_us(&carriers->window, first->at_us, carriers->roster->sent.count);
	return now_us < due_us && rows_at_hand(carriers) < carriers->batching->rows_most ? due_us : 0;
}

/* Takes those that fit out of the line, the first of which is out already; how many they are. */
static size_t take_members(struct carriers *carriers, struct errand *carrier, struct errand *first)
{
	struct errands *line = &carriers->roster->line;
	size_t most = carriers->batching->rows_most, looked = 0, count = 0;
	struct errand **link = &first->next_member;
	carrier->members = first;
	carrier->rows = first->rows = merge_rows(first);
	for (struct errand *other = line->first, *next; other && looked < LOOKED_THROUGH_MAX; other = next, looked++) {
		next = other->next;
		size_t rows = merge_rows(other);
		if (rows == 0 || carrier->rows + rows > most || !merge_fits(first, other))
			continue;
		errands_remove(line, other);
		*link = other;
		link = &other->next_member;
		other->rows = rows;
		carrier->rows += rows;
	}
	*link = NULL;
	for (struct errand *member = first; member; member = member->next_member, count++) {
		member->state = ERRAND_MERGED;
		member->attempts.call->where = CALL_SENT;
		member->carrier = carrier;
	}
	return count;
}

static void carrier_begin(const struct carriers *carriers, struct errand *carrier)
{
	int64_t batch_ms = carriers->batching->timeout_ms;
	attempts_begin(&carrier->attempts, &carrier->carriage->call, 0);
	carrier->attempts.timeout_ms = batch_ms ? batch_ms : carrier->members->attempts.timeout_ms;
}

struct errand *carriers_take(struct carriers *carriers)
{
	struct roster *roster = carriers->roster;
	struct errand *first = errands_take(&roster->line);
	first->next_member = NULL;
	if (!may_merge(carriers, first))
		return first;
	struct errand *carrier = roster->line.first ? roster_take(roster) : NULL;
	size_t count = carrier ? take_members(carriers, carrier, first) : 1;
	window_left(&carriers->window, count, carrier && roster->line.first);
	if (count == 1) {
		if (carrier)
			roster_give(roster, carrier);
		return first;
	}
	carriers->merged += count;
	if (merge_load(carrier)) {
		carrier_begin(carriers, carrier);
		return carrier;
	}
	carrier_unload(roster, carrier);
	return carriers_take(carriers);
}

static void unload(struct roster *roster, struct errand *carrier)
{
	struct errand *members[LOOKED_THROUGH_MAX + 1];
	size_t count = 0;
	for (struct errand *member = carrier->members; member; member = member->next_member)
		members[count++] = member;
	while (count > 0) {
		struct errand *member = members[--count];
		if (member->attempts.call)
			roster_wait(roster, member, true);
		else
			roster_give(roster, member);
	}
	roster_give(roster, carrier);
}

void carrier_unload(struct roster *roster, struct errand *carrier)
{
	for (struct errand *member = carrier->members; member; member = member->next_member)
		member->alone = true;
	unload(roster, carrier);
}

void carrier_recalled(struct roster *roster, struct errand *carrier)
{
	for (struct errand *member = carrier->members; member; member = member->next_member) {
		member->replica = carrier->replica;
		errand_recalled(member);
	}
	unload(roster, carrier);
}

bool carrier_forgets(struct errand *member)
{
	member->attempts.call = NULL;
	for (const struct errand *other = member->carrier->members; other; other = other->next_member)
		if (other->attempts.call)
			return false;
	return true;
}

/* ---- what came of it ---- */

bool outcome_split(struct outcome *outcome, struct carriers *carriers, struct errand *carrier, const struct attempt *attempt)
{
	const struct payload *reply = attempt->status == 200 ? attempt->payload : NULL;
	*outcome = (struct outcome){
		.roster = carriers->roster, .carrier = carrier, .next = carrier->members, .reply = reply, .attempt = *attempt};
	if (reply ? merge_is_by_rows(reply, carrier->rows) : attempt_is_failure(attempt))
		return true;
	carriers->whole = carriers->whole || reply;
	carrier_unload(carriers->roster, carrier);
	return false;
}

static void cut_part(struct outcome *outcome, const struct errand *member, size_t row)
{
	outcome->attempt.payload = merge_part(member, outcome->reply, row);
	outcome->attempt.fault = NULL;
	if (outcome->attempt.payload)
		return;
	error_memory(&outcome->fault, ERROR_LIMIT, "taking a model's reply");
	outcome->attempt.fault = &outcome->fault;
}

struct errand *outcome_next(struct outcome *outcome)
{
	for (struct errand *member; (member = outcome->next);) {
		size_t row = outcome->row;
		outcome->next = member->next_member;
		outcome->row += member->rows;
		if (!member->attempts.call) {
			roster_give(outcome->roster, member);
			continue;
		}
		if (outcome->reply) {
			cut_part(outcome, member, row);
		} else {
			member->alone = outcome->attempt.end != ATTEMPT_REFUSED;
			member->answers_seen = outcome->carrier->answers_seen;
			member->replica = outcome->carrier->replica;
		}
		return member;
	}
	roster_give(outcome->roster, outcome->carrier);
	return NULL;
}
