/* oip_wanted.h: Parameters of Triton's extensions that a request of OIP V2 has, and that are not supported. For the readers of its
 * JSON and its protobuf. */
#pragma once

#include "message/tensor.h"

/* False: the answer would not be what that parameter asks for, as Triton's extensions define it; INPUT. Parameters of other
 * names change nothing. */
bool oip_wanted_check(struct text parameter, struct error *error);

/* For an input without data. False: it is where the caller's machine has it; INPUT. */
bool oip_given_check(const struct tensor *tensor, struct error *error);
