/* wide_integer.h: Integers of 128 bits, for sums, differences and products of those of 64; and where doubles are exact. */
#pragma once

__extension__ typedef __int128 wide_integer;

#define DOUBLE_WHOLE_END 0x1p53 /* integers below it are exact as doubles; what is rounded to it may have been another */
