/* access_policy_check.h: Search for entries of a file of policies that match nothing: a resource, a verb or a namespace by which a
 * row allows nothing of a plan. It is no error, since it may be deployed later. Pure. */
#pragma once

#include "gateway/access/access_policy.h"
#include "compiler/plan/plan.h"

/* The kind by which policies name what callers of a pipeline ask: that of the resource which the pipeline was made of. */
enum access_kind access_kind_of(const struct resource *pipeline);

/* An entry that matches nothing, with its place in the file of policies, which lives as long as the policy. */
typedef void access_policy_report(void *context, struct place place, const char *words);

/* Reports each such name, in the order of the rows. */
void access_policy_check(const struct access_policy *policy, const struct plan *plan, access_policy_report *report, void *context);
