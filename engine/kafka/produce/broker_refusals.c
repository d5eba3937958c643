/* broker_refusals.c: see broker_refusals.h. */
#include "kafka/produce/broker_refusals.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/pause.h"
#include "kafka/client.h"
#include "kafka/kafka_log.h"

#define LINE_BYTES 1024

void broker_refusals_note(struct broker_refusals *refusals, const rd_kafka_message_t *report, int64_t now_ms)
{
	char line[LINE_BYTES], leader[64] = "of the brokers";
	if (refusals->is_noted)
		return;
	refusals->pause_ms = pause_next(refusals->pause_ms, BROKER_REFUSALS_PAUSE_MS, BROKER_REFUSALS_PAUSE_MAX_MS);
	refusals->last_ms = now_ms;
	refusals->is_noted = true;
	if (report->partition >= 0)
		(void)snprintf(leader, sizeof leader, "of the broker that leads partition %" PRId32, report->partition);
	(void)snprintf(line, sizeof line,
		       "Kafka: a broker refuses records for topic %s: %s; they are sent again until it takes them, and nothing of "
		       "their partitions is committed before%s. If that lasts, read the log %s",
		       rd_kafka_topic_name(report->rkt), rd_kafka_err2str(report->err), failure_advice(report->err),
		       leader);
	kafka_log_repeat(LOG_LEVEL_WARN, line);
}

int64_t broker_refusals_pause_ms(const struct broker_refusals *refusals)
{
	return refusals->is_noted ? refusals->pause_ms : 0;
}

int64_t broker_refusals_due_ms(const struct broker_refusals *refusals)
{
	return refusals->is_noted ? refusals->last_ms + refusals->pause_ms : 0;
}

void broker_refusals_renew(struct broker_refusals *refusals)
{
	refusals->is_noted = false;
}

void broker_refusals_committed(struct broker_refusals *refusals, int64_t now_ms)
{
	if (refusals->pause_ms == 0 || now_ms - refusals->last_ms < BROKER_REFUSALS_CALM_MS)
		return;
	*refusals = (struct broker_refusals){0};
	kafka_log_repeat(LOG_LEVEL_INFO, "Kafka: brokers take the records again that they refused");
}
