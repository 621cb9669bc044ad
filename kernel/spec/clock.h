// Vocabulary of the proofs: the clock.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef SPEC_CLOCK_H
#define SPEC_CLOCK_H

#include "abi/types.h"

//@ ghost u64 g_clock; // The last time that clock_now() gave.
//@ ghost u64 g_alarm; // The last time that clock_alarm() got.

#endif
