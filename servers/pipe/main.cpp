// Pipe: serves its pipes.
// SPDX-License-Identifier: BSD-2-Clause
#include "pipe.caps.hpp"
#include "pipe.hpp"

#include "sel/server.hpp"

int main() {
    static piping::Pipes pipes{sel::environment().incarnation};
    sel::serve<stream::In, stream::Out, piping::Maker, piping::Binder>(caps::service, pipes);
}
