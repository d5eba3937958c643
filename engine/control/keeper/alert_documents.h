/* alert_documents.h: Alerts and Silences of the documents in force, for the keeper. Belongs to its thread.
 *
 * A document is read once for each of its versions: of a thousand, those that a change has touched.
 */
#pragma once

#include "control/keeper/document_check.h"
#include "control/records/ledger.h"
#include "monitor/alerts/alert_states.h"

struct alert_documents { /* starts with the first three set; they are borrowed */
	const struct document_checker *checker;
	const char *namespace, *prefix;
	struct alert_definitions definitions; /* of the last reading */
	uint64_t activations;		      /* of the ledger then */
	struct list documents;		      /* private */
	struct arena *arena;		      /* of the lists in `definitions`; likewise */
};

/* Reads the documents in force. Former definitions stay valid until alert_documents_sweep(), but for their lists. False: SYSTEM. */
bool alert_documents_read(struct alert_documents *documents, const struct ledger *ledger, struct error *error);

/* Forgets the versions that are not in force any more. */
void alert_documents_sweep(struct alert_documents *documents);
void alert_documents_close(struct alert_documents *documents);
