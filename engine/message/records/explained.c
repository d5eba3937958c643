/* explained.c: see explained.h. */
#include "message/records/explained.h"

bool explained_is_wanted(const struct message *message)
{
	const struct header *header = message_header(message, HEADER_EXPLAIN);
	if (explained_is_awaited(message))
		return true;
	return header && !text_equal_caseless(header->value, TEXT("no")) && !text_equal_caseless(header->value, TEXT("false")) &&
	       !text_is(header->value, "0");
}

bool explained_is_awaited(const struct message *message)
{
	return message_header(message, HEADER_REPLY_EXPLANATION) != NULL;
}

const struct explained *explained_any(const struct explained *first)
{
	while (first && first->failure)
		first = first->next;
	return first;
}

const char *explained_method(const struct explanation *explanation)
{
	static const char *const names[] = {
		[EXPLANATION_PATHS] = "tree",	 [EXPLANATION_INTERVENTION] = "tree",	[EXPLANATION_LINEAR] = "linear",
		[EXPLANATION_GRADIENTS] = "gradients", [EXPLANATION_EXACT] = "exact", [EXPLANATION_SAMPLED] = "sample",
		[EXPLANATION_ANCHORS] = "anchors",	 [EXPLANATION_PERMUTATION] = "permutation",
	};
	return names[explanation->method];
}

const char *explained_scale(const struct explanation *explanation)
{
	static const char *const names[] = {
		[SCALE_ANSWER] = "", [SCALE_LOG_ODDS] = "log-odds", [SCALE_LOG] = "log", [SCALE_SCORE] = "score"};
	return names[explanation->scale];
}

bool explained_is_complete(const struct explanation *explanation)
{
	return explanation->answered >= explanation->asked;
}
