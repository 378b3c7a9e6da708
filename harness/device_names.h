/* device_names.h -- does a name of --device compute here, and the options of plug-ins.  Apart from
 * commands that encode text, whose spans are not the runners'. */
#ifndef HARNESS_DEVICE_NAMES_H
#define HARNESS_DEVICE_NAMES_H

int device_computes_here(const char *name);

/* Of a plug-in. */
#define DEVICE_OPTIONS                                                                             \
    {"isolate-device", 0, OPTION_FLAG, NULL, NULL, 0, 0,                                           \
     "a plug-in computes in a process of its own; what it does wrong is an error"},                \
    {"device-timeout", 0, OPTION_NUMBER, "S", "60", 0.01, 86400,                                   \
     "seconds that it may take for a batch there"}

/* Where it computes, so far as its name tells: an OpenCL device may be this machine's processor. */
enum device_place { PLACE_HOST, PLACE_GPU, PLACE_UNKNOWN /* a plug-in, a server */ };
enum device_place device_place(const char *name);

/* The path of this program, for plug-ins in a process of their own; "" where it cannot be told. */
const char *device_program(void);

#endif
