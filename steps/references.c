/* references.c: see references.h. */
#include "steps/references.h"

const struct option reference_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct step_reference, here)},
	ROW("file", NAME, struct step_reference, file, .file = true, .short_form = true, .help = "A file made by `sluice fit`."),
	ROW("past", DURATION, struct step_reference, past_ns, .effect = EFFECT_REFUSED,
	    .help = "The length of the stream's own past that is the reference."),
	ROW("topic", TEXT, struct step_reference, topic, .effect = EFFECT_REFUSED, .help = "A topic with the data."),
	{.type = OPTION_END},
};

bool reference_check(const struct step_reference *reference, struct error *error)
{
	int ways = (reference->file.text != NULL) + (reference->past_ns > 0) + (reference->topic != NULL);
	if (reference->topic && !reference->topic[0])
		return error_set(error, ERROR_CONFIG, reference->here, "`topic` is empty; write the name of a topic");
	return ways == 1 || error_set(error, ERROR_CONFIG, reference->here,
				      "`reference` says %s what is usual; write one of `file`, `past` and `topic`",
				      ways ? "in several ways" : "in no way");
}
