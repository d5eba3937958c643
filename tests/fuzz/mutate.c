/* mutate.c: Draws that all mutators of mutate.h share. */
#include "mutate.h"

static const char *const texts[] = {
	"0",	"1",   "-1",   "2",	"255",	"256",	 "65535", "65536", "2147483647", "2147483648", "-2147483648", "4294967295",
	"1e9",	"0.5", "1e308", "-1e308", "1e-320", "nan", "inf",  "",	    "a",	  "INPUT",	"true",	      "null",
	"4294967296", "9007199254740993", "9223372036854775807", "-9223372036854775808", "18446744073709551615", "\xC3\xA4",
	"p.inputs", "p.outputs", "FP64", "INT64", "BYTES", "BOOL", "inner", "outer", "any", "60s", "1ms", "10%", "x > 0",
	"steady", "drift", "firing", "accuracy",
};

struct dice dice_of(unsigned seed)
{
	return (struct dice){seed * UINT64_C(0x9E3779B97F4A7C15) + 1};
}

size_t dice_roll(struct dice *dice, size_t sides)
{
	dice->state ^= dice->state << 13;
	dice->state ^= dice->state >> 7;
	dice->state ^= dice->state << 17;
	return sides ? (size_t)(dice->state >> 11) % sides : 0;
}

const char *dice_text(struct dice *dice)
{
	return texts[dice_roll(dice, sizeof texts / sizeof *texts)];
}

double dice_number(struct dice *dice)
{
	static const double numbers[] = {0, 1, -1, 2, 3, 0.5, -0.5, 7, 64, 255, 1e9, 2147483647, -2147483648.0, 4294967296.0,
					 9007199254740992.0, 1e18, 1e300, -1e300, 1e-300, 5e-324};
	return numbers[dice_roll(dice, sizeof numbers / sizeof *numbers)];
}

int64_t dice_whole(struct dice *dice)
{
	static const int64_t numbers[] = {0,   1,     -1,	2,	   3,	      4,	 13,	   64,
					  255, 65536, INT32_MAX, INT32_MIN, UINT32_MAX, INT64_MAX, INT64_MIN};
	return numbers[dice_roll(dice, sizeof numbers / sizeof *numbers)];
}
