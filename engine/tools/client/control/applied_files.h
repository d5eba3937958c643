/* applied_files.h: Files of `sluice apply` and `sluice diff`: the resources in them, each as the document that is
 * proposed, with its comments. */
#pragma once

#include "tools/client/control/control_session.h"
#include "control/records/records.h"
#include "tools/view/report/verdict_view.h"

/* `-n NAMESPACE` of both commands: `struct owner` has the texts `namespace` and `ambient_namespace`. */
#define APPLIED_NAMESPACE_ROW(owner)                                                                                               \
	{                                                                                                                          \
		.name = "namespace", .letter = 'n', .type = OPTION_TEXT, .offset = offsetof(struct owner, namespace),              \
		.variable = "SLUICE_NAMESPACE", .ambient_offset = offsetof(struct owner, ambient_namespace),                       \
		.help = "The namespace; default: that of the resources, else SLUICE_NAMESPACE, or `default`."                      \
	}

struct applied_files {
	struct spec spec;
	const char *namespace;		    /* that all of them belong to */
	const struct runtime_spec *runtime; /* NULL: none among them */
	size_t count;
	struct proposal_item *items;   /* APPLY, without `expected` */
	struct document_place *places; /* of each item */
};

/* Reads the files. `namespace` NULL: that of the resources, else `ambient`, else the default one. False: a file cannot
 * be read, or resources belong to several namespaces (CONFIG); or the files have errors, which are in `spec`: then no
 * error is set. In any case it is to be closed. */
bool applied_files_read(const struct workspace *workspace, const char *const *paths, size_t count, const char *namespace,
			const char *ambient, struct applied_files *files, struct error *error);
void applied_files_close(struct applied_files *files); /* a zeroed one is fine */

/* Sets what each item expects: the newest version in the ledger. */
void applied_files_expect(struct applied_files *files, const struct ledger *ledger);

/* Whether the newest accepted version of the item's resource has exactly this document, and the labels of the item. */
bool applied_item_is_accepted(const struct proposal_item *item, const struct ledger *ledger);
