/* deployment_traffic.h: Traffic of a SeldonDeployment in the control plane: the shares of its predictors in a document, and the
 * document with other shares.
 *
 * Predictors that share requests are an experiment of the deployment's name, whose default is the first of them. No keeper moves
 * its weights by itself. A command that promotes or rolls back proposes the next version of the document: the text of the one
 * before, with other numbers in the places of `traffic`. Its bucket table is made of the one in force, as after `sluice apply`.
 *
 * Pure.
 */
#ifndef SLUICE_CONTROL_DEPLOYMENT_TRAFFIC_H
#define SLUICE_CONTROL_DEPLOYMENT_TRAFFIC_H

#include "control/document_check.h"
#include "control/rollout_preview.h"

struct traffic_share {
	const char *name; /* of the predictor */
	int64_t percent;
	struct text digits; /* in the document; empty: the number is not written there */
};

/* Of the predictors that answer, in their order. */
struct deployment_traffic {
	size_t count;
	struct traffic_share shares[ASSIGNMENT_WAYS_MAX];
};

enum traffic_move { TRAFFIC_PROMOTE, TRAFFIC_ROLLBACK };

/* The SeldonDeployment of that name, of which the experiment is; NULL: there is none, or a rollout has that name. */
const struct ledger_resource *deployment_traffic_find(const struct ledger *ledger, const char *name);

/* The version that a move begins with: the newest one, unless its change has failed. */
const struct control_version *deployment_traffic_version(const struct ledger *ledger, const struct ledger_resource *deployment);

/* The bucket table of the predictors in force; NULL: there is none. */
const struct control_table *deployment_traffic_table(const struct ledger *ledger, const char *name);

/* Reads the shares of a document; names are in the arena. CONFIG: it has no two predictors that answer. SYSTEM. */
bool deployment_traffic_read(const struct document_checker *checker, struct text document, struct arena *arena,
			     struct deployment_traffic *traffic, struct error *error);

/* The shares after a move: all for the first predictor, or none for it and the whole for the others, as they share it now. */
struct deployment_traffic deployment_traffic_moved(const struct deployment_traffic *traffic, enum traffic_move move);

/* The document with the shares `to` instead of `from`, in the arena. CONFIG: a number is not written by itself. SYSTEM. */
bool deployment_traffic_write(struct text document, const struct deployment_traffic *from, const struct deployment_traffic *to,
			      struct arena *arena, struct text *written, struct error *error);

/* What the shares `to` would do to the table in force; names are those of the shares. CONFIG: none is in force. SYSTEM. */
bool deployment_traffic_preview(const struct ledger *ledger, const char *name, const struct deployment_traffic *to,
				struct arena *arena, struct rollout_preview *preview, struct error *error);

/* Prints the shares: `main 80%, canary 20%`. */
void deployment_traffic_print(const struct deployment_traffic *traffic, struct buffer *out);

#endif
