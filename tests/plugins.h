/* plugins.h -- the plug-ins of the tests and the examples, which make compiles beside the tests. */
#ifndef TESTS_PLUGINS_H
#define TESTS_PLUGINS_H

/* The shared object made of a C file of this project (PLUGINS in the Makefile); lasts until the next
 * call.  Those in tests/plugins/v1 see the contract's first version, kept there as it was. */
const char *plugin_built(const char *source);
/* The program beside the tests' folder: the other process of an isolated plug-in.  Skips the test
 * where it is not built. */
const char *plugin_program(void);

#endif
