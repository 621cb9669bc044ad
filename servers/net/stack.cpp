// Stack: lwIP's interface on one side, the wire on the other.
// SPDX-License-Identifier: BSD-2-Clause
#include "stack.hpp"

#include "address.hpp"
#include "port.hpp"

#include "sel/clock.hpp"

#include <algorithm>

namespace net {

void Stack::begin() {
    lwip_init();
}

err_t Stack::set_up(netif *interface) {
    auto &stack = *static_cast<Stack *>(interface->state);
    interface->name[0] = 'e';
    interface->name[1] = 'n';
    interface->hostname = "trustos";
    interface->output = etharp_output;
    interface->linkoutput = &Stack::send;
    interface->mtu = nic::kFrameBytes - SIZEOF_ETH_HDR;
    interface->hwaddr_len = sizeof stack.info_.mac.byte;
    std::copy_n(stack.info_.mac.byte, sizeof stack.info_.mac.byte, interface->hwaddr);
    interface->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
    return ERR_OK;
}

err_t Stack::send(netif *interface, pbuf *frame) {
    auto &stack = *static_cast<Stack *>(interface->state);
    std::optional<u16> buffer;
    if (stack.attached_ && frame->tot_len <= nic::kFrameBytes) {
        buffer = stack.wire_.reserve();
    }
    if (!buffer) {
        stack.lost_out_++;
        return ERR_MEM;
    }
    pbuf_copy_partial(frame, stack.wire_.buffer(*buffer).data(), frame->tot_len, 0);
    stack.wire_.send(*buffer, frame->tot_len);
    stack.frames_out_++;
    stack.bytes_out_ += frame->tot_len;
    return ERR_OK;
}

// --- The card.

void Stack::look() {
    sel::Result<nic::Info> info = card_.info();
    if (!info) {
        leave();
        return;
    }
    // A driver that was restarted does not know of us.
    bool same = attached_ && info->mac == info_.mac && !wire_.bad() && card_.kick().ok();
    if (!same) {
        leave();
        attach(*info);
    }
    if (attached_) {
        set_link(info->link.up != 0);
    }
}

void Stack::attach(const nic::Info &info) {
    sel::Result<std::span<u8>> memory = card_.memory();
    if (!memory) {
        return;
    }
    info_ = info;
    wire_.begin(*memory, [this](u16 buffer) { return buffer < kBuffers && in_use_[buffer]; });
    attached_ = card_.attach().ok();
    if (attached_ && !added_) {
        added_ = netif_add(&interface_, nullptr, nullptr, nullptr, this, &Stack::set_up,
                           ethernet_input) != nullptr;
        netif_set_default(&interface_);
        netif_set_up(&interface_);
    }
    std::copy_n(info.mac.byte, sizeof info.mac.byte, interface_.hwaddr);
}

// Who comes back may be in another network: its address is asked for anew.
void Stack::set_link(bool up) {
    if (!added_ || up == (netif_is_link_up(&interface_) != 0)) {
        return;
    }
    if (up) {
        netif_set_link_up(&interface_);
        dhcp_start(&interface_);
    } else {
        dhcp_stop(&interface_);
        netif_set_addr(&interface_, IP4_ADDR_ANY4, IP4_ADDR_ANY4, IP4_ADDR_ANY4);
        netif_set_link_down(&interface_);
        etharp_cleanup_netif(&interface_);
    }
}

void Stack::leave() {
    if (added_) {
        set_link(false);
    }
    attached_ = false;
}

bool Stack::up() const {
    return added_ && netif_is_link_up(&interface_) && !ip4_addr_isany(netif_ip4_addr(&interface_));
}

// --- Frames.

void Stack::give_back(pbuf *frame) {
    auto *held = reinterpret_cast<Held *>(frame);
    held->stack->in_use_[held->buffer] = false;
    held->stack->wire_.give(held->buffer);
}

void Stack::take(const nic::Arrived &frame) {
    frames_in_++;
    bytes_in_ += frame.bytes.size();
    if (frame.buffer >= kBuffers) {
        lost_in_++; // The region has no such buffer: main.cpp lends as much as held_ has.
        return;
    }
    Held &held = held_[frame.buffer];
    held.stack = this;
    held.buffer = frame.buffer;
    held.base.custom_free_function = &Stack::give_back;
    u16 bytes = static_cast<u16>(frame.bytes.size());
    pbuf *p = pbuf_alloced_custom(PBUF_RAW, bytes, PBUF_REF, &held.base, frame.bytes.data(), bytes);
    in_use_[frame.buffer] = p != nullptr;
    if (p == nullptr) {
        lost_in_++;
        wire_.give(frame.buffer);
        return;
    }
    constexpr u16 kSums = NETIF_CHECKSUM_CHECK_UDP | NETIF_CHECKSUM_CHECK_TCP;
    u16 all = NETIF_CHECKSUM_ENABLE_ALL;
    NETIF_SET_CHECKSUM_CTRL(&interface_, frame.checked ? static_cast<u16>(all & ~kSums) : all);
    if (interface_.input(p, &interface_) != ERR_OK) {
        lost_in_++;
        pbuf_free(p);
    }
}

// --- Rounds.

bool Stack::take_frames() {
    u32 left = kFrames;
    do {
        sys_check_timeouts();
        netif_poll_all();
        left -= wire_.receive([this](const nic::Arrived &frame) { take(frame); }, left);
        netif_poll_all();
    } while (left != 0 && attached_ && !wire_.prepare_sleep());
    return left == 0;
}

void Stack::work() {
    bool more = false;
    for (u32 tries = 0; tries < kTries; tries++) {
        more = take_frames();
        bool kick = attached_ && wire_.wants_kick();
        if (!(attached_ && wire_.bad()) && (!kick || card_.kick().ok())) {
            break;
        }
        attached_ = false; // One of the two has lost count, or the driver is a new one.
        look();
    }
    set_deadline(more);
}

// Without a card, and without connections of this machine to itself, no timer runs.
void Stack::set_deadline(bool more) {
    due_ = more ? sel::now() : sel::kForever;
    if (more) {
        return;
    }
    u32 ms = sys_timeouts_sleeptime();
    bool needed = attached_ || tcp_active_pcbs != nullptr || tcp_tw_pcbs != nullptr;
    if (needed && ms != SYS_TIMEOUTS_SLEEPTIME_INFINITE) {
        due_ = sel::milliseconds(now_us() / 1000 + ms);
    }
}

Interface Stack::interface() const {
    Interface i{};
    std::copy_n(info_.mac.byte, sizeof i.mac, i.mac);
    i.there = attached_;
    i.up = added_ && netif_is_link_up(&interface_);
    i.asks = i.up && !up();
    if (added_) {
        i.address = from_lwip(*netif_ip_addr4(&interface_));
        i.mask = from_lwip(*netif_ip_netmask4(&interface_));
        i.router = from_lwip(*netif_ip_gw4(&interface_));
    }
    i.names = from_lwip(*dns_getserver(0));
    i.frames_in = frames_in_;
    i.bytes_in = bytes_in_;
    i.frames_out = frames_out_;
    i.bytes_out = bytes_out_;
    i.lost_in = lost_in_;
    i.lost_out = lost_out_;
    i.data = info_.data;
    return i;
}

} // namespace net
