/* oip_wanted.h: Parameters of the outputs that a request of OIP V2 asks for. For the readers of its JSON and its protobuf. */
#ifndef SLUICE_MESSAGE_OIP_WANTED_H
#define SLUICE_MESSAGE_OIP_WANTED_H

#include "base/error.h"
#include "base/text.h"

/* False: the answer would not be what that parameter asks for, as Triton's extensions define it; INPUT. Parameters of other
 * names change nothing. */
bool oip_wanted_check(struct text parameter, struct error *error);

#endif
