/* applier.h: Applier: reads what `control` contains for a command, sends proposals, and waits for their verdicts.
 *
 * Belongs to one thread, and waits for Kafka.
 */
#pragma once

#include "control/records/control_topics.h"
#include "control/records/ledger.h"

#define APPLIER_SEND_MS 10000

struct applier;

struct applier_config {
	const char *brokers;
	struct properties consumer, producer; /* settings of librdkafka */
	struct control_topics topics;	      /* they exist (control_topics_ensure()) */
	const char *namespace;
};

/* Reads `control` to its end. Everything in the configuration is borrowed as long as the applier lives. CONFIG: a topic
 * is missing. SYSTEM: Kafka does not answer. */
struct applier *applier_open(const struct applier_config *config, struct error *error);
void applier_close(struct applier *applier); /* NULL is fine */

/* What has been read so far; borrowed until the next applier_follow(). */
const struct ledger *applier_ledger(const struct applier *applier);

/* Fills in the proposal's id (if empty, a random one, of APPLIER_ID_BYTES), namespace and time, and sends it, in parts
 * if it is larger than a record. When it returns, Kafka has it. LIMIT: a document, or the whole, is too large. */
#define APPLIER_ID_BYTES 32
bool applier_send(struct applier *applier, struct proposal *proposal, char id[APPLIER_ID_BYTES + 1], struct error *error);

/* Reads the records of `control` that have arrived; waits at most `wait_ms` for the first one. SYSTEM: nothing more can
 * be read. */
bool applier_follow(struct applier *applier, int wait_ms, struct error *error);

/* For how long no broker has answered the applier, which is to be asked every second: reader_silent_ms(). */
int64_t applier_silent_ms(const struct applier *applier);

/* Reads until the verdict on that proposal is there. `*verdict` is NULL if there is none after `wait_ms`. */
bool applier_wait(struct applier *applier, struct text id, int64_t wait_ms, const struct control_verdict **verdict,
		  struct error *error);
