/* case_workers.h: Workers for the requests of a case, on a Kafka and models simulated in memory, under a virtual clock.
 *
 * It is case_engine.h without Kafka: setups are made as an engine makes them, and each group has one worker, so that the
 * case runs through its stages and topics. Everything runs in the calling thread. */
#ifndef SLUICE_CLI_CASE_WORKERS_H
#define SLUICE_CLI_CASE_WORKERS_H

#include "cli/case_engine.h"
#include "simulation/case_judge.h"

struct case_workers;

/* As case_engine_open(); `config->brokers` is not used. The models are those of the world, which has run. CONFIG:
 * no engine starts with the files. */
struct case_workers *case_workers_open(const struct case_engine_config *config, struct case_world *played,
				       struct error *error);
void case_workers_close(struct case_workers *workers); /* NULL is fine */

/* As case_engine_run(), but for records that do not come, which is no error here. */
bool case_workers_run(struct case_workers *workers, struct error *error);
/* The number of attempts of the model, by its name on a server. */
int64_t case_workers_calls(const struct case_workers *workers, const char *model);

#endif
