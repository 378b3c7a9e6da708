/* plugins.h -- the plug-ins of the tests and the examples, compiled when a test asks for them. */
#ifndef TESTS_PLUGINS_H
#define TESTS_PLUGINS_H

/* The shared object made of a C file of this project, in a folder that goes with the process. 
 * Fails the test when it does not compile without a warning. */
const char *plugin_built(const char *source);

#endif
