/* deployment_topics.h: the topics that a deployment needs, as log/topics.h wants them. */
#ifndef SLUICE_CLI_DEPLOYMENT_TOPICS_H
#define SLUICE_CLI_DEPLOYMENT_TOPICS_H

#include "cli/deployment.h"
#include "log/topics.h"

/* Those of its pipelines, and with `status` the ones in which engines say how they are; of pipelines
 * among `new_state` the loss of state is accepted. In the deployment's arena. SYSTEM: memory ran out. */
bool deployment_topics(const struct deployment *deployment, struct properties settings, bool status, struct name_list new_state,
		       struct wanted_topics *wanted, struct error *error);

#endif
