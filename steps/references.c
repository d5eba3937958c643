/* references.c: see references.h. */
#include "steps/references.h"

const struct option reference_rows[] = {
	CHECKED("file", TEXT, .short_form = true, .help = "A file made by `sluice fit`."),
	CHECKED("past", DURATION, .help = "So much of the stream's own past."),
	CHECKED("topic", TEXT, .help = "A topic with the data."),
	{.type = OPTION_END},
};
