/* experiment_headers.c: Checks of `trafficConfig.headers`, by which candidates get requests whatever the weights are: lists that
 * are empty, names that no header has, and candidates whose headers never match, or only where those of an earlier one do. */

#include "compiler/yaml/fault_codes.h"
#include "compiler/resources/rows.h"

static const struct traffic_header *headers_of(const struct candidate *candidate)
{
	return candidate->headers.items;
}

/* By RFC 9110, 5.6.2. */
static bool is_token(const char *name)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";
	for (const char *at = name; *at; at++) {
		const bool is_letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z');
		if (!is_letter && !(*at >= '0' && *at <= '9') && !strchr(marks, *at))
			return false;
	}
	return *name != '\0';
}

static bool headers_share_name(const struct traffic_header *a, const struct traffic_header *b)
{
	return a->name.text && b->name.text && text_equal_caseless(text_of(a->name.text), text_of(b->name.text));
}

static void check_header(const struct candidate *candidate, size_t nth, struct faults *faults)
{
	const struct traffic_header *headers = headers_of(candidate), *header = &headers[nth];
	if (!header->name.text)
		return;
	if (!is_token(header->name.text))
		fault_add(faults, CODE_IGNORED_SETTING, header->name.place, NULL,
			  "no request over HTTP or gRPC has a header `%s`: such names have letters, digits and \"-\"",
			  header->name.text);
	for (size_t i = 0; i < nth; i++)
		if (headers_share_name(&headers[i], header) && !strings_equal(headers[i].value, header->value))
			fault_add(faults, CODE_IGNORED_SETTING, header->name.place, NULL,
				  "`%s` must have two values at once, so the headers of candidate `%s` never match; leave one out",
				  header->name.text, candidate->name.text ? candidate->name.text : "");
}

static bool has_header(const struct candidate *candidate, const struct traffic_header *wanted)
{
	const struct traffic_header *headers = headers_of(candidate);
	for (size_t i = 0; i < candidate->headers.count; i++)
		if (headers_share_name(&headers[i], wanted) && strings_equal(headers[i].value, wanted->value))
			return true;
	return false;
}

/* Whether each request that matches the later one matches the earlier one. */
static bool is_hidden(const struct candidate *earlier, const struct candidate *later)
{
	for (size_t i = 0; i < earlier->headers.count; i++)
		if (!has_header(later, &headers_of(earlier)[i]))
			return false;
	return earlier->headers.count > 0 && later->headers.count > 0;
}

/* Items that were refused are not meant to be none. */
static void check_empty(const struct candidate *candidate, struct faults *faults)
{
	if (candidate->headers_place.line > 0 && candidate->headers.count == 0 && candidate->name.text &&
	    !faults_refused(faults, candidate->headers_place))
		fault_add(faults, CODE_IGNORED_SETTING, candidate->headers_place, NULL,
			  "`headers` of candidate `%s` is empty, so it gets no request by headers; name one, or leave "
			  "`trafficConfig` out",
			  candidate->name.text);
}

void experiment_headers_check(const struct experiment_spec *experiment, struct faults *faults)
{
	const struct candidate *candidates = experiment->candidates.items;
	for (size_t i = 0; i < experiment->candidates.count; i++) {
		check_empty(&candidates[i], faults);
		for (size_t j = 0; j < candidates[i].headers.count; j++)
			check_header(&candidates[i], j, faults);
		size_t earlier = 0;
		while (earlier < i && !is_hidden(&candidates[earlier], &candidates[i]))
			earlier++;
		if (earlier < i && candidates[i].name.text && candidates[earlier].name.text)
			fault_add(
				faults, CODE_IGNORED_SETTING, headers_of(&candidates[i])[0].name.place, NULL,
				"requests with the headers of candidate `%s` have those of `%s`, which comes first and gets them; "
				"write `%s` before it, or other headers",
				candidates[i].name.text, candidates[earlier].name.text, candidates[i].name.text);
	}
}
