/* group_migration.h: groups that are new to topics of a plan go on where former ones stood: log/takeover.h for
 * pipelines. For `sluice run`.
 */
#ifndef SLUICE_RUNTIME_GROUP_MIGRATION_H
#define SLUICE_RUNTIME_GROUP_MIGRATION_H

#include "runtime/engine.h"

/* Before the groups are joined. Says a line of each that goes on where another stood. While engines still read by the
 * other group it waits, saying so, or with `waits` false it is an error. SYSTEM: Kafka does not, or does not answer. */
bool group_migration_carry_out(const struct engine_config *config, const struct plan *plan, bool waits, struct error *error);

/* Whether each pipeline that is in both is read by the group that it was. CONFIG: by another one, which takes a start. */
bool group_migration_refuse(const struct plan *before, const struct plan *now, struct error *error);

#endif
