/* day_loss.c: see day_loss.h. */
#include "cli/day_loss.h"

#include <string.h>

#include "cli/day_parts.h"

#define FIRST_US (1 * DAY_SECOND)
#define LAST_US (8 * DAY_SECOND)
#define QUIET_US (20 * DAY_SECOND) /* then each transaction has timed out, and no late request is on its way */
#define END_RECORDS 4 /* that are lost of an end, at most */
#define START_US (1 * DAY_SECOND)

void day_loss_draw(struct day *day)
{
	struct day_loss *loss = &day->loss;
	struct random *random = &day->wide[DAY_BEREFT];
	loss->kind = (enum day_loss_kind)random_below(random, DAY_LOSS_KINDS);
	loss->stop_us = random_between(random, FIRST_US, LAST_US);
	loss->loss_us = loss->stop_us + QUIET_US;
	for (size_t i = 0; i < day->fault_count; i++)
		if (day->faults[i].due_us >= loss->stop_us)
			day->faults[i].due_us += QUIET_US + START_US;
	day->calm_us = day_later(day->calm_us, loss->stop_us) + QUIET_US + START_US;
}

int64_t day_loss_due_us(const struct day_loss *loss)
{
	if (loss->loss_us == 0)
		return INT64_MAX;
	return loss->stopped ? loss->loss_us : loss->stop_us;
}

bool day_loss_note(struct day_loss *loss, const char *why)
{
	bool tells = loss->lost && strstr(why, "state of pipeline");
	loss->told |= tells;
	return tells;
}

static void workers_kill(struct day *day, int64_t start_us)
{
	for (size_t i = 0; i < day->worker_count; i++) {
		day_worker_end(&day->workers[i], true, start_us);
		day->workers[i].start_us = start_us + random_between(&day->wide[DAY_BEREFT], 0, START_US);
	}
}

/* Exactly once, each committed record is referred to; else one whose offsets are not committed yet is not missed. */
static void changelog_cut(struct day *day, const char *name)
{
	struct twin_topic *topic = twin_find(day->twin, name);
	bool all = day->loss.kind == DAY_LOSS_OF_ALL || !day->config->exactly_once;
	for (int32_t i = 0; i < twin_topic_partitions(topic); i++) {
		size_t records = all ? SIZE_MAX : (size_t)random_between(&day->wide[DAY_BEREFT], 1, END_RECORDS);
		day->loss.lost |= twin_cut(topic, i, records);
	}
}

static void state_lose(struct day *day)
{
	day_tell(day, "the day", "Kafka loses %s",
		 day->loss.kind == DAY_LOSS_OF_REFERENCES ? "the metadata of commits" : "records of changelogs");
	if (day->loss.kind == DAY_LOSS_OF_REFERENCES) {
		twin_forget_references(day->twin);
		return;
	}
	for (size_t i = 0; i < day->line_count; i++) {
		const struct pipeline_plan *pipeline = day_scheme_pipeline(&day->scheme, 0, day->lines[i].name);
		for (size_t j = 0; pipeline && j < pipeline->topic_count; j++)
			if (pipeline->topics[j].role == TOPIC_STATE)
				changelog_cut(day, pipeline->topics[j].name);
	}
}

void day_loss_strike(struct day *day)
{
	struct day_loss *loss = &day->loss;
	if (day_loss_due_us(loss) > day->now_us)
		return;
	if (!loss->stopped) {
		workers_kill(day, loss->loss_us);
		loss->stopped = true;
	} else {
		state_lose(day);
		loss->loss_us = 0;
	}
}
