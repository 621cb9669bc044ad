// Attack: runs the hostile program that its argument names.
// SPDX-License-Identifier: BSD-2-Clause
#include <iterator>

#include "api.hpp"
#include "attacks.hpp"

#include "sel/environment.hpp"

namespace attack {
namespace {

struct Entry {
    std::string_view name;
    bool (*run)();
};

constexpr Entry kEntries[] = {
    {"read", read_kernel},         {"write", write_kernel},        {"jump", jump_to_kernel},
    {"foreign", read_foreign},     {"null", follow_null},          {"readonly", write_code},
    {"stack", execute_stack},      {"recurse", use_up_stack},      {"smash", smash_stack},
    {"numbers", unknown_call},     {"calls", random_calls},        {"badge", forge_badge},
    {"rights", widen_rights},      {"retype", retype_foreign},     {"map", map_foreign},
    {"priority", raise_priority},  {"exhaust", use_up_memory},     {"flood", flood_server},
    {"starve", run_for_ever},      {"divide", divide_by_zero},     {"debug", single_step},
    {"breakpoint", breakpoint},    {"opcode", invalid_opcode},     {"vector", use_vectors},
    {"segment", load_segment},     {"canonical", non_canonical},   {"general", privileged},
    {"ports", use_ports},          {"interrupt", raise_interrupt}, {"slots", delete_slots},
    {"cnode", drop_cspace},        {"vspace", drop_vspace},        {"context", drop_context},
    {"tcb", suspend_self},         {"files", leave_directory},     {"disk", leave_disk},
    {"sleeps", leave_sleeps},      {"watches", leave_watches},     {"handles", leave_handles},
    {"asleep", sleep_for_ever},    {"reads", leave_reads},         {"code", make_code},
    {"forged", forge_starts},      {"token", abuse_token},         {"released", read_released},
    {"imitate", imitate_terminal}, {"listen", listen_to_others},   {"network", leave_network},
};
static_assert(std::size(kEntries) == std::size(kAttacks));

} // namespace
} // namespace attack

int main() {
    std::string_view name = sel::environment().argument_text();
    for (const attack::Entry &entry : attack::kEntries) {
        if (entry.name == name) {
            return entry.run() ? attack::kContained : attack::kEscaped;
        }
    }
    return attack::kNoSuchAttack;
}
