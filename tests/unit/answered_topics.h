/* answered_topics.h: a pipeline `p` from the mock's topic `in` to `out`, with requests and answers that a test writes: for commands
 * that read what is recorded.
 */
#pragma once

#include "tests/unit/mock_broker.h"
#include "tests/unit/session.h"

#define ANSWERED_GROUP "sluice.default.at-least-once"
#define ANSWERED_HEAD                                                                                                              \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"                                       \
	"  input: {topic: in}\n  steps:\n"
#define ANSWERED_MODEL                                                                                                             \
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: m}\n"                                            \
	"spec: {storageUri: 'http://localhost:1'}\n"
#define ANSWERED_CALLS ANSWERED_HEAD "  - {name: m}\n  output: {steps: [m], topic: out}\n" ANSWERED_MODEL
#define ANSWERED_STAGES                                                                                                            \
	ANSWERED_HEAD "  - {name: m}\n  - {name: twice, isolate: true, inputs: [m], expression: {set: {y: x * 2}}}\n"              \
		      "  output: {steps: [twice], topic: out}\n" ANSWERED_MODEL
#define ANSWERED_REQUESTS 4 /* r-0 to r-3, each with x of its number, of which the group has committed three */

struct answered_topics {
	struct mock mock;
	char path[32]; /* of the pipeline's file */
};

void answered_open(struct answered_topics *topics, const char *yaml);
void answered_close(struct answered_topics *topics);

/* An answer y to the request of that number. */
void answered_write(struct answered_topics *topics, int number, int result);

/* Bytes into `in`, `out`, and the topics of dead letters and of a stage, that begin as something known, and go on as nothing is.
 * Then the group has committed 1,000 requests. */
void answered_hostile(struct answered_topics *topics);

/* Runs `sluice COMMAND p WORDS` on them. */
struct said answered_say(struct answered_topics *topics, const char *command, const char *words);
