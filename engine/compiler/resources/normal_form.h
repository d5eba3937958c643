/* normal_form.h: Normal form of a resource: aliases and merge keys resolved, short forms expanded, defaults filled in,
 * fields in the order of their rows. */
#pragma once

#include "compiler/resources/resource.h"

/* The normal form of `resource`, in the arena. It is meaningful only when the spec has no errors. NULL: memory ran out. */
const struct node *resource_normal(const struct resource *resource, const struct step_kind *const *kinds, struct arena *arena);

/* The first secret that the document contains in clear, and not as a reference (base/secret.h); NULL: it has none. */
const struct node *resource_secret(const struct resource *resource, const struct step_kind *const *kinds, struct arena *arena);

/* The values of the document by which engines read files (`file` of struct option), in no order, with their places. URLs
 * are among them. False: memory ran out. */
bool resource_files(const struct resource *resource, const struct step_kind *const *kinds, struct arena *arena,
		    struct name_list *files);

/* Prints a tree as YAML, which parses to the same tree, or as JSON. */
void node_print_yaml(const struct node *node, struct buffer *out);
void node_print_json(const struct node *node, struct buffer *out);
