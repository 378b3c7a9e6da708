/* chatml.h -- SmolLM2's chat template in C, so that a test of tasks needs no template engine. */
#ifndef TESTS_CHATML_H
#define TESTS_CHATML_H

#include "base/chat.h"

extern const struct chat_renderer chatml;

#endif
