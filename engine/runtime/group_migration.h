/* group_migration.h: Migration of consumer groups for the pipelines of a plan. A group that is new to a topic
 * continues from the offsets of a former group (log/offset_migration.h). For `sluice run`. */
#ifndef SLUICE_RUNTIME_GROUP_MIGRATION_H
#define SLUICE_RUNTIME_GROUP_MIGRATION_H

#include "runtime/engine.h"

/* Migrates the groups; called before they are joined. Logs a line for each group that continues from another. While
 * engines still read with the other group it waits and logs that; without `waits` it is an error. SYSTEM: Kafka
 * refuses, or does not answer. */
bool group_migration_carry_out(const struct engine_config *config, const struct plan *plan, bool waits, struct error *error);

/* Whether each pipeline that is in both plans keeps its group. CONFIG: its group changes, which needs a restart. */
bool group_migration_refuse(const struct plan *before, const struct plan *now, struct error *error);

#endif
