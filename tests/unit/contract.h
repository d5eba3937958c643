/* contract.h: Promises of consumers and outputs, as stories that are told once and hold
 * on whatever stands behind them: on the simulated Kafka (contract_test.c), and on a real Kafka
 * (tests/kafka/contract.c). So the simulated Kafka cannot be wrong in the same way as the code.
 */
#pragma once

#include "kafka/produce/output.h"

#define CONTRACT_LATE_MS 2000 /* what is held back goes on after that, or when it is released */

enum contract_request { CONTRACT_SENDS_OFFSETS, CONTRACT_ENDS_TRANSACTION };

/* What the stories stand on. Functions that open fail the story themselves. */
struct contract_platform {
	void *context;
	struct consumer *(*consumer_open)(void *context, const struct consumer_config *config);
	struct output *(*output_open)(void *context, const struct transaction_config *config, const struct consumer *consumer);
	void (*topic)(void *context, const char *name, int32_t partitions); /* a new one */
	void (*pass)(void *context, int ms);				   /* so much time goes by */
	/* The next such request of an output's producer is held. */
	void (*hold)(void *context, enum contract_request request, bool breaks);
	void (*held)(void *context, bool breaks); /* once it was sent: `breaks`: its connection does, so it is sent again */
	void (*release)(void *context);		  /* it arrives */
};

struct contract {
	const struct contract_platform *platform;
	const char *name; /* of the story: no two use the same topics or groups */
	long run;
	char in[96], out[96], group[96], id[96];
	char why[256]; /* what did not hold */
};

struct contract_story {
	const char *name;
	bool (*holds)(struct contract *contract);
};

extern const struct contract_story contract_stories[];
extern const size_t contract_count;

/* Fills in names, makes topics, and tells the story. */
bool contract_holds(struct contract *contract, const struct contract_story *story);
