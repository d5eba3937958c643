/* experiment_traffic.h: Traffic of an experiment without stages in the control plane: the shares in its document, and the document
 * with other shares.
 *
 * It is an Experiment, or the predictors of a SeldonDeployment, which are an experiment of its name whose default is the first of
 * them. No keeper moves its weights by itself. A command that promotes or rolls back proposes the next version of the document: the
 * text of the one before, with other numbers in the places of `weight` or `traffic`. Its bucket table is made of the one in force,
 * as after `sluice apply`.
 *
 * Pure.
 */
#pragma once

#include "control/keeper/document_check.h"
#include "control/keeper/rollout_preview.h"

struct traffic_share {
	const char *name;   /* of the candidate, or of the predictor */
	int64_t weight;	    /* relative to the others; those of predictors are percents */
	struct text digits; /* in the document; empty: the number is not written there */
};

/* Of the candidates, or of the predictors that answer, in their order. A default that is no candidate is the last. */
struct experiment_traffic {
	size_t count;
	size_t given; /* the default; `count`: there is none */
	bool are_predictors;
	struct traffic_share shares[ASSIGNMENT_WAYS_MAX];
};

enum traffic_move { TRAFFIC_PROMOTE, TRAFFIC_ROLLBACK };

/* The SeldonDeployment or Experiment of that name; NULL: there is none, it has fields of a rollout, or a rollout of that name runs
 * or has run to its end. */
const struct ledger_resource *experiment_traffic_find(const struct ledger *ledger, const char *name);

/* The version that a move begins with: the newest one, unless its change has failed. */
const struct control_version *experiment_traffic_version(const struct ledger *ledger, const struct ledger_resource *resource);

/* Its bucket table in force; NULL: there is none. */
const struct control_table *experiment_traffic_table(const struct ledger *ledger, const struct ledger_resource *resource);

/* Reads the shares of a document; names are in the arena. CONFIG: no two of them share requests, or bandits choose. SYSTEM. */
bool experiment_traffic_read(const struct document_checker *checker, struct text document, struct arena *arena,
			     struct experiment_traffic *traffic, struct error *error);

/* The shares after a move: all for the default, or none for it and the whole for the others, as they share it now. Those of
 * predictors are percents. Of candidates only weights change that must: of a promotion that of the default, which becomes 0; of a
 * rollback those of the others, and the default's if it is 0. There is a default. */
struct experiment_traffic experiment_traffic_moved(const struct experiment_traffic *traffic, enum traffic_move move);

/* The document with the shares `to` instead of `from`, in the arena. CONFIG: a number is not written by itself. SYSTEM. */
bool experiment_traffic_write(struct text document, const struct experiment_traffic *from, const struct experiment_traffic *to,
			      struct arena *arena, struct text *written, struct error *error);

/* What the shares `to` would do to the table in force; names are those of the shares. CONFIG: none is in force. SYSTEM. */
bool experiment_traffic_preview(const struct ledger *ledger, const struct ledger_resource *resource,
				const struct experiment_traffic *to, struct arena *arena, struct rollout_preview *preview,
				struct error *error);

double experiment_traffic_percent(const struct experiment_traffic *traffic, size_t share);

/* Prints the shares: `main 80%, canary 20%`. */
void experiment_traffic_print(const struct experiment_traffic *traffic, struct buffer *out);
