/* recipes.h -- recipes that rows of table.c name and other files hold: private to tasks/. */
#ifndef TASKS_RECIPES_H
#define TASKS_RECIPES_H

#include "tasks/recipe.h"

/* recipes_code.c: programs that are run */
extern const struct recipe recipe_humaneval, recipe_humaneval_64, recipe_mbpp;

#endif
