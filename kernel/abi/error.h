// The one list of results that a kernel call, a server or libsel can return.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef ABI_ERROR_H
#define ABI_ERROR_H

typedef enum {
    OK = 0,

    // Refusals by the kernel. A refused call changes nothing but the caller's denial record.
    ERR_CAP,      // The capability address names no capability.
    ERR_TYPE,     // The capability is of another type than the call needs.
    ERR_RIGHT,    // The capability lacks a right that the call needs.
    ERR_ARG,      // An argument lies outside its documented range.
    ERR_OCCUPIED, // The destination slot, table entry or bond is already in use.
    ERR_MEMORY,   // The untyped memory is too small for the request.
    ERR_BUSY,     // The object is in a state that refuses this call.
    ERR_BADGE,    // The capability already has a badge, or has none where one is needed.
    ERR_CHILDREN, // The capability has children: revoke it first.
    ERR_TABLE,    // A page table is missing on the way to this address.
    ERR_PRIORITY, // The priority exceeds the caller's maximum.

    // Ends of a wait that brought no message.
    ERR_EMPTY,   // Nothing was there, and the call does not wait.
    ERR_TIMEOUT, // The time given for the wait has passed.
    ERR_GONE, // The object, the capability called through, or the thread that was to answer no longer exists.

    // Answers of servers and of libsel.
    ERR_PROTOCOL,  // The server does not know this message.
    ERR_RESTARTED, // The server was restarted: what was held there is gone, ask again.
    ERR_NAME,      // No such name.
    ERR_EXISTS,    // The name is already taken.
    ERR_FULL,      // No room left.
    ERR_SYNTAX,    // The input cannot be parsed.
    ERR_IO,        // The device reported an error.
    ERR_DIRECTORY, // A directory stands where a file was expected, or the reverse.

    ERR_COUNT
} error_t;

#endif
