/* recorded_forms.h: State forms that the control plane of a namespace has recorded (compiler/plan/state_forms.h): by them the
 * changelogs in the plan of files get the names that engines use. For commands that read a changelog, or examine one.
 */
#pragma once

#include "tools/client/kafka.h"
#include "compiler/plan/plan.h"

/* Names the changelogs of the plan's pipelines after the versions in force in each of their namespaces. Without a control plane,
 * or if the login does not see its topics, they keep the names of the first form. What is named lives in the arena. Waits for
 * Kafka. SYSTEM: it does not answer; CONFIG: a setting is wrong. */
bool recorded_forms_name(struct plan *plan, const struct kafka *kafka, struct arena *arena, struct error *error);
