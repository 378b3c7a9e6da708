/* err.h -- what went wrong, as a value.
 *
 * No room exits, aborts or prints: a function that can fail returns -1 and fills the caller's
 * struct err with a code and one line naming the file, the place and the reason.  Only
 * harness/main.c turns it into a message and an exit status.  A NULL struct err is allowed
 * everywhere and throws the text away. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err_code {
    ERR_OK = 0,
    ERR_NOMEM,       /* an allocation failed */
    ERR_IO,          /* the system refused: open, read, write, full disk, network */
    ERR_FORMAT,      /* a file or a text is not what it claims to be */
    ERR_UNSUPPORTED, /* well formed, but something we do not know how to do */
    ERR_USAGE,       /* the command line is wrong */
    ERR_NOTFOUND,    /* a name that does not exist; the hint offers the nearest */
    ERR_INVALID,     /* results that may not be compared, or a run that may not be used */
    ERR_NUMERIC,     /* NaN or infinity where a number was needed */
    ERR_INTERRUPTED, /* Ctrl-C; what was measured is kept */
    ERR_BUSY,        /* somebody else holds the lock for too long */
    ERR_DEVICE,      /* a device of somebody else's failed: refused, crashed, hung */
};

struct err {
    enum err_code code;
    char text[480];
    char hint[900]; /* a second line that tells what to do; empty when there is nothing to say */
};

#define ERR_NONE ((struct err){0})

#if defined(__GNUC__)
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define PRINTF_LIKE(fmt, args)
#endif

/* Both return -1, so that "return err_set(...)" reads as what it is. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);
int err_nomem(struct err *e);

/* err_set with ": " and strerror(errno) at the end, code ERR_IO. */
int err_errno(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

void err_hint(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Puts "text: " in front of what the error says, for a caller that knows the file's name. */
int err_prefix(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
