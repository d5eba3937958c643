/* references.h: what live data is held against: a file, or a stretch of the past. */
#ifndef SLUICE_STEPS_REFERENCES_H
#define SLUICE_STEPS_REFERENCES_H

#include "base/option.h"

extern const struct option reference_rows[];

#endif
