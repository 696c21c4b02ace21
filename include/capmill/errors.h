/* SPDX-License-Identifier: Apache-2.0 */
/* The one list of status codes, for callers of libcapmill and for every room of src/. No functions live
 * here. */
#ifndef CAPMILL_ERRORS_H
#define CAPMILL_ERRORS_H

#ifdef __cplusplus
extern "C" {
#endif

/* Marks what the shared library shows. */
#if defined(_WIN32)
#define CAPMILL_API
#else
#define CAPMILL_API __attribute__((visibility("default")))
#endif

/* Zero and above: the call did what it could. Below zero: it failed, and the error record passed in says
 * why. */
enum capmill_status {
    CAPMILL_OK = 0,
    CAPMILL_AGAIN = 1, /* nothing now; call again later */
    CAPMILL_END = 2,   /* nothing ever again: the walk is over */

    CAPMILL_E_USAGE = -1,      /* the caller asked for something that makes no sense; exit status 2 */
    CAPMILL_E_MEMORY = -2,     /* memory could not be had */
    CAPMILL_E_IO = -3,         /* the system refused a read, a write or anything else; see the system code */
    CAPMILL_E_NOT_FOUND = -4,  /* no such file, folder or device */
    CAPMILL_E_PERMISSION = -5, /* the system denied access */
    CAPMILL_E_EXISTS = -6,     /* an output is there already and replacing it was not asked for */
    CAPMILL_E_NO_SPACE = -7,   /* the disk or the quota is full */
    CAPMILL_E_CLOSED = -8,     /* the reader of our pipe went away */
    CAPMILL_E_FORMAT = -9,     /* not a capture, or not one of the formats we read */
    CAPMILL_E_UNSUPPORTED = -10, /* known, but this build or this version cannot do it */
    CAPMILL_E_DAMAGED = -11,     /* input is damaged and the job said that this is a failure (--strict) */
    CAPMILL_E_INTERRUPTED = -12, /* stopped on request */
    CAPMILL_E_CHANGED = -13,     /* an input changed while it was read */
    CAPMILL_E_INTERNAL = -14     /* a promise inside capmill was broken: please report it */
};

/* A short fixed name such as "no space" for messages and logs; never NULL, any thread. */
CAPMILL_API const char *capmill_status_name(enum capmill_status status);

#ifdef __cplusplus
}
#endif

#endif
