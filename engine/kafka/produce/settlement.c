/* settlement.c: see settlement.h. */
#include "kafka/produce/settlement.h"

#include <assert.h>

static void settlement_finish(struct settlement *settlement, enum transaction_news news)
{
	settlement->call = SETTLEMENT_OVER;
	settlement->news = news;
}

static void pause_before(struct settlement *settlement, enum settlement_call again)
{
	settlement->call = SETTLEMENT_PAUSE;
	settlement->paused = again;
}

static void settlement_begin(struct settlement *settlement, unsigned closed)
{
	settlement->closed_at_begin = closed;
	settlement->call = SETTLEMENT_BEGIN;
}

static void doubt(struct settlement *settlement, unsigned closed, bool has_asked)
{
	settlement->doubted = true;
	settlement->maybe_committed = has_asked && settlement->call == SETTLEMENT_COMMIT;
	settlement->closed = closed - settlement->closed_at_begin;
	settlement->call = SETTLEMENT_OPEN;
}

static bool has_offsets(struct positions positions)
{
	for (size_t i = 0; i < positions.count; i++)
		if (positions.items[i].offset != OFFSET_NONE)
			return true;
	return false;
}

void settlement_start(struct settlement *settlement)
{
	*settlement = (struct settlement){.call = SETTLEMENT_OPEN};
}

void settlement_end(struct settlement *settlement, struct positions positions, unsigned closed)
{
	assert(settlement->call == SETTLEMENT_OVER); /* the transaction is open */
	*settlement = (struct settlement){
		.call = has_offsets(positions) ? SETTLEMENT_SEND_OFFSETS : SETTLEMENT_COMMIT,
		.positions = positions,
		.ending = true,
		.closed_at_begin = settlement->closed_at_begin,
	};
	if (closed != settlement->closed_at_begin)
		doubt(settlement, closed, false);
}

/* The next transaction is open. */
static void begun(struct settlement *settlement)
{
	if (!settlement->ending)
		settlement_finish(settlement, NEWS_STARTED);
	else if (!settlement->doubted)
		settlement_finish(settlement, NEWS_COMMITTED);
	else if (settlement->positions.count > 0)
		settlement->call = SETTLEMENT_READ_COMMITTED;
	else
		settlement_finish(settlement, NEWS_RESET);
}

/* Retries later. A transaction that was open is given up first. */
static void settlement_failed(struct settlement *settlement, unsigned closed, bool has_asked)
{
	bool was_open = settlement->ending && !settlement->doubted;
	if (was_open)
		doubt(settlement, closed, has_asked);
	else
		pause_before(settlement,
			     settlement->call == SETTLEMENT_READ_COMMITTED ? SETTLEMENT_READ_COMMITTED : SETTLEMENT_OPEN);
}

void settlement_took(struct settlement *settlement, enum settlement_outcome outcome, unsigned closed)
{
	assert(settlement->call != SETTLEMENT_OVER); /* no call is in progress whose result could be taken */
	if (outcome == SETTLEMENT_HOPELESS) {
		settlement_finish(settlement, NEWS_BROKEN);
		return;
	}
	if (outcome == SETTLEMENT_FAILED || outcome == SETTLEMENT_REFUSED) {
		settlement_failed(settlement, closed, outcome == SETTLEMENT_FAILED);
		return;
	}
	switch (settlement->call) {
	case SETTLEMENT_OVER:
		break;
	case SETTLEMENT_OPEN:
		settlement_begin(settlement, closed);
		break;
	case SETTLEMENT_BEGIN:
		begun(settlement);
		break;
	case SETTLEMENT_SEND_OFFSETS:
		settlement->call = SETTLEMENT_COMMIT;
		break;
	case SETTLEMENT_COMMIT: /* one that was sent twice also reports success */
		if (closed == settlement->closed_at_begin)
			settlement_begin(settlement, closed);
		else
			doubt(settlement, closed, true);
		break;
	case SETTLEMENT_READ_COMMITTED:
		settlement_finish(settlement, NEWS_RESET);
		break;
	case SETTLEMENT_PAUSE:
		settlement->call = settlement->paused;
		break;
	}
}

/* Whether the partition tells if the transaction that is in doubt was committed. Beyond its offset somebody else has committed. */
static bool is_telling(int64_t sent, const struct committed_offset *committed)
{
	return sent != OFFSET_NONE && !committed->is_denied && committed->offset <= sent;
}

bool settlement_resolve(struct settlement *settlement, const struct committed_offset *committed)
{
	struct positions positions = settlement->positions;
	bool is_known = !settlement->maybe_committed, is_missed = false, was_committed = settlement->maybe_committed;
	for (size_t i = 0; i < positions.count; i++) {
		const int64_t sent = positions.items[i].offset;
		const bool tells = is_telling(sent, &committed[i]);
		is_missed = is_missed || (committed[i].is_denied && sent != OFFSET_NONE);
		is_known = is_known || tells;
		was_committed = was_committed && (!tells || committed[i].offset == sent); /* in doubt, rather repeated than lost */
	}
	if (is_missed && !is_known)
		return false;
	for (size_t i = 0; i < positions.count; i++) {
		struct position *position = &positions.items[i];
		if (!committed[i].is_denied)
			position->offset = committed[i].offset;
		else if (position->offset == OFFSET_NONE || !was_committed)
			position->offset = OFFSET_UNKNOWN;
	}
	return true;
}
