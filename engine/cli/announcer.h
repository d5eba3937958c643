/* announcer.h: tells the status topic each second how an engine's pipelines are, in the
 * crew's own thread; beside the way, so that nothing waits for it.
 */
#ifndef SLUICE_CLI_ANNOUNCER_H
#define SLUICE_CLI_ANNOUNCER_H

#include "cli/crew.h"

struct announcer;

/* Before crew_run(), which it lives in. Both are borrowed. */
struct announcer *announcer_open(struct crew *crew, const struct crew_config *config, struct error *error);
void announcer_close(struct announcer *announcer); /* before the crew; NULL is fine */

#endif
