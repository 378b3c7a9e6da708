/* plugins.h -- the plug-ins of the tests and the examples, compiled when a test asks for them. */
#ifndef TESTS_PLUGINS_H
#define TESTS_PLUGINS_H

/* The compiler for the machine that the tests run on: $CC, or cc.  Skips the test, with a line,
 * where programs go through an emulator and nothing says what compiles for it. */
const char *plugin_compiler(void);

/* The shared object made of a C file of this project, in a folder that goes with the process.
 * Those in tests/plugins/v1 see the contract's first version, kept there as it was.  Fails the
 * test when it does not compile without a warning. */
const char *plugin_built(const char *source);
/* The program beside the tests' folder: the other process of an isolated plug-in.  Skips the test
 * where it is not built. */
const char *plugin_program(void);

#endif
