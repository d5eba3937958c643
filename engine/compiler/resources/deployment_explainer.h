/* deployment_explainer.h: Explainer of a SeldonDeployment's predictor, as the step that explains its model's answers.
 *
 * Anchors and contributions of features are built in. They are made only on request, and beside the answer: predictions are
 * what they are without an explainer. For deployment_pipeline.c.
 */
#ifndef SLUICE_COMPILER_RESOURCES_DEPLOYMENT_EXPLAINER_H
#define SLUICE_COMPILER_RESOURCES_DEPLOYMENT_EXPLAINER_H

#include "compiler/yaml/node_make.h"
#include "compiler/resources/resource.h"

/* Words for why a predictor's explainer is not run, as the rest of a sentence; NULL: it is run, or there is none. */
const char *explainer_refusal(const struct deployment_spec *deployment, const struct deployment_predictor *predictor);

/* The file of the explained model, where the explainer names one that is on this machine; NULL: its answers come from a server. */
const char *explainer_file(const struct deployment_explainer *explainer);

/* Adds the options of the step that explains the step of that name. */
void explainer_put(const struct deployment_explainer *explainer, const char *step, struct arena *arena, struct growing *options);

#endif
