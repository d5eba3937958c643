/* references.c: see references.h. */
#include "steps/references.h"

#include "base/topic_name.h"

bool reference_check(const struct step_reference *reference, struct error *error)
{
	int ways = (reference->file.text != NULL) + (reference->past_ns > 0) + (reference->topic != NULL);
	if (reference->topic && !reference->topic[0])
		return error_set(error, ERROR_CONFIG, reference->here, "`topic` is empty; write the name of a topic");
	if (reference->topic && (!topic_name_is_spelled(reference->topic) || strlen(reference->topic) > TOPIC_CHARACTERS_MAX))
		return error_set(error, ERROR_CONFIG, reference->here,
				 "`%s` cannot be a topic; write its whole name, of at most %d letters, digits, `.`, `_` and `-`",
				 reference->topic, TOPIC_CHARACTERS_MAX);
	return ways == 1 || error_set(error, ERROR_CONFIG, reference->here,
				      "`reference` says %s what is usual; write one of `file`, `past` and `topic`",
				      ways ? "in several ways" : "in no way");
}
