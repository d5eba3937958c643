/* control_proposal.h: Proposal of a command to the control plane, with the keeper's verdict printed. For `sluice apply`, `delete`,
 * `rollback` and the like.
 */
#pragma once

#include "tools/cli/command.h"
#include "tools/client/control/control_session.h"
#include "tools/view/report/verdict_view.h"

/* The option of commands that then call control_session_wait(). */
#define CONTROL_WAIT_ROW(owner, member)                                                                                            \
	ROW("wait", FLAG, owner, member,                                                                                           \
	    .help = "Waits then until all engines run what was accepted, as `sluice wait` does, or no longer run what was "    \
		    "deleted. For 90 s at most, or as long as --timeout says if that is longer.")

/* Sends the items, waits for the verdict and prints it. Returns the exit code. */
int control_session_propose(struct session *session, struct control_session *control, const struct control_author *author,
			    struct record_list items, struct document_places places);

/* As control_session_propose(), and prints nothing when the keeper accepts. */
int control_session_command(struct session *session, struct control_session *control, const struct control_author *author,
			    struct record_list items);

/* Waits until all engines run the newest versions of the items' resources (struct proposal_item), or no engine runs those that are
 * deleted, and prints each. At most for VERSION_WAIT_NS, or the author's timeout if that is longer. Returns the exit code. */
int control_session_wait(struct session *session, struct control_session *control, const struct control_author *author,
			 const struct record_list *items);

/* Prints faults of documents on `err`, in JSON on `out`. Returns EXIT_FAULTS. */
int control_session_faults(struct session *session, struct text why, const struct record_list *faults,
			   struct document_places places);

/* Prints warnings of documents on `err`. */
void control_session_warnings(struct session *session, const struct record_list *warnings, struct document_places places);
