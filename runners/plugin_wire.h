/* plugin_wire.h -- what the two processes of an isolated plug-in share.
 *
 * One file without a name, mapped by both: control, the program's tables, weights, rows of values,
 * and the batch.  Commands are bytes over a socket, a byte comes back when the command is done.
 * Pointers in the file are the parent's; the other process moves them by how far its mapping is
 * off, the tables in pages of its own.  There weights are read only, and what lies between the rows
 * of two values cannot be touched. */
#ifndef RUNNERS_PLUGIN_WIRE_H
#define RUNNERS_PLUGIN_WIRE_H

#include <stddef.h>
#include <stdint.h>

enum { WIRE_SOCKET = 3, WIRE_FILE = 4 }; /* descriptors of the plug-in's process */
enum wire_command {
    WIRE_OPEN = 'o', WIRE_SUPPORTS = 's', WIRE_PREPARE = 'p', WIRE_RUN = 'r', WIRE_READ = 'b'
};

struct wire { /* at the beginning of the file */
    uint64_t magic, bytes; /* of the whole */
    uint64_t base;         /* where the parent has it */
    uint64_t tables, tables_bytes, weights, weights_bytes, batch; /* offsets */
    uint64_t guards, n_guards; /* uint64_t offsets of pages that nobody may touch */
    uint64_t yes;          /* char per op */
    int32_t threads, from, to;
    int32_t is_new_batch;  /* its pointers are still the parent's */
    uint64_t read_bytes;
    char path[4096];
    /* The plug-in's side: */
    int32_t code;          /* 0, or enum err_code */
    char why[480];
    char name[64], version[200], help[200], numerics[200];
    int32_t precision;
    uint32_t claims;
};
#define WIRE_MAGIC UINT64_C(0x31656369766564)

#endif
