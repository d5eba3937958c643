/* expression_foreign.c: see expression_foreign.h. */
#include "compiler/expression/expression_foreign.h"

/* Several words with a blank between them, and what stands for each of them here. */
struct foreign_row {
	const char *words;
	const char *answer;
};

static const struct foreign_row functions[] = {
	{"avg average", "write mean(x)"},
	{"nanmean", "write mean(valid(x))"},
	{"nansum", "write sum(valid(x))"},
	{"stdev stddev std_dev stddev_samp", "write std(x), or pstd(x) for a whole population"},
	{"variance", "write var(x), or pvar(x) for a whole population"},
	{"maximum amax fmax greatest", "write max(a, b)"},
	{"minimum amin fmin least", "write min(a, b)"},
	{"percentile percentile_cont quantiles", "write quantile(x, q) with q from 0 to 1, or as 95%"},
	{"if iff ifelse if_else ternary case when choose", "write where(condition, then, otherwise)"},
	{"coalesce ifnull nvl fillna default", "write x ?? otherwise"},
	{"isnull is_null exists defined is_defined isset", "write has(x), or not has(x)"},
	{"isna is_nan notnan", "write isnan(x)"},
	{"pow power", "write x ^ y"},
	{"square", "write x ^ 2"},
	{"cbrt", "write x ^ (1 / 3)"},
	{"ln", "write log(x), which is the natural one"},
	{"log2", "write log(x) / log(2)"},
	{"exp2", "write 2 ^ x"},
	{"fabs absolute", "write abs(x)"},
	{"ceiling", "write ceil(x)"},
	{"rint nearbyint", "write round(x)"},
	{"trunc fix", "write sign(x) * floor(abs(x))"},
	{"fmod remainder modulo", "write mod(a, b)"},
	{"floordiv floor_divide", "write div(a, b)"},
	{"int integer to_int toint parseint bigint", "write cast(x, INT64), or number(x) of a text"},
	{"float double to_float tofloat parsefloat", "write cast(x, FP64), or number(x) of a text"},
	{"bool boolean", "write x != 0"},
	{"str string to_string tostring", "write text(x)"},
	{"astype as_type convert", "write cast(x, FP32)"},
	{"length strlen char_length", "write len(x) of a text, or size(x) of a tensor"},
	{"numel nelem", "write size(x)"},
	{"ndim rank", "write size(shape(x))"},
	{"startswith", "write starts_with(x, \"a\")"},
	{"endswith", "write ends_with(x, \"a\")"},
	{"includes", "write contains(x, \"a\")"},
	{"match matches regex regexp rlike glob", "write like(x, \"eu-*\")"},
	{"strip", "write trim(x)"},
	{"tolower lowercase lcase", "write lower(x)"},
	{"toupper uppercase ucase", "write upper(x)"},
	{"concatenate hstack append", "write concat(a, b), or a + b for texts"},
	{"vstack", "write stack(a, b)"},
	{"ravel", "write flatten(x)"},
	{"flip", "write reverse(x)"},
	{"matmul inner", "write dot(a, b)"},
	{"to_timestamp strptime parse_time fromisoformat", "write timestamp(x) of a text in ISO 8601"},
	{"expit logistic", "write sigmoid(x)"},
	{"clamp", "write clip(x, lo, hi)"},
	{"nunique count_distinct", "write distinct(x over 1d)"},
	{"approx_count_distinct approxcountdistinct hll hyperloglog uniq", "write approx_distinct(x) in an aggregate step"},
	{"approx_percentile percentile_approx tdigest ddsketch", "write approx_quantile(x, q) in an aggregate step"},
	{"sma rolling rolling_mean moving_average", "write mean(x over 20)"},
	{"ewm ewma", "write ema(x over 20)"},
	{"shift", "write lag(x, 1)"},
	{"diff", "write delta(x, 1)"},
	{"pct_change", "write delta(x, 1) / lag(x, 1)"},
};

static const struct foreign_row words[] = {
	{"if then else case when", "write where(condition, then, otherwise)"},
	{"is", "write `==`, or has(x) where a value may be missing"},
	{"AND And", "write `and`"},
	{"OR Or", "write `or`"},
	{"NOT Not", "write `not`"},
	{"IN In", "write `in`"},
	{"xor XOR", "write a != b for two conditions"},
	{"eq", "write `==`"},
	{"ne", "write `!=`"},
	{"lt", "write `<`"},
	{"le lte", "write `<=`"},
	{"gt", "write `>`"},
	{"ge gte", "write `>=`"},
	{"between BETWEEN", "write x >= lo and x <= hi"},
	{"LIKE", "write like(x, \"eu-*\")"},
	{"for", "leave it out: a function takes all elements of a tensor, as sum(x * 2)"},
	{"over", "write it inside the function's brackets, as in mean(x over 20)"},
	{"along", "write it inside the function's brackets, as in mean(x along 0)"},
};

static const struct foreign_row constants[] = {
	{"None null NULL Null nil undefined", "write has(x) to ask whether x is there, or x ?? otherwise"},
	{"True TRUE", "write true"},
	{"False FALSE", "write false"},
	{"NaN NAN NA", "write nan, and isnan(x) to ask for it"},
	{"Infinity infinity Inf INF", "write inf"},
	{"pi PI", "write 3.141592653589793"},
	{"e E", "write exp(1)"},
};

static const char *foreign_find(const struct foreign_row *rows, size_t count, struct text word)
{
	for (size_t i = 0; i < count; i++) {
		for (const char *at = rows[i].words; *at;) {
			size_t length = strcspn(at, " ");
			if (text_equal((struct text){at, length}, word))
				return rows[i].answer;
			at += length + (at[length] == ' ');
		}
	}
	return NULL;
}

/* Functions are written in any case elsewhere: AVG, toString. */
const char *foreign_function(struct text name)
{
	char lowered[24]; /* longer than any of the rows */
	if (name.length >= sizeof lowered)
		return NULL;
	for (size_t i = 0; i < name.length; i++)
		lowered[i] = letter_lowered(name.bytes[i]);
	return foreign_find(functions, sizeof functions / sizeof *functions, (struct text){lowered, name.length});
}

const char *foreign_word(struct text word)
{
	return foreign_find(words, sizeof words / sizeof *words, word);
}

const char *foreign_constant(struct text name)
{
	return foreign_find(constants, sizeof constants / sizeof *constants, name);
}

bool foreign_is_module(struct text name)
{
	static const struct foreign_row modules[] = {{"np numpy math Math torch tf jnp jax pd pandas F K scipy statistics", ""}};
	return foreign_find(modules, 1, name) != NULL;
}

static struct text without_blanks(struct text text)
{
	for (; text.length > 0 && text.bytes[0] == ' '; text.length--)
		text.bytes++;
	while (text.length > 0 && text.bytes[text.length - 1] == ' ')
		text.length--;
	return text;
}

bool foreign_choice_split(struct text source, size_t at, struct foreign_choice *choice)
{
	const struct text word = TEXT(" else ");
	for (size_t i = at + 2; i + word.length < source.length; i++) {
		if (!text_starts_with(text_from(source, i), word))
			continue;
		size_t behind = i + word.length;
		choice->value = without_blanks((struct text){source.bytes, at});
		choice->condition = without_blanks((struct text){source.bytes + at + 2, i - at - 2});
		choice->otherwise = without_blanks(text_from(source, behind));
		return true;
	}
	return false;
}
