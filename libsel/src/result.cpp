// The error list in words.
// SPDX-License-Identifier: BSD-2-Clause
#include "sel/result.hpp"

namespace sel {

const char *describe(error_t error) {
    switch (error) {
    case OK:
        return "done";
    case ERR_CAP:
        return "no capability at this address";
    case ERR_TYPE:
        return "a capability of another type is needed";
    case ERR_RIGHT:
        return "the capability lacks a right";
    case ERR_ARG:
        return "an argument is out of range";
    case ERR_OCCUPIED:
        return "the place is already in use";
    case ERR_MEMORY:
        return "the untyped memory is too small";
    case ERR_BUSY:
        return "the object is busy";
    case ERR_BADGE:
        return "the badge does not allow this";
    case ERR_CHILDREN:
        return "the capability has children";
    case ERR_TABLE:
        return "a page table is missing";
    case ERR_PRIORITY:
        return "the priority is too high";
    case ERR_EMPTY:
        return "nothing is there";
    case ERR_TIMEOUT:
        return "the time is over";
    case ERR_GONE:
        return "it no longer exists";
    case ERR_PROTOCOL:
        return "the server does not know this message";
    case ERR_RESTARTED:
        return "the server was restarted";
    case ERR_NAME:
        return "no such name";
    case ERR_EXISTS:
        return "the name is taken";
    case ERR_FULL:
        return "no room left";
    case ERR_SYNTAX:
        return "it cannot be parsed";
    case ERR_IO:
        return "device error";
    case ERR_DIRECTORY:
        return "a directory where a file is needed, or the reverse";
    default:
        return "unknown error";
    }
}

} // namespace sel
