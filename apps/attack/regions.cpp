// Attacks with memory that it may lend: tokens that do more than lend, memory that it has let go.
// SPDX-License-Identifier: BSD-2-Clause
#include "attack.caps.hpp"
#include "attacks.hpp"

#include "sel/clock.hpp"

namespace attack {
namespace {

const sel::Capability copy{caps::empty.first};
constexpr u64 kPatienceMs = 1000;

// Nothing can be asked through it, whatever protocol it is taken for, and it cannot be made to name anything else.
bool is_only_a_token(sel::Capability token) {
    cptr_t cptr = token.cptr();
    return !sel::Client<root::Lender>{cptr}.call(root::ReleaseRegion{}) &&
           !sel::Client<root::Borrower>{cptr}.call(root::Return{.place = 0}) &&
           !sel::Client<root::Control>{cptr}.call(root::Stop{.number = 1, .code = 0, .keep = 0}) &&
           !token.mint(copy.cptr(), RIGHT_ALL, 1) && !token.mint(copy.cptr(), 0, 0);
}

} // namespace

bool abuse_token() {
    auto made = caps::lent.make(sel::milliseconds(kPatienceMs));
    sel::Capability token{caps::lent.token()}, lender{caps::lent.token() - 1};
    bool denied = made.ok() && is_only_a_token(token) && token.copy(copy.cptr()).ok() &&
                  is_only_a_token(copy);
    // Nor can the other one name another region, or bring somebody into root's hands.
    denied = denied && !lender.mint(copy.cptr(), RIGHT_ALL, 0) &&
             !caps::lent.make(sel::milliseconds(kPatienceMs), 2 * caps::lent.bytes()) &&
             !caps::starter.call_giving(token.cptr(), root::Admit{});
    // With the region all tokens are gone.
    return denied && caps::lent.release().ok() && copy.info().error() == ERR_CAP &&
           token.info().error() == ERR_CAP && !caps::lent.release();
}

bool read_released() {
    auto made = caps::lent.make(sel::milliseconds(kPatienceMs));
    if (!made || !caps::lent.release()) {
        return false;
    }
    [[maybe_unused]] u8 seen = *static_cast<volatile const u8 *>(made->data());
    return false;
}

} // namespace attack
