/* heard_facts.h: Facts that librdkafka's log lines have reported lately. Every client and every handle of a broker tells the same
 * outage: each fact is logged once in HEARD_FACT_MS, and the other lines are counted.
 *
 * Lines tell the same fact if they differ only in numbers, in the handle of the broker (`127.0.0.1:9092/1`, `/bootstrap`,
 * `GroupCoordinator: 127.0.0.1:9092`), and in what is in parentheses at their end, as "(after 9005ms in state UP)". Pure; the
 * caller has a lock.
 */
#ifndef SLUICE_LOG_HEARD_FACTS_H
#define SLUICE_LOG_HEARD_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#define HEARD_FACT_MS 30000
#define HEARD_FACTS 32 /* that are remembered at a time; of more, the one that was logged first is forgotten */

struct heard_fact {
	uint64_t hash; /* 0: empty */
	int64_t logged_ms;
	uint64_t more; /* lines since then */
};

/* Starts as `{0}`. */
struct heard_facts {
	struct heard_fact items[HEARD_FACTS];
	uint64_t unlogged; /* lines of facts that were forgotten, or lately reported by nothing but their count */
};

/* Whether the line is logged. Then `more` is the number of lines that were not, of the same fact, since it was logged last. */
bool heard_facts_take(struct heard_facts *facts, const char *line, int64_t now_ms, uint64_t *more);

/* Forgets all facts. The number of lines that were not logged, and that no later line has counted. */
uint64_t heard_facts_end(struct heard_facts *facts);

#endif
