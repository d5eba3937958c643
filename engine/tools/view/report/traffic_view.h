/* traffic_view.h: View of an experiment without stages: an Experiment, or a SeldonDeployment whose predictors share its requests.
 * Its shares, and the versions that changed them. */
#pragma once

#include "control/keeper/experiment_traffic.h"
#include "tools/view/report/bandit_view.h"

struct traffic_view {
	const struct ledger *ledger;
	const struct ledger_resource *resource;
	const struct document_checker *checker;
	struct arena *arena;
	bool json; /* one object in each line */
	const struct published_policies *policies; /* whose shares those of bandits are */
	int64_t now_ms;
};

/* Its newest accepted version and the shares in force; of bandits those of their policies. False: CONFIG, as
 * experiment_traffic_read(), or SYSTEM. */
bool traffic_view_print(const struct traffic_view *view, struct buffer *out, struct error *error);

/* Those of a namespace that have shares, one in a line; `resource` is not read. Returns their number. */
size_t traffic_views_print(const struct traffic_view *view, struct buffer *out);

/* Its versions, the newest first. */
void traffic_history_print(const struct traffic_view *view, struct buffer *out);
