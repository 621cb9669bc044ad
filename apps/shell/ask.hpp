// Ask: a server that was restarted with a request in hand is asked again, once.
// SPDX-License-Identifier: BSD-2-Clause
//
// Who dies of a request dies of it always: asked often enough it would stay ended, for all its clients (adr/0081).
#pragma once

#include "abi/error.h"

namespace shell {

template <typename Client, typename M>
auto ask(const Client &client, const M &m) {
    auto answer = client.call(m);
    return answer.error() == ERR_RESTARTED ? client.call(m) : answer;
}

} // namespace shell
