/* label_selector.h: Label selectors as `kubectl` has them: KEY=VALUE, KEY!=VALUE, KEY in (A, B), KEY notin (A, B), KEY, !KEY.
 *
 * A text has one or more, with commas between. All of them must hold. A resource without the label fulfils `!=` and `notin`. */
#pragma once

#include "base/option.h"
#include "control/records/records.h"

struct label_rule;

struct label_selector { /* {0} selects all */
	size_t count;
	struct label_rule *rules;
};

/* The texts are borrowed; the rules are in the arena. CONFIG: the first text that cannot be read, and how it would be. */
bool label_selector_read(const struct name_list *texts, struct arena *arena, struct label_selector *selector, struct error *error);

bool label_selector_has(const struct label_selector *selector, const struct control_version *version);
